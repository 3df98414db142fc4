# What bash offers after "memshared": its options.
# shellcheck shell=bash

_memshared() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $before == = ]]; then # bash takes it for a word of its own
        before=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $word == = ]]; then
        word=''
    fi
    case $before in
    --log-level) mapfile -t COMPREPLY < <(compgen -W 'debug info warning error off' -- "$word") ;;
    --config | --socket)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W '--help --version --check --config --socket --log-level
            --sessions-per-user --segments-per-user --bytes-per-user --attachments-per-user --names-per-user
            --streams-per-user --unread-bytes-per-user --call-bytes-per-user --description-bytes-per-user
            --initial-bytes-per-user --kept-segments-per-user --kept-bytes-per-user --total-sessions --total-segments
            --total-bytes --total-attachments --total-names --total-streams --total-unread-bytes --total-call-bytes
            --total-description-bytes --total-initial-bytes' -- "$word")
        ;;
    esac
}

complete -F _memshared memshared

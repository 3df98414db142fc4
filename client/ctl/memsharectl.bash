# What bash offers after "memsharectl": commands, options, and the names of the segments that there are.
# shellcheck shell=bash

# The names of the segments, or the ids of those without, one a line. They are others' words: nothing here may
# ever expand them.
_memsharectl_segments() {
    local LC_ALL=C.UTF-8 header before_type line name # a column is so many characters, not bytes
    timeout 2 "$@" list 2>/dev/null </dev/null | {
        IFS= read -r header || return
        before_type=${header%%TYPE*}
        while IFS= read -r line; do
            name=${line:0:${#before_type}}
            name=${name%"${name##*[! ]}"}
            if [[ $name =~ ^\(([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\)$ ]]; then
                name=${BASH_REMATCH[1]}
            fi
            printf '%s\n' "$name"
        done
    }
}

# Reads candidates, one a line, and offers those that go on with the word.
_memsharectl_offer() {
    local word=$1 quote='' candidate offered unbroken=''
    case $word in
    \"* | \'*)
        quote=${word:0:1}
        word=${word:1}
        ;;
    *)
        unbroken=${word%"${word##*[:=]}"} # bash replaces only what is behind the last of these
        # shellcheck disable=SC2162 # its backslashes are to go
        IFS= read word <<<"$word"
        ;;
    esac
    while IFS= read -r candidate; do
        if [[ $candidate == "$word"* ]]; then
            offered=$candidate
            if [[ $quote == '' ]]; then
                printf -v offered '%q' "$candidate"
            fi
            COMPREPLY+=("${offered#"$unbroken"}")
        fi
    done
}

_memsharectl_offer_words() {
    local word=$1
    shift
    _memsharectl_offer "$word" < <(printf '%s\n' "$@")
}

_memsharectl_offer_files() {
    local word=$1
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

_memsharectl() {
    local -A options=(
        [list]='--json' [show]='--json' [stats]='--json' [watch]='--json' [set]='--at' [run]='--daemon'
        [create]='--count --shape --lifetime --mode --group --freezable --reserve --huge-pages'
        [get]='' [destroy]='' [chmod]='' [chown]='' [persist]='' [freeze]='' [doctor]=''
    )
    local takes_value=' --socket --at --daemon --count --shape --lifetime --mode --group --huge-pages '
    local ask=("${1/#\~\//$HOME/}") command='' option='' rest=$COMP_LINE words=() argument=0 at word
    COMPREPLY=()

    # bash takes ":" and "=" for ends of words, and memsharectl does not.
    for ((at = 0; at <= COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if ((at == 0)) || [[ $rest == [[:space:]]* ]]; then
            words+=("$word")
        else
            words[-1]+=$word
        fi
        rest=${rest#"${rest%%[![:space:]]*}"}
        rest=${rest#"$word"}
    done

    # What comes before: the command, how many arguments, and perhaps an option whose value is to come.
    for word in "${words[@]:1:${#words[@]}-2}"; do
        if [[ $option != '' ]]; then
            [[ $option == --socket ]] && ask+=(--socket "$word")
            option=''
        elif [[ $command == run && $argument -gt 0 ]]; then
            argument=2
        elif [[ $word == --socket=* ]]; then
            ask+=("$word")
        elif [[ $takes_value == *" $word "* ]]; then
            option=$word
        elif [[ $word == -- && $command == run ]]; then
            argument=1 # the command of another program is to come
        elif [[ $word == -* ]]; then
            continue
        elif [[ $command == '' ]]; then
            command=$word
        elif [[ $command == run ]]; then
            argument=2
        else
            argument=$((argument + 1))
        fi
    done

    word=${words[-1]}
    if [[ $option == '' && $word == --*=* ]]; then
        option=${word%%=*}
        word=${word#*=}
    fi
    case $option in
    --lifetime) _memsharectl_offer_words "$word" persistent attached ;;
    --huge-pages) _memsharectl_offer_words "$word" transparent size_2m size_1g no ;;
    --group) _memsharectl_offer "$word" < <(compgen -g) ;;
    --socket | --daemon) _memsharectl_offer_files "$word" ;;
    esac
    if [[ $option != '' ]]; then
        return
    fi

    if [[ $command == run && $argument -gt 0 ]]; then
        if ((argument == 1)); then
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
        else
            _memsharectl_offer_files "$word"
        fi
    elif [[ $word == -* ]]; then
        # shellcheck disable=SC2086 # they are words
        _memsharectl_offer_words "$word" --help --socket ${options[$command]-}
        if [[ $command == '' ]]; then
            _memsharectl_offer_words "$word" --version
        fi
    else
        case $command-$argument in
        -0) _memsharectl_offer_words "$word" "${!options[@]}" ;;
        create-1)
            _memsharectl_offer_words "$word" i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 bool char wchar
            ;;
        chown-0) _memsharectl_offer "$word" < <(compgen -g | sed 's/^/:/') ;;
        create-* | chmod-0 | get-[1-9]* | set-[1-9]* | show-[1-9]* | list-[1-9]* | watch-[1-9]*) ;;
        stats-* | doctor-*) ;;
        run-0) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
        *) _memsharectl_offer "$word" < <(_memsharectl_segments "${ask[@]}") ;;
        esac
    fi
}

complete -F _memsharectl memsharectl

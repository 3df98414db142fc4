#compdef memsharectl
# What zsh offers after "memsharectl": commands, options, and the names of the segments that there are.

# The names of the segments, or the ids of those without. They are others' words: nothing here may ever
# expand them.
_memsharectl_segments() {
    local LC_ALL=C.UTF-8 name # a column is so many characters, not bytes
    local -a lines names
    lines=("${(@f)$(timeout 2 $ask list 2>/dev/null </dev/null)}")
    local before_type=${lines[1]%%TYPE*}
    for name in "${(@)lines[2,-1]}"; do
        name=${name[1,$#before_type]}
        name=${name%"${name##*[! ]}"}
        if [[ $name =~ '^\([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)$' ]]; then
            name=${name[2,-2]}
        fi
        names+=("$name")
    done
    compadd "$@" -a names
}

_memsharectl() {
    local state at
    local -a line ask common specs
    local -A opt_args
    ask=(${${(Q)words[1]}/#\~\//$HOME/})
    for ((at = 2; at < CURRENT; at++)); do
        case $words[at] in
        --socket) ask+=(--socket "${(Q)words[at + 1]}") ;;
        --socket=*) ask+=("${(Q)words[at]}") ;;
        esac
    done
    common=('(- *)'{-h,--help}'[print help]' '--socket=[the socket of the broker]:socket:_files')
    _arguments -A '-*' -C $common '(- *)--version[print the version]' \
        '1:command:(list show create get set destroy chmod chown persist freeze stats doctor watch run)' \
        '*::argument:->arguments' && return
    [[ $state == arguments ]] || return
    case $line[1] in
    list | watch) specs=('--json[print JSON]' '1:pattern:_memsharectl_segments') ;;
    show) specs=('--json[print JSON]' '1:segment:_memsharectl_segments') ;;
    stats) specs=('--json[print JSON]') ;;
    create)
        specs=('--count=[make an array of this length]:length:'
            '--shape=[make an array of these dimensions]:dimensions:'
            '--lifetime=[when it ends]:lifetime:(persistent attached)'
            '--mode=[its read and write bits]:mode:' '--group=[the group of the group bits]:group:_groups'
            '--freezable[let it be frozen later]' '--reserve[take all of its memory now]'
            '--huge-pages=[its memory pages]:pages:(transparent size_2m size_1g no)'
            '1:name:' '2:element:(i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 bool char wchar)')
        ;;
    get) specs=('1:segment:_memsharectl_segments' '2:range:') ;;
    set) specs=('--at=[begin with this element]:index:' '1:segment:_memsharectl_segments' '*:value:') ;;
    chmod) specs=('1:mode:' '*:segment:_memsharectl_segments') ;;
    chown) specs=('1:group:compadd -P \: -- ${${(f)"$(getent group)"}%%\:*}' '*:segment:_memsharectl_segments') ;;
    destroy | persist | freeze) specs=('*:segment:_memsharectl_segments') ;;
    run)
        specs=('--daemon=[the memshared to start]:program:_files'
            '(-)1:command:_command_names -e' '*::arguments:_normal')
        ;;
    esac
    _arguments $common $specs
}

_memsharectl "$@"

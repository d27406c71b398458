# bash completion for txctl, txbench, txrecover, txcoordinator and txparticipant.
#
# Commands and options come from --help of the program that is being completed, so they are always its own. Names of
# nodes come from the coordinator's configuration, which lies beside the client's; where there is none, from the
# running cluster, which gets a second for it.

# _assent_help PROGRAM [COMMAND]: its help; empty when it cannot be run.
_assent_help() {
    "$@" --help 2>/dev/null
}

# The long options of a help text, with "=" where one takes a value; the short ones.
_assent_options() {
    grep -oE -- '^ +(-[A-Za-z?], +)?--[a-z][a-z-]*=?|^ +-[A-Za-z?],' | grep -oE -- '--[a-z][a-z-]*=?|-[A-Za-z?]' | sort -u
}

# The commands of a help text: "Commands: exec, get; ..."
_assent_commands() {
    tr '\n' ' ' | sed -n 's/.*Commands: \([a-z, -]*\)[;.].*/\1/p' | tr -d ','
}

# _assent_nodes PROGRAM OPTION...: the participants of the cluster.
_assent_nodes() {
    local program=$1 config=${ASSENT_CONFIG:-/etc/assent/client.conf} names i
    shift
    for ((i = 1; i <= $#; i++)); do
        case ${!i} in
        -c | --config) ((i < $#)) && ((i++)) && [[ ${!i} == = ]] && ((i++)); config=${!i} ;;
        --config=*) config=${!i#--config=} ;;
        esac
    done
    names=$(cat "$(dirname -- "${config/#\~/$HOME}")"/*.conf 2>/dev/null | awk '
        /^[ \t]*\[/ { on = $0 ~ /^[ \t]*\[participants\]/; next }
        on && /^[ \t]*[A-Za-z0-9_.-]+[ \t]*[=:]/ { sub(/^[ \t]*/, ""); sub(/[ \t]*[=:].*/, ""); print }' | sort -u)
    [[ -n $names ]] || names=$(timeout 1 "$program" "$@" --json status 2>/dev/null |
        grep -oE '"name":"participant [A-Za-z0-9_.-]+' | sed 's/.* //')
    printf '%s\n' "$names"
}

# The command among the words in front of the cursor, and how many words of its own stand there; options and their
# values do not count.
_assent_find_command() {
    local i
    command='' own=0
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        -c | -C | -a | --config | --cluster | --coordinator) ((i++)) ;;
        -*) ;;
        *) if [[ -z $command ]]; then command=${words[i]}; else ((++own)); fi ;;
        esac
    done
}

# The value of an option; false when nothing is known of it.
_assent_value() {
    case $program:$command:$prev in
    *:*:-c | *:*:--config) _filedir conf ;;
    txctl:exec:-f | *:*:--file | *:*:--acked | *:*:--attempted | *:*:--history | *:*:--plot) _filedir ;;
    *:*:--into | *:*:--archive) _filedir -d ;;
    txctl:*:-i | *:*:--isolation)
        COMPREPLY=($(compgen -W 'serializable repeatable-read read-committed read-uncommitted' -- "$cur")) ;;
    txctl:locks:-o | *:*:--sort) COMPREPLY=($(compgen -W 'tx space wait' -- "$cur")) ;;
    *:*:--cluster | *:*:--coordinator | txctl:*:-[CaotTlnsik] | *:*:--operator) ;;
    *) return 1 ;;
    esac
}

# The words that a command of txctl takes.
_assent_argument() {
    case $program:$command:$own in
    txctl:drain:0 | txctl:undrain:0 | txctl:log-level:0 | txctl:reload:0)
        COMPREPLY=($(compgen -W "coordinator $(_assent_nodes "${words[0]}" "${words[@]:1:cword-1}")" -- "$cur")) ;;
    txctl:readmit:0 | txctl:locks:* | txctl:waits:*)
        COMPREPLY=($(compgen -W "$(_assent_nodes "${words[0]}" "${words[@]:1:cword-1}")" -- "$cur")) ;;
    txctl:log-level:1) COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")) ;;
    txctl:exec:0)
        COMPREPLY=($(compgen -W 'get get-for-update put insert delete add check lock scan' -- "$cur")) ;;
    txctl:get:0)
        COMPREPLY=($(compgen -S / -W "$(_assent_nodes "${words[0]}" "${words[@]:1:cword-1}")" -- "$cur"))
        compopt -o nospace ;;
    txrecover:archive:0) COMPREPLY=($(compgen -W 'list verify add' -- "$cur")) ;;
    txrecover:*) _filedir -d ;;
    esac
}

_assent() {
    local cur prev words cword split command own program=${1##*/}
    _init_completion -s || return
    _assent_find_command
    if _assent_value || $split; then
        return
    fi
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_assent_help "${words[0]}" ${command:+"$command"} | _assent_options)" -- "$cur"))
        [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "$(_assent_help "${words[0]}" | _assent_commands)" -- "$cur"))
    else
        _assent_argument
    fi
}

complete -F _assent txctl txbench txrecover txcoordinator txparticipant

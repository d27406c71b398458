#!/bin/bash
# The completion of bash, run as bash runs it, against the programs: commands and options are those of --help, both
# ways; names of nodes are those of the configuration, or of nobody.
# usage: completion_test.sh BIN_DIR COMPLETION     exit status 1 when something is amiss, 77 without bash-completion
set -u
bin=$1 completion=$2
[ -r /usr/share/bash-completion/bash_completion ] || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
shopt -s extglob progcomp
. /usr/share/bash-completion/bash_completion
. "$completion"
PATH=$bin:$PATH
unset ASSENT_CONFIG
status=0
complain() {
    echo "$*"
    status=1
}

# suggest WORD...: what Tab offers for the last word.
suggest() {
    local function
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMP_LINE="$*"
    COMP_POINT=${#COMP_LINE}
    COMP_TYPE=9 COMP_KEY=9
    COMPREPLY=()
    function=$(complete -p "$1" | sed 's/.*-F \([^ ]*\).*/\1/')
    "$function" "$1" "${@: -1}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>"$dir/err"
    # compopt works only inside of a completion, which this is not.
    grep -v 'compopt: not currently executing' "$dir/err" >"$dir/bad" && complain "$*: $(cat "$dir/bad")"
    printf '%s\n' "${COMPREPLY[@]}" | sed 's/=$//; /^$/d' | sort -u
}

# expect WHAT WORDS... -- SUGGESTIONS...
expect() {
    local words=()
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    shift
    local found
    found=$(suggest "${words[@]}" | tr '\n' ' ')
    [ "$found" = "${*:+$* }" ] || complain "${words[*]}: suggests \"$found\", not \"$*\""
}

# Every option that a help text names at the beginning of a line, read in another way than the completion does.
help_options() {
    "$@" --help | awk '/^ +-/ { for (i = 1; i <= NF && $i ~ /^-/; i++) { sub(/[=,].*/, "", $i); print $i } }' | sort -u
}

compare_options() {
    suggest "$@" - >"$dir/suggested"
    help_options "$@" >"$dir/helped"
    [ -s "$dir/helped" ] || complain "$* --help shows no option"
    diff -u --label "completion of $*" --label "$* --help" "$dir/suggested" "$dir/helped" || status=1
}

for program in txctl txbench txrecover txcoordinator txparticipant; do
    compare_options "$program"
done
for program in txctl txbench txrecover; do
    commands=$("$program" --help | tr '\n' ' ' | sed 's/.*Commands: \([^;.]*\)[;.].*/\1/; s/,//g')
    [ "$(echo "$commands" | wc -w)" -gt 4 ] || complain "$program --help names no commands"
    suggest "$program" '' >"$dir/suggested"
    printf '%s\n' $commands | sort -u >"$dir/helped"
    diff -u "$dir/suggested" "$dir/helped" || status=1
    for command in $commands; do
        compare_options "$program" "$command"
    done
done

# Nodes, from the coordinator's file beside the client's; a cluster that is not there is asked in vain.
mkdir "$dir/conf" "$dir/none"
printf '[client]\ncluster = x\ncoordinator = ipc://%s/none.sock\n' "$dir" | tee "$dir/none/client.conf" >"$dir/conf/client.conf"
printf '[node]\ncluster = x\ndata = x\n[participants]\nalpha = tcp://127.0.0.1:1\n beta=tcp://127.0.0.1:2\n[log]\nlevel = info\n' \
    >"$dir/conf/coordinator.conf"
expect txctl dr -- drain
expect txctl --config "$dir/conf/client.conf" drain '' -- alpha beta coordinator
expect txctl -c "$dir/conf/client.conf" locks b -- beta
expect txctl -c "$dir/conf/client.conf" log-level alpha '' -- debug error info warn
expect txctl -c "$dir/conf/client.conf" get a -- alpha/
expect txctl -c "$dir/none/client.conf" undrain '' -- coordinator
ASSENT_CONFIG=$dir/conf/client.conf expect txctl waits '' -- alpha beta
expect txctl locks --sort '' -- space tx wait
expect txctl get --isolation read -- read-committed read-uncommitted
expect txcoordinator --config "$dir/conf/" -- "$dir/conf/client.conf" "$dir/conf/coordinator.conf"
expect txrecover summary "$dir/n" -- "$dir/none"
expect txrecover archive '' -- add list verify
[ "$status" != 0 ] || echo "the completion agrees with the programs"
exit "$status"

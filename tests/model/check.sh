#!/usr/bin/env bash
# check.sh [PART...]: checks the models in this folder with spin, setting by setting.
#   good      must hold: every state is visited, none is skipped
#   mistakes  each must be found: its shortest counter-example is counted
#   limits    what the protocol does not promise: a counter-example must exist, as README.md says
# Without PART: all three. Environment: CC, and TRAIL=NAME to print the counter-example of a setting.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
CC=${CC:-cc}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cd "$WORK"
failed=0

# part|name|file|options of spin
SETTINGS='
good|a-2-interactive|mode_a.pml|
good|a-2-one-shot|mode_a.pml|-DONE_SHOT
good|a-2-reader|mode_a.pml|-DREADERS=2
good|a-2-two-starts|mode_a.pml|-DC_CRASHES=2 -DP_CRASHES=0
good|a-2-two-incarnations|mode_a.pml|-DC_CRASHES=0 -DP_CRASHES=2
good|a-2-old-process|mode_a.pml|-DOLD_PROCESS -DP_CRASHES=0
good|a-2-old-copy|mode_a.pml|-DRESTORE=1 -DP_CRASHES=0
good|a-2-old-copy-known-to-one|mode_a.pml|-DRESTORE=3 -DP_CRASHES=0
good|a-2-old-member|mode_a.pml|-DOLD_DISK=1
good|a-2-old-member-asked|mode_a.pml|-DOLD_DISK=3
good|a-3-reader|mode_a.pml|-DN=3 -DREADERS=4 -DP_CRASHES=0
good|d-2-interactive|mode_d.pml|
good|d-2-one-shot|mode_d.pml|-DONE_SHOT
good|d-2-old-process|mode_d.pml|-DOLD_PROCESS
good|d-2-two-starts|mode_d.pml|-DC_CRASHES=2
good|d-3|mode_d.pml|-DN=3 -DP_CRASHES=0
mistakes|vote-before-durable|mode_a.pml|-DBUG_VOTE_BEFORE_DURABLE
mistakes|ack-before-durable|mode_a.pml|-DBUG_ACK_BEFORE_DURABLE
mistakes|commit-before-durable|mode_a.pml|-DBUG_COMMIT_BEFORE_DURABLE
mistakes|presume-abort-while-active|mode_a.pml|-DBUG_PRESUME_ABORT_WHILE_ACTIVE
mistakes|no-incarnation-check|mode_a.pml|-DBUG_NO_INCARNATION_CHECK
mistakes|forget-before-acks|mode_a.pml|-DBUG_FORGET_BEFORE_ACKS
mistakes|inquiry-from-lost-memory|mode_a.pml|-DBUG_INQUIRY_FROM_LOST_MEMORY
mistakes|not-found-is-success|mode_a.pml|-DOLD_DISK=1 -DBUG_NOT_FOUND_IS_SUCCESS
mistakes|prepare-after-commit|mode_a.pml|-DONE_SHOT -DBUG_PREPARE_AFTER_COMMIT
mistakes|tombstone-forgotten|mode_a.pml|-DONE_SHOT -DBUG_TOMBSTONE_FORGOTTEN
mistakes|read-only-proves|mode_a.pml|-DREADERS=2 -DBUG_READ_ONLY_PROVES
mistakes|no-evidence|mode_a.pml|-DOLD_DISK=3 -DBUG_NO_EVIDENCE
mistakes|no-directory-lock|mode_a.pml|-DOLD_PROCESS -DP_CRASHES=0 -DBUG_NO_DIRECTORY_LOCK
mistakes|lineage-not-compared|mode_a.pml|-DRESTORE=1 -DP_CRASHES=0 -DBUG_LINEAGE_NOT_COMPARED
mistakes|presumed-too-early|mode_a.pml|-DRESTORE=3 -DP_CRASHES=0 -DBUG_PRESUMED_TOO_EARLY
mistakes|answer-after-fence|mode_a.pml|-DRESTORE=1 -DP_CRASHES=0 -DBUG_ANSWER_AFTER_FENCE
mistakes|d-abort-alone|mode_d.pml|-DBUG_ABORT_ALONE
mistakes|d-presume-abort|mode_d.pml|-DBUG_PRESUME_ABORT
mistakes|d-no-tombstone|mode_d.pml|-DONE_SHOT -DBUG_NO_TOMBSTONE
mistakes|d-no-incarnation-check|mode_d.pml|-DONE_SHOT -DBUG_NO_INCARNATION_CHECK
mistakes|d-vote-before-durable|mode_d.pml|-DBUG_VOTE_BEFORE_DURABLE
mistakes|d-forget-before-acks|mode_d.pml|-DBUG_FORGET_BEFORE_ACKS
mistakes|d-yes-of-some|mode_d.pml|-DN=3 -DP_CRASHES=0 -DBUG_YES_OF_SOME
mistakes|d-old-mark-unasked|mode_d.pml|-DBUG_OLD_MARK_UNASKED
mistakes|d-unsettled-in-memory|mode_d.pml|-DBUG_UNSETTLED_IN_MEMORY
mistakes|d-forgotten-is-aborted|mode_d.pml|-DBUG_FORGOTTEN_IS_ABORTED
limits|old-copy-unknown-to-some|mode_a.pml|-DRESTORE=2 -DP_CRASHES=0 -DC_CRASHES=0
limits|old-member-asked|mode_a.pml|-DOLD_DISK=2
'

# The first number after a word of pan's report.
figure() { sed -n "s/$1/\1/p" pan.out | tail -1 | tr -d ' '; }

# verdict PART: what came out, into $verdict; false when that is not what must come out.
judge() {
    local errors
    errors=$(figure '.*errors: \([0-9]*\).*')
    if [ "$1" = good ]; then
        verdict="holds, all states visited"
        [ "$errors" = 0 ] && ! grep -qE 'Search not completed|search depth too small|out of memory' pan.out && return
        verdict="FAILED: an error, or not all states visited"
    else
        verdict="found, $(figure '.*at depth \([0-9]*\).*') steps"
        [ "$errors" = 1 ] && grep -q 'assertion violated' pan.out && return
        verdict="NOT FOUND"
    fi
    return 1
}

# run PART NAME FILE OPTION...
run() {
    local part=$1 name=$2 file=$3 verdict optimise=-O1 search=(-DSAFETY -DNOREDUCE -DMEMLIM=2000)
    shift 3
    rm -f pan* ./*.trail
    if [ "$part" != good ]; then
        set -- "$@" -DSHORTEST
        search+=(-DBFS)
        optimise=-O0 # few states: compiling would take longer than searching
    fi
    spin "$@" -a "$HERE/$file" >spin.out || { cat spin.out; exit 1; }
    "$CC" $optimise -w "${search[@]}" -o pan pan.c
    ./pan -m10000 -w22 >pan.out 2>&1 || true
    judge "$part" || failed=1
    printf '%-9s %-26s %9s %10s %5s %7s  %s\n' "$part" "$name" "$(figure ' *\([0-9]*\) states, stored.*')" \
        "$(figure ' *\([0-9]*\) transitions.*')" "$(figure '.*depth reached \([0-9]*\).*')" \
        "$(figure '.*elapsed time \([0-9.e+-]*\) seconds.*')" "$verdict"
    if [ "${TRAIL:-}" = "$name" ] && ls ./*.trail >/dev/null 2>&1; then
        spin "$@" -t -k ./*.trail "$HERE/$file" | grep -vE '^\s+[a-z_]+(\[[0-9]+\])? = '
    fi
}

printf '%-9s %-26s %9s %10s %5s %7s  %s\n' part setting states transit. depth seconds verdict
while IFS='|' read -r part name file options; do
    [ -n "$part" ] || continue
    if [ $# -gt 0 ] && [[ " $* " != *" $part "* ]]; then continue; fi
    [ -z "${TRAIL:-}" ] || [ "$TRAIL" = "$name" ] || continue
    read -ra options <<<"$options"
    run "$part" "$name" "$file" "${options[@]}"
done <<<"$SETTINGS"
exit $failed

#!/bin/sh
# txcheck as its users see it: what it prints, and its exit status.
# usage: txcheck_test.sh TXCHECK HISTORIES
set -eu
txcheck=$1 histories=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

# expect STATUS TEXT COMMAND...: the command leaves with that status, and its output holds the text.
expect() {
    wanted=$1 text=$2 status=0
    shift 2
    "$@" >"$dir/out" 2>&1 || status=$?
    if [ "$status" != "$wanted" ] || ! grep -qF -- "$text" "$dir/out"; then
        echo "$*: status $status instead of $wanted, or without \"$text\":"
        cat "$dir/out"
        failures=$((failures + 1))
    fi
}

expect 0 'check_append     fine: 10 reads and appends of lists' "$txcheck" "$histories/good-lists.jsonl"
expect 0 'check_bank       nothing to look at' "$txcheck" "$histories/good-lists.jsonl"
expect 1 'check_append     BROKEN' "$txcheck" "$histories/G2-item.jsonl"
expect 1 '      1-1-1 -rw-> 1-1-2: 1-1-1 read a/lists/x without 2, which 1-1-2 appended' \
    "$txcheck" "$histories/G2-item.jsonl"
expect 1 'real-time: real-time (G-single), a cycle of 2 transactions:' "$txcheck" "$histories/real-time.jsonl"
expect 1 'not final' "$txcheck" "$histories/G0.jsonl" "$histories/good-lists.jsonl"
expect 2 "txcheck: $dir/none: cannot open it: No such file or directory" \
    "$txcheck" "$histories/G0.jsonl" "$dir/none" "$histories/good-lists.jsonl"
expect 2 'a file is missing' "$txcheck"
expect 2 'unrecognized option' "$txcheck" --no-such-option
expect 0 'txcheck ' "$txcheck" --version

# A file that was cut off in the middle of a line, from standard input.
size=$(wc -c <"$histories/G0.jsonl")
head -c $((size - 5)) "$histories/G0.jsonl" >"$dir/cut"
expect 2 'standard input:5: the last line has no newline: it was cut off' sh -c "'$txcheck' - <'$dir/cut'"
expect 1 'standard input: 4 transactions, 0 records' sh -c "'$txcheck' - <'$histories/G0.jsonl'"
expect 2 'txcheck: cannot write' sh -c "'$txcheck' '$histories/G0.jsonl' >/dev/full"

# Many anomalies are counted and not all shown.
{
    echo '{"type":"meta","version":1,"final":true}'
    for i in $(seq 1 50); do echo "{\"type\":\"end\",\"node\":\"p$i\",\"alarms\":1}"; done
} >"$dir/many"
expect 1 '    and 30 more' "$txcheck" "$dir/many"

[ "$failures" = 0 ] || exit 1
echo "txcheck says what it should"

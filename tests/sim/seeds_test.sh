#!/bin/sh
# Runs the seeds that found something once: seeds.txt says which, with which options, and what it was.
# usage: seeds_test.sh TXSIM SEEDS_FILE
set -eu
txsim=$1 file=$2
n=0
sed 's/#.*//' "$file" | while read -r seed options; do
    [ -n "$seed" ] || continue
    set --
    for option in $options; do
        set -- "$@" --set "$option"
    done
    "$txsim" --seed "$seed" "$@" >/dev/null || {
        echo "broken again: txsim --seed $seed $*"
        exit 1
    }
done
n=$(sed 's/#.*//' "$file" | grep -c '[0-9]')
echo "$n seeds"
[ "$n" -gt 0 ]

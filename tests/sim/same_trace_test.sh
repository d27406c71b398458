#!/bin/sh
# The same seed gives the same trace, byte for byte, whatever compiled the simulator: builds it with the other compiler and
# without optimisation, and compares the hashes of whole traces.
# usage: same_trace_test.sh TXSIM SOURCE_DIR CC SEEDS
set -eu
txsim=$1 source=$2 cc=$3 seeds=$4
case $("$cc" --version | head -n 1) in
*clang*) other=gcc ;;
*) other=clang ;;
esac
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if ! { cmake -S "$source" -B "$dir/build" -G Ninja -DCMAKE_C_COMPILER="$other" -DCMAKE_BUILD_TYPE=Debug &&
    cmake --build "$dir/build" --target txsim; } >"$dir/log" 2>&1; then
    cat "$dir/log"
    exit 1
fi
"$txsim" --seeds "$seeds" --hash | grep '^hash' >"$dir/here"
"$dir/build/tests/txsim" --seeds "$seeds" --hash | grep '^hash' >"$dir/there"
if ! diff "$dir/here" "$dir/there"; then
    echo "traces of $cc and of $other differ; compare txsim --seed N --trace of both"
    exit 1
fi
echo "$(wc -l <"$dir/here") traces of $cc and of $other -O0 are the same"
[ "$(wc -l <"$dir/here")" -ge 50 ]

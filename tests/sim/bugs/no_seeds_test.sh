#!/bin/sh
# No seeded bug gets into anything but the simulator that looks for them: neither a symbol nor a name of one is in
# what is installed, in the cores' own libraries or in the ordinary simulator, and nothing else is compiled with them.
# usage: no_seeds_test.sh BUILD_DIR
set -eu
cd "$1"
status=0
marks='tx_seeded|tx_asserts_ignored|ACK_BEFORE_DURABLE|WOUND_PREPARED|NOT_FOUND_IS_SUCCESS'

grep -Eaq "$marks" tests/txsim_bugs || { echo "tests/txsim_bugs has no seeded bug: this test would find nothing"; exit 1; }
for file in bin/* lib/*.so lib/*.a tests/txsim; do
    case $file in
    lib/*_seeded.a) continue ;;
    esac
    [ -f "$file" ] || continue
    looked=$((${looked:-0} + 1))
    if strings -a "$file" | grep -Eq "$marks"; then
        echo "$file: has a seeded bug in it"
        status=1
    fi
done
[ "${looked:-0}" -ge 10 ] || { echo "only ${looked:-0} files looked at"; status=1; }
if sed -n 's/^build \([^:]*\):.*/\1/p; s/^  DEFINES = .*ASSENT_SEEDED_BUGS.*/SEEDED/p' build.ninja |
    awk '/SEEDED/ { print at } { at = $0 }' | grep -Ev '_seeded\.dir/|txsim_bugs\.dir/'; then
    echo "these are compiled with seeded bugs and should not be"
    status=1
fi
exit $status

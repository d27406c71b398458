#!/bin/sh
# What systemd-analyze says of the installed units: that they are well formed, and how much of the system is open to
# them; and that it says so of worse ones. units_run_test.sh shows that the daemons run below them.
# usage: units_test.sh BUILD_DIR
set -eu
build=$1
# The measure of systemd-analyze security goes from 0 to 10, here times ten: what is left are networking on loopback
# and what any service has.
THRESHOLD=12
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "units: $*"
    exit 1
}
cmake --install "$build" --prefix "$dir/opt" --component server >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"
export SYSTEMD_UNIT_PATH="$dir/opt/lib/systemd/system:" # and those of the system behind it

# verify UNIT: no word from it
verify() {
    systemd-analyze verify --man=no "$1" >"$dir/log" 2>&1 && ! grep -q "$dir" "$dir/log" && ! grep -q assent "$dir/log"
}
security() {
    systemd-analyze security --no-pager --offline=true --threshold=$THRESHOLD "$1" >"$dir/log" 2>&1
}
verify assent.target || fail "$(cat "$dir/log")"
for kind in coordinator participant; do
    unit=assent-$kind@x.service
    file=$dir/opt/lib/systemd/system/assent-$kind@.service
    verify "$unit" || fail "$(cat "$dir/log")"
    security "$unit" || fail "$unit is open to more than $THRESHOLD: $(tail -n 1 "$dir/log")"
    cp "$file" "$dir/kept"
    sed -i 's/^Restart=.*/Restart=perhaps/' "$file"
    ! verify "$unit" || fail "a wrong Restart= is not noticed"
    sed 's/^CapabilityBoundingSet=.*//' "$dir/kept" >"$file"
    ! security "$unit" || fail "all capabilities are not noticed"
    cp "$dir/kept" "$file"
done
# The two differ in their names alone.
sed -e 's/participant/coordinator/g' "$dir/opt/lib/systemd/system/assent-participant@.service" |
    diff - "$dir/opt/lib/systemd/system/assent-coordinator@.service" || fail "the units have grown apart"
echo "the units are well formed and hardened"

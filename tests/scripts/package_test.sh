#!/bin/bash
# Makes the Debian packages and judges them: what is in each (tests/scripts/packages.list), lintian, dependencies; then
# installs them below a root of their own, with their scripts, runs a cluster from there, installs them again, removes
# and purges them.
# usage: package_test.sh SOURCE_DIR
set -euo pipefail
# As root, or as if: files of a package belong to root.
[ "$(id -u)" = 0 ] || [ -n "${FAKEROOTKEY:-}" ] || exec fakeroot "$0" "$@"
source=$(cd "$1" && pwd)
dir=$(mktemp -d)
root=$dir/root
. "$source/tests/scripts/installed_cluster.sh"
. "$source/tests/scripts/page_blocks.sh"
trap 'cluster_kill; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
fail() {
    echo "packages: $*"
    exit 1
}
has() { # has FILE TEXT
    grep -qF -- "$2" "$1" || fail "no word of \"$2\": $(cat "$1")"
}

# The commands of docs/install.md, with the directories of this test; apt-get is dpkg here, on a root of its own, and the
# installed txctl asks the cluster of this test.
dpkg_root() {
    dpkg --root="$root" --force-script-chrootless --force-depends --force-not-root --log="$dir/dpkg.log" "$@" \
        >"$dir/log" 2>&1 || fail "dpkg $*: $(cat "$dir/log")"
}
apt-get() {
    dpkg_root "--$1" "${@:2}"
}
txctl() {
    LD_LIBRARY_PATH=$library "$root/usr/bin/txctl" --config "$dir/cluster/client.conf" "$@" >"$dir/log" ||
        fail "txctl $*: $(cat "$dir/log")"
}
as_documented() { # as_documented HEADING N
    page_block "$source/docs/install.md" "$1" "$2" >"$dir/block"
    sed -i -e "s|^\./scripts/package|\"$source/scripts/package\" \"$dir/packages\" >\"$dir/log\" 2>\&1|" \
        -e "s|\./build/package/packages/|$dir/packages/|" "$dir/block"
    . "$dir/block"
}
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/etc"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
as_documented Installing 1 || fail "$(cat "$dir/log")"
cd "$dir/packages"
packages=(assent-doc assent-server assent-tools libtxclient-dev libtxclient0)
[ "$(echo *.deb | tr ' ' '\n' | sed 's/_.*//' | sort | tr '\n' ' ')" = "${packages[*]} " ] || fail "packages: $(ls)"

# ---- what is in them ----
for package in "${packages[@]}"; do
    dpkg-deb --fsys-tarfile "$package"_*.deb | tar t | sed -n "s|^\./\(.*[^/]\)\$|$package /\1|p"
done | sed -e "s|/lib/$(uname -m)-linux-gnu/|/lib/ARCH/|" -e 's|\.so\.0\.[0-9.]*$|.so.VERSION|' | LC_ALL=C sort >"$dir/list"
diff -u --label tests/scripts/packages.list --label "the packages" "$source/tests/scripts/packages.list" "$dir/list" ||
    fail "other files than in the list: a line with + belongs into it, one with - is missing in the packages"
TMPDIR=$dir lintian --allow-root --no-cfg --fail-on error,warning --tag-display-limit 0 ./*.deb >"$dir/log" 2>&1 ||
    fail "lintian: $(cat "$dir/log")"
dpkg-deb -f assent-server_*.deb Depends >"$dir/server"
for library in libc6 libczmq4 libinih1 librocksdb libsystemd0 libzmq5; do
    has "$dir/server" "$library"
done
version=$(dpkg-deb -f libtxclient0_*.deb Version)
dpkg-deb -f assent-tools_*.deb Depends >"$dir/tools"
has "$dir/tools" "libtxclient0 (= $version)"
for file in usr/sbin/txcoordinator usr/sbin/txparticipant; do
    dpkg-deb --fsys-tarfile assent-server_*.deb | tar xO "./$file" >"$dir/program"
    ! readelf -d "$dir/program" | grep -E 'R(UN)?PATH' || fail "$file looks for libraries of its own"
    readelf -d "$dir/program" | grep -q BIND_NOW || fail "$file is not bound at its start"
done

# ---- installed ----
grep -q '^assent:x:[0-9]*:[0-9]*:Assent transaction daemons:/var/lib/assent:/usr/sbin/nologin$' "$root/etc/passwd" ||
    fail "no user assent: $(cat "$root/etc/passwd")"
uid=$(sed -n 's/^assent:x:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
[ "$(stat -c '%u %a' "$root/var/lib/assent")" = "$uid 750" ] || fail "$(stat "$root/var/lib/assent")"

cluster_start "$dir/cluster" "$root/usr/sbin/txcoordinator" "$root/usr/sbin/txparticipant"
library=$(dirname "$root"/usr/lib/*/libtxclient.so.0)
txctl exec 'put a/t/x 1; put b/t/x 2'
has "$dir/log" committed

# ---- installed again, removed, purged ----
echo '# mine' >>"$root/etc/assent/coordinator-1.conf"
rm "$root/etc/assent/participant-b.conf"
mkdir "$root/var/lib/assent/coordinator-1"
as_documented Upgrading 1
cluster_stop || fail "see above"
LD_LIBRARY_PATH=$library "$root/usr/bin/txrecover" verify "$dir/cluster/a.data" >"$dir/log" || fail "$(cat "$dir/log")"
has "$root/etc/assent/coordinator-1.conf" '# mine'
[ ! -e "$root/etc/assent/participant-b.conf" ] || fail "a configuration that was removed is there again"
dpkg_root --remove "${packages[@]}"
[ ! -e "$root/usr/sbin/txcoordinator" ] || fail "remove leaves the daemons"
has "$root/etc/assent/coordinator-1.conf" '# mine'
dpkg_root --purge "${packages[@]}"
has "$dir/log" "/var/lib/assent holds the data of daemons and is kept"
[ ! -e "$root/etc/assent/coordinator-1.conf" ] || fail "purge leaves the configuration"
[ -d "$root/var/lib/assent/coordinator-1" ] || fail "purge has removed data"
# Without data nothing is left.
rmdir "$root/var/lib/assent/coordinator-1"
dpkg_root --install ./*.deb
as_documented Uninstalling 1
[ ! -e "$root/var/lib/assent" ] || fail "purge leaves an empty directory"
! grep -q "is kept" "$dir/log" || fail "purge speaks of data that are not there"
dpkg_root --purge assent-doc libtxclient-dev libtxclient0
left=$(find "$root" -name '*assent*' -o -name '*txclient*' | grep -v /var/lib/dpkg/ || true)
[ -z "$left" ] || fail "purge leaves: $left"
echo "${#packages[@]} packages: contents, lintian, installed, run, kept what must be kept, purged"

#!/bin/sh
# Installs the build below a directory of its own, compiles docs/examples/first.c against what is there, with the shared
# and with the static library, and runs every installed program.
# usage: install_test.sh BUILD_DIR SOURCE_DIR CC [SANITIZERS]
set -eu
build=$1 source=$2 cc=$3 sanitizers=${4:-}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
fail() {
    echo "install: $*"
    exit 1
}

DESTDIR=$root cmake --install "$build" >"$root/log" 2>&1 || fail "$(cat "$root/log")"

# The one file below the root that ends so.
installed() {
    found=$(find "$root" -path "*$1")
    [ -n "$found" ] && [ "$(echo "$found" | wc -l)" = 1 ] || fail "not exactly one $1: ${found:-none}"
    echo "$found"
}
for file in include/txclient.h libtxclient.so libtxclient.so.0 libtxclient.a pkgconfig/txclient.pc assent/LICENSE \
    assent/README.md assent/docs/concepts.md assent/docs/examples/first.c; do
    installed "/$file" >/dev/null
done

programs=0
for program in "$build"/bin/tx*; do
    name=$(basename "$program")
    version=$("$(installed "/bin/$name")" --version) || fail "$name --version fails"
    case $version in
    "$name "[0-9]*.[0-9]*.[0-9]*) ;;
    *) fail "$name --version says: $version" ;;
    esac
    find "$root" -path "*/man/man[18]/$name.[18]" | grep -q . || fail "no manual page of $name"
    programs=$((programs + 1))
done
[ "$programs" -ge 5 ] || fail "only $programs programs are there"

# A program against it, as its author would build one.
PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=$(dirname "$(installed /pkgconfig/txclient.pc)")
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
flags="-Wall -Wextra -Werror ${sanitizers:+-fsanitize=$sanitizers}"
library=$(dirname "$(installed /libtxclient.a)")
example="$(installed /docs/examples/first.c)"

# shellcheck disable=SC2046,SC2086 # flags are words
$cc $flags -o "$root/shared" "$example" $(pkg-config --cflags --libs txclient)
# shellcheck disable=SC2046,SC2086
$cc $flags -o "$root/static" "$example" $(pkg-config --cflags txclient) "$library/libtxclient.a" \
    $(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs $(pkg-config --print-requires-private txclient))

# It finds its library, and says what is wrong when there is no cluster.
for kind in shared static; do
    status=0
    text=$(LD_LIBRARY_PATH=$library "$root/$kind" "$root/no-such.conf" 2>&1) || status=$?
    [ "$status" -gt 0 ] && [ "$status" -lt 126 ] || fail "the example ($kind) leaves with $status: $text"
    case $text in
    *no-such.conf*) ;;
    *) fail "the example ($kind) says nothing of its missing file: $text" ;;
    esac
done
! ldd "$root/static" | grep -q libtxclient || fail "the static example uses the shared library"
echo "$programs programs, the library and its example work as installed"

#!/bin/sh
# Installs the build below a directory of its own; runs every installed program; starts a cluster of the installed
# daemons; builds the project in tests/consumer against what is installed, by pkg-config and by find_package, with the
# shared and with the static library, and lets each work with that cluster. Then it uninstalls.
# usage: install_test.sh BUILD_DIR SOURCE_DIR CC [SANITIZERS]
set -eu
build=$1 source=$2 cc=$3 sanitizers=${4:-}
root=$(mktemp -d)
. "$source/tests/scripts/installed_cluster.sh"
# What was installed from this build in earnest can still be uninstalled afterwards.
manifest=$build/install_manifest.txt
[ ! -e "$manifest" ] || cp "$manifest" "$root/earlier"
restore() {
    rm -f "$build"/install_manifest*.txt
    [ ! -e "$root/earlier" ] || cp "$root/earlier" "$manifest"
}
trap 'cluster_kill; restore; rm -rf "$root"' EXIT
trap 'exit 1' INT TERM
fail() {
    echo "install: $*"
    exit 1
}

# as documented: Installing 2. Into a prefix of its own, not below DESTDIR: every path that an installed file names must be right.
prefix=$root/opt
cmake --install "$build" --prefix "$prefix" >"$root/log" 2>&1 || fail "$(cat "$root/log")"

# The one file below the prefix that ends so.
installed() {
    found=$(find "$prefix" -path "*$1")
    [ -n "$found" ] && [ "$(echo "$found" | wc -l)" = 1 ] || fail "not exactly one $1: ${found:-none}"
    echo "$found"
}
for file in include/txclient.h include/txclient_admin.h libtxclient.so libtxclient.so.0 libtxclient.a \
    pkgconfig/txclient.pc assent/LICENSE \
    cmake/txclient/txclientConfig.cmake assent/README.md assent/docs/concepts.md assent/docs/examples/first.c \
    assent/examples/client.conf sysusers.d/assent.conf tmpfiles.d/assent.conf systemd/system/assent.target; do
    installed "/$file" >/dev/null
done

# Every file belongs to a package.
for component in server library development tools documentation; do
    cmake --install "$build" --prefix "$root/parts" --component "$component" >"$root/log" 2>&1 ||
        fail "$(cat "$root/log")"
done
(cd "$prefix" && find . ! -type d | sort) >"$root/all"
(cd "$root/parts" && find . ! -type d | sort) >"$root/parts.list"
diff "$root/all" "$root/parts.list" >"$root/log" ||
    fail "files of no package, their install() names no COMPONENT: $(cat "$root/log")"

# The programs: daemons in sbin, with a page in section 8; tools in bin, with one in section 1.
programs=0
for program in "$build"/bin/tx*; do
    name=$(basename "$program")
    case $name in
    txcoordinator | txparticipant) directory=sbin section=8 ;;
    *) directory=bin section=1 ;;
    esac
    version=$("$(installed "/$directory/$name")" --version) || fail "$name --version fails"
    case $version in
    "$name "[0-9]*.[0-9]*.[0-9]*) ;;
    *) fail "$name --version says: $version" ;;
    esac
    installed "/man/man$section/$name.$section" >/dev/null
    programs=$((programs + 1))
done
[ "$programs" -ge 5 ] || fail "only $programs programs are there"

# The units name the daemons of this prefix.
for kind in coordinator participant; do
    unit=$(installed "/systemd/system/assent-$kind@.service")
    grep -q "^ExecStart=$prefix/sbin/tx$kind --config /etc/assent/$kind-%i.conf\$" "$unit" || fail "$unit: $(cat "$unit")"
    ! grep -n '@[a-z]*@' "$unit" || fail "$unit is not filled in"
done
# The example configurations are accepted.
for file in coordinator-1 participant-a participant-b; do
    "$prefix/sbin/tx${file%-*}" --config "$(installed "/examples/$file.conf")" --check-config >/dev/null ||
        fail "the example $file.conf is refused"
done

cluster_start "$root/cluster" "$prefix/sbin/txcoordinator" "$prefix/sbin/txparticipant"
"$prefix/bin/txctl" --config "$root/cluster/client.conf" exec 'put a/sums/out 0; put b/sums/in 0' >"$root/log" ||
    fail "txctl: $(cat "$root/log")"

# Two consumers by pkg-config, as an author would build them by hand, and two by CMake.
PKG_CONFIG_PATH=$(dirname "$(installed /pkgconfig/txclient.pc)")
export PKG_CONFIG_PATH
flags="-Wall -Wextra -Werror ${sanitizers:+-fsanitize=$sanitizers}"
library=$(dirname "$(installed /libtxclient.a)")
consumer=$source/tests/consumer
mkdir "$root/pc"
# shellcheck disable=SC2046,SC2086 # flags are words
$cc $flags -o "$root/pc/consumer_shared" "$consumer/consumer.c" $(pkg-config --cflags --libs txclient)
# shellcheck disable=SC2046,SC2086
$cc $flags -o "$root/pc/consumer_static" "$consumer/consumer.c" $(pkg-config --cflags txclient) \
    "$library/libtxclient.a" $(pkg-config --libs $(pkg-config --print-requires-private txclient))
{
    cmake -S "$consumer" -B "$root/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_C_FLAGS="$flags" && cmake --build "$root/cmake"
} >"$root/log" 2>&1 || fail "find_package: $(cat "$root/log")"

sum=0
for build_by in pc cmake; do
    for kind in shared static; do
        program=$root/$build_by/consumer_$kind
        sum=$((sum + 7))
        said=$(LD_LIBRARY_PATH=$library "$program" "$root/cluster/client.conf" 7) || fail "$build_by $kind fails"
        [ "${said#* }" = "-$sum $sum" ] || fail "$build_by $kind says: $said"
        case $(ldd "$program") in
        *libtxclient*) linked=shared ;;
        *) linked=static ;;
        esac
        [ "$linked" = "$kind" ] || fail "$build_by $kind is linked to the $linked library"
    done
done

! objdump -h "$library/libtxclient.a" | grep '\.gnu\.lto' >"$root/log" ||
    fail "libtxclient.a holds the bytecode of one compiler: $(head -n 3 "$root/log")"

# What says what is wrong when a project asks for what is not there.
wrong() {
    mkdir -p "$root/wrong"
    printf 'cmake_minimum_required(VERSION 3.16)\nproject(w LANGUAGES C)\nfind_package(%s)\n' "$1" \
        >"$root/wrong/CMakeLists.txt"
    ! cmake -S "$root/wrong" -B "$root/wrong/b" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
        >"$root/log" 2>&1 || fail "find_package($1) succeeds"
    tr -s ' \n' ' ' <"$root/log" | grep -q "$2" || fail "find_package($1) says: $(cat "$root/log")"
    rm -r "$root/wrong"
}
wrong 'txclient CONFIG REQUIRED COMPONENTS fast' 'no component fast; there are shared and static'
wrong 'txclient 99.0 CONFIG REQUIRED' 'compatible with requested version'
cluster_stop || fail "see above"

# as documented: Uninstalling 2. It leaves nothing; in a build directory of its own: the manifest of this build may be in use.
mkdir "$root/manifest"
(cd "$prefix" && find "$prefix" ! -type d) >"$root/manifest/install_manifest.txt"
echo mine >"$prefix/share/doc/assent/mine"
cmake -D manifest="$root/manifest/install_manifest.txt" -P "$source/cmake/uninstall.cmake" >"$root/log" 2>&1 ||
    fail "$(cat "$root/log")"
[ "$(find "$prefix" ! -type d)" = "$prefix/share/doc/assent/mine" ] || fail "left: $(find "$prefix" ! -type d)"
[ ! -e "$prefix/share/doc/assent/docs" ] && [ ! -e "$library/cmake/txclient" ] || fail "directories of its own are left"
! cmake -D manifest="$root/manifest/install_manifest.txt" -P "$source/cmake/uninstall.cmake" >"$root/log" 2>&1 ||
    fail "uninstalling twice is not noticed"
echo "$programs programs, a cluster, and the library by pkg-config and by CMake work as installed"

# Shared by the scripts: where the project is, what it needs, how it is built. Source it; it runs nothing by itself.
# shellcheck shell=bash

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

PACKAGES_BUILD=(gcc g++ libc6-dev cmake ninja-build pkg-config librocksdb-dev libzmq3-dev libczmq-dev
    libmsgpack-dev libinih-dev libjansson-dev libmicrohttpd-dev libsystemd-dev uthash-dev libncurses-dev
    libedit-dev libsodium-dev libzstd-dev)
PACKAGES_PACKAGE=(dpkg-dev binutils gzip file fakeroot)
PACKAGES_TEST=(libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy mandoc
    spin lintian systemd bash-completion prometheus chromium curl)
PACKAGES_SOAK=(valgrind)

BOLD='' PLAIN=''
if [ -t 1 ]; then BOLD=$'\033[1m' PLAIN=$'\033[0m'; fi
say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# need_packages NAME...: installs those that are missing, with apt-get, as root or through sudo.
need_packages() {
    local missing=() package as=()
    command -v dpkg-query >/dev/null ||
        die "this script installs its packages on Debian 12; elsewhere install: $*"
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "All $# packages are installed"
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "missing packages, and neither root nor sudo to install them: ${missing[*]}"
        as=(sudo)
    fi
    say "Installing with apt-get: ${missing[*]}"
    "${as[@]}" apt-get update -qq || die "apt-get update failed; is a Debian mirror reachable?"
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null || die "apt-get could not install: ${missing[*]}"
}

# build PRESET [CMAKE_OPTION...]: configures and builds into build/PRESET; with TARGET=NAME in front, only that.
build() {
    local preset=$1
    shift
    say "Building preset $preset into build/$preset"
    (cd "$ROOT" && cmake --preset "$preset" "$@" >"$ROOT/build/.configure.$preset.log" 2>&1) ||
        { cat "$ROOT/build/.configure.$preset.log" >&2; die "cmake could not configure preset $preset"; }
    (cd "$ROOT" && cmake --build --preset "$preset" --target "${TARGET:-all}" -- --quiet) ||
        die "preset $preset does not build; the compiler's message is above"
}

mkdir -p "$ROOT/build"

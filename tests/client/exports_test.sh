#!/bin/sh
# Does the shared library show nothing but its public functions, each declared in a header, and all of them?
# usage: exports_test.sh LIBRARY HEADER...
set -eu
library=$1
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/shown"
# A declaration may be broken over lines; a name in front of "(" that is no typedef and no inline function.
awk '/TXCLIENT_API/ && !/define/ { on = 1 } on { print } /;/ { on = 0 }' "$@" |
    grep -o 'txclient_[a-z_]*(' | tr -d '(' | sort -u >"$tmp/declared"
diff -u --label 'exported' --label 'declared in the headers' "$tmp/shown" "$tmp/declared"
[ "$(wc -l <"$tmp/shown")" -gt 40 ] || { echo "only $(wc -l <"$tmp/shown") symbols"; exit 1; }

#!/bin/sh
# Compares the tables of docs/limits.md with the constants of the headers, both ways.
# usage: check_limits.sh [ROOT]     exit status 1 when they differ
set -eu
cd "${1:-$(dirname "$0")/../..}"
page=docs/limits.md
headers='common/limits.h participant/kv.h'

# "NAME value" for every constant with a number: #define NAME (512u * 1024u) /* comment */
header_constants() {
    sed -n 's|/\*.*||; s/^#define  *\([A-Z][A-Z0-9_]*\)  *\([0-9(].*\)$/\1 \2/p' $headers |
        while read -r name value; do
            echo "$name $(($(echo "$value" | sed 's/\([0-9]\)[uUlL][uUlL]*/\1/g')))"
        done
}

# "NAME value" for every row: | `NAME` | 524288 | meaning |
page_constants() {
    sed -n 's/^| *`\([A-Z][A-Z0-9_]*\)` *| *\([0-9][0-9]*\) *|.*$/\1 \2/p' "$page"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
header_constants | sort >"$dir/headers"
page_constants | sort >"$dir/page"
if ! [ -s "$dir/headers" ]; then
    echo "no constants found in: $headers"
    exit 1
fi
if ! diff "$dir/headers" "$dir/page" >"$dir/diff"; then
    sed -n "s|^< |only in the headers: |p; s|^> |only in $page: |p" "$dir/diff"
    exit 1
fi
echo "$(wc -l <"$dir/page") limits agree"

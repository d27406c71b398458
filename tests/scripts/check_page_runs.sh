#!/bin/bash
# Is every block of commands in docs/install.md run by a test, and is every block there that a test runs? (The tests of
# docs/operations.md see to that by themselves.) A test runs one by page_block or as_documented; where it must do the
# same in another way, it says so in a comment: "as documented: HEADING N".
# usage: check_page_runs.sh [ROOT]     exit status 1 when not, with a line for each
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
page=docs/install.md
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

awk '/^```/ { if (!inside && $0 == "```sh") print here, ++n; inside = !inside; next }
    !inside && /^#+ / { sub(/^#+ */, ""); here = $0; n = 0 }' "$page" | sort >"$dir/there"
sed -nE 's/.*(page_block "\$page"|as_documented|as documented:) ([A-Z][a-z ]* [0-9]+).*/\2/p' \
    tests/scripts/*_test.sh | sort -u >"$dir/run"
[ -s "$dir/there" ] || { echo "$page: no commands are found"; exit 1; }
comm -23 "$dir/there" "$dir/run" >"$dir/left"
while read -r block; do
    echo "$page: no test runs the block of commands $block"
    status=1
done <"$dir/left"
comm -13 "$dir/there" "$dir/run" >"$dir/left"
while read -r block; do
    echo "$page: there is no block of commands $block, which a test runs"
    status=1
done <"$dir/left"
[ "$status" != 0 ] || echo "every block of commands in $page is run by a test"
exit "$status"

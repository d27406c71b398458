#!/bin/sh
# Does docs/configuration.md list every configuration key of the daemons, with the default they really have, and no other?
# usage: check_config_docs.sh TXCOORDINATOR TXPARTICIPANT docs/configuration.md
set -eu
coordinator=$1 participant=$2 page=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# --print-config writes "[section]" and "key = value" lines, comments between; a required key is commented out as "#key =".
keys() {
    awk '/^\[/ { section = substr($0, 2, index($0, "]") - 2); next }
         /^#?[a-z_]+ =/ { line = $0; sub(/^#/, "", line); split(line, part, / *= */);
                          print section "." part[1] " " (substr($0, 1, 1) == "#" ? "required" : part[2]) }'
}
# Table rows of a chapter: | `section.key` | default | meaning |
rows() {
    awk -v chapter="## $1" '$0 == chapter { on = 1; next } /^## / { on = 0 }
         on && /^\| `[a-z_]+\.[a-z_]+`/ { split($0, part, "|"); gsub(/[` ]/, "", part[2]); gsub(/^ +| +$|`/, "", part[3]);
                                         print part[2] " " part[3] }' "$page"
}
status=0
for program in "$coordinator" "$participant"; do
    name=$(basename "$program")
    "$program" --print-config | keys | sort >"$tmp/code"
    rows "$name" | sort >"$tmp/page"
    [ -s "$tmp/code" ] || { echo "$name --print-config prints no key"; status=1; }
    diff -u --label "$name --print-config" --label "$page, chapter $name" "$tmp/code" "$tmp/page" || status=1
done
exit $status

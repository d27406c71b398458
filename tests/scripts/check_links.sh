#!/bin/bash
# Does every relative link of the pages of documentation lead to a file that is there, and to a heading of it?
# usage: check_links.sh [ROOT]     exit status 1 when one does not, with one line for each
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
status=0
declare -A anchors # "FILE#ANCHOR", as GitHub and others make it of a heading; "FILE" once they are read

# The lines of a page that are text: what is fenced or indented by four is code.
text() { awk '/^ *```/ { fenced = !fenced; next } !fenced && !/^    / { gsub(/`[^`]*`/, "`code`"); print }' "$1"; }

read_anchors() {
    local heading
    [ -z "${anchors[$1]:-}" ] || return 0
    anchors[$1]=read
    while read -r heading; do
        anchors[$1#$heading]=heading
    done < <(awk '/^ *```/ { fenced = !fenced } !fenced && /^#+ /' "$1" | sed 's/^#* *//' | tr '[:upper:]' '[:lower:]' |
        sed 's/[^a-z0-9 _-]//g; s/ /-/g')
}

pages=$(find . -name '*.md' -not -path './build*' -not -path './.git/*' | sed 's|^\./||' | sort)
links=0
for page in $pages; do
    while read -r link; do
        links=$((links + 1))
        file=${link%%#*} anchor=
        [ "$file" = "$link" ] || anchor=${link#*#}
        if [ -z "$file" ]; then
            file=$page
        else
            file=$(realpath -m --relative-to=. "$(dirname "$page")/$file")
        fi
        if [ ! -e "$file" ]; then
            echo "$page: $link: no such file"
            status=1
        elif [ -n "$anchor" ] && [[ $file == *.md ]]; then
            read_anchors "$file"
            if [ -z "${anchors[$file#$anchor]:-}" ]; then
                echo "$page: $link: no such heading in $file"
                status=1
            fi
        fi
    done < <(text "$page" | tr '\n' ' ' | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//' | grep -vE '^(https?|mailto):' || true)
done
[ "$links" -gt 0 ] || { echo "no link is found"; exit 1; }
[ "$status" != 0 ] || echo "$links links lead to files and headings that are there"
exit "$status"

#!/bin/sh
# Does docs/messages.md list every exit status that the programs can leave with, and no other? Do their manual pages
# say the same, and do the systemd units restart what its column "restart" says?
#
# A program can leave with every EX_... that its sources name, comments apart, and those of the layers that it is linked
# from, as the CMakeLists.txt files have them; txctl also with enum cli_exit.
# usage: check_exit_docs.sh [ROOT]     exit status 1 when they differ, with one line for each difference
set -eu
cd "${1:-$(dirname "$0")/..}"
page=docs/messages.md
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0
complain() {
    echo "$*"
    status=1
}

# "TARGET source FILE" and "TARGET link TARGET" for every layer and program.
for folder in common lockmgr txlog participant coordinator client; do
    [ -f "$folder/CMakeLists.txt" ] || continue
    sed 's/#.*//' "$folder/CMakeLists.txt" | tr '()\n' '   ' | awk -v folder="$folder" '{
        for (i = 1; i <= NF; i++) {
            if ($i ~ /^assent_(layer|program)$/) {
                target = $(++i)
                what = ""
            } else if ($i ~ /^[a-z_]+$/ && $i !~ /^(assent|m$|txclient)/ && what == "")
                target = ""
            else if ($i == "SOURCES")
                what = "source"
            else if ($i == "LINKS")
                what = "link"
            else if ($i ~ /^[A-Z]+$/)
                what = $i == "DAEMON" ? "" : "other"
            else if (target != "" && what == "source" && $i ~ /\.c$/)
                print target, "source", folder "/" $i
            else if (target != "" && what == "link" && $i ~ /^assent_/)
                print target, "link", $i
            else if ($i !~ /\.c$/)
                target = ""
        }
    }'
done >"$dir/graph"

# sources PROGRAM: its files and those of its layers
sources() {
    awk -v program="$1" '
        $2 == "source" { files[$1] = files[$1] " " $3 }
        $2 == "link" { links[$1] = links[$1] " " $3 }
        END {
            n = split(program, queue, " ")
            for (i = 1; i <= n; i++) {
                if (seen[queue[i]]++)
                    continue
                m = split(files[queue[i]], f, " ")
                for (j = 1; j <= m; j++)
                    print f[j]
                m = split(links[queue[i]], l, " ")
                for (j = 1; j <= m; j++)
                    queue[++n] = l[j]
            }
        }' "$dir/graph"
}

# "NUMBER NAME" of sysexits.h, for the names of standard input
numbers() {
    echo '#include <sysexits.h>' | cc -E -dM - | awk 'NR == FNR { if ($2 ~ /^EX_/) number[$2] = $3; next }
        { print ($1 in number ? number[$1] : "?"), $1 }' - "$1"
}

# codes PROGRAM: "NUMBER NAME" as the code has them
codes() {
    sources "$1" >"$dir/sources"
    [ -s "$dir/sources" ] || complain "$1: its sources are not found in the CMakeLists.txt files"
    # shellcheck disable=SC2046 # names of files
    cat $(cat "$dir/sources") /dev/null | tr '\n' '\001' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' | tr '\001' '\n' |
        grep -o '\bEX_[A-Z]*\b' | sort -u | grep -vx -e EX_OK -e EX_ >"$dir/names" || true
    numbers "$dir/names"
    [ "$1" != txctl ] || sed -n 's/^ *\(CLI_[A-Z_]*\) = \([1-9][0-9]*\),.*/\2 \1/p' client/cli.h
}

# rows COLUMN: "NUMBER NAME" of the table's rows that say something in that column
rows() {
    awk -F ' *[|] *' -v column="$1" '/^\| status \| name \|/ { on = 1; next }
        on && !/^\|/ { exit }
        on && $2 ~ /^[0-9]+$/ && $column != "" && $2 != "0" { gsub(/`/, "", $3); print $2, $3 }' "$page"
}

column=5 # those in front: nothing, status, name, restart
for program in txcoordinator:txparticipant txctl txrecover txbench; do
    rows "$column" | sort -n >"$dir/rows"
    [ -s "$dir/rows" ] || complain "$page: no row for $program"
    for name in $(echo "$program" | tr : ' '); do
        codes "$name" | sort -n >"$dir/codes"
        # 1 of a checking program is what it has found: no constant.
        grep -v '^1 found' "$dir/rows" >"$dir/rows.code" || true
        comm -23 "$dir/codes" "$dir/rows.code" >"$dir/only"
        while read -r line; do complain "$page: $name can leave with $line, which is no row"; done <"$dir/only"
        comm -13 "$dir/codes" "$dir/rows.code" >"$dir/only"
        while read -r line; do complain "$page: $name cannot leave with $line"; done <"$dir/only"
        manual=$(ls "docs/man/$name".[18])
        sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It \([0-9]*\)$/\1/p' "$manual" | grep -vx 0 | sort >"$dir/manual"
        cut -d ' ' -f 1 "$dir/rows" | sort >"$dir/numbers"
        comm -23 "$dir/numbers" "$dir/manual" >"$dir/only"
        while read -r line; do complain "$manual: exit status $line is missing"; done <"$dir/only"
        comm -13 "$dir/numbers" "$dir/manual" >"$dir/only"
        while read -r line; do complain "$manual: there is no exit status $line"; done <"$dir/only"
    done
    column=$((column + 1))
done

# The column in front of the daemons' says whether a restart is tried.
awk -F ' *[|] *' '/^\| status \| name \|/ { on = 1; next } on && !/^\|/ { exit }
    on && $4 == "no" { printf "%s%s", n++ ? " " : "", $2 } END { print "" }' "$page" >"$dir/final"
for kind in coordinator participant; do
    unit=cmake/systemd/assent-$kind@.service.in
    sed -n 's/^RestartPreventExitStatus=//p' "$unit" >"$dir/unit"
    cmp -s "$dir/unit" "$dir/final" ||
        complain "$unit: RestartPreventExitStatus=$(cat "$dir/unit"), but $page has \"no\" for $(cat "$dir/final")"
done
[ "$status" != 0 ] || echo "$page and the manual pages have the exit statuses of the programs"
exit "$status"

#!/bin/sh
# Does docs/metrics.md list every metric of the daemons, with the type, labels and meaning that they have, and no
# other one? Does every file that names metrics (the dashboard, the alert rules, the pages) name only those that are
# served? Are the alert rules sound, and do they say what their own tests expect?
# usage: check_metrics_docs.sh TXCOORDINATOR TXPARTICIPANT docs/metrics.md FILE...
# Of the FILEs, those that end in _test.yml are run by promtool, and those in .yml are checked by it.
# exit status 1 when something is amiss; of differing rows a line with "-" is what the program says, one with "+" what
# the page says.
set -eu
coordinator=$1 participant=$2 page=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

rows_of_page() {
    awk -v chapter="## $1" '$0 == chapter { on = 1; next } /^## / { on = 0 } on && /^\| `assent_/' "$page"
}

for program in "$coordinator" "$participant"; do
    name=$(basename "$program")
    "$program" --print-metrics | sort >"$dir/program"
    { rows_of_page 'Both daemons'; rows_of_page "$name"; } | sort >"$dir/page"
    if [ ! -s "$dir/program" ]; then
        echo "$name shows no metric"
        status=1
    fi
    diff -u --label "$name --print-metrics" --label "$page, chapters Both daemons and $name" \
        "$dir/program" "$dir/page" || status=1
    sed -n 's/^| `\([a-z_]*\)` | \([a-z]*\).*/\1 \2/p' "$dir/program" >>"$dir/rows"
done

# What a query may name: a metric, and of a histogram its three parts. A page speaks of histograms as a whole, too.
awk '$2 != "histogram" { print $1; next } { print $1 "_bucket"; print $1 "_sum"; print $1 "_count" }' "$dir/rows" |
    sort -u >"$dir/queries"
{ cat "$dir/queries"; awk '{ print $1 }' "$dir/rows"; } | sort -u >"$dir/pages"
for file in "$page" "$@"; do
    case $file in
    *.md) served=$dir/pages ;;
    *) served=$dir/queries ;;
    esac
    grep -o -e 'assent_[a-z][a-z_]*[a-z]' "$file" | sort -u |
        comm -23 - "$served" | while read -r name; do
        echo "$file: no daemon serves $name"
    done >"$dir/unknown"
    if [ -s "$dir/unknown" ]; then
        cat "$dir/unknown"
        status=1
    fi
done

for file in "$@"; do
    command=
    case $file in
    *_test.yml) command='test rules' ;;
    *.yml) command='check rules' ;;
    esac
    [ -z "$command" ] || promtool $command "$file" >"$dir/output" 2>&1 || {
        cat "$dir/output"
        status=1
    }
done

[ "$status" != 0 ] || echo "$page and the files beside it agree with the daemons"
exit "$status"

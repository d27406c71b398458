#!/bin/sh
# Does docs/configuration.md list every configuration key of the programs, with the default, the bounds and the
# meaning that they really have, and no other key?
# usage: check_config_docs.sh TXCOORDINATOR TXPARTICIPANT docs/configuration.md client/client_settings.c
# exit status 1 when they differ, with the differing rows as diff -u shows them: a line with "-" is what the program
# says and belongs into the page, one with "+" is what the page says.
set -eu
coordinator=$1 participant=$2 page=$3 client=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Every required key, and nothing else: all other values in force are then the defaults.
printf '%s\n' '[node]' 'cluster = x' 'data = x' '[participants]' 'x = tcp://127.0.0.1:1' >"$dir/txcoordinator.conf"
printf '%s\n' '[node]' 'cluster = x' 'data = x' 'name = x' >"$dir/txparticipant.conf"

# --print-config as rows of the page's tables. It writes, for each key, the meaning, what is expected with the
# default, and "key = value"; the value in force must be that default, however it is spaced.
rows_of_program() {
    "$1" --config "$dir/$2.conf" --print-config | awk '
        BEGIN { reload = "start" }
        function plain(text) { gsub(/ /, "", text); return text }
        /^\[/ { section = substr($0, 2, index($0, "]") - 2); next }
        /^# Expects / {
            at = match($0, /\. (Required\.|Empty by default\.|Default: .*\.)$/)
            expected = substr($0, 11, at - 11)
            last = substr($0, at + 2)
            default_value = last == "Required." ? "required" : last == "Empty by default." ? "empty" : \
                substr(last, 10, length(last) - 10)
            sub(/^a time with its unit \(ms, s, m, h\) from /, "time, ", expected)
            sub(/^a number of bytes \(K, M, G for multiples\) from /, "size, ", expected)
            sub(/^a whole number from /, "number, ", expected)
            sub(/^an address such as .*/, "address", expected)
            next
        }
        /^# SIGHUP takes a change\.$/ { reload = "SIGHUP"; next }
        /^# / { meaning = substr($0, 3); next }
        section != "participants" && / = / {
            key = substr($0, 1, index($0, " ") - 1)
            value = substr($0, length(key) + 4)
            if (default_value == "empty" && value == "")
                value = "empty"
            if (default_value != "required" && plain(value) != plain(default_value))
                default_value = default_value " (in force: " value ")"
            printf "| `%s.%s` | %s | %s | %s | %s |\n", section, key, default_value, expected, reload, meaning
            reload = "start"
        }'
}

# The rows of a chapter's table; with a pattern, only that part of each.
rows_of_page() {
    awk -v chapter="## $1" '$0 == chapter { on = 1; next } /^## / { on = 0 } on && /^\| `/' "$page"
}

status=0
compare() {
    if [ ! -s "$dir/program" ]; then
        echo "$1 shows no key"
        status=1
    fi
    diff -u --label "$1" --label "$page, chapter $1" "$dir/program" "$dir/page" || status=1
}

for program in "$coordinator" "$participant"; do
    name=$(basename "$program")
    rows_of_program "$program" "$name" | sort >"$dir/program"
    rows_of_page "$name" | sort >"$dir/page"
    compare "$name"
done

# The client has no --print-config: its keys are read off its table; a test of its own compares the defaults.
sed -n 's/^ *\[SETTING_[A-Z_]*\] = "\(.*\)",$/client.\1/p' "$client" | sort >"$dir/program"
rows_of_page 'The client' | sed 's/^| `\([^`]*\)`.*/\1/' | sort >"$dir/page"
compare 'The client'

[ "$status" != 0 ] || echo "$page agrees with the programs"
exit "$status"

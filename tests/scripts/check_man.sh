#!/bin/sh
# Every program has a manual page, the page names every option that --help shows (of its subcommands as well), names no
# long option that the program lacks, and every page is clean where mandoc is installed. The pages of the configuration
# files, which are made from docs/configuration.md, name every key of the programs.
# usage: check_man.sh BIN_DIR MAN_DIR MADE_PAGES_DIR     exit status 1 when something is amiss, with one line for each thing
set -eu
bin=$1 man=$2 made=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0
complain() {
    echo "$*"
    status=1
}

# mdoc taken off, so that "Fl -json" and "Fl Fl json" read as "--json".
plain() {
    sed -e 's/^\.\\".*//' -e 's/\\&//g' -e 's/\\-/-/g' -e 's/Fl \(Fl \|-\)/--/g' "$1"
}

# The programs have their commands in one line of --help: "Commands: exec, get, outcome, status; ...".
commands() {
    "$1" --help | tr '\n' ' ' | sed -n 's/.*Commands: \([a-z, -]*\)[;.].*/\1/p' | tr -d ','
}

help_options() {
    "$@" --help | grep -o -e '--[a-z][a-z-]*' || true
}

check_program() {
    program=$1
    name=$(basename "$program")
    page=$(ls "$man/$name".[18] 2>/dev/null || true)
    if [ -z "$page" ]; then
        complain "$name has no page $man/$name.1 or $name.8"
        return
    fi
    commands=$(commands "$program")
    {
        help_options "$program"
        for command in $commands; do
            help_options "$program" "$command"
        done
    } | sort -u >"$dir/options"
    plain "$page" >"$dir/page"
    if ! [ -s "$dir/options" ]; then
        complain "$name --help shows no option"
    fi
    while read -r option; do
        [ "$option" != --usage ] || continue # a shorter --help
        grep -q -e "$option\([^a-z-]\|\$\)" "$dir/page" || complain "$page: option $option is missing"
    done <"$dir/options"
    for command in $commands; do
        grep -q "^\.\(It\|Ss\|Sh\|Nm\|Xo\|Cm\|Ic\|Op\|Ar\).*\b$command\b" "$dir/page" ||
            complain "$page: command $command is missing"
    done
    # The other way round, for the tags of the lists: an option that is described must exist.
    sed -n 's/^\.It //p' "$dir/page" | grep -o -e '--[a-z][a-z-]*' | sort -u >"$dir/described" || true
    while read -r option; do
        grep -qx -e "$option" "$dir/options" || complain "$page: $name has no option $option"
    done <"$dir/described"
}

check_keys() {
    printf '%s\n' '[node]' 'cluster = x' 'data = x' '[participants]' 'x = tcp://127.0.0.1:1' >"$dir/txcoordinator.conf"
    printf '%s\n' '[node]' 'cluster = x' 'data = x' 'name = x' >"$dir/txparticipant.conf"
    for name in txcoordinator txparticipant; do
        page=$made/assent-${name#tx}.conf.5
        "$bin/$name" --config "$dir/$name.conf" --print-config |
            sed -n '/^\[participants\]/,$d; s/^\([a-z_]*\) = .*/\1/p' >"$dir/keys"
        [ -s "$dir/keys" ] || complain "$name --print-config shows no key"
        while read -r key; do
            grep -q "^\.It Cm $key\$" "$page" || complain "$page: key $key of $name is missing"
        done <"$dir/keys"
    done
}

for program in "$bin"/tx*; do
    check_program "$program"
done
check_keys
for page in "$man"/*.[1-9] "$made"/*.[1-9]; do
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W warning "$page" >"$dir/lint" 2>&1 || complain "$(cat "$dir/lint")"
    fi
done
# The page of the library names every function of its headers, and no other.
header=$man/../../client/txclient.h
sed 's|^ *\*.*||; s|/\*.*||' "$header" "$man/../../client/txclient_admin.h" | grep -o '\btxclient_[a-z_]*(' | tr -d '(' | sort -u >"$dir/header"
sed -n 's/^\.Fn \(txclient_[a-z_]*\).*/\1/p' "$man/txclient.3" | sort -u >"$dir/page"
comm -23 "$dir/header" "$dir/page" >"$dir/only"
while read -r function; do complain "$man/txclient.3: function $function is missing"; done <"$dir/only"
comm -13 "$dir/header" "$dir/page" >"$dir/only"
while read -r function; do complain "$man/txclient.3: there is no function $function"; done <"$dir/only"
[ -s "$dir/header" ] || complain "$header: no function"
# A page that another one refers to is there.
sed -n 's/^\.Xr \([a-z.-]*\) \([1-9]\).*/\1.\2/p' "$man"/*.[1-9] "$made"/*.[1-9] | sort -u |
    grep -E '^(tx|assent)' >"$dir/referred"
while read -r page; do
    [ -e "$man/$page" ] || [ -e "$made/$page" ] || complain "a page refers to $page, which is not there"
done <"$dir/referred"
[ "$status" != 0 ] || echo "$(ls "$man"/*.[1-9] "$made"/*.[1-9] | wc -l) manual pages agree with the programs"
exit "$status"

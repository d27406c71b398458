#!/bin/sh
# The rules of size and form that a machine can see, over every C file of the project:
#   functions of at most 70 lines, files of at most 800, lines of at most 100 columns; no typedef of a
#   struct or union outside the public client header; no default in a switch over an enum; and
#   clang-format agrees, where it is installed.
# usage: check_style.sh [ROOT]     exit status 1 when a rule is broken, with one line for each place
set -eu
cd "${1:-$(dirname "$0")/..}"
folders='common lockmgr txlog participant coordinator client tests docs'

files=$(for folder in $folders; do
    [ ! -d "$folder" ] || find "$folder" -name '*.[ch]' -type f
done | LC_ALL=C sort)
if [ -z "$files" ]; then
    echo "no C files found in: $folders"
    exit 1
fi

# A function begins with a brace of its own in the first column and ends with the next one there. A case
# label stands below its switch, at the same indentation; a label in capitals with an underscore in it is
# an enumerator. The keys of argp are numbers, with no enum behind them.
status=0
LC_ALL=C awk '
function report(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad = 1
}
FNR == 1 {
    opened = 0
    switches = 0
}
{
    line = $0
    gsub(/[\200-\277]/, "", line) # the further bytes of a UTF-8 character take no column
    if (length(line) > 100)
        report("a line of " length(line) " columns; 100 are allowed")
    if (FNR == 801)
        report("a file of more than 800 lines")
}
/^\{/ { opened = FNR }
/^\}/ {
    if (opened > 0 && FNR - opened + 1 > 70)
        report("a function of " FNR - opened + 1 " lines; 70 are allowed")
    opened = 0
    switches = 0
}
/^[ \t]*typedef[ \t]+(struct|union)/ && FILENAME != "client/txclient.h" && FILENAME != "client/txclient_admin.h" {
    report("a typedef of a struct; only the public client headers have any")
}
{
    match($0, /^[ \t]*/)
    depth = RLENGTH
}
/^[ \t]*switch[ \t]*\(/ {
    at[++switches] = depth
    enums[switches] = defaults[switches] = argp[switches] = 0
}
switches > 0 && depth == at[switches] && /^[ \t]*case[ \t]+[A-Z][A-Z0-9]*_[A-Z0-9_]*:/ {
    enums[switches] = 1
    argp[switches] = argp[switches] || /ARGP_KEY_/
}
switches > 0 && depth == at[switches] && /^[ \t]*default[ \t]*:/ { defaults[switches] = FNR }
switches > 0 && depth == at[switches] && /^[ \t]*\}/ {
    if (enums[switches] && defaults[switches] && !argp[switches])
        report("a switch over an enum with a default, at line " defaults[switches] \
               ": it hides a forgotten case")
    switches--
}
END { exit bad }
' $files || status=1

if command -v clang-format >/dev/null; then
    if ! complaints=$(clang-format --dry-run -Werror $files 2>&1); then
        unformatted=$(echo "$complaints" | sed -n 's/^\([^ :]*\):[0-9].*error:.*/\1/p' | sort -u)
        for file in ${unformatted:-"$complaints"}; do
            echo "$file: not as clang-format leaves it (clang-format -i $file)"
        done
        status=1
    fi
fi
[ "$status" != 0 ] || echo "$(echo "$files" | wc -l) files are in form"
exit "$status"

# Sourced by tests that run commands of a page of documentation as they stand there.
# shellcheck shell=sh

# page_block PAGE HEADING N: the N-th block fenced with ```sh under that heading; fails when there is none.
page_block() {
    awk -v heading="$2" -v wanted="$3" '
        on && /^```$/ { exit }
        on { print; next }
        /^```/ { n += here && $0 == "```sh"; skip = !skip; on = skip && here && $0 == "```sh" && n == wanted; found = found || on; next }
        !skip && /^#+ / { sub(/^#+ */, ""); here = $0 == heading; n = 0 }
        END { exit !found }' "$1" || {
        echo "$1 has no block of commands number $3 under \"$2\"" >&2
        return 1
    }
}

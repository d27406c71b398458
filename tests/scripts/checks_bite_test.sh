#!/bin/sh
# The checks of the project's own rules must find what breaks them: each is run on a small tree that is
# fine, and then on the same tree with one thing wrong.
# usage: checks_bite_test.sh [ROOT [CC]]
set -eu
root=$(cd "${1:-$(dirname "$0")/../..}" && pwd)
cc=${2:-cc}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
# fine NAME COMMAND...: the command succeeds
fine() {
    name=$1
    shift
    "$@" >"$dir/output" 2>&1 || {
        fail "$name: refused what is fine"
        cat "$dir/output"
    }
}
# bites NAME TEXT COMMAND...: the command fails, and its output holds TEXT
bites() {
    name=$1 text=$2
    shift 2
    if "$@" >"$dir/output" 2>&1; then
        fail "$name: not noticed"
    elif ! grep -qF -- "$text" "$dir/output"; then
        fail "$name: no word of \"$text\""
        cat "$dir/output"
    fi
}

# ---- limits ----

limits_tree() {
    rm -rf "$dir/tree"
    mkdir -p "$dir/tree/common" "$dir/tree/participant" "$dir/tree/docs"
    echo '#define TX_A_MAX (2u * 1024u) /* bytes */' >"$dir/tree/common/limits.h"
    echo '#define KV_B_MAX 7u' >"$dir/tree/participant/kv.h"
    printf '| `TX_A_MAX` | 2048 | bytes |\n| `KV_B_MAX` | 7 | things |\n' >"$dir/tree/docs/limits.md"
}
limits() {
    "$root/tests/scripts/check_limits.sh" "$dir/tree"
}
limits_tree
fine "limits" limits
echo '#define TX_NEW_MAX 5u' >>"$dir/tree/common/limits.h"
bites "a constant that is not on the page" "only in the headers: TX_NEW_MAX 5" limits
limits_tree
echo '| `TX_OLD_MAX` | 5 | gone |' >>"$dir/tree/docs/limits.md"
bites "a row without a constant" "only in docs/limits.md: TX_OLD_MAX 5" limits
limits_tree
sed -i 's/2048/2047/' "$dir/tree/docs/limits.md"
bites "another value" "only in docs/limits.md: TX_A_MAX 2047" limits

# ---- style ----

style_tree() {
    rm -rf "$dir/tree"
    mkdir -p "$dir/tree/common" "$dir/tree/client"
    cp "$root/.clang-format" "$dir/tree"
    printf 'int one(void)\n{\n    return 1;\n}\n' >"$dir/tree/common/a.c"
    printf 'typedef struct handle handle;\n' >"$dir/tree/client/txclient.h"
}
style() {
    "$root/scripts/check_style.sh" "$dir/tree"
}
# lines N TEXT
lines() {
    awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) print text }'
}
# function_of N: a function whose body, braces included, has N lines
function_of() {
    printf 'void f(void)\n{\n'
    lines $(($1 - 2)) '    one();'
    printf '}\n'
}
style_tree
function_of 70 >"$dir/tree/common/b.c"
{
    lines 799 '/* . */'
    echo "/* $(lines 92 x | tr -d '\n')é */"
} >"$dir/tree/common/c.c"
cat >"$dir/tree/common/d.c" <<'END'
int two(int number, enum e value)
{
    switch (value) {
    case E_A:
        switch (number) {
        case 3:
            return 4;
        default:
            return 5;
        }
    case E_B:
        return 6;
    }
    return 7;
}
END
fine "style, just within the bounds" style
style_tree
function_of 71 >"$dir/tree/common/b.c"
bites "a long function" "common/b.c:72: a function of 71 lines" style
style_tree
lines 801 '/* . */' >"$dir/tree/common/b.c"
bites "a long file" "common/b.c:801: a file of more than 800 lines" style
style_tree
echo "/* $(lines 95 x | tr -d '\n') */" >"$dir/tree/common/b.c"
bites "a long line" "common/b.c:1: a line of 101 columns" style
style_tree
echo 'typedef struct handle handle;' >"$dir/tree/common/b.h"
bites "a typedef of a struct" "common/b.h:1: a typedef of a struct" style
style_tree
cat >"$dir/tree/common/b.c" <<'END'
int f(enum e x)
{
    switch (x) {
    case E_A:
        return 1;
    default:
        return 2;
    }
}
END
bites "a default" "common/b.c:8: a switch over an enum with a default, at line 6" style
if command -v clang-format >/dev/null; then
    style_tree
    printf 'int f(void) { return  1; }\n' >"$dir/tree/common/b.c"
    bites "another layout" "common/b.c: not as clang-format leaves it" style
fi

# ---- metrics ----

# Two programs that print a table each, and the files that name metrics.
metrics_tree() {
    rm -rf "$dir/tree"
    mkdir -p "$dir/tree"
    for name in txcoordinator txparticipant; do
        cat >"$dir/tree/$name" <<END
#!/bin/sh
echo '| \`assent_up\` | gauge |  | Up. |'
echo '| \`assent_${name}_seconds\` | histogram | phase | Long. |'
END
        chmod +x "$dir/tree/$name"
    done
    {
        printf '## Both daemons\n| `assent_up` | gauge |  | Up. |\n'
        for name in txcoordinator txparticipant; do
            printf '## %s\n| `assent_%s_seconds` | histogram | phase | Long. |\n' "$name" "$name"
        done
    } >"$dir/tree/metrics.md"
    echo '{"expr": "assent_up + assent_txcoordinator_seconds_sum"}' >"$dir/tree/dashboard.json"
}
metrics() {
    "$root/scripts/check_metrics_docs.sh" "$dir/tree/txcoordinator" "$dir/tree/txparticipant" \
        "$dir/tree/metrics.md" "$dir/tree/dashboard.json" "$@"
}
metrics_tree
fine "metrics" metrics
sed -i 's/Up\. /Down. /' "$dir/tree/metrics.md"
bites "another meaning of a metric" '+| `assent_up` | gauge |  | Down. |' metrics
metrics_tree
sed -i '/txparticipant_seconds/d' "$dir/tree/metrics.md"
bites "a metric that is not on the page" '-| `assent_txparticipant_seconds`' metrics
metrics_tree
echo '| `assent_gone` | gauge |  | Gone. |' >>"$dir/tree/metrics.md"
bites "a row without a metric" '+| `assent_gone`' metrics
metrics_tree
echo '{"expr": "assent_txcoordinator_seconds_total"}' >"$dir/tree/dashboard.json"
bites "a query for what nobody serves" "no daemon serves assent_txcoordinator_seconds_total" metrics
metrics_tree
echo '{"expr": "assent_txcoordinator_seconds"}' >"$dir/tree/dashboard.json"
bites "a query for a histogram as a whole" "no daemon serves assent_txcoordinator_seconds" metrics
if command -v promtool >/dev/null; then
    metrics_tree
    printf 'groups:\n  - name: x\n    rules:\n      - alert: X\n        expr: assent_up ==\n' >"$dir/tree/a.yml"
    bites "an alert rule that does not parse" "parse error" metrics "$dir/tree/a.yml"
fi

# ---- layers ----

# A tree with a pure layer on another one, as small as can be.
layers_tree() {
    rm -rf "$dir/tree"
    mkdir -p "$dir/tree/common" "$dir/tree/lockmgr" "$dir/tree/participant" "$dir/tree/client" \
        "$dir/tree/build/lib"
    printf 'assent_layer(assent_base\n  SOURCES base.c)\n' >"$dir/tree/common/CMakeLists.txt"
    printf 'assent_layer(assent_lockmgr\n  SOURCES lock.c # one\n  LINKS assent_base)\n' \
        >"$dir/tree/lockmgr/CMakeLists.txt"
    echo 'int base(void);' >"$dir/tree/common/base.h"
    printf '#include "common/base.h"\nint base(void)\n{\n    return 1;\n}\n' \
        >"$dir/tree/common/base.c"
    echo 'int loop(void);' >"$dir/tree/common/loop.h"
    cat >"$dir/tree/lockmgr/lock.c" <<'END'
#include "common/base.h"
#include <stdlib.h>
int lock(void *memory);
int lock(void *memory)
{
    free(memory);
    return base();
}
END
}
# Builds the archives of that tree.
archives() {
    for pair in common/base lockmgr/lock; do
        "$cc" -I "$dir/tree" -c "$dir/tree/$pair.c" -o "$dir/tree/build/${pair#*/}.c.o"
    done
    rm -f "$dir/tree/build/lib/"*.a
    ar rc "$dir/tree/build/lib/libassent_base.a" "$dir/tree/build/base.c.o"
    ar rc "$dir/tree/build/lib/libassent_lockmgr.a" "$dir/tree/build/lock.c.o"
}
layers() {
    archives && "$root/scripts/check_layers.sh" "$dir/tree" "$dir/tree/build"
}
# wrong_include NAME FILE INCLUDE TEXT
wrong_include() {
    layers_tree
    echo "#include $3" >>"$dir/tree/$2"
    bites "$1" "$4" "$root/scripts/check_layers.sh" "$dir/tree"
}
# wrong_symbol NAME CODE TEXT: the code is in the lock manager
wrong_symbol() {
    layers_tree
    echo "$2" >>"$dir/tree/lockmgr/lock.c"
    bites "$1" "$3" layers
}
layers_tree
fine "layers" layers
wrong_include "a clock in base" common/base.h '<time.h>' "layer base is pure and includes <time.h>"
wrong_include "a thread in the lock manager" lockmgr/lock.c '<pthread.h>' "is pure and includes <pthread.h>"
wrong_include "a socket in the lock manager" lockmgr/lock.c '<sys/socket.h>' "includes <sys/socket.h>"
wrong_include "a layer above" lockmgr/lock.c '"common/loop.h"' "layer lockmgr includes common/loop.h"
wrong_include "a relative header" lockmgr/lock.c '"lock.h"' "no header of the project"
echo 'int part(void);' >"$dir/part.h"
layers_tree
cp "$dir/part.h" "$dir/tree/participant/part.h"
echo '#include "participant/part.h"' >"$dir/tree/client/ctl.c"
bites "the client includes the participant" "layer client_shell includes participant/part.h" \
    "$root/scripts/check_layers.sh" "$dir/tree"
wrong_include "msgpack in a second folder" lockmgr/lock.c '<msgpack.h>' "<msgpack.h> may be included by"
wrong_include "RocksDB outside of the log" common/base.c '<rocksdb/c.h>' "<rocksdb/c.h> may be included by"
layers_tree
echo '#include <msgpack.h>' | tee "$dir/tree/common/x.c" >"$dir/tree/common/y.c"
bites "msgpack in a second file" "common/y.c:1: <msgpack.h> may be included by 1 file(s)" \
    "$root/scripts/check_layers.sh" "$dir/tree"
wrong_symbol "a clock" 'long time(long *); long f(void); long f(void) { return time(0); }' "needs time from"
wrong_symbol "chance" 'int rand(void); int f(void); int f(void) { return rand(); }' "needs rand from outside"
wrong_symbol "a file" 'int open(const char *, int, ...); int f(void); int f(void) { return open("", 0); }' \
    "lock.c.o needs open from outside"
wrong_symbol "another layer" 'int part_x(void); int f(void); int f(void) { return part_x(); }' "needs part_x"
layers_tree
archives
rm "$dir/tree/build/lib/libassent_lockmgr.a"
bites "a missing archive" "libassent_lockmgr.a: not there" "$root/scripts/check_layers.sh" "$dir/tree" \
    "$dir/tree/build"

# ---- exit statuses ----

# What the check reads of the real tree, so that it is shown on the real shapes.
exits_tree() {
    rm -rf "$dir/tree"
    for folder in common lockmgr txlog participant coordinator client; do
        (cd "$root" && find "$folder" -name CMakeLists.txt -o -name '*.c' -o -name cli.h) |
            while read -r file; do
                mkdir -p "$dir/tree/$(dirname "$file")"
                cp "$root/$file" "$dir/tree/$file"
            done
    done
    mkdir -p "$dir/tree/docs" "$dir/tree/cmake"
    cp -r "$root/docs/man" "$root/docs/messages.md" "$dir/tree/docs/"
    cp -r "$root/cmake/systemd" "$dir/tree/cmake/"
}
exits() {
    "$root/scripts/check_exit_docs.sh" "$dir/tree"
}
exits_tree
echo '/* EX_OSFILE is
 * only spoken of */' >>"$dir/tree/client/txctl/txctl_exec.c"
fine "exit statuses" exits
exits_tree
echo 'int g(void) { return EX_OSFILE; }' >>"$dir/tree/client/txctl/txctl_exec.c"
bites "a new exit status" "txctl can leave with 72 EX_OSFILE, which is no row" exits
exits_tree
sed -i 's/EX_NOPERM/EX_CONFIG/' "$dir/tree/common/daemon.c"
bites "an exit status that is gone" "txparticipant cannot leave with 77 EX_NOPERM" exits
exits_tree
sed -i '/^| 66 /d' "$dir/tree/docs/messages.md"
bites "a row that is missing" "txrecover can leave with 66 EX_NOINPUT" exits
exits_tree
sed -i 's/^| 76 /| 75 /' "$dir/tree/docs/messages.md"
bites "a wrong number" "txbench can leave with 76 EX_PROTOCOL" exits
exits_tree
sed -i '/^\.It 74/d' "$dir/tree/docs/man/txcoordinator.8"
bites "a manual page without one" "txcoordinator.8: exit status 74 is missing" exits
exits_tree
sed -i 's/^\.It 74/.It 75/' "$dir/tree/docs/man/txrecover.1"
bites "a manual page with another one" "txrecover.1: there is no exit status 75" exits
exits_tree
sed -i 's/^\(RestartPreventExitStatus=.*\) 77/\1/' "$dir/tree/cmake/systemd/assent-participant@.service.in"
bites "a unit that tries again in vain" "RestartPreventExitStatus=64 65 73 78, but" exits

# ---- links of the pages ----

links() {
    "$root/tests/scripts/check_links.sh" "$dir/pages"
}
page() {
    printf '# A page\n\n## In doubt\n\n    [code](gone.md)\n\nsee [here](#in-doubt), [there](other.md#further-on)\n' >"$dir/pages/page.md"
    printf '# Other\n\n```sh\n# no heading\n```\n\n## Further on\n' >"$dir/pages/other.md"
}
mkdir "$dir/pages"
page
fine "links" links
sed -i 's/there](other/there](another/' "$dir/pages/page.md"
bites "a page that is gone" "page.md: another.md#further-on: no such file" links
page
sed -i 's/#in-doubt/#no-heading/' "$dir/pages/page.md"
bites "a heading that is gone" "page.md: #no-heading: no such heading in page.md" links
page
sed -i 's/#further-on/#no-heading/' "$dir/pages/page.md"
bites "a heading that is code" "page.md: other.md#no-heading: no such heading in other.md" links

# ---- commands of the page on installing ----

runs() {
    "$root/tests/scripts/check_page_runs.sh" "$dir/runs"
}
mkdir -p "$dir/runs/docs" "$dir/runs/tests/scripts"
cp "$root"/tests/scripts/*_test.sh "$dir/runs/tests/scripts/"
cp "$root/docs/install.md" "$dir/runs/docs/"
fine "commands of a page" runs
printf '\n```sh\ntrue\n```\n' >>"$dir/runs/docs/install.md"
bites "a command that nobody runs" "no test runs the block of commands Uninstalling 3" runs
sed '/^## Upgrading/,/^## Uninstalling/s/^```sh/```/' "$root/docs/install.md" >"$dir/runs/docs/install.md"
bites "a command that is gone" "there is no block of commands Upgrading 1" runs

if [ "$failures" != 0 ]; then
    echo "$failures failed"
    exit 1
fi
echo "every check bites"

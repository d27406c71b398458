#!/bin/sh
# The dependency rules of docs/architecture.md: which file may include which, and that the archives of the
# pure layers need nothing impure from outside.
# usage: check_layers.sh [ROOT [BUILD]]     without BUILD the archives are not looked at
# exit status 1 when a rule is broken, with one line for each place
set -eu
cd "${1:-$(dirname "$0")/..}"
build=${2:-}
folders='common lockmgr txlog participant coordinator client'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# layer | layers that it may include besides itself | system headers
#   pure: the C library's headers without time, and header-only containers; any: every header but the
#   bound ones below
cat >"$dir/rules" <<'END'
base         |                                                             | pure
wire         | base                                                        | pure
diagnostics  | base                                                        | any
runtime      | base wire diagnostics                                       | any
lockmgr      | base                                                        | pure
format       | base                                                        | pure
backup       | base diagnostics format                                     | any
log          | base diagnostics format backup                              | any
rm           | base format                                                 | pure
kv           | base format rm                                              | pure
part_core    | base format lockmgr rm                                      | pure
node         | base wire diagnostics runtime format log                    | any
part_shell   | base wire diagnostics runtime format log node part_core rm kv | any
coord_core   | base format                                                 | pure
coord_shell  | base wire diagnostics runtime format log node coord_core backup client_api drive | any
drive        | base diagnostics backup client_api                          | any
client_api   |                                                             | pure
client_core  | base client_api                                             | pure
client_figures | base                                                        | pure
client_shell | base wire diagnostics backup drive client_api client_core client_figures | any
END

# The targets that are a layer of their own. Other files belong to the default layer of their folder.
cat >"$dir/targets" <<'END'
assent_base base
assent_wire wire
assent_diagnostics diagnostics
assent_runtime runtime
assent_node node
assent_lockmgr lockmgr
assent_txlog_format format
assent_backup backup
assent_txlog log
assent_kv kv
assent_part_core part_core
assent_coord_core coord_core
assent_client_core client_core
assent_backup_drive drive
assent_client_figures client_figures
END
cat >"$dir/defaults" <<'END'
common runtime
lockmgr lockmgr
txlog log
participant part_shell
coordinator coord_shell
client client_shell
END
# Headers without a source file of the same name.
cat >"$dir/headers" <<'END'
common/limits.h base
common/spare.h base
common/seeded_bug.h base
common/wire.h wire
common/transport_internal.h runtime
common/wire_encoder.h wire
common/wire_internal.h wire
txlog/backup/archive_index.h backup
participant/rm.h rm
participant/part_map.h rm
participant/kv_key.h kv
participant/kv_spares.h kv
participant/part_core.h part_core
participant/part_internal.h part_core
participant/part_state.h part_core
coordinator/coord_core.h coord_core
coordinator/coord_internal.h coord_core
coordinator/coord_state.h coord_core
client/txclient.h client_api
client/txclient_admin.h client_api
END
# Headers of libraries: the folders that may include them, and in how many files each.
cat >"$dir/bound" <<'END'
rocksdb/c.h txlog 1
msgpack.h common 1
czmq.h common 2
zmq.h client 1
ini.h common 1
microhttpd.h common 1
ini.h client 1
sodium.h txlog 1
zstd.h txlog 1
jansson.h txlog 2
systemd/sd-daemon.h common 1
END
# The layers whose archives are checked for what they need from outside.
pure_layers='base lockmgr format kv part_core coord_core client_core'

# "FILE TARGET" for every source of every assent_layer() block.
layer_sources() {
    for folder in $folders; do
        [ ! -f "$folder/CMakeLists.txt" ] ||
            sed 's/#.*//' "$folder/CMakeLists.txt" | tr '()\n' '   ' | awk -v folder="$folder" '{
                for (i = 1; i <= NF; i++) {
                    if ($i ~ /^(assent_(layer|program)|(add|set|target)_[a-z_]+|install|set)$/) {
                        target = $i == "assent_layer" ? $(i + 1) : ""
                        sources = 0
                    } else if ($i ~ /^[A-Z]+$/)
                        sources = $i == "SOURCES"
                    else if (target != "" && sources)
                        print folder "/" $i, target
                }
            }'
    done
}

# "FILE LAYER" for every C file.
file_layers() {
    for folder in $folders; do
        [ ! -d "$folder" ] || find "$folder" -name '*.[ch]' -type f
    done | LC_ALL=C sort | awk -v dir="$dir" '
        function layer_of(file, folder) {
            folder = file
            sub(/\/.*/, "", folder)
            return file in target && target[file] in layer ? layer[target[file]] : fallback[folder]
        }
        BEGIN {
            while ((getline <(dir "/targets")) > 0) layer[$1] = $2
            while ((getline <(dir "/defaults")) > 0) fallback[$1] = $2
            while ((getline <(dir "/headers")) > 0) header[$1] = $2
            while ((getline <(dir "/sources")) > 0) target[$1] = $2
        }
        {
            source = $1
            sub(/\.h$/, ".c", source)
            print $1, $1 in header ? header[$1] : layer_of(source)
        }'
}

check_includes() {
    # A public header names the other one as it finds it where both are installed.
    cut -d ' ' -f 1 "$dir/files" | xargs grep -n '^[ \t]*#[ \t]*include' /dev/null |
        sed 's/^\(client\/txclient_admin\.h:[^"]*"\)\(txclient\.h"\)/\1client\/\2/' |
        sed 's/^\([^:]*\):\([0-9]*\):[^"<]*\(["<][^">]*\).*/\1 \2 \3/' |
        awk -v dir="$dir" '
        function report(text) {
            printf "%s:%d: %s\n", $1, $2, text
            bad = 1
        }
        function check_own(file, layer) {
            if (!(file in of))
                report("includes \"" file "\", which is no header of the project (from its top)")
            else if (of[file] != layer && !((layer, of[file]) in allowed))
                report("layer " layer " includes " file " of layer " of[file])
        }
        function check_system(header, layer, folder) {
            folder = $1
            sub(/\/.*/, "", folder)
            if (header in bound) {
                if (++users[header, folder] > files_max[header, folder])
                    report("<" header "> may be included by" bound[header] ", and no more")
            } else if (system_of[layer] == "pure" && !(header in pure))
                report("layer " layer " is pure and includes <" header ">")
        }
        BEGIN {
            split("assert ctype errno float inttypes limits math stdalign stdarg stdatomic stdbool " \
                  "stddef stdint stdio stdlib stdnoreturn string uthash utlist sys/queue nmmintrin",
                  names, " ")
            for (i in names) pure[names[i] ".h"]
            while ((getline <(dir "/files")) > 0) of[$1] = $2
            while ((getline <(dir "/bound")) > 0) {
                bound[$1] = bound[$1] " " $3 " file(s) of " $2 "/"
                files_max[$1, $2] = $3
            }
            while ((getline line <(dir "/rules")) > 0) {
                split(line, field, "|")
                gsub(/ /, "", field[1])
                gsub(/ /, "", field[3])
                system_of[field[1]] = field[3]
                n = split(field[2], list, " ")
                for (i = 1; i <= n; i++) allowed[field[1], list[i]]
            }
        }
        { name = substr($3, 2) }
        $3 ~ /^"/ { check_own(name, of[$1]) }
        $3 ~ /^</ { check_system(name, of[$1]) }
        END { exit bad }'
}

# "LAYER ARCHIVE" for every pure layer that the build files name.
pure_archives() {
    for layer in $pure_layers; do
        target=$(awk -v layer="$layer" '$2 == layer { print $1 }' "$dir/targets")
        ! grep -q " $target\$" "$dir/sources" || echo "$layer $build/lib/lib$target.a"
    done
}

# Every symbol that a pure archive needs must come from a layer that it may use, or be on the list: memory,
# strings, numbers to text and back, and what compilers and sanitizers add on their own. Printing is left
# to the hook of the assertions.
check_symbols() {
    pure_archives >"$dir/archives"
    while read -r layer archive; do
        if [ ! -f "$archive" ]; then
            echo "$archive: not there; build it first"
            return 1
        fi
    done <"$dir/archives"
    while read -r layer archive; do
        nm --format=posix --print-file-name "$archive" 2>/dev/null |
            sed "s|^.*\[\(.*\)\]: |$layer \1 |"
    done <"$dir/archives" >"$dir/symbols"
    awk -v dir="$dir" '
        BEGIN {
            while ((getline line <(dir "/rules")) > 0) {
                split(line, field, "|")
                gsub(/ /, "", field[1])
                uses[field[1]] = field[1] " " field[2]
            }
            libc = "^(malloc|calloc|realloc|reallocarray|free|abort|qsort|bsearch|bcmp|v?snprintf|" \
                   "mem(cpy|move|set|cmp|chr|rchr|mem)|str(len|nlen|cpy|ncpy|cmp|ncmp|chr|rchr|str|spn|cspn|pbrk)|" \
                   "strto(l|ll|ul|ull))$"
            added = "^(__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__cpu_model|__cpu_indicator_init|" \
                    "__errno_location|__ctype_b_loc|__isoc23_strto(l|ll|ul|ull)|" \
                    "__(mem(cpy|move|set)|v?snprintf)_chk|__(asan|ubsan|tsan|sanitizer|gcov|llvm)_.*)$"
            printing = "^(stderr|fprintf|__fprintf_chk|fputs|fputc|fwrite|_Exit)$"
        }
        function provided(layer, symbol, list, n, i) {
            n = split(uses[layer], list, " ")
            for (i = 1; i <= n; i++)
                if ((list[i], symbol) in defined)
                    return 1
            return 0
        }
        $4 !~ /^[Uwv]$/ { defined[$1, $3] }
        $4 ~ /^[Uwv]$/ { needs[++n] = $1 " " $2 " " $3 }
        END {
            for (i = 1; i <= n; i++) {
                split(needs[i], need, " ")
                if (need[3] ~ libc || need[3] ~ added || provided(need[1], need[3]))
                    continue
                if (need[1] == "base" && need[2] ~ /^assert\.c/ && need[3] ~ printing)
                    continue
                printf "layer %s: %s needs %s from outside\n", need[1], need[2], need[3]
                bad = 1
            }
            exit bad
        }' "$dir/symbols" || return 1
    echo "$(wc -l <"$dir/archives") pure archives need nothing impure"
}

layer_sources >"$dir/sources"
file_layers >"$dir/files"
if ! [ -s "$dir/files" ]; then
    echo "no C files found in: $folders"
    exit 1
fi
status=0
check_includes || status=1
if [ -n "$build" ]; then
    check_symbols || status=1
fi
[ "$status" != 0 ] || echo "$(wc -l <"$dir/files") files keep to their layers"
exit "$status"

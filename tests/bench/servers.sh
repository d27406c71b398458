# shellcheck shell=bash
# Shared by what measures: servers of its own in a directory of its own, both of which go with the script; clusters of Assent; and
# the machine in words. Source it behind `set -euo pipefail`; BUILD is where the programs are.

PATH=$PATH:/usr/sbin:/sbin
SERVERS=() # process ids
LOAD=''    # that of a load under way
DIR=''     # everything is in here

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() {
    say "$*"
    exit 1
}
refuse() {
    say "$*"
    exit 77
}

# servers_begin NAME: makes DIR, and sees to it that nothing is left behind.
servers_begin() {
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/assent_$1.XXXXXX")
    chmod 711 "$DIR"
    trap servers_end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    case $(stat -f -c %T "$DIR") in tmpfs | ramfs) say "$DIR is in memory: nothing here is durable; set TMPDIR" ;; esac
}
servers_end() {
    trap '' INT TERM HUP
    [ -z "$LOAD" ] || end "$LOAD" TERM
    stop_servers
    rm -rf "$DIR"
}
# end PID SIGNAL: and waits for it; what does not listen is killed.
end() {
    local i
    kill -"$2" "$1" 2>/dev/null || true
    for ((i = 0; i < 600; i++)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
# With the signal STOP: PostgreSQL's fast shutdown is SIGINT.
stop_servers() {
    local pid
    for pid in ${SERVERS[@]+"${SERVERS[@]}"}; do kill -"${STOP:-TERM}" "$pid" 2>/dev/null || true; done
    for pid in ${SERVERS[@]+"${SERVERS[@]}"}; do end "$pid" "${STOP:-TERM}"; done
    SERVERS=()
}
# Ports that nobody listens on, from 5000 to 9999: those above are held by programs of the test suite, for daemons that do not listen
# yet, and those from 32768 on are handed out by the kernel. Two scripts that were started one after the other begin far apart.
PORT=$((5000 + $$ * 7919 % 5000))
free_port() {
    while PORT=$((5000 + (PORT - 4999) % 5000)) && (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do :; done
}
# serve LOG COMMAND...: starts it, with what it says in LOG.
serve() {
    local log=$1
    shift
    : >"$log"
    (cd / && exec "$@") >>"$log" 2>&1 &
    SERVERS+=($!)
    disown $! # or its end would be told
}
# until_says LOG TEXT: while all servers live; five minutes at most.
until_says() {
    local pid tries=0
    until grep -q "$2" "$1"; do
        for pid in "${SERVERS[@]}"; do
            kill -0 "$pid" 2>/dev/null || die "a server has ended: $(tail -n 5 "$1")"
        done
        [ $((tries += 1)) -le 15000 ] || die "does not serve: $(tail -n 5 "$1")"
        sleep 0.02
    done
}

# ---- a cluster of Assent, below DIR: CLUSTER_NAMES, and by name their addresses and process ids ----

declare -A CLUSTER_PID=() CLUSTER_AT=()
CLUSTER_NAMES=()

# cluster_configure N [LINES [LINES]]: files of one coordinator and N participants p1, p2, ..., with everything at its default but
# HTTP, which is off, and what the LINES say, of the participants and of the coordinator. The data of an earlier cluster stay.
cluster_configure() {
    local n lines=${2:-} listed=''
    CLUSTER_NAMES=()
    CLUSTER_AT=()
    for ((n = 1; n <= $1; n++)); do
        free_port
        CLUSTER_AT[p$n]=tcp://127.0.0.1:$PORT
        printf '[http]\nlisten = off\n[node]\ncluster = bench\nname = p%d\nlisten = %s\ndata = %s\n%s\n' "$n" "${CLUSTER_AT[p$n]}" "$DIR/p$n.data" \
            "$lines" >"$DIR/p$n.conf"
        listed+="p$n = ${CLUSTER_AT[p$n]}"$'\n'
        CLUSTER_NAMES+=("p$n")
    done
    free_port
    CLUSTER_AT[coordinator]=tcp://127.0.0.1:$PORT
    printf '[http]\nlisten = off\n[node]\ncluster = bench\nlisten = %s\ndata = %s\n%s\n[participants]\n%s' "${CLUSTER_AT[coordinator]}" \
        "$DIR/coordinator.data" "${3:-}" "$listed" >"$DIR/coordinator.conf"
    CLUSTER_NAMES+=(coordinator)
    printf '[client]\ncluster = bench\ncoordinator = %s\n' "${CLUSTER_AT[coordinator]}" >"$DIR/client.conf"
}
# cluster_spawn NAME: starts that daemon and returns at once.
cluster_spawn() {
    local program=txparticipant
    [ "$1" != coordinator ] || program=txcoordinator
    serve "$DIR/$1.log" "$BUILD/bin/$program" --config "$DIR/$1.conf"
    CLUSTER_PID[$1]=${SERVERS[-1]}
}
# All of them, until they serve and the coordinator has heard of every participant.
cluster_start() {
    local name
    for name in "${CLUSTER_NAMES[@]}"; do cluster_spawn "$name"; done
    for name in "${CLUSTER_NAMES[@]}"; do until_says "$DIR/$name.log" 'msg=serving'; done
    for name in "${CLUSTER_NAMES[@]}"; do
        [ "$name" = coordinator ] || until_says "$DIR/coordinator.log" "participant $name is up"
    done
}
# Stops it, and removes its data.
cluster_remove() {
    stop_servers
    rm -rf "$DIR"/*.data
}
# rss NAME [FIELD]: kilobytes of memory that the daemon holds now (VmRSS), or what /proc says in FIELD.
rss() { awk -v field="${2:-VmRSS}:" '$1 == field { print $2 }' "/proc/${CLUSTER_PID[$1]}/status"; }

# number KEY [FILE]: the first of this name in a line of JSON, by default in $DIR/out.
number() {
    awk -v key="\"$1\":" 'match($0, key "[0-9.]+") { print substr($0, RSTART + length(key), RLENGTH - length(key)); exit }' \
        "${2:-$DIR/out}"
}

# The machine, in words.
machine() {
    local model memory
    model=$(sed -n 's/^model name[ \t]*: //p' /proc/cpuinfo | head -n 1)
    memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
    printf '%s cores (%s), %s, %s, Linux %s, load average %s at the beginning' "$(nproc)" "${model:-unknown}" "$memory" \
        "$(df --output=fstype "$DIR" | tail -n 1)" "$(uname -r)" "$(cut -d ' ' -f 1 /proc/loadavg)"
}

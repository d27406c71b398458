# Sourced by tests of what is installed: a cluster of one coordinator and two participants, run by programs that the
# caller names, on ports that the system picks. A shell of its own sources it: it sets traps.
# shellcheck shell=sh

cluster_pids=
# cluster_daemon PROGRAM NAME [COMMAND...]: starts PROGRAM with $cluster_dir/NAME.conf, below COMMAND if there is one
# (one that execs), waits until it serves, and sets cluster_address to where.
cluster_daemon() {
    cluster_program=$1 cluster_name=$2
    shift 2
    "$@" "$cluster_program" --config "$cluster_dir/$cluster_name.conf" 2>>"$cluster_dir/$cluster_name.log" &
    cluster_pid=$!
    cluster_pids="$cluster_pid $cluster_pids"
    until grep -q 'msg=serving' "$cluster_dir/$cluster_name.log"; do
        kill -0 "$cluster_pid" 2>/dev/null || {
            echo "$cluster_program $cluster_name does not serve: $(tail -n 3 "$cluster_dir/$cluster_name.log")"
            exit 1
        }
        sleep 0.05
    done
    cluster_address=$(sed -n 's/.*msg=serving.* listen=\([^ ]*\).*/\1/p' "$cluster_dir/$cluster_name.log")
}

# cluster_start DIR TXCOORDINATOR TXPARTICIPANT [COMMAND...]: makes the configurations in DIR and starts all; the
# clients' file is DIR/client.conf.
cluster_start() {
    cluster_dir=$1 cluster_coordinator=$2 cluster_participant=$3
    shift 3
    mkdir -p "$cluster_dir"
    # Whoever takes long to come up, or is held up, is no reason to abort.
    printf '[node]\ncluster = installed\nlisten = tcp://127.0.0.1:*\ndata = %s/coordinator.data\n' \
        "$cluster_dir" >"$cluster_dir/coordinator.conf"
    printf '[timers]\npeer_down = 1h\n[participants]\n' >>"$cluster_dir/coordinator.conf"
    for cluster_node in a b; do
        printf '[node]\ncluster = installed\nname = %s\nlisten = tcp://127.0.0.1:*\ndata = %s/%s.data\n' \
            "$cluster_node" "$cluster_dir" "$cluster_node" >"$cluster_dir/$cluster_node.conf"
        cluster_daemon "$cluster_participant" "$cluster_node" "$@"
        echo "$cluster_node = $cluster_address" >>"$cluster_dir/coordinator.conf"
    done
    cluster_daemon "$cluster_coordinator" coordinator "$@"
    printf '[client]\ncluster = installed\ncoordinator = %s\n' "$cluster_address" >"$cluster_dir/client.conf"
}

# Stops all that was started, the coordinator first, and complains of one that does not leave cleanly.
cluster_stop() {
    cluster_status=0
    for cluster_pid in $cluster_pids; do
        kill -TERM "$cluster_pid" 2>/dev/null || true
        wait "$cluster_pid" || cluster_status=$?
    done
    cluster_pids=
    [ "$cluster_status" = 0 ] || {
        echo "a daemon left with $cluster_status: $(tail -n 2 "$cluster_dir"/*.log)"
        return 1
    }
}
# For a trap: ends what is left, whatever state it is in.
cluster_kill() {
    for cluster_pid in $cluster_pids; do
        kill -KILL "$cluster_pid" 2>/dev/null || true
    done
}

#!/bin/bash
# The units as systemd runs them: a system manager of its own, in namespaces of its own, with nothing but the installed
# units, starts a coordinator and two participants below all of their hardening. Transactions run; one daemon is killed
# and comes back, another one stands still and the watchdog ends it; a wrong configuration is not tried again; a reload;
# all are stopped.
# usage: units_run_test.sh BUILD_DIR SOURCE_DIR     exit status 77: this machine does not let us (root, namespaces, cgroup)
set -euo pipefail
umask 022 # the daemons run as a user of their own, and must get at what is installed here
build=$1 source=$2
skip() {
    echo "skipped: $*"
    exit 77
}

# ---- outside: a cgroup and the namespaces ----
outside() {
    [ "$(id -u)" = 0 ] || skip "only root can run a system manager"
    hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$hierarchy" ] || skip "no cgroup2 is mounted"
    unshare --mount --pid --cgroup --fork --net --uts --ipc true 2>/dev/null || skip "no namespaces can be made"
    dir=$(mktemp -d)
    cgroup=$hierarchy/assent-units-$$
    manager=
    clean() {
        [ -z "$manager" ] || kill -KILL "$manager" 2>/dev/null || true # and all that is in the namespace with it
        wait "$manager" 2>/dev/null || true
        for _ in $(seq 200); do # which takes a moment
            [ -d "$cgroup" ] || break
            find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
        done
        rm -rf "$dir"
    }
    trap clean EXIT
    trap 'exit 1' INT TERM
    mkdir "$cgroup" 2>/dev/null || skip "no cgroup can be made in $hierarchy"
    DESTDIR=$dir/image cmake --install "$build" --prefix /opt/assent >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
    mkfifo "$dir/done"
    cp "$0" "$dir/test" # where this one lies may be hidden inside
    cp -r "$source/cmake/debian/server" "$dir/package"
    . "$source/tests/scripts/page_blocks.sh" # awk is an alternative of /etc, which is another one inside
    page=$source/docs/install.md
    page_block "$page" Installing 3 >"$dir/installing"
    page_block "$page" Services 1 >"$dir/services-1"
    page_block "$page" Services 2 >"$dir/services-2"
    page_block "$page" Services 3 >"$dir/services-3"
    # The shell that becomes the manager joins the cgroup before its cgroup namespace begins there.
    ASSENT_UNITS_DIR=$dir sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec unshare --cgroup --mount --pid --fork \
        --kill-child --net --uts --ipc --propagation private --mount-proc "$@"' sh "$cgroup" "$dir/test" "$build" "$source" &
    manager=$!
    # Whoever comes first: the test with its exit status, or the end of a manager that could not begin.
    (while kill -0 "$manager" 2>/dev/null; do sleep 0.2; done; echo 1) 3>"$dir/done" >&3 &
    read -r status <"$dir/done"
    cat "$dir/said"
    [ "$status" = 0 ] || [ "$status" = 77 ] || tail -n 40 "$dir/manager.log" || true
    exit "$status"
}

# ---- the manager: a root of its own, read-only but for what is fresh ----
become_manager() {
    mkdir -p "$dir/etc"
    : >"$dir/said"
    cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /etc/hosts "$dir/etc/"
    mkdir -p "$dir/etc/assent"
    mount --bind "$dir/etc" /etc
    mount --bind "$dir/image/opt" /opt
    if [ -e /usr/sbin/policy-rc.d ]; then # as images for containers have it, where no service may start
        printf '#!/bin/sh\nexit 0\n' >"$dir/policy"
        chmod +x "$dir/policy"
        mount --bind "$dir/policy" /usr/sbin/policy-rc.d
    fi
    mount -t tmpfs none /run
    mkdir /run/test
    mount --bind "$dir" /run/test
    dir=/run/test
    mount -o remount,bind,ro /
    mount -t tmpfs none /tmp
    mount -t tmpfs none /var
    mount -t tmpfs none /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
    mkdir -p /run/empty-targets /var/lib /var/tmp /var/log
    for target in sysinit basic network shutdown multi-user umount; do
        printf '[Unit]\nDefaultDependencies=no\n' >"/run/empty-targets/$target.target"
    done
    (
        status=0
        ASSENT_UNITS_DIR=$dir "$dir/test" "$build" "$source" >"$dir/said" 2>&1 || status=$?
        echo "$status" >"$dir/done"
    ) &
    exec env -i container=assent PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        SYSTEMD_UNIT_PATH=/etc/systemd/system:/opt/assent/lib/systemd/system:/run/empty-targets SYSTEMD_LOG_TARGET=console \
        /lib/systemd/systemd --system --unit=multi-user.target >"$dir/manager.log" 2>&1
}

# ---- the test ----
fail() {
    echo "units: $*"
    for unit in $units; do
        systemctl status --no-pager --full "$unit" 2>&1 || true
    done
    tail -n 12 /var/log/assent-*
    exit 1
}
property() { systemctl show --property="$2" --value "$1"; }
# until UNIT PROPERTY VALUE
until_is() {
    for _ in $(seq 600); do
        [ "$(property "$1" "$2")" != "$3" ] || return 0
        sleep 0.1
    done
    fail "$1: $2 is $(property "$1" "$2"), not $3"
}
# holds KEY VALUE: sooner or later; transactions abort until a restarted participant is up for its coordinator
holds() {
    for _ in $(seq 300); do
        said=$(ctl get "$1" 2>&1) && break
        sleep 0.1
    done
    [ "$said" = "$2" ] || fail "$1 is not $2: $said"
}
# as_documented BLOCK: commands of the page, with the prefix of this installation
as_documented() {
    sed 's|/usr/local/|/opt/assent/|g' "$dir/$1" >"$dir/block"
    PATH=$PATH:/opt/assent/bin bash -euo pipefail "$dir/block" >"$dir/block.said" 2>&1 ||
        fail "docs/install.md: $(cat "$dir/block" "$dir/block.said")"
}
ctl() { /opt/assent/bin/txctl --config /etc/assent/client.conf "$@"; }

manage() {
    coordinator=assent-coordinator@1.service a=assent-participant@a.service b=assent-participant@b.service
    units="$coordinator $a $b"
    for _ in $(seq 600); do
        systemctl list-units >/dev/null 2>&1 && break
        sleep 0.1
    done
    systemctl list-units >/dev/null 2>&1 || skip "no manager comes up here"

    # As an administrator: user, directory, configuration, enable. The ports are free: the network is ours as well.
    as_documented installing
    # There is no journal here.
    for kind in coordinator participant; do
        mkdir -p "/etc/systemd/system/assent-$kind@.service.d"
        printf '[Service]\nStandardError=append:/var/log/assent-%%i\n' >"/etc/systemd/system/assent-$kind@.service.d/log.conf"
    done
    as_documented services-1
    [ -e /etc/systemd/system/multi-user.target.wants/assent.target ] || fail "enabled: $(ls -R /etc/systemd)"
    for unit in $units; do
        until_is "$unit" ActiveState active
        until_is "$unit" StatusText serving
    done
    [ "$(stat -c '%U %a' /var/lib/assent/coordinator-1)" = "assent 750" ] || fail "$(stat /var/lib/assent/*)"
    user=$(stat -c %U "/proc/$(property $a MainPID)")
    [ "$user" = assent ] || fail "another user: $user"
    grep -q '^Seccomp:.2$' "/proc/$(property $a MainPID)/status" || fail "no filter of system calls"
    for _ in $(seq 300); do # until both are up for the coordinator
        ! said=$(ctl exec 'put a/t/x 1; put b/t/x 2' 2>&1) || break
        sleep 0.1
    done
    case $said in "committed "*) ;; *) fail "no transaction commits: $said" ;; esac
    as_documented services-2

    # Killed: it comes back by itself, with its data.
    before=$(property $b MainPID)
    kill -KILL "$before"
    until_is $b NRestarts 1
    until_is $b StatusText serving
    holds b/t/x 2

    # It stands still: the watchdog ends it. Not the 30 s of the unit, but all else of it.
    systemctl stop $a
    mkdir -p "/etc/systemd/system/$a.d"
    printf '[Service]\nWatchdogSec=5s\n' >"/etc/systemd/system/$a.d/watchdog.conf"
    systemctl daemon-reload
    systemctl start $a
    sleep 12 # twice as long as the watchdog waits, which is longer than a busy machine stands still
    [ "$(property $a NRestarts)" = 0 ] || fail "the watchdog ends a daemon that works"
    kill -STOP "$(property $a MainPID)"
    until_is $a NRestarts 1
    until_is $a StatusText serving
    holds a/t/x 1

    before=$(property $coordinator MainPID)
    systemctl reload $coordinator # which has sent a signal when it returns; the daemon may be reloading still, or not yet
    until_is $coordinator StatusText serving
    until_is $coordinator ActiveState active
    [ "$(property $coordinator MainPID)" = "$before" ] || fail "a reload ends it"

    # What a restart does not cure is not tried again.
    cp /etc/assent/participant-b.conf /etc/assent/keep
    echo 'nonsense = 1' >>/etc/assent/participant-b.conf
    ! systemctl restart $b 2>/dev/null || fail "a wrong configuration is started"
    until_is $b ActiveState failed
    [ "$(property $b ExecMainStatus) $(property $b NRestarts)" = "78 0" ] || fail "$b: $(property $b ExecMainStatus)"
    property $b StatusText | grep -q 'participant-b.conf:.*nonsense' || fail "$b does not say why: $(property $b StatusText)"
    mv /etc/assent/keep /etc/assent/participant-b.conf
    systemctl start $b
    until_is $b StatusText serving

    # The scripts of the Debian package: an upgrade restarts what runs, a removal stops it.
    mkdir -p /etc/sysusers.d /etc/tmpfiles.d
    cp /opt/assent/lib/sysusers.d/assent.conf /etc/sysusers.d/
    cp /opt/assent/lib/tmpfiles.d/assent.conf /etc/tmpfiles.d/
    before=" $(property $coordinator MainPID) $(property $a MainPID) "
    systemctl stop $b
    "$dir/package/postinst" configure 0.0.1-1 || fail "postinst fails"
    for unit in $coordinator $a; do
        until_is "$unit" StatusText serving
        case $before in *" $(property "$unit" MainPID) "*) fail "an upgrade does not restart $unit" ;; esac
    done
    [ "$(property $b ActiveState)" = inactive ] || fail "an upgrade starts what was stopped"
    systemctl start $b
    "$dir/package/prerm" upgrade 0.0.1-1
    until_is $b StatusText serving
    "$dir/package/prerm" remove
    for unit in $units; do
        [ "$(property "$unit" ActiveState)" = inactive ] || fail "a removal leaves $unit running"
    done

    # The target starts all, and stops all of them; none has to be killed for it.
    systemctl start assent.target
    as_documented services-3
    for unit in $units; do
        until_is "$unit" StatusText serving
    done
    systemctl stop assent.target
    for unit in $units; do
        until_is "$unit" ActiveState inactive
        [ "$(property "$unit" Result) $(property "$unit" ExecMainStatus)" = "success 0" ] || fail "$unit does not end well"
    done
    echo "a cluster of three hardened services was started, killed, watched, reloaded, upgraded and stopped by systemd"
}

if [ -z "${ASSENT_UNITS_DIR:-}" ]; then
    outside
fi
dir=$ASSENT_UNITS_DIR
if [ "$$" = 1 ]; then
    become_manager
fi
manage

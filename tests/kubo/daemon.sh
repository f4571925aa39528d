#!/bin/sh
# Real IPFS daemons for tests and demo, on loopback only, known to nobody but those they are connected to.
#
#   daemon.sh start DIR N     N daemons, repositories DIR/1 .. DIR/N, not connected; returns when they answer
#   daemon.sh connect A B     A and B are such repositories: joins their swarms
#   daemon.sh api A           where daemon A answers, HOST:PORT
#   daemon.sh stop DIR        stops every daemon under DIR (or the one whose repository DIR is), and waits
#
# A repository that exists already is started again with what it holds. KUBO names the program (build/kubo/ipfs),
# KUBO_PROFILE the profiles of a new repository (test).
# Ports are the kernel's choice. The daemon's pid is in pid, its output in daemon.log, its API address in api.
set -eu
KUBO=${KUBO:-build/kubo/ipfs}
export IPFS_TELEMETRY=off

complain() {
    echo "daemon.sh: $*" >&2
    exit 1
}

# Nothing may leave this machine: no bootstrap, no routing, no local discovery, no port mapping, no relays.
configure() {
    IPFS_PATH=$1 "$KUBO" init --profile "${KUBO_PROFILE:-test}" --empty-repo >"$1/init.log" 2>&1 || {
        cat "$1/init.log" >&2
        complain "cannot initialise $1"
    }
    jq '.Addresses = {"API": "/ip4/127.0.0.1/tcp/0", "Swarm": ["/ip4/127.0.0.1/tcp/0"],
                      "Gateway": [], "Announce": [], "AppendAnnounce": [], "NoAnnounce": []}
        | .Bootstrap = [] | .Routing = {"Type": "none"} | .Discovery.MDNS.Enabled = false
        | .Swarm.DisableNatPortMap = true | .AutoConf = {"Enabled": false} | .AutoTLS = {"Enabled": false}
        | .DNS.Resolvers = {} | .Ipns.DelegatedPublishers = [] | .Routing.DelegatedRouters = []
        | .HTTPRetrieval.Enabled = false | .Version.SwarmCheckEnabled = false' \
        "$1/config" >"$1/config.new"
    mv "$1/config.new" "$1/config"
}

start_one() {
    mkdir -p "$1"
    [ -f "$1/config" ] || configure "$1"
    rm -f "$1/api"
    IPFS_PATH=$1 setsid "$KUBO" daemon >"$1/daemon.log" 2>&1 </dev/null &
    echo $! >"$1/pid"
}

# The daemon writes its file `api` when it listens, and prints this line when all is up.
wait_ready() {
    tries=0
    until [ -f "$1/api" ] && grep -q 'Daemon is ready' "$1/daemon.log"; do
        tries=$((tries + 1))
        if ! kill -0 "$(cat "$1/pid")" 2>/dev/null || [ "$tries" -gt 600 ]; then
            tail -n 20 "$1/daemon.log" >&2
            complain "the daemon of $1 did not come up"
        fi
        sleep 0.05 # looks again; nothing depends on how long it is
    done
}

# /ip4/127.0.0.1/tcp/5001 -> 127.0.0.1:5001
api_of() {
    echo "$(sed -n 's|^/ip4/\([0-9.]*\)/tcp/\([0-9]*\).*|\1:\2|p' "$1/api")"
}

start() {
    trap 'stop "$1"' EXIT # all or none
    n=1
    while [ "$n" -le "$2" ]; do
        start_one "$1/$n"
        n=$((n + 1))
    done
    n=1
    while [ "$n" -le "$2" ]; do
        wait_ready "$1/$n"
        n=$((n + 1))
    done
    trap - EXIT
}

connect() {
    address=$(curl -sS -X POST "http://$(api_of "$2")/api/v0/id" | jq -r '.Addresses[0]')
    answer=$(curl -sS -X POST "http://$(api_of "$1")/api/v0/swarm/connect?arg=$address")
    case $answer in
    *success*) ;;
    *) complain "cannot connect $1 to $2: $answer" ;;
    esac
}

# Each is asked first; one that is still there ten seconds later is killed.
stop() {
    pids=
    for pid_file in "$1/pid" "$1"/*/pid; do
        [ -f "$pid_file" ] || continue
        pids="$pids $(cat "$pid_file")"
        rm -f "$pid_file" "${pid_file%/pid}/api"
    done
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in $pids; do
        tries=0
        while kill -0 "$pid" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -le 200 ] || kill -9 "$pid" 2>/dev/null || true
            sleep 0.05 # looks again; nothing depends on how long it is
        done
    done
}

case "${1:-}:$#" in
start:3) start "$2" "$3" ;;
connect:3) connect "$2" "$3" ;;
api:2) api_of "$2" ;;
stop:2) stop "$2" ;;
*) complain "usage: daemon.sh start DIR N | connect A B | api A | stop DIR" ;;
esac

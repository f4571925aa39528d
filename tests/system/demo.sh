#!/bin/bash
# The demo: a real cluster of three peers and three IPFS daemons on this machine, in the folder demo/.
#   BUILD      folder of the programs (default: build)
#   KEEP=1     leave the cluster running
#   IPFS=...   the IPFS program; default: `ipfs` on PATH, then build/kubo/ipfs, then our stand-in
# Exits non-zero when anything that it claims did not happen.
set -euo pipefail
build=${BUILD:-build}
dir=$PWD/demo
service=$PWD/$build/ipfs-cluster-service
ctl=$PWD/$build/ipfs-cluster-ctl
sim=$PWD/$build/ipfs-cluster-sim
pids=()

say() { printf '\n== %s\n' "$*"; }
fail() { printf '\nDEMO FAILED: %s\n' "$*" >&2; tail -n 5 "$dir"/*.log >&2 || :; exit 1; }

end() {
    code=$?
    trap - EXIT
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || :; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || :; done
    rm -rf "$dir"
    exit $code
}
trap end EXIT INT TERM

# until_true SECONDS WHAT COMMAND...
until_true() {
    local limit=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $limit ] || fail "$what did not happen in time"
        sleep 0.2 # looks again; nothing depends on how long it is
    done
}

# A port that nobody listens on, different at each call.
next_port=$((20000 + RANDOM % 20000))
free_port() {
    while (exec 3<>/dev/tcp/127.0.0.1/$next_port) 2>/dev/null; do next_port=$((next_port + 1)); done
    port=$next_port
    next_port=$((next_port + 1))
}

ctl_at() { local n=$1; shift; "$ctl" --host "/ip4/127.0.0.1/tcp/${rest[$n]}" "$@"; }
ipfs_at() { local n=$1 path=$2; shift 2; curl -sS --fail-with-body -X POST "$@" "http://127.0.0.1:${api[$n]}/api/v0/$path"; }

# ---- IPFS daemons ----

start_kubo() {
    local n=$1
    export IPFS_PATH=$dir/ipfs$n
    "$ipfs" init --profile test >"$dir/ipfs$n.log" 2>&1
    "$ipfs" config Addresses.API "/ip4/127.0.0.1/tcp/${api[$n]}"
    "$ipfs" config --json Addresses.Swarm "[\"/ip4/127.0.0.1/tcp/${swarm[$n]}\"]"
    "$ipfs" config Addresses.Gateway ""
    "$ipfs" config --json Bootstrap '[]'
    "$ipfs" config --json Discovery.MDNS.Enabled false
    "$ipfs" config Routing.Type none
    "$ipfs" config --json AutoConf.Enabled false 2>/dev/null || :
    "$ipfs" daemon >>"$dir/ipfs$n.log" 2>&1 &
    pids+=($!)
}

start_standin() {
    "$sim" ipfs --listen "/ip4/127.0.0.1/tcp/${api[$1]}" >"$dir/ipfs$1.log" 2>&1 &
    pids+=($!)
}

ipfs=${IPFS:-$(command -v ipfs || :)}
[ -n "$ipfs" ] || [ ! -x "$build/kubo/ipfs" ] || ipfs=$PWD/$build/kubo/ipfs

rm -rf "$dir"
mkdir -p "$dir"
declare -a rest api swarm cluster proxy peer_pid id
for n in 1 2 3; do
    free_port; rest[$n]=$port
    free_port; api[$n]=$port
    free_port; swarm[$n]=$port
    free_port; cluster[$n]=$port
    free_port; proxy[$n]=$port
done
if [ -n "$ipfs" ] && [ "$ipfs" != standin ]; then
    say "Starting three IPFS daemons: $("$ipfs" version)"
    for n in 1 2 3; do start_kubo $n; done
else
    say "Starting three stand-in IPFS daemons (no \`ipfs\` on PATH; \`make kubo\` builds a real one, with Go)"
    for n in 1 2 3; do start_standin $n; done
fi
for n in 1 2 3; do until_true 30 "IPFS daemon $n answering" ipfs_at $n id; done

# ---- peers ----

secret=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')

init_peer() {
    local n=$1
    CLUSTER_PEERNAME=peer-$n \
        CLUSTER_LISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/${cluster[$n]} \
        CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/${rest[$n]} \
        CLUSTER_IPFSPROXY_LISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/${proxy[$n]} \
        CLUSTER_IPFSPROXY_NODEMULTIADDRESS=/ip4/127.0.0.1/tcp/${api[$n]} \
        CLUSTER_IPFSHTTP_NODEMULTIADDRESS=/ip4/127.0.0.1/tcp/${api[$n]} \
        CLUSTER_IPFSHTTP_CONNECTSWARMSDELAY=1s \
        CLUSTER_MONITORPINGINTERVAL=1s CLUSTER_REPINAFTER=3s \
        "$service" -c "$dir/peer$n" init --custom-secret "$secret" 2>/dev/null
    id[$n]=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' "$dir/peer$n/identity.json")
}

start_peer() { # start_peer N [daemon's options]
    local n=$1
    shift
    "$service" -c "$dir/peer$n" daemon "$@" >>"$dir/peer$n.log" 2>&1 &
    peer_pid[$n]=$!
    pids+=($!)
}

peers_ready() { [ "$(ctl_at 1 --enc json peers ls | grep -c '"error": "",')" -ge "$1" ] &&
    [ "$(ctl_at 1 peers ls | grep -c "Sees $(($1 - 1)) other peers")" -eq "$1" ]; }

say "Starting a cluster of one, and two peers that join it"
echo "   (short times for a demo: a peer says that it lives every second, counts as silent after 2 s,"
echo "    and its pins move when it was silent for 3 s more)"
for n in 1 2 3; do init_peer $n; done
start_peer 1
until_true 30 "peer 1 answering" ctl_at 1 id
for n in 2 3; do start_peer $n --bootstrap "/ip4/127.0.0.1/tcp/${cluster[1]}/p2p/${id[1]}"; done
until_true 40 "three peers in the cluster" peers_ready 3
ctl_at 1 peers ls | grep -v '^  '

# ---- pins ----

say "Adding six files to IPFS daemon 1 only, and pinning each on two peers"
cids=()
for i in 1 2 3 4 5 6; do
    head -c $((i * 1000)) /dev/urandom >"$dir/file$i"
    cid=$(ipfs_at 1 'add?pin=false&quieter=true' -F "file=@$dir/file$i" | sed -n 's/.*"Hash":"\([^"]*\)".*/\1/p')
    [ -n "$cid" ] || fail "IPFS daemon 1 did not take file $i"
    cids+=("$cid")
    ctl_at 1 pin add --replication 2 --name "file$i" --no-status "$cid" >/dev/null
done

pinned_count() { # how many peers say PINNED of a CID, all told, as peer $1 hears it
    ctl_at "$1" status "$2" | grep -c ': PINNED '
}
all_pinned() { # all_pinned PEER COUNT
    local cid
    for cid in "${cids[@]}"; do [ "$(pinned_count "$1" "$cid")" -eq "$2" ] || return 1; done
}
ipfs_has() { ipfs_at "$1" "pin/ls?type=recursive&arg=$2"; }

until_true 60 "every file pinned on two peers" all_pinned 1 2
ctl_at 1 status "${cids[0]}"
echo "... and five more like it."

# ---- a peer dies ----

victim=
for n in 3 2; do
    ipfs_has $n "${cids[0]}" >/dev/null 2>&1 && victim=$n && break
done
[ -n "$victim" ] || victim=3
survivors=()
for n in 1 2 3; do [ $n -eq "$victim" ] || survivors+=($n); done
say "Killing peer-$victim (kill -9), which holds pins"
kill -9 "${peer_pid[$victim]}"
wait "${peer_pid[$victim]}" 2>/dev/null || :
killed=$SECONDS

moved() {
    local cid n
    for cid in "${cids[@]}"; do
        for n in "${survivors[@]}"; do ipfs_has "$n" "$cid" || return 1; done
    done
}
until_true 60 "all pins arriving at the survivors" moved
say "After $((SECONDS - killed)) s each of the two survivors' IPFS daemons holds all six files:"
ctl_at "${survivors[0]}" status "${cids[0]}" || :

# ---- it comes back ----

say "Bringing peer-$victim back"
start_peer "$victim"
until_true 60 "three peers in the cluster again" peers_ready 3
ctl_at "${survivors[0]}" peers ls | grep -v '^  '
[ "$(ctl_at "$victim" pin ls | wc -l)" -eq 6 ] || fail "peer-$victim does not know the six pins"
echo "It knows all six pins: it has read what it missed from the log."

if [ -n "${KEEP:-}" ]; then
    say "The cluster goes on running (KEEP=1)"
    for n in 1 2 3; do echo "   $build/ipfs-cluster-ctl --host /ip4/127.0.0.1/tcp/${rest[$n]} status     # peer-$n"; done
    echo "   logs and data: $dir"
    echo "   stop it with: kill ${peer_pid[*]} ${pids[*]:0:3}; rm -rf $dir"
    trap - EXIT
    exit 0
fi
say "Stopping everything"
for n in 1 2 3; do kill "${peer_pid[$n]}"; done
for n in 1 2 3; do
    wait "${peer_pid[$n]}" || fail "peer-$n did not stop cleanly (exit code $?)"
done
echo "All that was claimed has happened."

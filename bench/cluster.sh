# A cluster of three peers on loopback, for the benchmarks; sourced by bench/run, which sets build and dir.
#   cluster_start, cluster_stop, peer_start N [OPTION..], peer_stop N     ${rest[N]}, ${peer_pid[N]}
# Real sockets, real LMDB, each peer with a stand-in IPFS daemon of its own.
service=$build/ipfs-cluster-service
ctl=$build/ipfs-cluster-ctl
sim=$build/ipfs-cluster-sim
declare -a rest api cluster proxy peer_pid ipfs_pid id

fail() { printf 'bench: %s\n' "$*" >&2; tail -n 5 "$dir"/*.log >&2 || :; exit 1; }

# until_true SECONDS WHAT COMMAND...
until_true() {
    local limit=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $limit ] || fail "$what did not happen in time"
        sleep 0.1 # looks again; nothing depends on how long it is
    done
}

# A port that nobody listens on, different at each call; below those that the kernel gives to who connects.
next_port=$((20000 + RANDOM % 12000))
free_port() {
    while (exec 3<>/dev/tcp/127.0.0.1/$next_port) 2>/dev/null; do next_port=$((next_port + 1)); done
    port=$next_port
    next_port=$((next_port + 1))
}

ctl_at() { local n=$1; shift; "$ctl" --host "/ip4/127.0.0.1/tcp/${rest[$n]}" "$@"; }

peer_init() {
    local n=$1 tcp=/ip4/127.0.0.1/tcp
    CLUSTER_PEERNAME=peer-$n CLUSTER_LISTENMULTIADDRESS=$tcp/${cluster[$n]} \
        CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS=$tcp/${rest[$n]} \
        CLUSTER_IPFSPROXY_LISTENMULTIADDRESS=$tcp/${proxy[$n]} \
        CLUSTER_IPFSPROXY_NODEMULTIADDRESS=$tcp/${api[$n]} CLUSTER_IPFSHTTP_NODEMULTIADDRESS=$tcp/${api[$n]} \
        CLUSTER_IPFSHTTP_CONNECTSWARMSDELAY=1s CLUSTER_MONITORPINGINTERVAL=2s \
        "$service" -c "$dir/peer$n" init --custom-secret "$secret" 2>/dev/null
    id[$n]=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' "$dir/peer$n/identity.json")
}

peer_start() { # peer_start N [daemon's options]
    local n=$1
    shift
    "$service" -c "$dir/peer$n" daemon "$@" >>"$dir/peer$n.log" 2>&1 &
    peer_pid[$n]=$!
}

peer_stop() {
    kill "${peer_pid[$1]}"
    wait "${peer_pid[$1]}" || fail "peer $1 did not stop cleanly"
    peer_pid[$1]=
}

# Which peers there are; whoever sources this may want others.
peers=(1 2 3)
daemon_options=() # of the stand-ins
peers_ready() {
    [ "$(ctl_at 1 peers ls | grep -c "Sees $((${#peers[@]} - 1)) other peers")" -eq ${#peers[@]} ]
}

cluster_start() {
    secret=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
    for n in "${peers[@]}"; do
        free_port; rest[$n]=$port
        free_port; api[$n]=$port
        free_port; cluster[$n]=$port
        free_port; proxy[$n]=$port
        "$sim" ipfs --listen "/ip4/127.0.0.1/tcp/${api[$n]}" "${daemon_options[@]}" >"$dir/ipfs$n.log" 2>&1 &
        ipfs_pid[$n]=$!
        peer_init $n
    done
    peer_start 1
    until_true 30 "peer 1 answering" ctl_at 1 id
    for n in "${peers[@]:1}"; do peer_start $n --bootstrap "/ip4/127.0.0.1/tcp/${cluster[1]}/p2p/${id[1]}"; done
    until_true 60 "all peers in the cluster" peers_ready
}

cluster_stop() {
    local pid
    for pid in "${peer_pid[@]}" "${ipfs_pid[@]}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || :; done
    for pid in "${peer_pid[@]}" "${ipfs_pid[@]}"; do [ -z "$pid" ] || wait "$pid" 2>/dev/null || :; done
    peer_pid=() ipfs_pid=()
}

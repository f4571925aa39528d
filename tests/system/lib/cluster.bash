# cluster.bash -- sourced by the demo and the system tests: real peers and IPFS daemons on loopback, numbered from 1.
# Before: $build (the programs) and $work (the folder for all that runs). After: cluster_end, whatever happened.
#
#   kubo=PROGRAM       IPFS daemons are real ones; empty: our stand-ins, which keep everything in memory
#   ipfs_start COUNT   IPFS daemons 1..COUNT; returns when they answer
#   peer_init N ...    its folder $work/peerN; ports are free ones, the same for its whole life
#   peer_start N ...   the daemon, its output in $work/peerN.log
#   ctl_at N ...       ipfs-cluster-ctl, asking peer N
#
# Nothing here waits for a fixed time: until_true looks until it is so, or a limit has passed.
service=$build/ipfs-cluster-service
ctl=$build/ipfs-cluster-ctl
sim=$build/ipfs-cluster-sim
secret=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
declare -a rest=() cluster=() proxy=() api=() id=()
declare -A peer_pid=() ipfs_pid=()
peers_started=() # every one, also those that a failed test has lost sight of
kubo=${kubo:-}
ipfs_options=() # of the stand-ins

# until_true SECONDS COMMAND...
until_true() {
    local limit=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $limit ] || return 1
        sleep 0.1 # and looks again; nothing depends on how long it is
    done
}

# A port that nobody listens on, in $port, another one at each call. Below the range that the kernel gives away itself; each
# lane of tests/pool has 5000 of its own, as a port may be taken long before somebody listens on it.
next_port=$((10000 + 5000 * ${LANE:-0} + RANDOM % 4500))
free_port() {
    while (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null; do next_port=$((next_port + 1)); done
    port=$next_port
    next_port=$((next_port + 1))
}

# ends_within SECONDS PID: it has ended; $code is its exit code.
ends_within() {
    until_true "$1" is_gone "$2" || return 1
    code=0
    wait "$2" 2>/dev/null || code=$?
}
is_gone() { ! kill -0 "$1" 2>/dev/null; }

# ---- IPFS daemons ----

ipfs_start() {
    local n
    if [ -n "$kubo" ]; then
        KUBO=$kubo tests/kubo/daemon.sh start "$work/ipfs" "$1" || return 1
        for ((n = 1; n <= $1; n++)); do api[n]=$(cut -d/ -f5 "$work/ipfs/$n/api"); done
        return
    fi
    for ((n = 1; n <= $1; n++)); do ipfs_start_standin $n; done
    for ((n = 1; n <= $1; n++)); do until_true 20 ipfs_at $n id || return 1; done
}

ipfs_port() { # chosen before the daemon is there
    [ -n "${api[$1]:-}" ] || { free_port && api[$1]=$port; }
}

ipfs_start_standin() {
    ipfs_port "$1"
    "$sim" ipfs --listen "/ip4/127.0.0.1/tcp/${api[$1]}" "${ipfs_options[@]}" >>"$work/ipfs$1.log" 2>&1 &
    ipfs_pid[$1]=$!
}

ipfs_stop_standin() {
    kill "${ipfs_pid[$1]}"
    wait "${ipfs_pid[$1]}" 2>/dev/null || :
    unset "ipfs_pid[$1]"
}

ipfs_at() { # ipfs_at N COMMAND [curl's options]
    local n=$1 command=$2
    shift 2
    curl -sS --fail-with-body -m 20 -X POST "$@" "http://127.0.0.1:${api[$n]}/api/v0/$command"
}
ipfs_has() { ipfs_at "$1" "pin/ls?type=recursive&arg=$2"; }
ipfs_lacks() { ipfs_has "$@" 2>&1 | grep -q 'not pinned'; }

ipfs_add() { # ipfs_add N TEXT: the CID of a file that nobody pins
    printf '%s' "$2" | ipfs_at "$1" 'add?pin=false&quieter=true' -F 'file=@-' | sed -n 's/.*"Hash":"\([^"]*\)".*/\1/p'
}

# ---- peers ----

# With short times: alive is said every second, 2 s of silence are suspicious, 3 s more and the pins move.
peer_init() {
    local n=$1
    shift
    [ -n "${rest[n]:-}" ] || {
        free_port && rest[n]=$port
        free_port && cluster[n]=$port
        free_port && proxy[n]=$port
    }
    ipfs_port "$n"
    CLUSTER_PEERNAME=peer-$n \
        CLUSTER_LISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/${cluster[n]} \
        CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/${rest[n]} \
        CLUSTER_IPFSPROXY_LISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/${proxy[n]} \
        CLUSTER_IPFSPROXY_NODEMULTIADDRESS=/ip4/127.0.0.1/tcp/${api[n]} \
        CLUSTER_IPFSHTTP_NODEMULTIADDRESS=/ip4/127.0.0.1/tcp/${api[n]} \
        CLUSTER_IPFSHTTP_CONNECTSWARMSDELAY=1s \
        CLUSTER_MONITORPINGINTERVAL=1s CLUSTER_REPINAFTER=3s \
        "$service" -c "$work/peer$n" init --custom-secret "$secret" "$@" 2>"$work/init$n.log" || return 1
    id[n]=$(jq -r .id "$work/peer$n/identity.json")
}

# Its log keeps a few entries only: who was away needs the state. Where it begins is said at the log level debug.
few_entries() { # few_entries N
    local file=$work/peer$1/service.json
    jq '.consensus.raft += {trailing_logs: 20, snapshot_threshold: 10, snapshot_interval: "100ms"}' "$file" >"$file.new" &&
        mv "$file.new" "$file"
}
log_begins_behind() { # log_begins_behind N INDEX: at least
    [ "$(grep -a 'the log begins behind entry' "$work/peer$1.log" | tail -n 1 | sed 's/.*entry \([0-9]*\).*/\1/')" -ge "$2" ]
}
received_the_state() { grep -aq 'the state up to entry [0-9]* is in place' "$work/peer$1.log"; }

peer_address() { echo "/ip4/127.0.0.1/tcp/${cluster[$1]}/p2p/${id[$1]}"; }

# peers_init COUNT: each with the list of all others, to be founded when they are started together.
peers_init() {
    local n m others
    for ((n = 1; n <= $1; n++)); do peer_init $n || return 1; done
    for ((n = 1; n <= $1; n++)); do
        others=
        for ((m = 1; m <= $1; m++)); do [ $m -eq $n ] || others=$others,$(peer_address $m); done
        peer_init $n --force --peers "${others#,}" || return 1
    done
}

peer_start() { # peer_start N [the daemon's options]
    local n=$1
    shift
    "$service" -c "$work/peer$n" daemon "$@" >>"$work/peer$n.log" 2>&1 &
    peer_pid[$n]=$!
    peers_started+=($!)
}

peer_signal() { kill "-$2" "${peer_pid[$1]}"; }

# It ends, by itself or because of a signal sent before; $code is its exit code.
peer_ends() { # peer_ends N SECONDS
    ends_within "$2" "${peer_pid[$1]}" || return 1
    unset "peer_pid[$1]"
}

peer_stop() { # peer_stop N [SIGNAL]: cleanly, with exit code 0
    peer_signal "$1" "${2:-TERM}" && peer_ends "$1" 30 && [ "$code" -eq 0 ]
}

peer_kill() {
    peer_signal "$1" KILL
    wait "${peer_pid[$1]}" 2>/dev/null || : # at once, or the shell talks about it
    unset "peer_pid[$1]"
}

ctl_at() { local n=$1; shift; "$ctl" --host "/ip4/127.0.0.1/tcp/${rest[$n]}" --timeout 20 "$@"; }

rest_at() { # rest_at N PATH [curl's options]: the body, and the status in a last line
    local n=$1 path=$2
    shift 2
    curl -sS -m 30 -w '\n%{http_code}' "$@" "http://127.0.0.1:${rest[$n]}$path"
}

# ---- what peers say ----

# sees COUNT N...: each of these peers knows COUNT members, and hears all of them.
sees() {
    local count=$1 n
    shift
    for n; do
        [ "$(ctl_at "$n" --enc json peers ls |
            jq -s "[.[] | select(.error == \"\" and (.cluster_peers | length) == $count)] | length")" = "$count" ] || return 1
    done
}

# says N CID STATUS COUNT: as peer N hears it, COUNT peers say STATUS (pinned, remote, ...) of CID.
says() { [ "$(ctl_at "$1" --enc json status "$2" | jq "[.peer_map[] | select(.status == \"$3\")] | length")" = "$4" ]; }

pins() { ctl_at "$1" --enc json pin ls | jq -r .cid | sort; } # pins N: what is in the shared state
lists() { [ "$(pins "$1" | wc -l)" -eq "$2" ]; }              # lists N COUNT

# The peer that leads, as the newest line of peer N's log has it, in $leader.
find_leader() { # find_leader N...
    local n line
    for n; do
        line=$(grep -a 'term [0-9]*: [a-z]*, leader is member' "$work/peer$n.log" | tail -n 1)
        case $line in
        *': leader,'*) leader=$n && return ;;
        esac
    done
    return 1
}

# ---- the end ----

cluster_end() {
    local pid
    for pid in $(jobs -p); do
        case " ${peers_started[*]} " in *" $pid "*) kill -9 "$pid" 2>/dev/null || : ;; esac
    done
    for pid in "${ipfs_pid[@]}"; do kill "$pid" 2>/dev/null || :; done
    for pid in "${peers_started[@]}" "${ipfs_pid[@]}"; do wait "$pid" 2>/dev/null || :; done
    [ -z "$kubo" ] || tests/kubo/daemon.sh stop "$work/ipfs"
}

ipfs_pids() { echo "${ipfs_pid[@]}" $(cat "$work"/ipfs/*/pid 2>/dev/null); }

# A real IPFS daemon's program in $kubo: $KUBO, or what `make kubo` built. False when there is none, which is a failure
# where CI=true.
find_kubo() {
    kubo=${KUBO:-$build/kubo/ipfs}
    [ ! -x "$kubo" ] || return 0
    kubo=
    echo "note: not tried on real IPFS daemons: there is no ${KUBO:-$build/kubo/ipfs} (make kubo)"
    [ "${CI:-}" != true ] || count real_daemons "there is no Kubo"
    return 1
}

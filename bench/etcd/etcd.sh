# Three etcd members on loopback, for bench/etcd/run, which sets build and dir.
#   etcd_start, etcd_stop     ${etcd_client[N]} HOST:PORT, ${etcd_pid[N]}
declare -a etcd_client etcd_pid

# Debian's package, unpacked and not installed: nothing starts by itself, nothing stays behind.
etcd_fetch() {
    etcd=${ETCD:-$(command -v etcd || :)}
    [ -z "$etcd" ] || return 0
    etcd=$build/etcd/usr/bin/etcd
    [ ! -x "$etcd" ] || return 0
    mkdir -p "$build/etcd"
    (cd "$build/etcd" && apt-get -qq download etcd-server 2>/dev/null && dpkg -x etcd-server_*.deb .) ||
        fail "no etcd: neither in PATH nor as Debian's etcd-server"
}

etcd_member_start() { # etcd_member_start N new|existing
    local n=$1
    "$etcd" --name "m$n" --data-dir "$dir/etcd$n" --logger zap --log-level error \
        --listen-client-urls "http://${etcd_client[$n]}" --advertise-client-urls "http://${etcd_client[$n]}" \
        --listen-peer-urls "http://${etcd_peer[$n]}" --initial-advertise-peer-urls "http://${etcd_peer[$n]}" \
        --initial-cluster "m1=http://${etcd_peer[1]},m2=http://${etcd_peer[2]},m3=http://${etcd_peer[3]}" \
        --initial-cluster-state "$2" >>"$dir/etcd$n.log" 2>&1 &
    etcd_pid[$n]=$!
}

etcd_is_healthy() { curl -sf "http://${etcd_client[$1]}/health" | grep -q '"true"'; }

# The number of the member that leads.
etcd_leader() {
    local n
    for n in 1 2 3; do
        if curl -sf "http://${etcd_client[$n]}/metrics" | grep '^etcd_server_is_leader 1' >/dev/null; then echo $n; fi
    done
}

etcd_start() {
    local n
    declare -ga etcd_peer
    for n in 1 2 3; do
        free_port; etcd_client[$n]=127.0.0.1:$port
        free_port; etcd_peer[$n]=127.0.0.1:$port
    done
    for n in 1 2 3; do etcd_member_start "$n" new; done
    for n in 1 2 3; do until_true 30 "etcd member $n being healthy" etcd_is_healthy "$n"; done
}

etcd_stop() {
    local pid
    for pid in "${etcd_pid[@]}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || :; done
    for pid in "${etcd_pid[@]}"; do [ -z "$pid" ] || wait "$pid" 2>/dev/null || :; done
    etcd_pid=()
}

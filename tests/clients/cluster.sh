#!/bin/bash
# tests/clients/cluster.sh BUILD   (called by `make clients`)
# Clients that nobody here wrote, against a cluster of two peers on two real IPFS daemons:
#   proxy-clients.mjs the two official JavaScript clients of the IPFS RPC API, on the proxy: part A what it answers itself,
#                    part B all else, beside the daemon
#   unixfs-add.mjs   every row of tests/vectors/unixfs.json through POST /add; CIDs and sizes are another library's
# and what tests/clients/package.json installs (under BUILD). Last line: "N passed, N failed".
# Without Kubo, Node or npm it says so and passes, except where CI=true.
BUILD=$1
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
js=$build/clients/cluster

missing() {
    echo "note: clients: $1 is missing, nothing is tried"
    [ "${CI:-}" != true ] || count "$1" "$1 is missing"
    finish
}
command -v node >/dev/null && command -v npm >/dev/null || missing "Node or npm"
find_kubo || missing "Kubo (make kubo)"

install_js() {
    mkdir -p "$js"
    cp tests/clients/*.mjs "$js/"
    cmp -s tests/clients/package-lock.json "$js/package-lock.json" && [ -d "$js/node_modules" ] && return
    cp tests/clients/package.json tests/clients/package-lock.json "$js/"
    (cd "$js" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1) ||
        { tail -n 20 "$js/npm.log"; rm -f "$js/package-lock.json"; return 1; }
}

# client NAME CHECKS KNOWN VARIABLE=VALUE...: its own checks, CHECKS of them, of which none may fail. What it calls KNOWN fails
# with the reference, too, or is a defect of the client: KNOWN of them at most.
client() {
    local name=$1 checks=$2 known_max=$3 log=$work/$1.log pass known
    shift 3
    env CLUSTER_API="http://127.0.0.1:${rest[1]}" "$@" timeout 280 node "$js/$name.mjs" >"$log" 2>&1
    local code=$?
    pass=$(grep -c '^PASS' "$log") known=$(grep -c '^KNOWN' "$log")
    passed=$((passed + pass))
    grep -E '^(KNOWN|----)' "$log" | sed "s/^/$name: /"
    [ $code -eq 0 ] || count "$name" "exit code $code: $(grep '^FAIL' "$log" | head -n 20)"
    holds "${name}_checks" test $((pass + known)) -eq "$checks"
    holds "${name}_known" test "$known" -le "$known_max"
}

install_js || { count npm "npm ci failed"; finish; }
# Pebble: the vectors leave some hundred thousand blocks behind, which else are a file each.
export KUBO_PROFILE=test,pebbleds
holds daemons ipfs_start 2
for n in 1 2; do holds "init_$n" peer_init $n; done
peer_start 1
happens alone 30 sees 1 1
peer_start 2 --bootstrap "$(peer_address 1)"
happens two 30 sees 2 1 2

# What the proxy passes on has to come out as the daemon says it.
for lib in 'kubo 125' 'http 124'; do
    client proxy-clients "${lib#* }" 0 IPFS_CLIENT="${lib% *}" IPFS_PROXY="http://127.0.0.1:${proxy[1]}" IPFS_API="http://127.0.0.1:${api[1]}"
done
client nftstorage-cluster 43 2
client ipfs-cluster-api 31 8
# Last: beside a hundred thousand pinned blocks, what looks for a pin above a block (block/rm) takes the daemon seconds.
client unixfs-add 172 0 VECTORS="$PWD/tests/vectors/unixfs.json" ALL=1 TEST_TIMEOUT_MS=120000
finish

#!/bin/sh
# Runs kubo_contract.js against two real Kubo daemons and two stand-ins, all on loopback, and stops what it started.
#   kubo_contract.sh KUBO SIMULATOR FOLDER        the two programs; an empty or absent folder for what runs
set -eu
here=$(dirname "$0")
KUBO=$1 simulator=$2 folder=$3
export KUBO
rm -rf "$folder"
mkdir -p "$folder"
standins=
# Stand-ins must also end well.
stop_standins() {
    code=0
    for pid in $standins; do
        kill "$pid" 2>/dev/null || true # it may have ended by itself: wait tells how
        wait "$pid" || { echo "a stand-in ended with code $?" >&2; code=1; }
    done
    standins=
    return "$code"
}
cleanup() {
    stop_standins || true
    "$here/../kubo/daemon.sh" stop "$folder/kubo"
}
trap cleanup EXIT

"$here/../kubo/daemon.sh" start "$folder/kubo" 2
for n in 1 2; do
    "$simulator" ipfs --listen /ip4/127.0.0.1/tcp/0 >"$folder/standin.$n" 2>"$folder/standin.$n.log" &
    standins="$standins $!"
done
address_of() {
    tries=0
    until [ -s "$folder/standin.$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -le 200 ] || { cat "$folder/standin.$1.log" >&2; exit 1; }
        sleep 0.05 # looks again; nothing depends on how long it is
    done
    sed -n 's|^listening on /ip4/\([0-9.]*\)/tcp/\([0-9]*\)/.*|\1:\2|p' "$folder/standin.$1"
}
timeout 240 node "$here/kubo_contract.js" \
    "$("$here/../kubo/daemon.sh" api "$folder/kubo/1")" "$("$here/../kubo/daemon.sh" api "$folder/kubo/2")" \
    "$(address_of 1)" "$(address_of 2)"
stop_standins

#!/bin/bash
# The demo: a real cluster of three peers and three IPFS daemons on this machine, in the folder demo/.
#   BUILD      folder of the programs (default: build)
#   KEEP=1     leave the cluster running
#   IPFS=...   the IPFS program; default: `ipfs` on PATH, then build/kubo/ipfs, then our stand-in
# Exits non-zero when anything that it claims did not happen.
set -euo pipefail
build=$PWD/${BUILD:-build}
work=$PWD/demo

say() { printf '\n== %s\n' "$*"; }
fail() { printf '\nDEMO FAILED: %s\n' "$*" >&2; tail -n 5 "$work"/*.log >&2 || :; exit 1; }

end() {
    code=$?
    trap - EXIT
    cluster_end
    rm -rf "$work"
    exit $code
}
trap end EXIT INT TERM

# must SECONDS WHAT COMMAND...: until_true, or the demo has failed.
must() {
    local seconds=$1 what=$2
    shift 2
    until_true "$seconds" "$@" || fail "$what did not happen in time"
}

rm -rf "$work"
mkdir -p "$work"
. tests/system/lib/cluster.bash

# ---- IPFS daemons ----

ipfs=${IPFS:-$(command -v ipfs || :)}
[ -n "$ipfs" ] || [ ! -x "$build/kubo/ipfs" ] || ipfs=$build/kubo/ipfs
if [ -n "$ipfs" ] && [ "$ipfs" != standin ]; then
    say "Starting three IPFS daemons: $("$ipfs" version)"
    kubo=$ipfs
else
    say "Starting three stand-in IPFS daemons (no \`ipfs\` on PATH; \`make kubo\` builds a real one, with Go)"
fi
ipfs_start 3 || fail "the IPFS daemons did not start"

# ---- peers ----

peers_ready() { [ "$(ctl_at 1 --enc json peers ls | grep -c '"error": "",')" -ge "$1" ] &&
    [ "$(ctl_at 1 peers ls | grep -c "Sees $(($1 - 1)) other peers")" -eq "$1" ]; }

say "Starting a cluster of one, and two peers that join it"
echo "   (short times for a demo: a peer says that it lives every second, counts as silent after 2 s,"
echo "    and its pins move when it was silent for 3 s more)"
for n in 1 2 3; do peer_init $n; done
peer_start 1
must 30 "peer 1 answering" ctl_at 1 id
for n in 2 3; do peer_start $n --bootstrap "$(peer_address 1)"; done
must 40 "three peers in the cluster" peers_ready 3
ctl_at 1 peers ls | grep -v '^  '

# ---- pins ----

say "Adding six files to IPFS daemon 1 only, and pinning each on two peers"
cids=()
for i in 1 2 3 4 5 6; do
    head -c $((i * 1000)) /dev/urandom >"$work/file$i"
    cid=$(ipfs_at 1 'add?pin=false&quieter=true' -F "file=@$work/file$i" | sed -n 's/.*"Hash":"\([^"]*\)".*/\1/p')
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
must 60 "every file pinned on two peers" all_pinned 1 2
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
peer_kill "$victim"
killed=$SECONDS

moved() {
    local cid n
    for cid in "${cids[@]}"; do
        for n in "${survivors[@]}"; do ipfs_has "$n" "$cid" || return 1; done
    done
}
must 60 "all pins arriving at the survivors" moved
say "After $((SECONDS - killed)) s each of the two survivors' IPFS daemons holds all six files:"
ctl_at "${survivors[0]}" status "${cids[0]}" || :

# ---- it comes back ----

say "Bringing peer-$victim back"
peer_start "$victim"
must 60 "three peers in the cluster again" peers_ready 3
ctl_at "${survivors[0]}" peers ls | grep -v '^  '
[ "$(ctl_at "$victim" pin ls | wc -l)" -eq 6 ] || fail "peer-$victim does not know the six pins"
echo "It knows all six pins: it has read what it missed from the log."

if [ -n "${KEEP:-}" ]; then
    say "The cluster goes on running (KEEP=1)"
    for n in 1 2 3; do echo "   ${build#"$PWD"/}/ipfs-cluster-ctl --host /ip4/127.0.0.1/tcp/${rest[$n]} status     # peer-$n"; done
    echo "   logs and data: $work"
    echo "   stop it with: kill ${peer_pid[*]} $(ipfs_pids); rm -rf $work"
    trap - EXIT
    exit 0
fi
say "Stopping everything"
for n in 1 2 3; do peer_signal $n TERM; done
for n in 1 2 3; do
    peer_ends $n 30 && [ "$code" -eq 0 ] || fail "peer-$n did not stop cleanly (exit code ${code:-none})"
done
echo "All that was claimed has happened."

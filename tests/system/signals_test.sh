#!/bin/bash
# SIGTERM, SIGINT and SIGHUP each stop a peer cleanly, with exit code 0, and the next start finds everything. SIGKILL of
# all three peers at once, in the middle of writes, loses no pin that was acknowledged.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

# ---- one peer, each signal ----
ipfs_start 3
holds init_one peer_init 1
for signal in TERM INT HUP; do
    peer_start 1
    happens "up_before_$signal" 30 sees 1 1
    cid=$(ipfs_add 1 "before $signal")
    holds "pin_before_$signal" ctl_at 1 pin add --no-status "$cid"
    before=$(pins 1)
    holds "stops_on_$signal" peer_stop 1 $signal
    holds "says_so_on_$signal" eval 'tail -n 2 "$work/peer1.log" | grep "stopped: asked to by a signal"'
    peer_start 1
    happens "up_after_$signal" 30 sees 1 1
    holds "finds_all_after_$signal" test "$(pins 1)" = "$before"
    happens "pinned_after_$signal" 30 ipfs_has 1 "$cid"
    holds "stops_after_$signal" peer_stop 1
done
# The peer that joins or founds has nothing to hand over: it stops at once, too.
holds init_lonely peer_init 2
peer_start 2 --bootstrap "$(peer_address 1)"
happens tries_to_join 20 grep -a 'cannot reach' "$work/peer2.log"
holds stops_while_it_joins peer_stop 2

# ---- what systemd is told ----
# Two that found a cluster together: the first one is not ready without the second, though its API answers by then.
rm -rf "$work"/peer*
holds init_two peers_init 2
exec {told}< <(exec "$build/tests/notified" "$work/notify")
notified=$!
at_end "kill $notified 2>/dev/null"
next_word() { word=; read -r -t 40 -u "$told" word || :; [ "$word" = "$1" ]; }
holds somebody_listens next_word listening
NOTIFY_SOCKET=$work/notify peer_start 1
happens api_answers 20 curl -sSf -m 5 "http://127.0.0.1:${rest[1]}/version"
holds not_ready_alone eval '! read -t 0 -u "$told"'
peer_start 2
holds ready next_word READY=1
holds ready_to_answer curl -sSf -m 20 "http://127.0.0.1:${rest[1]}/id"
holds ready_to_write ctl_at 1 pin add --no-status --replication 1 bafkqaaa
peer_signal 1 TERM
holds stopping next_word STOPPING=1
holds stops_as_told peer_ends 1 30
holds and_nothing_more eval '! read -t 0 -u "$told"'
holds second_stops peer_stop 2

# ---- three peers, killed in the middle of writes ----
rm -rf "$work"/peer*
holds init_three peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3

# cids PEER: as many different CIDs as one likes, which nobody has to hold: raw leaves, by a hash of their number.
cids() {
    local i=0
    while :; do
        i=$((i + 1))
        printf 'f01551220%s\n' "$(printf '%s.%s' "$1" $i | sha256sum | cut -d' ' -f1)"
    done
}
# write_pins PEER: one after the other, through one peer, until it does not answer; what was acknowledged is noted.
write_pins() {
    local cid
    while read -r cid; do
        curl -sS --fail -m 20 -o /dev/null -X POST "http://127.0.0.1:${rest[$1]}/pins/$cid?name=$cid" 2>/dev/null || return
        echo "$cid" >>"$work/acknowledged.$1"
    done < <(cids "$1.$round")
}
acknowledged() { cat "$work"/acknowledged.? 2>/dev/null | sort; }
many_acknowledged() { [ "$(acknowledged | wc -l)" -ge $((round * 60)) ]; }
none_missing() { # as peer N has it; a name is the CID as it was given
    comm -23 <(acknowledged) <(ctl_at "$1" --enc json pin ls | jq -r .name | sort) >"$work/missing"
    [ ! -s "$work/missing" ]
}
for round in 1 2 3; do
    writers=()
    for n in 1 2 3; do write_pins $n & writers+=($!); done
    happens "writes_$round" 60 many_acknowledged
    kill -9 "${peer_pid[@]}"
    for n in 1 2 3; do holds "killed_${n}_$round" peer_ends $n 10; done
    for writer in "${writers[@]}"; do wait "$writer"; done
    for n in 1 2 3; do peer_start $n; done
    happens "back_$round" 60 sees 3 1 2 3
    # The first write after an election commits all that was stored before it.
    happens "writes_again_$round" 30 ctl_at 1 pin add --no-status --name last "$(cids "last.$round" | head -n 1)"
    for n in 1 2 3; do happens "none_is_missing_${n}_$round" 20 none_missing $n; done
done
happens same_everywhere 20 eval '[ "$(pins 1)" = "$(pins 2)" ] && [ "$(pins 1)" = "$(pins 3)" ]'
# ---- a second signal ----
# A peer that leaves waits for its pins to move: this one has nowhere to go to.
holds pin_on_all ctl_at 3 pin add --no-status --rmin 3 --rmax 3 "$(cids stays | head -n 1)"
holds stop_for_leaving peer_stop 3
peer_start 3 --leave
happens up_to_leave 30 sees 3 3
peer_signal 3 TERM
happens waits_for_its_pins 20 grep -a 'a second signal forces' "$work/peer3.log"
holds it_waits kill -0 "${peer_pid[3]}"
peer_signal 3 INT
holds second_signal_ends_it peer_ends 3 10
holds second_signal_is_a_failure test "$code" -eq 1
holds lock_is_gone test ! -e "$work/peer3/cluster.lock"

for n in 1 2; do holds "end_$n" peer_stop $n; done
finish

#!/bin/bash
# Three peers that are started at once with the same cluster_peers found one cluster. Each takes pins, unpins and recovers
# for all of them, and answers for all of them; its IPFS daemon ends up with what the cluster says it should have.
# After a restart of one, and of all at the same time, nothing is missing. Once on stand-ins, once on real IPFS daemons;
# the content is in daemon 1 only.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

daemons_holding() { # daemons_holding CID: how many
    local n count=0
    for n in 1 2 3; do ipfs_has $n "$1" >/dev/null 2>&1 && count=$((count + 1)); done
    echo $count
}
held_by() { [ "$(daemons_holding "$1")" -eq "$2" ]; }
same_pins() { [ "$(pins 1)" = "$(pins 2)" ] && [ "$(pins 1)" = "$(pins 3)" ]; }

one_cluster_id() { [ "$(cat "$work"/peer?/cluster_id | uniq -c | awk '{ print $1 }')" = 3 ]; }

# Leaves a pin that all three hold in $everywhere.
pin_and_unpin() {
    local n m cid first
    for n in 1 2 3; do
        cid=$(ipfs_add 1 "pinned through peer $n on $daemons")
        holds "pin_through_$n" ctl_at $n pin add --no-status --name "of-$n" "$cid"
        for m in 1 2 3; do happens "pinned_as_peer_${m}_hears" 40 says $m "$cid" pinned 3; done
        holds "daemons_hold_what_$n" held_by "$cid" 3
        first=${first:-$cid} everywhere=$cid
    done
    cid=$(ipfs_add 1 "for two on $daemons")
    holds pin_on_two ctl_at 2 pin add --no-status --replication 2 "$cid"
    happens pinned_on_two 40 says 3 "$cid" pinned 2
    holds remote_for_one says 1 "$cid" remote 1
    holds two_daemons_hold_it held_by "$cid" 2
    holds four_pins lists 3 4
    holds same_pins same_pins

    holds unpin ctl_at 3 pin rm --no-status "$first"
    for n in 1 2 3; do happens "unpinned_in_daemon_$n" 40 ipfs_lacks $n "$first"; done
    holds unpinned_for_all says 2 "$first" unpinned 3
    for n in 1 2 3; do happens "three_pins_at_$n" 10 lists $n 3; done
}

# What somebody unpinned behind the cluster's back is found by sync, and pinned again.
sync_finds_it() {
    holds unpin_behind_our_back ipfs_at 1 "pin/rm?arg=$everywhere"
    holds sync ctl_at 2 sync
    happens pinned_again 40 ipfs_has 1 "$everywhere"
}

restarts() {
    local before n cid
    before=$(pins 1)
    holds stop_one peer_stop 2
    happens the_others_say_so 20 eval "ctl_at 1 peers ls | grep '${id[2]}.*ERROR'"
    peer_start 2
    happens one_is_back 30 sees 3 1 2 3
    holds one_finds_its_pins test "$(pins 2)" = "$before"
    for n in 1 2 3; do peer_signal $n TERM; done
    for n in 1 2 3; do holds "all_stop_$n" eval "peer_ends $n 30 && test \$code -eq 0"; done
    for n in 1 2 3; do peer_start $n; done
    happens all_are_back 30 sees 3 1 2 3
    for n in 1 2 3; do holds "all_find_their_pins_$n" test "$(pins $n)" = "$before"; done
    happens still_pinned 40 says 1 "$everywhere" pinned 3
    cid=$(ipfs_add 1 "after all restarts on $daemons")
    holds pin_after_restarts ctl_at 2 pin add --no-status "$cid"
    happens pinned_after_restarts 40 held_by "$cid" 3
}

# Only a stand-in fails on request.
recover() {
    local cid
    cid=$(ipfs_add 1 "that fails at first")
    curl -sS "http://127.0.0.1:${api[3]}/standin/v0/fault?error=no+room&command=pin/add" >/dev/null
    holds pin_that_fails ctl_at 1 pin add --no-status "$cid"
    happens pin_error 20 says 2 "$cid" pin_error 1
    holds error_is_shown eval "ctl_at 1 status $cid | grep 'peer-3 *: PIN_ERROR: .*no room'"
    happens it_has_a_pause 20 eval "ctl_at 1 status $cid | grep 'Attempts: [3-9]'"
    curl -sS "http://127.0.0.1:${api[3]}/standin/v0/fault?heal" >/dev/null
    holds recover_ends_the_pause eval "ctl_at 2 recover $cid | grep 'peer-3 *: PIN'"
    happens recovered 20 says 1 "$cid" pinned 3
}

scenario() {
    rest=() id=() api=()
    holds "daemons_start ($daemons)" ipfs_start 3
    holds init peers_init 3
    for n in 1 2 3; do peer_start $n; done
    happens founded 30 sees 3 1 2 3
    happens one_cluster_id 10 one_cluster_id
    pin_and_unpin
    sync_finds_it
    [ -n "$kubo" ] || recover
    restarts
    for n in 1 2 3; do holds "end_$n" peer_stop $n; done
}

daemons=stand-ins kubo=
scenario
cluster_end
if find_kubo; then
    daemons=Kubo
    rm -rf "$work"/*
    scenario
fi
finish

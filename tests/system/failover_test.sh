#!/bin/bash
# A peer that dies is noticed, and what it held gets other holders that really pin it, without anybody doing anything;
# when it comes back it knows what it missed. So also when it is the leader that dies: pins are taken again after an
# election, and none is lost.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

holders() { # holders CID: the peers that the shared state names, as numbers
    local n
    for n in 1 2 3; do
        ctl_at "$asked" --enc json pin ls "$1" | jq -e ".allocations | index(\"${id[$n]}\")" >/dev/null && echo "$n"
    done
}
held_by_both() { # held_by_both PEER PEER: these two daemons hold every file
    local n cid
    for n; do for cid in "${cids[@]}"; do ipfs_has "$n" "$cid" || return 1; done; done
}
# One question about everything: with a peer that does not answer each takes its 15 s.
all_pinned_twice() {
    ctl_at "$asked" --enc json status | jq -se "
        map([.peer_map[] | select(.status == \"pinned\")] | length == 2) | length == ${#cids[@]} and all"
}
allocated_to_survivors() {
    local cid
    for cid in "${cids[@]}"; do [ "$(holders "$cid" | tr -d '\n')" = "$(printf %s "${survivors[@]}")" ] || return 1; done
}

pin_file() { # pin_file TEXT [PEER,PEER]: on two peers, through $asked
    local cid
    cid=$(ipfs_add "$asked" "$1")
    ctl_at "$asked" pin add --no-status --replication 2 ${2:+--allocs "$2"} "$cid" && cids+=("$cid")
}

kill_one() { # kill_one N WHAT
    local n
    survivors=()
    for n in 1 2 3; do [ "$n" -eq "$1" ] || survivors+=("$n"); done
    asked=${survivors[0]}
    holds "$2_killed" peer_kill "$1"
    happens "$2_pins_arrive_in_the_daemons" 60 held_by_both "${survivors[@]}"
    happens "$2_pins_are_the_survivors" 10 allocated_to_survivors
    happens "$2_status_says_so" 20 all_pinned_twice
    happens "$2_pin_meanwhile" 30 pin_file "while $2 was away"
    peer_start "$1"
    happens "$2_is_back" 30 sees 3 1 2 3
    happens "$2_knows_all" 20 lists "$1" "${#cids[@]}"
    happens "$2_takes_pins_again" 30 ctl_at "$1" pin add --no-status "$everywhere"
    happens "$2_holds_it" 30 ipfs_has "$1" "$everywhere"
    holds "$2_unpin" ctl_at "$1" pin rm --no-status "$everywhere"
    for n in 1 2 3; do happens "$2_unpinned_$n" 30 ipfs_lacks "$n" "$everywhere"; done
}

asked=1 cids=()
holds daemons_start ipfs_start 3
holds init peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3
everywhere=$(ipfs_add 1 "on all peers")
for i in 0 1 2 3 4 5; do # everybody holds four of them
    holds "pin_$i" pin_file "file $i" "${id[i % 3 + 1]},${id[(i + 1) % 3 + 1]}"
done
happens pinned 40 all_pinned_twice
happens leader_known 10 find_leader 1 2 3
kill_one $((leader % 3 + 1)) follower
happens leader_known_again 10 find_leader 1 2 3
kill_one "$leader" leader
for n in 1 2 3; do holds "end_$n" peer_stop $n; done
finish

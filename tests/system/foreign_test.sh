#!/bin/bash
# Data of another cluster, or of another peer, is refused with words that say what is wrong and what to do, on both sides.
# A peer that is alone and told to join a cluster gives up its own if it has no pins, and else keeps them and ends.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

says() { grep -aq "$2" "$work/peer$1.log"; } # says N TEXT
joins_via() { peer_start "$1" --bootstrap "$(peer_address "$2")"; }

holds daemons_start ipfs_start 3
for n in 1 2 3; do holds "init_$n" peer_init $n; done
for n in 1 2 3; do peer_start $n; done
for n in 1 2 3; do happens "a_cluster_of_one_$n" 30 sees 1 $n; done

# ---- one that has founded a cluster of its own, and is told to join another ----
cid=$(ipfs_add 3 "a pin of one's own")
holds pin_of_its_own ctl_at 3 pin add --no-status "$cid"
holds stop_2 peer_stop 2
holds stop_3 peer_stop 3
holds copy_of_a_lone_cluster cp -r "$work/peer2/raft" "$work/lone"
joins_via 2 1
happens the_empty_one_joins 30 sees 2 1 2
holds its_data_is_kept test -d "$work/peer2/raft.old.0"
joins_via 3 1
holds the_other_one_ends peer_ends 3 30
holds with_an_error test "${code:-}" = 1
holds and_says_what_to_do says 3 'has pins of its own .* export them'
peer_start 3
happens it_still_has_its_pin 30 lists 3 1

# ---- a folder of another cluster ----
holds stop_2_again peer_stop 2
mv "$work/peer2/raft" "$work/member" && mv "$work/lone" "$work/peer2/raft"
peer_start 2
happens both_say_so_1 30 says 1 "${id[2]} is refused: its data belongs to cluster"
happens both_say_so_2 30 says 2 "${id[1]} is refused: its data belongs to cluster"
happens and_what_to_do 10 says 1 'puts its data aside'
holds nobody_lost_anything ctl_at 3 pin ls "$cid"
holds stop_the_foreigner peer_stop 2
rm -rf "$work/peer2/raft" && mv "$work/member" "$work/peer2/raft"
peer_start 2
happens the_right_folder_again 30 sees 2 1 2
cid=$(ipfs_add 1 "after the visit")
holds pin_after_all ctl_at 2 pin add --no-status "$cid"

# ---- a folder of another peer ----
holds stop_2_for_good peer_stop 2
holds stop_3_for_good peer_stop 3
rm -rf "$work/peer3/raft"
cp -r "$work/peer2/raft" "$work/peer3/raft"
peer_start 3
holds a_copied_folder_ends_it peer_ends 3 20
holds with_an_error_too test "${code:-}" = 1
holds and_names_its_owner says 3 "belongs to peer ${id[2]}"
holds end_1 peer_stop 1

# ---- a copy of a cluster that went another way: peers 4 and 5 write, then 6 with an older copy of 5 ----
holds more_daemons eval 'for n in 4 5 6; do api[n]=${api[1]}; done'
for n in 4 5 6; do holds "init_$n" peer_init $n; done
peer_start 4
happens four_founds 30 sees 1 4
for n in 5 6; do joins_via $n 4; done
happens three_of_them 40 sees 3 4 5 6
happens all_vote 20 eval '[ "$(ctl_at 4 --enc json peers ls | jq -s "[.[] | select(.role == \"voter\")] | length")" = 3 ]'
pin_at() { ctl_at "$1" pin add --no-status "$(ipfs_add 1 "$2")"; }
for n in 4 5 6; do holds "stop_$n" peer_stop $n; done
cp -r "$work/peer5/raft" "$work/older"
for n in 4 5; do peer_start $n; done
for i in 1 2 3; do happens "one_way_$i" 30 pin_at 4 "one way $i"; done
for n in 4 5; do holds "stop_${n}_again" peer_stop $n; done
rm -rf "$work/peer5/raft" && mv "$work/older" "$work/peer5/raft"
for n in 5 6; do peer_start $n; done
happens another_way_1 30 pin_at 6 "another way 1"
for n in 5 6; do holds "stop_${n}_once_more" peer_stop $n; done # two copies look alike while their terms do
for n in 5 6; do peer_start $n; done
for i in 2 3; do happens "another_way_$i" 30 pin_at 6 "another way $i"; done
peer_start 4
holds the_copy_ends peer_ends 4 30
holds with_an_error_as_well test "${code:-}" = 1
holds says_what_it_is says 4 'a copy of the cluster.s that went another way'
happens and_the_others_know 10 eval "says 5 '${id[4]} has stopped' || says 6 '${id[4]} has stopped'"
rm -rf "$work/peer4/raft"
peer_start 4
happens it_joins_anew 40 sees 3 4 5 6
holds and_has_what_counts eval 'lists 4 3'
for n in 4 5 6; do holds "end_$n" peer_stop $n; done
finish

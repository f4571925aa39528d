#!/bin/bash
# Who belongs to a cluster can change while it runs. A peer joins with --bootstrap, or is fetched with `peers add`; one that
# is removed puts its data aside and stops by itself, and does not disturb when it is started again; one whose data folder
# was wiped comes back as a new member and has everything; one that was told to leave takes what it held to the others first.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

joins_via() { # joins_via N M: peer N, by --bootstrap
    peer_start "$1" --bootstrap "$(peer_address "$2")"
}
member_number() { grep -a 'ready: member' "$work/peer$1.log" | tail -n 1 | sed 's/.*member \([0-9]*\) of.*/\1/'; }
listed_in_file() { # listed_in_file N M...: cluster_peers of N's service.json names exactly these
    local n=$1 m want=
    shift
    want=$(for m; do peer_address "$m"; done | sort)
    [ "$(jq -r '.cluster.cluster_peers[]' "$work/peer$n/service.json" | sort)" = "$want" ]
}

holds daemons_start ipfs_start 4
for n in 1 2 3 4; do holds "init_$n" peer_init $n; done
peer_start 1
happens alone 30 sees 1 1
cid=$(ipfs_add 1 "before anybody joined")
holds pin_alone ctl_at 1 pin add --no-status "$cid"

# ---- joining ----
joins_via 2 1
joins_via 3 1
happens joined 40 sees 3 1 2 3
for n in 2 3; do happens "has_what_was_before_$n" 20 lists $n 1; done
for n in 2 3; do happens "pins_what_was_before_$n" 40 ipfs_has $n "$cid"; done
happens written_back_1 20 listed_in_file 1 2 3
happens written_back_3 20 listed_in_file 3 1 2
holds stop_joined peer_stop 3
peer_start 3 # and needs no --bootstrap any more
happens joined_for_good 30 sees 3 1 2 3

# ---- an invitation ----
peer_start 4
happens fresh_peer 30 sees 1 4
holds peers_add ctl_at 2 peers add "$(peer_address 4)"
happens added 40 sees 4 1 2 3 4
happens added_has_all 20 lists 4 1
happens added_pins_all 40 ipfs_has 4 "$cid"
holds its_own_data_is_kept test -d "$work/peer4/raft.old.0"
holds a_member_may_be_added_again ctl_at 2 peers add "/ip4/127.0.0.1/tcp/1/p2p/${id[4]}"
holds and_nothing_changes sees 4 1 2 3 4
holds it_is_where_it_was eval "ctl_at 2 --enc json peers ls | jq -se 'any(.[].addresses[]; . == \"$(peer_address 4)\")'"

# ---- removing ----
happens leader_known 10 find_leader 1 2 3 4
victim=$((leader % 4 + 1)) rest_of_them=()
for n in 1 2 3 4; do [ $n -eq $victim ] || rest_of_them+=($n); done
asked=${rest_of_them[0]}
rm -rf "$work/peer$victim"/raft.old.*
only=$(ipfs_add "$victim" "what the one that is removed has alone")
holds pin_there ctl_at "$asked" pin add --no-status --replication 1 --allocations "${id[$victim]}" "$only"
happens it_has_the_only_copy 30 ipfs_has "$victim" "$only"
# Nobody takes its pins, so it does not come to its end; and then it shall stay.
has_role() { ctl_at "$asked" --enc json peers ls | jq -se "any(.id == \"${id[$victim]}\" and .role == \"$1\")" >/dev/null; }
for n in "${rest_of_them[@]}"; do holds "drain_$n" ctl_at "$asked" peers drain "${id[$n]}"; done
ctl_at "$asked" peers rm "${id[$victim]}" 2>"$work/waits.err" &
waits=$!
happens on_its_way_out 20 has_role leaving
happens words_how_many_are_left 20 grep -q 'pins are left' "$work/waits.err"
holds take_it_back ctl_at "$asked" peers rm --cancel "${id[$victim]}"
happens votes_again 30 has_role voter
holds the_waiting_one_comes_back eval '! wait $waits && grep -q "stays: its removal was taken back" "$work/waits.err"'
for n in "${rest_of_them[@]}"; do holds "undrain_$n" ctl_at "$asked" peers undrain "${id[$n]}"; done
holds it_has_what_it_had ipfs_has "$victim" "$only"
holds again_is_no_harm ctl_at "$asked" peers rm --cancel "${id[$victim]}"

holds peers_rm ctl_at "$asked" peers rm "${id[$victim]}" # comes back when it is out, ...
moved_by_then() { for n in "${rest_of_them[@]}"; do ipfs_has "$n" "$only" && return; done; false; }
holds its_only_copy_has_moved_by_then moved_by_then # ... and then its machine may be switched off
holds removed sees 3 "$asked"
holds too_late_to_stay eval "! ctl_at $asked peers rm --cancel ${id[$victim]}"
happens removed_for_all 20 sees 3 "${rest_of_them[@]}"
holds unpin_it ctl_at "$asked" pin rm --no-status "$only"
holds it_stops_by_itself peer_ends $victim 30
holds it_stops_cleanly test "${code:-}" = 0
holds its_data_is_put_aside test -d "$work/peer$victim/raft.old.0"
holds its_folder_is_empty test ! -e "$work/peer$victim/raft"
happens written_back_without_it 20 listed_in_file "$asked" "${rest_of_them[@]:1}"
holds no_peer_of_that_name_left eval "ctl_at $asked peers rm ${id[$victim]}; test \$? -ne 3" # no crash

# It was a member by its own disk, were that not put aside. With the old list in its service.json it asks to join again.
before=$(pins "$asked")
peer_start $victim
happens may_join_again 40 sees 4 1 2 3 4
holds nothing_is_lost test "$(pins "$asked")" = "$before"

# Removed while it was away: by its own disk it is a member still. It must not disturb, and learns it.
holds stop_it_before peer_stop $victim
holds remove_while_away ctl_at "$asked" peers rm --force "${id[$victim]}" # also while it was to become a voter
peer_start $victim
cid=$(ipfs_add "$asked" "while an old member knocks")
holds pin_meanwhile ctl_at "$asked" pin add --no-status "$cid"
for n in "${rest_of_them[@]}"; do happens "pinned_meanwhile_$n" 40 ipfs_has "$n" "$cid"; done
holds old_member_stops peer_ends $victim 40
holds old_member_stops_cleanly test "${code:-}" = 0
holds its_data_is_put_aside_too test ! -e "$work/peer$victim/raft"
holds three_are_left sees 3 "${rest_of_them[@]}"

# ---- a wiped disk ----
wiped=${rest_of_them[2]}
number=$(member_number "$wiped")
holds stop_it peer_stop "$wiped"
rm -rf "$work/peer$wiped/raft"
peer_start "$wiped"
happens wiped_is_back 40 sees 3 "${rest_of_them[@]}"
happens wiped_has_all 20 lists "$wiped" 2
holds wiped_is_another_member test "$(member_number "$wiped")" -gt "$number"
cid=$(ipfs_add "$asked" "after the wiped one came back")
holds pin_after_all ctl_at "$wiped" pin add --no-status "$cid"
happens pinned_after_all 40 ipfs_has "$wiped" "$cid"

# ---- leaving ----
cid=$(ipfs_add "$wiped" "what a leaver holds")
holds stop_before_leaving peer_stop "$wiped"
rm -rf "$work/peer$wiped"/raft.old.*
peer_start "$wiped" --leave
happens a_leaver_is_back 30 sees 3 "${rest_of_them[@]}"
holds it_holds_something ctl_at "$wiped" pin add --no-status --replication 1 --allocations "${id[$wiped]}" "$cid"
happens it_has_it 30 ipfs_has "$wiped" "$cid"
holds it_leaves peer_stop "$wiped"
holds its_data_is_put_aside_then test -d "$work/peer$wiped/raft.old.0" -a ! -e "$work/peer$wiped/raft"
stay=("${rest_of_them[@]:0:2}")
happens the_others_go_on 10 sees 2 "${stay[@]}"
moved() { ipfs_has "${stay[0]}" "$cid" || ipfs_has "${stay[1]}" "$cid"; }
happens what_it_held_has_moved 30 moved
for n in "${stay[@]}"; do holds "end_$n" peer_stop "$n"; done
finish

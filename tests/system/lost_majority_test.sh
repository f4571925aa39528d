#!/bin/bash
# Two of three peers are lost for ever: the third goes on with `daemon --accept-peers`, and an old one that comes back with
# its old data is refused with words. Also: cluster_peers edited while there is a leader, copies of the pins on a clean
# stop, and a data folder that was deleted.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

info() { "$service" -c "$work/peer$1" state info --enc json | jq -r "$2"; }
says_in_log() { grep -aqF -- "$2" "$work/peer$1.log"; }
edit_peers() { # edit_peers N FILTER: of cluster_peers, while it is down
    jq ".cluster.cluster_peers |= $2" "$work/peer$1/service.json" >"$work/edited" && cat "$work/edited" >"$work/peer$1/service.json"
}
newest_backup() { ls "$work/peer$1"/backups/2* | tail -n 1; }

holds daemons ipfs_start 3
holds init peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3
cid=$(ipfs_add 1 "before the majority is lost")
holds pin ctl_at 1 pin add --no-status --name kept "$cid"
for n in 1 2 3; do happens "has_it_$n" 20 lists $n 1; done

# ---- a clean stop leaves a readable copy; kept to a number ----
holds stop_3 peer_stop 3
holds backup test "$(jq -r .name "$(newest_backup 3)")" = kept
for i in 1 2 3 4 5 6 7 8; do touch "$work/peer3/backups/2020010${i}_00:00:00"; done
touch "$work/peer3/backups/mine"

# ---- an edited list: while there is a leader the log wins ----
happens list_is_whole 10 eval '[ "$(jq -r ".cluster.cluster_peers | length" "$work/peer3/service.json")" = 2 ]'
holds edit_3 edit_peers 3 '[.[0]]'
peer_start 3
happens back_3 30 sees 3 1 2 3
holds words_of_the_log says_in_log 3 'there is a leader, so the log decides who belongs'
happens list_is_written_anew 10 eval '[ "$(jq -r ".cluster.cluster_peers | length" "$work/peer3/service.json")" = 2 ]'

# ---- a deleted data folder is healed from the others ----
holds stop_3_again peer_stop 3
holds the_same_pins_are_not_written_again test "$(ls "$work/peer3/backups" | grep -c _)" = 9
truncate -s 10 "$(newest_backup 3)" # by a power cut
peer_start 3
happens back_3_again 30 sees 3 1 2 3
holds stop_3_once_more peer_stop 3
holds a_torn_copy_is_replaced test "$(jq -r .name "$(newest_backup 3)")" = kept
holds rotated test "$(ls "$work/peer3/backups" | grep -c _)" = 6
holds others_stay test -e "$work/peer3/backups/mine"
rm -rf "$work/peer3/raft"
peer_start 3
happens healed 40 sees 3 1 2 3
happens has_all_again 20 lists 3 1

# ---- two are lost ----
peer_kill 2
peer_kill 3
holds stop_1 peer_stop 1
cluster_before=$(info 1 .cluster_id)
peer_start 1 --accept-peers
happens not_without_an_edit 20 says_in_log 1 'cluster_peers names the members that the log has'
happens waits_as_ever 20 ctl_at 1 pin ls
explains_without_a_leader() {
    local text
    text=$(ctl_at 1 explain "$cid") && grep -q '^Decided: why these peers is not known: no leader' <<<"$text" &&
        grep -q "^$cid" <<<"$text"
}
holds explains_without_a_leader explains_without_a_leader
holds stop_1_again peer_stop 1
holds nothing_has_changed test "$(info 1 .cluster_id)" = "$cluster_before"
holds edit_1 edit_peers 1 '[]'
peer_start 1
happens waits_for_a_leader 20 ctl_at 1 pin ls
holds ends_by_itself peer_ends 1 60
holds with_code_1 test "${code:-}" = 1
holds says_what_differs says_in_log 1 "cluster_peers lacks member"
holds says_what_to_do says_in_log 1 'daemon --accept-peers'
peer_start 1 --accept-peers
happens goes_on 30 sees 1 1
holds says_what_may_be_lost says_in_log 1 'what others have acknowledged beyond it is lost'
holds another_id test "$(cat "$work/peer1/cluster_id")" != "$cluster_before"
holds keeps_the_pins test "$(ctl_at 1 --enc json pin ls | jq -r .name)" = kept
holds writes ctl_at 1 pin add --no-status --name new "$(ipfs_add 1 "after it")"
happens info_says_so 10 eval '[ "$(info 1 ".members | length")" = 1 ]'
holds stop_alone peer_stop 1
successor=$(info 1 .cluster_id)
peer_start 1 --accept-peers
happens flag_is_harmless 30 sees 1 1
holds works_once says_in_log 1 '--accept-peers has nothing to do'
holds same_cluster test "$(cat "$work/peer1/cluster_id")" = "$successor"

# ---- one of the lost comes back ----
peer_start 2
happens refused_there 40 says_in_log 2 'and the data of this peer to cluster'
happens refused_here 10 says_in_log 1 'is refused: its data belongs to cluster'
holds still_alone sees 1 1
holds not_new_there eval '! ctl_at 2 --enc json pin ls | grep -q new'
holds stop_old peer_stop 2
holds cleanup_old "$service" -c "$work/peer2" state cleanup -f
peer_start 2
happens joins_anew 40 sees 2 1 2
happens has_all 20 lists 2 2
for n in 1 2; do holds "end_$n" peer_stop $n; done
finish

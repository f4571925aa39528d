#!/bin/bash
# A peer that stands still (SIGSTOP) takes connections and questions and says nothing. It costs a line in what the others are asked,
# never the answer: cluster_error in a status, ERROR in `peers ls`, and the same while everything is recovered, where all others
# try again at once. Once it goes on, all is as before. Stand-ins: a daemon has to fail when it is told to.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

fault_at() { curl -sSf "http://127.0.0.1:${api[$1]}/standin/v0/fault?$2" >/dev/null; }
rows() { curl -sS -m 60 "http://127.0.0.1:${rest[1]}/pins"; } # and ends by itself, in time
row_of() { rows | jq -ce "select(.cid == \"$1\") | .peer_map"; }
status_of() { curl -sS -m 60 "http://127.0.0.1:${rest[1]}/pins/$1" | jq -ce .peer_map; }
# is_frozen N COMMAND...: what it prints has cluster_error with words for peer N, and what is so for all others.
is_frozen() {
    local n=$1 is=$2
    shift 2
    "$@" | jq -e --arg id "${id[$n]}" --arg is "$is" '
        length == 3 and .[$id].status == "cluster_error" and .[$id].error != "" and ([.[] | select(.status == $is)] | length == 2)'
}
tried() { # tried N CID: so often, says peer N's line
    ctl_at "$1" status "$2" | sed -n "s/.*peer-$1 .*Attempts: \([0-9]*\).*/\1/p"
}
has_tried() { [ "$(tried "$1" "$2")" -ge "$3" ]; }
recovered() { curl -sSf -m 60 -X POST "http://127.0.0.1:${rest[1]}/pins/recover?local=$1" >"$work/recovered"; }
rows_name() { # rows_name ID...: the recover has a row of each of the two CIDs, and in each row these peers
    jq -s -e --argjson ids "$(printf '%s\n' "$@" | jq -R . | jq -sc sort)" --arg a "$bad_a" --arg b "$bad_b" '
        map(.cid) == ([$a, $b] | sort) and all(.[]; ($ids - (.peer_map | keys)) == [])' <"$work/recovered"
}

holds daemons_start ipfs_start 3
holds init peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3
cid=$(ipfs_add 2 "what all have")
holds pin ctl_at 1 pin add --no-status "$cid"
happens pinned 30 says 1 "$cid" pinned 3
for n in 1 2; do holds "refuse_$n" fault_at $n 'error=no+room&command=pin/add'; done
bad_a=$(ipfs_add 3 "what two refuse") bad_b=$(ipfs_add 3 "and another one")
holds pin_bad_a ctl_at 1 pin add --no-status "$bad_a"
holds pin_bad_b ctl_at 1 pin add --no-status "$bad_b"
for n in 1 2; do for bad in $bad_a $bad_b; do happens "tried_$n" 40 has_tried $n "$bad" 4; done; done
for n in 1 2; do holds "well_$n" fault_at $n heal; done

holds freeze peer_signal 3 STOP
holds recover_here recovered true
holds here rows_name "${id[1]}"
holds only_here jq -s -e 'all(.[]; .peer_map | length == 1)' "$work/recovered"
holds recover_all recovered false # peer 1 may have nothing left by now
holds the_others_are_named rows_name "${id[2]}" "${id[3]}"
holds frozen_one_has_its_line jq -s -e --arg bad "${id[3]}" --arg good "${id[2]}" 'all(.[].peer_map;
    .[$bad].status == "cluster_error" and .[$bad].error != "" and .[$good].status != "cluster_error")' "$work/recovered"
for bad in $bad_a $bad_b; do happens tried_again 20 is_frozen 3 pinned status_of "$bad"; done

# All of it while it is only suspect, or already taken for dead: whichever, the listing ends.
holds status_of_one is_frozen 3 pinned status_of "$cid"
holds status_of_all is_frozen 3 pinned row_of "$cid"
holds all_rows eval '[ "$(rows | wc -l)" -eq 3 ]'
holds ctl_status eval 'ctl_at 2 status "$cid" | grep "peer-3 .*: CLUSTER_ERROR: "'
holds ctl_status_of_all eval '[ "$(ctl_at 2 status | grep -c "peer-3 .*: CLUSTER_ERROR: ")" -eq 3 ]'
lists_peers() { # lists_peers N: two that answer, and one that does not, by its id and with words
    ctl_at "$1" peers ls >"$work/peers" && [ "$(grep -c '| Sees ' "$work/peers")" -eq 2 ] &&
        grep -q "^${id[3]} | ERROR: ." "$work/peers"
}
holds peers_ls_1 lists_peers 1
happens is_down 30 eval 'ctl_at 1 health alerts | grep "^${id[3]}: ping.* The peer is down$"'
for n in 1 2; do holds "peers_ls_of_who_is_down_$n" lists_peers $n; done
holds status_of_who_is_down is_frozen 3 pinned status_of "$cid"

holds go_on peer_signal 3 CONT
happens well_again 40 sees 3 1 2 3
for one in $cid $bad_a $bad_b; do happens all_pinned 40 says 1 "$one" pinned 3; done
for n in 1 2 3; do holds "end_$n" peer_stop $n; done
finish

#!/bin/bash
# A cluster of clusters: the IPFS daemons of an upper cluster (peers 4 and 5) are the proxies of a lower one (peers 1 to 3).
# What is pinned above is pinned below, by every daemon there; unpinned likewise; a peer of the lower cluster that dies is the
# lower cluster's business. First on stand-in daemons, then on real ones, if there are any.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

held_below() { local n; for n in 1 2 3; do ipfs_has $n "$1" || return 1; done; }
lacking_below() { local n; for n in 1 2 3; do ipfs_lacks $n "$1" || return 1; done; }

scenario() {
    local cid other added missing n
    rest=() id=() api=() proxy=() cluster=()
    holds "daemons ($daemons)" ipfs_start 3
    holds init peers_init 3
    for n in 1 2 3; do peer_start $n; done
    happens below 40 sees 3 1 2 3
    api[4]=${proxy[1]} api[5]=${proxy[2]}
    for n in 4 5; do holds "init_$n" peer_init $n; done
    peer_start 4
    happens above_alone 40 sees 1 4
    peer_start 5 --bootstrap "$(peer_address 4)"
    happens above 40 sees 2 4 5
    happens its_daemon_answers 40 eval "[ \"\$(ctl_at 4 --enc json id | jq -r .ipfs.error)\" = '' ]"

    cid=$(ipfs_add 1 "pinned above on $daemons")
    holds pin ctl_at 4 pin add --no-status "$cid"
    happens pinned_below 60 held_below "$cid"
    happens pinned_says_the_upper 60 says 4 "$cid" pinned 2
    holds in_the_lower_set eval "pins 3 | grep -qx '$cid'"
    holds sync ctl_at 5 sync "$cid"
    holds still_pinned says 4 "$cid" pinned 2

    other=$(ipfs_add 2 "pinned by the lower one only, on $daemons")
    holds pin_below ctl_at 2 pin add --no-status "$other"
    happens other_pinned 60 held_below "$other"

    holds unpin ctl_at 5 pin rm --no-status "$cid"
    happens unpinned_below 60 lacking_below "$cid"
    happens unpinned_says_the_upper 60 says 4 "$cid" unpinned 2
    holds what_is_the_lower_ones_stays held_below "$other"

    # What nobody has: the upper cluster does not call it pinned before it is.
    missing=QmYjtig7VJQ6XsnUjqqJvj7QaMcCAwtrgNdahSiFofrE7o
    holds pin_missing ctl_at 4 pin add --no-status "$missing"
    happens pinning_below 40 says 1 "$missing" pinning 3
    happens pinning_above 40 says 4 "$missing" pinning 2
    holds unpin_missing ctl_at 4 pin rm --no-status "$missing"
    happens missing_is_gone 60 says 5 "$missing" unpinned 2

    # Through both proxies: the file is added by a daemon below, and pinned by both clusters.
    added=$(curl -sS -m 40 -X POST -F "file=@tests/system/composite_test.sh" "http://127.0.0.1:${proxy[4]}/api/v0/add?quieter=true" |
        jq -r .Hash)
    happens added_below 60 held_below "$added"
    happens added_says_the_upper 60 says 5 "$added" pinned 2
    happens sizes 40 eval "curl -sS -m 20 -X POST 'http://127.0.0.1:${proxy[5]}/api/v0/repo/stat' | jq -e '.RepoSize > 0'"

    # One below dies: the others of its cluster go on, and so does the one above whose proxy it was not.
    peer_kill 3
    cid=$(ipfs_add 1 "pinned with one less on $daemons")
    holds pin_with_one_less ctl_at 4 pin add --no-status "$cid"
    pinned_by_two() { ipfs_has 1 "$cid" && ipfs_has 2 "$cid"; }
    happens pinned_by_the_others 60 pinned_by_two
    happens pinned_with_one_less 60 says 5 "$cid" pinned 2
    # Its door gone, a peer above says so, keeps what it has, and goes on when it is back.
    peer_kill 2
    door_is_gone() { ctl_at 5 id | grep -q 'IPFS ERROR: '; }
    happens door_is_gone 60 door_is_gone
    holds keeps_what_it_has eval "ctl_at 4 pin ls '$cid'"
    peer_start 3
    peer_start 2
    happens below_again 60 sees 3 1 2 3
    cid=$(ipfs_add 1 "pinned after all that on $daemons")
    holds pin_after_all ctl_at 5 pin add --no-status "$cid"
    happens pinned_after_all 60 held_below "$cid"
    happens pinned_after_all_says_the_upper 60 says 4 "$cid" pinned 2
    for n in 4 5 1 2 3; do holds "end_$n" peer_stop $n; done
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

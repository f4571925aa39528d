#!/bin/bash
# A cluster is upgraded peer by peer to the next version, and works all along (DESIGN 10). The next version is this tree
# with tests/neighbour/next_level.patch: it knows level 5 of the formats, one more kind of entry, and a second version of an
# upload's OPEN.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
ours=$service next=$build/neighbour/build/ipfs-cluster-service

log_has() { grep -aqF -- "$2" "$work/peer$1.log"; } # log_has N WORDS
level() { "$next" -c "$work/peer$1" state version | cut -d';' -f1; } # of the disk of a peer that does not run
pin() { holds "pin_$2_by_$1" ctl_at "$1" pin add --no-status "$(cid "$2")"; }
cid() { echo "f01551220$(printf '%s' "$1" | sha256sum | cut -d' ' -f1)"; }
# upload BY NAME N M: through peer BY into the daemons of N and M, whichever version each of them is; several pieces long.
upload() {
    local name=$2
    head -c 200000 /dev/urandom >"$work/$name"
    curl -sS -i -m 60 -F "file=@$work/$name" \
        "http://127.0.0.1:${rest[$1]}/add?replication=2&user-allocations=${id[$3]},${id[$4]}" >"$work/$name.out"
    root=$(sed -n 's/.*"cid":"\([^"]*\)".*/\1/p' "$work/$name.out" | tail -n 1)
    count "upload_$name" "$([ -n "$root" ] && ! grep -qa 'X-Stream-Error: .' "$work/$name.out" || cat "$work/$name.out")"
    happens "upload_${name}_is_pinned" 20 eval 'ipfs_has '"$3 $root && ipfs_has $4 $root"
    holds "upload_${name}_is_whole" eval "ipfs_at $3 'cat?arg=$root' | cmp - '$work/$name' && ipfs_at $4 'cat?arg=$root' | cmp - '$work/$name'"
}
upgrade() { # upgrade N
    service=$ours
    holds "stop_$1" peer_stop "$1"
    service=$next
    peer_start "$1"
    happens "back_$1" 30 sees 3 1 2 3
}

holds build_next tests/neighbour/build "$build/neighbour"
holds daemons ipfs_start 4
holds init peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3
pin 1 a

upgrade 1
pin 1 b
pin 2 c
upload 1 new_to_old 2 3
upload 2 old_to_new 1 2
upload 2 old_to_both 1 3
# What only the next version can say is refused at once: nobody waits for an answer that never comes.
head -c 200000 /dev/urandom >"$work/newer"
holds newer_form_is_answered_at_once eval 'curl -sS -i -m 10 -F "file=@$work/newer" \
    "http://127.0.0.1:${rest[1]}/add?replication=1&user-allocations=${id[2]}&chunker=size-262145" >"$work/newer.out"'
holds newer_form_is_refused_in_words grep -a "X-Stream-Error:.* upgrade it" "$work/newer.out"
upgrade 2
pin 2 d
pin 3 e
upload 3 last_old_to_new 1 2
happens same_pins 20 eval '[ "$(pins 1)" = "$(pins 3)" ] && lists 3 9'
holds old_one_is_waited_for eval '! log_has 1 "a remark" && ! log_has 2 "a remark"'

upgrade 3
happens level_rises 30 eval 'log_has 1 "it rises from 4" || log_has 2 "it rises from 4" || log_has 3 "it rises from 4"'
happens new_entries 30 eval 'log_has 1 "a remark" || log_has 2 "a remark" || log_has 3 "a remark"'
pin 3 f
happens all_follow 20 eval '[ "$(pins 1)" = "$(pins 2)" ] && [ "$(pins 1)" = "$(pins 3)" ] && lists 1 10'

# ---- no way back, and none in, for the older one ----
service=$next
holds stop_3 peer_stop 3
holds level_is_on_disk test "$(level 3)" = 5
service=$ours
peer_start 3
holds older_refuses_the_disk eval 'peer_ends 3 10 && [ "$code" -eq 1 ]'
holds says_why eval 'tail -n 3 "$work/peer3.log" | grep -F "newer version"'
holds init_4 peer_init 4
peer_start 4 --bootstrap "$(peer_address 1)"
holds older_is_not_admitted eval 'peer_ends 4 20 && [ "$code" -eq 1 ]'
holds newcomer_says_why log_has 4 'format level 5, and the peer that asks to join knows levels up to 4: upgrade it'
service=$next
peer_start 3
happens newer_takes_it 30 sees 3 1 2 3
finish

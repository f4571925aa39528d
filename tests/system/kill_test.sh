#!/bin/bash
# Peers are killed (SIGKILL) in a loop, one or all at once, while clients pin, rename and unpin through all of them. In
# the end all three list the same pins, and exactly those that the clients' record allows: whatever was acknowledged
# happened, and what was not either happened or did not. What a power cut adds to this is the business of tests/crash.
# No IPFS daemon is there: this is about the shared state.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
at_end '[ -z "$clients" ] || kill -9 $clients 2>/dev/null'
clients=
record=$work/record
for_s=${KILL_SECONDS:-30}
export CLUSTER_RAFT_HEARTBEATTIMEOUT=300ms CLUSTER_RAFT_ELECTIONTIMEOUT=300ms

listed() { curl -sS -m 20 "http://127.0.0.1:${rest[$1]}/allocations" | jq -r '"\(.cid) \(.name)"' | sort; }
same_lists() {
    local n
    for n in 1 2 3; do listed $n >"$work/listed$n" || return 1; done
    cmp "$work/listed1" "$work/listed2" && cmp "$work/listed1" "$work/listed3"
}
answers() { grep -c '^yes' "$record" 2>/dev/null; }
has_answers() { [ "$(answers)" -ge "$1" ]; }

# The record says of each CID what the last acknowledged question made of it, and what one without an answer would have.
judged() { # judged LIST: says what is wrong with it
    awk 'NR == FNR && $1 == "ask" { of[$2] = $4; after[$2] = $3 == "pin" ? "op-" $2 : "none"; open[$4] = after[$2]
                                    if (!($4 in is)) is[$4] = "none" }
         NR == FNR && $1 == "yes" { is[of[$2]] = after[$2]; delete open[of[$2]] }
         NR == FNR { next }
         !($1 in is) { print "nobody asked for " $1 " " $2; next }
         { found[$1] = $2 }
         END { for (cid in is) {
                   real = cid in found ? found[cid] : "none"
                   if (real != is[cid] && !(cid in open && real == open[cid]))
                       print cid " is " real ", acknowledged was " is[cid] (cid in open ? ", asked for was " open[cid] : "") } }' \
        "$record" "$1"
}

start_killed() {
    local n
    for n in 1 2 3; do [ -n "${peer_pid[$n]:-}" ] || peer_start $n; done
}

holds init peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3
"$build/tests/load" --clients 8 --seed $RANDOM --record "$record" 127.0.0.1:${rest[1]} 127.0.0.1:${rest[2]} \
    127.0.0.1:${rest[3]} >"$work/load.log" 2>&1 &
clients=$!
kills=0 limit=$((SECONDS + for_s))
while [ $SECONDS -lt $limit ]; do
    happens "pins_are_taken_$kills" 30 has_answers $(($(answers) + RANDOM % 100 + 1)) || break
    if [ $((RANDOM % 4)) -eq 0 ]; then
        for n in 1 2 3; do peer_signal $n KILL; done
        for n in 1 2 3; do peer_kill $n; done 2>/dev/null
    else
        peer_kill $((RANDOM % 3 + 1))
    fi
    kills=$((kills + 1))
    start_killed
done
kill $clients
holds clients_end wait $clients
clients=
happens all_are_back 60 sees 3 1 2 3
happens same_pins_everywhere 60 same_lists
findings=$(judged "$work/listed1")
count nothing_acknowledged_is_lost "$findings"
echo "note: $kills times killed, $(cat "$work/load.log"), $(wc -l <"$work/listed1") pins"
holds enough_was_acknowledged has_answers 200
for n in 1 2 3; do holds "end_$n" peer_stop $n; done
finish

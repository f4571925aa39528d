#!/bin/bash
# A listing of many pages while peers fail in its middle: one is killed, one hangs, both are killed. It goes on to its last pin; who
# failed has a line with cluster_error in each row from there on, and never again one of its own. The reader holds the listing in its
# middle: it takes one row, and the rest when the peer has failed; what no buffer of the kernel holds has not been asked for by then.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
pins_count=20000

some_pins() { # raw CIDs, in the order of their bytes
    local digits=abcdefghij
    seq -f '%08.0f' "$pins_count" | tr 0-9 $digits |
        sed "s/.*/{\"cid\":\"bafkreia&$(printf 'a%.0s' {1..43})\",\"replication_factor_min\":-1,\"replication_factor_max\":-1}/"
}
all_pinned() { # all_pinned N: says that it holds them all
    [ "$(curl -sS -m 20 "http://127.0.0.1:${rest[$1]}/metrics" | sed -n 's/^holdfast_pins{status="pinned"} //p')" = "$pins_count" ]
}
# list COMMAND...: all of /pins at peer 1, into $work/listed; the command runs behind the first row.
list() {
    curl -sSN -m 100 "http://127.0.0.1:${rest[1]}/pins" 2>"$work/listed.err" | {
        read -r row && printf '%s\n' "$row" && "$@" >&2 && cat
    } >"$work/listed"
    [ "${PIPESTATUS[*]}" = "0 0" ]
}
# What is wrong with it, in words: nothing, if these peers failed in its middle and the others did not.
judged() { # judged N...
    local failed=() n
    for n; do failed+=("${id[$n]}"); done
    jq -rn --argjson count "$pins_count" --args '
        reduce inputs as $row ({rows: 0, wrong: 0, said: {}, lost: {}};
            (if $row.cid <= .last then .wrong += 1 else . end)
            | .rows += 1 | .last = $row.cid
            | if ($row.peer_map | length) != 3 then .wrong += 1 else . end
            | reduce ($row.peer_map | to_entries[]) as $p (.;
                if $p.value.status == "pinned" and .lost[$p.key] == null then .said[$p.key] += 1
                elif $p.value.status == "cluster_error" and $p.value.error != "" then .lost[$p.key] += 1
                else .wrong += 1 end))
        | (if .rows != $count then "\(.rows) rows" else empty end),
          (if .wrong != 0 then "\(.wrong) rows that are no rows, or of a peer that had failed" else empty end),
          (if (.lost | keys) != ($ARGS.positional | sort) then "failed: \(.lost)" else empty end),
          ($ARGS.positional[] as $p | if .said[$p] == null then "\($p) said nothing" else empty end)
        ' "${failed[@]}" <"$work/listed"
}

ipfs_options=(--has-all 1000)
holds daemons_start ipfs_start 3
for n in 1 2 3; do holds "init_$n" peer_init $n; done
some_pins >"$work/pins.json"
holds import "$service" -c "$work/peer1" state import "$work/pins.json"
peer_start 1
happens one 30 sees 1 1
for n in 2 3; do peer_start $n --bootstrap "$(peer_address 1)"; done
happens three 30 sees 3 1 2 3
for n in 1 2 3; do happens "pinned_$n" 60 all_pinned $n; done

holds nobody_fails list true
check nobody_failed 0 '' judged
holds one_is_killed list peer_kill 3
check killed_in_the_middle 0 '' judged 3
peer_start 3
happens is_back 30 sees 3 1 2 3
holds after_that list true
check nobody_failed_again 0 '' judged

holds one_hangs list peer_signal 2 STOP
holds goes_on peer_signal 2 CONT
check hung_in_the_middle 0 '' judged 2
happens well_again 30 sees 3 1 2 3

both_die() { peer_kill 2 && peer_kill 3; }
holds all_others_are_killed list both_die
check alone_in_the_end 0 '' judged 2 3
holds end_1 peer_stop 1
finish

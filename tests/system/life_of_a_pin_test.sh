#!/bin/bash
# Five peers that only know the first one, on real IPFS daemons if there are any; files of several sizes that only a
# sixth daemon has; two copies of each, spread over two groups. The first peer dies, then another one while it is away;
# both come back; then the leader dies. In the end each daemon holds exactly what the shared state gives it, and every
# copy can be read with its source gone. One file is at a seventh daemon, which nobody is told of but by the pin's origins.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
find_kubo || {
    echo "note: Kubo is missing (make kubo): stand-in IPFS daemons"
    [ "${CI:-}" != true ] || count kubo "is missing"
}

asked=1
add_file() { # add_file SIZE [N]: at one source only
    local cid
    cid=$(head -c "$1" /dev/urandom | ipfs_at "${2:-6}" 'add?pin=true&quieter=true&chunker=size-262144' -F 'file=@-' | sed -n 's/.*"Hash":"\([^"]*\)".*/\1/p')
    [ -n "$cid" ] && cids+=("$cid") && sizes+=("$1")
}
join_source() { # every daemon gets a way to the source
    local addr n
    addr=$(ipfs_at 6 id | jq -r '.Addresses[0]')
    for n in 1 2 3 4 5; do ipfs_at "$n" "swarm/connect?arg=$addr" || return 1; done
}
allocations() { ctl_at "$asked" --enc json pin ls | jq -r '.cid as $c | .allocations[] | "\($c) \(.)"' | sort; }
# What the daemons of peers N... hold of our files.
held() {
    local n cid
    for n; do for cid in "${cids[@]}"; do ipfs_has "$n" "$cid" >/dev/null 2>&1 && echo "$cid ${id[$n]}"; done; done | sort
}
held_is_allocated() { # by all peers named, and nothing beyond; and each file twice
    [ "$(allocations | wc -l)" -eq $((2 * ${#cids[@]})) ] && diff <(allocations) <(held "$@")
}
pinned_at() { ipfs_at "$1" 'pin/ls?type=recursive' | jq -r '.Keys | keys[]' | sort; } # all, whoever asked for it
nothing_else_is_pinned() { # beyond what a new daemon has
    local n
    for n in 1 2 3 4 5; do
        [ -z "$(comm -23 <(pinned_at "$n") <(sort "$work/at_first$n" - <<<"$(printf '%s\n' "${cids[@]}")"))" ] || return 1
    done
}
allocated_to_all_groups() {
    local cid odd even
    for cid in "${cids[@]}"; do
        odd=$(allocations | grep "^$cid " | grep -c -e "${id[1]}" -e "${id[3]}" -e "${id[5]}")
        even=$(allocations | grep "^$cid " | grep -c -e "${id[2]}" -e "${id[4]}")
        [ "$odd $even" = "1 1" ] || return 1
    done
}
readable_offline() { # from each holder
    local n i
    for n in 1 2 3 4 5; do
        for i in "${!cids[@]}"; do
            allocations | grep -q "^${cids[$i]} ${id[$n]}" || continue
            [ "$(ipfs_at "$n" "cat?offline=true&arg=${cids[$i]}" | wc -c)" -eq "${sizes[$i]}" ] || return 1
        done
    done
}

check_refused() { ctl_at 1 peers drain 12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu 2>&1 | grep -q 'no such peer'; }

cids=() sizes=()
holds daemons_start ipfs_start 7
for n in 1 2 3 4 5; do
    pinned_at "$n" >"$work/at_first$n"
    export CLUSTER_TAGS_TAGS=group:$([ $((n % 2)) -eq 1 ] && echo odd || echo even)
    holds "init_$n" peer_init $n
done
unset CLUSTER_TAGS_TAGS
peer_start 1
happens first_is_there 30 sees 1 1
for n in 2 3 4 5; do
    peer_start $n --bootstrap "$(peer_address 1)"
    happens "joined_$n" 40 sees $n 1
done
happens source_is_reached 20 join_source
sizes_of_files=(10 1000 300000 2000000 100000 5 262144 262145)
[ -n "$kubo" ] || sizes_of_files=(10 1000 200000 250000 5 77 4096 100000) # the stand-in makes files of one chunk
for i in "${!sizes_of_files[@]}"; do
    holds "add_$i" add_file "${sizes_of_files[$i]}"
    holds "pin_$i" ctl_at 1 pin add --no-status --replication 2 "${cids[-1]}"
done
happens pinned 60 held_is_allocated 1 2 3 4 5
holds add_elsewhere add_file 1500 7
origin=$(ipfs_at 7 id | jq -r '.Addresses[0]')
pin_with_origins() { # nobody there is one, too
    curl -sf -X POST "http://127.0.0.1:${rest[2]}/pins/${cids[-1]}?replication=2&origins=/ip4/127.0.0.1/tcp/9/p2p/${id[1]},$origin" |
        jq -e '.origins | length == 2' >/dev/null
}
holds pin_with_origins pin_with_origins
happens pinned_from_its_origin 60 held_is_allocated 1 2 3 4 5
if [ -n "$kubo" ]; then kill "$(cat "$work/ipfs/7/pid")"; else ipfs_stop_standin 7; fi
holds spread_over_groups allocated_to_all_groups
# Whom the user prefers comes first, and the second copy goes to the best of all others, in whichever group.
holds add_for_first add_file 2000
holds pin_at_first ctl_at 2 pin add --no-status --replication 2 --allocations "${id[1]}" "${cids[-1]}"
happens pinned_at_first 60 held_is_allocated 1 2 3 4 5
holds plan_is_empty test -z "$(ctl_at 1 repair plan)"
explains() { # explains N: three replicas' words, and the pin's own line
    ctl_at "$1" explain "${cids[0]}" >"$work/explained" && [ "$(grep -c 'PINNED' "$work/explained")" -eq 2 ] &&
        grep -q "Repl. Factor: 2--2" "$work/explained" &&
        [ "$(grep -c '^  > .*: chosen | rank: [12] | tag:group: .* | reposize: ' "$work/explained")" -eq 2 ]
}
for n in 1 2 3; do holds "explain_at_$n" explains $n; done
explains_refusal() { # of a pin that never was
    ! ctl_at 2 pin add --no-status --replication 9 bafkqaaa && ! ctl_at 3 explain bafkqaaa >"$work/explained" &&
        grep -q '^Refused: .*, write, factor 9--9: ' "$work/explained" &&
        [ "$(grep -c '^  > .*: available | rank: ' "$work/explained")" -eq 5 ]
}
holds explain_refusal explains_refusal
explains_preference() {
    local one
    one=$(ipfs_add 2 "wanted at the fourth")
    ctl_at 2 pin add --no-status --replication 1 --allocations "${id[4]}" "$one" &&
        ctl_at 1 explain "$one" | grep -q "^  > ${id[4]}: chosen, preferred | rank: 1 | " &&
        ctl_at 2 pin rm --no-status "$one"
}
holds explain_preference explains_preference

asked=3
five=$(ipfs_add 2 "at all five")
holds pin_five ctl_at 3 pin add --no-status --replication 5 "$five"
holds kill_first peer_kill 1
plan_lacks() { ctl_at 3 repair plan | grep -q "^$five | Living copies: 4 | .* To: nobody"; }
happens plan_shows_what_cannot_move 30 plan_lacks
holds unpin_five ctl_at 3 pin rm --no-status "$five"
happens first_is_replaced 60 held_is_allocated 2 3 4 5
explains_repair() { # of the file that the first one held
    ctl_at 3 explain "${cids[-1]}" | sed -n '/^Decided: .*, repair, /,/^Decided/p' >"$work/explained"
    grep -q "^  > ${id[1]}: down" "$work/explained" && grep -q ': kept' "$work/explained" &&
        grep -q ': chosen | rank: 1' "$work/explained"
}
holds explain_repair explains_repair
holds kill_second peer_kill 2
has_alert() { ctl_at 3 health alerts | grep -q "^${id[$1]}: ping. .* The peer is $2\$"; }
happens alert_down 30 has_alert 2 down
holds alerts_one_each test "$(ctl_at 3 health alerts | grep -c ': ping\.')" -eq 2
happens second_is_replaced 60 held_is_allocated 3 4 5
holds add_meanwhile add_file 3000
holds pin_meanwhile ctl_at 3 pin add --no-status --replication 2 "${cids[-1]}"
peer_start 1
peer_start 2
happens both_are_back 60 sees 5 1 2 3 4 5
no_alert() { [ -z "$(ctl_at 3 health alerts)" ]; }
happens alerts_are_over 30 no_alert
happens surplus_is_gone 60 held_is_allocated 1 2 3 4 5
happens leader_known 10 find_leader 1 2 3 4 5
[ "$leader" -ne 3 ] || asked=4
holds kill_leader peer_kill "$leader"
alive=()
for n in 1 2 3 4 5; do [ "$n" -eq "$leader" ] || alive+=("$n"); done
happens leader_is_replaced 60 held_is_allocated "${alive[@]}"
peer_start "$leader"
happens leader_is_back 60 sees 5 1 2 3 4 5
happens all_is_well 60 held_is_allocated 1 2 3 4 5
sums_up() { # every peer's count is what its daemon holds
    local n
    for n in 1 2 3 4 5; do
        ctl_at 3 status --summary | grep -q "^${id[$n]}.* PINNED: $(held "$n" | wc -l)\($\| \)" ||
            [ "$(held "$n" | wc -l)" -eq 0 ] || return 1
    done
}
happens summary 30 sums_up
happens nothing_else_is_pinned 30 nothing_else_is_pinned
holds nobody_to_drain check_refused
holds drain_one ctl_at 1 peers drain "${id[2]}"
drained() { ! allocations | grep -q "${id[2]}" && held_is_allocated 1 2 3 4 5; }
happens drained_one_is_empty 60 drained
holds peers_ls_says_so eval 'ctl_at 3 peers ls | grep -q "peer-2 | Sees 4 other peers.* | draining"'
holds undrain_it ctl_at 3 peers undrain "${id[2]}"
if [ -n "$kubo" ]; then kill "$(cat "$work/ipfs/6/pid")"; else ipfs_stop_standin 6; fi
holds readable_without_the_source readable_offline
for n in 1 2 3 4 5; do holds "end_$n" peer_stop $n; done
finish

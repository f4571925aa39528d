#!/bin/bash
# Backup and restore of running clusters: all pins as they stand at one moment, while clients go on writing; and into another
# cluster, through its log. A peer that joins the restored cluster has everything.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

cid() { echo "f01551220$(printf '%s' "$1" | sha256sum | cut -d' ' -f1)"; }
names() { jq -r .name "$1" | sort; }

holds daemons ipfs_start 4
holds init_three peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3

# ---- a moment ----
for i in 1 2 3; do holds "pin_$i" ctl_at 1 pin add --no-status --name "kept $i" --metadata n=$i -r 2 "$(cid $i)"; done
holds export_2 ctl_at 1 state export -f "$work/first.json"
holds all_acknowledged_is_in test "$(names "$work/first.json")" = "$(printf 'kept 1\nkept 2\nkept 3')"
holds empties_nothing test ! -e "$work/first.json.new"

# Writers number their pins, one after the other. Whatever the moment, a copy holds each writer's pins without a gap, as far
# as they were acknowledged when it was asked for, at least.
write_pins() { # write_pins PEER
    local i=0
    while curl -sS --fail -m 20 -o /dev/null -X POST "http://127.0.0.1:${rest[$1]}/pins/$(cid "$1.$i")?name=w$1.$i" 2>/dev/null; do
        echo $i >"$work/acknowledged.$1.new"
        mv "$work/acknowledged.$1.new" "$work/acknowledged.$1" # whole at every moment
        i=$((i + 1))
        [ ! -e "$work/enough" ] || return
    done
}
acknowledged() { cat "$work/acknowledged.$1" 2>/dev/null || echo -1; }
without_gaps() { # without_gaps FILE PEER LEAST
    local have
    have=$(names "$1" | sed -n "s/^w$2\\.//p" | sort -n)
    [ "$have" = "$(seq 0 $(($(wc -l <<<"$have") - 1)))" ] && [ "$(tail -n 1 <<<"$have")" -ge "$3" ]
}
many() { [ "$(acknowledged 1)" -ge "$1" ] && [ "$(acknowledged 2)" -ge "$1" ]; }
writers=()
for n in 1 2; do write_pins $n & writers+=($!); done
for round in 1 2 3 4 5; do
    happens "writes_$round" 60 many $((round * 15))
    for n in 1 2; do least[n]=$(acknowledged $n); done
    holds "export_$round" ctl_at 1 state export -f "$work/copy.$round"
    holds "without_gaps_$round" without_gaps "$work/copy.$round" 1 "${least[1]}" # asked where they were acknowledged
done
touch "$work/enough"
for writer in "${writers[@]}"; do wait "$writer"; done
happens at_rest 20 eval '[ "$(pins 1)" = "$(pins 3)" ]'
holds last_export eval 'ctl_at 3 state export >"$work/last.json"'
holds is_what_pin_ls_says eval 'jq -r .cid "$work/last.json" | sort | cmp - <(pins 3)'
for n in 1 2 3; do holds "spool_is_gone_$n" test ! -e "$work/peer$n/raft/files/3"; done
for n in 1 2 3; do holds "end_$n" peer_stop $n; done

# ---- into another cluster, which runs ----
rm -rf "$work"/peer*
count=$(wc -l <"$work/last.json")
holds init_new peers_init 3
for n in 1 2 3; do peer_start $n; done
happens new_cluster 30 sees 3 1 2 3
check import 0 "$count pins imported, 0 refused" ctl_at 2 state import "$work/last.json"
happens restored 20 eval 'jq -r .cid "$work/last.json" | sort | cmp - <(pins 1)'
holds says_the_same eval 'ctl_at 2 state export | jq -S "del(.allocations)" | cmp - <(jq -S "del(.allocations)" "$work/last.json")'
holds on_two_peers test "$(ctl_at 2 --enc json pin ls "$(cid 1)" | jq '.allocations | length')" = 2
check again_is_harmless 0 "$count pins imported, 0 refused" eval 'ctl_at 1 state import <"$work/last.json"'
printf '{"cid":"%s"}\n{"cid":"%s","replication_factor_min":9}\n' "$(cid many)" "$(cid nine)" >"$work/nine.json"
not_nine() { ctl_at 1 state import "$work/nine.json" | tail -n 1; return "${PIPESTATUS[0]}"; }
check needs_more_peers 2 '1 pins imported, 1 refused' not_nine

# ---- a newcomer has it all ----
holds init_4 peer_init 4
peer_start 4 --bootstrap "$(peer_address 1)"
happens joined 40 sees 4 1 2 3 4
happens has_all 30 lists 4 $((count + 1))
for n in 1 2 3 4; do holds "end_new_$n" peer_stop $n; done
finish

#!/bin/bash
# The log does not grow for ever, and whoever needs what is not in it any more gets the state instead: a peer that was away, also
# when it dies while it is given, and one that joins. All end identical, and start again from logs that begin late. Disk use
# follows what is pinned, not what was.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

cid_of() { # cid_of TEXT: a CID that nobody has the content of
    local digest
    digest=$(printf %s "$1" | sha256sum | cut -d' ' -f1)
    printf b%s "$(printf "\\x01\\x55\\x12\\x20$(printf %s "$digest" | sed 's/../\\x&/g')" | base32 -w0 | tr 'A-Z' 'a-z' | tr -d =)"
}
all_at() { # all_at N METHOD CID...: through the REST API of peer N, many at once
    local n=$1 method=$2
    shift 2
    printf "http://127.0.0.1:${rest[$n]}/pins/%s\n" "$@" |
        xargs curl -sS --fail -m 60 -Z --parallel-max 32 -X "$method" >/dev/null
}
same_pins() { [ "$(pins "$1" | sha256sum)" = "$(pins "$2" | sha256sum)" ]; }
is_receiving() { grep -aq 'receiving the state up to entry' "$work/peer$1.log"; }
disk_use() { du -sk "$work/peer$1/raft/records" "$work/peer$1"/raft/state.* | awk '{ kb += $1 } END { print kb }'; }
uses_at_most() { [ "$(disk_use "$1")" -le "$2" ] || { echo "$(disk_use "$1") KiB"; return 1; }; }

cids=()
for i in $(seq 400); do cids+=("$(cid_of "content $i")"); done
holds daemons_start ipfs_start 4
holds init peers_init 3
holds init_4 peer_init 4
for n in 1 2 3 4; do holds "few_entries_$n" few_entries $n; done
for n in 1 2 3; do IPFS_CLUSTER_LOG_LEVEL=debug peer_start $n; done
happens founded 30 sees 3 1 2 3
holds first_pins all_at 1 POST "${cids[@]:0:100}"
for n in 1 2 3; do happens "listed_$n" 20 lists $n 100; done

# ---- away while the log moves on ----
holds away peer_kill 3
holds pins_meanwhile all_at 1 POST "${cids[@]:100:300}"
holds unpins_meanwhile all_at 2 DELETE "${cids[@]:0:50}"
for n in 1 2; do happens "log_is_trimmed_$n" 20 log_begins_behind $n 300; done
peer_start 3
happens receives 30 is_receiving 3
peer_kill 3 # perhaps in the middle of it
peer_start 3
happens received 30 received_the_state 3
happens has_all 20 lists 3 350
holds is_identical same_pins 3 1
holds follows_the_log all_at 3 POST "${cids[@]:0:10}"
happens has_more 20 lists 3 360

# ---- joining ----
peer_start 4 --bootstrap "$(peer_address 1)"
happens joined 40 sees 4 1 2 3 4
happens joiner_received 30 received_the_state 4
happens joiner_has_all 20 lists 4 360
holds joiner_is_identical same_pins 4 1

# ---- everybody starts again from what is left of the log ----
for n in 1 2 3 4; do holds "stop_$n" peer_stop $n; done
for n in 1 2 3 4; do peer_start $n; done
happens all_are_back 40 sees 4 1 2 3 4
for n in 1 2 3 4; do happens "still_has_all_$n" 20 lists $n 360; done
holds still_identical same_pins 2 4

# ---- disk use ----
holds unpin_all all_at 1 DELETE "${cids[@]:0:10}" "${cids[@]:50:350}"
happens nothing_is_pinned 20 lists 1 0
holds pin_again all_at 1 POST "${cids[@]}"
holds unpin_again all_at 1 DELETE "${cids[@]}"
happens nothing_is_pinned_again 20 lists 1 0
rounds() { # rounds FIRST LAST
    local round
    for round in $(seq "$1" "$2"); do
        holds "pin_round_$round" all_at 1 POST "${cids[@]}"
        holds "unpin_round_$round" all_at 1 DELETE "${cids[@]}"
    done
}
rounds 1 4 # until the files have the size that this load needs
use=$(disk_use 1)
rounds 5 12
happens disk_use_stays 20 uses_at_most 1 $((use * 3 / 2 + 64))
for n in 1 2 3 4; do holds "end_$n" peer_stop $n; done
finish

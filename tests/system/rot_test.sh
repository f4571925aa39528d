#!/bin/bash
# Files of a peer that are cut short, overwritten or gone while it is down: its state, its own rows, its log. It may have to be
# started a second and a third time, as a supervisor does; it never needs a hand, nothing acknowledged is missing at the
# end, and what it could not read lies aside for whoever wants to look. Twice: with a log from the beginning, from which a
# state can be made again, and with one that was trimmed, so that another peer has to give it.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
export CLUSTER_RAFT_HEARTBEATTIMEOUT=300ms CLUSTER_RAFT_ELECTIONTIMEOUT=300ms
pins=0

some_cid() { # a CID that nobody has, another one at each call, in $cid
    pins=$((pins + 1))
    cid=bafkrei$(printf '%052d' $pins | tr 0189 abcd | cut -c2-52)a
}
pin_at() { # through peer N; what is acknowledged is kept in a file
    some_cid
    [ "$(rest_at "$1" "/pins/$cid?name=$pins-$(printf '%0400d' 0)" -X POST | tail -n 1)" = 200 ] || return 1
    echo "$cid" >>"$work/acknowledged"
}
pin_some() { for ((i = 0; i < $1; i++)); do pin_at $((i % 3 + 1)) || return 1; done; }
has_all() { pins "$1" | cmp - <(sort "$work/acknowledged"); }
healed_by_another() { [ "$(grep -ac 'the damaged state has been replaced' "$work/peer2.log")" -ge "$1" ]; }

# ---- what happens to the files ----

# LMDB's file, or the newest of the log's.
file_in() { find "$1" -name data.mdb -o -name '0*' | sort | tail -n 1; }
cut_short() { truncate -s $(($(stat -c %s "$(file_in "$1")") / 2)) "$(file_in "$1")"; }
overwritten() {
    local file len
    file=$(file_in "$1")
    len=$(stat -c %s "$file")
    head -c "$len" /dev/zero | tr '\0' x >"$file"
}
emptied() { : >"$(file_in "$1")"; }
gone() { rm -r "$1"; }
to_its_head() { truncate -s 512 "$(file_in "$1")"; } # as if nothing had been written
without_newest() { rm "$(file_in "$1")"; }

# What a supervisor does before it asks: starts a peer that is not there, at most three times for one damage. It may have
# ended before it answered, or behind that: that a page nobody had asked for is missing shows only then.
supervised() { # supervised COMMAND...
    if [ -n "${peer_pid[2]:-}" ] && is_gone "${peer_pid[2]}"; then
        peer_ends 2 1
        codes+=("$code")
    fi
    if [ -z "${peer_pid[2]:-}" ]; then
        [ ${#codes[@]} -lt 3 ] || return 1
        peer_start 2
    fi
    "$@"
}
ended_with_1() { [ -z "$(printf '%s\n' "${codes[@]}" | grep -v '^1\?$')" ]; } # none of them was killed by a signal
answers() { rest_at 2 /id >/dev/null; }

spoil() { # spoil WHAT HOW
    local name=$1_$2 folder
    holds "stop_for_$name" peer_stop 2
    folder=$(echo "$work"/peer2/raft/$1)
    holds "$name" "$2" $folder
    holds "pin_beside_$name" pin_at 1
    codes=()
    happens "rises_$name" 60 supervised answers
    happens "has_all_$name" 60 supervised has_all 2
    happens "pins_again_$name" 30 supervised pin_at 2
    happens "all_agree_$name" 30 supervised has_all 2
    holds "ends_of_$name" ended_with_1
}
spoil_all() {
    local how
    for how in cut_short overwritten emptied gone; do
        spoil 'state.*[0-9]' $how
        spoil local $how
    done
    for how in overwritten emptied to_its_head without_newest; do spoil records $how; done
}

holds init peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3
holds some_pins pin_some 30
spoil_all
for n in 1 2 3; do holds "end_$n" peer_stop $n; done
export CLUSTER_RAFT_SNAPSHOTTHRESHOLD=10 CLUSTER_RAFT_TRAILINGLOGS=5 CLUSTER_RAFT_SNAPSHOTINTERVAL=1s
for n in 1 2 3; do peer_start $n; done
happens back 30 sees 3 1 2 3
holds more_pins pin_some 30
sleep 3 # the log is trimmed every second now; should it be late, healed_by_another fails
holds log_was_whole test "$(grep -ac 'the state is damaged' "$work/peer2.log")" -eq 0
spoil_all
holds healed_by_another healed_by_another 1
for n in 1 2 3; do holds "last_end_$n" peer_stop $n; done
finish

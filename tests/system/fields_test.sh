#!/bin/bash
# What a pin was told to say it says for good, field by field: at the peer that was asked and at one that followed the log, at one
# that was away until the log began behind it and was given the state, after a kill and after a clean stop; and so does what
# a pin update makes of it, also where the old pin came with the state.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

cid_of() { printf 'bafkreia%s%s' "$1" "$(printf 'a%.0s' {1..50})"; } # cid_of LETTER
# told LETTER QUERY FIELDS [N]: pins it at peer N; FIELDS is what must be said of it beside what every pin says.
told() {
    local cid
    cid=$(cid_of "$1")
    jq -cn --arg cid "$cid" "{
        replication_factor_min: -1, replication_factor_max: -1, name: \"\", mode: \"recursive\", shard_size: 0,
        user_allocations: null, expire_at: \"0001-01-01T00:00:00Z\", metadata: null, pin_update: null, origins: [],
        cid: \$cid, type: \"pin\", allocations: [], max_depth: -1, reference: null} + $3" >>"$work/told"
    curl -sS --fail-with-body -m 20 -X POST "http://127.0.0.1:${rest[${4:-1}]}/pins/$cid?$2"
}
of() { jq -c "select(.cid == \"$(cid_of "$1")\") | $2" "$work/told"; } # of LETTER FILTER: what it was told to say
said() { curl -sS -m 20 "http://127.0.0.1:${rest[$1]}/allocations" | jq -cS . | sort; }
says_what_it_was_told() { # says_what_it_was_told N: nothing else either, and with the time that peer 1 has
    diff <(jq -cS '.allocations |= sort' "$work/told" | sort) <(said "$1" | jq -cS 'del(.timestamp) | .allocations |= sort' | sort) &&
        diff <(said 1) <(said "$1")
}
is_direct_at() { ipfs_at "$1" "pin/ls?type=direct&arg=$(cid_of b)"; }
push_the_log() { # by entries that change nothing but the last pin's name, back to what it was
    curl -sSf -m 60 -X POST "http://127.0.0.1:${rest[1]}/pins/$(cid_of a)?name=[1-150]&replication=-1" >/dev/null &&
        curl -sSf -m 20 -X POST "http://127.0.0.1:${rest[1]}/pins/$(cid_of a)" >/dev/null
}

ipfs_options=(--has-all 1000)
holds daemons_start ipfs_start 3
holds init peers_init 3
for n in 1 2 3; do holds "few_entries_$n" few_entries $n; done
for n in 1 2 3; do IPFS_CLUSTER_LOG_LEVEL=debug peer_start $n; done
happens founded 30 sees 3 1 2 3
holds away peer_stop 3

one=/ip4/192.0.2.1/tcp/4001/p2p/${id[1]} two=/dns4/two.example/tcp/4001/p2p/${id[2]}
long=$(printf 'n%.0s' {1..255})
holds tell_nothing told a '' '{}'
holds tell_mode told b 'mode=direct&name=direct' '{mode: "direct", max_depth: 0, name: "direct"}'
holds tell_name told c "name=$long" "{name: \"$long\"}"
holds tell_expiry told d 'expire-at=2093-02-03T04:05:06Z&name=a%20%22b%22%20%C3%BC' \
    '{expire_at: "2093-02-03T04:05:06Z", name: "a \"b\" ü"}'
holds tell_metadata told e 'meta-z=last&meta-a=&meta-%C3%BC=%26%3D' '{metadata: {a: "", z: "last", "ü": "&="}}'
holds tell_origins told f "origins=$one,$two" "{origins: [\"$one\", \"$two\"]}"
holds tell_range told g "replication-min=1&replication-max=2&user-allocations=${id[2]},${id[1]}" \
    "{replication_factor_min: 1, replication_factor_max: 2, allocations: [\"${id[1]}\", \"${id[2]}\"]}"
holds tell_holder_1 told h "replication=1&user-allocations=${id[1]}" \
    "{replication_factor_min: 1, replication_factor_max: 1, allocations: [\"${id[1]}\"]}"
holds tell_holder_2 told i "replication=1&user-allocations=${id[2]}" \
    "{replication_factor_min: 1, replication_factor_max: 1, allocations: [\"${id[2]}\"]}"
holds tell_shard told j 'shard-size=123456789' '{shard_size: 123456789}'
everything="mode=direct&name=all&expire-at=2093-02-03T04:05:06Z&meta-k=v&origins=$two&replication=1&user-allocations=${id[2]}"
holds tell_all told k "$everything&shard-size=7" "{mode: \"direct\", max_depth: 0, name: \"all\", shard_size: 7,
    expire_at: \"2093-02-03T04:05:06Z\", metadata: {k: \"v\"}, origins: [\"$two\"], replication_factor_min: 1,
    replication_factor_max: 1, allocations: [\"${id[2]}\"]}"
# An update takes over all that the old pin says; name and expiry may be said anew, and nothing else is.
holds update told l "pin-update=$(cid_of k)" "$(of k "del(.cid) + {pin_update: .cid}")"
holds update_and_more told m "pin-update=$(cid_of k)&name=new&expire-at=2094-01-01T00:00:00Z&replication=-1&meta-x=y&mode=recursive" \
    "$(of k 'del(.cid) + {pin_update: .cid, name: "new", expire_at: "2094-01-01T00:00:00Z"}')"
holds update_of_everybodys told n "pin-update=$(cid_of f)" "$(of f "del(.cid) + {pin_update: .cid}")"
for n in 1 2; do happens "told_$n" 20 says_what_it_was_told $n; done

holds push_the_log push_the_log
for n in 1 2; do happens "log_is_trimmed_$n" 20 log_begins_behind $n 150; done
peer_start 3
happens received 30 received_the_state 3
happens after_the_state 20 says_what_it_was_told 3
happens daemon_is_told_the_mode 30 is_direct_at 3
holds update_at_3 told o "pin-update=$(cid_of l)" "$(of l "del(.cid) + {pin_update: .cid}")" 3
for n in 1 2 3; do happens "after_update_$n" 20 says_what_it_was_told $n; done

holds kill_3 peer_kill 3
peer_start 3
happens back_3 30 sees 3 3
happens after_a_kill 20 says_what_it_was_told 3
for n in 1 2 3; do holds "stop_$n" peer_stop $n; done
for n in 1 2 3; do peer_start $n; done
happens all_are_back 40 sees 3 1 2 3
for n in 1 2 3; do happens "after_a_stop_$n" 20 says_what_it_was_told $n; done
for n in 1 2 3; do holds "end_$n" peer_stop $n; done
finish

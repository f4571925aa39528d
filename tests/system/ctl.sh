#!/bin/bash
# ipfs-cluster-ctl against answers that stand in a file: what it asks, what it prints, how it ends.
. tests/system/lib/check.bash
ctl=$build/ipfs-cluster-ctl
cid=QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG
cid2=bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi
peer=QmUZ13osndQ5uL4tPWHXe3iBgBgq9gfewcBMSCAuMBsDJ6

id='{"id":"P","addresses":["/ip4/10.0.0.1/tcp/9096/p2p/P"],"cluster_peers":["P"],"cluster_peers_addresses":[],"version":"1.1.6","commit":"","rpc_protocol_version":"/ipfscluster/1.0/rpc","error":"","ipfs":{"id":"I","addresses":[],"error":""},"peername":"n"}'
id_text='P | n | Sees 0 other peers
  > Addresses:
    - /ip4/10.0.0.1/tcp/9096/p2p/P
  > IPFS: I'
pin() { # pin CID REPLICATION_MIN
    printf '{"replication_factor_min":%s,"replication_factor_max":%s,"name":"x","mode":"recursive","expire_at":"0001-01-01T00:00:00Z","metadata":null,"cid":"%s","type":"pin","allocations":["A"],"max_depth":-1,"timestamp":"2026-01-02T15:04:05Z"}' "$2" "$2" "$1"
}
pin_text() {
    echo "$1 | x | PIN | Repl. Factor: $2--$2 | Allocations: [A] | Recursive | Metadata: no | Exp: ∞ | Added: 2026-01-02 15:04:05"
}
status() { # status CID STATUS [ERROR]
    printf '{"cid":"%s","name":"x","allocations":["A"],"origins":[],"created":"2026-01-02T15:04:05Z","metadata":null,"peer_map":{"A":{"peername":"a","status":"%s","timestamp":"2026-01-02T15:04:05Z","error":"%s","attempt_count":0,"priority_pin":false}}}' "$1" "$2" "${3:-}"
}
status_text() { # status_text CID STATUS
    printf '%s | x:\n    > a                    : %s | 2026-01-02T15:04:05Z | Attempts: 0 | Priority: false' "$1" "$2"
}
failure() { printf 'An error occurred:\n  Code: %s\n  Message: %s' "$1" "$2"; }

half='{"cid":"bafkqaalc","name":"x","allocations":["A","B"],"peer_map":{"A":{"peername":"a","status":"pinned","timestamp":"T","error":"","attempt_count":0,"priority_pin":false},"B":{"peername":"b","status":"pinning","timestamp":"T","error":"","attempt_count":1,"priority_pin":false}}}'

cat >"$work/script" <<END
> GET /id
< 200
b {"id":"P","cluster_peers":["P","$peer"]}
> GET /id
< 200
b $id
> GET /version
< 200
b {"version":"1.1.6"}
> GET /peers
< 200
b $id
b {"id":"Q","addresses":null,"cluster_peers":null,"cluster_peers_addresses":null,"version":"","commit":"","rpc_protocol_version":"","error":"gone","ipfs":{"addresses":null,"error":""},"peername":""}
> POST /peers
< 200
b $id
> DELETE /peers/$peer
< 202
b {"id":"$peer","role":"leaving"}
> DELETE /peers/$peer
< 202
b {"id":"$peer","role":"leaving"}
> DELETE /peers/$peer
< 204
> DELETE /peers/$peer?force=true
< 204
> GET /allocations?filter=all
< 200
b $(pin $cid 1)
b $(pin $cid2 2)
> GET /allocations?filter=meta-pin
< 204
> GET /allocations?filter=shard-pin
< 200
b $(pin $cid 1)
hang
> GET /allocations/$cid
< 404
b {"code":404,"message":"pin is not part of the pinset"}
> GET /allocations/$cid2
< 200
b <html>not this</html>
> GET /pins
< 200
b $(status $cid pinned)
t the disk is gone
> GET /pins?local=true
< 200
b $(status $cid pinned)
cut
> GET /pins?local=true&filter=error%2Cpinned
< 200
b $(status $cid pin_error 'no such block')
> GET /pins?filter=pinning
< 200
b $(status $cid pinning)
hang
> GET /pins?filter=queued
hang
> GET /pins?filter=remote
< 503
b {"code":503,"message":"no leader"}
> GET /pins/$cid
< 200
b $(status $cid pinning)
> GET /pins/$cid
< 200
b $(status $cid pinned)
> GET /pins/$cid2?local=true
< 200
b $(status $cid2 remote)
> POST /pins/ipfs/$cid?mode=recursive
< 200
b $(pin $cid 1)
> POST /pins/ipfs/$cid?replication-min=2&replication-max=3&name=a%20b%26c&mode=direct&expire-in=72h&user-allocations=$peer&meta-k=v&meta-j%20i=
< 200
b $(pin $cid 2)
> POST /pins/ipfs/$cid2?replication-min=-1&replication-max=-1&mode=recursive
< 200
b $(pin $cid2 -1)
> GET /pins/$cid2
< 200
b $(status $cid2 pinning)
> POST /pins/ipfs/$cid2/a%20b?mode=recursive
< 501
b {"code":501,"message":"only /ipfs/CID"}
> POST /pins/ipfs/$cid?pin-update=$cid2
< 200
b $(pin $cid 1)
> DELETE /pins/ipfs/$cid
< 200
b $(pin $cid 1)
> DELETE /pins/ipfs/$cid2
< 404
b {"code":404,"message":"pin is not part of the pinset"}
> POST /pins/ipfs/bafkqaaa?mode=recursive
< 200
b $(pin bafkqaaa 1)
> GET /pins/bafkqaaa
< 200
b $(status bafkqaaa pin_error 'no space')
> POST /pins/ipfs/bafkqaalb?mode=recursive
cut
> POST /pins/ipfs/bafkqaalc?mode=recursive
< 200
b $(pin bafkqaalc 1)
> GET /pins/bafkqaalc
< 200
b $half
> GET /allocations/bafkqaald
< 200
b $(pin bafkqaald 1)
> GET /pins/bafkqaald
< 200
b $(status bafkqaald pinned)
> GET /health/alerts
< 200
b []
> GET /allocations/bafkqaald/decision
< 503
b {"code":503,"message":"no leader: a majority is away"}
> GET /allocations/bafkqaald/decision
< 501
b {"code":501,"message":"the leader is older"}
> GET /allocations/bafkqaald/decision
< 200
b []
> GET /allocations/bafkqaald/decision
< 404
b {"code":404,"message":"404 page not found"}
> GET /allocations/bafkqaale
< 404
b {"code":404,"message":"pin is not part of the pinset"}
> GET /allocations/bafkqaale/decision
< 200
b [{"decided_at":1,"cause":"write","error":"not enough peers","replication_factor_min":3,"replication_factor_max":3,"candidates":[],"left_out":0}]
> POST /pins/recover
< 204
> POST /pins/$cid/recover?local=true
< 200
b $(status $cid pin_queued)
> POST /pins/sync?stream=true
< 200
b $(status $cid unexpectedly_unpinned)
> POST /pins/$cid/sync
< 200
b $(status $cid pinned)
> GET /health/graph
< 200
b {"cluster_id":"P","id_to_peername":{"P":"n"},"ipfs_links":{"I":["J"]},"cluster_links":{"P":[]},"cluster_trust_links":{"P":true},"cluster_to_ipfs":{"P":"I"}}
> GET /health/bandwidth
< 200
b {"/x":{"total_in":1,"total_out":2,"rate_in":0.5,"rate_out":0}}
> POST /ipfs/gc
< 200
b {"peer_map":{"P":{"peer":"P","peername":"n","keys":[{"key":"$cid"}]}}}
> POST /ipfs/gc?local=true
< 500
b {"code":500,"message":"the daemon is away"}
> GET /monitor/metrics
< 200
b ["ping","freespace"]
> GET /monitor/metrics/tag%3Agroup
< 200
b [{"name":"tag:group","peer":"P","value":"v","expire":1,"valid":true,"weight":0,"partitionable":false,"received_at":1}]
END

exec {port_from}< <(exec "$build/tests/canned" "$work/script" "$work/log")
canned=$!
at_end "kill $canned 2>/dev/null"
read -r -t 20 -u "$port_from" port || { echo "the server did not start"; finish; }
at=/ip4/127.0.0.1/tcp/$port
asked() { grep -qxF "$1" "$work/log"; }
said() { grep -qF -- "$1" "$work/stderr"; }

# ---- looking ----
# First, as GET /id answers what it does only once.
check peers_rm_waits 0 '' "$ctl" -l "$at" peers rm $peer
check peers_rm_without_waiting 0 '' "$ctl" -l "$at" peers rm --no-wait $peer

check id 0 "$id_text" "$ctl" --host "$at" id
check id_of_host_and_port 0 "$id_text" "$ctl" -l "127.0.0.1:$port" id
check id_json 0 "$(jq --indent 4 . <<<"$id")" "$ctl" --enc json -l "$at" id
check flags_behind_the_command 0 "$id_text" "$ctl" id --enc=text --host="$at"
check version 0 1.1.6 "$ctl" -l "$at" version
check peers_ls 0 "$id_text
Q | ERROR: gone" "$ctl" -l "$at" peers ls
check pin_ls 0 "$(pin_text $cid 1)
$(pin_text $cid2 2)" "$ctl" -l "$at" pin ls
check pin_ls_json 0 "$(pin $cid 1 | jq --indent 4 .)
$(pin $cid2 2 | jq --indent 4 .)" "$ctl" -l "$at" --enc json pin ls
check nothing_prints_nothing 0 '' "$ctl" -l "$at" pin ls --filter meta-pin
check status_of_two 0 "$(status_text $cid PINNING)" "$ctl" -l "$at" status $cid
check status_local 0 "$(status_text $cid2 REMOTE)" "$ctl" -l "$at" status --local $cid2
check status_filter 0 "$(status_text $cid 'PIN_ERROR: no such block')" "$ctl" -l "$at" status --filter error,pinned --local
check metric_names 0 'freespace
ping' "$ctl" -l "$at" health metrics
holds metric_value test "$("$ctl" -l "$at" health metrics tag:group | sed 's/ [0-9]* years ago//')" = 'P | tag:group: v | Expires in:'

holds graph eval '"$ctl" -l "$at" health graph | grep -qx "C0 -> I0"'
check graph_into_file 0 '' "$ctl" -l "$at" health graph --all-ipfs-peers -f "$work/graph.dot"
holds graph_file grep -qx 'I0 -> I1' "$work/graph.dot"
check graph_into_nowhere 1 '' "$ctl" -l "$at" health graph -f "$work/no/graph.dot"
holds graph_of_nobody_leaves_no_file eval '! "$ctl" -l 127.0.0.1:1 health graph -f "$work/none.dot" && [ ! -e "$work/none.dot" ]'
check secret_is_taken 0 1.1.6 "$ctl" --secret 00 -l "$at" version
check bandwidth 0 '                       /x: In:     1 B. Out:     2 B. RateIn: 0.50B/s. RateOut: 0.00B/s' "$ctl" -l "$at" health bandwidth
check gc 0 "n              
  > CIDs:
    - $cid" "$ctl" -l "$at" ipfs gc
check gc_local_fails 2 "$(failure 500 'the daemon is away')" "$ctl" -l "$at" ipfs gc --local

# ---- changing ----
check pin_add 0 "$(status_text $cid PINNED)" "$ctl" -l "$at" pin add $cid
check pin_alone_adds 0 "$(status_text $cid PINNED)" "$ctl" -l "$at" pin $cid
check pin_add_every_option 0 "$(pin_text $cid 2)" "$ctl" -l "$at" pin add --ns --rmin 2 --rmax 3 --name 'a b&c' --mode direct \
    --expire-in 72h --allocs $peer --metadata k=v --metadata 'j i=' $cid
check pin_add_wait 0 "$(status_text $cid PINNED)" "$ctl" -l "$at" pin add --wait $cid
check pin_add_wait_too_long 62 "$(status_text $cid2 PINNING)" "$ctl" -l "$at" pin add -r -1 --wait --wt 300ms $cid2
holds too_long_says_so said 'error waiting for pin status: context deadline exceeded'
check pin_add_wait_longer_too_long 62 "$(status_text $cid2 PINNING)" timeout 30 "$ctl" -l "$at" pin add -r -1 -w --wt 1200ms $cid2
check pin_add_waits_for_the_lower_factor 0 "$(status_text bafkqaalc PINNED | sed 's/2026-01-02T15:04:05Z/T/')
    > b                    : PINNING | T | Attempts: 1 | Priority: false" "$ctl" -l "$at" pin add -w --wt 20s bafkqaalc
check pin_add_waits_for_as_many_as_it_is_told 62 "$(status_text bafkqaalc PINNED | sed 's/2026-01-02T15:04:05Z/T/')
    > b                    : PINNING | T | Attempts: 1 | Priority: false" "$ctl" -l "$at" pin add -w --wl 2 --wt 300ms bafkqaalc
check pin_add_wait_fails 1 "$(status_text bafkqaaa 'PIN_ERROR: no space')" "$ctl" -l "$at" pin add -w bafkqaaa
holds failed_wait_says_so said 'while attempting to reach status: pinned'
check pin_add_no_wait_shows_errors 0 "$(status_text bafkqaaa 'PIN_ERROR: no space')" "$ctl" -l "$at" pin add bafkqaaa
check pin_add_path 2 "$(failure 501 'only /ipfs/CID')" "$ctl" -l "$at" pin add "/ipfs/$cid2/a b"
check pin_update 0 "$(pin_text $cid 1)" "$ctl" -l "$at" pin update --no-status $cid2 $cid
check pin_rm 0 "$(pin_text $cid 1)" "$ctl" -l "$at" pin rm --ns $cid
check pin_rm_of_nothing 2 "$(failure 404 'pin is not part of the pinset')" "$ctl" -l "$at" pin rm $cid2
check recover 0 '' "$ctl" -l "$at" recover
check recover_one 0 "$(status_text $cid PIN_QUEUED)" "$ctl" -l "$at" recover --local $cid
check sync 0 "$(status_text $cid UNEXPECTEDLY_UNPINNED)" "$ctl" -l "$at" sync
check sync_one 0 "$(status_text $cid PINNED)" "$ctl" -l "$at" sync $cid
check peers_rm 0 '' "$ctl" -l "$at" peers rm $peer
check peers_rm_by_force 0 '' "$ctl" -l "$at" peers rm --force $peer
check peers_add 0 "$id_text" "$ctl" -l "$at" peers add /ip4/10.0.0.7/tcp/9096/ipfs/$peer
holds peers_add_body asked 'POST /peers {"peer_multiaddress":"/ip4/10.0.0.7/tcp/9096/ipfs/'$peer'"}'

# ---- what goes wrong ----
check refused 2 "$(failure 404 'pin is not part of the pinset')" "$ctl" -l "$at" pin ls $cid
check refused_json 2 '{
    "code": 404,
    "message": "pin is not part of the pinset"
}' "$ctl" -l "$at" --enc json pin ls $cid
check no_leader 2 "$(failure 503 'no leader')" "$ctl" -l "$at" status --filter remote
holds no_leader_advice said 'peers ls'
check trailer 2 "$(status_text $cid PINNED)
$(failure 500 'the disk is gone')" "$ctl" -l "$at" status
check no_json 1 "$(failure 0 'the answer is no JSON: <html>not this</html>')" "$ctl" -l "$at" pin ls $cid2
check too_slow 1 "$(failure 0 "GET \"http://127.0.0.1:$port/pins?filter=queued\": timed out")" "$ctl" -l "$at" -t 1 status --filter queued
holds too_slow_advice said --timeout
"$ctl" -l "$at" status --local >"$work/stdout" 2>"$work/stderr"
holds broken_off test $? = 1
holds broken_off_is_shown grep -q '^  Code: 0$' "$work/stdout"
# Port 1 is nobody's.
"$ctl" -l /ip4/127.0.0.1/tcp/1 id >"$work/stdout" 2>"$work/stderr"
holds nobody_there test $? = 1
holds nobody_there_shows_code_0 test "$(sed -n 2p "$work/stdout")" = '  Code: 0'
holds nobody_there_advice said 'ipfs-cluster-service daemon'
check next_host 0 "$id_text" "$ctl" -l "127.0.0.1:1,127.0.0.1:$port" id
check refusal_is_no_reason_for_the_next_host 2 "$(failure 503 'no leader')" "$ctl" -l "127.0.0.1:$port,127.0.0.1:1" status --filter remote
"$ctl" -l "$at" pin add --ns "$cid" >/dev/full 2>"$work/stderr"
holds full_output_after_a_change test $? = 1
"$ctl" -l "127.0.0.1:$port,127.0.0.1:$port" pin add bafkqaalb >"$work/stdout" 2>"$work/stderr"
holds broken_off_before_the_answer test $? = 1
holds what_may_have_arrived_is_not_sent_twice test "$(grep -c 'POST /pins/ipfs/bafkqaalb' "$work/log")" = 1
"$ctl" -l "$at" version >/dev/full 2>"$work/stderr"
holds full_output test $? = 1
holds full_output_says_so said 'standard output cannot be written'

# ---- rows come as they are ready ----
# The rest of these answers never comes.
first_row() { # first_row NAME WANT ARGUMENT...
    local name=$1 want=$2 row waiting
    shift 2
    exec {row_from}< <(exec "$ctl" -l "$at" "$@")
    waiting=$!
    read -r -t 20 -u "$row_from" row
    holds "$name" test "$row" = "$want"
    holds "${name}_and_waits" kill $waiting
    wait $waiting 2>/dev/null
    exec {row_from}<&-
}
first_row status_before_the_end "$cid | x:" status --filter pinning
first_row pin_before_the_end "$(pin_text $cid 1)" pin ls --filter shard-pin

# ---- colours are for terminals ----
# coloured NAME YES|NO VARIABLE=VALUE... -- ARGUMENT...: on a terminal (util-linux's script makes one), does it print any?
coloured() {
    local name=$1 want=$2 real=no variables=()
    shift 2
    while [ "$1" != -- ]; do variables+=("$1") && shift; done
    env -u NO_COLOR TERM=xterm "${variables[@]}" script -qec "'$ctl' -l $at ${*:2}" /dev/null </dev/null >"$work/stdout"
    ! grep -q $'\x1b\[' "$work/stdout" || real=yes
    count "$name" "$([ $real = "$want" ] && grep -q $cid "$work/stdout" || cat -v "$work/stdout")"
}
coloured colours_on_a_terminal yes -- status $cid
coloured no_colours_for_who_wants_none no NO_COLOR=1 -- status $cid
coloured no_colours_without_abilities no TERM=dumb -- status $cid
coloured no_colours_in_json no -- --enc json status $cid
coloured no_colours_in_a_pipe no -- "status $cid | cat"

# ---- explaining: without the leader's word all the rest is there, and it is no failure ----
explains() { # explains WORDS [FLAG...]
    local words=$1 text
    shift
    text=$("$ctl" -l "$at" "$@" explain bafkqaald) && grep -q PINNED <<<"$text" &&
        grep -qx "Decided: why these peers is not known: $words" <<<"$text"
}
holds explains_without_a_leader explains 'no leader: a majority is away'
holds explains_with_an_older_leader explains 'the leader is older'
holds explains_what_is_forgotten explains 'longer ago than the peer that leads remembers, or by another one'
holds explains_at_an_older_peer explains 'the peer that was asked is older and does not know this question'
holds explains_in_json eval '"$ctl" -l "$at" --enc json explain bafkqaald | jq -se ".[-1].decision_unknown | length > 0"'
refusal_explained() {
    local text
    text=$("$ctl" -l "$at" explain bafkqaale)
    [ $? -eq 2 ] && grep -q 'not part of the pinset' <<<"$text" &&
        grep -q '^Refused: .*, write, factor 3--3: not enough peers' <<<"$text"
}
holds explains_what_was_refused refusal_explained

# ---- arguments ----
check unknown_command 3 '' "$ctl" stats
check unknown_sub_command 3 '' "$ctl" pin remove
check unknown_flag 1 '' "$ctl" pin add --replicas 2 $cid
check bad_cid 1 '' "$ctl" -l "$at" status $cid foo
holds bad_cid_is_named said "'foo' is no CID"
check bad_filter 1 '' "$ctl" -l "$at" status --filter pined
check bad_host 1 '' "$ctl" -l nowhere id
check bad_encoding 1 '' "$ctl" --enc yaml id
check bad_metadata 1 '' "$ctl" -l "$at" pin add --metadata k $cid
check bad_expiry 1 '' "$ctl" -l "$at" pin add --expire-in 10ms $cid
check bad_allocations 1 '' "$ctl" -l "$at" pin add --allocs $peer,bob $cid
check bad_mode 1 '' "$ctl" -l "$at" pin add --mode flat $cid
check bad_peer 1 '' "$ctl" -l "$at" peers rm bob
check bad_peer_address 1 '' "$ctl" -l "$at" peers add /ip4/10.0.0.7/tcp/9096
holds bad_arguments_ask_nothing test "$(grep -c "replicas\|foo\|pined\|bob\|flat" "$work/log")" = 0
holds help_of_everything eval '"$ctl" commands | while read -r path; do "$ctl" $path --help | grep -q Examples: || exit 1; done'
check commands 0 'id
version
peers
peers ls
peers add
peers rm
peers drain
peers undrain
add
pin
pin add
pin rm
pin update
pin ls
status
explain
sync
recover
state
state export
state import
health
health metrics
health alerts
health graph
health bandwidth
ipfs
ipfs gc
repair
repair plan
completion
man' "$ctl" commands
check version_of_program 0 "ipfs-cluster-ctl version $("$ctl" -v | cut -d' ' -f3)" "$ctl" --version

# ---- debugging ----
"$ctl" -d -l "$at" version >/dev/null 2>"$work/stderr"
holds debug_request said "GET: http://127.0.0.1:$port/version"
holds debug_answer said 'Response body: {"version":"1.1.6"}'
finish

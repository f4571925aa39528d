#!/bin/bash
# Whatever a peer is given that it cannot use, from options to half a request, it says clearly what is wrong and with what;
# nothing changes, and a peer that runs goes on. Without a majority a write fails in its time with the words "no leader",
# and reads work. Without its IPFS daemon, at the start or later, a peer runs, says so, and recovers by itself.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

# refused NAME WORDS COMMAND...: it ends with code 1 and says so on stderr.
refused() {
    local name=$1 words=$2 real
    shift 2
    timeout 20 "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
    real=$?
    [ $real -eq 1 ] && grep -aqF -- "$words" "$work/stderr"
    count "$name" "$([ $? -eq 0 ] || echo "exit code $real, not '$words': $(cat "$work/stderr")")"
}
# answers NAME STATUS WORDS PATH [curl's options]: of peer 1's REST API.
answers() {
    local name=$1 status=$2 words=$3 said
    shift 3
    said=$(rest_at 1 "$@" 2>&1)
    [ "${said##*$'\n'}" = "$status" ] && grep -qF -- "$words" <<<"$said"
    count "$name" "$([ $? -eq 0 ] || echo "not $status '$words': ${said:0:500}")"
}
# hears NAME WORDS: what stands on stdin, sent to peer 1's REST port as it is, is answered so.
hears() {
    timeout 30 curl -sS "telnet://127.0.0.1:${rest[1]}" >"$work/heard" 2>"$work/stderr"
    grep -aqF -- "$2" "$work/heard"
    count "$1" "$([ $? -eq 0 ] || echo "not '$2': $(head -c 500 "$work/heard")")"
}
as() { printf '%*s' "$1" '' | tr ' ' a; } # as COUNT: a, so often
lives_on() { count "lives_on_after_$1" "$(rest_at 1 /version 2>&1 | grep -q '^200$' || echo 'it does not answer')"; }

# ---- the command line ----
refused option "there is no flag --bootstrp here" "$service" daemon --bootstrp x
holds option_nearest grep -F -- --bootstrap "$work/stderr"
refused option_in_front "there is no flag --confg here" "$service" --confg x daemon
holds option_in_front_nearest grep -F -- --config "$work/stderr"
refused command "no command 'demon'" "$service" demon
holds command_nearest grep -F "did you mean 'daemon'" "$work/stderr"
refused argument "'daemon' does not know what to do with 'now'" "$service" daemon now
refused datastore "choosing datastore: 'zz' is none" "$service" -c "$work/none" init --datastore zz
refused consensus 'there is no crdt here' "$service" -c "$work/none" init --consensus crdt
refused short_secret 'expected 64 hex digits' "$service" -c "$work/none" init --custom-secret 1234
refused odd_secret 'expected 64 hex digits' "$service" -c "$work/none" init --custom-secret "$(as 64 | tr a g)"
refused no_configuration 'ipfs-cluster-service' "$service" -c "$work/none" daemon
holds nothing_was_written test ! -e "$work/none/service.json"

# ---- service.json ----
holds init peer_init 1
good=$work/good.json
mine=$work/peer1/service.json
cp "$mine" "$good"
refused overwrite 'Use init --force' "$service" -c "$work/peer1" init
holds nothing_was_overwritten cmp "$mine" "$good"
with() { jq "$1" "$good" >"$mine"; }
with '.cluster.secret = "abc"'
refused secret_in_file 'cluster.secret: expected 64 hex digits' "$service" -c "$work/peer1" daemon
with '.cluster.listen_multiaddress = "nonsense"'
refused address_in_file 'cluster.listen_multiaddress' "$service" -c "$work/peer1" daemon
with '.cluster.replication_factor_min = "two"'
refused number_in_file 'cluster.replication_factor_min' "$service" -c "$work/peer1" daemon
head -c 100 "$good" >"$mine"
refused half_a_file 'no valid JSON' "$service" -c "$work/peer1" daemon
head -c 1000 /dev/urandom >"$mine"
refused noise_in_file "$mine" "$service" -c "$work/peer1" daemon
rm "$mine" && mkdir "$mine"
refused unreadable_file "cannot read $mine" "$service" -c "$work/peer1" daemon
rmdir "$mine"
refused no_file "there is no $mine" "$service" -c "$work/peer1" daemon
cp "$good" "$mine"
cp "$work/peer1/identity.json" "$work/identity.json"
echo '{}' >"$work/peer1/identity.json"
refused identity 'holds no identity' "$service" -c "$work/peer1" daemon
cp "$work/identity.json" "$work/peer1/identity.json"

# ---- the IPFS daemon is not there ----
with '.cluster.replication_factr_min = 2'
peer_start 1
happens runs_without_daemon 30 sees 1 1
holds key_nearest grep -aF 'replication_factr_min: unknown key, ignored; did you mean cluster.replication_factor_min' "$work/peer1.log"
holds id_says_so eval 'ctl_at 1 id | grep "IPFS ERROR"'
ipfs_start 1
cid=$(ipfs_add 1 "waits for its daemon")
happens recovers_from_the_start 40 eval "ctl_at 1 id | grep 'IPFS: '"
ipfs_stop_standin 1
happens id_says_so_later 20 eval 'ctl_at 1 id | grep "IPFS ERROR"'
holds pin_without_daemon ctl_at 1 pin add --no-status "$cid"
happens status_says_so 20 eval "ctl_at 1 status $cid | grep -E 'PIN_(ERROR|QUEUED): .'"
ipfs_start 1
ipfs_add 1 "waits for its daemon" >/dev/null
happens recovers_later 60 ipfs_has 1 "$cid"
happens status_recovers 20 says 1 "$cid" pinned 1

# ---- folders and ports in use ----
refused second_daemon 'obtaining execution lock' "$service" -c "$work/peer1" daemon
holds init_other peer_init 2
for key in .cluster.listen_multiaddress .api.restapi.http_listen_multiaddress .api.ipfsproxy.listen_multiaddress; do
    cp "$work/peer2/service.json" "$work/kept.json"
    jq "$key = $(jq "$key" "$mine")" "$work/kept.json" >"$work/peer2/service.json"
    refused "port_taken_$key" 'Address already in use' "$service" -c "$work/peer2" daemon
    holds "port_is_named_$key" grep -F "$(jq -r "$key" "$mine")" "$work/stderr"
    cp "$work/kept.json" "$work/peer2/service.json"
done

# ---- requests ----
stranger=12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5
answers bad_cid 400 'invalid cid: foo' /pins/foo -X POST
answers bad_cid_status 400 'invalid cid: foo' /pins/foo
answers bad_cid_allocation 400 'invalid cid' /allocations/foo
answers bad_option 400 'replication-min' "/pins/$cid?replication-min=x" -X POST
answers long_name 400 'longer than 1024 bytes' "/pins/bafkqaaa?name=$(as 1025)" -X POST
answers unknown_pin 404 'not part of the pinset' "/pins/bafkqaaa" -X DELETE
answers unknown_allocation 404 'not part of the pinset' "/allocations/bafkqaaa"
answers bad_peer 400 'Peer ID' /peers/foo -X DELETE
answers bad_new_peer 400 'decoding' /peers -X POST -d '{"peer_id":'
answers too_many_copies 503 'not enough' "/pins/bafkqaaa?replication-min=5&replication-max=5" -X POST
answers no_such_path 404 'not found' /nowhere
answers wrong_method 405 '' /pins -X PUT
head -c 3000000 /dev/zero >"$work/body"
answers big_body 413 'too large' /peers -X POST --data-binary "@$work/body"
answers big_head 431 'head too long' /id -H "X: $(as 100000)"
lives_on answers
hears 8_mb_of_head '431 ' < <(printf 'GET /id HTTP/1.1\r\nX: '; as 8000000)
hears many_fields '431 ' < <(printf 'GET /id HTTP/1.1\r\n'; for ((i = 0; i < 5000; i++)); do printf 'X%d: y\r\n' $i; done)
hears half_a_request '408 ' < <(printf 'GET /version HTT')
hears garbage_behind_a_request '"version"' < <(printf 'GET /version HTTP/1.1\r\nHost: x\r\n\r\n\1\2garbage\r\n\r\nGET /version HTTP/1.1\r\n\r\n')
holds garbage_gets_400 grep -a '400 Bad Request' "$work/heard"
holds and_nothing_behind_it test "$(grep -ac '^HTTP/1.1' "$work/heard")" -eq 2
hears two_lengths '400 ' < <(printf 'POST /peers HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\n{}')
hears noise '400 ' < <(head -c 2000 /dev/urandom; printf '\r\n\r\n')
# Half a request that stays.
exec {half}<>"/dev/tcp/127.0.0.1/${rest[1]}"
printf 'POST /pins/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf' "$cid" >&$half
lives_on garbage
holds nothing_changed lists 1 1
exec {half}>&-
holds stops_cleanly peer_stop 1

# ---- no majority ----
rm -rf "$work"/peer*
export CLUSTER_RAFT_NETWORKTIMEOUT=3s
holds init_three peers_init 3
for n in 1 2 3; do peer_start $n; done
happens founded 30 sees 3 1 2 3
happens pin_with_majority 20 ctl_at 1 pin add --no-status --replication 1 "$cid"
happens all_know_it 20 lists 1 1
for n in 2 3; do peer_kill $n; done
# Never a hanging client: each answer comes within the limit; at last with these words.
no_leader() {
    local said code
    said=$(curl -sS -m 15 -w '\n%{http_code}' -X POST "http://127.0.0.1:${rest[1]}/pins/bafkqaaa?replication=1")
    code=$?
    [ $code -eq 0 ] || echo "curl: $code" >>"$work/hung"
    grep -q '^503$' <<<"$said" && grep -q 'no leader' <<<"$said"
}
happens no_leader 40 no_leader
holds no_write_hung test ! -e "$work/hung"
holds ctl_says_so eval '! ctl_at 1 pin add bafkqaaa >"$work/said1" && grep "no leader" "$work/said1"'
holds pin_ls_works lists 1 1
holds status_works eval "ctl_at 1 status --local $cid | grep '$cid'"
holds id_works ctl_at 1 id
peer_start 2
happens majority_again 30 ctl_at 1 pin add --no-status --replication 1 bafkqaaa
for n in 1 2; do holds "end_$n" peer_stop $n; done
finish

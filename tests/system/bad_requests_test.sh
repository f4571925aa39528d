#!/bin/bash
# 10,000 bad requests to all doors of one peer (tests/system/bad_requests.c): wrong verbs, paths, encodings, lengths, chunks,
# credentials, TLS. The right code each time; afterwards the peer is the same process, has no more files open and hardly more
# memory, and answers. SEED=N: other requests. `make bad-requests` builds and runs this.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
holds init peer_init 1
free_port && plain=$port # the REST API again, of a second peer without TLS
holds init_plain peer_init 2
for n in 1 2; do
    tls='.'
    [ $n = 2 ] || tls=".api.restapi.ssl_cert_file = \"$work/cert.pem\" | .api.restapi.ssl_key_file = \"$work/key.pem\""
    # Patience that a test can wait out.
    tls="$tls | .api.restapi.read_header_timeout = \"300ms\" | .api.restapi.read_timeout = \"700ms\" |
        .api.ipfsproxy.read_header_timeout = \"300ms\" | .api.restapi.idle_timeout = \"400ms\""
    jq "$tls | .api.restapi.basic_auth_credentials = {\"ann\": \"secret\"}" "$work/peer$n/service.json" >"$work/wanted.json"
    cp "$work/wanted.json" "$work/peer$n/service.json"
done
holds ipfs ipfs_start 1
api[2]=${api[1]}
peer_start 1
peer_start 2
happens ready_1 20 grep -q READY "$work/peer1.log"
happens ready_2 20 grep -q READY "$work/peer2.log"

files() { ls "/proc/${peer_pid[$1]}/fd" | wc -l; }
memory() { awk '/VmRSS/ { print $2 }' "/proc/${peer_pid[$1]}/status"; }
throw() { "$build/tests/bad_requests" "$1" "$2" "${rest[2]}" "${rest[1]}" "${proxy[2]}" "$(printf ann:secret | base64)"; }

holds warm throw 1 1000
files_before=$(files 2) tls_files_before=$(files 1) memory_before=$(memory 2) tls_memory_before=$(memory 1)
holds bad_requests throw "${SEED:-7}" 10000
cat "$work/said"
settled() { [ "$(files 2)" -le "$files_before" ] && [ "$(files 1)" -le "$tls_files_before" ]; }
happens all_connections_are_closed 10 settled
holds memory_is_bounded test "$(memory 2)" -lt $((memory_before + 8192))
holds memory_is_bounded_with_tls test "$(memory 1)" -lt $((tls_memory_before + 8192))
# One byte every now and then (slow-loris), a body that never comes, silence: cut, while others are served.
"$build/tests/bad_requests" slow "${rest[2]}" "${proxy[2]}" "$(printf ann:secret | base64)" >"$work/slow" 2>&1 &
slow=$!
holds others_are_served_meanwhile curl -sSf -m 5 -u ann:secret "http://127.0.0.1:${rest[2]}/id"
wait $slow
count slow_clients "$(cat "$work/slow")"
head_of() { curl -sS -o /dev/null -w '%{http_code}' -u ann:secret -H "X: $(head -c "$1" /dev/zero | tr '\0' x)" "http://127.0.0.1:${rest[2]}/id"; }
holds head_that_fits test "$(head_of 7000)" = 200
holds head_too_big test "$(head_of 9000)" = 431

holds answers curl -sSf -u ann:secret "http://127.0.0.1:${rest[2]}/id"
holds answers_with_tls curl -sSfk -u ann:secret "https://127.0.0.1:${rest[1]}/id"
holds clean_stop peer_stop 2
holds clean_stop_with_tls peer_stop 1
finish

#!/bin/bash
# http_log_file and the proxy's log_file: a line for each request of one door and of no other, what logrotate's
# copytruncate leaves, a disk that is full, a file that cannot be opened.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

holds ipfs ipfs_start 1
holds init peer_init 1
jq '.api.restapi.http_log_file = "api.log" | .api.restapi.basic_auth_credentials = {"ann": "pass"} |
    .api.ipfsproxy.log_file = "'"$work"'/proxy.log"' "$work/peer1/service.json" >"$work/wanted.json"
cp "$work/wanted.json" "$work/peer1/service.json"
peer_start 1
ready() { grep -q READY "$work/peer1.log"; }
happens ready 20 ready
api=$work/peer1/api.log

ask() { curl -sS -m 20 -o "$work/body" "$@"; }
at=http://127.0.0.1:${rest[1]}
time_='\[[0-3][0-9]/[A-Z][a-z][a-z]/2[0-9][0-9][0-9]:[0-2][0-9]:[0-5][0-9]:[0-6][0-9] +0000\]'
logged() { # logged FILE LINES: the file has exactly these, where TIME stands for one
    diff <(sed -E "s|$(sed 's/+/\\+/' <<<"$time_")|TIME|" "$1") <(printf '%s\n' "$2")
}

# ---- the lines ----
ask "$at/health"
ask "$at/version?a=%22b" -u ann:pass
version_bytes=$(stat -c %s "$work/body")
ask "$at/id" -u ann:guess
refused_bytes=$(stat -c %s "$work/body")
ask -I "$at/version" -u ann:pass -X GET -o "$work/head" # curl does not read the body, and the peer sends it
wanted="127.0.0.1 - - TIME \"GET /health HTTP/1.1\" 204 0
127.0.0.1 - ann TIME \"GET /version?a=%22b HTTP/1.1\" 200 $version_bytes
127.0.0.1 - - TIME \"GET /id HTTP/1.1\" 401 $refused_bytes
127.0.0.1 - ann TIME \"GET /version HTTP/1.1\" 200 $version_bytes"
happens api_lines 10 logged "$api" "$wanted"
ask -X POST "http://127.0.0.1:${proxy[1]}/api/v0/id"
happens proxy_lines 10 logged "$work/proxy.log" \
    "127.0.0.1 - - TIME \"POST /api/v0/id HTTP/1.1\" 200 $(stat -c %s "$work/body")"
holds no_other_door logged "$api" "$wanted"

# ---- logrotate ----
cp "$api" "$work/api.log.1"
: >"$api"
ask "$at/health"
happens after_copytruncate 10 logged "$api" '127.0.0.1 - - TIME "GET /health HTTP/1.1" 204 0'
holds stop peer_stop 1
holds private test "$(stat -c %a "$api")" = 600
peer_start 1
happens ready_again 20 eval '[ "$(grep -c READY "$work/peer1.log")" -eq 2 ]'
ask "$at/health"
happens appended 10 eval '[ "$(wc -l <"$api")" -eq 2 ]'
holds stop_again peer_stop 1

# ---- a full disk costs lines, and no request ----
jq '.api.restapi.http_log_file = "/dev/full"' "$work/wanted.json" >"$work/peer1/service.json"
peer_start 1
happens ready_full 20 eval '[ "$(grep -c READY "$work/peer1.log")" -eq 3 ]'
answers() { [ "$(curl -sS -m 20 -o /dev/null -w '%{http_code}' "$at/health")" = 204 ]; }
holds answers_1 answers
holds answers_2 answers
holds answers_3 answers
said() { [ "$(grep -c 'ERROR .*requests are not logged for now: /dev/full: No space left' "$work/peer1.log")" -eq 1 ]; }
happens said_once 10 said
holds stop_full peer_stop 1
holds still_said_once said

# ---- a file that cannot be opened is said at the start ----
jq '.api.ipfsproxy.log_file = "nowhere/proxy.log"' "$work/wanted.json" >"$work/peer1/service.json"
refused() {
    timeout 20 "$service" -c "$work/peer1" daemon >"$work/refusal" 2>&1 </dev/null
    [ $? -eq 1 ] && grep -F 'peer1/nowhere/proxy.log cannot be opened for the log of requests: No such file' "$work/refusal"
}
holds refused refused
finish

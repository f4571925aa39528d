#!/bin/bash
# A thousand clients at once (wrk) ask one peer as fast as they can, while pins are made at it. None of them meets an error;
# its memory stays bounded; whoever comes by another door, the proxy or the second address of the REST API, is served.
# WRK_SECONDS=60: for a minute (`make long`).
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
seconds=${WRK_SECONDS:-10}

holds ipfs ipfs_start 1
holds init peer_init 1
free_port && second=$port
jq ".api.restapi.http_listen_multiaddress = [\"/ip4/127.0.0.1/tcp/${rest[1]}\", \"/ip4/127.0.0.1/tcp/$second\"]" \
    "$work/peer1/service.json" >"$work/wanted.json"
cp "$work/wanted.json" "$work/peer1/service.json"

ulimit -Sn 1024 # as most systems have it: the peer takes what it may have
peer_start 1
happens ready 20 grep -q READY "$work/peer1.log"
holds takes_files test "$(awk '/^Max open files/ { print $4 }' "/proc/${peer_pid[1]}/limits")" = "$(ulimit -Hn)"
ulimit -Sn "$(ulimit -Hn)" # for wrk

files() { ls "/proc/${peer_pid[1]}/fd" | wc -l; }
memory_peak() { awk '/VmHWM/ { print $2 }' "/proc/${peer_pid[1]}/status"; } # KiB
files_before=$(files) memory_before=$(memory_peak)

# others NAME CURL...: until wrk is through, one request after the other; what went well is counted in $work/NAME.good, the
# rest told in $work/NAME.bad.
others() {
    local name=$1 n
    shift
    : >"$work/$name.good"
    : >"$work/$name.bad"
    for ((n = 0; ; n++)); do
        [ ! -e "$work/over" ] || return
        if "$@" $n >"$work/$name.said" 2>&1; then echo >>"$work/$name.good"; else cat "$work/$name.said" >>"$work/$name.bad"; fi
    done
}
ask() { curl -sSf -m 20 -o /dev/null "$@"; }
pin() { ctl_at 1 pin add --no-status "$(ipfs_add 1 "pin $1")"; }
through_proxy() { ask -X POST "http://127.0.0.1:${proxy[1]}/api/v0/version"; }
listed_by_proxy() { ask -X POST "http://127.0.0.1:${proxy[1]}/api/v0/pin/ls"; }
at_second_address() { ask "http://127.0.0.1:$second/pins?local=true"; }
doors=(pin through_proxy listed_by_proxy at_second_address)

running=()
for door in "${doors[@]}"; do
    others "$door" "$door" &
    running+=($!)
done
timeout $((seconds + 60)) wrk -t 2 -c 1000 -d "${seconds}s" --timeout 20s --latency "http://127.0.0.1:${rest[1]}/id" \
    >"$work/wrk" 2>&1
count wrk_ends "$([ $? -eq 0 ] || cat "$work/wrk")"
touch "$work/over"
wait "${running[@]}"

grep -E 'requests in|Requests/sec|99%' "$work/wrk"
count no_error "$(grep -E 'Socket errors|Non-2xx' "$work/wrk")"
holds all_were_served eval "awk '/requests in/ { n = \$1 } END { exit n < 1000 }' '$work/wrk'"
for door in "${doors[@]}"; do
    count "$door" "$(cat "$work/$door.bad")"
    echo "$door: $(wc -l <"$work/$door.good")"
    holds "${door}_is_served" test -s "$work/$door.good"
done
echo "memory at most: $(memory_peak) KiB, before: $memory_before KiB"
# 32 KiB for each of them, and what the pins need.
holds memory_is_bounded test "$(memory_peak)" -lt $((memory_before + 48 * 1024))
settled() { [ "$(files)" -le $((files_before + 8)) ]; } # connections to the daemon that are kept
happens connections_are_closed 20 settled
happens all_pins_are_made 20 lists 1 "$(wc -l <"$work/pin.good")"
holds clean_stop peer_stop 1
finish

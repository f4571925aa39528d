#!/bin/bash
# A hundred clients send a request whose answer is long, and never read it. The peer keeps little for each, and serves everybody
# else; with a write_timeout it closes them, without one it does when they go.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
pins_count=20000

some_pins() { # raw CIDs with long names: a listing is 6 MB at the proxy, 13 at the API; the kernel takes 3 of it
    seq -f '%08.0f' "$pins_count" | tr 0-9 abcdefghij |
        sed "s/.*/{\"name\":\"$(printf 'n%.0s' {1..200})\",\"cid\":\"bafkreia&$(printf 'a%.0s' {1..43})\",\"replication_factor_min\":-1,\"replication_factor_max\":-1}/"
}
all_pinned() { [ "$(curl -sS -m 20 "http://127.0.0.1:${rest[1]}/metrics" | sed -n 's/^holdfast_pins{status="pinned"} //p')" = "$pins_count" ]; }
files() { find "/proc/${peer_pid[1]}/fd" -type l | wc -l; }
memory_peak() { awk '/VmHWM/ { print $2 }' "/proc/${peer_pid[1]}/status"; } # KiB
rows_of() { curl -sSf -m 60 "$@" | grep -o '"[Cc]id":"' | wc -l; }

# silent DOOR COUNT METHOD PATH: so many clients of that port; their connections are in `clients`.
clients=()
silent() {
    local fd n
    for ((n = 0; n < $2; n++)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$1"
        printf '%s %s HTTP/1.1\r\nHost: x\r\n\r\n' "$3" "$4" >&"$fd"
        clients+=("$fd")
    done
}
hundred() {
    silent "${rest[1]}" 40 GET /pins
    silent "${rest[1]}" 40 GET /allocations
    silent "${proxy[1]}" 20 POST '/api/v0/pin/ls?stream=true&names=true'
}
leave() {
    local fd
    for fd in "${clients[@]}"; do exec {fd}>&-; done
    clients=()
}
has_files() { [ "$(files)" "$1" "$2" ]; }
# What the others get while these are silent. Each is served in turns: when the long ones are through, the silent ones have had
# all that they will get.
others_are_served() { # others_are_served NAME
    local lists=(/pins /allocations)
    for path in "${lists[@]}" "${lists[@]}"; do
        holds "$1_$path" test "$(rows_of "http://127.0.0.1:${rest[1]}$path")" -eq "$pins_count"
    done
    holds "$1_proxy" test "$(rows_of -X POST "http://127.0.0.1:${proxy[1]}/api/v0/pin/ls?stream=true")" -eq "$pins_count"
    holds "$1_pin" ctl_at 1 pin add --no-status bafkqaaa
    holds "$1_unpin" ctl_at 1 pin rm --no-status bafkqaaa
    holds "$1_passed_on" curl -sSf -m 20 -o /dev/null -X POST "http://127.0.0.1:${proxy[1]}/api/v0/id"
}

ipfs_options=(--has-all 1000)
holds daemon ipfs_start 1
holds init peer_init 1
some_pins >"$work/pins.json"
holds import "$service" -c "$work/peer1" state import "$work/pins.json"
peer_start 1
happens all_pinned 60 all_pinned
others_are_served before

files_before=$(files) memory_before=$(memory_peak)
hundred
happens all_are_connected 20 has_files -ge $((files_before + 100))
others_are_served meanwhile
holds nobody_was_cut has_files -ge $((files_before + 100))
echo "memory at most: $(memory_peak) KiB, before: $memory_before KiB"
holds memory_is_bounded test "$(memory_peak)" -lt $((memory_before + 100 * 256))
leave
happens connections_are_closed 20 has_files -le $((files_before + 8)) # some to the daemon are kept

# ---- with a time-out ----
holds stops peer_stop 1
jq '.api.restapi.write_timeout = "2s" | .api.ipfsproxy.write_timeout = "2s"' "$work/peer1/service.json" >"$work/wanted.json"
cp "$work/wanted.json" "$work/peer1/service.json"
peer_start 1
happens all_pinned_again 60 all_pinned
files_before=$(files)
hundred
happens silent_ones_are_cut 20 has_files -le $((files_before + 8))
others_are_served afterwards
leave
holds clean_stop peer_stop 1
finish

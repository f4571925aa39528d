#!/bin/bash
# An upload whose client falls silent, or that takes longer than the whole of it may, is cut: the client is told, nothing is
# pinned, nothing stays open here, at the other peer or at the daemons. Others go on: those who come meanwhile, and an upload
# that is only slow. At the REST API and at the proxy; on stand-in daemons.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

# upload NAME PORT PATH PAUSE COUNT END: COUNT pieces with PAUSE seconds in front of each, then (END) the end of it, or silence
# until the other side closes. What is answered is in $work/NAME.out; returns when it is over.
upload() {
    local name=$1 pause=$4 count=$5 n
    exec 8<>"/dev/tcp/127.0.0.1/$2"
    printf 'POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n' "$3" >&8
    printf 'Content-Type: multipart/form-data; boundary=xx\r\n\r\n' >&8
    chunk $'--xx\r\nContent-Disposition: form-data; name="file"; filename="'"$name"$'"\r\n\r\n'
    for ((n = 0; n < count; n++)); do
        sleep "$pause" # the client is slow; nobody waits for anything
        chunk "piece $n of $name"
    done 2>/dev/null
    [ -z "$6" ] || { chunk $'\r\n--xx--\r\n' && printf '0\r\n\r\n' >&8; }
    timeout 30 cat <&8 >"$work/$name.out" 2>/dev/null
    local code=$?
    exec 8>&-
    return $code
}
chunk() { printf '%x\r\n%s\r\n' ${#1} "$1" >&8; }

files() { ls "/proc/$1/fd" | wc -l; }
processes() { echo "${peer_pid[1]} ${peer_pid[2]} ${ipfs_pid[1]} ${ipfs_pid[2]}"; }
open_files() { local pid; for pid in $(processes); do files "$pid"; done; }
# No more connections than before, but for those to a daemon that are kept for the next request: fewer than there are
# uploads that are cut.
many=8
nothing_is_open() { paste "$work/files_before" <(open_files) | awk -v many=$many '$2 >= $1 + many { exit 1 }'; }

restart_with() { # restart_with FILTER: for the options of both servers
    for n in 1 2; do
        [ -z "${peer_pid[$n]:-}" ] || holds "stop_$n" peer_stop $n
        jq "(.api.restapi, .api.ipfsproxy) |= (. + $1)" "$work/peer$n/service.json" >"$work/wanted.json"
        cp "$work/wanted.json" "$work/peer$n/service.json"
        peer_start $n
    done
    happens "heard_with_$1" 40 sees 2 1 2
    happens "places_with_$1" 20 eval "ctl_at 1 --enc json health metrics reposize | jq -e 'length == 2'"
    rest_at 1 "/add?no-pin=true" -F file=@tests/system/run >"$work/warm"
    open_files >"$work/files_before"
}

holds ipfs ipfs_start 2
holds init peers_init 2

# ---- silence, without a limit for the whole ----
restart_with '{ read_timeout: "0s", idle_timeout: "2s" }'
upload slow "${rest[1]}" '/add?replication=2&name=slow' 0.5 10 end &
slow=$!
silent=() silent_below=()
for ((i = 0; i < many; i++)); do
    upload "silent$i" "${rest[1]}" '/add?replication=2' 0 3 '' &
    silent+=($!)
    upload "silent_below$i" "${proxy[1]}" /api/v0/add 0 3 '' &
    silent_below+=($!)
done
upload slow_below "${proxy[2]}" /api/v0/add 0.5 10 end &
slow_below=$!
holds others_are_served curl -sSf -m 10 "http://127.0.0.1:${rest[1]}/id"
holds and_at_the_proxy curl -sSf -m 10 -X POST "http://127.0.0.1:${proxy[1]}/api/v0/pin/ls"
for ((i = 0; i < many; i++)); do
    holds "silent$i is cut" wait "${silent[i]}"
    holds "silent$i is cut at the proxy" wait "${silent_below[i]}"
done
for out in "$work"/silent*.out; do
    holds "$(basename "$out" .out) is told, or the connection breaks" eval "! grep -qax $'0\r' '$out'"
done
wait $slow
holds slow_is_added grep -qa '"name":"slow"' "$work/slow.out"
wait $slow_below
holds slow_is_added_at_the_proxy grep -qa '"Name":"slow_below"' "$work/slow_below.out"
happens only_the_slow_ones_are_pinned 20 lists 1 2
happens nothing_stays_open 20 nothing_is_open

# ---- a limit for the whole ----
restart_with '{ read_timeout: "2s", idle_timeout: "30s" }'
holds late_is_cut upload late "${rest[1]}" '/add?replication=2' 0.3 12 end
holds late_is_cut_at_the_proxy upload late_below "${proxy[1]}" /api/v0/add 0.3 12 end
upload quick "${rest[1]}" '/add?replication=2&name=quick' 0.1 3 end
holds quick_is_added grep -qa '"name":"quick"' "$work/quick.out"
for name in late late_below; do
    holds "$name is told, or the connection breaks" eval "! grep -qax $'0\r' '$work/$name.out'"
done
happens only_the_quick_one_is_pinned 20 lists 1 3
happens nothing_stays_open_either 20 nothing_is_open
for n in 1 2; do holds "end_$n" peer_stop $n; done
finish

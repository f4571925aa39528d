#!/bin/bash
# POST /add and ipfs-cluster-ctl add: the content is with the daemons of the peers that hold it before it is pinned, its CIDs
# are the daemon's own, and what breaks off, at whichever side, pins nothing. On real IPFS daemons; what stand-ins can do, on them.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

add_at() { # add_at N QUERY [curl's options]: head, rows and trailer
    local n=$1 query=$2
    shift 2
    curl -sS -i -N -m 60 "$@" "http://127.0.0.1:${rest[$n]}/add?$query"
}
root_of() { sed -n 's/.*"cid":"\([^"]*\)".*/\1/p' | tail -n 1; }
fails() { ! "$@"; }
says_error() { grep -qa "X-Stream-Error: $2" "$work/$1.out"; }
no_error() { fails grep -qa 'X-Stream-Error: ' "$work/$1.out"; }
is_there() { ipfs_at "$1" "$(if [ -n "$kubo" ]; then echo "dag/stat?arg=$2&progress=false&offline=true"; else echo "block/stat?arg=$2&offline=true"; fi)"; }
held_by() { # held_by CID N...: these daemons have pinned it
    local cid=$1 n
    shift
    for n; do ipfs_has "$n" "$cid" || return 1; done
}

# upload_begin NAME N QUERY: a body of two files on its way, of which the first has been answered and the second comes when
# upload_go says so, or never, after upload_cut. What is answered is in $work/NAME.out.
upload_begin() {
    local name=$1 n=$2 query=$3 head=$'--xx\r\nContent-Disposition: form-data; name="file"; filename='
    exec 8<>"/dev/tcp/127.0.0.1/${rest[$n]}"
    printf 'POST /add?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n' "$query" >&8
    printf 'Content-Type: multipart/form-data; boundary=xx\r\n\r\n' >&8
    cat <&8 >"$work/$name.out" 2>/dev/null &
    upload_pid=$!
    upload_chunk "$head\"$name-a\""$'\r\n\r\n'"first of $name"$'\r\n'
    upload_chunk "$head\"b\""$'\r\n\r\nsecond'
    happens "${name}_begins" 20 grep -qa "\"name\":\"$name-a\"" "$work/$name.out"
}
upload_chunk() { printf '%x\r\n%s\r\n' ${#1} "$1" >&8; }
upload_go() {
    upload_chunk $' half\r\n--xx--\r\n'
    printf '0\r\n\r\n' >&8
    wait "$upload_pid"
    exec 8>&-
}
upload_cut() {
    kill "$upload_pid" 2>/dev/null
    wait "$upload_pid" 2>/dev/null
    exec 8>&-
}

# ---- what goes well ----

goes_well() {
    local big=$work/big cid same tree=$work/tree
    head -c 3000000 /dev/urandom >"$big"
    [ -n "$kubo" ] || head -c 200000 /dev/urandom >"$big" # of one chunk

    happens everybody_is_heard 20 eval "ctl_at 1 --enc json health metrics reposize | jq -e 'length == 3'"
    cid=$(add_at 1 "no-pin=true&user-allocations=${id[1]},${id[2]}&replication=2" -F "file=@$big" | root_of)
    same=$(ipfs_at 3 'add?pin=false&only-hash=true&quieter=true' -F "file=@$big" | sed -n 's/.*"Hash":"\([^"]*\)".*/\1/p')
    holds cid_is_the_daemons test "$cid" = "$same"
    holds the_content_is_here is_there 1 "$cid"
    holds and_there is_there 2 "$cid"
    holds and_nowhere_else fails is_there 3 "$cid"
    holds not_pinned lists 1 0

    cid=$(add_at 3 "user-allocations=${id[1]},${id[2]}&replication=2&name=big" -F "file=@$big" | root_of)
    holds through_a_third_peer test "$cid" = "$same"
    happens pinned_where_it_is 30 held_by "$cid" 1 2
    holds by_two says 3 "$cid" remote 1

    cid=$(add_at 1 'local=true&no-pin=true' -F "file=@tests/system/run" | root_of)
    holds local_is_here is_there 1 "$cid"
    holds local_is_not_there fails is_there 2 "$cid"

    mkdir -p "$tree/sub" "$tree/empty"
    printf one >"$tree/a.txt"
    printf two >"$tree/sub/b c.txt"
    printf hidden >"$tree/.hidden"
    cid=$(ctl_at 1 add -Q -r "$tree")
    holds ctl_explains_placement eval "ctl_at 2 explain $cid | grep -q '^Decided: .*, upload, factor ' && ctl_at 3 explain $cid | grep -q ': everywhere, preferred'"
    holds ctl_folder test "$(ipfs_at 1 "cat?arg=$cid/sub/b%20c.txt")" = two
    holds ctl_is_silent_about_dots fails ipfs_at 1 "cat?arg=$cid/.hidden"
    holds ctl_lines eval "ctl_at 1 add -r -H '$tree' | cut -d ' ' -f 3- | paste -sd , | grep -Fx 'tree/.hidden,tree/a.txt,tree/sub/b c.txt,tree/empty,tree/sub,tree'"
    check ctl_needs_r 1 '' ctl_at 1 add "$tree"
    holds ctl_says_so grep -F 'is a directory, but Recursive option is not set' "$work/stderr"
    holds ctl_stdin eval "printf one | \"$ctl\" --host /ip4/127.0.0.1/tcp/${rest[1]} add -q - | grep -x '$(ctl_at 1 add -q "$tree/a.txt")'"
    holds ctl_json eval "ctl_at 1 --enc json add '$tree/a.txt' | jq -e '.name == \"a.txt\" and .size > 0'"
    holds ctl_array eval "ctl_at 1 --enc json add --no-stream -w '$tree/a.txt' | jq -e 'length == 2 and .[1].name == \"\"'"
    # On a terminal (util-linux's script makes one) a bar, which is gone before the row is printed; else nothing.
    add_painted() { TERM=xterm script -qec "'$ctl' --host /ip4/127.0.0.1/tcp/${rest[1]} add --no-pin $*" /dev/null </dev/null | tr -d '\r' >"$work/painted"; }
    add_painted -r "'$tree'"
    holds ctl_bar grep -qE ' / [0-9.]+ k?B \[=*>? *\] +[0-9]+ %' "$work/painted"
    holds ctl_bar_is_gone eval 'grep -q "%"$'"'\\x1b\\[K'"'"added" "$work/painted"'
    add_painted -q "'$tree/a.txt'"
    holds ctl_bar_not_if_quiet fails grep -q '%' "$work/painted"
    holds ctl_bar_not_in_a_pipe eval 'TERM=xterm ctl_at 1 add --no-pin "$big" 2>"$work/unpainted" && [ ! -s "$work/unpainted" ]'
    holds ctl_waits ctl_at 1 add --wait --wait-timeout 30s --name waited "$tree/a.txt"
    holds ctl_name eval "ctl_at 2 --enc json pin ls | jq -se 'any(.name == \"waited\")'"
    mkdir -p "$work/odd" && cp "$big" "$work/odd/a" && mkfifo "$work/odd/pipe"
    check ctl_what_cannot_be_read 1 '' ctl_at 1 add -Q -r "$work/odd"
    holds ctl_says_what grep -Fx "error : not a file, folder or link: $work/odd/pipe: Invalid argument" "$work/stderr"
    check ctl_bad_layout 2 'An error occurred:
  Code: 400
  Message: layout parameter is invalid' ctl_at 1 add --layout zigzag "$tree/a.txt"
}

memory_of() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${peer_pid[$1]}/status"; }
# However much it is: a window here and a window there.
takes_little_memory() {
    local before=$(($(memory_of 1) + $(memory_of 2))) after
    head -c 134217728 /dev/zero | curl -sS -m 100 -F 'file=@-' \
        "http://127.0.0.1:${rest[1]}/add?no-pin=true&user-allocations=${id[1]},${id[2]}&replication=2" >"$work/much.out"
    holds much_is_added grep -q '"cid"' "$work/much.out"
    after=$(($(memory_of 1) + $(memory_of 2)))
    holds in_little_memory test $((after - before)) -lt 16384
}

cars() {
    local cid car=$work/good.car
    head -c 600000 /dev/urandom >"$work/carried"
    cid=$(ipfs_at 3 'add?pin=false&quieter=true' -F "file=@$work/carried" | jq -r .Hash)
    ipfs_at 3 "dag/export?arg=$cid&progress=false" >"$car"
    pins 1 >"$work/pins_before"
    # Another root than what is in it: one bit of its hash.
    cp "$car" "$work/liar.car"
    printf '\x00' | dd of="$work/liar.car" bs=1 seek=30 conv=notrunc 2>/dev/null
    cmp -s "$car" "$work/liar.car" && printf '\x01' | dd of="$work/liar.car" bs=1 seek=30 conv=notrunc 2>/dev/null
    add_at 1 'format=car' -F "file=@$work/liar.car" >"$work/liar.out"
    holds a_car_without_its_root says_error liar 'block was not found locally'
    # A block that is not what its CID says.
    cp "$car" "$work/rotten.car"
    printf 'rot' | dd of="$work/rotten.car" bs=1 seek=300000 conv=notrunc 2>/dev/null
    add_at 1 'format=car' -F "file=@$work/rotten.car" >"$work/rotten.out"
    holds a_car_with_a_bad_block says_error rotten ''
    head -c 300000 "$car" >"$work/short.car"
    add_at 1 'format=car' -F "file=@$work/short.car" >"$work/short.out"
    holds a_car_cut_short says_error short ''
    add_at 1 'format=car' -F "file=@$work/carried" >"$work/none.out"
    holds no_car_at_all grep -qa 'the file is not a CAR' "$work/none.out"
    holds and_nothing_is_pinned eval 'pins 1 | cmp - "$work/pins_before"'
    holds a_good_car eval "[ \"\$(ctl_at 1 add -Q --format car '$car')\" = $cid ]"
    happens is_pinned 30 held_by "$cid" 1
}

# ---- what breaks off ----

breaks_off() {
    pins 3 >"$work/pins_before"
    upload_begin left 1 'replication=2'
    upload_cut
    holds the_next_one_works eval "add_at 1 no-pin=true -F file=@tests/system/run >'$work/next.out' && no_error next"
    printf -- '--xx\r\n\r\nonly half of it' |
        curl -sS -i -m 30 -H 'Content-Type: multipart/form-data; boundary=xx' --data-binary @- "http://127.0.0.1:${rest[1]}/add" >"$work/half.out"
    holds a_body_cut_short grep -qa 'the upload ended before its last boundary' "$work/half.out"

    # The client's peer dies; the daemons are other peers'.
    upload_begin orphan 1 "replication=2&user-allocations=${id[2]},${id[3]}"
    peer_kill 1
    wait "$upload_pid"
    holds the_client_hears_of_it fails grep -qax $'0\r' "$work/orphan.out" # no last chunk
    upload_cut
    holds nothing_was_pinned eval 'pins 3 | cmp - "$work/pins_before"'
    peer_start 1
    happens back 40 sees 3 1 2 3
    holds others_go_on eval "add_at 3 'no-pin=true&replication=2&user-allocations=${id[2]},${id[3]}' -F file=@tests/system/run >'$work/others.out' && no_error others"

    # A replica dies, and one is enough.
    upload_begin survivor 1 "replication-min=1&replication-max=2&user-allocations=${id[1]},${id[2]}"
    peer_kill 2
    upload_go survivor
    holds one_is_enough no_error survivor
    local cid
    cid=$(root_of <"$work/survivor.out")
    happens it_is_pinned 30 held_by "$cid" 1
    peer_start 2
    happens back_again 40 sees 3 1 2 3

    # A replica dies, and two are needed.
    pins 3 >"$work/pins_before"
    upload_begin needed 1 "replication=2&user-allocations=${id[1]},${id[2]}"
    peer_kill 2
    upload_go needed
    holds two_are_needed says_error needed ''
    holds and_none_pinned eval 'pins 3 | cmp - "$work/pins_before"'
    peer_start 2
    happens back_for_good 40 sees 3 1 2 3
}

ipfs_kill() {
    local pid=${ipfs_pid[$1]:-}
    [ -z "$kubo" ] || pid=$(cat "$work/ipfs/$1/pid")
    kill -9 "$pid"
    happens "daemon_$1_is_dead" 10 is_gone "$pid"
}

# A daemon dies in the middle of an upload, and one is enough.
a_daemon_dies() {
    upload_begin half_dead 1 "replication-min=1&replication-max=2&user-allocations=${id[1]},${id[2]}"
    ipfs_kill 2
    upload_go half_dead
    holds one_daemon_is_enough no_error half_dead
    happens it_has_it 30 held_by "$(root_of <"$work/half_dead.out")" 1
}

# All that had it die.
all_daemons_die() {
    pins 2 >"$work/pins_before"
    upload_begin dead 2 "replication-min=1&replication-max=2&user-allocations=${id[1]},${id[3]}"
    ipfs_kill 1
    ipfs_kill 3
    upload_go dead
    holds no_daemon_is_left says_error dead ''
    holds nothing_of_it_is_pinned eval 'pins 2 | cmp - "$work/pins_before"'
}

# A peer whose daemon is gone.
without_a_daemon() {
    local query="user-allocations=${id[1]},${id[2]}"
    add_at 1 "$query&replication-min=1&replication-max=2" -F 'file=@tests/system/ctl.sh' >"$work/one.out"
    holds a_daemon_less no_error one
    pins 3 >"$work/pins_before"
    # Whether the leader has noticed already, or the daemon is asked in vain:
    add_at 1 'replication=3' -F 'file=@tests/system/demo.sh' >"$work/three.out"
    holds a_daemon_too_few grep -qaE '^X-Stream-Error: |^HTTP/1.1 503' "$work/three.out"
    add_at 1 'replication=3&stream-channels=false' -F 'file=@tests/system/demo.sh' >"$work/array.out"
    holds or_a_status grep -qaE '^HTTP/1.1 50[03]' "$work/array.out"
    holds pins_nothing eval 'pins 3 | cmp - "$work/pins_before"'
}

daemons=stand-ins
! find_kubo || daemons=Kubo
holds "daemons ($daemons)" ipfs_start 3
holds init peers_init 3
for n in 1 2 3; do peer_start $n; done
happens three 40 sees 3 1 2 3
goes_well
[ -z "$kubo" ] || takes_little_memory
[ -z "$kubo" ] || cars
breaks_off
a_daemon_dies
without_a_daemon
all_daemons_die
for n in 1 2 3; do holds "end_$n" peer_stop $n; done
finish

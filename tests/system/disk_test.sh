#!/bin/bash
# A disk that fails, beneath one of three real peers (build/tests/faults.so): full, hung, broken, read-only; also no more
# descriptors, and a folder that another process has. Each time the daemon says what is wrong, the others go on, nothing
# acknowledged is lost, and afterwards all is as if it had not been.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
export CLUSTER_RAFT_HEARTBEATTIMEOUT=300ms CLUSTER_RAFT_ELECTIONTIMEOUT=300ms
pins=0 sick= other=

# Which peer's disk it is about: $sick; $other is another one.
order() { # order CALL ERRNO: of the disk of $sick
    echo "$* peer$sick/" >"$work/order.new" && mv "$work/order.new" "$work/order"
}
all_well() { rm -f "$work/order"; }
preloaded() { FAULTS=$work/order FAULTS_FOLDER=$work LD_PRELOAD=$build/tests/faults.so "$@"; }
the_leader_is_sick() {
    happens "$1_leader_known" 30 find_leader 1 2 3
    sick=$leader other=$((leader % 3 + 1))
}
gave_up_leading() { find_leader 1 2 3 && [ "$leader" != "$sick" ]; }
some_cid() { # a CID that nobody has, another one at each call, in $cid
    pins=$((pins + 1))
    cid=bafkrei$(printf '%052d' $pins | tr 0189 abcd | cut -c2-52)a
}
# A pin through peer N; what is acknowledged is kept in a file.
pin_at() {
    some_cid
    status=$(rest_at "$1" "/pins/$cid?name=$pins-$(printf '%0400d' 0)" -X POST 2>&1 | tee "$work/answer" | tail -n 1)
    [ "$status" != 200 ] || echo "$cid" >>"$work/acknowledged"
    [ "$status" = 200 ]
}
says_in_log() { grep -aq "$2" "$work/peer$1.log"; }
has_all() { ctl_at "$1" --enc json pin ls | jq -r .cid | sort | comm -13 - <(sort -u "$work/acknowledged") | cmp - /dev/null; }
all_have_all() { for n in 1 2 3; do has_all $n || return 1; done; }
reads_go_on() { rest_at "$sick" /allocations | tail -n 1 | grep -q 200; }
refuses_a_pin() { ! pin_at "$sick"; }
refuses_with_words() { refuses_a_pin && grep -q 'disk full' "$work/answer"; }

full() {
    the_leader_is_sick full
    order write ENOSPC
    happens full_noticed 30 refuses_a_pin
    happens full_is_said 10 says_in_log "$sick" 'No space left on device'
    happens full_gives_up_leading 30 gave_up_leading
    happens full_refuses_with_words 10 refuses_with_words
    happens full_others_go_on 30 pin_at "$other"
    holds full_reads_go_on reads_go_on
    all_well
    happens room_again 30 pin_at "$sick"
    happens room_again_is_said 10 says_in_log "$sick" 'the disk has room again'
    happens room_again_has_all 30 all_have_all
}

hung() {
    the_leader_is_sick hung
    order sync hang
    happens hung_others_go_on 60 pin_at "$other"
    happens hung_gives_up_leading 60 gave_up_leading
    holds hung_reads_go_on reads_go_on
    all_well
    happens hung_is_back 30 pin_at "$sick"
    happens hung_has_all 30 all_have_all
}

broken() { # broken CALL: it ends, and a restart finds everything
    local call=$1
    the_leader_is_sick "broken_$call"
    order "$call" EIO
    for ((i = 0; i < 50; i++)); do pin_at "$sick" || break; done
    holds "broken_${call}_ends" peer_ends "$sick" 30
    holds "broken_${call}_is_a_failure" test "$code" -ne 0
    holds "broken_${call}_is_said" says_in_log "$sick" 'Input/output error'
    happens "broken_${call}_others_go_on" 30 pin_at "$other"
    all_well
    preloaded peer_start "$sick"
    happens "broken_${call}_is_back" 30 sees 3 1 2 3
    happens "broken_${call}_has_all" 30 all_have_all
}

start_apart() { # start_apart NAME: another process on the folder of $sick
    preloaded "$service" -c "$work/peer$sick" daemon >"$work/$1.log" 2>&1 &
    started=$!
    peers_started+=($!)
}
# It does not start, and says why.
does_not_start() { # does_not_start NAME WORDS
    start_apart "$1"
    holds "$1_ends" ends_within 20 "$started"
    holds "$1_is_a_failure" test "$code" -ne 0
    holds "$1_is_said" grep -aq "$2" "$work/$1.log"
}
cannot_start() {
    sick=1
    does_not_start locked "process ${peer_pid[1]}"
    holds stop_one peer_stop 1
    order open EROFS
    does_not_start read_only 'Read-only file system'
    order open EMFILE
    does_not_start no_descriptors 'Too many open files'
    order sync EIO
    does_not_start broken_at_start 'Input/output error'
    all_well
    preloaded peer_start 1
    happens all_are_back 30 sees 3 1 2 3
    happens all_have_all 30 all_have_all
}

holds init peers_init 3
for n in 1 2 3; do preloaded peer_start $n; done
happens founded 30 sees 3 1 2 3
for ((i = 0; i < 5; i++)); do happens pin_$i 30 pin_at $((i % 3 + 1)); done
full
hung
broken write
broken sync
cannot_start
for n in 1 2 3; do holds "end_$n" peer_stop $n; done
finish

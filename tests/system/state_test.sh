#!/bin/bash
# `ipfs-cluster-service state`: what is on a peer's disk, out of it into a file, out of a file into a new cluster, aside.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

state() { "$service" -c "$work/peer$1" state "${@:2}"; } # state N COMMAND...
refused() { # refused NAME CODE WORDS COMMAND...: on stderr
    local name=$1 want=$2 words=$3 real=0
    shift 3
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || real=$?
    count "$name" "$([ $real -eq "$want" ] && grep -qF -- "$words" "$work/stderr" || echo "code $real: $(cat "$work/stderr")")"
}
info() { state "$1" info --enc json | jq -r "$2"; }
cid() { echo "f01551220$(printf '%s' "$1" | sha256sum | cut -d' ' -f1)"; }

# ---- words ----
holds help eval '"$service" help state import | grep -F "state import pins.json"'
holds help_of_all eval '"$service" state | grep -F cleanup'
refused unknown 3 "did you mean 'state import'" "$service" state inport
refused no_configuration 1 'ipfs-cluster-service' "$service" -c "$work/none" state info
holds help_by_flag eval '"$service" state export --help | grep -F "state export -f pins.json"'
holds daemons ipfs_start 4
for n in 1 2 3; do holds "init_$n" peer_init $n; done
refused nothing_there 1 'has not founded or joined one yet' state 1 info
check exports_nothing 0 '' state 1 export
check version_of_nothing 0 'none here; this program writes version 4' state 1 version

# ---- a peer's disk, while it runs and after ----
peer_start 1
happens founded 30 sees 1 1
for i in 1 2 3; do holds "pin_$i" ctl_at 1 pin add --no-status --name "pin $i" --metadata n=$i "$(cid $i)"; done
holds pin_expiring ctl_at 1 pin add --no-status --expire-in 1000h "$(cid 4)"
happens info_beside_it 10 eval '[ "$(info 1 .pins)" = 4 ]'
refused export_beside_it 1 "process ${peer_pid[1]}, runs on this folder" state 1 export
holds names_ctl grep -F 'ipfs-cluster-ctl state export' "$work/stderr"
refused import_beside_it 1 'ipfs-cluster-ctl state import' state 1 import /dev/null
refused cleanup_beside_it 1 "process ${peer_pid[1]}" state 1 cleanup -f
holds rest_says_the_same eval 'ctl_at 1 --enc json pin ls | jq -S . >"$work/listed"'
holds stop peer_stop 1
holds info_text eval 'state 1 info | grep -E "^last entry: +index [0-9]+ of term [0-9]+$"'
holds info_members eval 'state 1 info | grep -F "(this peer)"'
holds info_number test "$(info 1 .member_number)" = 1
holds info_cluster_id test "$(info 1 .cluster_id)" = "$(cat "$work/peer1/cluster_id")"
holds export state 1 export -f "$work/pins.json"
holds export_is_what_was_listed eval 'jq -S . "$work/pins.json" | cmp - "$work/listed"'
holds one_a_line test "$(wc -l <"$work/pins.json")" -eq 4
check version 0 '4; this program knows versions up to 4' state 1 version

# ---- into another cluster ----
refused bad_file 1 'line 2: cid is no CID' state 2 import <(head -n 1 "$work/pins.json"; echo '{"cid":"x"}')
refused no_file 1 'reading import file:' state 2 import "$work/nowhere"
holds leaves_nothing test ! -e "$work/peer2/raft" -a ! -e "$work/peer2/raft.import"
holds import state 2 import "$work/pins.json"
holds another_cluster test "$(info 2 .cluster_id)" != "$(info 1 .cluster_id)"
refused not_twice 1 'holds the data of a cluster (4 pins)' state 2 import "$work/pins.json"
peer_start 2
happens imported_runs 30 sees 1 2
holds imported_has_all eval 'ctl_at 2 --enc json pin ls | jq -S . | cmp - "$work/listed"'
holds writes_go_on ctl_at 2 pin add --no-status "$(cid 5)"
holds init_4 peer_init 4 # what the log begins behind, a newcomer gets as a snapshot
peer_start 4 --bootstrap "$(peer_address 2)"
happens others_join_it 40 sees 2 2 4
happens and_have_all 20 eval '[ "$(pins 4)" = "$(pins 2)" ]'
holds stop_4 peer_stop 4
holds stop_2 peer_stop 2

# ---- aside, and from stdin; other formats ----
check asks 0 'The peer state will be removed.  Existing pins may be lost. Continue? [y/n]: no' state 2 cleanup
holds no_means_no test "$(info 2 .pins)" = 5
holds cleanup state 2 cleanup -f
holds put_aside test -d "$work/peer2/raft.old.0" -a ! -e "$work/peer2/raft"
holds as_new test ! -e "$work/peer2/cluster_id"
holds cleanup_of_nothing eval 'state 2 cleanup -f 2>&1 | grep -F "there was none" && [ -d "$work/peer2/raft.old.0" ] && [ ! -e "$work/peer2/raft.old.1" ]'
{
    printf '{\n    "PinMap": {\n        "%s": {\n            "cid": "%s",\n' "$(cid a)" "$(cid a)"
    printf '            "allocations": [],\n            "replication_factor": -1\n        }\n    },\n    "Version": 2\n}'
} >"$work/backup.v0"
holds import_v0 eval 'state 2 import <"$work/backup.v0"'
holds v0_is_there test "$(info 2 .pins)" = 1
holds cleanup_again state 2 cleanup --force
holds overrides eval "state 2 import --rmin 1 --rmax 2 --allocs ${id[1]},${id[2]} <\"\$work/backup.v0\""
holds overridden test "$(state 2 export 2>/dev/null | jq -c '[.replication_factor_max, (.allocations | length)]')" = '[2,2]'

# ---- more than one thread has in hand at once ----
holds cleanup_for_many state 2 cleanup -f
for ((i = 5000; i > 0; i--)); do printf '{"cid":"f01551220%064x","name":"pin %d","allocations":[],"replication_factor_min":-1,"replication_factor_max":-1}\n' "$i" "$i"; done >"$work/many.json"
holds import_many state 2 import "$work/many.json"
holds export_many state 2 export -f "$work/many.out"
holds many_are_there_in_order eval 'cmp <(jq -r .name "$work/many.out") <(seq -f "pin %g" 5000)'
check a_full_disk_is_told 1 '' eval 'state 2 export 2>"$work/stderr" >/dev/full'
holds it_says_which grep -F 'cannot write stdout: No space left on device' "$work/stderr"

# ---- data of the Go ipfs-cluster ----
mkdir "$work/peer3/raft" && touch "$work/peer3/raft/raft.db"
refused go_info 1 'state export -f pins.json' state 3 info
refused go_daemon 1 'state import pins.json' "$service" -c "$work/peer3" daemon
holds go_is_untouched test "$(ls "$work/peer3/raft")" = raft.db
finish

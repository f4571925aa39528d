#!/bin/bash
# One scenario, two worlds: each of these passes in virtual time, and with real processes (`run --real`): crash is SIGKILL, pause
# SIGSTOP, cut a proxy between the peers. What the real world cannot do it says and skips; none of these leans on that.
. tests/system/lib/check.bash
sim=$build/ipfs-cluster-sim

write() { cat >"$work/$1.scn"; }
write holder_dies <<'SCN'
peers 3
option factor 2
option metric_ttl 2s
option repin_after 2s
start all
until ready all within 30s
pin a1..a5
until pinned a1..a5 on 2 peers within 30s
let gone be one of holders of a1
crash gone
until pinned a1..a5 on 2 peers within 60s
start gone
until settled within 60s
SCN
write leader_is_cut_off <<'SCN'
peers 3
option factor everywhere
option commit_timeout 3s
start all
until ready all within 30s
pin before1..before5
let old be leader
cut old | all but old
pin lost by old fails
until leader is not old within 30s
pin after1..after5 by all but old
heal
until settled within 60s
expect listed before1..before5 after1..after5
SCN
write one_way_only <<'SCN'
peers 3
option factor everywhere
start all
until ready all within 30s
let deaf be one of followers
cut leader -> deaf
pin a1..a5 by all but deaf
heal
until settled within 60s
SCN
write clogged <<'SCN'
peers 3
option factor everywhere
start all
until ready all within 30s
let old be leader
let deaf be one of followers
clog old -> deaf
until no leader at deaf within 20s
pin a1..a60 by all but deaf
expect unlisted a60 at deaf
heal
until listed a1..a60 at deaf within 30s
until settled within 60s
expect leader is old
SCN
write paused_and_wiped <<'SCN'
peers 3
option factor everywhere
start all
until ready all within 30s
pin a1..a5
let still be leader
pause still
until leader is not still within 30s
pin b1 by all but still
resume still
until settled within 60s
let lost be one of followers
crash lost
wipe lost
start lost
until ready lost within 60s
until settled within 60s
expect listed a1..a5 b1 at lost
SCN
write empty_majority <<'SCN'
# Two of three come back with empty disks: they know that there was a cluster, and found no other one.
peers 3
start all
until ready all within 30s
crash all
wipe 2 3
start 2 3
hold no leader at 2 3 for 5s
SCN
write daemon_misbehaves <<'SCN'
peers 2 spares 1
option factor everywhere
option pin_recover 2s
start 1 2
until ready 1 2 within 30s
ipfs 2 error "no space left"
pin a1..a3
until pinned a1..a3 at 1 within 20s
ipfs 2 well
until pinned a1..a3 at 2 within 60s
start 3 joining 1
until ready 3 within 30s
until settled within 60s
stop 3
until stopped 3 within 20s
SCN
write bad_network <<'SCN'
peers 3
option factor everywhere
start all
until ready all within 30s
network breaks 100%
until no leader within 30s
network calm delay 3s..3s
hold no leader for 5s
network calm delay 5ms..20ms loss 2% late 2% 300ms breaks 0.1% mangled 0.1%
until leader within 60s
pin a1..a10
until settled within 60s
SCN
write majority_is_lost <<'SCN'
peers 3
option factor everywhere
start all
until ready all within 30s
pin a1..a3
until settled within 60s
crash 2 3
until no leader at 1 within 20s
stop 1
until stopped 1 within 20s
accept 1
until leader is 1 within 20s
until ready 1 within 20s
until members 1 within 10s
expect listed a1..a3 at 1
pin b1 by 1
start 2
hold no leader at 2 for 3s
crash 2
wipe 2
start 2 joining 1
until ready 2 within 60s
until settled within 60s
expect listed a1..a3 b1 at 2
SCN
write leader_crashes_under_load <<'SCN'
peers 3
option factor everywhere
start all
until ready all within 30s
clients 6 every 20ms contents 12 unpin 25% read 40%
wait 2s
let old be leader
crash old
until leader is not old within 20s
wait 1s
start old
until ready old within 20s
clients 2 every 50ms contents 12 unpin 10% adding
wait 1s
clients off
until settled within 60s
SCN
write daemon_is_away <<'SCN'
peers 2
option factor everywhere
option pin_recover 2s
start all
until ready all within 30s
ipfs 2 down
pin a1..a3
until pinned a1..a3 at 1 within 20s
expect unpinned a1..a3 at 2
ipfs 2 up
until pinned a1..a3 at 2 within 60s
ipfs 1 refuse
pin b1
until pinned b1 at 2 within 20s
expect unpinned b1 at 1
ipfs 1 well
until settled within 60s
SCN
write machine_moves <<'SCN'
peers 3
option factor everywhere
start all
until ready all within 30s
pin a1..a3
stop 1
until stopped 1 within 15s
move 1
start 1
until ready 1 within 20s
wait 2s
crash 2 3
start 2 3
until ready 2 3 within 30s
pin b1 by 1
until settled within 60s
SCN
write who_votes_and_what_nobody_has <<'SCN'
peers 4
option factor everywhere
option max_voters 3
option heartbeat 100ms
content c1 nowhere
start all
until ready all within 30s
until voters 3 within 30s
pin a1..a3
pin c1
until pinned a1..a3 on 4 peers within 30s
expect unpinned c1 at all
crash one of learners
until voters 3 within 10s
pin b1 by leader
until pinned b1 on 3 peers within 30s
SCN
write a_snapshot_comes <<'SCN'
peers 3
option factor everywhere
option snapshot_threshold 20
option snapshot_interval 1s
option trailing_logs 5
start all
until ready all within 30s
let away be one of followers
crash away
pin a1..a60 by all but away
until pinned a1..a60 on 2 peers within 30s
until log all but away under 40 within 30s
start away
until installed away within 30s
until settled within 60s
SCN
for name in who_votes_and_what_nobody_has a_snapshot_comes bad_network machine_moves majority_is_lost daemon_is_away leader_crashes_under_load holder_dies leader_is_cut_off one_way_only paused_and_wiped empty_majority daemon_misbehaves; do
    holds "${name}_simulated" "$sim" run "$work/$name.scn" --seeds 3
    holds "${name}_real" "$sim" run "$work/$name.scn" --real
done
# The median of three wall clocks says whose time is over: one that is ahead takes nothing away.
write clocks_are_ahead <<'SCN'
peers 3
option factor everywhere
option metric_ttl 2s
start all
until ready all within 30s
pin a1 expires 1h
pin b1
clock 1 wall +3h
hold listed a1 b1 for 5s
clock 2 wall +3h
until unlisted a1 within 30s
expect listed b1
until settled within 60s
SCN
holds clocks_are_ahead_simulated "$sim" run "$work/clocks_are_ahead.scn" --seeds 3
if ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1; then
    holds clocks_are_ahead_real "$sim" run "$work/clocks_are_ahead.scn" --real
else
    echo "SKIPPED: clocks of real processes: libfaketime (package faketime) is not installed"
fi
# The simulator gives only some connections a session whose bytes can be mangled; here all have one.
write nothing_gets_through <<'SCN'
peers 3
start all
until ready all within 30s
network mangled 100%
until no leader within 30s
network calm copies 1%
until leader within 30s
SCN
holds damage_ends_connections eval '"$sim" run "$work/nothing_gets_through.scn" --real >"$work/lacks"'
holds says_which_part_it_skips grep -q "cannot (copies): network calm" "$work/lacks"
write cannot <<'SCN'
peers 1
supervised
option window 1
content a1 size 1000
start 1
until ready 1 within 30s
disk 1 slow
SCN
holds runs_without_what_it_cannot eval '"$sim" run "$work/cannot.scn" --real >"$work/lacks"'
for what in ": disk 1 slow" ": supervised" " (no such setting of a peer): option window 1" " (a content has the bytes of its name): content a1 size 1000"; do
    holds says_what_it_skips grep -qF "skipped, this world cannot$what" "$work/lacks"
done
finish

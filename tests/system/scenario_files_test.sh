#!/bin/bash
# Files of scenarios/, as they are there, with real processes: several groups, all of each, nothing left out.
. tests/system/lib/check.bash
sim=$build/ipfs-cluster-sim

files=(
    scenarios/operator/leader_stops.scn
    scenarios/replication/partition_heals.scn
    scenarios/membership/leave_in_a_partition.scn
)
said=$work/said.json
for file in "${files[@]}"; do
    holds "${file#scenarios/} passes" eval '"$sim" run "$file" --real --json --junit "$work/report.xml" >"$said"'
    holds "${file#scenarios/} leaves nothing out" jq -e '.verdict == "passed" and .skipped == []' "$said"
    holds "${file#scenarios/} is reported so" eval 'grep -q "tests=\"1\" failures=\"0\"" "$work/report.xml" && ! grep -q system-out "$work/report.xml"'
done

# What is left out is said in each report, or whoever reads it takes it for shown.
cat >"$work/cannot.scn" <<'SCN'
peers 1
option window 1
start 1
until ready 1 within 30s
disk 1 slow
SCN
holds leaves_out_what_it_cannot eval '"$sim" run "$work/cannot.scn" --real --json --junit "$work/report.xml" >"$said"'
holds says_so_in_json jq -e '.verdict == "passed" and (.skipped | length) == 2 and (.skipped[0] | endswith(": option window 1")) and
    (.skipped[1] | endswith("skipped, this world cannot: disk 1 slow"))' "$said"
holds says_so_to_a_ci grep -q '<system-out>.*skipped, this world cannot.*option window 1' "$work/report.xml"
check virtual_time_only 2 '' "$sim" run "$work/cannot.scn" --real --twice
finish

#!/bin/bash
# Twenty peers in one cluster on one machine: seven vote, thirteen follow. All have every pin, any takes a write; a voter
# that is removed is replaced by a learner, and three voters may die.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

all=($(seq 20))
role_of() { ctl_at "$1" --enc json peers ls | jq -rs --arg id "${id[$2]}" 'flatten | .[] | select(.id == $id) | .role'; }
holds one_daemon_for_all ipfs_start 1
for n in "${all[@]}"; do api[n]=${api[1]}; done
holds init peers_init 20

#!/bin/bash
# Twenty peers in one cluster on one machine: seven vote, thirteen follow. Any of them takes a write, and all list it. Three
# voters die at once: the others go on, and who does not vote knows of it, too; a voter that is removed is replaced by a learner.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

all=($(seq 20))
roles() { ctl_at "$1" --enc json peers ls | jq -rs 'map(select(.error == "") | "\(.id) \(.role)") | .[]'; }
count_role() { [ "$(roles "$1" | grep -c " $2\$")" -eq "$3" ]; } # count_role N ROLE COUNT: as peer N hears it
# The numbers of the peers with that role, in $found.
find_role() { # find_role N ROLE
    local line n
    found=()
    while read -r line; do
        for n in "${all[@]}"; do [ "${id[n]} $2" != "$line" ] || found+=("$n"); done
    done < <(roles "$1")
}
all_list() { # all_list COUNT N...
    local count=$1 n
    shift
    for n; do lists "$n" "$count" || return 1; done
}

holds one_daemon_for_all ipfs_start 1
for n in "${all[@]}"; do api[n]=${api[1]}; done
holds init peers_init 20
for n in "${all[@]}"; do peer_start "$n"; done
happens they_found_one_cluster 30 sees 20 1
happens seven_vote 30 count_role 1 voter 7
holds thirteen_follow count_role 1 learner 13
cid=$(ipfs_add 1 "held by three of twenty")
find_role 1 learner
holds a_learner_takes_a_write ctl_at "${found[0]}" pin add --no-status --replication 3 "$cid"
happens all_have_it 20 all_list 1 "${all[@]}"
# Metrics go to the voters; a learner asks the leader.
hears() { [ "$(ctl_at "$1" health metrics ping | grep -c ' | ping: ')" -eq "$2" ]; } # hears N COUNT
happens a_learner_hears_all 20 hears "${found[0]}" 20
holds and_nothing_is_wrong [ -z "$(ctl_at "${found[0]}" health alerts)" ]
counts_three_copies() { ctl_at "${found[0]}" status --summary | grep -q '^all | PINNED: 3$'; }
happens a_learner_sums_up 60 counts_three_copies
learner=${found[0]}

# ---- three voters die ----
find_role 1 voter
dead=("${found[@]:1:3}") alive=()
for n in "${dead[@]}"; do peer_kill "$n"; done
for n in "${all[@]}"; do [[ " ${dead[*]} " == *" $n "* ]] || alive+=("$n"); done
cid=$(ipfs_add 1 "while three voters are dead")
happens four_of_seven_go_on 30 ctl_at "${alive[0]}" pin add --no-status --replication 3 "$cid"
happens the_living_have_it 20 all_list 2 "${alive[@]}"

dead_are() { # dead_are N: as that peer has it, three are down, and it says which
    local n
    for n in "${dead[@]}"; do
        ctl_at "$1" health alerts | grep -q "^${id[n]}: ping.* The peer is down$" || return 1
        ctl_at "$1" status --summary | grep -q "^${id[n]} | .* | down: nothing was heard of it for " || return 1
    done
    [ "$(ctl_at "$1" health alerts | wc -l)" -eq 3 ]
}
happens a_voter_calls_them_down 60 dead_are "${alive[0]}"
holds a_learner_calls_them_down dead_are "$learner"
holds a_learner_has_a_plan ctl_at "$learner" repair plan

# ---- a dead voter is taken out ----
holds remove_a_dead_one ctl_at "${alive[0]}" peers rm --force "${id[${dead[0]}]}"
happens a_learner_votes_instead 20 count_role "${alive[0]}" voter 5
finish

#!/bin/bash
# The users' guide of 0.0.12, section by section: what it tells to type is typed, what it says will happen is looked for.
# Sections that have a test of their own: proxy_test.sh (the IPFS proxy), failover_test.sh, upgrade_test.sh,
# lost_majority_test.sh (no leader can be elected), backup_test.sh, install_test.sh.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end
export HOME=$work/home
mkdir "$HOME"
guide_start() { # guide_start N [flags]: without the word `daemon`, as the guide does
    local n=$1
    shift
    "$service" -c "$work/peer$n" "$@" >>"$work/peer$n.log" 2>&1 &
    peer_pid[$n]=$!
    peers_started+=($!)
}
says_status() { ctl_at "$1" status "$2" | grep -qF "$3"; }
# flat N: peer N's configuration, as 0.0.12 has it.
flat() {
    jq --arg api "/ip4/127.0.0.1/tcp/${rest[$1]}" --arg proxy "/ip4/127.0.0.1/tcp/${proxy[$1]}" --arg data "$work/peer$1/data" \
        --arg cluster "/ip4/127.0.0.1/tcp/${cluster[$1]}" --arg ipfs "/ip4/127.0.0.1/tcp/${api[$1]}" -n '{
        cluster_peers: [], bootstrap: [], leave_on_shutdown: false, cluster_multiaddress: $cluster,
        api_listen_multiaddress: $api, ipfs_proxy_listen_multiaddress: $proxy, ipfs_node_multiaddress: $ipfs,
        consensus_data_folder: $data, state_sync_seconds: 60, ipfs_sync_seconds: 2, replication_factor: 2,
        monitoring_interval_seconds: 1, allocation_strategy: "reposize"}'
}

# ---- the configuration file ----
holds init "$service" init
holds usually_found_at_home test -s "$HOME/.ipfs-cluster/service.json"
holds init_in_a_temporary_folder "$service" -c "$work/temporary" init
holds to_compare_with eval '[ "$(jq -S "del(.cluster.secret)" "$work/temporary/service.json")" = "$(jq -S "del(.cluster.secret)" "$HOME/.ipfs-cluster/service.json")" ]'
echo '{}' >"$work/temporary/service.json"
holds non_specified_options_take_default_values eval '! "$service" -c "$work/temporary" config show --changed | grep .'
for row in 'cluster.listen_multiaddress = "/ip4/0.0.0.0/tcp/9096"' 'api.restapi.http_listen_multiaddress = "/ip4/127.0.0.1/tcp/9094"' \
    'api.ipfsproxy.listen_multiaddress = "/ip4/127.0.0.1/tcp/9095"' 'ipfs_connector.ipfshttp.node_multiaddress = "/ip4/127.0.0.1/tcp/5001"' \
    'informer.disk.metric_type = "reposize"'; do
    holds "default_${row%% *}" eval '"$service" -c "$work/temporary" config show | grep -F -- "$row"'
done

# ---- starting your cluster ----
ipfs_start 3
for n in 1 2 3; do
    holds "init_$n" peer_init $n
    flat $n >"$work/peer$n/service.json"
done
# The daemons are joined at once, and not 30 s after the start: what one has has to reach the others.
export CLUSTER_IPFSHTTP_CONNECTSWARMSDELAY=1s
guide_start 1
happens a_single_peer_cluster_will_be_launched 30 sees 1 1
holds a_message_indicates_it_along_with_a_list_of_peers eval 'grep -A2 "is ready" "$work/peer1.log" | grep "No other peers"'
guide_start 2 --bootstrap "/ip4/127.0.0.1/tcp/${cluster[1]}/ipfs/${id[1]}" # as the guide spells it
happens bootstrapping_joins 30 sees 2 1 2
jq --arg at "$(peer_address 1)" '.bootstrap = [$at]' "$work/peer3/service.json" >"$work/s" && mv "$work/s" "$work/peer3/service.json"
guide_start 3
happens so_does_the_bootstrap_variable 30 sees 3 1 2 3
happens made_known_to_every_other_existing_peer 20 eval '[ "$(jq ".cluster_peers | length" "$work/peer1/service.json")" = 2 ]'
happens fills_in_cluster_peers_automatically 20 eval '[ "$(jq ".cluster_peers | length" "$work/peer3/service.json")" = 2 ]'
holds and_the_file_stays_flat test "$(jq -r .cluster_multiaddress "$work/peer3/service.json")" = "/ip4/127.0.0.1/tcp/${cluster[3]}"

# ---- the shared state, the local state and the ipfs state; pinning; unpinning ----
cid=$(ipfs_add 1 guide)
holds pin_add ctl_at 2 pin add "$cid" # by any peer: it is forwarded to the leader
holds pin_ls_shows_the_shared_state eval 'ctl_at 1 pin ls | grep -F "$cid"'
happens pinned_on_as_many_peers_as_the_factor_says 30 says 1 "$cid" pinned 2
holds status_aggregates_what_every_peer_says test "$(ctl_at 1 status "$cid" | grep -c ' > ')" = 3
holds pin_ls_of_one_shows_its_peers eval 'ctl_at 3 pin ls "$cid" | grep -E "Allocations: \[[^ ]+ [^ ]+\]"'
for n in 1 2 3; do says_status $n "$cid" REMOTE; done
holder=
for n in 1 2 3; do ipfs_has $n "$cid" >/dev/null 2>&1 && holder=$n; done
holds unpinned_directly_from_ipfs ipfs_at "$holder" "pin/rm?arg=$cid"
holds sync ctl_at 1 sync "$cid"
happens sync_makes_sure_that_it_is_pinned_in_ipfs 20 ipfs_has "$holder" "$cid"
holds unpinned_again ipfs_at "$holder" "pin/rm?arg=$cid"
happens this_also_happens_automatically 30 ipfs_has "$holder" "$cid"
holds sync_of_all ctl_at 1 sync
holds manual_re_pinning ctl_at 1 pin "$cid"
holds recover ctl_at 1 recover "$cid"
holds pin_rm ctl_at 1 pin rm "$cid"
happens wiped_from_the_shared_state 10 eval '! ctl_at 3 pin ls | grep -F "$cid"'
happens shown_as_unpinned 20 eval '[ "$(ctl_at 1 status "$cid" | grep -c ": UNPINNED ")" = 3 ]'
happens and_unpinned_from_ipfs 20 ipfs_lacks "$holder" "$cid"

# ---- cluster monitoring ----
for metric in ping reposize; do
    happens "metric_$metric" 20 eval '[ "$(ctl_at 1 health metrics $metric | wc -l)" = 3 ]'
done

# ---- the consensus algorithm: data folder, backups ----
for i in 1 2 3 4 5; do holds "pin_$i" ctl_at 1 pin add --ns "$(ipfs_add 1 "guide $i")"; done
all=$(pins 1)
holds clean_shutdown peer_stop 3
holds saves_a_human_readable_state eval '[ "$(cat "$work"/peer3/backups/* | jq -r .cid | sort)" = "$all" ]'
holds the_folder_is_where_the_option_says test -d "$work/peer3/data"
rm -rf "$work/peer3/data"
guide_start 3
happens it_recovers_the_last_state_from_a_different_peer 40 eval '[ "$(pins 3)" = "$all" ]'
happens and_is_back 30 sees 3 1 2 3

# ---- membership ----
holds peers_ls_as_json eval '[ "$(ctl_at 1 --enc=json peers ls | jq -s "map(.cluster_peers | length) | unique == [3]")" = true ]'
peer_kill 3
happens peers_ls_shows_the_error 20 eval 'ctl_at 1 peers ls | grep -F "${id[3]} | ERROR"'
holds peers_rm ctl_at 1 peers rm "${id[3]}"
happens the_peer_count_is_one_less 20 sees 2 1 2
happens content_is_reallocated_to_other_peers 40 eval '[ "$(ctl_at 1 --enc json pin ls | jq -s "map(.allocations | length) | unique == [2]")" = true ]'
holds leave_on_shutdown eval 'jq ".leave_on_shutdown = true" "$work/peer2/service.json" >"$work/s" && mv "$work/s" "$work/peer2/service.json"'
jq '.replication_factor = 1' "$work/peer1/service.json" >"$work/s" && mv "$work/s" "$work/peer1/service.json"
holds stop_2 peer_stop 2
holds a_majority_is_down_reads_work eval '[ "$(pins 1)" = "$all" ]'
holds and_nothing_can_be_committed eval '! ctl_at 1 pin add --ns "$cid"'
guide_start 2
happens both_are_back 30 sees 2 1 2

# ---- a peer that does not start ----
# After 30 seconds; here twice a second instead of twice fifteen.
holds init_4 peer_init 4 --peers /ip4/127.0.0.1/tcp/1/ipfs/QmQHKLBXfS7hf8o2acj7FGADoJDLat3UazucbHrgxqisim
CLUSTER_RAFT_WAITFORLEADERTIMEOUT=1s guide_start 4
holds a_failed_start_ends_by_itself peer_ends 4 20
holds as_a_failure test "$code" -eq 1
holds and_says_why grep -a 'are the peers of cluster_peers or bootstrap running' "$work/peer4.log"
CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS=/ip4/127.0.0.1/tcp/${rest[1]} guide_start 4
holds an_address_that_is_not_free_ends_it peer_ends 4 20
holds and_it_is_named grep -a "error starting the peer: .*${rest[1]}" "$work/peer4.log"

# ---- debugging ----
holds only_info_warning_and_error eval '! grep -aE "^[0-9:.]+ " "$work"/peer?.log | grep -vE " (INFO|WARNING|ERROR) +[a-z0-9]+: .* [a-z_]+\.c:[0-9]+$"'
holds stop_1 peer_stop 1
guide_start 1 --loglevel debug
happens loglevel_debug_is_more_verbose 30 grep -aE '^[0-9:.]+ DEBUG ' "$work/peer1.log"
happens leads_again 30 sees 2 1 2
holds ctl_debug eval 'ctl_at 1 --debug id 2>&1 >/dev/null | grep "GET: http://127.0.0.1:${rest[1]}/id"'
holds ctl_raw_json eval 'ctl_at 1 --enc json id | jq -e .id'
ipfs_stop_standin 1
holds pin_without_ipfs ctl_at 1 pin add --ns "$(ipfs_add 2 'nobody asks')"
happens the_ipfs_connector_complains 40 grep -aE ' ipfshttp: the IPFS daemon is not reachable.* [a-z_]+\.c:[0-9]+$' "$work/peer1.log"
finish

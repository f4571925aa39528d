#!/bin/bash
# Configurations that others wrote: a file of ipfs-cluster 1.x, a flat one of the guide, one from before identity.json, one
# that only names a URL. `config show` says what they come to; `--strict` is hard on what nobody knows.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

show() { "$service" "${@:3}" -c "$work/$1" config show | grep -F -- "$2"; } # show FOLDER LINE [OPTION...]
# refused NAME WORDS COMMAND...: it ends with code 1 and says so on stderr.
refused() {
    local name=$1 words=$2 real=0
    shift 2
    timeout 30 "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || real=$?
    count "$name" "$([ $real -eq 1 ] && grep -qF -- "$words" "$work/stderr" || echo "code $real: $(cat "$work/stderr")")"
}

# ---- of 1.x, as its init writes it ----
mkdir "$work/v1"
cp tests/vectors/service_v1.json "$work/v1/service.json"
holds v1_secret_is_hidden show v1 'cluster.secret = "(hidden)"  [file]'
v1_vain() { "$service" -c "$work/v1" config show 2>&1 >/dev/null | sed -n 's/.*without effect here: \(.*\) (`.*/\1/p'; }
holds v1_says_what_has_no_effect test "$(v1_vain)" = api.pinsvcapi
jq '.cluster.mdns_interval = "30s" | .cluster.pubsub.d_factor = 9 | .cluster.enable_relay_hop = true' tests/vectors/service_v1.json >"$work/v1/service.json"
holds v1_says_it_of_what_was_changed_only test "$(v1_vain)" = 'cluster.pubsub.d_factor, cluster.mdns_interval, api.pinsvcapi'
cp tests/vectors/service_v1.json "$work/v1/service.json"
holds v1_secret_if_asked_for eval '"$service" -c "$work/v1" config show --secrets | grep -E "cluster.secret = \"[0-9a-f]{64}\""'
holds v1_environment env CLUSTER_PEERNAME=other bash -c \
    '"$1" -c "$2" config show | grep -F "cluster.peername = \"other\"  [environment, CLUSTER_PEERNAME]"' - "$service" "$work/v1"
holds v1_as_json eval '[ "$("$service" -c "$work/v1" config show --enc json | jq -r ".\"cluster.replication_factor_min\".from")" = file ]'
jq '.cluster.peer_name = "x"' "$work/v1/service.json" >"$work/v1/changed" && mv "$work/v1/changed" "$work/v1/service.json"
holds v1_unknown_key_warns eval '"$service" -c "$work/v1" config show 2>&1 >/dev/null | grep -F "did you mean cluster.peername"'
refused v1_unknown_key_strict 'cluster.peer_name: unknown key; did you mean cluster.peername' "$service" -c "$work/v1" --strict config show
refused v1_unknown_key_strict_daemon 'cluster.peer_name: unknown key' "$service" -c "$work/v1" --strict daemon
jq '.consensus = {"crdt": {"cluster_name": "x"}}' tests/vectors/service_v1.json >"$work/v1/service.json"
refused v1_crdt 'state import pins.json' "$service" -c "$work/v1" daemon
jq '.cluster.follower_mode = true' tests/vectors/service_v1.json >"$work/v1/service.json"
refused v1_follower 'this peer joins as a member' "$service" -c "$work/v1" daemon

# ---- init ----
init() { "$service" -c "$work/init" init --force "$@" >"$work/stdout" 2>"$work/stderr"; }
value() { jq -r "$1" "$work/init/service.json"; }
secret=$(printf '%064d' 7)
holds init_with_secret init --custom-secret $secret
holds init_has_that_secret test "$(value .cluster.secret)" = $secret
holds init_asks_for_the_secret eval 'init -s <<<"${secret/7/8}"'
holds init_has_what_it_was_told test "$(value .cluster.secret)" = "${secret/7/8}"
holds init_takes_no_secret_for_an_answer eval 'init -s </dev/null && grep -F "cluster.secret is empty" "$work/stderr"'
holds init_random_ports init --randomports
holds init_random_ports_differ test "$("$service" -c "$work/init" config show --changed | grep -c 'listen_multiaddress = .*/tcp/[0-9]*"')" = 3
holds init_listens_for_others_everywhere eval 'value .cluster.listen_multiaddress | grep -E "^/ip4/0.0.0.0/tcp/"'
before=$(cat "$work/init/identity.json")
holds init_keeps_the_identity test "$(cat "$work/init/identity.json")" = "$before"
holds init_of_a_source init http://127.0.0.1:1/x
holds init_names_the_source test "$(value .source)" = http://127.0.0.1:1/x
holds init_peers init --peers "/ip4/1.2.3.4/tcp/9096/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"
holds init_has_the_peers test "$(value '.cluster.cluster_peers | length')" = 1
holds init_environment eval 'CLUSTER_REPLICATIONFACTORMIN=2 CLUSTER_REPLICATIONFACTORMAX=3 init && [ "$(value .cluster.replication_factor_min)" = 2 ]'
holds init_raft init --consensus raft
refused init_crdt 'state import' "$service" -c "$work/init" init --force --consensus crdt
refused init_twice 'Use init --force' "$service" -c "$work/init" init
refused init_of_a_word "'here' is no URL" "$service" -c "$work/init" init --force here
refused init_bad_peers 'cluster.cluster_peers: expected' "$service" -c "$work/init" init --force --peers 10.0.0.1

# ---- the key in the configuration, as before identity.json ----
"$service" -c "$work/old" init 2>/dev/null
id=$(jq -r .id "$work/old/identity.json") key=$(jq -r .private_key "$work/old/identity.json")
jq --arg id "$id" --arg key "$key" '.cluster.id = $id | .cluster.private_key = $key' "$work/old/service.json" >"$work/old/s"
mv "$work/old/s" "$work/old/service.json"
rm "$work/old/identity.json"
holds old_key_is_not_shown eval '! "$service" -c "$work/old" config show | grep -F "$key"'
refused old_key_is_used 'holds no data of a cluster' "$service" -c "$work/old" state info
holds old_key_is_moved test "$(jq -r .id "$work/old/identity.json")" = "$id"
jq '.cluster.id = "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"' "$work/old/service.json" >"$work/old/s"
mv "$work/old/s" "$work/old/service.json"
rm "$work/old/identity.json"
refused old_key_of_another "but cluster.private_key is that of $id" "$service" -c "$work/old" state info

# ---- a file that names a URL ----
mkdir "$work/there"
free_port
source=http://127.0.0.1:$port
echo "{\"source\": \"$source/service.json\"}" >"$work/there/service.json"
refused source_cannot_be_had "$source/service.json: Failed to connect" "$service" -c "$work/there" daemon
{
    printf '> GET /service.json\n< 200\nb %s\n' "$(jq -c '.cluster.peername = "fetched"' tests/vectors/service_v1.json)"
    printf '> GET /nested\n< 200\nb {"source": "%s/service.json"}\n' "$source"
    printf '> GET /bad\n< 200\nb {"cluster": 7}\n'
} >"$work/script"
exec {port_from}< <(exec "$build/tests/canned" "$work/script" "$work/log")
canned=$!
at_end "kill $canned 2>/dev/null"
read -r -u "$port_from" port
source=http://127.0.0.1:$port
echo "{\"source\": \"$source/service.json\"}" >"$work/there/service.json"
holds source_is_fetched show there 'cluster.peername = "fetched"  [file]'
holds source_is_named show there "source = \"$source/service.json\""
echo "{\"source\": \"$source/nested\"}" >"$work/there/service.json"
refused source_of_source "$source/nested: source: what was fetched may not name another place" "$service" -c "$work/there" config show
echo "{\"source\": \"$source/none\"}" >"$work/there/service.json"
refused source_without_page "$source/none: the server answers with status 404" "$service" -c "$work/there" config show
echo "{\"source\": \"$source/bad\"}" >"$work/there/service.json"
refused source_with_mistakes "$source/bad: cluster: expected an object" "$service" -c "$work/there" config show

# ---- a peer whose configuration is fetched: the file stays as it is ----
holds daemon ipfs_start 1
peer_init 1
{ cat "$work/script"; printf '> GET /peer1\n< 200\nb %s\n' "$(jq -c '.cluster.mdns_interval = "30s" | .cluster.peer_watch_interval = "9s"' "$work/peer1/service.json")"; } >"$work/script2"
exec {port2_from}< <(exec "$build/tests/canned" "$work/script2" "$work/log2")
canned2=$!
at_end "kill $canned2 2>/dev/null"
read -r -u "$port2_from" port
echo "{\"source\": \"http://127.0.0.1:$port/peer1\"}" >"$work/peer1/service.json"
peer_start 1
happens source_runs 30 sees 1 1
holds what_has_no_effect_is_said_once test "$(grep -c 'without effect here: cluster.peer_watch_interval, cluster.mdns_interval (' "$work/peer1.log")" = 1
holds source_stays test "$(cat "$work/peer1/service.json")" = "{\"source\": \"http://127.0.0.1:$port/peer1\"}"
before=$(cat "$work/peer1/identity.json")
refused init_under_a_running_peer "process ${peer_pid[1]}, runs on this folder. Stop it" "$service" -c "$work/peer1" init --force
holds init_under_a_running_peer_writes_nothing eval 'jq -e .source "$work/peer1/service.json" && [ "$(cat "$work/peer1/identity.json")" = "$before" ]'
holds source_stops peer_stop 1
holds init_of_a_stopped_peer_leaves_no_lock eval '"$service" -c "$work/peer1" init --force "http://127.0.0.1:$port/peer1" && [ ! -e "$work/peer1/cluster.lock" ]'
peer_start 1
happens source_runs_again 30 sees 1 1

# ---- an RSA key in a flat file, as 0.0.12 made it: the peer keeps its name, and both kinds form a cluster ----
holds second_daemon ipfs_start_standin 2
peer_init 2
old=$(jq -r .peer_id tests/vectors/rsa.json)
jq -n --arg id "$old" --arg key "$(jq -r .private_base64 tests/vectors/rsa.json)" --arg secret "$secret" --arg data "$work/peer2/data" \
    --arg cluster "/ip4/127.0.0.1/tcp/${cluster[2]}" --arg api "/ip4/127.0.0.1/tcp/${rest[2]}" --arg proxy "/ip4/127.0.0.1/tcp/${proxy[2]}" \
    --arg ipfs "/ip4/127.0.0.1/tcp/${api[2]}" '{id: $id, private_key: $key, cluster_peers: [], bootstrap: [],
    cluster_multiaddress: $cluster, api_listen_multiaddress: $api, ipfs_proxy_listen_multiaddress: $proxy,
    ipfs_node_multiaddress: $ipfs, consensus_data_folder: $data, cluster: {secret: $secret}}' >"$work/peer2/service.json"
rm "$work/peer2/identity.json"
peer_start 2 --bootstrap "$(peer_address 1)"
happens rsa_joins 30 sees 2 1 2
holds rsa_keeps_its_name test "$(ctl_at 2 --enc json id | jq -r .id)" = "$old"
holds rsa_key_is_moved test "$(jq -r .id "$work/peer2/identity.json")" = "$old"
holds rsa_stops peer_stop 2
peer_start 2
happens rsa_is_back 30 sees 2 1 2

finish

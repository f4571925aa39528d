#!/bin/bash
# The IPFS proxy is an IPFS daemon, to look at, whose pins are the cluster's: what is added, pinned and unpinned through it
# is so in the whole cluster, and everything else is the daemon's own answer, byte for byte. On stand-ins with curl, and on
# real IPFS daemons with the ipfs command as well.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

proxy_at() { # proxy_at N COMMAND [curl's options]
    local n=$1 command=$2
    shift 2
    curl -sS -m 30 -X POST "$@" "http://127.0.0.1:${proxy[$n]}/api/v0/$command"
}
held_everywhere() { ipfs_has 1 "$1" && ipfs_has 2 "$1"; }
held_nowhere() { ipfs_lacks 1 "$1" && ipfs_lacks 2 "$1"; }
status_of() { sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$1" | tail -n 1; }

# same_answer COMMAND [curl's options]: status, body and fields, but for the date.
same_answer() {
    local command=$1 door
    shift
    for door in "${api[1]}" "${proxy[1]}"; do
        curl -sS -m 30 -X POST -D "$work/head.$door" -o "$work/body.$door" "$@" "http://127.0.0.1:$door/api/v0/$command"
        grep -aiv '^date:' "$work/head.$door" | tr -d '\r' | tr A-Z a-z | sort >"$work/fields.$door"
    done
    cmp "$work/body.${api[1]}" "$work/body.${proxy[1]}" && [ "$(status_of "$work/head.${api[1]}")" = "$(status_of "$work/head.${proxy[1]}")" ] &&
        diff <(grep -E '^(content-type|x-)' "$work/fields.${api[1]}") <(grep -E '^(content-type|x-)' "$work/fields.${proxy[1]}")
}

scenario() {
    local cid added
    rest=() id=() api=() proxy=()
    holds "daemons_start ($daemons)" ipfs_start 2
    for n in 1 2; do holds "init_$n" peer_init $n; done
    free_port && second=$port
    jq ".api.ipfsproxy.listen_multiaddress = [\"/ip4/127.0.0.1/tcp/${proxy[2]}\", \"/ip4/127.0.0.1/tcp/$second\", \"/unix$work/proxy.sock\"]" \
        "$work/peer2/service.json" >"$work/wanted.json" && cp "$work/wanted.json" "$work/peer2/service.json"
    peer_start 1
    happens alone 30 sees 1 1
    peer_start 2 --bootstrap "$(peer_address 1)"
    happens two 30 sees 2 1 2

    cid=$(ipfs_add 1 "through the proxy on $daemons")
    holds pin_add test "$(proxy_at 1 "pin/add?arg=$cid")" = "{\"Pins\":[\"$cid\"]}"
    happens pinned_by_both 40 held_everywhere "$cid"
    holds in_the_shared_state lists 2 1
    holds pin_ls eval "proxy_at 2 pin/ls | jq -e '.Keys == {\"$cid\": {\"Type\": \"recursive\"}}'"
    holds pin_ls_by_name eval "proxy_at 2 'pin/ls?name=x' | jq -e '.Keys == {}'"
    holds pin_ls_one eval "proxy_at 2 'pin/ls?arg=$cid' | jq -e '.Keys[\"$cid\"].Type == \"recursive\"'"
    # A field of the daemon's, on an answer that is not the daemon's.
    local field=Access-Control-Allow-Headers
    daemons_field() { ipfs_at 1 version -o /dev/null -D - | tr -d '\r' | grep -i "^$1: "; }
    holds extracted_field eval "[ -n \"\$(daemons_field $field)\" ] && proxy_at 1 pin/ls -i | tr -d '\r' | grep -qixF \"\$(daemons_field $field)\""
    holds pin_rm_as_a_direct_one eval "proxy_at 2 'pin/rm?arg=$cid&recursive=false' | jq -e '.Message == \"$cid is pinned recursively\"'"
    holds pin_rm test "$(proxy_at 2 "pin/rm?arg=$cid")" = "{\"Pins\":[\"$cid\"]}"
    happens unpinned_by_both 40 held_nowhere "$cid"
    holds pin_ls_is_empty eval "proxy_at 1 pin/ls | jq -e '.Keys == {}'"
    holds not_pinned eval "proxy_at 1 'pin/rm?arg=$cid' | jq -e '.Message == \"not pinned or pinned indirectly\"'"
    holds not_pinned_ls eval "proxy_at 1 'pin/ls?arg=$cid' | jq -e '.Message | endswith(\"is not pinned\")'"
    holds bad_cid eval "proxy_at 1 'pin/add?arg=foo' | jq -e '.Type == \"error\"'"

    holds head_too_big eval "proxy_at 1 version -H 'X: $(printf %09999d 0)' | jq -e '.Type == \"error\" and .Code == 0 and .Message'"

    printf '%s\n' "$cid" bafkqaaa >"$work/lines"
    holds pins_in_the_body test "$(proxy_at 1 pin/add -F "file=@$work/lines")" = "{\"Pins\":[\"$cid\",\"bafkqaaa\"]}"
    holds they_are_pinned lists 2 2
    holds pin_rm_in_the_body test "$(proxy_at 2 "pin/rm?arg=$cid" -F 'file=@-' <<<bafkqaaa)" = "{\"Pins\":[\"$cid\",\"bafkqaaa\"]}"
    holds none_is_pinned lists 1 0

    printf 'added through the proxy' >"$work/file"
    added=$(proxy_at 1 add -F "file=@$work/file" | jq -r .Hash)
    holds add_gives_the_daemons_cid test "$added" = "$(ipfs_add 1 'added through the proxy')"
    happens added_is_pinned_by_both 40 held_everywhere "$added"
    holds added_is_in_the_shared_state test "$(pins 2)" = "$(pins 1)"
    holds add_without_pin eval "proxy_at 1 'add?pin=false' -F 'file=@$mine' | jq -e .Hash"
    holds is_not_pinned lists 1 1

    printf 'added in silence on %s' "$daemons" >"$work/silent"
    cid=$(ipfs_add 1 "added in silence on $daemons")
    holds silent_add test -z "$(proxy_at 1 'add?silent=true' -F "file=@$work/silent")"
    holds silent_add_is_pinned eval "proxy_at 1 'pin/ls?arg=$cid' | jq -e .Keys && [ \"\$(proxy_at 1 'pin/rm?arg=$cid')\" = '{\"Pins\":[\"$cid\"]}' ]"

    local named
    named=$(printf 'with options' | proxy_at 1 "add?name=by%20name&replication=1&meta-k=v&user-allocations=${id[2]}&layout=balanced" -F 'file=@-' | jq -r .Hash)
    holds add_with_the_clusters_options eval "curl -sS http://127.0.0.1:${rest[1]}/allocations/$named |
        jq -e '.name == \"by name\" and .replication_factor_max == 1 and .metadata == {\"k\": \"v\"} and .allocations == [\"${id[2]}\"]'"
    holds add_with_a_bad_option eval "proxy_at 1 'add?layout=round' -F 'file=@$mine' | jq -e '.Message == \"error parsing options:layout parameter is invalid\"'"
    holds unpin_it test "$(proxy_at 1 "pin/rm?arg=$named")" = "{\"Pins\":[\"$named\"]}"

    local old new
    old=$(ipfs_add 1 "old on $daemons") new=$(ipfs_add 1 "new on $daemons")
    holds pin_old test "$(proxy_at 1 "pin/add?arg=$old")" = "{\"Pins\":[\"$old\"]}"
    happens old_pinned 40 held_everywhere "$old"
    holds pin_update test "$(proxy_at 2 "pin/update?arg=$old&arg=$new")" = "{\"Pins\":[\"$old\",\"$new\"]}"
    happens new_pinned 40 held_everywhere "$new"
    happens old_unpinned 40 held_nowhere "$old"
    holds update_of_nothing eval "proxy_at 1 'pin/update?arg=$old&arg=$new' | jq -e '.Message | test(\"not recursively pinned\")'"
    if [ -n "$kubo" ]; then
        local page=http://127.0.0.1:${api[1]} # which the daemon trusts
        holds its_page eval "proxy_at 1 pin/ls -i -H 'Origin: $page' | grep -qi '^Access-Control-Allow-Origin: $page'"
        holds its_page_sees eval "proxy_at 1 pin/ls -i -H 'Origin: $page' | tr -d '\r' | grep -qixF \"\$(daemons_field Access-Control-Expose-Headers)\""
        for field in 'Origin: http://evil.example' 'Referer: http://evil.example/page' 'User-Agent: Mozilla/5.0'; do
            holds "page_by_${field%%:*}" eval "proxy_at 1 'pin/rm?arg=$new' -H '$field' | grep -q '403 - Forbidden'"
            holds "page_by_${field%%:*}_that_gets" eval "proxy_at 1 'pin/rm?arg=$new' -X GET -H '$field' | grep -q '403 - Forbidden'"
            holds "page_by_${field%%:*}_that_adds" eval "proxy_at 1 add -F 'file=@$mine' -H '$field' | grep -q '403 - Forbidden'"
        done
        holds its_page_by_referer eval "proxy_at 1 pin/ls -H 'Referer: $page/webui' | jq -e .Keys"
        holds another_page eval "proxy_at 1 'pin/rm?arg=$new' -H 'Origin: http://evil.example' | grep -q '403 - Forbidden' && lists 1 2"
    fi
    local block node command
    for command in "pin/rm?arg=$new" add shutdown; do
        holds "hidden_page_${command%%\?*}" eval "proxy_at 1 '$command' -H 'Sec-Fetch-Site: cross-site' | grep -q '403 - Forbidden'"
    done
    holds pages_did_nothing lists 1 2
    block=$(proxy_at 1 'block/put?pin=true' -F "file=@$work/file" | jq -r .Key)
    happens block_pinned 40 held_everywhere "$block"
    holds block_without_pin eval "proxy_at 1 block/put -F 'file=@$mine' | jq -e .Key"
    if [ -n "$kubo" ]; then
        node=$(proxy_at 1 'dag/put?pin=true' -F 'file=@-' <<<'{"a":1}' | jq -r '.Cid["/"]')
        happens node_pinned 40 held_everywhere "$node"
    fi
    holds stat eval "proxy_at 1 repo/stat | jq -e '.RepoSize > 0 and .StorageMax >= .RepoSize and .NumObjects == 0'"
    holds gc eval "proxy_at 2 'repo/gc' | jq -es 'length > 0 and ([.[].Key[\"/\"] | type == \"string\"] | all)'"
    holds gc_again test -z "$(proxy_at 2 'repo/gc?stream-errors=true')"
    holds what_is_pinned_is_still_there eval "ipfs_at 1 'block/get?arg=$block' >/dev/null && ipfs_at 2 'cat?arg=$new' >/dev/null"

    for cid in "$new" "$block" ${node:+"$node"}; do holds tidied proxy_at 1 "pin/rm?arg=$cid"; done

    holds version_is_the_daemons same_answer version
    holds id_is_the_daemons same_answer id
    holds cat_is_the_daemons same_answer "cat?arg=$added"
    holds error_is_the_daemons same_answer "cat?arg=foo"
    holds unknown_is_the_daemons same_answer nonsense
    [ -z "$kubo" ] || ipfs_command "$added"
    further_addresses "$added"
    for n in 1 2; do holds "end_$n" peer_stop $n; done
    holds the_socket_is_gone test ! -e "$work/proxy.sock"
}

# The second peer's proxy is the same at each of its addresses.
at_second() { curl -sS -m 30 -X POST "${@:2}" "http://127.0.0.1:$second/api/v0/$1"; }
at_socket() { curl -sS -m 30 -X POST "${@:2}" --unix-socket "$work/proxy.sock" "http://localhost/api/v0/$1"; }
further_addresses() { # further_addresses CID: one that is pinned, of the text "added through the proxy"
    local door cid
    for door in at_second at_socket; do
        cid=$(printf 'added %s' $door | $door add -F 'file=@-' | jq -r .Hash)
        holds "${door}_add" test "$cid" = "$(ipfs_add 1 "added $door")"
        happens "${door}_is_pinned" 40 held_everywhere "$cid"
        holds "${door}_pin_rm" test "$($door "pin/rm?arg=$cid")" = "{\"Pins\":[\"$cid\"]}"
        holds "${door}_passes_on" test "$($door "cat?arg=$1")" = 'added through the proxy'
        holds "${door}_pin_ls" test "$($door pin/ls)" = "$(proxy_at 2 pin/ls)"
    done
    [ -z "$kubo" ] || holds cli_at_the_socket test "$("$kubo" --api "/unix$work/proxy.sock" cat "$1")" = 'added through the proxy'
}

# The ipfs command does not know that it does not speak to a daemon.
ipfs_command() { # ipfs_command CID: one that is pinned
    local big cid
    through() { IPFS_PATH=$work/ipfs/1 timeout 60 "$kubo" --api "/ip4/127.0.0.1/tcp/${proxy[2]}" "$@"; }
    check cli_pin_ls 0 "$1 recursive" through pin ls
    holds cli_cat test "$(through cat "$1")" = 'added through the proxy'
    big=$work/big
    head -c 3000000 /dev/urandom >"$big" # a dozen chunks
    cid=$(through add --quieter "$big")
    holds cli_add test -n "$cid"
    happens cli_added_is_pinned 40 held_everywhere "$cid"
    through cat "$cid" >"$work/back"
    holds cli_gets_it_back cmp "$big" "$work/back"
    check cli_pin_rm 0 "unpinned $cid" through pin rm "$cid"
    happens cli_unpinned 40 held_nowhere "$cid"
    check cli_pin_add 0 "pinned $cid recursively" through pin add "$cid"
    happens cli_pinned 40 held_everywhere "$cid"
    # What comes by stdin: the first as an argument, the rest in the body.
    cid=$(through add --quieter --pin=false "$mine")
    printf '%s\n' "$1" "$cid" "bafkqaaa" >"$work/lines"
    check cli_pin_add_stdin 0 "$(printf 'pinned %s recursively\n' "$1" "$cid" bafkqaaa)" eval "through pin add <'$work/lines'"
    happens cli_pinned_all 40 held_everywhere "$cid"
    check cli_pin_rm_stdin 0 "$(printf 'unpinned %s\n' "$cid" bafkqaaa)" eval "tail -n 2 '$work/lines' | through pin rm"
    happens cli_unpinned_all 40 held_nowhere "$cid"
    cid=$(through add --quieter "$big")
    check cli_pin_add_name 0 "pinned $cid recursively" through pin add --name 'a name' "$cid"
    check cli_pin_ls_name 0 "$cid recursive a name" through pin ls --name=nam --stream
    check cli_pin_ls_another_name 0 '' through pin ls --name=Nam --quiet
    check cli_pin_rm_direct 1 '' through pin rm --recursive=false "$cid"
    holds cli_pin_rm_direct_words grep -F "$cid is pinned recursively" "$work/stderr"
    check cli_pin_ls_type 0 '' through pin ls --type=direct
    check cli_add_silent 0 '' through add --silent "$work/silent"
    check cli_added_silently 0 "unpinned $(through add --quieter --only-hash "$work/silent")" through pin rm "$(through add --quieter --only-hash "$work/silent")"
    holds cli_get eval "through get -o '$work/got' '$cid' && cmp '$big' '$work/got'"
    holds cli_refs test "$(through refs "$cid" | wc -l)" -eq "$(IPFS_PATH=$work/ipfs/1 "$kubo" refs "$cid" | wc -l)"
    holds cli_repo_stat eval "through repo stat | grep -Eq '^RepoSize: +[1-9]'"
    local other block node
    other=$(through add --quieter --pin=false "$service")
    check cli_pin_update 0 "updated $cid to $other" through pin update "$cid" "$other"
    happens cli_updated 60 eval "held_everywhere '$other' && held_nowhere '$cid'"
    block=$(echo 'a block' | through block put --cid-codec=raw)
    holds cli_block test "$(through block get "$block")" = 'a block'
    node=$(echo '{"a":1}' | through dag put)
    holds cli_dag test "$(through dag get "$node")" = '{"a":1}'
    IPFS_PATH=$work/ipfs/1 "$kubo" dag export "$cid" >"$work/tree.car" 2>/dev/null
    holds cli_dag_import eval "through dag import --pin-roots=false --stats '$work/tree.car' | grep -q '^Imported'"
    check cli_pin_add_again 0 "pinned $cid recursively" through pin add "$cid"
    holds cli_repo_gc eval "through repo gc >'$work/collected'"
    check cli_error 1 '' through pin rm bafkqaaa
    holds cli_error_words grep -F 'not pinned' "$work/stderr"
    check cli_version 0 "$("$kubo" version)" through version
}

export CLUSTER_IPFSPROXY_EXTRACTHEADERSEXTRA=Access-Control-Allow-Headers # init writes it down
mine=tests/system/proxy_test.sh
daemons=stand-ins kubo=
scenario
cluster_end
if find_kubo; then
    daemons=Kubo
    rm -rf "$work"/*
    scenario
fi
finish

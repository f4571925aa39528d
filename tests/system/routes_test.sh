#!/bin/bash
# Every route of the REST API, beside what ipfs-cluster 1.1.6 answers (and 0.0.12, where only that has it): status, content
# type, shape of the body. Two peers, two IPFS daemons. One row a request; the shape is a filter of jq's that must be true.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

holds ipfs ipfs_start 2
holds init peers_init 2
peer_start 1
peer_start 2
happens ready 30 sees 2 1 2
A=$(ipfs_add 1 'first file') B=$(ipfs_add 1 'second file') C=$(ipfs_add 1 'nobody pins this')
dir=$(curl -sS -m 20 -F 'file=@-;filename=d/inner' "http://127.0.0.1:${api[1]}/api/v0/add?wrap-with-directory=true&pin=false" \
    <<<'inner' | jq -rs '.[-1].Hash')
inner=$(ipfs_at 1 "resolve?arg=/ipfs/$dir/d/inner" | jq -r '.Path[6:]')
json=application/json
ids="(.id|test(\"^12D3\")) and (.addresses|length>0) and (.cluster_peers|length==2) and (.cluster_peers_addresses|length>0) and
    (.version|length>0) and .commit==\"\" and .rpc_protocol_version==\"/ipfscluster/1.0/rpc\" and .error==\"\" and
    (.ipfs|has(\"id\") and has(\"addresses\") and .error==\"\") and (.peername|test(\"^peer-\"))"
nobody=12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp # a peer id that nobody has
pin='(keys_unsorted[0:16]==["replication_factor_min","replication_factor_max","name","mode","shard_size","user_allocations",
    "expire_at","metadata","pin_update","origins","cid","type","allocations","max_depth","reference","timestamp"])'
status='(keys_unsorted==["cid","name","allocations","origins","created","metadata","peer_map"]) and ([.peer_map[]]|length>0) and
    ([.peer_map[]|(.status|type=="string") and (.timestamp|type=="string") and (.attempt_count|type=="number") and
    (.priority_pin|type=="boolean") and has("peername") and has("error")]|all)'
error() { echo ".code==$1 and (.message|test(\"$2\"))"; }

route() { # route METHOD PATH STATUS TYPE SHAPE [curl's options]; TYPE - : none; SHAPE - : no body
    local method=$1 path=$2 status=$3 type=$4 shape=$5 real findings=
    : >"$work/body"
    shift 5
    curl -sS -m 30 -X "$method" -D "$work/head" -o "$([ "$method" = HEAD ] && echo /dev/null || echo "$work/body")" "$@" "http://127.0.0.1:${rest[1]}$path" 2>"$work/stderr"
    real=$(sed -n '1s:^HTTP/1.1 \([0-9]*\).*:\1:p' "$work/head")
    [ "$real" = "$status" ] || findings="status $real, not $status; "
    real=$(tr -d '\r' <"$work/head" | sed -n 's/^Content-Type: //Ip')
    [ "$real" = "${type#-}" ] || findings="${findings}content type '$real', not '$type'; "
    if [ "$shape" = - ]; then
        [ ! -s "$work/body" ] || findings="${findings}a body; "
    elif ! jq -es "[.[]|$shape] | length>0 and all" "$work/body" >/dev/null 2>&1; then
        findings="${findings}not of the shape $shape; "
    fi
    count "$method $path" "${findings:+$findings$(head -c 600 "$work/body")}"
}
header() { # header NAME VALUE: the last answer has it
    count "header_$1" "$(tr -d '\r' <"$work/head" | grep -qix "$1: $2" || cat "$work/head")"
}

addresses() { rest_at 1 /peers | head -n 2 | jq -es '[.[].cluster_peers_addresses|length>0]|all'; }
happens addresses 20 addresses
route GET /id 200 $json "$ids"
route GET /version 200 $json '.version|test("^1[.]1[.]6")'
route GET /health 204 $json -
route GET /peers 200 $json "$ids"
header Trailer X-Stream-Error
route POST /peers 400 $json "$(error 400 'error decoding request body')" -d 'x'
route POST /peers 400 $json "$(error 400 'error decoding peer_id')" -d '{"peer_id":"x"}'
route POST /peers 200 $json ".id==\"${id[2]}\" and .error==\"\"" -d "{\"peer_id\":\"${id[2]}\"}"
route POST /peers 200 $json ".id==\"${id[1]}\" and .error==\"\"" -d "{\"peer_id\":\"${id[1]}\"}"
route POST /peers 200 $json ".id==\"${id[2]}\" and .addresses==[]" -d "{\"peer_multiaddress\":\"/ip4/127.0.0.1/tcp/1/p2p/${id[2]}\"}"
route POST /peers 400 $json "$(error 400 'say it, as peer_multiaddress')" -d '{"peer_id":"'$nobody'"}'
route DELETE /peers/x 400 $json "$(error 400 'error decoding Peer ID: ')"
route DELETE /peers/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp 204 $json -
route POST /add 400 $json "$(error 400 "isn't multipart/form-data")" -d x
route GET /allocations 204 $json -
header Trailer X-Stream-Error
route GET /pinlist 200 $json '.==[]'
route GET "/allocations/$A" 404 $json "$(error 404 'pin is not part of the pinset')"
route GET /allocations/x 400 $json "$(error 400 'error decoding Cid: invalid cid')"
route GET /pins 204 $json -
route POST "/pins/$A?name=first&meta-k=v&expire-in=1h" 200 $json \
    "$pin and .cid==\"$A\" and .name==\"first\" and .type==\"pin\" and .mode==\"recursive\" and .max_depth==-1 and .metadata=={\"k\":\"v\"}"
route POST "/pins/ipfs/$B" 200 $json "$pin and .cid==\"$B\""
route POST "/pins/ipfs/$dir/d/inner" 200 $json "$pin and .cid==\"$inner\""
route POST "/pins/ipfs/$dir/no/such" 500 $json "$(error 500 'IPFS error .resolve.arg=%2Fipfs%2F')"
route POST /pins/ipfs/x 400 $json "$(error 400 'error parsing path: invalid path')"
route POST /pins/ipns/x/y 500 $json "$(error 500 'IPFS error')"
route POST "/pins/what/$A" 404 $json "$(error 404 'not found')"
route POST /pins/x 400 $json "$(error 400 'error decoding Cid: invalid cid')"
route POST "/pins/$A?replication-min=x" 400 $json "$(error 400 'replication-min invalid')"
route POST "/pins/$A?user-allocations=x" 400 $json "$(error 400 'user-allocations: x is no peer id')"
route POST "/pins/$A?user-allocations=$nobody" 400 $json "$(error 400 "this peer knows of no member $nobody")"
route POST "/pins/$A?replication=-2" 500 $json "$(error 500 'is wrong')"
route POST "/pins/$A?expire-in=1x" 400 $json "$(error 400 'expire-in cannot be parsed')"
happens pinned 20 says 1 "$inner" pinned 2
route GET /allocations 200 $json "$pin"
route GET '/allocations?filter=pin,shard-pin' 200 $json "$pin"
route GET '/allocations?filter=nonsense' 400 $json "$(error 400 'invalid filter value')"
route GET "/allocations/$A" 200 $json "$pin and .name==\"first\""
route GET /pinlist 200 $json 'length==3 and ([.[]|keys_unsorted==["cid","allocations","replication_factor"]]|all)'
route GET /pins 200 $json "$status"
route GET '/pins?local=true&filter=pinned' 200 $json "$status and ([.peer_map[]]|length==1)"
route GET '/pins?filter=nonsense' 400 $json "$(error 400 'invalid filter value')"
route GET "/pins?cids=$A,$B" 200 $json "$status"
route GET "/pins?cids=$A,x" 400 $json "$(error 400 'error decoding Cid')"
route GET "/pins/$A" 200 $json "$status"
route GET "/pins/$A?local=true" 200 $json "$status and ([.peer_map[]]|length==1)"
route GET "/pins/$C" 200 $json "$status and .allocations==[] and .origins==null and ([.peer_map[].status]|unique==[\"unpinned\"])"
route GET /pins/x 400 $json "$(error 400 'error decoding Cid')"
route GET /pins/recover 400 $json "$(error 400 'error decoding Cid')"
route POST "/pins/$A/recover" 200 $json "$status"
route POST "/pins/$A/recover?local=true" 200 $json "$status"
route POST /pins/recover 204 $json -
route POST '/pins/recover?local=true' 204 $json -
route POST "/pins/$A/sync" 200 $json "$status"
route POST /pins/sync 200 $json '. == []'
route POST '/pins/sync?stream=true' 204 $json -
route DELETE "/pins/$A" 200 $json "$pin and .cid==\"$A\" and .name==\"first\""
route DELETE "/pins/$A" 404 $json "$(error 404 'pin is not part of the pinset')"
route DELETE "/pins/ipfs/$dir/d/inner" 200 $json "$pin and .cid==\"$inner\""
route DELETE "/pins/ipfs/$B" 200 $json "$pin and .cid==\"$B\""
gone() { ipfs_lacks 1 "$A" && ipfs_lacks 1 "$inner"; }
happens unpinned 20 gone
route POST /ipfs/gc 200 $json \
    "(.peer_map|length==2) and ([.peer_map[]|(.peer|length>0) and (.peername|test(\"^peer-\")) and (.keys|type==\"array\") and (has(\"error\")|not)]|all) and
    ([.peer_map[].keys[].key|type==\"string\"]|length>0 and all)"
route POST '/ipfs/gc?local=true' 200 $json '(.peer_map|length==1) and ([.peer_map[].keys]==[[]])'
connected() { rest_at 1 /health/graph | head -n 1 | jq -e '[.ipfs_links[]|length>0]|all'; }
happens daemons_connected 20 connected
route GET /health/graph 200 $json "(keys_unsorted==[\"cluster_id\",\"id_to_peername\",\"ipfs_links\",\"cluster_links\",\"cluster_trust_links\",\"cluster_to_ipfs\"])
    and .cluster_id==\"${id[1]}\" and .id_to_peername[\"${id[2]}\"]==\"peer-2\" and .cluster_links[\"${id[1]}\"]==[\"${id[2]}\"] and
    .cluster_links[\"${id[2]}\"]==[\"${id[1]}\"] and .cluster_trust_links[\"${id[2]}\"] and (.ipfs_links|length==2) and
    .ipfs_links[.cluster_to_ipfs[\"${id[1]}\"]]==[.cluster_to_ipfs[\"${id[2]}\"]]"
route GET /health/alerts 200 $json '.==[]'
route GET /health/bandwidth 200 $json \
    'type=="object" and ([.[]|keys_unsorted==["total_in","total_out","rate_in","rate_out"]]|length>0 and all) and .calls.total_in>0 and .control.total_out>0'
route GET /monitor/metrics 200 $json 'index("ping")!=null and index("reposize")!=null'
route GET /monitor/metrics/ping 200 $json \
    'length==2 and ([.[]|(keys_unsorted[0:8]==["name","peer","value","expire","valid","weight","partitionable","received_at"]) and .name=="ping" and .valid
    and (.value|fromjson|.peer_name|test("^peer-")) and .expire>1e18]|all)'
sums_up() {
    rest_at 1 /pins/summary | head -n 1 | jq -e '(keys_unsorted==["peers","total"]) and (.peers|length==2) and
        ([.peers[]|(keys_unsorted==["peer","peername","standing","told_at","counts"]) and .standing=="healthy"]|all) and
        .total==([.peers[].counts]|reduce .[] as $c ({}; reduce ($c|keys_unsorted[]) as $k (.; .[$k]+=$c[$k]))) and (.total|has("pin_error"))'
}
happens summary 30 sums_up
route GET /monitor/metrics/nonsense 200 $json '.==[]'
route POST /token 401 $json "$(error 401 '^unauthorized$')"

# ---- what is no route ----
route GET /nowhere 404 $json "$(error 404 '^not found$')"
route GET / 404 $json "$(error 404 '^not found$')"
route HEAD /id 405 - - -I
header Allow GET
route PUT "/pins/$A" 405 - -
route OPTIONS /id 405 - -
route GET /id/ 307 - -
header Location /id
route GET '/pins/?local=true' 307 - -
header Location '/pins?local=true'
route GET //id 301 - -
header Location /id
route GET /pins/../id 301 - - --path-as-is
header Location /id
route OPTIONS /id 204 - - -H 'Origin: http://page' -H 'Access-Control-Request-Method: GET'
header Access-Control-Allow-Origin '\*'
route OPTIONS /id 204 - - -H 'Origin: http://page' -H 'Access-Control-Request-Method: DELETE'
header Vary 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'
holds preflight_refused test "$(grep -ci '^Access-Control-Allow' "$work/head")" -eq 0

# ---- content ----
row='(keys_unsorted==["name","cid","size","allocations"] and (.cid|test("^Qm")) and .size>0 and (.allocations|length==2))'
moved='(keys_unsorted==["name","cid","bytes"] and .cid==null and .bytes>0)'
readme=file=@README.md
route POST /add 200 $json "$row and .name==\"README.md\"" -F $readme
header Cache-Control no-cache
header X-Chunked-Output 1
header Trailer X-Stream-Error
route POST '/add?no-pin=true&progress=true&local=true' 200 $json "$row or $moved" -F $readme
holds progress_is_shown jq -es "any($moved) and (.[-1]|$row)" "$work/body"
route POST '/add?no-pin=true&wrap-with-directory=true&cid-version=1' 200 $json '.name=="README.md" or .name==""' -F $readme
holds folder_comes_last jq -es 'length==2 and .[1].name=="" and (.[1].cid|test("^bafy"))' "$work/body"
route POST '/add?no-pin=true&stream-channels=false' 200 $json "type==\"array\" and length==1 and (.[0]|$row)" -F $readme
header Cache-Control no-cache
route POST "/add?user-allocations=$nobody" 400 $json "$(error 400 "this peer knows of no member $nobody")" -F $readme
route POST '/add?layout=zz' 400 $json "$(error 400 'layout parameter is invalid')" -F $readme

# ---- a peer that comes ----
holds third_daemon ipfs_start_standin 3
holds init_third peer_init 3
peer_start 3
happens third_is_alone 30 sees 1 3
route POST /peers 200 $json ".id==\"${id[3]}\" and .addresses==[\"$(peer_address 3)\"] and .error==\"\"" -d "{\"peer_multiaddress\":\"$(peer_address 3)\"}"
happens it_is_there 40 sees 3 1 2 3

# ---- a peer that is gone ----
peer_kill 2
route GET /peers 200 $json 'if .error=="" then (.peername|test("^peer-[13]$")) else .addresses==null and .cluster_peers==null and .ipfs=={"addresses":null,"error":""} and .peername=="peer-2" end'
route GET /health/graph 200 $json ".cluster_links[\"${id[2]}\"]==[] and (.id_to_peername|has(\"${id[2]}\")|not)"
route POST /ipfs/gc 200 $json ".peer_map[\"${id[2]}\"] | .peername==\"peer-2\" and .keys==[] and (.error|length>0)"
finish

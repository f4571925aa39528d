#!/bin/bash
# /metrics, on the REST API and on an address of its own: the text format, line by line; names that dashboards know; numbers
# that follow what happens; every name that is said is in docs/METRICS.md, and the other way round.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

holds ipfs ipfs_start 1
holds init peer_init 1
free_port
jq ".observations.metrics.enable_stats = true | .observations.metrics.prometheus_endpoint = \"/ip4/127.0.0.1/tcp/$port\" |
    .api.restapi.basic_auth_credentials = {\"ann\": \"secret\"}" "$work/peer1/service.json" >"$work/wanted.json"
cp "$work/wanted.json" "$work/peer1/service.json"
peer_start 1
happens ready 20 grep -q READY "$work/peer1.log"

scrape() { curl -sSf -m 20 "http://127.0.0.1:$port/metrics"; }
# Prints what is wrong with the text on stdin (version 0.0.4): HELP and TYPE once a name and in front of it, names that stand
# together, labels, numbers, no line twice, counters of our own in _total.
parse() {
    awk '
    function wrong(what) { print NR ": " what ": " $0 }
    /^# HELP / { name = $3; if (NF < 4) wrong("no help"); if (name in helped) wrong("helped twice"); helped[name] = 1; next }
    /^# TYPE / { if ($3 != name) wrong("TYPE of another name"); if ($4 !~ /^(counter|gauge)$/) wrong("type"); type[$3] = $4
        if ($3 ~ /^holdfast_/ && ($4 == "counter") != ($3 ~ /_total$/)) wrong("name of a counter"); next }
    /^#/ || /^$/ { wrong("no comment of ours"); next }
    !/^[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9]+(\.[0-9]+)?$/ { wrong("syntax"); next }
    { of = $0; sub(/[{ ].*/, "", of); if (of != name || !(of in type)) wrong("name"); key = $0; sub(/ [^ ]*$/, "", key)
        if (key in seen) wrong("twice"); seen[key] = 1; rows++ }
    END { if (rows < 40) print "only " rows + 0 " numbers" }'
}
value() { scrape | awk -v key="$1" '{ number = $NF; sub(/ [^ ]*$/, "") } $0 == key { print number }'; }
is() { [ "$(value "$1")" = "$2" ]; }

holds answers scrape
count format "$(scrape | parse)"
# The parser sees what it should see.
notices() { [ -n "$(printf '%s\n' "$@" | parse | grep -v 'only')" ]; }
holds parser_type notices '# HELP a x' '# TYPE b gauge' 'a 1'
holds parser_number notices '# HELP a x' '# TYPE a gauge' 'a x'
holds parser_label notices '# HELP a x' '# TYPE a gauge' 'a{b=c} 1'
holds parser_twice notices '# HELP a x' '# TYPE a gauge' 'a{b="c"} 1' 'a{b="c"} 2'
holds content_type eval "curl -sS -D - -o /dev/null 'http://127.0.0.1:$port/metrics' | grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8'"
holds nothing_else eval "curl -sS 'http://127.0.0.1:$port/id' | grep -q 'not found'"
holds users eval "curl -sS 'http://127.0.0.1:${rest[1]}/metrics' | grep -q 'no auth provided'"
count format_on_the_api "$(curl -sSf -u ann:secret "http://127.0.0.1:${rest[1]}/metrics" | parse)"

holds no_pin is ipfscluster_pins 0
holds leads is holdfast_raft_is_leader 1
holds votes is 'holdfast_members{role="voter"}' 1
cid=$(ipfs_add 1 'a pin that is counted')
holds pin curl -sSf -u ann:secret -X POST "http://127.0.0.1:${rest[1]}/pins/$cid"
happens pinned 20 is 'holdfast_pins{status="pinned"}' 1
holds one_pin is ipfscluster_pins 1
holds one_in_ipfs is ipfscluster_pins_ipfs_pins 1
holds one_asked_for is ipfscluster_pins_pin_add 1
holds none_failed is ipfscluster_pins_pin_add_errors 0
happens disk 20 eval '[ -n "$(value ipfscluster_informer_disk)" ]'

documented() { grep -o '`[a-z_]*\({[a-z,]*}\)\?`' docs/METRICS.md | tr -d '`' | sed 's/{.*//' | grep -E '^(ipfscluster|holdfast)_' |
    grep -v '^ipfscluster_blocks_' | sort -u; }
said() { scrape | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' | sort -u; }
count documented "$(diff <(documented) <(said))"
holds clean_stop peer_stop 1
finish

#!/bin/bash
# Who does not know the cluster's secret gets nothing from the cluster port: not a peer with another secret, not one with
# none, not somebody who sends noise, a beginning and no end, or nothing at all. The connection ends, the log has one line
# for a run of them, and the peers go on. (What a stranger who does know the secret may ask: tests/unit.)
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

refusals() { grep -ac 'WARN.*refused' "$work/peer1.log"; }

# ends_the_connection COMMAND...: what it prints is sent to peer 1's cluster port; the peer closes the connection. What
# the peer said before is in $work/heard.
ends_the_connection() {
    exec 3<>"/dev/tcp/127.0.0.1/${cluster[1]}" || return 1
    ("$@" >&3 2>/dev/null) # a shell of its own: it may be told of a broken pipe
    timeout 20 cat <&3 >"$work/heard"
    local code=$?
    exec 3>&-
    [ $code -ne 124 ] # 1: it was reset, which is fine too
}
nothing() { :; }
noise() { head -c "$1" /dev/urandom; }
other_protocol() { printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n%500s' ''; }
# The nonce of a private network, and multistream's first line as one without a secret would send it.
without_secret() { head -c 24 /dev/urandom && printf '\023/multistream/1.0.0\n\007/noise\n'; }
heard_nothing_readable() { ! grep -aE 'multistream|noise|yamux|12D3Koo' "$work/heard"; }

ipfs_start 1
holds init_1 peer_init 1
holds init_2 peer_init 2
peer_start 1
happens alone 30 sees 1 1
peer_start 2 --bootstrap "$(peer_address 1)"
happens who_knows_it_joins 30 sees 2 1 2

right=$secret
secret=$(tr 0-9a-f 1-9a-f0 <<<"$right")
holds init_another peer_init 3
secret=
holds init_none peer_init 4
secret=$right
for n in 3 4; do peer_start $n --bootstrap "$(peer_address 1)"; done
for n in 3 4; do happens "cannot_connect_$n" 20 grep -a 'WARN.*cannot reach' "$work/peer$n.log"; done
holds warned_without_a_secret grep -a 'WARN.*cluster.secret is empty' "$work/peer4.log"
happens refused 20 test "$(refusals)" -ge 1

for what in 'noise 24' 'noise 5000' 'noise 300000' other_protocol without_secret; do
    holds "closed_after_${what/ /_}" ends_the_connection $what
    holds "says_nothing_to_${what/ /_}" heard_nothing_readable
done
# These wait for the handshake's 6 s.
for what in nothing 'noise 3'; do holds "closed_after_${what/ /_}" ends_the_connection $what; done
# A hundred that stay: more than may be there unproven.
held=()
for i in {1..100}; do exec {fd}<>"/dev/tcp/127.0.0.1/${cluster[1]}" && held+=("$fd"); done
peer_kill 2
peer_start 2
happens peers_still_connect 20 sees 2 1 2
for fd in "${held[@]}"; do exec {fd}>&-; done
holds few_lines_for_all_that test "$(refusals)" -le 12
cid=$(ipfs_add 1 "after all that")
holds pins_after_all_that ctl_at 2 pin add --no-status "$cid"

# Those without the secret have learned nothing, and give up.
for n in 3 4; do
    holds "gives_up_$n" peer_ends $n 60
    holds "with_code_1_$n" test "${code:-}" = 1
    holds "with_words_$n" grep -a 'same list and secret' "$work/peer$n.log"
    holds "has_no_cluster_$n" test ! -e "$work/peer$n/cluster_id"
done
holds nobody_joined sees 2 1 2
for n in 1 2; do holds "end_$n" peer_stop $n; done
finish

#!/bin/bash
# tests/clients/p2p.sh BUILD   (called by `make interop`)
# Our libp2p (BUILD/tests/p2p_echo) against js-libp2p, each as listener and as dialer: with a pre-shared key, another
# one, none; with and without early muxer negotiation; another identity than the one dialled; echoes of 0 bytes to
# 4 MiB, many streams. js-libp2p is installed under BUILD. Last line: "N passed, N failed".
# Without Node or npm it says so and passes, except where CI=true.
set -u
cd "$(dirname "$0")/../.."
build=$1
here=tests/clients
js=$build/clients/p2p
ours=$build/tests/p2p_echo
passed=0 failed=0
pids=()

cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
}
trap cleanup EXIT

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "interop: Node or npm is missing, js-libp2p is not tried"
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi

install_js() {
    mkdir -p "$js"
    cp $here/*.mjs "$js/"
    cmp -s $here/package-p2p.json "$js/package.json" && [ -d "$js/node_modules/libp2p" ] && return
    cp $here/package-p2p.json "$js/package.json"
    (cd "$js" && timeout 300 npm install --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1) ||
        { tail -n 20 "$js/npm.log" >&2; rm -f "$js/package.json"; return 1; }
}

PSK1=dffb7e3135399a8b1612b2aaca1c36a3a8ac2cd0cca51ceeb2ced87d308cac6d
PSK2=00fb7e3135399a8b1612b2aaca1c36a3a8ac2cd0cca51ceeb2ced87d308cac6d

# listen NAME=VALUE... COMMAND...: starts a listener and sets $address; its output is in $log.
listen() {
    log=$build/clients/listener.$((${#pids[@]})).log
    timeout 300 env "$@" >"$log" 2>&1 </dev/null &
    pids+=($!)
    for _ in $(seq 200); do
        address=$(sed -n 's/^LISTEN //p' "$log" 2>/dev/null | head -n 1)
        [ -n "$address" ] && return
        sleep 0.05 # looks again; nothing depends on how long it is
    done
    echo "interop: the listener did not come up:" >&2
    cat "$log" >&2
    exit 1
}

# check WHAT NAME=VALUE... COMMAND...
check() {
    local what=$1 out
    shift
    if out=$(timeout 180 env "$@" 2>&1 </dev/null); then
        echo "ok   $what"
        passed=$((passed + 1))
    else
        echo "FAIL $what"
        printf '%s\n' "$out" | grep -v '^PASS' | head -n 30
        failed=$((failed + 1))
    fi
}

js_dial=(node "$js/p2p-dial.mjs")
js_listen=(node "$js/p2p-listen.mjs")
stranger=12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5

install_js || { echo "interop: npm install failed" >&2; exit 1; }

listen PSK=$PSK1 "$ours" listen
check 'js dials us, with the key' PSK=$PSK1 ECHO=1 NO_IDENTIFY=1 "${js_dial[@]}" "$address"
check 'js dials us, selecting the muxer in the channel' PSK=$PSK1 NO_EARLY_MUXER=1 ECHO=1 NO_IDENTIFY=1 "${js_dial[@]}" "$address"
check 'js dials us with another key and fails' PSK=$PSK2 EXPECT=fail "${js_dial[@]}" "$address"
check 'js dials us without a key and fails' EXPECT=fail "${js_dial[@]}" "$address"
check 'js dials another identity at our address and fails' PSK=$PSK1 EXPECT=fail "${js_dial[@]}" "${address%/p2p/*}/p2p/$stranger"
check 'we dial ourselves' PSK=$PSK1 "$ours" dial "$address"

listen PSK=$PSK1 NO_EARLY_MUXER=1 "$ours" listen
check 'js dials us, who list no muxer' PSK=$PSK1 ECHO=1 NO_IDENTIFY=1 "${js_dial[@]}" "$address"

listen "$ours" listen
check 'js dials us, no keys' ECHO=1 NO_IDENTIFY=1 "${js_dial[@]}" "$address"

listen PSK=$PSK1 "${js_listen[@]}"
check 'we dial js, with the key' PSK=$PSK1 "$ours" dial "$address"
check 'we dial js, listing no muxer' PSK=$PSK1 NO_EARLY_MUXER=1 "$ours" dial "$address"
check 'we dial js with another key and fail' PSK=$PSK2 EXPECT=fail "$ours" dial "$address"
check 'we dial js without a key and fail' EXPECT=fail "$ours" dial "$address"
check 'we dial another identity at its address and fail' PSK=$PSK1 EXPECT=fail "$ours" dial "${address%/p2p/*}/p2p/$stranger"

listen PSK=$PSK1 NO_EARLY_MUXER=1 "${js_listen[@]}"
check 'we dial js, which lists no muxer' PSK=$PSK1 "$ours" dial "$address"

listen "${js_listen[@]}"
check 'we dial js, no keys' "$ours" dial "$address"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

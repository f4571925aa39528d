#!/bin/bash
# The REST API over TLS, on several addresses and a unix socket, with users: what curl and ipfs-cluster-ctl see, what a
# stranger sees, and what never stands in the log.
. tests/system/lib/check.bash
. tests/system/lib/cluster.bash
at_end cluster_end

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
holds init peer_init 1
free_port
second=$port
cp "$work/key.pem" "$work/cert.pem" "$work/peer1/"
password="s3cret:Passw0rd"
jq ".api.restapi.ssl_cert_file = \"cert.pem\" | .api.restapi.ssl_key_file = \"$work/peer1/key.pem\" |
    .api.restapi.basic_auth_credentials = {\"ann\": \"$password\", \"bob\": \"other\"} |
    .api.restapi.headers = {\"X-Served-By\": [\"peer-1\"]} |
    .api.restapi.http_listen_multiaddress = [\"/ip4/127.0.0.1/tcp/${rest[1]}\", \"/ip4/127.0.0.1/tcp/$second\",
        \"/unix$work/api.sock\"]" "$work/peer1/service.json" >"$work/wanted.json"
cp "$work/wanted.json" "$work/peer1/service.json"
holds ipfs ipfs_start 1
IPFS_CLUSTER_LOG_LEVEL=debug peer_start 1
happens ready 20 grep -q READY "$work/peer1.log"

asks() { # asks PATH [curl's options]: the body, and the status in a last line
    local path=$1
    shift
    curl -sS -m 20 --cacert "$work/cert.pem" -w '\n%{http_code}' "$@" "https://127.0.0.1:${rest[1]}$path"
}
answers() { # answers NAME STATUS WORDS PATH [curl's options]
    local name=$1 status=$2 words=$3 said
    shift 3
    said=$(asks "$@" 2>&1)
    [ "${said##*$'\n'}" = "$status" ] && grep -qF -- "$words" <<<"$said"
    count "$name" "$([ $? -eq 0 ] || echo "not $status '$words': ${said:0:500}")"
}

# ---- who may come in ----
answers stranger 401 'no auth provided' /id
answers stranger_nowhere 401 'no auth provided' /nowhere
answers health 204 '' /health
answers password 200 '"peername":"peer-1"' /id -u "ann:$password"
answers wrong_password 401 'access denied' /id -u ann:guess
answers empty_password 401 'access denied' /id -u ann:
answers headers 204 'X-Served-By: peer-1' /health -i
token=$(asks /token -X POST -u bob:other | sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
answers token 200 '"version"' /version -H "Authorization: Bearer $token"
answers token_for_token 200 "$token" /token -X POST -H "Authorization: Bearer $token"
answers forged 401 'invalid token' /version -H "Authorization: Bearer ${token%.*}.AAAA"
answers of_no_key 401 'invalid token' /version -H \
    'Authorization: Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJib2IifQ.'
answers page 200 'Access-Control-Allow-Origin: *' /version -i -u bob:other -H 'Origin: https://page.example'
answers preflight 204 'Access-Control-Allow-Methods: GET' /version -i -X OPTIONS -H 'Origin: https://page.example' \
    -H 'Access-Control-Request-Method: GET'

# ---- every address ----
holds second curl -sSf --cacert "$work/cert.pem" -u bob:other "https://localhost:$second/version"
holds socket curl -sSf --cacert "$work/cert.pem" -u bob:other --unix-socket "$work/api.sock" https://localhost/version
holds tls12 curl -sSf --cacert "$work/cert.pem" -u bob:other --tls-max 1.2 "https://localhost:$second/version"
says_plain() { curl -sS "http://127.0.0.1:$second/version" | grep -q 'HTTP request to an HTTPS server'; }
holds plain_http says_plain
pinned=$(ipfs_add 1 hello)
answers pin 200 "\"cid\":\"$pinned\"" "/pins/$pinned" -X POST -u bob:other

# ---- ipfs-cluster-ctl ----
tls_ctl() { "$ctl" --host "/ip4/127.0.0.1/tcp/${rest[1]}" --timeout 20 "$@"; }
fails() { # fails NAME CODE WORDS COMMAND...
    local name=$1 code=$2 words=$3 real
    shift 3
    "$@" >"$work/said" 2>&1 </dev/null
    real=$?
    [ $real -eq "$code" ] && grep -qF -- "$words" "$work/said"
    count "$name" "$([ $? -eq 0 ] || echo "exit code $real, not '$words': $(cat "$work/said")")"
}
export SSL_CERT_FILE=$work/cert.pem
holds ctl tls_ctl --basic-auth "ann:$password" id
CLUSTER_CREDENTIALS=bob:other holds ctl_environment tls_ctl pin ls
unset SSL_CERT_FILE
fails ctl_untrusted 1 '--no-check-certificate' tls_ctl --basic-auth bob:other id
holds ctl_by_its_address "$ctl" --host "/ip4/127.0.0.1/tcp/${rest[1]}/https" --timeout 20 --no-check-certificate --force-http --basic-auth bob:other id
holds ctl_trusts_anyone tls_ctl --no-check-certificate --basic-auth bob:other id
fails ctl_stranger 2 '--basic-auth USER:PASSWORD' tls_ctl --https --no-check-certificate id
fails ctl_wrong_password 2 'access denied' tls_ctl --no-check-certificate --basic-auth bob:guess id
fails ctl_plain 2 'Give --https' tls_ctl id
fails ctl_forced_plain 2 'Give --https' tls_ctl --force-http --basic-auth bob:other id
CLUSTER_CREDENTIALS="ann:$password" fails ctl_says_no_password 0 'GET: https://' tls_ctl --debug \
    --no-check-certificate id
quiet() { ! grep -aqF -e "$password" -e "$token" "$work/peer1.log" "$work/said"; }
holds nothing_in_the_log quiet

# ---- what the peer refuses to start with ----
holds stop peer_stop 1
holds the_socket_is_gone test ! -e "$work/api.sock"
refused() { # refused NAME WORDS FILTER: service.json changed by the filter
    local real
    jq "$3" "$work/wanted.json" >"$work/peer1/service.json"
    timeout 20 "$service" -c "$work/peer1" daemon >"$work/said" 2>&1 </dev/null
    real=$?
    [ $real -eq 1 ] && grep -qF -- "$2" "$work/said"
    count "$1" "$([ $? -eq 0 ] || echo "exit code $real, not '$2': $(cat "$work/said")")"
}
refused no_file 'nowhere.pem: No such file' '.api.restapi.ssl_cert_file = "nowhere.pem"'
refused no_certificate 'no certificate in PEM form' '.api.restapi.ssl_cert_file = "key.pem"'
refused no_key 'ssl_key_file' 'del(.api.restapi.ssl_key_file)'
refused no_users 'basic_auth_credentials' '.api.restapi.basic_auth_credentials = {}'
finish

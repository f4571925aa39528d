# check.bash -- sourced by the system tests: a folder of their own, checks that are counted, and a clean end.
#   $build                            where the programs are
#   $work                             $build/system/NAME, fresh; it stays when a check failed
#   check NAME CODE OUTPUT COMMAND..  the command ends with CODE and prints exactly OUTPUT (and a line feed, unless it
#                                     is empty); what it says on stderr is in $work/stderr
#   holds NAME COMMAND...             the command succeeds
#   happens NAME SECONDS COMMAND...   the command succeeds in the end: it is tried again and again, so long at most
#   at_end COMMAND                    runs at the end, whatever happens
# A script ends with `finish`.
set -u
build=$PWD/${BUILD:-build}
work=$build/system/$(basename "$0" .sh)
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0 is_finished=
ends=()

at_end() { ends+=("$1"); }
clean_up() {
    trap - EXIT
    for command in "${ends[@]}"; do eval "$command"; done
    if [ -n "$is_finished" ] && [ "$failed" -eq 0 ]; then rm -rf "$work"; fi
}
trap clean_up EXIT
trap 'exit 1' INT TERM

count() { # count NAME FINDINGS
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n%s\n' "$1" "$2"
    fi
}

check() {
    local name=$1 code=$2 output=$3 real findings=
    shift 3
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
    real=$?
    [ "$real" -eq "$code" ] || findings="exit code $real, not $code; stderr: $(cat "$work/stderr")"
    printf '%s' "$output${output:+
}" >"$work/expected"
    cmp -s "$work/expected" "$work/stdout" || findings="$findings
$(diff "$work/expected" "$work/stdout")"
    count "$name" "$findings"
}

holds() {
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1; then count "$name" ''; else count "$name" "failed: $* $(cat "$work/said")"; fi
}

happens() {
    local name=$1 limit=$((SECONDS + $2))
    shift 2
    until "$@" >"$work/said" 2>&1; do
        [ $SECONDS -lt $limit ] || { count "$name" "did not happen: $* $(cat "$work/said")"; return 1; }
        sleep 0.1 # and looks again; nothing depends on how long it is
    done
    count "$name" ''
}

finish() {
    is_finished=1
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

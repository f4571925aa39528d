# check.bash -- sourced by the system tests: a folder of their own, checks that are counted, and a clean end.
#   $work                             a fresh folder, removed at the end
#   $build                            where the programs are
#   check NAME CODE OUTPUT COMMAND..  the command ends with CODE and prints exactly OUTPUT (and a line feed, unless it
#                                     is empty); what it says on stderr is in $work/stderr
#   holds NAME COMMAND...             the command succeeds
#   at_end COMMAND                    runs at the end, whatever happens
# A script ends with `finish`.
set -u
build=$PWD/${BUILD:-build}
work=$(mktemp -d)
passed=0 failed=0
ends=()

at_end() { ends+=("$1"); }
clean_up() {
    trap - EXIT
    for command in "${ends[@]}"; do eval "$command"; done
    rm -rf "$work"
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

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

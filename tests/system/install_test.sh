#!/bin/bash
# `make install` puts everything where it belongs; the manual pages are sound; bash completes what the programs know; the
# unit is one that systemd takes.
. tests/system/lib/check.bash
to=$work/root

holds install make -s B="$build" DESTDIR="$to" PREFIX=/usr install
for file in bin/ipfs-cluster-service bin/ipfs-cluster-ctl share/man/man1/ipfs-cluster-service.1 share/man/man1/ipfs-cluster-ctl.1 \
    share/bash-completion/completions/ipfs-cluster-ctl lib/systemd/system/ipfs-cluster.service share/doc/holdfast/CONFIG.md; do
    holds "has_$file" test -s "$to/usr/$file"
done
holds runs "$to/usr/bin/ipfs-cluster-service" --version
holds unit_names_it grep -qx 'ExecStart=/usr/bin/ipfs-cluster-service daemon' "$to/usr/lib/systemd/system/ipfs-cluster.service"
holds nothing_is_left_to_fill_in eval '! grep -r "@PREFIX@" "$to"'

# ---- manual pages ----
for page in "$to"/usr/share/man/man1/*.1; do
    holds "lint_$(basename "$page")" mandoc -T lint -W warning,stop "$page"
done

# ---- completion ----
completes() { # completes NAME WANT WORD...: the last word is being typed
    local name=$1 want=$2 got
    shift 2
    got=$(bash -c 'set -u; . "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_${1//-/_}"; echo "${COMPREPLY[*]:-}"' - \
        "$to/usr/share/bash-completion/completions/$1" "$@" 2>&1)
    count "completes_$name" "$([ "$got" = "$want" ] || echo "'$got', not '$want'")"
}
ctl=ipfs-cluster-ctl service=ipfs-cluster-service
completes command 'peers pin' $ctl p
completes under_a_group 'metrics' $ctl health m
completes behind_a_flag_with_value 'pin' $ctl --host x pi
completes behind_a_flag_without 'pin' $ctl --debug pi
completes flag '--replication --replication-min --replication-max' $ctl pin add --repl
completes global_flag '--timeout' $ctl pin add --ti
completes choice 'text json' $ctl --enc ''
completes choice_begun 'direct' $ctl pin add --mode d
completes no_value '' $ctl pin add --name ''
completes service_command 'daemon' $service dae
completes service_group 'show reference' $service config ''
completes hidden_is_not_offered '' $service daemon --upg
cd "$to/usr" || exit 1
completes file 'share' $ctl state import sh
completes file_of_flag 'share' $ctl state export -f sh
completes folder 'share' $service --config sh
cd - >/dev/null || exit 1

# ---- systemd ----
if command -v systemd-analyze >/dev/null; then
    sed -i "s:=/usr/bin:=$to/usr/bin:" "$to/usr/lib/systemd/system/ipfs-cluster.service"
    systemd-analyze verify --man=no "$to/usr/lib/systemd/system/ipfs-cluster.service" >"$work/verify" 2>&1
    holds unit_is_sound eval '! grep ipfs-cluster.service: "$work/verify"'
else
    echo "note: systemd-analyze is not here: the unit was not checked"
fi
holds uninstall make -s B="$build" DESTDIR="$to" PREFIX=/usr uninstall
holds nothing_is_left test -z "$(find "$to" -type f)"

finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries the units of the .deb under the systemd of a fresh Debian in a container: starts, restarts and
# stops them, lets the flight recorder write a file, and looks for what is left in tracefs.  It is this
# machine's kernel that is traced.  Needs root, and tracefs at its usual place.
#
# usage: try-units.sh DIRECTORY [SUITE]; exit code 4: there is no archive of SUITE in reach
#   DIRECTORY   with what build-deb.sh made for SUITE (default: bookworm)
# environment:
#   ROOT        a system of SUITE with systemd, which is copied instead of making one
#   KEEP        a directory for what the snapshot wrote
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$source/packaging/deps.sh"
. "$source/packaging/ci/chroot.sh"

packages=${1:?usage: try-units.sh DIRECTORY [SUITE]}
suite=${2:-bookworm}
# shellcheck disable=SC2086,SC2154
install_packages $chroot_packages systemd-container
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
if [ -n "${ROOT-}" ]; then
  cp -a "$ROOT" "$root"
else
  make_chroot "$suite" "$root" systemd systemd-sysv dbus util-linux
fi
mkdir -p "$root/try"
cp "$packages"/wqprof_*.deb "$root/try"
cat >"$root/etc/systemd/system/try.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh -e /try/all >/try/out 2>&1; echo $? >/try/exit; systemctl poweroff --force'
[Install]
WantedBy=multi-user.target
UNIT
cat >"$root/try/install" <<'INSTALL'
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null 2>&1 || exit 4
apt-get -q -y install --no-install-recommends /try/wqprof_*.deb >/try/apt.log 2>&1 ||
  { cat /try/apt.log; exit 1; }
systemctl -q enable try.service
INSTALL
cat >"$root/try/all" <<'ALL'
tracing=/sys/kernel/tracing
# This container's alone: what else runs on the machine may record, too.
instances() { for pid in $(systemctl show -P MainPID wqprof-watch) $seen; do ls -d $tracing/instances/wqprof-$pid-* 2>/dev/null; done | sort -u; }
fail() { echo "FAILED: $*"; journalctl --no-pager -q -u 'wqprof*' | tail -n 40; exit 1; }
is() { [ "$(systemctl is-active "$1")" = "$2" ] || fail "$1 is $(systemctl is-active "$1"), not $2"; }
until_true() { for _ in $(seq 60); do if eval "$1"; then return 0; fi; sleep 1; done; fail "never: $1"; }
pid() { systemctl show -P MainPID wqprof-watch; }
seen=

systemctl --version | head -n 1
for unit in wqprof-watch.service wqprof-snapshot.timer; do
  [ "$(systemctl is-enabled $unit)" = disabled ] || fail "$unit is enabled"
  is $unit inactive
done

systemctl start wqprof-watch
until_true '[ -n "$(instances)" ]'
seen=$(pid)
grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$seen/status"
systemctl restart wqprof-watch
is wqprof-watch active
until_true '[ "$(instances | wc -l)" = 1 ]'
seen="$seen $(pid)"
systemctl stop wqprof-watch
is wqprof-watch inactive
[ -z "$(instances)" ] || fail "left: $(instances)"

# What anything meets, so that a file is written.
mkdir -p /run/systemd/system/wqprof-watch.service.d
cat >/run/systemd/system/wqprof-watch.service.d/any.conf <<'CONDITION'
[Service]
ExecStart=
ExecStart=wqprof watch --on 'latency > 1ns' --after 1s --count 1 -o ${STATE_DIRECTORY}
CONDITION
systemctl daemon-reload
systemctl start wqprof-watch
until_true '[ -n "$(ls /var/lib/wqprof-watch/*.dat 2>/dev/null)" ]'
until_true '[ "$(systemctl is-active wqprof-watch)" = inactive ]'
wqprof report /var/lib/wqprof-watch/*.dat | head -n 1
wqprof works --format csv /var/lib/wqprof-watch/*.dat | grep -q '[a-z]_[a-z]' || fail 'functions have no names'

# The timer's own way, but at once.
mkdir -p /run/systemd/system/wqprof-snapshot.timer.d
cat >/run/systemd/system/wqprof-snapshot.timer.d/soon.conf <<'SOON'
[Timer]
OnActiveSec=1s
RandomizedDelaySec=0
SOON
systemctl daemon-reload
systemctl start wqprof-snapshot.timer
is wqprof-snapshot.timer active
until_true '[ -n "$(ls /var/lib/wqprof-snapshot/spool/*.ndjson 2>/dev/null)" ]'
until_true '[ "$(systemctl is-active wqprof-snapshot.service)" = inactive ]'
wqprof merge /var/lib/wqprof-snapshot/spool | head -n 1
grep -q '^wqprof_' /var/lib/wqprof-snapshot/textfile/wqprof.prom || fail 'no counters'
systemctl stop wqprof-snapshot.timer
is wqprof-snapshot.timer inactive
is wqprof-snapshot.service inactive
if journalctl --no-pager -q -u 'wqprof*' | grep -i 'hides its symbols'; then exit 1; fi
[ -z "$(instances)" ] || fail "left: $(instances)"
echo 'stopped:   nothing is left'
ALL
in_chroot "$root" sh /try/install
timeout -k 5 300 systemd-nspawn -q -D "$root" --register=no --keep-unit --capability=all \
  --bind=/sys/kernel/tracing -b --console=pipe </dev/null >"$work/console" 2>&1 || cat "$work/console" >&2
cat "$root/try/out"
[ -z "${KEEP-}" ] || cp -r "$root/var/lib/wqprof-snapshot" "$KEEP"
exit "$(cat "$root/try/exit")"

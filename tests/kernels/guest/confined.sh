#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# confined.sh: in the guest, loads the AppArmor profile from ./policy, and runs commands of wqprof
# under it.  Each leaves in /out/NAME/ what it printed, its exit code, and what was denied meanwhile.
set -u
security=/sys/kernel/security
wqprof=/usr/bin/wqprof

# run NAME CMD...
run() {
  out=/out/$1
  shift
  mkdir -p "$out"
  dmesg -c >/dev/null
  "$@" >"$out/stdout" 2>"$out/stderr" </dev/null
  echo $? >"$out/exit"
  dmesg | grep 'apparmor="DENIED"' >"$out/denied"
}

# Called through run.
# shellcheck disable=SC2317
piped() { $wqprof report - <"$1"; }

# Twice, so that the second finds what belongs to the caller.
# shellcheck disable=SC2317
as_by_sudo() {
  export SUDO_UID=1000 SUDO_GID=1000
  $wqprof record -d 100ms -o a.dat && $wqprof record -d 100ms -o a.dat && ls -ln
}

mount -t securityfs none $security
grep -q apparmor $security/lsm || exit 4
echo 0 >/proc/sys/kernel/printk_ratelimit
cat policy >$security/apparmor/.replace || exit
mkdir -p /usr/bin /home/user /srv /etc /var/lib/private/wqprof-watch /var/lib/wqprof-snapshot/textfile
mv wqprof $wqprof
chown 1000:1000 /home/user
cd /home/user || exit

# shellcheck disable=SC2016
run label $wqprof record -q -o /srv/label.dat -- \
  sh -c 'cat /proc/$PPID/attr/current /proc/self/attr/current'
run record $wqprof record -d 1s -o /tmp/a.dat
run report $wqprof report /tmp/a.dat
run works $wqprof works /tmp/a.dat
run page $wqprof report --html /tmp/a.html /tmp/a.dat
run pipe piped /tmp/a.dat
run stat $wqprof stat -d 1s
run top $wqprof top --once
run doctor $wqprof doctor
run user as_by_sudo
run watch $wqprof watch --on 'latency > 1ns' --after 1s --count 1 -o /var/lib/private/wqprof-watch
run snapshot $wqprof snapshot -d 1s --textfile /var/lib/wqprof-snapshot/textfile

run again $wqprof record -q -d 100ms -o /srv/label.dat
run elsewhere $wqprof record -d 1s -o /etc/a.dat
# As if something had taken wqprof over: other programs run as it.
cp /bin/busybox $wqprof
mkdir /taken
ln -s $wqprof /taken/sh
ln -s $wqprof /taken/insmod
echo before >/etc/shadow
run shadow /taken/sh -c 'echo after >/etc/shadow'
run module /taken/insmod /lib/modules/virtio.ko
cat /etc/shadow >/out/shadow/holds
exit 0

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# flushes.sh: in the guest, records who waits in flushes while terminals are opened and closed, and
# while caches are dropped.  Leaves in /out what wqprof printed, and the recording.
set -u

# run NAME CMD...
run() {
  out=/out/$1
  shift
  mkdir -p "$out"
  "$@" >"$out/stdout" 2>"$out/stderr" </dev/null
  echo $? >"$out/exit"
}

run record wqprof record --flushes=1us -o /out/flushes.dat -- sh -c '
  for i in 1 2 3 4 5 6 7 8; do ./pty_load 200 4; done
  echo 1 >/proc/sys/vm/drop_caches'
run json wqprof report --format json /out/flushes.dat
run text wqprof report --by flush /out/flushes.dat
run plain wqprof record -d 100ms -o /tmp/plain.dat
run without wqprof report --by flush /tmp/plain.dat
run clock wqprof record --flushes --clock local -d 100ms -o /tmp/local.dat
run stat wqprof stat --flushes=1us --format json -- sh -c '
  for i in 1 2 3 4; do ./pty_load 200 4; done
  echo 1 >/proc/sys/vm/drop_caches'
run watch sh -c '(while [ ! -e /tmp/watched ]; do ./pty_load 200 4; done >/dev/null) &
  wqprof watch --flushes=1us --on "latency > 1ns" --after 3s --count 1 -d 60s -o /out/found
  code=$?; touch /tmp/watched; wait; exit $code'
run found sh -c 'wqprof report --format json /out/found/*.dat'
run doctor wqprof doctor --format json
cp /proc/version /out/version
exit 0

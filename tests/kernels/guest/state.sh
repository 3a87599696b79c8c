#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# state.sh: in the guest, looks at the pools while a real-time task keeps CPU 1 from a work that it
# queued there, and tries the kernel's counters.  Each leaves in /out/ what it printed and its exit code.
set -u
# The task shall keep its CPU, as nothing else is in this machine: neither are real-time tasks throttled, nor
# has the kernel a server for others (since Linux 6.12), which would let the work through within a second.
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
for server in /sys/kernel/debug/sched/*_server/cpu*/runtime; do
  [ ! -e "$server" ] || echo 0 >"$server"
done

# run NAME CMD...: from CPU 0.
run() {
  out=/out/$1
  shift
  mkdir -p "$out"
  taskset 1 "$@" >"$out/stdout" 2>"$out/stderr" </dev/null
  echo $? >"$out/exit"
}

./stall_load 1 900000 &
load=$!
# Until it has its CPU, and its work waits.
looks=0
while [ "$looks" != 40 ]; do
  looks=$((looks + 1))
  sleep 0.2
  # A kernel with PREEMPT_RT has threads of this priority at whose work RCU waits, and so does who loads a
  # BPF program: they take turns with the load; workers, which have none, still wait.
  taskset 1 chrt -r -p 1 "$load"
  taskset 1 wqprof state 2>/dev/null | grep -q aio_fsync_work && break
done
run json wqprof state --format json
run text wqprof state
kill -KILL "$load"
wait
run counters wqprof top --counters --once
cp /proc/version /out/version
exit 0

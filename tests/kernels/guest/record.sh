#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# record.sh SCENARIO...: in the guest, records scenarios of wqtruth, each into /out/SCENARIO/: with
# wqprof (wqprof.dat) and with trace-cmd (trace-cmd.dat) at the same time, beside the module's truth.
set -u
truth=/sys/kernel/debug/wqtruth
events="-e workqueue -e sched:sched_switch -e sched:sched_waking -e sched:sched_wakeup
  -e sched:sched_wakeup_new -e timer:timer_start -e timer:timer_expire_entry -e irq"

load_module() {
  address_of() { sed -n "s/ [tT] $1\$//p" /proc/kallsyms; }
  insmod wqtruth.ko "freeze_address=0x$(address_of freeze_workqueues_begin)" \
    "thaw_address=0x$(address_of thaw_workqueues)" || exit 1
  # Both recorders copy all symbols into each file, for seconds in an emulator.
  grep -E ' [tTwW] ' /proc/kallsyms |
    grep -v -E ' (__pfx_|__cfi_|__traceiter|__probestub|__SCT|__ia32_|__x32_)' >/tmp/kallsyms
  mount --bind /tmp/kallsyms /proc/kallsyms
  # Where the kernel thinks the CPU slow it takes more for a hog: the fast one's value.
  threshold=/sys/module/workqueue/parameters/cpu_intensive_thresh_us
  [ ! -w "$threshold" ] || echo 10000 >"$threshold"
}

save_truth() {
  cat "$truth/truth" >"$out/truth.csv"
  cat "$truth/ops" >"$out/ops.csv"
}

# The command that plays a scenario, and says that it did.
play() { echo "echo $1 >$truth/run && touch $out/played"; }

# record CLOCK COMMAND: both recorders, while COMMAND runs.
record() {
  # shellcheck disable=SC2086
  wqprof record -q --irqs --timers --clock "$1" -o "$out/wqprof.dat" -- \
    trace-cmd record -q -C "$1" -b 8192 -o "$out/trace-cmd.dat" $events sh -c "$2"
}

run() { record local "$(play "$1")"; }

# kthreadd shall starve on CPU 0, under a task of real-time priority 50.  The rescuer may be woken
# there, too.
run_without_kthreadd() {
  mask=$(taskset -p 2 | sed 's/.*: //')
  rescuer=$(grep -lE '^(wqt_mem|kworker/R-wqt_mem.*)$' /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3)
  taskset -p 1 2 >/dev/null
  for pid in $rescuer; do chrt -f -p 60 "$pid"; done
  record local "taskset 2 sh -c '$(play "$1")'"
  for pid in $rescuer; do chrt -o -p 0 "$pid"; done
  taskset -p "$mask" 2 >/dev/null
}

# Somebody moves the workqueue from CPU to CPU.
run_with_changing_cpumask() {
  mask=/sys/devices/virtual/workqueue/wqt_sysfs/cpumask
  record local "(for cpus in 1 2 3 1 3 2 3; do echo \$cpus >$mask; sleep 0.1; done) &
    $(play "$1"); wait"
  echo 3 >"$mask"
}

# The kernel complains of what is stuck for a second, and the log is kept, if it has a watchdog.
run_with_watchdog() {
  threshold=/sys/module/workqueue/parameters/watchdog_thresh
  if [ ! -e "$threshold" ]; then
    run "$1"
    return
  fi
  before=$(cat $threshold)
  echo 1 >$threshold
  run "$1"
  echo "$before" >$threshold
  dmesg >"$out/dmesg.txt"
}

run_in_mono() {
  echo mono >/sys/module/wqtruth/parameters/clock
  record mono "$(play "$1")"
  echo local >/sys/module/wqtruth/parameters/clock
}

# Who waits in flushes, by a clock that is the module's as well.
run_with_flushes() {
  echo mono >/sys/module/wqtruth/parameters/clock
  wqprof record -q --flushes=20us --clock mono -o "$out/wqprof.dat" -- sh -c \
    "echo flush >$truth/run && echo cancel >$truth/run && $(play destroy)"
  echo local >/sys/module/wqtruth/parameters/clock
}

# The same as where the kernel lets no BPF program be at its functions.
run_with_bounds() {
  export WQPROF_WITHOUT_FENTRY=1
  run_with_flushes
  unset WQPROF_WITHOUT_FENTRY
}

# One second out of the middle of two.
run_cut() {
  sh -c "$(play "$1")" &
  sleep 0.4
  wqprof record -q --sched --clock local -d 1s -o "$out/wqprof.dat"
  wait
}

run_lossy() {
  echo 20000 >/sys/module/wqtruth/parameters/storm
  wqprof record -q --sched --clock local -b 8K -o "$out/wqprof.dat" -- sh -c "$(play "$1")"
}

hostname guest
load_module
failed=0
for scenario in "$@"; do
  out=/out/$scenario
  mkdir -p "$out"
  echo reset >"$truth/run"
  begin=$(cut -d' ' -f1 /proc/uptime)
  case $scenario in
    rescuer | nofork) run_without_kthreadd "$scenario" ;;
    cpumask) run_with_changing_cpumask "$scenario" ;;
    lockup) run_with_watchdog "$scenario" ;;
    mono) run_in_mono chain ;;
    flushes) run_with_flushes ;;
    bounds) run_with_bounds ;;
    cut) run_cut long ;;
    lost) run_lossy storm ;;
    *) run "$scenario" ;;
  esac
  echo "$scenario: exit $?, $begin to $(cut -d' ' -f1 /proc/uptime) s"
  save_truth
  [ -e "$out/played" ] && [ -s "$out/wqprof.dat" ] || failed=1
done
cat /proc/version >/out/version
exit "$failed"

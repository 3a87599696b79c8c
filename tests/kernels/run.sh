#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh WQPROF KERNEL...: boots each KERNEL in QEMU with a module that queues works by script and
# logs what happens; records each of its scenarios there with WQPROF and with trace-cmd; compares
# both recordings with the log, item by item, and what WQPROF says of stalls with what the
# scenarios were made for; and who waited in flushes with what the module waited for.  "state" among
# the scenarios is not the module's: it is what `wqprof state` shows there (state_test.py).
#
# KERNEL is SUITE-FLAVOUR: bullseye-cloud, bookworm-cloud, bookworm-rt, trixie-cloud, sid-cloud...
# environment: CACHE (default: WQPROF's directory, kernels/), SCENARIOS (default: all),
#              FETCH_SECONDS (that fetching a kernel, and building the module, may last), STALL_LOAD
#              (what state_test.py takes; default: tests/live/stall_load beside WQPROF)
# Exits 77 when a kernel, or what boots it, cannot be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ $# -lt 2 ]; then
  sed -n 's/^# \(run.sh.*KERNEL\.\.\.\):.*/usage: \1/p' "$0" >&2
  exit 2
fi
wqprof=$(realpath "$1")
shift
cache=${CACHE:-$(dirname "$wqprof")/kernels}
mkdir -p "$cache"
cache=$(realpath "$cache")
scenarios=${SCENARIOS:-sleep hog ordered delayed self reent cancel flush reuse dstate flags bh chain
  irq mem long rescuer nofork starved bhlate freeze max1 modstorm rcu oncpu destroy names cpumask
  hotplug lockup mono flushes bounds cut lost state}
read -r -d '' -a words <<<"$scenarios" || true
recorded=$(printf '%s\n' "${words[@]}" | grep -vx state | paste -sd ' ') || recorded=

guest() {
  local kernel=$1 suite=${1%-*} flavour=${1##*-}
  shift
  # The suite's own apt sees the kernel's image.
  env APT_CONFIG="$cache/$suite-apt/apt.conf" CACHE="$cache/images" TIMEOUT=900 \
    PACKAGE="linux-image-$flavour-amd64" \
    FILES="$wqprof $(command -v trace-cmd) $(command -v chrt) $cache/$kernel/wqtruth.ko" \
    timeout "${limit:-0}" "$here/../../packaging/ci/guest.sh" "$@"
}

fetch() {
  local limit=${FETCH_SECONDS:-0}
  timeout "$limit" "$here/prepare.sh" "$1" "$cache" && guest "$1" --fetch >/dev/null
}

boot() {
  local kernel=$1 results=$2
  rm -rf "$results"
  mkdir -p "$results"
  # shellcheck disable=SC2086
  guest "$kernel" "$results" -- "$here/guest/record.sh" $recorded
}

check_recordings() {
  local kernel=$1 status=0
  boot "$kernel" "$cache/results/$kernel" || return
  python3 "$here/../lab/check_lab.py" --csv "$cache/table.csv" "$wqprof" \
    "$cache/results/$kernel"/*/ || status=1
  python3 "$here/check_stalls.py" "$wqprof" "$cache/results/$kernel"/*/ || status=1
  for flushing in flushes bounds; do
    case " $scenarios " in *[[:space:]]$flushing[[:space:]]*)
      python3 "$here/check_flushes.py" "$wqprof" "$cache/results/$kernel/$flushing" || status=1 ;;
    esac
  done
  return "$status"
}

check_state() {
  local image
  mapfile -t image < <(guest "$1" --fetch)
  TIMEOUT=900 KERNEL=${image[0]} MODULES=${image[1]} python3 "$here/state_test.py" "$wqprof" \
    "${STALL_LOAD:-$(dirname "$wqprof")/tests/live/stall_load}" "$cache"
}

print_table() {
  awk -F, '{ printf "%-16s %-10s %-14s %6s %11s %7s\n", $1, $2, $3, $4, $5, $6 }' "$cache/table.csv"
}

for tool in qemu-system-x86_64 busybox cpio trace-cmd make; do
  command -v "$tool" >/dev/null || {
    echo "no kernel was booted: $tool is missing"
    exit 77
  }
done
echo kernel,scenario,recording,items,mismatches,doubts >"$cache/table.csv"
status=0
for kernel in "$@"; do
  fetch "$kernel" || {
    status=$?
    case $status in
      4) echo "no kernel was booted: $kernel, or what builds a module for it, cannot be fetched" ;;
      124) echo "no kernel was booted: $kernel was not fetched in $FETCH_SECONDS s" ;;
      *) exit "$status" ;;
    esac
    exit 77
  }
  [ -z "$recorded" ] || check_recordings "$kernel" || status=1
  [ "${scenarios/state/}" = "$scenarios" ] || check_state "$kernel" || status=1
done
print_table
exit "$status"

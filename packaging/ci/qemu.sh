#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds a kernel that need not be this machine's against a latency budget: boots it in QEMU,
# records CMD there, checks the recordings here.  Leaves junit.xml, check.txt, the recordings and
# the guest's console in a directory of artefacts, and exits as `wqprof check` does (3 also when the
# load failed; 4: the kernel did not boot, or could not be recorded).  No root, no KVM.
#
# usage: qemu.sh BUDGET ARTEFACTS -- CMD...
# environment: KERNEL and MODULES, or PACKAGE: the kernel (guest.sh tells of these and of more);
#              WQPROF (the program), RUNS (of CMD, default 1), BASELINE (a directory of *.dat)
# example: KERNEL=arch/x86/boot/bzImage MODULES=mods qemu.sh budget.toml artefacts -- ./load.sh
set -eu

if [ $# -lt 4 ] || [ "$3" != -- ]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi
here=$(dirname "$0")
budget=$1 artefacts=$2
shift 3
WQPROF=$(command -v "${WQPROF:-wqprof}") || {
  echo "qemu.sh: ${WQPROF:-wqprof} is no program. Set WQPROF to wqprof's path" >&2
  exit 2
}
export WQPROF
"$WQPROF" check --lint "$budget"

load=
if [ -f "$1" ]; then
  load=$1
  shift
  set -- "./$(basename "$load")" "$@"
fi
guest=$(mktemp -d)
trap 'rm -rf "$guest"' EXIT
mkdir -p "$artefacts"
code=0
# shellcheck disable=SC2016
FILES="$WQPROF $load ${FILES-}" "$here/guest.sh" "$guest" -- sh -c '
  wqprof=$1 run=1
  shift
  while [ "$run" -le "$0" ]; do
    "$wqprof" record -q -o "/out/run-$run.dat" -- \
      sh -c "\"\$@\" || echo \"run $run: exit \$?\" >>/out/failed" sh "$@" || exit
    run=$((run + 1))
  done' "${RUNS:-1}" "$(basename "$WQPROF")" "$@" || code=$?
for log in console.log dmesg.txt output.txt; do
  if [ -f "$guest/$log" ]; then cp "$guest/$log" "$artefacts/"; fi
done
[ "$code" = 0 ] || exit "$code"
if [ -e "$guest/failed" ]; then
  echo "qemu.sh: the load failed, so that its recordings are no evidence; see output.txt" >&2
  cat "$guest/failed" >&2
  exit 3
fi
"$here/check.sh" "$budget" "$artefacts" "$guest"/*.dat

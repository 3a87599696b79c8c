#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries the static program where nothing else of its libraries is: shows its version, reads the
# sample, records for a second, and reads that.  Needs root.
#
# usage: try-static.sh ARCHIVE PLACE...
#   ARCHIVE   what static.sh made
#   PLACE     empty: a root with nothing but the program, /proc and /sys
#             guest: as a child of init, on a kernel in QEMU (KERNEL and MODULES, or PACKAGE:
#             guest.sh says what these are)
#             else the name of a Debian release, of which a fresh chroot is made
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$source/packaging/deps.sh"
. "$source/packaging/ci/chroot.sh"

if [ $# -lt 2 ]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi
most=10000000
archive=$1
shift
# shellcheck disable=SC2086
install_packages $chroot_packages
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
tar -xf "$archive" -C "$work" --strip-components=1
program=$work/bin/wqprof sample=$work/share/doc/wqprof/examples/hog.dat
size=$(stat -c %s "$program")
[ "$size" -lt "$most" ] || { echo "$0: $size bytes are more than $most" >&2; exit 1; }
if readelf -ld "$program" | grep -E 'INTERP|NEEDED'; then
  echo "$0: the program needs a loader or libraries" >&2
  exit 1
fi
(cd "$(dirname "$sample")" && "$program" report --format json hog.dat) >"$work/expected"

# In a root, which may have no shell.
try_in() {
  cp "$program" "$sample" "$1/"
  mkdir -p "$1/tmp"
  in_chroot "$1" /wqprof --version
  in_chroot "$1" /wqprof report --format json hog.dat | cmp - "$work/expected"
  in_chroot "$1" /wqprof record -d 1s -o /tmp/own.dat
  in_chroot "$1" /wqprof report --top 3 /tmp/own.dat | sed -n 1p
  rm -rf --one-file-system "$1"
}

for place in "$@"; do
  echo "== $place"
  case $place in
    empty)
      mkdir "$work/root"
      try_in "$work/root"
      ;;
    guest)
      FILES="$program $sample" "$source/packaging/ci/guest.sh" "$work/results" -- sh -c '
        uname -r && wqprof --version && wqprof report --format json hog.dat >/out/sample &&
          wqprof record -d 1s -o /out/own.dat && wqprof report --top 3 /out/own.dat | sed -n 1p'
      cmp "$work/results/sample" "$work/expected"
      rm -rf "$work/results"
      ;;
    *)
      make_chroot "$place" "$work/root"
      try_in "$work/root"
      ;;
  esac
done

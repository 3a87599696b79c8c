#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a clean clone to a report of this machine's workqueues: installs what the build needs,
# builds, records five seconds under a small load of its own, prints the report.
#   CI=true                  the objects are those of the packages
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$source/packaging/deps.sh"

seconds=5

# shellcheck disable=SC2086
install_packages $build_packages
# shellcheck disable=SC2086
if [ "$(id -u)" = 0 ] && ! install_packages $bpf_packages; then
  echo "Building without BPF: reports will not know the flags of workqueues." >&2
fi
directory=$(build_root "$source")/release
# All, so that `cmake --install` finds the man pages and completions.
if [ -n "${CI-}" ]; then
  # shellcheck disable=SC2086
  install_packages $deb_packages
  build release "$directory" 'all quickload' -DWQPROF_WERROR=ON -DWQPROF_FAT_OBJECTS=ON \
    -DWQPROF_LTO=OFF -DCMAKE_CXX_FLAGS="$(package_flags "$source")"
else
  build release "$directory" 'all quickload'
fi

wqprof=$directory/wqprof
recording=$directory/quickstart.dat
said=$(mktemp)
trap 'rm -f "$said"' EXIT

status=0
"$wqprof" record -o "$recording" -- "$directory/packaging/quickload" "$seconds" "$directory" \
  2>"$said" || status=$?
case $status in
  0)
    cat "$said" >&2
    "$wqprof" report "$recording"
    printf '\nYour turn: sudo %s record -d 10s && %s report\n' "$wqprof" "$wqprof" >&2
    ;;
  4) # This machine does not let us trace.
    if [ "$(id -u)" != 0 ]; then
      why="only root may record, so run: sudo $0"
    else
      why=$(head -n 1 "$said" | sed 's/^wqprof: //')
    fi
    echo "Not recording this machine ($why); instead, a sample recording:" >&2
    "$wqprof" report "$source/packaging/sample/hog.dat"
    ;;
  *)
    cat "$said" >&2
    exit "$status"
    ;;
esac

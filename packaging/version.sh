#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whether all places that name the version name VERSION (default: CMakeLists.txt's).
#   packaging/version.sh [VERSION]
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cmake=$(sed -n 's/^project(wqprof VERSION \([0-9.]*\) .*/\1/p' "$source/CMakeLists.txt")
version=${1:-$cmake}
status=0
agree() {
  [ "$2" = "$version" ] && return
  echo "$1 has version '$2', not $version" >&2
  status=1
}
agree CMakeLists.txt "$cmake"
agree CHANGELOG.md "$(sed -n 's/^## \([0-9.]*\).*/\1/p' "$source/CHANGELOG.md" | head -n 1)"
agree packaging/debian/changelog \
  "$(sed -n '1s/^wqprof (\([^)]*\)).*/\1/p' "$source/packaging/debian/changelog")"
agree packaging/rpm/wqprof.spec \
  "$(sed -n 's/^Version: *//p' "$source/packaging/rpm/wqprof.spec")"
exit "$status"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds wqprof_VERSION_ARCH.deb and wqprof-doc_VERSION_all.deb of the committed tree, and has
# lintian look at them.
#   packaging/build-deb.sh [DIRECTORY]      where they go (default: build/deb)
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$source/packaging/deps.sh"

# shellcheck disable=SC2086
install_packages $build_packages $deb_packages
out=${1:-$source/build/deb}
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/wqprof"
git -C "$source" archive HEAD | tar -x -C "$work/wqprof"
mv "$work/wqprof/packaging/debian" "$work/wqprof/debian"
# Twice the same bytes from the same commit.
SOURCE_DATE_EPOCH=$(git -C "$source" log -1 --format=%ct)
export SOURCE_DATE_EPOCH
if ! (cd "$work/wqprof" && dpkg-buildpackage -us -uc -b) >"$out/build.log" 2>&1; then
  tail -n 60 "$out/build.log" >&2
  exit 1
fi
mv "$work"/*.deb "$work"/*.changes "$out"
lintian --fail-on error,warning "$out"/*.changes
ls -l "$out"/*.deb

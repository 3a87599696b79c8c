#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds wqprof_VERSION_ARCH.deb and wqprof-doc_VERSION_all.deb of the committed tree, and has
# lintian look at them.
#   packaging/build-deb.sh [DIRECTORY]      where they go (default: build/deb)
#   DEB_VERSION=0.1.0                       the packages' version, if not the changelog's
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$source/packaging/deps.sh"

# shellcheck disable=SC2086
install_packages $build_packages $bpf_packages $deb_packages
out=${1:-$(build_root "$source")/deb}
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
# Twice the same bytes from the same commit.
SOURCE_DATE_EPOCH=$(source_date)
export SOURCE_DATE_EPOCH
work=$(package_directory)
trap 'rm -rf "$work"' EXIT
export_tree "$work/wqprof"
mv "$work/wqprof/packaging/debian" "$work/wqprof/debian"
if [ -n "${DEB_VERSION-}" ]; then
  sed -i "1s/(.*)/($DEB_VERSION)/" "$work/wqprof/debian/changelog"
fi
if ! (cd "$work/wqprof" && dpkg-buildpackage -us -uc -b) >"$out/build.log" 2>&1; then
  tail -n 60 "$out/build.log" >&2
  exit 1
fi
cd "$work"
made=$(ls -- *.deb *.buildinfo *.changes)
# shellcheck disable=SC2086
mv -- $made "$out"
cd "$out"
# shellcheck disable=SC2086
ls -l $made
# shellcheck disable=SC2046
lintian --allow-root --fail-on error,warning $(printf '%s\n' "$made" | grep 'changes$')

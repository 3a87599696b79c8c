#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds one static binary that runs on any Linux of its architecture, and packs it with man pages,
# completions and licences into wqprof-VERSION-ARCH.tar.xz, with SHA256SUMS beside it.
#   packaging/static.sh [DIRECTORY]         where they go (default: build/static-out)
# The same commit gives the same bytes: times come from SOURCE_DATE_EPOCH, by default the commit's.
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$source/packaging/deps.sh"

# shellcheck disable=SC2086
install_packages $build_packages $static_packages
out=${1:-$source/build/static-out}
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$source" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
directory=$(build_root "$source")/static
# No path of this machine in the binary, so that the folder does not matter.
build release "$directory" all -DWQPROF_STATIC=ON \
  -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$source=. -ffile-prefix-map=$directory=."

version=$("$directory/wqprof" --version | cut -d' ' -f2)
name=wqprof-$version-$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR=$work/tree cmake --install "$directory" --prefix / --strip >/dev/null
mv "$work/tree" "$work/$name"
cp "$source/packaging/RELINK.md" "$work/$name/share/doc/wqprof/"
for package in libc6-dev libtracefs-dev libtraceevent-dev libzstd-dev libpugixml-dev libabsl-dev libfmt-dev
do
  cp "/usr/share/doc/$package/copyright" "$work/$name/share/doc/wqprof/copyright.$package"
done
find "$work/$name" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
  -cf - "$name" | xz -9e -T1 >"$out/$name.tar.xz"
(cd "$out" && sha256sum "$name.tar.xz" >SHA256SUMS)
ls -l "$out/$name.tar.xz" "$work/$name/bin/wqprof"

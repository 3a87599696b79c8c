#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds one static binary that runs on any Linux of its architecture, and packs it with man pages,
# completions and licences into wqprof-VERSION-ARCH.tar.xz, with SHA256SUMS beside it.
#   packaging/static.sh [DIRECTORY]         where they go (default: build/static)
# The same commit gives the same bytes: times come from SOURCE_DATE_EPOCH, by default the commit's.
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$source/packaging/deps.sh"

# Whose code is in the binary; each has its licence in the archive.
holds="libc6-dev libstdc++-12-dev libabsl-dev libarchive-dev libbpf-dev libbz2-dev libcli11-dev libelf-dev libfmt-dev
  liblz4-dev liblzma-dev libprotozero-dev libpugixml-dev libtomlplusplus-dev libtraceevent-dev
  libtracefs-dev libzstd-dev nettle-dev nlohmann-json3-dev zlib1g-dev"

# shellcheck disable=SC2086
install_packages $build_packages $bpf_packages $static_packages
out=${1:-$(build_root "$source")/static}
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
SOURCE_DATE_EPOCH=$(source_date)
export SOURCE_DATE_EPOCH
work=$(package_directory)
trap 'rm -rf "$work"' EXIT
export_tree "$work/wqprof"
source=$work/wqprof
if [ -n "${CI-}" ]; then ci=ON; else ci=OFF; fi
build release "$source/build/obj" all -DWQPROF_STATIC=ON -DWQPROF_WERROR="$ci" \
  -DWQPROF_FAT_OBJECTS="$ci" -DCMAKE_CXX_FLAGS="$(package_flags "$source")"

version=$("$source/build/obj/wqprof" --version | cut -d' ' -f2)
name=wqprof-$version-$(uname -m)
DESTDIR=$work/tree cmake --install "$source/build/obj" --prefix / --strip >/dev/null
mv "$work/tree" "$work/$name"
cp "$source/packaging/RELINK.md" "$work/$name/share/doc/wqprof/"
for package in $holds; do
  cp "/usr/share/doc/$package/copyright" "$work/$name/share/doc/wqprof/copyright.$package"
done
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
  --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" | xz -9e -T1 >"$out/$name.tar.xz"
(cd "$out" && sha256sum "$name.tar.xz" >SHA256SUMS)
ls -l "$out/$name.tar.xz" "$work/$name/bin/wqprof"

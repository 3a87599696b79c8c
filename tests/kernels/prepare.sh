#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# prepare.sh KERNEL CACHE: fetches what it takes to build wqtruth.ko for KERNEL, builds it, and
# leaves it in CACHE/KERNEL/; each step is skipped when its result is there.
#
# KERNEL is SUITE-FLAVOUR: a Debian suite, and what its kernels call cloud or rt.  The newest
# kernel of the suite is taken.  CACHE/KERNEL/apt.conf makes apt see that suite alone; nothing is
# installed on this machine but into the chroot CACHE/SUITE-root, which has the suite's compiler.
# Needs root where the suite is not this machine's own.  Exits 4 when something cannot be fetched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=${1%-*} flavour=${1##*-}
cache=$(mkdir -p "$2" && cd "$2" && pwd)
own=$cache/$1

unfetched() {
  echo "prepare.sh: $1 cannot be fetched" >&2
  exit 4
}

# The archive from which this machine's apt takes packages with the label $1.
archive_of() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | sort -u | head -n 1
}

# What is in sid is never released, so that it has no security archive.
write_sources() {
  local main security key=/usr/share/keyrings/debian-archive-keyring.gpg
  main=$(archive_of Debian)  # nothing before the first apt-get update
  security=$(archive_of Debian-Security)
  echo "deb [signed-by=$key check-valid-until=no] $main $suite main"
  if [ "$suite" != sid ] && [ -n "$security" ]; then
    echo "deb [signed-by=$key check-valid-until=no] $security $suite-security main"
  fi
}

make_apt() {
  local apt=$cache/$suite-apt
  export APT_CONFIG=$apt/apt.conf
  [ ! -e "$apt/complete" ] || return 0
  mkdir -p "$apt"/{lists/partial,archives/partial,state,etc/apt.conf.d,etc/preferences.d}
  [ -n "$(APT_CONFIG='' archive_of Debian)" ] || unfetched "$suite, of which apt knows nothing,"
  APT_CONFIG='' write_sources >"$apt/sources.list"
  : >"$apt/status"
  cat >"$apt/apt.conf" <<CONF
Dir::Etc "$apt/etc";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::State "$apt/state";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
CONF
  apt-get -qq update || unfetched "the list of packages of $suite"
  touch "$apt/complete"
}

dependency() { apt-cache depends "$1" | sed -n "s/^ *Depends: \($2\)/\1/p" | head -n 1; }

# The suite is this machine's: its compiler is here, and the headers need not be installed.
build_here() {
  local headers common kbuild root=$own/headers
  headers=$(dependency "linux-headers-$flavour-amd64" 'linux-headers-.*')
  common=$(dependency "$headers" 'linux-headers-.*-common.*')
  kbuild=$(dependency "$headers" 'linux-kbuild-.*')
  mkdir -p "$root"
  (cd "$root" && apt-get -qq download "$headers" "$common" "$kbuild") || unfetched "$headers"
  for archive in "$root"/*.deb; do dpkg-deb -x "$archive" "$root"; done
  rm "$root"/*.deb
  sed -i "s|/usr/src/|$root/usr/src/|" "$root/usr/src/$headers/Makefile"
  make -s -C "$root/usr/src/$headers" M="$own/module" CONFIG_DEBUG_INFO_BTF_MODULES= modules
}

# Elsewhere, in a chroot of the suite.  objtool of newer kernels wants /proc.
build_in_chroot() {
  local headers root=$cache/$suite-root
  if [ ! -e "$root/complete" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase --include=make,ca-certificates "$suite" "$root" \
      "$(APT_CONFIG='' archive_of Debian)" >"$cache/$suite-root.log" || unfetched "$suite"
    cp "$cache/$suite-apt/sources.list" "$root/etc/apt/sources.list"
    touch "$root/complete"
  fi
  headers=$(dependency "linux-headers-$flavour-amd64" 'linux-headers-.*')
  if [ ! -d "$root/usr/src/$headers" ]; then
    # shellcheck disable=SC2016
    APT_CONFIG='' chroot "$root" sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
      apt-get -qq -y install --no-install-recommends "$1"' sh "$headers" \
      >>"$cache/$suite-root.log" 2>&1 || unfetched "$headers"
  fi
  rm -rf "$root/module"
  cp -r "$own/module" "$root/module"
  # shellcheck disable=SC2016
  unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$root" \
    make -s -C "/usr/src/$headers" M=/module CONFIG_DEBUG_INFO_BTF_MODULES= modules
  cp "$root/module/wqtruth.ko" "$own/module/"
}

make_apt
stamp=$(dependency "linux-headers-$flavour-amd64" 'linux-headers-.*') || stamp=
[ -n "$stamp" ] || unfetched "linux-headers-$flavour-amd64 of $suite"
stamp="$stamp $(cat "$here"/module/* | sha256sum)"
if [ "$(cat "$own/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$own"
  mkdir -p "$own"
  cp -r "$here/module" "$own/module"
  # shellcheck source=/dev/null
  if [ "$suite" = "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" ]; then
    build_here
  else
    build_in_chroot
  fi
  strip --strip-debug -o "$own/wqtruth.ko" "$own/module/wqtruth.ko"
  echo "$stamp" >"$own/stamp"
fi

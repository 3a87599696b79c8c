#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries the .deb in a fresh Debian system: installs an older version, upgrades to this one, reads the
# sample, records, shows the man page, purges all, and looks for what is left.  Needs root.
#
# usage: try-deb.sh SUITE [DIRECTORY]; exit code 4: there is no archive of SUITE in reach
#   SUITE       bookworm, trixie
#   DIRECTORY   with what build-deb.sh made for SUITE; without, it is built in a chroot of SUITE
# environment:
#   OLDER       a directory with an older version, made with DEB_VERSION; without, this one takes its
#               number, 0.1.0, for the first install
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$source/packaging/deps.sh"
. "$source/packaging/ci/chroot.sh"

suite=${1:?usage: try-deb.sh SUITE [DIRECTORY]}
# shellcheck disable=SC2086
install_packages $chroot_packages
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

# What build-deb.sh makes of the committed tree in SUITE, whose compiler warns of other things.
build_there() {
  # shellcheck disable=SC2086
  make_chroot "$suite" "$work/builder" $build_packages $bpf_packages $deb_packages
  export_tree "$work/builder/wqprof"
  SOURCE_DATE_EPOCH=$(source_date) in_chroot "$work/builder" sh /wqprof/packaging/build-deb.sh /deb
  if grep ': warning: ' "$work/builder/deb/build.log" >&2; then
    echo "$0: the compiler of $suite warns" >&2
    return 1
  fi
  mv "$work/builder/deb" "$work/deb"
  rm -rf --one-file-system "$work/builder"
}

# with_version VERSION FROM TO: the packages of FROM under another version.
with_version() {
  for package in "$2"/wqprof_*.deb "$2"/wqprof-doc_*.deb; do
    dpkg-deb -R "$package" "$work/package"
    sed -i "s/^Version:.*/Version: $1/" "$work/package/DEBIAN/control"
    dpkg-deb --root-owner-group -Znone -b "$work/package" "$3" >/dev/null
    rm -rf "$work/package"
  done
}

packages=${2-}
if [ -z "$packages" ]; then
  build_there
  packages=$work/deb
fi
make_chroot "$suite" "$work/root" man-db
mkdir -p "$work/root/try/new" "$work/root/try/old"
cp "$packages"/wqprof_*.deb "$packages"/wqprof-doc_*.deb "$work/root/try/new"
if [ -n "${OLDER-}" ]; then
  cp "$OLDER"/wqprof_*.deb "$OLDER"/wqprof-doc_*.deb "$work/root/try/old"
else
  with_version 0.1.0 "$packages" "$work/root/try/old"
fi
cp "$source/packaging/debian/tests/report" "$source/packaging/debian/tests/record" "$work/root/try"
cat >"$work/root/try/all" <<'TRY'
set -eu
export DEBIAN_FRONTEND=noninteractive AUTOPKGTEST_TMP=/try LC_ALL=C.UTF-8
# All files but apt's, dpkg's and other caches.
files() {
  find / -xdev \( -path /try -o -path /tmp -o -path /var/lib/apt -o -path /var/lib/dpkg \
    -o -path /var/cache -o -path /var/log \) -prune -o -print | sort
}
apt() { apt-get -q -y "$@" >/try/apt.log 2>&1 </dev/null || { cat /try/apt.log; exit 1; }; }
version() { dpkg-query -W -f '${Version}' "$1"; }
files >/try/before
apt-get -q update >/try/apt.log 2>&1 || { cat /try/apt.log; exit 4; }
apt install --no-install-recommends /try/old/*.deb
echo "installed: $(version wqprof), $(wqprof --version)"
apt install --no-install-recommends /try/new/*.deb
echo "upgraded:  $(version wqprof), $(wqprof --version)"
case $(wqprof --version) in "wqprof $(version wqprof)"*) ;; *) exit 1 ;; esac
sh -e /try/report | sed -n 1,5p
sh -e /try/record
for page in wqprof.1 wqprof-record.1 wqprof-budget.5 wqprof-latency.7; do
  man -P cat "${page#*.}" "${page%.*}" | grep -q NAME
done
dpkg --verify wqprof wqprof-doc
apt purge --autoremove wqprof wqprof-doc
files >/try/after
diff /try/before /try/after
! dpkg-query -W wqprof 2>/dev/null
echo 'purged:    nothing is left'
TRY
in_chroot "$work/root" sh /try/all

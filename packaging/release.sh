#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes all that a release consists of, from the committed tree: sources, .deb, static archive, .rpm.
#   packaging/release.sh VERSION [DIRECTORY]      where it goes (default: build/release-VERSION)
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$source/packaging/deps.sh"
version=${1:?usage: packaging/release.sh VERSION [DIRECTORY]}
out=${2:-$source/build/release-$version}

fail() {
  echo "$0: $*" >&2
  exit 1
}
[ -z "$(git -C "$source" status --porcelain)" ] || fail 'commit your changes first'
"$source/packaging/version.sh" "$version" || fail 'set the version in the files above'
# shellcheck disable=SC2086
install_packages $rpm_packages

mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
SOURCE_DATE_EPOCH=$(source_date)
export SOURCE_DATE_EPOCH
git -C "$source" archive --prefix="wqprof-$version/" HEAD | xz -9e -T1 >"$out/wqprof-$version.tar.xz"
"$source/packaging/build-deb.sh" "$out"
"$source/packaging/static.sh" "$out"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rpmbuild -bb --nodeps --define "_topdir $work" --define "_sourcedir $out" --define "_rpmdir $out" \
  --define '_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' \
  "$source/packaging/rpm/wqprof.spec" >"$out/rpm.log" 2>&1 || fail "see $out/rpm.log"
rpmlint -r "$source/packaging/rpm/wqprof.rpmlintrc" "$out/wqprof-$version"-*.rpm

cd "$out"
sha256sum -- *.deb *.rpm *.tar.xz >SHA256SUMS
cat SHA256SUMS

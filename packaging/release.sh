#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes all that a release consists of, from the committed tree.
#   packaging/release.sh VERSION [DIRECTORY]      where it goes (default: build/release-VERSION)
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
version=${1:?usage: packaging/release.sh VERSION [DIRECTORY]}
out=${2:-$source/build/release-$version}

fail() {
  echo "$0: $*" >&2
  exit 1
}
[ -z "$(git -C "$source" status --porcelain)" ] || fail 'commit your changes first'
"$source/packaging/version.sh" "$version" || fail 'set the version in the files above'

mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
git -C "$source" archive --prefix="wqprof-$version/" HEAD | xz -9e -T1 >"$out/wqprof-$version.tar.xz"
"$source/packaging/build-deb.sh" "$out"
"$source/packaging/static.sh" "$out"
if command -v rpmbuild >/dev/null; then
  rpmbuild -bb --define "_sourcedir $out" --define "_rpmdir $out" --define "_topdir $out/rpmbuild" \
    --nodeps "$source/packaging/rpm/wqprof.spec" >"$out/rpm.log" 2>&1 || fail "see $out/rpm.log"
  rm -rf "$out/rpmbuild"
else
  echo "no rpmbuild here: no .rpm" >&2
fi
(cd "$out" && find . -name '*.deb' -o -name '*.rpm' -o -name '*.tar.xz' | sort | xargs sha256sum >SHA256SUMS)
cat "$out/SHA256SUMS"

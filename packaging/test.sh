#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds with tests, runs all of them.
#   CI=true                  warnings are errors, and the objects are those of the packages
#   WQPROF_REQUIRE_LIVE=1    a live test that cannot run here fails instead of being skipped
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$source/packaging/deps.sh"

# shellcheck disable=SC2086
install_packages $build_packages $bpf_packages $test_packages
directory=$(build_root "$source")/test
if [ -n "${CI-}" ]; then
  # shellcheck disable=SC2086
  install_packages $deb_packages
  build test "$directory" all -DWQPROF_WERROR=ON -DWQPROF_FAT_OBJECTS=ON \
    -DWQPROF_LTO=OFF -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="$(package_flags "$source")"
else
  build test "$directory" all
fi

results=$directory/results.xml
status=0
ctest --test-dir "$directory" --output-on-failure --no-tests=error --parallel "$(nproc)" \
  --output-junit "$results" || status=$?
python3 "$source/packaging/print_skipped.py" "$results"
exit "$status"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds a load against a latency budget, for any CI system.  Leaves junit.xml, check.txt and the
# recordings in a directory of artefacts, and exits as `wqprof check` does.
#
# usage: check.sh BUDGET ARTEFACTS -- CMD...     record CMD (as root), then check
#        check.sh BUDGET ARTEFACTS TRACE...      check recordings that exist
# environment: WQPROF (the program), RUNS (of CMD, default 1), BASELINE (a directory of *.dat)
set -eu

if [ $# -lt 3 ]; then
  sed -n 's/^# \(usage:\|       check.sh\)/\1/p' "$0" >&2
  exit 2
fi
wqprof=${WQPROF:-wqprof} budget=$1 artefacts=$2
shift 2
mkdir -p "$artefacts"

if [ "$1" = -- ]; then
  set -- --runs "${RUNS:-1}" --keep "$artefacts" "$@"
else
  cp -- "$@" "$artefacts/"
fi

# A first baseline is made by keeping the artefacts of a good build.
[ -z "${BASELINE-}" ] || set -- --baseline "$BASELINE" "$@"
[ -z "${GITHUB_ACTIONS-}" ] || set -- --github "$@"
code=0
"$wqprof" check --budget "$budget" --junit "$artefacts/junit.xml" "$@" \
  >"$artefacts/check.txt" || code=$?
cat "$artefacts/check.txt"
exit "$code"

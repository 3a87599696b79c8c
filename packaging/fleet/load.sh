#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# load.sh FILE...: puts a fleet's lines into ClickHouse over HTTP.  A file that is loaded twice
# counts once.  What is no whole line, as where an upload ended early, is left out; a file that the
# server does not take is named, none of it counts, and the next one is loaded.
# CLICKHOUSE_URL: default http://127.0.0.1:8123
set -u
url=${CLICKHOUSE_URL:-http://127.0.0.1:8123}
settings='input_format_skip_unknown_fields=1&date_time_input_format=best_effort'
query='INSERT%20INTO%20wqprof.lines%20FORMAT%20JSONEachRow'
failed=0
for file in "$@"; do
  if [ ! -r "$file" ]; then
    echo "load.sh: $file: cannot be read" >&2
    failed=1
    continue
  fi
  case $file in
    *.gz) gzip -dc "$file" ;;
    *.zst) zstd -dc "$file" ;;
    *) cat "$file" ;;
  esac | awk -v file="$file" '
    /^[{].*}$/ { print; next }
    { left++ }
    END { if (left) print "load.sh: " file ": " left " line(s) not whole, left out" > "/dev/stderr" }
  ' | curl --fail-with-body --silent --show-error --data-binary @- "$url/?$settings&query=$query" >&2 || {
    echo "load.sh: $file: not loaded" >&2
    failed=1
  }
done
exit $failed

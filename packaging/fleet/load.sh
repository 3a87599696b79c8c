#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# load.sh FILE...: puts a fleet's lines into ClickHouse over HTTP.  A file that is loaded twice
# counts once.  CLICKHOUSE_URL: default http://127.0.0.1:8123
set -eu
url=${CLICKHOUSE_URL:-http://127.0.0.1:8123}
settings='input_format_skip_unknown_fields=1&date_time_input_format=best_effort'
query='INSERT%20INTO%20wqprof.lines%20FORMAT%20JSONEachRow'
for file in "$@"; do
  case $file in
    *.gz) gzip -dc "$file" ;;
    *.zst) zstd -dc "$file" ;;
    *) cat "$file" ;;
  esac | curl --fail --silent --show-error --data-binary @- "$url/?$settings&query=$query"
done

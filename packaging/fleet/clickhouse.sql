-- SPDX-License-Identifier: Apache-2.0
-- A fleet's lines (wqprof.hist/1) in ClickHouse: 18.16 of Debian 12, and later ones.
--   clickhouse-client --multiquery < clickhouse.sql
CREATE DATABASE IF NOT EXISTS wqprof;

-- The lines as they came.  Uploads repeat: of rows with one key a merge keeps one, and queries group
-- by the key until then (the view below).  The key is what wqprof merge goes by, too.
CREATE TABLE IF NOT EXISTS wqprof.lines
(
    ts DateTime,
    segment String,
    kind String,
    metric String,
    workqueue String,
    function String,
    pool String,
    host String,
    kernel String,
    machine String,
    seconds Float64,
    n UInt64,
    sum UInt64,
    min UInt64,
    max UInt64,
    zero UInt64,
    idx Array(Int16),
    cnt Array(UInt64),
    matched UInt64,
    unmatched_starts UInt64,
    lost_events Nullable(UInt64),
    complete UInt8,
    stall_pool Array(String),
    stall_cause Array(String),
    stall_count Array(UInt64),
    stall_ns Array(UInt64)
)
ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(ts)
ORDER BY (kind, metric, workqueue, function, pool, kernel, host, segment);

-- Each line once.
CREATE VIEW IF NOT EXISTS wqprof.once AS
SELECT * FROM wqprof.lines
ORDER BY kind, metric, workqueue, function, pool, kernel, host, segment
LIMIT 1 BY kind, metric, workqueue, function, pool, kernel, host, segment;

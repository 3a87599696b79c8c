-- SPDX-License-Identifier: Apache-2.0
-- A fleet's lines (wqprof.hist/1) in DuckDB, read where they lie: the queries for ClickHouse, as
-- views.  A file that is there twice, or in part, counts once.
--   SET VARIABLE files = 'hosts/*.ndjson';
--   .read duckdb.sql
--   SELECT * FROM wqprof.outlier_hosts;
-- Read often, they are better kept as Parquet:
--   COPY (FROM wqprof.once) TO 'fleet.parquet' (COMPRESSION zstd);
CREATE SCHEMA IF NOT EXISTS wqprof;

-- Each line once.  The key is what wqprof merge goes by, too.  Lines that are damaged, of which
-- wqprof merge shows the number, are left out.
CREATE OR REPLACE VIEW wqprof.once AS
SELECT DISTINCT ON (kind, metric, workqueue, function, pool, kernel, host, segment)
    ts, segment, kind, coalesce(metric, '') AS metric, coalesce(workqueue, '') AS workqueue,
    coalesce(function, '') AS function, coalesce(pool, '') AS pool, coalesce(host, '') AS host,
    coalesce(kernel, '') AS kernel, machine, labels, seconds, n, sum, min, max, zero, idx, cnt,
    matched, unmatched_starts, lost_events, complete, stall_pool, stall_cause, stall_count, stall_ns
FROM read_ndjson(getvariable('files'), ignore_errors = true, columns = {
    schema: 'VARCHAR', ts: 'TIMESTAMP', segment: 'VARCHAR', kind: 'VARCHAR', metric: 'VARCHAR',
    workqueue: 'VARCHAR', function: 'VARCHAR', pool: 'VARCHAR', host: 'VARCHAR', kernel: 'VARCHAR',
    machine: 'VARCHAR', labels: 'MAP(VARCHAR, VARCHAR)', seconds: 'DOUBLE', n: 'UBIGINT',
    sum: 'UBIGINT', min: 'UBIGINT', max: 'UBIGINT', zero: 'UBIGINT', idx: 'SMALLINT[]',
    cnt: 'UBIGINT[]', matched: 'UBIGINT', unmatched_starts: 'UBIGINT', lost_events: 'UBIGINT',
    complete: 'BOOLEAN', stall_pool: 'VARCHAR[]', stall_cause: 'VARCHAR[]',
    stall_count: 'UBIGINT[]', stall_ns: 'UBIGINT[]'})
WHERE schema = 'wqprof.hist/1' AND segment <> '';

-- The merged buckets, which equal those of wqprof merge --by kernel; -1000: values of 0 ns.
CREATE OR REPLACE VIEW wqprof.buckets AS
SELECT kernel, workqueue, function, metric, bucket, sum(v) AS values
FROM
(
    SELECT kernel, workqueue, function, metric, unnest(list_append(idx, -1000)) AS bucket,
        unnest(list_append(cnt, zero)) AS v
    FROM wqprof.once
    WHERE kind = 'function'
)
GROUP BY ALL
HAVING values > 0
ORDER BY kernel, workqueue, function, metric, bucket;

-- Latencies: a row a bucket of a line.
CREATE OR REPLACE VIEW wqprof.latencies AS
SELECT kernel, host, workqueue, function, unnest(idx) AS bucket, unnest(cnt) AS v
FROM wqprof.once
WHERE kind = 'function' AND metric = 'latency';

-- The functions that waited longest, kernel by kernel, with the p99 of their latency: the geometric
-- middle of the bucket in which the running sum of the counts reaches 99 % of them, or the
-- longest wait if that is less.
CREATE OR REPLACE VIEW wqprof.worst_functions AS
WITH
    reached AS
    (
        SELECT kernel, workqueue, function, bucket,
            sum(sum(v)) OVER its AS so_far,
            sum(sum(v)) OVER (PARTITION BY kernel, workqueue, function) AS items
        FROM wqprof.latencies
        GROUP BY kernel, workqueue, function, bucket
        WINDOW its AS (PARTITION BY kernel, workqueue, function ORDER BY bucket)
    ),
    p99s AS
    (
        SELECT kernel, workqueue, function,
            round(pow(2, (min(bucket) + 0.5) / 16) / 1e6, 3) AS middle_ms
        FROM reached
        WHERE so_far >= ceil(0.99 * items)
        GROUP BY ALL
    ),
    totals AS
    (
        SELECT kernel, workqueue, function, sum(n) AS items, round(sum(sum) / 1e9, 3) AS waited_s,
            round(max(max) / 1e6, 3) AS longest_ms
        FROM wqprof.once
        WHERE kind = 'function' AND metric = 'latency'
        GROUP BY ALL
    )
SELECT kernel, workqueue, function, items, waited_s, longest_ms,
    CASE WHEN middle_ms > longest_ms THEN longest_ms ELSE middle_ms END AS p99_ms
FROM totals LEFT JOIN p99s USING (kernel, workqueue, function)
ORDER BY waited_s DESC
LIMIT 20;

-- Hosts whose p99 of a function's latency is at least four times (two octaves of buckets) that of the
-- middle host, among hosts with 299 items or more; the worst first.
CREATE OR REPLACE VIEW wqprof.outlier_hosts AS
WITH
    reached AS
    (
        SELECT workqueue, function, host, bucket,
            sum(sum(v)) OVER its AS so_far,
            sum(sum(v)) OVER (PARTITION BY workqueue, function, host) AS items
        FROM wqprof.latencies
        GROUP BY workqueue, function, host, bucket
        WINDOW its AS (PARTITION BY workqueue, function, host ORDER BY bucket)
    ),
    hosts AS
    (
        SELECT workqueue, function, host, min(bucket) AS its_p99
        FROM reached
        WHERE items >= 299 AND so_far >= ceil(0.99 * items)
        GROUP BY ALL
    ),
    usual AS
    (
        SELECT workqueue, function, list_sort(list(its_p99))[count(*) // 2 + 1] AS usual_p99
        FROM hosts
        GROUP BY ALL
    )
SELECT workqueue, function, host, round(pow(2, (its_p99 + 0.5) / 16) / 1e6, 3) AS p99_ms,
    round(pow(2, (usual_p99 + 0.5) / 16) / 1e6, 3) AS usual_ms,
    round(pow(2, (its_p99 - usual_p99) / 16), 1) AS times
FROM hosts JOIN usual USING (workqueue, function)
WHERE its_p99 >= usual_p99 + 32
ORDER BY times DESC
LIMIT 50;

-- Stalls by hour, kernel and cause: how many, and how long a machine stalled in a million seconds.
CREATE OR REPLACE VIEW wqprof.stalls_by_cause AS
WITH
    stalled AS
    (
        SELECT date_trunc('hour', ts) AS hour, kernel, cause, sum(c) AS stalls,
            sum(ns) / 1e9 AS stalled_s
        FROM
        (
            SELECT ts, kernel, unnest(stall_cause) AS cause, unnest(stall_count) AS c,
                unnest(stall_ns) AS ns
            FROM wqprof.once
            WHERE kind = 'quality'
        )
        GROUP BY ALL
    ),
    measured AS
    (
        SELECT date_trunc('hour', ts) AS hour, kernel, sum(seconds) AS measured_s
        FROM wqprof.once
        WHERE kind = 'quality'
        GROUP BY ALL
    )
SELECT stalled.hour, stalled.kernel, cause, stalls, round(stalled_s, 3) AS stalled_s,
    round(stalled_s / measured_s * 1e6, 1) AS ppm
FROM stalled JOIN measured
    ON stalled.hour IS NOT DISTINCT FROM measured.hour AND stalled.kernel = measured.kernel
ORDER BY stalled.hour, stalled.kernel, stalls DESC;

-- What the numbers rest on, kernel by kernel: time, doubtful segments, lost events (segments that
-- lost a number that nobody knows apart), and the share of starts that were matched.
CREATE OR REPLACE VIEW wqprof.coverage AS
SELECT kernel, count(DISTINCT host) AS hosts, count(*) AS segments,
    round(sum(seconds), 1) AS measured_s, count_if(NOT complete) AS doubtful,
    sum(lost_events) AS lost, count_if(lost_events IS NULL) AS lost_unknown,
    round(sum(matched) / (sum(matched) + sum(unmatched_starts)), 6) AS paired
FROM wqprof.once
WHERE kind = 'quality'
GROUP BY kernel
ORDER BY kernel;

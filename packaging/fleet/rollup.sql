-- SPDX-License-Identifier: Apache-2.0
-- An hour of one kernel, without the hosts: what is kept for long.  To be run once an hour is over
-- and its uploads have come (DAY: yesterday here); running it again replaces the day.
CREATE TABLE IF NOT EXISTS wqprof.hourly
(
    hour DateTime,
    kernel String,
    workqueue String,
    function String,
    metric String,
    bucket Int16,
    values UInt64
)
ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(hour)
ORDER BY (metric, workqueue, function, kernel, hour, bucket);

INSERT INTO wqprof.hourly
SELECT toStartOfHour(ts) AS hour, kernel, workqueue, function, metric, bucket, sum(v) AS values
FROM wqprof.once ARRAY JOIN idx AS bucket, cnt AS v
WHERE kind = 'function' AND toDate(ts) = yesterday()
GROUP BY hour, kernel, workqueue, function, metric, bucket;

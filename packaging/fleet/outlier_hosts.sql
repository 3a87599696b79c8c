-- SPDX-License-Identifier: Apache-2.0
-- Hosts whose p99 of a function's latency is at least four times (two octaves of buckets) that of the
-- middle host, among hosts with 299 items or more; the worst first.
SELECT
    workqueue, function, host, round(exp2((its_p99 + 0.5) / 16) / 1e6, 3) AS p99_ms,
    round(exp2((usual_p99 + 0.5) / 16) / 1e6, 3) AS usual_ms,
    round(exp2((its_p99 - usual_p99) / 16), 1) AS times
FROM
(
    SELECT workqueue, function, host, quantileExactWeighted(0.99)(bucket, v) AS its_p99
    FROM wqprof.once ARRAY JOIN idx AS bucket, cnt AS v
    WHERE kind = 'function' AND metric = 'latency'
    GROUP BY workqueue, function, host
    HAVING sum(v) >= 299
) AS a
ALL INNER JOIN
(
    SELECT workqueue, function, quantileExact(0.5)(p99) AS usual_p99
    FROM
    (
        SELECT workqueue, function, host, quantileExactWeighted(0.99)(bucket, v) AS p99
        FROM wqprof.once ARRAY JOIN idx AS bucket, cnt AS v
        WHERE kind = 'function' AND metric = 'latency'
        GROUP BY workqueue, function, host
        HAVING sum(v) >= 299
    )
    GROUP BY workqueue, function
) AS b USING workqueue, function
WHERE its_p99 >= usual_p99 + 32
ORDER BY times DESC
LIMIT 50;

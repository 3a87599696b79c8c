-- SPDX-License-Identifier: Apache-2.0
-- The functions that waited longest, kernel by kernel, with the p99 of their latency: the geometric
-- middle of the bucket that holds it, or the longest wait if that is less.
SELECT
    kernel, workqueue, function, items, waited_s, longest_ms,
    least(middle_ms, longest_ms) AS p99_ms
FROM
(
    SELECT kernel, workqueue, function, sum(n) AS items, round(sum(sum) / 1e9, 3) AS waited_s,
        round(max(max) / 1e6, 3) AS longest_ms
    FROM wqprof.once
    WHERE kind = 'function' AND metric = 'latency'
    GROUP BY kernel, workqueue, function
) AS a
ALL LEFT JOIN
(
    SELECT kernel, workqueue, function,
        round(exp2((quantileExactWeighted(0.99)(bucket, v) + 0.5) / 16) / 1e6, 3) AS middle_ms
    FROM wqprof.once ARRAY JOIN idx AS bucket, cnt AS v
    WHERE kind = 'function' AND metric = 'latency'
    GROUP BY kernel, workqueue, function
) AS b USING kernel, workqueue, function
ORDER BY waited_s DESC
LIMIT 20;

-- SPDX-License-Identifier: Apache-2.0
-- The merged buckets, which equal those of wqprof merge --by kernel; -1000: values of 0 ns.
SELECT kernel, workqueue, function, metric, bucket, sum(v) AS values
FROM
(
    SELECT kernel, workqueue, function, metric,
        arrayPushBack(idx, toInt16(-1000)) AS all_idx, arrayPushBack(cnt, zero) AS all_cnt
    FROM wqprof.once
    WHERE kind = 'function'
)
ARRAY JOIN all_idx AS bucket, all_cnt AS v
GROUP BY kernel, workqueue, function, metric, bucket
HAVING values > 0
ORDER BY kernel, workqueue, function, metric, bucket;

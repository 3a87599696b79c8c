-- SPDX-License-Identifier: Apache-2.0
-- Stalls by hour, kernel and cause: how many, and how long a machine stalled in a million seconds.
SELECT
    hour, kernel, cause, stalls, round(stalled_s, 3) AS stalled_s,
    round(stalled_s / measured_s * 1e6, 1) AS ppm
FROM
(
    SELECT toStartOfHour(ts) AS hour, kernel, cause, sum(c) AS stalls, sum(ns) / 1e9 AS stalled_s
    FROM wqprof.once ARRAY JOIN stall_cause AS cause, stall_count AS c, stall_ns AS ns
    WHERE kind = 'quality'
    GROUP BY hour, kernel, cause
) AS a
ALL INNER JOIN
(
    SELECT toStartOfHour(ts) AS hour, kernel, sum(seconds) AS measured_s
    FROM wqprof.once
    WHERE kind = 'quality'
    GROUP BY hour, kernel
) AS b USING hour, kernel
ORDER BY hour, kernel, stalls DESC;

-- SPDX-License-Identifier: Apache-2.0
-- What the numbers rest on, kernel by kernel: time, doubtful segments, lost events (segments that
-- lost a number that nobody knows apart), and the share of starts that were matched.
SELECT
    kernel, uniq(host) AS hosts, count() AS segments, round(sum(seconds), 1) AS measured_s,
    countIf(complete = 0) AS doubtful, sum(lost_events) AS lost,
    countIf(isNull(lost_events)) AS lost_unknown,
    round(sum(matched) / (sum(matched) + sum(unmatched_starts)), 6) AS paired
FROM wqprof.once
WHERE kind = 'quality'
GROUP BY kernel
ORDER BY kernel;

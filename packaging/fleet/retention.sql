-- SPDX-License-Identifier: Apache-2.0
-- How long ClickHouse keeps lines and hours: 19.6 and later ones, which have a TTL.  To be run after
-- clickhouse.sql and rollup.sql, and again to change it.
--   clickhouse-client --multiquery < retention.sql
ALTER TABLE wqprof.lines MODIFY TTL ts + INTERVAL 30 DAY;
ALTER TABLE wqprof.hourly MODIFY TTL hour + INTERVAL 2 YEAR;

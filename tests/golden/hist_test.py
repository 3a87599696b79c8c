#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fleet's lines say what the report says, and merge to the same whatever the order.

usage: hist_test.py WQPROF
"""

import collections
import gzip
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import program

MEASURES = ("latency", "activation_wait", "dispatch_wait", "execution", "total")


def output(*arguments, expect=(0, 3), **options):
    done = program.run(WQPROF, arguments, **options)
    if done.returncode not in expect:
        raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def lines_of(*arguments):
    return output("export", "--to", "hist-ndjson", *arguments).decode().splitlines(keepends=True)


def attributes(of):
    """Of a point or a resource of OpenTelemetry's."""
    return {entry["key"]: next(iter(entry["value"].values())) for entry in of["attributes"]}


def merged(*files, options=()):
    return json.loads(output("merge", "--format", "json", *options, *files, expect=(0,)))


class Lines(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, lines):
        path = self.folder / name
        path.write_text("".join(lines))
        return path

    def test_are_what_their_schema_says(self):
        schema = json.loads((program.SOURCE / "src/render/schemas/wqprof.hist-1.json").read_text())
        validator = jsonschema.Draft7Validator(schema)
        kinds = collections.Counter()
        for trace in program.TRACES:
            for line in lines_of("--label", "rack=7", trace):
                document = json.loads(line)
                validator.validate(document)
                kinds[document["kind"]] += 1
        self.assertEqual(kinds["quality"], len(program.TRACES))
        self.assertGreater(min(kinds["function"], kinds["pool"]), 100)
        with self.assertRaises(jsonschema.ValidationError):
            validator.validate({**document, "n": "many"})

    def test_hold_the_numbers_of_the_report(self):
        for trace in program.TRACES:
            report = json.loads(output("report", "--format", "json", trace))
            documents = [json.loads(line) for line in lines_of("--original-names", trace)]
            quality = documents[0]
            for key, value in report["quality"].items():
                if value is not None:
                    self.assertEqual(quality[key], value, (trace, key))
            self.assertEqual(quality["lines"], len(documents))
            self.assertEqual(sum(quality["stall_count"]), len(report["stalls"]), trace)
            self.assertEqual(sum(quality["stall_ns"]),
                             sum(stall["duration_ns"] for stall in report["stalls"]), trace)
            found = {(d.get("workqueue"), d.get("function"), d["metric"]): d for d in documents
                     if d["kind"] == "function"}
            for row in report["functions"]:
                for measure in MEASURES:
                    name = (row["workqueue"], row["function"], measure)
                    if row["function"].startswith("0x") or not row[measure]["count"]:
                        continue
                    line = found[name]
                    self.assertEqual(
                        (line["n"], line["sum"], line["min"], line["max"], line["zero"]),
                        (row[measure]["count"], row[measure]["sum_ns"], row[measure]["min_ns"],
                         row[measure]["max_ns"], row[measure]["histogram"]["zero_count"]), name)
                    buckets = collections.Counter()
                    histogram = row[measure]["histogram"]
                    for index, count in zip(histogram["index"], histogram["count"]):
                        buckets[index >> (histogram["scale"] - 4)] += count
                    self.assertEqual(dict(zip(line["idx"], line["cnt"])), buckets, name)

    def test_of_pools_are_times_that_the_report_knows(self):
        compared = 0
        for trace in program.TRACES:
            report = json.loads(output("report", "--format", "json", trace))
            found = {(d["pool"], d["metric"]): d for d in map(json.loads, lines_of(
                "--original-names", trace)) if d["kind"] == "pool"}
            for pool in report["pools"]:
                stalls = [s for s in report["stalls"] if s["pool"] == pool["pool"]]
                line = found.get((pool["pool"], "stall"))
                self.assertEqual(line["n"] if line else 0, len(stalls), (trace, pool["pool"]))
                busy = found.get((pool["pool"], "busy"))
                if busy and pool["busy_fraction"]:
                    share = busy["sum"] / report["source"]["duration_ns"]
                    self.assertAlmostEqual(share, pool["busy_fraction"], 4, (trace, pool["pool"]))
                    compared += 1
        self.assertGreater(compared, 40)

    def test_merge_to_the_same_in_any_order_however_often(self):
        lines = [line for trace in program.TRACES for line in lines_of(trace)]
        whole = merged(self.write("a.ndjson", lines))
        self.assertEqual(whole["merged"]["counted"], len(lines))
        self.assertEqual(whole["groups"][0]["segments"], len(program.TRACES))
        random.Random(1).shuffle(lines)
        half = len(lines) // 2
        again = merged(self.write("b.ndjson", lines[:half]), self.write("c.ndjson", lines[half:]),
                       self.write("d.ndjson", lines[:99] + [lines[99][:200]]))
        self.assertEqual(again["merged"]["repeated"], 99)
        self.assertEqual(again["merged"]["damaged"], 1)
        for table in ("groups", "functions", "pools", "stalls"):
            self.assertEqual(again[table], whole[table], table)

    def test_add_up(self):
        """A merge of all, and what this adds up by itself."""
        lines = [json.loads(line) for trace in program.TRACES for line in lines_of(trace)]
        buckets, sums = collections.Counter(), collections.Counter()
        for line in lines:
            if line["kind"] != "function":
                continue
            name = (line["kernel"], line.get("workqueue"), line.get("function"), line["metric"])
            sums[name] += line["sum"]
            for index, count in zip(line["idx"], line["cnt"]):
                buckets[(*name, index)] += count
        path = self.write("a.ndjson", [json.dumps(line) + "\n" for line in lines])
        compared = 0
        for row in merged(path, options=("--by", "kernel"))["functions"]:
            for measure in MEASURES:
                name = (row["kernel"], row["workqueue"], row["function"], measure)
                self.assertEqual(row[measure]["sum_ns"], sums[name])
                histogram = row[measure]["histogram"]
                self.assertEqual(histogram["scale"] if histogram["index"] else 4, 4)
                for index, count in zip(histogram["index"], histogram["count"]):
                    self.assertEqual(count, buckets.pop((*name, index)))
                    compared += 1
        self.assertEqual([name for name in buckets if name[3] in MEASURES], [])
        self.assertGreater(compared, 1000)

    def test_beyond_the_top_series_keep_the_sums(self):
        trace = program.TRACES[0]
        sums = []
        for top in ("0", "5", "200"):
            lines = [json.loads(line) for line in lines_of("--top-series", top, trace)]
            sums.append({metric: sum(d["sum"] for d in lines if d.get("metric") == metric
                                     and d["kind"] == "function") for metric in MEASURES})
            self.assertEqual(any(d.get("function") == "other" for d in lines), top != "200")
        self.assertEqual(sums[0], sums[2])
        self.assertEqual(sums[1], sums[2])

    def test_are_read_compressed_and_from_directories(self):
        trace = program.TRACES[0]
        (self.folder / "a.ndjson.gz").write_bytes(
            gzip.compress("".join(lines_of(trace)).encode()))
        (self.folder / "other.txt").write_text("no line\n")
        whole = merged(self.folder)
        self.assertEqual(whole["groups"][0]["incomplete_segments"], 0)

    def test_of_several_recordings_stand_in_one_file(self):
        path = self.folder / "x.ndjson"
        output("export", "--to", "hist-ndjson", "-o", path, *program.TRACES[:3])
        self.assertEqual(merged(path)["groups"][0]["segments"], 3)

    def test_as_metrics_are_what_the_lines_hold(self):
        lines = [json.loads(line) for trace in program.TRACES for line in lines_of(trace)]
        text = output("export", "--to", "openmetrics", "--top-series", "1000", *program.TRACES)
        found = {}
        for line in text.decode().splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.assertNotIn(name, found)
                found[name] = float(value)
        for metric in ("latency", "execution"):
            sums = collections.defaultdict(lambda: [0, 0, 0])
            for line in lines:
                if line["kind"] != "function" or line["metric"] != metric:
                    continue
                labels = (f'workqueue="{line.get("workqueue", "")}",'
                          f'function="{line.get("function", "")}"')
                below = sum(c for i, c in zip(line["idx"], line["cnt"]) if i < 20 * 16)
                for i, value in enumerate((line["n"], line["sum"] / 1e9, below + line["zero"])):
                    sums[labels][i] += value
            self.assertGreater(len(sums), 20)
            for labels, (count, total, below) in sums.items():
                name = f"wqprof_{metric}_seconds"
                self.assertEqual(found[f"{name}_count{{{labels}}}"], count)
                self.assertAlmostEqual(found[f"{name}_sum{{{labels}}}"], total, 6)
                self.assertEqual(found[f'{name}_bucket{{{labels},le="0.001048576"}}'], below)
        self.assertEqual(found["wqprof_matched_starts_total"],
                         sum(line.get("matched", 0) for line in lines))
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, check=False,
                                  capture_output=True)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))

    def test_as_requests_of_opentelemetry_are_what_the_lines_hold(self):
        schema = json.loads(pathlib.Path(__file__).with_name("otlp-metrics.json").read_text())
        validator = jsonschema.Draft7Validator(schema)
        text = output("export", "--to", "otlp-json", "--label", "rack=7", *program.TRACES)
        requests = [json.loads(line) for line in text.decode().splitlines()]
        self.assertEqual(len(requests), len(program.TRACES))
        compared = 0
        for trace, request in zip(program.TRACES, requests):
            validator.validate(request)
            lines = [json.loads(line) for line in lines_of("--label", "rack=7", trace)]
            (resource,) = request["resourceMetrics"]
            about = attributes(resource["resource"])
            self.assertEqual((about["wqprof.segment"], about["rack"], about["os.version"]),
                             (lines[0]["segment"], "7", lines[0]["kernel"]))
            expected = {(line["kind"], line.get("workqueue"), line.get("function"),
                         line.get("pool"), line["metric"]): line
                        for line in lines if line.get("n")}
            sums = {}
            for metric in resource["scopeMetrics"][0]["metrics"]:
                of, _, name = metric["name"].removeprefix("wqprof.").partition(".")
                for point in metric.get("sum", {"dataPoints": []})["dataPoints"]:
                    key = (metric["name"], *sorted(attributes(point).items()))
                    self.assertNotIn(key, sums)
                    sums[key] = int(point["asInt"])
                for point in metric.get("exponentialHistogram", {"dataPoints": []})["dataPoints"]:
                    key = attributes(point)
                    line = expected.pop((of, key.get("workqueue"), key.get("function"),
                                         key.get("pool"), name))
                    self.assertEqual(
                        (point["scale"], int(point["count"]), int(point["zeroCount"])),
                        (line["scale"], line["n"], line["zero"]))
                    self.assertEqual([point[end] for end in ("sum", "min", "max")],
                                     [line[end] for end in ("sum", "min", "max")])
                    buckets = point.get("positive", {"offset": 0, "bucketCounts": []})
                    found = {buckets["offset"] + i: int(count)
                             for i, count in enumerate(buckets["bucketCounts"]) if int(count)}
                    self.assertEqual(found, dict(zip(line["idx"], line["cnt"])))
                    compared += 1
            self.assertEqual(expected, {})
            self.assertEqual(sums[("wqprof.quality.matched",)], lines[0]["matched"])
            self.assertEqual(sums.get(("wqprof.quality.lost_events",)), lines[0]["lost_events"])
            for pool, cause, count in zip(*(lines[0][f"stall_{key}"]
                                            for key in ("pool", "cause", "count"))):
                key = ("wqprof.pool.stalls", ("cause", cause), ("pool", pool))
                self.assertEqual(sums[key], count)
        self.assertGreater(compared, 500)
        with self.assertRaises(jsonschema.ValidationError):
            point["count"] = 7
            validator.validate(request)

    def test_show_a_planted_regression_of_a_kernel_and_no_other(self):
        one = self.write("one.ndjson", lines_of("6.1-cloud/flags/trace.dat"))
        generate = program.SOURCE / "packaging/fleet/generate"
        for slow in ("", "6.12.0"):
            made = subprocess.run([generate, one, "--hosts", "40", "--items", "600", "--factor",
                                   "1.5", "--slow-kernel", slow], capture_output=True, check=True)
            planted = made.stderr.decode().split("planted: ")[1].strip()
            path = self.folder / "fleet.ndjson"
            path.write_bytes(made.stdout)
            result = json.loads(output("diff", "--hist", "--kernels", "6.1.0,6.12.0", "--json",
                                       path, expect=(1 if slow else 0,)))
            # 20 hosts a side are 16 groups of hosts.
            self.assertEqual((result["summary"]["base_runs"], result["summary"]["new_runs"]),
                             (16, 16))
            found = [row["name"] for row in result["rows"]
                     if row["changes"][0]["verdict"] in ("slower", "faster")]
            self.assertEqual(found, [planted] if slow else [])
            if slow:
                self.assertAlmostEqual(result["rows"][0]["changes"][0]["ratio"], 1.5, 1)
        done = program.run(WQPROF, ["diff", "--hist", "--kernels", "6.1.0,7.0", path])
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"6.12.0", done.stderr)

    def test_of_hosts_are_compared_side_by_side(self):
        for name in ("base", "new"):
            (self.folder / name).mkdir()
        (self.folder / "base/a.ndjson").write_text("".join(lines_of(program.TRACES[0])))
        (self.folder / "new/b.ndjson").write_text("".join(lines_of(program.TRACES[1])))
        result = json.loads(output("diff", "--hist", "--json", self.folder / "base", "--",
                                   self.folder / "new", expect=(0,)))
        self.assertEqual(result["summary"]["base_runs"], 1)
        self.assertGreater(len(result["rows"]), 3)
        done = program.run(WQPROF, ["diff", "--hist", self.folder / "base", "--",
                                    self.folder / "new"])
        self.assertIn(b"1 host against 1 host", done.stderr)
        self.assertEqual(program.run(WQPROF, ["diff", "--hist", self.folder / "base"]).returncode, 2)

    def test_whose_sums_do_not_fit_say_so(self):
        most = {"n": 2 ** 64 - 1, "sum": 2 ** 63 - 1, "min": 1, "max": 2 ** 63 - 1, "zero": 0,
                "idx": [1007], "cnt": [2 ** 64 - 1]}
        line = next(json.loads(line) for line in lines_of(program.TRACES[0])
                    if json.loads(line)["kind"] == "function")
        path = self.write("x.ndjson", [json.dumps({**line, **most, "segment": segment}) + "\n"
                                       for segment in "ab"])
        self.assertEqual(merged(path)["merged"]["too_large"], 1)
        self.assertIn(b"too large: sums of 1 series", output("merge", path))
        self.assertEqual(program.run(WQPROF, ["merge", "--strict", path]).returncode, 3)

    def test_that_are_none_are_refused(self):
        path = self.write("x.ndjson", ["hello\n"])
        done = program.run(WQPROF, ["merge", path])
        self.assertEqual(done.returncode, 5)
        self.assertIn(b"no line of these files (1)", done.stderr)
        done = program.run(WQPROF, ["merge"])
        self.assertEqual(done.returncode, 2)
        done = program.run(WQPROF, ["export", "--to", "hist-ndjson", "--label", "7=a",
                                    program.TRACES[0]])
        self.assertEqual(done.returncode, 2)
        half = self.write("h.ndjson", [lines_of(program.TRACES[0])[0][:200]] +
                          lines_of(program.TRACES[1]))
        self.assertEqual(program.run(WQPROF, ["merge", "--strict", half]).returncode, 3)


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the program prints for machines is what its schemas say, and the same in all formats.

usage: schema_test.py WQPROF [--update]
--update writes the schemas as the program makes them now.
"""

import collections
import csv
import functools
import gzip
import io
import json
import pathlib
import re
import sys
import unittest

import jsonschema
import program

SCHEMAS = program.SOURCE / "src/render/schemas"


def schema(name):
    return json.loads((SCHEMAS / f"wqprof.{name}-1.json").read_text())


@functools.lru_cache(maxsize=None)
def output(*arguments):
    done = program.run(WQPROF, arguments)
    # 3: the trace holds no item; the document is there all the same.
    if done.returncode not in (0, 3):
        raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def lines(*arguments):
    return [json.loads(line) for line in output(*arguments, "--format", "ndjson").splitlines()]


def table(*arguments):
    return list(csv.DictReader(io.StringIO(output(*arguments, "--format", "csv"))))


def added(parts):
    """Objects of numbers, key by key."""
    return dict(sum((collections.Counter(part) for part in parts), collections.Counter()))


def one_of_each(value):
    """The same, with one of those rows of each list that differ in nothing but numbers of a sign."""
    if isinstance(value, dict):
        return {key: one_of_each(part) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    rows = map(one_of_each, value)
    return list({re.sub(r"\d+(\.\d+)?", "0", json.dumps(row)): row for row in rows}.values())


class Schemas(unittest.TestCase):
    def test_are_valid_themselves(self):
        for path in SCHEMAS.iterdir():
            with self.subTest(schema=path.name):
                jsonschema.Draft7Validator.check_schema(json.loads(path.read_text()))

    def test_are_those_that_the_program_makes_of_its_columns(self):
        names = output("schema").split()
        # That of kernel logs is kept by hand.
        self.assertEqual({f"{name.replace('/', '-')}.json" for name in names},
                         {path.name for path in SCHEMAS.iterdir()} - {"wqprof.log-1.json"})
        for name in names:
            with self.subTest(schema=name):
                kept = (SCHEMAS / f"{name.replace('/', '-')}.json").read_text()
                self.assertEqual(output("schema", name), kept,
                                 f"run {sys.argv[0]} WQPROF --update, and read the difference")

    def test_cover_every_command_with_json(self):
        for command in ("report", "stalls", "works", "chains", "stat", "check", "diff", "info",
                        "doctor", "hist", "merge", "state"):
            self.assertIn(f"wqprof.{command}/1", output("schema"))

    def test_describe_verdicts_and_differences(self):
        budget = str(program.HERE / "budgets/kept.toml")
        trace = program.TRACES[0]
        for command, arguments in (("check", ("--budget", budget, trace)),
                                   ("diff", (trace, trace))):
            with self.subTest(command=command):
                document = json.loads(output(command, "--format", "json", *arguments))
                jsonschema.Draft7Validator(schema(command)).validate(document)

    def test_buckets_are_left_out_on_request(self):
        whole = json.loads(output("report", "--format", "json", program.TRACES[0]))
        short = json.loads(output("report", "--format", "json", "--no-histograms",
                                  program.TRACES[0]))
        for row in whole["functions"]:
            del row["latency"]["histogram"]
        self.assertEqual([row["latency"] for row in short["functions"]],
                         [row["latency"] for row in whole["functions"]])
        self.assertNotIn("histogram", json.dumps(short))
        jsonschema.Draft7Validator(schema("report")).validate(short)

    def test_describe_the_output_for_every_trace(self):
        for command in ("report", "stalls", "works", "info", "chains", "timeline"):
            validator = jsonschema.Draft7Validator(schema(command))
            for trace in program.TRACES:
                with self.subTest(command=command, trace=trace):
                    document = json.loads(output(command, "--format", "json", trace))
                    validator.validate(one_of_each(document))

    def test_describe_the_output_for_every_kernel_log(self):
        validator = jsonschema.Draft7Validator(schema("log"))
        logs = [path for path in sorted((program.SOURCE / "tests/data/cases").glob("*/input.txt"))
                if '"kind": "log"' in (path.parent / "expect.json").read_text()]
        self.assertGreater(len(logs), 8)
        for path in logs:
            for command in ("report", "stalls"):
                with self.subTest(command=command, log=path.parent.name):
                    validator.validate(json.loads(output(command, "--format", "json", str(path))))

    def test_refuse_a_renamed_field(self):
        document = json.loads(output("report", "--format", "json", program.TRACES[0]))
        document["quality"]["lost"] = document["quality"].pop("lost_events")
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(document, schema("report"))


    def test_describe_a_line_of_ndjson(self):
        item = jsonschema.Draft7Validator({**schema("works"), "$ref": "#/definitions/item"})
        lists = {trace: lines("works", trace)[1:] for trace in program.TRACES}
        for line in min(lists.values(), key=len):
            item.validate(line)


class Formats(unittest.TestCase):
    def test_items_are_the_same_in_json_ndjson_and_csv(self):
        for trace in program.TRACES:
            with self.subTest(trace=trace):
                document = json.loads(output("works", "--format", "json", trace))
                head, *items = lines("works", trace)
                self.assertEqual(head, {"schema": "wqprof.works/1"})
                self.assertEqual(items, document["works"])
                rows = table("works", trace)
                self.assertEqual(len(rows), len(items))
                for row, item in zip(rows, items):
                    self.assert_row_is_item(row, item)

    def assert_row_is_item(self, row, item):
        flat = {}

        def flatten(prefix, value):
            for key, inner in value.items():
                if isinstance(inner, dict):
                    flatten(f"{prefix}{key}_", inner)
                elif prefix.startswith("split_"):
                    flat[f"{prefix}{key}_ns"] = str(inner)
                else:
                    flat[prefix + key] = json.dumps(inner) if isinstance(inner, bool) else str(inner)

        flatten("", item)
        self.assertEqual({key: value for key, value in row.items() if value != ""}, flat)

    def test_functions_are_the_same_in_json_ndjson_and_csv(self):
        for trace in program.TRACES:
            with self.subTest(trace=trace):
                functions = json.loads(output("report", "--format", "json", trace))["functions"]
                found = [line for line in lines("report", trace) if line.get("table") == "functions"]
                for line in found:
                    del line["table"]
                self.assertEqual(found, functions)
                rows = table("report", trace)
                self.assertEqual([(row["function"], row["latency_count"], row["latency_max_ns"])
                                  for row in rows],
                                 [(f["function"] or "", str(f["latency"]["count"]),
                                   str(f["latency"]["max_ns"] or "")) for f in functions])

    def test_a_document_agrees_with_its_items(self):
        for trace in program.TRACES:
            with self.subTest(trace=trace):
                report = json.loads(output("report", "--format", "json", trace))
                items = json.loads(output("works", "--format", "json", trace))["works"]
                for item in items:
                    if "queued_ns" in item and "started_ns" in item:
                        self.assertEqual(item["latency_ns"],
                                         item["started_ns"] - item["queued_ns"])
                latencies = [item["started_ns"] - item["queued_ns"] for item in items
                             if item["state"] in ("done", "running") and "queued_ns" in item
                             and "started_ns" in item and not item["tainted"]]
                counted = sum(f["latency"]["count"] for f in report["functions"])
                summed = sum(f["latency"]["sum_ns"] for f in report["functions"])
                # A taint of the execution alone leaves the latency in.
                self.assertGreaterEqual(counted, len(latencies))
                if report["quality"]["tainted"] == 0 and report["quality"]["negative_latencies"] == 0:
                    self.assertEqual((counted, summed), (len(latencies), sum(latencies)))

    def test_splits_add_up_to_the_items_that_were_split(self):
        split = 0
        for trace in program.TRACES:
            report = json.loads(output("report", "--format", "json", trace))
            self.assertTrue(report["source"]["has_sched"])
            items = json.loads(output("works", "--format", "json", trace))["works"]
            whole = all(report["quality"][key] == 0 for key in ("tainted", "negative_latencies"))
            for measure in ("dispatch_wait", "execution"):
                with self.subTest(trace=trace, measure=measure):
                    sums = [row["split"][measure] for row in report["functions"]
                            if row["split"][measure]]
                    for table in ("workqueues", "pools", "origins", "cpus"):
                        parts = [row["split"][measure] for row in report[table]
                                 if row["split"][measure]]
                        self.assertEqual(added(parts), added(sums), table)
                    for row in report["functions"]:
                        part, whole_time = row["split"][measure], row[measure]
                        if part and part["items"] == whole_time["count"]:
                            self.assertEqual(sum(part.values()) - part["items"],
                                             whole_time["sum_ns"])
                    if whole:
                        self.assertEqual(added(sums), added(
                            {"items": 1, **item["split"][measure]} for item in items
                            if item["state"] in ("done", "running")
                            and measure in item.get("split", {})))
                    split += sum(part["items"] for part in sums)
        self.assertGreater(split, 1000)

    def test_activation_waits_are_those_of_the_items(self):
        compared = 0
        for trace in program.TRACES:
            report = json.loads(output("report", "--format", "json", trace))
            if report["quality"]["tainted"] or report["quality"]["before_trace"]:
                continue
            items = json.loads(output("works", "--format", "json", trace))["works"]
            waited = collections.defaultdict(list)
            for item in items:
                if "inactive_behind" in item:
                    waited[item["workqueue"], item.get("target_cpu")].append(
                        item["activated_ns"] - item["queued_ns"])
            for row in report["activation"]:
                waits = waited.pop((row["workqueue"], row["cpu"]), [])
                if len(waits) < row["items"]:
                    continue  # behind how many some of them waited is not known
                self.assertEqual((len(waits), sum(waits), max(waits)),
                                 (row["items"], row["waited_ns"], row["worst_ns"]), trace)
                held = sum(holder["held_ns"] for holder in row["held_by"])
                if row["active_max"] == 1:
                    # With one slot somebody has it, or nobody.
                    self.assertEqual(held + row["unheld_ns"], row["waited_ns"], trace)
                compared += 1
            self.assertEqual(waited, {}, "items that waited are in a row")
        self.assertGreater(compared, 5)

    def test_parents_are_those_that_the_truth_names(self):
        for kernel in ("6.1-cloud", "6.12-cloud"):
            with gzip.open(program.DATA / kernel / "chain/truth.csv.gz", "rt") as truth:
                rows = list(csv.DictReader(truth))
            parents = {}
            for row in rows:
                for other in rows:
                    if other["pid"] == row["qpid"] and \
                            int(other["start"]) <= int(row["q0"]) <= int(other["end"]):
                        parents["0x" + row["work"]] = "0x" + other["work"]
            items = json.loads(output("works", "--format", "json",
                                      f"{kernel}/chain/trace.dat"))["works"]
            by_id = {item["id"]: item for item in items}
            found = {item["work"]: by_id[item["origin"]["item"]]["work"] for item in items
                     if item.get("function", "").startswith("wqt_fn")
                     and "item" in item.get("origin", {})}
            self.assertEqual(found, parents)
            self.assertEqual(len(found), 40)

    def test_the_steps_of_a_chain_add_up(self):
        for trace in program.TRACES:
            chains = json.loads(output("chains", "--format", "json", "--slowest", "50", trace))
            for chain in chains["chains"]:
                if any(step["queued_ns"] is None for step in chain["steps"]):
                    continue
                times = [step["latency_ns"] + (step["until_next_ns"] or 0)
                         for step in chain["steps"][:-1]]
                last = chain["steps"][-1]
                if last["execution_ns"] is not None:
                    self.assertEqual(sum(times) + last["latency_ns"] + last["execution_ns"],
                                     chain["span_ns"], trace)

    def test_the_tree_of_chains_holds_every_executed_item_once(self):
        for trace in program.TRACES:
            tree = json.loads(output("chains", "--format", "json", trace))["tree"]
            items = json.loads(output("works", "--format", "json", trace))["works"]
            executed = sum(item["state"] in ("done", "running") for item in items)
            self.assertEqual(sum(node["items"] for node in tree), executed, trace)

    def test_histograms_hold_what_the_counts_say(self):
        for trace in program.TRACES:
            report = json.loads(output("report", "--format", "json", trace))
            for row in report["functions"] + report["workqueues"]:
                for measure in ("latency", "activation_wait", "dispatch_wait", "execution", "total"):
                    with self.subTest(trace=trace, row=row["workqueue"], measure=measure):
                        d = row[measure]
                        h = d["histogram"]
                        self.assertEqual(d["count"], sum(h["count"]) + h["zero_count"])
                        self.assertEqual(len(h["index"]), len(h["count"]))
                        if h["index"]:
                            octave = 2 ** h["scale"]
                            self.assertLessEqual(d["max_ns"], 2 ** ((h["index"][-1] + 1) / octave) + 1)
                            self.assertGreater(d["max_ns"], 2 ** (h["index"][-1] / octave) - 1)


def update():
    for name in output("schema").split():
        (SCHEMAS / f"{name.replace('/', '-')}.json").write_text(output("schema", name))


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    if sys.argv[2:] == ["--update"]:
        update()
    else:
        unittest.main(argv=sys.argv[:1])

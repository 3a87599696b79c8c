#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `export --to perfetto` writes is what a reader of Perfetto's format finds, and says the same
as the report: this reader replays clocks, interned names and the nesting of slices, as protoc, which
accepts a file from which Perfetto takes nothing, does not.

usage: perfetto_test.py WQPROF
"""

import collections
import json
import sys
import tempfile
import unittest
import zlib

import program


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of each field of a message; values are numbers or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = int.from_bytes(data[at:at + 8], "little"), at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise AssertionError(f"wire type {kind}")
        yield key >> 3, value


def message(data):
    out = collections.defaultdict(list)
    for number, value in fields(data):
        out[number].append(value)
    return out


def one(fields_of, number, default=None):
    return fields_of[number][0] if fields_of[number] else default


# What is drawn inside an execution, and the part of its split that it is.
PARTS = {"preempted": "preempted", "blocked": "blocked", "blocked in D": "blocked",
         "runnable": "runnable"}


class Trace:
    """A trace as an importer understands it."""

    def __init__(self, data):
        self.tracks, self.slices, self.counters = {}, [], collections.defaultdict(list)
        self.flows = collections.defaultdict(list)
        self.names, self.keys, self.texts = {}, {}, {}
        self.clock = None
        self.open = collections.defaultdict(list)
        for number, packet in fields(data):
            assert number == 1
            self.read_packet(message(packet))
        assert not any(self.open.values()), "slices without an end"

    def read_packet(self, packet):
        if packet[50]:
            for number, inner in fields(zlib.decompress(packet[50][0])):
                assert number == 1
                self.read_packet(message(inner))
            return
        assert one(packet, 10) == 1, "all on one sequence"
        if packet[6]:
            clocks = {one(c, 1): c for c in map(message, message(packet[6][0])[1])}
            # Without the boot time an importer drops each event.
            assert {3, 6, 64} <= clocks.keys() and one(clocks[64], 3) == 1
            self.clock = one(clocks[6], 2) + one(clocks[64], 2)
            assert one(message(packet[59][0]), 58) == 64
        if packet[12]:
            interned = message(packet[12][0])
            for number, table in ((2, self.names), (3, self.keys), (29, self.texts)):
                for entry in map(message, interned[number]):
                    assert one(entry, 1) not in table, "a number is given once"
                    table[one(entry, 1)] = one(entry, 2).decode()
        if packet[60]:
            track = message(packet[60][0])
            assert one(track, 1) not in self.tracks
            self.tracks[one(track, 1)] = track
        if packet[11]:
            self.clock += one(packet, 8)
            self.read_event(message(packet[11][0]))

    def read_event(self, event):
        track = one(event, 11)
        assert track in self.tracks, "a track is described before its events"
        kind = one(event, 9)
        if kind == 4:
            self.counters[track].append((self.clock, one(event, 30)))
        elif kind == 2:
            found = self.open[track].pop()
            found["end"] = self.clock
            self.slices.append(found)
        else:
            assert kind == 1
            arguments = {}
            for argument in map(message, event[4]):
                key = self.keys[one(argument, 1)]
                arguments[key] = self.texts[one(argument, 17)] if argument[17] else one(argument, 3)
            self.open[track].append({"begin": self.clock, "track": track, "args": arguments,
                                     "name": self.names[one(event, 10)],
                                     "depth": len(self.open[track])})
            for flow in event[47]:
                self.flows[flow].append("out")
            for flow in event[48]:
                self.flows[flow].append("in")

    def title(self, track):
        described = self.tracks[track]
        return one(described, 2, b"").decode()

    def of(self, what):
        """Slices of executions (on threads), waits, or stalls."""
        for found in self.slices:
            title = self.title(found["track"])
            if found["depth"] > 0:
                kind = "inside"
            elif self.tracks[found["track"]][4]:
                kind = "execution"
            else:
                kind = "wait" if title.startswith("waits: ") else "stall"
            if kind == what:
                yield found


class Perfetto(unittest.TestCase):
    def exported(self, trace, *options):
        with tempfile.NamedTemporaryFile() as out:
            done = program.run(WQPROF, ["export", "--to", "perfetto", "-o", out.name, *options,
                                        trace])
            self.assertIn(done.returncode, (0, 3), done.stderr)
            data = out.read()
        return done.returncode, data

    def items(self, trace):
        text = program.run(WQPROF, ["works", "--format", "ndjson", trace]).stdout.decode()
        return [json.loads(line) for line in text.splitlines()[1:]]

    def test_has_what_the_other_commands_say(self):
        for path in program.TRACES:
            with self.subTest(trace=path):
                code, data = self.exported(path)
                if code == 3:
                    continue
                self.compare(path, Trace(data), data)

    def compare(self, path, trace, data):
        items = {item["id"]: item for item in self.items(path)}
        report = json.loads(program.run(WQPROF, ["report", "--format", "json", path]).stdout)
        seen = 0
        for found in trace.of("execution"):
            item = items[found["args"]["item"]]
            if "started_ns" in item:
                self.assertEqual(found["begin"], item["started_ns"])
            if "ended_ns" in item:
                self.assertEqual(found["end"], item["ended_ns"])
            self.assertEqual(found["name"], item.get("function", "?"))
            seen += 1
        self.assertEqual(seen, sum(1 for i in items.values() if drawn_execution(i)))
        self.compare_parts(trace, items)
        waits = list(trace.of("wait"))
        for found in waits:
            item = items[found["args"]["item"]]
            self.assertEqual(found["begin"], item["queued_ns"])
            if "started_ns" in item:
                self.assertEqual(found["end"], item["started_ns"])
        self.assertEqual(len(waits), sum(1 for i in items.values() if drawn_wait(i)))
        self.assertEqual(len(list(trace.of("stall"))), report_stalls(path))
        for flow, ends in trace.flows.items():
            self.assertEqual(ends, ["out", "in"], f"item {flow}")
            self.assertGreaterEqual(items[flow]["started_ns"] - items[flow]["queued_ns"], 1_000_000)
        self.compare_counters(path, trace, report)
        if len(items) >= 1000:
            self.assertLessEqual(len(data) / len(items), 25, "bytes an item")

    def compare_parts(self, trace, items):
        """Inside executions; those that are drawn are long, so that short ones are missing."""
        drawn = collections.defaultdict(lambda: collections.Counter())
        executions = {(f["track"], f["begin"], f["end"]): f for f in trace.of("execution")}
        for part in trace.of("inside"):
            if part["name"] not in PARTS:
                continue
            parent = max((f for (track, begin, end), f in executions.items()
                          if track == part["track"] and begin <= part["begin"] <= end),
                         key=lambda f: f["begin"])
            self.assertLessEqual(part["end"], parent["end"])
            self.assertGreaterEqual(part["end"] - part["begin"], 5_000)
            drawn[parent["args"]["item"]][PARTS[part["name"]]] += part["end"] - part["begin"]
        for number, item in items.items():
            for part, spent in (item.get("split", {}).get("execution") or {}).items():
                if part not in PARTS.values():
                    continue
                self.assertLessEqual(drawn[number][part], spent, f"{part} of item {number}")
                if spent >= 1_000_000:
                    self.assertGreaterEqual(drawn[number][part], 0.9 * spent, number)

    def compare_counters(self, path, trace, report):
        steps = collections.defaultdict(list)
        text = program.run(WQPROF, ["export", "--to", "ndjson", path]).stdout.decode()
        for step in map(json.loads, text.splitlines()[1:]):
            for key, title in (("backlog", "backlog"), ("busy", "busy workers")):
                steps[step["pool"], title].append((step["at_ns"], step[key]))
        points = {}
        for track, found in trace.counters.items():
            described = trace.tracks[track]
            process = message(trace.tracks[one(described, 5)][3][0])
            points[one(process, 6).decode().removeprefix("pool "), trace.title(track)] = found
        self.assertEqual(points.keys(), steps.keys())
        for key, expected in steps.items():
            if len(expected) <= 4000:
                self.assertEqual(points[key], expected, key)
            else:  # thinned out
                self.assertLess(len(points[key]), len(expected), key)
                self.assertLessEqual(set(points[key]), set(expected), key)
        for pool in report["pools"]:
            self.compare_mean(pool, steps.get((pool["pool"], "backlog"), []), report["source"])

    def compare_mean(self, pool, steps, source):
        if pool["backlog_mean"] is None:  # not recorded
            return
        times = [at for at, _ in steps[1:]] + [source["end_ns"]]
        total = sum(value * (to - at) for (at, value), to in zip(steps, times))
        mean = total / max(1, source["duration_ns"])
        self.assertAlmostEqual(mean, pool["backlog_mean"], delta=1e-3 * mean + 1e-3)
        # Within one instant it may have been higher.
        self.assertLessEqual(max((value for _, value in steps), default=0), pool["backlog_max"])

    def test_a_part_of_the_time_holds_nothing_else(self):
        trace = "6.12-cloud/hog/trace.dat"
        whole = Trace(self.exported(trace)[1])
        begin = min(found["begin"] for found in whole.slices)
        part = Trace(self.exported(trace, "--time", "+0.1,+0.3")[1])
        self.assertLess(len(part.slices), len(whole.slices))
        for found in part.slices:
            self.assertGreaterEqual(found["begin"], begin + 90_000_000)
            self.assertLessEqual(found["end"], begin + 310_000_000)

    def test_the_slowest_items_come_with_what_their_pools_executed(self):
        trace = "6.12-cloud/hog/trace.dat"
        items = self.items(trace)
        waited = sorted((i for i in items if "started_ns" in i and "queued_ns" in i),
                        key=lambda i: i["queued_ns"] - i["started_ns"])
        slowest = {i["id"]: i for i in waited[:2]}
        part = Trace(self.exported(trace, "--slowest", "2")[1])
        drawn = {found["args"]["item"] for found in part.of("wait")}
        self.assertLessEqual(slowest.keys(), drawn)
        begin = min(i["queued_ns"] for i in slowest.values())
        end = max(i["ended_ns"] for i in slowest.values())
        pools = {i["pool"] for i in slowest.values()}
        meanwhile = {i["id"] for i in items if drawn_execution(i) and i["pool"] in pools and
                     i.get("started_ns", 0) <= end and i.get("ended_ns", end) >= begin}
        executed = {found["args"]["item"] for found in part.of("execution")}
        self.assertEqual(executed, meanwhile)
        self.assertLess(len(executed), sum(1 for i in items if drawn_execution(i)))


def drawn_execution(item):
    if item["state"] == "superseded":
        return False
    if "started_ns" not in item:
        return item["state"] == "before_trace" and "ended_ns" in item
    return "ended_ns" in item or item["state"] == "running"


def drawn_wait(item):
    if item["state"] == "superseded" or "queued_ns" not in item:
        return False
    return "started_ns" in item or item["state"] == "pending"


def report_stalls(path):
    return len(json.loads(program.run(WQPROF, ["stalls", "--format", "json", path]).stdout)["stalls"])


if __name__ == "__main__":
    WQPROF = sys.argv.pop(1)
    unittest.main()

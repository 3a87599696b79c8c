# SPDX-License-Identifier: Apache-2.0
"""A fleet that packaging/fleet/generate makes, and what `wqprof merge` says of it."""

import collections
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLEET = ROOT / "packaging/fleet"
LAB = ROOT / "tests/data/lab/6.1-cloud"
SLOW = 3  # hosts whose latencies are planted
SLOW_HOSTS = {f"h{number:06}" for number in range(SLOW)}


def export(wqprof, path):
    """Writes the lines of two recordings."""
    subprocess.run([wqprof, "export", "--to", "hist-ndjson", "-o", path, LAB / "flags/trace.dat",
                    LAB / "hog/trace.dat"], check=True)


def some_series(text, count):
    """Of lines, that of quality and those of so many functions' metrics, to draw from."""
    lines = {text: json.loads(text) for text in text.splitlines()}
    kept = [text for text, line in lines.items() if line["kind"] == "quality"][:1]
    names = set()
    for text, line in lines.items():
        name = (line.get("workqueue"), line.get("function"), line.get("metric"))
        if line["kind"] == "function" and line["n"] > line["zero"] and name not in names \
                and len(names) < count:
            names.add(name)
            kept.append(text)
    return "\n".join(kept) + "\n"


def generate(one, hosts, *more):
    """The lines of so many hosts, and "WORKQUEUE/FUNCTION" that is slow on some."""
    made = subprocess.run([FLEET / "generate", one, "--hosts", str(hosts), "--slow-hosts", str(SLOW),
                           *more], capture_output=True, check=True)
    return made.stdout, made.stderr.decode().split("planted: ")[1].strip()


def merged_buckets(wqprof, path):
    """{(kernel, workqueue, function, metric, bucket): values} as `wqprof merge` adds them up."""
    done = subprocess.run([wqprof, "merge", "--by", "kernel", "--json", path], capture_output=True,
                          check=True)
    found = collections.Counter()
    for row in json.loads(done.stdout)["functions"]:
        for metric, value in row.items():
            if not isinstance(value, dict):
                continue
            name = (row["kernel"], row["workqueue"] or "", row["function"] or "", metric)
            histogram = value["histogram"]
            for index, count in zip(histogram["index"], histogram["count"]):
                found[(*name, index)] = count
            if histogram["zero_count"]:
                found[(*name, -1000)] = histogram["zero_count"]
    return dict(found)

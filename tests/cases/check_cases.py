#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does wqprof say of each case what its expect.json says?

A case is a directory with one input.* and an expect.json; a directory of cases stands for all in it.
expect.json is one check, or {"checks": [...]}.  A check has a "kind", "exit" (the statuses allowed, [0]
if left out) and maybe "args" (more arguments); what it does not name is not looked at.  A wanted value
is met by an equal one; null by an absent one; {"any": [...]} by one of these, {"not": [...]} by none of
them; {"match": "regex"}; {"has": {...}} by an object with at least these, other objects by just these.
"""
import argparse, collections, functools, json, pathlib, re, subprocess, sys, tempfile

TIME_OUT_S = 20
TOLERANCE = {"us": 0.5, "ns": 0, "begin_s": 2, "s": 0.01, "seconds": 0.01}  # by key, or by its end
SPANS = {"latency": ("queued_ns", "started_ns"), "activation": ("queued_ns", "activated_ns"),
         "dispatch": ("activated_ns", "started_ns"), "execution": ("started_ns", "ended_ns")}
LOG_TABLES = {"lockups": None, "hogs": "times", "flush_dependencies": None, "blocked": "seconds",
              "soft_lockups": "seconds", "leaks": None, "freezes": None, "pools": None, "pwqs": None}
Case = collections.namedtuple("Case", "wqprof source by_pipe")


def agrees(want, got, key=""):
    if isinstance(want, dict):
        if "any" in want: return any(agrees(one, got, key) for one in want["any"])
        if "not" in want: return not any(agrees(one, got, key) for one in want["not"])
        if "match" in want: return got is not None and re.search(want["match"], str(got)) is not None
        if "has" in want: return all(agrees(value, (got or {}).get(k), k) for k, value in want["has"].items())
        return isinstance(got, dict) and want.keys() == got.keys() and all(agrees(want[k], got[k], k) for k in want)
    if isinstance(want, list) and isinstance(got, list): return sorted(map(str, want)) == sorted(map(str, got))
    if re.fullmatch("0x[0-9a-f]+ 0x[0-9a-f]+", f"{want} {got}"): return int(want, 16) == int(got, 16)  # 0x01 is 0x1
    numbers = [v for v in (want, got) if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(numbers) < 2: return want == got and type(want) is type(got)
    return abs(want - got) <= TOLERANCE.get(key, TOLERANCE.get(key.rsplit("_", 1)[-1], 0))


def compare(wanted, found, label):
    return [f"{label}: {key}: expected {json.dumps(value)}, got {json.dumps(found.get(key))}"
            for key, value in wanted.items() if key != "optional" and not agrees(value, found.get(key), key)]


def match_up(wanted, found, label, at_least):
    """Two lists of objects in any order: the pairs that fit best, the most demanding ones first."""
    def name(row): return " ".join([label, *(row[k] for k in ("function", "work", "workqueue", "pool", "worker") if isinstance(row.get(k), str))])
    pairs = {}
    fits = [(len(compare(w, f, "")), -len(w), i, j) for i, w in enumerate(wanted) for j, f in enumerate(found)]
    for misfit, _, i, j in sorted(fits):
        if i not in pairs and j not in pairs.values() and not (misfit and wanted[i].get("optional")): pairs[i] = j
    out = [line for i, j in sorted(pairs.items()) for line in compare(wanted[i], found[j], name(wanted[i]))]
    out += [f"{name(w)}: expected, got none" for i, w in enumerate(wanted) if i not in pairs and not w.get("optional")]
    left_over = [] if at_least else [f for j, f in enumerate(found) if j not in pairs.values()]
    return out + [f"{label}: expected no other, got {json.dumps(f)[:200]}" for f in left_over]


class Run:
    def __init__(self, case, command, *arguments):
        self.command = command
        argv = [case.wqprof, command, *arguments, "-" if case.by_pipe else str(case.source)]
        with open(case.source if case.by_pipe else "/dev/null", "rb") as feed:
            try:
                done = subprocess.run(argv, stdin=feed, capture_output=True, timeout=TIME_OUT_S)
                self.status, out, err = done.returncode, done.stdout, done.stderr
            except subprocess.TimeoutExpired:
                self.status, out, err = f"none in {TIME_OUT_S} s", b"", b""
        self.out, self.err = (text.decode("utf-8", "replace").strip() for text in (out, err))
        self.err = self.err.replace(str(case.source), "INPUT").replace(case.source.name, "INPUT")  # a name is no message

    def wrong_exit(self, allowed):
        said = (self.err or self.out).split("\n")
        said = next((line for line in self.out.split("\n") if re.match(r"PASS|FAIL|\?", line)), said[0])[:120]
        return [] if self.status in allowed else [f"{self.command}: expected exit {allowed}, got {self.status} ({said})"]

    def documents(self):
        """Every JSON object of the output, one after the other, and then those that stand in them."""
        found, left = [], self.out
        try:
            while left:
                value, end = json.JSONDecoder().raw_decode(left)
                found, left = found + [value], left[end:].lstrip()
        except json.JSONDecodeError: pass  # what came before it counts
        inner = [v for value in found if isinstance(value, dict) and "schema" in value for v in value.values()]
        return [value for value in found + inner if isinstance(value, dict)]


def whole_name(row):
    return f"{row.get('function')} [{row['module']}]" if row.get("module") else row.get("function")


def flat_item(item):
    flat = {**item, "function": whole_name(item), **{f"origin_{k}": v for k, v in (item.get("origin") or {}).items()}}
    for span, (begin, end) in SPANS.items():
        if item.get(begin) is not None and item.get(end) is not None:
            flat[span + "_ns"] = item[end] - item[begin]
            flat[span + "_us"] = flat[span + "_ns"] / 1000
    return flat


def flat_log_row(row):
    """Lists of works become {function: how many}; in_flight gives seconds, pids and who waits in a flush as well."""
    flat = {**row, "function": whole_name(row), "idle": len(idle) if isinstance(idle := row.get("idle"), list) else idle}
    works = {"waiting": row.get("waiting") or [], "in_flight": row.get("in_flight") or []}
    works["inactive"] = [w for w in works["waiting"] if w.get("state") == "inactive"]
    for key, listed in works.items():
        flat[key] = collections.Counter()
        for work in listed:
            if work.get("function") not in (None, "wq_barrier_func"): flat[key][whole_name(work)] += work.get("count", 1)
    flat["in_flight_s"] = {name: [w.get("seconds") for w in works["in_flight"] if whole_name(w) == name] for name in flat["in_flight"]}
    flat["in_flight_at"] = [w["at"] for w in works["in_flight"] if w.get("at")]
    flat["in_flight_pids"] = list({w["worker_pid"] for w in works["in_flight"] if w.get("worker_pid")})
    flat["barriers_of"] = list({w["barrier_of_pid"] for w in works["in_flight"] + works["waiting"] if w.get("barrier_of_pid")})
    return flat


def total(rows, path):
    """Of the number at a.b in several rows the sum, or the largest if it is a maximum; None if no row has it."""
    values = [functools.reduce(lambda at, key: (at or {}).get(key), path.split("."), row) for row in rows]
    values = [value for value in values if value is not None]
    return None if not values else max(values) if "max" in path else sum(values)


def of_log(check, log):
    out = []
    for table, number in LOG_TABLES.items():
        wanted, found = check.get(table), log.get(table) or []
        if wanted is None: continue
        key = "pool" if table == "pools" else "function"
        if isinstance(wanted, dict):  # {"cpu0": {...}}, or short {"fn": 4}
            wanted = [{key: k, **(v if isinstance(v, dict) else {number: v})} for k, v in wanted.items()]
        if table == "pwqs": found = [{**p, "workqueue": w["workqueue"]} for w in log.get("workqueues") or [] for p in w["pwqs"]]
        found = [flat_log_row(row) for row in found]
        if table == "hogs": found = {f["function"]: f for f in sorted(found, key=lambda f: f["times"])}.values()  # the highest
        out += match_up(wanted, list(found), table, at_least=table in ("pools", "pwqs"))
    return out


def of_report(check, run):
    schema = "wqprof.log/1" if check["kind"] == "log" else "wqprof.report/1"
    report = next((d for d in run.documents() if d.get("schema") == schema), None)
    if report is None: return [f"{run.command}: expected {schema}, got {run.out[:60]!r} {run.err[:100]!r}"]
    source = {**check.get("source", {}), **({"recorded": check["recorded"]} if "recorded" in check else {})}
    out = compare(source, report.get("source") or {}, "source") + compare(check.get("quality", {}), report.get("quality") or {}, "quality")
    if check["kind"] == "log": return out + of_log(check, report)
    functions, pools = collections.defaultdict(list), collections.defaultdict(list)
    for row in report.get("functions") or []: functions[whole_name(row)] += [row]
    for row in report.get("pools") or []: pools[row.get("pool")] += [row]
    for table, rows in (("functions", functions), ("pools", pools)):
        for name, want in check.get(table, {}).items():
            out += compare(want, {path: total(rows[name], path) for path in want}, f"{table} {name}")
    counted = {"queued": {name: total(rows, "queued") for name, rows in functions.items() if total(rows, "queued")},
               "origins": {f"{o.get('kind')} {o.get('name') or ''}".strip(): o["queued"] for o in report.get("origins") or [] if o.get("queued")},
               "stalls": len(report.get("stalls") or [])}
    return out + compare({key: check[key] for key in counted if key in check}, counted, "report")


def failures(check, case):
    kind, allowed, arguments = check["kind"], check.get("exit", [0]), check.get("args", [])
    if kind == "any":  # one of several right answers will do; the first one is the best
        tried = [[line for part in (one if isinstance(one, list) else [one]) for line in failures(part, case)] for one in check["of"]]
        return [] if [] in tried else [f"(none of {len(tried)} right answers; of the best) {line}" for line in tried[0]]
    if kind == "items":
        run = Run(case, "works", "--format", "ndjson", *arguments)
        items = [flat_item(d) for d in run.documents() if "id" in d]
        out = run.wrong_exit(allowed) or match_up(check["items"], items, "item", check.get("at_least", False))
        out += [line for item in items for line in compare(check.get("every", {}), item, f"item {item['id']}")][:3]
        return out or of_report(check, Run(case, "report", "--format", "json"))
    if kind in ("counts", "log"):
        run = Run(case, "report", "--format", "json", *arguments)
        return run.wrong_exit(allowed) or (of_report(check, run) if check.keys() - {"kind", "exit", "args"} else [])
    if kind == "refusal":
        run, wanted = Run(case, "report", *arguments), [("", check["says"], True), ("no ", check.get("must_not", "(?!)"), False)]
        wrong = [f"message: expected {no}/{say}/, got {run.err!r}" for no, say, so in wanted if bool(re.search(f"(?is){say}", run.err)) != so]
        return run.wrong_exit(check.get("exit", [5])) + wrong
    if kind == "check":
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as budget:
            print(check["budget"], file=budget, flush=True)
            wrong = Run(case, "check", "--budget", budget.name, *arguments).wrong_exit(allowed)
        return [f"{line} for {check['budget'].split('[[budget]]')[-1].strip()!r}" for line in wrong]
    raise ValueError(f"unknown kind of check: {kind}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stdin", action="store_true", help="give every input through standard input")
    parser.add_argument("wqprof")
    parser.add_argument("cases", nargs="+", metavar="CASE_DIR", type=pathlib.Path)
    options, agreeing = parser.parse_args(), 0
    cases = [c for d in options.cases for c in ([d] if (d / "expect.json").exists() else sorted(p.parent for p in d.glob("*/expect.json")))]
    for directory in cases:
        try:
            expect, (source,) = json.loads((directory / "expect.json").read_text()), directory.glob("input.*")
            lines = [line for check in expect.get("checks", [expect]) for line in failures(check, Case(options.wqprof, source, options.stdin))]
        except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:  # JSON of another form, no program
            lines = [f"expected the documented form, got {type(error).__name__}: {error}"]
        for line in lines: print(f"{directory.name}: {line}")
        agreeing += not lines
    print(f"{agreeing} of {len(cases)} cases agree")
    sys.exit(0 if cases and agreeing == len(cases) else 1)


if __name__ == "__main__":
    main()

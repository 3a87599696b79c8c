#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The arrows between modules, and what only one of them may touch (src/ARCHITECTURE.md)."""

import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A module may use what it names here, and itself.
ARROWS = {
    "base": set(),
    "trace": {"base"},
    "live": {"base", "trace"},
    "text": {"base", "trace"},
    "perf": {"base", "trace"},
    "pftrace": {"base", "trace"},
    "input": {"base", "trace", "text", "perf", "pftrace"},
    "model": {"base", "trace"},
    "analyze": {"base", "trace", "model"},
    "budget": {"base", "trace", "model", "analyze"},
    "klog": {"base", "trace", "model", "analyze", "text"},
    "hist": {"base", "trace", "model", "analyze"},
    "render": {"base", "trace", "model", "analyze", "budget", "text", "klog", "hist"},
    "page": {"base", "trace", "model", "analyze", "budget", "render"},
    "export": {"base", "trace", "model", "analyze", "hist"},
    "cli": {"export", "page", "base", "trace", "live", "model", "analyze", "budget", "render", "text", "input", "klog", "hist"},
}

# The module whose face a header in include/wqprof/ is.
FACES = {
    "types.h": "base",
    "wall_clock.h": "base",
    "event.h": "base",
    "error_kind.h": "base",
    "name_table.h": "base",
    "comm.h": "base",
    "number_text.h": "base",
    "glob.h": "base",
    "arguments.h": "base",
    "did_you_mean.h": "base",
    "histogram.h": "base",
    "crew.h": "base",
    "stream_copy.h": "base",
    "stack_text.h": "base",
    "interval_union.h": "base",
    "event_source.h": "trace",
    "flush_waits.h": "trace",
    "workqueue_config.h": "trace",
    "clock_calibration.h": "trace",
    "workqueue_state.h": "trace",
    "holder_stack.h": "trace",
    "byte_cursor.h": "trace",
    "byte_stream.h": "trace",
    "event_batch.h": "trace",
    "event_spool.h": "trace",
    "input_file.h": "trace",
    "raw_records.h": "trace",
    "round_sorter.h": "trace",
    "symbols.h": "trace",
    "settings.h": "trace",
    "tracefs_text.h": "trace",
    "page_feed.h": "trace",
    "page_ring.h": "trace",
    "trace_writer.h": "trace",
    "kernel_log.h": "klog",
    "hist.h": "hist",
    "live.h": "live",
    "workqueue_reader.h": "live",
    "holder_probe.h": "live",
    "trace_file.h": "trace",
    "temporary_file.h": "trace",
    "perf_data.h": "perf",
    "pftrace.h": "pftrace",
    "log_line.h": "text",
    "text.h": "text",
    "input.h": "input",
    "model.h": "model",
    "split.h": "model",
    "measure.h": "model",
    "analyze.h": "analyze",
    "pipeline.h": "analyze",
    "report.h": "analyze",
    "anomaly.h": "analyze",
    "chains.h": "analyze",
    "interval.h": "analyze",
    "timeline.h": "analyze",
    "window.h": "analyze",
    "stall_picture.h": "analyze",
    "time_bins.h": "analyze",
    "worst_items.h": "analyze",
    "holder_finder.h": "analyze",
    "page.h": "page",
    "export.h": "export",
    "open_metrics.h": "export",
    "otlp_json.h": "export",
    "render_timeline.h": "render",
    "budget.h": "budget",
    "watch.h": "budget",
    "render.h": "render",
    "columns.h": "render",
    "schema.h": "render",
    "render_chains.h": "render",
    "render_interval.h": "render",
    "render_hist.h": "render",
    "render_log.h": "render",
    "render_state.h": "render",
    "render_holders.h": "render",
    "render_counters.h": "render",
    "render_top.h": "render",
    "render_watch.h": "render",
    "words.h": "render",
    "render_verdicts.h": "render",
}

# Headers from outside that are the business of some modules only.
OUTSIDE = {
    r"tracefs\.h|.*event-parse\.h|.*kbuffer\.h|.*trace-seq\.h": {"live"},
    r"zstd.*\.h": {"trace", "perf", "pftrace"},
    r"archive(_entry)?\.h": {"input"},
    r"protozero/.*|zlib\.h": {"export", "pftrace"},
    r"CLI/.*": {"cli"},
    r"nlohmann/.*": {"trace", "render", "page", "hist", "export"},
    r"bpf/.*|.*\.skel\.h": {"live"},
    r"simdjson\.h": {"hist"},
    r"pugixml\.hpp": {"render"},
    r"toml\+\+/.*": {"budget"},
    r"iostream": set(),
}

# Only the command line prints, and only it ends the program.
SPEAKS = re.compile(r"\b(?:std::)?(?:f?printf|puts|fputs|perror|exit|abort)\s*\(|fmt::print\(")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)


def module_of_include(quote, name):
    """The module that an include reaches into; None for headers from outside."""
    if name.startswith("wqprof/"):
        return FACES.get(name.removeprefix("wqprof/"), f"none: say in FACES whose face {name} is")
    head = name.split("/")[0]
    return head if quote == '"' and "/" in name and head in ARROWS else None


def violations_of(path, module, text):
    may_use = ARROWS[module] | {module}
    for quote, name in INCLUDE.findall(text):
        used = module_of_include(quote, name)
        if used is not None and used not in may_use:
            yield f"{path}: {module} must not use {name} ({used})"
        elif used is not None and used != module and not name.startswith("wqprof/"):
            yield f"{path}: {name} is private to {used}"
        for pattern, users in OUTSIDE.items():
            if re.fullmatch(pattern, name) and module not in users:
                yield f"{path}: <{name}> is not for {module}"
    if module != "cli" and (said := SPEAKS.search(without_comments(text))):
        yield f"{path}: only cli prints and exits: {said.group(0)}"


def violations(root):
    sources = [p for p in sorted(root.glob("src/*/*")) if p.suffix in (".h", ".cc")]
    for path in sources:
        module = path.parent.name
        if module not in ARROWS:
            yield f"{path}: no module is called {module}"
            continue
        yield from violations_of(path.relative_to(root), module, path.read_text())
    for path in sorted(root.glob("include/wqprof/*.h")):
        module = FACES.get(path.name)
        if module is None:
            yield f"{path.relative_to(root)}: say in FACES which module's face it is"
            continue
        yield from violations_of(path.relative_to(root), module, path.read_text())


def without_licence(root):
    """Source files whose first two lines do not name the licence."""
    folders = ("src", "include", "tests", "packaging", "man", ".ci")
    suffixes = {".h", ".c", ".cc", ".py", ".sh", ".cmake"}
    for folder in folders:
        for path in sorted(root.glob(f"{folder}/**/*")):
            if path.suffix in suffixes or path.name == "CMakeLists.txt":
                head = path.read_text().splitlines()[:2]
                # What is linked into a kernel has the kernel's licence.
                in_kernel = (path.parent == root / "tests/kernels/module" or
                             path.parent == root / "src/live/bpf" and path.suffix != ".cmake")
                licence = "GPL-2.0" if in_kernel else "Apache-2.0"
                if not any(f"SPDX-License-Identifier: {licence}" in line for line in head):
                    yield str(path.relative_to(root))


class TheTree(unittest.TestCase):
    def test_follows_the_arrows(self):
        self.assertEqual(list(violations(ROOT)), [])

    def test_names_the_licence_in_each_file(self):
        self.assertEqual(list(without_licence(ROOT)), [])


class TheseRules(unittest.TestCase):
    """Each rule finds what it is there for."""

    def found(self, path, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return list(violations(pathlib.Path(folder)))

    def test_let_a_module_use_what_stands_to_its_left(self):
        self.assertEqual(self.found("src/model/a.cc", '#include "wqprof/event_source.h"\n'), [])
        self.assertEqual(self.found("src/model/a.cc", '#include "model/b.h"\n'), [])

    def test_find_an_arrow_that_goes_right(self):
        self.assertEqual(len(self.found("src/trace/a.cc", '#include "wqprof/model.h"\n')), 1)
        self.assertEqual(len(self.found("include/wqprof/types.h", '#include "wqprof/model.h"\n')), 1)

    def test_find_a_reach_into_another_modules_inside(self):
        self.assertEqual(len(self.found("src/cli/a.cc", '#include "trace/b.h"\n')), 1)

    def test_find_a_face_without_a_module(self):
        self.assertEqual(len(self.found("include/wqprof/new.h", "")), 1)
        self.assertEqual(len(self.found("src/cli/a.cc", '#include "wqprof/new.h"\n')), 1)

    def test_find_a_library_in_the_wrong_module(self):
        self.assertEqual(len(self.found("src/model/a.cc", "#include <tracefs.h>\n")), 1)
        self.assertEqual(len(self.found("src/render/a.cc", "#include <CLI/CLI.hpp>\n")), 1)

    def test_find_a_library_that_speaks(self):
        self.assertEqual(len(self.found("src/model/a.cc", 'void F() { printf("x"); }\n')), 1)
        self.assertEqual(self.found("src/model/a.cc", "// printf(x) would be wrong\n"), [])
        self.assertEqual(self.found("src/cli/a.cc", 'void F() { fmt::print("x"); }\n'), [])


if __name__ == "__main__":
    unittest.main()

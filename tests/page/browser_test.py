#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pages in a headless Chromium: it has nothing to complain of, and what a person does works.

usage: browser_test.py WQPROF SCREENSHOTS
Without Chromium and its driver it is skipped (77), or fails if WQPROF_REQUIRE_LIVE=1.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import browser
import stacked_text

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
INSPECT = (HERE / "inspect.js").read_text()
SKIP = 77

# A hog, a recording with losses, a busy one of many functions, and one that has how the machine's
# workqueues were set up; and, made below, one with the stacks in which works were queued.
TRACES = {
    "hog": SOURCE / "packaging/sample/hog.dat",
    "lost": SOURCE / "tests/data/lab/6.12-cloud/lost/trace.dat",
    "bursts": SOURCE / "tests/data/loads/bursts.dat",
    "configured": SOURCE / "tests/data/configured/hog.dat",
}


BUDGET = """schema = 1
[[budget]]
name = "the hog is quick"
function = "wqt_fn_hog"
latency.p50 = "10ms"
latency.max = "2s"
[[budget]]
name = "each function"
for_each = "function"
execution.max = "1s"
"""


class Pages(unittest.TestCase):
    """One browser and one page of each trace for all tests."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="wqprof-page-")
        cls.addClassCleanup(folder.cleanup)
        cls.pages = {}
        stacked = pathlib.Path(folder.name) / "stacked.txt"
        stacked.write_text(stacked_text.text())
        for name, trace in {**TRACES, "stacked": stacked}.items():
            cls.pages[name] = pathlib.Path(folder.name) / f"{name}.html"
            subprocess.run([WQPROF, "report", trace.name, "--html", cls.pages[name]], check=True,
                           cwd=trace.parent, env={"LC_ALL": "C.UTF-8"})
        cls.make_verdicts(pathlib.Path(folder.name))
        SHOTS.mkdir(parents=True, exist_ok=True)
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    @classmethod
    def make_verdicts(cls, folder):
        """The pages of `check` and `diff`."""
        budget = folder / "budget.toml"
        budget.write_text(BUDGET)
        for name, arguments, expect in (
                ("check", ["check", "--budget", budget, TRACES["hog"]], 1),
                ("diff", ["diff", TRACES["bursts"], TRACES["bursts"]], 0)):
            cls.pages[name] = folder / f"{name}.html"
            done = subprocess.run([WQPROF, *arguments, "--html", cls.pages[name]],
                                  stdout=subprocess.DEVNULL, check=False, env={"LC_ALL": "C.UTF-8"})
            assert done.returncode == expect, (name, done.returncode)

    def tearDown(self):
        self.assertEqual(self.browser.said(), [])

    def open(self, name, width=1280, **look):
        self.browser.look(width, **look)
        self.browser.open(self.pages[name])
        self.browser.settle()

    def run_js(self, script, *arguments):
        out = self.browser.run(script, *arguments)
        self.assertFalse(str(out).startswith("error: "), out)
        return out

    def middle(self, selector):
        """Of an element, once it is in the window: left, right and middle height."""
        box = self.run_js("const e = document.querySelector(args[0]); e.scrollIntoView({block: 'center'});"
                          "const b = e.getBoundingClientRect();"
                          "return {left: b.left, right: b.right, y: (b.top + b.bottom) / 2};", selector)
        return box["left"], box["right"], box["y"]

    def text(self, selector):
        return self.run_js("return document.querySelector(args[0]).textContent;", selector)

    def click(self, selector):
        left, right, y = self.middle(selector)
        self.browser.mouse("mousePressed", (left + right) / 2, y)
        self.browser.mouse("mouseReleased", (left + right) / 2, y)
        self.browser.settle()

    def rows(self, table):
        return self.run_js("return [...document.querySelectorAll('#' + args[0] + ' tbody tr:not(.below)')]"
                           ".filter(r => !r.hidden).map(r => r.cells[0].textContent);", table)

    def test_are_sound_at_every_width_light_and_dark(self):
        for name in self.pages:
            self.open(name)
            self.run_js("document.querySelector('#functions-table .opener')?.click();"
                        "document.querySelector('#stalls-table .opener')?.click();")
            for width in (1280, 400):
                for dark in (False, True):
                    with self.subTest(page=name, width=width, dark=dark):
                        self.browser.look(width, dark=dark)
                        self.browser.settle()
                        self.assertEqual(self.run_js(INSPECT), [])
                        theme = "dark" if dark else "light"
                        self.browser.shoot(SHOTS / f"{name}-{width}-{theme}.png", width)
            self.assertEqual(self.browser.said(), [])

    def test_show_the_stacks_in_which_works_were_queued(self):
        for width in (1280, 400):
            self.open("stacked", width)
            self.assertEqual(len(self.rows("stacks-table")), 3)
            self.assertIn("aio_fsync < io_submit_one", self.text("#stacks-table"))
            # A long path is broken into lines.
            wide = self.run_js("return [document.querySelector('#stacks-table').offsetWidth, innerWidth];")
            self.assertLessEqual(wide[0], max(wide[1], 560))
            # Below each item, for all to see and to filter by.
            self.assertIn("queued in aio_fsync < io_submit_one", self.text("#items-table"))
            rows = self.run_js("const input = document.querySelector('input[aria-controls=items-table]');"
                               "input.value = 'pty_write'; input.dispatchEvent(new Event('input'));"
                               "return [...document.querySelectorAll('#items-table tbody tr')]"
                               ".filter(r => r.checkVisibility()).map(r => r.textContent);")
            self.assertTrue(rows)
            self.assertEqual(len(rows), 2 * len([row for row in rows if "pty_write" in row]))
        self.assertIn("queued by", self.text("#stalls-table").lower())

    def test_are_sound_on_a_wide_screen(self):
        self.open("hog", 2000)
        self.assertEqual(self.run_js(INSPECT), [])
        self.browser.shoot(SHOTS / "hog-2000.png", 2000)

    def test_are_readable_without_scripts(self):
        self.browser.look(1280, scripts=False)
        self.browser.open(self.pages["hog"])
        self.browser.look(1280, scripts=False)
        document = self.browser.command("DOM.getDocument", depth=-1)["root"]["nodeId"]

        def visible(selector):
            nodes = self.browser.command("DOM.querySelectorAll", nodeId=document, selector=selector)
            found = 0
            for node in nodes["nodeIds"]:
                try:
                    self.browser.command("DOM.getBoxModel", nodeId=node)
                    found += 1
                except Exception:  # it has no box
                    pass
            return found

        self.assertGreaterEqual(visible("#stalls-table pre"), 40)
        works = subprocess.run([WQPROF, "works", "--format", "csv", TRACES["hog"]], check=True,
                               capture_output=True, text=True).stdout.splitlines()[1:]
        self.assertEqual(visible("#items-table tbody tr"), len(works))
        self.assertEqual(visible("button"), 0)
        self.browser.command("Emulation.setScriptExecutionDisabled", value=False)

    def test_zoom_by_drag_and_go_back_by_double_click(self):
        self.open("bursts")
        whole = self.text("#tl-range")
        self.assertTrue(whole.startswith("all of "), whole)
        left, right, y = self.middle("#tl-heat canvas")
        self.browser.drag(left + (right - left) * 0.3, left + (right - left) * 0.5, y)
        self.browser.settle()
        once = self.text("#tl-range")
        self.assertNotEqual(once, whole)
        self.browser.drag(left + (right - left) * 0.3, left + (right - left) * 0.5, y)
        self.browser.settle()
        self.assertNotIn(self.text("#tl-range"), (whole, once))
        left, right, y = self.middle(".pool canvas")
        self.browser.double_click((left + right) / 2, y)
        self.browser.settle()
        self.assertEqual(self.text("#tl-range"), once)
        self.click("#tl-back")
        self.assertEqual(self.text("#tl-range"), whole)

    def test_move_in_time_by_keys(self):
        self.open("bursts")
        whole = self.text("#tl-range")
        self.run_js("document.querySelector('#tl').focus();")
        self.browser.keys("+")
        half = self.text("#tl-range")
        self.browser.keys("+", "ArrowRight")
        self.assertNotIn(self.text("#tl-range"), (whole, half))
        self.browser.keys("ArrowLeft", "-")
        self.assertEqual(self.text("#tl-range"), half)
        self.browser.keys("Home")
        self.assertEqual(self.text("#tl-range"), whole)
        self.browser.keys("Backspace")
        self.assertEqual(self.text("#tl-range"), half)

    def test_tell_what_is_under_the_pointer(self):
        self.open("hog")
        left, right, _ = self.middle(".pool canvas")
        top = self.run_js("return document.querySelector('.pool canvas').getBoundingClientRect().top;")
        self.browser.mouse("mouseMoved", (left + right) / 2, top + 20)
        said = self.text("#tip")
        self.assertRegex(said, r"backlog \d")
        self.assertIn("cpu_hog", said)

    def test_lead_from_findings_stalls_and_items_to_the_time_line(self):
        for click in (".finding button.go", "#items-table .opener"):
            with self.subTest(click=click):
                self.open("bursts")
                whole = self.text("#tl-range")
                self.click(click)
                self.assertNotEqual(self.text("#tl-range"), whole)
                self.assertEqual(self.run_js("return document.activeElement.id;"), "tl")
        self.open("bursts")
        whole = self.text("#tl-range")
        self.click("#stalls-table .opener")
        self.click("#stalls-table .below.shown button.go")
        self.assertNotEqual(self.text("#tl-range"), whole)

    def test_lead_from_a_stall_in_the_picture_to_its_story(self):
        self.open("hog")
        left, right, _ = self.middle(".pool canvas")
        top = self.run_js("return document.querySelector('.pool canvas').getBoundingClientRect().top;")
        self.browser.mouse("mousePressed", (left + right) / 2, top + 20)
        self.browser.mouse("mouseReleased", (left + right) / 2, top + 20)
        self.browser.settle()
        story = self.text("#stalls-table .below.shown pre")
        self.assertIn("started nothing for", story)

    def test_sort_by_a_column_and_say_so(self):
        self.open("bursts")
        column = "#functions-table th[data-k=max]"
        self.click(column + " button")
        values = self.run_js("const k = document.querySelector(args[0]).cellIndex;"
                             "return [...document.querySelectorAll('#functions-table tbody tr:not(.below)')]"
                             ".map(r => Number(r.cells[k].dataset.v ?? -1));", column)
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertEqual(self.run_js("return document.querySelector(args[0]).ariaSort;", column),
                         "descending")
        self.click(column + " button")
        self.assertEqual(self.run_js("return document.querySelector(args[0]).ariaSort;", column),
                         "ascending")
        self.click("#functions-table th[data-k=name] button")
        names = self.rows("functions-table")
        self.assertEqual(names, sorted(names, key=str.lower))

    def test_filter_rows_and_count_them(self):
        self.open("bursts")
        before = len(self.rows("functions-table"))
        self.run_js("document.querySelector('#functions input').focus();")
        self.browser.command("Input.insertText", text="flush_to")
        self.assertEqual(self.rows("functions-table"), ["flush_to_ldisc"])
        self.assertRegex(self.text("#functions [role=status]"), r"^1 of \d+ functions$")
        self.run_js("const i = document.querySelector('#functions input'); i.value = '';"
                    "i.dispatchEvent(new Event('input'));")
        self.assertEqual(len(self.rows("functions-table")), before)

    def test_show_a_functions_distribution_and_its_heat_map(self):
        self.open("bursts")
        self.click("#functions-table .opener")
        label = self.run_js("return document.querySelector('.below.shown canvas').ariaLabel;")
        self.assertRegex(label, r"[\d,]+ items, p50 .*, p99 .*, max ")
        self.click(".below.shown button.go")
        self.assertEqual(self.run_js("return document.querySelector('#heat-of').selectedIndex > 0;"), True)

    def test_are_used_by_the_keyboard_alone(self):
        self.open("hog")
        seen, opened = [], False
        for _ in range(80):
            self.browser.keys("Tab")
            here = self.run_js("const e = document.activeElement;"
                               "return e.id || e.className || e.textContent;")
            seen.append(here)
            if here == "opener" and not opened:
                self.browser.keys("Enter")
                opened = self.run_js("return document.activeElement.ariaExpanded;") == "true"
        for stop in ("skip", "theme", "go js-only", "heat-of", "tl-in", "tl", "scroll", "opener"):
            self.assertIn(stop, seen)
        self.assertLess(seen.index("theme"), seen.index("heat-of"))
        self.assertTrue(opened)

    def test_follow_the_system_and_the_button(self):
        back = "return getComputedStyle(document.body).backgroundColor;"
        self.open("hog", dark=True)
        dark = self.run_js(back)
        self.open("hog")
        light = self.run_js(back)
        self.assertNotEqual(light, dark)
        self.click("#theme")
        self.assertEqual(self.run_js(back), light)
        self.click("#theme")
        self.assertEqual(self.run_js(back), dark)
        self.browser.open(self.pages["hog"])
        self.assertEqual(self.run_js(back), dark)  # it is remembered
        self.click("#theme")
        self.assertEqual(self.run_js(back), light)


if __name__ == "__main__":
    WQPROF, SHOTS = sys.argv[1], pathlib.Path(sys.argv[2])
    if browser.MISSING:
        required = os.environ.get("WQPROF_REQUIRE_LIVE") == "1"
        print(f"{browser.MISSING}{', but WQPROF_REQUIRE_LIVE=1' if required else ''}", flush=True)
        sys.exit(1 if required else SKIP)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])

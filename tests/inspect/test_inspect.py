"""The gate's own judgement, tools/replay.py, and the page in a browser: HALO=build/bin/halo tests/inspect/test_inspect.py"""

import copy
import html.parser
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import gate  # noqa: E402

HALO = os.environ.get("HALO", os.path.join(ROOT, "build", "bin", "halo"))
REPLAY = os.path.join(ROOT, "tools", "replay.py")


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)


class Gate(unittest.TestCase):
    EXPECTED = {
        "schedule": "",
        "global_load": {"least": 8, "mean": 12.0},
        "global_store": {"least": 16, "mean": 16.0},
        "local": 0,
        "spill_bytes": 0,
    }

    def judged(self, **changes):
        found = copy.deepcopy(self.EXPECTED)
        for name, value in changes.items():
            found[name] = value
        return gate.complaints("p", self.EXPECTED, found)

    def test_as_expected_or_better(self):
        self.assertEqual(self.judged(), [])
        self.assertEqual(self.judged(global_load={"least": 16, "mean": 16.0}), [])
        self.assertEqual(self.judged(spill_bytes=None), [])

    def test_narrower(self):
        for change in ({"least": 4, "mean": 12.0}, {"least": 8, "mean": 10.0}):
            (line,) = self.judged(global_load=change)
            self.assertIn("global_load", line)
        (line,) = self.judged(global_store={"least": 2, "mean": 16.0})
        self.assertIn("2 B, expected 16 B", line)

    def test_spills(self):
        (line,) = self.judged(spill_bytes=24)
        self.assertIn("24 B spilled, expected 0", line)
        (line,) = self.judged(local=3)
        self.assertIn("3 accesses to local memory", line)

    def test_unknown(self):
        (line,) = gate.complaints("p", None, self.EXPECTED)
        self.assertIn("--update", line)


class Replay(Folder):
    def replay(self, *words):
        return subprocess.run([sys.executable, REPLAY, *words, "--problems", self.path("problems.txt")], capture_output=True, text=True)

    def setUp(self):
        super().setUp()
        with open(self.path("problems.txt"), "w") as file:
            file.write("# two\ncausal_conv1d --set K=4 --set layout=bld\nmodal_filter --set S=4\n")
        done = self.replay("record", self.path("a.json"), "--halo", HALO)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_build_is_like_itself(self):
        done = self.replay("compare", self.path("a.json"), HALO)
        self.assertEqual((done.returncode, done.stdout), (0, "2 problems, 2 the same, 0 differ\n"), done.stderr)

    def test_what_differs_is_shown(self):
        sys.path.insert(0, os.path.dirname(REPLAY))
        import replay

        texts = replay.unpack(self.path("a.json"))
        first = next(iter(texts))
        self.assertIn("fma.rn.f32", texts[first])
        texts[first] = texts[first].replace("fma.rn.f32", "fma.rz.f32", 1)
        with open(self.path("b.json"), "w") as file:
            json.dump(replay.pack(texts), file)
        done = self.replay("compare", self.path("a.json"), self.path("b.json"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("== " + first, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^\+.*fma\.rz\.f32")
        self.assertIn("2 problems, 1 the same, 1 differ", done.stdout)

    def test_refusals(self):
        with open(self.path("a.json")) as file:
            document = json.load(file)
        next(iter(document["problems"].values()))["sha256"] = "0" * 64
        with open(self.path("spoilt.json"), "w") as file:
            json.dump(document, file)
        for words in (("compare", self.path("a.json")), ("compare", self.path("spoilt.json"), HALO), ("record", self.path("x.json"), "--halo", self.path("none"))):
            done = self.replay(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr.startswith("replay.py: error: "), done.stderr)


class Page(html.parser.HTMLParser):
    """What a page has: its elements in balance, its text, and anything from elsewhere."""

    VOID = {"meta", "br", "rect", "circle", "polyline"}

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.words, self.outside = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, "never closed: %s" % self.open

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.outside += [value for name, value in attributes if name in ("src", "href", "xlink:href", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, "</%s> closes %s" % (tag, self.open[-1:])
        self.open.pop()

    def handle_data(self, data):
        self.words.append(data)


class Html(Folder):
    def setUp(self):
        super().setUp()
        words = (HALO, "inspect", "hcm", "--set", "K=128", "--set", "group=16", "--set", "layout=bld", "--html", self.path("page.html"), "--diff", "stages=2")
        done = subprocess.run(words, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("page.html")) as file:
            self.text = file.read()

    def test_a_page_of_its_own(self):
        page = Page(self.text)
        self.assertEqual(page.outside, [])
        self.assertNotIn("://", self.text)
        self.assertNotIn("script", page.seen)
        self.assertGreaterEqual(page.seen.count("svg"), 4)
        text = " ".join(page.words)
        for needle in ("hcm", "the tile of a block", "channels", "halo.kernel @hcm", "mma.sync", "Bank conflicts", "Compared", "bytes spilled", "is the wall"):
            self.assertIn(needle, text)

    def test_in_a_browser(self):
        browser = next(filter(None, map(shutil.which, ("chromium", "chromium-headless-shell", "google-chrome", "chromium-browser"))), None)
        if not browser:
            self.skipTest("no chromium here: install Debian's chromium")
        words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + self.path("profile"), "--window-size=1300,2400"]
        done = subprocess.run([*words, "--screenshot=" + self.path("page.png"), "file://" + self.path("page.html")], capture_output=True, text=True, timeout=120)
        self.assertTrue(os.path.exists(self.path("page.png")), done.stderr)
        self.assertGreater(os.path.getsize(self.path("page.png")), 40000, "the page is blank")
        if os.environ.get("HALO_KEEP_PAGE"):
            shutil.copy(self.path("page.png"), os.environ["HALO_KEEP_PAGE"])
        done = subprocess.run([*words, "--dump-dom", "file://" + self.path("page.html")], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.stdout.count("<svg"), self.text.count("<svg"))


if __name__ == "__main__":
    unittest.main()

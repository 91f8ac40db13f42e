"""The environment: every variable that is read is in runtime/Environment.h, which `halo doctor` shows."""

import os
import re

from cli_case import CliCase

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDERS = ("runtime", "dialect", "compiler", "kernels", "tools")
# The one that reads by the list, and the one that shows what is set.
READERS = {os.path.join("runtime", "Environment.cpp"), os.path.join("tools", "halo", "Probes.cpp")}
# What packs the wheel reads variables of its own; nothing of it is in the package.
PACKAGING = {os.path.join("runtime", "python", "setup.py")}


def sources():
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if name.endswith((".cpp", ".h", ".py", ".sh")):
                    path = os.path.join(where, name)
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, ROOT), file.read()


class Environment(CliCase):
    def test_every_variable_is_listed(self):
        listed = set(self.succeeds_json("doctor")["environment"])
        seen = 0
        for path, text in sources():
            seen += 1
            if path in PACKAGING:
                continue
            if path not in READERS:
                self.assertNotRegex(text, r"\b(secure_)?getenv\s*\(", "%s reads the environment past runtime/Environment.h" % path)
            named = set(re.findall(r'"(HALO_[A-Z0-9_]+)"', text))
            named |= set(re.findall(r"""(?:environ(?:\.get)?|getenv)[\[(]\s*["']([A-Z0-9_]+)["']""", text))
            self.assertLessEqual(named, listed, "%s reads what runtime/Environment.h does not list" % path)
        self.assertGreater(seen, 150)

    def test_each_is_marked(self):
        report = self.succeeds_json("doctor")["environment"]
        marks = {name: entry["key"] for name, entry in report.items()}
        self.assertLessEqual(set(marks.values()), {"", "compiler", "schedule", "assembler"})
        self.assertEqual((marks["HALO_PTXAS"], marks["HALO_TUNING"], marks["NO_COLOR"]), ("assembler", "schedule", ""))
        text = self.succeeds("doctor").stdout.decode()
        self.assertRegex(text, r"HALO_PTXAS +key assembler")
        self.assertRegex(text, r"HALO_CACHE_LIMIT +neutral")

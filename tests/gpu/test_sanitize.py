#!/usr/bin/env python3
"""Which findings of racecheck sanitize.py takes for messages between blocks."""

import unittest

import sanitize


def report(pairs, extra=""):
    lines = ["========= COMPUTE-SANITIZER"]
    for write, read in pairs:
        lines += ["========= Error: Race reported between Write access at hcl+0x%x and Read access at hcl+0x%x [12 hazards]" % (write, read),
                  "========= "]
    return "\n".join([*lines, *([extra] if extra else []), "========= RACECHECK SUMMARY: %d hazards displayed (%d errors, 0 warnings)"
                      % (len(pairs), len(pairs)), "1 passed, 0 failed, 0 skipped", ""])


MEANT = [(0x100 + 16 * i, 0x900 + 16 * i) for i in range(8)]


class Messages(unittest.TestCase):
    def test_meant(self):
        self.assertTrue(sanitize.messages_only(report(MEANT)))
        self.assertTrue(sanitize.messages_only(report(MEANT + MEANT[:2])), "a pair may be reported again")
        self.assertTrue(sanitize.messages_only(report(MEANT).replace(" and Read", "\n=========     and Read")), "on two lines")

    def test_refused(self):
        self.assertFalse(sanitize.messages_only(report(MEANT[:7])), "one is missing")
        self.assertFalse(sanitize.messages_only(report(MEANT + [(0x500, 0x600)])), "one more")
        self.assertFalse(sanitize.messages_only(report(MEANT[:7] + [(MEANT[0][0], 0x600)])), "a store in two pairs")
        writes = report(MEANT).replace("Read access", "Write access", 1)
        self.assertFalse(sanitize.messages_only(writes), "two stores")
        self.assertFalse(sanitize.messages_only(report(MEANT, "========= Invalid __shared__ read of size 8 bytes")))
        self.assertFalse(sanitize.messages_only(report(MEANT, "=========     and Read access at hcl+0x40 [1 hazards]")), "a second read")
        self.assertFalse(sanitize.messages_only(report([])))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Stands between `halo tune` and its worker and spoils chosen candidates; HALO_FAULTS says which:

    load:hang:3,load:crash:4,load:half:5,time:hang:2,time:crash:1

names when (a candidate's load, or its second timing), what (half: its grid has half of the tiles, so that it leaves
outputs unwritten) and which candidate, by its place in the ranking. Everything else passes through to HALO.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

HEADER = struct.Struct("<IIQ")


def read(sock):
    def exactly(count):
        data = b""
        while len(data) < count:
            piece = sock.recv(count - len(data))
            if not piece:
                sys.exit(0)
            data += piece
        return data

    text, _, blob = HEADER.unpack(exactly(HEADER.size))
    return json.loads(exactly(text)), exactly(blob)


def write(sock, message, blob=b""):
    text = json.dumps(message).encode()
    sock.sendall(HEADER.pack(len(text), 0, len(blob)) + text + blob)


def spoil(what):
    if what == "hang":
        time.sleep(3600)
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)


def main():
    parent = socket.socket(fileno=int(sys.argv[sys.argv.index("--socket") + 1]))
    faults = {}
    for fault in filter(None, os.environ.get("HALO_FAULTS", "").split(",")):
        when, what, which = fault.split(":")
        faults[when, int(which)] = what
    ours, theirs = socket.socketpair()
    words = [str(theirs.fileno()) if word == str(parent.fileno()) else word for word in sys.argv[1:]]
    child = subprocess.Popen([os.environ["HALO"], *words], pass_fds=[theirs.fileno()])
    theirs.close()
    # The child goes with us: it ends when its socket closes.
    write(parent, *read(ours))
    launches, timed = {}, {}
    while True:
        message, blob = read(parent)
        if message["do"] == "load":
            what = faults.get(("load", message["id"]), "")
            spoil(what)
            if what == "half":
                info = json.loads(message["info"])
                for tile in info["tiles"]:
                    tile["width"] *= 2
                message["info"] = json.dumps(info)
        if message["do"] == "time" and message["id"] >= 0:
            candidate = launches[message["id"]]
            timed[candidate] = timed.get(candidate, 0) + 1
            if timed[candidate] == 2:
                spoil(faults.get(("time", candidate), ""))
        write(ours, message, blob)
        reply, answer = read(ours)
        if message["do"] == "bind" and "launch" in reply:
            launches[reply["launch"]] = message["id"]
        write(parent, reply, answer)


if __name__ == "__main__":
    main()

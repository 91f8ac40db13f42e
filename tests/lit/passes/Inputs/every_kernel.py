# Compiles every kernel that `halo list` (on stdin) names to LLVM IR and looks for inline assembly
# and for calls that nothing here links.
import re
import subprocess
import sys

halo = sys.argv[1]
NEEDED = {"K": "4", "S": "4", "split": "q:64,k:64,v:128"}
VARIANTS = [["layout=bdl"], ["layout=bld"], ["layout=bld", "K=128"], ["layout=bdl", "K=128"],
            ["layout=bld", "activation=silu"], ["layout=bdl", "align=1"]]

kernels, options = [], {}
for line in sys.stdin:
    if line[:1].strip():
        kernels.append(line.split()[0])
        options[kernels[-1]] = {}
    elif match := re.match(r"\s+(?:set\s+)?(\w+)=(\S*)", line):
        options[kernels[-1]][match.group(1)] = match.group(2).split("|")
assert kernels, "halo list names no kernel"

compiled = 0
for kernel in kernels:
    for variant in VARIANTS:
        settings = {k: v for k, v in NEEDED.items() if k in options[kernel]}
        settings.update(s.split("=") for s in variant)
        settings = {k: v for k, v in settings.items() if k in options[kernel] or k == "align"}
        if "layout" in settings and settings["layout"] not in options[kernel]["layout"]:
            settings["layout"] = options[kernel]["layout"][0]
        command = [halo, "compile", kernel, "--emit", "llvm", "--arch", "sm_90"]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, f"{' '.join(command)}: {result.stderr}"
        assert "define ptx_kernel void" in result.stdout, " ".join(command)
        for line in result.stdout.splitlines():
            assert not re.search(r"\basm\b", line), f"{' '.join(command)}: {line}"
            called = re.search(r"\bcall\b.*@([\w.]+)\(", line)
            assert not called or called.group(1).startswith("llvm."), line
        compiled += 1
print(f"{compiled} modules, no inline assembly")

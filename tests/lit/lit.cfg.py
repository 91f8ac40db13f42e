# How lit finds and runs the tests: shell lines in files ending in .mlir, .test and .py.
import json
import os
import subprocess

import lit.formats

config.name = "Halo"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".py"]
config.excludes = ["lit.cfg.py", "Inputs"]
config.test_source_root = config.halo_source
config.test_exec_root = config.halo_output

# The longer name first: it contains the shorter one.
halo = os.path.join(config.halo_bin, "halo")
config.substitutions += [
    (r"\bhalo-opt\b", os.path.join(config.halo_bin, "halo-opt")),
    (r"%halo\b", halo),
    (r"\bFileCheck\b", config.filecheck),
    (r"(?<![-\w])not\b", config.not_program),
    (r"\bsplit-file\b", config.split_file),
    (r"%python\b", config.python),
]
# What is tested is what the compiler writes, not what it once wrote.
config.environment["HALO_CACHE_LIMIT"] = "0"
for name in ("CUDA_HOME", "CUDA_PATH", "HALO_NVJITLINK", "HALO_PTXAS", "HALO_COMPILER_LIBRARY"):
    if name in os.environ:
        config.environment[name] = os.environ[name]


def has_assembler():
    """Whether a cubin can be made here, as `halo doctor` sees it."""
    answer = subprocess.run([halo, "doctor", "--json"], capture_output=True, text=True)
    try:
        findings = json.loads(answer.stdout)["findings"]
    except (ValueError, KeyError):
        return False
    return any(f["present"] for f in findings if f["what"] in ("nvJitLink", "ptxas"))


if has_assembler():
    config.available_features.add("assembler")
else:
    lit_config.note("tests that need nvJitLink or ptxas are skipped: halo doctor finds neither")

#!/usr/bin/env bash
# Every check and measurement that needs a GPU, in one call, on a machine without LLVM:
#
#   tests/gpu/run.sh FOLDER OUT
#
# FOLDER holds bin/ and lib/, as pack.sh packs them. OUT gets doctor.json, conformance.json, bench.json,
# python-latency.json, causal_conv1d_tests.json, stages.json, peers.json, summary.json with the launch latencies, regret.json,
# the merged results of the device and log.txt.
#
#   HALO_GPU_STEPS         what to do; default "doctor conformance latency torch property pack large stages inspect bench peers";
#                          besides, "regret": what the analytic choice reaches (4 minutes), "tune": one tune, and
#                          "sanitize": compute-sanitizer over a launch of each strategy (two minutes)
#   HALO_GPU_SECONDS       seconds of random problems; default 90
#   HALO_GPU_CASES         at most so many of them; default no limit
#   HALO_GPU_SEED          of the random problems; default drawn, and printed
#   HALO_GPU_CONV1D_SECONDS  seconds of causal-conv1d's tests in the step torch; default 100
#   HALO_GPU_SANITIZERS    tools of the step sanitize; default "memcheck,racecheck"; besides, initcheck
#   HALO_GPU_REPEAT        timed launches; default 50
#   HALO_GPU_SUITE         default bench/suites/conv.json
#   HALO_GPU_BENCH         more words for halo bench, as "--l2 both --clock both --graph"; they take minutes
#   CAUSAL_CONV1D_PATH     folder of the package causal_conv1d, for the peers; with its tests/, for the step torch
#   HALO_COMMIT            what is measured, for the JSON
#
# The exit status is 0 only if conformance, the random problems and the large ones passed and the benchmark ran.
set -uo pipefail

if [ $# != 2 ] || [ ! -x "$1/bin/halo" ]; then
  sed -n '2,24s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
exec </dev/null

halo=$folder/bin/halo
repeat=${HALO_GPU_REPEAT:-50}
suite=${HALO_GPU_SUITE:-$root/bench/suites/conv.json}
steps=${HALO_GPU_STEPS:-doctor conformance latency torch property pack large stages inspect bench peers}
export HALO_COMPILER_LIBRARY=$folder/lib/libhalo_compiler.so PYTHONUNBUFFERED=1
# nvJitLink answers from the driver's cache in 0.4 ms, and without its report of registers.
export CUDA_CACHE_DISABLE=1
# A cache of this run's own: only what is asked for twice is kept.
HALO_CACHE_DIR=$(mktemp -d)
export HALO_CACHE_DIR
trap 'rm -rf "$HALO_CACHE_DIR"' EXIT
# What is measured here is the analytic choice, whatever this user has tuned.
export HALO_TUNING=off
: >"$out/log.txt"
: >"$out/steps.txt"

# step NAME SECONDS COMMAND...: runs it if it is wanted; all it prints goes to the log.
step() {
  local name=$1 limit=$2 start=$SECONDS code=0
  shift 2
  case " $steps " in *" $name "*) ;; *) return 0 ;; esac
  echo "== $name" | tee -a "$out/log.txt"
  timeout --kill-after=10 "$limit" "$@" >"$out/step.txt" 2>&1 || code=$?
  cat "$out/step.txt" >>"$out/log.txt"
  [ $code = 0 ] || tail -n 15 "$out/step.txt"
  echo "$name $code $((SECONDS - start)) $(grep -E '^[0-9]+ passed, ' "$out/step.txt" | tail -n 1)" >>"$out/steps.txt"
}

doctor() {
  "$halo" doctor
  "$halo" doctor --json >"$out/doctor.json"
}

# A skipped suite is no pass: without a GPU each of its tests skips.
conformance() {
  "$folder/bin/halo-runtime-tests" --gtest_filter='*Conformance*/cuda:Cuda*' \
    --gtest_output="json:$out/conformance.json" || return
  python3 - "$out/conformance.json" <<'PYTHON'
import json, sys

with open(sys.argv[1]) as file:
    tests = [test for suite in json.load(file)["testsuites"] for test in suite["testsuite"]]
failed = sum("failures" in test for test in tests)
skipped = sum(test["result"] == "SKIPPED" for test in tests)
print("%d passed, %d failed, %d skipped" % (len(tests) - failed - skipped, failed, skipped))
sys.exit(0 if len(tests) > failed + skipped and not failed else 1)
PYTHON
}

# Above 300 ns over a raw launch is a failure.
latency() {
  "$folder/bin/halo-launch-latency" --device cuda --limit 300 -o "$out/latency.json"
}

# The Python package of this checkout, and causal-conv1d's own tests where they are. Above 5 us over C++ is a failure.
torch() {
  local status=0
  if ! python3 -c 'import torch'; then
    echo "skipped: torch is not installed for this Python"
    return 0
  fi
  export PYTHONPATH=$root/runtime/python HALO_RUNTIME_LIBRARY=$folder/lib/libhalo_runtime.so.1
  python3 "$root/tests/python/latency.py" --device cuda --launch-latency "$folder/bin/halo-launch-latency" --limit 5000 \
    -o "$out/python-latency.json" || status=1
  python3 "$root/tests/gpu/causal_conv1d_tests.py" --seconds "${HALO_GPU_CONV1D_SECONDS:-100}" \
    -o "$out/causal_conv1d_tests.json" || [ $? = 77 ] || status=1
  python3 "$root/tests/python/test_torch.py" --device cuda || status=1
  return $status
}

property() {
  "$folder/bin/halo-property" --device cuda --seconds "${HALO_GPU_SECONDS:-90}" \
    ${HALO_GPU_CASES:+--cases "$HALO_GPU_CASES"} ${HALO_GPU_SEED:+--seed "$HALO_GPU_SEED"}
}

# A C program launches out of a pack, with the driver and the runtime alone: by cubin, and by PTX where the pack
# knows only other architectures. Then the self-tests of the shipped specs, built here for this GPU and as PTX.
pack() {
  local own
  own=$("$halo" doctor --json | grep -o 'sm_[0-9]*' | head -n 1)
  alone() {
    HALO_COMPILER_LIBRARY=/nonexistent HALO_CACHE_LIMIT=0 HALO_PACK_SELF_TEST=on CUDA_CACHE_DISABLE=1 \
      HALO_NVJITLINK=none HALO_PTXAS=none LD_LIBRARY_PATH="$folder/lib:${LD_LIBRARY_PATH:-}" "$@"
  }
  specs() { # specs NAME FILE ARCHITECTURES: FILE with these architectures, beside the kernels it names.
    python3 -c 'import json, sys
spec = json.load(open(sys.argv[1])); spec["architectures"] = sys.argv[2].split(); print(json.dumps(spec))' "$2" "$3" >"$1"
  }
  cp "$root/tests/example/gated_pair.mlir" "$out/"
  specs "$out/own.json" "$root/tests/example/packed.json" "$own" &&
    specs "$out/other.json" "$root/tests/example/packed.json" "$([ "$own" = sm_120 ] && echo sm_80 || echo sm_120)" || return
  local name
  for name in own other; do
    "$halo" pack build "$out/$name.json" -o "$out/$name.halopack" && "$halo" pack verify "$out/$name.halopack" &&
      alone "$folder/bin/halo-packed" "$out/$name.halopack" cuda &&
      alone "$halo" pack run "$out/$name.halopack" --device cuda || return
  done
  for name in evo2 mamba; do
    specs "$out/$name.json" "$root/kernels/packs/$name.json" "$own"
    "$halo" pack build "$out/$name.json" -o "$out/$name.halopack" && "$halo" pack verify "$out/$name.halopack" &&
      alone "$halo" pack run "$out/$name.halopack" --device cuda || return
  done
  rm -f "$out"/*.halopack "$out"/{own,other,evo2,mamba}.json "$out/gated_pair.mlir"
}

large() {
  "$folder/bin/halo-property" --device cuda --large ${HALO_GPU_SEED:+--seed "$HALO_GPU_SEED"}
}

# Where a compile's time goes: the median of 20, what the first one loads aside.
stages() {
  local base=(--dtype bf16 --set K=4 --set activation=silu --with bias --emit cubin --repeat 20 --json)
  {
    echo "{"
    for layout in bld bdl; do
      echo "\"causal_conv1d $layout\":"
      "$halo" compile causal_conv1d "${base[@]}" --set layout=$layout -o "$out/stage.cubin" || return
      echo ","
    done
    echo '"causal_conv1d_split bld":'
    "$halo" compile causal_conv1d_split "${base[@]}" --set layout=bld --set split=q:2048,k:2048,v:4096 \
      -o "$out/stage.cubin" || return
    echo "}"
  } >"$out/stages.json"
}

# What inspect says against what is measured; kernels continued from texts by hand.
inspect() {
  python3 "$root/tests/gpu/inspect_check.py" "$halo" "$out/inspect.json"
}

bench() {
  # Unquoted: several words.
  "$halo" bench --suite "$suite" --device cuda --repeat "$repeat" ${HALO_GPU_BENCH:-} -o "$out/bench.json"
}

# Halo's own launches are there for the memory that they take.
peers() {
  export PYTHONPATH=$root/runtime/python HALO_RUNTIME_LIBRARY=$folder/lib/libhalo_runtime.so.1
  python3 "$root/bench/peers.py" "$suite" --repeat "$repeat" -o "$out/peers.json"
}

# Every problem of the suite tuned, the choice against the best; one file, which bench/regret.py reads.
regret() {
  "$halo" tune --suite "${HALO_GPU_REGRET_SUITE:-$root/bench/suites/regret.json}" \
    --device cuda --candidates "${HALO_GPU_CANDIDATES:-128}" --budget-ms "${HALO_GPU_BUDGET_MS:-2600}" --repeat 10 \
    -o "$out/regret.json" || return
  python3 "$root/bench/regret.py" "$out/regret.json" --fit
}

# compute-sanitizer over a few launches; any finding is a failure.
sanitize() {
  if ! command -v compute-sanitizer; then
    echo "skipped: there is no compute-sanitizer here"
    return 0
  fi
  python3 "$root/tests/gpu/sanitize.py" "$folder/bin/halo-property" --tools "${HALO_GPU_SANITIZERS:-memcheck,racecheck}"
}

# A whole tune from a cold start, as a user sees it.
tune() {
  local words=(causal_conv1d --set K=4 layout=bld activation=silu --with bias --shape B=1,L=65536,D=4096)
  export HALO_TUNING=explicit
  time "$halo" tune "${words[@]}" --device cuda && "$halo" bench "${words[@]}" --device cuda
}

step_in_shell() { # timeout runs programs, not functions: hand the function over.
  local name=$1 limit=$2
  step "$name" "$limit" bash -c "set -uo pipefail; $(declare -f "$name"); $name"
}
export halo out folder root suite repeat

step_in_shell doctor 60
step_in_shell conformance 120
step_in_shell latency 60
step_in_shell torch 300
step_in_shell property $((${HALO_GPU_SECONDS:-90} + 60))
step_in_shell pack 300
step_in_shell large 150
step_in_shell stages 60
step_in_shell inspect 60
step_in_shell bench 500
step_in_shell peers 540
step_in_shell regret 400
step_in_shell tune 60
step_in_shell sanitize 300
rm -f "$out/step.txt" "$out/stage.cubin"

if [ -s "$out/bench.json" ]; then
  echo "== results"
  merge=("$out/bench.json" --results "$out")
  [ -s "$out/peers.json" ] && merge+=(--peers "$out/peers.json")
  python3 "$root/bench/report.py" "${merge[@]}" | tee -a "$out/log.txt"
fi

python3 - "$out" <<'PYTHON'
import json, os, sys

out = sys.argv[1]
steps = {}
with open(os.path.join(out, "steps.txt")) as file:
    for line in file:
        name, code, seconds, *rest = line.rstrip("\n").split(" ", 3)
        steps[name] = {"status": int(code), "seconds": int(seconds), "counts": rest[0] if rest else ""}
os.remove(os.path.join(out, "steps.txt"))
stages = {}
try:
    with open(os.path.join(out, "stages.json")) as file:
        stages = {name: made["times"] for name, made in json.load(file).items()}
except (OSError, ValueError):
    pass
summary = {"steps": steps, "stages_ms": stages}
try:
    with open(os.path.join(out, "latency.json")) as file:
        summary["latency"] = json.load(file)
    os.remove(file.name)
except (OSError, ValueError):
    pass
with open(os.path.join(out, "summary.json"), "w") as file:
    json.dump(summary, file, indent=1)
for name, times in stages.items():
    print("compile %s: %s ms" % (name, ", ".join("%s %.1f" % pair for pair in times.items())))
for name, step in steps.items():
    print("%-12s %-7s %4d s  %s" % (name, "ok" if step["status"] == 0 else "failed", step["seconds"], step["counts"]))
# What others do on this machine is no verdict on us.
sys.exit(any(step["status"] for name, step in steps.items() if name != "peers") or not steps)
PYTHON

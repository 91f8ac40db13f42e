#!/usr/bin/env bash
# Installs what is missing, configures and builds Halo in build/.
#
#   ./setup.sh          the command and the libraries: build/bin/halo
#   ./setup.sh --run    then generates, checks and times two kernels: tools/demo.py
#   ./setup.sh --all    with the tests, for ctest, and what they need of Python in build/python
set -euo pipefail
cd "$(dirname "$0")"

usage() { sed -n '2,6s/^# \{0,1\}//p' "$0"; }

run=false
tests=false
targets=(--target halo halo-opt halo-lsp-server)
for word in "$@"; do
  case "$word" in
    --run) run=true ;;
    --all) targets=() tests=true ;;
    -h | --help) usage; exit 0 ;;
    *) echo "setup.sh: unknown option '$word', expected --run or --all" >&2; exit 2 ;;
  esac
done

packages=(cmake ninja-build g++ ccache lld pkgconf python3 git xz-utils
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools
  libzstd-dev libxml2-dev libedit-dev libcurl4-openssl-dev zlib1g-dev
  libboost-context-dev libfmt-dev nlohmann-json3-dev libgtest-dev libgmock-dev)

say() { echo "setup.sh: $*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "installing needs root, and there is no sudo: run as root: $*" >&2
    return 1
  fi
}

# What is not installed of the packages named, one a line.
missing_of() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p') || true
  printf '%s\n' "$@" | grep -vxF "$installed" || true
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "$@" </dev/null
}

install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is no Debian: nothing is installed. Needed are cmake 3.25, ninja, g++ 12 with C++17," \
      "LLVM and MLIR 22 with their headers and CMake files, boost.context, fmt 9, nlohmann-json 3," \
      "gtest and python3; ccache and lld are used where they are found."
    return
  fi
  local missing
  mapfile -t missing < <(missing_of "${packages[@]}")
  [ "${#missing[@]}" = 0 ] && return
  say "installing ${missing[*]}"
  apt_install "${missing[@]}" || {
    say "the packages could not be installed; LLVM 22 comes with Debian 12's security updates." \
      "Elsewhere, install LLVM and MLIR 22 and the rest by hand, then call this again" >&2
    exit 1
  }
}

# The places of compiler/Assembler.cpp.
has_assembler() {
  local root
  [ "${HALO_NVJITLINK:-none}" != none ] && return
  [ "${HALO_PTXAS:-none}" != none ] && return
  compgen -G 'build/lib/libnvJitLink.so*' >/dev/null && return
  for root in "${CUDA_HOME:-}" "${CUDA_PATH:-}" /usr/local/cuda; do
    [ -n "$root" ] || continue
    compgen -G "$root/lib64/libnvJitLink.so*" >/dev/null && return
    [ -x "$root/bin/ptxas" ] && return
  done
  command -v ptxas >/dev/null && return
  [[ $(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) == *libnvJitLink.so* ]]
}

need_pip() {
  python3 -m pip --version >/dev/null 2>&1 && return
  command -v apt-get >/dev/null && apt_install python3-pip
}

# What the tests of the Python package import, beside the build: no Python of this machine is changed.
install_python_packages() {
  local folder=build/python
  PYTHONPATH=$folder python3 -c 'import numpy, ml_dtypes, setuptools, wheel' 2>/dev/null && return
  say "taking numpy, ml_dtypes, setuptools and wheel for the tests of the Python package"
  rm -rf "$folder"
  { need_pip && timeout 300 python3 -m pip install --quiet --disable-pip-version-check --no-input \
    --only-binary=:all: --target "$folder" numpy ml_dtypes setuptools wheel </dev/null; } ||
    say "warning: they could not be fetched: the tests that need them are skipped" >&2
}

# nvJitLink out of NVIDIA's wheel, unpacked into build/lib, where the compiler looks first.
fetch_assembler() {
  local folder=$1
  need_pip || return 1
  timeout 300 python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps \
    --only-binary=:all: --dest "$folder" 'nvidia-nvjitlink==13.0.*' </dev/null || return 1
  python3 - "$folder" <<'PYTHON' || return 1
import glob, os, shutil, sys, zipfile

(wheel,) = glob.glob(os.path.join(sys.argv[1], "*.whl"))
with zipfile.ZipFile(wheel) as archive:
    (name,) = [n for n in archive.namelist() if "/libnvJitLink.so" in n]
    target = os.path.join("build", "lib", os.path.basename(name))
    with archive.open(name) as source, open(target + ".part", "wb") as out:
        shutil.copyfileobj(source, out)
os.replace(target + ".part", target)
PYTHON
}

install_assembler() {
  has_assembler && return
  say "no nvJitLink and no ptxas here: taking nvJitLink from NVIDIA's Python wheel"
  mkdir -p build/lib
  local folder
  folder=$(mktemp -d)
  fetch_assembler "$folder" ||
    say "warning: nvJitLink could not be fetched. PTX and the simulator work, cubins do not:" \
      "pip install nvidia-nvjitlink, or set HALO_NVJITLINK or HALO_PTXAS" >&2
  rm -rf "$folder"
}

install_packages
install_assembler
$tests && install_python_packages
say "configuring build/"
mkdir -p build
cmake --preset release >build/configure.log 2>&1 </dev/null || {
  cat build/configure.log >&2
  exit 1
}
say "building build/ (minutes from nothing, seconds after)"
cmake --build build "${targets[@]}" </dev/null
say "built build/bin/halo"

if $run; then
  exec python3 tools/demo.py
fi

#!/usr/bin/env bash
# Packs what run.sh needs of a build into one file, for a GPU machine without LLVM and a build tree:
#
#   tests/gpu/pack.sh BUILD_DIR OUT.tar.xz
#
# There, `tar xf OUT.tar.xz -C FOLDER` gives FOLDER/bin and FOLDER/lib. Debug symbols stay behind.
set -euo pipefail

if [ $# != 2 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
build=$1
out=$2
needed=(bin/halo lib/libhalo_runtime.so.1 lib/libhalo_compiler.so)
tests=(halo-property halo-runtime-tests halo-launch-latency halo-packed)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/lib"
for file in "${needed[@]}"; do
  if [ ! -f "$build/$file" ]; then
    echo "pack.sh: $build/$file does not exist: build it first (./setup.sh --all)" >&2
    exit 1
  fi
  cp "$build/$file" "$folder/$file"
done
for name in "${tests[@]}"; do
  # CMake leaves some tests in bin/ and some in their own folders.
  path=$(find "$build" -type f -name "$name" -perm -u+x -print -quit)
  if [ -z "$path" ]; then
    echo "pack.sh: $name is not in $build: build it first (./setup.sh --all)" >&2
    exit 1
  fi
  cp "$path" "$folder/bin/$name"
done
strip --strip-unneeded "$folder"/bin/* "$folder"/lib/*
# Owner, order and times fixed: the same build packs to the same bytes.
tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - bin lib |
  xz -1 -T0 >"$out.part"
mv "$out.part" "$out"
echo "$out: $(du -h "$out" | cut -f1)"

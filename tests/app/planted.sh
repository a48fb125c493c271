#!/usr/bin/env bash
# A program started in a folder with a planted libcsv.so.3 does not run it: planted.sh PROGRAM LIBRARY
# That the trap works is shown first: with the folder in LD_LIBRARY_PATH the planted library does run.
set -u
program=$(realpath "$1") || exit 1
folder=$(mktemp -d "${TMPDIR:-/tmp}/tiersim-planted.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cp "$2" "$folder/libcsv.so.3" || exit 1
cd "$folder" || exit 1
export PLANTED=$folder/mark

LD_LIBRARY_PATH=$folder "$program" --version >/dev/null 2>&1
[ -e mark ] || { echo "the trap does not work: nothing is shown"; exit 1; }
rm mark
env -u LD_LIBRARY_PATH "$program" --version || exit 1
[ ! -e mark ] || { echo "$program ran the libcsv.so.3 of the folder it was started in"; exit 1; }
echo "the planted library was not run"

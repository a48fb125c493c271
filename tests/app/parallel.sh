#!/usr/bin/env bash
# GNU parallel with 4 shards makes the same bytes as one process: parallel.sh TIERSIM SCENARIO
set -u
tiersim=$(realpath "$1") scenario=$(realpath "$2")
command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q "^GNU parallel" ||
  { echo "[  SKIPPED ] GNU parallel is not installed (package parallel)"; exit 0; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/tiersim-parallel.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export HOME=$folder OPENBLAS_NUM_THREADS=1
unset TIERSIM_MEASUREMENT XDG_CACHE_HOME
grid=("$scenario" --set tiers.edge.replicas=1:4:1 --set routing.thresholds.edge=0:2:0.5 --quiet)
"$tiersim" sweep "${grid[@]}" -o whole.db >/dev/null || exit 1
parallel -j 2 --joblog log "$tiersim" sweep "${grid[@]@Q}" -o parts.db --threads 1 --shard {}/4 ::: 0 1 2 3 >/dev/null || exit 1
"$tiersim" merge parts.db || exit 1
cmp whole.csv parts.csv && echo "4 shards of GNU parallel: the same bytes"

#!/bin/sh
# Fuzzes the readers, one target after the other: tests/fuzz/fuzz.sh [RUNS [TARGET...]]
# RUNS inputs a target (default 1000000). Inputs that reach new code are kept in build/fuzz/inputs/TARGET and are where
# the next run begins; an input that breaks something is left in build/fuzz/findings. Exit code 1 if there is one.
set -u
cd "$(dirname "$0")/../.." || exit 2
runs=${1:-1000000}
[ $# -gt 0 ] && shift
readers="fuzz_trace fuzz_rates fuzz_import fuzz_log fuzz_measurement fuzz_config fuzz_gguf fuzz_units fuzz_scenario"
targets=${*:-$readers}

# Where a target begins: what once broke it, and samples of what it reads.
seeds_of() {
  echo "tests/fuzz/corpus/${1#fuzz_}"
  case $1 in
    fuzz_trace) echo tests/traces/samples ;;
    fuzz_import) echo tests/golden/imports ;;
    fuzz_log) echo tests/golden/imports tests/traces/samples ;;
  esac
}

[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null || exit 2
# shellcheck disable=SC2086 # several targets
cmake --build build/fuzz -j "${TS_JOBS:-2}" --target $targets >/dev/null || exit 2
# What the sanitizer does beside finding errors takes longer than the readers: stacks of each allocation, fills, memory
# that waits to be given back. A finding is looked at with
# ASAN_OPTIONS= build/fuzz/tests/fuzz/TARGET FILE.
export ASAN_OPTIONS="${ASAN_OPTIONS:-malloc_context_size=1:max_malloc_fill_size=0:quarantine_size_mb=4:\
thread_local_quarantine_size_kb=64:detect_stack_use_after_return=0}"
failed=0
mkdir -p build/fuzz/findings
for target in $targets; do
  mkdir -p "build/fuzz/inputs/$target"
  log=build/fuzz/inputs/$target.log
  # shellcheck disable=SC2046 # several folders
  "build/fuzz/tests/fuzz/$target" -runs="$runs" -max_len=1024 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$target-" "build/fuzz/inputs/$target" $(seeds_of "$target") >"$log" 2>&1 \
    || { failed=1; echo "$target: a finding, see $log"; }
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
done
exit $failed

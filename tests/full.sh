#!/usr/bin/env bash
# The full set of checks: what `CI=true ./quickstart.sh test` runs. Every step is announced and timed; one that fails does not keep the
# others from running; what a machine has no tools for is named as skipped. Builds in build/full-release, full-asan and full-tsan.
set -u
cd "$(dirname "$0")/.." || exit 1
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
summary=()
failed=0

# step NAME COMMAND...: false if the command failed
step() {
  local name=$1 status TIMEFORMAT='%0R s, %0U + %0S s of processor time'
  shift
  printf '\n== %s\n' "$name"
  { time "$@" 2>&3; } 3>&2 2>build/full-time
  status=$?
  [ $status -eq 0 ] || failed=1
  summary+=("$([ $status -eq 0 ] && echo ok || echo FAILED): $name: $(tail -n 1 build/full-time)")
  printf '== %s\n' "${summary[-1]}"
  return $status
}

skip() {
  summary+=("SKIPPED: $*")
  printf '\n== SKIPPED: %s\n' "$*"
}

# build PRESET TARGET OPTION...: every warning is an error
build() {
  local preset=$1 target=$2 folder=build/full-$1
  shift 2
  cmake --preset "$preset" -B "$folder" -DTS_WERROR=ON "$@" >build/configure.log 2>&1 || { tail -n 20 build/configure.log; return 1; }
  cmake --build "$folder" --target "$target" -j "$cores"
}

# run_tests PRESET OPTION...
run_tests() {
  local folder=build/full-$1
  shift
  ctest --test-dir "$folder" --output-on-failure -j "$cores" "$@"
}

# What clang warns of does not depend on the sanitizers: one build answers for both.
checker=clang
if ! echo 'int main(void) { return 0; }' | clang -fsanitize=address,undefined -x c - -o /dev/null 2>/dev/null; then
  checker=${CC:-cc}
  skip "clang's warnings: there is no clang with its run-time library; the sanitizers are those of $checker"
fi

# Sanitizers slow a program down many times, and tests of real time with it: one that fails is run once more, and both are shown.
again=(--repeat until-pass:2)

mkdir -p build
step "release build, warnings are errors" build release all &&
  step "the whole suite" run_tests release
step "build by $checker with the sanitizers of addresses and undefined behaviour, warnings are errors" build asan all -DCMAKE_C_COMPILER="$checker" &&
  step "the suite under them" run_tests asan -LE 'lint|bench' "${again[@]}"
step "build of the threaded tests with the thread sanitizer, warnings are errors" build tsan threads &&
  step "the threaded tests under it" run_tests tsan -L threads "${again[@]}"

printf '\n== the full set\n'
printf '%s\n' "${summary[@]}"
exit $failed

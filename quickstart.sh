#!/usr/bin/env bash
# From a fresh checkout to a report: installs what is missing (apt), builds, measures this machine, runs the flagship scenario.
#   ./quickstart.sh          all of that
#   ./quickstart.sh test     the same set-up, then the whole test suite; with CI=true the full set of checks (tests/full.sh)
# Safe to run again. Writes only into build/ and out/ of this checkout.
set -euo pipefail
cd "$(dirname "$0")"

packages=(build-essential cmake ninja-build pkg-config libopenblas-dev libgsl-dev libcsv-dev libyaml-dev libjansson-dev zlib1g-dev
          libcurl4-openssl-dev libsqlite3-dev libcmocka-dev gnuplot-nox)
# What only the full set of checks needs; not every release has each of them.
full_packages=()
[ "${1:-} ${CI:-}" != "test true" ] || full_packages=(clang libclang-rt-dev clang-format-14 slurm-wlm munge parallel)
fedora="sudo dnf install -y gcc cmake ninja-build pkgconf openblas-devel gsl-devel libcsv-devel libyaml-devel jansson-devel zlib-devel libcurl-devel sqlite-devel libcmocka-devel gnuplot"
macos="brew install cmake ninja pkg-config openblas gsl libcsv libyaml jansson zlib curl sqlite cmocka gnuplot"

say() { printf '\n== %s\n' "$*"; }
die() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root is needed to install packages and there is no sudo; as root type: apt-get install -y ${packages[*]}"
  fi
}

not_installed() { # PACKAGE...: those of them that are missing
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || echo "$package"
  done
}

apt_install() {
  say "installing with apt-get: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

install_with_apt() {
  local missing=() package
  mapfile -t missing < <(not_installed "${packages[@]}")
  [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}" || die "apt-get could not install the packages above"
  for package in $(not_installed "${full_packages[@]}"); do
    apt_install "$package" || say "$package cannot be installed here: what needs it will be skipped"
  done
}

# Elsewhere we do not touch the system: say what to type if the build tools or libraries are not there.
check_elsewhere() {
  local tool
  for tool in cmake ninja pkg-config cc; do
    command -v "$tool" >/dev/null || die "'$tool' is missing. Type this first: $1"
  done
  pkg-config --exists gsl jansson sqlite3 yaml-0.1 || die "libraries are missing. Type this first: $1"
}

install_packages() {
  if command -v apt-get >/dev/null; then
    install_with_apt
  elif command -v dnf >/dev/null; then
    check_elsewhere "$fedora"
  elif [ "$(uname)" = Darwin ]; then
    check_elsewhere "$macos"
  else
    check_elsewhere "(your system's packages for) ${packages[*]}"
  fi
}

jobs() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }

build() { # build TARGET
  say "building (build/release)"
  cmake --preset release >build/configure.log 2>&1 || { tail -n 20 build/configure.log >&2; die "cmake could not configure the build"; }
  cmake --build build/release --target "$1" -j "$(jobs)"
}

demo() {
  local tiersim=build/release/tiersim
  say "measuring this machine (out/measurement.json), under a minute"
  "$tiersim" bench --quick -o out/measurement.json
  say "running scenarios/hybrid-enterprise.yaml with that measurement"
  "$tiersim" run scenarios/hybrid-enterprise.yaml --measurement out/measurement.json -o out/hybrid-enterprise
}

run_tests() {
  say "testing"
  ctest --test-dir build/release --output-on-failure -j "$(jobs)"
}

mkdir -p build out
case "${1:-demo}" in
  demo) install_packages; build tiersim; demo ;;
  test)
    install_packages
    [ "${CI:-}" != true ] || exec tests/full.sh
    build all
    run_tests
    ;;
  *) die "usage: ./quickstart.sh [test]" ;;
esac

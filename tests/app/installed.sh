#!/usr/bin/env bash
# The program as it is installed is protected as the built one is: installed.sh CMAKE BUILD_FOLDER PLANTED_LIBRARY FORTIFIED START_FILE
set -u
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(mktemp -d "${TMPDIR:-/tmp}/tiersim-installed.XXXXXX")
trap 'rm -rf "$prefix"' EXIT
"$1" --install "$2" --prefix "$prefix" >"$prefix/log" 2>&1 || { cat "$prefix/log"; exit 1; }
bash "$here/hardening.sh" "$prefix/bin/tiersim" "$4" "$5" && bash "$here/planted.sh" "$prefix/bin/tiersim" "$3"

#!/usr/bin/env bash
# One golden case: runs `cases/NAME/cmd` and compares stdout, stderr, exit code and the listed files byte by byte with what is checked in.
#   golden.sh TIERSIM SOURCE_DIR CASE        TS_REFRESH=1 rewrites the expectation instead
# In cmd, tiersim is the program, $OUT a fresh folder, the working directory the project's root. `files` lists paths under $OUT to compare.
# Words that differ from run to run (the folder, times, rates) are replaced before comparing.
set -u
tiersim=$1 root=$2 case_dir=$2/tests/golden/cases/$3
OUT=$(mktemp -d "${TMPDIR:-/tmp}/tiersim-golden.XXXXXX")
trap 'rm -rf "$OUT"' EXIT
export OUT HOME="$OUT/home" LC_ALL=C.UTF-8
unset TIERSIM_MEASUREMENT XDG_CACHE_HOME
mkdir -p "$OUT/home" "$OUT/got"
cd "$root" || exit 1
tiersim() { "$tiersim" "$@"; }
export -f tiersim
export tiersim

bash "$case_dir/cmd" >"$OUT/got/stdout" 2>"$OUT/got/stderr" </dev/null
echo $? >"$OUT/got/exit"

normalise() {
  sed -E -e "s#$OUT#OUT#g" -e 's#simulated in [0-9.e-]+ s \([0-9.,e+]+ requests/s\)#simulated in TIME#g' "$1" >"$1.tmp" && mv "$1.tmp" "$1"
}
normalise "$OUT/got/stdout"
normalise "$OUT/got/stderr"
if [ -f "$case_dir/files" ]; then
  while read -r file; do
    mkdir -p "$OUT/got/files/$(dirname "$file")"
    cp "$OUT/$file" "$OUT/got/files/$file" || echo "missing: $file" >>"$OUT/got/stderr"
  done <"$case_dir/files"
fi

if [ -n "${TS_REFRESH:-}" ]; then
  rm -rf "$case_dir/expected"
  cp -r "$OUT/got" "$case_dir/expected"
  echo "refreshed $3"
  exit 0
fi
diff -ru "$case_dir/expected" "$OUT/got" && echo "golden case $3 is as expected"

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
  sed -E -e "s#$OUT#OUT#g" -e "s#this machine is '[^']*'#this machine is 'CPU'#" -e 's#simulated in [0-9.e-]+ s \([0-9.,e+]+ requests/s\); whole run [0-9.e-]+ s \([0-9.,e+]+ requests/s\); peak memory [0-9.e+]+ MB#simulated in TIME#g' -e 's#simulated in [0-9.e+-]+ s \([0-9.e+-]+ points/s\); peak memory [0-9.e+]+ MB#simulated in TIME#' "$1" >"$1.tmp" && mv "$1.tmp" "$1"
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
# Another C library or processor may round a logarithm otherwise in its last bit: CSV numbers are then compared to 1e-6.
same_numbers() { # EXPECTED GOT
  awk -F, 'NR == FNR { line[FNR] = $0; n = FNR; next }
    FNR > n { bad = 1; exit }
    $0 != line[FNR] {
      fields = split(line[FNR], want, ",")
      if (fields != NF) { bad = 1; exit }
      for (i = 1; i <= NF; i++) {
        if ($i == want[i]) continue
        size = want[i] < 0 ? -want[i] : want[i]; off = $i - want[i]; off = off < 0 ? -off : off
        if ($i !~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ || want[i] !~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ || off > 1e-6 * size) { bad = 1; exit }
      }
    }
    END { exit bad || FNR != n }' "$1" "$2"
}
if [ -d "$case_dir/expected/files" ]; then
  (cd "$case_dir/expected/files" && find . -name '*.csv') | while read -r file; do
    got=$OUT/got/files/$file
    if [ -f "$got" ] && same_numbers "$case_dir/expected/files/$file" "$got"; then
      cp "$case_dir/expected/files/$file" "$got"
    fi
  done
fi
diff -ru "$case_dir/expected" "$OUT/got" && echo "golden case $3 is as expected"

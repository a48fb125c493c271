#!/usr/bin/env bash
# Every C file stands as clang-format writes it: format.sh ROOT. Versions differ in what they write: only 14 counts.
set -u
cd "$1" || exit 1
formatter=
for name in clang-format-14 clang-format; do
  if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then formatter=$name; break; fi
done
[ -n "$formatter" ] || { echo "[  SKIPPED ] needs clang-format 14 (apt-get install clang-format-14)"; exit 0; }
find . \( -name build -o -name 'build-*' -o -name out -o -name .git \) -prune -o -name '*.[ch]' -print0 | sort -z >"${TMPDIR:-/tmp}/tiersim-format.$$"
xargs -0 -n 40 -P 2 "$formatter" --dry-run -Werror <"${TMPDIR:-/tmp}/tiersim-format.$$"
status=$?
echo "$(tr -cd '\0' <"${TMPDIR:-/tmp}/tiersim-format.$$" | wc -c) files looked at with $formatter"
rm -f "${TMPDIR:-/tmp}/tiersim-format.$$"
exit "$status"

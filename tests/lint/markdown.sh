#!/usr/bin/env bash
# Lines of the Markdown pages have at most 120 characters, so that a change shows as the few lines it is: markdown.sh ROOT
# Rows of tables, what stands between code fences, and a line that is one long link are as long as they are.
set -u
export LC_ALL=C # characters are counted as bytes that do not continue one
longest=120
cd "$1" || exit 1

pages=()
while IFS= read -r page; do
  page=${page#./}
  pages+=("$page")
done < <(find . -name '*.md' -not -path './build*' -not -path './out/*' -not -path './tests/golden/*' -not -path './tests/lint/bad/*' | sort)
[ ${#pages[@]} -gt 0 ] || { echo "no page under $1: nothing was checked"; exit 1; }

awk -v longest=$longest '
  FNR == 1 { fenced = 0 }
  /^ *(```|~~~)/ { fenced = !fenced; next }
  fenced || /^ *\|/ { next }
  /^[ >*-]*(\[[^]]*\]\([^ ]*\)|\[[^]]*\]: *[^ ]*|<?https?:[^ ]*)[.,]?$/ { next }
  { text = $0; gsub(/[\200-\277]/, "", text) }
  length(text) > longest { print FILENAME ":" FNR ": " length(text) " characters, " longest " at most"; bad = 1 }
  END { exit bad }' "${pages[@]}" || exit 1
echo "${#pages[@]} pages keep to $longest characters a line"

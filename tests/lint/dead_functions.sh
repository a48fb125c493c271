#!/usr/bin/env bash
# No function or table that a header of a room announces is there for nobody: dead_functions.sh ROOT ROOM...
# It is dead if no room uses it (its tests do not keep it alive), and should be static if only its own file does and no test.
set -u
export LC_ALL=C
cd "$1" || exit 1
shift
[ ! -d tests ] || set -- "$@" tests

kept=$(grep -v '^#' tests/lint/kept_functions.txt 2>/dev/null)

find "$@" -name '*.[ch]' -o -name '*.inc' | sort | xargs awk -v kept="$kept" '
  # One line of code without comments and text.
  function code_of(line,   at) {
    gsub(/\\./, "", line)
    gsub(/"[^"]*"/, "", line)
    if (in_comment) {
      if ((at = index(line, "*/")) == 0) return ""
      in_comment = 0
      line = substr(line, at + 2)
    }
    while ((at = index(line, "/*")) > 0) {
      rest = substr(line, at + 2)
      line = substr(line, 1, at - 1)
      if ((at = index(rest, "*/")) == 0) { in_comment = 1; break }
      line = line " " substr(rest, at + 2)
    }
    return line
  }
  FNR == 1 { depth = 0; in_comment = 0; is_test = FILENAME ~ /^tests\//; is_header = FILENAME ~ /\.h$/ }
  {
    line = code_of($0)
    announces = is_header && !is_test && depth == 0 && line !~ /^[ \t]*#|^typedef/
    for (tail = line; match(tail, /[A-Za-z_][A-Za-z_0-9]*/); tail = substr(tail, RSTART + RLENGTH)) {
      name = substr(tail, RSTART, RLENGTH)
      if (name !~ /^ts_/) continue
      next_char = substr(tail, RSTART + RLENGTH, 1)
      if (announces && !(name in where) && (next_char == "(" || (line ~ /^extern/ && next_char ~ /[;\[]/))) {
        where[name] = FILENAME ":" FNR
        is_inline[name] = line ~ /^static/
      } else if (is_test) {
        n_test[name]++
      } else {
        n_use[name]++
        if (!((name, FILENAME) in seen)) { seen[name, FILENAME] = 1; n_file[name]++ }
      }
    }
    if (line !~ /^[ \t]*#/ && line !~ /\\$/) {
      depth += gsub(/\{/, "", line)
      depth -= gsub(/\}/, "", line)
    }
  }
  END {
    n_kept = split(kept, rows, "\n")
    for (i = 1; i <= n_kept; i++) { split(rows[i], words, " "); reason[words[1]] = rows[i] }
    for (name in reason) if (!(name in where)) { print name ": is nowhere, but in tests/lint/kept_functions.txt"; bad = 1 }
    for (name in where) {
      n++
      uses = n_use[name] - (is_inline[name] ? 0 : 1) # the definition
      if (uses > 0 && (n_file[name] > 1 || n_test[name] > 0 || is_inline[name])) {
        if (name in reason) { print name ": is used, but in tests/lint/kept_functions.txt"; bad = 1 }
        continue
      }
      if (name in reason) continue
      bad = 1
      print where[name] ": " name (uses > 0 ? " is used in its own file only: static" : n_test[name] > 0 ? " is used by tests only" : " is used by nobody") | "sort"
    }
    close("sort")
    print n " functions and tables looked at"
    exit bad || n == 0
  }'

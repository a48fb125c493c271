#!/usr/bin/env bash
# No two files of a room call each other, but a table and its rows: circles.sh BUILD_FOLDER ROOM... [-- TABLE...]
# Read off the libraries: what each object defines and what it asks of others. A TABLE is an object whose rows may call it.
set -u
export LC_ALL=C
cd "$1" || exit 1
shift
rooms=() tables=""
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  rooms+=("$1")
  shift
done
[ $# -eq 0 ] || shift
tables=" $* "

find "${rooms[@]}" -name '*.a' -exec nm -A {} + 2>/dev/null | awk -v tables="$tables" '
  { split($1, part, ":"); $1 = part[1] ":" part[2]; $2 = $(NF - 1); $3 = $NF }
  { sub(/^.*\/libts_/, "", $1); sub(/\.a:/, "/", $1); sub(/\.c\.o$/, "", $1) }
  $2 ~ /^[TDBRV]$/ { owner[$3] = $1; n++ }
  $2 == "U" { asks[$1, $3] = 1 }
  END {
    for (pair in asks) {
      split(pair, part, SUBSEP)
      other = owner[part[2]]
      if (other != "" && other != part[1]) calls[part[1], other] = part[2]
    }
    for (pair in calls) {
      split(pair, part, SUBSEP)
      if (part[1] < part[2] && ((part[2], part[1]) in calls) && !index(tables, " " part[1] " ") && !index(tables, " " part[2] " ")) {
        print part[1] " and " part[2] " call each other: " calls[pair] ", " calls[part[2], part[1]] | "sort"
        bad = 1
      }
    }
    close("sort")
    print n " names looked at"
    exit bad || n == 0
  }'

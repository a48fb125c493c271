#!/usr/bin/env bash
# `tiersim bench` keeps what `bench router` has added to the file, if the file is of this machine; what it replaces, it tells: bench_keeps.sh TIERSIM
set -u
tiersim=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/tiersim-keeps.XXXXXX")
trap 'rm -rf "$folder"' EXIT
file=$folder/m.json
fail() { echo "$1"; cat "$folder/said"; exit 1; }
bench() { "$tiersim" bench --model Llama-3.2-1B --n 1,2 --seconds 1 --no-baseline --quiet --out "$file" >"$folder/said" 2>&1 || fail "bench failed"; }
router() { "$tiersim" bench router --model BERT-tiny --n "$1" --seconds 1 --quiet --out "$file" >"$folder/said" 2>&1 || fail "bench router failed"; }
# The router's part of the file.
routers() { sed -n '/"router": *{/,$p' "$file"; }

router 16,32
first=$(routers)
[ -n "$first" ] || fail "no router in the file"
bench
[ "$(routers)" = "$first" ] || fail "bench has lost the router"
grep -q 'kept from the file of .*: `bench router`' "$folder/said" || fail "bench does not tell what it has kept"
router 64
[ "$(routers)" != "$first" ] || fail "a new router does not take the place of the old one"
! grep -q kept "$folder/said" || fail "bench router tells of what it has replaced as kept"

sed -i 's/"cpu": *"[^"]*"/"cpu": "another processor"/' "$file"
bench
grep -q 'warning: replaced: a measurement of another machine, another processor' "$folder/said" || fail "the lost file is not told"
[ -z "$(routers)" ] || fail "a router of another machine was taken over"
echo "{}" >"$file"
router 16
grep -q 'warning: replaced: a file that is no measurement' "$folder/said" || fail "the lost file is not told by bench router"

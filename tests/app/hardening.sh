#!/usr/bin/env bash
# Reads a built program and names every protection of cmake/TsHardening.cmake that it lacks.
#   hardening.sh PROGRAM FORTIFIED START_FILE       FORTIFIED: yes or no; START_FILE: the C library's, to which CET bows
#   hardening.sh --objects ARCHIVE...               every object of the house is marked for CET
set -u
export LC_ALL=C
failed=0
lacks() { echo "lacks: $*"; failed=1; }

cet_of() { # FILE: "IBT, SHSTK", "SHSTK" or nothing
  readelf -nW "$1" 2>/dev/null | sed -n 's/.*x86 feature: \([A-Z, ]*\).*/\1/p'
}

check_objects() {
  local archive n_objects n_marked total=0
  for archive in "$@"; do
    n_objects=$(readelf -hW "$archive" | grep -c '^ELF Header')
    n_marked=$(cet_of "$archive" | grep -c 'IBT, SHSTK')
    [ "$n_objects" -eq "$n_marked" ] || lacks "$archive: CET marks in $((n_objects - n_marked)) of $n_objects objects"
    total=$((total + n_objects))
  done
  [ "$total" -gt 0 ] || lacks "objects to look at"
  echo "$total objects read"
}

check_program() {
  local program=$1 fortified=$2 start_file=$3 dynamic headers symbols
  dynamic=$(readelf -dW "$program") headers=$(readelf -hlW "$program") symbols=$(readelf --dyn-syms -W "$program")
  echo "$dynamic" | grep -E '\((RPATH|RUNPATH)\)' | sed 's/.*\[//; s/\].*//' | while IFS= read -r path; do
    case ":$path:" in *::*|*:[!/:]*) echo "$path" ;; esac
  done | grep . && lacks "whole paths in its library path: an empty or relative entry is the folder one stands in"
  echo "$dynamic" | grep -q 'FLAGS_1.* NOW' || lacks "BIND_NOW"
  echo "$headers" | grep -q 'GNU_RELRO' || lacks "RELRO"
  echo "$headers" | grep -q 'Type: *DYN' && echo "$dynamic" | grep -q 'FLAGS_1.* PIE' || lacks "a position-independent image (PIE)"
  echo "$headers" | grep 'GNU_STACK' | grep -q ' RW ' || lacks "a stack that holds no code"
  echo "$headers" | grep 'LOAD' | grep -q 'RWE' && lacks "memory that is either writable or code"
  echo "$symbols" | grep -q '__stack_chk_fail' || lacks "stack canaries"
  if [ "$fortified" = yes ]; then
    echo "$symbols" | grep -q '__memcpy_chk' || lacks "checked copies (FORTIFY)"
  fi
  if echo "$headers" | grep -q 'Machine:.*X86-64'; then
    cet_of "$program" | grep -q 'SHSTK' || lacks "the mark for shadow stacks (CET)"
    if cet_of "$start_file" | grep -q 'IBT'; then
      cet_of "$program" | grep -q 'IBT' || lacks "the mark for branch tracking (CET)"
    fi
  fi
}

case $1 in
  --objects) shift; check_objects "$@" ;;
  *) check_program "$@" ;;
esac
[ "$failed" -eq 0 ] && echo "nothing is missing"
exit "$failed"

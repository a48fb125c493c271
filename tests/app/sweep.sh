#!/usr/bin/env bash
# A study has the same bytes however it came about: threads, shards, kill -9 at 20 random moments, a full disk, Ctrl-C.
#   sweep.sh TIERSIM SCENARIO
set -u
tiersim=$(realpath "$1") scenario=$(realpath "$2")
folder=$(mktemp -d "${TMPDIR:-/tmp}/tiersim-sweep.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export HOME=$folder OPENBLAS_NUM_THREADS=1
unset TIERSIM_MEASUREMENT XDG_CACHE_HOME

fail() { echo "FAILED: $*"; exit 1; }
grid=("$scenario" --set tiers.edge.replicas=1:4:1 --set routing.thresholds.edge=0:2:0.25 --set workload.duration='3 h' --quiet)
sweep() { "$tiersim" sweep "${grid[@]}" "$@"; }
same() { cmp "$1" whole.csv || fail "$2"; }
refused() { # WORDS COMMAND...: it ends with an error that says so
  local words=$1
  shift
  "$@" >said 2>&1 && fail "'$*' was taken"
  grep -q "$words" said || { cat said; fail "'$*' does not say '$words'"; }
}

from=$(date +%s%N)
sweep -o whole.db -j 1 >said || fail "the sweep"
took_ms=$((($(date +%s%N) - from) / 1000000))
[ "$(wc -l <whole.csv)" -eq 37 ] || fail "36 points and a header"

sweep -o threads.db -j 3 >/dev/null && same threads.csv "three threads"
refused "there is a study of that name" sweep -o whole.db
sweep -o whole.db --resume >said && grep -q "^0 run" said || fail "a point twice"

# ---- shards ----
for i in 2 0; do sweep -o parts.db --shard $i/3 >/dev/null || fail "shard $i"; done
refused "12 of 36 points are in no part: 1, 4, 7, 10, 13 ..." "$tiersim" merge parts.db
JOB_COMPLETION_INDEX=1 sweep -o parts.db --shard JOB_COMPLETION_INDEX/3 >/dev/null || fail "a shard by the environment"
refused "are in another part, too" "$tiersim" merge parts.db parts.shard-0-of-3.db parts.shard-0-of-3.db
sweep -o other.db --shard 1/3 --set seed=7 >/dev/null || fail "another seed"
refused "made from other inputs" "$tiersim" merge parts.db parts.shard-0-of-3.db other.shard-1-of-3.db parts.shard-2-of-3.db
"$tiersim" sweep "$scenario" --set workload.duration='3 h' --set tiers.edge.replicas=1:6:1 --quiet -o third.db --shard 1/3 >/dev/null
refused "of another design" "$tiersim" merge parts.db parts.shard-0-of-3.db third.shard-1-of-3.db
[ ! -e parts.db ] || fail "a study that was refused is there"
"$tiersim" merge parts.db >/dev/null && same parts.csv "three shards"
refused "there is no variable\|no environment variable" sweep -o parts.db --shard NO_SUCH/3
refused "no part of a whole" sweep -o parts.db --shard 3/3

# ---- killed ----
RANDOM=18
for try in $(seq 20); do
  "$tiersim" sweep "${grid[@]}" -o killed.db --resume -j 2 >/dev/null 2>&1 &
  sleep "$(printf '0.%03d' $((RANDOM % (took_ms / 4 + 20) % 1000)))"
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
done
sweep -o killed.db --resume >said || fail "the rest"
echo "20 kills in a sweep of $took_ms ms; then: $(grep ' run, ' said)"
same killed.csv "killed twenty times"

# ---- interrupted ----
"$tiersim" sweep "${grid[@]}" -o interrupted.db -j 1 >/dev/null 2>said &
sleep "$(printf '0.%03d' $((took_ms / 3 % 1000)))"
kill -INT $!
wait $!
code=$?
if [ $code -ne 0 ]; then # it may have been faster
  [ $code -eq 130 ] && { grep -q -- "--resume" said || [ ! -e interrupted.db ]; } || { cat said; fail "interrupted: exit code $code"; }
fi
sweep -o interrupted.db --resume >/dev/null && same interrupted.csv "interrupted"

# ---- a full disk ----
(trap '' XFSZ; ulimit -f 400; sweep -o full.db -j 2 >/dev/null 2>said)
[ $? -eq 1 ] && grep -q -- "with --resume" said || { cat said; fail "a full disk"; }
sweep -o full.db --resume >said && same full.csv "a full disk"
grep -q "^36 run" said && fail "the disk was full before the first point"

# ---- a study grows ----
refused "is an axis" sweep -o grows.db --set tiers.edge.replicas=1
"$tiersim" sweep "$scenario" --set workload.duration='3 h' --set tiers.edge.replicas=1,2 --set routing.thresholds.edge=0:2:0.25 -o grows.db --quiet >/dev/null || fail "half of it"
sweep -o grows.db --resume >said && grep -q "^18 run" said || { cat said; fail "a study that grows runs what is new"; }
same grows.csv "a study that grew"
refused "made from other inputs: .*replications" sweep -o grows.db --resume --replications 2

# ---- points that cannot be ----
"$tiersim" sweep "$scenario" --set tiers.edge.quant=FP8,FP16 --set tiers.edge.model=Llama-3.1-8B,Llama-3.1-70B --quiet -o some.db >said 2>&1 || { cat said; fail "some that cannot be"; }
grep -q "2 cannot be" said && [ "$(grep -c ',impossible,' some.csv)" -eq 2 ] || { cat said; fail "the two that do not fit"; }
refused "unknown key\|did you mean" "$tiersim" sweep "$scenario" --set tiers.edge.replicsa=1,2 --quiet -o typo.db
[ ! -e typo.db ] || fail "a study of nothing is there"

# ---- replications: half widths; the same as run has ----
"$tiersim" sweep "$scenario" --set seed=1,2 --replications 3 --quiet -o three.db >/dev/null || fail "replications"
head -1 three.csv | grep -q "all.cost.total.half" || fail "half widths"
"$tiersim" run "$scenario" --set seed=2 --replications 3 --capacity off --quiet -o run >/dev/null || fail "run"
want=$(awk -F, '$2 == "all" && $3 == "all" && $4 == "all" && $5 == "ttft" && $6 == "p95" { print $7 }' run/summary.csv)
got=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "all.ttft.p95") column = i } NR == 3 { print $column }' three.csv)
[ -n "$want" ] && [ "$want" = "$got" ] || fail "run says $want, the sweep $got"
echo "the same bytes, however they came about"

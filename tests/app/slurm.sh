#!/usr/bin/env bash
# Shards by engines that exist: a 16-task array with a dependent merge on a single-node Slurm that this test starts on
# loopback and stops again, GNU parallel with 4 shards, and one process, all with the same bytes.
#   slurm.sh TIERSIM SCENARIO
set -u
tiersim=$(realpath "$1") scenario=$(realpath "$2")
skip() { echo "[  SKIPPED ] $*"; exit 0; }
export PATH=$PATH:/usr/sbin:/sbin
for tool in slurmctld slurmd sbatch squeue munged mungekey; do
  command -v $tool >/dev/null || skip "$tool is not installed (packages slurm-wlm, munge)"
done
folder=$(mktemp -d /tmp/tiersim-slurm.XXXXXX) # short: sockets have short names
port=$((20000 + $$ % 20000))
daemons=()
stop() {
  local status=$? pid
  for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${daemons[@]}"; do wait "$pid" 2>/dev/null; done
  rm -rf "$folder"
  exit $status
}
trap stop EXIT
trap 'exit 1' INT TERM
fail() {
  echo "FAILED: $*"
  tail -n 20 "$folder"/*.log 2>/dev/null
  exit 1
}
cd "$folder" || exit 1
export HOME=$folder OPENBLAS_NUM_THREADS=1
unset TIERSIM_MEASUREMENT XDG_CACHE_HOME

# ---- a Slurm of our own ----
mungekey --create --keyfile="$folder/munge.key" 2>munge.log || fail "no key for munge"
chmod 700 "$folder"
munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
  --seed-file="$folder/munge.seed" --log-file="$folder/munged.log" &
daemons+=($!)
cpus=$(getconf _NPROCESSORS_ONLN)
cat >slurm.conf <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MailProg=/bin/true
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
MaxArraySize=11
MinJobAge=30
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=test Nodes=localhost Default=YES MaxTime=INFINITE State=UP
CONF
mkdir state spool
export SLURM_CONF=$folder/slurm.conf
slurmctld -D >slurmctld.log 2>&1 &
daemons+=($!)
slurmd -D -N localhost >slurmd.log 2>&1 &
daemons+=($!)
for _ in $(seq 100); do
  sinfo -h -o %t 2>/dev/null | grep -q '^idle' && break
  sleep 0.2
done
sinfo -h -o %t 2>/dev/null | grep -q '^idle' || { grep -qi "operation not permitted\|cgroup" slurmd.log && skip "slurmd may not run here: $(tail -n 1 slurmd.log)"; fail "Slurm does not start"; }

# ---- one study, three ways ----
grid=("$scenario" --set tiers.edge.replicas=1:4:1 --set routing.thresholds.edge=0:2:0.25 --set workload.duration='1 h')
"$tiersim" sweep "${grid[@]}" -o whole.db --quiet >/dev/null || fail "one process"

"$tiersim" sweep "${grid[@]}" -o array.db --slurm='--time=5 --comment="a sweep"' --shards 16 --dry-run >dry || fail "--dry-run"
[ ! -e array.slurm ] || fail "--dry-run has written something"
"$tiersim" sweep "${grid[@]}" -o array.db --slurm='--time=5 --comment="a sweep"' --shards 16 || fail "sbatch"
grep -q -- "--array=0-10 " dry && grep -q -- "--array=0-4 " dry || { cat dry; fail "arrays that keep MaxArraySize"; }
for _ in $(seq 300); do
  [ -s array.csv ] && break
  squeue -h | grep -q . || break
  sleep 0.3
done
cmp whole.csv array.csv || { squeue; ls -la; cat array.slurm/*.out; fail "an array of 16 tasks"; }
echo "16 tasks of Slurm in two arrays, merged by a third job: the same bytes"

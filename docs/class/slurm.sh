#!/bin/bash
#SBATCH --job-name=grade
#SBATCH --nodes=4
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=3G
#SBATCH --time=04:00:00

# A class on all processors of a job, over ssh:  sbatch slurm.sh --submissions class --results results
# From the course's folder, with its environment active. Machines share that folder and the others.

set -eu
workers=()
for machine in $(scontrol show hostnames "$SLURM_JOB_NODELIST"); do
    worker="ssh=$machine//python=$(command -v python)//chdir=$PWD"
    workers+=(--tx "$SLURM_CPUS_ON_NODE*$worker")
done
exec pytest --dist load "${workers[@]}" "$@"

#!/usr/bin/env python3
"""`radz-bench eval` with 25,596 x 14 scores, 1,000 patient bootstraps and DeLong, against scikit-learn + numpy doing the same.

    python bench/perf/eval.py BUILD/radz-bench [--sample 20] [--threads 1] [--replicates 1000]

Both read the same two CSV files, compute the AUC of each class, its DeLong interval and its interval over patient
replicates. Ours also computes eleven more metrics with intervals, the curves and the tables. The Python side runs
`--sample` replicates and scales (its cost per replicate is constant), and says so; DeLong there is the fast form by ranks.
Both run on this machine one after the other, with `--threads` threads for ours and one for Python. The ratio is of processor
seconds, which other programs disturb less, and of seconds by the clock.
"""
import argparse
import json
import os
import resource
import subprocess
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import pandas
import scipy.stats
import sklearn
from sklearn.metrics import roc_auc_score

ROWS, CLASSES, PATIENTS = 25596, 14, 2797


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def make_files(folder):
    rng = np.random.default_rng(1)
    labels = (rng.random((ROWS, CLASSES)) < 1 / 16).astype(int)
    scores = rng.normal(size=(ROWS, CLASSES)) + labels * np.arange(1, CLASSES + 1) / 8
    ids = [f"{i:08d}_000.png" for i in range(ROWS)]
    names = [f"class{c}" for c in range(CLASSES)]
    frame = pandas.DataFrame(scores, columns=names)
    frame.insert(0, "id", ids)
    frame.to_csv(folder + "/scores.csv", index=False, float_format="%.7g")
    frame = pandas.DataFrame(labels, columns=names)
    frame.insert(0, "id", ids)
    frame.insert(1, "patient", np.arange(ROWS) * PATIENTS // ROWS)
    frame.to_csv(folder + "/labels.csv", index=False)


def delong(y, s):
    """AUC and its variance, by mid-ranks (Sun and Xu 2014)."""
    positive, negative = s[y == 1], s[y == 0]
    m, n = len(positive), len(negative)
    all_ranks = scipy.stats.rankdata(np.concatenate([positive, negative]))
    v10 = (all_ranks[:m] - scipy.stats.rankdata(positive)) / n
    v01 = 1 - (all_ranks[m:] - scipy.stats.rankdata(negative)) / m
    return v10.mean(), v10.var(ddof=1) / m + v01.var(ddof=1) / n


def python_side(folder, replicates, sample):
    begun, begun_cpu = time.perf_counter(), time.process_time()
    scores = pandas.read_csv(folder + "/scores.csv", index_col="id")
    labels = pandas.read_csv(folder + "/labels.csv", index_col="id").loc[scores.index]
    patient = labels.pop("patient").to_numpy()
    s, y = scores.to_numpy(), labels[scores.columns].to_numpy()
    auc = np.array([roc_auc_score(y[:, c], s[:, c]) for c in range(CLASSES)])
    for c in range(CLASSES):
        delong(y[:, c], s[:, c])
    once, once_cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    rows_of = np.split(np.arange(ROWS), np.flatnonzero(np.diff(patient)) + 1)
    rng = np.random.default_rng(0)
    begun, begun_cpu = time.perf_counter(), time.process_time()
    for _ in range(sample):
        rows = np.concatenate([rows_of[p] for p in rng.integers(0, PATIENTS, PATIENTS)])
        for c in range(CLASSES):
            roc_auc_score(y[rows, c], s[rows, c])
    each, each_cpu = (time.perf_counter() - begun) / sample, (time.process_time() - begun_cpu) / sample
    return once + each * replicates, once_cpu + each_cpu * replicates, auc


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--replicates", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        theirs, theirs_cpu, auc = python_side(folder, args.replicates, args.sample)
        command = [args.program, "eval", "--scores", folder + "/scores.csv", "--labels", folder + "/labels.csv",
                   "--replicates", str(args.replicates), "--threads", str(args.threads), "--format", "json"]
        begun, begun_cpu = time.perf_counter(), child_seconds()
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        ours, ours_cpu = time.perf_counter() - begun, child_seconds() - begun_cpu
    mine = [r["value"] for r in found["rows"] if r["metric"] == "auc" and r["class"].startswith("class")]
    print(f"scores {ROWS} x {CLASSES}, {PATIENTS} patients, {args.replicates} replicates, from file to result")
    print(f"                     processor s  clock s")
    print(f"radz-bench eval       {ours_cpu:10.2f} {ours:8.2f}  ({args.threads} thread{'s' if args.threads > 1 else ''})")
    print(f"scikit-learn {sklearn.__version__:8s} {theirs_cpu:10.1f} {theirs:8.1f}  (1 thread; scaled from {args.sample} replicates)")
    print(f"ratio                 {theirs_cpu / ours_cpu:10.1f} {theirs / ours:8.1f}")
    print(f"AUC, largest difference {np.max(np.abs(np.array(mine) - auc)):.1e}")
    if np.max(np.abs(np.array(mine) - auc)) > 1e-12:
        raise SystemExit("the AUCs differ: nothing was compared")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Metrics and 1,000 patient bootstraps for 25,596 x 14 scores: ours against sklearn.metrics.roc_auc_score in a loop.

    python bench/perf/bootstrap.py BUILD/bench/perf/perf_bootstrap [--sample 20] [--threads N]

Ours computes twelve metrics per class and replicate and all intervals; the Python side only the AUCs. The Python side
runs `--sample` replicates and scales to 1,000 (its cost per replicate is constant), and says so. The intervals of both
are compared: same scores, different draws, so they differ by the Monte Carlo error of the smaller sample.
"""
import argparse
import json
import os
import subprocess
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import sklearn
from sklearn.metrics import roc_auc_score

ROWS, CLASSES, PATIENTS, REPLICATES = 25596, 14, 2797, 1000


def mix(counter):
    z = (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def make_rows():
    at = np.arange(ROWS * CLASSES, dtype=np.uint64)
    a, b = mix(2 * at), mix(2 * at + np.uint64(1))
    labels = (b & np.uint64(15)) == 0
    shift = (at % np.uint64(CLASSES) + np.uint64(1)) << np.uint64(28)
    shift = np.where(labels, shift, np.uint64(0))
    scores = ((a >> np.uint64(32)) + (a & np.uint64(0xFFFFFFFF)) + shift) / 2.0**32
    patient = np.arange(ROWS) * PATIENTS // ROWS
    return scores.reshape(ROWS, CLASSES), labels.astype(np.int8).reshape(ROWS, CLASSES), patient


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--sample", type=int, default=20, help="replicates to time in Python")
    parser.add_argument("--threads", type=int, default=1, help="threads of ours (Python uses one)")
    args = parser.parse_args()

    ours = json.loads(subprocess.run([args.program, str(args.threads), str(REPLICATES)], check=True,
                                     capture_output=True, text=True).stdout)
    scores, labels, patient = make_rows()
    rows_of = np.split(np.arange(ROWS), np.flatnonzero(np.diff(patient)) + 1)

    begun = time.perf_counter()
    point = np.array([roc_auc_score(labels[:, c], scores[:, c]) for c in range(CLASSES)])
    seconds_point = time.perf_counter() - begun
    generator = np.random.default_rng(0)
    replicates = []
    begun = time.perf_counter()
    for _ in range(args.sample):
        rows = np.concatenate([rows_of[p] for p in generator.integers(0, PATIENTS, PATIENTS)])
        s, y = scores[rows], labels[rows]
        replicates.append([roc_auc_score(y[:, c], s[:, c]) for c in range(CLASSES)])
    sampled = time.perf_counter() - begun

    theirs = seconds_point + sampled * REPLICATES / args.sample
    mine = ours["seconds_metrics"] + ours["seconds_bootstrap"]
    auc = np.array(ours["auc"])
    width = auc[:, 2] - auc[:, 1]
    deviation = np.std(replicates, axis=0, ddof=1)
    print(f"scores {ROWS} x {CLASSES}, {PATIENTS} patients, {REPLICATES} replicates")
    print(f"radz-bench            {mine:8.3f} s  "
          f"({ours['threads']} threads; 12 metrics, {ours['distinct']} distinct draws)")
    print(f"scikit-learn {sklearn.__version__:8s} {theirs:8.1f} s  "
          f"(AUC only, 1 thread; scaled from {args.sample} replicates)")
    print(f"ratio                 {theirs / mine:8.1f}")
    print(f"AUC, largest difference            {np.max(np.abs(auc[:, 0] - point)):.1e}")
    print(f"interval width / (3.92 deviations of sklearn's replicates), mean over classes "
          f"{np.mean(width / (3.92 * deviation)):.2f}")
    if np.max(np.abs(auc[:, 0] - point)) > 1e-12:
        raise SystemExit("the AUCs differ: nothing was compared")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes tests/golden/metric/pr.json: precision-recall curves of scikit-learn for the cases of sklearn.json."""
import json
import os
import sys

import numpy as np
import sklearn
from sklearn import metrics

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden", "metric")


def scores_of(item):
    far = {"inf": np.inf, "-inf": -np.inf}
    return np.array([far.get(x, x) for x in item["scores"]], dtype=np.float32 if item["float32"] else np.float64)


def main():
    with open(os.path.join(GOLDEN, "sklearn.json")) as f:
        cases = json.load(f)["cases"]
    out = {"made_by": "tests/reference/make_pr_goldens.py",
           "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scikit-learn": sklearn.__version__}}
    curves = {}
    for item in cases:
        if "scores" not in item:
            continue
        s, y = scores_of(item).astype(np.float64), np.array(item["labels"])
        s, y = s[y >= 0], y[y >= 0]
        if len(np.unique(y)) < 2 or not np.all(np.isfinite(s)):
            continue  # scikit-learn takes no infinite scores
        precision, recall, at = metrics.precision_recall_curve(y, s, drop_intermediate=True)
        curves[item["name"]] = [[float(r), float(p)] for r, p in zip(recall[::-1], precision[::-1])]
    out["curves"] = curves
    with open(os.path.join(GOLDEN, "pr.json"), "w") as f:
        json.dump(out, f)
        f.write("\n")


main()

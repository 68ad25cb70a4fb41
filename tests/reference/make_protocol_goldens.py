#!/usr/bin/env python3
"""Golden values of the protocols: what scikit-learn, numpy, pandas and Python's random give when a score table is put
through the arithmetic of the published evaluation code.

    OMP_NUM_THREADS=1 python tests/reference/make_protocol_goldens.py

Writes tests/golden/metric/protocols.json. Scores are not written: both sides make them from the same integer generator
(`mix` here and in tests/unit/test_run_protocols.c). Written from the description of each step, not from the programs.
"""
import json
import os
import platform
import random
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import pandas
import sklearn
from scipy.special import expit, softmax
from sklearn import metrics
from sklearn.utils import resample

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__,
            "pandas": pandas.__version__}
warnings.filterwarnings("ignore")


def mix(counter):
    z = (np.asarray(counter, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def table(seed, rows, classes, levels, empty):
    """Scores in (0, 1): (k + 1) / (levels + 1); a positive's k is the larger of two draws. Class `empty` has no positive."""
    at = np.arange(rows * classes, dtype=np.uint64) + np.uint64(seed) * np.uint64(1000003)
    a, b, d = mix(3 * at), mix(3 * at + np.uint64(1)), mix(3 * at + np.uint64(2))
    column = np.arange(rows * classes) % classes
    labels = (d % np.uint64(4) == 0) & (column != empty)
    first, second = a % np.uint64(levels), b % np.uint64(levels)
    k = np.where(labels, np.maximum(first, second), first).astype(np.float64)
    return ((k + 1) / (levels + 1)).reshape(rows, classes), labels.astype(np.int64).reshape(rows, classes)


def curve_threshold(y, s):
    precision, recall, thresholds = metrics.precision_recall_curve(y, s)
    f1 = np.zeros_like(recall)
    good = (recall + precision) != 0
    f1[good] = (2 * recall * precision)[good] / (recall + precision)[good]
    return f1.max(), thresholds[f1.argmax()]


def medklip(scores, labels, *_):
    classes = range(labels.shape[1])
    auc = [metrics.roc_auc_score(labels[:, c], scores[:, c]) if labels[:, c].any() else np.nan for c in classes]
    found = [curve_threshold(labels[:, c], scores[:, c]) for c in classes]
    f1 = [f for f, _ in found]
    acc = [metrics.accuracy_score(labels[:, c], scores[:, c] > t) for c, (_, t) in enumerate(found)]
    return {"auc": auc, "f1": f1, "acc": acc, "threshold": [t for _, t in found],
            "macro": {"auc": np.mean([a for a in auc if not np.isnan(a)]), "f1": np.mean(f1), "acc": np.mean(acc)}}


def radz(scores, labels, *_):
    classes = labels.shape[1]
    if classes == 1:
        p = expit(scores[:, 0])
        s, y = np.stack([p, 1 - p], 1), np.stack([labels[:, 0], 1 - labels[:, 0]], 1)
    else:
        s, y = softmax(scores, axis=1), labels
    auc, f1, acc, chosen = [], [], [], []
    for c in range(y.shape[1]):
        t = curve_threshold(y[:, c], s[:, c])[1]
        called = s[:, c] >= t
        auc.append(metrics.roc_auc_score(y[:, c], s[:, c]) if y[:, c].any() else np.nan)
        f1.append(metrics.f1_score(y[:, c], called))
        acc.append(metrics.accuracy_score(y[:, c], called))
        chosen.append(t)
    return {"auc": auc[:classes], "f1": f1[:classes], "acc": acc[:classes], "threshold": chosen[:classes],
            "macro": {"auc": np.nanmean(auc), "f1": np.mean(f1), "acc": np.mean(acc)}}


def carzero(scores, labels, *_):
    def area(y, s):
        precision, recall, _ = metrics.precision_recall_curve(y, s)
        return metrics.auc(recall, precision)

    auc = metrics.roc_auc_score(labels, scores, average=None)
    auprc = [area(labels[:, c], scores[:, c]) for c in range(labels.shape[1])]
    return {"auc": list(np.atleast_1d(auc)), "auprc": auprc,
            "macro": {"auc": metrics.roc_auc_score(labels, scores, average="macro"), "auprc": np.mean(auprc)},
            "micro": {"auc": metrics.roc_auc_score(labels, scores, average="micro"),
                      "auprc": area(labels.ravel(), scores.ravel())},
            "weighted": {"auc": metrics.roc_auc_score(labels, scores, average="weighted")}}


def mcc(y, called):
    """matthews_corrcoef, by its formula: the search below calls it millions of times."""
    rows, tp, c, p = float(len(y)), float((y & called).sum()), float(called.sum()), float(y.sum())
    tn = rows - p - c + tp
    under = (rows * rows - ((rows - c) ** 2 + c * c)) * (rows * rows - ((rows - p) ** 2 + p * p))
    return 0.0 if under == 0 else ((tp + tn) * rows - ((rows - p) * (rows - c) + p * c)) / np.sqrt(under)


def kad_set(scores, labels):
    """AUC, F1, MCC, ACC and threshold of each class: the first row, in order, whose score has the highest MCC above 0."""
    out = {"auc": [], "f1": [], "mcc": [], "acc": [], "threshold": []}
    for c in range(labels.shape[1]):
        y, s = labels[:, c].astype(bool), scores[:, c]
        of = {t: mcc(y, s >= t) for t in np.unique(s)}
        best, t = 0.0, 0.0
        for value in s:
            if of[value] > best:
                best, t = of[value], value
        called = s >= t
        out["auc"].append(metrics.roc_auc_score(y, s))
        out["f1"].append(metrics.f1_score(y, called))
        out["mcc"].append(metrics.matthews_corrcoef(y, called))
        out["acc"].append(metrics.accuracy_score(y, called))
        out["threshold"].append(t)
        assert best == 0 or out["mcc"][-1] == best
    return out


def kad(scores, labels, *_):
    out = kad_set(scores, labels)
    names = ["auc", "f1", "mcc", "acc"]
    out["macro"] = {n: np.mean(out[n]) for n in names}
    random.seed(42)
    seen, replicates = {}, []
    for _ in range(1000):
        seed = random.randint(0, 5000)
        random.seed(seed)
        rows = random.choices(range(len(labels)), k=len(labels))
        if seed not in seen:
            seen[seed] = kad_set(scores[rows], labels[rows])
        replicates.append(seen[seed])
    out["low"], out["high"], out["macro_low"], out["macro_high"] = {}, {}, {}, {}
    for n in names:
        ordered = [sorted(r[n][c] for r in replicates) for c in range(labels.shape[1])]
        out["low"][n], out["high"][n] = [o[50] for o in ordered], [o[950] for o in ordered]
        out["macro_low"][n], out["macro_high"][n] = np.mean(out["low"][n]), np.mean(out["high"][n])
    out["distinct"] = len(seen)
    return out


def bounds(frame):
    """Mean, lower and upper bound of each column as compute_cis gives them."""
    mean, low, high = {}, {}, {}
    for name in frame:
        ordered = frame[name].sort_values()
        n = len(ordered)
        low[name] = ordered.iloc[int(0.05 / 2 * n) - 1].round(4)
        high[name] = ordered.iloc[int((1 - 0.05 / 2) * n) - 1].round(4)
        mean[name] = round(ordered.mean(), 4)
    return mean, low, high


def chexzero(scores, labels, val_scores, val_labels):
    classes = list(range(labels.shape[1]))
    rows = np.arange(len(labels))
    thresholds, acc = [], []
    for c in classes:
        tried = np.sort(metrics.roc_curve(val_labels[:, c], val_scores[:, c])[2][1:])
        of = [metrics.matthews_corrcoef(val_labels[:, c], np.where(val_scores[:, c] < t, 0, 1)) for t in tried]
        thresholds.append(tried[np.argmax(of)])
        acc.append(metrics.accuracy_score(labels[:, c], np.where(scores[:, c] < thresholds[c], 0, 1)))

    def auc_set(s, y):
        fpr_tpr = [metrics.roc_curve(y[:, c], s[:, c])[:2] for c in classes]
        return [metrics.auc(fpr, tpr) for fpr, tpr in fpr_tpr]

    def f1_set(s, y):
        out = []
        for c in classes:
            called = np.where(s[:, c] < thresholds[c], 0, 1)
            tp, fp, fn = int((called & y[:, c]).sum()), int((called & (1 - y[:, c])).sum()), int(((1 - called) & y[:, c]).sum())
            out.append(1.0 if 2 * tp + fp + fn == 0 else (2 * tp) / (2 * tp + fp + fn))
        return out

    def mcc_set(s, y):
        return [metrics.matthews_corrcoef(y[:, c], np.where(s[:, c] < thresholds[c], 0, 1)) for c in classes]

    def frame(one, seeded):
        found = []
        for i in range(1000):
            sample = resample(rows, replace=True, random_state=i if seeded else None)
            values = one(scores[sample], labels[sample])
            found.append(values + [np.mean(values)])
        return pandas.DataFrame(found, columns=classes + ["mean"])

    np.random.seed(97)
    frames = {"auc": frame(auc_set, True), "f1": frame(f1_set, False), "mcc": frame(mcc_set, False)}
    out = {"threshold": thresholds, "acc": acc, "macro": {"acc": np.mean(acc)}, "low": {}, "high": {}, "macro_low": {},
           "macro_high": {}, "distinct": 1000}
    for name, data in frames.items():
        mean, low, high = bounds(data)
        out[name] = [mean[c] for c in classes]
        out["macro"][name] = mean["mean"]
        out["low"][name], out["high"][name] = [low[c] for c in classes], [high[c] for c in classes]
        out["macro_low"][name], out["macro_high"][name] = low["mean"], high["mean"]
    return out


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (int, str)):
        return value
    return None if np.isnan(value) else float(value)


PROTOCOLS = {"medklip": medklip, "radz": radz, "carzero": carzero, "kad": kad, "chexzero": chexzero}
# name: seed, rows, rows of the validation, classes, score levels, class without a positive (-1: none)
CASES = {"distinct": (1, 240, 120, 3, 1 << 40, -1), "ties": (2, 300, 150, 10, 7, -1), "binary": (3, 200, 90, 1, 1 << 40, -1),
         "empty": (4, 160, 80, 9, 50, 4), "large": (5, 3000, 300, 2, 1 << 40, -1), "coarse": (6, 60, 40, 2, 2, -1)}


def main():
    cases = []
    for name, (seed, rows, val_rows, classes, levels, empty) in CASES.items():
        scores, labels = table(seed, rows, classes, levels, empty)
        val = table(seed + 100, val_rows, classes, levels, empty)
        want = {}
        for protocol, compute in PROTOCOLS.items():
            if empty >= 0 and protocol in ("kad", "carzero"):
                want[protocol] = {"stopped": empty}
            elif (protocol, name) == ("radz", "ties"):
                pass  # softmax of tied scores: which stay tied depends on the last bit of exp, which differs between libraries
            elif not (classes == 1 and protocol == "carzero"):
                want[protocol] = plain(compute(scores, labels, *val))
        cases.append({"name": name, "seed": seed, "rows": rows, "val_rows": val_rows, "classes": classes,
                      "levels": levels, "empty": empty, "want": want})
    streams = {
        "numpy": [int(np.random.RandomState(seed).randint(0, bound, size=700)[-1]) for seed, bound in
                  ((0, 5), (7, 1000), (97, 25596), (4294967295, 3000000000))],
        "python": [[random.seed(seed), random.choices(range(bound), k=400)[-1], random.randint(0, 5000)][1:] for seed, bound in
                   ((0, 5), (42, 1000), (5000, 25596))],
        "sums": [float(np.sum(((mix(np.arange(n)) >> np.uint64(11)) / 2.0**53))) for n in (0, 1, 7, 8, 14, 128, 129, 1000, 100003)],
    }
    path = os.path.join(HERE, "..", "golden", "metric", "protocols.json")
    with open(path, "w") as f:
        json.dump({"versions": VERSIONS, "streams": streams, "cases": cases}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Golden values of the metrics (scikit-learn), percentiles (numpy) and scorers (numpy).

    OMP_NUM_THREADS=1 python tests/reference/make_metric_goldens.py

Writes tests/golden/metric/sklearn.json and tests/golden/score/numpy.json. Large inputs are not written: both sides make
them from the same integer generator (`mix` here and in the tests). scikit-learn refuses infinite scores, so for those
cases every infinity is replaced by a finite number beyond all others, which changes no rank, and thresholds are put back.
"""
import json
import os
import platform
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import sklearn
from sklearn import metrics

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
VERSIONS = {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__}
FAR = 1e300


def mix(counter):
    """splitmix64 of a counter."""
    z = (np.asarray(counter, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def number(x):
    """JSON has no infinities and no NaN: text for the first, null for the second."""
    x = float(x)
    if np.isnan(x):
        return None
    return x if np.isfinite(x) else ("inf" if x > 0 else "-inf")


def back(t):
    return np.inf if t == FAR else -np.inf if t == -FAR else t


def at_threshold(y, called):
    def defined(value, under):
        return number(value) if under > 0 else None

    return {
        "f1": number(metrics.f1_score(y, called, zero_division=0)),
        "acc": number(metrics.accuracy_score(y, called)),
        "sensitivity": number(metrics.recall_score(y, called)),
        "specificity": number(metrics.recall_score(y, called, pos_label=0)),
        "ppv": defined(metrics.precision_score(y, called, zero_division=0), called.sum()),
        "npv": defined(metrics.precision_score(y, called, pos_label=0, zero_division=0), (1 - called).sum()),
    }


def measure(scores, labels, fixed, curve):
    """Every metric of one class. Undefined ones are null."""
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    keep = labels >= 0
    s, y = np.clip(scores[keep], -FAR, FAR), labels[keep].astype(int)
    out = {"rows": int(len(y)), "positives": int(y.sum())}
    names = ["auc", "ap", "f1_max", "threshold_f1_max"]
    if len(np.unique(y)) < 2:
        out.update({name: None for name in names})
        out["prevalence"] = number(y.mean()) if len(y) else None
        return out
    precision, recall, thresholds = metrics.precision_recall_curve(y, s)
    # From the counts rather than as 2PR / (P + R): the same value, but exact ties stay ties, so that np.argmax gives the
    # first, i.e. the lowest threshold, and not the one with the luckier rounding.
    n, fps, _, tps, _ = metrics.confusion_matrix_at_thresholds(y, s)
    f1 = (2 * tps / (tps + fps + y.sum()))[::-1]
    with np.errstate(invalid="ignore"):
        usual = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    assert np.max(np.abs(usual - f1)) < 1e-12
    best = int(np.argmax(f1))
    out.update(auc=number(metrics.roc_auc_score(y, s)), ap=number(metrics.average_precision_score(y, s)),
               f1_max=number(f1[best]), threshold_f1_max=number(back(thresholds[best])), prevalence=number(y.mean()))
    out["at_f1_max"] = at_threshold(y, (s >= thresholds[best]).astype(int))
    out["fixed_threshold"] = number(fixed)
    out["at_fixed"] = at_threshold(y, (s >= np.clip(fixed, -FAR, FAR)).astype(int))
    if curve:
        fpr, tpr, at = metrics.roc_curve(y, s, drop_intermediate=True)
        out["roc"] = [[number(a), number(b), number(back(t))] for a, b, t in zip(fpr, tpr, at)]
    return out


def small_cases():
    rng = np.random.default_rng(20240501)

    def case(name, scores, labels, fixed=0.5, **extra):
        scores = np.asarray(scores)
        out = {"name": name, "float32": bool(scores.dtype == np.float32), "scores": [number(x) for x in scores],
               "labels": [int(x) for x in labels]}
        out.update(measure(scores, labels, fixed, curve=True), **extra)
        return out

    y = (rng.random(200) < 0.3).astype(int)
    s = rng.random(200) * 0.7 + 0.3 * y
    yield case("random", s, y)
    yield case("random rare", rng.random(300), (rng.random(300) < 0.02).astype(int))
    yield case("inverted", -s, y, fixed=-0.5)
    yield case("perfect", y + rng.random(200) * 0.9, y, fixed=1.0)
    yield case("perfectly wrong", -y - rng.random(200) * 0.9, y, fixed=-0.95)
    yield case("tied, five values", np.floor(s * 5) / 5, y, fixed=0.4)
    yield case("tied, two values", np.round(s), y)
    yield case("constant", np.full(50, 0.25), y[:50], fixed=0.25)
    yield case("constant, threshold above", np.full(50, 0.25), y[:50], fixed=0.26)
    yield case("threshold below all", s, y, fixed=-1.0)
    yield case("threshold above all", s, y, fixed=2.0)
    yield case("threshold infinite", s, y, fixed=np.inf)
    yield case("float32", (s * 3).astype(np.float32), y, fixed=float(np.float32(1.1)))
    yield case("masked", s, np.where(rng.random(200) < 0.2, -1, y))
    yield case("all masked", s[:5], [-1] * 5)
    yield case("one value left after masking", s[:6], [-1, 1, -1, 1, 1, -1])
    yield case("only positive", s[:20], [1] * 20)
    yield case("only negative", s[:20], [0] * 20)
    yield case("no rows", [], [])
    near = 1.0 + np.arange(12) * np.finfo(float).eps
    yield case("neighbouring doubles", rng.permutation(near), rng.permutation([0, 1] * 6), fixed=near[5])
    tiny = np.arange(12) * 5e-324
    yield case("denormals", rng.permutation(tiny), rng.permutation([0, 1] * 6), fixed=5e-324)
    yield case("zero and minus zero tie", [0.0, -0.0, 0.0, -0.0, 1.0, -1.0], [1, 0, 0, 1, 1, 0], fixed=0.0)
    inf = np.inf
    yield case("infinities", [inf, -inf, 0.5, inf, -inf, 0.25, 1e299, -1e299], [1, 0, 1, 0, 1, 0, 1, 0])
    yield case("only infinities", [inf, -inf, inf, -inf], [1, 0, 0, 1])
    yield case("wide range", np.where(y == 1, 1, -1) * 10.0 ** rng.uniform(-290, 290, 200) * np.where(rng.random(200) < 0.2, -1, 1), y)
    yield case("exact ties of F1", [4.0, 3.0, 2.0, 1.0, 0.5, 0.25], [1, 0, 0, 1, 0, 0], fixed=2.0)
    for n in (1, 2, 3):  # every labelling of every ranking with ties
        rankings = {1: [[0.0]], 2: [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
                    3: [[a, b, c] for a in (0.0, 1.0, 2.0) for b in (0.0, 1.0, 2.0) for c in (0.0, 1.0, 2.0)]}[n]
        for ranking in rankings:
            for bits in range(2**n):
                labels = [bits >> i & 1 for i in range(n)]
                yield case(f"tiny {ranking} {labels}", ranking, labels, fixed=1.0)


def generated_cases():
    """100,000 rows: label from one number, score from another, see generate() in test_metric_sklearn.c."""
    for name, levels, one_in, shift in (("distinct", 0, 2, 12), ("tied", 200, 10, 20), ("rare", 0, 1000, 30),
                                        ("two values", 2, 7, 25)):
        rows = 100000
        i = np.arange(rows, dtype=np.uint64)
        a, b = mix(2 * i), mix(2 * i + np.uint64(1))
        y = (b % np.uint64(one_in) == 0).astype(np.int64)
        whole = (a >> np.uint64(33)).astype(np.int64) + y * (shift << 25)
        if levels:
            whole = whole * levels >> 32
        s = whole / 4294967296.0
        fixed = float(np.sort(s)[rows * 3 // 4])
        yield {"name": name, "generated": rows, "levels": levels, "one_in": one_in, "shift": shift, **measure(s, y, fixed, False)}


def percentile_cases():
    rng = np.random.default_rng(7)
    for n in (1, 2, 3, 10, 41, 1000):
        values = np.sort(rng.normal(size=n))
        if n == 10:
            values = np.sort(np.round(values))
        percents = [0, 2.5, 5, 25, 33.3, 50, 66.6, 95, 97.5, 99.9, 100]
        out = {"percents": percents, "results": [number(np.percentile(values, p)) for p in percents]}
        if n <= 41:
            out["values"] = [number(x) for x in values]
        else:  # made again by the test
            values = np.sort((mix(np.arange(n)) >> np.uint64(11)) / 2.0**53)
            out.update(generated=n, results=[number(np.percentile(values, p)) for p in percents])
        yield out


def vectors(first, rows, dim):
    """Whole numbers of 1/32768, exact in float32; see vectors() in test_score_numpy.c."""
    at = np.arange(rows * dim, dtype=np.uint64) + np.uint64(first)
    return ((mix(at) >> np.uint64(48)).astype(np.float64) - 32767.5).reshape(rows, dim) / 32768


def scorer_cases():
    for name, images, dim, classes, templates, scale in (("one template", 9, 64, 4, 1, 1.0), ("templates", 12, 37, 3, 4, 100.0),
                                                         ("narrow", 5, 1, 2, 3, 1.0), ("wide", 6, 515, 14, 2, 14.285)):
        image = vectors(1000000, images, dim)
        text = vectors(2000000, classes * 2 * templates, dim).reshape(classes, 2, templates, dim)
        image /= np.linalg.norm(image, axis=-1, keepdims=True)
        text /= np.linalg.norm(text, axis=-1, keepdims=True)
        mean = text.mean(axis=2)
        mean /= np.linalg.norm(mean, axis=-1, keepdims=True)
        cosine = np.einsum("nd,cpd->ncp", image, mean)
        p, n = np.exp(cosine[..., 0]), np.exp(cosine[..., 1])
        tau = 5 / scale ** 0.5
        anchors = vectors(3000000, classes + 2, dim)
        anchors /= np.linalg.norm(anchors, axis=-1, keepdims=True)
        plain = cosine[..., 0] / tau
        anchored = (image @ anchors.T / tau) @ (mean[:, 0] @ anchors.T / tau).T
        softmax = lambda s: np.exp(s - s.max(axis=1, keepdims=True)) / np.exp(s - s.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
        logits = 20 * vectors(4000000, images * classes, 5)
        lse = lambda x: np.log(np.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1)) + x.max(axis=1)
        yield {"name": name, "images": images, "dim": dim, "classes": classes, "templates": templates, "logit_scale": scale, "temperature": tau, "anchors": classes + 2,
               "vqa-logit": [number(x) for x in lse(logits[:, :3]) - lse(logits[:, 3:])],
               "radz-plain": [number(x) for x in plain.ravel()], "radz-plain-softmax": [number(x) for x in softmax(plain).ravel()],
               "radz-anchored": [number(x) for x in anchored.ravel()], "radz-anchored-softmax": [number(x) for x in softmax(anchored).ravel()],
               "radz-anchored-profile": [number(x) for x in (softmax(image @ anchors.T / tau) @ softmax(mean[:, 0] @ anchors.T / tau).T).ravel()],
               "clip-posneg": [number(x) for x in (p / (p + n)).ravel()],
               "clip-cosine": [number(x) for x in (scale * cosine[..., 0]).ravel()],
               "clip-anchor": [number(x) for x in (scale * cosine[..., 0]).ravel()]}  # the same of other texts


def write(path, content, made_by="tests/reference/make_metric_goldens.py"):
    path = os.path.join(GOLDEN, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    content = {"made_by": made_by, "versions": VERSIONS, **content}
    lines = ["{"]
    for i, (key, value) in enumerate(content.items()):
        comma = "," if i + 1 < len(content) else ""
        if isinstance(value, list):
            lines.append(f"{json.dumps(key)}: [")
            lines += [json.dumps(x, allow_nan=False) + ("," if j + 1 < len(value) else "") for j, x in enumerate(value)]
            lines.append("]" + comma)
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}{comma}")
    lines.append("}")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{path}: {os.path.getsize(path)} bytes")


def main():
    warnings.simplefilter("ignore")
    write("metric/sklearn.json", {"cases": list(small_cases()) + list(generated_cases()),
                                  "percentiles": list(percentile_cases())})
    write("score/numpy.json", {"cases": list(scorer_cases())})


if __name__ == "__main__":
    main()

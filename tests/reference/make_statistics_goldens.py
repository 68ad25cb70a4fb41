#!/usr/bin/env python3
"""Golden values of BCa (scipy), permutation tests (scipy, all swaps), adjusted p-values (R), calibration (scikit-learn, scipy)
and operating points at a fixed rate (scikit-learn).

    OMP_NUM_THREADS=1 python tests/reference/make_statistics_goldens.py     (needs Rscript)

Writes tests/golden/metric/statistics.json.
"""
import subprocess

import numpy as np
import scipy
import scipy.optimize
import scipy.stats
from make_metric_goldens import VERSIONS, number, write
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve


def numbers(values):
    return [number(v) for v in np.ravel(values)]


def bca_cases():
    rng = np.random.default_rng(1987)
    for name, data, statistic, confidence in (
            ("skewed mean", rng.exponential(size=25), np.mean, 0.95), ("variance", rng.normal(size=18), np.var, 0.9),
            ("mean of few values", rng.integers(0, 3, 30).astype(float), np.mean, 0.95),
            ("minimum", rng.normal(size=12), np.min, 0.8)):
        found = scipy.stats.bootstrap((data,), statistic, method="BCa", n_resamples=500, confidence_level=confidence,
                                      rng=np.random.default_rng(5), vectorized=False)
        jackknife = [statistic(np.delete(data, i)) for i in range(len(data))]
        yield {"name": name, "confidence": 100 * confidence, "estimate": number(statistic(data)), "jackknife": numbers(jackknife),
               "replicates": numbers(np.sort(found.bootstrap_distribution)),
               "low": number(found.confidence_interval.low), "high": number(found.confidence_interval.high)}


def permutation_cases():
    rng = np.random.default_rng(2005)
    for name, rows, patients, levels in (("rows", 10, 10, 0), ("patients", 26, 10, 0), ("tied", 24, 9, 4)):
        patient = np.concatenate([np.arange(patients), rng.integers(0, patients, rows - patients)])
        y = (np.arange(rows) % 3 == 0).astype(int)
        a, b = rng.normal(size=rows) + 1.2 * y, rng.normal(size=rows) * 50 + 20 * y
        if levels:
            a, b = np.floor(a * levels / 2), np.floor(b / 30)
        ra, rb = scipy.stats.rankdata(a), scipy.stats.rankdata(b)

        def auc(s):
            d = s[y == 1][:, None] - s[y == 0][None, :]
            return np.mean((d > 0) + 0.5 * (d == 0))

        def difference(mask):
            s = mask[patient] == 1
            return auc(np.where(s, rb, ra)) - auc(np.where(s, ra, rb))
        seen = difference(np.zeros(patients))
        masks = (np.arange(2**patients)[:, None] >> np.arange(patients)) & 1
        every = np.array([difference(m) for m in masks])
        p = float(np.mean(np.abs(every) >= abs(seen) - 1e-12))
        if rows == patients:  # scipy's own, two-sided as twice the smaller tail: the same where the distribution is symmetric
            own = scipy.stats.permutation_test((ra, rb), lambda u, v: auc(u) - auc(v),
                                               permutation_type="samples", n_resamples=np.inf, vectorized=False)
            assert abs(own.pvalue - p) < 1e-12, (own.pvalue, p)
        yield {"name": name, "labels": [int(v) for v in y], "a": numbers(a), "b": numbers(b), "patients": [int(v) for v in patient],
               "difference": number(roc_auc_score(y, a) - roc_auc_score(y, b)), "p": p}


def adjust_cases():
    for p in ([0.01, 0.04, 0.03, 0.005], [0.2], [0.5, None, 0.001, 0.001, 1.0, 0.9, None, 0.049], [0.3, 0.3, 0.3], [None, None]):
        text = ",".join("NA" if v is None else repr(v) for v in p)
        code = f'p <- as.numeric(c({text})); for (m in c("holm", "BH")) cat(sprintf("%.17g", p.adjust(p, m)), "\\n")'
        lines = subprocess.run(["Rscript", "--vanilla", "-e", code], check=True, capture_output=True, text=True).stdout.splitlines()
        holm, bh = ([None if v == "NA" else float(v) for v in line.split()] for line in lines)
        yield {"p": p, "holm": holm, "bh": bh}


def calibration_cases():
    rng = np.random.default_rng(2017)

    def case(name, scores, y, probability):
        out = {"name": name, "scores": numbers(scores), "labels": [int(v) for v in y]}

        def platt(x):
            scale, mean = x.std(), x.mean()
            model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-14, max_iter=500).fit(((x - mean) / scale)[:, None], y)
            return model.coef_[0, 0] / scale, model.intercept_[0] - model.coef_[0, 0] * mean / scale
        out["platt"] = numbers(platt(scores))
        inside = scores.min() >= 0 and scores.max() <= 1
        z = logit(np.clip(scores, 2.0**-52, 1 - 2.0**-52)) if inside else scores

        def slope(a):  # of the log loss; the optimum is its root, to the last digit
            return float(np.sum(z * (expit(a * z) - y)))
        out["temperature"] = number(scipy.optimize.brentq(slope, -50 / z.std(), 50 / z.std(), xtol=1e-15, rtol=1e-15))
        p = scores if probability else expit(out["platt"][0] * scores + out["platt"][1])
        out["mean"], out["brier"] = number(p.mean()), number(brier_score_loss(y, p))
        out["slope"] = numbers(platt(logit(np.clip(p, 2.0**-52, 1 - 2.0**-52))))
        for strategy in ("uniform", "quantile"):
            edges = np.linspace(0, 1, 11) if strategy == "uniform" else np.percentile(p, np.linspace(0, 1, 11) * 100)
            bins = np.searchsorted(edges[1:-1], p)
            observed, mean = calibration_curve(y, p, n_bins=10, strategy=strategy)
            count = np.bincount(bins, minlength=10)
            used = count[count > 0]
            assert len(used) == len(mean)
            out[strategy] = {"ece": number(np.sum(used / len(p) * np.abs(mean - observed))), "count": [int(c) for c in count],
                             "mean": numbers(mean), "observed": numbers(observed)}
        return out
    n = 240
    y = (rng.random(n) < 0.35).astype(int)
    s = rng.normal(size=n) + y
    yield case("over-confident probabilities", expit(3 * s - 1), y, True)
    yield case("tied probabilities", np.round(expit(s - 0.8), 1), y, True)
    yield case("cosines", 0.2 + 0.02 * s, y, False)
    yield case("wrong way", -s, y, False)
    yield case("large", 1000 + 100 * s, y, False)


def operating_cases():
    rng = np.random.default_rng(95)
    for name, n, rare, levels in (("distinct", 120, 0.3, 0), ("tied", 120, 0.3, 7), ("few", 9, 0.4, 0), ("two values", 20, 0.5, 2)):
        y = (rng.random(n) < rare).astype(int)
        y[:2] = 0, 1
        s = rng.random(n) + 0.3 * y
        s = np.floor(s * levels) / levels if levels else s
        fpr, tpr, thresholds = roc_curve(y, s, drop_intermediate=False)
        negatives, positives = np.sum(y == 0), np.sum(y == 1)
        tn, tp = np.round((1 - fpr) * negatives), np.round(tpr * positives)
        for rate in (0.5, 0.55, 0.8, 0.9, 0.95, 1.0):
            ok = tn / negatives >= rate
            best = int(np.flatnonzero(ok & (tp == tp[ok].max()))[0])
            reach = int(np.flatnonzero(tp / positives >= rate)[0])
            yield {"name": f"{name} {rate}", "rate": rate, "scores": numbers(s), "labels": [int(v) for v in y],
                   "at_specificity": [number(tp[best] / positives), number(tn[best] / negatives), number(thresholds[best])],
                   "at_sensitivity": [number(tp[reach] / positives), number(tn[reach] / negatives), number(thresholds[reach])]}


def wilson_cases():
    for k, n, c in ((0, 5, 95), (3, 10, 95), (10, 10, 90), (250, 1000, 99)):
        found = scipy.stats.binomtest(k, n).proportion_ci(confidence_level=c / 100, method="wilson")
        yield [k, n, c, number(found.low), number(found.high)]


def main():
    version = subprocess.run(["Rscript", "--vanilla", "-e", 'cat(R.version$major, R.version$minor, sep = ".")'], check=True,
                             capture_output=True, text=True).stdout
    VERSIONS.update(scipy=scipy.__version__, R=version)
    write("metric/statistics.json", {
        "bca": list(bca_cases()), "permutation": list(permutation_cases()), "adjust": list(adjust_cases()),
        "calibration": list(calibration_cases()), "operating": list(operating_cases()), "wilson": list(wilson_cases())},
        "tests/reference/make_statistics_goldens.py")


if __name__ == "__main__":
    main()

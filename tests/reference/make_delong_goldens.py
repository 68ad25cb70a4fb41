#!/usr/bin/env python3
"""Golden values of DeLong's variance, interval and paired test (R's pROC), of its form for clusters (plain numpy from the
formula, pair by pair), and of the normal distribution (scipy).

    OMP_NUM_THREADS=1 python tests/reference/make_delong_goldens.py     (needs Rscript with pROC)

Writes tests/golden/metric/delong.json. Scores are whole numbers over a power of two, so that both sides see the same bits.
"""
import os
import subprocess
import tempfile

import numpy as np
import scipy
import scipy.stats
from make_metric_goldens import VERSIONS, mix, number, write

R = r"""
suppressMessages(library(pROC))
args <- commandArgs(TRUE)
text <- function(x) paste(sprintf("%.17g", as.numeric(x)), collapse = ",")
d <- read.csv(args[1])
for (k in unique(d$case)) {
  e <- d[d$case == k, ]
  a <- roc(e$label, e$a, levels = c(0, 1), direction = "<", quiet = TRUE)
  b <- roc(e$label, e$b, levels = c(0, 1), direction = "<", quiet = TRUE)
  ca <- suppressWarnings(ci.auc(a, method = "delong")); cb <- suppressWarnings(ci.auc(b, method = "delong", conf.level = 0.9))
  t <- suppressWarnings(roc.test(a, b, method = "delong", paired = TRUE))
  cat(k, text(c(auc(a), auc(b), suppressWarnings(var(a)), suppressWarnings(var(b)), suppressWarnings(cov(a, b)),
                ca[1], ca[3], cb[1], cb[3], t$statistic, t$p.value, t$conf.int)), sep = ",")
  cat("\n")
}
cat("version", as.character(packageVersion("pROC")), R.version$major, R.version$minor, sep = ",")
cat("\n")
"""
NAMES = ["auc_a", "auc_b", "var_a", "var_b", "cov", "low_a", "high_a", "low90_b", "high90_b", "z", "p", "low", "high"]


def scores_of(rng, labels, levels, shift):
    s = rng.integers(0, 4096, len(labels)) + labels * shift
    return (s * levels // 8192) / levels if levels else s / 4096


def cases():
    rng = np.random.default_rng(19880401)
    for name, n, rare, levels, shift_a, shift_b in (
            ("distinct", 200, 0.3, 0, 1500, 900), ("tied", 200, 0.3, 8, 1500, 900), ("two values", 60, 0.5, 2, 2000, 1000),
            ("rare", 300, 0.02, 0, 1800, 1500), ("nearly all positive", 120, 0.95, 16, 1000, 1000),
            ("near one", 150, 0.4, 0, 3900, 3700), ("inverted", 100, 0.4, 0, -2500, 500), ("tiny", 6, 0.5, 0, 800, 800)):
        y = (rng.random(n) < rare).astype(int)
        y[:2], y[2:4] = 1, 0
        yield name, y, scores_of(rng, y, levels, shift_a), scores_of(rng, y, levels, shift_b)
    y = np.array([0, 1] * 20)
    yield "one perfect", y, y + rng.integers(0, 512, 40) / 1024, scores_of(rng, y, 0, 1000)
    s = scores_of(rng, y, 8, 1000)
    yield "constant against ranked", y, np.zeros(40), s
    nearly = s.copy()
    nearly[3] += 1 / 1024  # one tie broken: nearly the same ranking
    yield "nearly alike", y, s, nearly


def generated(rows, levels):
    """As generate() in test_metric_delong.c."""
    i = np.arange(rows, dtype=np.uint64)
    y = (mix(4 * i) % np.uint64(9) == 0).astype(np.int64)
    a = (mix(4 * i + np.uint64(1)) >> np.uint64(44)).astype(np.int64) + y * 400000
    b = (mix(4 * i + np.uint64(2)) >> np.uint64(44)).astype(np.int64) + y * 300000 + a // 2
    if levels:
        a, b = a * levels >> 21, b * levels >> 21
    return y, a / 1048576.0, b / 1048576.0


def clustered(y, a, b, cluster):
    """Obuchowski 1997 from the m x n matrix of comparisons."""
    m, n = (y == 1).sum(), (y == 0).sum()
    auc, x, z = [], [], []
    for s in (a, b):
        d = s[y == 1][:, None] - s[y == 0][None, :]
        psi = (d > 0) + 0.5 * (d == 0)
        theta = psi.mean()
        ids = np.unique(cluster)
        x.append(np.array([(psi.mean(1) - theta)[cluster[y == 1] == i].sum() for i in ids]))
        z.append(np.array([(psi.mean(0) - theta)[cluster[y == 0] == i].sum() for i in ids]))
        auc.append(theta)
    i, i10, i01 = len(ids), len(np.unique(cluster[y == 1])), len(np.unique(cluster[y == 0]))

    def cov(r, s):
        return (i10 / (i10 - 1) * (x[r] * x[s]).sum() / m**2 + i01 / (i01 - 1) * (z[r] * z[s]).sum() / n**2
                + i / (i - 1) * (x[r] * z[s] + x[s] * z[r]).sum() / (m * n))
    variance = cov(0, 0) + cov(1, 1) - 2 * cov(0, 1)
    t = (auc[0] - auc[1]) / np.sqrt(variance)
    return dict(zip(("var_a", "var_b", "cov", "z", "p"), map(number, (cov(0, 0), cov(1, 1), cov(0, 1), t,
                                                                       2 * scipy.stats.norm.sf(abs(t))))))


def logit_interval(auc, variance):
    if not 0 < auc < 1:
        return [None, None]
    half = scipy.stats.norm.ppf(0.975) * np.sqrt(variance) / (auc * (1 - auc))
    return [number(scipy.special.expit(scipy.special.logit(auc) + k * half)) for k in (-1, 1)]


def run_r(all_cases):
    with tempfile.TemporaryDirectory() as folder:
        data, script = os.path.join(folder, "d.csv"), os.path.join(folder, "s.R")
        with open(data, "w") as f:
            f.write("case,label,a,b\n")
            for k, (_, y, a, b) in enumerate(all_cases):
                f.writelines(f"{k},{l},{float(p)!r},{float(q)!r}\n" for l, p, q in zip(y, a, b))
        with open(script, "w") as f:
            f.write(R)
        lines = subprocess.run(["Rscript", "--vanilla", script, data], check=True, capture_output=True, text=True).stdout.split()
    found, version = [], None
    for line in lines:
        fields = line.split(",")
        if fields[0] == "version":
            version = {"pROC": fields[1], "R": ".".join(fields[2:])}
        else:
            found.append(dict(zip(NAMES, (number(float(x)) if x not in ("NA", "NaN") else None for x in fields[1:]))))
    return found, version


def main():
    small = list(cases())
    large = [("generated", *generated(20000, 0)), ("generated, tied", *generated(20000, 50))]
    found, version = run_r(small + large)
    rng = np.random.default_rng(1997)
    out = []
    for (name, y, a, b), proc in zip(small + large, found):
        case = {"name": name}
        if name.startswith("generated"):
            case.update(generated=len(y), levels=50 if "tied" in name else 0)
        else:
            case.update(labels=[int(v) for v in y], a=[number(v) for v in a], b=[number(v) for v in b])
            cluster = rng.integers(0, max(3, len(y) // 3), len(y))
            cluster = np.unique(cluster, return_inverse=True)[1]
            case.update(clusters=[int(c) for c in cluster], clustered=clustered(y, a, b, cluster))
        case.update(pROC=proc, logit_a=logit_interval(proc["auc_a"], proc["var_a"]))
        out.append(case)
    z = [0, 1e-12, 0.1, 0.5, 1, 1.3, 1.4142, 1.5, 1.959963984540054, 2.5, 3, 4, 5.5, 7, 8.5, 12, 20, 30, 37]
    p = [1e-300, 1e-100, 1e-20, 1e-10, 1e-5, 0.001, 0.01, 0.025, 0.07, 0.0749, 0.1, 0.25, 0.4, 0.5, 0.6, 0.9, 0.95, 0.975, 0.999,
         1 - 1e-9]
    VERSIONS.update(scipy=scipy.__version__, **version)
    write("metric/delong.json", {
        "cases": out,
        "normal": [[number(x), number(scipy.stats.norm.cdf(x)), number(scipy.stats.norm.cdf(-x)),
                    number(2 * scipy.stats.norm.sf(x))] for x in z],
        "quantile": [[number(x), number(scipy.stats.norm.ppf(x))] for x in p]}, "tests/reference/make_delong_goldens.py")


if __name__ == "__main__":
    main()

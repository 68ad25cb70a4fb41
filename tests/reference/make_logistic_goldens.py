#!/usr/bin/env python3
"""Golden values of the L2 logistic regression (scikit-learn).

    OMP_NUM_THREADS=1 python tests/reference/make_logistic_goldens.py

Writes tests/golden/score/logistic.json. Features and labels are made again by test_score_logistic.c from the same integers.
"""
import warnings

import numpy as np
from make_metric_goldens import mix, number, vectors, write
from sklearn.linear_model import LogisticRegression


def main():
    warnings.simplefilter("error")
    cases = []
    for name, rows, dim, scale, offset, c, one_in in (("plain", 400, 20, 1.0, 0.0, 1.0, 3), ("fewer rows than features", 60, 130, 1.0, 0.0, 1.0, 2),
                                              ("strong penalty", 300, 33, 1.0, 0.0, 0.01, 4), ("weak penalty", 500, 16, 1.0, 0.0, 1000.0, 3),
                                              ("off centre", 300, 12, 0.125, 4.0, 10.0, 3), ("rare", 900, 8, 1.0, 0.0, 1.0, 60),
                                              ("one feature", 50, 1, 1.0, 0.0, 1.0, 2)):
        x = vectors(3000000, rows, dim) * scale + offset  # exact in float32
        w = vectors(4000000, 1, dim)[0]
        i = np.arange(rows, dtype=np.uint64)
        noise = (mix(np.uint64(5000000) + i) >> np.uint64(40)).astype(np.int64)
        order = (x - offset) @ w / scale / np.sqrt(dim) * 3 + noise / 2.0**24 * 2
        y = (order >= np.sort(order)[rows - rows // one_in]).astype(int)
        model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-13, max_iter=1000).fit(x, y)
        p = model.predict_proba(x)[:, 1]
        gradient = np.abs(np.append(model.coef_[0] / c + x.T @ (p - y), np.sum(p - y))).max()
        assert gradient < 1e-9, (name, gradient)
        cases.append({"name": name, "rows": rows, "dim": dim, "scale": scale, "offset": offset, "c": c,
                      "positive": [int(k) for k in np.flatnonzero(y)], "coef": [number(v) for v in model.coef_[0]],
                      "intercept": number(model.intercept_[0]), "scores": [number(v) for v in model.decision_function(x)[:25]]})
        print(name, y.sum(), gradient)
    write("score/logistic.json", {"cases": cases}, "tests/reference/make_logistic_goldens.py")


if __name__ == "__main__":
    main()

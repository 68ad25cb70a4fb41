#!/usr/bin/env python3
"""Writes tests/golden/metric/tsne.json: scikit-learn's affinities, objective, gradient and final divergence on small clouds."""
import json
import os
import sys

import numpy as np
import sklearn
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities, _kl_divergence

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "metric", "tsne.json")


def cloud(rng, n, dim, groups):
    centres = rng.normal(size=(groups, dim)) * 3
    x = centres[np.arange(n) % groups] + rng.normal(size=(n, dim))
    return np.round(x, 3).astype(np.float32)


def main():
    rng = np.random.default_rng(7)
    cases = []
    for n, dim, groups, perplexity in [(60, 4, 3, 10), (90, 8, 4, 25), (40, 2, 1, 5.5)]:
        x = cloud(rng, n, dim, groups)
        distances = squareform(pdist(x.astype(np.float64), "sqeuclidean"))
        p = _joint_probabilities(distances, perplexity, verbose=0)
        y = np.round(rng.normal(size=(n, 2)), 3)
        kl, gradient = _kl_divergence(y.ravel().copy(), p, 1.0, n, 2)
        # the objective has many minima: what sklearn itself ends at from the principal axes and from ten random starts
        fits = [TSNE(perplexity=perplexity, init=init, method="exact", random_state=s, max_iter=1000).fit(x).kl_divergence_
                for s, init in enumerate(["pca"] + ["random"] * 10)]
        # Barnes-Hut likewise, at the usual angle; judged by the exact divergence of the layouts it leaves
        rough = [TSNE(perplexity=perplexity, init=init, method="barnes_hut", angle=0.5, random_state=s, max_iter=1000)
                 .fit_transform(x).astype(np.float64) for s, init in enumerate(["pca"] + ["random"] * 10)]
        rough = [float(_kl_divergence(y.ravel(), p, 1.0, n, 2)[0]) for y in rough]
        cases.append({"n": n, "dim": dim, "perplexity": perplexity, "features": [float(str(v)) for v in x.ravel()],
                      "affinities": [float(v) for v in p], "layout": [float(v) for v in y.ravel()], "kl": float(kl),
                      "gradient": [float(v) for v in gradient], "best_kl": float(min(fits)), "worst_kl": float(max(fits)),
                      "best_rough_kl": min(rough), "pca_rough_kl": rough[0], "worst_rough_kl": max(rough)})
        print(n, kl, min(fits), max(fits), min(rough), rough[0], max(rough))
    with open(OUT, "w") as f:
        json.dump({"made_by": "tests/reference/make_tsne_goldens.py",
                   "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scikit-learn": sklearn.__version__},
                   "cases": cases}, f)
        f.write("\n")


main()

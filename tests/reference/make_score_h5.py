#!/usr/bin/env python3
"""Score files in HDF5 as people write them with h5py: variable and fixed strings, double and single precision.

    python tests/reference/make_score_h5.py

Writes tests/golden/data/scores-*.h5 from the scores of tests/golden/data/make_eval_files.sh.
"""
import csv
import os
import subprocess
import tempfile

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "golden", "data")


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["sh", os.path.join(DATA, "make_eval_files.sh"), folder], check=True)
        rows = list(csv.DictReader(open(folder + "/scores.csv")))
    ids, classes = [r["id"] for r in rows], ["Edema", "Mass"]
    scores = np.array([[float(r[c]) for c in classes] for r in rows])
    with h5py.File(os.path.join(DATA, "scores-variable.h5"), "w", track_order=False) as f:
        f.create_dataset("ids", data=ids, dtype=h5py.string_dtype())
        f.create_dataset("classes", data=classes, dtype=h5py.string_dtype())
        f.create_dataset("scores", data=scores)
    with h5py.File(os.path.join(DATA, "scores-fixed.h5"), "w") as f:
        f["ids"] = np.array(ids, dtype="S12")
        f["classes"] = np.array(classes, dtype="S20")
        f.create_dataset("scores", data=scores.astype("f4"), chunks=(16, 2), compression="gzip")


if __name__ == "__main__":
    main()

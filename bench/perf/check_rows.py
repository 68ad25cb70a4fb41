#!/usr/bin/env python3
"""`radz-bench check` of all 112,120 rows of ChestX-ray14 beside pandas counting the same things.

    python bench/perf/check_rows.py BUILD [FOLDER]

FOLDER holds the original Data_Entry_2017_v2020.csv and test_list.txt, plain or as .gz; without it lists of the same size
and form are made up. The images are 112,120 empty files in twelve folders, as the archives unpack. Ours is the whole
command with --fast (every check but those of pixels, as before each run), pandas reads the two lists, looks which files
are there, and counts images, patients and positives of three splits. Wall clock, the best of five rounds on either side.
"""

import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import pandas

CLASSES = (
    "Atelectasis Cardiomegaly Effusion Infiltration Mass Nodule Pneumonia Pneumothorax Consolidation Edema Emphysema "
    "Fibrosis Pleural_Thickening Hernia"
).split()
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n"
)
ROWS, PATIENTS, TEST, ROUNDS = 112120, 30805, 25596, 5


def copy_lists(source, root):
    for name in ("Data_Entry_2017_v2020.csv", "test_list.txt"):
        packed = source / (name + ".gz")
        data = gzip.decompress(packed.read_bytes()) if packed.exists() else (source / name).read_bytes()
        (root / name).write_bytes(data)


def make_lists(root):
    chance = random.Random(0)
    names = []
    with open(root / "Data_Entry_2017_v2020.csv", "w") as out:
        out.write(HEADER)
        follow_up = {}
        for patient in sorted([*range(1, PATIENTS + 1), *chance.choices(range(1, PATIENTS + 1), k=ROWS - PATIENTS)]):
            visit = follow_up[patient] = follow_up.get(patient, -1) + 1
            found = [c for c in CLASSES if chance.random() < 0.05] or ["No Finding"]
            names.append(f"{patient:08d}_{visit:03d}.png")
            out.write(f"{names[-1]},{'|'.join(found)},{visit},{patient},{20 + patient % 70},{'FM'[patient % 2]},PA,2500,2048,0.168,0.168\n")
    (root / "test_list.txt").write_text("\n".join(names[-TEST:]))


def pandas_counts(root):
    table = pandas.read_csv(root / "Data_Entry_2017_v2020.csv", index_col=False)
    test = set((root / "test_list.txt").read_text().split())
    there = {f for folder in root.glob("images_*/images") for f in os.listdir(folder)}
    labels = table["Finding Labels"].str.get_dummies("|")
    in_test = table["Image Index"].isin(test)
    files = table["Image Index"].isin(there)
    return {
        split: {
            "images": int(rows.sum()),
            "patients": table["Patient ID"][rows].nunique(),
            "files": int(files[rows].sum()),
            "positives": [int(labels[rows][c].sum()) for c in CLASSES],
        }
        for split, rows in (("test", in_test), ("train_val", ~in_test), ("all", in_test | ~in_test))
    }


def our_counts(text):
    return {
        s["split"]: {
            **{key: s[key] for key in ("images", "patients", "files")},
            "positives": [{c["class"]: c["positives"] for c in s["classes"]}[c] for c in CLASSES],
        }
        for s in json.loads(text)[0]["splits"]
    }


def best(work):
    seconds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds), result


def main():
    program = pathlib.Path(sys.argv[1]).resolve() / "radz-bench"
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        if len(sys.argv) > 2:
            copy_lists(pathlib.Path(sys.argv[2]), root)
        else:
            make_lists(root)
        for i, name in enumerate(line.split(",", 1)[0] for line in open(root / "Data_Entry_2017_v2020.csv").readlines()[1:]):
            place = root / f"images_{1 + i * 12 // ROWS:03d}" / "images"
            place.mkdir(parents=True, exist_ok=True)
            (place / name).touch()
        command = [program, "check", "--dataset", "chestxray14", "--fast", "--json", "--cache", root / "cache"]
        environment = {**os.environ, "RADZ_DATA_CHESTXRAY14": str(root)}
        ours, done = best(lambda: subprocess.run(command, env=environment, capture_output=True, text=True))
        theirs, counts = best(lambda: pandas_counts(root))
        if our_counts(done.stdout) != counts:
            raise SystemExit(f"the two count differently\nours {our_counts(done.stdout)}\npandas {counts}")
        print(f"{ROWS:,} rows and files; the same counts")
        print(f"ours   {ours:6.2f} s")
        print(f"pandas {theirs:6.2f} s ({pandas.__version__})")
        print(f"ratio  {theirs / ours:6.2f}")


if __name__ == "__main__":
    main()

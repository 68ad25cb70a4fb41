#!/usr/bin/env python3
"""Reading image files and preparing them for CLIP: ours against Pillow and numpy with the same steps and threads.

    python bench/perf/image_decode.py BUILD/bench/perf/perf_image_decode [--threads N] [--repeats R] FILE...

Both sides read every file, convert to RGB, resize the shorter side to 224 (bicubic), crop the centre, scale and
normalise. The best of R rounds counts on either side, the files are in the page cache, and the floats of both must be
the same bits.
"""

import argparse
import hashlib
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import PIL
from PIL import Image

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)[:, None, None]
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)[:, None, None]


def prepare(path):
    image = Image.open(path).convert("RGB")
    w, h = image.size
    short, long = min(w, h), max(w, h)
    other = int(224 * long / short)
    image = image.resize((224, other) if w <= h else (other, 224), Image.Resampling.BICUBIC)
    array = np.asarray(image).transpose(2, 0, 1)
    top, left = (array.shape[1] - 224) // 2, (array.shape[2] - 224) // 2
    array = array[:, top : top + 224, left : left + 224]
    return ((array.astype(np.float64) * (1 / 255)).astype(np.float32) - MEAN) / STD


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    done = subprocess.run(
        [options.program, "openai-clip", str(options.threads), str(options.repeats), *options.files],
        check=True,
        capture_output=True,
        text=True,
    )
    ours = json.loads(done.stdout)
    best = 0.0
    with ThreadPoolExecutor(options.threads) as pool:
        for repeat in range(options.repeats + 1):
            begun = time.perf_counter()
            results = list(pool.map(prepare, options.files))
            rate = len(options.files) / (time.perf_counter() - begun)
            best = max(best, rate) if repeat else 0.0
    digest = hashlib.sha256()
    for result in results:
        digest.update(np.ascontiguousarray(result, np.float32).tobytes())
    same = digest.hexdigest() == ours["sha256"]
    print(f"{len(options.files)} files, {options.threads} threads")
    print(f"ours                {ours['images_per_second']:8.1f} images/s")
    print(f"Pillow {PIL.__version__:12s} {best:8.1f} images/s")
    print(f"ratio               {ours['images_per_second'] / best:8.2f}")
    print(f"pixels              {'the same bits' if same else 'DIFFERENT'}")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())

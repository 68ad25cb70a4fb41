#!/usr/bin/env python3
"""What decoding JPEG files at reduced size (a card's `decode: jpeg=draft2` or `draft1`) costs in exactness and saves in time.

    python bench/perf/jpeg_draft.py BUILD/bench/perf/perf_image_decode MODEL_FOLDER FILE...

Prepares the files for the CLIP model in MODEL_FOLDER with Pillow, whose Image.draft gives the very samples that we decode
(the tests hold that), embeds them with transformers, and compares with the embeddings of the full decoding. The time is
that of our own decoding and preparing for 224 x 224, processor time of one thread.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import torch
from PIL import Image
from transformers import CLIPModel

RECIPE = (
    "rgb; resize mode=shorter size=224 filter=bicubic; crop size=224 round=down; scale factor=0.00392156862745098; "
    "normalize mean=0.48145466,0.4578275,0.40821073 std=0.26862954,0.26130258,0.27577711"
)


def prepare(path, side, margin):
    image = Image.open(path)
    if margin:
        image.draft(None, (margin * side, margin * side))
    image = image.convert("RGB")
    w, h = image.size
    short, long = min(w, h), max(w, h)
    other = int(side * long / short)
    image = image.resize((side, other) if w <= h else (other, side), Image.Resampling.BICUBIC)
    left, top = (image.size[0] - side) // 2, (image.size[1] - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)))


def seconds(program, margin, files):
    def run(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        recipe = (f"decode jpeg=draft{margin}; " if margin else "") + RECIPE
        subprocess.run([program, recipe, "1", str(rounds), *files], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(run(6) - run(1) for _ in range(2)) / 5 / len(files)


def main():
    program, folder, files = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    torch.set_num_threads(1)
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    model = CLIPModel.from_pretrained(folder).eval()
    side = model.config.vision_config.image_size
    mean, std = (torch.tensor(settings[k]).view(-1, 1, 1) for k in ("image_mean", "image_std"))

    def embed(pictures):
        x = torch.stack([(torch.from_numpy(p.copy()).permute(2, 0, 1) / 255.0 - mean) / std for p in pictures])
        with torch.no_grad():
            e = model.visual_projection(model.vision_model(pixel_values=x).pooler_output)
        return torch.nn.functional.normalize(e.double(), dim=-1)

    exact = embed([prepare(f, side, 0) for f in files])
    between = (exact @ exact.T)[~torch.eye(len(files), dtype=torch.bool)]
    base = seconds(program, 0, files)
    print(f"{len(files)} files; two different images: cosine {between.mean():.4f} on average, at most {between.max():.6f}")
    print("decode       ms/image  ratio  1 - cosine to exact: mean, most   levels of 255 at 224 x 224: mean, most")
    for margin in (0, 2, 1):
        same = (embed([prepare(f, side, margin) for f in files]) * exact).sum(-1)
        off = np.stack([np.abs(prepare(f, 224, margin).astype(int) - prepare(f, 224, 0)) for f in files])
        time = base if margin == 0 else seconds(program, margin, files)
        name = f"jpeg=draft{margin}" if margin else "jpeg=exact"
        print(f"{name:12s} {1000 * time:8.2f} {base / time:6.2f}  {1 - same.mean():19.1e}, {1 - same.min():.1e} {off.mean():24.2f}, {off.max()}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Embedding 1024 x 1024 PNG files with a CLIP model of ViT-B/32's shape: ours against transformers + Pillow on the same
weights, number of threads and libtorch, decoding included in both.

    python bench/perf/clip_vit_b32.py BUILD [--images N] [--threads N] [--batch N] [--repeats R] [--work DIR]

BUILD must be configured with this Python's libtorch: cmake -DTorch_DIR=$(python -c 'import torch; print(
torch.utils.cmake_prefix_path)')/Torch. The reference is timed in two forms: a plain loop, and a DataLoader whose worker
processes decode while the model computes (each number of workers up to the threads); the fastest counts. Weights are loaded
and the first batch has been computed before the clocks start, files are in the page cache, rounds of both alternate and the
best round of each counts. The embeddings of both sides must agree within 1e-4.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("build", type=Path)
parser.add_argument("--images", type=int, default=256)
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--work", type=Path, help="keeps model and images here for another time")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)

import numpy as np  # noqa: E402
import PIL  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from PIL import Image  # noqa: E402
from transformers import CLIPConfig, CLIPModel  # noqa: E402

try:  # transformers 5 names the Pillow form so; before that CLIPImageProcessor was it
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil as Processor  # noqa: E402
except ImportError:
    from transformers import CLIPImageProcessor as Processor  # noqa: E402

TOKENS = [chr(c) for c in range(33, 127)]


def make_model(folder):
    torch.manual_seed(0)
    CLIPModel(CLIPConfig()).save_pretrained(folder)
    Processor().save_pretrained(folder)
    tokens = TOKENS + [t + "</w>" for t in TOKENS] + ["!!</w>", "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n! !</w>\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "CLIPTokenizer", "bos_token": tokens[-2], "eos_token": tokens[-1], "pad_token": tokens[-1],
        "unk_token": tokens[-1], "model_max_length": 77}))


def make_images(folder, count):
    """Smooth shapes and a little noise: as many bytes as a radiograph of this size has (300 to 500 kB)."""
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:1024, 0:1024] / 1024
    for i in range(count):
        path = folder / f"{i:05d}.png"
        if path.exists():
            continue
        rng = np.random.default_rng(i)
        a, b, c, d = rng.uniform(0.2, 0.8, 4)
        smooth = 120 + 70 * np.exp(-((x - a) ** 2 + (y - b) ** 2) * 12) - 60 * np.exp(-((x - c) ** 2 + (y - d) ** 2) * 20)
        Image.fromarray(np.clip(smooth + rng.normal(0, 1.2, smooth.shape), 0, 255).astype(np.uint8), "L").save(path)
    return [str(folder / f"{i:05d}.png") for i in range(count)]


class Files(torch.utils.data.Dataset):
    def __init__(self, files, processor):
        self.files, self.processor = files, processor

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        with Image.open(self.files[i]) as image:
            return self.processor(images=image.convert("RGB"), return_tensors="pt")["pixel_values"][0]


def embed(model, batches):
    rows = []
    with torch.inference_mode():
        for pixels in batches:
            out = model.get_image_features(pixel_values=pixels)
            out = getattr(out, "pooler_output", out)
            rows.append(out / out.norm(dim=-1, keepdim=True))
    return torch.cat(rows)


def main():
    work = options.work or Path(tempfile.mkdtemp())
    model_dir, threads = work / "model", options.threads
    if not (model_dir / "vocab.json").exists():
        make_model(model_dir)
    files = make_images(work / "images", options.images)
    program = options.build / "bench" / "perf" / "perf_clip_vit_b32"
    environment = dict(os.environ, RADZ_TORCH_PLUGIN=str((options.build / "libradz_torch.so").resolve()))
    environment.pop("OMP_NUM_THREADS")  # as a user runs it

    torch.set_num_threads(threads)
    model, processor = CLIPModel.from_pretrained(model_dir).eval(), Processor.from_pretrained(model_dir)
    data = Files(files, processor)
    embed(model, [torch.zeros(options.batch, 3, 224, 224)])

    best = {"ours": 0.0}
    for _ in range(options.repeats):
        done = subprocess.run([program, model_dir, str(threads), str(options.batch), "1", work / "rows", *files],
                              env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        ours = json.loads(done.stdout)
        shutil.rmtree(ours["folder"], ignore_errors=True)
        best["ours"] = max(best["ours"], ours["images_per_second"])
        for workers in range(threads + 1):
            loader = torch.utils.data.DataLoader(data, batch_size=options.batch, num_workers=workers)
            begun = time.perf_counter()
            rows = embed(model, loader)
            rate = len(files) / (time.perf_counter() - begun)
            name = f"DataLoader, {workers} workers" if workers else "plain loop"
            best[name] = max(best.get(name, 0.0), rate)

    found = np.fromfile(work / "rows", np.float32).reshape(len(files), ours["dim"])
    difference = float(np.abs(found - rows.numpy()).max())
    reference = max(v for k, v in best.items() if k != "ours")
    print(f"{len(files)} PNG files of 1024 x 1024, {threads} threads, batches of {options.batch}; torch {torch.__version__} "
          f"(ours: libtorch {ours['torch']}), transformers {transformers.__version__}, Pillow {PIL.__version__}")
    for name, rate in best.items():
        print(f"{name:28s} {rate:7.2f} images/s")
    print(f"ratio to the fastest reference {best['ours'] / reference:.2f} (wanted: at least 1.3)")
    print(f"embeddings differ by at most   {difference:.1e}")
    if options.work is None:
        shutil.rmtree(work)
    if not torch.__version__.startswith(ours["torch"]):
        print("the two sides use different versions of libtorch: the ratio says nothing", file=sys.stderr)
        return 1
    return 0 if difference < 1e-4 else 1


if __name__ == "__main__":
    raise SystemExit(main())

#!/usr/bin/env python3
"""Writes tests/golden/clip/: tiny random CLIPModels of Hugging Face transformers in the layouts that one downloads, inputs,
and what transformers makes of them. Usage: make_clip_goldens.py [OUT]; needs torch, transformers, safetensors, Pillow."""
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np  # noqa: E402
import PIL  # noqa: E402
import safetensors  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer  # noqa: E402
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil  # noqa: E402

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "golden" / "clip")
SPECIAL = ["<|startoftext|>", "<|endoftext|>"]


def bytes_to_unicode():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    codes, extra = keep[:], 0
    for b in range(256):
        if b not in keep:
            keep.append(b)
            codes.append(256 + extra)
            extra += 1
    return [chr(c) for c in codes]


def write_tokenizer(folder):
    merges = ["t h", "th e</w>", "i n", "o n", "e r", "a r", "o r", "a l", "e n", "t i", "o n</w>", "ti on</w>", "l u", "lu n", "n g</w>",
              "lun g</w>", "h e", "he ar", "hear t</w>", "c h", "ch e", "s t</w>", "che st</w>"]
    letters = bytes_to_unicode()
    tokens = letters + [x + "</w>" for x in letters] + ["".join(m.split()) for m in merges] + SPECIAL
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "CLIPTokenizer", "bos_token": SPECIAL[0], "eos_token": SPECIAL[1], "pad_token": SPECIAL[1],
        "unk_token": SPECIAL[1], "model_max_length": 20, "do_lower_case": True}, indent=1))
    return len(tokens)


def randomise(model, seed):
    """Every tensor away from its trivial start value (zeros of biases, ones of norms)."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name == "logit_scale":
                continue
            noise = torch.randn(p.shape, generator=g)
            if "norm" in name and name.endswith("weight") or "layrnorm" in name and name.endswith("weight"):
                p.copy_(1 + 0.2 * noise)
            elif p.dim() < 2:
                p.copy_(0.2 * noise)
            else:
                p.copy_(noise * (0.5 if "embedding" in name else 1.0 / p.shape[-1] ** 0.5))


def build(text, vision, seed, **top):
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, **top)).eval()
    randomise(model, seed)
    return model


def ids_for(model, rows, seed, end):
    """Rows of different lengths: start, tokens, end, then padding with the end token or with 0."""
    c = model.config.text_config
    g = np.random.default_rng(seed)
    ids = np.zeros((rows, c.max_position_embeddings), dtype=np.int64)
    for r in range(rows):
        n = int(g.integers(0, c.max_position_embeddings - 1))
        ids[r, 0] = end - 1
        ids[r, 1:1 + n] = g.integers(3, end - 2, n)
        ids[r, 1 + n:] = end if r % 2 == 0 else 0
        ids[r, 1 + n] = end
    return torch.from_numpy(ids)


def expected(model, pixels, ids):
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=pixels)
        image = model.get_image_features(pixel_values=pixels)
        text = model.get_text_features(input_ids=ids)
    image = getattr(image, "pooler_output", image)
    text = getattr(text, "pooler_output", text)
    return {"pixels": pixels, "ids": ids, "image_features": image, "text_features": text,
            "image_embeds": out.image_embeds, "text_embeds": out.text_embeds, "logits_per_image": out.logits_per_image}


def gradients(model, pixels, ids):
    """Norm of the gradient of the contrastive loss for each parameter, and the loss."""
    model.zero_grad()
    out = model(input_ids=ids, pixel_values=pixels, return_loss=True)
    out.loss.backward()
    return {"loss": out.loss.item(), "norms": {n: p.grad.double().norm().item() for n, p in model.named_parameters()}}


def finish(name, model, save, seed, end, dtype=torch.float32):
    folder = OUT / name
    folder.mkdir(parents=True)
    save(folder)
    loaded = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()  # as a user would
    size = loaded.config.vision_config.image_size
    g = torch.Generator().manual_seed(seed)
    pixels = torch.randn((3, 3, size, size), generator=g)
    ids = ids_for(loaded, 3, seed, end)
    save_file({k: v.contiguous() for k, v in expected(loaded, pixels, ids).items()}, folder / "golden.safetensors")
    (folder / "gradients.json").write_text(json.dumps(gradients(loaded, pixels, ids), indent=1) + "\n")
    return loaded


def save_plain(model, dtype=torch.float32, shard="1GB"):
    def save(folder):
        model.to(dtype).save_pretrained(folder, max_shard_size=shard)
        (folder / "generation_config.json").unlink(missing_ok=True)
    return save


def save_old(model):
    """As files of 2021: sub-configurations given twice, absent keys, position_ids among the weights."""
    def save(folder):
        model.save_pretrained(folder)
        c = model.config
        text = {k: getattr(c.text_config, k) for k in ("hidden_size", "intermediate_size", "num_hidden_layers",
                                                      "num_attention_heads", "max_position_embeddings", "vocab_size",
                                                      "eos_token_id", "projection_dim")}
        vision = {k: getattr(c.vision_config, k) for k in ("hidden_size", "intermediate_size", "num_hidden_layers",
                                                          "num_attention_heads", "image_size", "patch_size",
                                                          "projection_dim")}
        wrong = {"hidden_size": 7, "hidden_act": "gelu"}
        (folder / "config.json").write_text(json.dumps({
            "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": c.projection_dim,
            "text_config": wrong, "text_config_dict": text, "vision_config": wrong, "vision_config_dict": vision,
            "torch_dtype": "float32"}, indent=1))
        weights = load_file(folder / "model.safetensors")
        for tower, n in (("text_model", c.text_config.max_position_embeddings),
                         ("vision_model", (c.vision_config.image_size // c.vision_config.patch_size) ** 2 + 1)):
            weights[f"{tower}.embeddings.position_ids"] = torch.arange(n)[None]
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return save


def text(width, heads, layers, context, vocab, eos, act, **more):
    return dict(hidden_size=width, num_attention_heads=heads, num_hidden_layers=layers, intermediate_size=2 * width,
                max_position_embeddings=context, vocab_size=vocab, eos_token_id=eos, bos_token_id=vocab - 2,
                pad_token_id=0, hidden_act=act, **more)


def vision(width, heads, layers, image, patch, act, **more):
    return dict(hidden_size=width, num_attention_heads=heads, num_hidden_layers=layers, intermediate_size=3 * width,
                image_size=image, patch_size=patch, hidden_act=act, **more)


def picture(kind, rng, size):
    if kind == "RGBA":
        return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8), "RGBA")
    y, x = np.mgrid[0:size[1], 0:size[0]]
    wave = 127 + 90 * np.sin(x / 9.0) * np.cos(y / 7.0) + rng.normal(0, 12, (size[1], size[0]))
    return Image.fromarray(np.clip(wave, 0, 255).astype(np.uint8), "L")


def main():
    torch.set_num_threads(1)
    if OUT.exists():
        shutil.rmtree(OUT)
    OUT.mkdir(parents=True)

    quick = build(text(16, 2, 2, 10, 60, 59, "quick_gelu"), vision(24, 3, 2, 16, 4, "quick_gelu"), 1, projection_dim=12)
    finish("quick", quick, save_plain(quick), 11, 59)

    # eos_token_id 2: the embedding is read at the highest id of the row
    highest = build(text(24, 3, 3, 16, 80, 2, "gelu"), vision(20, 4, 2, 24, 8, "gelu"), 2, projection_dim=20,
                    logit_scale_init_value=4.6)
    finish("highest", highest, save_plain(highest), 12, 79)

    # pictures that the patches do not fill, one head, other epsilons
    rest = build(text(20, 1, 2, 7, 50, 40, "gelu_new", layer_norm_eps=1e-6),
                 vision(16, 1, 4, 30, 7, "gelu_pytorch_tanh", layer_norm_eps=1e-3), 3, projection_dim=33)
    finish("rest", rest, save_plain(rest), 13, 40)

    # one layer each, weights stored as f16
    half = build(text(32, 4, 1, 12, 70, 69, "quick_gelu"), vision(40, 5, 1, 32, 16, "relu"), 4, projection_dim=16)
    finish("half", half, save_plain(half, torch.float16), 14, 69)

    old = build(text(16, 2, 2, 9, 64, 63, "quick_gelu"), vision(16, 2, 2, 12, 3, "quick_gelu"), 5, projection_dim=8)
    finish("old", old, save_old(old), 15, 63)

    # with a tokenizer and a preprocessor, in shards; end to end from texts and picture files
    scratch = OUT / "scratch"
    scratch.mkdir()
    vocab = write_tokenizer(scratch)
    whole = build(text(16, 2, 2, 20, vocab, vocab - 1, "quick_gelu"), vision(24, 3, 2, 28, 7, "quick_gelu"), 6,
                  projection_dim=14)
    finish("whole", whole, save_plain(whole, shard="40KB"), 16, vocab - 1)
    folder = OUT / "whole"
    write_tokenizer(folder)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor.save_pretrained(folder)
    shutil.rmtree(scratch)
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), pad_token=SPECIAL[1])
    model = CLIPModel.from_pretrained(folder).eval()
    rng = np.random.default_rng(7)
    files = []
    for i, (kind, size) in enumerate([("L", (61, 47)), ("L", (40, 90)), ("L", (28, 28)), ("L", (200, 150)), ("L", (33, 31))]):
        files.append(f"picture{i}.png")
        picture(kind, rng, size).save(folder / files[-1])
    texts = ["the heart", "Lung in the chest, the lung.", "", "no  lung opacity\tseen", "x" * 60, "caf\u00e9 \u2014 \u80ba"]
    images = [Image.open(folder / f).convert("RGB") for f in files]
    with torch.no_grad():
        pixels = processor(images=images, return_tensors="pt")["pixel_values"]
        tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=20, return_tensors="pt")["input_ids"]
        out = model(input_ids=tokens, pixel_values=pixels)
    (folder / "end_to_end.json").write_text(json.dumps({
        "files": files, "texts": texts, "ids": tokens.tolist(), "image_embeds": out.image_embeds.double().tolist(),
        "text_embeds": out.text_embeds.double().tolist(), "logit_factor": model.logit_scale.exp().item()}, indent=None) + "\n")

    for path in OUT.rglob("*.safetensors"):
        path.chmod(0o644)
    (OUT / "versions.json").write_text(json.dumps({
        "torch": torch.__version__, "transformers": transformers.__version__, "safetensors": safetensors.__version__,
        "Pillow": PIL.__version__, "numpy": np.__version__}, indent=1) + "\n")


main()

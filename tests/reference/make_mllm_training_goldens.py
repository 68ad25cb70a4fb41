"""Losses and gradients of one whole training step of LLaVA-RadZ, with PyTorch and transformers:
tests/golden/mllm_training/{crossed,plain}.safetensors.

    RADZ_KEEP=1 build/tests/test_train_mllm          # prints "kept in DIR"; fails before there are goldens
    OMP_NUM_THREADS=1 python tests/reference/make_mllm_training_goldens.py DIR

DIR gives the random special tokens that the training began with. Everything runs on its own here: each dialogue with the image
prompt before it, each text alone, nothing padded and nothing shared.
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent.parent / "golden"
OUT = HERE / "mllm_training"
BATCH, SIDE, IMAGE, WORDS, K_IMAGE, K_TEXT, TEXTS, ANCHORS, SPOKEN = 3, 24, 400, 400, 2, 3, 5, 4, 2
LENGTHS, ANSWERS, TAU = (7, 4), (3, 2), 0.07
IMAGES_OF = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]).float()
TEXTS_OF = torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]).float()


def word(a, b):
    return 3 + (a * 131 + b * 37 + a * b * 11) % (WORDS - 3)


def multi_positive(logits, positive):
    rows = positive.sum(1) > 0
    p = positive[rows] / positive[rows].sum(1, keepdim=True)
    return F.cross_entropy(logits[rows], p)


def info_nce(u, v, positive):
    logits = F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T / TAU
    return (multi_positive(logits, positive) + multi_positive(logits.T, positive.T)) / 2


def step(start, crossed, decoder_anchors, by_answer):
    model = transformers.LlavaForConditionalGeneration.from_pretrained(HERE / "mllm" / "llava", dtype=torch.float32,
                                                                      attn_implementation="eager")
    model.eval()
    names = {}
    for name, p in model.named_parameters():
        p.requires_grad_("vision_tower" not in name)
        names[name] = p
    image_tokens = start["weights/image_tokens"].clone().requires_grad_()
    text_tokens = start["weights/text_tokens"].clone().requires_grad_()
    language, head = model.model.language_model, model.lm_head
    table = language.embed_tokens.weight

    index = torch.arange(BATCH * 3 * SIDE * SIDE)
    pixels = ((index * 7919) % 1000).float() / 500 - 1
    pixels = pixels.reshape(BATCH, 3, SIDE, SIDE)
    tower = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
    seen = model.model.multi_modal_projector(tower)  # [B,9,d]
    bos = table[1][None]

    def states(x):  # [N,d] -> hidden state -2, and the last one after the norm
        out = language(inputs_embeds=x[None], output_hidden_states=True)
        return out.hidden_states[-2][0], out.last_hidden_state[0]

    ce, answers = [], []
    for i in range(SPOKEN):
        for b in range(2):
            used = LENGTHS[b] - (2 if b == 0 and i == 1 else 0)
            ids = torch.tensor([word(i + 10 * b, k) for k in range(used)])
            _, last = states(torch.cat([bos, seen[i], table[ids]]))
            logits = head(last[10 + ANSWERS[b] - 1:10 + used - 1])
            each = F.cross_entropy(logits, ids[ANSWERS[b]:], reduction="none")
            ce.append(each)
            answers.append(each.mean())
    lm = torch.stack(answers).mean() if by_answer else torch.cat(ce).mean()

    def of_image(i):
        h, _ = states(torch.cat([bos, seen[i], image_tokens]))
        return h[10:].mean(0), h[1:10].mean(0)

    def of_text(ids):
        h, _ = states(torch.cat([bos, table[torch.tensor(ids)], text_tokens]))
        return h[1 + len(ids):].mean(0), h[1:1 + len(ids)].mean(0)

    g_i, l_i = (torch.stack(x) for x in zip(*[of_image(i) for i in range(BATCH)]))
    g_t, l_t = (torch.stack(x) for x in
                zip(*[of_text([word(j + 50, k) for k in range(1, 4 + 2 * (j % 3))]) for j in range(TEXTS)]))
    positive = torch.tensor([[float(j % BATCH == i or (i == 0 and j == 1)) for j in range(TEXTS)] for i in range(BATCH)])
    if crossed:
        cross = (info_nce(g_i, l_t, positive) + info_nce(l_i, g_t, positive)) / 2
    else:
        cross = (info_nce(g_i, g_t, positive) + info_nce(l_i, l_t, positive)) / 2

    with torch.no_grad():
        rows = []
        for k in range(ANCHORS):
            ids = [word(k + 90, i) for i in range(1, 6)]
            rows.append(of_text(ids)[0] if decoder_anchors
                        else torch.cat([bos, table[torch.tensor(ids)], text_tokens]).mean(0))
        a = F.normalize(torch.stack(rows), dim=-1)
    anchor = (multi_positive(F.normalize(g_i, dim=-1) @ a.T / TAU, IMAGES_OF)
              + multi_positive(F.normalize(g_t, dim=-1) @ a.T / TAU, TEXTS_OF)) / 2

    (lm + 0.5 * cross + 0.25 * anchor).backward()
    out = {"start.image_tokens": start["weights/image_tokens"], "loss.lm": lm, "loss.cross": cross, "loss.anchor": anchor,
           "grad.image_tokens": image_tokens.grad, "grad.text_tokens": text_tokens.grad}
    files = load_file(HERE / "mllm" / "llava" / "model.safetensors")
    for name, p in names.items():
        if not p.requires_grad:
            continue
        match = [f for f in files if f.split(".")[-2:] == name.split(".")[-2:] and files[f].shape == p.shape
                 and [x for x in f.split(".") if x.isdigit()] == [x for x in name.split(".") if x.isdigit()]]
        match = [f for f in match if torch.equal(files[f], p.detach())]
        assert len(match) == 1, (name, match)
        if "layers." not in name or ".0." in name or ".2." in name or ".1.mlp" in name:
            out["grad." + match[0]] = p.grad
    return {k: v.detach().contiguous().reshape(v.shape if v.dim() else (1,)) for k, v in out.items()}


kept = pathlib.Path(sys.argv[1])
OUT.mkdir(exist_ok=True)
for name, crossed, decoder_anchors, by_answer in (("crossed", True, True, False), ("plain", False, False, True)):
    start = load_file(kept / f"{name}-work" / "checkpoint.safetensors") if (kept / f"{name}-work").exists() else \
        load_file(kept / "crossed-work" / "checkpoint.safetensors")
    save_file(step(start, crossed, decoder_anchors, by_answer), OUT / f"{name}.safetensors")
(OUT / "versions.json").write_text(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__}, indent=2) + "\n")

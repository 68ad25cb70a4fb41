"""Reference values of the training room, made with PyTorch: tests/golden/train.json.

    OMP_NUM_THREADS=1 python tests/reference/make_train_goldens.py
"""
import json
import math
import pathlib
import platform

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def flat(x):
    """Nine significant digits bring back any single-precision number exactly."""
    return [float(f"{v:.9g}") for v in x.detach().reshape(-1).tolist()]


def infonce(batch, width, log_scale, positive, seed):
    """`positive`: which texts (columns) describe which images (rows); None: each image its own."""
    g = torch.Generator().manual_seed(seed)
    count = batch if positive is None else len(positive[0])
    images = torch.randn(batch, width, generator=g).requires_grad_()
    texts = torch.randn(count, width, generator=g).requires_grad_()
    scale = torch.tensor(log_scale).requires_grad_()
    u, v = F.normalize(images, dim=-1), F.normalize(texts, dim=-1)
    logits = scale.exp() * u @ v.T
    if positive is None:
        own = torch.arange(batch)
        loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    else:
        p = torch.tensor(positive, dtype=torch.float32)
        loss = (F.cross_entropy(logits, p / p.sum(1, keepdim=True))
                + F.cross_entropy(logits.T, p.T / p.T.sum(1, keepdim=True))) / 2
    loss.backward()
    return {
        "batch": batch, "width": width, "log_scale": scale.item(),
        "positive": positive if positive is not None else torch.eye(batch, dtype=torch.int64).tolist(),
        "images": flat(images), "texts": flat(texts), "loss": loss.item(),
        "images_grad": flat(images.grad), "texts_grad": flat(texts.grad), "scale_grad": scale.grad.item(),
    }


def adamw(lr, betas, eps, decay, steps, seed):
    """A matrix, which decays, and a vector, which does not."""
    g = torch.Generator().manual_seed(seed)
    matrix = torch.randn(4, 3, generator=g).requires_grad_()
    vector = torch.randn(5, generator=g).requires_grad_()
    start = {"matrix": flat(matrix), "vector": flat(vector)}
    coefficients = [(torch.randn(4, 3, generator=g), torch.randn(5, generator=g)) for _ in range(steps)]
    groups = [{"params": [matrix], "weight_decay": decay}, {"params": [vector], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps, foreach=False)
    out = []
    for i, (a, b) in enumerate(coefficients):
        optimizer.zero_grad()
        # quadratic in the parameters, so that a wrong step also changes the later gradients
        loss = (matrix * matrix * a).sum() + (vector * vector * b).sum()
        loss.backward()
        rate = lr / (i + 1)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        out.append({"a": flat(a), "b": flat(b), "rate": rate, "matrix": flat(matrix), "vector": flat(vector)})
    return {"beta1": betas[0], "beta2": betas[1], "eps": eps, "weight_decay": decay, "start": start, "steps": out}


def schedule(peak, final, warmup, steps):
    values = []
    for i in range(steps + 2):
        if i < warmup:
            values.append(peak * (i + 1) / warmup)
        elif i >= steps:
            values.append(peak * final)
        else:
            values.append(peak * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (i - warmup) / (steps - warmup)))))
    return {"peak": peak, "final": final, "warmup": warmup, "steps": steps, "values": values}


def main():
    more_texts = [[1, 0, 0, 1, 0, 0, 1], [0, 1, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0, 1], [0, 1, 0, 0, 1, 1, 1]]
    fewer_texts = [[1, 0], [0, 1], [1, 0], [1, 1], [0, 1]]
    golden = {
        "made_with": {"torch": torch.__version__, "python": platform.python_version()},
        "infonce": [
            infonce(5, 8, math.log(1 / 0.07), None, 1),
            infonce(2, 3, 0.0, None, 2),
            infonce(1, 4, 1.0, None, 3),
            infonce(7, 16, math.log(100), None, 4),
            infonce(4, 8, math.log(1 / 0.07), more_texts, 5),
            infonce(5, 8, math.log(100), fewer_texts, 6),
        ],
        "adamw": [adamw(1e-3, (0.9, 0.98), 1e-6, 0.2, 5, 11), adamw(0.05, (0.8, 0.9), 1e-8, 0.0, 5, 12)],
        "schedule": [schedule(5e-4, 0.0, 10, 50), schedule(1.0, 0.1, 0, 7), schedule(2.0, 0.5, 4, 4)],
    }
    path = pathlib.Path(__file__).resolve().parent.parent / "golden" / "train.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(golden, indent=1) + "\n")
    print(path, path.stat().st_size)


main()

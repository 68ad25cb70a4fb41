#!/usr/bin/env python3
"""Writes tests/golden/mllm/: tiny random decoders and LLaVA models in the layouts that one downloads, prompts, and what Hugging
Face transformers (and PEFT) make of them. Usage: make_mllm_goldens.py [OUT]; needs torch, transformers, safetensors, peft.

Vocabulary of the LLaVA models: 0 <unk>, 1 <s>, 2 </s>, 3 to 258 bytes, 259 to 399 merges, 400 <image>, 401 on special tokens."""
import copy
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import safetensors.torch  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import (CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, LlavaConfig,  # noqa: E402
                          LlavaForConditionalGeneration, MistralConfig, MistralForCausalLM)

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "golden" / "mllm")
IMAGE = 400
VOCAB = 420
ANSWER = 12
BF16 = ("llama", "llama_gqa_tied", "llama_linear_bf16", "mistral_window", "llava", "llava_mistral", "original_mistral")


def randomise(model, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=g)
            if "norm" in name and name.endswith("weight"):
                p.copy_(1 + 0.2 * noise)
            elif p.dim() < 2:
                p.copy_(0.2 * noise)
            elif "embed" in name:
                p.copy_(0.7 * noise)
            else:
                p.copy_(1.2 * noise / p.shape[-1] ** 0.5)
    model.tie_weights()
    return model.eval()


def llama(**more):
    base = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
                num_key_value_heads=4, max_position_embeddings=128, bos_token_id=1, eos_token_id=2)
    return LlamaConfig(**(base | more))


def mistral(**more):
    base = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=128, sliding_window=None, bos_token_id=1, eos_token_id=2)
    return MistralConfig(**(base | more))


def ids_for(rows, length, low, high, seed):
    g = torch.Generator().manual_seed(seed)
    ids = torch.randint(low, high, (rows, length), generator=g)
    ids[:, 0] = 1
    return ids


def forward(model, ids, pixels=None):
    """Hidden states 0 to L of each row, the logits of its last position, the greedy continuation."""
    more = {} if pixels is None else {"pixel_values": pixels}
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, **more)
        answer = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=ANSWER, do_sample=False,
                                pad_token_id=0, **more)
    states = torch.stack(out.hidden_states).float()
    return {"hidden": states, "logits": out.logits.float(), "answer": answer[:, -(answer.shape[1] - ids.shape[1]):]}


def margins(model, ids, pixels):
    """By how much the chosen token of each step is ahead of the next best."""
    more = {} if pixels is None else {"pixel_values": pixels}
    with torch.no_grad():
        steps = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=ANSWER, do_sample=False, pad_token_id=0, return_dict_in_generate=True, output_logits=True, **more).logits
    best = torch.stack(steps, 1).topk(2, -1).values
    return best[..., 0] - best[..., 1]


def write(folder, tensors, name="golden"):
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / f"{name}.safetensors")


def write_bf16(folder, model, inputs):
    """The same model in bfloat16: `inputs` is a list of (suffix, ids, pixels or None). How far that is from float32 depends on
    where one rounds; kept are the states, the logits, the text, and the distance of transformers' own from its float32."""
    exact = {suffix: forward(model, ids, pixels) for suffix, ids, pixels in inputs}
    tensors = {f"margins{suffix}": margins(model, ids, pixels) for suffix, ids, pixels in inputs}
    half = model.to(torch.bfloat16)
    for suffix, ids, pixels in inputs:
        pixels = None if pixels is None else pixels.to(torch.bfloat16)
        got = forward(half, ids, pixels)
        off = [(got[k] - exact[suffix][k]).square().mean().sqrt() for k in ("hidden", "logits")]
        tensors |= {f"hidden{suffix}": got["hidden"].to(torch.bfloat16), f"logits{suffix}": got["logits"].to(torch.bfloat16), f"answer{suffix}": got["answer"],
                    f"own{suffix}": torch.stack(off)}
        same = got["answer"].shape == exact[suffix]["answer"].shape and bool((got["answer"] == exact[suffix]["answer"]).all())
        print(f"{folder.name}{suffix}: bf16 of transformers is {off[0]:.3f} (states) and {off[1]:.3f} (logits) from its f32; text {'the same' if same else 'another'}")
    write(folder, tensors, "golden_bf16")
    model.to(torch.float32)


def text_model(name, model, seed, dtype=torch.float32, **save):
    folder = OUT / name
    randomise(model, seed).to(dtype).save_pretrained(folder, **save)
    (folder / "generation_config.json").unlink(missing_ok=True)
    loaded = type(model).from_pretrained(folder, dtype=torch.float32).eval()
    ids = ids_for(2, 24, 3, 96, seed)
    write(folder, {"ids": ids} | forward(loaded, ids))
    if name in BF16:
        write_bf16(folder, loaded, [("", ids, None)])


def llava(text, seed, **more):
    vision = CLIPVisionConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=24,
                              patch_size=8)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=IMAGE, image_seq_length=9, **more)
    return randomise(LlavaForConditionalGeneration(config), seed)


def prompts(seed, images):
    """ids as one tokenises them, with one placeholder per picture, and as transformers wants them, with nine."""
    g = torch.Generator().manual_seed(seed)
    ids = ids_for(2, 8 + images, 3, 400, seed)
    for k in range(images):
        ids[:, 3 + 2 * k] = IMAGE
    wide = torch.stack([torch.cat([t.repeat(9) if t == IMAGE else t[None] for t in row]) for row in ids])
    return ids, wide, torch.randn((2 * images, 3, 24, 24), generator=g)


def llava_golden(loaded, folder, seed):
    tensors = {}
    for images in (1, 2):
        ids, wide, pixels = prompts(seed + images, images)
        got = forward(loaded, wide, pixels)
        tensors |= {f"{k}{images}": v for k, v in ({"ids": ids, "pixels": pixels} | got).items()}
    with torch.no_grad():
        seen = loaded.get_image_features(pixel_values=tensors["pixels1"])
        seen = getattr(seen, "pooler_output", seen)
    tensors["seen"] = torch.stack(list(seen)) if isinstance(seen, (list, tuple)) else seen.reshape(2, 9, -1)
    write(folder, tensors)
    if folder.name in BF16:
        wide = [(str(i), prompts(seed + i, i)[1], tensors[f"pixels{i}"]) for i in (1, 2)]
        write_bf16(folder, loaded, wide)


def llava_model(name, model, seed, dtype=torch.float32, **save):
    folder = OUT / name
    model.to(dtype).save_pretrained(folder, **save)
    (folder / "generation_config.json").unlink(missing_ok=True)
    loaded = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    llava_golden(loaded, folder, seed)
    return loaded


def original(name, model, seed, kind, binary):
    """The same weights under the names and in the files of the original LLaVA: model.layers..., model.mm_projector.0/2, and the
    vision tower in a folder of its own."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    text = model.config.text_config
    weights, tower = {}, {}
    for key, value in model.state_dict().items():
        if key.startswith("model.language_model."):
            weights["model." + key[len("model.language_model."):]] = value
        elif key.startswith("model.multi_modal_projector.linear_"):
            number, kind_of = key[len("model.multi_modal_projector.linear_"):].split(".")
            weights[f"model.mm_projector.{2 * (int(number) - 1)}.{kind_of}"] = value
        elif key.startswith("model.vision_tower."):
            tower["vision_model." + key[len("model.vision_tower."):]] = value
        else:
            weights[key] = value
    weights = {k: v.detach().to(torch.float16).clone() for k, v in weights.items()}
    tower = {k: v.detach().to(torch.float16).clone() for k, v in tower.items()}
    keep = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "rms_norm_eps",
            "vocab_size", "max_position_embeddings", "hidden_act", "bos_token_id", "eos_token_id")
    config = {k: getattr(text, k) for k in keep} | {
        "architectures": ["LlavaMistralForCausalLM" if kind == "mistral" else "LlavaLlamaForCausalLM"],
        "model_type": "llava_mistral" if kind == "mistral" else "llava_llama", "torch_dtype": "float16",
        "rope_theta": 10000.0, "mm_vision_tower": "openai/clip-vit-tiny", "mm_hidden_size": 16, "mm_projector_type": "mlp2x_gelu",
        "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch", "image_aspect_ratio": "pad",
        "mm_use_im_start_end": False, "mm_use_im_patch_token": False, "tie_word_embeddings": False}
    if kind == "mistral":
        config["sliding_window"] = None
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    vision = folder / "clip-vit-tiny"
    vision.mkdir(exist_ok=True)
    c = model.config.vision_config
    (vision / "config.json").write_text(json.dumps({"model_type": "clip", "projection_dim": 8, "vision_config": {
        "hidden_size": c.hidden_size, "intermediate_size": c.intermediate_size, "num_hidden_layers": c.num_hidden_layers,
        "num_attention_heads": c.num_attention_heads, "image_size": c.image_size, "patch_size": c.patch_size}}, indent=2) + "\n")
    tower["logit_scale"] = torch.tensor(2.5)  # of the whole CLIP model that the tower comes from
    if binary:
        keys = sorted(weights)
        parts = [keys[:len(keys) // 2], keys[len(keys) // 2:]]
        names = [f"pytorch_model-{i + 1:05d}-of-00002.bin" for i in range(2)]
        for part, file in zip(parts, names):
            torch.save({k: weights[k] for k in part}, folder / file)
        index = {"metadata": {"total_size": sum(v.numel() * 2 for v in weights.values())},
                 "weight_map": {k: n for part, n in zip(parts, names) for k in part}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")
        torch.save(tower, vision / "pytorch_model.bin")
    else:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        save_file(tower, vision / "model.safetensors", metadata={"format": "pt"})
    same = LlavaForConditionalGeneration(model.config).eval()
    same.load_state_dict({k: v.detach().to(torch.float16).float() for k, v in model.state_dict().items()})
    llava_golden(same, folder, seed)


def adapter(model, seed):
    """A LoRA adapter of PEFT on the model of folder `llava`; what the merged model gives."""
    import peft
    folder = OUT / "adapter"
    config = peft.LoraConfig(r=3, lora_alpha=3, target_modules=["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"],
                             exclude_modules=".*vision_tower.*", init_lora_weights=False)
    torch.manual_seed(seed)
    wrapped = peft.get_peft_model(model, config)
    wrapped.save_pretrained(folder)
    config = folder / "adapter_config.json"  # without the path of the machine that made it
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": "../llava"}, indent=2))
    (folder / "README.md").unlink(missing_ok=True)
    merged = wrapped.merge_and_unload()
    llava_golden(merged, folder, seed)


def lora_release(model, seed):
    """As the original LLaVA's LoRA models are published: a language model without pictures (`lora_base`), and a folder with the
    configuration, a PEFT adapter and, in non_lora_trainables.bin, what was trained beside it: the projector and a norm."""
    import peft
    base, folder = OUT / "lora_base", OUT / "lora_release"
    text = copy.deepcopy(model.config.text_config)
    plain = LlamaForCausalLM(text).eval()
    plain.load_state_dict({k.replace("model.language_model.", "model."): v for k, v in model.state_dict().items() if "vision" not in k and "projector" not in k})
    plain.to(torch.float16).save_pretrained(base)
    (base / "generation_config.json").unlink(missing_ok=True)
    plain = LlamaForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    config = peft.LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], init_lora_weights=False, task_type="CAUSAL_LM", base_model_name_or_path="../lora_base")
    torch.manual_seed(seed)
    wrapped = peft.get_peft_model(plain, config)
    wrapped.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    save_as_bin = safetensors.torch.load_file(folder / "adapter_model.safetensors")
    torch.save(save_as_bin, folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"base_model_name_or_path": "../lora_base"}, indent=2))
    shutil.copy(OUT / "original_bin" / "config.json", folder / "config.json")
    g = torch.Generator().manual_seed(seed)
    beside = {f"model.model.mm_projector.{i}.{k}": v for i, n in ((0, 1), (2, 2)) for k, v in (("weight", model.state_dict()[f"model.multi_modal_projector.linear_{n}.weight"]), ("bias", model.state_dict()[f"model.multi_modal_projector.linear_{n}.bias"]))}
    beside["model.model.norm.weight"] = 1 + 0.2 * torch.randn(text.hidden_size, generator=g)
    torch.save({"base_model." + k: v.detach().to(torch.float16).clone() for k, v in beside.items()}, folder / "non_lora_trainables.bin")
    merged = wrapped.merge_and_unload().state_dict()
    state = {k: v.detach().to(torch.float16).float() for k, v in model.state_dict().items()}
    for k, v in merged.items():
        state[k if k == "lm_head.weight" else k.replace("model.", "model.language_model.", 1)] = v
    state["model.language_model.norm.weight"] = beside["model.model.norm.weight"].to(torch.float16).float()
    same = LlavaForConditionalGeneration(model.config).eval()
    same.load_state_dict(state)
    llava_golden(same, folder, seed)


def radz(model, seed):
    """`llava` with special tokens, a head, and a low-rank update: features as METHOD and docs/radz-format.md say."""
    folder = OUT / "radz"
    g = torch.Generator().manual_seed(seed)
    d, inner, out, rank, alpha, layer = 32, 24, 16, 2, 6.0, -2
    k_image, k_text = 3, 2
    tokens = {"image_tokens": [{"text": f"<ImgCls_{i}>", "id": 401 + i} for i in range(k_image)],
              "text_tokens": [{"text": f"<TxtCls_{i}>", "id": VOCAB + i} for i in range(k_text)]}
    rand = lambda *shape: torch.randn(shape, generator=g)  # noqa: E731
    special = {"image_tokens": 0.7 * rand(k_image, d), "text_tokens": 0.7 * rand(k_text, d)}
    head = {"head.norm.weight": 1 + 0.2 * rand(d), "head.norm.bias": 0.2 * rand(d), "head.fc1.weight": rand(inner, d) / d ** 0.5,
            "head.fc1.bias": 0.2 * rand(inner), "head.fc2.weight": rand(out, inner) / inner ** 0.5, "head.fc2.bias": 0.2 * rand(out)}
    lora, state = {}, model.state_dict()
    for i in range(model.config.text_config.num_hidden_layers):
        for name in ("self_attn.k_proj", "mlp.up_proj"):
            weight = state[f"model.language_model.layers.{i}.{name}.weight"]
            a, b = rand(rank, weight.shape[1]) / 6, rand(weight.shape[0], rank) / 6
            lora[f"lora.layers.{i}.{name}.lora_A.weight"], lora[f"lora.layers.{i}.{name}.lora_B.weight"] = a, b
            weight += alpha / rank * (b @ a)
    shutil.copytree(OUT / "llava", folder, ignore=shutil.ignore_patterns("golden*", "tokenizer*"), dirs_exist_ok=True)
    save_file(special | head | lora, folder / "radz.safetensors", metadata={"format": "pt"})
    (folder / "radz.json").write_text(json.dumps({
        "format": "radz", "version": 1, **tokens, "layer": layer, "pooling": "special", "head": {"hidden": inner, "dim": out},
        "tau": 0.05, "image_prompt": "<image>\nDescribe the findings.",
        "text_prompt": "{text} What disease is described in this text?", "lora": {"rank": rank, "alpha": alpha}}, indent=2) + "\n")
    table = torch.zeros(VOCAB + k_text, d)
    table[:VOCAB] = state["model.language_model.embed_tokens.weight"]
    for kind in ("image_tokens", "text_tokens"):
        for row, token in zip(special[kind], tokens[kind]):
            table[token["id"]] = row
    norm = torch.nn.LayerNorm(d)
    fc1, fc2 = torch.nn.Linear(d, inner), torch.nn.Linear(inner, out)
    norm.load_state_dict({"weight": head["head.norm.weight"], "bias": head["head.norm.bias"]})
    fc1.load_state_dict({"weight": head["head.fc1.weight"], "bias": head["head.fc1.bias"]})
    fc2.load_state_dict({"weight": head["head.fc2.weight"], "bias": head["head.fc2.bias"]})
    project = lambda x: fc2(torch.nn.functional.gelu(fc1(norm(x))))  # noqa: E731
    unit = lambda x: torch.nn.functional.normalize(x, dim=-1)  # noqa: E731
    tensors = {}
    with torch.no_grad():
        ids, _, pixels = prompts(seed, 1)
        ids = torch.cat([ids, torch.tensor([[401, 402, 403]] * 2)], 1)
        seen = model.get_image_features(pixel_values=pixels)
        seen = torch.stack(list(getattr(seen, "pooler_output", seen))).reshape(2, 9, d)
        for r in range(2):
            x = torch.cat([seen[r] if t == IMAGE else table[t][None] for t in ids[r]])[None]
            states = model.model.language_model(inputs_embeds=x, output_hidden_states=True).hidden_states
            h = states[layer][0]
            visual = slice(3, 12)
            tensors[f"image_global_{r}"], tensors[f"image_local_{r}"] = unit(h[-k_image:].mean(0)), unit(h[visual].mean(0))
            tensors[f"image_global_head_{r}"] = unit(project(h[-k_image:].mean(0)))
        lengths = [5, 11, 8]
        for r, n in enumerate(lengths):
            text = torch.cat([ids_for(1, n, 3, 400, seed + 10 + r)[0], torch.arange(VOCAB, VOCAB + k_text)])
            states = model.model.language_model(inputs_embeds=table[text][None], output_hidden_states=True).hidden_states
            h = states[layer][0]
            tensors[f"text_ids_{r}"] = text
            tensors[f"text_global_head_{r}"], tensors[f"text_local_head_{r}"] = unit(project(h[-k_text:].mean(0))), unit(project(h[:-k_text].mean(0)))
            tensors[f"text_last_{r}"], tensors[f"text_mean_{r}"] = unit(states[-1][0, -1]), unit(states[1][0].mean(0))
            tensors[f"embed_mean_{r}"] = table[text].mean(0)
    write(folder, {"ids": ids, "pixels": pixels} | tensors)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for path in sorted(OUT.rglob("*"), reverse=True):  # all but tokenizers and preprocessing, which another script makes
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif not path.name.startswith(("tokenizer", "preprocessor")):
            path.unlink()
    text_model("llama", LlamaForCausalLM(llama()), 1)
    text_model("llama_gqa_tied", LlamaForCausalLM(llama(
        num_key_value_heads=2, tie_word_embeddings=True, max_position_embeddings=256,
        rope_parameters={"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 32})), 2)
    text_model("llama_yarn_bias", LlamaForCausalLM(llama(
        head_dim=12, attention_bias=True, mlp_bias=True, max_position_embeddings=256,
        rope_parameters={"rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 64})), 3)
    text_model("mistral_window", MistralForCausalLM(mistral(sliding_window=7)), 4)
    text_model("llama_linear_bf16", LlamaForCausalLM(llama(
        num_key_value_heads=1, rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0})), 5, torch.bfloat16,
               max_shard_size="20KB")
    llava_model("llava", llava(llama(vocab_size=VOCAB), 6), 6)
    llava_model("llava_mistral", llava(mistral(vocab_size=VOCAB), 7), 7, torch.bfloat16, max_shard_size="40KB")
    original("original_mistral", llava(mistral(vocab_size=VOCAB), 9), 9, "mistral", False)
    original("original_bin", llava(llama(vocab_size=VOCAB, num_hidden_layers=2), 10), 10, "llama", True)
    adapter(LlavaForConditionalGeneration.from_pretrained(OUT / "llava", dtype=torch.float32).eval(), 11)
    lora_release(llava(llama(vocab_size=VOCAB, num_hidden_layers=2), 10), 14)  # the weights, and so the tower, of original_bin
    radz(LlavaForConditionalGeneration.from_pretrained(OUT / "llava", dtype=torch.float32).eval(), 12)
    import peft
    (OUT / "versions.json").write_text(json.dumps({
        "torch": torch.__version__, "transformers": transformers.__version__, "safetensors": safetensors.__version__,
        "peft": peft.__version__}, indent=2) + "\n")


if __name__ == "__main__":
    main()

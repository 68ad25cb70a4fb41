"""Makes tests/golden/text/sp_*: SentencePiece models trained on a made-up text, and the ids that transformers' slow
LlamaTokenizer (the one that runs SentencePiece) gives for hard texts. Needs transformers 4 (5 has no slow tokenizers).

Usage: make_sentencepiece_goldens.py OUTPUT_FOLDER [TINY_MODELS]     (tests/golden/text tests/golden/mllm)
sp_llava:  as LLaVA-1.5 is published: byte fallback, legacy off, a tokenizer_config.json that lists the added tokens
sp_legacy: as Vicuna and LLaVA-Med v1.5: legacy on (not said), special_tokens_map.json and added_tokens.json
sp_odd:    no byte fallback, pieces that the user defined, a control piece; eos behind; no mark before the text
The texts are those of make_llama_tokenizer_goldens.py, whose lists are read from its source (it needs transformers 5).
"""
import ast
import json
import os
import random
import shutil
import sys
import tempfile

import sentencepiece
import transformers
from transformers.utils import sentencepiece_model_pb2_new as pb
from transformers import LlamaTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = "\u2581"


def take(path, names):
    """Runs only the named assignments and functions of a script, and what random_texts wants."""
    with open(f"{HERE}/{path}", encoding="utf-8") as f:
        tree = ast.parse(f.read())
    keep = [n for n in tree.body if (isinstance(n, ast.Assign) and getattr(n.targets[0], "id", None) in names) or (isinstance(n, ast.FunctionDef) and n.name in names)]
    space = {"MARK": MARK, "random": random, "json": json}
    exec(compile(ast.Module(keep, []), path, "exec"), space)
    return [space[n] for n in names]


HARD, ILL_FORMED, WORDS, random_texts, corpus, dump, runs = take("make_text_goldens.py", ["HARD", "ILL_FORMED", "WORDS", "random_texts", "corpus", "dump", "runs"])
(MORE,) = take("make_llama_tokenizer_goldens.py", ["MORE"])
OWN = ["<user>", "<user>x", "x<user>y", "<user> a", "<us<user>er>", "ab<user><user>", "<userlong>", "<control>", "a<control>b", "<pad>", "a <pad> b", "<pad>x", "<extra> a", "a<extra>", "a  <extra>  b", "<s><s>a",
       " <s> a", "a</s>", "<unk><unk>", MARK + "<s>", MARK + " a", " " + MARK, "a" + MARK + MARK + "b", "<s>" + MARK + "a", "  <unk>  ", "<extra><pad>", "USER: <image>\nIs there a mass? ASSISTANT:", "<image>\n", "a\u2047b", "\u2047"]


def train(path, often=(), **options):
    with tempfile.TemporaryDirectory() as t:
        with open(t + "/in.txt", "w", encoding="utf-8") as f:
            prompts = ["Does this chest X-ray show %s? Answer yes or no." % n for n in ("pneumonia", "edema", "a mass", "pleural effusion", "pneumothorax")]
            f.write("\n".join(x.replace("\n", " ") for x in (corpus() + (prompts + ["Yes, there is.", "No, there is no sign of it.", "yes", "no", "Yes", "No"]) * 12 + list(often) * 500) if x.isprintable() and x) + "\n")
        sentencepiece.SentencePieceTrainer.train(input=t + "/in.txt", model_prefix=t + "/m", model_type="bpe", normalization_rule_name="identity", remove_extra_whitespaces=False, num_threads=1,
                                                 minloglevel=2, allow_whitespace_only_pieces=True, split_digits=True, **options)
        shutil.copy(t + "/m.model", path)
    # what depends on the machine goes, and equal scores come: the first place in a text decides between them
    model = pb.ModelProto()
    with open(path, "rb") as f:
        model.ParseFromString(f.read())
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    normal = [p for p in model.pieces if p.type == pb.ModelProto.SentencePiece.NORMAL and len(p.piece) > 1]
    for p in normal[20:40]:
        p.score = normal[20].score
    with open(path, "wb") as f:
        f.write(model.SerializeToString(deterministic=True))


def case(tok, text, raw_hex=None):
    ids = tok(text).input_ids
    row = {"bytes": raw_hex} if raw_hex is not None else {"text": text}
    row["all"] = runs(ids)
    for length in (77, 9):
        if len(ids) > length:
            cut = tok(text, truncation=True, max_length=length).input_ids
            row[str(length)] = runs(cut) if length == 77 else cut
    # where added tokens part a text the slow tokenizer strips each part by itself: no model's answer looks like that
    if not any(t in text for t in tok.added_tokens_encoder) and not text.startswith((" ", MARK)):
        row["decoded"] = tok.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return row


def goldens(out, name, note):
    tok = LlamaTokenizer.from_pretrained(f"{out}/{name}")
    texts = [t for t in HARD if len(t) < 700] + MORE + OWN + random_texts(180)
    cases = [case(tok, t) for t in texts] + [case(tok, bytes.fromhex(h).decode("utf-8", "replace"), h) for h in ILL_FORMED]
    head = {"made_by": {"transformers": transformers.__version__, "sentencepiece": sentencepiece.__version__}, "note": note, "folder": name, "bos": tok.bos_token_id, "eos": tok.eos_token_id, "pad": tok.pad_token_id,
            "padded": tok("a", padding="max_length", max_length=9).input_ids, "vocab_size": len(tok), "context": tok.model_max_length if tok.model_max_length < 1 << 20 else 0}
    with open(f"{out}/{name}.json", "w", encoding="ascii") as f:
        f.write(json.dumps(head)[:-1] + ',\n"cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
    print(name, len(cases), "texts")


def added(content, special=True, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": special} | flags


def folder(out, name, config, **files):
    path = f"{out}/{name}"
    dump(path + "/tokenizer_config.json", config)
    for file, value in files.items():
        dump(f"{path}/{file}.json", value)


def main():
    out = sys.argv[1]
    for name in ("sp_llava", "sp_legacy", "sp_odd"):
        shutil.rmtree(f"{out}/{name}", ignore_errors=True)
        os.makedirs(f"{out}/{name}")
    train(out + "/sp_llava/tokenizer.model", vocab_size=640, byte_fallback=True, character_coverage=0.98)
    shutil.copy(out + "/sp_llava/tokenizer.model", out + "/sp_legacy")
    train(out + "/sp_odd/tokenizer.model", vocab_size=420, byte_fallback=False, character_coverage=0.98, add_dummy_prefix=False, user_defined_symbols=["<user>", "<userlong>", "b"], control_symbols=["<control>"])
    n = 640
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    folder(out, "sp_llava", named | {"add_bos_token": True, "add_eos_token": False, "legacy": False, "model_max_length": 2048, "pad_token": "<unk>", "sp_model_kwargs": {}, "tokenizer_class": "LlamaTokenizer", "padding_side": "right",
                                     "clean_up_tokenization_spaces": False, "additional_special_tokens": ["<extra>"],
                                     "added_tokens_decoder": {"0": added("<unk>"), "1": added("<s>"), "2": added("</s>"), str(n): added("<image>"), str(n + 1): added("<extra>", lstrip=True, rstrip=True)}})
    typed = lambda c: {"__type": "AddedToken", "content": c, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    folder(out, "sp_legacy", {"add_bos_token": True, "add_eos_token": False, "bos_token": typed("<s>"), "eos_token": typed("</s>"), "unk_token": typed("<unk>"), "pad_token": None, "model_max_length": 1000000000000000019884624838656,
                              "tokenizer_class": "LlamaTokenizer", "padding_side": "right"},
           special_tokens_map={"bos_token": added("<s>", normalized=True), "eos_token": added("</s>", normalized=True), "unk_token": added("<unk>", normalized=True), "pad_token": added("<pad>", lstrip=True), "additional_special_tokens": ["<extra>"]},
           added_tokens={"<pad>": n, "<image>": n + 1})
    folder(out, "sp_odd", named | {"add_bos_token": False, "add_eos_token": True, "legacy": False, "add_prefix_space": False, "pad_token": "</s>", "model_max_length": 77, "tokenizer_class": "LlamaTokenizer"})
    goldens(out, "sp_llava", "tokenizer.model as beside LLaVA-1.5")
    goldens(out, "sp_legacy", "tokenizer.model as beside Vicuna")
    goldens(out, "sp_odd", "tokenizer.model without byte fallback, with pieces that the user defined")
    if len(sys.argv) > 2:
        beside_models(sys.argv[2])


def beside_models(models):
    """What lies beside the tiny models in the original layout: Vicuna's and LLaVA-Med's tokenizer files, and the tower's
    preprocessing (the picture is padded to a square because the model's configuration says so)."""
    for name, legacy in (("original_mistral", True), ("lora_base", False)):
        train(f"{models}/{name}/tokenizer.model", ("yes", "no", "Yes", "No"), vocab_size=400, byte_fallback=True, character_coverage=0.98)
        folder(models, name, {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>", "legacy": legacy, "model_max_length": 128, "tokenizer_class": "LlamaTokenizer"})
    for tower in ("original_mistral", "original_bin"):
        with open(f"{models}/{tower}/clip-vit-tiny/preprocessor_config.json", "w", encoding="utf-8") as f:
            json.dump({"crop_size": 24, "do_center_crop": True, "do_normalize": True, "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
                       "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 24}, f, indent=2)
            f.write("\n")


if __name__ == "__main__":
    main()

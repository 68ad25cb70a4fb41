"""Makes tests/golden/text/trained: the tokenizer that Hugging Face's own trainer makes of the texts of train.json in GPT-2's
way, in the form in which radz_bpe_train writes it, and the ids and decoded texts that AutoTokenizer gives with these files.

Usage: make_bpe_training_goldens.py tests/golden/text
With a folder that radz_bpe_train wrote as second argument, opens that one instead and compares ids and decoded texts.
"""
import json
import os
import shutil
import sys
import tempfile

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import make_llama_tokenizer_goldens as llama
import make_text_goldens as text

FIRST = ["<s>", "</s>", "<pad>", "<image>"]
LAST = ["<ImgCls_%d>" % i for i in range(4)] + ["<TxtCls_%d>" % i for i in range(8)]
MERGES = 300
TEXTS = [t for t in text.HARD if len(t) < 300] + llama.MORE + text.random_texts(90)


def trained(texts):
    tok = Tokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix=""))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=len(FIRST) + 256 + MERGES, min_frequency=2, special_tokens=FIRST, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                                       show_progress=False))
    tok.add_special_tokens(LAST)
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", tok.token_to_id("<s>"))])
    spec = json.loads(tok.to_str())
    # our own form: special tokens in the vocabulary as well, merges as one text, switches that older versions do not know left out
    spec["model"]["vocab"] = dict(sorted(spec["model"]["vocab"].items(), key=lambda kv: kv[1])) | {t["content"]: t["id"] for t in spec["added_tokens"]}
    spec["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in spec["model"]["merges"]]
    for key in ("continuing_subword_prefix", "end_of_word_suffix"):
        spec["model"][key] = spec["model"][key] or ""
    for key in ("byte_fallback", "ignore_merges"):
        spec["model"].pop(key, None)
    assert len(spec["model"]["merges"]) == MERGES and len(spec["model"]["vocab"]) == len(FIRST) + 256 + MERGES + len(LAST)
    return tok, spec


def dump(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2, ensure_ascii=False)
        f.write("\n")


def opened(folder):
    """As every way of transformers opens the folder, alone and beside a model's configuration; all must agree."""
    with tempfile.TemporaryDirectory() as beside:
        shutil.copytree(folder, beside, dirs_exist_ok=True)
        with open(beside + "/config.json", "w") as f:
            json.dump({"model_type": "llava", "text_config": {"model_type": "llama"}, "vision_config": {"model_type": "clip_vision_model"}}, f)
        ways = [AutoTokenizer.from_pretrained(folder), PreTrainedTokenizerFast.from_pretrained(folder), AutoTokenizer.from_pretrained(beside)]
    raw = Tokenizer.from_file(folder + "/tokenizer.json")
    for t in TEXTS:
        ids = [way(t).input_ids for way in ways] + [raw.encode(t).ids]
        assert all(i == ids[0] for i in ids), (t, ids)
    for way in ways:
        assert (way.bos_token, way.eos_token, way.pad_token) == ("<s>", "</s>", "<pad>"), way
    return ways[0]


def main():
    out = sys.argv[1]
    if len(sys.argv) > 2:
        mine, theirs = opened(sys.argv[2]), opened(out + "/trained")
        for t in TEXTS:
            ids = mine(t).input_ids
            assert ids == theirs(t).input_ids and mine.decode(ids) == theirs.decode(ids), t
        print("equal:", len(TEXTS), "texts")
        return
    with open(out + "/train.json", encoding="utf-8") as f:
        tok, spec = trained(json.load(f)["texts"])
    folder = out + "/trained"
    os.makedirs(folder, exist_ok=True)
    dump(folder + "/tokenizer.json", spec)
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    dump(folder + "/special_tokens_map.json", names)
    dump(folder + "/tokenizer_config.json", names | {"model_max_length": 512, "clean_up_tokenization_spaces": False, "tokenizer_class": "PreTrainedTokenizerFast"})
    auto = opened(folder)
    for t in TEXTS:
        assert auto(t).input_ids == tok.encode(t).ids, t
    text.goldens(out + "/trained.json", auto, TEXTS, "trained", "trained by Hugging Face tokenizers in GPT-2's way")


if __name__ == "__main__":
    main()

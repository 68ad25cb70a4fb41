"""Makes tests/golden/text/{llama,mistral,llama3,qwen2}: small tokenizers of the kinds that Llama and Mistral models come with, and
the ids that Hugging Face gives for hard texts.

Usage: make_llama_tokenizer_goldens.py OUTPUT_FOLDER [TINY_MODELS]   (tests/golden/text tests/golden/mllm)
llama:   SentencePiece's way as in Llama 2, Vicuna and LLaVA: blanks become marks, one mark before each text, byte fallback
mistral: the same with a Metaspace that marks the text's beginning only, as in Mistral 7B v0.3
llama3:  byte-level with the expression of Llama 3, whole words first
qwen2:   byte-level with the expression of Qwen2, NFC
The first two have the vocabulary of the tiny models in tests/golden/mllm.
"""
import json
import os
import shutil
import sys

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

import make_text_goldens as text

MARK = "\u2581"
N_SPECIAL = 20

MORE = ["A chat between a curious human and an artificial intelligence assistant. USER: <image>\nDoes this chest X-ray show pneumonia? ASSISTANT:", "<image>", "<image> ", " <image>", "<image>\n",
        "a<image>b", "a <image> b", "<image><image>", "[INST] <image>\nIs there a mass? [/INST]", "<s>", "</s>", "<s> a", "<s>a</s>", "a</s> b", "<s></s>", "<unk>", "<unk> x", "x<unk>y", "<0x0A>", "<0x41>B", "\n", "\n\n",
        " \n ", "  ", "   a", "a   ", " a", "a ", "a\n b", "\ta", MARK, MARK + "a", "a" + MARK, " " + MARK + " ", MARK * 3, "<ImgCls_0><ImgCls_1>", "What disease is described in this text?<TxtCls_0><TxtCls_1>", "<ImgCls_0> a",
        "Yes", "yes", "No", "no", " Yes", " No", "YES.", "Yes, there is.", "No, there is not.", "I'M DON'T WE'LL '\u017f '\u017fa", "12345 123 1234567", "a1b22c333d4444", "x\r\n\r\ny", "x \r\n y", "x\n\n  y", "!!\n\n?", "! \n?", "  !!\r\n", "a.\nb", "3.14",
        "\u4f60\u597d\uff0c\u4e16\u754c\uff01\n", "\U0001fa7b", "\U0001fa7b\u4f60 x", "x\U0001fa7b\U0001fa7bx", "\u00e9\u00e8", "e\u0301", "\u0000", "a\u0000b"]


def merges_of(tokenizer):
    return [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in json.loads(tokenizer.to_str())["model"]["merges"]]


def corpus():
    prompts = ["Does this chest X-ray show %s? Answer yes or no." % f for f in ("pneumonia", "edema", "a mass", "a nodule", "pleural effusion", "pneumothorax", "cardiomegaly", "hernia", "fibrosis")]
    answers = ["Yes, there is.", "No, there is no sign of it.", "yes", "no", "Yes", "No", "YES", "NO", "This is a chest X-ray showing", "USER: ASSISTANT: [INST] [/INST]", "What disease is described in this text?"]
    return [t for t in text.corpus() if t.isascii()] + (prompts + answers) * 12


def sentencepiece_vocabulary():
    """<unk> <s> </s>, 256 bytes, then characters and merges up to 400 tokens in all."""
    letters = sorted({c for t in corpus() for c in t if c.isalnum()} | set("abcdefghijklmnopqrstuvwxyzYNX?.,:-"))
    more = [(MARK, "Y"), (MARK + "Y", "es"), (MARK, "y"), (MARK + "y", "es")]  # yes and no are tokens
    trainer = trainers.BpeTrainer(vocab_size=400 - 259 - len(more), initial_alphabet=[MARK, *letters], limit_alphabet=len(letters) + 1, special_tokens=[])
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always", split=True)
    tok.train_from_iterator(corpus(), trainer)
    order = sorted(tok.get_vocab().items(), key=lambda kv: kv[1])
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2} | {"<0x%02X>" % b: 3 + b for b in range(256)}
    for token, _ in order:
        vocab[token] = len(vocab)
    for a, b in more:
        vocab[a + b] = len(vocab)
    assert len(vocab) == 400, len(vocab)
    return vocab, merges_of(tok) + more


def added(contents, first, special=True):
    return [{"id": first + i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special} for i, c in enumerate(contents)]


SPECIALS = ["<image>", *("<ImgCls_%d>" % i for i in range(4)), *("<TxtCls_%d>" % i for i in range(8))]


def llama(vocab, merges, metaspace):
    mark = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
    space = {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "first", "split": False}
    back = [{"type": "Replace", "pattern": {"String": MARK}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added(["<unk>", "<s>", "</s>"], 0) + added(SPECIALS, 400),
            "normalizer": None if metaspace else {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, mark]},
            "pre_tokenizer": space if metaspace else None,
            "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                               "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
                               "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
            "decoder": {"type": "Sequence", "decoders": back},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": vocab, "merges": [list(m) for m in merges] if metaspace else [f"{a} {b}" for a, b in merges]}}


def byte_level(digits):
    """Llama 3's ("{1,3}": whole words first, numbers of up to three digits) or Qwen2's ("": NFC, each digit alone, no template)."""
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+" % digits
    tok = Tokenizer(models.BPE(ignore_merges=digits != ""))
    if digits == "":
        tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(text.corpus(), trainers.BpeTrainer(vocab_size=800, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[]))
    n = tok.get_vocab_size()
    if digits == "":
        raw = json.loads(tok.to_str())
        raw["added_tokens"] = added(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], n)
        raw["post_processor"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
        return raw
    # a whole word that its merges do not make: only ignore_merges finds it
    raw = json.loads(tok.to_str())
    raw["model"]["vocab"]["pneumonoultramicroscopicsilicovolcanoconiosis"] = n
    raw["added_tokens"] = added(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"], n + 1)
    raw["post_processor"] = {"type": "Sequence", "processors": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<|begin_of_text|>": {"id": "<|begin_of_text|>", "ids": [n + 1], "tokens": ["<|begin_of_text|>"]}}}]}
    return raw


def write(out, name, spec, config, texts, note):
    folder = f"{out}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    text.dump(folder + "/tokenizer.json", spec)
    text.dump(folder + "/tokenizer_config.json", config)
    raw = Tokenizer.from_file(folder + "/tokenizer.json")
    keys = {k: config[k] for k in ("bos_token", "eos_token", "unk_token", "pad_token") if k in config}
    tok = PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=config["model_max_length"], **keys)
    for t in texts:
        assert tok(t).input_ids == raw.encode(t).ids, t
    text.goldens(f"{out}/{name}.json", tok, texts, name, note)


def beside_models(folder, spec, config):
    """The tokenizers of the tiny models of make_mllm_goldens.py, with the special tokens of their radz.json."""
    for name in ("llava", "radz"):
        own = json.loads(json.dumps(spec))
        own["added_tokens"] = own["added_tokens"][:4]
        if os.path.exists(f"{folder}/{name}/radz.json"):
            with open(f"{folder}/{name}/radz.json") as f:
                radz = json.load(f)
            for token in radz["image_tokens"] + radz["text_tokens"]:
                own["added_tokens"] += added([token["text"]], token["id"])
        text.dump(f"{folder}/{name}/tokenizer.json", own)
        text.dump(f"{folder}/{name}/tokenizer_config.json", config)


def main():
    out = sys.argv[1]
    texts = [t for t in text.HARD if len(t) < 700] + MORE + text.random_texts(180)
    print(len(texts) + len(text.ILL_FORMED), "texts")
    vocab, merges = sentencepiece_vocabulary()
    config = {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>", "model_max_length": 2048, "tokenizer_class": "LlamaTokenizer", "legacy": True}
    write(out, "llama", llama(vocab, merges, False), config, texts, "as Llama 2 and LLaVA-1.5")
    if len(sys.argv) > 2:
        beside_models(sys.argv[2], llama(vocab, merges, False), config)
    write(out, "mistral", llama(vocab, merges, True), config | {"legacy": False}, texts, "as Mistral 7B v0.3")
    write(out, "qwen2", byte_level(""), {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "model_max_length": 8192, "tokenizer_class": "PreTrainedTokenizerFast"},
          texts + ["<|im_start|>user\nIs there a mass?<|im_end|>\n<|im_start|>assistant\n"], "as Qwen2")
    write(out, "llama3", byte_level("{1,3}"), {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "pad_token": "<|end_of_text|>", "model_max_length": 8192, "tokenizer_class": "PreTrainedTokenizerFast"}, texts,
          "as Llama 3")


if __name__ == "__main__":
    main()

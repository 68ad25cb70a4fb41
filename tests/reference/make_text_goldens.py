"""Makes tests/golden/text: small tokenizers in both file forms, and the ids that Hugging Face gives for hard texts.

Usage: make_text_goldens.py OUTPUT_FOLDER [CLIP_VOCAB_GZ]
With OpenAI CLIP's bpe_simple_vocab_16e6.txt.gz also the ids of the real vocabulary (the vocabulary itself is not kept).
The texts are made from a fixed seed; a second run gives the same bytes.
"""
import gzip
import json
import os
import random
import shutil
import sys
import tempfile

import tokenizers
import transformers
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from transformers import CLIPTokenizer, PreTrainedTokenizerFast

BOS, EOS = "<|startoftext|>", "<|endoftext|>"


def byte_units():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


UNIT_OF = dict(zip([*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
                   + [b for b in range(256) if not (0x21 <= b < 0x7F or 0xA1 <= b < 0xAD or b >= 0xAE)], byte_units()))

# ---------------------------------------------------------------- the texts

HARD = [
    "", " ", "a", "A", "\t\n", "\u00a0", "\u3000", "hello world", "Hello, World!", "  leading and trailing  ",
    "a chest x-ray of a patient with pleural effusion", "No Pleural_Thickening.", "there is no pneumothorax",
    "The left lung's apex; it's clear, they're fine, we've seen, I'm, she'll, he'd, don't, 'tis",
    "IT'S THEY'RE WE'VE I'M SHE'LL HE'D DON'T", "''s 's's'd 'll'll' 'r 'v 'lll 're're", "rock'n'roll 'S 'T 'RE",
    "x'", "'", "''", "'''s", "a'sb", "'sfoo", "don\u2019t it\u2019s", "1", "12", "1234567890", "3.5 cm x 2,0 mm",
    "2026-01-31T23:59:59Z", "T1w T2* FLAIR 3D", "½ ¾ ² ³ ① Ⅷ ٣ ७ 五 〇 ൰ 𝟘𝟙", "100% +5 -3 = 2 ± 1 × 4 ÷ 7",
    "!!!", "...", "....!!??", "?!?!?!", "-----", "_____", "a_b_c", "a-b-c", "(a) [b] {c} <d>", "a/b\\c|d", "&amp; &lt;b&gt;",
    "<b>bold</b> <a href=\"http://example.org/?q=1&r=2#x\">link</a>", "<html><body><p>Hi &nbsp; there</p></body></html>",
    "user@example.org", "https://example.org/a/b?c=d", "#hashtag @mention $12.50 €3 £4 ¥5", "50°C ~ 122°F §4 ¶2 †‡ • …",
    "e\u0301", "\u00e9", "café CAFÉ cafe\u0301 CAFE\u0301", "naïve coöperate façade Ångström A\u030angstro\u0308m \u212bngstr\u00f6m",
    "a\u0323\u0307 a\u0307\u0323 \u1ea1\u0307", "\u1e9b\u0323", "\u0344 \u0340\u0341 \u0374 \u037e \u0387 \u2126 \u212a \u2000\u2001",
    "\u0301", "\u0301\u0301\u0301", " \u0301", "x\u0301\u0302\u0303\u0304y", "q\u0323\u0307\u0301\u0328", "1\u0301 !\u0301 \u3000\u0301",
    "o\u0308\u0304 \u022b \u014d\u0308", "\u0958 \u09dc \u0b5c \u0fb2\u0f80", "\u0915\u093c", "नमस्ते दुनिया", "สวัสดีชาวโลก",
    "\u1100\u1161\u11a8 \uac01 \ud55c\uad6d\uc5b4 \u1112\u1161\u11ab\u1100\u1173\u11af", "안녕하세요 세계",
    "Привет, мир! ПРИВЕТ Ёлка Й И\u0306", "Γειά σου Κόσμε ΟΔΥΣΣΕΥΣ ΣΣ Σ σς ΆΈ ᾼ ᾳ", "İstanbul IĞDIR ıI i̇ İİ I\u0307",
    "Straße STRASSE ẞ ß ﬀ ﬁ ſt", "Ǆ ǅ ǆ Ǉ ǈ Ǳ ǲ", "Ա Բ ա", "Ა Ბ ა Ꭰ ꭰ Ꮰ ᏸ", "Ⅷ ⅷ Ⓐ ⓐ 𐐀 𐐨 𝐀 Ω", "שלום עולם בְּרֵאשִׁית",
    "مرحبا بالعالم السَّلامُ ١٢٣ \u0644\u0627", "你好，世界！", "胸部X射线显示肺炎。", "胸部X線写真：右上肺野に結節影。", "がぎぐ か\u3099き\u3099 パ ハ\u309a",
    "ﾊﾟ ｶﾞ ＡＢＣ １２３ ｆｕｌｌ", "\uf900 \ufa0e \u2f00", "😀", "😀😃😄", "a😀b", "👍🏽 👩‍⚕️ 👨‍👩‍👧‍👦 🏴‍☠️ 🇩🇪🇫🇷 1️⃣ ❤️ ☠", "🩻🫁🫀", "x\u200dy \u200b\u200c\u200d\u2060\ufeff",
    "\u00ad soft\u00adhyphen", "\u202ertl\u202c \u2066x\u2069", "a\tb\nc\rd\x0be\x0cf", "a\r\n\r\nb", "a\u0085b\u2028c\u2029d", "a\u1680b\u2003c\u2009d\u202fe\u205ff",
    "\u180e mongolian \u180e", "\u00a0a\u00a0\u00a0b\u00a0", "a    b     c", "\x01\x02\x1f\x7f\x80\x9f", "tab\tseparated\tvalues",
    "<|startoftext|>", "<|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "<|startoftext|>a<|endoftext|>", "<|ENDOFTEXT|>",
    "<|EndOfText|> <|STARTOFTEXT|> <|StartOfText|>", "<|endoftext|><|endoftext|>", "<|endoftext|", "|endoftext|>", "<|endoftext|>>>", "<<|endoftext|>",
    "<|endoftext|>\u0338", "<|startoftext|>\u0338x", "<|end\u00adoftext|>", "<|pad|> [PAD] <s> </s> </w> a</w> </w></w>", "a</w>b", "Ġ Ċ ĉ Ā ń", "!</w>",
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß", "àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ", "¡¢£¤¥¦§¨©ª«¬®¯°±²³´µ¶·¸¹º»¼½¾¿",
    "ªº ʰʱ ˀ ⁿ ᵃ \u2071 \u2c7d", "ˈ ˌ ː ʻ ꞌ", "ℵ ℓ ℕ ℃ ™ № ℗", "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β = ¬(¬α ∨ β)", "∑∫√∞≠≤≥ ≠ =\u0338 <\u0338 >\u0338",
    "┌─┐│ █▓▒░ ♥♦♣♠ ✓✗", "ᚠᛇᚻ ⠓⠑⠇⠇⠕ 𐎠𐎡 𒀀𒀁 𓀀", "\U0001d15e \U0001d1bb \U0001d15f", "\U00020000\U0002a6d6 \U0002f800", "\U000e0041\U000e007f", "\U0010ffff \U000f0000 \ue000",
    "\uffff \ufffe \ufdd0", "\ufffd\ufffd", "\u0fdb\u0488 \u20dd a\u20dd", "\u0e33 \u0eb3 ำ", "ạ̈ ạ̈", "\ua64a \ua640 \ua78d \ua7aa", "\u2c60 \u2c62 \u2c2e \u1e9e",
    "Nodule, 12mm (RUL); f/u CT 6-12 mo. r/o malignancy?", "Impression:\n1. No acute disease.\n2. Stable   cardiomegaly.\n", "Kerley-B lines, Hampton's hump, Westermark's sign",
    "T4N2M0 pT3,pN1(sn) FEV1/FVC<0.7 SpO2≥94%", "COVID-19 SARS‑CoV‑2 PaO₂/FiO₂", "supercalifragilisticexpialidocious", "pneumonoultramicroscopicsilicovolcanoconiosis",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababababababababab", "lololololololololololol", "the the the the", "ththththththth", "inininin inin in",
    "ΑΣ.ΑΣ ΑΣ", "ŐŰ őű", "ĲĳŊŋ ŉ", "Ὀδυσσεύς ὈΔΥΣΣΕΎΣ", "ᾨ ᾠ ᾯ", "ϓ ϔ ϴ ϵ", "Ⴀ ⴀ", "Ꙁ ꙁ", "\u1c90 \u10d0", "\U00010400 \U00010428 \U0001e900 \U0001e922 \U000118a0",
    "word " * 200, "effusion, " * 60, "1 " * 90, "12345" * 30, "!" * 500, "a" * 2000, "é" * 300, "😀" * 100, "\u0301" * 200, "a " * 75, "a " * 74, "a " * 76, "<|endoftext|>" * 80,
    " ".join("finding number %d of the list is not seen" % i for i in range(40)),
]

# ill-formed UTF-8, in hexadecimal: the text is that of Python's errors="replace"
ILL_FORMED = ["ff", "61ff62", "c3", "c328", "e282", "e28261", "f09f98", "f09f9861", "eda080", "edb080eda080", "c0af", "e080af", "f08080af", "f4908080",
              "f888808080", "80", "8080", "bf", "61c2", "e2e2e2", "f0f0", "fefe", "6162ff2063", "efbfbd", "e28282e282", "f09f9880f09f98", "4100ff"]

WORDS = ("chest radiograph lung pleural effusion Pneumothorax consolidation opacity nodule mass heart size normal enlarged mediastinum left right upper lower lobe zone no evidence "
         "of acute there is are small large moderate bilateral unchanged since prior study diaphragm rib fracture clear well expanded seen with and the in a costophrenic angle blunted").split()


def random_texts(count):
    rng = random.Random(20260131)
    pools = ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", " \t\n\u00a0\u3000\u2003",
             "àéîõüßçñÀÉÎÕÜÇÑ", "αβγδΣΔΩσς", "абвгдЖЗИЙ", "\u0300\u0301\u0308\u030a\u0323\u0327\u0338", "你好世界胸部", "がぎぐかき\u3099\u309a", "가각힣\u1100\u1161\u11a8", "😀🩻👩\u200d⚕\ufe0f🏽",
             "אבגدهو", "कखग\u093c\u094d", "İıſẞ", "½²Ⅷ٣", "'", "'s't'd"]
    texts = []
    for i in range(count):
        if i % 3 == 0:
            text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 25)))
        elif i % 3 == 1:
            text = "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(1, 40)))
        else:
            text = ""
            while len(text) < 30:
                low, high = rng.choice([(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x5D0, 0x700), (0x900, 0xE00), (0x1E00, 0x2000), (0x2000, 0x2BFF),
                                        (0x3040, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1F6FF)])
                text += chr(rng.randrange(low, high))
                if rng.random() < 0.2:
                    text += " "
        texts.append(text)
    return texts


# ---------------------------------------------------------------- training, written plainly

def words_of(texts):
    """Words and their counts as CLIP cuts them, each a tuple of units, the last one with </w>."""
    norm = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pre = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    counts = {}
    for text in texts:
        for word, _ in pre.pre_tokenize_str(norm.normalize_str(text)):
            units = (*word[:-1], word[-1] + "</w>")
            counts[units] = counts.get(units, 0) + 1
    return counts


def train(texts, n_merges, min_count=2):
    """Byte pair encoding after Sennrich et al. 2016; ties: the pair with the smaller ids."""
    vocab = byte_units()
    vocab += [u + "</w>" for u in vocab]
    ids = {t: i for i, t in enumerate(vocab)}
    words = list(words_of(texts).items())
    merges = []
    while len(merges) < n_merges:
        pairs = {}
        for units, count in words:
            for pair in zip(units, units[1:]):
                pairs[pair] = pairs.get(pair, 0) + count
        # a merge whose text is a token already (by another way) would give a second id: it is passed over
        pairs = {p: c for p, c in pairs.items() if p[0] + p[1] not in ids}
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], ids[p[0]], ids[p[1]]))
        if pairs[best] < min_count:
            break
        merges.append(best)
        ids[best[0] + best[1]] = len(ids)
        merged = []
        for units, count in words:
            out, i = [], 0
            while i < len(units):
                if units[i:i + 2] == best:
                    out.append(units[i] + units[i + 1])
                    i += 2
                else:
                    out.append(units[i])
                    i += 1
            merged.append((tuple(out), count))
        words = merged
    for token in (BOS, EOS):
        ids[token] = len(ids)
    return ids, merges


def corpus():
    rng = random.Random(7)
    side, zone = ["left", "right", "bilateral"], ["upper", "mid", "lower", "apical", "basal", "perihilar"]
    sign = ["opacity", "consolidation", "pleural effusion", "pneumothorax", "nodule", "mass with lobulated margin", "atelectasis", "interstitial thickening", "hyperlucency",
            "hernia", "pleural thickening", "cardiomegaly", "edema", "fibrosis", "emphysema", "fracture", "calcification", "cavitation", "granuloma", "scarring"]
    size = ["small", "moderate", "large", "subtle", "extensive", "2 cm", "15 mm", "well-defined", "ill-defined"]
    frames = ["There is a {size} {sign} in the {side} {zone} zone.", "{sign} of the {side} lung, {size}.", "No {sign} is seen.", "The {zone} zones are clear; heart size is normal.",
              "Findings consistent with {size} {sign}, unchanged since the prior study.", "{size} {side} {sign} blunting the costophrenic angle, isn't it?", "Impression: {sign}; follow-up recommended."]
    texts = [rng.choice(frames).format(size=rng.choice(size), sign=rng.choice(sign), side=rng.choice(side), zone=rng.choice(zone)) for _ in range(800)]
    return texts + [t for t in HARD if len(t) < 400]


# ---------------------------------------------------------------- goldens

def token(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, **flags}


def dump(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


def write_legacy(folder, ids, merges, pad=EOS):
    """The files as they lie beside openai/clip-vit-base-patch32."""
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/vocab.json", "w", encoding="utf-8") as f:
        json.dump(ids, f, ensure_ascii=False)
    with open(folder + "/merges.txt", "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    dump(folder + "/special_tokens_map.json", {"bos_token": token(BOS), "eos_token": token(EOS), "unk_token": token(EOS), "pad_token": pad})
    typed = {"__type": "AddedToken"}
    dump(folder + "/tokenizer_config.json", {"errors": "replace", "unk_token": token(EOS, **typed), "bos_token": token(BOS, **typed), "eos_token": token(EOS, **typed), "pad_token": pad,
                                             "add_prefix_space": False, "do_lower_case": True, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"})


def runs(ids):
    """Repeated ids as [id, count]: rows of many equal tokens stay short."""
    out = []
    for i in ids:
        if out and isinstance(out[-1], list) and out[-1][0] == i:
            out[-1][1] += 1
        elif len(out) >= 3 and out[-1] == out[-2] == out[-3] == i:
            out[-3:] = [[i, 4]]
        else:
            out.append(i)
    return out


def case(tok, text, raw_hex=None):
    full = tok(text).input_ids
    row = {"bytes": raw_hex} if raw_hex is not None else {"text": text}
    row["all"] = runs(full)
    if len(full) > 77:
        row["77"] = runs(tok(text, truncation=True, max_length=77).input_ids)
    if len(full) > 9:
        row["9"] = tok(text, truncation=True, max_length=9).input_ids
    row["decoded"] = tok.decode(full, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return row


def goldens(path, tok, texts, folder, note):
    cases = [case(tok, t) for t in texts]
    cases += [case(tok, bytes.fromhex(h).decode("utf-8", "replace"), h) for h in ILL_FORMED]
    padded = tok("a", padding="max_length", max_length=9).input_ids
    with open(path, "w", encoding="ascii") as f:
        head = {"made_by": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}, "note": note, "folder": folder, "bos": tok.bos_token_id, "eos": tok.eos_token_id,
                "pad": tok.pad_token_id, "padded": padded, "vocab_size": len(tok), "context": tok.model_max_length if tok.model_max_length < 1 << 20 else 0}
        f.write(json.dumps(head)[:-1] + ',\n"cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")


def ranges(members):
    out = []
    for c in members:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def unicode_golden(path):
    """Every character as the regular expressions, the normalizer and the lower-casing of the library see it."""
    scalars = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    groups = {}
    for name, pattern in (("letter", r"\p{L}"), ("number", r"\p{N}"), ("space", r"\s")):
        split = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
        members = []
        for begin in range(0, len(scalars), 4096):
            text = "".join(map(chr, scalars[begin:begin + 4096]))
            members += [ord(piece) for piece, _ in split.pre_tokenize_str(text)]
        groups[name] = ranges(members)
    lower, nfc = normalizers.Lowercase(), normalizers.NFC()
    changed = {"lower": [], "nfc": []}
    for c in scalars:
        if 0xAC00 <= c <= 0xD7A3:
            continue
        for name, norm in (("lower", lower), ("nfc", nfc)):
            out = norm.normalize_str(chr(c))
            if out != chr(c):
                changed[name].append([c, *map(ord, out)])
    with open(path, "w", encoding="ascii") as f:
        made = json.dumps({"transformers": transformers.__version__, "tokenizers": tokenizers.__version__})
        f.write('{"made_by": ' + made)
        for name, value in (groups | changed).items():
            f.write(',\n"%s": %s' % (name, json.dumps(value, separators=(",", ":"))))
        f.write("\n}\n")


def main():
    out = sys.argv[1]
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    texts = HARD + random_texts(210)
    print(len(texts) + len(ILL_FORMED), "texts")

    # a vocabulary of about 2,000, in both file forms
    ids, merges = train(corpus(), 1500)
    print(len(merges), "merges")
    write_legacy(out + "/files", ids, merges)
    tok = CLIPTokenizer.from_pretrained(out + "/files")
    goldens(out + "/files.json", tok, texts, "files", "vocab.json and merges.txt, CLIPTokenizer")
    with tempfile.TemporaryDirectory() as t:
        CLIPTokenizer.from_pretrained(out + "/files").save_pretrained(t)  # a new one: use leaves cutting and padding behind
        os.makedirs(out + "/json")
        with open(t + "/tokenizer.json", encoding="utf-8") as f:
            dump(out + "/json/tokenizer.json", json.load(f))
        with open(t + "/tokenizer_config.json", encoding="utf-8") as f:
            config = json.load(f)
        dump(out + "/json/tokenizer_config.json", {k: v for k, v in config.items() if not k.startswith(("is_local", "local"))})
    fast = PreTrainedTokenizerFast.from_pretrained(out + "/json")
    fast._tokenizer.decode = tok._tokenizer.decode  # the class's own joining of words, see CLIPTokenizer
    again = CLIPTokenizer.from_pretrained(out + "/json")
    for t in texts:
        assert fast(t).input_ids == again(t).input_ids == tok(t).input_ids, t
    goldens(out + "/json.json", again, texts[:40], "json", "tokenizer.json, CLIPTokenizer; the other texts of files.json were seen to be equal")

    # variants on a smaller vocabulary
    small = {t: i for t, i in ids.items() if i < 512 + 60} | {BOS: 572, EOS: 573}
    few = texts[:140]
    write_legacy(out + "/pad", small, merges[:60], pad="!")
    goldens(out + "/pad.json", CLIPTokenizer.from_pretrained(out + "/pad"), few, "pad", "a pad token that is a word of the vocabulary")
    # tokenizer.json of 2021: merges as texts, no special tokens in the expression, TemplateProcessing, flags on added tokens, no config beside it
    os.makedirs(out + "/older")
    with open(out + "/json/tokenizer.json", encoding="utf-8") as f:
        older = json.load(f)
    older["model"]["vocab"], older["model"]["merges"] = small, [f"{a} {b}" for a, b in merges[:60]]
    for key in ("byte_fallback", "ignore_merges", "type"):
        older["model"].pop(key)
    older["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    older["pre_tokenizer"]["pretokenizers"][1].pop("use_regex")
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    older["added_tokens"] = [{"id": 572, "content": BOS, **flags}, {"id": 573, "content": EOS, **flags}, {"id": 574, "content": "<Mask>", **flags, "lstrip": True},
                             {"id": 575, "content": "<pad>", **flags, "rstrip": True, "normalized": True}, {"id": 576, "content": "<masked>", **flags, "special": False, "normalized": True}]
    special = lambda t, i: {t: {"id": t, "ids": [i], "tokens": [t]}}
    older["post_processor"] = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": EOS, "type_id": 0}}],
                               "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": special(BOS, 572) | special(EOS, 573)}
    dump(out + "/older/tokenizer.json", older)
    raw = Tokenizer.from_file(out + "/older/tokenizer.json")
    tok = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token=BOS, eos_token=EOS, pad_token=EOS)
    plain = tok._tokenizer.decode
    tok._tokenizer.decode = lambda *a, **k: plain(*a, **k).replace("</w>", " ").strip()
    more = ["a <Mask> b", "a<Mask>b", "a   <Mask>   b", "<PAD> x", "<pad>   x<PAD>", "\u3000<Mask>\u3000<PAD>\u3000x", "<Masked> <masked> <Mask>ed", "<mask>", "  <Mask>  <Mask>  ", "<PAD>  <Mask>"]
    goldens(out + "/older.json", tok, few + more, "older", "tokenizer.json as written in 2021, with flags on added tokens")

    # GPT-2's way: blanks belong to words, no end-of-word mark, no template
    os.makedirs(out + "/gpt2")
    gpt2_ids = {t: i for i, t in enumerate(byte_units())}
    pairs = [("\u0120", "t"), ("h", "e"), ("i", "n"), ("\u0120t", "he"), ("\u0120", "a"), ("o", "n"), ("\u0120", "e"), ("f", "f"), ("\u0120e", "ff"), ("e", "r"), ("a", "a"), ("aa", "aa"), ("\u0120", "\u0120")]
    for a, b in pairs:
        gpt2_ids.setdefault(a + b, len(gpt2_ids))
    gpt2 = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [{"id": len(gpt2_ids), "content": EOS, **flags}], "normalizer": None,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}, "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False},
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False, "vocab": gpt2_ids, "merges": [f"{a} {b}" for a, b in pairs]}}
    dump(out + "/gpt2/tokenizer.json", gpt2)
    dump(out + "/gpt2/tokenizer_config.json", {"eos_token": EOS, "model_max_length": 1000000000000000019884624838656, "tokenizer_class": "GPT2Tokenizer"})
    tok = PreTrainedTokenizerFast.from_pretrained(out + "/gpt2")
    tok.pad_token = EOS
    goldens(out + "/gpt2.json", tok, texts, "gpt2", "GPT-2's pre-tokenisation")

    # training: the same merges from the same texts
    sample = corpus()[:300]
    _, sample_merges = train(sample, 300)
    dump(out + "/train.json", {"texts": sample, "merges": [f"{a} {b}" for a, b in sample_merges]})

    unicode_golden(out + "/unicode.json")

    if len(sys.argv) > 2:
        with gzip.open(sys.argv[2], "rt", encoding="utf-8") as f:
            lines = f.read().split("\n")[1:49152 - 256 - 2 + 1]
        merges = [tuple(line.split()) for line in lines]
        units = byte_units()
        vocab = units + [u + "</w>" for u in units] + [a + b for a, b in merges] + [BOS, EOS]
        with tempfile.TemporaryDirectory() as t:
            write_legacy(t, {v: i for i, v in enumerate(vocab)}, merges)
            goldens(out + "/clip.json", CLIPTokenizer.from_pretrained(t), texts, "clip", "OpenAI CLIP's own vocabulary of 49,408 (not kept here)")


if __name__ == "__main__":
    main()

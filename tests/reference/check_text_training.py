"""Loads a tokenizer folder written by radz_bpe_train with Hugging Face, each way it can be loaded, and prints the ids of
every line of standard input as one JSON list per line; all ways must agree.

Usage: check_text_training.py FOLDER < TEXTS
"""
import json
import os
import shutil
import sys
import tempfile

from transformers import AutoTokenizer, CLIPTokenizer, CLIPTokenizerFast, PreTrainedTokenizerFast

folder = sys.argv[1]
files = tempfile.mkdtemp()
for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
    shutil.copy(os.path.join(folder, name), files)
ways = [CLIPTokenizer.from_pretrained(folder), CLIPTokenizerFast.from_pretrained(folder), PreTrainedTokenizerFast.from_pretrained(folder), AutoTokenizer.from_pretrained(folder),
        CLIPTokenizer.from_pretrained(files)]
for line in sys.stdin.read().split("\n"):
    ids = [way(line, truncation=True, max_length=ways[0].model_max_length).input_ids for way in ways]
    assert all(i == ids[0] for i in ids), (line, ids)
    print(json.dumps(ids[0]))
shutil.rmtree(files)

/* The kinds of BPE tokenizers, and their files. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/bpe_parts.h"
#include "text/bpe_train.h"
#include "text/unicode.h"

/* ---- pieces of JSON ---- */
static void put_vocab(const bpe_trained *t, radz_json_writer *w, const char *key)
{
    radz_json_object_begin(w, key);
    for (size_t id = 0; id < t->vocab.size; id++)
        radz_json_put_i64(w, t->vocab.texts[id], (int64_t)id);
    radz_json_object_end(w);
}

static void put_added(radz_json_writer *w, const char *content, int32_t id)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_i64(w, "id", id);
    radz_json_put_string(w, "content", content);
    radz_json_put_bool(w, "single_word", false);
    radz_json_put_bool(w, "lstrip", false);
    radz_json_put_bool(w, "rstrip", false);
    radz_json_put_bool(w, "normalized", false);
    radz_json_put_bool(w, "special", true);
    radz_json_object_end(w);
}

static void put_type(radz_json_writer *w, const char *key, const char *type)
{
    radz_json_object_begin(w, key);
    radz_json_put_string(w, "type", type);
}

static void put_byte_level(radz_json_writer *w, const char *key, bool prefix)
{
    put_type(w, key, "ByteLevel");
    radz_json_put_bool(w, "add_prefix_space", prefix);
    radz_json_put_bool(w, "trim_offsets", true);
    radz_json_put_bool(w, "use_regex", true);
    radz_json_object_end(w);
}

static void put_pattern(radz_json_writer *w, const char *regex)
{
    radz_json_object_begin(w, "pattern");
    radz_json_put_string(w, "Regex", regex);
    radz_json_object_end(w);
}

static void put_ends(radz_json_writer *w, const char *key, const char *content, int32_t id)
{
    radz_json_array_begin_inline(w, key);
    radz_json_put_string(w, NULL, content);
    radz_json_put_i64(w, NULL, id);
    radz_json_array_end(w);
}

static int32_t id_of(const bpe_trained *t, const char *token)
{
    return tok_vocab_find(&t->vocab, token, strlen(token));
}

/* ---- CLIP ---- */
static radz_status normalize_clip(const char *text, size_t length, radz_strbuf *out, radz_error *err)
{
    radz_strbuf composed = {0}; /* runs of white space are no part of words: they need not become one blank here */
    radz_status st = radz_unicode_nfc(text, length, &composed, err);
    if (st == RADZ_OK)
        st = radz_unicode_lower(composed.text, composed.length, out, err);
    radz_strbuf_free(&composed);
    return st;
}

static void put_front_clip(radz_json_writer *w)
{
    put_type(w, "normalizer", "Sequence");
    radz_json_array_begin(w, "normalizers");
    put_type(w, NULL, "NFC");
    radz_json_object_end(w);
    put_type(w, NULL, "Replace");
    put_pattern(w, "\\s+");
    radz_json_put_string(w, "content", " ");
    radz_json_object_end(w);
    put_type(w, NULL, "Lowercase");
    radz_json_object_end(w);
    radz_json_array_end(w);
    radz_json_object_end(w);
    put_type(w, "pre_tokenizer", "Sequence");
    radz_json_array_begin(w, "pretokenizers");
    put_type(w, NULL, "Split");
    put_pattern(w, "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+");
    radz_json_put_string(w, "behavior", "Removed");
    radz_json_put_bool(w, "invert", true);
    radz_json_object_end(w);
    put_byte_level(w, NULL, false);
    radz_json_array_end(w);
    radz_json_object_end(w);
}

static void put_template_clip(const bpe_trained *t, radz_json_writer *w)
{
    put_type(w, "post_processor", "RobertaProcessing");
    put_ends(w, "sep", t->kind->eos, id_of(t, t->kind->eos));
    put_ends(w, "cls", t->kind->bos, id_of(t, t->kind->bos));
    radz_json_put_bool(w, "trim_offsets", false);
    radz_json_put_bool(w, "add_prefix_space", false);
    radz_json_object_end(w);
}

static void put_config_clip(radz_json_writer *w)
{
    radz_json_put_bool(w, "add_prefix_space", false);
    radz_json_put_bool(w, "do_lower_case", true);
    radz_json_put_string(w, "errors", "replace");
    radz_json_put_string(w, "tokenizer_class", "CLIPTokenizer");
}

/* ---- GPT-2 ---- */
static void put_front_gpt2(radz_json_writer *w)
{
    radz_json_put_string(w, "normalizer", NULL);
    put_byte_level(w, "pre_tokenizer", false);
}

/* One part of a template: a special token or a text. */
static void put_part(radz_json_writer *w, const char *key, const char *id, int type_id)
{
    radz_json_object_begin(w, NULL);
    radz_json_object_begin(w, key);
    radz_json_put_string(w, "id", id);
    radz_json_put_i64(w, "type_id", type_id);
    radz_json_object_end(w);
    radz_json_object_end(w);
}

static void put_template_gpt2(const bpe_trained *t, radz_json_writer *w)
{
    const char *bos = t->kind->bos;
    put_type(w, "post_processor", "TemplateProcessing");
    for (int texts = 1; texts <= 2; texts++) {
        radz_json_array_begin(w, texts == 1 ? "single" : "pair");
        for (int i = 0; i < texts; i++) {
            put_part(w, "SpecialToken", bos, i);
            put_part(w, "Sequence", i == 0 ? "A" : "B", i);
        }
        radz_json_array_end(w);
    }
    radz_json_object_begin(w, "special_tokens");
    radz_json_object_begin(w, bos);
    radz_json_put_string(w, "id", bos);
    radz_json_array_begin(w, "ids");
    radz_json_put_i64(w, NULL, id_of(t, bos));
    radz_json_array_end(w);
    radz_json_array_begin(w, "tokens");
    radz_json_put_string(w, NULL, bos);
    radz_json_array_end(w);
    radz_json_object_end(w);
    radz_json_object_end(w);
    radz_json_object_end(w);
}

/* A decoder's text is not tidied: "no ." and "no." are two answers. */
static void put_config_gpt2(radz_json_writer *w)
{
    radz_json_put_bool(w, "clean_up_tokenization_spaces", false);
    radz_json_put_string(w, "tokenizer_class", "PreTrainedTokenizerFast");
}

static const char *const clip_own[] = {"<|startoftext|>", "<|endoftext|>", NULL}, *const gpt2_own[] = {NULL};
static const char *const clip_files[] = {"vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
                                         "special_tokens_map.json", NULL},
                         *const gpt2_files[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", NULL};
const bpe_kind bpe_kinds[] = {
    [RADZ_BPE_CLIP] = {.bos = "<|startoftext|>", .eos = "<|endoftext|>", .unk = "<|endoftext|>", .pad = "<|endoftext|>",
                       .own = clip_own, .end_of_word = "</w>", .context = 77, .normalize = normalize_clip,
                       .match = tok_match_clip, .put_front = put_front_clip, .put_template = put_template_clip,
                       .put_config = put_config_clip, .files = clip_files},
    [RADZ_BPE_GPT2] = {.bos = "<s>", .eos = "</s>", .pad = "<pad>", .own = gpt2_own, .end_of_word = "", .context = 2048,
                       .match = tok_match_gpt2, .put_front = put_front_gpt2, .put_template = put_template_gpt2,
                       .put_config = put_config_gpt2, .files = gpt2_files},
};

/* ---- the files ---- */
static void put_tokenizer(const bpe_trained *t, radz_json_writer *w)
{
    radz_json_object_begin(w, NULL);
    radz_json_put_string(w, "version", "1.0");
    radz_json_put_string(w, "truncation", NULL);
    radz_json_put_string(w, "padding", NULL);
    radz_json_array_begin(w, "added_tokens");
    for (size_t i = 0; i < t->specials_count; i++)
        put_added(w, t->vocab.texts[t->specials[i]], t->specials[i]);
    radz_json_array_end(w);
    t->kind->put_front(w);
    t->kind->put_template(t, w);
    put_byte_level(w, "decoder", true);
    put_type(w, "model", "BPE");
    radz_json_put_string(w, "dropout", NULL);
    radz_json_put_string(w, "unk_token", t->kind->unk);
    radz_json_put_string(w, "continuing_subword_prefix", "");
    radz_json_put_string(w, "end_of_word_suffix", t->kind->end_of_word);
    radz_json_put_bool(w, "fuse_unk", false);
    put_vocab(t, w, "vocab");
    radz_json_array_begin(w, "merges");
    for (size_t i = 0; i < t->merges_count; i++) {
        /* as one text with a blank: the form that every version of the library reads */
        char text[1024];
        const char *left = t->vocab.texts[t->merges[i][0]], *right = t->vocab.texts[t->merges[i][1]];
        size_t a = t->vocab.lengths[t->merges[i][0]], b = t->vocab.lengths[t->merges[i][1]];
        if (a + b + 2 > sizeof text) { /* as a list, which has no limit here */
            radz_json_array_begin_inline(w, NULL);
            radz_json_put_string(w, NULL, left);
            radz_json_put_string(w, NULL, right);
            radz_json_array_end(w);
            continue;
        }
        memcpy(text, left, a);
        text[a] = ' ';
        memcpy(text + a + 1, right, b + 1);
        radz_json_put_string(w, NULL, text);
    }
    radz_json_array_end(w);
    radz_json_object_end(w);
    radz_json_object_end(w);
}

static void put_names(const bpe_trained *t, radz_json_writer *w)
{
    radz_json_put_string(w, "bos_token", t->kind->bos);
    radz_json_put_string(w, "eos_token", t->kind->eos);
    if (t->kind->unk != NULL)
        radz_json_put_string(w, "unk_token", t->kind->unk);
    radz_json_put_string(w, "pad_token", t->kind->pad);
}

static radz_status write_file(const bpe_trained *t, const char *folder, const char *name, radz_error *err)
{
    radz_out out = {0};
    radz_json_writer w;
    char *path = radz_path_join(folder, name, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_out_open(path, &out, err);
    free(path);
    if (st != RADZ_OK)
        return st;
    radz_json_writer_init(&w, out.stream);
    if (strcmp(name, "vocab.json") == 0) {
        put_vocab(t, &w, NULL);
    } else if (strcmp(name, "tokenizer.json") == 0) {
        put_tokenizer(t, &w);
    } else if (strcmp(name, "merges.txt") == 0) {
        fputs("#version: 0.2\n", out.stream);
        for (size_t i = 0; i < t->merges_count; i++)
            fprintf(out.stream, "%s %s\n", t->vocab.texts[t->merges[i][0]], t->vocab.texts[t->merges[i][1]]);
    } else {
        radz_json_object_begin(&w, NULL);
        put_names(t, &w);
        if (strcmp(name, "tokenizer_config.json") == 0) {
            radz_json_put_i64(&w, "model_max_length", (int64_t)t->context);
            t->kind->put_config(&w);
        }
        radz_json_object_end(&w);
    }
    st = radz_out_commit(&out, err);
    radz_out_abandon(&out);
    return st;
}

radz_status bpe_write(const bpe_trained *trained, const char *folder, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; trained->kind->files[i] != NULL && st == RADZ_OK; i++)
        st = write_file(trained, folder, trained->kind->files[i], err);
    return st;
}

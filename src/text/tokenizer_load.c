/* Reading a tokenizer from a model's folder. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/tokenizer_parts.h"

enum { MAX_FILE = 256 << 20, MAX_CONTEXT = 1 << 20 };

enum { FILE_JSON, FILE_SENTENCEPIECE, FILE_VOCAB, FILE_MERGES, N_FILES };
static const char *const file_names[N_FILES] = {"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt"};

typedef struct loader {
    const char *folder;
    radz_tokenizer *tok;
    char *files[N_FILES];  /* NULL: not there */
    radz_json_doc *config; /* tokenizer_config.json; NULL: not there */
    radz_json_doc *specials; /* special_tokens_map.json */
    radz_json_doc *older;    /* added_tokens.json, of tokenizer.model */
    size_t listed;         /* the first added tokens, which a list holds with their flags */
    radz_json_doc *json;   /* tokenizer.json, or the built-in text of a tokenizer class */
    radz_sha256 hash;
} loader;

/* A tokenizer class whose file is not tokenizer.json: what the file does not say. */
typedef struct tokenizer_class {
    const char *name; /* also with "Fast" behind it */
    int file;         /* FILE_SENTENCEPIECE, or FILE_VOCAB with FILE_MERGES */
    const char *bos, *eos, *unk, *pad;
    const char *end_of_word;
    const char *parts; /* as in a tokenizer.json; NULL: load_sentencepiece makes them */
    bool wrap;         /* bos text eos */
} tokenizer_class;

static const tokenizer_class classes[] = {
    {"CLIPTokenizer", FILE_VOCAB, "<|startoftext|>", "<|endoftext|>", "<|endoftext|>", "<|endoftext|>", "</w>",
     "{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"Replace\","
     " \"pattern\": {\"Regex\": \"\\\\s+\"}, \"content\": \" \"}, {\"type\": \"Lowercase\"}]},"
     " \"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\":"
     " {\"Regex\": \"<\\\\|startoftext\\\\|>|<\\\\|endoftext\\\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|"
     "[^\\\\s\\\\p{L}\\\\p{N}]+\"}, \"behavior\": \"Removed\", \"invert\": true},"
     " {\"type\": \"ByteLevel\", \"add_prefix_space\": false}]},"
     " \"decoder\": {\"type\": \"ByteLevel\"}}",
     true},
    {"LlamaTokenizer", FILE_SENTENCEPIECE, "<s>", "</s>", "<unk>", NULL, NULL, NULL, false},
};
enum { N_CLASSES = sizeof classes / sizeof *classes };

static radz_status load_optional(loader *l, const char *name, radz_json_doc **out, radz_error *err)
{
    char *path = radz_path_join(l->folder, name, err), *text = NULL;
    size_t size = 0;
    radz_status st = path == NULL ? RADZ_E_NOMEM : RADZ_OK;
    *out = NULL;
    if (st != RADZ_OK || !radz_file_exists(path))
        goto done;
    if ((st = radz_file_read(path, MAX_FILE, &text, &size, err)) != RADZ_OK)
        goto done;
    radz_sha256_add_text(&l->hash, name);
    radz_sha256_add(&l->hash, text, size);
    /* model_max_length may be 1000000000000000019884624838656, Python's way of saying "no limit" and no 64-bit integer:
     * such numbers are made real ones, in place. */
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (quoted && text[i] == '\\') {
            i++;
            continue;
        }
        if (text[i] == '"')
            quoted = !quoted;
        size_t digits = 0;
        while (!quoted && i + digits < size && text[i + digits] >= '0' && text[i + digits] <= '9')
            digits++;
        if (digits > 0) {
            char after = i + digits < size ? text[i + digits] : ' ';
            if (digits > 18 && after != '.' && after != 'e' && after != 'E') {
                memset(text + i, ' ', digits);
                memcpy(text + i, "1e30", 4);
            }
            i += digits - 1;
        }
    }
    st = radz_json_parse(text, size, path, out, err);
    if (st == RADZ_OK && radz_json_kind_of(radz_json_root(*out)) != RADZ_JSON_OBJECT)
        st = radz_fail(err, RADZ_E_FORMAT, "'%s': found %s, wanted an object", path,
                       tok_kind_text(radz_json_root(*out)));
done:
    free(text);
    free(path);
    return st;
}

/* The configuration lists the added tokens with their flags; the older files are looked at only when it does not, as
 * transformers does. */
static bool lists_added(const loader *l)
{
    return l->config != NULL && radz_json_find(radz_json_root(l->config), "added_tokens_decoder") != NULL;
}

/* The content of a named special token ("bos_token"): a text, or an object with a text 'content'. NULL: not there. */
static const radz_json *find_special(const loader *l, const char *key)
{
    const radz_json *value = NULL;
    if (l->specials != NULL && !lists_added(l))
        value = radz_json_find(radz_json_root(l->specials), key);
    if (value == NULL && l->config != NULL)
        value = radz_json_find(radz_json_root(l->config), key);
    return value == NULL || radz_json_kind_of(value) == RADZ_JSON_NULL ? NULL : value;
}

static const char *special_text(const radz_json *value)
{
    if (value != NULL && radz_json_kind_of(value) == RADZ_JSON_OBJECT)
        value = radz_json_find(value, "content");
    return value != NULL ? radz_json_string(value) : NULL;
}

static tok_added *find_added(const radz_tokenizer *tok, const char *content)
{
    for (size_t i = 0; i < tok->added_count; i++) {
        if (strcmp(tok->added[i].content, content) == 0)
            return &tok->added[i];
    }
    return NULL;
}

/* Adds a token, or replaces the flags of one that is there. `id` -1: the vocabulary's, or the next free one. `spec` holds
 * the flags; NULL: those of a special token without any. */
static radz_status add_token(radz_tokenizer *tok, const tok_place *place, const char *content, int32_t id, bool special,
                             const radz_json *spec, radz_error *err)
{
    bool single_word = false, lstrip = false, rstrip = false, normalized = !special;
    radz_status st = RADZ_OK;
    if (spec != NULL) {
        st = tok_get_bool(place, spec, "single_word", false, &single_word, err);
        if (st == RADZ_OK)
            st = tok_get_bool(place, spec, "lstrip", false, &lstrip, err);
        if (st == RADZ_OK)
            st = tok_get_bool(place, spec, "rstrip", false, &rstrip, err);
        if (st == RADZ_OK)
            st = tok_get_bool(place, spec, "normalized", !special, &normalized, err);
    }
    if (st != RADZ_OK)
        return st;
    if (single_word)
        return tok_fail(place, err, RADZ_E_UNSUPPORTED, "token '%.60s': single_word is not built", content);
    if (content[0] == '\0')
        return RADZ_OK; /* as the tokenizers library: an empty token is never found */
    int32_t known = tok_vocab_find(&tok->vocab, content, strlen(content));
    if (known >= 0 && id >= 0 && known != id)
        return tok_fail(place, err, RADZ_E_FORMAT, "token '%.60s' has id %ld here and %ld in the vocabulary", content,
                        (long)id, (long)known);
    if (known < 0) {
        known = id >= 0 ? id : (int32_t)tok->vocab.size;
        if ((st = tok_vocab_add(&tok->vocab, content, strlen(content), known, &tok->arena, err)) != RADZ_OK)
            return radz_prefix(err, "'%s': key '%s'", radz_json_doc_name(place->doc), place->path);
    }
    tok_added *token = find_added(tok, content);
    if (token == NULL) {
        st = radz_grow(&tok->added, &tok->added_capacity, tok->added_count + 1, sizeof *tok->added, err);
        if (st != RADZ_OK)
            return st;
        token = &tok->added[tok->added_count++];
    }
    *token = (tok_added){tok->vocab.texts[known], strlen(content), known, special, normalized, lstrip, rstrip,
                           NULL, 0, false};
    return RADZ_OK;
}

/* "added_tokens" of tokenizer.json: a list of objects with id, content and flags. */
static radz_status read_added_list(loader *l, radz_error *err)
{
    tok_place place = {l->json, "added_tokens", 0, &l->tok->arena};
    const radz_json *list = radz_json_find(radz_json_root(l->json), "added_tokens");
    if (list == NULL || radz_json_kind_of(list) == RADZ_JSON_NULL)
        return RADZ_OK;
    if (radz_json_kind_of(list) != RADZ_JSON_ARRAY)
        return tok_fail(&place, err, RADZ_E_FORMAT, "found %s, wanted a list", tok_kind_text(list));
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i), *id_value = radz_json_find(item, "id");
        const char *content;
        int64_t id;
        bool special;
        radz_status st = tok_need_string(&place, item, "content", &content, err);
        if (st == RADZ_OK)
            st = tok_get_bool(&place, item, "special", false, &special, err);
        if (st != RADZ_OK)
            return st;
        if (id_value == NULL || !radz_json_as_i64(id_value, &id) || id < 0 || id >= TOK_MAX_ID)
            return tok_fail(&place, err, RADZ_E_FORMAT, "token '%.60s' wants an id from 0 to %d", content, TOK_MAX_ID - 1);
        if ((st = add_token(l->tok, &place, content, (int32_t)id, special, item, err)) != RADZ_OK)
            return st;
    }
    l->listed = l->tok->added_count;
    return RADZ_OK;
}

typedef struct decoder_visit {
    loader *l;
    tok_place place;
    radz_status status;
    radz_error *err;
} decoder_visit;

static bool read_added_entry(void *context, const char *key, const radz_json *value)
{
    decoder_visit *visit = context;
    const char *content;
    int64_t id;
    bool special;
    visit->status = radz_parse_i64(key, 0, TOK_MAX_ID - 1, &id, visit->err);
    if (visit->status != RADZ_OK) {
        radz_prefix(visit->err, "'%s': key '%s'", radz_json_doc_name(visit->place.doc), visit->place.path);
        return false;
    }
    visit->status = tok_need_string(&visit->place, value, "content", &content, visit->err);
    if (visit->status == RADZ_OK)
        visit->status = tok_get_bool(&visit->place, value, "special", false, &special, visit->err);
    if (visit->status == RADZ_OK)
        visit->status = add_token(visit->l->tok, &visit->place, content, (int32_t)id, special, value, visit->err);
    return visit->status == RADZ_OK;
}

/* "added_tokens_decoder" of tokenizer_config.json: an object from id to the rest. */
static radz_status read_added_object(loader *l, radz_error *err)
{
    if (l->config == NULL)
        return RADZ_OK;
    decoder_visit visit = {l, {l->config, "added_tokens_decoder", 0, &l->tok->arena}, RADZ_OK, err};
    const radz_json *object = radz_json_find(radz_json_root(l->config), "added_tokens_decoder");
    if (object == NULL || radz_json_kind_of(object) == RADZ_JSON_NULL)
        return RADZ_OK;
    if (radz_json_kind_of(object) != RADZ_JSON_OBJECT)
        return tok_fail(&visit.place, err, RADZ_E_FORMAT, "found %s, wanted an object", tok_kind_text(object));
    radz_json_each(object, read_added_entry, &visit);
    l->listed = l->tok->added_count;
    return visit.status;
}

static bool read_older_entry(void *context, const char *key, const radz_json *value)
{
    decoder_visit *visit = context;
    int64_t id;
    if (!radz_json_as_i64(value, &id) || id < 0 || id >= TOK_MAX_ID)
        visit->status = tok_fail(&visit->place, visit->err, RADZ_E_FORMAT, "wanted an id from 0 to %d", TOK_MAX_ID - 1);
    else
        visit->status = add_token(visit->l->tok, &visit->place, key, (int32_t)id, false, NULL, visit->err);
    return visit->status == RADZ_OK;
}

/* added_tokens.json: an object from content to id; of use where tokenizer_config.json does not list the tokens. */
static radz_status read_added_older(loader *l, radz_error *err)
{
    if (l->older == NULL || lists_added(l))
        return RADZ_OK;
    decoder_visit visit = {l, {l->older, "(added tokens)", 0, &l->tok->arena}, RADZ_OK, err};
    radz_json_each(radz_json_root(l->older), read_older_entry, &visit);
    return visit.status;
}

/* The named special tokens: each becomes an added token unless the lists above hold it, as transformers does it (so a pad
 * token "!" is found in texts as well). Of several with the same text the first object's flags stand, but a plain text
 * puts back those of a plain special token. */
static radz_status read_named(loader *l, const tokenizer_class *class, radz_error *err)
{
    radz_tokenizer *tok = l->tok;
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};
    enum { BOS, EOS, UNK, PAD = 4, COUNT = sizeof keys / sizeof *keys };
    const char *texts[COUNT] = {NULL};
    bool object[COUNT] = {false};
    int32_t ids[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        const radz_json *value = find_special(l, keys[i]);
        tok_place place = {l->config != NULL ? l->config : l->specials != NULL ? l->specials : l->json, keys[i], 0,
                           &tok->arena};
        ids[i] = -1;
        texts[i] = special_text(value);
        if (value != NULL && texts[i] == NULL)
            return tok_fail(&place, err, RADZ_E_FORMAT, "found %s, wanted a token", tok_kind_text(value));
        if (value == NULL && class != NULL)
            texts[i] = i == BOS ? class->bos : i == EOS ? class->eos : i == UNK ? class->unk : i == PAD ? class->pad : NULL;
        if (texts[i] == NULL)
            continue;
        object[i] = value != NULL && radz_json_kind_of(value) == RADZ_JSON_OBJECT;
        const tok_added *known = find_added(tok, texts[i]);
        bool again = known != NULL && (size_t)(known - tok->added) < l->listed;
        for (size_t k = 0; k < i && object[i] && !again; k++)
            again = object[k] && strcmp(texts[k], texts[i]) == 0;
        if (!again) {
            radz_status st = add_token(tok, &place, texts[i], -1, true, object[i] ? value : NULL, err);
            if (st != RADZ_OK)
                return st;
        }
        tok_added *token = find_added(tok, texts[i]);
        if (token != NULL)
            token->named = true;
        ids[i] = tok_vocab_find(&tok->vocab, texts[i], strlen(texts[i]));
    }
    tok->info.bos_id = ids[BOS];
    tok->info.eos_id = ids[EOS];
    tok->info.unk_id = ids[UNK];
    tok->info.pad_id = ids[PAD];
    return RADZ_OK;
}

/* "additional_special_tokens": texts or objects, of both files. */
static radz_status read_additional(loader *l, radz_error *err)
{
    const radz_json_doc *docs[] = {l->config, lists_added(l) ? NULL : l->specials};
    for (size_t d = 0; d < sizeof docs / sizeof *docs; d++) {
        const radz_json *list = docs[d] != NULL ? radz_json_find(radz_json_root(docs[d]), "additional_special_tokens") : NULL;
        tok_place place = {docs[d], "additional_special_tokens", 0, &l->tok->arena};
        if (list == NULL || radz_json_kind_of(list) == RADZ_JSON_NULL)
            continue;
        if (radz_json_kind_of(list) != RADZ_JSON_ARRAY)
            return tok_fail(&place, err, RADZ_E_FORMAT, "found %s, wanted a list", tok_kind_text(list));
        for (size_t i = 0; i < radz_json_size(list); i++) {
            const radz_json *item = radz_json_at(list, i);
            const char *text = special_text(item);
            if (text == NULL)
                return tok_fail(&place, err, RADZ_E_FORMAT, "found %s, wanted a token", tok_kind_text(item));
            radz_status st = RADZ_OK;
            if (find_added(l->tok, text) == NULL)
                st = add_token(l->tok, &place, text, -1, true,
                               radz_json_kind_of(item) == RADZ_JSON_OBJECT ? item : NULL, err);
            tok_added *token = find_added(l->tok, text);
            if (st == RADZ_OK && token != NULL)
                token->named = true;
            if (st != RADZ_OK)
                return st;
        }
    }
    return RADZ_OK;
}

static const tokenizer_class *class_of_file(int file)
{
    for (size_t i = 0; i < N_CLASSES; i++)
        if (classes[i].file == file)
            return &classes[i];
    return NULL;
}

static radz_status find_class(loader *l, int file, const tokenizer_class **out, radz_error *err)
{
    *out = class_of_file(file); /* folders of 2021 do not say it: CLIP's own, or Llama's */
    const radz_json *value = l->config != NULL ? radz_json_find(radz_json_root(l->config), "tokenizer_class") : NULL;
    if (value == NULL || radz_json_kind_of(value) == RADZ_JSON_NULL)
        return RADZ_OK;
    const char *name = radz_json_string(value);
    tok_place place = {l->config, "tokenizer_class", 0, &l->tok->arena};
    if (name == NULL)
        return tok_fail(&place, err, RADZ_E_FORMAT, "found %s, wanted a text", tok_kind_text(value));
    for (size_t i = 0; i < N_CLASSES; i++) {
        size_t n = strlen(classes[i].name);
        if (classes[i].file == file && strncmp(name, classes[i].name, n) == 0 &&
            (name[n] == '\0' || strcmp(name + n, "Fast") == 0)) {
            *out = &classes[i];
            return RADZ_OK;
        }
    }
    return tok_fail(&place, err, RADZ_E_UNSUPPORTED,
                    "the tokenizer '%.60s' of a %s without a tokenizer.json is not built; built: %s", name, file_names[file],
                    (*out)->name);
}

/* Reads a whole file into the hash (under its name) and gives its text. */
static radz_status read_hashed(loader *l, const char *path, char **text, size_t *size, radz_error *err)
{
    radz_status st = radz_file_read(path, MAX_FILE, text, size, err);
    if (st == RADZ_OK) {
        radz_sha256_add_text(&l->hash, radz_path_name(path));
        radz_sha256_add(&l->hash, *text, *size);
    }
    return st;
}

static radz_status hash_file(loader *l, const char *path, radz_error *err)
{
    char *text;
    size_t size;
    radz_status st = read_hashed(l, path, &text, &size, err);
    free(text);
    return st;
}

static radz_status load_parts(loader *l, radz_error *err)
{
    radz_tokenizer *tok = l->tok;
    const radz_json *root = radz_json_root(l->json);
    tok_place place = {l->json, "normalizer", 0, &tok->arena};
    radz_status st = tok_part_load(&place, radz_json_find(root, "normalizer"), &tok_normalizers, &tok->normalizer, err);
    place.path = "pre_tokenizer";
    if (st == RADZ_OK)
        st = tok_part_load(&place, radz_json_find(root, "pre_tokenizer"), &tok_pretokenizers, &tok->pretokenizer, err);
    place.path = "decoder";
    if (st == RADZ_OK)
        st = tok_part_load(&place, radz_json_find(root, "decoder"), &tok_decoders, &tok->decoder, err);
    return st;
}

/* tokenizer.json: everything is in it. */
static radz_status load_json(loader *l, radz_error *err)
{
    radz_tokenizer *tok = l->tok;
    char *text = NULL;
    size_t size;
    radz_status st = read_hashed(l, l->files[FILE_JSON], &text, &size, err);
    if (st == RADZ_OK)
        st = radz_json_parse(text, size, l->files[FILE_JSON], &l->json, err);
    free(text);
    if (st != RADZ_OK)
        return st;
    const radz_json *root = radz_json_root(l->json);
    tok_place place = {l->json, "model", 0, &tok->arena};
    if (radz_json_kind_of(root) != RADZ_JSON_OBJECT)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': found %s, wanted an object", l->files[FILE_JSON], tok_kind_text(root));
    if ((st = load_parts(l, err)) != RADZ_OK ||
        (st = tok_model_load(&place, radz_json_find(root, "model"), &tok->vocab, &tok->model, err)) != RADZ_OK ||
        (st = read_added_list(l, err)) != RADZ_OK || (st = read_added_object(l, err)) != RADZ_OK ||
        (st = read_named(l, NULL, err)) != RADZ_OK || (st = read_additional(l, err)) != RADZ_OK)
        return st;
    place.path = "post_processor";
    return tok_template_load(&place, radz_json_find(root, "post_processor"), &tok->vocab, &tok->around, err);
}

/* Template: bos, the text, eos. */
static radz_status put_around(radz_tokenizer *tok, bool bos, bool eos, radz_error *err)
{
    int32_t *ids = radz_arena_alloc(&tok->arena, 2, sizeof *ids, err);
    if (ids == NULL)
        return RADZ_E_NOMEM;
    ids[0] = tok->info.bos_id;
    ids[1] = tok->info.eos_id;
    tok->around = (tok_template){ids, ids + 1, bos, eos};
    return RADZ_OK;
}

/* vocab.json and merges.txt: the rest is what their tokenizer class says. */
static radz_status load_files(loader *l, radz_error *err)
{
    radz_tokenizer *tok = l->tok;
    const tokenizer_class *class;
    radz_status st = find_class(l, FILE_VOCAB, &class, err);
    if (st != RADZ_OK)
        return st;
    const char *unk = special_text(find_special(l, "unk_token"));
    if ((st = radz_json_parse(class->parts, strlen(class->parts), class->name, &l->json, err)) != RADZ_OK ||
        (st = hash_file(l, l->files[FILE_VOCAB], err)) != RADZ_OK || (st = hash_file(l, l->files[FILE_MERGES], err)) != RADZ_OK ||
        (st = load_parts(l, err)) != RADZ_OK ||
        (st = tok_bpe_load_files(l->files[FILE_VOCAB], l->files[FILE_MERGES], unk != NULL ? unk : class->unk, class->end_of_word,
                                 &tok->arena, &tok->vocab, &tok->model, err)) != RADZ_OK ||
        (st = read_added_object(l, err)) != RADZ_OK || (st = read_named(l, class, err)) != RADZ_OK ||
        (st = read_additional(l, err)) != RADZ_OK)
        return st;
    return put_around(tok, class->wrap, class->wrap, err);
}

/* tokenizer.model: the rest is as in transformers' LlamaTokenizer that runs SentencePiece (use_fast=False), which LLaVA
 * asks for. It looks for added tokens in the raw text; `legacy` is how it was before its versions of 2023: each part
 * between added tokens begins with a mark. */
static radz_status load_sentencepiece(loader *l, radz_error *err)
{
    static const char mark_blanks[] = "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"" TOK_MARK "\"}",
                      mark_parts[] = "{\"type\": \"Prepend\", \"prepend\": \"" TOK_MARK "\"}, ",
                      decoders[] = "{\"type\": \"Replace\", \"pattern\": {\"String\": \"" TOK_MARK "\"}, \"content\": \" \"},"
                                   " {\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}",
                      strip[] = ", {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}";
    radz_tokenizer *tok = l->tok;
    const char *name = l->files[FILE_SENTENCEPIECE];
    const tokenizer_class *class;
    sp_file file = {0};
    radz_strbuf parts = {0};
    char *data = NULL;
    size_t size = 0;
    bool legacy, bos, eos, prefix;
    tok_place place = {l->config, "(top level)", 0, &tok->arena};
    const radz_json *options = l->config != NULL ? radz_json_root(l->config) : NULL;
    radz_status st = find_class(l, FILE_SENTENCEPIECE, &class, err);
    if (st != RADZ_OK || (st = tok_get_bool(&place, options, "legacy", true, &legacy, err)) != RADZ_OK ||
        (st = tok_get_bool(&place, options, "add_bos_token", true, &bos, err)) != RADZ_OK ||
        (st = tok_get_bool(&place, options, "add_eos_token", false, &eos, err)) != RADZ_OK ||
        (st = tok_get_bool(&place, options, "add_prefix_space", true, &prefix, err)) != RADZ_OK ||
        (st = read_hashed(l, name, &data, &size, err)) != RADZ_OK ||
        (st = sp_read(name, data, size, &tok->arena, &file, err)) != RADZ_OK ||
        (st = tok_bpe_load_pieces(name, &file, &tok->arena, &tok->vocab, &tok->model, err)) != RADZ_OK)
        goto done;
    st = radz_strbuf_printf(&parts, err, "{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [%s%s]}, \"decoder\": "
                            "{\"type\": \"Sequence\", \"decoders\": [%s%s]}}", legacy && file.dummy_prefix ? mark_parts : "",
                            mark_blanks, decoders, prefix || (legacy && file.dummy_prefix) ? strip : "");
    if (st != RADZ_OK || (st = radz_json_parse(parts.text, parts.length, class->name, &l->json, err)) != RADZ_OK ||
        (st = load_parts(l, err)) != RADZ_OK || (st = read_added_object(l, err)) != RADZ_OK ||
        (st = read_added_older(l, err)) != RADZ_OK || (st = read_named(l, class, err)) != RADZ_OK ||
        (st = read_additional(l, err)) != RADZ_OK)
        goto done;
    tok->mark_text = !legacy && prefix;
    tok->drop_mark = !legacy;
    for (size_t i = 0; i < tok->added_count; i++) {
        tok->added[i].normalized = false;
        tok->added[i].special = tok->added[i].named;
    }
    st = put_around(tok, bos, eos, err);
done:
    free(file.pieces);
    free(data);
    radz_strbuf_free(&parts);
    return st;
}

/* What is looked for in texts, and the numbers that others ask for. */
static radz_status finish(loader *l, radz_error *err)
{
    radz_tokenizer *tok = l->tok;
    for (size_t i = 0; i < tok->added_count; i++) {
        tok_added *token = &tok->added[i];
        token->needle = token->content;
        token->needle_length = token->length;
        if (token->normalized) {
            radz_strbuf text = {0};
            radz_status st = tok_part_text(&tok->normalizer, token->content, token->length, &text, err);
            if (st == RADZ_OK) {
                token->needle = radz_arena_strndup(&tok->arena, text.text, text.length, err);
                token->needle_length = text.length;
            }
            radz_strbuf_free(&text);
            if (st != RADZ_OK || token->needle == NULL)
                return RADZ_E_NOMEM;
        }
        if (token->needle_length > 0)
            tok->first_byte[token->normalized][(unsigned char)token->needle[0]] = true;
    }

    radz_tokenizer_info *info = &tok->info;
    info->kind = tok->model.kind->name;
    info->vocab_size = tok->vocab.size;
    info->added_count = tok->around.before_count + tok->around.after_count;
    if (info->bos_id < 0 && tok->around.before_count > 0)
        info->bos_id = tok->around.before[0];
    if (info->eos_id < 0 && tok->around.after_count > 0)
        info->eos_id = tok->around.after[tok->around.after_count - 1];
    if (info->unk_id < 0)
        info->unk_id = tok->model.kind->unk_id(tok->model.state);
    if (info->pad_id < 0)
        info->pad_id = info->eos_id >= 0 ? info->eos_id : 0;
    const radz_json *longest = l->config != NULL ? radz_json_find(radz_json_root(l->config), "model_max_length") : NULL;
    double context;
    if (longest != NULL && radz_json_as_double(longest, &context)) {
        if (context >= 1 && context <= MAX_CONTEXT)
            info->context = (size_t)context;
        else if (context < 1)
            return radz_fail(err, RADZ_E_FORMAT, "'%s': key 'model_max_length': found %g, wanted at least 1",
                             radz_json_doc_name(l->config), context);
    }
    return RADZ_OK;
}

radz_status radz_tokenizer_load(const char *model_dir, radz_tokenizer **out, radz_error *err)
{
    *out = NULL;
    loader l = {.folder = model_dir};
    radz_sha256_begin(&l.hash);
    char sha256[RADZ_SHA256_HEX_SIZE];
    radz_status st = RADZ_OK, hash_status;
    l.tok = radz_calloc(1, sizeof *l.tok, err);
    if (l.tok == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    for (int i = 0; i < N_FILES; i++) {
        l.files[i] = radz_path_join(model_dir, file_names[i], err);
        if (l.files[i] == NULL) {
            st = RADZ_E_NOMEM;
            goto done;
        }
        if (!radz_file_exists(l.files[i])) {
            free(l.files[i]);
            l.files[i] = NULL;
        }
    }
    const char *vocab = l.files[FILE_VOCAB], *merges = l.files[FILE_MERGES];
    if (l.files[FILE_JSON] == NULL && l.files[FILE_SENTENCEPIECE] == NULL && (vocab == NULL || merges == NULL)) {
        st = radz_fail(err, RADZ_E_MISSING,
                       "'%s': no tokenizer: wanted tokenizer.json, tokenizer.model, or vocab.json and merges.txt%s", model_dir,
                       vocab != NULL ? " (only vocab.json is there)" : merges != NULL ? " (only merges.txt is there)" : "");
        goto done;
    }
    if ((st = load_optional(&l, "tokenizer_config.json", &l.config, err)) != RADZ_OK ||
        (st = load_optional(&l, "special_tokens_map.json", &l.specials, err)) != RADZ_OK)
        goto done;
    if (l.files[FILE_JSON] != NULL)
        st = load_json(&l, err);
    else if (l.files[FILE_SENTENCEPIECE] == NULL)
        st = load_files(&l, err);
    else if ((st = load_optional(&l, "added_tokens.json", &l.older, err)) == RADZ_OK)
        st = load_sentencepiece(&l, err);
    if (st == RADZ_OK)
        st = finish(&l, err);
done:
    hash_status = radz_sha256_end(&l.hash, sha256, err);
    if (st == RADZ_OK)
        st = hash_status;
    if (st == RADZ_OK) {
        memcpy(l.tok->info.sha256, sha256, sizeof sha256);
        *out = l.tok;
        l.tok = NULL;
    }
    radz_tokenizer_free(l.tok);
    for (int i = 0; i < N_FILES; i++)
        free(l.files[i]);
    radz_json_free(l.config);
    radz_json_free(l.specials);
    radz_json_free(l.older);
    radz_json_free(l.json);
    return st;
}

/* Tokenizers against the ids of Hugging Face transformers and tokenizers (tests/golden/text, made by
 * tests/reference/make_text_goldens.py, which records the versions), and what broken files say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer.h"

#define GOLDEN RADZ_TEST_DIR "/golden/text/"

static radz_error err;

static void need_ok(radz_status st)
{
    if (st != RADZ_OK)
        fail_msg("%s: %s", radz_status_name(st), err.message);
}

/* Ids as stored: an id, or [id, count]. Returns how many; `out` has room for `limit`. */
static size_t read_ids(const radz_json *list, int32_t *out, size_t limit)
{
    size_t n = 0;
    for (size_t i = 0; i < radz_json_size(list); i++) {
        const radz_json *item = radz_json_at(list, i);
        int64_t id, count = 1;
        if (radz_json_kind_of(item) == RADZ_JSON_ARRAY) {
            assert_true(radz_json_as_i64(radz_json_at(item, 1), &count));
            item = radz_json_at(item, 0);
        }
        assert_true(radz_json_as_i64(item, &id));
        for (int64_t k = 0; k < count; k++) {
            assert_true(n < limit);
            out[n++] = (int32_t)id;
        }
    }
    return n;
}

static void compare_ids(const char *what, const char *text, const int32_t *ids, size_t count, const int32_t *wanted,
                        size_t wanted_count)
{
    for (size_t i = 0; i < count && i < wanted_count; i++) {
        if (ids[i] != wanted[i])
            fail_msg("%s: text '%.300s': id %zu is %d, wanted %d", what, text, i, ids[i], wanted[i]);
    }
    if (count != wanted_count)
        fail_msg("%s: text '%.300s': %zu ids, wanted %zu", what, text, count, wanted_count);
}

enum { LIMIT = 8192 };

static void check_case(const radz_tokenizer *tok, const radz_json *row, const char *what)
{
    static int32_t wanted[LIMIT], ids[LIMIT];
    const radz_json *text_value = radz_json_find(row, "text");
    char *bytes = NULL;
    const char *text;
    size_t length, count;
    if (text_value != NULL) {
        text = radz_json_string(text_value);
        length = radz_json_string_length(text_value);
    } else { /* in hexadecimal, because it is not UTF-8 */
        const char *hex = radz_json_string(radz_json_find(row, "bytes"));
        assert_non_null(hex);
        length = strlen(hex) / 2;
        bytes = calloc(length + 1, 1);
        assert_non_null(bytes);
        for (size_t i = 0; i < length; i++) {
            unsigned value;
            assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
            bytes[i] = (char)value;
        }
        text = bytes;
    }

    int32_t *all;
    need_ok(radz_tokenizer_encode_all(tok, text, length, true, &all, &count, &err));
    size_t full = read_ids(radz_json_find(row, "all"), wanted, LIMIT);
    compare_ids(what, text, all, count, wanted, full);

    char *decoded;
    need_ok(radz_tokenizer_decode(tok, all, count, true, &decoded, &err));
    const radz_json *text_back = radz_json_find(row, "decoded");
    if (text_back != NULL)
        assert_string_equal(decoded, radz_json_string(text_back));
    free(decoded);
    free(all);

    static const size_t contexts[] = {77, 9};
    for (size_t k = 0; k < 2 && strlen(text) == length; k++) { /* this form ends at a NUL */
        size_t context = contexts[k], n;
        const radz_json *cut = radz_json_find(row, k == 0 ? "77" : "9");
        n = read_ids(cut != NULL ? cut : radz_json_find(row, "all"), wanted, LIMIT);
        assert_true(n <= context);
        need_ok(radz_tokenizer_encode(tok, text, context, ids, &count, &err));
        compare_ids(what, text, ids, count, wanted, n);
        for (size_t i = n; i < context; i++)
            assert_int_equal(ids[i], radz_tokenizer_info_of(tok)->pad_id);
    }
    free(bytes);
}

static void check_golden(const char *name, const char *folder)
{
    char path[512], own[512];
    radz_json_doc *doc;
    radz_tokenizer *tok;
    snprintf(path, sizeof path, GOLDEN "%s.json", name);
    need_ok(radz_json_load(path, &doc, &err));
    const radz_json *root = radz_json_root(doc);
    if (folder == NULL) {
        snprintf(own, sizeof own, GOLDEN "%s", radz_json_string(radz_json_find(root, "folder")));
        folder = own;
    }
    need_ok(radz_tokenizer_load(folder, &tok, &err));
    const radz_tokenizer_info *info = radz_tokenizer_info_of(tok);
    int64_t number;
    struct {
        const char *key;
        int64_t found;
    } const numbers[] = {{"eos", info->eos_id}, {"pad", info->pad_id}, {"vocab_size", (int64_t)info->vocab_size}};
    for (size_t i = 0; i < 3; i++) {
        assert_true(radz_json_as_i64(radz_json_find(root, numbers[i].key), &number));
        assert_int_equal(numbers[i].found, number);
    }
    if (radz_json_as_i64(radz_json_find(root, "bos"), &number))
        assert_int_equal(info->bos_id, number);
    else
        assert_int_equal(info->bos_id, -1);
    assert_true(radz_json_as_i64(radz_json_find(root, "context"), &number));
    assert_int_equal(info->context, number);
    assert_int_equal(strlen(info->sha256), 64);

    int32_t padded[9], wanted[9];
    size_t count;
    need_ok(radz_tokenizer_encode(tok, "a", 9, padded, &count, &err));
    assert_int_equal(read_ids(radz_json_find(root, "padded"), wanted, 9), 9);
    assert_memory_equal(padded, wanted, sizeof wanted);

    const radz_json *cases = radz_json_find(root, "cases");
    assert_true(radz_json_size(cases) >= 40);
    for (size_t i = 0; i < radz_json_size(cases); i++)
        check_case(tok, radz_json_at(cases, i), name);
    print_message("%s: %zu texts, %zu tokens in the vocabulary\n", name, radz_json_size(cases), info->vocab_size);
    radz_tokenizer_free(tok);
    radz_json_free(doc);
}

static void golden_files(void **state)
{
    (void)state;
    check_golden("files", NULL);
}

static void golden_json(void **state)
{
    (void)state;
    check_golden("json", NULL);
    /* one vocabulary in two forms: the long list holds for both */
    check_golden("files", GOLDEN "json");
}

static void golden_pad(void **state)
{
    (void)state;
    check_golden("pad", NULL);
}

static void golden_older(void **state)
{
    (void)state;
    check_golden("older", NULL);
}

static void golden_gpt2(void **state)
{
    (void)state;
    check_golden("gpt2", NULL);
}

static void golden_trained(void **state)
{
    (void)state;
    check_golden("trained", NULL);
}

static void golden_llama(void **state)
{
    (void)state;
    check_golden("llama", NULL);
}

static void golden_mistral(void **state)
{
    (void)state;
    check_golden("mistral", NULL);
}

static void golden_llama3(void **state)
{
    (void)state;
    check_golden("llama3", NULL);
}

static void golden_qwen2(void **state)
{
    (void)state;
    check_golden("qwen2", NULL);
}

static void golden_sentencepiece(void **state)
{
    (void)state;
    check_golden("sp_llava", NULL);
    check_golden("sp_legacy", NULL);
    check_golden("sp_odd", NULL);
}

/* ---- OpenAI's own vocabulary, which is not in this repository ---- */
static void append_unit(char *text, unsigned byte)
{
    unsigned c = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE ? byte
                 : byte <= 0x20                                                                 ? 0x100 + byte
                 : byte <= 0xA0                                                                 ? 0x100 + byte - 0x5E
                                                                                                : 0x143;
    size_t n = strlen(text);
    if (c < 0x80) {
        text[n++] = (char)c;
    } else {
        text[n++] = (char)(0xC0 | (c >> 6));
        text[n++] = (char)(0x80 | (c & 0x3F));
    }
    text[n] = '\0';
}

static char *temporary_folder(void)
{
    static char folder[64];
    strcpy(folder, "/tmp/radz-text-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void remove_folder(const char *folder)
{
    radz_strlist names = {0};
    char path[512];
    need_ok(radz_dir_list(folder, "", &names, &err));
    for (size_t i = 0; i < names.count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
        assert_int_equal(unlink(path), 0);
    }
    radz_strlist_free(&names);
    assert_int_equal(rmdir(folder), 0);
}

static void golden_clip(void **state)
{
    (void)state;
    const char *data = getenv("RADZ_REFERENCE_DATA");
    char path[1024], line[1024];
    if (data == NULL) {
        print_message("skipped: RADZ_REFERENCE_DATA is not set (wanted: a folder with clip/bpe_simple_vocab_16e6.txt.gz)\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/clip/bpe_simple_vocab_16e6.txt.gz", data);
    if (!radz_file_exists(path)) {
        print_message("skipped: '%s' is not there\n", path);
        skip();
    }
    const char *folder = temporary_folder();
    snprintf(path, sizeof path, "gzip -dc '%s/clip/bpe_simple_vocab_16e6.txt.gz'", data);
    FILE *in = popen(path, "r");
    assert_non_null(in);
    snprintf(path, sizeof path, "%s/vocab.json", folder);
    FILE *vocab = fopen(path, "w");
    snprintf(path, sizeof path, "%s/merges.txt", folder);
    FILE *merges = fopen(path, "w");
    assert_non_null(vocab);
    assert_non_null(merges);
    radz_json_writer w;
    radz_json_writer_init(&w, vocab);
    radz_json_object_begin(&w, NULL);
    int id = 0;
    for (int part = 0; part < 2; part++) {
        for (int group = 0; group < 2; group++) { /* printable bytes first */
            for (unsigned byte = 0; byte < 256; byte++) {
                bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
                if (printable == (group == 1))
                    continue;
                char text[16] = "";
                append_unit(text, byte);
                strcat(text, part == 1 ? "</w>" : "");
                radz_json_put_i64(&w, text, id++);
            }
        }
    }
    fputs("#version: 0.2\n", merges);
    assert_non_null(fgets(line, sizeof line, in)); /* its own version line */
    for (int i = 0; i < 49152 - 256 - 2; i++) {
        assert_non_null(fgets(line, sizeof line, in));
        fputs(line, merges);
        line[strcspn(line, "\n")] = '\0';
        char *blank = strchr(line, ' ');
        assert_non_null(blank);
        memmove(blank, blank + 1, strlen(blank));
        radz_json_put_i64(&w, line, id++);
    }
    radz_json_put_i64(&w, "<|startoftext|>", id++);
    radz_json_put_i64(&w, "<|endoftext|>", id++);
    radz_json_object_end(&w);
    fclose(vocab);
    fclose(merges);
    while (fgets(line, sizeof line, in) != NULL)
        continue;
    pclose(in);
    assert_int_equal(id, 49408);
    const char *config = "{\"model_max_length\": 77, \"tokenizer_class\": \"CLIPTokenizer\"}";
    const char *map = "{\"bos_token\":{\"content\":\"<|startoftext|>\",\"normalized\":true},"
                      "\"eos_token\":{\"content\":\"<|endoftext|>\",\"normalized\":true},"
                      "\"unk_token\":{\"content\":\"<|endoftext|>\",\"normalized\":true},\"pad_token\":\"<|endoftext|>\"}";
    snprintf(path, sizeof path, "%s/tokenizer_config.json", folder);
    need_ok(radz_file_write(path, config, strlen(config), &err));
    snprintf(path, sizeof path, "%s/special_tokens_map.json", folder);
    need_ok(radz_file_write(path, map, strlen(map), &err));

    radz_tokenizer *tok;
    double begun = radz_clock_seconds();
    need_ok(radz_tokenizer_load(folder, &tok, &err));
    double loaded = radz_clock_seconds();
    radz_tokenizer_free(tok);
    print_message("loaded 49,408 tokens in %.1f ms\n", 1e3 * (loaded - begun));
    check_golden("clip", folder);
    remove_folder(folder);
}

/* ---- what else a caller sees ---- */
static radz_tokenizer *load(const char *folder)
{
    radz_tokenizer *tok;
    char path[512];
    snprintf(path, sizeof path, GOLDEN "%s", folder);
    need_ok(radz_tokenizer_load(path, &tok, &err));
    return tok;
}

static void looks_up(void **state)
{
    (void)state;
    radz_tokenizer *tok = load("files");
    const radz_tokenizer_info *info = radz_tokenizer_info_of(tok);
    assert_string_equal(info->kind, "BPE");
    assert_int_equal(info->added_count, 2);
    assert_int_equal(radz_tokenizer_id_of(tok, "<|endoftext|>"), info->eos_id);
    assert_int_equal(radz_tokenizer_id_of(tok, "no such token"), -1);
    assert_string_equal(radz_tokenizer_token_of(tok, info->bos_id), "<|startoftext|>");
    assert_null(radz_tokenizer_token_of(tok, -1));
    assert_null(radz_tokenizer_token_of(tok, (int32_t)info->vocab_size));
    radz_tokenizer *same = load("files"), *other = load("pad");
    assert_string_equal(info->sha256, radz_tokenizer_info_of(same)->sha256);
    assert_string_not_equal(info->sha256, radz_tokenizer_info_of(other)->sha256);
    radz_tokenizer_free(same);
    radz_tokenizer_free(other);
    radz_tokenizer_free(tok);
    radz_tokenizer_free(NULL);
}

static void contexts(void **state)
{
    (void)state;
    radz_tokenizer *tok = load("files");
    int32_t ids[4], bos = radz_tokenizer_info_of(tok)->bos_id, eos = radz_tokenizer_info_of(tok)->eos_id;
    size_t count = 9;
    assert_int_equal(radz_tokenizer_encode(tok, "a", 1, ids, &count, &err), RADZ_E_USAGE);
    assert_int_equal(count, 0);
    radz_error_clear(&err);
    need_ok(radz_tokenizer_encode(tok, "a b c", 2, ids, &count, &err));
    assert_int_equal(count, 2);
    assert_true(ids[0] == bos && ids[1] == eos);
    need_ok(radz_tokenizer_encode(tok, "a b c", 3, ids, &count, &err));
    assert_true(count == 3 && ids[0] == bos && ids[1] == radz_tokenizer_id_of(tok, "a</w>") && ids[2] == eos);
    int32_t *all;
    need_ok(radz_tokenizer_encode_all(tok, "a\0b", 3, false, &all, &count, &err));
    assert_int_equal(count, 3); /* the NUL is a word of its own */
    free(all);
    need_ok(radz_tokenizer_encode_all(tok, "", 0, false, &all, &count, &err));
    assert_int_equal(count, 0);
    assert_non_null(all);
    free(all);
    int32_t bad = (int32_t)radz_tokenizer_info_of(tok)->vocab_size;
    char *text;
    assert_int_equal(radz_tokenizer_decode(tok, &bad, 1, false, &text, &err), RADZ_E_VALUE);
    assert_null(text);
    radz_error_clear(&err);
    need_ok(radz_tokenizer_decode(tok, ids, 3, false, &text, &err));
    assert_string_equal(text, "<|startoftext|>a <|endoftext|>");
    free(text);
    need_ok(radz_tokenizer_decode(tok, NULL, 0, false, &text, &err));
    assert_string_equal(text, "");
    free(text);
    radz_tokenizer_free(tok);
}

/* Time is linear: a text of one word, of many words, of combining marks alone; each took seconds if it were quadratic. */
static void long_texts(void **state)
{
    (void)state;
    radz_tokenizer *tok = load("files");
    static const char *const units[] = {"a", "ab ", "\xCC\x81", "\xCC\x81\xCC\xA3", "!", " ", "e\xCC\x81", "<|endoftext|>", "\xFF"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t unit = strlen(units[u]), length = (size_t)1 << 19, count;
        char *text = malloc(length + unit);
        assert_non_null(text);
        size_t n = 0;
        while (n < length) {
            memcpy(text + n, units[u], unit);
            n += unit;
        }
        int32_t *ids;
        double begun = radz_clock_seconds();
        need_ok(radz_tokenizer_encode_all(tok, text, n, true, &ids, &count, &err));
        double seconds = radz_clock_seconds() - begun;
        print_message("%zu bytes of '%s': %zu ids in %.0f ms\n", n, units[u], count, 1e3 * seconds);
        assert_true(seconds < 20); /* seen: below 0.2 s, with sanitizers below 2 s */
        free(ids);
        free(text);
    }
    radz_tokenizer_free(tok);
}

/* ---- broken files ---- */
typedef struct file_text {
    const char *name, *text;
} file_text;

static void check_refused(const file_text *files, size_t count, radz_status wanted, const char *part)
{
    const char *folder = temporary_folder();
    char path[512];
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        need_ok(radz_file_write(path, files[i].text, strlen(files[i].text), &err));
    }
    radz_tokenizer *tok = (radz_tokenizer *)&err; /* must become NULL */
    radz_status st = radz_tokenizer_load(folder, &tok, &err);
    if (st != wanted || strstr(err.message, part) == NULL)
        fail_msg("status %s, message '%s'; wanted %s and '%s'", radz_status_name(st), err.message,
                 radz_status_name(wanted), part);
    assert_null(tok);
    radz_error_clear(&err);
    remove_folder(folder);
}

#define VOCAB "{\"a\": 0, \"b\": 1, \"ab\": 2, \"a</w>\": 3, \"<|startoftext|>\": 4, \"<|endoftext|>\": 5}"

static void refuses_files(void **state)
{
    (void)state;
    check_refused(NULL, 0, RADZ_E_MISSING, "no tokenizer: wanted tokenizer.json, tokenizer.model, or vocab.json and merges.txt");
    static const struct {
        const char *vocab, *merges, *config;
        radz_status status;
        const char *part;
    } rows[] = {
        {VOCAB, NULL, NULL, RADZ_E_MISSING, "(only vocab.json is there)"},
        {NULL, "a b\n", NULL, RADZ_E_MISSING, "(only merges.txt is there)"},
        {"{\"a\": 0", "a b\n", NULL, RADZ_E_FORMAT, "vocab.json' line 1"},
        {"[1]", "a b\n", NULL, RADZ_E_FORMAT, "wanted an object of tokens and ids"},
        {"{}", "a b\n", NULL, RADZ_E_FORMAT, "the vocabulary is empty"},
        {"{\"a\": -1}", "", NULL, RADZ_E_FORMAT, "token 'a' wants an id from 0"},
        {"{\"a\": 1.5}", "", NULL, RADZ_E_FORMAT, "token 'a' wants an id from 0"},
        {"{\"a\": 5000000}", "", NULL, RADZ_E_FORMAT, "token 'a' wants an id from 0"},
        {"{\"a\": 1, \"b\": 1}", "", NULL, RADZ_E_FORMAT, "tokens 'a' and 'b' have the same id 1"},
        {"{\"a\": 1, \"a\": 2}", "", NULL, RADZ_E_FORMAT, "duplicate"},
        {VOCAB, "#version: 0.2\na b\na\n", NULL, RADZ_E_FORMAT, "merges.txt' line 3: found 'a', wanted two tokens"},
        {VOCAB, "a b c\n", NULL, RADZ_E_FORMAT, "line 1: found 'a b c'"},
        {VOCAB, "a \n", NULL, RADZ_E_FORMAT, "line 1: found 'a '"},
        {VOCAB, " a\n", NULL, RADZ_E_FORMAT, "line 1: found ' a'"},
        {VOCAB, "a x\n", NULL, RADZ_E_FORMAT, "line 1: merge 0 ('a' 'x'): 'x' is not in the vocabulary"},
        {VOCAB, "b a\n", NULL, RADZ_E_FORMAT, "their union is not in the vocabulary"},
        {VOCAB, "a b\n", "{\"tokenizer_class\": \"LlamaTokenizer\"}", RADZ_E_UNSUPPORTED, "the tokenizer 'LlamaTokenizer'"},
        {VOCAB, "a b\n", "{\"tokenizer_class\": 3}", RADZ_E_FORMAT, "key 'tokenizer_class': found a number"},
        {VOCAB, "a b\n", "{\"model_max_length\": 0}", RADZ_E_FORMAT, "found 0, wanted at least 1"},
        {VOCAB, "a b\n", "{\"bos_token\": 3}", RADZ_E_FORMAT, "key 'bos_token': found a number"},
        {VOCAB, "a b\n", "[]", RADZ_E_FORMAT, "found a list, wanted an object"},
        {VOCAB, "a b\n", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"q\"}}}", RADZ_E_VALUE, "key 'added_tokens_decoder'"},
        {VOCAB, "a b\n", "{\"added_tokens_decoder\": {\"0\": {\"content\": \"b\"}}}", RADZ_E_FORMAT,
         "token 'b' has id 0 here and 1 in the vocabulary"},
        {VOCAB, "a b\n", "{\"added_tokens_decoder\": {\"9\": {\"content\": \"q\", \"single_word\": true}}}", RADZ_E_UNSUPPORTED,
         "single_word is not built"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        file_text files[3];
        size_t n = 0;
        if (rows[i].vocab != NULL)
            files[n++] = (file_text){"vocab.json", rows[i].vocab};
        if (rows[i].merges != NULL)
            files[n++] = (file_text){"merges.txt", rows[i].merges};
        if (rows[i].config != NULL)
            files[n++] = (file_text){"tokenizer_config.json", rows[i].config};
        check_refused(files, n, rows[i].status, rows[i].part);
    }
}

#define BPE "\"model\": {\"type\": \"BPE\", \"vocab\": " VOCAB ", \"merges\": [\"a b\"]}"

static void refuses_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        radz_status status;
        const char *part;
    } rows[] = {
        {"{", RADZ_E_FORMAT, "tokenizer.json' line 1"},
        {"[]", RADZ_E_FORMAT, "found a list, wanted an object"},
        {"{}", RADZ_E_FORMAT, "key 'model': a tokenizer must have a model"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": []}}", RADZ_E_UNSUPPORTED, "the model 'Unigram' is not built; built: BPE"},
        {"{\"model\": {\"type\": \"BPE\"}}", RADZ_E_FORMAT, "wants an object 'vocab' and a list 'merges'"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [\"ab\"]}}", RADZ_E_FORMAT, "merge 0 must be two tokens"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [[\"a\"]]}}", RADZ_E_FORMAT, "merge 0 must be two tokens"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [[\"a\", 3]]}}", RADZ_E_FORMAT, "merge 0 must be two tokens"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [\"a q\"]}}", RADZ_E_FORMAT, "key 'model': merge 0 ('a' 'q')"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [], \"byte_fallback\": 1}}", RADZ_E_FORMAT, "'byte_fallback': found a number, wanted true or false"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [], \"dropout\": 0.1}}", RADZ_E_UNSUPPORTED, "dropout"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [], \"continuing_subword_prefix\": \"##\"}}", RADZ_E_UNSUPPORTED, "'##'"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [], \"unk_token\": \"<unk>\"}}", RADZ_E_FORMAT, "unk_token '<unk>' is not"},
        {"{\"model\": {\"vocab\": " VOCAB ", \"merges\": [], \"fuse_unk\": 1}}", RADZ_E_FORMAT, "'fuse_unk': found a number, wanted true or false"},
        {"{\"normalizer\": {\"type\": \"BertNormalizer\"}, " BPE "}", RADZ_E_UNSUPPORTED,
         "key 'normalizer': the normalizer 'BertNormalizer' is not built; built: NFC, Lowercase, Replace, Prepend, Sequence"},
        {"{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"Strip\"}]}, " BPE "}", RADZ_E_UNSUPPORTED,
         "key 'normalizer.normalizers[1]': the normalizer 'Strip'"},
        {"{\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"[0-9]\"}, \"content\": \"\"}, " BPE "}", RADZ_E_UNSUPPORTED, "'[0-9]' is not built"},
        {"{\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"\"}, " BPE "}", RADZ_E_FORMAT, "must hold a text"},
        {"{\"normalizer\": 7, " BPE "}", RADZ_E_FORMAT, "key 'normalizer': found a number, wanted an object"},
        {"{\"normalizer\": {}, " BPE "}", RADZ_E_FORMAT, "'type' is missing"},
        {"{\"pre_tokenizer\": {\"type\": \"Whitespace\"}, " BPE "}", RADZ_E_UNSUPPORTED, "the pre-tokenizer 'Whitespace'"},
        {"{\"pre_tokenizer\": {\"type\": \"Metaspace\"}, " BPE "}", RADZ_E_FORMAT, "'replacement' is missing"},
        {"{\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"\"}, " BPE "}", RADZ_E_FORMAT, "'replacement' is empty"},
        {"{\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"last\"}, " BPE "}", RADZ_E_FORMAT, "prepend_scheme 'last', wanted first"},
        {"{\"decoder\": {\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"last\"}, " BPE "}", RADZ_E_FORMAT, "prepend_scheme 'last', wanted first"},
        {"{\"normalizer\": {\"type\": \"Prepend\"}, " BPE "}", RADZ_E_FORMAT, "'prepend' is missing"},
        {"{\"decoder\": {\"type\": \"Sequence\"}, " BPE "}", RADZ_E_FORMAT, "a list 'decoders'"},
        {"{\"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Strip\", \"content\": \" \", \"start\": -1}]}, " BPE "}", RADZ_E_FORMAT, "key 'decoder.decoders[0]': 'start' must be"},
        {"{\"decoder\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"a\"}, \"content\": \"\"}, " BPE "}", RADZ_E_UNSUPPORTED, "a decoder's 'pattern'"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"x\"}, \"behavior\": \"Removed\"}, " BPE "}", RADZ_E_UNSUPPORTED, "the regular expression 'x'"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \"x\"}, \"behavior\": \"Removed\"}, " BPE "}", RADZ_E_UNSUPPORTED, "literal text"},
        {"{\"decoder\": {\"type\": \"WordPiece\"}, " BPE "}", RADZ_E_UNSUPPORTED, "the decoder 'WordPiece'"},
        {"{\"post_processor\": {\"type\": \"Other\"}, " BPE "}", RADZ_E_UNSUPPORTED, "the post-processor 'Other'"},
        {"{\"post_processor\": {\"type\": \"RobertaProcessing\", \"cls\": [\"a\", 0]}, " BPE "}", RADZ_E_FORMAT, "'sep' must be [TOKEN, ID]"},
        {"{\"post_processor\": {\"type\": \"RobertaProcessing\", \"cls\": [\"a\", 1], \"sep\": [\"a\", 0]}, " BPE "}", RADZ_E_FORMAT, "token 'a' has id 1 here and 0 in"},
        {"{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [], \"special_tokens\": {}}, " BPE "}", RADZ_E_FORMAT, "the text has no place"},
        {"{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\"}}], \"special_tokens\": {}}, " BPE "}", RADZ_E_FORMAT, "'single[0]' must be"},
        {"{\"added_tokens\": {}, " BPE "}", RADZ_E_FORMAT, "key 'added_tokens': found an object, wanted a list"},
        {"{\"added_tokens\": [{\"content\": \"q\"}], " BPE "}", RADZ_E_FORMAT, "token 'q' wants an id"},
        {"{\"added_tokens\": [{\"content\": \"q\", \"id\": 2}], " BPE "}", RADZ_E_FORMAT, "tokens 'ab' and 'q' have the same id 2"},
        {"{\"added_tokens\": [3], " BPE "}", RADZ_E_FORMAT, "'content' is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(&(file_text){"tokenizer.json", rows[i].text}, 1, rows[i].status, rows[i].part);

    /* sequences in sequences */
    radz_strbuf deep = {0};
    need_ok(radz_strbuf_puts(&deep, "{\"normalizer\": ", &err));
    for (int i = 0; i < 50; i++)
        need_ok(radz_strbuf_puts(&deep, "{\"type\": \"Sequence\", \"normalizers\": [", &err));
    for (int i = 0; i < 50; i++)
        need_ok(radz_strbuf_puts(&deep, "]}", &err));
    need_ok(radz_strbuf_puts(&deep, ", " BPE "}", &err));
    check_refused(&(file_text){"tokenizer.json", deep.text}, 1, RADZ_E_FORMAT, "sequences nest deeper than 8");
    radz_strbuf_free(&deep);
}

static void truncated_files(void **state)
{
    (void)state;
    /* every shorter tokenizer.json is refused, none is half read */
    char *text;
    size_t size;
    need_ok(radz_file_read(GOLDEN "older/tokenizer.json", 1 << 20, &text, &size, &err));
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' '))
        size--;
    for (size_t cut = 0; cut < size; cut += 97) {
        const char *folder = temporary_folder();
        char path[512];
        snprintf(path, sizeof path, "%s/tokenizer.json", folder);
        need_ok(radz_file_write(path, text, cut, &err));
        radz_tokenizer *tok;
        assert_int_equal(radz_tokenizer_load(folder, &tok, &err), RADZ_E_FORMAT);
        assert_null(tok);
        radz_error_clear(&err);
        remove_folder(folder);
    }
    free(text);
}

/* ---- SentencePiece's file, written by hand ---- */
static void put_varint(radz_strbuf *out, uint64_t value)
{
    do {
        char byte = (char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        need_ok(radz_strbuf_append(out, &byte, 1, &err));
        value >>= 7;
    } while (value > 0);
}

static void put_number(radz_strbuf *out, unsigned field, uint64_t value)
{
    put_varint(out, field << 3);
    put_varint(out, value);
}

static void put_bytes(radz_strbuf *out, unsigned field, const char *data, size_t length)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, length);
    need_ok(radz_strbuf_append(out, data, length, &err));
}

static void put_piece(radz_strbuf *out, const char *text, float score, unsigned kind)
{
    radz_strbuf piece = {0};
    uint32_t bits;
    put_bytes(&piece, 1, text, strlen(text));
    put_varint(&piece, 2 << 3 | 5);
    memcpy(&bits, &score, sizeof bits);
    for (int i = 0; i < 4; i++)
        need_ok(radz_strbuf_append(&piece, &(char){(char)(bits >> (8 * i))}, 1, &err));
    put_number(&piece, 3, kind);
    put_bytes(out, 1, piece.text, piece.length);
    radz_strbuf_free(&piece);
}

typedef struct sp_options {
    const char *extra;       /* a further piece of type `extra_kind` */
    unsigned extra_kind, type; /* type: of the model, 0: 2 (BPE) */
    float extra_score;
    bool no_unknown, no_trainer, no_normalizer, fallback, suffix, fewer_blanks, table;
} sp_options;

static void make_model(const sp_options *o, radz_strbuf *out)
{
    radz_strbuf part = {0};
    out->length = 0;
    if (!o->no_unknown)
        put_piece(out, "<unk>", 0, 2);
    put_piece(out, "<s>", 0, 3);
    put_piece(out, "</s>", 0, 3);
    put_piece(out, "ab", -1, 1);
    put_piece(out, "a", -2, 1);
    put_piece(out, "b", -3, 1);
    put_piece(out, "\xE2\x96\x81", -4, 1);
    if (o->extra != NULL)
        put_piece(out, o->extra, o->extra_score, o->extra_kind);
    put_number(&part, 3, o->type > 0 ? o->type : 2);
    put_number(&part, 24, o->suffix);
    put_number(&part, 35, o->fallback);
    if (!o->no_trainer)
        put_bytes(out, 2, part.text, part.length);
    part.length = 0;
    if (o->table)
        put_bytes(&part, 2, "xyz", 3);
    put_number(&part, 4, o->fewer_blanks);
    if (!o->no_normalizer)
        put_bytes(out, 3, part.text, part.length);
    radz_strbuf_free(&part);
}

static radz_status load_model(const char *data, size_t size, const char *config, radz_tokenizer **tok)
{
    const char *folder = temporary_folder();
    char path[512];
    snprintf(path, sizeof path, "%s/tokenizer.model", folder);
    need_ok(radz_file_write(path, data, size, &err));
    snprintf(path, sizeof path, "%s/tokenizer_config.json", folder);
    if (config != NULL)
        need_ok(radz_file_write(path, config, strlen(config), &err));
    *tok = (radz_tokenizer *)&err; /* must become NULL */
    radz_status st = radz_tokenizer_load(folder, tok, &err);
    remove_folder(folder);
    return st;
}

static void refuses_sentencepiece(void **state)
{
    (void)state;
    static const struct {
        sp_options options;
        const char *config;
        radz_status status;
        const char *part;
    } rows[] = {
        {{.type = 1}, NULL, RADZ_E_UNSUPPORTED, "the SentencePiece model type 'unigram' is not built; built: bpe"},
        {{.type = 77}, NULL, RADZ_E_UNSUPPORTED, "type '(unknown)'"},
        {{.suffix = true}, NULL, RADZ_E_UNSUPPORTED, "treat_whitespace_as_suffix"},
        {{.table = true}, NULL, RADZ_E_UNSUPPORTED, "normalises its text by a table"},
        {{.fewer_blanks = true}, NULL, RADZ_E_UNSUPPORTED, "remove_extra_whitespaces"},
        {{.fallback = true}, NULL, RADZ_E_FORMAT, "0 pieces for bytes, wanted 256"},
        {{.no_unknown = true}, NULL, RADZ_E_FORMAT, "0 pieces of type 'unknown', wanted 1"},
        {{.no_trainer = true}, NULL, RADZ_E_FORMAT, "holds no trainer_spec"},
        {{.no_normalizer = true}, NULL, RADZ_E_FORMAT, "holds no normalizer_spec"},
        {{.extra = "x", .extra_kind = 5}, NULL, RADZ_E_UNSUPPORTED, "piece 7, 'x', is of type 'unused'"},
        {{.extra = "x", .extra_kind = 2}, NULL, RADZ_E_FORMAT, "2 pieces of type 'unknown'"},
        {{.extra = "x", .extra_kind = 9}, NULL, RADZ_E_FORMAT, "a piece of an unknown type"},
        {{.extra = "x", .extra_kind = 6}, NULL, RADZ_E_FORMAT, "1 pieces for bytes, wanted 0"},
        {{.extra = "", .extra_kind = 1}, NULL, RADZ_E_FORMAT, "a piece without a text"},
        {{.extra = "a", .extra_kind = 1}, NULL, RADZ_E_FORMAT, "token 'a' has two ids, 4 and 7"},
        {{.extra = "ay", .extra_kind = 1}, NULL, RADZ_E_UNSUPPORTED, "piece 'ay' has a character that is no piece, 'y'"},
        {{.extra = "x", .extra_kind = 1, .extra_score = NAN}, NULL, RADZ_E_FORMAT, "a score that is no number"},
        {{0}, "{\"tokenizer_class\": \"T5Tokenizer\"}", RADZ_E_UNSUPPORTED,
         "the tokenizer 'T5Tokenizer' of a tokenizer.model without a tokenizer.json is not built; built: LlamaTokenizer"},
        {{0}, "{\"legacy\": 3}", RADZ_E_FORMAT, "'legacy': found a number, wanted true or false"},
        {{0}, "{\"additional_special_tokens\": \"x\"}", RADZ_E_FORMAT, "found a text, wanted a list"},
        {{0}, "{\"additional_special_tokens\": [3]}", RADZ_E_FORMAT, "found a number, wanted a token"},
    };
    radz_strbuf file = {0};
    radz_tokenizer *tok;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_model(&rows[i].options, &file);
        radz_status st = load_model(file.text, file.length, rows[i].config, &tok);
        if (st != rows[i].status || strstr(err.message, rows[i].part) == NULL)
            fail_msg("row %zu: status %s, message '%s'; wanted %s and '%s'", i, radz_status_name(st), err.message,
                     radz_status_name(rows[i].status), rows[i].part);
        assert_null(tok);
        radz_error_clear(&err);
    }
    /* cut anywhere it is refused; whole it is read */
    make_model(&(sp_options){0}, &file);
    for (size_t cut = 0; cut < file.length; cut++) {
        assert_int_equal(load_model(file.text, cut, NULL, &tok), RADZ_E_FORMAT);
        assert_null(tok);
        radz_error_clear(&err);
    }
    need_ok(load_model(file.text, file.length, NULL, &tok));
    int32_t *ids;
    size_t count;
    need_ok(radz_tokenizer_encode_all(tok, "aab", 3, true, &ids, &count, &err));
    compare_ids("by hand", "aab", ids, count, (const int32_t[]){1, 6, 4, 3}, 4);
    free(ids);
    radz_tokenizer_free(tok);
    static const char *const others[] = {"", "{\"model\": {}}", "IQ== 0\nIg== 1\n", "\x0B\x0B\x0B", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) { /* of other kinds: tiktoken's file has the same name */
        assert_int_equal(load_model(others[i], strlen(others[i]), NULL, &tok), RADZ_E_FORMAT);
        assert_non_null(strstr(err.message, "no SentencePiece model"));
        radz_error_clear(&err);
    }
    radz_strbuf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files), cmocka_unit_test(golden_json),   cmocka_unit_test(golden_pad),
        cmocka_unit_test(golden_older), cmocka_unit_test(golden_gpt2),
        cmocka_unit_test(golden_trained),   cmocka_unit_test(golden_clip),
        cmocka_unit_test(looks_up),     cmocka_unit_test(contexts),      cmocka_unit_test(long_texts),
        cmocka_unit_test(refuses_files), cmocka_unit_test(refuses_json), cmocka_unit_test(truncated_files),
        cmocka_unit_test(golden_llama), cmocka_unit_test(golden_mistral), cmocka_unit_test(golden_llama3),
        cmocka_unit_test(golden_qwen2), cmocka_unit_test(golden_sentencepiece), cmocka_unit_test(refuses_sentencepiece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

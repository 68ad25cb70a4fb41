/* Training a byte-level BPE. CLIP's kind: the merges of a plain trainer written in Python (tests/golden/text/train.json), the
 * files read back, and that nothing but the texts decides; tests/reference/check_text_training.py loads the same files with
 * Hugging Face transformers and compares ids. GPT-2's kind: the files that Hugging Face's trainer makes of these texts
 * (tests/golden/text/trained, whose ids and decoded texts test_text_tokenizer.c checks), byte for byte. */
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
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "text/bpe_train.h"
#include "text/tokenizer.h"

#define GOLDEN RADZ_TEST_DIR "/golden/text/"
static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
                                    "special_tokens_map.json"};
enum { N_NAMES = sizeof names / sizeof *names };

static radz_error err;

static void need_ok(radz_status st)
{
    if (st != RADZ_OK)
        fail_msg("%s: %s", radz_status_name(st), err.message);
}

static char folder[64], other[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/radz-bpe-XXXXXX");
    strcpy(other, "/tmp/radz-bpe-XXXXXX");
    return mkdtemp(folder) == NULL || mkdtemp(other) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < N_NAMES; i++) {
            snprintf(path, sizeof path, "%s/%s", k == 0 ? folder : other, names[i]);
            unlink(path);
        }
    }
    return rmdir(folder) | rmdir(other);
}

static size_t load_texts(radz_json_doc **doc, const char **texts, size_t limit)
{
    need_ok(radz_json_load(GOLDEN "train.json", doc, &err));
    const radz_json *list = radz_json_find(radz_json_root(*doc), "texts");
    size_t n = radz_json_size(list);
    assert_in_range(n, 100, limit);
    for (size_t i = 0; i < n; i++)
        texts[i] = radz_json_string(radz_json_at(list, i));
    return n;
}

static void same_merges_as_reference(void **state)
{
    (void)state;
    static const char *texts[1000];
    radz_json_doc *doc;
    size_t n = load_texts(&doc, texts, 1000);
    const radz_json *merges = radz_json_find(radz_json_root(doc), "merges");
    size_t n_merges = radz_json_size(merges);
    radz_bpe_train_report report;
    need_ok(radz_bpe_train(texts, n, &(radz_bpe_train_options){.vocab_size = 514 + n_merges}, folder, &report, &err));
    assert_int_equal(report.merges, n_merges);
    assert_int_equal(report.vocab_size, 514 + n_merges);
    char path[128], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/merges.txt", folder);
    need_ok(radz_file_read(path, 1 << 20, &text, &size, &err));
    char *line = strtok(text, "\n");
    assert_string_equal(line, "#version: 0.2");
    for (size_t i = 0; i < n_merges; i++) {
        line = strtok(NULL, "\n");
        assert_non_null(line);
        assert_string_equal(line, radz_json_string(radz_json_at(merges, i)));
    }
    assert_null(strtok(NULL, "\n"));
    free(text);
    radz_json_free(doc);
}

static void only_the_texts_decide(void **state)
{
    (void)state;
    static const char *texts[1000];
    size_t order[1000];
    const char *shuffled[1000];
    radz_json_doc *doc;
    size_t n = load_texts(&doc, texts, 1000);
    radz_rng rng;
    radz_rng_seed(&rng, 3, 1);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    radz_rng_shuffle(&rng, order, n);
    for (size_t i = 0; i < n; i++)
        shuffled[i] = texts[order[i]];
    const radz_bpe_train_options options = {.vocab_size = 800, .context = 48};
    need_ok(radz_bpe_train(texts, n, &options, folder, NULL, &err));
    need_ok(radz_bpe_train(shuffled, n, &options, other, NULL, &err));
    for (size_t i = 0; i < N_NAMES; i++) {
        char path[128], a[65], b[65];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        need_ok(radz_sha256_file(path, a, &err));
        snprintf(path, sizeof path, "%s/%s", other, names[i]);
        need_ok(radz_sha256_file(path, b, &err));
        assert_string_equal(a, b);
    }
    radz_json_free(doc);
}

/* The tokenizer that comes out reads back, in both forms, and takes a text apart and together again. */
static void reads_back(void **state)
{
    (void)state;
    static const char *texts[1000];
    radz_json_doc *doc;
    size_t n = load_texts(&doc, texts, 1000);
    need_ok(radz_bpe_train(texts, n, &(radz_bpe_train_options){.vocab_size = 700, .context = 48}, folder, NULL, &err));
    radz_tokenizer *json, *files;
    need_ok(radz_tokenizer_load(folder, &json, &err));
    char path[128];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    assert_int_equal(unlink(path), 0);
    need_ok(radz_tokenizer_load(folder, &files, &err));
    const radz_tokenizer_info *info = radz_tokenizer_info_of(json);
    assert_int_equal(info->vocab_size, 700);
    assert_int_equal(info->bos_id, 698);
    assert_int_equal(info->eos_id, 699);
    assert_int_equal(info->pad_id, 699);
    assert_int_equal(info->context, 48);
    assert_int_equal(info->added_count, 2);
    size_t total = 0, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t a[48], b[48];
        size_t count_a, count_b;
        need_ok(radz_tokenizer_encode(json, texts[i], 48, a, &count_a, &err));
        need_ok(radz_tokenizer_encode(files, texts[i], 48, b, &count_b, &err));
        assert_int_equal(count_a, count_b);
        assert_memory_equal(a, b, sizeof a);
        total += count_a - 2;
        bytes += strlen(texts[i]);
    }
    print_message("%.2f bytes per token\n", (double)bytes / (double)total);
    int32_t *ids;
    size_t count;
    char *text;
    need_ok(radz_tokenizer_encode_all(json, "There is a LARGE nodule, 15 mm.", 31, true, &ids, &count, &err));
    need_ok(radz_tokenizer_decode(json, ids, count, true, &text, &err));
    assert_string_equal(text, "there is a large nodule , 1 5 mm .");
    free(text);
    free(ids);
    radz_tokenizer_free(json);
    radz_tokenizer_free(files);
    radz_json_free(doc);
}

static const char *const first[] = {"<s>", "</s>", "<pad>", "<image>"};
static const char *const last[] = {"<ImgCls_0>", "<ImgCls_1>", "<ImgCls_2>", "<ImgCls_3>", "<TxtCls_0>", "<TxtCls_1>",
                                   "<TxtCls_2>", "<TxtCls_3>", "<TxtCls_4>", "<TxtCls_5>", "<TxtCls_6>", "<TxtCls_7>"};

static void gpt2_as_huggingface(void **state)
{
    (void)state;
    static const char *texts[1000];
    radz_json_doc *doc;
    size_t n = load_texts(&doc, texts, 1000);
    const radz_bpe_train_options options = {.kind = RADZ_BPE_GPT2, .vocab_size = 4 + 256 + 300 + 12, .context = 512,
                                            .first = first, .n_first = 4, .last = last, .n_last = 12};
    radz_bpe_train_report report;
    need_ok(radz_bpe_train(texts, n, &options, folder, &report, &err));
    assert_int_equal(report.merges, 300);
    assert_int_equal(report.vocab_size, 572);
    for (size_t i = 0; i < N_NAMES; i++) {
        char path[128], *ours, *theirs;
        size_t our_size, their_size;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        bool wanted = strcmp(names[i], "vocab.json") != 0 && strcmp(names[i], "merges.txt") != 0;
        assert_int_equal(radz_file_exists(path), wanted);
        if (!wanted)
            continue;
        need_ok(radz_file_read(path, 1 << 20, &ours, &our_size, &err));
        snprintf(path, sizeof path, GOLDEN "trained/%s", names[i]);
        need_ok(radz_file_read(path, 1 << 20, &theirs, &their_size, &err));
        assert_string_equal(ours, theirs);
        free(ours);
        free(theirs);
    }
    radz_json_free(doc);
}

/* What a decoder's tokenizer is for: any text comes back as it was, whatever its case, blanks and line ends. */
static void gpt2_gives_texts_back(void **state)
{
    (void)state;
    static const char *texts[1000];
    radz_json_doc *doc;
    size_t n = load_texts(&doc, texts, 1000);
    const radz_bpe_train_options options = {.kind = RADZ_BPE_GPT2, .vocab_size = 500, .first = first, .n_first = 4};
    need_ok(radz_bpe_train(texts, n, &options, folder, NULL, &err));
    radz_tokenizer *tok;
    need_ok(radz_tokenizer_load(folder, &tok, &err));
    const radz_tokenizer_info *info = radz_tokenizer_info_of(tok);
    assert_int_equal(info->bos_id, 0);
    assert_int_equal(info->eos_id, 1);
    assert_int_equal(info->pad_id, 2);
    assert_int_equal(info->unk_id, -1);
    assert_int_equal(info->context, 2048);
    assert_int_equal(info->added_count, 1);
    assert_int_equal(radz_tokenizer_id_of(tok, "<image>"), 3);
    for (size_t i = 0; i < n; i++) {
        if (strstr(texts[i], "<s>") != NULL || strstr(texts[i], "<pad>") != NULL) /* left out as special tokens */
            continue;
        int32_t *ids;
        size_t count;
        char *text;
        need_ok(radz_tokenizer_encode_all(tok, texts[i], strlen(texts[i]), true, &ids, &count, &err));
        assert_int_equal(ids[0], 0);
        need_ok(radz_tokenizer_decode(tok, ids, count, true, &text, &err));
        assert_string_equal(text, texts[i]);
        free(text);
        free(ids);
    }
    radz_tokenizer_free(tok);
    radz_json_free(doc);
}

static void refuse(const radz_bpe_train_options *options, radz_status wanted, const char *message)
{
    const char *once[] = {"abc"};
    assert_int_equal(radz_bpe_train(once, 1, options, folder, NULL, &err), wanted);
    if (strstr(err.message, message) == NULL)
        fail_msg("'%s' lacks '%s'", err.message, message);
    radz_error_clear(&err);
}

static void special_tokens(void **state)
{
    (void)state;
    const char *const twice[] = {"<s>", "</s>", "<pad>", "<s>"}, *const unit[] = {"!"}, *const word[] = {"abc"},
                      *const empty[] = {""};
    refuse(&(radz_bpe_train_options){.kind = RADZ_BPE_GPT2, .vocab_size = 600}, RADZ_E_USAGE,
           "'<s>' is not among the special tokens");
    refuse(&(radz_bpe_train_options){.kind = RADZ_BPE_GPT2, .vocab_size = 600, .first = first, .n_first = 2}, RADZ_E_USAGE,
           "'<pad>' is not among the special tokens");
    refuse(&(radz_bpe_train_options){.kind = RADZ_BPE_GPT2, .vocab_size = 271, .first = first, .n_first = 4, .last = last,
                                     .n_last = 12}, RADZ_E_USAGE, "271 tokens, wanted 272 to");
    refuse(&(radz_bpe_train_options){.kind = RADZ_BPE_GPT2, .vocab_size = 600, .first = twice, .n_first = 4},
           RADZ_E_FORMAT, "special token '<s>'");
    refuse(&(radz_bpe_train_options){.vocab_size = 600, .last = unit, .n_last = 1}, RADZ_E_FORMAT, "special token '!'");
    refuse(&(radz_bpe_train_options){.vocab_size = 600, .first = empty, .n_first = 1}, RADZ_E_USAGE, "special token 0 is empty");
    /* a special token that the texts' words would become is kept for the special token; CLIP's kind takes the lists as well */
    const char *often[] = {"abc abc abc abc"};
    radz_bpe_train_report report;
    need_ok(radz_bpe_train(often, 1, &(radz_bpe_train_options){.kind = RADZ_BPE_GPT2, .vocab_size = 600, .first = first,
                                                               .n_first = 4, .last = word, .n_last = 1},
                           folder, &report, &err));
    radz_tokenizer *tok;
    need_ok(radz_tokenizer_load(folder, &tok, &err));
    assert_int_equal(radz_tokenizer_id_of(tok, "abc"), report.vocab_size - 1);
    radz_tokenizer_free(tok);
    need_ok(radz_bpe_train(often, 1, &(radz_bpe_train_options){.vocab_size = 600, .first = first, .n_first = 3, .last = word,
                                                               .n_last = 1},
                           folder, &report, &err));
    need_ok(radz_tokenizer_load(folder, &tok, &err));
    assert_int_equal(radz_tokenizer_id_of(tok, "<pad>"), 2);
    assert_int_equal(radz_tokenizer_info_of(tok)->bos_id, report.vocab_size - 3);
    assert_int_equal(radz_tokenizer_info_of(tok)->eos_id, report.vocab_size - 2);
    assert_int_equal(radz_tokenizer_id_of(tok, "abc"), report.vocab_size - 1);
    radz_tokenizer_free(tok);
}

static void small_cases(void **state)
{
    (void)state;
    radz_bpe_train_report report;
    /* nothing is frequent enough; runs of one letter; ill-formed bytes */
    const char *once[] = {"abc"};
    need_ok(radz_bpe_train(once, 1, &(radz_bpe_train_options){.vocab_size = 600}, folder, &report, &err));
    assert_int_equal(report.merges, 0);
    assert_int_equal(report.vocab_size, 514);
    const char *runs[] = {"aaaaaaaa aaaaaaaa", "bbb", "\xFF\xFE\xFF\xFE", ""};
    need_ok(radz_bpe_train(runs, 4, &(radz_bpe_train_options){.vocab_size = 600, .min_count = 1}, folder, &report, &err));
    assert_true(report.merges > 3);
    assert_int_equal(report.vocab_size, 514 + report.merges);
    assert_int_equal(report.words, 4);
    assert_int_equal(report.distinct_words, 3);
    radz_tokenizer *tok;
    need_ok(radz_tokenizer_load(folder, &tok, &err));
    int32_t ids[8];
    size_t count;
    need_ok(radz_tokenizer_encode(tok, "AAAAAAAA", 8, ids, &count, &err));
    assert_int_equal(count, 3); /* the whole word is one token by now */
    radz_tokenizer_free(tok);

    assert_int_equal(radz_bpe_train(once, 1, &(radz_bpe_train_options){.vocab_size = 513}, folder, NULL, &err), RADZ_E_USAGE);
    assert_non_null(strstr(err.message, "513 tokens, wanted 514"));
    radz_error_clear(&err);
    const char *nothing[] = {"", " \t\n\xC2\xA0"};
    assert_int_equal(radz_bpe_train(nothing, 2, &(radz_bpe_train_options){.vocab_size = 600}, folder, NULL, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "no word in the 2 texts"));
    radz_error_clear(&err);
    assert_int_equal(radz_bpe_train(once, 1, &(radz_bpe_train_options){.vocab_size = 600}, "/dev/null/folder", NULL, &err), RADZ_E_IO);
    radz_error_clear(&err);
}

static void large_input(void **state)
{
    (void)state;
    static const char *texts[1000];
    static const char *many[60000];
    radz_json_doc *doc;
    size_t n = load_texts(&doc, texts, 1000);
    for (size_t i = 0; i < 60000; i++)
        many[i] = texts[i % n];
    radz_bpe_train_report report;
    double begun = radz_clock_seconds();
    need_ok(radz_bpe_train(many, 60000, &(radz_bpe_train_options){.vocab_size = 1024}, folder, &report, &err));
    print_message("%zu words, %zu merges in %.2f s\n", report.words, report.merges, radz_clock_seconds() - begun);
    radz_json_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_merges_as_reference, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_texts_decide, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_back, setup, teardown),
        cmocka_unit_test_setup_teardown(gpt2_as_huggingface, setup, teardown),
        cmocka_unit_test_setup_teardown(gpt2_gives_texts_back, setup, teardown),
        cmocka_unit_test_setup_teardown(special_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(small_cases, setup, teardown),
        cmocka_unit_test_setup_teardown(large_input, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

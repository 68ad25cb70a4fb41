/* Any bytes as a text, through two small tokenizers that are trained first. CLIP's kind: the ids are tokens, ill-formed UTF-8
 * counts as U+FFFD, a cut row is the beginning of the whole one, and the ids read back as well-formed text. GPT-2's kind: the
 * ids read back as the same text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "text/bpe_train.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static radz_tokenizer *tok, *plain;

static void clean_up(void)
{
    radz_tokenizer_free(tok);
    radz_tokenizer_free(plain);
}

static radz_tokenizer *trained(const radz_bpe_train_options *options)
{
    static const char *const texts[] = {"a chest x-ray with pleural effusion, no pneumothorax; it isn't larger",
                                        "no pleural effusion. the heart's size is normal, the lungs are clear",
                                        "caf\xC3\xA9 caf\xC3\xA9 \xE4\xBD\xA0\xE5\xA5\xBD \xE4\xBD\xA0\xE5\xA5\xBD 12 mm"};
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    char folder[64] = "/tmp/radz-fuzz-XXXXXX", path[128];
    radz_error err = {0};
    radz_tokenizer *out;
    if (mkdtemp(folder) == NULL || radz_bpe_train(texts, 3, options, folder, NULL, &err) != RADZ_OK ||
        radz_tokenizer_load(folder, &out, &err) != RADZ_OK)
        abort();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return out;
}

static void prepare(void)
{
    static const char *const first[] = {"<s>", "</s>", "<pad>", "<image>"};
    if (tok != NULL)
        return;
    tok = trained(&(radz_bpe_train_options){.vocab_size = 600});
    plain = trained(&(radz_bpe_train_options){.kind = RADZ_BPE_GPT2, .vocab_size = 320, .first = first, .n_first = 4});
    atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_error err = {0};
    int32_t *all, *again, ids[77];
    size_t full, count;
    radz_strbuf clean = {0};
    char *text;
    prepare();
    const char *bytes = (const char *)data;
    if (radz_tokenizer_encode_all(tok, bytes, size, true, &all, &full, &err) != RADZ_OK || full < 2)
        abort();
    for (size_t i = 0; i < full; i++) {
        if (radz_tokenizer_token_of(tok, all[i]) == NULL)
            abort();
    }
    if (radz_utf8_clean(bytes, size, &clean, &err) != RADZ_OK ||
        radz_tokenizer_encode_all(tok, clean.text, clean.length, true, &again, &count, &err) != RADZ_OK || count != full ||
        memcmp(all, again, full * sizeof *all) != 0)
        abort();
    free(again);
    if (memchr(clean.text, '\0', clean.length) == NULL) {
        size_t wanted = full < 77 ? full : 77;
        if (radz_tokenizer_encode(tok, clean.text, 77, ids, &count, &err) != RADZ_OK || count != wanted ||
            memcmp(ids, all, (wanted - 1) * sizeof *ids) != 0 || ids[wanted - 1] != all[full - 1])
            abort();
        if (radz_tokenizer_encode_all(plain, clean.text, clean.length, false, &again, &count, &err) != RADZ_OK ||
            radz_tokenizer_decode(plain, again, count, false, &text, &err) != RADZ_OK || strcmp(text, clean.text) != 0)
            abort();
        free(again);
        free(text);
    }
    radz_strbuf_free(&clean);
    if (radz_tokenizer_decode(tok, all, full, true, &text, &err) != RADZ_OK ||
        radz_utf8_clean(text, strlen(text), &clean, &err) != RADZ_OK || strcmp(clean.text, text) != 0)
        abort();
    radz_strbuf_free(&clean);
    free(text);
    free(all);
    return 0;
}

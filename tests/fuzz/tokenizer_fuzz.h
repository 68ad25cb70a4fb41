/* What a tokenizer of a fuzzed file must do: what is accepted encodes and decodes texts with ids in range; what is refused says
 * why. One file in a folder of its own; for tests/fuzz/fuzz_text_*.c. */
#ifndef RADZ_TESTS_TOKENIZER_FUZZ_H
#define RADZ_TESTS_TOKENIZER_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/tokenizer.h"

static char folder[64], path[128];

static void clean_up(void)
{
    unlink(path);
    rmdir(folder);
}

static void write_input(const char *name, const uint8_t *data, size_t size)
{
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/radz-fuzz-XXXXXX");
        if (mkdtemp(folder) == NULL)
            abort();
        snprintf(path, sizeof path, "%s/%s", folder, name);
        atexit(clean_up);
    }
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
}

static void check_tokenizer(void)
{
    static const char *const texts[] = {"", "ab ab", "A chest X-ray, isn't it? 12  mm", "<|endoftext|>a<|startoftext|>", " <s>a</s>",
                                        "\xC3\xA9\xFF\xE4\xBD\xA0"};
    radz_tokenizer *tok;
    radz_error err = {0};
    if (radz_tokenizer_load(folder, &tok, &err) != RADZ_OK) {
        if (tok != NULL || err.message[0] == '\0')
            abort();
        return;
    }
    const radz_tokenizer_info *info = radz_tokenizer_info_of(tok);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int32_t ids[32], *all;
        size_t count, full;
        char *text;
        if (radz_tokenizer_encode_all(tok, texts[i], strlen(texts[i]), true, &all, &full, &err) != RADZ_OK)
            abort();
        for (size_t k = 0; k < full; k++) {
            if (radz_tokenizer_token_of(tok, all[k]) == NULL || (size_t)all[k] >= info->vocab_size)
                abort();
        }
        if (radz_tokenizer_decode(tok, all, full, i % 2 == 0, &text, &err) != RADZ_OK)
            abort();
        free(text);
        if (info->added_count <= 32 &&
            (radz_tokenizer_encode(tok, texts[i], 32, ids, &count, &err) != RADZ_OK || count != (full < 32 ? full : 32) ||
             (full <= 32 && count > 0 && memcmp(ids, all, count * sizeof *ids) != 0)))
            abort();
        free(all);
    }
    radz_tokenizer_free(tok);
}

#endif

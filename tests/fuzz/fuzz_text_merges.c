/* vocab.json, merges.txt and tokenizer_config.json, in one input: parted by lines that hold "%%" alone. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], paths[3][128];

static void clean_up(void)
{
    for (int i = 0; i < 3; i++)
        unlink(paths[i]);
    rmdir(folder);
}

static void prepare(void)
{
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer_config.json"};
    if (folder[0] != '\0')
        return;
    strcpy(folder, "/tmp/radz-fuzz-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    for (int i = 0; i < 3; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    for (int i = 0; i < 3; i++) {
        const uint8_t *mark = i < 2 && size > 0 ? memmem(data, size, "\n%%\n", 4) : NULL;
        size_t length = mark != NULL ? (size_t)(mark - data) + 1 : size;
        unlink(paths[i]);
        if (i == 2 && length == 0)
            break; /* it need not be there */
        FILE *f = fopen(paths[i], "wb");
        if (f == NULL || (length > 0 && fwrite(data, 1, length, f) != length) || fclose(f) != 0)
            abort();
        size_t used = mark != NULL ? length + 3 : length;
        data += used;
        size -= used;
    }
    radz_tokenizer *tok;
    radz_error err = {0};
    if (radz_tokenizer_load(folder, &tok, &err) != RADZ_OK) {
        if (tok != NULL || err.message[0] == '\0')
            abort();
        return 0;
    }
    static const char *const texts[] = {"", "abab ba", "<|endoftext|>!", "\xC3\xA9 1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int32_t ids[16];
        size_t count;
        char *text;
        if (radz_tokenizer_encode(tok, texts[i], 16, ids, &count, &err) != RADZ_OK || count < 2 || count > 16 ||
            ids[0] != radz_tokenizer_info_of(tok)->bos_id || ids[count - 1] != radz_tokenizer_info_of(tok)->eos_id ||
            radz_tokenizer_decode(tok, ids, 16, true, &text, &err) != RADZ_OK)
            abort();
        free(text);
    }
    radz_tokenizer_free(tok);
    return 0;
}

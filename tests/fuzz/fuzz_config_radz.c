/* radz.json: whatever the bytes, either an error or a reading that can be followed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/radz_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_error err = {0};
    radz_json_doc *doc;
    radz_config c;
    if (radz_json_parse((const char *)data, size, "fuzz", &doc, &err) != RADZ_OK)
        return 0;
    radz_status status = radz_config_parse(doc, &c, &err);
    if (status != RADZ_OK && (err.code != status || err.message[0] == '\0'))
        abort();
    if (status == RADZ_OK) {
        if (!(c.tau > 0) || c.image_token_count > RADZ_SPECIAL_MAX || c.text_token_count > RADZ_SPECIAL_MAX ||
            strstr(c.image_prompt, "<image>") == NULL || strstr(c.text_prompt, "{text}") == NULL ||
            (c.pooling == RADZ_POOL_SPECIAL && c.image_token_count == 0))
            abort();
        for (size_t i = 0; i < c.image_token_count; i++)
            if (c.image_tokens[i].id < 0 || c.image_tokens[i].text[0] == '\0')
                abort();
    }
    radz_json_free(doc);
    return 0;
}

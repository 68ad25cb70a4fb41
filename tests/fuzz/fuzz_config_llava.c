/* config.json of a decoder or LLaVA: whatever the bytes, either an error or numbers that fit each other. */
#include <stdint.h>
#include <stdlib.h>

#include "config/llava_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_error err = {0};
    radz_json_doc *doc;
    llava_config c;
    if (radz_json_parse((const char *)data, size, "fuzz", &doc, &err) != RADZ_OK)
        return 0;
    if (radz_json_kind_of(radz_json_root(doc)) == RADZ_JSON_OBJECT) {
        radz_status status = llava_config_parse(doc, "/nonexistent", NULL, &c, &err);
        if (status != RADZ_OK && (err.code == RADZ_OK || err.message[0] == '\0'))
            abort();
        const decoder_config *d = &c.decoder;
        if (status == RADZ_OK && (d->hidden < 1 || d->heads < 1 || d->kv_heads < 1 || d->heads % d->kv_heads != 0 ||
                                  d->head_dim % 2 != 0 || d->head_dim < 1 || !(d->norm_eps > 0) || !(d->rope.theta > 0) ||
                                  !(d->rope.factor > 0) || c.image_tokens >= d->context || c.feature_layer < 0 ||
                                  c.feature_layer > c.vision.tower.layers))
            abort();
    }
    radz_json_free(doc);
    return 0;
}

/* Cards of every kind of the data room from arbitrary bytes; the first byte chooses the kind. What passes the engine's own
 * walk must be accepted by libcyaml too. */
#include <stdint.h>
#include <stdlib.h>

#include "data/card_engine.h"
#include "data/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const radz_card_schema *const kinds[] = {&radz_suite_schema, &radz_model_schema, &radz_prompts_schema,
                                                    &radz_dataset_schema, &radz_protocol_schema, &radz_template_schema,
                                                    &radz_anchors_schema};
    if (size == 0)
        return 0;
    radz_error err = {0};
    void *card;
    const radz_card_schema *schema = kinds[data[0] % 7];
    radz_status st = radz_card_parse(schema, "fuzz.yaml", (const char *)data + 1, size - 1, &card, &err);
    if (st == RADZ_E_INTERNAL || (st == RADZ_OK) != (card != NULL) || (st != RADZ_OK && err.message[0] == '\0'))
        abort();
    radz_card_release(schema, card);
    return 0;
}

/* Cards of models that read and write text: how a question is wrapped for a model (templates/), and what describes each
 * category (anchors/). */
#ifndef RADZ_DATA_DIALOGUE_H
#define RADZ_DATA_DIALOGUE_H

#include "data/card.h"
#include "data/terms.h"

/* manifests/templates/NAME.yaml: the conversation format a model was trained with. */
typedef struct radz_template_card {
    radz_card_base base;
    char *source;  /* where the format is fixed */
    char *notes;   /* optional */
    char *prompt;  /* the whole prompt up to the answer, with {image} and then {question}, each once; without the marks that
                      the tokenizer puts around every text */
    char **stop;   /* optional: texts of tokens that end an answer besides the tokenizer's end mark */
    size_t stop_count;
} radz_template_card;

radz_status radz_template_card_load(const char *path, radz_template_card **out, radz_error *err) RADZ_MUST_USE;
/* By name, as radz_card_find finds it. */
radz_status radz_template_find_card(const radz_card_places *places, const char *name, radz_template_card **out,
                                    radz_error *err) RADZ_MUST_USE;
void radz_template_card_free(radz_template_card *card);

/* manifests/anchors/NAME.yaml: domain knowledge about each category. */
typedef struct radz_anchor {
    char *class_name;   /* key "class": as a data set spells it; another name of the same term finds it too */
    char *disease;      /* what it is */
    char *imaging;      /* what it looks like on a chest radiograph */
    char *presentation; /* optional: how patients present */
    char *source;       /* what the text rests on */
} radz_anchor;

typedef struct radz_anchors_card {
    radz_card_base base;
    char *source;
    char *notes;      /* optional: whether the wording was chosen knowing target labels */
    char *generation; /* key "prompt", with {class}: what `anchors generate` asks a model */
    radz_anchor *anchors;
    size_t anchors_count; /* at least 1 */
} radz_anchors_card;

radz_status radz_anchors_card_load(const char *path, radz_anchors_card **out, radz_error *err) RADZ_MUST_USE;
/* By name, as radz_card_find finds it. */
radz_status radz_anchors_find_card(const radz_card_places *places, const char *name, radz_anchors_card **out,
                                   radz_error *err) RADZ_MUST_USE;
void radz_anchors_card_free(radz_anchors_card *card);

/* The category of images without any finding, as anchors cards name it. */
#define RADZ_NO_FINDING "No Finding"

/* The anchor of a class, by its name, else by a name of the same term (`terms` NULL: no table); NULL: none. */
const radz_anchor *radz_anchor_find(const radz_anchors_card *card, const radz_terms_card *terms, const char *class_name);
/* The description as one text, the parts in the struct's order. The caller frees it. */
char *radz_anchor_text(const radz_anchor *anchor, radz_error *err) RADZ_MUST_USE;
/* One of its parts alone; NULL: it does not have it. Names of the parts: "disease", "imaging", "presentation". */
enum { RADZ_ANCHOR_PARTS = 3 };
const char *radz_anchor_part(const radz_anchor *anchor, size_t part);
const char *radz_anchor_part_name(size_t part);

extern const struct radz_card_schema radz_template_schema, radz_anchors_schema; /* for the tests */

#endif

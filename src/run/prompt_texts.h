/* A prompts card over the classes of a data set: the texts to encode, and which class, polarity and template each has. */
#ifndef RADZ_RUN_PROMPT_TEXTS_H
#define RADZ_RUN_PROMPT_TEXTS_H

#include "data/card.h"
#include "data/dialogue.h"
#include "data/terms.h"
#include "text/prompts.h"

typedef struct radz_prompt_texts {
    radz_prompt_list list;
    size_t n;
    const char **texts;     /* [n], views of the list */
    uint32_t *class_of;     /* [n] */
    uint8_t *polarity_of;   /* [n] */
    uint32_t *template_of;  /* [n] */
    float *embeddings;      /* [n, dim]; set by whoever encodes them, owned here */
} radz_prompt_texts;

/* How a class is said: as the card's entry for it says, else as the entry for another name of the same term says (the card
 * lists Effusion, the data set Pleural Effusion), else as the table of terms says, else by its own name. `terms` NULL: no
 * table. `out` is zeroed first; free it with radz_prompt_texts_free also after an error. */
radz_status radz_prompt_texts_make(const radz_prompts_card *card, const radz_terms_card *terms, const char *const *classes,
                                   size_t n_classes, radz_prompt_texts *out, radz_error *err) RADZ_MUST_USE;
/* The same with one template, `sentence`, in place of the card's: one text per class, in the classes' order. */
radz_status radz_prompt_texts_say(const radz_prompts_card *card, const radz_terms_card *terms, const char *sentence,
                                  const char *const *classes, size_t n_classes, radz_prompt_texts *out,
                                  radz_error *err) RADZ_MUST_USE;
/* The descriptions of an anchors card in place of prompts: one text for each part, all positive, the part's number as template. `part`: that
 * part alone (a class without it has all); RADZ_ANCHOR_PARTS: all. A class without an anchor is RADZ_E_VALUE. */
radz_status radz_prompt_texts_describe(const radz_anchors_card *card, const radz_terms_card *terms, size_t part,
                                       const char *const *classes, size_t n_classes, radz_prompt_texts *out,
                                       radz_error *err) RADZ_MUST_USE;
void radz_prompt_texts_free(radz_prompt_texts *texts);

#endif

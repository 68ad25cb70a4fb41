/* The table of terms: one finding under all the names that data sets and papers give it. Used wherever classes of
 * different cards must be known for the same thing: prompts, anchors, checks, comparisons across data sets. */
#ifndef RADZ_DATA_TERMS_H
#define RADZ_DATA_TERMS_H

#include "data/card.h"

#define RADZ_TERMS_DEFAULT "chest" /* the table that the program ships: manifests/terms/chest.yaml */

typedef struct radz_term {
    char *name;       /* the preferred name, in RadLex's manner: lower case, singular, most specific noun last */
    char *prompt;     /* optional: as a prompt says it, where that is not the preferred name */
    char **spellings; /* other names; case does not count, and '_', '-' and blanks are the same */
    size_t spellings_count;
    char *note;       /* optional: what is folded together, or kept apart, and why */
} radz_term;

typedef struct radz_terms_card {
    radz_card_base base;
    radz_term *terms; /* no spelling stands for two of them */
    size_t terms_count;
} radz_terms_card;

radz_status radz_terms_card_load(const char *path, radz_terms_card **out, radz_error *err) RADZ_MUST_USE;
void radz_terms_card_free(radz_terms_card *card);
/* The table of that name, found as other cards are. */
radz_status radz_terms_find_card(const radz_card_places *places, const char *name, radz_terms_card **out,
                                 radz_error *err) RADZ_MUST_USE;

/* The term of a class name or label; NULL: in no table (also when `card` is NULL). */
const radz_term *radz_term_find(const radz_terms_card *card, const char *spelling);
/* Whether two spellings differ only in case, and in '_', '-' and blanks. */
bool radz_term_same_spelling(const char *a, const char *b);
/* As a prompt says it. */
const char *radz_term_prompt(const radz_term *term);

extern const struct radz_card_schema radz_terms_schema; /* for the tests */

#endif

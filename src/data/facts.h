/* What a person must know to get a data set and to read figures on it, from its card: the one source of the command
 * `datasets`, and of the first part of datasets/NAME/README.md. */
#ifndef RADZ_DATA_FACTS_H
#define RADZ_DATA_FACTS_H

#include <stdio.h>

#include "data/card.h"

typedef enum radz_facts_format { RADZ_FACTS_TEXT, RADZ_FACTS_MARKDOWN, RADZ_FACTS_JSON } radz_facts_format;

/* Writes licence, where to ask, size, expected tree, splits, presets of the literature, what must be known, citation. Text
 * is wrapped at 100 columns, Markdown at 120. `where` (may be NULL) is one line on whether it is here; text and JSON only.
 * A stream that refuses is for the caller to find (ferror). */
radz_status radz_dataset_facts_write(const radz_dataset_card *card, radz_facts_format format, const char *where, FILE *out,
                                     radz_error *err) RADZ_MUST_USE;

/* The line of a README after which the hand-written part begins; what stands above it is the Markdown form. */
#define RADZ_FACTS_END "<!-- What stands above is `radz-bench datasets NAME --format md`; write below this line. -->"

#endif

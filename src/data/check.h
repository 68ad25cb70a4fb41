/* Checks of a data set on this machine against its card and against itself: what would change the figures or make them
 * mean something else. */
#ifndef RADZ_DATA_CHECK_H
#define RADZ_DATA_CHECK_H

#include "base/mem.h"
#include "data/card.h"

typedef enum radz_severity { RADZ_SEVERITY_INFO, RADZ_SEVERITY_WARNING, RADZ_SEVERITY_ERROR } radz_severity;
const char *radz_severity_name(radz_severity severity); /* "info", "warning", "error" */

enum { RADZ_FINDING_EXAMPLES = 3 };
typedef struct radz_finding {
    radz_severity severity;
    const char *code;   /* short and stable: "missing-images", "split-overlap", ...; static */
    const char *split;  /* the split concerned; NULL: the whole set */
    const char *what;   /* one sentence: the thing, the value found, the value wanted */
    const char *effect; /* one sentence: what it does to the figures */
    size_t count;       /* how many things are concerned */
    const char *examples[RADZ_FINDING_EXAMPLES]; /* NULL past the last */
} radz_finding;

typedef struct radz_findings {
    radz_finding *items;
    size_t count, capacity;
    size_t errors, warnings;
    radz_arena arena; /* owns the texts */
} radz_findings;

/* Reads every split of the card below `root`. A data set that cannot be read at all gives one finding ("unreadable")
 * with the reader's message. Adds to `out` (zero-initialise it); fails only for want of memory or on cancellation. */
radz_status radz_check_dataset(const radz_dataset_card *card, const char *root, radz_findings *out,
                               radz_error *err) RADZ_MUST_USE;
void radz_findings_free(radz_findings *findings);

#endif

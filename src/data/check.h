/* Checks of a data set on this machine against its card and against itself: what would change the figures or make them
 * mean something else. */
#ifndef RADZ_DATA_CHECK_H
#define RADZ_DATA_CHECK_H

#include "base/mem.h"
#include "data/dataset.h"
#include "data/terms.h"

typedef enum radz_severity { RADZ_SEVERITY_INFO, RADZ_SEVERITY_WARNING, RADZ_SEVERITY_ERROR } radz_severity;
const char *radz_severity_name(radz_severity severity); /* "info", "warning", "error" */

enum { RADZ_FINDING_EXAMPLES = 3 };
typedef struct radz_finding {
    const char *dataset;
    radz_severity severity;
    const char *code;   /* short and stable: "missing-images", "split-overlap", ...; static */
    const char *split;  /* the split concerned; NULL: the whole set */
    const char *what;   /* one sentence: the thing, the value found, the value wanted */
    const char *effect; /* one sentence: what it does to the figures */
    size_t count;       /* how many things are concerned */
    bool counting;      /* they are still being counted: `what` does not say how many yet */
    const char *examples[RADZ_FINDING_EXAMPLES]; /* NULL past the last */
} radz_finding;

/* What a split has, beside what the published one has. */
typedef struct radz_split_counts {
    const char *dataset, *split;
    bool evaluated;                 /* the split that a run takes */
    size_t images, patients, files; /* `files`: images that have one */
    uint64_t images_published, patients_published; /* 0: not known */
    size_t n_classes;
    const char **classes;           /* [n_classes] */
    size_t *positives, *masked;     /* [n_classes] */
    uint64_t *positives_published;  /* [n_classes]; NULL: not known */
    char fingerprint[RADZ_SHA256_HEX_SIZE];
    bool as_published;              /* the card states a fingerprint, and it is this one */
} radz_split_counts;

typedef struct radz_findings {
    radz_finding *items;
    size_t count, capacity;
    size_t errors, warnings;
    radz_split_counts *splits;
    size_t n_splits, splits_capacity;
    radz_arena arena; /* owns the texts */
} radz_findings;

/* Adds a finding: `format` makes its `what`. With count 0 the caller counts on, and radz_findings_settle puts the number
 * behind `what`. The other texts are copied too. NULL for want of memory (then `err` is set).
 * The finding is valid until the next one is added. */
radz_finding *radz_findings_add(radz_findings *findings, radz_severity severity, const char *code, const char *dataset,
                                const char *split, size_t count, const char *effect, radz_error *err, const char *format,
                                ...) RADZ_PRINTF(9, 10);
radz_status radz_findings_settle(radz_findings *findings, radz_error *err) RADZ_MUST_USE;
/* Adds an example while there is room. */
radz_status radz_finding_example(radz_findings *findings, radz_finding *finding, const char *text,
                                 radz_error *err) RADZ_MUST_USE;

/* Whether the two say which rows are theirs, and are of one way of splitting: then they must not overlap. */
bool radz_check_must_be_disjoint(const radz_split_spec *a, const radz_split_spec *b);

/* Takes the folder `root` out of a text, in place: findings go into results, and where the data is kept is nobody's
 * business there. */
void radz_finding_scrub(char *text, const char *root);

typedef struct radz_check_options {
    const char *split;            /* the one that is evaluated; NULL: the card's */
    const radz_terms_card *terms; /* to tell other names of known findings from mistakes; NULL: not told */
    /* Not NULL: the loaded splits, [card->splits_count] with NULL where one could not be read, are handed over here; the
     * caller frees each and the array. */
    radz_dataset ***splits;
} radz_check_options;

/* Reads every split of the card below `root`, and looks at no image file. A data set that cannot be read at all gives one
 * finding ("unreadable") with the reader's message. Adds to `out` (zero-initialise it); fails only for want of memory or
 * on cancellation. A finding about two splits is said of the evaluated one when that is among them. ChestX-ray14's 112,120 rows take some 0.3 s of one core. `options` may be NULL. */
radz_status radz_check_dataset(const radz_dataset_card *card, const char *root, const radz_check_options *options,
                               radz_findings *out, radz_error *err) RADZ_MUST_USE;
void radz_findings_free(radz_findings *findings);

#endif

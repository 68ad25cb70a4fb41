/* Data sets: where one is on this machine, and its samples, labels and split as its card describes them. */
#ifndef RADZ_DATA_DATASET_H
#define RADZ_DATA_DATASET_H

#include "base/mem.h"
#include "base/str.h"
#include "data/card.h"

/* ---- where is it ---- */
typedef enum radz_dataset_presence {
    RADZ_DATASET_HERE,      /* `root` is a folder that holds the label file */
    RADZ_DATASET_GENERATED, /* the card's split is not wholly there yet, but the card says how to make it */
    RADZ_DATASET_NOT_HERE   /* no root set, no such folder, or no label file in it */
} radz_dataset_presence;

typedef struct radz_dataset_location {
    radz_dataset_presence presence;
    char *root;     /* the folder, also when something in it is missing; NULL when none is named */
    char *hint;     /* one line: why it is not here and how to provide it; NULL when it is here */
    char *variable; /* the environment variable, e.g. "RADZ_DATA_CHESTXRAY14" */
} radz_dataset_location;

/* The root is, in order: `override` (may be NULL), the environment variable RADZ_DATA_<NAME> (upper case, without what
 * is not a letter or digit; of the card's `folder_of` where it has one), the card's root (relative to the card), and `fallback` (may be NULL: where a generated set
 * would be put, and where it is made when it is not there yet). Fails only for want of memory. */
radz_status radz_dataset_locate(const radz_dataset_card *card, const char *override, const char *fallback,
                                radz_dataset_location *out, radz_error *err) RADZ_MUST_USE;
void radz_dataset_location_free(radz_dataset_location *location);

/* Archives in the root and in the card's image folders that are not read (.tar.gz and the like, and .zip files that the card does
 * not name): downloads that nobody has unpacked yet. Zero-initialised where there is none. */
typedef struct radz_unopened {
    radz_strlist archives; /* from the root on */
    radz_strbuf text;      /* one sentence: how many they are, and the command that unpacks them into the root */
} radz_unopened;
radz_status radz_unopened_find(const radz_dataset_card *card, const char *root, radz_unopened *out, radz_error *err) RADZ_MUST_USE;
void radz_unopened_free(radz_unopened *unopened);

/* ---- what is in it ---- */
enum { RADZ_LABEL_MASKED = -1 }; /* neither present nor absent: left out of the class's figures */

typedef struct radz_sample {
    const char *image_id;
    const char *patient_id; /* the image id when the set names no patients */
    const char *study_id;   /* NULL: no column, or nothing in it */
    const char *view;       /* NULL: no column */
    const char *path;       /* the image file; NULL: not there (only with filter.keep_missing) */
    const char *report;     /* NULL: none */
    const char *question;   /* what is asked about the image; NULL: none, the classes are */
    const char *const *subgroups; /* [dataset->n_subgroups]: its value in each, as the label file spells it (of several rows
                                   * of an image: the first); NULL in it: nothing there */
    int age;                /* years, 0 to 120; -1: not known */
    char sex;               /* 'M', 'F' or '?' */
    uint32_t patient;       /* [0, n_patients): the cluster for the bootstrap */
    uint32_t unit;          /* [0, n_units): what is scored together; the sample itself at level "image" */
} radz_sample;

/* What a load counts, with up to three examples of each. The last three end a load with an error unless the filter says
 * `tolerate`. */
typedef enum radz_fault_kind {
    RADZ_FAULT_REPEATED,      /* rows that repeat an image, with the same labels */
    RADZ_FAULT_LISTED_TWICE,  /* lines of the split's list that repeat an image */
    RADZ_FAULT_UNLABELLED,    /* images of the split's list without a row in the label file */
    RADZ_FAULT_UNKNOWN_LABEL, /* labels that are not on the card */
    RADZ_FAULT_CONTRADICTION, /* rows that contradict themselves or an earlier row of the same image */
    RADZ_FAULT_BAD_ID,        /* rows without an image id, or with one that holds a tab or a line break */
    RADZ_FAULT_KIND_COUNT
} radz_fault_kind;

enum { RADZ_FAULT_EXAMPLES = 3 };
typedef struct radz_fault {
    size_t count;
    const char *examples[RADZ_FAULT_EXAMPLES]; /* distinct; NULL past the last */
} radz_fault;

typedef struct radz_dataset_filter {
    const char *const *classes; /* keep only these classes or groups of classes, in the card's order; count 0: the card's
                                 * `evaluated`, or all */
    size_t classes_count;
    size_t limit;      /* keep only this many units (images; studies at level "study"); 0: all */
    uint64_t seed;     /* of the choice that `limit` makes */
    bool keep_missing; /* keep samples without an image file (checks; label work) */
    bool tolerate;     /* for checks: faults in rows are counted, not an error. A label that is not on the card is passed
                        * over, of contradicting rows the first is kept: no figure may be made from such a load */
} radz_dataset_filter;

/* A label that is no class of the card and was passed over. */
typedef struct radz_other_label {
    const char *name;
    size_t rows;
} radz_other_label;

/* Samples in byte order of their ids. Owned by the data set and unchanging after the load. */
typedef struct radz_dataset {
    const char *name, *split, *root, *label_file;
    size_t n, n_classes, n_patients;
    radz_level level;            /* what is scored: images or studies */
    radz_aggregate aggregate;    /* how a study's scores become one */
    size_t n_units;              /* images, or studies */
    size_t n_card_classes;       /* of the card: more than n_classes when only some are evaluated */
    radz_sample *samples;        /* [n] */
    int8_t *labels;              /* [n, n_classes]: 1, 0 or RADZ_LABEL_MASKED */
    const char **classes;        /* [n_classes] */
    const char **subgroups;      /* [n_subgroups]: names, in the card's order; values stand with the samples. Further columns
                                  * that part the images, beside sex, age and view */
    size_t n_subgroups;
    size_t *positives, *negatives; /* [n_classes], of the samples here */
    bool subset;                 /* `limit` took samples away: figures are not those of the split */
    size_t n_before_limit;       /* units there were before that */
    /* SHA-256 of the samples here, and of the whole split with all of the card's classes; see radz_fingerprint_*. */
    char fingerprint[RADZ_SHA256_HEX_SIZE], split_fingerprint[RADZ_SHA256_HEX_SIZE];
    /* The whole split, before missing images, limit and class filter. */
    size_t split_images, split_patients;
    size_t *split_positives;     /* [card->classes_count] */
    size_t n_missing;            /* images of the split without a file */
    const char *missing_example; /* id of the first of them; NULL: none */
    radz_fault faults[RADZ_FAULT_KIND_COUNT]; /* of the whole split */
    size_t n_rows;               /* rows of the label file, all splits */
    size_t n_filtered;           /* rows that do not meet the card's conditions (`where`) */
    radz_other_label *others;    /* [n_others], most rows first: labels that are no class (labels.others: ignore) */
    size_t n_others;
    size_t n_reports;            /* samples with a report */
    radz_arena arena;            /* owns the strings */
} radz_dataset;

/* The label files of a split below `root`, as the readers take them. Adds to `out`; nothing when none is there. */
radz_status radz_dataset_files(const radz_dataset_card *card, const char *root, const radz_split_spec *split,
                               radz_strlist *out, radz_error *err) RADZ_MUST_USE;

/* Reads labels, split list and image folders below `root`. `split` NULL: the card's. `filter` NULL: none. Reads the label
 * file once and each image folder once; looks at no image. Errors name file, line, column and value: a label that is not
 * on the card, a missing column (with those found), a ragged row, rows that contradict each other, an unknown split. With
 * a class filter none of whose names the card has: RADZ_E_USAGE. */
radz_status radz_dataset_load(const radz_dataset_card *card, const char *root, const char *split,
                              const radz_dataset_filter *filter, radz_dataset **out, radz_error *err) RADZ_MUST_USE;
void radz_dataset_free(radz_dataset *dataset);

/* Two labels of the same thing become one: present wins, then masked. */
int8_t radz_label_merge(int8_t a, int8_t b);

/* What a sample is called where units are counted: its study at level "study", otherwise its own id. */
const char *radz_sample_unit_name(const radz_dataset *dataset, size_t sample);

/* The fingerprint is the SHA-256 of this text, in UTF-8, every line ended by one line feed:
 *     classes<TAB>NAME<TAB>NAME...
 *     IMAGE_ID<TAB>LABELS      one line per sample, lines in byte order of IMAGE_ID
 * with one character per class in LABELS: 1 present, 0 absent, ? masked. */
radz_status radz_dataset_fingerprint(const radz_sample *samples, const int8_t *labels, size_t n,
                                     const char *const *classes, size_t n_classes, char hex[RADZ_SHA256_HEX_SIZE],
                                     radz_error *err) RADZ_MUST_USE;

#endif

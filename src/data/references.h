/* Published figures to stand beside measured ones. A figure always says where it comes from; what is not known stays empty. */
#ifndef RADZ_DATA_REFERENCES_H
#define RADZ_DATA_REFERENCES_H

#include "data/card.h"

typedef struct radz_reference_figure {
    char *dataset;           /* a data set card's name, or the name of another set */
    char *classes;           /* which classes or test set, for people ("5 classes, test of 500 studies") */
    char *class_name;        /* key "class", optional: of one class; else the mean over the classes */
    char *labels;            /* key "labels", optional: share of the training labels in percent ("1"); else zero-shot */
    char *auc, *f1, *acc;    /* optional: in percent, as printed; at least one is there */
    char *low, *high;        /* optional: interval of the AUC in percent */
} radz_reference_figure;

typedef struct radz_reference_method {
    char *method;
    char *note;              /* optional; wanted where there is no figure: why */
    radz_reference_figure *figures;
    size_t figures_count;    /* may be 0: an empty row */
} radz_reference_method;

typedef enum radz_reference_kind {
    RADZ_REFERENCE_CLIP, /* "clip": models of two towers; the zero-shot table */
    RADZ_REFERENCE_MLLM  /* "mllm": multimodal language models that are asked; the MLLM table */
} radz_reference_kind;

typedef struct radz_references_card {
    radz_card_base base;
    radz_reference_kind kind;
    char *source;   /* document, table, where and when it was read */
    char *protocol; /* the protocol the figures were computed by */
    char *notes;    /* optional */
    radz_reference_method *methods;
    size_t methods_count;
} radz_references_card;

radz_status radz_references_card_load(const char *path, radz_references_card **out, radz_error *err) RADZ_MUST_USE;
/* By name, as radz_card_find finds it. */
radz_status radz_references_find_card(const radz_card_places *places, const char *name, radz_references_card **out,
                                      radz_error *err) RADZ_MUST_USE;
void radz_references_card_free(radz_references_card *card);

/* "87.90" -> 87.90; NULL -> NaN. The loader has checked the text. */
double radz_reference_number(const char *text);

extern const struct radz_card_schema radz_references_schema; /* for the tests */

#endif

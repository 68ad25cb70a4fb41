/* A data set while it is being read: dataset.c reads the rows, dataset_images.c finds the image files, dataset_select.c
 * chooses what is kept. Only these include this header. */
#ifndef RADZ_DATA_LOADER_H
#define RADZ_DATA_LOADER_H

#include "data/dataset.h"
#include "data/join.h"
#include "data/labels.h"
#include "data/name_table.h"
#include "data/table.h"

/* One sample while the label file is read; texts are in the data set's arena. */
typedef struct radz_row_image {
    uint32_t patient; /* into loader.patients */
    uint32_t line;    /* of the label file */
    uint32_t file;    /* into loader.files */
    const char *study, *view, *report, *question; /* NULL: none */
    const char **subgroups; /* [card->subgroups_count], NULL in it: none */
    int16_t age;
    char sex;
} radz_row_image;

typedef struct radz_file_place {
    uint32_t folder;    /* into loader.folders; RADZ_NAME_NONE: no such file */
    uint32_t extension; /* into the card's extensions */
} radz_file_place;

/* What one reader says about one image. */
typedef struct radz_vote {
    uint32_t reader, next; /* next: the image's vote before this one; RADZ_NAME_NONE: none */
} radz_vote;

typedef struct radz_condition {
    const radz_where_spec *spec;
    radz_field column;
} radz_condition;

typedef struct radz_loader {
    const radz_dataset_card *card;
    const radz_columns_spec *columns;
    const radz_split_spec *split;
    bool tolerate; /* see radz_dataset_filter */
    const char *root;
    size_t n_classes; /* of the card */
    radz_dataset *d;

    radz_table table;
    size_t n_main;       /* columns of the table; those of the joins follow */
    radz_join *joins;    /* [card->joins_count] */
    const char **row;    /* [n_main and the joins' columns], NULL without joins */
    radz_labeler labeler;
    radz_field image, file, patient, study, view, age, sex, reader, report, question;
    radz_field *subgroups; /* [card->subgroups_count] */
    radz_condition *conditions; /* the card's and the split's */
    size_t n_conditions;

    radz_name_table listed;  /* ids of the split's list, or of the lists it excludes */
    uint32_t *listed_times;  /* [listed.count] */
    size_t listed_capacity;
    radz_name_table images;  /* ids of the samples of this split: numbers are indices of `rows` and `labels` */
    radz_name_table own_files, *files; /* names of image files; `files` is &images where the id is the file's name */
    radz_name_table bases;   /* rows "each": ids without "#2" */
    uint32_t *occurrences;   /* [bases.count] */
    size_t occurrences_capacity;
    radz_name_table patients, readers;
    radz_name_table texts;   /* studies and views, each kept once */
    radz_row_image *rows;
    int8_t *labels;          /* [images.count, n_classes] */
    size_t rows_capacity, labels_capacity;
    int8_t *row_labels;      /* [n_classes], scratch */
    uint32_t *last_vote;     /* [images.count], rows "vote" */
    radz_vote *votes;
    int8_t *vote_labels;     /* [n_votes, n_classes] */
    size_t n_votes, last_vote_capacity, votes_capacity, vote_labels_capacity;

    radz_name_table folders; /* image folders below the root that exist */
    radz_file_place *places; /* [files->count] */
    uint32_t *order;         /* [images.count]: by image id */
    radz_strbuf id;
    radz_arena scratch;
} radz_loader;

/* Counts a fault; `thing` is its example, unless the same thing is one already. `line` of the label file, 0: none. */
radz_status radz_note_fault(radz_loader *loader, radz_fault_kind kind, const char *thing, size_t line,
                            radz_error *err) RADZ_MUST_USE;
/* Fills `places`: each folder is read once. */
radz_status radz_find_images(radz_loader *loader, radz_error *err) RADZ_MUST_USE;
bool radz_has_file(const radz_loader *loader, uint32_t image);
char *radz_image_path(const radz_loader *loader, uint32_t image, radz_arena *arena, radz_error *err) RADZ_MUST_USE;
/* Classes, subset, samples, labels and counts, from what was read. Wants `order`. */
radz_status radz_keep_samples(radz_loader *loader, const radz_dataset_filter *filter, radz_error *err) RADZ_MUST_USE;

#endif

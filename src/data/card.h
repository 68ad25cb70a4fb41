/* Cards: the YAML files under manifests/ that describe suites, data sets, models and prompt sets. A card is plain data;
 * what it names (a model family, a scorer, a protocol) is resolved by the room that owns it. Every mistake in a card is
 * one error of the form "manifest 'FILE' line N: key 'K': ...". */
#ifndef RADZ_DATA_CARD_H
#define RADZ_DATA_CARD_H

#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "base/str.h"

/* Where cards are looked for: manifests folders, the first that has the card wins (a person's own before the program's).
 * A folder that does not exist is passed over. */
typedef struct radz_card_places {
    const char *const *folders;
    size_t count;
} radz_card_places;

typedef enum radz_card_kind {
    RADZ_CARD_SUITE,   /* FOLDER/suites/NAME.yaml */
    RADZ_CARD_DATASET, /* FOLDER/datasets/NAME.yaml */
    RADZ_CARD_MODEL,   /* FOLDER/models/NAME.yaml */
    RADZ_CARD_PROMPTS, /* FOLDER/prompts/NAME.yaml */
    RADZ_CARD_RECIPE,  /* FOLDER/recipes/NAME.yaml */
    RADZ_CARD_GATE,    /* FOLDER/gates/NAME.yaml, see data/card_gate.h */
    RADZ_CARD_TERMS,   /* FOLDER/terms/NAME.yaml, see data/terms.h */
    RADZ_CARD_REFERENCES, /* FOLDER/references/NAME.yaml, see data/references.h */
    RADZ_CARD_PROTOCOL, /* FOLDER/protocols/NAME.yaml */
    RADZ_CARD_ANCHORS, /* FOLDER/anchors/NAME.yaml, see data/dialogue.h */
    RADZ_CARD_TEMPLATE, /* FOLDER/templates/NAME.yaml, see data/dialogue.h */
    RADZ_CARD_KIND_COUNT
} radz_card_kind;

const char *radz_card_kind_name(radz_card_kind kind);   /* "suite", "data set", "model", ...; static */
const char *radz_card_kind_folder(radz_card_kind kind); /* "suites", "datasets", ...; static */

/* The names of all cards of a kind, sorted, each once. Adds to `out`. */
radz_status radz_card_list(const radz_card_places *places, radz_card_kind kind, radz_strlist *out,
                           radz_error *err) RADZ_MUST_USE;
/* The file of a card; the caller frees `*path`. A `name` that ends in ".yaml" is taken as a path itself. An unknown name
 * is RADZ_E_USAGE and lists the known ones. */
radz_status radz_card_find(const radz_card_places *places, radz_card_kind kind, const char *name, char **path,
                           radz_error *err) RADZ_MUST_USE;

/* What every card starts with; filled by the loader. Strings of a card are owned by the card. Optional text that is
 * absent is NULL, optional lists have count 0, optional numbers have the default given here. */
typedef struct radz_card_base {
    char *file;                        /* as it was opened */
    char *folder;                      /* the folder that holds it: relative paths on a card start here */
    char sha256[RADZ_SHA256_HEX_SIZE]; /* of the file's bytes, for provenance */
    char *name;                        /* equal to the file's name without ".yaml" */
    char *title;                       /* for people */
} radz_card_base;

/* ---- suite ---- */

/* One training of a suite that compares trainings: the recipe with other values under some keys. */
typedef struct radz_variant_row {
    char *factor;     /* what is varied: "tokens" */
    char *at;         /* its value in this row, a number or a word: "4", "plain" */
    char **set;       /* optional: changes of the recipe, "KEY=VALUE" as `train --set` takes them; none: the recipe as it is */
    size_t set_count;
} radz_variant_row;

typedef struct radz_variants_spec {
    char *recipe; /* name of a recipe card */
    char **set;   /* optional: changes for all rows, before a row's own: the budget */
    size_t set_count;
    radz_variant_row *rows;
    size_t rows_count; /* at least 1; each factor and value once */
} radz_variants_spec;

typedef struct radz_suite_card {
    radz_card_base base;
    char *description; /* optional */
    char **datasets;
    size_t datasets_count; /* at least 1, each once */
    char **models;
    size_t models_count; /* at least 1, each once */
    char **scorers;
    size_t scorers_count; /* at least 1, each once */
    char *prompts;        /* name of the prompts card; a model card's own wins */
    char *anchors;        /* optional: name of the anchors card; a model card's own wins */
    char **other_prompts; /* optional: prompts cards that show how far figures move with the wording */
    size_t other_prompts_count;
    char **other_anchors; /* optional: likewise */
    size_t other_anchors_count;
    char **vary_questions; /* optional: scorers that ask, and ask in other words as well, for the same purpose */
    size_t vary_questions_count; /* each once */
    char *protocol;       /* "strict" when absent */
    uint32_t replicates;  /* bootstrap replicates, 0 to 1000000; 1000 when absent; 0: no intervals */
    double confidence;    /* inside (0, 1); 0.95 when absent */
    uint64_t seed;        /* 0 when absent */
    radz_variants_spec *variants; /* optional: in place of the weights of the suite's one model, those of these trainings */
} radz_suite_card;

/* ---- model ---- */
typedef enum radz_model_dtype { RADZ_DTYPE_FLOAT32, RADZ_DTYPE_BFLOAT16, RADZ_DTYPE_FLOAT16 } radz_model_dtype;
const char *radz_model_dtype_name(radz_model_dtype dtype);

typedef enum radz_anchor_form {
    RADZ_ANCHORS_EMBED_MEAN, /* "embed-mean": mean of the description's input token embeddings */
    RADZ_ANCHORS_DECODER     /* "decoder": the text feature of the description */
} radz_anchor_form;
const char *radz_anchor_form_name(radz_anchor_form form);

/* How features are read out of a decoder; what is given here wins over the model's own radz.json. */
typedef struct radz_reading_spec {
    char **image_tokens, **text_tokens; /* special tokens of the tokenizer, put at the end of the prompts */
    size_t image_tokens_count, text_tokens_count;
    int32_t layer;      /* index into the hidden states; -1 the last */
    bool layer_given;
    char *pooling;      /* optional: "special", "last", "mean" */
    bool head;          /* through the model's projection head, if it has one; true when absent */
    double tau;         /* temperature; 0: not given */
    char *image_prompt; /* optional: holds <image> */
    char *text_prompt;  /* optional: holds {text} */
} radz_reading_spec;

typedef struct radz_model_card {
    radz_card_base base;
    char *family;      /* "clip", ...: a name of the model room's table */
    char *path;        /* optional: folder of the weights, relative to the program's home or absolute */
    char *env;         /* environment variable that gives the folder; RADZ_MODEL_<NAME> when absent */
    char *source;      /* optional: where the weights come from */
    char *licence;     /* optional */
    char *citation;    /* optional */
    char *trained_on;  /* optional: what the weights have seen; printed with the figures */
    char *notes;       /* optional */
    char *weights_sha256; /* optional: 64 hex digits; another file is refused */
    radz_model_dtype dtype; /* float32 when absent */
    uint32_t batch;         /* images per batch, 1 to 4096; 0 when absent: as the family does */
    char *prompts;          /* optional: name of a prompts card that replaces the suite's */
    /* Exactly one of the two, or neither (then the model's own preprocessor file is used). */
    char *preprocess;        /* a recipe's name, or "model" */
    char **preprocess_steps; /* the steps of a recipe, in order, one text each */
    size_t preprocess_steps_count;
    char *decode; /* optional: how files are read, arguments of the recipe step `decode`, put in front of the others */
    /* of models that answer in words */
    char *template_name;  /* key "template": name of a template card; needed by scorers that ask */
    uint32_t max_tokens;  /* longest answer, 1 to 4096 tokens; 64 when absent */
    char *tower;          /* optional: folder of the vision tower, relative to the weights' folder or absolute */
    char *adapter;        /* optional: folder of a LoRA adapter, likewise */
    char *anchors;        /* optional: name of an anchors card that replaces the suite's */
    radz_anchor_form anchor_form; /* "embed-mean" when absent */
    radz_reading_spec *radz; /* optional */
} radz_model_card;

/* Where a model's weights are: the environment variable, else `path` (below `home` when relative). `*folder` is the
 * caller's; NULL with `*hint` (the caller's too) saying in one line how to provide it when the folder is not there. */
radz_status radz_model_locate(const radz_model_card *card, const char *home, char **folder, char **hint,
                              radz_error *err) RADZ_MUST_USE;

/* ---- prompts ---- */
typedef struct radz_prompts_class {
    char *class_name;  /* as the data set cards spell it */
    char *name;        /* optional: as a prompt says it ("pleural effusion"); from class_name otherwise */
    char *description; /* optional: sentence(s) of signs, for scorers that use descriptions */
    char *negative;    /* optional: a negative prompt of its own, in place of the negative templates */
} radz_prompts_class;

typedef struct radz_prompts_card {
    radz_card_base base;
    char *source; /* optional: where the wording comes from */
    char *notes;  /* optional: e.g. whether it was chosen knowing the target labels */
    char **templates;
    size_t templates_count; /* at least 1; each holds {class} once or more, or {description} */
    char **negative_templates;
    size_t negative_templates_count; /* may be 0 */
    char *question; /* yes/no question with {class}; a plain one when absent */
    char *choice;   /* question with {classes}, the whole list; a plain one when absent */
    char **other_questions, **other_choices; /* optional: further wordings of these, to see how far figures move */
    size_t other_questions_count, other_choices_count;
    radz_prompts_class *classes;
    size_t classes_count;
} radz_prompts_card;

/* ---- data set ---- */

/* Where a card says "column", it may also give a text made from columns: "{Patient}/{Study}". A part in braces is a header
 * name, cut by what may follow it: {X:2} its first two characters, {X:-2} its last two, {X/2} the second part from the end of
 * a path, {X/2..} its last two parts. */

typedef enum radz_reader_kind {
    RADZ_READER_CSV,    /* "csv": a header line, fields between delimiters */
    RADZ_READER_WORDS,  /* "words": no header line, fields between blanks */
    RADZ_READER_FOLDER, /* "folder": the image files themselves; columns "file", "stem" (without ending), "folder" */
    RADZ_READER_XML,    /* "xml": one document per file, see radz_xml_spec */
    RADZ_READER_JSON,   /* "json": an array of objects; their keys are the columns */
    RADZ_READER_KIND_COUNT
} radz_reader_kind;
const char *radz_reader_kind_name(radz_reader_kind kind);

typedef enum radz_label_form {
    RADZ_LABELS_LIST,        /* "list": one column holds the names of the findings present, with a separator */
    RADZ_LABELS_PYTHON_LIST, /* "python-list": the same, written as Python writes a list of strings */
    RADZ_LABELS_COLUMNS,     /* "columns": one column per class */
    RADZ_LABELS_RLE,         /* "rle": one column with a mask: pairs "start length", or -1 for none; one class */
    RADZ_LABEL_FORM_COUNT
} radz_label_form;
const char *radz_label_form_name(radz_label_form form);

typedef enum radz_row_policy {
    RADZ_ROWS_UNSET,
    RADZ_ROWS_ONE,  /* "one": one row per image; equal repeats are counted, contradicting ones are an error */
    RADZ_ROWS_ANY,  /* "any": several rows per image; a class is present if any row says so */
    RADZ_ROWS_EACH, /* "each": every row is a sample, also of the same image ("ID", "ID#2", ...) */
    RADZ_ROWS_VOTE  /* "vote": several readers per image; a class is present if enough of them say so */
} radz_row_policy;

typedef enum radz_uncertain {
    RADZ_UNCERTAIN_UNSET,
    RADZ_UNCERTAIN_IGNORE, /* "ignore": masked out (U-ignore) */
    RADZ_UNCERTAIN_ONES,   /* "ones": present (U-ones) */
    RADZ_UNCERTAIN_ZEROS   /* "zeros": absent (U-zeros) */
} radz_uncertain;

typedef enum radz_others {
    RADZ_OTHERS_ERROR, /* "error" */
    RADZ_OTHERS_IGNORE /* "ignore": counted and passed over */
} radz_others;

typedef enum radz_level { RADZ_LEVEL_UNSET, RADZ_LEVEL_IMAGE, RADZ_LEVEL_STUDY } radz_level;
typedef enum radz_aggregate { RADZ_AGGREGATE_UNSET, RADZ_AGGREGATE_MAX, RADZ_AGGREGATE_MEAN } radz_aggregate;
const char *radz_aggregate_name(radz_aggregate aggregate); /* "max", "mean" */

typedef struct radz_class_spec {
    char *name;   /* the class, as figures show it */
    char *column; /* form "columns": its column; `name` when absent */
    char **synonyms;
    size_t synonyms_count;    /* other spellings in label files of the same set */
    radz_uncertain uncertain; /* for this class, in place of labels.uncertain */
} radz_class_spec;

typedef struct radz_class_group {
    char *name;
    char *title; /* optional */
    char **classes;
    size_t classes_count;
} radz_class_group;

/* A column of the label table (or of a join) whose values part the images for figures of their own: scanner, hospital, ... */
typedef struct radz_subgroup_spec {
    char *name; /* as tables show it; not "sex", "age", "view": those have columns of their own */
    char *column;
    bool optional; /* a label file without the column: no image has a value. An error otherwise */
} radz_subgroup_spec;

typedef struct radz_class_count {
    char *class_name;
    uint64_t count;
} radz_class_count;

/* A condition on rows; those that do not meet it are left out and counted. At least one of the lists. */
typedef struct radz_where_spec {
    char *column;
    char **is; /* one of these values */
    size_t is_count;
    char **is_not; /* none of these */
    size_t is_not_count;
    char **like; /* one of these patterns with '*' and '?' */
    size_t like_count;
} radz_where_spec;

typedef struct radz_columns_spec { /* optional ones NULL */
    char *image; /* what identifies a sample */
    char *file;  /* its image file, below one of images.folders and without the ending; `image` when absent */
    char *patient;
    char *study;
    char *view;
    char *age;
    char *sex;
    char *reader;   /* who labelled the row; for rows "vote" */
    char *report;   /* the report's text */
    char *question; /* what is asked about the image; the label is the answer */
} radz_columns_spec;

/* Which rows belong to a split: those of its own label files, those named in a list file, those that meet a condition,
 * those on no list of the splits of `except`. Nothing given: all. */
typedef struct radz_split_spec {
    char *name;
    char *note;   /* optional: which split that is, in words */
    char *scheme; /* optional: which way of splitting it belongs to; splits of two ways overlap by their nature */
    char **files; /* optional: label files in place of labels.files */
    size_t files_count;
    radz_columns_spec *columns; /* optional: columns of these files, in place of the card's */
    char **list;                /* optional: files with one image id per line, below the root; the first that exists is read.
                                 * A .csv file has a header line and the ids in `list_column` */
    size_t list_count;
    char *list_column; /* the card's columns.image when absent */
    bool list_words;   /* the id is the first word of a line, without folders before it */
    radz_where_spec *where;
    size_t where_count;
    char **except; /* optional: names of splits (that have lists) whose images are left out */
    size_t except_count;
    /* What the published set has; 0: not known. `positives` has 0 or all classes. */
    uint64_t images, patients;
    radz_class_count *positives;
    size_t positives_count;
    char *fingerprint; /* optional: 64 hex digits, of the whole split with all classes; see radz_dataset_fingerprint */
} radz_split_spec;

/* A further CSV file with columns of the same images, studies or patients. */
typedef struct radz_join_spec {
    char **files; /* the first that exists is read */
    size_t files_count;
    char *on;  /* column of the label table whose value is looked up */
    char *key; /* the file's own column for it; `on` when absent */
    char **columns; /* what it adds; a column of the label table of the same name wins */
    size_t columns_count;
    bool optional; /* no such file, or no such row: the columns are empty. Otherwise a row without its partner is left out
                    * and counted */
} radz_join_spec;

typedef struct radz_labels_spec {
    char **files; /* tried in order, below the root, also as NAME.gz and NAME.zip; the first that exists is read. Reader
                   * "xml": patterns, all files of the first that matches any */
    size_t files_count;
    char *delimiter; /* reader "csv": one character; "," when absent */
    char **header;   /* reader "words": names of the columns */
    size_t header_count;
    radz_label_form form;
    radz_row_policy rows;   /* "one" when absent */
    uint32_t votes;         /* rows "vote": readers that must agree; more than half of the image's when absent */
    char *column;           /* every form but "columns" */
    char *separator;        /* form "list": one character; "|" when absent */
    char *cut;              /* lists: one character at which a label ends ("Opacity/lung/left") */
    radz_others others;     /* lists: labels that are no class of the card; "error" when absent */
    char **none;            /* lists: values that mean that nothing was found */
    size_t none_count;
    char **skip;            /* values of the label column for which the row is left out and counted as unlabelled */
    size_t skip_count;
    char **positive;        /* form "columns": spellings; "1", "1.0" when absent */
    size_t positive_count;
    char **negative;        /* form "columns": "0", "0.0", "" when absent */
    size_t negative_count;
    char **unknown;         /* form "columns": uncertain values; none when absent */
    size_t unknown_count;
    radz_uncertain uncertain; /* what they count as; "ignore" when absent */
    bool optional_columns;  /* form "columns": a class without its column is masked; an error when absent */
    uint64_t rows_expected; /* rows of the published file; 0: not known */
} radz_labels_spec;

/* One row per element `row` of a document. */
typedef struct radz_xml_field {
    char *name;      /* of the column */
    char *element;   /* whose text it is, in the row's element or, when that has none, anywhere in the document */
    char *attribute; /* optional: the value of this attribute instead */
    char *where, *equals; /* optional: only elements whose attribute `where` has this value */
    char *separator; /* between several; ";" when absent */
} radz_xml_field;

typedef struct radz_xml_spec {
    char *row;
    radz_xml_field *fields;
    size_t fields_count;
} radz_xml_spec;

typedef struct radz_images_spec {
    char **folders; /* below the root, "." for the root itself; a part may hold '*' */
    size_t folders_count;
    char **extensions; /* optional: endings added to the name to give the file's name, tried in order */
    size_t extensions_count;
} radz_images_spec;

typedef struct radz_reports_spec {
    char *file;   /* CSV below the root */
    char *image;  /* header names */
    char *text;
} radz_reports_spec;

typedef struct radz_generated_spec {
    char *generator;   /* "phantom" */
    uint64_t seed;     /* 1 when absent */
    uint32_t patients; /* all splits together */
    char *complete;    /* optional: file below the root that lists, one per line, the splits that are wholly there */
} radz_generated_spec;

/* How published figures on the set were made. */
typedef struct radz_literature {
    char *preset; /* name of a protocol preset */
    char *split;  /* optional: a split of the card */
    char *who;    /* the papers, and what they did */
} radz_literature;

/* Another way to read the same files: what is given replaces what the card says. Named as DATASET:VARIANT. */
typedef struct radz_variant_spec {
    char *name;
    char *title;
    char *split;
    char **evaluated; /* classes, or names of groups */
    size_t evaluated_count;
    radz_where_spec *where; /* beside the card's own */
    size_t where_count;
    radz_row_policy rows;
    radz_uncertain uncertain; /* of all classes */
    radz_level level;
    radz_aggregate aggregate;
} radz_variant_spec;

typedef struct radz_dataset_card {
    radz_card_base base;
    char *description; /* optional: one paragraph; this and what follows up to `verified` is what `datasets` prints */
    char *licence;
    char *source;   /* where it is to be had */
    char *access;   /* optional: what one must do to get it ("no registration") */
    char *size;     /* optional: of the download */
    char *pictures; /* optional: file format and size of the images */
    char *tree;     /* optional: the folder as it is expected, one line a file or folder */
    radz_literature *literature; /* optional */
    size_t literature_count;
    char **must_know; /* optional: what a reader of the figures or of the files must know, a paragraph each */
    size_t must_know_count;
    char **verified; /* optional: what the counts and the format on the card were checked against, a paragraph each */
    size_t verified_count;
    char **images_from; /* optional: data sets that its images come from, whole or in part */
    size_t images_from_count;
    char *citation;
    char *provide;  /* one line: how to put it in place */
    char *notes;    /* optional */
    char *root;     /* optional: folder of the data; RADZ_DATA_<NAME> wins */
    char *folder_of; /* optional: name of the data set in whose folder (RADZ_DATA_<NAME> of that one) it lies */
    bool is_public; /* key "public": pictures may be shown in reports; false when absent */
    bool synthetic; /* said with every figure; false when absent */
    radz_reader_kind reader;
    char *split;    /* the split that is evaluated; the first of `splits` when absent */
    radz_class_spec *classes;
    size_t classes_count;
    radz_class_group *groups; /* optional: classes reported apart */
    size_t groups_count;
    char **evaluated; /* classes, or names of groups, that are evaluated unless a person names others; all when absent */
    size_t evaluated_count;
    radz_labels_spec *labels;
    radz_xml_spec *xml; /* reader "xml" only */
    radz_columns_spec *columns;
    radz_subgroup_spec *subgroups; /* optional */
    size_t subgroups_count;
    radz_join_spec *joins;
    size_t joins_count;
    radz_where_spec *where; /* conditions for all splits */
    size_t where_count;
    radz_level level;         /* what is scored: "image" when absent; "study": the images of a study together */
    radz_aggregate aggregate; /* how the scores of a study's images become one; "max" when absent */
    radz_images_spec *images;
    radz_reports_spec *reports; /* optional */
    radz_split_spec *splits;    /* at least 1 */
    size_t splits_count;
    radz_variant_spec *variants;
    size_t variants_count;
    radz_generated_spec *generated; /* optional: the program can make it itself */
} radz_dataset_card;

const radz_split_spec *radz_dataset_card_split(const radz_dataset_card *card, const char *name); /* NULL: none */
/* The same for a name that a person gave: RADZ_E_USAGE lists the card's splits. `name` NULL: the split that is evaluated. */
radz_status radz_dataset_card_need_split(const radz_dataset_card *card, const char *name, const radz_split_spec **out,
                                         radz_error *err) RADZ_MUST_USE;
const radz_class_group *radz_dataset_card_group(const radz_dataset_card *card, const char *name); /* NULL: none */
/* Which of `classes` belong to a group (NULL: all do), members [n_classes]: 1 or 0. Returns how many. */
size_t radz_class_group_members(const radz_class_group *group, const char *const *classes, size_t n_classes, uint8_t *members);
bool radz_dataset_card_knows(const radz_dataset_card *card, const char *name); /* a class or a group of that name */

/* Makes a card that of its variant: name "DATASET:VARIANT", a title and a card hash of its own. RADZ_E_USAGE lists the
 * variants. Once only per card. */
radz_status radz_dataset_card_vary(radz_dataset_card *card, const char *variant, radz_error *err) RADZ_MUST_USE;

/* Loading by path, or by a name as radz_card_find takes it. `*out` is NULL on error; RADZ_E_FORMAT for YAML mistakes, RADZ_E_VALUE for
 * values. */
radz_status radz_suite_card_load(const char *path, radz_suite_card **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_suite_find_card(const radz_card_places *places, const char *name, radz_suite_card **out,
                                 radz_error *err) RADZ_MUST_USE;
radz_status radz_model_card_load(const char *path, radz_model_card **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_model_find_card(const radz_card_places *places, const char *name, radz_model_card **out,
                                 radz_error *err) RADZ_MUST_USE;
radz_status radz_prompts_card_load(const char *path, radz_prompts_card **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_prompts_find_card(const radz_card_places *places, const char *name, radz_prompts_card **out,
                                   radz_error *err) RADZ_MUST_USE;
radz_status radz_dataset_card_load(const char *path, radz_dataset_card **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_dataset_find_card(const radz_card_places *places, const char *name, radz_dataset_card **out,
                                   radz_error *err) RADZ_MUST_USE;
void radz_suite_card_free(radz_suite_card *card);
void radz_model_card_free(radz_model_card *card);
void radz_prompts_card_free(radz_prompts_card *card);
void radz_dataset_card_free(radz_dataset_card *card);

#endif

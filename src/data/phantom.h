/* The embedded data set `phantom`: synthetic chest radiographs with labels and reports, made by a small physical model
 * (attenuation along rays through an analytic thorax). The same options give the same bytes on every machine and with
 * any number of threads. It is synthetic throughout and proves nothing clinical; see datasets/phantom/README.md. */
#ifndef RADZ_DATA_PHANTOM_H
#define RADZ_DATA_PHANTOM_H

#include <stdint.h>

#include "base/status.h"

/* The 14 findings of ChestX-ray14, in its alphabetical order; bit `1 << finding` of a label mask. */
typedef enum radz_phantom_finding {
    RADZ_PHANTOM_ATELECTASIS,
    RADZ_PHANTOM_CARDIOMEGALY,
    RADZ_PHANTOM_CONSOLIDATION,
    RADZ_PHANTOM_EDEMA,
    RADZ_PHANTOM_EFFUSION,
    RADZ_PHANTOM_EMPHYSEMA,
    RADZ_PHANTOM_FIBROSIS,
    RADZ_PHANTOM_HERNIA,
    RADZ_PHANTOM_INFILTRATION,
    RADZ_PHANTOM_MASS,
    RADZ_PHANTOM_NODULE,
    RADZ_PHANTOM_PLEURAL_THICKENING,
    RADZ_PHANTOM_PNEUMONIA,
    RADZ_PHANTOM_PNEUMOTHORAX,
    RADZ_PHANTOM_FINDINGS
} radz_phantom_finding;

/* "Atelectasis", ..., "Pleural_Thickening", ... as ChestX-ray14 writes them; static storage. */
const char *radz_phantom_finding_name(radz_phantom_finding finding);

/* Findings that no report names: Mass, Pleural_Thickening and Hernia are described by their signs only. */
#define RADZ_PHANTOM_UNNAMED                                                                                           \
    (1u << RADZ_PHANTOM_MASS | 1u << RADZ_PHANTOM_PLEURAL_THICKENING | 1u << RADZ_PHANTOM_HERNIA)

enum {
    RADZ_PHANTOM_SIZE = 512,              /* pixels per side of every image */
    RADZ_PHANTOM_DEFAULT_PATIENTS = 4000, /* 9,776 train, 1,204 val and 1,157 test images */
    RADZ_PHANTOM_DEFAULT_SEED = 1,
    RADZ_PHANTOM_MAX_PATIENTS = 1000000
};

typedef enum radz_phantom_split {
    RADZ_PHANTOM_TRAIN,
    RADZ_PHANTOM_VAL,
    RADZ_PHANTOM_TEST,
    RADZ_PHANTOM_SPLITS
} radz_phantom_split;
#define RADZ_PHANTOM_ALL_SPLITS 7u /* bits 1 << split */

/* How an image is stored, so that a reader of the data set meets every pixel format. */
typedef enum radz_phantom_storage {
    RADZ_PHANTOM_PNG_GRAY8, /* most images */
    RADZ_PHANTOM_PNG_GRAY16,
    RADZ_PHANTOM_PNG_RGBA8, /* gray in R, G and B, opaque, as some files of ChestX-ray14 */
    RADZ_PHANTOM_JPEG_GRAY,
    RADZ_PHANTOM_JPEG_RGB,
    RADZ_PHANTOM_STORAGES
} radz_phantom_storage;

typedef struct radz_phantom_options {
    uint32_t patients; /* 1 to RADZ_PHANTOM_MAX_PATIENTS; 0 means RADZ_PHANTOM_DEFAULT_PATIENTS */
    uint64_t seed;
} radz_phantom_options;

/* One image's metadata; everything is borrowed from the plan. */
typedef struct radz_phantom_image {
    const char *file;         /* "00000012_003.png" (or .jpg) */
    uint32_t patient;         /* from 1 */
    int follow_up;            /* from 0 */
    int age;                  /* years */
    char gender;              /* 'M' or 'F' */
    bool ap;                  /* anterior-posterior (portable) instead of posterior-anterior */
    double spacing;           /* mm per pixel */
    radz_phantom_split split; /* the patient's */
    radz_phantom_storage storage;
    uint32_t labels;              /* bits 1 << finding */
    const char *label_text;       /* "Effusion|Mass" or "No Finding" */
    const char *const *sentences; /* the report's sentences, in reading order */
    size_t sentence_count;        /* at least 1 */
    const char *report;           /* the sentences joined by a space */
} radz_phantom_image;

typedef struct radz_phantom_plan radz_phantom_plan;

/* Metadata of all images of all patients (1 to 6 images each); renders nothing. About 3 us per image. */
radz_status radz_phantom_plan_create(const radz_phantom_options *options, radz_phantom_plan **out,
                                     radz_error *err) RADZ_MUST_USE;
void radz_phantom_plan_free(radz_phantom_plan *plan);
size_t radz_phantom_count(const radz_phantom_plan *plan);
uint32_t radz_phantom_patients(const radz_phantom_plan *plan);
uint64_t radz_phantom_seed(const radz_phantom_plan *plan);
/* Borrowed; i < radz_phantom_count(plan). Images are sorted by patient, then follow-up. */
const radz_phantom_image *radz_phantom_at(const radz_phantom_plan *plan, size_t i);

/* Renders image `i` alone into pixels [512,512], row by row from the top, 0 black to 65535 white, bone bright
 * (MONOCHROME2), patient's right on the left. Thread-safe. */
radz_status radz_phantom_render(const radz_phantom_plan *plan, size_t i, uint16_t *pixels,
                                radz_error *err) RADZ_MUST_USE;
/* The same with the findings of `hidden` (bits) not drawn and everything else as before, noise included: the difference
 * of two such images shows where a finding is. */
radz_status radz_phantom_render_without(const radz_phantom_plan *plan, size_t i, uint32_t hidden, uint16_t *pixels,
                                        radz_error *err) RADZ_MUST_USE;

/* Writes one image file, completely or not at all. `pixels` [height,width] are 16-bit gray; kinds of 8 bits take the
 * high byte. Called from several threads. */
typedef struct radz_phantom_sink {
    radz_status (*write)(void *context, const char *path, radz_phantom_storage storage, const uint16_t *pixels,
                         int width, int height, radz_error *err);
    void *context;
} radz_phantom_sink;

/* Writes the data set into folder `dir` (made when absent) in ChestX-ray14's formats: Data_Entry_2017.csv,
 * train_list.txt, val_list.txt, test_list.txt, reports.csv, README.txt, all of them about all patients, and images/
 * with the images of the splits in `splits` (bits 1 << split). Images already there are kept, so an interrupted call
 * can be repeated; a complete folder is recognised by its marker file and left alone. A folder made with other options
 * is refused (RADZ_E_VALUE). */
radz_status radz_phantom_write(const radz_phantom_plan *plan, const char *dir, unsigned splits, int threads,
                               const radz_phantom_sink *sink, radz_error *err) RADZ_MUST_USE;

/* A labelled contact sheet, 8-bit gray; `*gray` [*height,*width] is the caller's (free). One row per finding: first
 * `columns` - 1 images that have it (the labels are written below each), then one image without any finding; with
 * `finding` in 0..13 only that finding, in as many rows as fit 30 images. `finding` < 0 for all. Each cell is `cell`
 * pixels wide (64 to 512). */
radz_status radz_phantom_sheet(const radz_phantom_plan *plan, int finding, int columns, int cell, int threads,
                               uint8_t **gray, int *width, int *height, radz_error *err) RADZ_MUST_USE;

#endif

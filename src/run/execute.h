/* Carrying out a plan: embed everything through the cache (the only part that may open libtorch), then score, measure and
 * collect the results from the cache alone. */
#ifndef RADZ_RUN_EXECUTE_H
#define RADZ_RUN_EXECUTE_H

#include "report/results.h"
#include "run/embed.h"
#include "run/home.h"
#include "run/model_evidence.h"
#include "run/plan.h"
#include "run/probe.h"

/* Of which data sets small pictures of the worst mistakes are kept beside the results. */
typedef enum radz_thumbnails { RADZ_THUMBNAILS_PUBLIC, RADZ_THUMBNAILS_ALL, RADZ_THUMBNAILS_NONE } radz_thumbnails;

/* Called for each data set and model once its images are vectors in the cache: embeddings, or features of a decoder. All
 * arguments are borrowed. */
typedef radz_status (*radz_embedded_visit)(void *context, const char *model, const radz_evidence_set *vectors, radz_error *err);

typedef struct radz_execute_options {
    const radz_strlist *classes;  /* only these classes; NULL or empty: all */
    const char *split;            /* NULL: as the data set's card says */
    const char *val_split;        /* split on which protocols may choose thresholds; NULL: none */
    size_t limit;                 /* 0: all images */
    int64_t seed;                 /* < 0: as the suite's card says; of bootstrap and subset */
    int threads;
    const char *device, *dtype;   /* NULL: cpu; as the model's card says */
    bool skip_bad;                /* unreadable images are left out and counted */
    bool strict;                  /* errors and warnings of the data sets' check end the run before it begins */
    bool embed_only;              /* stop after the embeddings */
    const radz_probe_options *probe; /* few-shot rows in place of the scorers', trained on val_split; NULL: not */
    radz_embedded_visit visit;    /* NULL: none */
    void *visit_context;
    const char *command;          /* for provenance */
    const radz_strlist *groups;   /* CSV files whose columns part the images into subgroups (run/subgroups.h); NULL: none */
    radz_thumbnails thumbnails;   /* PUBLIC: where the data set's card says that pictures may be shown */
    const char *results_dir;      /* per-image scores are written below RESULTS_DIR/RUN_ID as they are ready; NULL: not */
} radz_execute_options;

/* Runs the plan. `*out` holds the results (also of an embed-only run: without rows). Nothing evaluated at all is
 * RADZ_E_MISSING. On cancellation everything computed so far is in the cache. */
radz_status radz_execute(const radz_home *home, const radz_plan *plan, const radz_execute_options *options,
                         radz_results **out, radz_error *err) RADZ_MUST_USE;

#endif

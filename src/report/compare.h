/* Two runs side by side: which figures moved, and which of them moved for the worse by more than is allowed. Where both
 * runs kept their scores, whoever calls adds a paired test of each such figure (run/compare_runs.h does), so that a fall
 * can be told from noise. */
#ifndef RADZ_REPORT_COMPARE_H
#define RADZ_REPORT_COMPARE_H

#include <stdio.h>

#include "base/str.h"
#include "report/results.h"

typedef enum radz_verdict {
    RADZ_VERDICT_SAME,         /* to the last bit, or NA for the same reason in both */
    RADZ_VERDICT_WITHIN,       /* moved by no more than the tolerance */
    RADZ_VERDICT_NOISE,        /* moved by more, but the paired test does not tell it from nothing */
    RADZ_VERDICT_BETTER,       /* rose by more */
    RADZ_VERDICT_GAINED,       /* was NA, has a value now */
    RADZ_VERDICT_NEW,          /* not in BASE */
    RADZ_VERDICT_UNJUDGED,     /* moved or is gone, and no tolerance is set for it */
    RADZ_VERDICT_WORSE,        /* fell by more: a regression, as are the next three */
    RADZ_VERDICT_LOST,         /* had a value, is NA now */
    RADZ_VERDICT_GONE,         /* not in NEW */
    RADZ_VERDICT_OTHER_IMAGES, /* measured on other images or labels: says nothing */
    RADZ_VERDICT_COUNT
} radz_verdict;
const char *radz_verdict_name(radz_verdict verdict); /* "same", "within tolerance", "noise", ... */
bool radz_verdict_fails(radz_verdict verdict);

/* What is allowed; all borrowed. The first tolerance that fits a row is taken. */
typedef struct radz_tolerance {
    const char *metric;
    const char *classes;  /* "means", "each", or one class or mean; NULL: all rows of the metric */
    double fall, limit;   /* see data/card_gate.h */
} radz_tolerance;
typedef struct radz_gate {
    const char *name;
    double alpha;
    const radz_tolerance *tolerances;
    size_t n_tolerances;
} radz_gate;

/* One figure in both runs, or in one of them. */
typedef struct radz_compared {
    const radz_result_row *base, *now; /* not both NULL */
    size_t block;                      /* index into the comparison's blocks */
    const radz_tolerance *tolerance;   /* NULL: not judged */
    double change;                     /* now - base; NaN where one has no value */
    bool beyond;                       /* by more than the tolerance, up or down: worth a test */
    /* Of the paired test: set by radz_compare_tested. */
    const char *test;                  /* "DeLong", "bootstrap"; NULL: none */
    double p;                          /* two-sided; NaN where the test gives an interval only */
    double low, high;                  /* of the change, at 1 - alpha */
    /* Beside DeLong's p of a class's AUC: adjusted over the classes of the block. Of every AUC, means too: models exchanged
     * within patients. NaN where not there; the verdict looks at `p` alone. */
    double p_holm, p_bh, p_permutation;
    radz_verdict verdict;
} radz_compared;

/* One data set, split, model, scorer and protocol. */
typedef struct radz_compared_block {
    const radz_result_block *base, *now; /* not both NULL */
    bool same_images;                    /* ids and labels of both are the same */
    const char *untested;                /* why there is no paired test; NULL: there is, or none was needed */
    size_t n_beyond;                     /* rows worth a test */
    size_t counts[RADZ_VERDICT_COUNT];
    radz_strlist changes;                /* "weights: 1a2b... -> 3c4d..." */
} radz_compared_block;

typedef struct radz_comparison {
    const radz_results *base, *now;
    const radz_gate *gate;
    radz_compared_block *blocks; /* those of BASE in its order, then those only in NEW */
    size_t n_blocks;
    radz_compared *rows;         /* by block; within it as in BASE, then those only in NEW */
    size_t n_rows;
    size_t counts[RADZ_VERDICT_COUNT];
    size_t failures;             /* rows whose verdict fails */
    radz_strlist changes;        /* of the whole runs: "libtorch: 1.13.0 -> 2.1.0" */
    radz_arena arena;
} radz_comparison;

/* Matches blocks and rows and finds what moved. The results and the gate must outlive `*out`. A run without rows is
 * RADZ_E_VALUE; a tolerance for a metric that the program does not know RADZ_E_USAGE. O(rows log rows). */
radz_status radz_compare(const radz_results *base, const radz_results *now, const radz_gate *gate, radz_comparison **out,
                         radz_error *err) RADZ_MUST_USE;
void radz_comparison_free(radz_comparison *comparison);
/* Records a test of a row. Without a p-value the interval decides. */
void radz_compare_tested(radz_compared *row, const char *test, double p, double low, double high);
/* Whether the test tells the change from nothing at the level `alpha`; true without a test. */
bool radz_compared_is_real(const radz_compared *row, double alpha);
/* Gives every row its verdict and counts them; call it once, after the tests. A fall beyond the tolerance without a test is a
 * regression: no evidence is not evidence of noise. */
void radz_compare_judge(radz_comparison *comparison);

/* "table", "md", "junit", "json" */
radz_status radz_comparison_print(const radz_comparison *comparison, const char *format, FILE *out,
                                  radz_error *err) RADZ_MUST_USE;
/* Writes compare.md and compare.xml (JUnit) into `dir`. */
radz_status radz_comparison_write(const radz_comparison *comparison, const char *dir, radz_error *err) RADZ_MUST_USE;

#endif

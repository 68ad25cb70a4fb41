/* Two finished runs from their folders to a comparison, with a paired test of every figure that moved by more than the gate
 * allows: DeLong's over patients for the AUC of a class, the paired bootstrap over patients for everything else. */
#ifndef RADZ_RUN_COMPARE_RUNS_H
#define RADZ_RUN_COMPARE_RUNS_H

#include "data/card_gate.h"
#include "report/compare.h"
#include "run/home.h"

typedef struct radz_compared_runs {
    radz_results *base, *now;
    radz_gate_card *card;
    radz_gate gate;
    radz_tolerance *tolerances;
    radz_comparison *comparison; /* judged */
} radz_compared_runs;

/* `base` and `now` are folders of runs (or results.json files: then there are no scores, and no tests). `gate` names a gate
 * card. A block whose scores cannot be used says why (`untested`), and that is no error: its falls then count. `out` is zeroed
 * first; free it with radz_compared_runs_free, also after an error. */
radz_status radz_compare_runs(const radz_home *home, const char *base, const char *now, const char *gate, int threads,
                              radz_compared_runs *out, radz_error *err) RADZ_MUST_USE;
void radz_compared_runs_free(radz_compared_runs *runs);

#endif

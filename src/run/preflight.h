/* What can be said of a run before its work begins, which may take hours: whether what it was started with fits together. */
#ifndef RADZ_RUN_PREFLIGHT_H
#define RADZ_RUN_PREFLIGHT_H

#include "data/terms.h"
#include "run/execute.h"

/* The folder `dir` can be made and written; `what` it is, for the message. */
radz_status radz_preflight_folder(const char *what, const char *dir, radz_error *err) RADZ_MUST_USE;

/* Says which models are not here; RADZ_E_MISSING when none is. */
radz_status radz_preflight_models(const radz_plan *plan, radz_error *err) RADZ_MUST_USE;

/* Errors: a split that a data set does not have, or one to learn from that none has (RADZ_E_USAGE); a file of subgroups
 * that cannot be read or is given twice; an anchors card that a scorer of the plan reads and that lacks a class of a data set
 * (RADZ_E_VALUE). Reads small files only. */
radz_status radz_preflight(const radz_plan *plan, const radz_execute_options *options, const radz_terms_card *terms,
                           radz_error *err) RADZ_MUST_USE;

#endif

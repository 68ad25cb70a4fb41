/* The plots that only `figures` draws. */
#ifndef RADZ_REPORT_FIGURE_PARTS_H
#define RADZ_REPORT_FIGURE_PARTS_H

#include "report/figures.h"
#include "report/plot_parts.h"

/* AUC of each class on spokes, for the blocks `members` of one data set and split, and of published methods that have figures of
 * its classes; none below three classes. */
radz_status radz_plot_radar(radz_plot_set *set, const size_t *members, size_t n_members, const radz_published *published,
                            size_t n_published, radz_error *err) RADZ_MUST_USE;
radz_status radz_plot_tsne(radz_plot_set *set, const radz_feature_map *map, radz_error *err) RADZ_MUST_USE;
/* Milliseconds of an image (log scale) against mean AUC. `*any` when a time is known. */
radz_status radz_plot_cost(radz_plot_set *set, bool *any, radz_error *err) RADZ_MUST_USE;
/* A picture that says what is not there and how to get it; at most four lines. */
radz_status radz_plot_absent(radz_plot_set *set, const char *name, const char *const *lines, size_t n_lines,
                             radz_error *err) RADZ_MUST_USE;

#endif

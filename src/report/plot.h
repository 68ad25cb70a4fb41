/* Plots of a run: gnuplot scripts with their data inside, and the pictures gnuplot draws from them. */
#ifndef RADZ_REPORT_PLOT_H
#define RADZ_REPORT_PLOT_H

#include "report/results.h"

/* Writes DIR/plots/NAME.gp and, when `draw`, lets gnuplot make NAME.svg, NAME.pdf and NAME.png of each:
 *   roc-<dataset>-<split>   a panel for each class with the ROC curve of each model and scorer
 *   pr-<dataset>-<split>    the same with precision-recall curves
 *   auc-<dataset>-<split>   AUC of each class, as bars from chance, with intervals
 *   compare-auc             macro AUC of each data set, model and scorer with intervals
 *   ablation-<factor>       of the detail table "ablation": macro AUC over the values of each factor
 * The same results give the same bytes (with the same gnuplot). A script that is already there with its pictures is not
 * drawn again. Without gnuplot the scripts are written and a warning says how to draw them later (RADZ_OK). RADZ_E_BACKEND
 * when gnuplot fails: the message has its words; scripts stay, no picture is half-written. */
radz_status radz_plots_write(const radz_results *results, const char *dir, bool draw, radz_error *err) RADZ_MUST_USE;

#endif

/* The sentences below the tables of a section. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "metric/metric.h"
#include "report/table_parts.h"

/* Length of a sentence without its full stop: notes end as the format likes. */
static int without_stop(const char *sentence)
{
    size_t length = strlen(sentence);
    return (int)(length - (length > 0 && sentence[length - 1] == '.'));
}

static bool of_studies(const radz_result_block *block)
{
    return block->level != NULL && strcmp(block->level, "study") == 0;
}

const char *radz_units_name(const radz_result_block *block, uint64_t n)
{
    if (of_studies(block))
        return n == 1 ? "study" : "studies";
    bool asks = block->level != NULL && strcmp(block->level, "question") == 0;
    return asks ? (n == 1 ? "question" : "questions") : n == 1 ? "image" : "images";
}

void radz_layout_block_notes(radz_layout *b, radz_section *section, const radz_result_block *first, const radz_result_block *block,
                             bool several)
{
    char n[32], all[32];
    radz_count_text(block->n, n);
    radz_strlist *notes = &section->notes;
    if (block->synthetic)
        radz_layout_note(b, notes, "SYNTHETIC images: they show no patients, these figures prove nothing clinical");
    if (block->subset) {
        radz_count_text(block->n_before_limit, all);
        radz_layout_note(b, notes, block->n_before_limit > 0
                         ? RADZ_TEXT(b, "SUBSET: %s of the %s %s of split %s, these are not the figures of the split", n, all,
                                     radz_units_name(block, block->n_before_limit), block->split)
                         : RADZ_TEXT(b, "SUBSET: %s images of split %s were asked for, these are not the figures of the split", n,
                                     block->split));
    }
    if (block->n_card_classes > 0)
        radz_layout_note(b, notes, RADZ_TEXT(b, "SUBSET OF CLASSES: %" PRIu64 " of %" PRIu64 ": macro means are over these", block->n_classes,
                                             block->n_card_classes));
    if (block->aggregate != NULL)
        radz_layout_note(b, notes, RADZ_TEXT(b, "scored per study: the %s of the scores of its images", block->aggregate));
    if (block->n_missing > 0) {
        radz_count_text(block->n_missing, all);
        radz_layout_note(b, notes, RADZ_TEXT(b, "%s images of the split have no file here and are left out", all));
    }
    if (block->n_skipped > 0)
        radz_layout_note(b, notes, RADZ_TEXT(b, "%s: %" PRIu64 " images could not be read and are left out", block->model,
                                             block->n_skipped));
    if (block->n != first->n)
        radz_layout_note(b, notes, RADZ_TEXT(b, "%s / %s: %s images", block->model, block->scorer, n));
    if (block->replicates > 0) {
        radz_count_text(block->replicates, n);
        radz_count_text(block->distinct_replicates, all);
        const char *of = several ? RADZ_TEXT(b, "%s: ", block->protocol) : "";
        const char *distinct = "";
        if (block->distinct_replicates < block->replicates)
            distinct = RADZ_TEXT(b, " (only %s of them distinct)", all);
        radz_layout_note(b, notes, RADZ_TEXT(b, "%sintervals: %g %%, %s of %s bootstrap replicates over %s%s", of, 100 * block->confidence,
                                             block->bca ? "BCa" : "percentiles", n, block->resampled != NULL ? block->resampled : "patients", distinct));
    }
    for (size_t i = 0; i < block->n_notes; i++)
        radz_layout_note(b, notes, several ? RADZ_TEXT(b, "%s: %s", block->protocol, block->notes[i]) : block->notes[i]);
    if (block->hard) {
        radz_count_text(block->n_answers, n);
        radz_count_text(block->n_unknown, all);
        radz_layout_note(b, notes, RADZ_TEXT(b, "%s / %s: AUC of hard answers (yes 1, no 0, unknown between): (TPR + TNR) / 2 where none is "
                                             "unknown; unknown: %s of %s", block->model, block->scorer, all, n));
        radz_count_text(block->n_judged, n);
        radz_count_text(block->n_right, all);
        if (block->n_judged > 0)
            radz_layout_note(b, notes, RADZ_TEXT(b, "%s / %s: right answers, unknown counted as wrong: %s of %s (%.1f %%)", block->model,
                                                 block->scorer, all, n, 100.0 * (double)block->n_right / (double)block->n_judged));
    }
    if (block->trained_on != NULL)
        radz_layout_note(b, notes, RADZ_TEXT(b, "%s was trained on: %s", block->model, block->trained_on));
    if (block->prompts_wording != NULL)
        radz_layout_note(b, notes, RADZ_TEXT(b, "prompts '%s': %.*s", block->prompts, without_stop(block->prompts_wording),
                                             block->prompts_wording));
    if (block->anchors_wording != NULL)
        radz_layout_note(b, notes, RADZ_TEXT(b, "anchors '%s': %.*s", block->anchors, without_stop(block->anchors_wording),
                                             block->anchors_wording));
}

void radz_layout_mean_notes(radz_layout *b, radz_section *section, const radz_block_rows *rows, radz_block_names names)
{
    const radz_result_row *macro = radz_block_row(rows, "macro", radz_metrics[RADZ_METRIC_AUC].name);
    size_t classes = radz_count_classes(b, rows, NULL);
    if (macro != NULL && isnan(macro->value))
        radz_layout_note(b, &section->notes, RADZ_TEXT(b, "%s: mean NA, %s", radz_pair_name(b, rows->block, names),
                                                       radz_status_words(macro->status)));
    else if (macro != NULL && macro->n_pos < classes)
        radz_layout_note(b, &section->notes, RADZ_TEXT(b, "means are over the %" PRIu64 " of %zu classes that have a value",
                                                       macro->n_pos, classes));
}

void radz_layout_sensitivity_note(radz_layout *b, radz_section *section, size_t block, radz_block_names names)
{
    const radz_result_detail *d = radz_detail_of(b->results, block, "sensitivity");
    size_t least = SIZE_MAX, most = SIZE_MAX; /* rows */
    for (size_t r = 0; d != NULL && r < d->n_rows; r++) {
        double moved = radz_detail_number(d, r, "moved");
        if (strcmp(radz_detail_text(d, r, "class"), "macro") != 0 || isnan(moved))
            continue;
        least = least == SIZE_MAX || moved < radz_detail_number(d, least, "moved") ? r : least;
        most = most == SIZE_MAX || moved > radz_detail_number(d, most, "moved") ? r : most;
    }
    if (least == SIZE_MAX)
        return;
    radz_layout_note(b, &section->notes, "how far the mean AUC moves with choices that are not the model's: wordings of prompts, questions and "
                                         "anchors, a softmax, the class list (detail table sensitivity), at the least and at the most:");
    radz_layout_note(b, &section->notes, RADZ_TEXT(b, "%s: %+.3f (%s: %s) to %+.3f (%s: %s)",
                                                   radz_pair_name(b, &b->results->blocks[block], names),
                                                   radz_detail_number(d, least, "moved"), radz_detail_text(d, least, "varied"),
                                                   radz_detail_text(d, least, "variant"), radz_detail_number(d, most, "moved"),
                                                   radz_detail_text(d, most, "varied"), radz_detail_text(d, most, "variant")));
}

void radz_layout_finding_notes(radz_layout *b, radz_section *section, const radz_result_block *first)
{
    for (size_t i = 0; i < b->results->n_findings; i++) {
        const radz_result_finding *f = &b->results->findings[i];
        if (strcmp(f->dataset, first->dataset) != 0 || strcmp(f->severity, "info") == 0 ||
            strcmp(f->code, "missing-images") == 0 || (f->split != NULL && strcmp(f->split, first->split) != 0))
            continue;
        int length = without_stop(f->effect);
        radz_layout_note(b, &section->notes, length > 0 ? RADZ_TEXT(b, "check, %s: %s (%.*s)", f->severity, f->what, length, f->effect)
                                                        : RADZ_TEXT(b, "check, %s: %s", f->severity, f->what));
    }
}

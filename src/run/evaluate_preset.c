/* Protocols that repeat published code. */
#include "run/evaluate_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/preset.h"

static radz_status add_preset_row(const radz_evaluation *ev, const char *class_name, const radz_preset_row *from,
                                  bool is_mean, radz_results *results, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t f = 0; st == RADZ_OK && f < RADZ_FIGURE_COUNT; f++) {
        const radz_figure *figure = &from->of[f];
        bool there = ev->protocol->rules.figures[f] && !(is_mean && f == RADZ_FIGURE_THRESHOLD);
        if (!there || (is_mean && figure->status == RADZ_METRIC_NO_CLASS && from->counted[f] == 0 &&
                       strcmp(class_name, "macro") != 0))
            continue;
        radz_result_row row = evaluation_row(ev, class_name, radz_figure_names[f]);
        bool interval = figure->interval == RADZ_METRIC_OK;
        if (!is_mean)
            row.n = from->positives + from->negatives;
        row.n_pos = is_mean ? from->counted[f] : from->positives;
        row.value = figure->status == RADZ_METRIC_OK ? figure->value : NAN;
        row.ci_low = interval ? figure->low : NAN;
        row.ci_high = interval ? figure->high : NAN;
        row.status = radz_metric_status_name(figure->status);
        row.ci_status = figure->interval == RADZ_METRIC_NO_CLASS ? "none" : radz_metric_status_name(figure->interval);
        st = radz_results_add_row(results, &row, err);
    }
    return st;
}

static radz_status note_stop(const radz_evaluation *ev, const radz_preset_result *r, radz_strlist *notes, radz_error *err)
{
    radz_strbuf text = {0};
    const char *name = r->stopped_class < ev->test->n_classes ? ev->test->classes[r->stopped_class] : "the class's absence";
    radz_status st;
    if (r->stopped_replicate == SIZE_MAX)
        st = radz_strbuf_printf(&text, err, "NO FIGURES: the source ends with an error, as the images of %s are all positive "
                                "or all negative", name);
    else
        st = radz_strbuf_printf(&text, err, "no intervals: the source ends with an error in replicate %zu, where the images "
                                "of %s are all positive or all negative", r->stopped_replicate, name);
    if (st == RADZ_OK)
        st = radz_strlist_add(notes, text.text, err);
    radz_strbuf_free(&text);
    return st;
}

/* The classes that the card's mean runs over, if the set has them all; `*some`: not all of the set's. */
static radz_status choose_mean(const radz_evaluation *ev, uint8_t *mean_of, bool *some, radz_strlist *notes, radz_error *err)
{
    const radz_protocol_card *card = ev->protocol;
    size_t found = 0;
    for (size_t i = 0; i < card->mean_classes_count; i++)
        for (size_t c = 0; c < ev->test->n_classes; c++)
            if (strcmp(card->mean_classes[i], ev->test->classes[c]) == 0)
                found += mean_of[c] = 1;
    if (card->mean_classes_count == 0)
        return RADZ_OK;
    bool all = found == card->mean_classes_count;
    *some = all && found < ev->test->n_classes;
    radz_strbuf text = {0};
    radz_status st = radz_strbuf_printf(&text, err, all ? "the mean runs over" : "the mean runs over all classes; the source's over");
    for (size_t i = 0; st == RADZ_OK && i < card->mean_classes_count; i++)
        st = radz_strbuf_printf(&text, err, "%s %s", i > 0 ? "," : "", card->mean_classes[i]);
    if (st == RADZ_OK)
        st = radz_strlist_add(notes, text.text, err);
    radz_strbuf_free(&text);
    return st;
}

radz_status evaluation_preset(const radz_evaluation *ev, radz_strlist *notes, radz_results *results, radz_error *err)
{
    const radz_protocol_rules *rules = &ev->protocol->rules;
    radz_metric_input input = evaluation_input(ev->test), validation = {0};
    radz_preset_result r = {.classes = radz_calloc(ev->test->n_classes, sizeof *r.classes, err)};
    uint8_t *mean_of = radz_calloc(ev->test->n_classes, 1, err);
    if (r.classes == NULL || mean_of == NULL) {
        free(r.classes);
        free(mean_of);
        return RADZ_E_NOMEM;
    }
    if (ev->validation != NULL)
        validation = evaluation_input(ev->validation);
    bool some = false;
    radz_status st = choose_mean(ev, mean_of, &some, notes, err);
    if (st == RADZ_OK)
        st = radz_preset_measure(&input, ev->validation != NULL ? &validation : NULL, rules, some ? mean_of : NULL,
                                 ev->replicates > 0, ev->threads, &r, err);
    if (st == RADZ_OK && r.stopped)
        st = note_stop(ev, &r, notes, err);
    if (st == RADZ_OK)
        st = evaluation_add_block(ev, r.replicates, r.distinct, notes, results, err);
    if (st == RADZ_OK)
        st = add_preset_row(ev, "macro", &r.macro, true, results, err);
    if (st == RADZ_OK && rules->micro)
        st = add_preset_row(ev, "micro", &r.micro, true, results, err);
    if (st == RADZ_OK && rules->weighted)
        st = add_preset_row(ev, "weighted", &r.weighted, true, results, err);
    for (size_t c = 0; st == RADZ_OK && c < ev->test->n_classes; c++)
        st = add_preset_row(ev, ev->test->classes[c], &r.classes[c], false, results, err);
    free(r.classes);
    free(mean_of);
    return st;
}

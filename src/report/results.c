#include "report/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/detail.h"
#include "report/results_parse.h"

/* Curves are kept for drawing: points nearer than this to the one before them are left out (a page has fewer dots). */
static const double curve_step = 1.0 / 1024;

/* Bytes of the valid UTF-8 character at `s`, or 0. */
static size_t utf8_size(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

radz_status radz_results_keep(radz_results *results, const char **text, radz_error *err)
{
    if (*text == NULL)
        return RADZ_OK;
    char *copy = radz_arena_alloc(&results->arena, 3 * strlen(*text) + 1, 1, err), *to = copy;
    if (copy == NULL)
        return RADZ_E_NOMEM;
    for (const unsigned char *p = (const unsigned char *)*text; *p != '\0';) {
        size_t n = utf8_size(p);
        if (n == 0) {
            memcpy(to, "\xef\xbf\xbd", 3);
            to += 3;
            p++;
            continue;
        }
        if (n == 1 && (*p < 0x20 || *p == 0x7f) && *p != '\n' && *p != '\t')
            *to = '?';
        else
            memcpy(to, p, n);
        to += n;
        p += n;
    }
    *text = copy;
    return RADZ_OK;
}

static radz_status keep_all(radz_results *results, const char **const *texts, size_t count, radz_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (radz_results_keep(results, texts[i], err) != RADZ_OK)
            return RADZ_E_NOMEM;
    return RADZ_OK;
}
#define KEEP(results, err, ...) \
    keep_all(results, (const char **[]){__VA_ARGS__}, sizeof((const char **[]){__VA_ARGS__}) / sizeof(const char **), err)

/* The home folder's name is nobody's business. */
static radz_status without_home(const char *command, radz_strbuf *out, radz_error *err)
{
    const char *home = getenv("HOME");
    size_t length = home == NULL ? 0 : strlen(home);
    radz_status st = radz_strbuf_puts(out, "", err);
    for (const char *p = command; *p != '\0' && st == RADZ_OK;) {
        if (length > 1 && strncmp(p, home, length) == 0 && (p[length] == '/' || p[length] == '\0' || p[length] == ' ' ||
                                                            p[length] == '\'')) {
            st = radz_strbuf_puts(out, "~", err);
            p += length;
        } else {
            st = radz_strbuf_append(out, p++, 1, err);
        }
    }
    return st;
}

radz_status radz_results_create(const char *run_id, const char *suite, const char *suite_title, const char *command,
                                radz_results **out, radz_error *err)
{
    *out = NULL;
    radz_results *results = radz_calloc(1, sizeof *results, err);
    if (results == NULL)
        return RADZ_E_NOMEM;
    radz_strbuf scrubbed = {0};
    radz_status st = without_home(command == NULL ? "" : command, &scrubbed, err);
    const char *title = suite_title == NULL ? suite : suite_title, *line = scrubbed.text;
    if (st == RADZ_OK)
        st = KEEP(results, err, &run_id, &suite, &title, &line);
    radz_strbuf_free(&scrubbed);
    if (st != RADZ_OK) {
        radz_results_free(results);
        return st;
    }
    results->run_id = (char *)run_id;
    results->suite = (char *)suite;
    results->suite_title = (char *)title;
    results->command = (char *)line;
    *out = results;
    return RADZ_OK;
}

void radz_results_free(radz_results *results)
{
    if (results == NULL)
        return;
    for (size_t i = 0; i < results->n_curves; i++) {
        free(results->curves[i].fpr);
        free(results->curves[i].tpr);
    }
    radz_details_free(results);
    free(results->rows);
    free(results->blocks);
    free(results->absent);
    free(results->skips);
    for (size_t i = 0; i < results->n_pr_curves; i++) {
        free(results->pr_curves[i].recall);
        free(results->pr_curves[i].precision);
    }
    free(results->curves);
    free(results->findings);
    free(results->pr_curves);
    free(results->mistakes);
    free(results->terms);
    free(results->groups);
    free(results->pairs);
    free(results->notes);
    free(results->facts);
    free(results->stages);
    free(results->costs);
    radz_arena_free(&results->arena);
    free(results);
}

radz_status radz_results_name(radz_results *results, const char *run_id, radz_error *err)
{
    radz_status st = radz_results_keep(results, &run_id, err);
    if (st == RADZ_OK)
        results->run_id = (char *)run_id;
    return st;
}

/* Room for one more at the end of an array of `results`. */
#define ONE_MORE(results, array, err) \
    radz_grow(&(results)->array, &(results)->array##_capacity, (results)->n_##array + 1, sizeof *(results)->array, err)

static radz_status need_texts(const char *what, const char *const *texts, size_t count, radz_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (texts[i] == NULL)
            return radz_fail(err, RADZ_E_INTERNAL, "a %s without text number %zu", what, i);
    return RADZ_OK;
}

radz_status radz_results_add_row(radz_results *results, const radz_result_row *row, radz_error *err)
{
    radz_result_row r = *row;
    const char *needed[] = {r.dataset, r.split, r.model, r.scorer, r.protocol, r.class_name, r.metric, r.status};
    radz_status st = need_texts("result row", needed, sizeof needed / sizeof needed[0], err);
    if (st == RADZ_OK && r.ci_status == NULL)
        r.ci_status = "none";
    /* the strings of a row are mostly those of the row before */
    const radz_result_row *last = results->n_rows > 0 ? &results->rows[results->n_rows - 1] : NULL;
#define SHARE(field) \
    do { \
        if (st == RADZ_OK && last != NULL && strcmp(last->field, r.field) == 0) \
            r.field = last->field; \
        else if (st == RADZ_OK) \
            st = radz_results_keep(results, &r.field, err); \
    } while (0)
    SHARE(dataset);
    SHARE(split);
    SHARE(model);
    SHARE(scorer);
    SHARE(protocol);
    SHARE(class_name);
    SHARE(metric);
    SHARE(status);
    SHARE(ci_status);
#undef SHARE
    if (st == RADZ_OK)
        st = ONE_MORE(results, rows, err);
    if (st == RADZ_OK)
        results->rows[results->n_rows++] = r;
    return st;
}

radz_status radz_results_add_block(radz_results *results, const radz_result_block *block, radz_error *err)
{
    radz_result_block b = *block;
    const char *needed[] = {b.dataset, b.split, b.model, b.scorer, b.protocol};
    radz_status st = need_texts("result block", needed, sizeof needed / sizeof needed[0], err);
    if (b.dataset_title == NULL)
        b.dataset_title = b.dataset;
    if (b.model_title == NULL)
        b.model_title = b.model;
    if (st == RADZ_OK)
        st = KEEP(results, err, &b.dataset, &b.dataset_title, &b.split, &b.model, &b.model_title, &b.scorer, &b.protocol,
                  &b.prompts, &b.fingerprint, &b.split_fingerprint, &b.weights_sha256, &b.prompts_sha256, &b.recipe,
                  &b.dtype, &b.device, &b.trained_on, &b.resampled, &b.level, &b.aggregate, &b.template_name, &b.reading,
                  &b.anchors, &b.anchor_form, &b.anchors_sha256, &b.prompts_wording, &b.anchors_wording);
    const char **notes = radz_arena_alloc(&results->arena, b.n_notes, sizeof *notes, err);
    if (notes == NULL)
        st = RADZ_E_NOMEM;
    for (size_t i = 0; i < b.n_notes && st == RADZ_OK; i++) {
        notes[i] = b.notes[i];
        st = radz_results_keep(results, &notes[i], err);
    }
    b.notes = notes;
    if (st == RADZ_OK)
        st = ONE_MORE(results, blocks, err);
    if (st == RADZ_OK)
        results->blocks[results->n_blocks++] = b;
    return st;
}

radz_status radz_results_add_cost(radz_results *results, const radz_result_cost *cost, radz_error *err)
{
    radz_result_cost c = *cost;
    const char *needed[] = {c.dataset, c.model, c.scorer};
    radz_status st = need_texts("cost", needed, sizeof needed / sizeof needed[0], err);
    if (st == RADZ_OK)
        st = KEEP(results, err, &c.dataset, &c.model, &c.scorer);
    if (st == RADZ_OK)
        st = ONE_MORE(results, costs, err);
    if (st == RADZ_OK)
        results->costs[results->n_costs++] = c;
    return st;
}

radz_status radz_results_add_absent(radz_results *results, const radz_result_absent *absent, radz_error *err)
{
    radz_result_absent a = *absent;
    radz_status st = need_texts("absent data set", &a.dataset, 1, err);
    if (a.title == NULL)
        a.title = a.dataset;
    if (a.hint == NULL)
        a.hint = "";
    if (st == RADZ_OK)
        st = KEEP(results, err, &a.dataset, &a.title, &a.hint);
    if (st == RADZ_OK)
        st = ONE_MORE(results, absent, err);
    if (st == RADZ_OK)
        results->absent[results->n_absent++] = a;
    return st;
}

radz_status radz_results_add_skip(radz_results *results, const radz_result_skip *skip, radz_error *err)
{
    radz_result_skip s = *skip;
    const char *needed[] = {s.dataset, s.model, s.image, s.reason};
    radz_status st = need_texts("skipped image", needed, sizeof needed / sizeof needed[0], err);
    if (st == RADZ_OK)
        st = KEEP(results, err, &s.dataset, &s.model, &s.image, &s.reason);
    if (st == RADZ_OK)
        st = ONE_MORE(results, skips, err);
    if (st == RADZ_OK)
        results->skips[results->n_skips++] = s;
    return st;
}

radz_status radz_results_add_finding(radz_results *results, const radz_result_finding *finding, radz_error *err)
{
    radz_result_finding f = *finding;
    const char *needed[] = {f.dataset, f.severity, f.code, f.what};
    radz_status st = need_texts("finding", needed, sizeof needed / sizeof needed[0], err);
    if (f.effect == NULL)
        f.effect = "";
    if (st == RADZ_OK)
        st = KEEP(results, err, &f.dataset, &f.split, &f.severity, &f.code, &f.what, &f.effect);
    for (size_t i = 0; i < RADZ_RESULT_EXAMPLES && st == RADZ_OK; i++)
        st = radz_results_keep(results, &f.examples[i], err);
    if (st == RADZ_OK)
        st = ONE_MORE(results, findings, err);
    if (st == RADZ_OK)
        results->findings[results->n_findings++] = f;
    return st;
}

/* A curve's own copy of its points, without those too near to the one before. The first and the last stay. */
static radz_status keep_points(const radz_results *results, const char **class_name, const double *x, const double *y,
                               size_t count, double **x_out, double **y_out, size_t *count_out, radz_error *err)
{
    *x_out = *y_out = NULL;
    *count_out = 0;
    if (results->n_blocks == 0)
        return radz_fail(err, RADZ_E_INTERNAL, "a curve of '%s' before any block", *class_name);
    for (size_t i = 0; i < count; i++)
        if (!(x[i] >= 0 && x[i] <= 1 && y[i] >= 0 && y[i] <= 1))
            return radz_fail(err, RADZ_E_VALUE, "curve of '%s': point %zu is outside 0 to 1", *class_name, i);
    double *kept_x = radz_calloc(count, sizeof *kept_x, err), *kept_y = radz_calloc(count, sizeof *kept_y, err);
    if (kept_x == NULL || kept_y == NULL) {
        free(kept_x);
        free(kept_y);
        return RADZ_E_NOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (n > 0 && i + 1 < count && fabs(x[i] - kept_x[n - 1]) < curve_step && fabs(y[i] - kept_y[n - 1]) < curve_step)
            continue;
        kept_x[n] = x[i];
        kept_y[n++] = y[i];
    }
    *x_out = kept_x;
    *y_out = kept_y;
    *count_out = n;
    return RADZ_OK;
}

radz_status radz_results_add_curve(radz_results *results, const char *class_name, const double *fpr, const double *tpr,
                                   size_t count, radz_error *err)
{
    radz_result_curve c = {.block = results->n_blocks - 1, .class_name = class_name};
    radz_status st = keep_points(results, &c.class_name, fpr, tpr, count, &c.fpr, &c.tpr, &c.count, err);
    if (st == RADZ_OK)
        st = radz_results_keep(results, &c.class_name, err);
    if (st == RADZ_OK)
        st = ONE_MORE(results, curves, err);
    if (st == RADZ_OK) {
        results->curves[results->n_curves++] = c;
    } else {
        free(c.fpr);
        free(c.tpr);
    }
    return st;
}

radz_status radz_results_add_pr(radz_results *results, const char *class_name, const double *recall,
                                const double *precision, size_t count, radz_error *err)
{
    radz_result_pr c = {.block = results->n_blocks - 1, .class_name = class_name};
    radz_status st = keep_points(results, &c.class_name, recall, precision, count, &c.recall, &c.precision, &c.count, err);
    if (st == RADZ_OK)
        st = radz_results_keep(results, &c.class_name, err);
    if (st == RADZ_OK)
        st = ONE_MORE(results, pr_curves, err);
    if (st == RADZ_OK) {
        results->pr_curves[results->n_pr_curves++] = c;
    } else {
        free(c.recall);
        free(c.precision);
    }
    return st;
}

radz_status radz_results_add_mistake(radz_results *results, const radz_result_mistake *mistake, radz_error *err)
{
    radz_result_mistake m = *mistake;
    const char *needed[] = {m.class_name, m.image};
    radz_status st = need_texts("mistake", needed, 2, err);
    if (st == RADZ_OK && m.block >= results->n_blocks)
        st = radz_fail(err, RADZ_E_VALUE, "a mistake of block %zu of %zu", m.block, results->n_blocks);
    if (st == RADZ_OK && !(m.outranked >= 0 && m.outranked <= 1))
        st = radz_fail(err, RADZ_E_VALUE, "mistake '%s': outranked is %g, wanted 0 to 1", m.image, m.outranked);
    if (st == RADZ_OK)
        st = KEEP(results, err, &m.class_name, &m.image, &m.picture);
    if (st == RADZ_OK)
        st = ONE_MORE(results, mistakes, err);
    if (st == RADZ_OK)
        results->mistakes[results->n_mistakes++] = m;
    return st;
}

radz_status radz_results_add_group(radz_results *results, const radz_result_group *group, radz_error *err)
{
    radz_result_group g = *group;
    const char *needed[] = {g.dataset, g.name};
    radz_status st = need_texts("class group", needed, 2, err);
    if (g.title == NULL)
        g.title = g.name;
    if (st == RADZ_OK)
        st = KEEP(results, err, &g.dataset, &g.name, &g.title);
    const char **classes = radz_arena_alloc(&results->arena, g.n_classes, sizeof *classes, err);
    if (classes == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < g.n_classes && st == RADZ_OK; i++) {
        classes[i] = g.classes[i];
        st = radz_results_keep(results, &classes[i], err);
    }
    g.classes = classes;
    if (st == RADZ_OK)
        st = ONE_MORE(results, groups, err);
    if (st == RADZ_OK)
        results->groups[results->n_groups++] = g;
    return st;
}

radz_status radz_results_add_pair(radz_results *results, const radz_result_pair *pair, radz_error *err)
{
    radz_result_pair p = *pair;
    const char *needed[] = {p.dataset, p.split, p.a, p.b, p.class_name, p.metric, p.status};
    radz_status st = need_texts("pair", needed, sizeof needed / sizeof needed[0], err);
    if (st == RADZ_OK)
        st = KEEP(results, err, &p.dataset, &p.split, &p.a, &p.b, &p.class_name, &p.metric, &p.status);
    if (st == RADZ_OK)
        st = ONE_MORE(results, pairs, err);
    if (st == RADZ_OK)
        results->pairs[results->n_pairs++] = p;
    return st;
}

radz_status radz_results_add_note(radz_results *results, const char *note, radz_error *err)
{
    radz_status st = radz_results_keep(results, &note, err);
    if (st == RADZ_OK)
        st = ONE_MORE(results, notes, err);
    if (st == RADZ_OK)
        results->notes[results->n_notes++] = note;
    return st;
}

radz_status radz_results_add_term(radz_results *results, const radz_result_term *term, radz_error *err)
{
    radz_result_term t = *term;
    const char *needed[] = {t.dataset, t.class_name, t.term};
    radz_status st = need_texts("term", needed, 3, err);
    if (st == RADZ_OK)
        st = KEEP(results, err, &t.dataset, &t.class_name, &t.term);
    if (st == RADZ_OK)
        st = ONE_MORE(results, terms, err);
    if (st == RADZ_OK)
        results->terms[results->n_terms++] = t;
    return st;
}

radz_status radz_results_add_fact(radz_results *results, const char *key, const char *value, radz_error *err)
{
    radz_result_fact f = {key, value == NULL ? "" : value};
    radz_status st = need_texts("fact", &key, 1, err);
    for (size_t i = 0; i < results->n_facts && st == RADZ_OK; i++)
        if (strcmp(results->facts[i].key, key) == 0)
            st = radz_fail(err, RADZ_E_INTERNAL, "fact '%s' is given twice", key);
    if (st == RADZ_OK)
        st = KEEP(results, err, &f.key, &f.value);
    if (st == RADZ_OK)
        st = ONE_MORE(results, facts, err);
    if (st == RADZ_OK)
        results->facts[results->n_facts++] = f;
    return st;
}

radz_status radz_results_add_stage(radz_results *results, const radz_result_stage *stage, radz_error *err)
{
    radz_result_stage s = *stage;
    radz_status st = need_texts("stage", &s.stage, 1, err);
    if (st == RADZ_OK)
        st = KEEP(results, err, &s.stage, &s.dataset, &s.model);
    if (st == RADZ_OK)
        st = ONE_MORE(results, stages, err);
    if (st == RADZ_OK)
        results->stages[results->n_stages++] = s;
    return st;
}

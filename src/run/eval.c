#include "run/eval.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "run/eval_join.h"
#include "run/protocols.h"
#include "run/subgroups.h"

enum { REPLICATES = 1000 };

/* Columns of the label file by name, further files, and what the samples of a data set have. */
static radz_status find_subgroups(const radz_eval_options *o, const radz_truth *t, const radz_joined *j, radz_subgroup_columns *out,
                                  radz_error *err)
{
    radz_strlist own = {0}, files = {0};
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && o->groups != NULL && i < o->groups->count; i++) {
        const char *item = o->groups->items[i];
        bool file = radz_is_table_file(item);
        if (!file && t->file == NULL)
            st = radz_fail(err, RADZ_E_USAGE, "--groups '%.100s' is no file; the columns of a data set are shown by themselves",
                           item);
        else
            st = radz_strlist_add(file ? &files : &own, item, err);
    }
    if (st == RADZ_OK && t->data != NULL) {
        uint32_t *of = radz_calloc(j->n, sizeof *of, err);
        for (size_t i = 0; of != NULL && i < j->n; i++)
            of[i] = (uint32_t)j->rows[i];
        st = of == NULL ? RADZ_E_NOMEM : radz_subgroups_of_dataset(t->data, of, j->n, out, err);
        free(of);
    }
    if (st == RADZ_OK && own.count > 0)
        st = radz_subgroups_of_file(t->path, o->id_column, &own, j->names, j->n, out, err);
    for (size_t i = 0; st == RADZ_OK && i < files.count; i++)
        st = radz_subgroups_of_file(files.items[i], o->id_column, NULL, j->names, j->n, out, err);
    radz_strlist_free(&own);
    radz_strlist_free(&files);
    return st;
}

/* Scores that could be probabilities are taken at their word. */
static bool are_probabilities(const radz_joined *j, size_t file)
{
    for (size_t i = 0; i < j->n * j->n_classes; i++)
        if (!(j->scores[file][i] >= 0 && j->scores[file][i] <= 1))
            return false;
    return true;
}

/* One side of the evaluation: the test set, or the validation set. */
typedef struct side {
    radz_score_file **files;
    size_t n_files;
    radz_truth truth;
    radz_joined joined;
} side;

static void side_free(side *s)
{
    for (size_t f = 0; s->files != NULL && f < s->n_files; f++)
        radz_score_file_free(s->files[f]);
    free(s->files);
    radz_joined_free(&s->joined);
    radz_truth_free(&s->truth);
}

static radz_status load_side(const radz_home *home, const radz_eval_options *o, const radz_strlist *scores,
                             const char *labels, const char *split, side *s, radz_error *err)
{
    radz_score_options options = {o->id_column, o->column_prefix};
    radz_strlist wanted = {0};
    s->files = radz_calloc(scores->count, sizeof *s->files, err);
    radz_status st = s->files == NULL ? RADZ_E_NOMEM : RADZ_OK;
    s->n_files = st == RADZ_OK ? scores->count : 0;
    for (size_t f = 0; f < s->n_files && st == RADZ_OK; f++) {
        st = radz_score_file_open(scores->items[f], &options, &s->files[f], err);
        for (size_t i = 0; st == RADZ_OK && i < s->files[f]->n_columns; i++)
            if (!radz_strlist_has(&wanted, s->files[f]->columns[i]))
                st = radz_strlist_add(&wanted, s->files[f]->columns[i], err);
    }
    if (st == RADZ_OK) {
        st = radz_truth_load(home, o, labels, split, &wanted, &s->truth, err);
        char hint[120];
        radz_column_prefix_hint(s->files[0], hint);
        if (st == RADZ_E_MISSING && hint[0] != '\0' && radz_is_table_file(labels) && radz_file_exists(labels))
            (void)radz_prefix(err, "nothing to compare%s", hint);
    }
    if (st == RADZ_OK)
        st = radz_join(o, s->files, s->n_files, &s->truth, &s->joined, err);
    radz_strlist_free(&wanted);
    return st;
}

/* The first class of `of` that `in` lacks; NULL: it has them all. */
static const char *lacking(const radz_joined *of, const radz_joined *in)
{
    for (size_t c = 0; c < of->n_classes; c++) {
        bool known = false;
        for (size_t k = 0; k < in->n_classes; k++)
            known = known || strcmp(of->classes[c], in->classes[k]) == 0;
        if (!known)
            return of->classes[c];
    }
    return NULL;
}

/* Thresholds are looked up by place: the validation set gets the classes of the test, in their order, whatever its own. */
static radz_status order_validation(const side *test, side *validation, radz_error *err)
{
    const char *missing = lacking(&test->joined, &validation->joined), *surplus = lacking(&validation->joined, &test->joined);
    if (missing != NULL)
        return radz_fail(err, RADZ_E_VALUE, "the validation set has no scores or labels of class '%s'; wanted the classes of the test",
                         missing);
    if (surplus != NULL)
        return radz_fail(err, RADZ_E_VALUE, "the validation set has class '%s', the test has not; choose classes with --class", surplus);
    return radz_joined_order(&validation->joined, test->joined.classes, err);
}

static radz_status add_note(radz_results *results, radz_error *err, const char *format, ...) RADZ_PRINTF(3, 4);
static radz_status add_note(radz_results *results, radz_error *err, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return radz_results_add_note(results, text, err);
}

/* What was left out, and what the intervals rest on. */
static radz_status add_notes(const radz_eval_options *o, const side *s, radz_results *results, radz_error *err)
{
    const radz_truth *t = &s->truth;
    const radz_joined *j = &s->joined;
    const char **names = NULL;
    char text[900];
    radz_status st = RADZ_OK;
    for (size_t f = 0; f < s->n_files && st == RADZ_OK; f++) {
        const radz_score_file *file = s->files[f];
        size_t count = 0;
        names = radz_calloc(file->n_columns, sizeof *names, err);
        if (names == NULL)
            return RADZ_E_NOMEM;
        for (size_t i = 0; i < file->n_columns; i++) {
            bool used = false;
            for (size_t c = 0; c < j->n_classes; c++)
                used = used || radz_truth_names_class(t, j->class_of[c], file->columns[i]);
            if (!used)
                names[count++] = file->columns[i];
        }
        radz_name_list(names, count, text, sizeof text);
        if (count > 0)
            st = add_note(results, err, "columns of '%s' that are not evaluated: %s", file->name, text);
        free(names);
    }
    size_t count = 0;
    names = radz_calloc(t->n_classes, sizeof *names, err);
    if (names == NULL)
        return RADZ_E_NOMEM;
    for (size_t c = 0, k = 0; c < t->n_classes; c++)
        if (k < j->n_classes && j->class_of[k] == c)
            k++;
        else
            names[count++] = t->classes[c];
    radz_name_list(names, count, text, sizeof text);
    free(names);
    if (st == RADZ_OK && count > 0)
        st = add_note(results, err, "classes of '%s' that are not evaluated: %s", t->name, text);
    if (st == RADZ_OK && j->without_labels > 0)
        st = add_note(results, err, "PARTIAL: ids with scores but without labels, left out: %zu", j->without_labels);
    if (st == RADZ_OK && j->without_scores > 0)
        st = add_note(results, err, "PARTIAL: ids with labels but without scores, left out: %zu", j->without_scores);
    if (st == RADZ_OK && t->file != NULL && t->file->n_blank + t->file->n_uncertain > 0)
        st = add_note(results, err, "labels that are left out of their class: %zu blank, %zu uncertain (-1)", t->file->n_blank,
                      t->file->n_uncertain);
    if (st == RADZ_OK && t->file != NULL && t->file->patient_column == NULL && o->replicates != 0)
        st = add_note(results, err, "'%s' names no patients: each image counts as a patient of its own, so intervals are too "
                      "narrow where patients have several images", t->name);
    return st;
}

/* Names that tell the files apart: the file's name, or its path where two are alike. */
static const char *model_name(const side *s, size_t file)
{
    for (size_t f = 0; f < s->n_files; f++)
        if (f != file && strcmp(s->files[f]->name, s->files[file]->name) == 0)
            return s->files[file]->path;
    return s->files[file]->name;
}

static radz_status add_facts(const side *s, const char *prefix, radz_sha256 *id, radz_results *results, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_strbuf key = {0};
    radz_status st = RADZ_OK;
    for (size_t f = 0; f <= s->n_files && st == RADZ_OK; f++) {
        const char *path = f < s->n_files ? s->files[f]->path : s->truth.path;
        radz_strbuf_free(&key);
        st = radz_sha256_file(path, hex, err);
        if (st == RADZ_OK)
            st = radz_strbuf_printf(&key, err, "%s%s '%s' SHA-256", prefix, f < s->n_files ? "scores" : "labels",
                                    f < s->n_files ? model_name(s, f) : s->truth.name);
        if (st == RADZ_OK)
            st = radz_results_add_fact(results, key.text, hex, err);
        radz_sha256_add_text(id, hex);
    }
    radz_sha256_add_text(id, s->truth.split);
    for (size_t c = 0; c < s->joined.n_classes; c++)
        radz_sha256_add_text(id, s->joined.classes[c]);
    radz_strbuf_free(&key);
    return st;
}

static radz_status identify(const radz_eval_options *o, const side *test, const side *validation,
                            const radz_protocols *protocols, radz_results *results, radz_error *err)
{
    char hex[RADZ_SHA256_HEX_SIZE], name[40], seed[100];
    radz_sha256 id;
    snprintf(seed, sizeof seed, "%" PRId64, o->seed < 0 ? 0 : o->seed);
    radz_status st = radz_results_add_fact(results, "program", "radz-bench " RADZ_VERSION, err);
    if (st == RADZ_OK)
        st = radz_results_add_fact(results, "seed", seed, err);
    radz_sha256_begin(&id);
    radz_sha256_add_text(&id, RADZ_VERSION);
    snprintf(seed, sizeof seed, "%" PRId64 " %" PRId64 " %.17g", o->seed, o->replicates, o->confidence);
    radz_sha256_add_text(&id, seed);
    if (st == RADZ_OK)
        st = add_facts(test, "", &id, results, err);
    if (st == RADZ_OK && validation->n_files > 0)
        st = add_facts(validation, "validation ", &id, results, err);
    for (size_t p = 0; p < protocols->count; p++)
        radz_sha256_add_text(&id, protocols->cards[p]->base.sha256);
    const char *const read_as[] = {o->id_column, o->column_prefix, o->patient_column, o->study_column};
    for (size_t i = 0; i < sizeof read_as / sizeof *read_as; i++)
        radz_sha256_add_text(&id, read_as[i] != NULL ? read_as[i] : "");
    for (size_t i = 0; st == RADZ_OK && o->groups != NULL && i < o->groups->count; i++) {
        radz_sha256_add_text(&id, o->groups->items[i]);
        if (!radz_is_table_file(o->groups->items[i]))
            continue;
        st = radz_sha256_file(o->groups->items[i], hex, err);
        radz_sha256_add_text(&id, hex);
        if (st == RADZ_OK)
            st = radz_subgroups_add_fact(o->groups->items[i], results, err);
    }
    radz_status ended = radz_sha256_end(&id, hex, st == RADZ_OK ? err : NULL);
    st = st == RADZ_OK ? ended : st;
    snprintf(name, sizeof name, "eval-%.12s", hex);
    return st == RADZ_OK ? radz_results_name(results, name, err) : st;
}

/* Two files are compared by the rules of the first protocol that has intervals of ours; as strict does where none has. */
static radz_protocol_rules pairing_rules(const radz_protocols *protocols)
{
    for (size_t p = 0; p < protocols->count; p++)
        if (protocols->cards[p]->rules.arithmetic == RADZ_ARITHMETIC_EXACT &&
            protocols->cards[p]->rules.interval != RADZ_INTERVAL_NONE)
            return protocols->cards[p]->rules;
    return (radz_protocol_rules){.interval = RADZ_INTERVAL_PATIENTS};
}

static radz_status evaluate_files(const radz_eval_options *o, const side *test, const side *validation,
                                  const radz_protocols *protocols, radz_results *results, radz_error *err)
{
    const radz_dataset_card *card = test->truth.planned.card;
    radz_evaluation ev = {
        .groups = card != NULL ? card->groups : NULL,
        .groups_count = card != NULL ? card->groups_count : 0,
        .replicates = o->replicates < 0 ? REPLICATES : (uint32_t)o->replicates,
        .confidence = o->confidence,
        .seed = o->seed < 0 ? 0 : (uint64_t)o->seed,
        .threads = o->threads,
        .details = o->details,
        .block = {
            .dataset = test->truth.name,
            .dataset_title = test->truth.title,
            .split = test->truth.split,
            .scorer = RADZ_SCORER_FILE,
            .synthetic = card != NULL && card->synthetic,
            .split_fingerprint = test->truth.data != NULL ? test->truth.data->split_fingerprint : NULL,
        },
    };
    radz_status st = radz_evaluate_groups(test->truth.name, ev.groups, ev.groups_count, test->joined.classes,
                                          test->joined.n_classes, results, err);
    radz_subgroup_columns subgroups = {0};
    if (st == RADZ_OK && o->details)
        st = find_subgroups(o, &test->truth, &test->joined, &subgroups, err);
    ev.subgroupings = subgroups.columns;
    ev.subgroupings_count = subgroups.count;
    for (size_t f = 0; f < test->n_files && st == RADZ_OK; f++) {
        radz_scored_set set = radz_joined_set(&test->joined, f), val = {0};
        if (validation->n_files > 0)
            val = radz_joined_set(&validation->joined, f);
        ev.test = &set;
        ev.validation = validation->n_files > 0 ? &val : NULL;
        ev.validation_split = ev.validation == NULL ? NULL : validation->truth.split;
        ev.probabilities = are_probabilities(&test->joined, f);
        ev.block.model = model_name(test, f);
        for (size_t p = 0; p < protocols->count && st == RADZ_OK; p++) {
            ev.protocol = protocols->cards[p];
            st = radz_evaluate(&ev, results, err);
        }
    }
    radz_protocol_rules rules = pairing_rules(protocols);
    for (size_t a = 0; a < test->n_files && st == RADZ_OK; a++)
        for (size_t b = a + 1; b < test->n_files && st == RADZ_OK; b++) {
            radz_scored_set set_a = radz_joined_set(&test->joined, a), set_b = radz_joined_set(&test->joined, b);
            radz_pairing pairing = {
                .a = &set_a, .b = &set_b, .rules = &rules, .dataset = ev.block.dataset, .split = ev.block.split,
                .model_a = model_name(test, a), .model_b = model_name(test, b), .scorer = ev.block.scorer,
                .replicates = ev.replicates, .confidence = ev.confidence, .seed = ev.seed, .threads = ev.threads,
            };
            st = radz_evaluate_pair(&pairing, results, err);
        }
    radz_subgroup_columns_free(&subgroups);
    return st;
}

static radz_status load_validation(const radz_home *home, const radz_eval_options *o, const side *test, side *validation,
                                   radz_error *err)
{
    if (o->val_scores == NULL || o->val_scores->count == 0)
        return RADZ_OK;
    if (o->val_scores->count != o->scores->count)
        return radz_fail(err, RADZ_E_USAGE, "%zu files of validation scores for %zu score files; wanted one for each",
                         o->val_scores->count, o->scores->count);
    if (o->val_labels == NULL && test->truth.data == NULL)
        return radz_fail(err, RADZ_E_USAGE, "--val-scores wants --val-labels as well, as --labels is a file");
    const char *labels = o->val_labels != NULL ? o->val_labels : o->labels;
    radz_status st = load_side(home, o, o->val_scores, labels, o->val_split != NULL ? o->val_split : "val", validation, err);
    if (st != RADZ_OK)
        return radz_prefix(err, "validation set"), st;
    return order_validation(test, validation, err);
}

/* The evaluated scores and labels as a run keeps them, a row for each image and a column for each class that entered. */
static radz_status keep_scores(const char *results_dir, const char *run, const side *test, radz_error *err)
{
    const radz_joined *j = &test->joined;
    const char *dataset = test->truth.name;
    char *dir = radz_path_join(results_dir, run, err);
    radz_status st = dir == NULL ? RADZ_E_NOMEM : radz_mkdirs(dir, err);
    if (st == RADZ_OK)
        st = radz_labels_write(dir, dataset, j->names, j->patient_of, j->n, j->classes, j->n_classes, j->labels, err);
    for (size_t f = 0; f < test->n_files && st == RADZ_OK; f++)
        st = radz_scores_write(dir, dataset, model_name(test, f), RADZ_SCORER_FILE, j->names, j->n, j->classes, j->n_classes,
                               j->scores[f], err);
    free(dir);
    return st;
}

radz_status radz_eval_files(const radz_home *home, const radz_eval_options *o, radz_results **out, radz_error *err)
{
    *out = NULL;
    side test = {0}, validation = {0};
    radz_protocols protocols = {0};
    radz_results *results = NULL;
    double begun = radz_clock_seconds();
    radz_status st = radz_protocols_load(home, o->protocols, RADZ_PROTOCOL_DEFAULT, &protocols, err);
    if (st == RADZ_OK)
        st = load_side(home, o, o->scores, o->labels, o->split, &test, err);
    if (st == RADZ_OK)
        st = load_validation(home, o, &test, &validation, err);
    if (st == RADZ_OK)
        st = radz_results_create("", "eval", "Evaluation of score files", o->command, &results, err);
    if (st == RADZ_OK)
        st = identify(o, &test, &validation, &protocols, results, err);
    if (st == RADZ_OK)
        st = add_notes(o, &test, results, err);
    if (st == RADZ_OK)
        st = evaluate_files(o, &test, &validation, &protocols, results, err);
    if (st == RADZ_OK && o->results_dir != NULL)
        st = keep_scores(o->results_dir, results->run_id, &test, err);
    if (st == RADZ_OK) {
        results->total_seconds = radz_clock_seconds() - begun;
        results->peak_memory = radz_peak_memory_bytes();
        *out = results;
    } else {
        radz_results_free(results);
    }
    side_free(&validation);
    side_free(&test);
    radz_protocols_free(&protocols);
    return st;
}

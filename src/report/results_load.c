#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "report/detail.h"
#include "report/results.h"
#include "report/results_parse.h"

/* Reading results.json back. One sticky status keeps the many fields readable: after the first error nothing is done. */
typedef struct reader {
    const radz_json_doc *doc;
    const radz_json *object; /* the one being read */
    radz_status st;
    radz_error *err;
} reader;

/* A string or, where allowed, null. */
static const char *text_of(reader *r, const char *key, bool or_null)
{
    if (r->st != RADZ_OK)
        return NULL;
    const radz_json *value = radz_json_find(r->object, key);
    if (or_null && value != NULL && radz_json_kind_of(value) == RADZ_JSON_NULL)
        return NULL;
    const char *text = NULL;
    r->st = radz_json_need_string(r->doc, r->object, key, &text, r->err);
    if (r->st == RADZ_OK && strlen(text) != radz_json_string_length(value))
        r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: key '%s': a NUL character inside", radz_json_doc_name(r->doc), key);
    return r->st == RADZ_OK ? text : NULL;
}

/* Files of older versions lack some keys: they then have none of what it would hold. */
static bool has(const reader *r, const char *key)
{
    return r->st == RADZ_OK && radz_json_find(r->object, key) != NULL;
}

static uint64_t count_of(reader *r, const char *key)
{
    int64_t value = 0;
    if (r->st == RADZ_OK)
        r->st = radz_json_need_i64(r->doc, r->object, key, 0, INT64_MAX, &value, r->err);
    return (uint64_t)value;
}

static bool flag_of(reader *r, const char *key)
{
    bool value = false;
    if (r->st == RADZ_OK && !radz_json_as_bool(radz_json_find(r->object, key), &value))
        r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: key '%s': wanted true or false", radz_json_doc_name(r->doc), key);
    return value;
}

static double real_of(reader *r, const char *key)
{
    if (r->st != RADZ_OK)
        return NAN;
    const radz_json *value = radz_json_find(r->object, key);
    const char *text = value == NULL ? NULL : radz_json_string(value);
    double number = NAN;
    if (value != NULL && radz_json_kind_of(value) == RADZ_JSON_NULL)
        return NAN;
    if (text != NULL && strcmp(text, "inf") == 0)
        return INFINITY;
    if (text != NULL && strcmp(text, "-inf") == 0)
        return -INFINITY;
    r->st = radz_json_need_double(r->doc, r->object, key, &number, r->err);
    return number;
}

/* Calls `one` for each object of the array `key`. */
static void each_object(reader *r, const char *key, radz_results *results,
                        void (*one)(reader *element, radz_results *results))
{
    const radz_json *array = NULL;
    if (r->st == RADZ_OK)
        r->st = radz_json_need_array(r->doc, r->object, key, &array, r->err);
    size_t n = r->st == RADZ_OK ? radz_json_size(array) : 0;
    for (size_t i = 0; i < n && r->st == RADZ_OK; i++) {
        reader element = {r->doc, radz_json_at(array, i), RADZ_OK, r->err};
        if (radz_json_kind_of(element.object) != RADZ_JSON_OBJECT)
            element.st = radz_fail(r->err, RADZ_E_FORMAT, "%s: wanted an object", radz_json_doc_name(r->doc));
        else
            one(&element, results);
        if (element.st != RADZ_OK) {
            (void)radz_prefix(r->err, "'%s' number %zu", key, i + 1);
            r->st = element.st;
        }
    }
}

/* An array of texts; the caller frees the array. NULL after an error. */
static const char **texts_of(reader *r, const char *key, size_t *count)
{
    const radz_json *array = NULL;
    *count = 0;
    if (r->st == RADZ_OK)
        r->st = radz_json_need_array(r->doc, r->object, key, &array, r->err);
    if (r->st != RADZ_OK)
        return NULL;
    *count = radz_json_size(array);
    const char **texts = radz_calloc(*count, sizeof *texts, r->err);
    if (texts == NULL)
        r->st = RADZ_E_NOMEM;
    for (size_t i = 0; i < *count && r->st == RADZ_OK; i++) {
        const radz_json *value = radz_json_at(array, i);
        texts[i] = radz_json_string(value);
        if (texts[i] == NULL || strlen(texts[i]) != radz_json_string_length(value))
            r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: key '%s': wanted texts", radz_json_doc_name(r->doc), key);
    }
    return texts;
}

static void read_block(reader *r, radz_results *results)
{
    size_t n_notes = 0;
    const char **notes = texts_of(r, "notes", &n_notes);
    const char *bounds = has(r, "bounds") ? text_of(r, "bounds", false) : NULL;
    radz_result_block b = {
        .dataset = text_of(r, "dataset", false),
        .dataset_title = text_of(r, "dataset_title", false),
        .synthetic = flag_of(r, "synthetic"),
        .split = text_of(r, "split", false),
        .subset = flag_of(r, "subset"),
        .n_before_limit = has(r, "before_limit") ? count_of(r, "before_limit") : 0,
        .n_classes = has(r, "classes") ? count_of(r, "classes") : 0,
        .n_card_classes = has(r, "classes_of_the_card") ? count_of(r, "classes_of_the_card") : 0,
        .level = has(r, "level") ? text_of(r, "level", true) : NULL,
        .aggregate = has(r, "aggregate") ? text_of(r, "aggregate", true) : NULL,
        .n = count_of(r, "images"),
        .n_patients = count_of(r, "patients"),
        .n_missing = count_of(r, "missing"),
        .n_skipped = count_of(r, "skipped"),
        .fingerprint = text_of(r, "fingerprint", true),
        .split_fingerprint = text_of(r, "split_fingerprint", true),
        .model = text_of(r, "model", false),
        .model_title = text_of(r, "model_title", false),
        .weights_sha256 = text_of(r, "weights_sha256", true),
        .trained_on = text_of(r, "trained_on", true),
        .dtype = text_of(r, "dtype", true),
        .device = text_of(r, "device", true),
        .recipe = text_of(r, "recipe", true),
        .scorer = text_of(r, "scorer", false),
        .prompts = text_of(r, "prompts", true),
        .prompts_sha256 = text_of(r, "prompts_sha256", true),
        .prompts_wording = has(r, "prompts_wording") ? text_of(r, "prompts_wording", true) : NULL,
        .protocol = text_of(r, "protocol", false),
        .confidence = real_of(r, "confidence"),
        .replicates = count_of(r, "replicates"),
        .distinct_replicates = count_of(r, "distinct_replicates"),
        .resampled = text_of(r, "resampled", true),
        .bca = bounds != NULL && strcmp(bounds, "bca") == 0,
        .notes = notes,
        .n_notes = n_notes,
    };
    const radz_json *evidence = r->st == RADZ_OK ? radz_json_find(r->object, "evidence") : NULL;
    if (evidence != NULL && radz_json_kind_of(evidence) == RADZ_JSON_OBJECT) {
        reader inner = {r->doc, evidence, RADZ_OK, r->err};
        b.template_name = text_of(&inner, "template", true);
        b.reading = text_of(&inner, "reading", true);
        b.anchors = text_of(&inner, "anchors", true);
        b.anchor_form = text_of(&inner, "anchor_form", true);
        b.anchors_sha256 = text_of(&inner, "anchors_sha256", true);
        b.anchors_wording = has(&inner, "anchors_wording") ? text_of(&inner, "anchors_wording", true) : NULL;
        b.temperature = real_of(&inner, "temperature");
        b.hard = flag_of(&inner, "hard_answers");
        b.n_answers = count_of(&inner, "answers");
        b.n_unknown = count_of(&inner, "unknown");
        if (has(&inner, "judged")) {
            b.n_judged = count_of(&inner, "judged");
            b.n_right = count_of(&inner, "right");
        }
        r->st = inner.st;
    }
    if (r->st == RADZ_OK)
        r->st = radz_results_add_block(results, &b, r->err);
    free(notes);
}

static void read_pair(reader *r, radz_results *results)
{
    radz_result_pair p = {
        .dataset = text_of(r, "dataset", false),
        .split = text_of(r, "split", false),
        .n = count_of(r, "n"),
        .a = text_of(r, "a", false),
        .b = text_of(r, "b", false),
        .class_name = text_of(r, "class", false),
        .metric = text_of(r, "metric", false),
        .value_a = real_of(r, "value_a"),
        .value_b = real_of(r, "value_b"),
        .difference = real_of(r, "difference"),
        .ci_low = real_of(r, "ci_low"),
        .ci_high = real_of(r, "ci_high"),
        .p = real_of(r, "p"),
        .p_holm = has(r, "p_holm") ? real_of(r, "p_holm") : NAN,
        .p_bh = has(r, "p_bh") ? real_of(r, "p_bh") : NAN,
        .p_permutation = has(r, "p_permutation") ? real_of(r, "p_permutation") : NAN,
        .n_pos = count_of(r, "n_pos"),
        .status = text_of(r, "status", false),
    };
    if (r->st == RADZ_OK)
        r->st = radz_results_add_pair(results, &p, r->err);
}

static void read_row(reader *r, radz_results *results)
{
    radz_result_row row = {
        .dataset = text_of(r, "dataset", false),
        .split = text_of(r, "split", false),
        .n = count_of(r, "n"),
        .model = text_of(r, "model", false),
        .scorer = text_of(r, "scorer", false),
        .protocol = text_of(r, "protocol", false),
        .class_name = text_of(r, "class", false),
        .metric = text_of(r, "metric", false),
        .value = real_of(r, "value"),
        .ci_low = real_of(r, "ci_low"),
        .ci_high = real_of(r, "ci_high"),
        .n_pos = count_of(r, "n_pos"),
        .status = text_of(r, "status", false),
        .ci_status = text_of(r, "ci_status", false),
    };
    if (r->st == RADZ_OK)
        r->st = radz_results_add_row(results, &row, r->err);
}

static void read_group(reader *r, radz_results *results)
{
    radz_result_group g = {text_of(r, "dataset", false), text_of(r, "name", false), text_of(r, "title", false), NULL, 0};
    const char **classes = texts_of(r, "classes", &g.n_classes);
    g.classes = classes;
    if (r->st == RADZ_OK)
        r->st = radz_results_add_group(results, &g, r->err);
    free(classes);
}

static void read_absent(reader *r, radz_results *results)
{
    radz_result_absent a = {text_of(r, "name", false), text_of(r, "title", false), text_of(r, "hint", false)};
    if (r->st == RADZ_OK)
        r->st = radz_results_add_absent(results, &a, r->err);
}

static void read_skip(reader *r, radz_results *results)
{
    radz_result_skip s = {text_of(r, "dataset", false), text_of(r, "model", false), text_of(r, "image", false),
                          text_of(r, "reason", false)};
    if (r->st == RADZ_OK)
        r->st = radz_results_add_skip(results, &s, r->err);
}

static void read_finding(reader *r, radz_results *results)
{
    radz_result_finding f = {
        .dataset = text_of(r, "dataset", false),
        .split = text_of(r, "split", true),
        .severity = text_of(r, "severity", false),
        .code = text_of(r, "code", false),
        .what = text_of(r, "what", false),
        .effect = text_of(r, "effect", false),
        .count = count_of(r, "count"),
    };
    const radz_json *array = NULL;
    if (r->st == RADZ_OK)
        r->st = radz_json_need_array(r->doc, r->object, "examples", &array, r->err);
    size_t n = r->st == RADZ_OK ? radz_json_size(array) : 0;
    if (n > RADZ_RESULT_EXAMPLES)
        r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: key 'examples': %zu of them, wanted at most %d",
                          radz_json_doc_name(r->doc), n, RADZ_RESULT_EXAMPLES);
    for (size_t i = 0; i < n && r->st == RADZ_OK; i++) {
        const radz_json *value = radz_json_at(array, i);
        f.examples[i] = radz_json_string(value);
        if (f.examples[i] == NULL || strlen(f.examples[i]) != radz_json_string_length(value))
            r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: key 'examples': wanted texts", radz_json_doc_name(r->doc));
    }
    if (r->st == RADZ_OK)
        r->st = radz_results_add_finding(results, &f, r->err);
}

static void read_term(reader *r, radz_results *results)
{
    radz_result_term t = {text_of(r, "dataset", false), text_of(r, "class", false), text_of(r, "term", false)};
    if (r->st == RADZ_OK)
        r->st = radz_results_add_term(results, &t, r->err);
}

static double *read_rates(reader *r, const char *key, size_t *count)
{
    const radz_json *array = NULL;
    *count = 0;
    if (r->st == RADZ_OK)
        r->st = radz_json_need_array(r->doc, r->object, key, &array, r->err);
    if (r->st != RADZ_OK)
        return NULL;
    *count = radz_json_size(array);
    double *rates = radz_calloc(*count, sizeof *rates, r->err);
    if (rates == NULL)
        r->st = RADZ_E_NOMEM;
    for (size_t i = 0; i < *count && r->st == RADZ_OK; i++)
        if (!radz_json_as_double(radz_json_at(array, i), &rates[i]))
            r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: key '%s': wanted numbers", radz_json_doc_name(r->doc), key);
    return rates;
}

static void read_curve(reader *r, radz_results *results)
{
    size_t n = 0, m = 0;
    uint64_t block = count_of(r, "block");
    const char *class_name = text_of(r, "class", false);
    double *fpr = read_rates(r, "fpr", &n), *tpr = read_rates(r, "tpr", &m);
    if (r->st == RADZ_OK && (n != m || block >= results->n_blocks))
        r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: a curve of %zu and %zu numbers, of block %zu of %zu",
                          radz_json_doc_name(r->doc), n, m, (size_t)block, results->n_blocks);
    if (r->st == RADZ_OK)
        r->st = radz_results_add_curve(results, class_name, fpr, tpr, n, r->err);
    if (r->st == RADZ_OK)
        results->curves[results->n_curves - 1].block = (size_t)block;
    free(fpr);
    free(tpr);
}

static void read_detail(reader *r, radz_results *results)
{
    r->st = radz_details_read(r->doc, r->object, results, r->err);
}

static void read_pr(reader *r, radz_results *results)
{
    size_t n = 0, m = 0;
    uint64_t block = count_of(r, "block");
    const char *class_name = text_of(r, "class", false);
    double *recall = read_rates(r, "recall", &n), *precision = read_rates(r, "precision", &m);
    if (r->st == RADZ_OK && (n != m || block >= results->n_blocks))
        r->st = radz_fail(r->err, RADZ_E_FORMAT, "%s: a curve of %zu and %zu numbers, of block %zu of %zu",
                          radz_json_doc_name(r->doc), n, m, (size_t)block, results->n_blocks);
    if (r->st == RADZ_OK)
        r->st = radz_results_add_pr(results, class_name, recall, precision, n, r->err);
    if (r->st == RADZ_OK)
        results->pr_curves[results->n_pr_curves - 1].block = (size_t)block;
    free(recall);
    free(precision);
}

static void read_mistake(reader *r, radz_results *results)
{
    radz_result_mistake m = {
        .block = (size_t)count_of(r, "block"),
        .class_name = text_of(r, "class", false),
        .image = text_of(r, "image", false),
        .positive = flag_of(r, "positive"),
        .score = real_of(r, "score"),
        .outranked = real_of(r, "outranked"),
        .picture = text_of(r, "picture", true),
    };
    if (r->st == RADZ_OK)
        r->st = radz_results_add_mistake(results, &m, r->err);
}

typedef struct fact_reader {
    reader *r;
    radz_results *results;
} fact_reader;

static bool read_fact(void *context, const char *key, const radz_json *value)
{
    fact_reader *f = context;
    const char *text = radz_json_string(value);
    if (text == NULL)
        f->r->st = radz_fail(f->r->err, RADZ_E_FORMAT, "%s: provenance '%s': wanted a string",
                             radz_json_doc_name(f->r->doc), key);
    else
        f->r->st = radz_results_add_fact(f->results, key, text, f->r->err);
    return f->r->st == RADZ_OK;
}

radz_status radz_results_parse(const char *text, size_t size, const char *name, radz_results **out, radz_error *err)
{
    *out = NULL;
    radz_json_doc *doc;
    radz_results *results = NULL;
    radz_status st = radz_json_parse(text, size, name, &doc, err);
    if (st != RADZ_OK)
        return st;
    reader r = {doc, radz_json_root(doc), RADZ_OK, err};
    const char *schema = text_of(&r, "schema", false);
    if (r.st == RADZ_OK && strcmp(schema, RADZ_RESULTS_SCHEMA) != 0)
        r.st = radz_fail(err, RADZ_E_UNSUPPORTED, "'%s' has the schema '%.80s', this program reads '" RADZ_RESULTS_SCHEMA
                         "'", name, schema);
    const char *run = text_of(&r, "run", false), *suite = text_of(&r, "suite", false);
    const char *title = text_of(&r, "suite_title", false), *command = text_of(&r, "command", false);
    if (r.st == RADZ_OK)
        r.st = radz_results_create(run, suite, title, "", &results, err);
    if (r.st == RADZ_OK)
        r.st = radz_results_keep(results, &command, err);
    if (r.st == RADZ_OK)
        results->command = (char *)command;
    const radz_json *facts = NULL;
    if (r.st == RADZ_OK)
        r.st = radz_json_need_object(doc, r.object, "provenance", &facts, err);
    if (r.st == RADZ_OK)
        radz_json_each(facts, read_fact, &(fact_reader){&r, results});
    size_t n_notes = 0;
    const char **notes = has(&r, "notes") ? texts_of(&r, "notes", &n_notes) : NULL;
    for (size_t i = 0; i < n_notes && r.st == RADZ_OK; i++)
        r.st = radz_results_add_note(results, notes[i], err);
    free(notes);
    each_object(&r, "blocks", results, read_block);
    each_object(&r, "groups", results, read_group);
    each_object(&r, "absent", results, read_absent);
    each_object(&r, "skipped_images", results, read_skip);
    each_object(&r, "rows", results, read_row);
    static const struct {
        const char *key;
        void (*one)(reader *element, radz_results *results);
    } later[] = { /* not in files of the first versions */
        {"findings", read_finding}, {"terms", read_term}, {"pairs", read_pair}, {"roc_curves", read_curve},
        {"details", read_detail}, {"pr_curves", read_pr}, {"mistakes", read_mistake},
    };
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (has(&r, later[i].key))
            each_object(&r, later[i].key, results, later[i].one);
    st = r.st;
    radz_json_free(doc);
    if (st != RADZ_OK) {
        radz_results_free(results);
        return st;
    }
    *out = results;
    return RADZ_OK;
}

radz_status radz_results_load(const char *dir, radz_results **out, radz_error *err)
{
    *out = NULL;
    char *text = NULL, *path = radz_file_is_dir(dir) ? radz_path_join(dir, "results.json", err) : radz_strdup(dir, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    size_t size;
    radz_status st = radz_file_read(path, (size_t)512 << 20, &text, &size, err);
    if (st == RADZ_OK)
        st = radz_results_parse(text, size, path, out, err);
    free(text);
    free(path);
    return st;
}

static void read_stage(reader *r, radz_results *results)
{
    radz_result_stage s = {
        .stage = text_of(r, "stage", false), .dataset = text_of(r, "dataset", true), .model = text_of(r, "model", true),
        .items = count_of(r, "items"), .cached = count_of(r, "cached"), .seconds = real_of(r, "seconds"),
    };
    if (r->st == RADZ_OK)
        r->st = radz_results_add_stage(results, &s, r->err);
}

static void read_cost(reader *r, radz_results *results)
{
    radz_result_cost c = {
        .dataset = text_of(r, "dataset", false),
        .model = text_of(r, "model", false),
        .scorer = text_of(r, "scorer", false),
        .images = count_of(r, "images"),
        .seconds_per_image = real_of(r, "seconds_per_image"),
        .tokens_per_image = real_of(r, "tokens_per_image"),
        .peak_memory = count_of(r, "peak_memory_bytes"),
    };
    if (r->st == RADZ_OK)
        r->st = radz_results_add_cost(results, &c, r->err);
}

radz_status radz_results_load_timing(radz_results *results, const char *dir, radz_error *err)
{
    char *text = NULL, *path = radz_path_join(dir, "timing.json", err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_json_doc *doc = NULL;
    size_t size = 0;
    radz_status st = RADZ_OK;
    if (radz_file_exists(path)) {
        st = radz_file_read(path, (size_t)64 << 20, &text, &size, err);
        if (st == RADZ_OK)
            st = radz_json_parse(text, size, path, &doc, err);
    }
    if (doc != NULL) {
        reader r = {doc, radz_json_root(doc), st, err};
        const char *schema = text_of(&r, "schema", false);
        if (r.st == RADZ_OK && strcmp(schema, RADZ_TIMING_SCHEMA) != 0)
            r.st = radz_fail(err, RADZ_E_UNSUPPORTED, "'%s' has the schema '%.80s', this program reads '" RADZ_TIMING_SCHEMA
                             "'", path, schema);
        const char *run = text_of(&r, "run", false);
        if (r.st == RADZ_OK && strcmp(run, results->run_id) != 0)
            r.st = radz_fail(err, RADZ_E_VALUE, "'%s' is of the run '%.80s', wanted '%.80s'", path, run, results->run_id);
        results->total_seconds = real_of(&r, "seconds");
        results->peak_memory = count_of(&r, "peak_memory_bytes");
        each_object(&r, "stages", results, read_stage);
        if (r.st == RADZ_OK && radz_json_find(r.object, "costs") != NULL)
            each_object(&r, "costs", results, read_cost);
        st = r.st;
    }
    radz_json_free(doc);
    free(text);
    free(path);
    return st;
}

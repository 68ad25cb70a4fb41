#include "data/card_protocol.h"

#include <stdio.h>
#include <string.h>

#include "data/card_engine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CHOICE(key, type, member, names) \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, type, member, names, COUNT(names))
#define UINT(key, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, radz_protocol_interval, member)
#define FLAG(key, member) CYAML_FIELD_BOOL(key, CYAML_FLAG_OPTIONAL, radz_protocol_interval, member)

/* In each table the value 0 comes first: it is what an absent key means. */
static const cyaml_strval_t arithmetics[] = {{"exact", RADZ_ARITHMETIC_EXACT},
                                             {"scikit-learn", RADZ_ARITHMETIC_SKLEARN}};
static const cyaml_strval_t normalisations[] = {{"none", RADZ_NORMALISE_NONE}, {"softmax", RADZ_NORMALISE_SOFTMAX}};
static const cyaml_strval_t threshold_rules[] = {
    {"none", RADZ_THRESHOLD_NONE}, {"max-f1", RADZ_THRESHOLD_MAX_F1}, {"max-mcc", RADZ_THRESHOLD_MAX_MCC},
    {"calibrated", RADZ_THRESHOLD_CALIBRATED}};
static const cyaml_strval_t searches[] = {
    {"ascending", RADZ_SEARCH_ASCENDING}, {"roc-corners", RADZ_SEARCH_CORNERS}, {"rows", RADZ_SEARCH_ROWS}};
static const cyaml_strval_t splits[] = {{"test", RADZ_CHOSEN_ON_TEST}, {"validation", RADZ_CHOSEN_ON_VALIDATION}};
static const cyaml_strval_t comparisons[] = {{">=", RADZ_AT_LEAST}, {">", RADZ_ABOVE}};
static const cyaml_strval_t f1_forms[] = {{"counts", RADZ_F1_COUNTS}, {"curve", RADZ_F1_CURVE}};
static const cyaml_strval_t binary_forms[] = {{"positive", RADZ_BINARY_POSITIVE}, {"both", RADZ_BINARY_BOTH}};
static const cyaml_strval_t undefined[] = {{"drop", RADZ_UNDEFINED_DROP}, {"stop", RADZ_UNDEFINED_STOP},
                                           {"nan", RADZ_UNDEFINED_NAN},   {"na", RADZ_UNDEFINED_NA}};
static const cyaml_strval_t methods[] = {{"none", RADZ_INTERVAL_NONE},
                                         {"patients", RADZ_INTERVAL_PATIENTS},
                                         {"studies", RADZ_INTERVAL_STUDIES},
                                         {"seeded-rows", RADZ_INTERVAL_SEEDED},
                                         {"reseeded-rows", RADZ_INTERVAL_RESEEDED}};
static const cyaml_strval_t bounds[] = {{"bca", RADZ_BOUNDS_BCA}, {"percentile", RADZ_BOUNDS_PERCENTILE}};
static const cyaml_strval_t strata[] = {{"none", RADZ_STRATA_NONE}, {"labels", RADZ_STRATA_LABELS}};
static const cyaml_strval_t means[] = {{"bounds", RADZ_MEAN_OF_BOUNDS}, {"replicates", RADZ_MEAN_OF_REPLICATES}};

static const char *const figures[RADZ_FIGURE_COUNT] = {
    [RADZ_FIGURE_AUC] = "auc", [RADZ_FIGURE_AUPRC] = "auprc", [RADZ_FIGURE_F1] = "f1",
    [RADZ_FIGURE_ACC] = "acc", [RADZ_FIGURE_MCC] = "mcc",     [RADZ_FIGURE_THRESHOLD] = "threshold"};
static const char *const averages[] = {"macro", "micro", "weighted"};

static const cyaml_schema_field_t threshold_fields[] = {
    CHOICE("rule", radz_protocol_threshold, rule, threshold_rules),
    CHOICE("search", radz_protocol_threshold, search, searches),
    CHOICE("split", radz_protocol_threshold, split, splits), CYAML_FIELD_END};

static const cyaml_schema_field_t f1_fields[] = {
    CHOICE("at", radz_protocol_f1, at, comparisons), CHOICE("form", radz_protocol_f1, form, f1_forms),
    CYAML_FIELD_UINT("empty", CYAML_FLAG_OPTIONAL, radz_protocol_f1, empty), CYAML_FIELD_END};

static const cyaml_schema_field_t interval_fields[] = {
    CHOICE("method", radz_protocol_interval, method, methods),
    CHOICE("bounds", radz_protocol_interval, bounds, bounds),
    CHOICE("strata", radz_protocol_interval, strata, strata),
    UINT("replicates", replicates),
    UINT("low", low),
    UINT("high", high),
    UINT("digits", digits),
    UINT("seed", seed),
    CHOICE("mean", radz_protocol_interval, mean, means),
    FLAG("rechoose", rechoose),
    FLAG("value_is_mean", value_is_mean),
    CYAML_FIELD_END};

static const cyaml_schema_field_t protocol_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_protocol_card),
    RADZ_FIELD_TEXT("source", radz_protocol_card, source),
    RADZ_FIELD_TEXT_OPTIONAL("notes", radz_protocol_card, notes),
    RADZ_FIELD_TEXTS_OPTIONAL("faults", radz_protocol_card, faults),
    CHOICE("arithmetic", radz_protocol_card, arithmetic, arithmetics),
    RADZ_FIELD_TEXTS_OPTIONAL("figures", radz_protocol_card, figures),
    RADZ_FIELD_TEXTS_OPTIONAL("averages", radz_protocol_card, averages),
    RADZ_FIELD_TEXTS_OPTIONAL("mean_classes", radz_protocol_card, mean_classes),
    CHOICE("normalise", radz_protocol_card, normalise, normalisations),
    CYAML_FIELD_MAPPING("threshold", CYAML_FLAG_OPTIONAL, radz_protocol_card, threshold, threshold_fields),
    CYAML_FIELD_MAPPING("f1", CYAML_FLAG_OPTIONAL, radz_protocol_card, f1, f1_fields),
    CHOICE("acc", radz_protocol_card, acc, comparisons),
    CHOICE("binary", radz_protocol_card, binary, binary_forms),
    CHOICE("undefined", radz_protocol_card, undefined, undefined),
    CYAML_FIELD_MAPPING("interval", CYAML_FLAG_OPTIONAL, radz_protocol_card, interval, interval_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t protocol_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_protocol_card, protocol_fields)};
static const radz_card_range protocol_ranges[] = {
    {"f1.empty", 0, 1},           {"interval.replicates", 20, 1e6}, {"interval.low", 0, 1e6},
    {"interval.high", 0, 1e6},    {"interval.digits", 0, 15},       {"interval.seed", 0, 4294967295.0},
    {NULL, 0, 0}};

static radz_status find_names(const radz_card_source *source, const char *key, char *const *names, size_t count,
                              const char *const *known, size_t n_known, bool *found, radz_error *err)
{
    char at[40];
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < n_known && strcmp(names[i], known[k]) != 0)
            k++;
        snprintf(at, sizeof at, "%s[%zu]", key, i);
        if (k == n_known)
            return radz_card_fail_unknown(source, err, at, key, names[i], known, n_known);
        found[k] = true;
    }
    return radz_card_need_distinct(source, err, key, names, count);
}

/* The exact arithmetic has one form; what departs from it is the other arithmetic's business. */
static radz_status check_exact(const radz_protocol_card *card, const radz_card_source *source, radz_error *err)
{
    static const char *const keys[] = {"figures",      "averages",      "mean_classes",     "threshold.search", "f1",
                                       "acc",          "binary",        "normalise",        "interval.replicates",
                                       "interval.low", "interval.high", "interval.digits",  "interval.seed",
                                       "interval.mean", "interval.rechoose", "interval.value_is_mean"};
    for (size_t i = 0; i < COUNT(keys); i++)
        if (radz_card_has(source, keys[i]))
            return radz_card_fail(source, err, keys[i], "goes with arithmetic 'scikit-learn', not with 'exact'");
    if (card->threshold.rule != RADZ_THRESHOLD_MAX_F1 && card->threshold.rule != RADZ_THRESHOLD_CALIBRATED)
        return radz_card_fail(source, err, "threshold.rule", "arithmetic 'exact' wants 'max-f1' or 'calibrated'");
    if (card->threshold.rule == RADZ_THRESHOLD_CALIBRATED && card->threshold.split != RADZ_CHOSEN_ON_VALIDATION)
        return radz_card_fail(source, err, "threshold.split", "'calibrated' wants 'validation'");
    if (card->undefined != RADZ_UNDEFINED_NA)
        return radz_card_fail(source, err, "undefined", "arithmetic 'exact' wants 'na'");
    if (card->interval.method > RADZ_INTERVAL_STUDIES)
        return radz_card_fail(source, err, "interval.method", "arithmetic 'exact' wants 'patients', 'studies' or 'none'");
    return RADZ_OK;
}

static radz_status check_sklearn(const radz_protocol_card *card, const radz_card_source *source, radz_error *err)
{
    static const char *const of_clusters[] = {"interval.bounds", "interval.strata"};
    const radz_protocol_interval *interval = &card->interval;
    bool rows = interval->method == RADZ_INTERVAL_SEEDED || interval->method == RADZ_INTERVAL_RESEEDED;
    bool at_threshold = card->rules.figures[RADZ_FIGURE_F1] || card->rules.figures[RADZ_FIGURE_ACC] ||
                        card->rules.figures[RADZ_FIGURE_MCC];
    if (card->threshold.rule == RADZ_THRESHOLD_CALIBRATED)
        return radz_card_fail(source, err, "threshold.rule", "'calibrated' goes with arithmetic 'exact'");
    if (card->figures_count == 0)
        return radz_card_fail(source, err, "figures", "the key is missing (arithmetic 'scikit-learn' wants it)");
    if (at_threshold != (card->threshold.rule != RADZ_THRESHOLD_NONE))
        return radz_card_fail(source, err, "threshold.rule", "f1, acc and mcc among the figures want a rule, and a rule"
                              " wants one of them");
    for (size_t i = 0; i < COUNT(of_clusters); i++)
        if (radz_card_has(source, of_clusters[i]))
            return radz_card_fail(source, err, of_clusters[i], "goes with methods 'patients' and 'studies'");
    if (interval->method == RADZ_INTERVAL_PATIENTS || interval->method == RADZ_INTERVAL_STUDIES)
        return radz_card_fail(source, err, "interval.method", "'patients' and 'studies' go with arithmetic 'exact'");
    if (rows && (interval->low > interval->high || interval->high >= card->rules.replicates))
        return radz_card_fail(source, err, "interval.high", "places %u and %u of %u replicates; wanted low <= high <"
                              " replicates", interval->low, interval->high, card->rules.replicates);
    if (!rows && (interval->value_is_mean || interval->rechoose || interval->digits > 0))
        return radz_card_fail(source, err, "interval.method", "'rechoose', 'value_is_mean' and 'digits' want replicates of rows");
    if (interval->rechoose && (interval->method != RADZ_INTERVAL_RESEEDED || card->threshold.split != RADZ_CHOSEN_ON_TEST))
        return radz_card_fail(source, err, "interval.rechoose", "goes with method 'reseeded-rows' and a threshold chosen on the"
                              " test split");
    if (card->f1.form == RADZ_F1_CURVE &&
        (card->threshold.rule != RADZ_THRESHOLD_MAX_F1 || card->threshold.split != RADZ_CHOSEN_ON_TEST))
        return radz_card_fail(source, err, "f1.form", "'curve' wants threshold rule 'max-f1' on the test split");
    if (card->threshold.search == RADZ_SEARCH_ROWS && card->threshold.rule != RADZ_THRESHOLD_MAX_MCC)
        return radz_card_fail(source, err, "threshold.search", "'rows' goes with rule 'max-mcc'");
    return RADZ_OK;
}

static radz_status finish_protocol(void *data, const radz_card_source *source, radz_error *err)
{
    radz_protocol_card *card = data;
    bool average[COUNT(averages)] = {false};
    radz_protocol_rules *r = &card->rules;
    *r = (radz_protocol_rules){
        .arithmetic = card->arithmetic,
        .normalise = card->normalise,
        .rule = card->threshold.rule,
        .search = card->threshold.search,
        .split = card->threshold.split,
        .f1_at = card->f1.at,
        .acc_at = card->acc,
        .f1_form = card->f1.form,
        .f1_empty = card->f1.empty,
        .binary = card->binary,
        .undefined = card->undefined,
        .interval = card->interval.method,
        .bounds = card->interval.bounds,
        .strata = card->interval.strata,
        .replicates = radz_card_has(source, "interval.replicates") ? card->interval.replicates : 1000,
        .low = card->interval.low,
        .high = card->interval.high,
        .interval_mean = card->interval.mean,
        .rechoose = card->interval.rechoose,
        .value_is_mean = card->interval.value_is_mean,
        .digits = card->interval.digits,
        .seed = card->interval.seed,
    };
    radz_status st = find_names(source, "figures", card->figures, card->figures_count, figures, RADZ_FIGURE_THRESHOLD,
                                r->figures, err);
    if (st == RADZ_OK)
        st = radz_card_need_distinct(source, err, "mean_classes", card->mean_classes, card->mean_classes_count);
    if (st == RADZ_OK)
        st = find_names(source, "averages", card->averages, card->averages_count, averages, COUNT(averages), average, err);
    if (st != RADZ_OK)
        return st;
    r->micro = average[1];
    r->weighted = average[2];
    r->figures[RADZ_FIGURE_THRESHOLD] = r->rule != RADZ_THRESHOLD_NONE;
    return card->arithmetic == RADZ_ARITHMETIC_EXACT ? check_exact(card, source, err) : check_sklearn(card, source, err);
}

const radz_card_schema radz_protocol_schema = {RADZ_CARD_PROTOCOL, &protocol_root, protocol_ranges, finish_protocol};

RADZ_CARD_DOORS(protocol)

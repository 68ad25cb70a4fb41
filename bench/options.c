/* One table of all options: a command only says which of them it takes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench/command.h"

typedef enum option_kind { TEXT, LIST, PATHS, WHOLE, PERCENT, FLAG, ON_ERROR, THUMBNAILS } option_kind;

typedef struct option_spec {
    const char *name, *argument, *help;
    option_kind kind;
    size_t offset;
    int64_t low, high; /* WHOLE */
} option_spec;

#define AT(field) offsetof(radz_options, field)
static const option_spec specs[] = {
    {"suite", "NAME", "suite to run (see `radz-bench list suites`)", TEXT, AT(suite), 0, 0},
    {"dataset", "NAME", "only these data sets, or variants of them: NAME:VARIANT (repeat, or separate by commas)", LIST, AT(datasets), 0, 0},
    {"model", "NAME", "only these models", LIST, AT(models), 0, 0},
    {"scorer", "NAME", "only these scorers", LIST, AT(scorers), 0, 0},
    {"class", "NAME", "only these classes, or groups of classes as the data set's card names them (results say so)", LIST, AT(classes), 0, 0},
    {"protocol", "NAME", "how scores become figures; 'all' for every protocol (see `radz-bench list protocols`)", LIST,
     AT(protocols), 0, 0},
    {"require", "NAME", "fail when this data set is not here; 'all' for every one", LIST, AT(require), 0, 0},
    {"limit", "N", "a seeded subset of N images per data set (results say so)", WHOLE, AT(limit), 1, INT64_C(1) << 40},
    {"results", "DIR", "where runs are written (default: results; eval: nowhere)", TEXT, AT(results), 0, 0},
    {"cache", "DIR", "embedding cache and generated data (default: $RADZ_CACHE, else ~/.cache/radz-bench)", TEXT, AT(cache), 0, 0},
    {"manifests", "DIR", "one more folder of cards, searched before the built-in ones", LIST, AT(manifests), 0, 0},
    {"threads", "N", "threads for decoding and encoding (default: all processors)", WHOLE, AT(threads), 1, 4096},
    {"device", "D", "cpu, cuda or cuda:INDEX (default: cpu)", TEXT, AT(device), 0, 0},
    {"dtype", "T", "float32, bfloat16 or float16 (default: as the model's card says)", TEXT, AT(dtype), 0, 0},
    {"on-error", "stop|skip", "what to do with an image that cannot be read (default: stop)", ON_ERROR, AT(skip_bad_samples), 0, 0},
    {"seed", "S", "seed of bootstrap, subset or generator (default: as the card says)", WHOLE, AT(seed), 0, INT64_MAX},
    {"no-plots", NULL, "write the plots' data and scripts, but do not call gnuplot", FLAG, AT(no_plots), 0, 0},
    {"strict", NULL, "findings of the check fail, warnings too", FLAG, AT(strict), 0, 0},
    {"gate", "NAME", "tolerances of a regression (see `radz-bench list gates`; default: nightly)", TEXT, AT(gate), 0, 0},
    {"fast", NULL, "read no image: only labels, lists and folders", FLAG, AT(fast), 0, 0},
    {"thumbnails", "public|all|none", "show the worst mistakes' images in report.html: of public data sets (default), all, none",
     THUMBNAILS, AT(thumbnails), 0, 0},
    {"json", NULL, "print JSON", FLAG, AT(json), 0, 0},
    {"split", "NAME", "train, val or test (default: as the card says)", TEXT, AT(split), 0, 0},
    {"out", "DIR", "folder to write to", TEXT, AT(out), 0, 0},
    {"patients", "N", "number of synthetic patients (default: as the phantom's card says)", WHOLE, AT(patients), 1, 10000000},
    {"sheet", NULL, "write contact sheets (sheet.png) instead of the data set", FLAG, AT(sheet), 0, 0},
    {"recipe", "NAME", "training recipe (see `radz-bench list recipes`)", TEXT, AT(recipe), 0, 0},
    {"set", "KEY=VALUE", "another value under a key of the card, as training.steps=100; repeat it for more", PATHS, AT(changes), 0, 0},
    {"fresh", NULL, "start over although a checkpoint is there", FLAG, AT(fresh), 0, 0},
    {"days", "N", "remove what is older than N days (default of cache gc, by last use: 90)", WHOLE, AT(days), 0, 100000},
    {"keep", "N", "keep the newest N runs", WHOLE, AT(keep), 1, INT64_C(1) << 40},
    {"metric", "NAME", "only this metric (see `radz-bench list metrics`)", TEXT, AT(metric), 0, 0},
    {"note", "TEXT", "a few words to remember a run by", TEXT, AT(note), 0, 0},
    {"date", "D", "as of this time, UTC: 2025-03-01 or 2025-03-01T02:00:00 (default: now)", TEXT, AT(date), 0, 0},
    {"format", "F", "table, md, tex, html, csv or json (default: table); of datasets and compare: table, md, json, ...", TEXT, AT(format), 0, 0},
    {"scores", "FILE", "score file: CSV or HDF5, ids and one column per class; repeat it to compare models", PATHS, AT(scores), 0, 0},
    {"labels", "WHERE", "label file (CSV), or the name of a data set", TEXT, AT(labels), 0, 0},
    {"val-scores", "FILE", "scores of the validation set, where thresholds are chosen; one per --scores", PATHS, AT(val_scores), 0, 0},
    {"val-labels", "WHERE", "their labels (default: the data set of --labels)", TEXT, AT(val_labels), 0, 0},
    {"val-split", "NAME", "split on which protocols choose thresholds (eval: val when left out; run: none)", TEXT, AT(val_split), 0, 0},
    {"id-column", "NAME", "column of the ids (default: the first)", TEXT, AT(id_column), 0, 0},
    {"column-prefix", "TEXT", "taken off the names of score columns: 'prob_' makes prob_Edema class Edema", TEXT, AT(column_prefix), 0, 0},
    {"patient-column", "NAME", "column of a label file that names the patient (default: patient, patient_id, ...)", TEXT, AT(patient_column), 0, 0},
    {"study-column", "NAME", "column of a label file that names the study (default: study, study_id, ...)", TEXT, AT(study_column), 0, 0},
    {"groups", "WHAT", "subgroups: a CSV file (image ids, then columns such as scanner); eval: or a column of the label file",
     PATHS, AT(groups), 0, 0},
    {"details", NULL, "the detail tables too: DeLong, operating points, calibration, subgroups", FLAG, AT(details), 0, 0},
    {"partial", NULL, "leave out and count ids that have only scores or only labels", FLAG, AT(partial), 0, 0},
    {"replicates", "N", "bootstrap replicates over patients (default: 1000); 0: no intervals", WHOLE, AT(replicates), 0, 1000000},
    {"confidence", "P", "percent of the intervals (default: 95)", PERCENT, AT(confidence), 0, 0},
    {"percent", "P", "share of the training patients whose labels the probe sees (default: 1,10,100)", LIST, AT(percents), 0, 0},
    {"draws", "N", "random draws of each share below 100 % (default: 5)", WHOLE, AT(draws), 1, 1000},
    {"c", "C", "inverse strength of the probe's L2 penalty, as scikit-learn's C (default: 1)", TEXT, AT(probe_c), 0, 0},
    {"train-split", "NAME", "split that the probe learns from (default: train)", TEXT, AT(train_split), 0, 0},
    {"quiet", NULL, "no progress and no notes, only results and errors", FLAG, AT(quiet), 0, 0},
    {"help", NULL, "this text", FLAG, AT(help), 0, 0},
};
enum { SPEC_COUNT = sizeof specs / sizeof specs[0] };

/* Other names under which an option is known. */
static const struct {
    const char *alias, *name;
} aliases[] = {{"classes", "class"}};

static bool is_name(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && strncmp(name, text, length) == 0;
}

static const option_spec *find_spec(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (is_name(aliases[i].alias, text, length)) {
            text = aliases[i].name;
            length = strlen(text);
            break;
        }
    }
    for (size_t i = 0; i < SPEC_COUNT; i++)
        if (is_name(specs[i].name, text, length))
            return &specs[i];
    return NULL;
}

static bool takes(const radz_command *command, const option_spec *spec)
{
    if (strcmp(spec->name, "help") == 0 || strcmp(spec->name, "quiet") == 0)
        return true;
    for (const char *const *name = command->options; name != NULL && *name != NULL; name++)
        if (strcmp(*name, spec->name) == 0)
            return true;
    return false;
}

static const char *nth_taken(const void *context, size_t wanted)
{
    const radz_command *command = context;
    for (size_t i = 0; i < SPEC_COUNT; i++)
        if (takes(command, &specs[i]) && wanted-- == 0)
            return specs[i].name;
    return NULL;
}

static radz_status add_names(radz_strlist *list, const char *option, const char *value, radz_error *err)
{
    for (const char *p = value;; p++) {
        size_t length = strcspn(p, ",");
        if (length == 0)
            return radz_fail(err, RADZ_E_USAGE, "option --%s '%s': an empty name", option, value);
        char *name = radz_strndup(p, length, err);
        radz_status st = name == NULL ? RADZ_E_NOMEM : radz_strlist_add(list, name, err);
        free(name);
        if (st != RADZ_OK)
            return st;
        p += length;
        if (*p == '\0')
            return RADZ_OK;
    }
}

static radz_status set_value(radz_options *options, const option_spec *spec, const char *value, radz_error *err)
{
    void *field = (char *)options + spec->offset;
    switch (spec->kind) {
    case TEXT:
        if (*value == '\0')
            return radz_fail(err, RADZ_E_USAGE, "option --%s: an empty value, wanted %s", spec->name, spec->argument);
        *(const char **)field = value;
        return RADZ_OK;
    case LIST:
        return add_names(field, spec->name, value, err);
    case PATHS: /* a path may hold commas */
        if (*value == '\0')
            return radz_fail(err, RADZ_E_USAGE, "option --%s: an empty value, wanted %s", spec->name, spec->argument);
        return radz_strlist_add(field, value, err);
    case PERCENT:
        if (radz_parse_double(value, true, field, NULL) != RADZ_OK || !(*(double *)field >= 50 && *(double *)field <= 99.99))
            return radz_fail(err, RADZ_E_USAGE, "option --%s: found '%.40s', wanted a percentage from 50 to 99.99", spec->name,
                             value);
        return RADZ_OK;
    case WHOLE:
        if (radz_parse_i64(value, spec->low, spec->high, field, err) != RADZ_OK) {
            radz_prefix(err, "option --%s", spec->name);
            if (err != NULL)
                err->code = RADZ_E_USAGE;
            return RADZ_E_USAGE;
        }
        return RADZ_OK;
    case ON_ERROR:
        if (strcmp(value, "stop") != 0 && strcmp(value, "skip") != 0)
            return radz_fail(err, RADZ_E_USAGE, "option --on-error: found '%s', wanted stop or skip", value);
        *(bool *)field = strcmp(value, "skip") == 0;
        return RADZ_OK;
    case THUMBNAILS: { /* in the order of radz_thumbnails */
        static const char *const words[] = {"public", "all", "none"};
        for (int i = 0; i < 3; i++)
            if (strcmp(value, words[i]) == 0)
                return *(int *)field = i, RADZ_OK;
        return radz_fail(err, RADZ_E_USAGE, "option --thumbnails: found '%s', wanted public, all or none", value);
    }
    default:
        *(bool *)field = true;
        return RADZ_OK;
    }
}

/* The command as typed, for provenance: with the arguments that a shell would split or expand in single quotes. */
static radz_status keep_command_line(radz_options *options, const radz_command *command, int argc, char **argv,
                                     radz_error *err)
{
    radz_strbuf line = {0};
    radz_status st = radz_strbuf_printf(&line, err, "radz-bench %s", command->name);
    for (int i = 0; i < argc && st == RADZ_OK; i++) {
        bool plain = argv[i][0] != '\0' && strpbrk(argv[i], " \t\n'\"\\$`*?[]{}()<>|&;!#~") == NULL;
        st = radz_strbuf_puts(&line, plain ? " " : " '", err);
        for (const char *p = argv[i]; *p != '\0' && st == RADZ_OK; p++)
            st = *p == '\'' ? radz_strbuf_puts(&line, "'\\''", err) : radz_strbuf_append(&line, p, 1, err);
        if (st == RADZ_OK && !plain)
            st = radz_strbuf_puts(&line, "'", err);
    }
    options->command_line = line.text;
    return st;
}

radz_status radz_options_parse(const radz_command *command, int argc, char **argv, radz_options *options,
                               radz_error *err)
{
    options->seed = -1;
    options->days = -1;
    options->replicates = -1;
    options->confidence = 95;
    radz_status st = keep_command_line(options, command, argc, argv, err);
    bool only_positional = false;
    for (int i = 0; i < argc && st == RADZ_OK; i++) {
        const char *argument = argv[i];
        if (only_positional || argument[0] != '-' || argument[1] == '\0') {
            if (options->positional.count == command->max_positional)
                return radz_fail(err, RADZ_E_USAGE, "%s: unexpected argument '%s'", command->name, argument);
            st = radz_strlist_add(&options->positional, argument, err);
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            only_positional = true;
            continue;
        }
        if (strcmp(argument, "-h") == 0)
            argument = "--help";
        if (argument[1] != '-')
            return radz_fail(err, RADZ_E_USAGE, "%s: unknown option '%s' (options are spelled out: --name)",
                             command->name, argument);
        const char *name = argument + 2;
        size_t length = strcspn(name, "=");
        const option_spec *spec = find_spec(name, length);
        if (spec == NULL || !takes(command, spec)) {
            char found[96], what[64];
            snprintf(found, sizeof found, "%.*s", (int)(length > 90 ? 90 : length), name);
            snprintf(what, sizeof what, "option of '%s'", command->name);
            return radz_fail_unknown(err, what, found, nth_taken, command);
        }
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        if (spec->kind == FLAG && value != NULL)
            return radz_fail(err, RADZ_E_USAGE, "option --%s takes no value, found '%s'", spec->name, value);
        if (spec->kind != FLAG && value == NULL) {
            if (i + 1 == argc)
                return radz_fail(err, RADZ_E_USAGE, "option --%s needs a value: %s", spec->name, spec->argument);
            value = argv[++i];
        }
        st = set_value(options, spec, value, err);
    }
    return st;
}

void radz_options_free(radz_options *options)
{
    for (size_t i = 0; i < SPEC_COUNT; i++)
        if (specs[i].kind == LIST || specs[i].kind == PATHS)
            radz_strlist_free((radz_strlist *)((char *)options + specs[i].offset));
    radz_strlist_free(&options->positional);
    free(options->command_line);
}

static void print_options(const radz_command *command)
{
    printf("\nOptions:\n");
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if (!takes(command, &specs[i]))
            continue;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", specs[i].name, specs[i].argument == NULL ? "" : " ",
                 specs[i].argument == NULL ? "" : specs[i].argument);
        printf("  %-22s %s\n", left, specs[i].help);
    }
}

void radz_print_help(const radz_command *command)
{
    if (command != NULL) {
        printf("usage: radz-bench %s [options]%s%s\n\n%s\n", command->name, *command->usage == '\0' ? "" : " ",
               command->usage, command->summary);
        if (command->details != NULL)
            printf("\n%s\n", command->details);
        print_options(command);
        return;
    }
    printf("radz-bench measures how well a model recognises diseases on chest X-rays that it was not trained to name.\n"
           "\nusage: radz-bench --suite NAME [options]      short for: radz-bench run --suite NAME [options]\n"
           "       radz-bench COMMAND [options]\n\nCommands:\n");
    for (const radz_command *c = radz_commands; c->name != NULL; c++)
        printf("  %-9s %s\n", c->name, c->summary);
    printf("\nStart with:  radz-bench --suite chest\n"
           "Then:        radz-bench help run\n"
           "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 a regression was found.\n");
}

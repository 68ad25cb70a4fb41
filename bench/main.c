/* radz-bench: the table of commands, and nothing that a room could do. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "bench/command.h"
#include "bench/terminal.h"
#include "encoder/door.h"

#define OPTIONS(...) (const char *const[]){__VA_ARGS__, NULL}
#define CARDS "manifests"
#define SELECTION "dataset", "model", "scorer", "class", "limit"
#define MACHINE "threads", "device", "dtype"

const radz_command radz_commands[] = {
    {"run", "run a suite: embed, score, measure, write tables and plots", "",
     "Reads the suite's card, embeds images and texts of every data set that is here with every model (through the cache),\n"
     "scores them, and writes metrics, tables, per-image scores and plots to a folder below --results.\n"
     "Interrupted runs continue where they stopped: start the same command again.",
     OPTIONS("suite", SELECTION, "split", "val-split", "protocol", "require", "results", CARDS, "cache", MACHINE, "on-error", "seed", "no-plots",
             "thumbnails", "strict", "groups"), 0, radz_cmd_run},
    {"check", "look for faults in data sets before they become figures", "",
     "Counts per split and class against the card, rows, labels, missing and unreadable images, the same picture twice, patients\n"
     "and images in two splits or two data sets, one-valued classes. Each finding says what, how many, and what it does to the\n"
     "figures. --fast reads no image: that is what every run does before it begins. Exit code 1 on errors; warnings fail with\n"
     "--strict.",
     OPTIONS("suite", "dataset", "split", CARDS, "cache", "fast", "threads", "strict", "json"), 0, radz_cmd_check},
    {"list", "list suites, datasets, models, scorers, prompts, recipes, protocols, metrics, references or runs", "[WHAT]", NULL,
     OPTIONS(CARDS, "cache", "results"), 1, radz_cmd_list},
    {"datasets", "how to get a data set: licence, where to ask, expected files, size, citation", "[NAME]",
     "Without NAME: all data sets, and whether they are here. --format md prints the page that stands in datasets/NAME/README.md.",
     OPTIONS(CARDS, "cache", "format", "json"), 1, radz_cmd_datasets},
    {"embed", "only fill the cache: embed images and texts, score nothing", "", NULL,
     OPTIONS("suite", SELECTION, "split", "val-split", "require", CARDS, "cache", MACHINE, "on-error", "seed"), 0, radz_cmd_embed},
    {"probe", "few-shot rows: a linear probe on image features with 1, 10, 100 % of the labels", "",
     "Fits an L2 logistic regression (to convergence, as scikit-learn's) for each class to the cached image features of the\n"
     "training split, with a share of its patients, and measures it on the evaluated split. Shares below 100 % are drawn several\n"
     "times, by patient; the detail table `few_shot` has mean and spread over the draws.",
     OPTIONS("suite", "dataset", "model", "class", "limit", "percent", "draws", "c", "train-split", "split", "require", "results",
             CARDS, "cache", MACHINE, "on-error", "seed", "no-plots"),
     0, radz_cmd_probe},
    {"eval", "evaluate score files of any program against labels", "",
     "A score file holds an id and one column of scores per class; classes are matched to those of the labels by name, in any\n"
     "order. Labels are a CSV (1, 0, blank or -1; optionally with a patient column), or a data set that is here.\n"
     "  radz-bench eval --scores mine.csv --labels labels.csv\n"
     "  radz-bench eval --scores mine.csv --scores other.csv --labels chestxray14 --protocol all\n"
     "  radz-bench eval --scores mine.csv --labels labels.csv --groups sex --groups scanners.csv",
     OPTIONS("scores", "labels", "protocol", "format", "class", "split", "partial", "id-column", "column-prefix",
             "patient-column", "study-column", "val-scores", "val-labels", "val-split", "replicates", "confidence", "seed", "threads", "results",
             "no-plots", "groups", "details", CARDS, "cache"),
     0, radz_cmd_eval},
    {"report", "print the tables of a finished run again", "[RUN]",
     "RUN is a folder or the name of a run below --results; the newest one when left out.",
     OPTIONS("results", "format"), 1, radz_cmd_report},
    {"plot", "draw the plots of a finished run, of several together, or of trainings", "[RUN...|TRAINING...]",
     "Needs gnuplot; the scripts stay beside the pictures and can be run by hand (`gnuplot NAME.gp`). Several runs are drawn\n"
     "into --out DIR; the newest run is taken when none is named. A training is a folder with log.csv (CACHE/training/NAME), or\n"
     "such a file: loss and its parts, learning rate, gradient and validation over its steps; several are compared.",
     OPTIONS("results", "out", "no-plots"), 64, radz_cmd_plot},
    {"figures", "make the tables and figures of a paper from finished runs", "[RUN...]",
     "Writes LaTeX tables (ours beside published figures, each with its source), ROC and precision-recall panels, bars and radars\n"
     "of the classes, ablation curves, a map of the features (t-SNE; from the cache), time against AUC, as PDF, SVG and PNG, to the\n"
     "run's folder figures/ or to --out DIR. What has no data says so. Published figures: manifests/references/.",
     OPTIONS("results", "out", CARDS, "cache", "threads", "no-plots"), 64, radz_cmd_figures},
    {"compare", "what moved between two runs, and whether it got worse", "BASE [NEW]",
     "BASE and NEW are runs as for `report`; NEW is the newest one when left out. Figures are matched row by row, judged by the\n"
     "tolerances of a gate card, and where both runs kept their scores a paired test over patients tells a change from noise.\n"
     "--out DIR writes compare.md and compare.xml (JUnit) there. --format table, md, junit or json. Exit code 3 on a regression.",
     OPTIONS("results", "gate", "format", "out", CARDS, "threads"), 2, radz_cmd_compare},
    {"history", "keep runs in one file, list them, plot a figure over time", "add [RUN]|list|plot|prune",
     "add puts the figures of a run (the newest one) into RESULTS/history.sqlite. list shows the runs, with --metric or --class\n"
     "their figures. plot draws a figure over time (auc of macro, unless said otherwise) below RESULTS/history. prune forgets\n"
     "runs older than --days, and all but the newest --keep; the folders of the runs stay.",
     OPTIONS("results", "suite", "dataset", "model", "scorer", "class", "metric", "note", "date", "days", "keep", "out", "json",
             "no-plots"), 2, radz_cmd_history},
    {"anchors", "descriptions of findings: show a card, embed it with a model, let a model draft one", "[show|embed|generate] [CARD]",
     "show prints a card (chest when none is named). embed computes the vectors of its anchors with --model into the cache.\n"
     "generate asks --model with the card's prompt, greedily, and writes a draft that a person must review (--out FILE).",
     OPTIONS("suite", "model", "class", "out", CARDS, "cache", MACHINE), 2, radz_cmd_anchors},
    {"cache", "look after the embedding cache", "ls|verify|gc", NULL, OPTIONS("cache", "days"), 1, radz_cmd_cache},
    {"phantom", "write the synthetic data set `phantom`", "",
     "Synthetic chest radiographs with reports in ChestX-ray14's file formats. They are drawn by a small physical model,\n"
     "show no patient and prove nothing clinical. The same seed gives the same bytes.",
     OPTIONS("out", "patients", "seed", "split", "sheet", "threads"), 0, radz_cmd_phantom},
    {"train", "train a model by a recipe", "",
     "Continues from the last checkpoint unless --fresh is given. --set changes the recipe for this training, as if its card said\n"
     "so: --set training.steps=100 --set 'model.vision={width: 64, mlp: 256, layers: 2, heads: 2}'; KEY= takes a key out. A changed\n"
     "recipe makes another model, which wants a folder of its own: --out DIR.",
     OPTIONS("recipe", "set", "out", "fresh", CARDS, "cache", "threads", "device"), 0, radz_cmd_train},
    {"version", "print versions of the program and of what it stands on", "", NULL, OPTIONS("json"), 0, radz_cmd_version},
    {"help", "print help on a command", "[COMMAND]", NULL, NULL, 1, radz_cmd_help},
    {NULL, NULL, NULL, NULL, NULL, 0, NULL},
};

static const radz_command *find_command(const char *name)
{
    for (const radz_command *c = radz_commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static const char *nth_command(const void *context, size_t i)
{
    (void)context;
    return radz_commands[i].name;
}

radz_status radz_cmd_help(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    const char *topic = options->positional.count > 0 ? options->positional.items[0] : NULL;
    const radz_command *command = topic != NULL ? find_command(topic) : NULL;
    if (topic != NULL && command == NULL)
        return radz_fail_unknown(err, "command", topic, nth_command, NULL);
    radz_print_help(command);
    return RADZ_OK;
}

/* Whoever read our output has left, as `| head` does: there is nobody to tell. */
static bool reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

static int finish(radz_status status, int exit_code, const radz_error *err)
{
    /* results that could not be written are a failure, whatever the command thought */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (!reader_is_gone())
            fprintf(stderr, "radz-bench: cannot write to standard output\n");
        return exit_code == RADZ_EXIT_OK ? RADZ_EXIT_FAILED : exit_code;
    }
    if (status == RADZ_OK)
        return exit_code;
    fprintf(stderr, "radz-bench: %s\n", err->message[0] != '\0' ? err->message : radz_status_name(status));
    if (status == RADZ_E_INTERNAL)
        fprintf(stderr, "This is a bug of radz-bench (%s, line %d).\n", err->function, err->line);
    return status == RADZ_E_USAGE ? RADZ_EXIT_USAGE : RADZ_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    radz_error err = {0};
    radz_door_prepare();
    if (argc < 2) {
        radz_print_help(NULL);
        return RADZ_EXIT_USAGE;
    }
    const char *name = argv[1];
    int rest = 2;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0)
        name = "version";
    else if (name[0] == '-') { /* `radz-bench --suite chest` is short for `radz-bench run --suite chest` */
        name = "run";
        rest = 1;
    }
    const radz_command *command = find_command(name);
    if (command == NULL)
        return finish(radz_fail_unknown(&err, "command", name, nth_command, NULL), RADZ_EXIT_USAGE, &err);

    radz_options options = {0};
    int exit_code = RADZ_EXIT_OK;
    radz_status status = radz_options_parse(command, argc - rest, argv + rest, &options, &err);
    if (status == RADZ_OK && options.help) {
        radz_print_help(command);
    } else if (status == RADZ_OK) {
        radz_terminal_open(options.quiet);
        status = command->run(&options, &exit_code, &err);
    }
    int code = finish(status, exit_code, &err);
    radz_options_free(&options);
    return code;
}

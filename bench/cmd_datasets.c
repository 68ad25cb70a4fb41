/* radz-bench datasets: what is known of each data set, and how to get it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "data/facts.h"
#include "run/home.h"
#include "run/plan.h"

static radz_status find_format(const radz_options *options, radz_facts_format *out, radz_error *err)
{
    static const char *const names[] = {"table", "md", "json"};
    const char *wanted = options->json ? "json" : options->format != NULL ? options->format : "table";
    for (int i = 0; i < 3; i++) {
        if (strcmp(wanted, names[i]) == 0) {
            *out = (radz_facts_format)i;
            return RADZ_OK;
        }
    }
    return radz_fail_unknown_in(err, "format", wanted, names, 3);
}

/* Archives that nobody has unpacked yet, where images are missing. A label file that cannot be read is `check`'s business. */
static radz_status add_unopened(const radz_plan_dataset *d, radz_strbuf *text, radz_error *err)
{
    const radz_dataset_filter everything = {.keep_missing = true, .tolerate = true};
    radz_unopened unopened;
    radz_dataset *data = NULL;
    radz_error why = {0};
    radz_status st = radz_unopened_find(d->card, d->location.root, &unopened, err);
    if (st == RADZ_OK && unopened.archives.count > 0 &&
        radz_dataset_load(d->card, d->location.root, NULL, &everything, &data, &why) == RADZ_OK && data->n_missing > 0)
        st = radz_strbuf_printf(text, err, "; %zu of %zu images of split '%s' have no file, and %s", data->n_missing,
                                data->split_images, data->split, unopened.text.text);
    radz_dataset_free(data);
    radz_unopened_free(&unopened);
    return st;
}

static radz_status where_text(const radz_plan_dataset *d, char **out, radz_error *err)
{
    radz_strbuf text = {0};
    const radz_dataset_location *at = &d->location;
    radz_status st = at->presence == RADZ_DATASET_HERE ? radz_strbuf_puts(&text, at->root, err)
                     : at->presence == RADZ_DATASET_GENERATED
                         ? radz_strbuf_puts(&text, "made by the program when it is first needed", err)
                         : radz_strbuf_printf(&text, err, "no: %s", at->hint);
    if (st == RADZ_OK && at->presence == RADZ_DATASET_HERE)
        st = add_unopened(d, &text, err);
    *out = text.text;
    return st;
}

static radz_status show_one(const radz_home *home, const char *name, radz_facts_format format, radz_error *err)
{
    radz_plan_dataset d;
    char *where = NULL;
    radz_status st = radz_plan_find_dataset(home, name, &d, err);
    if (st != RADZ_OK)
        return st;
    st = where_text(&d, &where, err);
    if (st == RADZ_OK)
        st = radz_dataset_facts_write(d.card, format, where, stdout, err);
    free(where);
    radz_plan_dataset_free(&d);
    return st;
}

static radz_status list_one(const radz_home *home, const char *name, radz_error *err)
{
    static const char *const words[] = {
        [RADZ_DATASET_HERE] = "here", [RADZ_DATASET_GENERATED] = "made on use", [RADZ_DATASET_NOT_HERE] = "not here"};
    radz_plan_dataset d;
    radz_status st = radz_plan_find_dataset(home, name, &d, err);
    if (st != RADZ_OK)
        return st;
    printf("%-12s  %-11s  %s\n%27s%s\n", d.card->base.name, words[d.location.presence], d.card->base.title, "",
           d.card->licence);
    radz_plan_dataset_free(&d);
    return RADZ_OK;
}

radz_status radz_cmd_datasets(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    radz_home home;
    radz_strlist names = {0};
    radz_facts_format format = RADZ_FACTS_TEXT;
    const char *wanted = options->positional.count > 0 ? options->positional.items[0] : NULL;
    radz_status st = find_format(options, &format, err);
    if (st == RADZ_OK && wanted == NULL && format == RADZ_FACTS_MARKDOWN)
        st = radz_fail(err, RADZ_E_USAGE, "--format md is for one data set: name it");
    if (st != RADZ_OK)
        return st;
    st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    if (wanted != NULL) {
        st = show_one(&home, wanted, format, err);
    } else {
        st = radz_card_list(&home.places, RADZ_CARD_DATASET, &names, err);
        if (format == RADZ_FACTS_JSON)
            puts("[");
        for (size_t i = 0; st == RADZ_OK && i < names.count; i++) {
            if (format == RADZ_FACTS_JSON && i > 0)
                puts(",");
            st = format == RADZ_FACTS_JSON ? show_one(&home, names.items[i], format, err) : list_one(&home, names.items[i], err);
        }
        puts(format == RADZ_FACTS_JSON ? "]" : "\nMore on one of them: radz-bench datasets NAME");
    }
    radz_strlist_free(&names);
    radz_home_close(&home);
    return st;
}

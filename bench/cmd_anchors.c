/* radz-bench anchors: descriptions of findings, as cards, as vectors of a model, and as a model drafts them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench/command.h"
#include "run/anchor_work.h"

typedef struct anchors_context {
    const radz_home *home;
    const radz_options *options;
    const char *card; /* NULL: not named */
} anchors_context;

/* Text in lines of at most 92 columns, indented. */
static void paragraph(const char *label, const char *text)
{
    size_t column = 0;
    if (text == NULL)
        return;
    printf("  %-13s", label);
    for (const char *p = text; *p != '\0';) {
        size_t length = strcspn(p, " \n");
        if (column > 0 && column + 1 + length > 80) {
            printf("\n%15s", "");
            column = 0;
        } else if (column > 0) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, p);
        column += length;
        p += length;
        p += strspn(p, " \n");
    }
    putchar('\n');
}

static radz_status show(const anchors_context *c, radz_error *err)
{
    radz_anchors_card *card = NULL;
    radz_status st = radz_anchors_find_card(&c->home->places, c->card != NULL ? c->card : "chest", &card, err);
    if (st == RADZ_OK) {
        printf("%s: %s (%zu anchors)\n", card->base.name, card->base.title, card->anchors_count);
        paragraph("source", card->source);
        paragraph("notes", card->notes);
        paragraph("prompt", card->generation);
        printf("  %-13s%s\n", "SHA-256", card->base.sha256);
        for (size_t i = 0; i < card->anchors_count; i++) {
            const radz_anchor *a = &card->anchors[i];
            printf("\n%s\n", a->class_name);
            paragraph("disease", a->disease);
            paragraph("imaging", a->imaging);
            paragraph("presentation", a->presentation);
            paragraph("source", a->source);
        }
    }
    radz_anchors_card_free(card);
    return st;
}

static radz_status work_options(const anchors_context *c, radz_anchor_work_options *out, radz_error *err)
{
    const radz_options *o = c->options;
    *out = (radz_anchor_work_options){
        .suite = o->suite != NULL ? o->suite : "chest",
        .model = o->models.count == 1 ? o->models.items[0] : NULL,
        .anchors = c->card,
        .classes = &o->classes,
        .device = o->device,
        .dtype = o->dtype,
        .threads = o->threads > 0 ? (int)o->threads : radz_cpu_count(),
    };
    return out->model != NULL ? RADZ_OK : radz_fail(err, RADZ_E_USAGE, "--model is missing, or names more than one; wanted one");
}

static radz_status embed(const anchors_context *c, radz_error *err)
{
    radz_anchor_work_options options;
    radz_anchor_vectors v = {0};
    radz_status st = work_options(c, &options, err);
    if (st == RADZ_OK)
        st = radz_anchor_embed(c->home, &options, &v, err);
    if (st == RADZ_OK) {
        printf("%s with %s: %zu anchors of %zu dimensions (%s), kept in the cache\n\n  %-28s nearest other anchor\n",
               v.card->base.name, options.model, v.n, v.dim, v.form, "anchor");
        for (size_t i = 0; i < v.n; i++) {
            size_t best = i;
            double most = -2;
            for (size_t k = 0; k < v.n; k++) {
                double x = k != i ? radz_anchor_cosine(&v, i, k) : -2;
                if (x > most) {
                    most = x;
                    best = k;
                }
            }
            if (v.n > 1)
                printf("  %-28s %s (cosine %.4f)\n", v.names[i], v.names[best], most);
            else
                printf("  %s\n", v.names[i]);
        }
    }
    radz_anchor_vectors_free(&v);
    return st;
}

static radz_status generate(const anchors_context *c, radz_error *err)
{
    radz_anchor_work_options options;
    radz_strbuf text = {0};
    radz_status st = work_options(c, &options, err);
    if (st == RADZ_OK)
        st = radz_anchor_generate(c->home, &options, &text, err);
    if (st == RADZ_OK && c->options->out != NULL)
        st = radz_file_write(c->options->out, text.text, text.length, err);
    if (st == RADZ_OK && c->options->out != NULL)
        printf("a draft to be reviewed: %s\n", c->options->out);
    else if (st == RADZ_OK)
        fputs(text.text, stdout);
    radz_strbuf_free(&text);
    return st;
}

static const struct {
    const char *name;
    radz_status (*run)(const anchors_context *context, radz_error *err);
} actions[] = {{"show", show}, {"embed", embed}, {"generate", generate}};
enum { ACTIONS = sizeof actions / sizeof *actions };

static const char *nth_action(const void *context, size_t i)
{
    (void)context;
    return i < ACTIONS ? actions[i].name : NULL;
}

radz_status radz_cmd_anchors(const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    const char *wanted = options->positional.count > 0 ? options->positional.items[0] : "show";
    size_t i = 0;
    while (i < ACTIONS && strcmp(actions[i].name, wanted) != 0)
        i++;
    if (i == ACTIONS)
        return radz_fail_unknown(err, "thing to do with anchors", wanted, nth_action, NULL);
    radz_home home;
    radz_status st = radz_home_open(options->cache, &options->manifests, &home, err);
    if (st != RADZ_OK)
        return st;
    anchors_context context = {&home, options, options->positional.count > 1 ? options->positional.items[1] : NULL};
    st = actions[i].run(&context, err);
    radz_home_close(&home);
    return st;
}

/* The data set on disk, in ChestX-ray14's own formats. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/workers.h"
#include "data/phantom_internal.h"

/* Raised whenever the pixels or the texts of the same options change, so that an old folder is not taken for a new one.
 */
enum { PH_VERSION = 1 };

static const char *const split_names[RADZ_PHANTOM_SPLITS] = {"train", "val", "test"};

static const char readme[] =
    "SYNTHETIC DATA. These chest radiographs were computed by the phantom generator of radz-bench from analytic "
    "shapes;\n"
    "no patient, no hospital and no real image had any part in them. Patients, findings and reports are invented.\n"
    "Results on these images prove nothing clinical: they show that a program works, not that a model can read\n"
    "radiographs. Licence: Apache-2.0.\n"
    "\n"
    "Data_Entry_2017.csv  one row per image, columns as ChestX-ray14 (NIH) has them\n"
    "train_list.txt, val_list.txt, test_list.txt  image names; split by patient\n"
    "reports.csv          Image Index, Report\n"
    "images/              512 x 512; 8- and 16-bit gray PNG, RGBA PNG, gray and RGB JPEG\n"
    "phantom.txt          the options that made this folder; complete.txt: the splits whose images are all here\n";

static radz_status put(const char *dir, const char *name, const radz_strbuf *text, radz_error *err)
{
    char *path = radz_path_join(dir, name, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_file_write(path, text->text == NULL ? "" : text->text, text->length, err);
    free(path);
    return st;
}

static radz_status write_entry(const radz_phantom_plan *plan, const char *dir, radz_error *err)
{
    radz_strbuf text = {0};
    radz_status st = radz_strbuf_puts(&text,
                                      "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
                                      "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n",
                                      err);
    for (size_t i = 0; st == RADZ_OK && i < plan->count; i++) {
        const radz_phantom_image *image = &plan->images[i].info;
        /* the spacing has three decimals; written by hand, as printf follows the locale */
        int micrometres = (int)(image->spacing * 1000 + 0.5);
        st = radz_strbuf_printf(&text, err, "%s,%s,%d,%u,%d,%c,%s,%d,%d,%d.%03d,%d.%03d\n", image->file,
                                image->label_text, image->follow_up, (unsigned)image->patient, image->age,
                                image->gender, image->ap ? "AP" : "PA", PH_N, PH_N, micrometres / 1000,
                                micrometres % 1000, micrometres / 1000, micrometres % 1000);
    }
    if (st == RADZ_OK)
        st = put(dir, "Data_Entry_2017.csv", &text, err);
    radz_strbuf_free(&text);
    return st;
}

static radz_status write_list(const radz_phantom_plan *plan, const char *dir, radz_phantom_split split, radz_error *err)
{
    radz_strbuf text = {0}, name = {0};
    radz_status st = radz_strbuf_printf(&name, err, "%s_list.txt", split_names[split]);
    for (size_t i = 0; st == RADZ_OK && i < plan->count; i++)
        if (plan->images[i].info.split == split)
            st = radz_strbuf_printf(&text, err, "%s\n", plan->images[i].info.file);
    if (st == RADZ_OK)
        st = put(dir, name.text, &text, err);
    radz_strbuf_free(&text);
    radz_strbuf_free(&name);
    return st;
}

static radz_status write_reports(const radz_phantom_plan *plan, const char *dir, radz_error *err)
{
    radz_strbuf text = {0};
    radz_status st = radz_strbuf_puts(&text, "Image Index,Report\n", err);
    for (size_t i = 0; st == RADZ_OK && i < plan->count; i++) /* the grammar has no quotation marks to double */
        st = radz_strbuf_printf(&text, err, "%s,\"%s\"\n", plan->images[i].info.file, plan->images[i].info.report);
    if (st == RADZ_OK)
        st = put(dir, "reports.csv", &text, err);
    radz_strbuf_free(&text);
    return st;
}

/* Reads a small text file of ours; `*text` is "" when there is none. */
static radz_status slurp(const char *dir, const char *name, char **text, radz_error *err)
{
    *text = NULL;
    char *path = radz_path_join(dir, name, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    size_t size = 0;
    if (radz_file_exists(path))
        st = radz_file_read(path, 4096, text, &size, err);
    else if ((*text = radz_strdup("", err)) == NULL)
        st = RADZ_E_NOMEM;
    free(path);
    return st;
}

typedef struct work {
    const radz_phantom_plan *plan;
    const radz_phantom_sink *sink;
    const char *images;
    const size_t *wanted;
    uint16_t **pixels; /* one buffer per thread */
    radz_progress progress;
} work;

static radz_status write_image(void *context, size_t i, int worker, radz_error *err)
{
    work *w = context;
    size_t at = w->wanted[i];
    const radz_phantom_image *image = radz_phantom_at(w->plan, at);
    char *path = radz_path_join(w->images, image->file, err);
    if (path == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    if (!radz_file_exists(path)) {
        st = radz_phantom_render(w->plan, at, w->pixels[worker], err);
        if (st == RADZ_OK)
            st = w->sink->write(w->sink->context, path, image->storage, w->pixels[worker], PH_N, PH_N, err);
    }
    free(path);
    if (st == RADZ_OK)
        radz_progress_step(&w->progress, 1);
    return st;
}

radz_status radz_phantom_write(const radz_phantom_plan *plan, const char *dir, unsigned splits, int threads,
                               const radz_phantom_sink *sink, radz_error *err)
{
    radz_status st = RADZ_OK;
    char *known = NULL, *complete = NULL, *images = NULL;
    size_t *wanted = NULL, count = 0;
    radz_strbuf identity = {0}, marker = {0};
    radz_strbuf text = {0};
    if (threads < 1)
        threads = 1;
    work w = {.plan = plan, .sink = sink};
    if (splits == 0 || splits > RADZ_PHANTOM_ALL_SPLITS)
        return radz_fail(err, RADZ_E_USAGE, "phantom: split mask %u; wanted 1 to 7", splits);
    st = radz_mkdirs(dir, err);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&identity, err, "phantom version %d\npatients %u\nseed %" PRIu64 "\n", PH_VERSION,
                                (unsigned)plan->options.patients, plan->options.seed);
    if (st == RADZ_OK)
        st = slurp(dir, "phantom.txt", &known, err);
    if (st == RADZ_OK)
        st = slurp(dir, "complete.txt", &complete, err);
    if (st != RADZ_OK)
        goto done;
    if (known[0] != '\0' && strcmp(known, identity.text) != 0) {
        for (char *c = known; *c != '\0'; c++)
            if (*c == '\n')
                *c = c[1] == '\0' ? '\0' : ',';
        st = radz_fail(err, RADZ_E_VALUE,
                       "'%s' holds another phantom data set (%s; wanted phantom version %d,patients %u,seed %" PRIu64
                       "): choose another folder or remove this one",
                       dir, known, PH_VERSION, (unsigned)plan->options.patients, plan->options.seed);
        goto done;
    }
    unsigned there = 0;
    for (int s = 0; s < RADZ_PHANTOM_SPLITS; s++)
        if (strstr(complete, split_names[s]) != NULL)
            there |= 1u << s;
    if ((splits & ~there) == 0)
        goto done;

    if (known[0] == '\0')
        st = put(dir, "phantom.txt", &identity, err);
    if (st == RADZ_OK)
        st = write_entry(plan, dir, err);
    for (int s = 0; st == RADZ_OK && s < RADZ_PHANTOM_SPLITS; s++)
        st = write_list(plan, dir, (radz_phantom_split)s, err);
    if (st == RADZ_OK)
        st = write_reports(plan, dir, err);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(&text, readme, err);
    if (st == RADZ_OK)
        st = put(dir, "README.txt", &text, err);
    if (st != RADZ_OK)
        goto done;

    images = radz_path_join(dir, "images", err);
    wanted = radz_calloc(plan->count, sizeof *wanted, err);
    w.pixels = radz_calloc((size_t)threads, sizeof *w.pixels, err);
    if (images == NULL || wanted == NULL || w.pixels == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    for (int i = 0; i < threads; i++) {
        w.pixels[i] = radz_calloc((size_t)PH_N * PH_N, sizeof **w.pixels, err);
        if (w.pixels[i] == NULL) {
            st = RADZ_E_NOMEM;
            goto done;
        }
    }
    st = radz_mkdirs(images, err);
    if (st != RADZ_OK)
        goto done;
    for (size_t i = 0; i < plan->count; i++)
        if (splits >> plan->images[i].info.split & 1 && !(there >> plan->images[i].info.split & 1))
            wanted[count++] = i;
    w.images = images;
    w.wanted = wanted;
    radz_progress_begin(&w.progress, "write phantom images", "images", count);
    st = radz_parallel_for(count, threads, write_image, &w, err);
    radz_progress_end(&w.progress);
    for (int s = 0; st == RADZ_OK && s < RADZ_PHANTOM_SPLITS; s++)
        if ((splits | there) >> s & 1)
            st = radz_strbuf_printf(&marker, err, "%s\n", split_names[s]);
    if (st == RADZ_OK)
        st = put(dir, "complete.txt", &marker, err);
done:
    for (int i = 0; w.pixels != NULL && i < threads; i++)
        free(w.pixels[i]);
    free(w.pixels);
    free(wanted);
    free(images);
    free(known);
    free(complete);
    radz_strbuf_free(&identity);
    radz_strbuf_free(&marker);
    radz_strbuf_free(&text);
    return st;
}

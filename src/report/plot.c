#include "report/plot.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "report/plot_parts.h"

static const char *const formats[] = {"svg", "pdf", "png"};
enum { FORMATS = sizeof formats / sizeof formats[0] };

/* ---- what the kinds share ---- */

const char *radz_plot_colour(size_t pair)
{
    /* Okabe and Ito 2008, told apart by colour-blind readers; their yellow is too light for lines on white */
    static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};
    return colours[pair % (sizeof colours / sizeof colours[0])];
}

void radz_plot_style(FILE *out, size_t pair)
{
    /* told apart without colour, too */
    static const char *const dashes[] = {"1", "(7,2)", "(3,1.5)", "(8,1.5,2,1.5)", "(12,2)", "(2,1)", "(12,2,2,2,2,2)"};
    fprintf(out, "lc rgb '%s' dt %s", radz_plot_colour(pair), dashes[pair % (sizeof dashes / sizeof dashes[0])]);
}

void radz_plot_cut(const char *text, size_t most, char *out, size_t room)
{
    size_t width = 0, used = 0, limit = radz_text_width(text) <= most ? SIZE_MAX : most > 3 ? most - 3 : 0;
    for (const char *p = text; *p != '\0' && width < limit && used + 8 < room; width++) {
        do
            out[used++] = *p++;
        while (((unsigned char)*p & 0xc0) == 0x80 && used + 8 < room);
    }
    snprintf(out + used, room - used, "%s", limit == SIZE_MAX && text[used] == '\0' ? "" : "...");
}

void radz_plot_label(FILE *out, const char *text, size_t most)
{
    char cut[512];
    radz_plot_cut(text, most, cut, sizeof cut);
    radz_put_gnuplot(out, cut);
}

void radz_plot_tic(FILE *out, const char *text, size_t most, double at)
{
    char *label = NULL;
    size_t size = 0;
    FILE *quoted = open_memstream(&label, &size);
    if (quoted != NULL) {
        radz_plot_label(quoted, text, most);
        fclose(quoted);
    }
    for (const char *p = label == NULL ? "\"\"" : label; *p != '\0'; p++) {
        putc(*p, out);
        if (*p == '%') /* a tic's label is a number format */
            putc('%', out);
    }
    fprintf(out, " %.4f", at);
    free(label);
}

void radz_plot_subject(const radz_result_block *block, char text[300])
{
    char count[32];
    radz_count_text(block->n, count);
    snprintf(text, 300, "%.120s, %.60s: %s%s images%s", block->dataset, block->split, count,
             block->synthetic ? " synthetic" : "", block->subset ? " (a subset)" : "");
}

double radz_plot_text_inches(size_t characters)
{
    return (double)characters * 0.6 * RADZ_PLOT_POINTS / 72;
}

radz_status radz_plot_begin(const char *kind, const char *dataset, const char *split, size_t part, double width,
                            double height, radz_plot *out, radz_error *err)
{
    *out = (radz_plot){.width = width, .height = height};
    const char *const parts[] = {dataset, split};
    radz_status st = radz_strbuf_puts(&out->name, kind, err);
    for (size_t i = 0; i < 2 && st == RADZ_OK; i++) {
        if (parts[i] == NULL)
            continue;
        st = radz_strbuf_puts(&out->name, "-", err);
        if (st == RADZ_OK)
            st = radz_put_file_part(&out->name, parts[i], err);
    }
    if (st == RADZ_OK && part > 0)
        st = radz_strbuf_printf(&out->name, err, "-%zu", part + 1);
    if (st == RADZ_OK) {
        out->stream = open_memstream(&out->text, &out->size);
        if (out->stream == NULL)
            st = radz_fail(err, RADZ_E_NOMEM, "out of memory for the plot '%s'", out->name.text);
    }
    if (st != RADZ_OK) {
        radz_strbuf_free(&out->name);
        return st;
    }
    fprintf(out->stream, "# gnuplot %s.gp draws %s.svg, %s.pdf and %s.png in the current folder\n"
            "reset session\nset encoding utf8\n", out->name.text, out->name.text, out->name.text, out->name.text);
    return RADZ_OK;
}

void radz_plot_draw_begin(radz_plot *plot)
{
    FILE *out = plot->stream;
    const double w = plot->width, h = plot->height;
    /* the font scales make the same size in print of three different notions of a point */
    fprintf(out, "do for [format in \"svg pdf png\"] {\n");
    fprintf(out, "if (format eq \"svg\") { set terminal svg noenhanced size %.0f,%.0f font \"sans-serif,%.1f\" linewidth 1 "
            "background rgb \"white\" }\n", 96 * w, 96 * h, RADZ_PLOT_POINTS * 96 / 72.0);
    fprintf(out, "if (format eq \"pdf\") { set terminal pdfcairo noenhanced size %.3fin,%.3fin font \"sans-serif,%d\" "
            "fontscale 0.77 linewidth 1.4 background rgb \"white\" }\n", w, h, RADZ_PLOT_POINTS);
    fprintf(out, "if (format eq \"png\") { set terminal pngcairo noenhanced size %.0f,%.0f font \"sans-serif,%d\" fontscale "
            "%.3f linewidth 2.5 pointscale 2.5 background rgb \"white\" }\n", 216 * w, 216 * h, RADZ_PLOT_POINTS, 2.25);
    fprintf(out, "set output \"%s.\".format\n", plot->name.text);
    fputs("unset label\nunset arrow\nset border 3 lw 0.6 lc rgb '#404040'\nset tics nomirror scale 0.5 tc rgb '#202020'\n", out);
}

radz_status radz_plot_end(radz_plot *plot, radz_plot_set *set, radz_status st, radz_error *err)
{
    fputs("unset output\n}\n", plot->stream);
    bool good = fflush(plot->stream) == 0 && !ferror(plot->stream);
    good = fclose(plot->stream) == 0 && good;
    if (st == RADZ_OK && !good)
        st = radz_fail(err, RADZ_E_NOMEM, "out of memory for the plot '%s'", plot->name.text);
    if (st == RADZ_OK)
        st = radz_strlist_add(&set->names, plot->name.text, err);
    if (st == RADZ_OK)
        st = radz_strlist_add(&set->scripts, plot->text, err);
    free(plot->text);
    radz_strbuf_free(&plot->name);
    return st;
}

/* ---- writing and drawing ---- */

static char *file_of(const char *dir, const char *name, const char *suffix, radz_error *err)
{
    radz_strbuf path = {0};
    if (radz_strbuf_printf(&path, err, "%s/%s.%s", dir, name, suffix) != RADZ_OK)
        radz_strbuf_free(&path);
    return path.text;
}

/* Are the script and its pictures there already? */
static radz_status is_drawn(const char *dir, const char *name, const char *script, bool *same_script, bool *drawn,
                            radz_error *err)
{
    char *path = file_of(dir, name, "gp", err), *text = NULL;
    size_t size;
    if (path == NULL)
        return RADZ_E_NOMEM;
    *same_script = radz_file_read(path, (size_t)1 << 28, &text, &size, NULL) == RADZ_OK && strcmp(text, script) == 0;
    *drawn = *same_script;
    free(text);
    free(path);
    for (int i = 0; i < FORMATS; i++) {
        radz_file_stat stat = {0};
        path = file_of(dir, name, formats[i], err);
        if (path == NULL)
            return RADZ_E_NOMEM;
        *drawn = *drawn && radz_file_stat_get(path, &stat, NULL) == RADZ_OK && stat.size > 0;
        free(path);
    }
    return RADZ_OK;
}

static radz_status write_script(const char *dir, const char *name, const char *script, radz_error *err)
{
    char *path = file_of(dir, name, "gp", err);
    radz_status st = path == NULL ? RADZ_E_NOMEM : radz_file_write(path, script, strlen(script), err);
    free(path);
    return st;
}

/* Removes a folder of ours with the files in it. */
static void remove_folder(const char *dir)
{
    radz_strlist names = {0};
    if (radz_dir_list(dir, "", &names, NULL) == RADZ_OK)
        for (size_t i = 0; i < names.count; i++) {
            char *path = radz_path_join(dir, names.items[i], NULL);
            if (path != NULL)
                unlink(path);
            free(path);
        }
    rmdir(dir);
    radz_strlist_free(&names);
}

/* Moves the pictures of one plot from the drawing folder to their place; the script follows last, so that a script in its
 * place says that its pictures are there. */
static radz_status take_over(const char *from, const char *to, const char *name, const char *script, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (int i = 0; i < FORMATS && st == RADZ_OK; i++) {
        char *source = file_of(from, name, formats[i], err), *target = file_of(to, name, formats[i], err);
        radz_file_stat stat = {0};
        if (source == NULL || target == NULL)
            st = RADZ_E_NOMEM;
        else if (radz_file_stat_get(source, &stat, NULL) != RADZ_OK || stat.size == 0)
            st = radz_fail(err, RADZ_E_BACKEND, "gnuplot made no '%s.%s'", name, formats[i]);
        else if (strcmp(formats[i], "pdf") == 0)
            st = radz_gnuplot_fix_pdf(source, err);
        if (st == RADZ_OK && rename(source, target) != 0)
            st = radz_fail(err, RADZ_E_IO, "cannot write '%s': %s", target, strerror(errno));
        free(source);
        free(target);
    }
    return st == RADZ_OK ? write_script(to, name, script, err) : st;
}

/* Pictures that no longer belong to their script are worse than none. */
static void remove_pictures(const char *dir, const char *name)
{
    for (int i = 0; i < FORMATS; i++) {
        char *path = file_of(dir, name, formats[i], NULL);
        if (path != NULL)
            unlink(path);
        free(path);
    }
}

/* Draws the scripts number `todo` in a folder of their own. */
static radz_status draw_all(const radz_plot_set *set, const char *dir, const size_t *todo, size_t count, radz_error *err)
{
    radz_strbuf work = {0};
    radz_strlist names = {0};
    bool missing = false;
    radz_status st = radz_strbuf_printf(&work, err, "%s/.drawing-%ld", dir, (long)getpid());
    if (st == RADZ_OK)
        st = radz_mkdirs(work.text, err);
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        st = radz_strlist_add(&names, set->names.items[todo[i]], err);
        if (st == RADZ_OK)
            st = write_script(work.text, set->names.items[todo[i]], set->scripts.items[todo[i]], err);
    }
    radz_status drawn = st == RADZ_OK ? radz_gnuplot_run(work.text, &names, &missing, err) : st;
    st = drawn;
    for (size_t i = 0; i < count && st == RADZ_OK && !missing; i++)
        st = take_over(work.text, dir, set->names.items[todo[i]], set->scripts.items[todo[i]], err);
    if (missing || drawn == RADZ_E_BACKEND)
        for (size_t i = 0; i < count; i++) {
            remove_pictures(dir, set->names.items[todo[i]]);
            radz_status kept = write_script(dir, set->names.items[todo[i]], set->scripts.items[todo[i]], err);
            st = st == RADZ_OK ? kept : st;
        }
    if (missing)
        radz_warn("gnuplot is not here: no pictures. Install it (Debian: apt-get install gnuplot-nox) and run "
                  "(cd '%s' && for f in *.gp; do gnuplot $f; done)", dir);
    if (work.text != NULL)
        remove_folder(work.text);
    radz_strbuf_free(&work);
    radz_strlist_free(&names);
    return st;
}

radz_status radz_plot_set_write(const radz_plot_set *set, const char *dir, bool draw, radz_error *err)
{
    size_t count = 0, *todo = radz_calloc(set->names.count, sizeof *todo, err);
    if (todo == NULL)
        return RADZ_E_NOMEM;
    radz_status st = set->names.count > 0 ? radz_mkdirs(dir, err) : RADZ_OK;
    for (size_t i = 0; i < set->names.count && st == RADZ_OK; i++) {
        bool same, drawn;
        st = is_drawn(dir, set->names.items[i], set->scripts.items[i], &same, &drawn, err);
        if (st != RADZ_OK || drawn)
            continue;
        if (draw) {
            todo[count++] = i;
        } else if (!same) {
            remove_pictures(dir, set->names.items[i]);
            st = write_script(dir, set->names.items[i], set->scripts.items[i], err);
        }
    }
    if (st == RADZ_OK && count > 0)
        st = draw_all(set, dir, todo, count, err);
    free(todo);
    return st;
}

/* ---- all plots of a run ---- */

static radz_status make_scripts(radz_plot_set *set, size_t *members, radz_error *err)
{
    const radz_results *results = set->results;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < results->n_blocks && st == RADZ_OK; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first = first && !radz_same_section(&results->blocks[i], &results->blocks[j]);
        if (!first)
            continue;
        size_t n = 0;
        for (size_t j = i; j < results->n_blocks; j++)
            if (radz_same_section(&results->blocks[i], &results->blocks[j]))
                members[n++] = j;
        st = radz_plot_roc(set, members, n, err);
        if (st == RADZ_OK)
            st = radz_plot_pr(set, members, n, err);
        if (st == RADZ_OK)
            st = radz_plot_auc(set, members, n, err);
    }
    if (st == RADZ_OK && results->n_blocks > 0)
        st = radz_plot_compare(set, err);
    return st == RADZ_OK ? radz_plot_ablations(set, err) : st;
}

radz_status radz_plot_set_open(const radz_results *results, radz_plot_set *set, radz_error *err)
{
    size_t n = results->n_blocks;
    *set = (radz_plot_set){.results = results};
    set->blocks = radz_calloc(n, sizeof *set->blocks, err);
    set->pair_of = radz_calloc(n, sizeof *set->pair_of, err);
    if (set->blocks == NULL || set->pair_of == NULL)
        return RADZ_E_NOMEM;
    radz_number_pairs(results, set->pair_of);
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        st = radz_block_rows_get(results, &results->blocks[i], &set->blocks[i], err);
    return st;
}

void radz_plot_set_close(radz_plot_set *set)
{
    for (size_t i = 0; set->blocks != NULL && i < set->results->n_blocks; i++)
        radz_block_rows_free(&set->blocks[i]);
    free(set->blocks);
    free(set->pair_of);
    radz_strlist_free(&set->names);
    radz_strlist_free(&set->scripts);
}

radz_status radz_plot_set_all(radz_plot_set *set, radz_error *err)
{
    size_t *members = radz_calloc(set->results->n_blocks, sizeof *members, err);
    radz_status st = members == NULL ? RADZ_E_NOMEM : make_scripts(set, members, err);
    free(members);
    return st;
}

radz_status radz_plots_write(const radz_results *results, const char *dir, bool draw, radz_error *err)
{
    radz_plot_set set;
    char *plots = radz_path_join(dir, "plots", err);
    radz_status st = radz_plot_set_open(results, &set, err);
    if (st == RADZ_OK)
        st = plots == NULL ? RADZ_E_NOMEM : radz_plot_set_all(&set, err);
    if (st == RADZ_OK)
        st = radz_plot_set_write(&set, plots, draw, err);
    radz_plot_set_close(&set);
    free(plots);
    return st;
}

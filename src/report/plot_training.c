/* Curves of trainings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot_parts.h"
#include "report/training_curves.h"

/* Columns that are known: where they are drawn and how. Any other gets a panel of its own. */
typedef struct known_column {
    const char *name, *title;
    bool part_of_loss; /* in the panel of `loss` when there is one log */
    bool hidden;
    bool as_it_is;     /* not smoothed: no noise, or few values */
    bool logarithmic;
    bool unless_constant; /* not drawn when it never changes */
    bool points;          /* measured now and then: points on a line */
} known_column;
static const known_column known[] = {
    {"loss", "loss", .as_it_is = false},
    {"lm", "language loss", .part_of_loss = true},
    {"cross", "cross loss", .part_of_loss = true},
    {"anchor", "anchor loss", .part_of_loss = true},
    {"learning_rate", "learning rate", .as_it_is = true},
    {"gradient_norm", "gradient norm", .logarithmic = true},
    {"logit_scale", "logit scale", .as_it_is = true},
    {"tau", "temperature", .as_it_is = true, .unless_constant = true},
    {"validation", "validation, mean AUC", .as_it_is = true, .points = true},
    {"step", NULL, .hidden = true},
    {"seconds", NULL, .hidden = true},
};
enum { POINTS = 800 /* of a line, at most */, WINDOWS = 40 /* of the running mean, in a training */ };
static const double left = 0.62, right = 0.2, panel = 0.95, gap = 0.26, key_line = 0.15, bottom = 0.42; /* inches */

/* "validation_X": column X as it is on the validation split, drawn in its panel and colour. NULL: another column. */
static const char *validated_column(const char *column)
{
    static const char prefix[] = "validation_";
    return strncmp(column, prefix, sizeof prefix - 1) == 0 ? column + sizeof prefix - 1 : NULL;
}

static const known_column *kind_of(const char *column)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, column) == 0)
            return &known[i];
    return NULL;
}

static bool has_points(const char *column)
{
    const known_column *kind = kind_of(column);
    return validated_column(column) != NULL || (kind != NULL && kind->points);
}

/* Drawn as the mean of many steps, since each has its noise. */
static bool is_smoothed(const char *column)
{
    const known_column *kind = kind_of(column);
    return validated_column(column) == NULL && (kind == NULL || !kind->as_it_is);
}

static size_t column_of(const radz_training_log *log, const char *name)
{
    size_t c = 0;
    while (c < log->n_columns && strcmp(log->columns[c], name) != 0)
        c++;
    return c;
}

static double value_at(const radz_training_log *log, size_t row, size_t column)
{
    return log->values[row * log->n_columns + column];
}

/* A part of the loss that is zero throughout is none of this training; a temperature that is not learned is no curve. */
static bool has_values(const radz_training_log *log, size_t column)
{
    const char *of = validated_column(log->columns[column]);
    const known_column *kind = kind_of(of != NULL ? of : log->columns[column]);
    double first = kind != NULL && kind->unless_constant ? value_at(log, 0, column) : 0;
    bool any_will_do = kind == NULL || !(kind->part_of_loss || kind->unless_constant);
    for (size_t r = 0; r < log->rows; r++) {
        double v = value_at(log, r, column);
        if (isfinite(v) && (any_will_do || v != first))
            return true;
    }
    return false;
}

/* One column of one log: `$line`, and the values of single steps as `$dots` unless they are the line. */
static void put_data(FILE *out, const radz_training_log *log, size_t i, size_t column)
{
    bool smooth = is_smoothed(log->columns[column]);
    size_t step = column_of(log, "step"), half = smooth ? log->rows / (2 * WINDOWS) : 0;
    size_t every = (log->rows + POINTS - 1) / POINTS;
    for (int line = 0; line < 2; line++) {
        if (line == 0 && half == 0)
            continue;
        fprintf(out, "$%s_%zu_%zu << END\n", line ? "line" : "dots", i, column);
        for (size_t r = 0; r < log->rows; r++) {
            double sum = 0;
            size_t n = 0, from = r >= half ? r - half : 0, to = r + half < log->rows ? r + half : log->rows - 1;
            bool sparse = !smooth && isfinite(value_at(log, r, column)) && r > 0 && isnan(value_at(log, r - 1, column));
            if (r % every != 0 && r + 1 != log->rows && !sparse)
                continue;
            for (size_t k = line ? from : r; k <= (line ? to : r); k++) {
                double v = value_at(log, k, column);
                if (isfinite(v)) {
                    sum += v;
                    n++;
                }
            }
            if (n > 0)
                fprintf(out, "%.0f %.6g\n", value_at(log, r, step), sum / (double)n);
        }
        fputs("END\n", out);
    }
}

typedef struct panel_lines {
    size_t log, column, shade;
} panel_lines;

/* The lines of one panel: the column `name` of each log, with the parts of the loss in its panel when there is one log; then
 * their validation. `*with_names` (may be NULL): how many come before that. */
static size_t lines_of(const radz_training_log *logs, size_t n, const char *name, panel_lines *lines, size_t *with_names)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t c = column_of(&logs[i], name);
        if (c < logs[i].n_columns && has_values(&logs[i], c))
            lines[count++] = (panel_lines){i, c, i};
    }
    for (size_t c = 0; n == 1 && strcmp(name, "loss") == 0 && c < logs->n_columns; c++) {
        const known_column *kind = kind_of(logs->columns[c]);
        if (kind != NULL && kind->part_of_loss && has_values(logs, c)) {
            lines[count] = (panel_lines){0, c, count};
            count++;
        }
    }
    size_t own = count;
    for (size_t k = 0; k < own; k++) {
        const radz_training_log *log = &logs[lines[k].log];
        for (size_t c = 0; c < log->n_columns; c++) {
            const char *of = validated_column(log->columns[c]);
            if (of != NULL && strcmp(of, log->columns[lines[k].column]) == 0 && has_values(log, c))
                lines[count++] = (panel_lines){lines[k].log, c, lines[k].shade};
        }
    }
    if (with_names != NULL)
        *with_names = own;
    return count;
}

/* The panels: columns in the order in which they come, over all logs. */
static radz_status find_panels(const radz_training_log *logs, size_t n, panel_lines *lines, radz_strlist *panels, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < n; i++) {
        bool has_loss = column_of(&logs[i], "loss") < logs[i].n_columns;
        if (column_of(&logs[i], "step") == logs[i].n_columns)
            return radz_fail(err, RADZ_E_MISSING, "the log of '%s' has no column 'step'", logs[i].name);
        for (size_t c = 0; c < logs[i].n_columns && st == RADZ_OK; c++) {
            const char *name = logs[i].columns[c];
            const known_column *kind = kind_of(name);
            const char *of = validated_column(name);
            if (radz_strlist_has(panels, name) || (kind != NULL && (kind->hidden || (n == 1 && has_loss && kind->part_of_loss))) ||
                (of != NULL && column_of(&logs[i], of) < logs[i].n_columns) || lines_of(logs, n, name, lines, NULL) == 0)
                continue;
            st = radz_strlist_add(panels, name, err);
        }
    }
    return st;
}

static void put_legend_line(FILE *out, const radz_plot *plot, size_t i, const char *text, size_t shade)
{
    double y = 1 - (0.08 + ((double)i + 0.5) * key_line) / plot->height, x = left / plot->width;
    fprintf(out, "set arrow %zu from screen %.4f,%.4f to screen %.4f,%.4f nohead lw 1.6 ", i + 1, x, y, x + 0.3 / plot->width, y);
    radz_plot_style(out, shade);
    fprintf(out, "\nset label %zu ", 100 + i);
    radz_plot_label(out, text, (size_t)((plot->width - left - 0.4) / radz_plot_text_inches(1)));
    fprintf(out, " at screen %.4f,%.4f left\n", x + 0.36 / plot->width, y);
}

/* A range with a little room around the values, and two to five steps of 1, 2 or 5 times a power of ten. */
static void put_range(FILE *out, const radz_training_log *logs, const panel_lines *lines, size_t count, bool logarithmic)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < count; k++) {
        for (size_t r = 0; r < logs[lines[k].log].rows; r++) {
            double v = value_at(&logs[lines[k].log], r, lines[k].column);
            if (isfinite(v) && (!logarithmic || v > 0)) {
                low = fmin(low, v);
                high = fmax(high, v);
            }
        }
    }
    if (logarithmic && low < high) {
        fprintf(out, "set logscale y\nset yrange [%.3g:%.3g]\nset ytics 10\n", low / 1.1, high * 1.1);
        return;
    }
    double size = high > low ? high - low : fmax(fabs(low), 1) * 0.1, step = pow(10, floor(log10(size / 4)));
    step *= size / step > 25 ? 10 : size / step > 12 ? 5 : size / step > 5 ? 2 : 1;
    double bottom_edge = low >= 0 && low < 0.06 * size ? 0 : low - 0.06 * size;
    fprintf(out, "unset logscale y\nset yrange [%.6g:%.6g]\nset ytics %.3g\n", bottom_edge, high + 0.06 * size, step);
}

static void put_panel(FILE *out, const radz_training_log *logs, const char *name, const panel_lines *lines, size_t count)
{
    const known_column *kind = kind_of(name);
    const panel_lines *last = &lines[count - 1];
    char title[100];
    snprintf(title, sizeof title, "%s%s", kind != NULL && kind->title != NULL ? kind->title : name,
             validated_column(logs[last->log].columns[last->column]) != NULL ? " (points: validation)" : "");
    fputs("set title ", out);
    radz_plot_label(out, title, 60);
    fputs(" offset 0,-0.7\n", out);
    put_range(out, logs, lines, count, kind != NULL && kind->logarithmic);
    fputs("plot ", out);
    bool first = true;
    for (int front = 0; front < 2; front++) {
        for (size_t k = 0; k < count; k++) {
            const radz_training_log *log = &logs[lines[k].log];
            const char *column = log->columns[lines[k].column];
            bool smooth = is_smoothed(column) && log->rows / (2 * WINDOWS) > 0;
            if (front == 0 && !smooth)
                continue;
            size_t shade = lines[k].shade;
            fprintf(out, "%s$%s_%zu_%zu with ", first ? "" : ", ", front ? "line" : "dots", lines[k].log, lines[k].column);
            if (front == 0) {
                fprintf(out, "lines lw 0.4 lc rgb '#c0%s'", radz_plot_colour(shade) + 1); /* mostly transparent */
            } else {
                fputs(has_points(column) ? "linespoints pt 7 ps 0.35 lw 1.3 " : "lines lw 1.3 ", out);
                radz_plot_style(out, shade);
            }
            fputs(" notitle", out);
            first = false;
        }
    }
    fputc('\n', out);
}

static radz_status draw_panels(const radz_training_log *logs, size_t n, const radz_strlist *panels, panel_lines *lines,
                               radz_plot_set *set, radz_error *err)
{
    size_t in_loss = 0;
    lines_of(logs, n, "loss", lines, &in_loss);
    size_t legend = n > 1 ? n : in_loss > 1 ? in_loss : 0;
    double top = 0.1 + key_line * (double)legend + gap, width = 4.6;
    double height = top + (double)panels->count * (panel + gap) - gap + bottom, first = INFINITY, last = -INFINITY;
    radz_plot plot;
    for (size_t i = 0; i < n; i++) {
        size_t step = column_of(&logs[i], "step");
        first = fmin(first, value_at(&logs[i], 0, step));
        last = fmax(last, value_at(&logs[i], logs[i].rows - 1, step));
    }
    radz_status st = radz_plot_begin("training", NULL, NULL, 0, width, height, &plot, err);
    if (st != RADZ_OK)
        return st;
    FILE *out = plot.stream;
    for (size_t p = 0; p < panels->count; p++) {
        size_t count = lines_of(logs, n, panels->items[p], lines, NULL);
        for (size_t k = 0; k < count; k++)
            put_data(out, &logs[lines[k].log], lines[k].log, lines[k].column);
    }
    radz_plot_draw_begin(&plot);
    fprintf(out, "set multiplot\nset xrange [%.0f:%.0f]\nunset key\nset grid y lc rgb '#d8d8d8' lw 0.5 dt 1\nset ytics offset 0.5,0\n"
            "set format y \"%%g\"\nset lmargin at screen %.4f\nset rmargin at screen %.4f\n",
            first, last > first ? last : first + 1, left / width, 1 - right / width);
    lines_of(logs, n, "loss", lines, NULL);
    for (size_t i = 0; i < legend; i++) {
        const known_column *kind = kind_of(logs[0].columns[n > 1 ? 0 : lines[i].column]);
        put_legend_line(out, &plot, i, n > 1 ? logs[i].name : kind->title, i);
    }
    for (size_t p = 0; p < panels->count; p++) {
        double y = height - top - (double)p * (panel + gap);
        bool lowest = p + 1 == panels->count;
        size_t count = lines_of(logs, n, panels->items[p], lines, NULL);
        fprintf(out, "set tmargin at screen %.4f\nset bmargin at screen %.4f\nset xtics format \"%s\" offset 0,0.4\n", y / height,
                (y - panel) / height, lowest ? "%g" : "");
        fputs(lowest ? "set xlabel \"step\" offset 0,0.9\n" : "unset xlabel\n", out);
        put_panel(out, logs, panels->items[p], lines, count);
        fputs("unset arrow\nunset label\n", out); /* the legend is drawn with the first panel */
    }
    fputs("unset multiplot\nunset logscale y\n", out);
    return radz_plot_end(&plot, set, st, err);
}

radz_status radz_training_plot(const radz_training_log *logs, size_t n, const char *dir, bool draw, radz_error *err)
{
    radz_plot_set set = {0};
    radz_strlist panels = {0};
    size_t most = n;
    for (size_t i = 0; i < n; i++)
        most += logs[i].n_columns;
    panel_lines *lines = radz_calloc(most, sizeof *lines, err);
    radz_status st = lines == NULL ? RADZ_E_NOMEM : find_panels(logs, n, lines, &panels, err);
    if (st == RADZ_OK && panels.count == 0)
        st = radz_fail(err, RADZ_E_MISSING, "the log of '%s' has no column to draw", logs[0].name);
    if (st == RADZ_OK)
        st = draw_panels(logs, n, &panels, lines, &set, err);
    if (st == RADZ_OK)
        st = radz_plot_set_write(&set, dir, draw, err);
    free(lines);
    radz_strlist_free(&panels);
    radz_plot_set_close(&set);
    return st;
}

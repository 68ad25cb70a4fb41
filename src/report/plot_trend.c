/* A figure over time, from the history. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "report/history.h"
#include "report/plot_parts.h"

enum { LONGEST = 60 };
static const double key_line = 0.15 /* inches */;

typedef struct trend_point {
    int64_t added;
    double value, low, high;
    bool other_images; /* than the point before */
} trend_point;

typedef struct trend_series {
    char *name; /* "phantom/test clip-tiny / clip-posneg" */
    trend_point *points;
    size_t n, capacity;
    char fingerprint[80]; /* of the last point */
} trend_series;

/* The series of one metric and class, until another one begins. */
typedef struct trend {
    radz_plot_set set;
    char metric[64], class_name[200];
    trend_series *series;
    size_t n_series, capacity;
} trend;

static void forget_series(trend *t)
{
    for (size_t i = 0; i < t->n_series; i++) {
        free(t->series[i].name);
        free(t->series[i].points);
    }
    t->n_series = 0;
}

static void put_data(FILE *out, const trend *t)
{
    for (size_t i = 0; i < t->n_series; i++) {
        fprintf(out, "$series%zu << END\n", i);
        for (size_t p = 0; p < t->series[i].n; p++) {
            const trend_point *x = &t->series[i].points[p];
            if (isnan(x->value)) {
                fputs("\n", out); /* a gap in the line */
                continue;
            }
            bool interval = !isnan(x->low) && !isnan(x->high);
            fprintf(out, "%lld %.8g %.8g %.8g %d\n", (long long)x->added, x->value, interval ? x->low : x->value,
                    interval ? x->high : x->value, x->other_images);
        }
        fputs("END\n", out);
    }
}

static void time_span(const trend *t, double *first, double *last)
{
    *first = INFINITY;
    *last = -INFINITY;
    for (size_t i = 0; i < t->n_series; i++) {
        for (size_t p = 0; p < t->series[i].n; p++) {
            double at = (double)t->series[i].points[p].added;
            *first = at < *first ? at : *first;
            *last = at > *last ? at : *last;
        }
    }
    double margin = (*last - *first) * 0.04;
    margin = margin < 43200 ? 43200 : margin; /* half a day */
    *first -= margin;
    *last += margin;
}

/* Whole days between two dates on the axis, so that no date stands there twice: about six of them fit. */
static double days_between_ticks(double first, double last)
{
    double days = ceil((last - first) / 86400 / 6);
    return days < 1 ? 1 : days;
}

/* The plot of the series collected so far; none when there is no value. */
static radz_status flush_trend(trend *t, radz_error *err)
{
    bool any = false;
    for (size_t i = 0; i < t->n_series; i++)
        for (size_t p = 0; p < t->series[i].n; p++)
            any = any || !isnan(t->series[i].points[p].value);
    if (!any) {
        forget_series(t);
        return RADZ_OK;
    }
    double first, last, height = 2.5 + key_line * (double)t->n_series, width = 4.6;
    char title[300];
    radz_plot plot;
    time_span(t, &first, &last);
    radz_status st = radz_plot_begin("trend", t->metric, t->class_name, 0, width, height, &plot, err);
    if (st != RADZ_OK)
        return st;
    FILE *out = plot.stream;
    put_data(out, t);
    radz_plot_draw_begin(&plot);
    radz_metric_id id;
    const char *name = radz_metric_find(t->metric, &id, NULL) == RADZ_OK ? radz_metrics[id].title : t->metric;
    snprintf(title, sizeof title, "%s, %s", name, t->class_name);
    fputs("set ylabel ", out);
    radz_plot_label(out, title, LONGEST);
    fprintf(out, " offset 1\nset xdata time\nset timefmt \"%%s\"\nset xrange [\"%.0f\":\"%.0f\"]\nset format x \"%%Y-%%m-%%d\"\n"
            "set xtics %.0f, %.0f rotate by 30 right\nset grid y lw 0.5 lc rgb '#d8d8d8'\nset key below vertical maxcols 1 left Left reverse\n"
            "set lmargin at screen 0.13\nset rmargin at screen 0.96\nplot ", first, last, 86400 * ceil(first / 86400),
            86400 * days_between_ticks(first, last));
    for (size_t i = 0; i < t->n_series; i++) {
        fprintf(out, "%s$series%zu using 1:2:3:4 with yerrorbars ", i > 0 ? ", " : "", i);
        fprintf(out, "lc rgb '%s' lw 0.6 pt 7 ps 0.1 notitle, $series%zu using 1:2 with linespoints ", radz_plot_colour(i), i);
        radz_plot_style(out, i);
        fputs(" lw 1.2 pt 7 ps 0.35 title ", out);
        radz_plot_label(out, t->series[i].name, LONGEST);
        fprintf(out, ", $series%zu using 1:($5 > 0 ? $2 : NaN) with points pt 6 ps 0.9 lw 1 lc rgb '#202020' notitle", i);
    }
    fputc('\n', out);
    st = radz_plot_end(&plot, &t->set, st, err);
    forget_series(t);
    return st;
}

static radz_status take_point(void *context, const radz_history_point *p, radz_error *err)
{
    trend *t = context;
    radz_status st = RADZ_OK;
    if (strcmp(t->metric, p->metric) != 0 || strcmp(t->class_name, p->class_name) != 0) {
        st = flush_trend(t, err);
        snprintf(t->metric, sizeof t->metric, "%s", p->metric);
        snprintf(t->class_name, sizeof t->class_name, "%s", p->class_name);
    }
    radz_strbuf name = {0};
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&name, err, "%s/%s %s / %s, %s", p->dataset, p->split, p->model, p->scorer, p->protocol);
    trend_series *s = t->n_series > 0 ? &t->series[t->n_series - 1] : NULL;
    if (st == RADZ_OK && (s == NULL || strcmp(s->name, name.text) != 0)) {
        st = radz_grow(&t->series, &t->capacity, t->n_series + 1, sizeof *t->series, err);
        if (st == RADZ_OK) {
            s = &t->series[t->n_series++];
            *s = (trend_series){.name = name.text};
            name.text = NULL;
        }
    }
    if (st == RADZ_OK)
        st = radz_grow(&s->points, &s->capacity, s->n + 1, sizeof *s->points, err);
    if (st == RADZ_OK) {
        bool other = s->n > 0 && strncmp(s->fingerprint, p->fingerprint, sizeof s->fingerprint - 1) != 0;
        s->points[s->n++] = (trend_point){p->added, p->value, p->ci_low, p->ci_high, other};
        snprintf(s->fingerprint, sizeof s->fingerprint, "%s", p->fingerprint);
    }
    radz_strbuf_free(&name);
    return st;
}

radz_status radz_history_plot(radz_history *history, const radz_history_filter *filter, const char *dir, bool draw,
                              size_t *plots, radz_error *err)
{
    trend t = {0};
    radz_status st = radz_history_points(history, filter, take_point, &t, err);
    if (st == RADZ_OK)
        st = flush_trend(&t, err);
    *plots = t.set.names.count;
    if (st == RADZ_OK)
        st = radz_plot_set_write(&t.set, dir, draw, err);
    forget_series(&t);
    free(t.series);
    radz_strlist_free(&t.set.names);
    radz_strlist_free(&t.set.scripts);
    return st;
}

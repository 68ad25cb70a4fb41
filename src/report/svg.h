/* Small SVG pictures inside a page: the shapes, in coordinates of the data. Colours are CSS classes of the page, so that one
 * picture serves light, dark and print. */
#ifndef RADZ_REPORT_SVG_H
#define RADZ_REPORT_SVG_H

#include <stddef.h>
#include <stdio.h>

typedef struct radz_svg {
    FILE *out;
    double left, top, width, height;      /* the plotted area, in the picture's units (pixels at full size) */
    double x_low, x_high, y_low, y_high;  /* what its edges stand for */
} radz_svg;

/* `id` is unique in the page (letters, digits, '-'). `title` and `description` are what a screen reader says. */
void radz_svg_begin(radz_svg *svg, FILE *out, const char *id, double width, double height, const char *title,
                    const char *description);
void radz_svg_end(radz_svg *svg);
/* Sets where the data is drawn: its left top corner, its size, and the values at its edges. */
void radz_svg_area(radz_svg *svg, double left, double top, double width, double height, double x_low, double x_high,
                   double y_low, double y_high);
double radz_svg_x(const radz_svg *svg, double x); /* value -> picture */
double radz_svg_y(const radz_svg *svg, double y);

/* Values of the data. */
void radz_svg_line(radz_svg *svg, const char *css, double x1, double y1, double x2, double y2);
/* Points nearer than half a pixel to the one before are left out. */
void radz_svg_curve(radz_svg *svg, const char *css, const double *x, const double *y, size_t count);
/* Axis with ticks from `first` in steps of `step`, `count` of them, labels with `decimals` digits; grid lines across the area. */
void radz_svg_axis_x(radz_svg *svg, double first, double step, size_t count, int decimals, const char *title);
void radz_svg_axis_y(radz_svg *svg, double first, double step, size_t count, int decimals, const char *title);

/* Places of the picture. `shape` of a mark: 0 disc, 1 square, 2 diamond, 3 triangle, then again. */
void radz_svg_mark(radz_svg *svg, const char *css, size_t shape, double left, double top, double size);
void radz_svg_bar(radz_svg *svg, const char *css, double left, double top, double width, double height);
/* `anchor`: "start", "middle" or "end". */
void radz_svg_text(radz_svg *svg, const char *css, const char *anchor, double left, double top, const char *text);

#endif

#include "report/svg.h"

#include <math.h>
#include <stdlib.h>

#include "report/escape.h"

/* At most one decimal, none where it is zero: the same value always prints the same. */
static void put_number(FILE *out, double value)
{
    long tenths = lround(value * 10), whole = labs(tenths) / 10, rest = labs(tenths) % 10;
    fprintf(out, "%s%ld", tenths < 0 ? "-" : "", whole);
    if (rest != 0)
        fprintf(out, ".%ld", rest);
}

static void put_attribute(FILE *out, const char *name, double value)
{
    fprintf(out, " %s=\"", name);
    put_number(out, value);
    putc('"', out);
}

void radz_svg_begin(radz_svg *svg, FILE *out, const char *id, double width, double height, const char *title,
                    const char *description)
{
    *svg = (radz_svg){.out = out};
    fputs("<svg viewBox=\"0 0 ", out);
    put_number(out, width);
    putc(' ', out);
    put_number(out, height);
    fprintf(out, "\" role=\"img\" aria-labelledby=\"%s-t %s-d\"", id, id);
    put_attribute(out, "width", width);
    put_attribute(out, "height", height);
    fprintf(out, "><title id=\"%s-t\">", id);
    radz_put_html(out, title);
    fprintf(out, "</title><desc id=\"%s-d\">", id);
    radz_put_html(out, description);
    fputs("</desc>\n", out);
}

void radz_svg_end(radz_svg *svg)
{
    fputs("</svg>\n", svg->out);
}

void radz_svg_area(radz_svg *svg, double left, double top, double width, double height, double x_low, double x_high,
                   double y_low, double y_high)
{
    svg->left = left;
    svg->top = top;
    svg->width = width;
    svg->height = height;
    svg->x_low = x_low;
    svg->x_high = x_high;
    svg->y_low = y_low;
    svg->y_high = y_high;
}

double radz_svg_x(const radz_svg *svg, double x)
{
    return svg->left + (x - svg->x_low) / (svg->x_high - svg->x_low) * svg->width;
}

double radz_svg_y(const radz_svg *svg, double y)
{
    return svg->top + (svg->y_high - y) / (svg->y_high - svg->y_low) * svg->height;
}

void radz_svg_line(radz_svg *svg, const char *css, double x1, double y1, double x2, double y2)
{
    fprintf(svg->out, "<line class=\"%s\"", css);
    put_attribute(svg->out, "x1", radz_svg_x(svg, x1));
    put_attribute(svg->out, "y1", radz_svg_y(svg, y1));
    put_attribute(svg->out, "x2", radz_svg_x(svg, x2));
    put_attribute(svg->out, "y2", radz_svg_y(svg, y2));
    fputs("/>\n", svg->out);
}

void radz_svg_curve(radz_svg *svg, const char *css, const double *x, const double *y, size_t count)
{
    FILE *out = svg->out;
    long at_x = 0, at_y = 0; /* in tenths: steps add up to the point, whatever was rounded */
    fprintf(out, "<path class=\"%s\" d=\"", css);
    for (size_t i = 0; i < count; i++) {
        long to_x = lround(radz_svg_x(svg, x[i]) * 10), to_y = lround(radz_svg_y(svg, y[i]) * 10);
        if (i == 0) {
            putc('M', out);
            put_number(out, (double)to_x / 10);
            putc(' ', out);
            put_number(out, (double)to_y / 10);
        } else if (i + 1 == count || labs(to_x - at_x) + labs(to_y - at_y) >= 5) {
            putc('l', out);
            put_number(out, (double)(to_x - at_x) / 10);
            if (to_y >= at_y)
                putc(' ', out);
            put_number(out, (double)(to_y - at_y) / 10);
        } else {
            continue;
        }
        at_x = to_x;
        at_y = to_y;
    }
    fputs("\"/>\n", out);
}

static void put_text_begin(FILE *out, const char *css, const char *anchor, double left, double top)
{
    fprintf(out, "<text class=\"%s\" text-anchor=\"%s\"", css, anchor);
    put_attribute(out, "x", left);
    put_attribute(out, "y", top);
}

void radz_svg_axis_x(radz_svg *svg, double first, double step, size_t count, int decimals, const char *title)
{
    double bottom = svg->top + svg->height;
    for (size_t i = 0; i < count; i++) {
        double value = first + step * (double)i;
        char label[32];
        radz_svg_line(svg, "grid", value, svg->y_low, value, svg->y_high);
        snprintf(label, sizeof label, "%.*f", decimals, value);
        radz_svg_text(svg, "tick", "middle", radz_svg_x(svg, value), bottom + 13, label);
    }
    radz_svg_line(svg, "axis", svg->x_low, svg->y_low, svg->x_high, svg->y_low);
    radz_svg_text(svg, "tick", "middle", svg->left + svg->width / 2, bottom + 27, title);
}

void radz_svg_axis_y(radz_svg *svg, double first, double step, size_t count, int decimals, const char *title)
{
    for (size_t i = 0; i < count; i++) {
        double value = first + step * (double)i;
        char label[32];
        radz_svg_line(svg, "grid", svg->x_low, value, svg->x_high, value);
        snprintf(label, sizeof label, "%.*f", decimals, value);
        radz_svg_text(svg, "tick", "end", svg->left - 4, radz_svg_y(svg, value) + 3.5, label);
    }
    radz_svg_line(svg, "axis", svg->x_low, svg->y_low, svg->x_low, svg->y_high);
    double x = 9, y = svg->top + svg->height / 2;
    put_text_begin(svg->out, "tick", "middle", x, y);
    fprintf(svg->out, " transform=\"rotate(-90 %.0f %.1f)\">", x, y);
    radz_put_html(svg->out, title);
    fputs("</text>\n", svg->out);
}

void radz_svg_mark(radz_svg *svg, const char *css, size_t shape, double left, double top, double size)
{
    FILE *out = svg->out;
    double r = size / 2;
    fprintf(out, "<path class=\"%s\" d=\"M", css);
    switch (shape % 4) {
    case 0:
        put_number(out, left - r);
        putc(' ', out);
        put_number(out, top);
        fprintf(out, "a%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0z", r, r, size, r, r, -size);
        break;
    case 1:
        put_number(out, left - r * 0.9);
        putc(' ', out);
        put_number(out, top - r * 0.9);
        fprintf(out, "h%.1fv%.1fh%.1fz", size * 0.9, size * 0.9, -size * 0.9);
        break;
    case 2:
        put_number(out, left - r * 1.2);
        putc(' ', out);
        put_number(out, top);
        fprintf(out, "l%.1f %.1fl%.1f %.1fl%.1f %.1fz", r * 1.2, -r * 1.2, r * 1.2, r * 1.2, -r * 1.2, r * 1.2);
        break;
    default:
        put_number(out, left - r * 1.1);
        putc(' ', out);
        put_number(out, top + r);
        fprintf(out, "h%.1fl%.1f %.1fz", size * 1.1, -size * 0.55, -size);
    }
    fputs("\"/>\n", out);
}

void radz_svg_bar(radz_svg *svg, const char *css, double left, double top, double width, double height)
{
    fprintf(svg->out, "<rect class=\"%s\"", css);
    put_attribute(svg->out, "x", left);
    put_attribute(svg->out, "y", top);
    put_attribute(svg->out, "width", width > 0 ? width : 0);
    put_attribute(svg->out, "height", height > 0 ? height : 0);
    fputs("/>\n", svg->out);
}

void radz_svg_text(radz_svg *svg, const char *css, const char *anchor, double left, double top, const char *text)
{
    put_text_begin(svg->out, css, anchor, left, top);
    putc('>', svg->out);
    radz_put_html(svg->out, text);
    fputs("</text>\n", svg->out);
}

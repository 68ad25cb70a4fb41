/* Primitives of the phantom renderer: chords of tubes and ellipsoids, and a small bitmap alphabet. */
#include <string.h>

#include "data/phantom_internal.h"

ph_box ph_box_around(const ph_thorax *t, double x0, double y0, double x1, double y1)
{
    ph_box box = {(int)floor(ph_px(t, x0)), (int)floor(ph_py(t, y0)), (int)ceil(ph_px(t, x1)) + 1,
                  (int)ceil(ph_py(t, y1)) + 1};
    box.x0 = box.x0 < 0 ? 0 : box.x0 > PH_N ? PH_N : box.x0;
    box.y0 = box.y0 < 0 ? 0 : box.y0 > PH_N ? PH_N : box.y0;
    box.x1 = box.x1 < box.x0 ? box.x0 : box.x1 > PH_N ? PH_N : box.x1;
    box.y1 = box.y1 < box.y0 ? box.y0 : box.y1 > PH_N ? PH_N : box.y1;
    return box;
}

/* One capsule, in pixels, by maximum. */
static void capsule(float *map, double ax, double ay, double ar, double bx, double by, double br, float factor,
                    float hole, ph_box *touched)
{
    /* a tube thinner than a pixel is drawn a pixel wide and paler, so that no line breaks up */
    float paler_a = 1, paler_b = 1;
    if (ar < 0.8) {
        paler_a = (float)(ar * ar / 0.64);
        ar = 0.8;
    }
    if (br < 0.8) {
        paler_b = (float)(br * br / 0.64);
        br = 0.8;
    }
    double widest = ar > br ? ar : br;
    int x0 = (int)floor((ax < bx ? ax : bx) - widest), x1 = (int)ceil((ax > bx ? ax : bx) + widest) + 1;
    int y0 = (int)floor((ay < by ? ay : by) - widest), y1 = (int)ceil((ay > by ? ay : by) + widest) + 1;
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > PH_N ? PH_N : x1;
    y1 = y1 > PH_N ? PH_N : y1;
    if (x0 >= x1 || y0 >= y1)
        return;
    if (x0 < touched->x0)
        touched->x0 = x0;
    if (y0 < touched->y0)
        touched->y0 = y0;
    if (x1 > touched->x1)
        touched->x1 = x1;
    if (y1 > touched->y1)
        touched->y1 = y1;
    float dx = (float)(bx - ax), dy = (float)(by - ay), length2 = dx * dx + dy * dy;
    float inverse = length2 > 1e-9f ? 1 / length2 : 0;
    float r0 = (float)ar, dr = (float)(br - ar);
    for (int y = y0; y < y1; y++) {
        float py = (float)(y - ay);
        float *row = map + (size_t)y * PH_N;
        for (int x = x0; x < x1; x++) {
            float px = (float)(x - ax);
            float k = (px * dx + py * dy) * inverse;
            k = k < 0 ? 0 : k > 1 ? 1 : k;
            float ex = px - k * dx, ey = py - k * dy, r = r0 + k * dr;
            float d2 = ex * ex + ey * ey, left = r * r - d2;
            if (left <= 0)
                continue;
            float value = sqrtf(left);
            if (hole > 0) {
                float inner = hole * hole * r * r - d2;
                if (inner > 0)
                    value -= 0.8f * sqrtf(inner);
            }
            value *= factor * (paler_a + k * (paler_b - paler_a));
            if (value > row[x])
                row[x] = value;
        }
    }
}

void ph_tube(const ph_thorax *t, ph_maps *m, float *map, const ph_point *points, int count, double factor, double shell,
             ph_blend blend)
{
    ph_box touched = {PH_N, PH_N, 0, 0};
    float *target = blend == PH_ADD ? m->scratch : map;
    float scale = (float)(2 * t->mm * factor);
    for (int i = 0; i + 1 < count; i++)
        capsule(target, ph_px(t, points[i].x), ph_py(t, points[i].y), points[i].r / t->mm, ph_px(t, points[i + 1].x),
                ph_py(t, points[i + 1].y), points[i + 1].r / t->mm, scale, (float)shell, &touched);
    if (blend == PH_MAX)
        return;
    for (int y = touched.y0; y < touched.y1; y++)
        for (int x = touched.x0; x < touched.x1; x++) {
            size_t at = (size_t)y * PH_N + (size_t)x;
            map[at] += m->scratch[at];
            m->scratch[at] = 0;
        }
}

void ph_ellipsoid(const ph_thorax *t, float *map, double x, double y, double a, double b, double c, double cosine,
                  double sine, double factor, ph_blend blend)
{
    double reach_x = sqrt(a * a * cosine * cosine + b * b * sine * sine);
    double reach_y = sqrt(a * a * sine * sine + b * b * cosine * cosine);
    ph_box box = ph_box_around(t, x - reach_x, y - reach_y, x + reach_x, y + reach_y);
    float ca = (float)(cosine / a), sa = (float)(sine / a), cb = (float)(cosine / b), sb = (float)(sine / b);
    float scale = (float)(2 * c * factor);
    for (int row = box.y0; row < box.y1; row++) {
        float dy = (float)(ph_y(t, row) - y);
        float *line = map + (size_t)row * PH_N;
        for (int column = box.x0; column < box.x1; column++) {
            float dx = (float)(ph_x(t, column) - x);
            float p = dx * ca + dy * sa, q = dy * cb - dx * sb, left = 1 - p * p - q * q;
            if (left <= 0)
                continue;
            float value = scale * sqrtf(left);
            if (blend == PH_ADD)
                line[column] += value;
            else if (value > line[column])
                line[column] = value;
        }
    }
}

/* Five columns of seven dots, lowest bit on top. */
static const struct {
    char letter;
    uint8_t columns[5];
} glyphs[] = {
    {'A', {0x7e, 0x09, 0x09, 0x09, 0x7e}}, {'B', {0x7f, 0x49, 0x49, 0x49, 0x36}}, {'C', {0x3e, 0x41, 0x41, 0x41, 0x22}},
    {'D', {0x7f, 0x41, 0x41, 0x41, 0x3e}}, {'E', {0x7f, 0x49, 0x49, 0x49, 0x41}}, {'F', {0x7f, 0x09, 0x09, 0x09, 0x01}},
    {'G', {0x3e, 0x41, 0x49, 0x49, 0x3a}}, {'H', {0x7f, 0x08, 0x08, 0x08, 0x7f}}, {'I', {0x00, 0x41, 0x7f, 0x41, 0x00}},
    {'J', {0x20, 0x40, 0x41, 0x3f, 0x01}}, {'K', {0x7f, 0x08, 0x14, 0x22, 0x41}}, {'L', {0x7f, 0x40, 0x40, 0x40, 0x40}},
    {'M', {0x7f, 0x02, 0x0c, 0x02, 0x7f}}, {'N', {0x7f, 0x04, 0x08, 0x10, 0x7f}}, {'O', {0x3e, 0x41, 0x41, 0x41, 0x3e}},
    {'P', {0x7f, 0x09, 0x09, 0x09, 0x06}}, {'Q', {0x3e, 0x41, 0x51, 0x21, 0x5e}}, {'R', {0x7f, 0x09, 0x19, 0x29, 0x46}},
    {'S', {0x26, 0x49, 0x49, 0x49, 0x32}}, {'T', {0x01, 0x01, 0x7f, 0x01, 0x01}}, {'U', {0x3f, 0x40, 0x40, 0x40, 0x3f}},
    {'V', {0x1f, 0x20, 0x40, 0x20, 0x1f}}, {'W', {0x3f, 0x40, 0x38, 0x40, 0x3f}}, {'X', {0x63, 0x14, 0x08, 0x14, 0x63}},
    {'Y', {0x07, 0x08, 0x70, 0x08, 0x07}}, {'Z', {0x61, 0x51, 0x49, 0x45, 0x43}}, {'0', {0x3e, 0x51, 0x49, 0x45, 0x3e}},
    {'1', {0x00, 0x42, 0x7f, 0x40, 0x00}}, {'2', {0x42, 0x61, 0x51, 0x49, 0x46}}, {'3', {0x21, 0x41, 0x45, 0x4b, 0x31}},
    {'4', {0x18, 0x14, 0x12, 0x7f, 0x10}}, {'5', {0x27, 0x45, 0x45, 0x45, 0x39}}, {'6', {0x3c, 0x4a, 0x49, 0x49, 0x30}},
    {'7', {0x01, 0x71, 0x09, 0x05, 0x03}}, {'8', {0x36, 0x49, 0x49, 0x49, 0x36}}, {'9', {0x06, 0x49, 0x49, 0x29, 0x1e}},
    {'_', {0x40, 0x40, 0x40, 0x40, 0x40}}, {'-', {0x08, 0x08, 0x08, 0x08, 0x08}}, {'.', {0x00, 0x60, 0x60, 0x00, 0x00}},
    {'|', {0x00, 0x00, 0x7f, 0x00, 0x00}}, {'+', {0x08, 0x08, 0x3e, 0x08, 0x08}}, {':', {0x00, 0x36, 0x36, 0x00, 0x00}},
    {',', {0x00, 0x50, 0x30, 0x00, 0x00}}, {'/', {0x20, 0x10, 0x08, 0x04, 0x02}},
};

bool ph_glyph_dot(char letter, int column, int row)
{
    if (letter >= 'a' && letter <= 'z')
        letter = (char)(letter - 'a' + 'A');
    if (column < 0 || column >= 5 || row < 0 || row >= 7)
        return false;
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        if (glyphs[i].letter == letter)
            return glyphs[i].columns[column] >> row & 1;
    return false;
}

void ph_text(uint8_t *gray, int width, int height, int x, int y, int scale, uint8_t value, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++)
        for (int row = 0; row < 7 * scale; row++)
            for (int column = 0; column < 5 * scale; column++) {
                int px = x + (int)i * 6 * scale + column, py = y + row;
                if (px >= 0 && px < width && py >= 0 && py < height &&
                    ph_glyph_dot(text[i], column / scale, row / scale))
                    gray[(size_t)py * (size_t)width + (size_t)px] = value;
            }
}

/* The findings by their radiographic signs, and the devices. Everything here changes maps; displacements (raised
 * diaphragm, shifted mediastinum, wide heart) are in ph_thorax_set. */
#include <string.h>

#include "base/detmath.h"
#include "data/phantom_internal.h"

static const double PI = 3.14159265358979323846;

bool ph_has(const ph_shot *shot, radz_phantom_finding kind)
{
    return ph_find(shot, kind) != NULL;
}

const ph_sign *ph_find(const ph_shot *shot, radz_phantom_finding kind)
{
    for (int i = 0; i < shot->sign_count; i++)
        if (shot->signs[i].kind == kind)
            return &shot->signs[i];
    return NULL;
}

static inline void fill_more(float *map, size_t at, float value)
{
    map[at] = 1 - (1 - map[at]) * (1 - (value < 0 ? 0 : value > 0.98f ? 0.98f : value));
}

static double wall_at(const ph_thorax *t, double y)
{
    return t->wall_row[ph_row(t, y)];
}

static ph_box lung_box(const ph_thorax *t, int side)
{
    double reach = t->half_width + 6, down = t->dome_y[side] + 60;
    return side == PH_LEFT ? ph_box_around(t, -15, -20, reach, down) : ph_box_around(t, -reach, -20, 15, down);
}

/* A soft blob of opacity with cloudy edges. */
static void draw_blob(const ph_thorax *t, ph_maps *m, double x, double y, double rx, double ry, double peak,
                      double ragged)
{
    ph_box box = ph_box_around(t, x - rx * 2, y - ry * 2, x + rx * 2, y + ry * 2);
    for (int row = box.y0; row < box.y1; row++)
        for (int column = box.x0; column < box.x1; column++) {
            size_t at = (size_t)row * PH_N + (size_t)column;
            if (m->lung[at] <= 0)
                continue;
            double dx = (ph_x(t, column) - x) / rx, dy = (ph_y(t, row) - y) / ry;
            double d = sqrt(dx * dx + dy * dy) + ragged * (0.75 * m->cloud[at] + 0.3 * m->grain[at]);
            double k = ph_smooth((1.35 - d) / 0.9);
            if (k > 0)
                fill_more(m->fill, at, (float)(peak * k));
        }
}

/* Air-filled bronchi seen within an opacity: branching dark lines from the hilum outwards. */
static void draw_bronchograms(const ph_thorax *t, ph_maps *m, radz_rng *rng, int side, double x, double y, double reach)
{
    double hx = t->hilum_x[side], hy = t->hilum_y[side];
    double angle = det_atan2(y - hy, x - hx), distance = sqrt((x - hx) * (x - hx) + (y - hy) * (y - hy));
    memset(m->scratch, 0, sizeof(float) * PH_N * PH_N);
    for (int i = 0; i < 4; i++) {
        double a = angle + radz_rng_range(rng, -0.5, 0.5), px = hx, py = hy, r = radz_rng_range(rng, 1.5, 2.1);
        double step = (distance + reach * 0.5) / 6;
        ph_point path[7], twig[3];
        for (int k = 0; k < 7; k++) {
            path[k] = (ph_point){px, py, r};
            if (k == 4) {
                double b = a + (radz_rng_uniform(rng) < 0.5 ? 0.6 : -0.6);
                twig[0] = path[k];
                twig[1] = (ph_point){px + step * 0.9 * det_cos(b), py + step * 0.9 * det_sin(b), r * 0.8};
                twig[2] = (ph_point){px + step * 1.7 * det_cos(b), py + step * 1.7 * det_sin(b), r * 0.6};
            }
            a += radz_rng_range(rng, -0.22, 0.22);
            px += step * det_cos(a);
            py += step * det_sin(a);
            r *= 0.88;
        }
        ph_tube(t, m, m->scratch, path, 7, 0.25, 0, PH_MAX);
        ph_tube(t, m, m->scratch, twig, 3, 0.25, 0, PH_MAX);
    }
    for (size_t at = 0; at < (size_t)PH_N * PH_N; at++)
        if (m->scratch[at] > 0) {
            float k = m->scratch[at] > 1 ? 1 : m->scratch[at];
            m->fill[at] *= 1 - 0.42f * k;
            m->scratch[at] = 0;
        }
}

/* The lobes as regions of the projection; `edge` mm of softness. Returns 0 to 1. Right: upper lobe above the minor
 * fissure, middle lobe below it beside the heart, lower lobe from behind; left: upper lobe and lower lobe. */
static double lobe_part(const ph_thorax *t, int side, int zone, double x, double y, double edge)
{
    double h = t->dome_y[side], out = fabs(x), fissure = 0.47 * h + 0.05 * (out - 60);
    if (zone == PH_UPPER) /* on the left no horizontal fissure ends it: it fades downwards */
        return side == PH_RIGHT ? ph_smooth((fissure - y) / edge + 0.5) : ph_smooth((fissure + 8 - y) / 55 + 0.5);
    if (zone == PH_MIDDLE) { /* widest beside the heart, tapering to the lateral wall */
        double low = 1.0 * h - 0.52 * (out - 30);
        return ph_smooth((y - fissure) / edge + 0.5) * ph_smooth((low - y) / 34 + 0.5) *
               ph_smooth((0.80 * t->half_width - out) / 60 + 0.5);
    }
    /* seen through the upper lobe: its top rises behind the hilum and fades */
    double top = 0.50 * h + 0.0012 * (out - 70) * (out - 70);
    return ph_smooth((y - top) / 46 + 0.5);
}

static void draw_consolidation(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 1);
    int side = s->side;
    double peak = 0.30 + 0.6 * s->severity;
    double cx, cy, reach = (0.30 + 0.32 * s->severity) * t->height;
    ph_lung_point(t, side, s->zone == PH_UPPER ? 0.27 : s->zone == PH_MIDDLE ? 0.62 : 0.86, s->t, &cx, &cy);
    ph_box box = lung_box(t, side);
    for (int row = box.y0; row < box.y1; row++)
        for (int column = box.x0; column < box.x1; column++) {
            size_t at = (size_t)row * PH_N + (size_t)column;
            if (m->lung[at] <= 0)
                continue;
            double x = ph_x(t, column), y = ph_y(t, row);
            if ((x > t->mid_row[row + PH_PAD]) != (side == PH_LEFT))
                continue;
            double k = lobe_part(t, side, s->zone, x, y, 5);
            double dx = (x - cx) / (reach * 0.9), dy = (y - cy) / (reach * 0.85);
            double d = sqrt(dx * dx + dy * dy) + 0.14 * m->cloud[at];
            k *= ph_smooth((1.12 - d) / 0.3);
            if (k > 0)
                fill_more(m->fill, at, (float)(peak * k * (1 + 0.05 * m->cloud[at])));
        }
    if (s->extra)
        draw_bronchograms(t, m, &rng, side, cx, cy, reach);
}

static void draw_pneumonia(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 2);
    double cx, cy, reach = (0.15 + 0.14 * s->severity) * t->height;
    ph_lung_point(t, s->side, s->s, s->t, &cx, &cy);
    double peak = 0.22 + 0.36 * s->severity;
    /* a segment: a wedge widening to the pleura, made of confluent acini */
    double hx = t->hilum_x[s->side], hy = t->hilum_y[s->side], ax = cx - hx, ay = cy - hy;
    double length = sqrt(ax * ax + ay * ay) + 1e-6;
    ax /= length;
    ay /= length;
    for (int i = 0; i < 9; i++) {
        double along = radz_rng_range(&rng, -0.75, 0.8) * reach, across = radz_rng_range(&rng, -0.65, 0.65) * reach;
        across *= 0.6 + 0.4 * (along / reach + 0.75);
        double r = radz_rng_range(&rng, 0.32, 0.6) * reach;
        draw_blob(t, m, cx + ax * along - ay * across, cy + ay * along + ax * across, r,
                  r * radz_rng_range(&rng, 0.7, 1.2), peak * radz_rng_range(&rng, 0.5, 0.9), 0.45);
    }
    draw_blob(t, m, cx, cy, reach * 0.8, reach * 0.7, peak * 0.7, 0.35);
    if (s->extra)
        draw_bronchograms(t, m, &rng, s->side, cx, cy, reach * 0.7);
}

static void draw_infiltration(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 3);
    double peak = 0.15 + 0.22 * s->severity;
    for (int side = 0; side < 2; side++) {
        if (s->side != PH_BOTH && s->side != side)
            continue;
        for (int i = 0; i < s->count; i++) {
            double x, y, r = radz_rng_range(&rng, 9, 22);
            double height = s->zone == PH_UPPER ? 0.28 : s->zone == PH_MIDDLE ? 0.55 : 0.82;
            ph_lung_point(t, side, ph_clamp(height + radz_rng_range(&rng, -0.16, 0.16), 0.1, 0.98),
                          radz_rng_range(&rng, 0.1, 0.85), &x, &y);
            draw_blob(t, m, x, y, r * radz_rng_range(&rng, 0.8, 1.5), r, peak * radz_rng_range(&rng, 0.6, 1.1), 0.9);
        }
        /* thickened bronchial walls run through it */
        for (int i = 0; i < 5; i++) {
            double x, y, height = s->zone == PH_UPPER ? 0.28 : s->zone == PH_MIDDLE ? 0.55 : 0.82;
            ph_lung_point(t, side, height + radz_rng_range(&rng, -0.14, 0.14), radz_rng_range(&rng, 0.1, 0.7), &x, &y);
            double a = radz_rng_range(&rng, 0, PI), l = radz_rng_range(&rng, 9, 20);
            ph_point streak[] = {{x, y, 1.3}, {x + l * det_cos(a), y + l * det_sin(a), 0.8}};
            ph_tube(t, m, m->vessel, streak, 2, 2.0 + 2 * s->severity, 0, PH_MAX);
        }
    }
}

/* A rounded body of tissue within the lung, by maximum into `map`; `lobes` makes its outline knobbly. */
static void draw_ball(const ph_thorax *t, float *map, double x, double y, double r, double lobes, double phase,
                      double soft_edge, double depth)
{
    double reach = r * (1.15 + lobes);
    ph_box box = ph_box_around(t, x - reach, y - reach, x + reach, y + reach);
    for (int row = box.y0; row < box.y1; row++)
        for (int column = box.x0; column < box.x1; column++) {
            size_t at = (size_t)row * PH_N + (size_t)column;
            double dx = ph_x(t, column) - x, dy = ph_y(t, row) - y, d = sqrt(dx * dx + dy * dy);
            double edge = r;
            if (lobes > 0) {
                double a = det_atan2(dy, dx);
                edge *= 1 + lobes * (0.6 * det_sin(3 * a + phase) + 0.4 * det_sin(5 * a + 2.3 * phase));
            }
            double k = d / edge;
            if (k >= 1 + soft_edge)
                continue;
            double chord = k < 1 ? sqrt(1 - k * k) : 0;
            chord = (1 - soft_edge) * chord + soft_edge * ph_smooth((1 + soft_edge - k) / (2 * soft_edge));
            float value = (float)(2 * r * depth * chord);
            if (value > map[at])
                map[at] = value;
        }
}

/* Moves what draw_ball left in the scratch map into the tissue, where there is lung to give way. */
static void settle(const ph_thorax *t, ph_maps *m, double x, double y, double reach)
{
    ph_box box = ph_box_around(t, x - reach, y - reach, x + reach, y + reach);
    for (int row = box.y0; row < box.y1; row++)
        for (int column = box.x0; column < box.x1; column++) {
            size_t at = (size_t)row * PH_N + (size_t)column;
            float value = m->scratch[at], room = m->lung[at] * 0.95f + 4;
            m->solid[at] += value < room ? value : room;
            m->scratch[at] = 0;
        }
}

static void draw_mass(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    double x, y;
    ph_lung_point(t, s->side, s->s, s->t, &x, &y);
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 4);
    double r = s->size / 2, phase = radz_rng_range(&rng, 0, 6.28), depth = 0.75 + 0.45 * s->severity;
    draw_ball(t, m->scratch, x, y, r * 0.95, 0.08 + 0.06 * radz_rng_uniform(&rng), phase, 0.06, depth);
    for (int i = 0; i < 3; i++) { /* bulging lobules */
        double a = phase + 2.1 * i + radz_rng_range(&rng, -0.5, 0.5), k = radz_rng_range(&rng, 0.42, 0.58);
        draw_ball(t, m->scratch, x + 0.62 * r * det_cos(a), y + 0.62 * r * det_sin(a), r * k, 0, 0, 0.06, depth * 1.2);
    }
    settle(t, m, x, y, 1.5 * r);
}

static void draw_nodules(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 5);
    for (int i = 0; i < s->count; i++) {
        double x, y, r = s->size / 2;
        int side = s->side;
        if (i == 0)
            ph_lung_point(t, side, s->s, s->t, &x, &y);
        else {
            r *= radz_rng_range(&rng, 0.6, 1.0);
            double low = s->zone == PH_UPPER ? 0.14 : s->zone == PH_MIDDLE ? 0.4 : 0.7;
            ph_lung_point(t, side, low + radz_rng_range(&rng, 0, 0.22), radz_rng_range(&rng, 0.2, 0.9), &x, &y);
        }
        draw_ball(t, m->scratch, x, y, r, 0, 0, 0.05, 1.1 + 0.5 * s->severity);
        settle(t, m, x, y, 1.2 * r);
        if (s->extra)
            ph_ellipsoid(t, m->bone, x, y, r * 0.8, r * 0.8, 3 + r * 0.4, 1, 0, 0.5, PH_ADD);
    }
}

static void draw_effusion(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    for (int side = 0; side < 2; side++) {
        if (s->side != PH_BOTH && s->side != side)
            continue;
        double severity = s->side == PH_BOTH && side == PH_LEFT ? s->severity * 0.8 : s->severity;
        double angle_y = t->dome_y[side] + t->lateral_drop[side];
        ph_box box = lung_box(t, side);
        if (s->form == PH_EFF_VEIL) {
            /* lying patient: fluid layers behind the lung, a veil that thickens downwards */
            double peak = 0.16 + 0.34 * severity;
            for (int row = box.y0; row < box.y1; row++)
                for (int column = box.x0; column < box.x1; column++) {
                    size_t at = (size_t)row * PH_N + (size_t)column;
                    double x = ph_x(t, column), y = ph_y(t, row);
                    if (m->lung[at] <= 0 || (x > t->mid_row[row + PH_PAD]) != (side == PH_LEFT))
                        continue;
                    double k = ph_smooth((y + 10) / (1.1 * t->height)),
                           corner = t->half_width - fabs(x) + (angle_y - y) * 0.8;
                    double blunt = ph_smooth(1.2 - corner / (20 + 22 * severity));
                    double value = peak * (0.25 + 0.9 * k);
                    fill_more(m->fill, at, (float)(value > blunt ? value : blunt * 0.95));
                }
            continue;
        }
        /* standing patient: the surface is highest at the wall and falls in a curve to the middle */
        double level = angle_y - (9 + 0.62 * severity * severity * t->height + 22 * severity);
        for (int row = box.y0; row < box.y1; row++)
            for (int column = box.x0; column < box.x1; column++) {
                size_t at = (size_t)row * PH_N + (size_t)column;
                double x = ph_x(t, column), y = ph_y(t, row);
                if (m->lung[at] <= 0 || (x > t->mid_row[row + PH_PAD]) != (side == PH_LEFT))
                    continue;
                double from_wall = wall_at(t, y) - fabs(x), climb = 12 + 34 * severity;
                double meniscus = climb * det_exp(-(from_wall < 0 ? 0 : from_wall) / (8 + 14 * severity));
                double sag = 20 * ph_smooth((from_wall - 15) / 80);
                double surface = level - meniscus + sag * (1 - severity);
                double k = ph_smooth((y - surface) / (5 + 5 * severity) + 0.5);
                if (k > 0)
                    fill_more(m->fill, at, (float)(0.97 * k));
            }
    }
}

static void draw_atelectasis(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 6);
    if (s->form == PH_ATEL_LINEAR) {
        for (int side = 0; side < 2; side++) {
            if (s->side != PH_BOTH && s->side != side)
                continue;
            double sign = side == PH_LEFT ? 1 : -1;
            for (int i = 0; i < s->count; i++) {
                double x, y, base = s->zone == PH_LOWER ? 0.84 : s->zone == PH_MIDDLE ? 0.62 : 0.36;
                ph_lung_point(t, side, base - 0.085 * i + radz_rng_range(&rng, -0.02, 0.03),
                              0.22 + radz_rng_range(&rng, 0, 0.14), &x, &y);
                double length = radz_rng_range(&rng, 38, 58) + 26 * s->severity,
                       lean = radz_rng_range(&rng, -0.18, 0.30);
                double r = 1.4 + 1.8 * s->severity + radz_rng_range(&rng, 0, 0.8), sag = radz_rng_range(&rng, -4, 6);
                ph_point band[7];
                for (int k = 0; k < 7; k++) {
                    double u = k / 6.0;
                    band[k] = (ph_point){x + sign * u * length, y + lean * u * length + sag * 4 * u * (1 - u),
                                         r * (0.75 + u * (1 - u))};
                }
                ph_tube(t, m, m->solid, band, 7, 2.0 + 1.6 * s->severity, 0, PH_MAX);
            }
            /* crowded base */
            double x, y;
            ph_lung_point(t, side, 0.95, 0.4, &x, &y);
            if (s->zone == PH_LOWER)
                draw_blob(t, m, x, y, 48, 16, 0.10 + 0.16 * s->severity, 0.4);
        }
        return;
    }
    /* a collapsed lobe: dense wedge with a sharp, pulled fissure */
    int side = s->side;
    double sign = side == PH_LEFT ? 1 : -1, h = t->dome_y[side], peak = 0.5 + 0.4 * s->severity;
    ph_box box = lung_box(t, side);
    for (int row = box.y0; row < box.y1; row++)
        for (int column = box.x0; column < box.x1; column++) {
            size_t at = (size_t)row * PH_N + (size_t)column;
            if (m->lung[at] <= 0)
                continue;
            double x = sign * (ph_x(t, column) - t->mid_row[row + PH_PAD]), y = ph_y(t, row), k;
            if (x < 0)
                continue;
            if (s->zone == PH_UPPER) {
                /* fissure swung up: concave towards the lung, from the hilum to the lateral apex */
                double edge = 0.40 * h - (0.05 + 0.13 * s->severity) * h - 0.0048 * (x - 25) * (x - 25);
                k = ph_smooth((edge - y) / 4 + 0.5);
            } else if (s->zone == PH_MIDDLE) {
                double reach = 0.62 * t->half_width, mid = 0.68 * h;
                double half = 20 * (1 - x / reach) + 5;
                k = x < reach
                        ? ph_smooth((half - fabs(y - mid - 0.12 * x)) / 9 + 0.5) * ph_smooth((reach - x) / 25) * 0.85
                        : 0;
            } else {
                /* a triangle beside the spine, behind the heart, its base on the diaphragm */
                double top = (0.47 - 0.05 * s->severity) * h, u = (y - top) / (h + 25 - top);
                double width = 14 + u * (0.52 - 0.12 * s->severity) * t->half_width;
                k = u > 0 ? ph_smooth((width - x) / 5 + 0.5) * ph_smooth(u * 6) : 0;
            }
            if (k > 0)
                fill_more(m->fill, at, (float)(peak * k));
        }
}

static void draw_edema(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 7);
    double peak = 0.10 + 0.50 * s->severity;
    for (int side = 0; side < 2; side++) {
        double hx = t->hilum_x[side], hy = t->hilum_y[side] + 14, sign = side == PH_LEFT ? 1 : -1;
        double rx = (0.34 + 0.22 * s->severity) * t->half_width, ry = (0.30 + 0.12 * s->severity) * t->height;
        ph_box box = lung_box(t, side);
        for (int row = box.y0; row < box.y1; row++)
            for (int column = box.x0; column < box.x1; column++) {
                size_t at = (size_t)row * PH_N + (size_t)column;
                if (m->lung[at] <= 0)
                    continue;
                double dx = (ph_x(t, column) - hx - sign * 12) / rx, dy = (ph_y(t, row) - hy) / ry;
                if (sign * (ph_x(t, column) - t->mid_row[row + PH_PAD]) < 0)
                    continue;
                double d = dx * dx + dy * dy;
                double k = 1 / (1 + d * d * d * 0.9 + d * 0.7);
                double value = peak * k * (1 + 0.35 * m->cloud[at]) + 0.05 * s->severity;
                fill_more(m->fill, at, (float)value);
                /* interstitial water blurs and thickens the markings */
                m->vessel[at] *= (float)(1 + 0.5 * k);
            }
        if (s->extra)
            for (int i = 0; i < 12; i++) { /* septal lines: short, level, reaching the lateral wall */
                double y = t->dome_y[side] - 3 - i * 5.5 + radz_rng_range(&rng, -1.5, 1.5);
                double w = wall_at(t, y) - 2, l = radz_rng_range(&rng, 9, 18);
                ph_point line[] = {{sign * w, y, 1.0}, {sign * (w - l), y + radz_rng_range(&rng, -2, 1), 0.8}};
                ph_tube(t, m, m->vessel, line, 2, 9.0, 0, PH_MAX);
            }
        for (int i = 0; i < 4; i++) { /* cuffed bronchi on end */
            double a = radz_rng_range(&rng, 0, 6.28), l = radz_rng_range(&rng, 12, 30), x = hx + l * det_cos(a),
                   y = hy + l * det_sin(a), r = 3.4;
            ph_point ring[13];
            for (int k = 0; k < 13; k++)
                ring[k] = (ph_point){x + r * det_cos(k * PI / 6), y + r * det_sin(k * PI / 6), 1.2};
            ph_tube(t, m, m->vessel, ring, 13, 2.2, 0, PH_MAX);
        }
    }
}

static void draw_emphysema(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    if (!s->extra)
        return;
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 8);
    for (int i = 0; i < 2 + (int)(4 * s->severity); i++) {
        int side = radz_rng_uniform(&rng) < 0.5 ? PH_RIGHT : PH_LEFT;
        double x, y, r = radz_rng_range(&rng, 10, 24);
        ph_lung_point(t, side, radz_rng_range(&rng, 0.12, 0.55), radz_rng_range(&rng, 0.45, 0.85), &x, &y);
        ph_point ring[25];
        for (int k = 0; k < 25; k++)
            ring[k] = (ph_point){x + r * det_cos(k * PI / 12), y + r * 1.1 * det_sin(k * PI / 12), 0.6};
        ph_tube(t, m, m->vessel, ring, 25, 5.5, 0, PH_MAX);
        ph_box box = ph_box_around(t, x - r, y - r * 1.1, x + r, y + r * 1.1);
        for (int row = box.y0; row < box.y1; row++)
            for (int column = box.x0; column < box.x1; column++) {
                double dx = (ph_x(t, column) - x) / (r - 1), dy = (ph_y(t, row) - y) / (r * 1.1 - 1);
                size_t at = (size_t)row * PH_N + (size_t)column;
                if (dx * dx + dy * dy < 1 && m->free[at] < 0.4f)
                    m->free[at] = 0.4f;
            }
    }
}

static void draw_fibrosis(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 9);
    for (int side = 0; side < 2; side++) {
        if (s->side != PH_BOTH && s->side != side)
            continue;
        int lines = 90 + (int)(190 * s->severity), rings = s->extra ? 30 + (int)(50 * s->severity) : 0;
        for (int i = 0; i < lines + rings; i++) {
            /* denser towards the base (or apex) and the periphery */
            double a = radz_rng_uniform(&rng), b = radz_rng_uniform(&rng), x, y;
            double along = (0.52 + 0.12 * s->severity) * a * a, u = 1 - 0.85 * b * b;
            ph_lung_point(t, side, s->form == PH_FIB_BASAL ? 1.06 - along : 0.06 + along * 0.8, u, &x, &y);
            if (i < lines) {
                double turn = radz_rng_range(&rng, 0, 2 * PI), l = radz_rng_range(&rng, 4, 12);
                double bend = radz_rng_range(&rng, -0.6, 0.6);
                double mx = x + l * 0.5 * det_cos(turn), my = y + l * 0.5 * det_sin(turn);
                ph_point line[] = {{x, y, 0.9},
                                   {mx, my, 1.1},
                                   {mx + l * 0.5 * det_cos(turn + bend), my + l * 0.5 * det_sin(turn + bend), 0.7}};
                ph_tube(t, m, m->vessel, line, 3, 4.6 + 4.4 * s->severity, 0, PH_MAX);
            } else {
                double r = radz_rng_range(&rng, 2.2, 4.2);
                ph_point ring[9];
                for (int k = 0; k < 9; k++)
                    ring[k] = (ph_point){x + r * det_cos(k * PI / 4), y + r * det_sin(k * PI / 4), 0.8};
                ph_tube(t, m, m->vessel, ring, 9, 4.8 + 4.4 * s->severity, 0, PH_MAX);
            }
        }
        double x, y;
        ph_lung_point(t, side, s->form == PH_FIB_BASAL ? 0.95 : 0.15, 0.6, &x, &y);
        draw_blob(t, m, x, y, 55, 32, 0.06 + 0.12 * s->severity, 0.6);
    }
}

static void draw_pleural_thickening(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 10);
    for (int side = 0; side < 2; side++) {
        if (s->side != PH_BOTH && s->side != side)
            continue;
        double sign = side == PH_LEFT ? 1 : -1, thick = 4.5 + 8.5 * s->severity;
        double top, bottom;
        if (s->form == PH_PT_APICAL) {
            top = -10;
            bottom = 0.20 * t->height;
        } else {
            top = (0.30 + 0.2 * radz_rng_uniform(&rng)) * t->height;
            bottom = top + (0.28 + 0.25 * s->severity) * t->height;
            if (bottom > t->dome_y[side] - 4)
                bottom = t->dome_y[side] - 4;
        }
        ph_box box = lung_box(t, side);
        for (int row = box.y0; row < box.y1; row++) {
            double y = ph_y(t, row);
            if (y < top || y > bottom)
                continue;
            double taper = s->form == PH_PT_APICAL ? ph_smooth((bottom - y) / 18)
                                                   : ph_smooth((y - top) / 14) * ph_smooth((bottom - y) / 14);
            for (int column = box.x0; column < box.x1; column++) {
                size_t at = (size_t)row * PH_N + (size_t)column;
                if (m->lung[at] <= 0)
                    continue;
                double x = sign * ph_x(t, column);
                if (x < 18)
                    continue;
                int bent = row + PH_PAD - (int)t->bend_col[column];
                double gap;
                if (s->form == PH_PT_APICAL) {
                    /* distance below the lung's curved top and from its side */
                    double under = ((row + PH_PAD - (int)t->bend_col[column]) - ph_row(t, 0)) * t->mm;
                    double aside = t->wall_row[bent < 0 ? 0 : bent] - x;
                    gap = under < aside ? under : aside;
                } else
                    gap = wall_at(t, y) - x;
                double width = thick * taper * (s->form == PH_PT_APICAL ? 2.2 : 1) + 1.2 * m->grain[at] * taper;
                double k = ph_smooth((width - gap) / 2.2 + 0.5);
                if (k > 0)
                    fill_more(m->fill, at, (float)(0.9 * k));
            }
        }
        if (s->extra) /* calcified plaque, seen on end */
            for (int i = 0; i < 3; i++) {
                double y = top + (bottom - top) * radz_rng_range(&rng, 0.2, 0.8), w = wall_at(t, y) - thick * 0.7;
                ph_point plaque[] = {{sign * w, y - 7, 1.1}, {sign * (wall_at(t, y + 7) - thick * 0.7), y + 7, 1.1}};
                ph_tube(t, m, m->bone, plaque, 2, 2.5, 0, PH_MAX);
            }
    }
}

static void draw_pneumothorax(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    int side = s->side;
    double sign = side == PH_LEFT ? 1 : -1;
    radz_rng rng;
    radz_rng_seed(&rng, s->seed, 11);
    double apex = 9 + 62 * s->severity * (0.6 + 0.4 * s->severity), lateral = 2 + 66 * (s->severity - 0.15);
    if (lateral < 2)
        lateral = 2;
    double wave = radz_rng_range(&rng, 0, 6.28), end = (0.50 + 1.0 * s->severity) * t->height;
    ph_box box = lung_box(t, side);
    /* `gap`: distance of the visceral pleura from the chest wall; the apex is uncovered by `apex` mm */
    for (int row = box.y0; row < box.y1; row++) {
        double y = ph_y(t, row);
        double near_end = ph_smooth((end - y) / 90);
        double gap = (lateral + (apex * 0.75 - lateral) * (1 - ph_smooth(y / (0.45 * t->height)))) * near_end +
                     1.2 * det_sin(y / 17 + wave) * near_end;
        for (int column = box.x0; column < box.x1; column++) {
            size_t at = (size_t)row * PH_N + (size_t)column;
            if (m->lung[at] <= 0)
                continue;
            double x = sign * ph_x(t, column);
            if (x - sign * t->mid_row[row + PH_PAD] < 14)
                continue;
            int bent = row + PH_PAD - (int)t->bend_col[column];
            double top = (bent - ph_row(t, 0)) * t->mm;
            double aside = t->wall_row[bent < 0 ? 0 : bent] - x;
            if (gap < 0.5)
                gap = 0.5;
            /* a rounded corner between the lateral gap and the apical one */
            double p = aside / (1.7 * gap), q = top / (1.5 * apex), round = p + q - sqrt(p * p + q * q) - 0.586;
            double inside = round * (gap < apex ? gap : apex) * 1.7; /* mm within the lung's edge */
            if (aside < gap && aside < top && near_end < 0.02)
                inside = 3;
            if (inside < 0)
                m->free[at] = 1;
            else if (inside < 1.5 + 0.4 * t->mm)
                m->solid[at] += 9; /* the pleura on end */
            else
                fill_more(m->fill, at, (float)(0.03 + 0.12 * s->severity)); /* the lung has less air */
        }
    }
}

static void draw_hernia(const ph_thorax *t, ph_maps *m, const ph_sign *s)
{
    double r = s->size / 2, x = t->shift_lower + 10 + 0.35 * r + 14 * (s->t - 0.5), y = t->dome_y[PH_LEFT] - 0.62 * r;
    double level = y - r * (0.05 + 0.3 * (s->s - 0.5));
    ph_box box = ph_box_around(t, x - 1.2 * r, y - r, x + 1.2 * r, y + r);
    for (int row = box.y0; row < box.y1; row++)
        for (int column = box.x0; column < box.x1; column++) {
            size_t at = (size_t)row * PH_N + (size_t)column;
            double dx = (ph_x(t, column) - x) / (1.1 * r), dy = (ph_y(t, row) - y) / r, d = dx * dx + dy * dy;
            if (d >= 1)
                continue;
            double chord = 2 * r * 0.85 * sqrt(1 - d), inner = 1 - d / 0.80;
            double gas = inner > 0 && s->extra && ph_y(t, row) < level ? 2 * r * 0.78 * sqrt(inner) : 0;
            /* it lies behind the heart and pushes lung aside */
            double room = m->lung[at], taken = chord < room ? chord : room;
            m->solid[at] += (float)((0.8 * taken + 0.10 * chord) * (0.7 + 0.3 * s->severity));
            m->gas[at] += (float)(gas * (0.62 + 0.33 * s->severity));
        }
    ph_point shell[25];
    for (int k = 0; k < 25; k++)
        shell[k] = (ph_point){x + 1.07 * r * det_cos(k * PI / 12), y + 0.97 * r * det_sin(k * PI / 12), 1.4};
    ph_tube(t, m, m->solid, shell, 25, 0.9, 0, PH_ADD);
}

void ph_draw_findings(const ph_thorax *t, ph_maps *m)
{
    for (int i = 0; i < t->shot->sign_count; i++) {
        const ph_sign *s = &t->shot->signs[i];
        if (t->hidden >> s->kind & 1)
            continue;
        switch (s->kind) {
        case RADZ_PHANTOM_ATELECTASIS:
            draw_atelectasis(t, m, s);
            break;
        case RADZ_PHANTOM_CONSOLIDATION:
            draw_consolidation(t, m, s);
            break;
        case RADZ_PHANTOM_EDEMA:
            draw_edema(t, m, s);
            break;
        case RADZ_PHANTOM_EFFUSION:
            draw_effusion(t, m, s);
            break;
        case RADZ_PHANTOM_EMPHYSEMA:
            draw_emphysema(t, m, s);
            break;
        case RADZ_PHANTOM_FIBROSIS:
            draw_fibrosis(t, m, s);
            break;
        case RADZ_PHANTOM_HERNIA:
            draw_hernia(t, m, s);
            break;
        case RADZ_PHANTOM_INFILTRATION:
            draw_infiltration(t, m, s);
            break;
        case RADZ_PHANTOM_MASS:
            draw_mass(t, m, s);
            break;
        case RADZ_PHANTOM_NODULE:
            draw_nodules(t, m, s);
            break;
        case RADZ_PHANTOM_PLEURAL_THICKENING:
            draw_pleural_thickening(t, m, s);
            break;
        case RADZ_PHANTOM_PNEUMONIA:
            draw_pneumonia(t, m, s);
            break;
        case RADZ_PHANTOM_PNEUMOTHORAX:
            draw_pneumothorax(t, m, s);
            break;
        case RADZ_PHANTOM_CARDIOMEGALY: /* a matter of the thorax's measures */
        case RADZ_PHANTOM_FINDINGS:
            break;
        }
    }
}

/* ---- devices ---- */

static void wire(const ph_thorax *t, ph_maps *m, const ph_point *points, int count, double density)
{
    /* a smooth curve through the points (Catmull-Rom), as wires and tubes lie */
    ph_point fine[64];
    int n = 0;
    for (int i = 0; i + 1 < count; i++) {
        const ph_point *a = &points[i > 0 ? i - 1 : 0], *b = &points[i], *c = &points[i + 1],
                       *d = &points[i + 2 < count ? i + 2 : count - 1];
        for (int k = 0; k < 8 && n < 63; k++) {
            double u = k / 8.0, u2 = u * u, u3 = u2 * u;
            double wa = -0.5 * u3 + u2 - 0.5 * u, wb = 1.5 * u3 - 2.5 * u2 + 1, wc = -1.5 * u3 + 2 * u2 + 0.5 * u,
                   wd = 0.5 * u3 - 0.5 * u2;
            fine[n++] = (ph_point){wa * a->x + wb * b->x + wc * c->x + wd * d->x,
                                   wa * a->y + wb * b->y + wc * c->y + wd * d->y, b->r};
        }
    }
    fine[n++] = points[count - 1];
    ph_tube(t, m, m->metal, fine, n, density, 0, PH_MAX);
}

static void draw_letter(const ph_thorax *t, ph_maps *m, char letter, double x, double y, double dot)
{
    ph_box box = ph_box_around(t, x, y, x + 5 * dot, y + 7 * dot);
    for (int row = box.y0; row < box.y1; row++)
        for (int column = box.x0; column < box.x1; column++) {
            double fx = (ph_x(t, column) - x) / dot, fy = (ph_y(t, row) - y) / dot;
            if (fx >= 0 && fy >= 0 && ph_glyph_dot(letter, (int)fx, (int)fy))
                m->metal[(size_t)row * PH_N + (size_t)column] = 6;
        }
}

void ph_draw_devices(const ph_thorax *t, ph_maps *m)
{
    radz_rng rng;
    radz_rng_seed(&rng, t->shot->seed, 50);
    unsigned devices = t->shot->devices;
    double w = t->half_width, h = t->height;
    /* the side marker */
    double edge = (PH_N * t->mm) / 2 - t->shot->collimation - 24;
    bool left = radz_rng_uniform(&rng) < 0.7;
    draw_letter(t, m, left ? 'L' : 'R', (left ? edge - 8 : -edge - 6) - t->shot->offset_x,
                radz_rng_range(&rng, -12, 22), 2.2);
    if (t->shot->ap && radz_rng_uniform(&rng) < 0.5) {
        const char *word = "PORTABLE";
        double x0 = (left ? -edge - 4 : edge - 60) - t->shot->offset_x;
        for (int i = 0; word[i] != '\0'; i++)
            draw_letter(t, m, word[i], x0 + i * 8.4, -22 - t->shot->offset_y * 0.5, 1.4);
    }
    if (devices & PH_DEV_PACEMAKER) {
        radz_rng own;
        radz_rng_seed(&own, t->body->seed, 51);
        double x = 0.62 * w + radz_rng_range(&own, -8, 8), y = 0.22 * h + radz_rng_range(&own, -8, 10);
        ph_ellipsoid(t, m->metal, x, y, 21, 18, 0.8, 1, 0, 1, PH_MAX);
        ph_ellipsoid(t, m->metal, x, y - 14, 13, 9, 0.4, 1, 0, 1, PH_MAX);
        ph_point lead[] = {{x - 8, y - 20, 0.9},
                           {0.35 * w, 0.07 * h, 0.9},
                           {8, 0.10 * h, 0.9},
                           {-16, 0.28 * h, 0.9},
                           {t->heart_x - 0.22 * t->heart_width, t->heart_y, 0.9},
                           {t->heart_x + 0.1 * t->heart_width, t->heart_y + 0.28 * t->heart_width, 0.9},
                           {t->heart_x + 0.40 * t->heart_width, t->heart_y + 0.24 * t->heart_width, 1.2}};
        wire(t, m, lead, 7, 0.7);
    }
    if (devices & PH_DEV_LEADS)
        for (int i = 0; i < 4; i++) {
            double sign = i & 1 ? 1 : -1, x = sign * radz_rng_range(&rng, 0.55, 0.9) * w;
            double y = (i < 2 ? radz_rng_range(&rng, 0.08, 0.3) : radz_rng_range(&rng, 0.75, 1.1)) * h;
            ph_ellipsoid(t, m->metal, x, y, 4.5, 4.5, 0.5, 1, 0, 1, PH_MAX);
            ph_ellipsoid(t, m->metal, x, y, 2, 2, 1.2, 1, 0, 1, PH_MAX);
            ph_point cable[] = {{x, y, 0.8},
                                {x - sign * radz_rng_range(&rng, 5, 40), y + radz_rng_range(&rng, 20, 60), 0.8},
                                {sign * radz_rng_range(&rng, 0, 60), 0.9 * h, 0.8},
                                {sign * 30, 1.5 * h, 0.8}};
            wire(t, m, cable, 4, 0.35);
        }
    double tx = t->shift_upper * 0.5 + t->shear * 10;
    if (devices & PH_DEV_TUBE) {
        double tip = t->carina_y - radz_rng_range(&rng, 18, 55);
        ph_point a[] = {{tx - 3.5, -95, 0.6}, {tx - 3.5, tip * 0.4, 0.6}, {t->carina_x - 4, tip, 0.6}};
        ph_point b[] = {{tx + 3.5, -95, 0.9}, {tx + 3.5, tip * 0.4, 0.9}, {t->carina_x + 3, tip - 4, 0.9}};
        wire(t, m, a, 3, 0.22);
        wire(t, m, b, 3, 0.45);
    }
    if (devices & PH_DEV_LINE) {
        double tip = radz_rng_range(&rng, 0.3, 0.46) * h;
        ph_point line[] = {{-34, -90, 0.9},
                           {-30, -30, 0.9},
                           {-20, 0.08 * h, 0.9},
                           {-20 + t->shift_upper, 0.2 * h, 0.9},
                           {-22 + t->shift_upper, tip, 0.9}};
        wire(t, m, line, 5, 0.35);
    }
    if (devices & PH_DEV_GASTRIC) {
        ph_point tube[] = {{tx + 1, -95, 1.3},
                           {tx + 4, 0, 1.3},
                           {6 + t->shift_upper, 0.35 * h, 1.3},
                           {9 + t->shift_lower, 0.8 * h, 1.3},
                           {24, 1.08 * h, 1.3},
                           {0.42 * w, 1.22 * h, 1.3}};
        wire(t, m, tube, 6, 0.25);
    }
    if (devices & PH_DEV_DRAIN) {
        const ph_sign *s = ph_find(t->shot, RADZ_PHANTOM_PNEUMOTHORAX);
        if (s == NULL)
            s = ph_find(t->shot, RADZ_PHANTOM_EFFUSION);
        double sign = s != NULL && s->side == PH_LEFT ? 1 : -1;
        ph_point tube[] = {{sign * (w + 45), 0.72 * h, 2.4},
                           {sign * (w - 2), 0.62 * h, 2.4},
                           {sign * 0.72 * w, 0.36 * h, 2.4},
                           {sign * 0.5 * w, 0.14 * h, 2.4}};
        wire(t, m, tube, 4, 0.13);
        for (int i = 0; i < 4; i++)
            tube[i].r = 0.7;
        wire(t, m, tube, 4, 0.5);
    }
    if (devices & PH_DEV_WIRES)
        for (int i = 0; i < 6; i++) {
            double y = (0.2 + 0.115 * i) * h, x = t->shear * 75;
            ph_point loop[11];
            for (int k = 0; k < 11; k++)
                loop[k] = (ph_point){x + 7 * det_cos(k * PI / 5), y + 4.5 * det_sin(k * PI / 5), 0.6};
            ph_tube(t, m, m->metal, loop, 11, 0.9, 0, PH_MAX);
        }
    if (devices & PH_DEV_CLIPS)
        for (int i = 0; i < 5; i++) {
            double x = radz_rng_range(&rng, 10, 60), y = radz_rng_range(&rng, 0.3, 0.75) * h,
                   a = radz_rng_range(&rng, 0, 3);
            ph_point clip[] = {{x, y, 0.7}, {x + 5 * det_cos(a), y + 5 * det_sin(a), 0.7}};
            ph_tube(t, m, m->metal, clip, 2, 1.0, 0, PH_MAX);
        }
}

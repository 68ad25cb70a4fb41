/* Normal anatomy of the phantom: the thorax as analytic bodies whose chords along the rays fill the maps. */
#include <string.h>

#include "base/detmath.h"
#include "data/phantom_internal.h"

static const double PI = 3.14159265358979323846;

/* Half width of the chest relative to its widest, against height s (0 apices, 1 dome). */
static const double profile_at[][2] = {{-0.06, 0.17}, {0.0, 0.37}, {0.05, 0.50},  {0.12, 0.65},
                                       {0.2, 0.765},  {0.3, 0.86}, {0.45, 0.925}, {0.6, 0.97},
                                       {0.8, 1.0},    {1.0, 1.0},  {1.35, 0.97},  {2.0, 0.93}};

static double profile(double s)
{
    enum { COUNT = sizeof profile_at / sizeof *profile_at };
    if (s <= profile_at[0][0])
        return profile_at[0][1];
    for (int i = 0; i + 1 < COUNT; i++)
        if (s < profile_at[i + 1][0]) {
            /* cubic through the tangents of the neighbours, so that the chest wall has no kinks */
            const double *a = profile_at[i], *b = profile_at[i + 1];
            const double *before = profile_at[i > 0 ? i - 1 : 0],
                         *after = profile_at[i + 2 < COUNT ? i + 2 : COUNT - 1];
            double h = b[0] - a[0], k = (s - a[0]) / h;
            double da = (b[1] - before[1]) / (b[0] - before[0]) * h, db = (after[1] - a[1]) / (after[0] - a[0]) * h;
            double k2 = k * k, k3 = k2 * k;
            return (2 * k3 - 3 * k2 + 1) * a[1] + (k3 - 2 * k2 + k) * da + (3 * k2 - 2 * k3) * b[1] + (k3 - k2) * db;
        }
    return profile_at[COUNT - 1][1];
}

static double shift_at(const ph_thorax *t, double y)
{
    double k = ph_smooth((y + 40) / (t->height + 40));
    return t->shift_upper + k * (t->shift_lower - t->shift_upper);
}

void ph_lung_point(const ph_thorax *t, int side, double s, double u, double *x, double *y)
{
    double sign = side == PH_LEFT ? 1 : -1;
    *y = s * t->dome_y[side];
    double wall = t->half_width * profile(*y / t->height);
    double medial = 24 + 14 * ph_smooth((s - 0.3) / 0.5);
    *x = sign * (medial + u * (wall - medial));
}

void ph_thorax_set(ph_thorax *t, const ph_shot *shot, unsigned hidden)
{
    memset(t, 0, sizeof *t);
    const ph_body *body = shot->body;
    t->shot = shot;
    t->body = body;
    t->hidden = hidden;
    t->mm = shot->fov / PH_N;
    t->half_width = body->half_width;
    t->height = body->height;
    t->depth = body->depth;
    t->lung_density = body->lung_density;
    t->vessel = body->vessel;
    t->near_scale = shot->ap ? 1.13 : 1.035;
    t->shear = shot->rotation;

    double poor = 1 - shot->inspiration;
    double ratio = body->heart_ratio + 0.05 * poor;
    double drop = body->height * (1 - 0.17 * poor);
    double heart_shrink = 1;
    t->dome_y[PH_RIGHT] = drop;
    t->dome_y[PH_LEFT] = drop + body->dome_step;
    for (int side = 0; side < 2; side++) {
        t->lateral_drop[side] = body->dome_curve - 8 * poor;
        t->medial_drop[side] = 11;
        t->dome_x[side] = (side == PH_LEFT ? 1 : -1) * 0.52 * t->half_width;
    }
    for (int i = 0; i < shot->sign_count; i++) {
        const ph_sign *sign = &shot->signs[i];
        if (hidden >> sign->kind & 1)
            continue;
        double toward = sign->side == PH_LEFT ? 1 : -1;
        switch (sign->kind) {
        case RADZ_PHANTOM_CARDIOMEGALY:
            ratio = 0.505 + 0.19 * sign->severity;
            break;
        case RADZ_PHANTOM_EMPHYSEMA:
            for (int side = 0; side < 2; side++) {
                t->dome_y[side] += body->height * (0.02 + 0.12 * sign->severity);
                t->lateral_drop[side] *= 0.88 - 0.72 * sign->severity;
                t->medial_drop[side] *= 0.85 - 0.65 * sign->severity;
            }
            t->lung_density *= 0.95 - 0.48 * sign->severity;
            t->vessel *= 0.95 - 0.3 * sign->severity;
            t->depth *= 1.02 + 0.15 * sign->severity;
            heart_shrink = 0.98 - 0.15 * sign->severity;
            break;
        case RADZ_PHANTOM_ATELECTASIS:
            if (sign->form == PH_ATEL_LOBAR) {
                double amount = 5 + 14 * sign->severity;
                if (sign->zone == PH_UPPER)
                    t->shift_upper += toward * amount;
                else {
                    t->shift_lower += toward * amount * 0.9;
                    t->shift_upper += toward * amount * 0.25;
                }
                t->dome_y[sign->side] -= 8 + 22 * sign->severity;
            } else {
                int from = sign->side == PH_BOTH ? 0 : sign->side, to = sign->side == PH_BOTH ? 1 : sign->side;
                for (int side = from; side <= to; side++)
                    t->dome_y[side] -= 3 + 9 * sign->severity;
            }
            break;
        case RADZ_PHANTOM_EFFUSION:
            if (sign->side != PH_BOTH && sign->form == PH_EFF_MENISCUS && sign->severity > 0.75) {
                t->shift_lower -= toward * 22 * (sign->severity - 0.65);
                t->shift_upper -= toward * 14 * (sign->severity - 0.65);
            }
            break;
        case RADZ_PHANTOM_PNEUMOTHORAX:
            if (sign->extra) {
                t->shift_lower -= toward * 24 * sign->severity;
                t->shift_upper -= toward * 16 * sign->severity;
                t->dome_y[sign->side] += 16 * sign->severity;
                t->lateral_drop[sign->side] *= 0.4;
            }
            break;
        case RADZ_PHANTOM_FIBROSIS:
            if (sign->form == PH_FIB_BASAL)
                for (int side = 0; side < 2; side++)
                    if (sign->side == PH_BOTH || sign->side == side)
                        t->dome_y[side] -= 5 + 16 * sign->severity;
            break;
        default:
            break;
        }
    }

    double chest = t->half_width * profile(0.95);
    t->heart_width = 2 * chest * ratio * heart_shrink * (t->near_scale / 1.035);
    double left_dome = t->dome_y[PH_LEFT], center = (t->dome_y[PH_RIGHT] + left_dome) / 2;
    center = ph_clamp(center, left_dome - 12, left_dome + 4);
    t->heart_y = center + 9 - 0.36 * t->heart_width;
    t->heart_x = t->shift_lower + t->shear * 60;
    t->carina_y = 0.285 * t->height;
    t->carina_x = t->shift_upper * 0.8 + t->shift_lower * 0.2 + t->shear * 15 + 2;
    for (int side = 0; side < 2; side++) {
        double sign = side == PH_LEFT ? 1 : -1;
        t->hilum_x[side] = sign * (34 + 0.02 * t->half_width) + (t->shift_upper + t->shift_lower) / 2 + t->shear * 15;
        t->hilum_y[side] = t->height * (side == PH_LEFT ? 0.395 : 0.435);
    }
    t->knob_r = 13 + 6 * body->aorta;
    t->knob_x = 21 + 7 * body->aorta + t->shift_upper + t->shear * 20;
    t->knob_y = 0.225 * t->height;
    t->ox = PH_N / 2.0 + shot->offset_x / t->mm;
    t->oy = (34 + shot->offset_y) / t->mm;

    for (int i = 0; i < PH_ROWS; i++) {
        double y = ph_y(t, i - PH_PAD), s = y / t->height;
        t->wall_row[i] = (float)(t->half_width * profile(s));
        double open = ph_clamp(s / 0.42, 0, 1);
        t->depth_row[i] = (float)(t->depth * sqrt(open * (2 - open)));
        t->mid_row[i] = (float)shift_at(t, y);
        double width = 22 + 6 * ph_smooth(s / 0.25) - 15 * ph_smooth((s - 0.45) / 0.3);
        t->med_row[PH_RIGHT][i] = (float)(width + 2);
        t->med_row[PH_LEFT][i] = (float)(width + 3 * body->aorta + 1);
    }
    for (int column = 0; column < PH_N; column++) {
        double x = ph_x(t, column);
        int side = x > t->shift_lower ? PH_LEFT : PH_RIGHT;
        double off = (fabs(x) - fabs(t->dome_x[side])) / (0.5 * t->half_width);
        double fall =
            off > 0 ? t->lateral_drop[side] * off * off * (0.65 + 0.35 * off * off) : t->medial_drop[side] * off * off;
        t->dome_col[column] = (float)(t->dome_y[side] + fall);
        double bend = (fabs(x) - 0.26 * t->half_width) / 34;
        t->bend_col[column] = (float)(8 * (bend > 1.6 ? 2.56 : bend * bend) / t->mm);
    }
}

/* ---- soft parts ---- */

static void draw_torso(const ph_thorax *t, ph_maps *m)
{
    const ph_body *body = t->body;
    double thick = t->depth * (t->depth > body->depth ? body->depth / t->depth : 1) + 2.1 * body->wall + 12;
    double neck = 50 + 0.25 * body->wall, trap_slope = 0.34;
    for (int row = 0; row < PH_N; row++) {
        double y = ph_y(t, row), s = y / t->height;
        double wall = t->half_width * profile(s < 0.3 ? 0.3 : s) + body->wall;
        double open = (0.3 - s) / 0.3;
        if (open > 0)
            wall += 150 * open * sqrt(open);
        float neck_half = (float)(neck + 10 * ph_smooth((y + 45) / 60)), outer = (float)(1 / wall);
        float *line = m->torso + (size_t)row * PH_N;
        for (int column = 0; column < PH_N; column++) {
            float x = (float)ph_x(t, column), ax = fabsf(x);
            float value = 0;
            float u = x * outer;
            u *= u;
            u *= u; /* a body is flatter than an ellipse */
            float top = (float)(-58 + trap_slope * (ax - 45)), under = (float)y - top;
            if (u < 1 && under > 0) {
                float rise = under * (1 / 60.0f);
                rise = rise > 1 ? 1 : rise * (2 - rise);
                value = (float)thick * sqrtf((1 - u) * rise);
            }
            float v = ax / neck_half;
            if (v < 1) {
                float neck_value = 138 * sqrtf(1 - v * v);
                value = neck_value > value ? neck_value : value;
            }
            line[column] = value;
        }
    }
    double down = t->shot->ap ? 190 : 120;
    for (int side = 0; side < 2; side++) {
        double sign = side == PH_LEFT ? 1 : -1, x0 = t->half_width + body->wall + 26, spread = t->shot->ap ? 22 : 70;
        ph_point arm[] = {
            {sign * x0, 8, 40}, {sign * (x0 + spread), down, 36}, {sign * (x0 + spread * 1.6), down + 160, 30}};
        ph_tube(t, m, m->torso, arm, 3, 1, 0, PH_MAX);
        ph_point humerus[] = {{sign * (x0 - 6), 14, 19},
                              {sign * (x0 + 2), 34, 13},
                              {sign * (x0 + spread), down, 11},
                              {sign * (x0 + spread * 1.6), down + 160, 10}};
        ph_tube(t, m, m->bone, humerus, 4, 0.9, 0.75, PH_ADD);
    }
    if (body->breast > 0)
        for (int side = 0; side < 2; side++) {
            double sign = side == PH_LEFT ? 1 : -1;
            /* a paraboloid: its upper edge melts away, its lower fold is steeper */
            double a = 44 + 20 * body->breast, y = t->height * (0.70 + 0.12 * body->breast),
                   peak = 10 + 20 * body->breast;
            double x = sign * (0.56 * t->half_width + 5 * body->breast) + t->shear * 90;
            ph_box box = ph_box_around(t, x - a, y - 1.5 * a, x + a, y + 0.8 * a);
            for (int row = box.y0; row < box.y1; row++)
                for (int column = box.x0; column < box.x1; column++) {
                    double dx = (ph_x(t, column) - x) / a, dy = ph_y(t, row) - y;
                    dy /= dy < 0 ? 1.5 * a : 0.75 * a;
                    double left = 1 - dx * dx - dy * dy;
                    if (left > 0)
                        m->torso[(size_t)row * PH_N + (size_t)column] +=
                            (float)(peak * left * (dy < 0 ? 1 : 0.6 + 0.4 * left));
                }
        }
}

static void draw_lungs(const ph_thorax *t, ph_maps *m)
{
    double post_drop = 34;
    for (int row = 0; row < PH_N; row++) {
        float y = (float)ph_y(t, row);
        float *line = m->lung + (size_t)row * PH_N;
        const float *heart = m->heart + (size_t)row * PH_N;
        if (y < -25 || y > t->height * 1.5)
            continue;
        for (int column = 0; column < PH_N; column++) {
            float x = (float)ph_x(t, column);
            int at = row + PH_PAD - (int)t->bend_col[column];
            if (at < 0)
                continue;
            float wall = t->wall_row[at], u = x / wall;
            u *= u;
            if (u >= 1)
                continue;
            float depth = t->depth_row[at] * sqrtf(1 - u);
            float mid = t->mid_row[row + PH_PAD], off = x - mid;
            int side = off > 0 ? PH_LEFT : PH_RIGHT;
            float med = off / t->med_row[side][row + PH_PAD];
            med *= med;
            float taken = med < 1 ? 0.96f * depth * sqrtf(1 - med) : 0;
            if (heart[column] > taken)
                taken = heart[column];
            float value = depth - taken;
            float below = y - t->dome_col[column];
            if (below > 0) {
                float q = below / (float)post_drop;
                float recess = q < 1 ? 0.36f * depth * (1 - sqrtf(q)) : 0;
                recess *= (float)ph_smooth((fabsf(off) - 14) / 46);
                value = value < recess ? value : recess;
            } else if (below > -5) {
                /* the dome's rounded top: from full depth to the recess over a few millimetres */
                float k = -below / 5;
                value *= 0.36f + 0.64f * sqrtf(k);
            }
            line[column] = value > 0 ? value : 0;
        }
    }
}

static void draw_heart(const ph_thorax *t, ph_maps *m)
{
    double w = t->heart_width, x = t->heart_x, y = t->heart_y, c = 0.52 * w;
    if (c > 0.47 * t->depth)
        c = 0.47 * t->depth;
    const ph_body *body = t->body;
    /* the ventricles: a tilted ellipsoid whose left border lies at the planned place */
    double tilt = body->heart_tilt, level = sqrt(1 - tilt * tilt), a = 0.5 * w, b = a * body->heart_round;
    double half = sqrt(a * a * level * level + b * b * tilt * tilt);
    ph_ellipsoid(t, m->heart, x + 0.66 * w - half, y, a, b, c, level, tilt, 1, PH_MAX);
    ph_ellipsoid(t, m->heart, x - 0.09 * w, y + 0.02 * w, 0.25 * w, 0.33 * w, 0.85 * c, 0.97, -0.24, 1, PH_MAX);
    double up = t->heart_y - 0.30 * w, mid = (t->shift_upper + t->shift_lower) / 2 + t->shear * 40;
    ph_ellipsoid(t, m->heart, mid + 0.13 * w, up, 0.16 * w, 0.30 * w, 0.6 * c, 0.95, 0.3, 1, PH_MAX);
    ph_point right[] = {{mid - 8, t->carina_y, 15},
                        {mid - 9, t->hilum_y[PH_RIGHT] + 6, 0.19 * w},
                        {x - 0.10 * w, y + 0.04 * w, 0.24 * w},
                        {x - 0.06 * w, t->dome_y[PH_RIGHT] + 12, 0.22 * w}};
    ph_tube(t, m, m->heart, right, 4, 0.85 * c / (0.24 * w), 0, PH_MAX);
    ph_ellipsoid(t, m->heart, x + 0.16 * w, t->dome_y[PH_LEFT] + 2, 0.40 * w, 20, c, 1, 0, 1, PH_MAX);
    /* the waist between the great vessels and the ventricle */
    ph_point waist[] = {{mid + 6, t->carina_y + 6, 21},
                        {mid + 0.10 * w, t->hilum_y[PH_LEFT] + 12, 0.26 * w},
                        {x + 0.20 * w, y, 0.34 * w}};
    ph_tube(t, m, m->heart, waist, 3, 1.0 * c / (0.36 * w), 0, PH_MAX);
    /* ascending aorta and superior vena cava make the right upper border */
    double vascular = t->knob_y + 0.10 * t->height;
    ph_ellipsoid(t, m->heart, mid - 7, vascular + 15, 22 + 7 * body->aorta, 0.27 * t->height, 0.5 * c, 1, 0, 1, PH_MAX);
    ph_ellipsoid(t, m->heart, t->knob_x, t->knob_y, t->knob_r, t->knob_r * 1.08, 1.7 * t->knob_r, 1, 0, 1, PH_MAX);
    double lower = t->shift_lower;
    ph_point aorta[] = {{t->knob_x + 1, t->knob_y + 6, 11.5 + 3 * body->aorta},
                        {16 + 9 * body->aorta + lower * 0.5, 0.5 * t->height, 11.5 + 2 * body->aorta},
                        {12 + 4 * body->aorta + lower, 0.8 * t->height, 11},
                        {7 + lower, 1.15 * t->height, 10}};
    ph_tube(t, m, m->heart, aorta, 4, 1.5, 0, PH_MAX);
    /* fat at the heart's angles blurs them a little */
    if (body->fat_pad > 0.3) {
        double fat = body->fat_pad;
        ph_ellipsoid(t, m->heart, x + 0.58 * w, t->dome_y[PH_LEFT] - 2, 22 * fat, 17 * fat, 18 * fat, 1, 0, 1, PH_MAX);
        ph_ellipsoid(t, m->heart, x - 0.30 * w, t->dome_y[PH_RIGHT] - 2, 18 * fat, 14 * fat, 15 * fat, 1, 0, 1, PH_MAX);
    }
}

static void draw_airways(const ph_thorax *t, ph_maps *m, radz_rng *rng)
{
    double top = t->shear * 10;
    ph_point trachea[] = {{top, -95, 8.5}, {top * 0.5 + t->shift_upper * 0.6, -10, 8.2}, {t->carina_x, t->carina_y, 8}};
    ph_tube(t, m, m->gas, trachea, 3, 1.25, 0, PH_MAX);
    ph_point right[] = {{t->carina_x - 2, t->carina_y - 2, 6.5},
                        {t->carina_x - 17, t->carina_y + 22, 6},
                        {t->carina_x - 27, t->carina_y + 45, 4.5}};
    ph_point left[] = {{t->carina_x + 2, t->carina_y - 2, 6},
                       {t->carina_x + 25, t->carina_y + 17, 5.5},
                       {t->carina_x + 42, t->carina_y + 30, 4}};
    ph_tube(t, m, m->gas, right, 3, 1.2, 0, PH_MAX);
    ph_tube(t, m, m->gas, left, 3, 1.2, 0, PH_MAX);
    /* gastric bubble and bowel gas */
    double dome = t->dome_y[PH_LEFT];
    if (radz_rng_uniform(rng) < 0.75) {
        double a = radz_rng_range(rng, 14, 36), x = radz_rng_range(rng, 0.33, 0.6) * t->half_width;
        ph_ellipsoid(t, m->gas, x, dome + 15 + a * 0.62, a, a * 0.5, a * 0.9, 0.97, 0.2, 0.6, PH_MAX);
    }
    for (int i = 0; i < 3; i++)
        if (radz_rng_uniform(rng) < 0.35) {
            double a = radz_rng_range(rng, 8, 18), x = radz_rng_range(rng, 0.2, 0.85) * t->half_width;
            ph_ellipsoid(t, m->gas, x, dome + radz_rng_range(rng, 45, 80), a * 1.2, a * 0.7, a, 1, 0, 0.8, PH_MAX);
        }
}

/* ---- vessels ---- */

typedef struct ph_tree {
    const ph_thorax *t;
    ph_maps *m;
    radz_rng rng;
    double upper, lower; /* calibre factors of the upper and lower lung */
} ph_tree;

static void grow(ph_tree *tree, double x, double y, double angle, double radius, double length, int level)
{
    const ph_thorax *t = tree->t;
    ph_point path[4];
    path[0] = (ph_point){x, y, radius};
    double bend = radz_rng_range(&tree->rng, -0.12, 0.12), thin = radius;
    for (int i = 1; i < 4; i++) {
        angle += bend;
        thin *= 0.94;
        x += length / 3 * det_cos(angle);
        y += length / 3 * det_sin(angle);
        path[i] = (ph_point){x, y, thin};
    }
    double s = path[1].y / t->height;
    double calibre = s < 0.4 ? tree->upper : tree->lower;
    for (int i = 0; i < 4; i++)
        path[i].r *= calibre;
    ph_tube(t, tree->m, tree->m->vessel, path, 4, 2.3, 0, PH_MAX);
    if (level == 0 || thin < 0.35 || fabs(x) > t->half_width * 1.02 || y < -8 || y > t->height * 1.25)
        return;
    double spread = radz_rng_range(&tree->rng, 0.3, 0.62), share = radz_rng_range(&tree->rng, 0.7, 0.86);
    double next = length * radz_rng_range(&tree->rng, 0.72, 0.95);
    double turn = radz_rng_uniform(&tree->rng) < 0.5 ? 1 : -1;
    grow(tree, x, y, angle + turn * spread * 0.45, thin * share, next, level - 1);
    grow(tree, x, y, angle - turn * spread, thin * (1.45 - share), next * 0.9, level - 1);
    if (level > 2 && radz_rng_uniform(&tree->rng) < 0.5)
        grow(tree, (path[1].x + path[2].x) / 2, (path[1].y + path[2].y) / 2, angle + turn * (spread + 0.35), thin * 0.5,
             next * 0.8, level - 2);
}

static void draw_vessels(const ph_thorax *t, ph_maps *m)
{
    ph_tree tree = {.t = t, .m = m, .upper = 0.82, .lower = 1.05};
    const ph_sign *edema = ph_find(t->shot, RADZ_PHANTOM_EDEMA);
    if (edema != NULL && !(t->hidden >> RADZ_PHANTOM_EDEMA & 1)) {
        tree.upper = 1.0 + 0.5 * edema->severity; /* blood diverted to the upper lobes */
        tree.lower = 1.1;
    }
    for (int side = 0; side < 2; side++) {
        radz_rng_seed(&tree.rng, t->body->seed, 40 + (uint64_t)side);
        double x = t->hilum_x[side], y = t->hilum_y[side];
        int count = 8;
        for (int i = 0; i < count; i++) {
            /* from steeply up over lateral to steeply down */
            double angle = -1.35 + 2.72 * (i + radz_rng_range(&tree.rng, -0.25, 0.25)) / (count - 1);
            double radius = radz_rng_range(&tree.rng, 2.0, 3.0) * t->vessel, length = radz_rng_range(&tree.rng, 24, 36);
            if (side == PH_RIGHT)
                angle = PI - angle;
            double down = det_sin(angle);
            if (down > 0.2)
                length *= 1.12;
            grow(&tree, x, y + 6 * down, angle, radius, length * t->height / 225, 5);
        }
        double sign = side == PH_LEFT ? 1 : -1;
        /* the hilum itself: main artery and its descending branch */
        ph_point artery[] = {{x - sign * 12, y - 4, 9 * t->vessel},
                             {x, y + 2, 8 * t->vessel},
                             {x + sign * 5, y + 22, 6.5 * t->vessel},
                             {x + sign * 6, y + 42, 4 * t->vessel}};
        ph_tube(t, m, m->vessel, artery, 4, 2.1, 0, PH_MAX);
        ph_ellipsoid(t, m->vessel, x, y - 3, 10 * t->vessel, 13 * t->vessel, 14, 1, 0, 1, PH_MAX);
    }
}

/* ---- bones ---- */

static void draw_spine(const ph_thorax *t, ph_maps *m)
{
    const ph_body *body = t->body;
    double pitch = (t->height + 15) / 10.2, strength = body->bone;
    for (int i = -5; i < 22; i++) {
        double y = -14 + i * pitch, half = 12.5 + 0.75 * i + (i > 11 ? 2 : 0);
        double x = body->scoliosis * det_sin((y + 30) / t->height * PI) + (i < 0 ? 0 : t->shear * -20);
        if (half < 10)
            half = 10;
        double tall = pitch * 0.455;
        ph_box box = ph_box_around(t, x - half - 2, y - tall - 2, x + half + 2, y + tall + 2);
        for (int row = box.y0; row < box.y1; row++) {
            double dy = (ph_y(t, row) - y) / tall, v = dy * dy;
            if (v >= 1)
                continue;
            double edge = v > 0.72 ? 1.15 : 1; /* end plates */
            for (int column = box.x0; column < box.x1; column++) {
                double dx = (ph_x(t, column) - x) / (half * (0.92 + 0.08 * v)), u = dx * dx;
                if (u >= 1)
                    continue;
                m->bone[(size_t)row * PH_N + (size_t)column] +=
                    (float)(strength * edge * (2.6 + 3.4 * sqrt(1 - u * u)));
            }
        }
        ph_point spinous[] = {{x, y + pitch * 0.15, 3.2}, {x + t->shear * -25, y + pitch * 0.62, 3.4}};
        ph_tube(t, m, m->bone, spinous, 2, 0.9 * strength, 0.6, PH_ADD);
        for (int side = -1; side <= 1; side += 2) {
            ph_point pedicle[] = {{x + side * half * 0.68, y - tall * 0.25, 3.8},
                                  {x + side * half * 0.68, y + tall * 0.1, 3.8}};
            ph_tube(t, m, m->bone, pedicle, 2, 0.7 * strength, 0.62, PH_ADD);
            ph_point process[] = {{x + side * half * 0.8, y - 2, 4}, {x + side * (half + 15), y - 5, 3.4}};
            ph_tube(t, m, m->bone, process, 2, 0.45 * strength, 0.6, PH_ADD);
        }
    }
}

static void draw_ribs(const ph_thorax *t, ph_maps *m)
{
    const ph_body *body = t->body;
    double pitch = (t->height + 15) / 10.2;
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < 12; k++) {
            double sign = side == PH_LEFT ? 1 : -1;
            double start = -14 + k * pitch - 4, drop = (k == 0 ? 13 : k == 1 ? 24 : 34 + 1.6 * k) * body->rib_drop;
            double lateral = start + drop;
            double wall = t->half_width * profile((lateral) / t->height) + 1.5;
            if (k == 0)
                wall *= 0.92;
            enum { STEPS = 30 };
            ph_point back[STEPS], front[STEPS];
            int backs = 0, fronts = 0;
            double end = k < 6 ? 2.55 : 2.35 - 0.05 * k, begin = 0.13;
            if (k > 9)
                end = k == 10 ? 1.5 : 1.2;
            for (int i = 0; i < STEPS; i++) {
                double angle = begin + (end - begin) * i / (STEPS - 1);
                double sine = det_sin(angle), cosine = det_cos(angle);
                double z = -cosine * 0.5 * t->depth; /* positive in front */
                double x = sign * (10 * (1 - sine) + wall * sine) + t->shear * z;
                double y = start + drop * (1 - cosine) - 4 * sine * (1 - sine);
                double scale = 1 + (t->near_scale - 1) * (z > 0 ? 0.5 : 0.1) * z / t->depth;
                ph_point p = {x * scale, y, k < 2 ? 4.6 : 5.2};
                if (angle < 1.62)
                    back[backs++] = p;
                if (angle > 1.5 && k < 9) {
                    p.r *= 0.92 + 0.12 * (angle - 1.5);
                    front[fronts++] = p;
                }
            }
            ph_tube(t, m, m->bone, back, backs, 0.82 * body->bone, 0.74, PH_ADD);
            if (fronts > 1)
                ph_tube(t, m, m->bone, front, fronts, 0.5 * body->bone, 0.74, PH_ADD);
        }
}

static void draw_girdle(const ph_thorax *t, ph_maps *m, radz_rng *rng)
{
    const ph_body *body = t->body;
    double lift = radz_rng_range(rng, -8, 10), level = t->shot->ap ? 0.02 : 0.075;
    for (int side = 0; side < 2; side++) {
        double sign = side == PH_LEFT ? 1 : -1, w = t->half_width;
        double forward = t->shear * 0.42 * t->depth, y = level * t->height + 8;
        ph_point clavicle[] = {{sign * 15 + forward, y + 7, 8.5},
                               {sign * (0.25 * w) + forward, y + 1, 6.2},
                               {sign * (0.5 * w) + forward, y - 9 - lift * 0.4, 5.4},
                               {sign * (0.75 * w) + forward, y - 16 - lift, 5.6},
                               {sign * (1.02 * w) + forward * 0.6, y - 17 - lift, 6.5}};
        ph_tube(t, m, m->bone, clavicle, 5, 1.15 * body->bone, 0.68, PH_ADD);
        /* scapula: medial border, lateral border, spine, thin blade */
        double out = t->shot->ap ? 0.80 : 1.06;
        double bx = sign * out * w, by = 0.06 * t->height;
        ph_point medial[] = {
            {bx - sign * 8, by - 8, 2.6}, {bx - sign * 6, by + 55, 2.6}, {bx + sign * 14, by + 105, 4}};
        ph_point lateral[] = {
            {bx + sign * 52, by + 14, 6}, {bx + sign * 34, by + 55, 4.5}, {bx + sign * 14, by + 105, 4}};
        ph_point crest[] = {
            {bx - sign * 6, by + 16, 2.8}, {bx + sign * 30, by - 2, 4.6}, {bx + sign * 62, by - 14, 6.5}};
        ph_tube(t, m, m->bone, medial, 3, 1.1 * body->bone, 0, PH_ADD);
        ph_tube(t, m, m->bone, lateral, 3, 1.1 * body->bone, 0.6, PH_ADD);
        ph_tube(t, m, m->bone, crest, 3, 0.9 * body->bone, 0.6, PH_ADD);
        ph_ellipsoid(t, m->bone, bx + sign * 20, by + 42, 24, 48, 2.2, 0.96, sign * -0.28, body->bone, PH_ADD);
        ph_ellipsoid(t, m->bone, bx + sign * 57, by + 12, 9, 16, 3.5, 1, 0, body->bone, PH_ADD);
    }
}

void ph_draw_anatomy(const ph_thorax *t, ph_maps *m)
{
    radz_rng rng;
    radz_rng_seed(&rng, t->body->seed, 30);
    draw_torso(t, m);
    draw_heart(t, m);
    draw_lungs(t, m);
    draw_airways(t, m, &rng);
    draw_vessels(t, m);
    draw_spine(t, m);
    draw_ribs(t, m);
    draw_girdle(t, m, &rng);
    radz_rng_seed(&rng, t->shot->seed, 31);
    if (t->shot->nipples)
        for (int side = 0; side < 2; side++) {
            double sign = side == PH_LEFT ? 1 : -1;
            double y = t->dome_y[side] - radz_rng_range(&rng, 18, 40),
                   x = radz_rng_range(&rng, 0.5, 0.62) * t->half_width;
            ph_ellipsoid(t, m->solid, sign * x, y, 4.5, 4.5, 3.2, 1, 0, 1, PH_ADD);
        }
    if (t->shot->skin_fold) {
        /* an edge, dense on one side and fading to the other: no line as a pleura would make */
        double sign = radz_rng_uniform(&rng) < 0.5 ? -1 : 1, x0 = radz_rng_range(&rng, 0.55, 0.8) * t->half_width;
        double lean = radz_rng_range(&rng, -0.15, 0.25), top = radz_rng_range(&rng, -10, 50);
        ph_box box = ph_box_around(t, -250, top, 250, top + 170);
        for (int row = box.y0; row < box.y1; row++)
            for (int column = box.x0; column < box.x1; column++) {
                double x = sign * ph_x(t, column), y = ph_y(t, row), into = x0 + lean * (y - top) - x;
                if (into > 0 && into < 26)
                    m->solid[(size_t)row * PH_N + (size_t)column] +=
                        (float)(7 * (1 - into / 26) * (1 - (y - top) / 170));
            }
    }
}

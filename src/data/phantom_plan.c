/* Who is ill with what: patients, their follow-ups, the findings of each image, devices, split and file names. */
#include <stdlib.h>
#include <string.h>

#include "data/phantom_internal.h"

static const char *const finding_names[RADZ_PHANTOM_FINDINGS] = {
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema",  "Effusion",           "Emphysema", "Fibrosis",
    "Hernia",      "Infiltration", "Mass",          "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax"};

const char *radz_phantom_finding_name(radz_phantom_finding finding)
{
    return finding < RADZ_PHANTOM_FINDINGS ? finding_names[finding] : "?";
}

uint64_t ph_mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u;
    for (int i = 0; i < 2; i++) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
    }
    return z;
}

/* An illness: how often it is met, and the probabilities of its findings over a patient's whole course. */
typedef struct illness {
    double weight;
    double age_low, age_high;
    bool ap_prone;
    struct {
        int kind;
        double chance;
    } findings[7];
} illness;

enum {
    ATEL = RADZ_PHANTOM_ATELECTASIS + 1,
    CARD = RADZ_PHANTOM_CARDIOMEGALY + 1,
    CONS = RADZ_PHANTOM_CONSOLIDATION + 1,
    EDEM = RADZ_PHANTOM_EDEMA + 1,
    EFFU = RADZ_PHANTOM_EFFUSION + 1,
    EMPH = RADZ_PHANTOM_EMPHYSEMA + 1,
    FIBR = RADZ_PHANTOM_FIBROSIS + 1,
    HERN = RADZ_PHANTOM_HERNIA + 1,
    INFI = RADZ_PHANTOM_INFILTRATION + 1,
    MASS = RADZ_PHANTOM_MASS + 1,
    NODU = RADZ_PHANTOM_NODULE + 1,
    PTHK = RADZ_PHANTOM_PLEURAL_THICKENING + 1,
    PNEU = RADZ_PHANTOM_PNEUMONIA + 1,
    PTX = RADZ_PHANTOM_PNEUMOTHORAX + 1
};

static const illness illnesses[] = {
    {37.5, 18, 80, false, {{0, 0}}},                                                      /* well */
    {13, 45, 90, true, {{CARD, .82}, {EDEM, .95}, {EFFU, .6}, {ATEL, .2}, {INFI, .05}}},  /* heart failure */
    {3.5, 40, 88, false, {{CARD, .95}, {HERN, .04}}},                                     /* large heart alone */
    {12, 20, 85, true, {{PNEU, .92}, {CONS, .35}, {INFI, .25}, {EFFU, .22}, {ATEL, .1}}}, /* pneumonia */
    {9, 48, 85, false, {{EMPH, .97}, {PTX, .16}, {INFI, .14}, {NODU, .1}, {FIBR, .1}, {MASS, .05}}}, /* COPD */
    {10, 18, 70, true, {{PTX, .94}, {EFFU, .15}, {ATEL, .2}, {EMPH, .1}}},                           /* pneumothorax */
    {9, 45, 85, false, {{MASS, .88}, {NODU, .3}, {EFFU, .2}, {ATEL, .15}, {PTHK, .08}}},             /* tumour */
    {8, 45, 85, false, {{FIBR, .95}, {INFI, .15}, {PTHK, .15}, {PTX, .04}}},                         /* scarring */
    {7.5, 45, 88, false, {{PTHK, .97}, {EFFU, .15}, {FIBR, .15}, {MASS, .04}}}, /* pleural disease */
    {7, 25, 85, true, {{ATEL, .85}, {EFFU, .35}, {INFI, .15}, {CONS, .1}}},     /* after surgery */
    {8.5, 22, 85, true, {{CONS, .95}, {INFI, .15}, {EFFU, .2}, {PNEU, .12}}},   /* aspiration */
    {9.5, 50, 90, false, {{HERN, .97}, {ATEL, .15}, {CARD, .12}, {NODU, .04}}}, /* hiatus */
    {7, 18, 80, false, {{INFI, .92}, {NODU, .1}, {EFFU, .06}}},                 /* patchy disease */
    {7, 35, 85, false, {{NODU, .95}, {EMPH, .06}, {PTHK, .06}}},                /* nodules */
};
enum { ILLNESSES = sizeof illnesses / sizeof *illnesses };

static int pick(radz_rng *rng, const double *weights, int count)
{
    double total = 0;
    for (int i = 0; i < count; i++)
        total += weights[i];
    double at = radz_rng_uniform(rng) * total;
    for (int i = 0; i + 1 < count; i++) {
        at -= weights[i];
        if (at < 0)
            return i;
    }
    return count - 1;
}

static bool chance(radz_rng *rng, double p)
{
    return radz_rng_uniform(rng) < p;
}

static bool chronic(radz_phantom_finding kind)
{
    return kind == RADZ_PHANTOM_CARDIOMEGALY || kind == RADZ_PHANTOM_EMPHYSEMA || kind == RADZ_PHANTOM_FIBROSIS ||
           kind == RADZ_PHANTOM_HERNIA || kind == RADZ_PHANTOM_MASS || kind == RADZ_PHANTOM_NODULE ||
           kind == RADZ_PHANTOM_PLEURAL_THICKENING;
}

static void body_draw(radz_rng *rng, ph_body *body, uint64_t seed, int age)
{
    memset(body, 0, sizeof *body);
    body->seed = seed;
    body->female = chance(rng, 0.46);
    double stature = (body->female ? -0.6 : 0.4) + 0.75 * radz_rng_normal(rng);
    stature = ph_clamp(stature, -2.4, 2.4);
    double build = ph_clamp(radz_rng_normal(rng), -1.8, 2.4); /* slim to stout */
    body->half_width = 136 + 6.5 * stature + 4 * build + radz_rng_range(rng, -4, 4);
    body->height = 224 + 11 * stature - 6 * build + radz_rng_range(rng, -8, 8);
    body->depth = 158 + 6 * stature + 8 * build + radz_rng_range(rng, -8, 8);
    body->wall = ph_clamp(24 + 9 * build + 2 * stature, 12, 50);
    body->breast = body->female ? ph_clamp(0.45 + 0.22 * build + 0.2 * radz_rng_normal(rng), 0.1, 1) : 0;
    body->heart_ratio =
        ph_clamp(0.435 + 0.022 * radz_rng_normal(rng) + 0.0004 * (age - 50) + 0.006 * build, 0.37, 0.485);
    body->aorta = ph_clamp(0.25 + 0.009 * (age - 45) + 0.2 * radz_rng_normal(rng), 0, 1);
    body->bone = ph_clamp(1.08 - 0.003 * (age - 40) * (body->female ? 1.3 : 1) + 0.1 * radz_rng_normal(rng), 0.6, 1.3);
    body->rib_drop = radz_rng_range(rng, 0.85, 1.2);
    body->scoliosis = ph_clamp(2.5 * radz_rng_normal(rng), -8, 8);
    body->dome_step = radz_rng_range(rng, 4, 15);
    body->dome_curve = radz_rng_range(rng, 31, 46);
    body->lung_density = radz_rng_range(rng, 0.20, 0.27);
    body->vessel = radz_rng_range(rng, 0.85, 1.12);
    body->heart_tilt = radz_rng_range(rng, 0.42, 0.70);
    body->heart_round = radz_rng_range(rng, 0.66, 0.80);
    body->fat_pad = chance(rng, 0.35) ? radz_rng_range(rng, 0.3, 1) : 0;
}

/* The findings as they are at their worst, before time acts on them. */
static void sign_draw(radz_rng *rng, ph_sign *s, radz_phantom_finding kind, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    s->kind = kind;
    s->seed = seed;
    double u = radz_rng_uniform(rng);
    s->severity = 0.28 + 0.72 * u;
    s->side = chance(rng, 0.54) ? PH_RIGHT : PH_LEFT;
    double zones[] = {0.33, 0.3, 0.37};
    s->zone = pick(rng, zones, 3);
    s->t = radz_rng_range(rng, 0.25, 0.8);
    s->extra = chance(rng, 0.6);
    switch (kind) {
    case RADZ_PHANTOM_ATELECTASIS:
        s->form = chance(rng, 0.62) ? PH_ATEL_LINEAR : PH_ATEL_LOBAR;
        s->count = 1 + (int)radz_rng_below(rng, 3);
        s->severity = 0.3 + 0.7 * u;
        if (s->form == PH_ATEL_LINEAR) {
            s->zone = chance(rng, 0.72) ? PH_LOWER : chance(rng, 0.7) ? PH_MIDDLE : PH_UPPER;
            if (chance(rng, 0.25))
                s->side = PH_BOTH;
        } else {
            s->zone = chance(rng, 0.6) ? PH_LOWER : chance(rng, 0.65) ? PH_UPPER : PH_MIDDLE;
            if (s->zone == PH_MIDDLE)
                s->side = PH_RIGHT;
        }
        break;
    case RADZ_PHANTOM_CARDIOMEGALY:
    case RADZ_PHANTOM_EMPHYSEMA:
    case RADZ_PHANTOM_EDEMA:
        s->side = PH_BOTH;
        s->severity = 0.15 + 0.85 * u;
        break;
    case RADZ_PHANTOM_EFFUSION:
        if (chance(rng, 0.25))
            s->side = PH_BOTH;
        s->zone = PH_LOWER;
        break;
    case RADZ_PHANTOM_FIBROSIS:
        s->form = chance(rng, 0.78) ? PH_FIB_BASAL : PH_FIB_APICAL;
        s->zone = s->form == PH_FIB_BASAL ? PH_LOWER : PH_UPPER;
        if (chance(rng, 0.65))
            s->side = PH_BOTH;
        break;
    case RADZ_PHANTOM_HERNIA:
        s->side = PH_LEFT;
        s->zone = PH_LOWER;
        s->size = 44 + 46 * u;
        s->s = radz_rng_uniform(rng);
        s->extra = chance(rng, 0.85);
        break;
    case RADZ_PHANTOM_INFILTRATION:
        s->count = 3 + (int)radz_rng_below(rng, 4);
        if (chance(rng, 0.35))
            s->side = PH_BOTH;
        break;
    case RADZ_PHANTOM_MASS:
        s->size = 32 + 42 * u * (0.4 + 0.6 * u);
        s->severity = 0.15 + 0.85 * radz_rng_uniform(rng);
        break;
    case RADZ_PHANTOM_NODULE:
        s->size = 12 + 16 * u;
        s->severity = radz_rng_uniform(rng);
        s->count = chance(rng, 0.6) ? 1 : 2 + (int)radz_rng_below(rng, 3);
        s->extra = chance(rng, 0.2); /* calcified */
        break;
    case RADZ_PHANTOM_PLEURAL_THICKENING:
        s->form = chance(rng, 0.68) ? PH_PT_LATERAL : PH_PT_APICAL;
        s->zone = s->form == PH_PT_APICAL ? PH_UPPER : PH_MIDDLE;
        if (chance(rng, 0.3))
            s->side = PH_BOTH;
        s->extra = s->form == PH_PT_LATERAL && chance(rng, 0.3);
        break;
    case RADZ_PHANTOM_PNEUMOTHORAX:
        s->zone = PH_UPPER;
        s->extra = s->severity > 0.72 && chance(rng, 0.6);
        break;
    case RADZ_PHANTOM_CONSOLIDATION:
        if (s->zone == PH_MIDDLE)
            s->side = PH_RIGHT;
        break;
    case RADZ_PHANTOM_PNEUMONIA:
    case RADZ_PHANTOM_FINDINGS:
        break;
    }
    double base = s->zone == PH_UPPER ? 0.15 : s->zone == PH_MIDDLE ? 0.42 : 0.70;
    if (kind != RADZ_PHANTOM_HERNIA)
        s->s = base + radz_rng_range(rng, 0.02, 0.2);
}

static void shot_draw(radz_rng *rng, ph_shot *shot, const ph_body *body, bool ill, bool ap)
{
    shot->body = body;
    shot->ap = ap;
    shot->supine = ap && chance(rng, 0.5);
    shot->fov = 2 * (body->half_width + body->wall) * radz_rng_range(rng, 0.95, 1.07) + 10;
    if (shot->fov < body->height * 1.28 + 20)
        shot->fov = body->height * 1.28 + 20;
    shot->offset_x = radz_rng_range(rng, -12, 12);
    shot->offset_y = radz_rng_range(rng, -12, 14) + (shot->fov - body->height * 1.28) * 0.2;
    shot->rotation = (ap ? 0.05 : 0.025) * ph_clamp(radz_rng_normal(rng), -2, 2);
    shot->inspiration = ap ? radz_rng_range(rng, 0.15, 1) : radz_rng_range(rng, 0.55, 1);
    shot->exposure = radz_rng_range(rng, 0.5, 1.6) * (ap ? 0.6 : 1);
    shot->window = radz_rng_range(rng, 0.88, 1.12);
    shot->gamma = radz_rng_range(rng, 0.8, 1.3);
    shot->enhance = radz_rng_range(rng, 0.25, 0.9);
    shot->scatter = ap ? radz_rng_range(rng, 0.5, 1.1) : radz_rng_range(rng, 0.25, 0.55);
    shot->collimation = chance(rng, 0.35) ? (int)radz_rng_range(rng, 4, 16) : 0;
    shot->shutter_white = chance(rng, 0.12);
    shot->nipples = chance(rng, 0.08);
    shot->skin_fold = ap && chance(rng, 0.12);
    unsigned devices = 0;
    double care = ap ? (ill ? 0.34 : 0.2) : (ill ? 0.04 : 0.02);
    if (chance(rng, care * 0.6))
        devices |= PH_DEV_TUBE;
    if (chance(rng, care * 1.1))
        devices |= PH_DEV_LINE;
    if (chance(rng, care * 0.6))
        devices |= PH_DEV_GASTRIC;
    if (chance(rng, ap ? 0.55 : 0.05))
        devices |= PH_DEV_LEADS;
    shot->devices = devices;
}

static const char *const extension[RADZ_PHANTOM_STORAGES] = {"png", "png", "png", "jpg", "jpg"};

static radz_status patient_plan(radz_phantom_plan *plan, uint32_t patient, int shots, radz_error *err)
{
    uint64_t seed = ph_mix(plan->options.seed, patient);
    radz_rng rng;
    radz_rng_seed(&rng, seed, 1);
    ph_body *body = radz_arena_alloc(&plan->arena, 1, sizeof *body, err);
    if (body == NULL)
        return RADZ_E_NOMEM;

    double weights[ILLNESSES];
    for (int i = 0; i < ILLNESSES; i++)
        weights[i] = illnesses[i].weight;
    const illness *ill = &illnesses[pick(&rng, weights, ILLNESSES)];
    int age = (int)radz_rng_range(&rng, ill->age_low, ill->age_high + 1);
    body_draw(&rng, body, ph_mix(seed, 2), age);

    ph_sign worst[PH_MAX_SIGNS];
    int signs = 0;
    bool present[RADZ_PHANTOM_FINDINGS] = {false};
    for (int i = 0; i < 7 && ill->findings[i].kind > 0; i++)
        if (chance(&rng, ill->findings[i].chance)) {
            radz_phantom_finding kind = (radz_phantom_finding)(ill->findings[i].kind - 1);
            sign_draw(&rng, &worst[signs], kind, ph_mix(seed, 100 + (uint64_t)kind));
            present[kind] = true;
            signs++;
        }
    /* an unrelated finding met by chance */
    if (ill != &illnesses[0] && chance(&rng, 0.10)) {
        radz_phantom_finding kind = (radz_phantom_finding)radz_rng_below(&rng, RADZ_PHANTOM_FINDINGS);
        if (!present[kind]) {
            sign_draw(&rng, &worst[signs], kind, ph_mix(seed, 100 + (uint64_t)kind));
            present[kind] = true;
            signs++;
        }
    }
    bool pacemaker = chance(&rng, present[RADZ_PHANTOM_CARDIOMEGALY] ? 0.16 : age > 60 ? 0.05 : 0.01);
    bool wires = chance(&rng, age > 50 ? (present[RADZ_PHANTOM_CARDIOMEGALY] ? 0.14 : 0.06) : 0.01);
    bool clips = chance(&rng, 0.04);
    double hospital = ill->ap_prone ? 0.55 : 0.18;
    uint64_t lot = ph_mix(plan->options.seed ^ 0x5b1a7u, patient) % 100;
    radz_phantom_split split = lot < 82 ? RADZ_PHANTOM_TRAIN : lot < 91 ? RADZ_PHANTOM_VAL : RADZ_PHANTOM_TEST;

    double course[PH_MAX_SIGNS]; /* severity now, as a share of the worst */
    for (int i = 0; i < signs; i++)
        course[i] = chronic(worst[i].kind) ? radz_rng_range(&rng, 0.65, 1) : radz_rng_range(&rng, 0.55, 1.0);
    for (int f = 0; f < shots; f++) {
        ph_image *image = &plan->images[plan->count];
        ph_shot *shot = &image->shot;
        radz_rng own;
        radz_rng_seed(&own, seed, 1000 + (uint64_t)f);
        shot->seed = ph_mix(seed, 5000 + (uint64_t)f);
        bool ap = chance(&own, hospital);
        shot_draw(&own, shot, body, signs > 0, ap);
        if (pacemaker)
            shot->devices |= PH_DEV_PACEMAKER;
        if (wires)
            shot->devices |= PH_DEV_WIRES;
        if (clips)
            shot->devices |= PH_DEV_CLIPS;
        for (int i = 0; i < signs; i++) {
            ph_sign s = worst[i];
            bool lasting = chronic(s.kind);
            if (f > 0)
                course[i] += lasting ? radz_rng_range(&own, -0.05, 0.14) : radz_rng_range(&own, -0.36, 0.32);
            course[i] = ph_clamp(course[i], lasting ? 0.5 : 0, 1.15);
            if (!lasting && (course[i] < 0.3 || chance(&own, 0.12)))
                continue; /* resolved, or not there yet */
            if (lasting && chance(&own, 0.03))
                continue; /* treated or removed */
            s.severity = ph_clamp(s.severity * course[i], 0.06, 1);
            if (s.kind == RADZ_PHANTOM_MASS)
                s.size = s.size * (0.94 + 0.08 * course[i]) < 31 ? 31 : s.size * (0.94 + 0.08 * course[i]);
            if (s.kind == RADZ_PHANTOM_NODULE)
                s.size = ph_clamp(s.size * (0.88 + 0.14 * course[i]), 8, 27);
            if (s.kind == RADZ_PHANTOM_EFFUSION)
                s.form = shot->supine ? PH_EFF_VEIL : PH_EFF_MENISCUS;
            if (s.kind == RADZ_PHANTOM_PNEUMOTHORAX)
                s.extra = s.extra && s.severity > 0.6;
            if (shot->sign_count < PH_MAX_SIGNS)
                shot->signs[shot->sign_count++] = s;
        }
        if (ph_has(shot, RADZ_PHANTOM_PNEUMOTHORAX) ? chance(&own, 0.3)
                                                    : ph_has(shot, RADZ_PHANTOM_EFFUSION) && chance(&own, 0.08))
            shot->devices |= PH_DEV_DRAIN;

        radz_phantom_image *out = &image->info;
        out->patient = patient;
        out->follow_up = f;
        out->age = age + f / 3;
        out->gender = body->female ? 'F' : 'M';
        out->ap = ap;
        out->spacing = (double)(int)(shot->fov / PH_N * 1000 + 0.5) / 1000;
        out->split = split;
        double storage = radz_rng_uniform(&own);
        out->storage = storage < 0.80   ? RADZ_PHANTOM_PNG_GRAY8
                       : storage < 0.86 ? RADZ_PHANTOM_PNG_GRAY16
                       : storage < 0.91 ? RADZ_PHANTOM_PNG_RGBA8
                       : storage < 0.96 ? RADZ_PHANTOM_JPEG_GRAY
                                        : RADZ_PHANTOM_JPEG_RGB;
        for (int i = 0; i < shot->sign_count; i++)
            out->labels |= 1u << shot->signs[i].kind;
        out->file = radz_arena_printf(&plan->arena, err, "%08u_%03d.%s", (unsigned)patient, f, extension[out->storage]);
        char text[256] = "";
        for (int k = 0; k < RADZ_PHANTOM_FINDINGS; k++)
            if (out->labels >> k & 1) {
                if (text[0] != '\0')
                    strcat(text, "|");
                strcat(text, finding_names[k]);
            }
        out->label_text = radz_arena_strdup(&plan->arena, out->labels == 0 ? "No Finding" : text, err);
        if (out->file == NULL || out->label_text == NULL)
            return RADZ_E_NOMEM;
        radz_status st = ph_report(&plan->arena, shot, f, out, err);
        if (st != RADZ_OK)
            return st;
        plan->count++;
    }
    return RADZ_OK;
}

static int shots_of(uint64_t seed, uint32_t patient)
{
    static const double share[PH_MAX_IMAGES] = {0.20, 0.22, 0.22, 0.16, 0.12, 0.08};
    radz_rng rng;
    radz_rng_seed(&rng, ph_mix(seed, patient), 7);
    return 1 + pick(&rng, share, PH_MAX_IMAGES);
}

radz_status radz_phantom_plan_create(const radz_phantom_options *options, radz_phantom_plan **out, radz_error *err)
{
    *out = NULL;
    if (options->patients > RADZ_PHANTOM_MAX_PATIENTS)
        return radz_fail(err, RADZ_E_USAGE, "phantom: %u patients; the most is %d", (unsigned)options->patients,
                         RADZ_PHANTOM_MAX_PATIENTS);
    radz_phantom_plan *plan = radz_calloc(1, sizeof *plan, err);
    if (plan == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    plan->options = *options;
    if (plan->options.patients == 0)
        plan->options.patients = RADZ_PHANTOM_DEFAULT_PATIENTS;
    size_t total = 0;
    for (uint32_t p = 1; p <= plan->options.patients; p++)
        total += (size_t)shots_of(plan->options.seed, p);
    plan->images = radz_calloc(total, sizeof *plan->images, err);
    if (plan->images == NULL)
        st = RADZ_E_NOMEM;
    for (uint32_t p = 1; st == RADZ_OK && p <= plan->options.patients; p++)
        st = patient_plan(plan, p, shots_of(plan->options.seed, p), err);
    if (st != RADZ_OK) {
        radz_phantom_plan_free(plan);
        return st;
    }
    *out = plan;
    return RADZ_OK;
}

void radz_phantom_plan_free(radz_phantom_plan *plan)
{
    if (plan == NULL)
        return;
    radz_arena_free(&plan->arena);
    free(plan->images);
    free(plan);
}

size_t radz_phantom_count(const radz_phantom_plan *plan)
{
    return plan->count;
}

uint32_t radz_phantom_patients(const radz_phantom_plan *plan)
{
    return plan->options.patients;
}

uint64_t radz_phantom_seed(const radz_phantom_plan *plan)
{
    return plan->options.seed;
}

const radz_phantom_image *radz_phantom_at(const radz_phantom_plan *plan, size_t i)
{
    return &plan->images[i].info;
}

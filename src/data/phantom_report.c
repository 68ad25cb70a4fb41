/* The report grammar. A template is a text with slots in braces and alternatives in brackets:
 *   {side} right/left/bilateral   {zone} upper/middle/lower   {grade} small/moderate/large   {cm} and {mm} a length
 *   {count} two/three/...         {verb} for two-sidedness     [a|b|c] one of these at random
 * Mass, Pleural_Thickening and Hernia have templates of signs only. */
#include <stdio.h>
#include <string.h>

#include "data/phantom_internal.h"

typedef struct writer {
    radz_arena *arena;
    radz_rng rng;
    const char *sentences[PH_MAX_SENTENCES];
    int count;
    radz_error *err;
    radz_status status;
} writer;

typedef struct slots {
    const char *side, *zone, *grade;
    double mm;
    int count;
} slots;

static const char *const side_words[] = {"right", "left", "bilateral"};
static const char *const zone_words[] = {"upper", "middle", "lower"};
static const char *const count_words[] = {"no", "one", "two", "three", "four", "five"};

/* Expands `text` into the end of `out`. */
static void expand(writer *w, const char *text, size_t length, const slots *v, char *out, size_t room)
{
    size_t i = 0, n = strlen(out);
    while (i < length) {
        if (text[i] == '[') {
            int depth = 1, options = 1;
            size_t end = i + 1;
            for (; end < length && depth > 0; end++) {
                depth += text[end] == '[' ? 1 : text[end] == ']' ? -1 : 0;
                options += depth == 1 && text[end] == '|';
            }
            int chosen = (int)radz_rng_below(&w->rng, (uint32_t)options);
            size_t from = i + 1, to = from;
            depth = 1;
            for (int at = 0;; to++) {
                depth += text[to] == '[' ? 1 : text[to] == ']' ? -1 : 0;
                if (depth == 0 || (depth == 1 && text[to] == '|')) {
                    if (at == chosen)
                        break;
                    at++;
                    from = to + 1;
                }
            }
            expand(w, text + from, to - from, v, out, room);
            n = strlen(out);
            i = end;
            continue;
        }
        if (text[i] == '{') {
            size_t end = i;
            while (text[end] != '}')
                end++;
            char word[32] = "";
            const char *name = text + i + 1;
            size_t size = end - i - 1;
            if (size == 4 && memcmp(name, "side", 4) == 0)
                snprintf(word, sizeof word, "%s", v->side);
            else if (size == 4 && memcmp(name, "zone", 4) == 0)
                snprintf(word, sizeof word, "%s", v->zone);
            else if (size == 5 && memcmp(name, "grade", 5) == 0)
                snprintf(word, sizeof word, "%s", v->grade);
            else if (size == 2 && memcmp(name, "cm", 2) == 0) {
                int tenths = (int)(v->mm / 5 + 0.5) * 5; /* to half a centimetre */
                if (tenths % 10 == 0)
                    snprintf(word, sizeof word, "%d cm", tenths / 10);
                else
                    snprintf(word, sizeof word, "%d.%d cm", tenths / 10, tenths % 10);
            } else if (size == 2 && memcmp(name, "mm", 2) == 0)
                snprintf(word, sizeof word, "%d mm", (int)(v->mm + 0.5));
            else if (size == 5 && memcmp(name, "count", 5) == 0)
                snprintf(word, sizeof word, "%s", count_words[v->count < 6 ? v->count : 5]);
            for (size_t k = 0; word[k] != '\0' && n + 1 < room; k++)
                out[n++] = word[k];
            out[n] = '\0';
            i = end + 1;
            continue;
        }
        if (n + 1 < room) {
            out[n++] = text[i];
            out[n] = '\0';
        }
        i++;
    }
}

static void say(writer *w, const slots *v, const char *text)
{
    if (w->status != RADZ_OK || w->count >= PH_MAX_SENTENCES)
        return;
    char raw[512] = "", clean[512];
    expand(w, text, strlen(text), v, raw, sizeof raw);
    size_t n = 0;
    for (size_t i = 0; raw[i] != '\0'; i++) { /* empty alternatives leave double blanks */
        if (raw[i] == ' ' && (n == 0 || clean[n - 1] == ' ' || raw[i + 1] == '.' || raw[i + 1] == ','))
            continue;
        clean[n++] = raw[i];
    }
    clean[n] = '\0';
    if (clean[0] >= 'a' && clean[0] <= 'z')
        clean[0] = (char)(clean[0] - 'a' + 'A');
    const char *kept = radz_arena_strdup(w->arena, clean, w->err);
    if (kept == NULL) {
        w->status = RADZ_E_NOMEM;
        return;
    }
    w->sentences[w->count++] = kept;
}

static bool maybe(writer *w, double p)
{
    return radz_rng_uniform(&w->rng) < p;
}

/* Says the finding by name, by its signs, or both. */
static void name_or_sign(writer *w, const slots *v, const char *name, const char *sign)
{
    double u = radz_rng_uniform(&w->rng);
    if (u < 0.62)
        say(w, v, name);
    if (u > 0.36)
        say(w, v, sign);
}

static void describe(writer *w, const ph_shot *shot, const ph_sign *s)
{
    double g = s->severity;
    slots v = {side_words[s->side], zone_words[s->zone], "", s->size, s->count};
    bool both = s->side == PH_BOTH;
    switch (s->kind) {
    case RADZ_PHANTOM_ATELECTASIS:
        v.grade = g < 0.35 ? "mild" : g < 0.7 ? "moderate" : "marked";
        if (s->form == PH_ATEL_LINEAR) {
            if (both)
                name_or_sign(w, &v,
                             "[Bilateral|Two-sided] [linear|plate-like|subsegmental|discoid] atelectasis [in the "
                             "{zone} zones|, {grade}|].",
                             "[Linear opacities|Plate-like opacities|Band-like opacities|Horizontal bands of density] "
                             "in both {zone} zones[| with mild loss of volume].");
            else
                name_or_sign(w, &v,
                             "[Linear|Plate-like|Subsegmental|Discoid] atelectasis [in|at] the {side} {zone} zone.",
                             "[Linear opacity|Plate-like opacity|Band-like opacity|Horizontal band of density] in the "
                             "{side} {zone} zone[ with slight elevation of the {side} hemidiaphragm|].");
        } else {
            const char *lobe = s->zone == PH_MIDDLE ? "middle" : s->zone == PH_UPPER ? "upper" : "lower";
            v.zone = lobe;
            name_or_sign(
                w, &v, "[{grade} atelectasis|Collapse and atelectasis|Lobar atelectasis] of the {side} {zone} lobe.",
                s->zone == PH_UPPER ? "[Wedge of density|Dense wedge-shaped opacity] in the {side} {zone} zone with "
                                      "[volume loss|elevation of the fissure] and shift of the trachea to the {side}."
                : s->zone == PH_LOWER
                    ? "[Triangular opacity|Triangular density] beside the spine in the {side} {zone} zone with [volume "
                      "loss|raised {side} hemidiaphragm and shift of the mediastinum to the {side}]."
                    : "[Wedge of density|Narrow wedge-shaped opacity] in the {side} middle zone beside the heart with "
                      "[volume loss|elevated {side} hemidiaphragm].");
        }
        break;
    case RADZ_PHANTOM_CARDIOMEGALY:
        v.grade = g < 0.3 ? "mild" : g < 0.65 ? "moderate" : "severe";
        name_or_sign(
            w, &v, "[{grade} cardiomegaly|Cardiomegaly, {grade}|There is {grade} cardiomegaly|Cardiomegaly].",
            g < 0.3 ? "[The heart is [mildly|slightly] enlarged|The cardiac silhouette is [mildly|slightly] enlarged]."
            : g < 0.65 ? "[The heart is [moderately|] enlarged|The cardiac silhouette is enlarged|Enlarged heart with "
                         "a cardiothoracic ratio above one half]."
                       : "[The heart is [severely|markedly] enlarged|Markedly enlarged cardiac silhouette|Very large "
                         "heart with a cardiothoracic ratio above 0.6].");
        break;
    case RADZ_PHANTOM_EFFUSION: {
        v.grade = g < 0.33 ? "small" : g < 0.68 ? "moderate" : "large";
        const char *name = both ? "[{grade} bilateral pleural effusions|Bilateral pleural effusions, {grade}|Pleural "
                                  "effusion on both sides]."
                                : "[{grade} {side} pleural effusion|{side} pleural effusion, {grade}|There is a "
                                  "{grade} pleural effusion on the {side}|{side}-sided pleural effusion].";
        const char *sign;
        if (s->form == PH_EFF_VEIL)
            sign = both ? "[Hazy veil-like density over both lungs increasing towards the bases|Layering fluid on both "
                          "sides with hazy bases]."
                        : "[Hazy veil-like density over the {side} lung increasing towards the base|Layering pleural "
                          "fluid on the {side}].";
        else if (g < 0.33)
            sign = both ? "Blunting of both costophrenic angles[| by a meniscus]."
                        : "[Blunting of the {side} costophrenic angle|The {side} costophrenic angle is blunted][| by a "
                          "meniscus].";
        else if (g < 0.68)
            sign = both ? "[Meniscus-shaped density|Fluid with a meniscus] at both lung bases[ obscuring the "
                          "hemidiaphragms|]."
                        : "[Homogeneous density with a meniscus|Fluid with a meniscus] at the {side} base obscuring "
                          "the {side} [hemidiaphragm|costophrenic angle].";
        else
            sign = both ? "Large amounts of fluid [with a meniscus|] opacify the lower [half|zones] of both lungs."
                        : "[Dense opacification of the {side} [lower hemithorax|hemithorax] with a meniscus|Large "
                          "amount of fluid in the {side} hemithorax].";
        name_or_sign(w, &v, name, sign);
        break;
    }
    case RADZ_PHANTOM_INFILTRATION:
        v.grade = g < 0.4 ? "faint" : g < 0.75 ? "moderate" : "dense";
        if (both)
            name_or_sign(w, &v,
                         "[Bilateral infiltration|Infiltration|{grade} infiltration] in [both {zone} zones|the {zone} "
                         "zones of both lungs].",
                         "[Patchy|{grade} patchy|Ill-defined patchy] opacities in both {zone} zones.");
        else
            name_or_sign(
                w, &v, "[Infiltration|{grade} infiltration|Patchy infiltration] in the {side} {zone} [zone|lung zone].",
                "[Patchy|{grade} patchy|Ill-defined patchy] [opacity|opacities] in the {side} {zone} zone.");
        break;
    case RADZ_PHANTOM_MASS:
        say(w, &v,
            "[Rounded opacity with lobulated margin in the {side} {zone} zone, about {cm}"
            "|Large rounded opacity of about {cm} with a lobulated margin in the {side} {zone} zone"
            "|{side} {zone} zone rounded density, {cm} in diameter, lobulated margin"
            "|Large round lobulated opacity measuring {cm} in the {side} {zone} zone].");
        break;
    case RADZ_PHANTOM_NODULE:
        if (s->count > 1)
            name_or_sign(
                w, &v,
                "[{count} nodules|Multiple nodules|A few nodules] in the {side} {zone} zone[, the largest {mm}|].",
                "[{count} small round opacities|A few small rounded opacities] in the {side} {zone} zone[, up to "
                "{mm}|].");
        else
            name_or_sign(w, &v,
                         s->extra ? "[Calcified nodule|Dense calcified nodule] [of {mm}|] in the {side} {zone} zone."
                                  : "[Nodule|Solitary nodule|Lung nodule|Pulmonary nodule] [of {mm}|of about {cm}|] in "
                                    "the {side} {zone} zone.",
                         "[Small|Single small] [round|rounded] [well-defined|sharply marginated|] opacity [of "
                         "{mm}|with a smooth margin|] in the {side} {zone} zone.");
        break;
    case RADZ_PHANTOM_PNEUMONIA:
        v.grade = g < 0.4 ? "mild" : g < 0.75 ? "moderate" : "extensive";
        name_or_sign(
            w, &v, "[Pneumonia|{grade} pneumonia|Findings of pneumonia|Segmental pneumonia] in the {side} {zone} zone.",
            s->extra ? "[Airspace opacity|Segmental airspace opacity|Confluent airspace opacity] with air bronchograms "
                       "in the {side} {zone} zone."
                     : "[Airspace opacity|Segmental airspace opacity|Confluent airspace opacity] [with ill-defined "
                       "margins|] in the {side} {zone} zone.");
        break;
    case RADZ_PHANTOM_PNEUMOTHORAX:
        v.grade = g < 0.33 ? "small" : g < 0.68 ? "moderate" : "large";
        name_or_sign(
            w, &v,
            s->extra ? "[Tension pneumothorax on the {side}|Large {side} pneumothorax under tension]."
                     : "[{grade} {side} pneumothorax|{side} pneumothorax, {grade}|{side}-sided pneumothorax].",
            s->extra ? "[Collapsed {side} lung|Visceral pleural line far from the {side} chest wall] with shift of the "
                       "mediastinum to the other side."
            : g < 0.33 ? "[Visceral pleural line|Thin pleural line] at the {side} apex without lung markings beyond it."
                       : "[Visceral pleural line along the {side} chest wall with no lung markings beyond it|No lung "
                         "markings lateral to a thin pleural line on the {side}].");
        break;
    case RADZ_PHANTOM_CONSOLIDATION:
        v.grade = g < 0.35 ? "partial" : g < 0.75 ? "dense" : "complete";
        name_or_sign(
            w, &v,
            "[Consolidation|{grade} consolidation|Lobar consolidation|Airspace consolidation] of the {side} {zone} "
            "lobe.",
            s->zone == PH_LOWER ? (s->extra ? "[Homogeneous dense opacity|Dense lobar opacity] in the {side} {zone} "
                                              "zone with air bronchograms[, obscuring the {side} hemidiaphragm|]."
                                            : "[Homogeneous dense opacity|Dense lobar opacity] in the {side} {zone} "
                                              "zone[| obscuring the {side} hemidiaphragm].")
            : s->zone == PH_MIDDLE ? "[Homogeneous dense opacity|Dense lobar opacity] in the {side} {zone} zone [below "
                                     "the minor fissure|obscuring the {side} heart border]."
            : s->extra
                ? "[Homogeneous dense opacity|Dense lobar opacity] in the {side} {zone} zone with air bronchograms."
            : s->side == PH_RIGHT ? "[Homogeneous dense opacity|Dense lobar opacity] in the {side} {zone} zone "
                                    "[bounded by the minor fissure|]."
                                  : "[Homogeneous dense opacity|Dense lobar opacity] in the {side} {zone} zone.");
        break;
    case RADZ_PHANTOM_EDEMA:
        v.grade = g < 0.33 ? "mild" : g < 0.68 ? "moderate" : "severe";
        name_or_sign(
            w, &v, "[{grade} pulmonary edema|{grade} edema|Pulmonary edema, {grade}|Interstitial and perihilar edema].",
            s->extra ? "[Bilateral perihilar haze|Perihilar bat-wing opacities] [with septal lines at the bases|with "
                       "Kerley lines|and engorged upper lobe vessels]."
                     : "[Bilateral perihilar haze|Perihilar bat-wing opacities|Symmetric perihilar haziness] [with "
                       "engorged upper lobe vessels|with indistinct vessels|].");
        break;
    case RADZ_PHANTOM_EMPHYSEMA:
        v.grade = g < 0.33 ? "mild" : g < 0.68 ? "moderate" : "severe";
        name_or_sign(
            w, &v,
            "[{grade} emphysema|Emphysema|Emphysema, {grade}|{grade} pulmonary emphysema][| with hyperinflation].",
            s->extra
                ? "[Hyperlucent|Hyperinflated] lungs with [flattened hemidiaphragms|low flat diaphragms] and bullae."
                : "[Hyperlucent hyperinflated lungs|Hyperinflated lungs|Hyperlucent lungs] with [flattened "
                  "hemidiaphragms|low flat diaphragms][| and sparse vessels].");
        break;
    case RADZ_PHANTOM_FIBROSIS: {
        v.grade = g < 0.33 ? "mild" : g < 0.68 ? "moderate" : "advanced";
        const char *where = s->form == PH_FIB_BASAL ? "basal" : "apical";
        v.zone = where;
        if (both)
            name_or_sign(w, &v,
                         "[{grade} bilateral {zone} fibrosis|Bilateral {zone} fibrosis|{grade} fibrosis, {zone} and "
                         "peripheral on both sides].",
                         s->extra ? "[Reticular opacities|Coarse reticular lines] with honeycombing, {zone} and "
                                    "peripheral in both lungs."
                                  : "[Reticular opacities|Coarse reticular lines|Fine reticular lines], {zone} and "
                                    "peripheral in both lungs[|, mostly near the pleura].");
        else
            name_or_sign(
                w, &v, "[{grade} {side} {zone} fibrosis|Fibrosis of the {side} lung, {zone}|{side} {zone} fibrosis].",
                s->extra ? "[Reticular opacities|Coarse reticular lines] with honeycombing, {zone} in the {side} lung."
                         : "[Reticular opacities|Coarse reticular lines|Fine reticular lines], {zone} in the {side} "
                           "lung[|, mostly peripheral].");
        break;
    }
    case RADZ_PHANTOM_PLEURAL_THICKENING:
        if (s->form == PH_PT_APICAL)
            say(w, &v,
                both ? "[Smooth cap of soft tissue density|Band of soft tissue density] over both lung apices."
                     : "[Smooth cap of soft tissue density|Band of soft tissue density] over the {side} lung apex.");
        else
            say(w, &v,
                both ? (s->extra ? "[Peripheral band of soft tissue density|Peripheral soft tissue band] along both "
                                   "lateral chest walls without a meniscus[|, partly calcified]."
                                 : "[Peripheral band of soft tissue density|Peripheral soft tissue band] along both "
                                   "lateral chest walls without a meniscus.")
                : s->extra ? "[Peripheral band of soft tissue density|Peripheral soft tissue band] with calcified "
                             "plaque along the {side} lateral chest wall without a meniscus."
                           : "[Peripheral band of soft tissue density|Peripheral soft tissue band|Smooth band of "
                             "density] along the {side} lateral chest wall[| in the middle zone] without a meniscus.");
        break;
    case RADZ_PHANTOM_HERNIA:
        say(w, &v,
            s->extra ? "[Rounded retrocardiac opacity with an air-fluid level|Rounded opacity behind the heart with an "
                       "air-fluid level|Retrocardiac opacity of {cm} containing gas and an air-fluid level][| above "
                       "the diaphragm]."
                     : "[Rounded retrocardiac opacity|Rounded opacity behind the heart of about {cm}] [above the "
                       "diaphragm|just above the left hemidiaphragm].");
        break;
    case RADZ_PHANTOM_FINDINGS:
        break;
    }
    (void)shot;
}

static void say_devices(writer *w, const ph_shot *shot)
{
    slots v = {"", "", "", 0, 0};
    if (shot->devices & PH_DEV_TUBE && maybe(w, 0.75))
        say(w, &v, "[Endotracheal tube|An endotracheal tube] [above the carina|in place].");
    if (shot->devices & PH_DEV_LINE && maybe(w, 0.7))
        say(w, &v,
            "[Right jugular central line|Central venous catheter] [with its tip in the superior vena cava|in place].");
    if (shot->devices & PH_DEV_GASTRIC && maybe(w, 0.6))
        say(w, &v, "[Gastric tube|A gastric tube] [passes below the diaphragm|in place].");
    if (shot->devices & PH_DEV_DRAIN && maybe(w, 0.8)) {
        const ph_sign *s = ph_find(shot, RADZ_PHANTOM_PNEUMOTHORAX);
        if (s == NULL)
            s = ph_find(shot, RADZ_PHANTOM_EFFUSION);
        v.side = s != NULL && s->side == PH_LEFT ? "left" : "right";
        say(w, &v, "{side} [chest tube|chest drain] [in place|].");
    }
    if (shot->devices & PH_DEV_PACEMAKER && maybe(w, 0.7))
        say(w, &v, "[Left-sided pacemaker|Pacemaker] [with leads in place|].");
    if (shot->devices & PH_DEV_WIRES && maybe(w, 0.6))
        say(w, &v, "[Sternotomy wires|Median sternotomy wires] [are present|].");
}

static void say_negatives(writer *w, const ph_shot *shot)
{
    slots v = {"", "", "", 0, 0};
    bool clear = shot->sign_count == 0;
    bool effusion = ph_has(shot, RADZ_PHANTOM_EFFUSION), air = ph_has(shot, RADZ_PHANTOM_PNEUMOTHORAX);
    bool heart = ph_has(shot, RADZ_PHANTOM_CARDIOMEGALY);
    bool parenchyma = ph_has(shot, RADZ_PHANTOM_CONSOLIDATION) || ph_has(shot, RADZ_PHANTOM_PNEUMONIA) ||
                      ph_has(shot, RADZ_PHANTOM_INFILTRATION) || ph_has(shot, RADZ_PHANTOM_EDEMA) ||
                      ph_has(shot, RADZ_PHANTOM_ATELECTASIS) || ph_has(shot, RADZ_PHANTOM_FIBROSIS) ||
                      ph_has(shot, RADZ_PHANTOM_MASS) || ph_has(shot, RADZ_PHANTOM_NODULE);
    if (clear) {
        say(w, &v,
            "[The lungs are clear|Clear lungs|Both lungs are clear|Lungs clear, no focal opacity|No acute "
            "abnormality|Normal chest radiograph].");
        if (maybe(w, 0.6))
            say(w, &v,
                "[The heart size is normal|Heart size is normal|Normal cardiac silhouette|The heart is not enlarged].");
        if (maybe(w, 0.45))
            say(w, &v,
                "[The costophrenic angles are sharp|No pleural effusion or pneumothorax|No pleural effusion|No "
                "pneumothorax|No pneumonia|No rounded or lobulated opacity"
                "|No retrocardiac opacity, no air-fluid level|No soft tissue band along the chest walls].");
        return;
    }
    if (!heart && maybe(w, 0.3))
        say(w, &v,
            "[The heart size is normal|Heart size is normal|Normal cardiac silhouette|The heart is not enlarged].");
    if (!effusion && maybe(w, 0.22))
        say(w, &v, "[The costophrenic angles are sharp|No pleural effusion].");
    if (!air && maybe(w, 0.22))
        say(w, &v, "No pneumothorax.");
    if (!parenchyma && !effusion && maybe(w, 0.25))
        say(w, &v, "[No focal opacity|No consolidation|No focal airspace opacity].");
}

radz_status ph_report(radz_arena *arena, const ph_shot *shot, int follow_up, radz_phantom_image *out, radz_error *err)
{
    writer w = {.arena = arena, .err = err};
    radz_rng_seed(&w.rng, shot->seed, 60);
    (void)follow_up;
    /* the gravest first, as a radiologist would */
    int order[PH_MAX_SIGNS];
    for (int i = 0; i < shot->sign_count; i++)
        order[i] = i;
    for (int i = 1; i < shot->sign_count; i++)
        for (int k = i; k > 0 && shot->signs[order[k]].severity > shot->signs[order[k - 1]].severity; k--) {
            int kept = order[k];
            order[k] = order[k - 1];
            order[k - 1] = kept;
        }
    for (int i = 0; i < shot->sign_count; i++)
        describe(&w, shot, &shot->signs[order[i]]);
    say_negatives(&w, shot);
    say_devices(&w, shot);
    if (w.status != RADZ_OK)
        return w.status;
    const char **sentences = radz_arena_alloc(arena, (size_t)w.count, sizeof *sentences, err);
    if (sentences == NULL)
        return RADZ_E_NOMEM;
    size_t total = 0;
    for (int i = 0; i < w.count; i++) {
        sentences[i] = w.sentences[i];
        total += strlen(w.sentences[i]) + 1;
    }
    char *report = radz_arena_alloc(arena, total + 1, 1, err);
    if (report == NULL)
        return RADZ_E_NOMEM;
    for (int i = 0; i < w.count; i++) {
        if (i > 0)
            strcat(report, " ");
        strcat(report, sentences[i]);
    }
    out->sentences = sentences;
    out->sentence_count = (size_t)w.count;
    out->report = report;
    return RADZ_OK;
}

#include "image/recipe.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- what steps there are --- */

typedef enum arg_type { ARG_WORD, ARG_EXTENT, ARG_EXTENT_OR_SQUARE, ARG_COUNT, ARG_NUMBER, ARG_NUMBERS } arg_type;

typedef struct arg_kind {
    const char *name;
    arg_type type;
    size_t offset;            /* in recipe_step */
    const char *const *words; /* ARG_WORD; NULL-terminated */
    const char *fallback;     /* NULL: required */
} arg_kind;

enum { MAX_ARGS = 5 };

typedef struct step_kind {
    const char *name;
    arg_kind args[MAX_ARGS]; /* until name == NULL */
    const char *help;
} step_kind;

static const char *const switch_words[] = {"on", "off", NULL};
static const char *const jpeg_words[] = {"exact", "draft1", "draft2", NULL};
static const char *const from_words[] = {"max", "high", "clip", NULL};
static const char *const divide_words[] = {"none", "full", "max", NULL};
static const char *const mode_words[] = {"shorter", "longer", "longer-ratio", "squash", NULL};
static const char *const round_words[] = {"down", "even", NULL};
static const char *const at_words[] = {"centre", "corner", NULL};
static const char *const filter_words[] = {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos", "area",
                                           "bicubic-plain", NULL};
_Static_assert(sizeof filter_words / sizeof filter_words[0] == RADZ_FILTER_COUNT + 1, "one word per filter");

static const step_kind kinds[STEP_COUNT] = {
    [STEP_DECODE] = {"decode",
                     {{"rescale", ARG_WORD, offsetof(recipe_step, rescale), switch_words, "on"},
                      {"lut", ARG_WORD, offsetof(recipe_step, lut), switch_words, "on"},
                      {"window", ARG_WORD, offsetof(recipe_step, window), switch_words, "on"},
                      {"invert", ARG_WORD, offsetof(recipe_step, invert), switch_words, "on"},
                      {"jpeg", ARG_WORD, offsetof(recipe_step, word), jpeg_words, "exact"}},
                     "decode rescale=on|off lut=on|off window=on|off invert=on|off jpeg=exact|draft1|draft2"},
    [STEP_GRAY] = {"gray", {{0}}, "gray"},
    [STEP_RGB] = {"rgb", {{0}}, "rgb"},
    [STEP_DEPTH8] = {"depth8",
                     {{"from", ARG_WORD, offsetof(recipe_step, word), from_words, "max"}},
                     "depth8 from=max|high|clip"},
    [STEP_MINMAX8] = {"minmax8", {{0}}, "minmax8"},
    [STEP_EQUALIZE] = {"equalize",
                       {{"bins", ARG_COUNT, offsetof(recipe_step, bins), NULL, "256"}},
                       "equalize bins=256"},
    [STEP_FLOAT] = {"float",
                    {{"divide", ARG_WORD, offsetof(recipe_step, word), divide_words, "none"}},
                    "float divide=none|full|max"},
    [STEP_RESIZE] = {"resize",
                     {{"mode", ARG_WORD, offsetof(recipe_step, word), mode_words, NULL},
                      {"size", ARG_EXTENT, offsetof(recipe_step, height), NULL, NULL},
                      {"filter", ARG_WORD, offsetof(recipe_step, filter), filter_words, NULL}},
                     "resize mode=shorter|longer|longer-ratio|squash size=N|HxW "
                     "filter=nearest|box|bilinear|hamming|bicubic|lanczos|area|bicubic-plain"},
    [STEP_CROP] = {"crop",
                   {{"size", ARG_EXTENT, offsetof(recipe_step, height), NULL, NULL},
                    {"round", ARG_WORD, offsetof(recipe_step, word), round_words, "down"}},
                   "crop size=N|HxW round=down|even"},
    [STEP_PAD] = {"pad",
                  {{"size", ARG_EXTENT_OR_SQUARE, offsetof(recipe_step, height), NULL, NULL},
                   {"fill", ARG_NUMBERS, offsetof(recipe_step, a), NULL, "0"},
                   {"at", ARG_WORD, offsetof(recipe_step, word), at_words, "centre"}},
                  "pad size=N|square fill=0 at=centre|corner"},
    [STEP_SCALE] = {"scale", {{"factor", ARG_NUMBER, offsetof(recipe_step, a), NULL, NULL}}, "scale factor=0.5"},
    [STEP_NORMALIZE] = {"normalize",
                        {{"mean", ARG_NUMBERS, offsetof(recipe_step, a), NULL, NULL},
                         {"std", ARG_NUMBERS, offsetof(recipe_step, b), NULL, NULL}},
                        "normalize mean=M|M,M,M std=S|S,S,S"},
};

const char *radz_recipe_step_help(size_t i)
{
    return i < STEP_COUNT ? kinds[i].help : NULL;
}

#define CLIP_NUMBERS "mean=0.48145466,0.4578275,0.40821073 std=0.26862954,0.26130258,0.27577711"
#define IMAGENET_NUMBERS "mean=0.485,0.456,0.406 std=0.229,0.224,0.225"

/* Inputs of published methods, each as its own evaluation code makes them. */
static const struct {
    const char *name, *text;
} presets[] = {
    {"openai-clip", "depth8 from=max; rgb; resize mode=shorter size=224 filter=bicubic; crop size=224 round=down; "
                    "scale factor=0.00392156862745098; normalize " CLIP_NUMBERS},
    {"openai-clip-336", "depth8 from=max; rgb; resize mode=shorter size=336 filter=bicubic; crop size=336 round=down; "
                        "scale factor=0.00392156862745098; normalize " CLIP_NUMBERS},
    {"chexzero",
     "depth8 from=max; gray; resize mode=longer-ratio size=320 filter=lanczos; pad size=320 fill=0 at=centre; "
     "rgb; normalize mean=101.48761 std=83.43944; resize mode=squash size=224 filter=bicubic-plain"},
    {"medklip", "depth8 from=max; rgb; resize mode=squash size=224 filter=bilinear; float divide=full; "
                "normalize " IMAGENET_NUMBERS},
    {"medklip-rsna", "depth8 from=max; gray; equalize bins=256; rgb; resize mode=squash size=224 filter=bilinear; "
                     "float divide=full; normalize " IMAGENET_NUMBERS},
    {"kad", "depth8 from=max; rgb; resize mode=squash size=512 filter=bicubic; float divide=full; "
            "normalize " IMAGENET_NUMBERS},
    {"kad-1024", "depth8 from=max; rgb; resize mode=squash size=1024 filter=bicubic; float divide=full; "
                 "normalize " IMAGENET_NUMBERS},
    {"carzero", "depth8 from=max; gray; resize mode=longer size=256 filter=area; pad size=256 fill=0 at=centre; "
                "crop size=224 round=even; rgb; float divide=full; normalize mean=0.4978 std=0.2449"},
    {"gloria", "depth8 from=max; gray; resize mode=longer size=256 filter=area; pad size=256 fill=0 at=centre; "
               "crop size=224 round=even; rgb; float divide=full; normalize mean=0.5 std=0.5"},
    {"biovil", "gray; minmax8; resize mode=shorter size=512 filter=bilinear; crop size=480 round=even; rgb; "
               "float divide=full"},
    {"biovil-t", "gray; minmax8; resize mode=shorter size=512 filter=bilinear; crop size=448 round=even; rgb; "
                 "float divide=full"},
    {"llava", "depth8 from=max; rgb; pad size=square fill=122,116,104 at=centre; resize mode=shorter size=336 "
              "filter=bicubic; crop size=336 round=down; scale factor=0.00392156862745098; normalize " CLIP_NUMBERS},
};
enum { PRESET_COUNT = sizeof presets / sizeof presets[0] };

const char *radz_recipe_preset_name(size_t i)
{
    return i < PRESET_COUNT ? presets[i].name : NULL;
}

const char *radz_recipe_preset_text(size_t i)
{
    return i < PRESET_COUNT ? presets[i].text : NULL;
}

/* --- reading the arguments of a step --- */

/* Where a message is about: "WHERE, step 3 'crop'" or, with a line, "WHERE line 12, step 3 'crop'". */
typedef struct place {
    const char *where, *step;
    size_t number; /* from 1 */
    int line;
} place;

static radz_status at_place(const place *p, radz_error *err)
{
    if (p->line > 0)
        return radz_prefix(err, "%s line %d, preprocess step %zu '%.40s'", p->where, p->line, p->number, p->step);
    return radz_prefix(err, "%s, preprocess step %zu '%.40s'", p->where, p->number, p->step);
}

static radz_status parse_word(const arg_kind *kind, const char *value, int *out, radz_error *err)
{
    size_t count = 0;
    for (; kind->words[count] != NULL; count++)
        if (strcmp(kind->words[count], value) == 0) {
            *out = (int)count;
            return RADZ_OK;
        }
    return radz_fail_unknown_in(err, kind->name, value, kind->words, count);
}

/* "224" or "480x512" (height first). */
static radz_status parse_extent(const char *value, size_t *height, size_t *width, radz_error *err)
{
    char text[32];
    const size_t length = strlen(value);
    if (length >= sizeof text)
        return radz_fail(err, RADZ_E_VALUE, "'%.40s' is not a size; N or HxW is wanted", value);
    memcpy(text, value, length + 1);
    char *cross = strchr(text, 'x');
    if (cross != NULL)
        *cross = '\0';
    int64_t h, w;
    radz_status st = radz_parse_i64(text, 1, RECIPE_MAX_SIDE, &h, err);
    if (st == RADZ_OK)
        st = cross != NULL ? radz_parse_i64(cross + 1, 1, RECIPE_MAX_SIDE, &w, err) : (w = h, RADZ_OK);
    if (st != RADZ_OK)
        return radz_prefix(err, "size '%s' (N or HxW)", value);
    *height = (size_t)h;
    *width = (size_t)w;
    return RADZ_OK;
}

/* "0.5", "0.5,0.4,0.3", "[0.5, 0.4, 0.3]". */
static radz_status parse_numbers(const char *value, bool one, number_list *out, radz_error *err)
{
    char text[160];
    const char *p = value;
    while (isspace((unsigned char)*p) || *p == '[')
        p++;
    out->count = 0;
    while (*p != '\0' && *p != ']') {
        size_t length = strcspn(p, ", \t]");
        if (length >= sizeof text || out->count == 3)
            return radz_fail(err, RADZ_E_VALUE, "'%.80s': one or three numbers are wanted", value);
        memcpy(text, p, length);
        text[length] = '\0';
        radz_status st = radz_parse_double(text, true, &out->values[out->count++], err);
        if (st != RADZ_OK)
            return st;
        p += length;
        p += strspn(p, " \t");
        if (*p == ',')
            p++;
        p += strspn(p, " \t");
    }
    if (*p == ']')
        p += 1 + strspn(p + 1, " \t");
    if (*p != '\0' || (out->count != 1 && (one || out->count != 3)))
        return radz_fail(err, RADZ_E_VALUE, "'%.80s': %s wanted", value,
                         one ? "one number is" : "one or three numbers are");
    return RADZ_OK;
}

static radz_status parse_arg(const arg_kind *kind, const char *value, recipe_step *step, radz_error *err)
{
    void *field = (char *)step + kind->offset;
    int64_t whole = 0;
    radz_status st = RADZ_OK;
    switch (kind->type) {
    case ARG_WORD:
        return parse_word(kind, value, field, err);
    case ARG_EXTENT_OR_SQUARE:
        if (strcmp(value, "square") == 0) {
            step->height = step->width = 0;
            return RADZ_OK;
        }
        return parse_extent(value, &step->height, &step->width, err);
    case ARG_EXTENT:
        return parse_extent(value, &step->height, &step->width, err);
    case ARG_COUNT:
        st = radz_parse_i64(value, 2, 65536, &whole, err);
        *(int *)field = (int)whole;
        break;
    case ARG_NUMBER:
    case ARG_NUMBERS:
        st = parse_numbers(value, kind->type == ARG_NUMBER, field, err);
        break;
    }
    return st == RADZ_OK ? st : radz_prefix(err, "'%s'", kind->name);
}

static size_t arg_count_of(const step_kind *kind)
{
    size_t n = 0;
    while (n < MAX_ARGS && kind->args[n].name != NULL)
        n++;
    return n;
}

static const char *nth_step_name(const void *context, size_t i)
{
    (void)context;
    return i < STEP_COUNT ? kinds[i].name : NULL;
}

static const char *nth_arg_name(const void *context, size_t i)
{
    const step_kind *kind = context;
    return i < arg_count_of(kind) ? kind->args[i].name : NULL;
}

static radz_status parse_step(const radz_recipe_step *given, recipe_step *step, radz_error *err)
{
    size_t code = 0;
    while (code < STEP_COUNT && strcmp(kinds[code].name, given->name) != 0)
        code++;
    if (code == STEP_COUNT)
        return radz_fail_unknown(err, "step", given->name, nth_step_name, NULL);
    const step_kind *kind = &kinds[code];
    const size_t known = arg_count_of(kind);
    bool seen[MAX_ARGS] = {false};
    *step = (recipe_step){.code = (step_code)code};
    for (size_t i = 0; i < given->arg_count; i++) {
        const radz_recipe_arg *arg = &given->args[i];
        size_t at = 0;
        while (at < known && strcmp(kind->args[at].name, arg->name) != 0)
            at++;
        if (at == known && known == 0)
            return radz_fail(err, RADZ_E_USAGE, "unknown argument '%.40s': this step takes none", arg->name);
        if (at == known)
            return radz_fail_unknown(err, "argument", arg->name, nth_arg_name, kind);
        if (seen[at])
            return radz_fail(err, RADZ_E_USAGE, "argument '%s' is given twice", arg->name);
        seen[at] = true;
        radz_status st = parse_arg(&kind->args[at], arg->value, step, err);
        if (st != RADZ_OK)
            return st;
    }
    for (size_t at = 0; at < known; at++) {
        if (seen[at])
            continue;
        if (kind->args[at].fallback == NULL)
            return radz_fail(err, RADZ_E_MISSING, "argument '%s' is missing; wanted: %s", kind->args[at].name,
                             kind->help);
        radz_status st = parse_arg(&kind->args[at], kind->args[at].fallback, step, err);
        if (st != RADZ_OK)
            return st;
    }
    return RADZ_OK;
}

/* --- what can follow what --- */

typedef struct flow {
    bool begun;            /* a step has been seen */
    bool real;             /* samples are float */
    bool deep;             /* samples may have 16 bits */
    int channels;          /* 1, 3, or 0: as the picture */
    bool square;           /* sides are equal */
    size_t height, width;  /* 0: differs from picture to picture */
} flow;

static radz_status follow(const recipe_step *s, flow *f, radz_error *err)
{
    const bool first = !f->begun;
    f->begun = true;
    switch (s->code) {
    case STEP_DECODE:
        if (!first)
            return radz_fail(err, RADZ_E_VALUE, "must be the first step: it says how the file is read");
        break;
    case STEP_GRAY:
        f->channels = 1;
        break;
    case STEP_RGB:
        f->channels = 3;
        break;
    case STEP_DEPTH8:
    case STEP_MINMAX8:
    case STEP_EQUALIZE:
        if (f->real)
            return radz_fail(err, RADZ_E_VALUE, "needs whole samples, but an earlier step made them float");
        if (s->code == STEP_EQUALIZE && f->channels != 1)
            return radz_fail(err, RADZ_E_VALUE, "needs one channel: put 'gray' before it");
        f->deep = false;
        break;
    case STEP_FLOAT:
        if (f->real && s->word != DIVIDE_NONE)
            return radz_fail(err, RADZ_E_VALUE, "needs whole samples, but an earlier step made them float");
        f->real = true;
        break;
    case STEP_RESIZE:
        if (s->filter == RADZ_FILTER_BICUBIC_PLAIN && !f->real)
            return radz_fail(err, RADZ_E_VALUE, "filter 'bicubic-plain' needs float samples: put 'float', 'scale' or "
                             "'normalize' before it");
        if (s->word != MODE_SQUASH && s->height != s->width)
            return radz_fail(err, RADZ_E_VALUE, "size %zux%zu: this mode wants one number", s->height, s->width);
        if (s->word == MODE_SQUASH || (f->square && s->word != MODE_LONGER_RATIO)) {
            f->height = s->height;
            f->width = s->width;
            f->square = s->height == s->width;
        } else {
            f->height = f->width = 0;
        }
        break;
    case STEP_CROP:
        f->height = s->height;
        f->width = s->width;
        f->square = s->height == s->width;
        break;
    case STEP_PAD:
        if (s->a.count == 3 && f->channels != 3)
            return radz_fail(err, RADZ_E_VALUE, "a fill of three numbers needs three channels: put 'rgb' before it");
        if (s->height == 0 && f->square)
            break;
        f->height = s->height;
        f->width = s->width;
        f->square = s->height == s->width;
        break;
    case STEP_SCALE:
        f->real = true;
        break;
    case STEP_NORMALIZE:
        for (int i = 0; i < s->b.count; i++)
            if (!((float)s->b.values[i] > 0.0f))
                return radz_fail(err, RADZ_E_VALUE, "std %g: a positive number is wanted", s->b.values[i]);
        if ((s->a.count == 3 || s->b.count == 3) && f->channels != 3)
            return radz_fail(err, RADZ_E_VALUE, "three numbers need three channels: put 'rgb' before it");
        f->real = true;
        break;
    case STEP_COUNT:
        break;
    }
    return RADZ_OK;
}

/* What the decoder may leave out, and how small a JPEG file may be decoded: no smaller than `jpeg=draft` says, in units of
 * the first resize. */
static radz_status find_decoding(radz_recipe *recipe, radz_error *err)
{
    const recipe_step *how = &recipe->steps[0];
    radz_decoding *d = &recipe->decoding;
    if (recipe->count == 0 || how->code != STEP_DECODE)
        return RADZ_OK;
    d->no_rescale = how->rescale == SWITCH_OFF;
    d->no_lut = how->lut == SWITCH_OFF;
    d->no_window = how->window == SWITCH_OFF;
    d->no_invert = how->invert == SWITCH_OFF;
    if (how->word == JPEG_EXACT)
        return RADZ_OK;
    const size_t margin = (size_t)(how->word - JPEG_EXACT);
    const recipe_step *const end = recipe->steps + recipe->count;
    bool square = false;
    for (const recipe_step *s = how + 1; s < end; s++) {
        if (s->code == STEP_CROP || (s->code == STEP_PAD && s->height != 0))
            break;
        square = square || s->code == STEP_PAD;
        if (s->code != STEP_RESIZE)
            continue;
        const size_t height = margin * s->height, width = margin * s->width;
        if (s->word == MODE_SHORTER && !square)
            d->least_shorter = height;
        else if (s->word == MODE_SQUASH && !square) {
            d->least_height = height;
            d->least_width = width;
        } else /* the longer side decides */
            d->least_longer = height > width ? height : width;
        return RADZ_OK;
    }
    return radz_fail(err, RADZ_E_VALUE, "jpeg=%s needs a resize, before any crop or pad to a fixed size", jpeg_words[how->word]);
}

/* --- canonical text --- */

static radz_status print_numbers(radz_strbuf *text, const number_list *list, radz_error *err)
{
    /* three equal numbers and one number are the same recipe */
    const bool same = list->count == 1 || (list->values[0] == list->values[1] && list->values[1] == list->values[2]);
    radz_status st = RADZ_OK;
    for (int i = 0; i < (same ? 1 : 3) && st == RADZ_OK; i++) {
        char number[32];
        radz_double_text(list->values[i], number);
        st = radz_strbuf_printf(text, err, "%s%s", i > 0 ? "," : "", number);
    }
    return st;
}

static radz_status print_step(radz_strbuf *text, const recipe_step *step, radz_error *err)
{
    const step_kind *kind = &kinds[step->code];
    if (step->code == STEP_DECODE && step->word == JPEG_EXACT && step->rescale == SWITCH_ON && step->lut == SWITCH_ON &&
        step->window == SWITCH_ON && step->invert == SWITCH_ON)
        return RADZ_OK; /* the same recipe as without it */
    radz_status st = radz_strbuf_printf(text, err, "%s%s", text->length > 0 ? "; " : "", kind->name);
    for (size_t i = 0; i < arg_count_of(kind) && st == RADZ_OK; i++) {
        const arg_kind *arg = &kind->args[i];
        const void *field = (const char *)step + arg->offset;
        st = radz_strbuf_printf(text, err, " %s=", arg->name);
        if (st != RADZ_OK)
            break;
        switch (arg->type) {
        case ARG_WORD:
            st = radz_strbuf_puts(text, arg->words[*(const int *)field], err);
            break;
        case ARG_EXTENT:
        case ARG_EXTENT_OR_SQUARE:
            if (step->height == 0)
                st = radz_strbuf_puts(text, "square", err);
            else if (step->height == step->width)
                st = radz_strbuf_printf(text, err, "%zu", step->height);
            else
                st = radz_strbuf_printf(text, err, "%zux%zu", step->height, step->width);
            break;
        case ARG_COUNT:
            st = radz_strbuf_printf(text, err, "%d", *(const int *)field);
            break;
        case ARG_NUMBER:
        case ARG_NUMBERS:
            st = print_numbers(text, field, err);
            break;
        }
    }
    return st;
}

radz_status radz_recipe_build(const char *where, const radz_recipe_step *steps, size_t count, radz_recipe **out,
                              radz_error *err)
{
    *out = NULL;
    radz_strbuf text = {0};
    flow f = {.deep = true};
    radz_recipe *recipe = radz_calloc(1, sizeof *recipe, err);
    radz_status st = recipe == NULL ? RADZ_E_NOMEM : RADZ_OK;
    if (st == RADZ_OK && (count == 0 || count > RECIPE_MAX_STEPS))
        st = radz_fail(err, RADZ_E_VALUE, "%s: %zu preprocess steps; 1 to %d are wanted", where, count,
                       RECIPE_MAX_STEPS);
    for (size_t i = 0; i < count && st == RADZ_OK; i++) {
        const place here = {where, steps[i].name, i + 1, steps[i].line};
        recipe_step *step = &recipe->steps[i];
        st = parse_step(&steps[i], step, err);
        if (st == RADZ_OK)
            st = follow(step, &f, err);
        if (st != RADZ_OK) {
            at_place(&here, err);
            break;
        }
        st = print_step(&text, step, err);
        recipe->count = i + 1;
    }
    if (st == RADZ_OK && find_decoding(recipe, err) != RADZ_OK) {
        const place here = {where, steps[0].name, 1, steps[0].line};
        st = at_place(&here, err);
    }
    if (st == RADZ_OK && (f.height == 0 || f.width == 0))
        st = radz_fail(err, RADZ_E_VALUE,
                       "%s: the preprocess steps do not end in one size for all pictures; add a crop, a pad "
                       "with a size, or resize mode=squash",
                       where);
    if (st == RADZ_OK) {
        recipe->height = f.height;
        recipe->width = f.width;
        recipe->text = text.text;
        *out = recipe;
        return RADZ_OK;
    }
    radz_strbuf_free(&text);
    free(recipe);
    return st;
}

/* --- one text to steps --- */

/* The next word of a copy of the text, cut at blanks and ';'. */
static char *cut_word(char **at, bool *step_ends)
{
    char *p = *at;
    while (isspace((unsigned char)*p))
        p++;
    char *word = p;
    while (*p != '\0' && *p != ';' && !isspace((unsigned char)*p))
        p++;
    char *end = p;
    while (isspace((unsigned char)*p))
        p++;
    *step_ends = *p == ';' || *p == '\0';
    if (*p == ';')
        p++;
    *end = '\0';
    *at = p;
    return word;
}

radz_status radz_recipe_parse(const char *where, const char *text, radz_recipe **out, radz_error *err)
{
    *out = NULL;
    radz_recipe_step steps[RECIPE_MAX_STEPS] = {{0}};
    radz_recipe_arg args[RECIPE_MAX_STEPS * MAX_ARGS];
    size_t count = 0, used = 0;
    char *copy = radz_strdup(text, err);
    if (copy == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    for (char *p = copy; *p != '\0' && st == RADZ_OK;) {
        bool ends;
        char *name = cut_word(&p, &ends);
        if (count == RECIPE_MAX_STEPS) {
            st = radz_fail(err, RADZ_E_VALUE, "%s: more than %d preprocess steps", where, RECIPE_MAX_STEPS);
            break;
        }
        radz_recipe_step *step = &steps[count++];
        step->name = name;
        step->args = args + used;
        while (!ends && st == RADZ_OK) {
            char *word = cut_word(&p, &ends);
            char *equals = strchr(word, '=');
            if (equals == NULL || equals == word)
                st = radz_fail(err, RADZ_E_FORMAT,
                               "%s, preprocess step %zu '%.40s': '%.40s' is not of the form name=value", where, count,
                               name, word);
            else if (used == RECIPE_MAX_STEPS * MAX_ARGS)
                st = radz_fail(err, RADZ_E_VALUE, "%s: too many arguments", where);
            else {
                *equals = '\0';
                args[used++] = (radz_recipe_arg){word, equals + 1};
                step->arg_count++;
            }
        }
    }
    if (st == RADZ_OK)
        st = radz_recipe_build(where, steps, count, out, err);
    free(copy);
    return st;
}

static const char *nth_preset(const void *context, size_t i)
{
    (void)context;
    return radz_recipe_preset_name(i);
}

radz_status radz_recipe_preset(const char *name, radz_recipe **out, radz_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < PRESET_COUNT; i++)
        if (strcmp(presets[i].name, name) == 0) {
            char where[80];
            snprintf(where, sizeof where, "preprocess preset '%s'", name);
            return radz_recipe_parse(where, presets[i].text, out, err);
        }
    return radz_fail_unknown(err, "preprocess preset", name, nth_preset, NULL);
}

void radz_recipe_free(radz_recipe *recipe)
{
    if (recipe != NULL) {
        free(recipe->text);
        free(recipe);
    }
}

const char *radz_recipe_text(const radz_recipe *recipe)
{
    return recipe->text;
}

const radz_decoding *radz_recipe_decoding(const radz_recipe *recipe)
{
    return &recipe->decoding;
}

size_t radz_recipe_height(const radz_recipe *recipe)
{
    return recipe->height;
}

size_t radz_recipe_width(const radz_recipe *recipe)
{
    return recipe->width;
}

#include "run/dialogue_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/workers.h"
#include "encoder/door.h"
#include "run/prompt_texts.h"

static const char PICTURE[] = "<image>";
static const char *const ANSWERS[] = {"No", "Yes"};
enum { STREAM_QUESTION = 4, STREAM_KIND = 5 }; /* beside those of train_feed.c */

typedef struct id_list {
    int32_t *items;
    size_t count, capacity;
    size_t learnt; /* of a dialogue: its answer begins here */
} id_list;

/* Classes that a section of the recipe speaks of: indices into the data set's. */
typedef struct class_list {
    size_t *items, count;
} class_list;

typedef enum text_kind { TEXT_OF_REPORT, TEXT_OF_LABEL, TEXT_OF_ANCHOR } text_kind;

/* A text of a batch. */
typedef struct drawn_text {
    text_kind kind;
    size_t label; /* class of the data set, or its number of classes: no finding */
    size_t part;  /* of the anchor's description */
    radz_feed_text text;
    size_t sample; /* whose report it is from */
} drawn_text;

struct radz_dialogue_feed {
    radz_dialogue_feed_options o;
    radz_feed_order order;
    radz_feed_texts texts;
    class_list asked, told, anchored;
    id_list image_prompt;
    uint8_t *image_roles;
    size_t shared;
    id_list *reports;          /* [dataset->n] dialogues about the report */
    id_list *questions;        /* [asked.count, 2]: answered with no, with yes */
    id_list *labels;           /* [n_classes + 1] texts */
    id_list *parts;            /* [n_classes, RADZ_ANCHOR_PARTS] parts of descriptions; some have no items */
    id_list *anchors;          /* [anchored.count + 1], the last "No Finding" */
    uint8_t **anchor_roles;
    radz_train_text *anchor_texts;
    size_t longest_report, longest_question;
    size_t *samples;           /* [batch] */
    drawn_text *drawn;         /* [batch * per_image] */
    radz_strbuf *buffers;      /* [threads] */
    uint64_t number;           /* of the batch being made */
    radz_mllm_batch *out;
};

static void draw(const radz_dialogue_feed *f, radz_rng *rng, uint64_t purpose, uint64_t number)
{
    radz_rng_seed(rng, f->o.recipe->training->seed, number * 8 + purpose);
}

/* ---- ids ---------------------------------------------------------------------------------------------------------- */

static radz_status encode(const radz_tokenizer *t, const char *text, id_list *out, radz_error *err)
{
    free(out->items);
    *out = (id_list){0};
    return radz_tokenizer_encode_all(t, text, strlen(text), true, &out->items, &out->count, err);
}

/* A prompt with {question} and {image} filled in, and an answer behind it; what is behind the picture, with the end mark. */
static radz_status encode_dialogue(radz_dialogue_feed *f, const char *question, const char *answer, id_list *out, radz_error *err)
{
    const radz_tokenizer *t = f->o.tokenizer;
    const char *prompt = f->o.template_card->prompt;
    const char *image = strstr(prompt, "{image}"), *place = strstr(prompt, "{question}");
    const char *behind = image + strlen("{image}");
    radz_strbuf text = {0};
    id_list asked = {0}, whole = {0};
    radz_status st = radz_strbuf_printf(&text, err, "%.*s%s%.*s%s%s", (int)(image - prompt), prompt, PICTURE, (int)(place - behind), behind,
                                        question, place + strlen("{question}"));
    if (st == RADZ_OK)
        st = encode(t, text.text, &asked, err);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&text, err, " %s", answer);
    if (st == RADZ_OK)
        st = encode(t, text.text, &whole, err);
    size_t same = 0, cut = 0;
    while (st == RADZ_OK && same < asked.count && same < whole.count && asked.items[same] == whole.items[same])
        same++;
    while (st == RADZ_OK && cut < whole.count && whole.items[cut] != f->o.image_token)
        cut++;
    if (st == RADZ_OK && (cut + 1 != f->shared || memcmp(whole.items, f->image_prompt.items, f->shared * sizeof *whole.items) != 0))
        st = radz_fail(err, RADZ_E_VALUE, "recipe '%s': dialogues of template '%s' and the image prompt '%s' do not begin alike up to the "
                       "picture; give radz.image_prompt the words that the template has before {image}", f->o.recipe->base.name,
                       f->o.template_card->base.name, f->o.radz != NULL ? f->o.radz->image_prompt : PICTURE);
    if (st == RADZ_OK) {
        size_t n = whole.count - f->shared;
        *out = (id_list){.items = radz_calloc(n + 1, sizeof *out->items, err), .count = n + 1, .learnt = same - f->shared};
        if (out->items == NULL) {
            st = RADZ_E_NOMEM;
        } else {
            memcpy(out->items, whole.items + f->shared, n * sizeof *out->items);
            out->items[n] = radz_tokenizer_info_of(t)->eos_id;
        }
    }
    free(asked.items);
    free(whole.items);
    radz_strbuf_free(&text);
    return st;
}

/* Roles of a prompt's positions: the special tokens are global; of the others a text's are local (not the start mark), and of
 * an image's prompt the picture is. */
static void set_roles(const radz_dialogue_feed *f, const int32_t *ids, size_t count, bool image, uint8_t *roles)
{
    const radz_config *r = f->o.radz;
    int32_t start = radz_tokenizer_info_of(f->o.tokenizer)->bos_id;
    for (size_t i = 0; i < count; i++) {
        bool global = radz_config_is_global(r, image, ids[i], i + 1 == count), special = global && r->pooling == RADZ_POOL_SPECIAL;
        bool local = image ? ids[i] == f->o.image_token : !special && ids[i] != start;
        roles[i] = (uint8_t)((global ? RADZ_ROLE_GLOBAL : RADZ_ROLE_NONE) | (local ? RADZ_ROLE_LOCAL : RADZ_ROLE_NONE));
    }
}

static radz_status encode_text(const radz_dialogue_feed *f, const char *text, radz_strbuf *buffer, id_list *out, radz_error *err)
{
    radz_status st = radz_config_spell_text(f->o.radz, text, buffer, err);
    if (st == RADZ_OK)
        st = encode(f->o.tokenizer, buffer->text, out, err);
    if (st == RADZ_OK && out->count > f->o.context)
        st = radz_fail(err, RADZ_E_VALUE, "'%.60s%s': the text takes %zu tokens, there is room for %zu", text, strlen(text) > 60 ? "..." : "",
                       out->count, f->o.context);
    return st;
}

/* ---- classes ------------------------------------------------------------------------------------------------------ */

static radz_status find_classes(const radz_dialogue_feed_options *o, const char *group_name, const char *key, class_list *out,
                                radz_error *err)
{
    const radz_dataset *d = o->source.dataset;
    const radz_class_group *group = group_name != NULL ? radz_dataset_card_group(o->card, group_name) : NULL;
    if (group_name != NULL && group == NULL)
        return radz_fail(err, RADZ_E_VALUE, "recipe '%s': %s: data set '%s' has no group of classes '%s'", o->recipe->base.name, key,
                         d->name, group_name);
    out->items = radz_calloc(d->n_classes, sizeof *out->items, err);
    if (out->items == NULL)
        return RADZ_E_NOMEM;
    for (size_t c = 0; c < d->n_classes; c++) {
        bool member = group == NULL;
        for (size_t k = 0; group != NULL && k < group->classes_count; k++)
            member = member || strcmp(group->classes[k], d->classes[c]) == 0;
        if (member)
            out->items[out->count++] = c;
    }
    return RADZ_OK;
}

static bool has(const radz_dialogue_feed *f, size_t sample, size_t class_index)
{
    return f->o.source.dataset->labels[sample * f->o.source.dataset->n_classes + class_index] == 1;
}

static bool has_none(const radz_dialogue_feed *f, size_t sample)
{
    for (size_t c = 0; c < f->o.source.dataset->n_classes; c++)
        if (has(f, sample, c))
            return false;
    return true;
}

/* Names of listed classes, and "No Finding" behind them when `with_none`. The caller frees the array. */
static const char **class_names(const radz_dialogue_feed *f, const class_list *list, bool with_none, radz_error *err)
{
    const char **names = radz_calloc(list->count + 1, sizeof *names, err);
    for (size_t i = 0; names != NULL && i < list->count; i++)
        names[i] = f->o.source.dataset->classes[list->items[i]];
    if (names != NULL && with_none)
        names[list->count] = RADZ_NO_FINDING;
    return names;
}

/* ---- setting up --------------------------------------------------------------------------------------------------- */

static radz_status make_image_prompt(radz_dialogue_feed *f, radz_error *err)
{
    const radz_config *r = f->o.radz;
    const char *prompt = f->o.template_card != NULL ? f->o.template_card->prompt : NULL;
    radz_strbuf text = {0};
    radz_status st;
    if (r != NULL) {
        st = radz_config_spell_image(r, &text, err);
    } else {
        st = radz_strbuf_printf(&text, err, "%.*s%s", (int)(strstr(prompt, "{image}") - prompt), prompt, PICTURE);
    }
    if (st == RADZ_OK)
        st = encode(f->o.tokenizer, text.text, &f->image_prompt, err);
    radz_strbuf_free(&text);
    for (size_t i = 0; st == RADZ_OK && i < f->image_prompt.count; i++)
        if (f->image_prompt.items[i] == f->o.image_token)
            f->shared = i + 1;
    if (st == RADZ_OK && f->shared == 0)
        st = radz_fail(err, RADZ_E_VALUE, "recipe '%s': the tokenizer finds no picture in the image prompt", f->o.recipe->base.name);
    f->image_roles = radz_calloc(f->image_prompt.count + 1, 1, err);
    if (st == RADZ_OK && f->image_roles == NULL)
        st = RADZ_E_NOMEM;
    if (st == RADZ_OK && r != NULL)
        set_roles(f, f->image_prompt.items, f->image_prompt.count, true, f->image_roles);
    return st;
}

static void measure(const id_list *list, size_t *longest)
{
    *longest = list->count > *longest ? list->count : *longest;
}

static radz_status make_dialogues(radz_dialogue_feed *f, radz_error *err)
{
    const radz_recipe_dialogue *d = f->o.recipe->dialogue;
    const radz_dataset *data = f->o.source.dataset;
    radz_status st = RADZ_OK;
    if (d->report != NULL) {
        f->reports = radz_calloc(data->n, sizeof *f->reports, err);
        st = f->reports == NULL ? RADZ_E_NOMEM : RADZ_OK;
        for (size_t i = 0; i < data->n && st == RADZ_OK; i++) {
            const char *report = data->samples[i].report;
            st = report == NULL ? radz_fail(err, RADZ_E_MISSING, "data set '%s': image '%s' has no report to train with", data->name,
                                            data->samples[i].image_id)
                                : encode_dialogue(f, d->report, report, &f->reports[i], err);
            measure(&f->reports[i], &f->longest_report);
        }
    }
    if (st != RADZ_OK || d->questions == 0)
        return st;
    if ((st = find_classes(&f->o, d->group, "dialogue.group", &f->asked, err)) != RADZ_OK)
        return st;
    radz_prompt_texts said = {0};
    const char **names = class_names(f, &f->asked, false, err);
    f->questions = radz_calloc(2 * f->asked.count, sizeof *f->questions, err);
    st = names == NULL || f->questions == NULL ? RADZ_E_NOMEM
                                               : radz_prompt_texts_say(f->o.questions, f->o.terms, f->o.questions->question, names,
                                                                       f->asked.count, &said, err);
    for (size_t i = 0; i < 2 * f->asked.count && st == RADZ_OK; i++) {
        st = encode_dialogue(f, said.texts[i / 2], ANSWERS[i % 2], &f->questions[i], err);
        measure(&f->questions[i], &f->longest_question);
    }
    radz_prompt_texts_free(&said);
    free(names);
    return st;
}

static radz_status make_labels(radz_dialogue_feed *f, radz_error *err)
{
    const radz_recipe_labels *l = f->o.recipe->labels;
    size_t classes = f->o.source.dataset->n_classes;
    radz_status st = find_classes(&f->o, l->group, "labels.group", &f->told, err);
    if (st != RADZ_OK)
        return st;
    radz_prompt_texts said = {0};
    radz_strbuf buffer = {0};
    const char **names = class_names(f, &f->told, true, err);
    f->labels = radz_calloc(classes + 1, sizeof *f->labels, err);
    st = names == NULL || f->labels == NULL
             ? RADZ_E_NOMEM
             : radz_prompt_texts_say(f->o.labels, f->o.terms, f->o.labels->templates[0], names, f->told.count + 1, &said, err);
    for (size_t i = 0; i <= f->told.count && st == RADZ_OK; i++)
        st = encode_text(f, said.texts[i], &buffer, &f->labels[i < f->told.count ? f->told.items[i] : classes], err);
    radz_prompt_texts_free(&said);
    radz_strbuf_free(&buffer);
    free(names);
    return st;
}

static radz_status make_anchors(radz_dialogue_feed *f, radz_error *err)
{
    const radz_recipe_anchors *a = f->o.recipe->anchors;
    radz_status st = find_classes(&f->o, a->group, "anchors.group", &f->anchored, err);
    size_t n = f->anchored.count + 1;
    radz_strbuf buffer = {0};
    const char **names = st == RADZ_OK ? class_names(f, &f->anchored, true, err) : NULL;
    f->anchors = radz_calloc(n, sizeof *f->anchors, err);
    f->anchor_roles = radz_calloc(n, sizeof *f->anchor_roles, err);
    if (a->texts > 0 && (f->parts = radz_calloc(f->o.source.dataset->n_classes * RADZ_ANCHOR_PARTS, sizeof *f->parts, err)) == NULL)
        st = RADZ_E_NOMEM;
    f->anchor_texts = radz_calloc(n, sizeof *f->anchor_texts, err);
    if (st == RADZ_OK && (names == NULL || f->anchors == NULL || f->anchor_roles == NULL || f->anchor_texts == NULL))
        st = RADZ_E_NOMEM;
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        const radz_anchor *anchor = radz_anchor_find(f->o.anchors, f->o.terms, names[i]);
        char *text = NULL;
        if (anchor == NULL) {
            st = radz_fail(err, RADZ_E_VALUE, "recipe '%s': class '%s' has no anchor in '%s'", f->o.recipe->base.name, names[i],
                           f->o.anchors->base.file);
        } else if ((text = radz_anchor_text(anchor, err)) == NULL) {
            st = RADZ_E_NOMEM;
        } else if (a->form == RADZ_ANCHORS_DECODER) {
            st = encode_text(f, text, &buffer, &f->anchors[i], err);
        } else { /* its own tokens alone, as the mean of embeddings is read */
            st = radz_tokenizer_encode_all(f->o.tokenizer, text, strlen(text), false, &f->anchors[i].items, &f->anchors[i].count, err);
        }
        free(text);
        if (st == RADZ_OK && (f->anchor_roles[i] = radz_calloc(f->anchors[i].count + 1, 1, err)) == NULL)
            st = RADZ_E_NOMEM;
        if (st == RADZ_OK)
            set_roles(f, f->anchors[i].items, f->anchors[i].count, false, f->anchor_roles[i]);
        for (size_t k = 0; k < RADZ_ANCHOR_PARTS && st == RADZ_OK && i < f->anchored.count && f->parts != NULL; k++)
            if (radz_anchor_part(anchor, k) != NULL)
                st = encode_text(f, radz_anchor_part(anchor, k), &buffer, &f->parts[f->anchored.items[i] * RADZ_ANCHOR_PARTS + k], err);
        if (st == RADZ_OK)
            f->anchor_texts[i] = (radz_train_text){f->anchors[i].items, f->anchor_roles[i], f->anchors[i].count};
    }
    radz_strbuf_free(&buffer);
    free(names);
    return st;
}

radz_status radz_dialogue_feed_create(const radz_dialogue_feed_options *o, radz_dialogue_feed **out, radz_error *err)
{
    *out = NULL;
    const radz_recipe_card *r = o->recipe;
    size_t batch = o->source.batch;
    radz_status st = radz_feed_check(r, &o->source, err);
    if (st != RADZ_OK)
        return st;
    radz_dialogue_feed *f = radz_calloc(1, sizeof *f, err);
    if (f == NULL)
        return RADZ_E_NOMEM;
    f->o = *o;
    f->o.threads = o->threads < 1 ? 1 : o->threads;
    f->samples = radz_calloc(batch, sizeof *f->samples, err);
    f->buffers = radz_calloc((size_t)f->o.threads, sizeof *f->buffers, err);
    st = f->samples == NULL || f->buffers == NULL ? RADZ_E_NOMEM
                                                  : radz_feed_order_create(o->source.dataset->n, r->training->seed, &f->order, err);
    if (st == RADZ_OK)
        st = make_image_prompt(f, err);
    if (st == RADZ_OK && o->template_card != NULL)
        st = make_dialogues(f, err);
    if (st == RADZ_OK && o->radz != NULL) {
        f->drawn = radz_calloc(batch * r->texts->per_image, sizeof *f->drawn, err);
        st = f->drawn == NULL ? RADZ_E_NOMEM : radz_feed_texts_create(o->source.dataset, r->texts, &f->texts, err);
    }
    if (st == RADZ_OK && o->labels != NULL)
        st = make_labels(f, err);
    if (st == RADZ_OK && o->anchors != NULL)
        st = make_anchors(f, err);
    if (st != RADZ_OK) {
        radz_dialogue_feed_free(f);
        return st;
    }
    *out = f;
    return RADZ_OK;
}

static void free_lists(id_list *lists, size_t count)
{
    for (size_t i = 0; lists != NULL && i < count; i++)
        free(lists[i].items);
    free(lists);
}

void radz_dialogue_feed_free(radz_dialogue_feed *f)
{
    if (f == NULL)
        return;
    for (int i = 0; i < f->o.threads && f->buffers != NULL; i++)
        radz_strbuf_free(&f->buffers[i]);
    for (size_t i = 0; f->anchor_roles != NULL && i <= f->anchored.count; i++)
        free(f->anchor_roles[i]);
    free_lists(f->reports, f->o.source.dataset->n);
    free_lists(f->questions, 2 * f->asked.count);
    free_lists(f->labels, f->o.source.dataset->n_classes + 1);
    free_lists(f->anchors, f->anchored.count + 1);
    free_lists(f->parts, f->o.source.dataset->n_classes * RADZ_ANCHOR_PARTS);
    radz_feed_order_free(&f->order);
    radz_feed_texts_free(&f->texts);
    free(f->asked.items);
    free(f->told.items);
    free(f->anchored.items);
    free(f->image_prompt.items);
    free(f->image_roles);
    free(f->anchor_roles);
    free(f->anchor_texts);
    free(f->samples);
    free(f->drawn);
    free(f->buffers);
    free(f);
}

void radz_dialogue_feed_describe(const radz_dialogue_feed *f, radz_train_mllm_options *out)
{
    const radz_recipe_card *r = f->o.recipe;
    out->image_prompt = (radz_train_text){f->image_prompt.items, f->image_roles, f->image_prompt.count};
    out->shared = f->shared;
    out->anchors = f->anchor_texts;
    out->anchor_count = f->anchor_texts != NULL ? f->anchored.count + 1 : 0;
    out->texts_per_image = f->o.radz != NULL ? r->texts->per_image : 0;
    out->context = (int64_t)f->o.context;
    out->branches = (f->reports != NULL ? 1 : 0) + (f->questions != NULL ? r->dialogue->questions : 0);
    out->branch_tokens = (int64_t)(f->longest_report + (f->questions != NULL ? r->dialogue->questions * f->longest_question : 0));
}

/* ---- a batch ------------------------------------------------------------------------------------------------------ */

static radz_status make_picture(void *context, size_t i, int worker, radz_error *err)
{
    (void)worker;
    (void)err;
    radz_dialogue_feed *f = context;
    const radz_recipe_card *r = f->o.recipe;
    radz_feed_picture(r, &f->o.source, f->samples[i], f->number * f->o.source.batch + i, f->o.image_size,
                      f->out->pixels + i * 3 * f->o.image_size * f->o.image_size);
    return RADZ_OK;
}

/* A question about a sample: a class it has with probability `yes`, if it has any, else one it has not. */
static const id_list *draw_question(const radz_dialogue_feed *f, radz_rng *rng, size_t sample)
{
    size_t present = 0, absent, n = f->asked.count;
    for (size_t i = 0; i < n; i++)
        present += has(f, sample, f->asked.items[i]);
    absent = n - present;
    bool yes = radz_rng_uniform(rng) < f->o.recipe->dialogue->yes;
    yes = (yes && present > 0) || absent == 0;
    size_t at = radz_rng_below(rng, (uint32_t)(yes ? present : absent)), i = 0;
    for (;; i++)
        if (has(f, sample, f->asked.items[i]) == yes && at-- == 0)
            break;
    return &f->questions[2 * i + (yes ? 1 : 0)];
}

/* The dialogues of the first images: the report, then questions, each in columns of its own. */
static void make_batch_dialogues(radz_dialogue_feed *f, size_t spoken, const id_list **lists)
{
    radz_mllm_batch *out = f->out;
    size_t questions = f->questions != NULL ? f->o.recipe->dialogue->questions : 0, reports = f->reports != NULL ? 1 : 0;
    size_t branches = reports + questions, columns = 0;
    for (size_t i = 0; i < spoken; i++) {
        radz_rng rng;
        draw(f, &rng, STREAM_QUESTION, f->number * f->o.source.batch + i);
        if (reports > 0)
            lists[i * branches] = &f->reports[f->samples[i]];
        for (size_t k = 0; k < questions; k++)
            lists[i * branches + reports + k] = draw_question(f, &rng, f->samples[i]);
    }
    for (size_t k = 0; k < branches; k++) {
        size_t longest = 1;
        for (size_t i = 0; i < spoken; i++)
            measure(lists[i * branches + k], &longest);
        out->branch_length[k] = (int64_t)longest;
        columns += longest;
    }
    memset(out->learnt, 0, spoken * columns);
    memset(out->said, 0, spoken * columns * sizeof *out->said);
    for (size_t i = 0; i < spoken; i++) {
        size_t at = i * columns;
        for (size_t k = 0; k < branches; k++) {
            const id_list *list = lists[i * branches + k];
            memcpy(out->said + at, list->items, list->count * sizeof *list->items);
            memset(out->learnt + at + list->learnt, 1, list->count - list->learnt);
            at += (size_t)out->branch_length[k];
        }
    }
    out->spoken = (int64_t)spoken;
    out->branches = (int64_t)branches;
}

/* One of the listed classes that the sample has; the number of classes when it has none at all; SIZE_MAX: others only. */
static size_t draw_class(const radz_dialogue_feed *f, radz_rng *rng, const class_list *list, size_t sample)
{
    size_t present = 0;
    for (size_t i = 0; i < list->count; i++)
        present += has(f, sample, list->items[i]);
    if (present == 0)
        return has_none(f, sample) ? f->o.source.dataset->n_classes : SIZE_MAX;
    size_t at = radz_rng_below(rng, (uint32_t)present);
    for (size_t i = 0; i < list->count; i++)
        if (has(f, sample, list->items[i]) && at-- == 0)
            return list->items[i];
    return SIZE_MAX;
}

/* The kind is drawn first; what a kind has nothing for is a text of the report. */
static void draw_text(const radz_dialogue_feed *f, size_t sample, uint64_t number, drawn_text *out)
{
    const radz_recipe_card *r = f->o.recipe;
    radz_rng rng;
    draw(f, &rng, STREAM_KIND, number);
    *out = (drawn_text){.sample = sample};
    double label = f->labels != NULL ? r->labels->share : 0, part = f->parts != NULL ? r->anchors->texts : 0;
    double u = radz_rng_uniform(&rng);
    if (u < label) {
        out->kind = TEXT_OF_LABEL;
        out->label = draw_class(f, &rng, &f->told, sample);
        if (out->label == SIZE_MAX)
            out->kind = TEXT_OF_REPORT;
    } else if (u < label + part) {
        out->kind = TEXT_OF_ANCHOR;
        out->label = draw_class(f, &rng, &f->anchored, sample);
        out->part = radz_rng_below(&rng, RADZ_ANCHOR_PARTS);
        if (out->label >= f->o.source.dataset->n_classes || f->parts[out->label * RADZ_ANCHOR_PARTS + out->part].items == NULL)
            out->kind = TEXT_OF_REPORT;
    }
    if (out->kind == TEXT_OF_REPORT)
        radz_feed_draw_text(&f->texts, r->texts, sample, r->training->seed, number, &out->text);
}

static bool same_drawn(const drawn_text *a, const drawn_text *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == TEXT_OF_REPORT ? radz_feed_same_text(&a->text, &b->text) : a->label == b->label && a->part == b->part;
}

static bool describes(const radz_dialogue_feed *f, const drawn_text *t, size_t sample)
{
    if (t->kind == TEXT_OF_REPORT)
        return radz_feed_describes(&f->texts, &t->text, sample);
    return t->label < f->o.source.dataset->n_classes ? has(f, sample, t->label) : has_none(f, sample);
}

/* The anchors of a sample; none when all its findings are without one. */
static void set_anchors(const radz_dialogue_feed *f, size_t sample, uint8_t *row)
{
    size_t n = f->anchored.count;
    for (size_t k = 0; k < n; k++)
        row[k] = has(f, sample, f->anchored.items[k]);
    row[n] = has_none(f, sample);
}

static bool is_whole(const radz_dialogue_feed *f, const drawn_text *t)
{
    return t->text.count == f->texts.first[t->sample + 1] - f->texts.first[t->sample];
}

static void put_text(const radz_dialogue_feed *f, const id_list *list, int32_t *ids, uint8_t *roles)
{
    memset(ids, 0, f->o.context * sizeof *ids);
    memset(roles, 0, f->o.context);
    memcpy(ids, list->items, list->count * sizeof *list->items);
    set_roles(f, list->items, list->count, false, roles);
}

radz_status radz_dialogue_feed_text(const radz_dialogue_feed *f, const char *text, int32_t *ids, uint8_t *roles, radz_error *err)
{
    radz_strbuf buffer = {0};
    id_list list = {0};
    radz_status st = encode_text(f, text, &buffer, &list, err);
    if (st == RADZ_OK)
        put_text(f, &list, ids, roles);
    free(list.items);
    radz_strbuf_free(&buffer);
    return st;
}

static radz_status make_text(void *context, size_t j, int worker, radz_error *err)
{
    radz_dialogue_feed *f = context;
    const drawn_text *t = &f->drawn[j];
    radz_strbuf *buffer = &f->buffers[worker];
    size_t width = f->o.context;
    id_list ids = {0};
    radz_status st = RADZ_OK;
    if (t->kind == TEXT_OF_REPORT) {
        radz_strbuf text = {0};
        st = radz_feed_spell_text(&f->texts, &t->text, &text, err);
        if (st == RADZ_OK)
            st = encode_text(f, text.text, buffer, &ids, err);
        radz_strbuf_free(&text);
        if (st != RADZ_OK)
            return st;
    }
    put_text(f, t->kind == TEXT_OF_REPORT  ? &ids
                : t->kind == TEXT_OF_LABEL ? &f->labels[t->label]
                                           : &f->parts[t->label * RADZ_ANCHOR_PARTS + t->part],
             f->out->ids + j * width, f->out->roles + j * width);
    free(ids.items);
    return RADZ_OK;
}

static radz_status make_texts(radz_dialogue_feed *f, radz_error *err)
{
    const radz_recipe_card *r = f->o.recipe;
    radz_mllm_batch *out = f->out;
    size_t batch = f->o.source.batch, each = r->texts->per_image, count = 0, anchors = f->anchored.count + 1;
    bool contained = r->training->positives == RADZ_POSITIVES_CONTAINED;
    for (size_t i = 0; i < batch; i++)
        for (size_t k = 0; k < each; k++) {
            drawn_text *t = &f->drawn[count];
            draw_text(f, f->samples[i], (f->number * batch + i) * each + k, t);
            size_t j = 0;
            while (contained && j < count && !same_drawn(&f->drawn[j], t))
                j++;
            count += !contained || j == count;
        }
    for (size_t i = 0; i < batch; i++)
        for (size_t j = 0; j < count; j++)
            out->positive[i * count + j] = contained ? describes(f, &f->drawn[j], f->samples[i]) : j / each == i;
    for (size_t i = 0; f->anchors != NULL && i < batch; i++)
        set_anchors(f, f->samples[i], out->image_anchors + i * anchors);
    for (size_t j = 0; f->anchors != NULL && j < count; j++) {
        const drawn_text *t = &f->drawn[j];
        uint8_t *row = out->text_anchors + j * anchors;
        memset(row, 0, anchors);
        if (t->kind == TEXT_OF_REPORT) {
            if (is_whole(f, t)) /* a part of a report need not hold all its findings */
                set_anchors(f, t->sample, row);
        } else {
            for (size_t k = 0; k < f->anchored.count; k++)
                row[k] = f->anchored.items[k] == t->label;
            row[f->anchored.count] = t->label == f->o.source.dataset->n_classes;
        }
    }
    radz_status st = radz_parallel_for(count, f->o.threads, make_text, f, err);
    size_t longest = 1, width = f->o.context;
    for (size_t j = 0; j < count && st == RADZ_OK; j++) {
        size_t n = width;
        while (n > longest && out->roles[j * width + n - 1] == 0)
            n--;
        longest = n > longest ? n : longest;
    }
    out->texts = (int64_t)count;
    out->tokens = (int64_t)longest;
    return st;
}

radz_status radz_dialogue_feed_batch(void *feed, int64_t number, radz_mllm_batch *out, radz_error *err)
{
    radz_dialogue_feed *f = feed;
    const radz_recipe_card *r = f->o.recipe;
    size_t batch = f->o.source.batch;
    f->number = (uint64_t)number;
    f->out = out;
    for (size_t i = 0; i < batch; i++)
        f->samples[i] = radz_feed_order_at(&f->order, f->number * batch + i);
    out->spoken = out->branches = out->texts = out->tokens = 0;
    radz_status st = radz_parallel_for(batch, f->o.threads, make_picture, f, err);
    if (st == RADZ_OK && r->dialogue != NULL && r->losses->lm > 0) {
        size_t spoken = (size_t)(r->dialogue->images * (double)batch + 0.5);
        spoken = spoken < 1 ? 1 : spoken;
        const id_list **lists = radz_calloc(spoken * (r->dialogue->questions + 1), sizeof *lists, err);
        if (lists == NULL)
            return RADZ_E_NOMEM;
        make_batch_dialogues(f, spoken, lists);
        free(lists);
    }
    if (st == RADZ_OK && f->o.radz != NULL)
        st = make_texts(f, err);
    return st;
}

/* ---- the tokenizer's texts ---------------------------------------------------------------------------------------- */

radz_status radz_dialogue_corpus(const radz_recipe_card *recipe, const radz_dataset *dataset, const radz_dataset_card *card,
                                 const radz_template_card *template_card, const radz_prompts_card *questions,
                                 const radz_terms_card *terms, radz_strlist *out, radz_error *err)
{
    const radz_recipe_dialogue *d = recipe->dialogue;
    const radz_dialogue_feed_options o = {.recipe = recipe, .source.dataset = dataset, .card = card};
    const char *behind = strstr(template_card->prompt, "{question}") + strlen("{question}");
    radz_strbuf text = {0};
    class_list classes = {0};
    radz_prompt_texts said = {0}, shown = {0};
    const char **names = NULL;
    radz_status st = find_classes(&o, d->group, "dialogue.group", &classes, err);
    names = radz_calloc(classes.count + 1, sizeof *names, err);
    if (st == RADZ_OK && names == NULL)
        st = RADZ_E_NOMEM;
    for (size_t i = 0; st == RADZ_OK && i < classes.count; i++)
        names[i] = dataset->classes[classes.items[i]];
    if (st == RADZ_OK)
        names[classes.count] = RADZ_NO_FINDING;
    if (st == RADZ_OK)
        st = radz_prompt_texts_say(questions, terms, questions->question, names, classes.count, &said, err);
    if (st == RADZ_OK) /* the class sentence that features are asked with later on */
        st = radz_prompt_texts_say(questions, terms, questions->templates[0], names, classes.count + 1, &shown, err);
    for (size_t i = 0; i < dataset->n && st == RADZ_OK; i++)
        st = radz_strlist_add(out, dataset->samples[i].report != NULL ? dataset->samples[i].report : "", err);
    for (size_t i = 0; i < dataset->n / 16 && st == RADZ_OK; i++) {
        text.length = 0;
        st = radz_strbuf_printf(&text, err, "%s%s %s", said.texts[i % said.n], behind, ANSWERS[i / said.n % 2]);
        if (st == RADZ_OK)
            st = radz_strlist_add(out, text.text, err);
        if (st == RADZ_OK)
            st = radz_strlist_add(out, shown.texts[i % shown.n], err);
        if (st == RADZ_OK && d->report != NULL)
            st = radz_strlist_add(out, d->report, err);
        if (st == RADZ_OK)
            st = radz_strlist_add(out, RADZ_TEXT_QUESTION, err);
    }
    radz_prompt_texts_free(&said);
    radz_prompt_texts_free(&shown);
    radz_strbuf_free(&text);
    free(classes.items);
    free(names);
    return st;
}

#include "run/prompt_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The card's entry for a class, or for another name of the same term; NULL: none. */
static const radz_prompts_class *find_entry(const radz_prompts_card *card, const radz_terms_card *terms,
                                            const char *class_name, const radz_term *term)
{
    for (size_t i = 0; i < card->classes_count; i++)
        if (strcmp(card->classes[i].class_name, class_name) == 0)
            return &card->classes[i];
    for (size_t i = 0; i < card->classes_count && term != NULL; i++)
        if (radz_term_find(terms, card->classes[i].class_name) == term)
            return &card->classes[i];
    return NULL;
}

static radz_status take_prompts(const radz_prompt_set *set, const char *const *classes, size_t n_classes, radz_prompt_texts *out,
                                radz_error *err)
{
    radz_status st = radz_prompts_expand(set, classes, n_classes, NULL, 0, &out->list, err);
    if (st != RADZ_OK)
        return st;
    out->n = out->list.count;
    out->texts = radz_calloc(out->n, sizeof *out->texts, err);
    out->class_of = radz_calloc(out->n, sizeof *out->class_of, err);
    out->polarity_of = radz_calloc(out->n, sizeof *out->polarity_of, err);
    out->template_of = radz_calloc(out->n, sizeof *out->template_of, err);
    if (out->texts == NULL || out->class_of == NULL || out->polarity_of == NULL || out->template_of == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < out->n; i++) {
        const radz_prompt *p = &out->list.items[i];
        out->texts[i] = p->text;
        out->class_of[i] = p->class_index;
        out->polarity_of[i] = (uint8_t)p->polarity;
        out->template_of[i] = p->template_index;
    }
    return RADZ_OK;
}

/* `sentence` NULL: the card's own templates. */
static radz_status expand(const radz_prompts_card *card, const radz_terms_card *terms, const char *sentence,
                          const char *const *classes, size_t n_classes, radz_prompt_texts *out, radz_error *err)
{
    *out = (radz_prompt_texts){0};
    radz_prompt_class *named = radz_calloc(n_classes, sizeof *named, err);
    if (named == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n_classes; i++) {
        const radz_term *term = radz_term_find(terms, classes[i]);
        const radz_prompts_class *c = find_entry(card, terms, classes[i], term);
        named[i] = (radz_prompt_class){.class_name = classes[i]};
        if (c != NULL)
            named[i] = (radz_prompt_class){
                .class_name = classes[i], .name = c->name,
                .descriptions = (const char *const *)&c->description,
                .n_descriptions = sentence == NULL && c->description != NULL,
                .negative = sentence == NULL ? c->negative : NULL,
            };
        if (named[i].name == NULL && term != NULL)
            named[i].name = radz_term_prompt(term);
    }
    radz_prompt_set set = {
        .name = card->base.name,
        .templates = sentence != NULL ? &sentence : (const char *const *)card->templates,
        .n_templates = sentence != NULL ? 1 : card->templates_count,
        .negative_templates = (const char *const *)card->negative_templates,
        .n_negative_templates = sentence != NULL ? 0 : card->negative_templates_count,
        .classes = named,
        .n_classes = n_classes,
    };
    radz_status st = take_prompts(&set, classes, n_classes, out, err);
    free(named);
    return st;
}

radz_status radz_prompt_texts_make(const radz_prompts_card *card, const radz_terms_card *terms, const char *const *classes,
                                   size_t n_classes, radz_prompt_texts *out, radz_error *err)
{
    return expand(card, terms, NULL, classes, n_classes, out, err);
}

radz_status radz_prompt_texts_say(const radz_prompts_card *card, const radz_terms_card *terms, const char *sentence,
                                  const char *const *classes, size_t n_classes, radz_prompt_texts *out, radz_error *err)
{
    return expand(card, terms, sentence, classes, n_classes, out, err);
}

radz_status radz_prompt_texts_describe(const radz_anchors_card *card, const radz_terms_card *terms, size_t part,
                                       const char *const *classes, size_t n_classes, radz_prompt_texts *out, radz_error *err)
{
    static const char *const template = "{description}";
    *out = (radz_prompt_texts){0};
    radz_prompt_class *described = radz_calloc(n_classes, sizeof *described, err);
    const char **parts = radz_calloc(n_classes * RADZ_ANCHOR_PARTS, sizeof *parts, err);
    radz_status st = described == NULL || parts == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n_classes; i++) {
        const radz_anchor *anchor = radz_anchor_find(card, terms, classes[i]);
        const char **own = parts + i * RADZ_ANCHOR_PARTS;
        size_t n = 0;
        if (anchor == NULL) {
            st = radz_fail(err, RADZ_E_VALUE, "class '%s' has no anchor in '%s'", classes[i], card->base.file);
            break;
        }
        if (part < RADZ_ANCHOR_PARTS && radz_anchor_part(anchor, part) != NULL)
            own[n++] = radz_anchor_part(anchor, part);
        bool whole = n == 0;
        for (size_t k = 0; whole && k < RADZ_ANCHOR_PARTS; k++)
            if (radz_anchor_part(anchor, k) != NULL)
                own[n++] = radz_anchor_part(anchor, k);
        described[i] = (radz_prompt_class){.class_name = classes[i], .descriptions = own, .n_descriptions = n};
    }
    if (st == RADZ_OK)
        st = take_prompts(&(radz_prompt_set){.name = card->base.name, .templates = &template, .n_templates = 1,
                                             .classes = described, .n_classes = n_classes},
                          classes, n_classes, out, err);
    free(described);
    free(parts);
    return st;
}

void radz_prompt_texts_free(radz_prompt_texts *texts)
{
    radz_prompt_list_free(&texts->list);
    free(texts->texts);
    free(texts->class_of);
    free(texts->polarity_of);
    free(texts->template_of);
    free(texts->embeddings);
    *texts = (radz_prompt_texts){0};
}

#include "run/prompt_texts.h"

#include <stdlib.h>

#include "base/mem.h"

radz_status radz_prompt_texts_make(const radz_prompts_card *card, const char *const *classes, size_t n_classes,
                                   radz_prompt_texts *out, radz_error *err)
{
    *out = (radz_prompt_texts){0};
    radz_prompt_class *named = radz_calloc(card->classes_count, sizeof *named, err);
    if (named == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < card->classes_count; i++) {
        const radz_prompts_class *c = &card->classes[i];
        named[i] = (radz_prompt_class){c->class_name, c->name, c->description, c->negative};
    }
    radz_prompt_set set = {
        .name = card->base.name,
        .templates = (const char *const *)card->templates,
        .n_templates = card->templates_count,
        .negative_templates = (const char *const *)card->negative_templates,
        .n_negative_templates = card->negative_templates_count,
        .classes = named,
        .n_classes = card->classes_count,
    };
    radz_status st = radz_prompts_expand(&set, classes, n_classes, NULL, 0, &out->list, err);
    free(named);
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

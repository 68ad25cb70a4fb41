#include "text/prompts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

const char *radz_polarity_name(radz_polarity polarity)
{
    return polarity == RADZ_PROMPT_NEGATIVE ? "negative" : "positive";
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Runs of white space become one blank, the ends are trimmed; in place. */
static void tidy(char *text)
{
    size_t to = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (!is_blank(text[i]))
            text[to++] = text[i];
        else if (to > 0 && text[to - 1] != ' ')
            text[to++] = ' ';
    }
    text[to > 0 && text[to - 1] == ' ' ? to - 1 : to] = '\0';
}

char *radz_prompts_class_text(const char *class_name, radz_error *err)
{
    char *text = radz_strdup(class_name, err);
    if (text == NULL)
        return NULL;
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '_')
            *p = ' ';
    }
    tidy(text);
    for (char *word = text; *word != '\0';) {
        size_t length = strcspn(word, " "), upper = 0, lower = 0;
        for (size_t i = 0; i < length; i++) {
            upper += isupper((unsigned char)word[i]) != 0;
            lower += islower((unsigned char)word[i]) != 0 || (unsigned char)word[i] >= 0x80;
        }
        for (size_t i = 0; i < length && !(upper >= 2 && lower == 0); i++)
            word[i] = (char)tolower((unsigned char)word[i]);
        word += length + (word[length] == ' ');
    }
    return text;
}

bool radz_prompts_is_no_finding(const char *class_name)
{
    while (is_blank(*class_name) || *class_name == '_')
        class_name++;
    size_t n = 0;
    char word[8] = "";
    for (; isalpha((unsigned char)class_name[n]) && n + 1 < sizeof word; n++)
        word[n] = (char)tolower((unsigned char)class_name[n]);
    bool ends = class_name[n] == '\0' || is_blank(class_name[n]) || class_name[n] == '_' || class_name[n] == '-';
    return ends && (strcmp(word, "no") == 0 || strcmp(word, "normal") == 0);
}

/* ---- templates ---- */
enum { HOLDS_CLASS = 1, HOLDS_DESCRIPTION = 2 };
static const char *const placeholders[] = {"class", "description"};

/* What a template holds, or an error that names it. */
static radz_status check_template(const radz_prompt_set *set, const char *kind, size_t index, const char *template,
                                  int *holds, radz_error *err)
{
    *holds = 0;
    if (template[strspn(template, " \t\n\v\f\r")] == '\0')
        return radz_fail(err, RADZ_E_VALUE, "prompt set '%s': %s template %zu is empty", set->name, kind, index);
    for (const char *p = template; *p != '\0'; p++) {
        const char *end = *p == '{' ? strpbrk(p + 1, "{}") : NULL;
        if (*p == '}' || (*p == '{' && (end == NULL || *end == '{')))
            return radz_fail(err, RADZ_E_VALUE, "prompt set '%s': %s template %zu '%s': a '%c' without its partner",
                             set->name, kind, index, template, *p);
        if (*p != '{')
            continue;
        size_t length = (size_t)(end - p - 1);
        int which = -1;
        for (int i = 0; i < 2; i++) {
            if (strlen(placeholders[i]) == length && memcmp(p + 1, placeholders[i], length) == 0)
                which = i;
        }
        if (which < 0)
            return radz_fail(err, RADZ_E_VALUE,
                             "prompt set '%s': %s template %zu '%s': unknown placeholder '{%.*s}'; known: {class}, "
                             "{description}",
                             set->name, kind, index, template, (int)(length < 60 ? length : 60), p + 1);
        *holds |= which == 0 ? HOLDS_CLASS : HOLDS_DESCRIPTION;
        p = end;
    }
    if (*holds == 0)
        return radz_fail(err, RADZ_E_VALUE,
                         "prompt set '%s': %s template %zu '%s': no placeholder, wanted {class} or {description}",
                         set->name, kind, index, template);
    return RADZ_OK;
}

/* The template with the class's words in its places; the caller frees it. */
static radz_status fill(const char *template, const char *name, const char *description, char **out, radz_error *err)
{
    radz_strbuf text = {0};
    radz_status st = RADZ_OK;
    for (const char *p = template; *p != '\0' && st == RADZ_OK;) {
        size_t plain = strcspn(p, "{");
        st = radz_strbuf_append(&text, p, plain, err);
        p += plain;
        if (*p == '{' && st == RADZ_OK) {
            st = radz_strbuf_puts(&text, p[1] == 'c' ? name : description, err);
            p = strchr(p, '}') + 1; /* check_template has seen it */
        }
    }
    if (st != RADZ_OK)
        radz_strbuf_free(&text);
    *out = text.text;
    return st;
}

/* ---- expansion ---- */
typedef struct expander {
    const radz_prompt_set *set;
    const char *const *classes;
    size_t n_classes;
    int *holds[2]; /* [polarity][template] */
    radz_prompt_list *out;
    size_t capacity;
    radz_error *err;
} expander;

static const char *const *templates_of(const radz_prompt_set *set, int polarity, size_t *count)
{
    *count = polarity == RADZ_PROMPT_POSITIVE ? set->n_templates : set->n_negative_templates;
    return polarity == RADZ_PROMPT_POSITIVE ? set->templates : set->negative_templates;
}

static bool is_empty(const char *text)
{
    return text[strspn(text, " \t\n\v\f\r")] == '\0';
}

static radz_status check_set(const expander *e, const char *const *known, size_t n_known)
{
    const radz_prompt_set *set = e->set;
    if (e->n_classes == 0)
        return radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': no classes to expand it over", set->name);
    if (set->n_templates == 0)
        return radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': no templates", set->name);
    for (int polarity = 0; polarity < 2; polarity++) {
        size_t count;
        const char *const *templates = templates_of(set, polarity, &count);
        for (size_t i = 0; i < count; i++) {
            radz_status st = check_template(set, radz_polarity_name((radz_polarity)polarity), i, templates[i],
                                            &e->holds[polarity][i], e->err);
            if (st != RADZ_OK)
                return st;
        }
    }
    for (size_t i = 0; i < e->n_classes; i++) {
        if (is_empty(e->classes[i]))
            return radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': class %zu has an empty name", set->name, i);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(e->classes[k], e->classes[i]) == 0)
                return radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': class '%s' is given twice", set->name,
                                 e->classes[i]);
        }
    }
    for (size_t i = 0; i < set->n_classes; i++) {
        const radz_prompt_class *c = &set->classes[i];
        const struct {
            const char *key, *text;
        } texts[] = {{"class", c->class_name}, {"name", c->name}, {"negative", c->negative}};
        const char *empty = NULL;
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            empty = empty == NULL && texts[k].text != NULL && is_empty(texts[k].text) ? texts[k].key : empty;
        for (size_t k = 0; k < c->n_descriptions; k++)
            empty = empty == NULL && is_empty(c->descriptions[k]) ? "description" : empty;
        if (empty != NULL)
            return radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': class '%s' (entry %zu): '%s' is empty", set->name,
                             c->class_name, i, empty);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(set->classes[k].class_name, c->class_name) == 0)
                return radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': class '%s' is listed twice", set->name,
                                 c->class_name);
        }
        bool found = known == NULL;
        for (size_t k = 0; k < n_known && !found; k++)
            found = strcmp(known[k], c->class_name) == 0;
        if (!found) {
            radz_status st = radz_fail_unknown_in(e->err, "class", c->class_name, known, n_known);
            radz_prefix(e->err, "prompt set '%s'", set->name);
            return st;
        }
    }
    return RADZ_OK;
}

/* Takes `text` over, also on failure. */
static radz_status add_prompt(expander *e, char *text, size_t class_index, int polarity, size_t template_index)
{
    radz_prompt_list *out = e->out;
    tidy(text);
    radz_status st = RADZ_OK;
    if (text[0] == '\0')
        st = radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': class '%s': its %s prompt is empty", e->set->name,
                       e->classes[class_index], radz_polarity_name((radz_polarity)polarity));
    for (size_t i = 0; i < out->count && st == RADZ_OK; i++) {
        const radz_prompt *other = &out->items[i];
        /* negatives may be shared ("normal chest radiograph"); a positive prompt of two classes cannot tell them apart */
        bool same_class = other->class_index == class_index;
        if ((int)other->polarity != polarity || (!same_class && polarity == RADZ_PROMPT_NEGATIVE) ||
            strcmp(other->text, text) != 0)
            continue;
        if (same_class)
            st = radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': class '%s' has the %s prompt '%s' twice", e->set->name,
                           e->classes[class_index], radz_polarity_name((radz_polarity)polarity), text);
        else
            st = radz_fail(e->err, RADZ_E_VALUE, "prompt set '%s': classes '%s' and '%s' have the same prompt '%s'",
                           e->set->name, e->classes[other->class_index], e->classes[class_index], text);
    }
    if (st == RADZ_OK)
        st = radz_grow(&out->items, &e->capacity, out->count + 1, sizeof *out->items, e->err);
    if (st != RADZ_OK) {
        free(text);
        return st;
    }
    out->items[out->count++] = (radz_prompt){text, (uint32_t)class_index, (radz_polarity)polarity, (uint32_t)template_index};
    return RADZ_OK;
}

static radz_status expand_polarity(expander *e, size_t class_index, const radz_prompt_class *c, const char *name,
                                   int polarity)
{
    const radz_prompt_set *set = e->set;
    const char *class_name = e->classes[class_index];
    size_t count, used = 0;
    const char *const *templates = templates_of(set, polarity, &count);
    if (polarity == RADZ_PROMPT_NEGATIVE && c != NULL && c->negative != NULL) {
        char *text = radz_strdup(c->negative, e->err);
        return text == NULL ? RADZ_E_NOMEM : add_prompt(e, text, class_index, polarity, 0);
    }
    if (count == 0)
        return RADZ_OK;
    if (polarity == RADZ_PROMPT_NEGATIVE && (radz_prompts_is_no_finding(class_name) || radz_prompts_is_no_finding(name)))
        return radz_fail(e->err, RADZ_E_VALUE,
                         "prompt set '%s': class '%s' stands for the absence of findings: list it with a 'negative' prompt "
                         "of its own, the negative templates would deny it twice",
                         set->name, class_name);
    bool described = false; /* some template has a place for this class's description */
    for (size_t i = 0; i < count && c != NULL && c->n_descriptions > 0; i++)
        described = described || (e->holds[polarity][i] & HOLDS_DESCRIPTION) != 0;
    for (size_t i = 0; i < count; i++) {
        if (((e->holds[polarity][i] & HOLDS_DESCRIPTION) != 0) != described)
            continue;
        size_t descriptions = described ? c->n_descriptions : 1;
        for (size_t k = 0; k < descriptions; k++) {
            char *text;
            radz_status st = fill(templates[i], name, described ? c->descriptions[k] : "", &text, e->err);
            if (st == RADZ_OK)
                st = add_prompt(e, text, class_index, polarity, i * descriptions + k);
            if (st != RADZ_OK)
                return st;
        }
        used++;
    }
    if (used == 0)
        return radz_fail(e->err, RADZ_E_VALUE,
                         "prompt set '%s': class '%s' has no description and every %s template wants one", set->name,
                         class_name, radz_polarity_name((radz_polarity)polarity));
    return RADZ_OK;
}

static radz_status make_canonical(expander *e)
{
    radz_strbuf text = {0};
    radz_status st = radz_strbuf_append(&text, "", 0, e->err);
    for (size_t i = 0; i < e->out->count && st == RADZ_OK; i++) {
        const radz_prompt *p = &e->out->items[i];
        st = radz_strbuf_printf(&text, e->err, "%s\t%s\t%u\t%s\n", e->classes[p->class_index],
                                radz_polarity_name(p->polarity), (unsigned)p->template_index, p->text);
    }
    if (st == RADZ_OK)
        st = radz_sha256_data(text.text, text.length, e->out->sha256, e->err);
    e->out->canonical = text.text;
    return st;
}

radz_status radz_prompts_expand(const radz_prompt_set *set, const char *const *classes, size_t n_classes,
                                const char *const *known_classes, size_t n_known, radz_prompt_list *out,
                                radz_error *err)
{
    *out = (radz_prompt_list){0};
    expander e = {.set = set, .classes = classes, .n_classes = n_classes, .out = out, .err = err};
    radz_status st = RADZ_OK;
    for (int polarity = 0; polarity < 2; polarity++) {
        size_t count;
        templates_of(set, polarity, &count);
        e.holds[polarity] = radz_calloc(count, sizeof *e.holds[polarity], err);
        if (e.holds[polarity] == NULL)
            st = RADZ_E_NOMEM;
    }
    if (st == RADZ_OK)
        st = check_set(&e, known_classes, n_known);
    for (size_t i = 0; i < n_classes && st == RADZ_OK; i++) {
        const radz_prompt_class *c = NULL;
        for (size_t k = 0; k < set->n_classes; k++) {
            if (strcmp(set->classes[k].class_name, classes[i]) == 0)
                c = &set->classes[k];
        }
        char *name = c != NULL && c->name != NULL ? radz_strdup(c->name, err) : radz_prompts_class_text(classes[i], err);
        if (name == NULL)
            st = RADZ_E_NOMEM;
        else if (is_empty(name))
            st = radz_fail(err, RADZ_E_VALUE, "prompt set '%s': class '%s' leaves no words, give it a 'name'", set->name,
                           classes[i]);
        for (int polarity = 0; polarity < 2 && st == RADZ_OK; polarity++)
            st = expand_polarity(&e, i, c, name, polarity);
        free(name);
    }
    if (st == RADZ_OK)
        st = make_canonical(&e);
    free(e.holds[0]);
    free(e.holds[1]);
    if (st != RADZ_OK)
        radz_prompt_list_free(out);
    return st;
}

void radz_prompt_list_free(radz_prompt_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
    free(list->canonical);
    *list = (radz_prompt_list){0};
}

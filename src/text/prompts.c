#include "text/prompts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

const char *radz_polarity_name(radz_polarity polarity)
{
    return polarity == RADZ_PROMPT_POSITIVE ? "positive" : "negative";
}

bool radz_prompts_is_no_finding(const char *class_name)
{
    static const char *const names[] = {"No Finding", "No_Finding", "No-Finding", "Normal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(class_name, names[i]) == 0)
            return true;
    return false;
}

/* A word written in capitals (two letters or more, digits allowed) is an abbreviation and stays as it is. */
static bool is_abbreviation(const char *word, size_t length)
{
    size_t capitals = 0;
    for (size_t i = 0; i < length; i++) {
        if (islower((unsigned char)word[i]))
            return false;
        capitals += isupper((unsigned char)word[i]) != 0;
    }
    return capitals >= 2;
}

char *radz_prompts_class_text(const char *class_name, radz_error *err)
{
    char *text = radz_strdup(class_name, err);
    if (text == NULL)
        return NULL;
    for (char *p = text; *p != '\0'; p++) /* COVID-19 keeps its hyphen: only those between letters are word gaps */
        if (*p == '_' || (*p == '-' && p > text && isalpha((unsigned char)p[-1]) && isalpha((unsigned char)p[1])))
            *p = ' ';
    for (char *word = text; *word != '\0';) {
        size_t length = strcspn(word, " ");
        if (!is_abbreviation(word, length))
            for (size_t i = 0; i < length; i++)
                word[i] = (char)tolower((unsigned char)word[i]);
        word += length + (word[length] == ' ');
    }
    return text;
}

enum { HAS_CLASS = 1, HAS_DESCRIPTION = 2 };

/* Which placeholders a template has; errors name the set and the template. */
static radz_status check_template(const radz_prompt_set *set, const char *template, int *has, radz_error *err)
{
    *has = 0;
    if (template[strspn(template, " \t\n")] == '\0')
        return radz_fail(err, RADZ_E_VALUE, "prompts '%s': an empty template", set->name);
    for (const char *p = template; (p = strpbrk(p, "{}")) != NULL; p++) {
        size_t length = *p == '{' ? strcspn(p, "}") : 0;
        if (*p == '}' || p[length] == '\0')
            return radz_fail(err, RADZ_E_VALUE, "prompts '%s': template '%s': a brace without its other half", set->name,
                             template);
        if (strncmp(p, "{class}", length + 1) == 0)
            *has |= HAS_CLASS;
        else if (strncmp(p, "{description}", length + 1) == 0)
            *has |= HAS_DESCRIPTION;
        else
            return radz_fail(err, RADZ_E_VALUE,
                             "prompts '%s': template '%s': unknown placeholder '%.*s'; known: {class}, {description}",
                             set->name, template, (int)length + 1, p);
        p += length;
    }
    if (*has == 0)
        return radz_fail(err, RADZ_E_VALUE, "prompts '%s': template '%s' has neither {class} nor {description}", set->name,
                         template);
    return RADZ_OK;
}

static radz_status fill_template(const char *template, const char *name, const char *description, radz_strbuf *out,
                                 radz_error *err)
{
    radz_status st = RADZ_OK;
    for (const char *p = template; *p != '\0' && st == RADZ_OK;) {
        size_t plain = strcspn(p, "{");
        st = radz_strbuf_append(out, p, plain, err);
        p += plain;
        if (*p == '\0' || st != RADZ_OK)
            break;
        bool by_name = strncmp(p, "{class}", 7) == 0;
        st = radz_strbuf_puts(out, by_name ? name : description, err);
        p += by_name ? 7 : 13;
    }
    return st;
}

typedef struct expansion {
    const radz_prompt_set *set;
    radz_prompt_list *out;
    size_t capacity;
    radz_strbuf canonical;
} expansion;

static radz_status add_prompt(expansion *e, const char *class_name, uint32_t class_index, radz_polarity polarity,
                              uint32_t template_index, const char *text, radz_error *err)
{
    if (text[strspn(text, " \t\n")] == '\0')
        return radz_fail(err, RADZ_E_VALUE, "prompts '%s': class '%s': an empty prompt", e->set->name, class_name);
    for (size_t i = 0; i < e->out->count; i++) {
        const radz_prompt *p = &e->out->items[i];
        if (strcmp(p->text, text) != 0)
            continue;
        if (p->class_index == class_index && p->polarity == polarity)
            return radz_fail(err, RADZ_E_VALUE, "prompts '%s': class '%s': two %s templates give the same text '%s'",
                             e->set->name, class_name, radz_polarity_name(polarity), text);
        return radz_fail(err, RADZ_E_VALUE, "prompts '%s': the text '%s' stands for class '%s' and for another prompt too",
                         e->set->name, text, class_name);
    }
    radz_status st = radz_grow(&e->out->items, &e->capacity, e->out->count + 1, sizeof *e->out->items, err);
    char *copy = st == RADZ_OK ? radz_strdup(text, err) : NULL;
    if (copy == NULL)
        return RADZ_E_NOMEM;
    e->out->items[e->out->count++] = (radz_prompt){copy, class_index, polarity, template_index};
    return radz_strbuf_printf(&e->canonical, err, "%s\t%s\t%u\t%s\n", class_name, radz_polarity_name(polarity),
                              template_index, text);
}

/* The prompts of one class and polarity. A class with a description uses the templates for descriptions where there are
 * any. */
static radz_status add_templates(expansion *e, const char *const *templates, size_t n, const char *class_name,
                                 uint32_t class_index, radz_polarity polarity, const char *name, const char *description,
                                 radz_error *err)
{
    int has;
    bool described = false;
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        st = check_template(e->set, templates[i], &has, err);
        described = described || (description != NULL && (has & HAS_DESCRIPTION) != 0);
    }
    size_t used = 0;
    for (size_t i = 0; i < n && st == RADZ_OK; i++) {
        st = check_template(e->set, templates[i], &has, err);
        if (st != RADZ_OK || described != ((has & HAS_DESCRIPTION) != 0))
            continue;
        radz_strbuf text = {0};
        st = fill_template(templates[i], name, description, &text, err);
        if (st == RADZ_OK)
            st = add_prompt(e, class_name, class_index, polarity, (uint32_t)i, text.text, err);
        radz_strbuf_free(&text);
        used++;
    }
    if (st == RADZ_OK && used == 0 && n > 0)
        st = radz_fail(err, RADZ_E_VALUE, "prompts '%s': no %s template fits class '%s', which has %s description",
                       e->set->name, radz_polarity_name(polarity), class_name, description != NULL ? "a" : "no");
    return st;
}

static radz_status add_class(expansion *e, const char *class_name, uint32_t class_index, radz_error *err)
{
    const radz_prompt_set *set = e->set;
    const radz_prompt_class *own = NULL;
    for (size_t i = 0; i < set->n_classes; i++)
        if (strcmp(set->classes[i].class_name, class_name) == 0)
            own = &set->classes[i];
    const char *description = own != NULL ? own->description : NULL;
    char *name = own != NULL && own->name != NULL ? radz_strdup(own->name, err) : radz_prompts_class_text(class_name, err);
    if (name == NULL)
        return RADZ_E_NOMEM;
    radz_status st = RADZ_OK;
    if (name[strspn(name, " \t\n")] == '\0')
        st = radz_fail(err, RADZ_E_VALUE, "prompts '%s': class '%s' has an empty name", set->name, class_name);
    if (st == RADZ_OK)
        st = add_templates(e, set->templates, set->n_templates, class_name, class_index, RADZ_PROMPT_POSITIVE, name,
                           description, err);
    if (st == RADZ_OK && own != NULL && own->negative != NULL) {
        st = add_prompt(e, class_name, class_index, RADZ_PROMPT_NEGATIVE, 0, own->negative, err);
    } else if (st == RADZ_OK && set->n_negative_templates > 0 && radz_prompts_is_no_finding(class_name)) {
        st = radz_fail(err, RADZ_E_VALUE,
                       "prompts '%s': class '%s' needs a negative prompt of its own: a template would say 'no %s'", set->name,
                       class_name, name);
    } else if (st == RADZ_OK) {
        st = add_templates(e, set->negative_templates, set->n_negative_templates, class_name, class_index,
                           RADZ_PROMPT_NEGATIVE, name, description, err);
    }
    free(name);
    return st;
}

static radz_status check_set(const radz_prompt_set *set, const char *const *known, size_t n_known, radz_error *err)
{
    if (set->n_templates == 0)
        return radz_fail(err, RADZ_E_VALUE, "prompts '%s': no templates", set->name);
    for (size_t i = 0; i < set->n_classes; i++) {
        for (size_t j = 0; j < i; j++)
            if (strcmp(set->classes[i].class_name, set->classes[j].class_name) == 0)
                return radz_fail(err, RADZ_E_VALUE, "prompts '%s': class '%s' is listed twice", set->name,
                                 set->classes[i].class_name);
        bool found = known == NULL;
        for (size_t j = 0; j < n_known && !found; j++)
            found = strcmp(set->classes[i].class_name, known[j]) == 0;
        if (!found) {
            radz_status st = radz_fail_unknown_in(err, "class", set->classes[i].class_name, known, n_known);
            (void)radz_prefix(err, "prompts '%s'", set->name);
            return st;
        }
    }
    return RADZ_OK;
}

radz_status radz_prompts_expand(const radz_prompt_set *set, const char *const *classes, size_t n_classes,
                                const char *const *known_classes, size_t n_known, radz_prompt_list *out, radz_error *err)
{
    *out = (radz_prompt_list){0};
    expansion e = {.set = set, .out = out};
    radz_status st = check_set(set, known_classes, n_known, err);
    if (st == RADZ_OK && n_classes == 0)
        st = radz_fail(err, RADZ_E_VALUE, "prompts '%s': no classes to expand over", set->name);
    for (size_t i = 0; i < n_classes && st == RADZ_OK; i++)
        st = add_class(&e, classes[i], (uint32_t)i, err);
    if (st == RADZ_OK)
        st = radz_sha256_data(e.canonical.text, e.canonical.length, out->sha256, err);
    out->canonical = e.canonical.text;
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

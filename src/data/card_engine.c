#include "data/card_engine.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/mem.h"

enum { CARD_SIZE_LIMIT = 1 << 20, DEPTH_LIMIT = 12, PATH_SIZE = 200 };

const cyaml_schema_value_t radz_card_text_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, 20000)};
const cyaml_schema_value_t radz_card_empty_text_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, 20000)};

/* ---- the file as a tree that knows its lines ---- */

typedef enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP } node_kind;

typedef struct node {
    node_kind kind;
    size_t line;       /* from 1 */
    bool quoted;       /* scalar: in quotes or a block */
    const char *text;  /* scalar */
    struct node *next; /* the next element; in a map keys and values alternate */
    struct node *first, *last;
    size_t count; /* elements; in a map keys and values together */
} node;

struct radz_card_source {
    const char *file;
    const radz_strlist *changes; /* KEY=VALUE that the text already holds; NULL: it is the file's own */
    radz_arena arena;
    node *root;
};

/* Whether one of two dotted paths lies within the other. */
static bool touches(const char *path, const char *key, size_t length)
{
    size_t own = strlen(path), common = own < length ? own : length;
    if (strncmp(path, key, common) != 0)
        return false;
    char next = own > length ? path[length] : own < length ? key[own] : '.';
    return common == 0 || next == '.' || next == '[';
}

/* Where a fault is: a line of the file, or the changes that brought it about (those of the key, else all: the file itself
 * was found good before). `path` "": the whole card. */
static radz_status fail_place(const radz_card_source *source, radz_error *err, radz_status code, size_t line,
                              const char *path, const char *text)
{
    if (source->changes == NULL)
        return radz_fail(err, code, "manifest '%.300s' line %zu: %s", source->file, line, text);
    char with[300] = "";
    for (int all = 0; all < 2 && with[0] == '\0'; all++) {
        for (size_t i = 0; i < source->changes->count; i++) {
            const char *change = source->changes->items[i];
            size_t used = strlen(with);
            if (all == 1 || (path[0] != '\0' && touches(path, change, strcspn(change, "="))))
                snprintf(with + used, sizeof with - used, " --set %s", change);
        }
    }
    return radz_fail(err, code, "manifest '%.300s' with%s: %s", source->file, with, text);
}

static radz_status fail_line(const radz_card_source *source, radz_error *err, radz_status code, size_t line,
                             const char *text)
{
    return fail_place(source, err, code, line, "", text);
}

/* libyaml counts characters, not bytes, and gives no line at all for a byte that is no UTF-8. */
static size_t line_of_offset(const char *text, size_t size, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < size && i < offset; i++)
        line += text[i] == '\n';
    return line;
}

static radz_status fail_parser(const radz_card_source *source, const yaml_parser_t *parser, const char *text,
                               size_t size, radz_error *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return radz_fail(err, RADZ_E_NOMEM, "out of memory in manifest '%.300s'", source->file);
    char what[300];
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    size_t line = parser->problem_mark.line + 1;
    if (parser->error == YAML_READER_ERROR)
        line = line_of_offset(text, size, parser->problem_offset);
    if (parser->context != NULL && parser->error != YAML_READER_ERROR)
        snprintf(what, sizeof what, "not valid YAML: %s, %s (begun on line %zu)", problem, parser->context,
                 parser->context_mark.line + 1);
    else
        snprintf(what, sizeof what, "not valid YAML: %s", problem);
    return fail_line(source, err, RADZ_E_FORMAT, line, what);
}

/* A tab where YAML wants blanks is the commonest slip, and libyaml's words for it help nobody. */
static radz_status refuse_tabs(const radz_card_source *source, const char *text, size_t size, radz_error *err)
{
    size_t line = 1;
    bool leading = true;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            line++;
            leading = true;
        } else if (text[i] == '\t' && leading) {
            return fail_line(source, err, RADZ_E_FORMAT, line, "a tab in the indentation; YAML wants blanks");
        } else if (text[i] != ' ') {
            leading = false;
        }
    }
    return RADZ_OK;
}

static radz_status add_node(radz_card_source *source, node *parent, const yaml_event_t *event, node **out,
                            radz_error *err)
{
    node *n = radz_arena_alloc(&source->arena, 1, sizeof *n, err);
    if (n == NULL)
        return RADZ_E_NOMEM;
    n->line = event->start_mark.line + 1;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT: {
        const char *value = (const char *)event->data.scalar.value;
        size_t length = event->data.scalar.length;
        n->kind = NODE_SCALAR;
        n->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (memchr(value, '\0', length) != NULL)
            return fail_line(source, err, RADZ_E_FORMAT, n->line, "a NUL character in a text");
        n->text = radz_arena_strndup(&source->arena, value, length, err);
        if (n->text == NULL)
            return RADZ_E_NOMEM;
        break;
    }
    case YAML_SEQUENCE_START_EVENT:
        n->kind = NODE_LIST;
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    default:
        n->kind = NODE_MAP;
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    }
    if (anchor != NULL || tag != NULL)
        return fail_line(source, err, RADZ_E_FORMAT, n->line, "anchors (&), aliases (*) and tags (!) are not allowed");
    if (parent != NULL) {
        bool is_key = parent->kind == NODE_MAP && parent->count % 2 == 0;
        if (is_key && n->kind != NODE_SCALAR)
            return fail_line(source, err, RADZ_E_FORMAT, n->line, "a key must be plain text");
        if (parent->last != NULL)
            parent->last->next = n;
        else
            parent->first = n;
        parent->last = n;
        parent->count++;
    }
    *out = n;
    return RADZ_OK;
}

static radz_status read_tree(radz_card_source *source, const char *text, size_t size, radz_error *err)
{
    radz_status st = refuse_tabs(source, text, size, err);
    if (st != RADZ_OK)
        return st;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return radz_fail(err, RADZ_E_NOMEM, "out of memory in manifest '%.300s'", source->file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    node *open[DEPTH_LIMIT];
    size_t depth = 0;
    bool end = false;
    while (st == RADZ_OK && !end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            st = fail_parser(source, &parser, text, size, err);
            break;
        }
        size_t line = event.start_mark.line + 1;
        node *n = NULL;
        switch (event.type) {
        case YAML_STREAM_END_EVENT:
            end = true;
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (source->root != NULL)
                st = fail_line(source, err, RADZ_E_FORMAT, line, "a second document ('---'); a card is one document");
            break;
        case YAML_ALIAS_EVENT:
            st = fail_line(source, err, RADZ_E_FORMAT, line, "anchors (&), aliases (*) and tags (!) are not allowed");
            break;
        case YAML_SCALAR_EVENT:
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
            st = add_node(source, depth > 0 ? open[depth - 1] : NULL, &event, &n, err);
            if (st == RADZ_OK && depth == 0)
                source->root = n;
            if (st == RADZ_OK && n->kind != NODE_SCALAR) {
                if (depth == DEPTH_LIMIT)
                    st = fail_line(source, err, RADZ_E_FORMAT, line, "nested too deeply");
                else
                    open[depth++] = n;
            }
            break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            depth--;
            break;
        default:
            break;
        }
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (st == RADZ_OK && source->root == NULL)
        st = fail_line(source, err, RADZ_E_FORMAT, 1, "the file is empty");
    return st;
}

/* ---- walking it along the schema ---- */

typedef struct walk {
    const radz_card_source *source;
    const radz_card_range *ranges;
    radz_error *err;
    char path[PATH_SIZE];  /* for messages: "splits[1].list" */
    char plain[PATH_SIZE]; /* for ranges: "splits.list" */
} walk;

static radz_status fail_at(const walk *w, radz_status code, size_t line, const char *format, ...) RADZ_PRINTF(4, 5);
static radz_status fail_at(const walk *w, radz_status code, size_t line, const char *format, ...)
{
    char text[700], whole[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (w->path[0] != '\0')
        snprintf(whole, sizeof whole, "key '%s': %s", w->path, text);
    else
        snprintf(whole, sizeof whole, "%s", text);
    return fail_place(w->source, w->err, code, line, w->path, whole);
}

static const char *node_kind_name(const node *n)
{
    switch (n->kind) {
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "a group of keys";
    default:
        return "a single value";
    }
}

static bool is_null(const node *n)
{
    return !n->quoted && (n->text[0] == '\0' || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0 ||
                          strcmp(n->text, "Null") == 0 || strcmp(n->text, "NULL") == 0);
}

/* Appends "name" to a dotted path, or an index; gives back the length to cut back to. */
static size_t push_key(char *path, const char *key)
{
    size_t length = strlen(path);
    snprintf(path + length, PATH_SIZE - length, "%s%.40s", length > 0 ? "." : "", key);
    return length;
}

static const radz_card_range *range_of(const walk *w)
{
    for (const radz_card_range *r = w->ranges; r != NULL && r->path != NULL; r++)
        if (strcmp(r->path, w->plain) == 0)
            return r;
    return NULL;
}

static radz_status check_number(const walk *w, double value, const node *n)
{
    const radz_card_range *r = range_of(w);
    if (r != NULL && (value < r->low || value > r->high))
        return fail_at(w, RADZ_E_VALUE, n->line, "%.40s is outside %.15g to %.15g", n->text, r->low, r->high);
    return RADZ_OK;
}

static radz_status check_whole(const walk *w, const cyaml_schema_value_t *schema, const node *n)
{
    const char *digits = n->text[0] == '-' ? n->text + 1 : n->text;
    bool good = isdigit((unsigned char)digits[0]) && (digits[0] != '0' || digits[1] == '\0');
    for (const char *p = digits; *p != '\0'; p++)
        good = good && isdigit((unsigned char)*p);
    if (!good)
        return fail_at(w, RADZ_E_VALUE, n->line, "'%.60s' is not a whole number", n->text);
    int bits = (int)schema->data_size * 8;
    int64_t high = bits >= 64 ? INT64_MAX : (INT64_C(1) << (schema->type == CYAML_UINT ? bits : bits - 1)) - 1;
    int64_t low = schema->type == CYAML_UINT ? 0 : -high - 1, value = 0;
    radz_error why = {0};
    if (radz_parse_i64(n->text, low, high, &value, &why) != RADZ_OK)
        return fail_at(w, RADZ_E_VALUE, n->line, "%s is outside %" PRId64 " to %" PRId64, n->text, low, high);
    return check_number(w, (double)value, n);
}

static radz_status check_real(const walk *w, const node *n)
{
    double value = 0;
    radz_error why = {0};
    if (radz_parse_double(n->text, true, &value, &why) != RADZ_OK)
        return fail_at(w, RADZ_E_VALUE, n->line, "%s", why.message);
    return check_number(w, value, n);
}

static radz_status check_bool(const walk *w, const node *n)
{
    static const char *const known[] = {"true", "false", "yes", "no"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(n->text, known[i]) == 0)
            return RADZ_OK;
    return fail_at(w, RADZ_E_VALUE, n->line, "'%.60s' is neither true nor false", n->text);
}

static radz_status fail_unknown_at(const walk *w, radz_status code, size_t line, const char *what, const char *name,
                                   const char *(*nth)(const void *, size_t), const void *context)
{
    radz_error list = {0};
    (void)radz_fail_unknown(&list, what, name, nth, context);
    return fail_at(w, code, line, "%s", list.message);
}

static const char *nth_enum(const void *context, size_t i)
{
    const cyaml_schema_value_t *schema = context;
    return i < schema->enumeration.count ? schema->enumeration.strings[i].str : NULL;
}

static radz_status check_enum(const walk *w, const cyaml_schema_value_t *schema, const node *n)
{
    for (uint32_t i = 0; i < schema->enumeration.count; i++)
        if (strcmp(n->text, schema->enumeration.strings[i].str) == 0)
            return RADZ_OK;
    return fail_unknown_at(w, RADZ_E_VALUE, n->line, "value", n->text, nth_enum, schema);
}

static radz_status check_text(const walk *w, const cyaml_schema_value_t *schema, const node *n)
{
    size_t length = strlen(n->text);
    if (length < schema->string.min)
        return fail_at(w, RADZ_E_VALUE, n->line, "is empty; wanted a text");
    if (length > schema->string.max)
        return fail_at(w, RADZ_E_VALUE, n->line, "a text of %zu bytes; at most %u are allowed", length,
                       schema->string.max);
    return RADZ_OK;
}

static radz_status check_value(walk *w, const cyaml_schema_value_t *schema, const node *n);

static const char *nth_field(const void *context, size_t i)
{
    const cyaml_schema_field_t *fields = context;
    return fields[i].key; /* the table ends with key NULL; callers stop there */
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *key)
{
    for (const cyaml_schema_field_t *f = fields; f->key != NULL; f++)
        if (strcmp(f->key, key) == 0)
            return f;
    return NULL;
}

static const node *find_key(const node *map, const char *key)
{
    for (const node *k = map->first; k != NULL; k = k->next->next)
        if (strcmp(k->text, key) == 0)
            return k->next;
    return NULL;
}

static radz_status check_map(walk *w, const cyaml_schema_field_t *fields, const node *map)
{
    for (const node *k = map->first; k != NULL; k = k->next->next) {
        size_t cut = push_key(w->path, k->text), plain_cut = push_key(w->plain, k->text);
        const cyaml_schema_field_t *field = find_field(fields, k->text);
        if (field == NULL)
            return fail_unknown_at(w, RADZ_E_FORMAT, k->line, "key", k->text, nth_field, fields);
        for (const node *e = map->first; e != k; e = e->next->next)
            if (strcmp(e->text, k->text) == 0)
                return fail_at(w, RADZ_E_FORMAT, k->line, "the same key a second time (first on line %zu)", e->line);
        radz_status st = check_value(w, &field->value, k->next);
        if (st != RADZ_OK)
            return st;
        w->path[cut] = w->plain[plain_cut] = '\0';
    }
    for (const cyaml_schema_field_t *f = fields; f->key != NULL; f++) {
        if ((f->value.flags & CYAML_FLAG_OPTIONAL) == 0 && find_key(map, f->key) == NULL) {
            push_key(w->path, f->key);
            return fail_at(w, RADZ_E_MISSING, map->line, "the key is missing");
        }
    }
    return RADZ_OK;
}

static radz_status check_list(walk *w, const cyaml_schema_value_t *schema, const node *list)
{
    if (list->count < schema->sequence.min)
        return fail_at(w, RADZ_E_VALUE, list->line, "a list of %zu; wanted at least %u", list->count,
                       schema->sequence.min);
    if (list->count > schema->sequence.max)
        return fail_at(w, RADZ_E_VALUE, list->line, "a list of %zu; wanted at most %u", list->count,
                       schema->sequence.max);
    size_t i = 0;
    for (const node *e = list->first; e != NULL; e = e->next, i++) {
        size_t cut = strlen(w->path);
        snprintf(w->path + cut, PATH_SIZE - cut, "[%zu]", i);
        radz_status st = check_value(w, schema->sequence.entry, e);
        if (st != RADZ_OK)
            return st;
        w->path[cut] = '\0';
    }
    return RADZ_OK;
}

static radz_status check_value(walk *w, const cyaml_schema_value_t *schema, const node *n)
{
    node_kind wanted = NODE_SCALAR;
    const char *wanted_name = "a single value";
    if (schema->type == CYAML_MAPPING) {
        wanted = NODE_MAP;
        wanted_name = "a group of keys";
    } else if (schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED) {
        wanted = NODE_LIST;
        wanted_name = "a list ([a, b] or one '- ' per line)";
    }
    if (n->kind == NODE_SCALAR && is_null(n))
        return fail_at(w, RADZ_E_VALUE, n->line, "has no value; wanted %s",
                       wanted == NODE_SCALAR ? "one, or leave the key out" : wanted_name);
    if (n->kind != wanted)
        return fail_at(w, RADZ_E_VALUE, n->line, "found %s, wanted %s", node_kind_name(n), wanted_name);
    switch (schema->type) {
    case CYAML_MAPPING:
        return check_map(w, schema->mapping.fields, n);
    case CYAML_SEQUENCE:
    case CYAML_SEQUENCE_FIXED:
        return check_list(w, schema, n);
    case CYAML_INT:
    case CYAML_UINT:
        return check_whole(w, schema, n);
    case CYAML_FLOAT:
        return check_real(w, n);
    case CYAML_BOOL:
        return check_bool(w, n);
    case CYAML_ENUM:
        return check_enum(w, schema, n);
    case CYAML_STRING:
        return check_text(w, schema, n);
    default:
        return radz_fail(w->err, RADZ_E_INTERNAL, "card schema: type %d of key '%s' is not handled", (int)schema->type,
                         w->path);
    }
}

/* ---- places, for the finish functions ---- */

/* The node at "a[1].b", or the nearest around it with `*exact` false. */
static const node *find_place(const radz_card_source *source, const char *path, bool *exact)
{
    const node *at = source->root;
    *exact = true;
    while (*path != '\0') {
        const node *found = NULL;
        if (*path == '[') {
            char *end = NULL;
            size_t i = strtoull(path + 1, &end, 10);
            path = *end == ']' ? end + 1 : end;
            if (at->kind == NODE_LIST)
                for (found = at->first; found != NULL && i > 0; i--)
                    found = found->next;
        } else {
            size_t length = strcspn(path, ".[");
            if (at->kind == NODE_MAP)
                for (const node *k = at->first; k != NULL && found == NULL; k = k->next->next)
                    if (strlen(k->text) == length && memcmp(k->text, path, length) == 0)
                        found = k->next;
            path += length;
        }
        path += *path == '.';
        if (found == NULL) {
            *exact = false;
            return at;
        }
        at = found;
    }
    return at;
}

radz_status radz_card_fail(const radz_card_source *source, radz_error *err, const char *path, const char *format, ...)
{
    char text[700], whole[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(whole, sizeof whole, "key '%s': %s", path, text);
    bool exact;
    return fail_place(source, err, RADZ_E_VALUE, find_place(source, path, &exact)->line, path, whole);
}

radz_status radz_card_fail_unknown(const radz_card_source *source, radz_error *err, const char *path, const char *what,
                                   const char *name, const char *const *known, size_t count)
{
    radz_error list = {0};
    (void)radz_fail_unknown_in(&list, what, name, known, count);
    return radz_card_fail(source, err, path, "%s", list.message);
}

bool radz_card_has(const radz_card_source *source, const char *path)
{
    bool exact;
    (void)find_place(source, path, &exact);
    return exact;
}

radz_status radz_card_need_distinct(const radz_card_source *source, radz_error *err, const char *path,
                                    char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(items[i], items[j]) == 0) {
                char at[PATH_SIZE];
                snprintf(at, sizeof at, "%s[%zu]", path, i);
                return radz_card_fail(source, err, at, "'%.80s' is there twice", items[i]);
            }
        }
    }
    return RADZ_OK;
}

radz_status radz_card_set_text(char **member, const char *text, radz_error *err)
{
    char *copy = radz_strdup(text, err);
    if (copy == NULL)
        return RADZ_E_NOMEM;
    free(*member);
    *member = copy;
    return RADZ_OK;
}

/* ---- loading ---- */

static const cyaml_config_t config = {
    .mem_fn = cyaml_mem,
    .flags = CYAML_CFG_NO_ALIAS,
};

/* Names become file names, environment variables and parts of result files. */
static radz_status check_name(const radz_card_source *source, const char *name, radz_error *err)
{
    for (const char *p = name; *p != '\0'; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && (p == name || strchr("-_.", *p) == NULL))
            return radz_card_fail(source, err, "name", "'%s' may hold lower-case letters, digits, '-', '_' and '.' only",
                                  name);
    return RADZ_OK;
}

static radz_status parse_card(const radz_card_schema *schema, const char *file, const char *text, size_t size,
                              bool name_is_file, const radz_strlist *changes, void **out, radz_error *err)
{
    *out = NULL;
    void *card = NULL;
    radz_card_source source = {.file = file, .changes = changes};
    radz_status st = read_tree(&source, text, size, err);
    if (st != RADZ_OK)
        goto done;
    walk w = {.source = &source, .ranges = schema->ranges, .err = err};
    st = check_value(&w, schema->root, source.root);
    if (st != RADZ_OK)
        goto done;
    cyaml_err_t code = cyaml_load_data((const uint8_t *)text, size, &config, schema->root, &card, NULL);
    if (code != CYAML_OK) {
        st = radz_fail(err, code == CYAML_ERR_OOM ? RADZ_E_NOMEM : RADZ_E_INTERNAL, "manifest '%.300s': libcyaml: %s",
                       file, cyaml_strerror(code));
        goto done;
    }
    radz_card_base *base = card;
    base->file = radz_strdup(file, err);
    base->folder = base->file != NULL ? radz_path_dir(file, err) : NULL;
    st = base->folder != NULL ? radz_sha256_data(text, size, base->sha256, err) : RADZ_E_NOMEM;
    if (st == RADZ_OK)
        st = check_name(&source, base->name, err);
    if (st == RADZ_OK && name_is_file) {
        const char *leaf = radz_path_name(file);
        size_t length = strlen(leaf) - (radz_str_ends(leaf, ".yaml") ? 5 : 0);
        if (strlen(base->name) != length || memcmp(base->name, leaf, length) != 0)
            st = radz_card_fail(&source, err, "name", "'%s' is not the file's name, '%.*s'", base->name, (int)length,
                                leaf);
    }
    if (st == RADZ_OK && schema->finish != NULL)
        st = schema->finish(card, &source, err);
    if (st == RADZ_OK) {
        *out = card;
        card = NULL;
    }
done:
    radz_card_release(schema, card);
    radz_arena_free(&source.arena);
    return st;
}

radz_status radz_card_parse(const radz_card_schema *schema, const char *file, const char *text, size_t size, void **out,
                            radz_error *err)
{
    return parse_card(schema, file, text, size, false, NULL, out, err);
}

radz_status radz_card_load(const radz_card_schema *schema, const char *path, void **out, radz_error *err)
{
    return radz_card_load_changed(schema, path, NULL, out, err);
}

radz_status radz_card_load_named(const radz_card_schema *schema, const radz_card_places *places, const char *name, void **out,
                                 radz_error *err)
{
    *out = NULL;
    char *path = NULL;
    radz_status st = radz_card_find(places, schema->kind, name, &path, err);
    if (st == RADZ_OK)
        st = radz_card_load(schema, path, out, err);
    free(path);
    return st;
}

radz_status radz_card_load_changed(const radz_card_schema *schema, const char *path, const radz_strlist *changes,
                                   void **out, radz_error *err)
{
    *out = NULL;
    char *text = NULL;
    size_t size = 0;
    radz_strbuf changed = {0};
    radz_status st = radz_file_read(path, CARD_SIZE_LIMIT, &text, &size, err);
    if (st == RADZ_OK)
        st = parse_card(schema, path, text, size, true, NULL, out, err);
    if (st != RADZ_OK || changes == NULL || changes->count == 0)
        goto done;
    radz_card_release(schema, *out); /* what is wrong from here on comes of the changes */
    *out = NULL;
    st = radz_card_change(path, text, size, changes, &changed, err);
    if (st == RADZ_OK)
        st = parse_card(schema, path, changed.text, changed.length, false, changes, out, err);
done:
    radz_strbuf_free(&changed);
    free(text);
    return st;
}

void radz_card_release(const radz_card_schema *schema, void *card)
{
    if (card == NULL)
        return;
    radz_card_base *base = card;
    free(base->file);
    free(base->folder);
    (void)cyaml_free(&config, schema->root, card, 0);
}

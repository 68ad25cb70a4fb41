/* Changes of single keys of a card before it is read ("training.steps=100"): the parsed file with other values in it, written
 * out as a text again, which is then read as any card is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "data/card_engine.h"

enum { DEPTH_LIMIT = 12, NODE_LIMIT = 10000 };

/* One change on its way into the document. */
typedef struct change {
    const char *file, *text; /* the manifest; all of KEY=VALUE */
    const char *key, *value;
    size_t key_length;
    yaml_document_t *document;
    size_t copied; /* nodes of the value */
    radz_error *err;
} change;

static radz_status fail_change(const change *c, radz_status code, const char *format, ...) RADZ_PRINTF(3, 4);
static radz_status fail_change(const change *c, radz_status code, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return radz_fail(c->err, code, "manifest '%.300s' with --set %.200s: %s", c->file, c->text, text);
}

static radz_status fail_memory(const change *c)
{
    return radz_fail(c->err, RADZ_E_NOMEM, "out of memory in manifest '%.300s'", c->file);
}

/* What a card's file may not hold either: anchors, aliases, tags, a second document. */
static radz_status check_value_text(const change *c)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return fail_memory(c);
    yaml_parser_set_input_string(&parser, (const unsigned char *)c->value, strlen(c->value));
    radz_status st = RADZ_OK;
    int documents = 0;
    for (bool end = false; !end && st == RADZ_OK;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            st = parser.error == YAML_MEMORY_ERROR
                     ? fail_memory(c)
                     : fail_change(c, RADZ_E_FORMAT, "the value is not valid YAML: %s",
                                   parser.problem != NULL ? parser.problem : "not YAML");
            break;
        }
        const void *mark = NULL; /* an anchor or a tag */
        switch (event.type) {
        case YAML_STREAM_END_EVENT:
            end = true;
            break;
        case YAML_DOCUMENT_START_EVENT:
            documents++;
            break;
        case YAML_ALIAS_EVENT:
            mark = event.data.alias.anchor;
            break;
        case YAML_SCALAR_EVENT:
            mark = event.data.scalar.anchor != NULL ? event.data.scalar.anchor : event.data.scalar.tag;
            break;
        case YAML_SEQUENCE_START_EVENT:
            mark = event.data.sequence_start.anchor != NULL ? event.data.sequence_start.anchor
                                                            : event.data.sequence_start.tag;
            break;
        case YAML_MAPPING_START_EVENT:
            mark = event.data.mapping_start.anchor != NULL ? event.data.mapping_start.anchor : event.data.mapping_start.tag;
            break;
        default:
            break;
        }
        if (mark != NULL)
            st = fail_change(c, RADZ_E_FORMAT, "anchors (&), aliases (*) and tags (!) are not allowed; quote the value");
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (st == RADZ_OK && documents != 1)
        st = fail_change(c, RADZ_E_FORMAT, "the value holds %d YAML documents, wanted 1; quote it", documents);
    return st;
}

/* Copies a node of the value's document and what is below it. */
static radz_status copy_node(change *c, yaml_document_t *from, int id, int depth, int *out)
{
    yaml_node_t *n = yaml_document_get_node(from, id);
    if (depth > DEPTH_LIMIT || ++c->copied > NODE_LIMIT)
        return fail_change(c, RADZ_E_FORMAT, "the value is nested too deeply or too long");
    if (n->type == YAML_SCALAR_NODE) {
        *out = yaml_document_add_scalar(c->document, NULL, n->data.scalar.value, (int)n->data.scalar.length,
                                        n->data.scalar.style);
        return *out != 0 ? RADZ_OK : fail_memory(c);
    }
    if (n->type == YAML_SEQUENCE_NODE) {
        *out = yaml_document_add_sequence(c->document, NULL, YAML_FLOW_SEQUENCE_STYLE);
        radz_status st = *out != 0 ? RADZ_OK : fail_memory(c);
        for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top && st == RADZ_OK; i++) {
            int item;
            st = copy_node(c, from, *i, depth + 1, &item);
            if (st == RADZ_OK && !yaml_document_append_sequence_item(c->document, *out, item))
                st = fail_memory(c);
        }
        return st;
    }
    *out = yaml_document_add_mapping(c->document, NULL, YAML_FLOW_MAPPING_STYLE);
    radz_status st = *out != 0 ? RADZ_OK : fail_memory(c);
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top && st == RADZ_OK; p++) {
        int key, value;
        st = copy_node(c, from, p->key, depth + 1, &key);
        if (st == RADZ_OK)
            st = copy_node(c, from, p->value, depth + 1, &value);
        if (st == RADZ_OK && !yaml_document_append_mapping_pair(c->document, *out, key, value))
            st = fail_memory(c);
    }
    return st;
}

static radz_status read_value(change *c, int *out)
{
    yaml_parser_t parser;
    yaml_document_t value;
    radz_status st = check_value_text(c);
    if (st != RADZ_OK)
        return st;
    if (!yaml_parser_initialize(&parser))
        return fail_memory(c);
    yaml_parser_set_input_string(&parser, (const unsigned char *)c->value, strlen(c->value));
    if (!yaml_parser_load(&parser, &value)) {
        st = fail_change(c, RADZ_E_FORMAT, "the value is not valid YAML: %s",
                         parser.problem != NULL ? parser.problem : "not YAML");
    } else {
        st = copy_node(c, &value, 1, 0, out);
        yaml_document_delete(&value);
    }
    yaml_parser_delete(&parser);
    return st;
}

static yaml_node_pair_t *find_pair(yaml_document_t *document, int map, const char *key, size_t length)
{
    yaml_node_t *n = yaml_document_get_node(document, map);
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        yaml_node_t *k = yaml_document_get_node(document, p->key);
        if (k->data.scalar.length == length && memcmp(k->data.scalar.value, key, length) == 0)
            return p;
    }
    return NULL;
}

/* A new key at the end of a group; its value is `value`, or an empty group when that is 0. */
static radz_status add_key(change *c, int map, const char *key, size_t length, int value)
{
    int name = yaml_document_add_scalar(c->document, NULL, (const unsigned char *)key, (int)length, YAML_ANY_SCALAR_STYLE);
    if (value == 0)
        value = yaml_document_add_mapping(c->document, NULL, YAML_ANY_MAPPING_STYLE);
    return name != 0 && value != 0 && yaml_document_append_mapping_pair(c->document, map, name, value) ? RADZ_OK
                                                                                                         : fail_memory(c);
}

/* One step of the path inside node `at`: ".key" or "[i]" from `*path` on; `last`: it is the one whose value is set. `value`
 * 0 takes the key out. `*at` becomes the node below. */
static radz_status step(change *c, const char **path, int value, int *at)
{
    const char *end = c->key + c->key_length, *begin = *path;
    yaml_node_t *n = yaml_document_get_node(c->document, *at);
    if (*begin == '[') {
        char *stop = NULL;
        size_t i = strtoull(begin + 1, &stop, 10);
        if (stop == begin + 1 || *stop != ']')
            return fail_change(c, RADZ_E_FORMAT, "'%.*s' is no place in a list, wanted [0], [1], ...", (int)(end - begin), begin);
        if (n->type != YAML_SEQUENCE_NODE)
            return fail_change(c, RADZ_E_VALUE, "key '%.*s' is no list", (int)(begin - c->key), c->key);
        size_t count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
        if (i >= count)
            return fail_change(c, RADZ_E_VALUE, "key '%.*s' is a list of %zu, there is no [%zu]", (int)(begin - c->key), c->key,
                               count, i);
        *path = stop + 1;
        if (*path == end && value == 0)
            return fail_change(c, RADZ_E_VALUE, "the value is missing");
        if (*path == end)
            n->data.sequence.items.start[i] = value;
        *at = n->data.sequence.items.start[i];
        return RADZ_OK;
    }
    begin += begin > c->key && *begin == '.';
    size_t length = 0;
    while (begin + length < end && begin[length] != '.' && begin[length] != '[')
        length++;
    if (length == 0)
        return fail_change(c, RADZ_E_FORMAT, "'%.*s' is not a key, wanted keys joined by dots", (int)c->key_length, c->key);
    *path = begin + length;
    bool last = *path == end;
    if (n->type != YAML_MAPPING_NODE)
        return fail_change(c, RADZ_E_VALUE, "key '%.*s' is no group of keys, there is no '%.*s' in it",
                           (int)(begin > c->key ? begin - 1 - c->key : 0), c->key, (int)length, begin);
    yaml_node_pair_t *pair = find_pair(c->document, *at, begin, length);
    if (pair == NULL && last && value == 0)
        return fail_change(c, RADZ_E_VALUE, "there is no key '%.*s' to take out", (int)c->key_length, c->key);
    if (pair == NULL) {
        radz_status st = add_key(c, *at, begin, length, last ? value : 0);
        if (st != RADZ_OK)
            return st;
        pair = find_pair(c->document, *at, begin, length);
    } else if (last && value == 0) {
        memmove(pair, pair + 1, (size_t)(n->data.mapping.pairs.top - pair - 1) * sizeof *pair);
        n->data.mapping.pairs.top--;
        return RADZ_OK;
    } else if (last) {
        pair->value = value;
    }
    *at = pair->value;
    return RADZ_OK;
}

static radz_status apply(const char *file, const char *text, yaml_document_t *document, radz_error *err)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return radz_fail(err, RADZ_E_USAGE, "option --set: found '%.200s', wanted KEY=VALUE", text);
    change c = {.file = file, .text = text, .key = text, .key_length = (size_t)(equals - text), .value = equals + 1,
                .document = document, .err = err};
    int value = 0, at = 1;
    radz_status st = c.value[0] != '\0' ? read_value(&c, &value) : RADZ_OK;
    for (const char *path = c.key; path < equals && st == RADZ_OK;)
        st = step(&c, &path, value, &at);
    return st;
}

typedef struct sink {
    radz_strbuf *text;
    radz_error *err;
} sink;

static int write_piece(void *context, unsigned char *piece, size_t size)
{
    sink *to = context;
    return radz_strbuf_append(to->text, (const char *)piece, size, to->err) == RADZ_OK;
}

radz_status radz_card_change(const char *file, const char *text, size_t size, const radz_strlist *changes, radz_strbuf *out,
                             radz_error *err)
{
    yaml_parser_t parser;
    yaml_emitter_t emitter;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        return radz_fail(err, RADZ_E_NOMEM, "out of memory in manifest '%.300s'", file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    int loaded = yaml_parser_load(&parser, &document);
    yaml_parser_delete(&parser);
    if (!loaded)
        return radz_fail(err, RADZ_E_INTERNAL, "manifest '%.300s': read once, but not a second time", file);
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < changes->count && st == RADZ_OK; i++)
        st = apply(file, changes->items[i], &document, err);
    if (st != RADZ_OK || !yaml_emitter_initialize(&emitter)) {
        yaml_document_delete(&document);
        return st != RADZ_OK ? st : radz_fail(err, RADZ_E_NOMEM, "out of memory in manifest '%.300s'", file);
    }
    sink to = {out, err};
    yaml_emitter_set_output(&emitter, write_piece, &to);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    /* yaml_emitter_dump takes the document, whatever comes of it */
    if (!yaml_emitter_dump(&emitter, &document) || !yaml_emitter_flush(&emitter))
        st = err != NULL && err->code != RADZ_OK
                 ? err->code
                 : radz_fail(err, RADZ_E_INTERNAL, "manifest '%.300s': %s", file,
                             emitter.problem != NULL ? emitter.problem : "cannot be written with the changes");
    yaml_emitter_delete(&emitter);
    return st;
}

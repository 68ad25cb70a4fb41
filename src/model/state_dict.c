#include "model/state_dict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the archive -------------------------------------------------------------------------------------------------- */

typedef struct bytes {
    const unsigned char *at;
    size_t size;
} bytes;

typedef struct member {
    const char *name; /* not NUL-terminated */
    size_t name_length;
    bytes data;
} member;

typedef struct archive {
    const char *path;
    member *members;
    size_t count, capacity;
    radz_error *err;
} archive;

static uint64_t little(const unsigned char *at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

enum { END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20, CENTRAL_SIZE = 46, LOCAL_SIZE = 30, MAX_COMMENT = 65535 };

static radz_status damaged(const archive *a, const char *what)
{
    return radz_fail(a->err, RADZ_E_FORMAT, "'%s': not a file of torch.save: %s (cut off?)", a->path, what);
}

/* Finds the central directory: its place, size and number of entries, from the end record or its 64-bit form. */
static radz_status find_directory(const archive *a, bytes file, uint64_t *offset, uint64_t *size, uint64_t *count)
{
    size_t lowest = file.size > END_SIZE + MAX_COMMENT ? file.size - END_SIZE - MAX_COMMENT : 0;
    if (file.size < END_SIZE)
        return damaged(a, "it is too short");
    for (size_t i = file.size - END_SIZE + 1; i-- > lowest;) {
        if (memcmp(file.at + i, "PK\5\6", 4) != 0)
            continue;
        *count = little(file.at + i + 10, 2);
        *size = little(file.at + i + 12, 4);
        *offset = little(file.at + i + 16, 4);
        if (i >= LOCATOR_SIZE && memcmp(file.at + i - LOCATOR_SIZE, "PK\6\7", 4) == 0) {
            uint64_t at = little(file.at + i - LOCATOR_SIZE + 8, 8);
            if (file.size < END64_SIZE || at > file.size - END64_SIZE || memcmp(file.at + at, "PK\6\6", 4) != 0)
                return damaged(a, "the zip64 end record is not where it should be");
            *count = little(file.at + at + 32, 8);
            *size = little(file.at + at + 40, 8);
            *offset = little(file.at + at + 48, 8);
        }
        if (*offset > file.size || *size > file.size - *offset)
            return damaged(a, "the archive's directory lies outside the file");
        return RADZ_OK;
    }
    return damaged(a, "the archive has no directory");
}

static radz_status add_member(archive *a, bytes file, const unsigned char *entry, size_t room, size_t *used)
{
    if (room < CENTRAL_SIZE || memcmp(entry, "PK\1\2", 4) != 0)
        return damaged(a, "an entry of the archive's directory is damaged");
    uint64_t method = little(entry + 10, 2), packed = little(entry + 20, 4), size = little(entry + 24, 4);
    size_t name = (size_t)little(entry + 28, 2), extra = (size_t)little(entry + 30, 2), comment = (size_t)little(entry + 32, 2);
    uint64_t local = little(entry + 42, 4);
    *used = CENTRAL_SIZE + name + extra + comment;
    if (*used > room)
        return damaged(a, "an entry of the archive's directory is damaged");
    const unsigned char *field = entry + CENTRAL_SIZE + name, *end = field + extra;
    while (end - field >= 4) { /* 64-bit values, in this order, of those that did not fit */
        size_t length = (size_t)little(field + 2, 2);
        if (length > (size_t)(end - field - 4))
            break;
        if (little(field, 2) == 1) {
            const unsigned char *value = field + 4, *stop = value + length;
            uint64_t *const wide[] = {&size, &packed, &local};
            for (int i = 0; i < 3; i++) {
                if (*wide[i] == UINT32_MAX && stop - value >= 8) {
                    *wide[i] = little(value, 8);
                    value += 8;
                }
            }
        }
        field += 4 + length;
    }
    int shown = name < 100 ? (int)name : 100;
    const char *text = (const char *)entry + CENTRAL_SIZE;
    if (method != 0 || packed != size)
        return radz_fail(a->err, RADZ_E_UNSUPPORTED, "'%s': '%.*s' in it is compressed, which torch.save does not do", a->path, shown,
                         text);
    if (local > file.size || file.size - local < LOCAL_SIZE || memcmp(file.at + local, "PK\3\4", 4) != 0)
        return damaged(a, "a member of the archive is not where its directory says");
    uint64_t data = local + LOCAL_SIZE + little(file.at + local + 26, 2) + little(file.at + local + 28, 2);
    if (data > file.size || size > file.size - data)
        return damaged(a, "a member of the archive reaches beyond the file's end");
    if (radz_grow(&a->members, &a->capacity, a->count + 1, sizeof *a->members, a->err))
        return RADZ_E_NOMEM;
    a->members[a->count++] = (member){.name = text, .name_length = name, .data = {file.at + data, (size_t)size}};
    return RADZ_OK;
}

static int by_member_name(const void *x, const void *y)
{
    const member *a = x, *b = y;
    size_t n = a->name_length < b->name_length ? a->name_length : b->name_length;
    int order = memcmp(a->name, b->name, n);
    return order != 0 ? order : (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

static radz_status open_archive(archive *a, bytes file)
{
    uint64_t offset = 0, size = 0, count = 0;
    radz_status status = find_directory(a, file, &offset, &size, &count);
    const unsigned char *at = file.at + (status == RADZ_OK ? offset : 0);
    for (uint64_t i = 0; status == RADZ_OK && i < count; i++) {
        size_t used = 0;
        status = add_member(a, file, at, (size_t)size, &used);
        if (status == RADZ_OK) {
            at += used;
            size -= used;
        }
    }
    if (status == RADZ_OK && a->count > 0)
        qsort(a->members, a->count, sizeof *a->members, by_member_name);
    return status;
}

static const member *find_member(const archive *a, const char *name, size_t length)
{
    if (a->count == 0)
        return NULL;
    member key = {.name = name, .name_length = length};
    return bsearch(&key, a->members, a->count, sizeof *a->members, by_member_name);
}

/* ---- the pickle machine ------------------------------------------------------------------------------------------- */

typedef enum kind { MARK, NOTHING, NUMBER, TEXT, TUPLE, LIST, DICT, GLOBAL, STORAGE, TENSOR, SOMETHING } kind;

typedef struct value value;
struct value {
    kind kind;
    int64_t number;  /* NUMBER (also truth); GLOBAL: its place in `globals`; STORAGE: elements; TENSOR: offset in elements */
    bytes text;      /* TEXT */
    value **items;   /* TUPLE, LIST; DICT: key, value, key, value */
    size_t count, capacity;
    TDtype dtype;    /* STORAGE */
    bytes data;      /* STORAGE */
    const value *storage; /* TENSOR */
    const value *shape, *strides;
};

typedef enum role { IS_DICT, IS_TENSOR, IS_PARAMETER, IS_STORAGE, IS_SIZE } role;

static const struct {
    const char *module, *name;
    role role;
    TDtype dtype;
} globals[] = {{"collections", "OrderedDict", IS_DICT, T_F32},
               {"torch._utils", "_rebuild_tensor_v2", IS_TENSOR, T_F32},
               {"torch._utils", "_rebuild_parameter", IS_PARAMETER, T_F32},
               {"torch", "Size", IS_SIZE, T_F32},
               {"torch", "FloatStorage", IS_STORAGE, T_F32},
               {"torch", "HalfStorage", IS_STORAGE, T_F16},
               {"torch", "BFloat16Storage", IS_STORAGE, T_BF16},
               {"torch", "DoubleStorage", IS_STORAGE, T_F64},
               {"torch", "LongStorage", IS_STORAGE, T_I64},
               {"torch", "IntStorage", IS_STORAGE, T_I32},
               {"torch", "ShortStorage", IS_STORAGE, T_I16},
               {"torch", "CharStorage", IS_STORAGE, T_I8},
               {"torch", "ByteStorage", IS_STORAGE, T_U8},
               {"torch", "BoolStorage", IS_STORAGE, T_BOOL}};
enum { GLOBAL_COUNT = sizeof globals / sizeof *globals };

typedef struct machine {
    const archive *a;
    const char *root; /* "archive/" */
    size_t root_length;
    bytes code;
    size_t at;
    value **stack;
    size_t depth, stack_capacity;
    value **memo;
    size_t memo_count, memo_capacity;
    value **made; /* all values, to be freed */
    size_t made_count, made_capacity;
    radz_error *err;
} machine;

static radz_status broken(const machine *m, const char *what)
{
    return radz_fail(m->err, RADZ_E_FORMAT, "'%s': its pickle is damaged at byte %zu: %s", m->a->path, m->at, what);
}

static radz_status new_value(machine *m, kind k, value **out)
{
    *out = NULL;
    if (radz_grow(&m->made, &m->made_capacity, m->made_count + 1, sizeof *m->made, m->err))
        return RADZ_E_NOMEM;
    value *v = radz_calloc(1, sizeof *v, m->err);
    if (v == NULL)
        return RADZ_E_NOMEM;
    v->kind = k;
    m->made[m->made_count++] = v;
    *out = v;
    return RADZ_OK;
}

static radz_status push(machine *m, value *v)
{
    if (radz_grow(&m->stack, &m->stack_capacity, m->depth + 1, sizeof *m->stack, m->err))
        return RADZ_E_NOMEM;
    m->stack[m->depth++] = v;
    return RADZ_OK;
}

static radz_status push_new(machine *m, kind k, int64_t number)
{
    value *v;
    radz_status status = new_value(m, k, &v);
    if (status)
        return status;
    v->number = number;
    return push(m, v);
}

/* The top value, taken from the stack; a mark is none. */
static radz_status pop(machine *m, value **out)
{
    *out = NULL;
    if (m->depth == 0 || m->stack[m->depth - 1]->kind == MARK)
        return broken(m, "a value is missing");
    *out = m->stack[--m->depth];
    return RADZ_OK;
}

static radz_status add_item(machine *m, value *to, value *item)
{
    if (radz_grow(&to->items, &to->capacity, to->count + 1, sizeof *to->items, m->err))
        return RADZ_E_NOMEM;
    to->items[to->count++] = item;
    return RADZ_OK;
}

static radz_status find_mark(const machine *m, size_t *at)
{
    *at = 0;
    for (size_t i = m->depth; i > 0; i--) {
        if (m->stack[i - 1]->kind == MARK) {
            *at = i - 1;
            return RADZ_OK;
        }
    }
    return broken(m, "a mark is missing");
}

static radz_status collect(machine *m, size_t from, value *to)
{
    for (size_t i = from; i < m->depth; i++) {
        radz_status status = add_item(m, to, m->stack[i]);
        if (status)
            return status;
    }
    return RADZ_OK;
}

static radz_status take(machine *m, size_t count, bytes *out)
{
    *out = (bytes){0};
    if (count > m->code.size - m->at)
        return broken(m, "it ends in the middle of a value");
    *out = (bytes){m->code.at + m->at, count};
    m->at += count;
    return RADZ_OK;
}

static radz_status take_number(machine *m, int size, uint64_t *out)
{
    bytes b;
    *out = 0;
    radz_status status = take(m, (size_t)size, &b);
    if (status == RADZ_OK)
        *out = little(b.at, size);
    return status;
}

/* A text whose length stands before it in `size` bytes. */
static radz_status push_text(machine *m, int size)
{
    uint64_t length;
    bytes text = {0};
    radz_status status = take_number(m, size, &length);
    if (status == RADZ_OK)
        status = length <= SIZE_MAX ? take(m, (size_t)length, &text) : broken(m, "a text is too long");
    if (status == RADZ_OK)
        status = push_new(m, TEXT, 0);
    if (status == RADZ_OK)
        m->stack[m->depth - 1]->text = text;
    return status;
}

static bool is_text(bytes text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.at, wanted, text.size) == 0;
}

static radz_status push_global(machine *m, bytes module, bytes name)
{
    for (size_t i = 0; i < GLOBAL_COUNT; i++)
        if (is_text(module, globals[i].module) && is_text(name, globals[i].name))
            return push_new(m, GLOBAL, (int64_t)i);
    return radz_fail(m->err, RADZ_E_UNSUPPORTED,
                     "'%s': its pickle names '%.*s.%.*s', which is no part of a state dict; nothing was run. Save the model's "
                     "state_dict() alone, or as safetensors", m->a->path, (int)(module.size < 80 ? module.size : 80), module.at,
                     (int)(name.size < 80 ? name.size : 80), name.at);
}

static radz_status line(machine *m, bytes *out)
{
    const unsigned char *begin = m->code.at + m->at, *end = memchr(begin, '\n', m->code.size - m->at);
    if (end == NULL)
        return broken(m, "it ends in the middle of a value");
    *out = (bytes){begin, (size_t)(end - begin)};
    m->at += out->size + 1;
    return RADZ_OK;
}

static radz_status memoize(machine *m, uint64_t index)
{
    if (m->depth == 0)
        return broken(m, "nothing to remember");
    if (index > m->code.size) /* each entry costs at least a byte */
        return broken(m, "a number of the memo is too high");
    if (index >= m->memo_count) {
        if (radz_grow(&m->memo, &m->memo_capacity, (size_t)index + 1, sizeof *m->memo, m->err))
            return RADZ_E_NOMEM;
        memset(m->memo + m->memo_count, 0, ((size_t)index + 1 - m->memo_count) * sizeof *m->memo);
        m->memo_count = (size_t)index + 1;
    }
    m->memo[index] = m->stack[m->depth - 1];
    return RADZ_OK;
}

static radz_status recall(machine *m, uint64_t index)
{
    if (index >= m->memo_count || m->memo[index] == NULL)
        return broken(m, "a number of the memo is not known");
    return push(m, m->memo[index]);
}

static const value *item(const value *tuple, size_t i, kind wanted)
{
    return tuple->kind == TUPLE && i < tuple->count && tuple->items[i]->kind == wanted ? tuple->items[i] : NULL;
}

/* ("storage", type, key, location, elements) */
static radz_status load_storage(machine *m)
{
    value *id;
    radz_status status = pop(m, &id);
    if (status)
        return status;
    const value *tag = item(id, 0, TEXT), *type = item(id, 1, GLOBAL), *key = item(id, 2, TEXT), *elements = item(id, 4, NUMBER);
    if (tag == NULL || !is_text(tag->text, "storage") || type == NULL || globals[type->number].role != IS_STORAGE || key == NULL ||
        elements == NULL || elements->number < 0)
        return broken(m, "a storage is not described as torch.save does");
    char name[256];
    int n = snprintf(name, sizeof name, "%.*sdata/%.*s", (int)m->root_length, m->root,
                     (int)(key->text.size < 100 ? key->text.size : 100), key->text.at);
    const member *found = n > 0 && (size_t)n < sizeof name ? find_member(m->a, name, (size_t)n) : NULL;
    if (found == NULL)
        return radz_fail(m->err, RADZ_E_MISSING, "'%s': '%s', which holds a tensor's values, is not in the archive", m->a->path, name);
    TDtype dtype = globals[type->number].dtype;
    if ((uint64_t)elements->number > found->data.size / t_dtype_size(dtype))
        return radz_fail(m->err, RADZ_E_FORMAT, "'%s': '%s' has %zu bytes, too few for %" PRId64 " elements of %s", m->a->path, name,
                         found->data.size, elements->number, t_dtype_name(dtype));
    value *v;
    if ((status = new_value(m, STORAGE, &v)) != RADZ_OK)
        return status;
    v->number = elements->number;
    v->dtype = dtype;
    v->data = found->data;
    return push(m, v);
}

static radz_status reduce(machine *m)
{
    value *arguments, *callable, *v;
    radz_status status;
    if ((status = pop(m, &arguments)) != RADZ_OK || (status = pop(m, &callable)) != RADZ_OK)
        return status;
    if (callable->kind != GLOBAL || arguments->kind != TUPLE)
        return broken(m, "a call without a function or arguments");
    switch (globals[callable->number].role) {
    case IS_DICT:
        if (arguments->count != 0)
            return broken(m, "an OrderedDict made from values");
        return push_new(m, DICT, 0);
    case IS_SIZE:
        if (item(arguments, 0, TUPLE) == NULL)
            return broken(m, "a torch.Size without sizes");
        return push(m, arguments->items[0]);
    case IS_PARAMETER:
        if (item(arguments, 0, TENSOR) == NULL)
            return broken(m, "a parameter without a tensor");
        return push(m, arguments->items[0]);
    case IS_TENSOR: {
        const value *storage = item(arguments, 0, STORAGE), *offset = item(arguments, 1, NUMBER);
        const value *shape = item(arguments, 2, TUPLE), *strides = item(arguments, 3, TUPLE);
        if (storage == NULL || offset == NULL || offset->number < 0 || shape == NULL || strides == NULL ||
            shape->count != strides->count)
            return broken(m, "a tensor is not described as torch.save does");
        if ((status = new_value(m, TENSOR, &v)) != RADZ_OK)
            return status;
        v->storage = storage;
        v->number = offset->number;
        v->shape = shape;
        v->strides = strides;
        return push(m, v);
    }
    case IS_STORAGE:
        break;
    }
    return broken(m, "a storage type is called");
}

static radz_status make_tuple(machine *m, size_t from, size_t drop)
{
    value *v;
    radz_status status = new_value(m, TUPLE, &v);
    if (status == RADZ_OK)
        status = collect(m, from, v);
    if (status)
        return status;
    m->depth = drop;
    return push(m, v);
}

static radz_status short_tuple(machine *m, size_t count)
{
    if (m->depth < count)
        return broken(m, "a value is missing");
    for (size_t i = m->depth - count; i < m->depth; i++)
        if (m->stack[i]->kind == MARK)
            return broken(m, "a value is missing");
    return make_tuple(m, m->depth - count, m->depth - count);
}

/* Items above the mark go into the container below it. */
static radz_status append_all(machine *m, kind k, bool marked, size_t count)
{
    if (!marked && m->depth < count)
        return broken(m, "a value is missing");
    size_t mark = m->depth - count, from = mark;
    radz_status status = RADZ_OK;
    if (marked) {
        if ((status = find_mark(m, &mark)) != RADZ_OK)
            return status;
        from = mark + 1;
    }
    if (mark == 0 || m->stack[mark - 1]->kind != k)
        return broken(m, k == LIST ? "items for something that is no list" : "items for something that is no dict");
    if (k == DICT && (m->depth - from) % 2 != 0)
        return broken(m, "a key without a value");
    for (size_t i = from; i < m->depth; i++)
        if (m->stack[i]->kind == MARK)
            return broken(m, "a value is missing");
    status = collect(m, from, m->stack[mark - 1]);
    m->depth = mark;
    return status;
}

static radz_status push_long(machine *m, int size)
{
    uint64_t length, number;
    bytes b = {0};
    radz_status status = take_number(m, size, &length);
    if (status == RADZ_OK && length > 8)
        status = broken(m, "a whole number of more than 64 bits");
    if (status == RADZ_OK)
        status = take(m, (size_t)length, &b);
    if (status)
        return status;
    number = little(b.at, (int)length);
    if (length > 0 && length < 8 && (b.at[length - 1] & 0x80) != 0)
        number |= UINT64_MAX << (8 * length);
    return push_new(m, NUMBER, (int64_t)number);
}

static radz_status step(machine *m, unsigned char code, bool *stop)
{
    uint64_t n = 0;
    bytes b, other;
    value *v, *w;
    size_t mark;
    radz_status status = RADZ_OK;
    switch (code) {
    case 0x80: /* PROTO */
        return take(m, 1, &b);
    case 0x95: /* FRAME */
        return take(m, 8, &b);
    case '(':
        return push_new(m, MARK, 0);
    case '.':
        *stop = true;
        return RADZ_OK;
    case 'N':
        return push_new(m, NOTHING, 0);
    case 0x88:
    case 0x89: /* NEWTRUE, NEWFALSE */
        return push_new(m, NUMBER, code == 0x88);
    case 'K':
    case 'M': /* BININT1, BININT2 */
        status = take_number(m, code == 'K' ? 1 : 2, &n);
        return status ? status : push_new(m, NUMBER, (int64_t)n);
    case 'J': /* BININT */
        status = take_number(m, 4, &n);
        return status ? status : push_new(m, NUMBER, (int32_t)(uint32_t)n);
    case 0x8a: /* LONG1 */
        return push_long(m, 1);
    case 'G': /* BINFLOAT: a value nobody asks for */
        status = take(m, 8, &b);
        return status ? status : push_new(m, SOMETHING, 0);
    case 'X':
        return push_text(m, 4); /* BINUNICODE */
    case 0x8c:
    case 'U': /* SHORT_BINUNICODE, SHORT_BINSTRING */
        return push_text(m, 1);
    case 'C': /* SHORT_BINBYTES */
        return push_text(m, 1);
    case '}':
        return push_new(m, DICT, 0);
    case ']':
        return push_new(m, LIST, 0);
    case ')':
        return push_new(m, TUPLE, 0);
    case 0x85:
    case 0x86:
    case 0x87: /* TUPLE1 to TUPLE3 */
        return short_tuple(m, (size_t)(code - 0x84));
    case 't':
        status = find_mark(m, &mark);
        return status ? status : make_tuple(m, mark + 1, mark);
    case 'u':
        return append_all(m, DICT, true, 0);
    case 's':
        return append_all(m, DICT, false, 2);
    case 'e':
        return append_all(m, LIST, true, 0);
    case 'a':
        return append_all(m, LIST, false, 1);
    case 'q':
    case 'r': /* BINPUT, LONG_BINPUT */
        status = take_number(m, code == 'q' ? 1 : 4, &n);
        return status ? status : memoize(m, n);
    case 0x94: /* MEMOIZE */
        return memoize(m, m->memo_count);
    case 'h':
    case 'j': /* BINGET, LONG_BINGET */
        status = take_number(m, code == 'h' ? 1 : 4, &n);
        return status ? status : recall(m, n);
    case 'c': /* GLOBAL */
        if ((status = line(m, &b)) != RADZ_OK || (status = line(m, &other)) != RADZ_OK)
            return status;
        return push_global(m, b, other);
    case 0x93: /* STACK_GLOBAL */
        if ((status = pop(m, &v)) != RADZ_OK || (status = pop(m, &w)) != RADZ_OK)
            return status;
        if (v->kind != TEXT || w->kind != TEXT)
            return broken(m, "a function without a name");
        return push_global(m, w->text, v->text);
    case 'Q':
        return load_storage(m);
    case 'R':
        return reduce(m);
    case 'b': /* BUILD: attributes of an OrderedDict (_metadata); dropped */
        if ((status = pop(m, &v)) != RADZ_OK)
            return status;
        if (m->depth == 0 || m->stack[m->depth - 1]->kind != DICT)
            return broken(m, "attributes for something that has none");
        return RADZ_OK;
    default:
        return radz_fail(m->err, RADZ_E_UNSUPPORTED, "'%s': its pickle has the operation 0x%02x at byte %zu, which no state dict needs",
                         m->a->path, code, m->at - 1);
    }
}

static radz_status run(machine *m, value **out)
{
    bool stop = false;
    while (!stop) {
        bytes code;
        radz_status status = take(m, 1, &code);
        if (status == RADZ_OK)
            status = step(m, *code.at, &stop);
        if (status)
            return status;
    }
    return pop(m, out);
}

static void free_machine(machine *m)
{
    for (size_t i = 0; i < m->made_count; i++) {
        free(m->made[i]->items);
        free(m->made[i]);
    }
    free(m->made);
    free(m->memo);
    free(m->stack);
}

/* ---- the dict ----------------------------------------------------------------------------------------------------- */

static bool has_tensors(const value *dict)
{
    for (size_t i = 0; dict->kind == DICT && i + 1 < dict->count; i += 2)
        if (dict->items[i]->kind == TEXT && dict->items[i + 1]->kind == TENSOR)
            return true;
    return false;
}

static const value *find_dict(const value *top)
{
    static const char *const keys[] = {"state_dict", "model_state_dict", "model"};
    if (has_tensors(top) || top->kind != DICT)
        return top;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t i = 0; i + 1 < top->count; i += 2)
            if (top->items[i]->kind == TEXT && is_text(top->items[i]->text, keys[k]) && has_tensors(top->items[i + 1]))
                return top->items[i + 1];
    return top;
}

/* The bytes of a tensor that does not lie row by row, put in order; in the arena. */
static radz_status reorder(const safetensors_entry *e, const unsigned char *first, const int64_t *strides, radz_arena *arena,
                           const void **out, radz_error *err)
{
    size_t element = t_dtype_size(e->dtype), count = e->bytes / element;
    unsigned char *to = radz_arena_alloc(arena, count, element, err);
    if (to == NULL)
        return RADZ_E_NOMEM;
    int64_t index[SAFETENSORS_MAX_DIMS] = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t at = 0;
        for (int d = 0; d < e->ndim; d++)
            at += index[d] * strides[d];
        memcpy(to + i * element, first + (size_t)at * element, element);
        for (int d = e->ndim - 1; d >= 0 && ++index[d] == e->shape[d]; d--)
            index[d] = 0;
    }
    *out = to;
    return RADZ_OK;
}

static radz_status give(const machine *m, const value *key, const value *tensor, radz_arena *arena, state_dict_visit visit,
                        void *context)
{
    radz_error *err = m->err;
    const char *path = m->a->path;
    int64_t strides[SAFETENSORS_MAX_DIMS];
    if (memchr(key->text.at, '\0', key->text.size) != NULL)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': a tensor's name holds a NUL byte", path);
    char *name = radz_arena_strndup(arena, (const char *)key->text.at, key->text.size, err);
    if (name == NULL)
        return RADZ_E_NOMEM;
    safetensors_entry e = {.name = name, .file = path, .dtype = tensor->storage->dtype, .ndim = (int)tensor->shape->count};
    if (tensor->shape->count > SAFETENSORS_MAX_DIMS)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': tensor '%.80s' has %zu dimensions; at most %d are supported", path, name,
                         tensor->shape->count, SAFETENSORS_MAX_DIMS);
    uint64_t elements = 1, last = 0; /* `last`: the element furthest from the first */
    bool in_order = true, fits = true;
    for (int d = e.ndim - 1; d >= 0; d--) {
        const value *size = tensor->shape->items[d], *stride = tensor->strides->items[d];
        uint64_t reach;
        if (size->kind != NUMBER || stride->kind != NUMBER || size->number < 0 || stride->number < 0)
            return radz_fail(err, RADZ_E_FORMAT, "'%s': tensor '%.80s': sizes and strides must be whole numbers from 0", path, name);
        e.shape[d] = size->number;
        strides[d] = stride->number;
        in_order = in_order && (size->number == 1 || (uint64_t)stride->number == elements);
        fits = fits && !__builtin_mul_overflow(elements, (uint64_t)size->number, &elements);
        if (size->number > 0)
            fits = fits && !__builtin_mul_overflow((uint64_t)(size->number - 1), (uint64_t)stride->number, &reach) &&
                   !__builtin_add_overflow(last, reach, &last);
    }
    size_t element = t_dtype_size(e.dtype);
    uint64_t room = (uint64_t)tensor->storage->number;
    if (!fits || (elements > 0 && ((uint64_t)tensor->number >= room || last >= room - (uint64_t)tensor->number)) ||
        (!in_order && elements > room)) /* an expanded tensor; nobody saves one */
        return radz_fail(err, RADZ_E_FORMAT, "'%s': tensor '%.80s' reaches beyond its %" PRIu64 " stored elements", path, name, room);
    const unsigned char *first = tensor->storage->data.at + (elements > 0 ? (size_t)tensor->number * element : 0);
    e.bytes = (size_t)elements * element;
    e.data = first;
    if (!in_order && elements > 0) {
        radz_status status = reorder(&e, first, strides, arena, &e.data, err);
        if (status)
            return status;
    }
    return visit(context, &e, err);
}

static radz_status give_all(const machine *m, const value *top, radz_arena *arena, state_dict_visit visit, void *context)
{
    const value *dict = find_dict(top);
    if (!has_tensors(dict))
        return radz_fail(m->err, RADZ_E_FORMAT,
                         "'%s': it holds no dict of tensors, nor one under 'state_dict', 'model_state_dict' or 'model'", m->a->path);
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const value *key = dict->items[i], *what = dict->items[i + 1];
        if (key->kind != TEXT || what->kind != TENSOR)
            continue; /* a number of an epoch, an optimizer's state */
        radz_status status = give(m, key, what, arena, visit, context);
        if (status)
            return status;
    }
    return RADZ_OK;
}

/* A safetensors file may begin like a pickle, but has its header at byte 8. */
bool state_dict_is(const void *data, size_t size)
{
    const unsigned char *b = data;
    return size >= 4 && (memcmp(b, "PK\3\4", 4) == 0 || (b[0] == 0x80 && b[1] >= 2 && b[1] <= 5 && (size < 9 || b[8] != '{')));
}

radz_status state_dict_read(const void *data, size_t size, const char *path, radz_arena *arena, state_dict_visit visit,
                            void *context, radz_error *err)
{
    bytes file = {data, size};
    archive a = {.path = path, .err = err};
    machine m = {.a = &a, .err = err};
    value *top;
    radz_status status;
    static const char pickle[] = "data.pkl", order[] = "byteorder";
    if (size < 4 || memcmp(data, "PK\3\4", 4) != 0)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': a bare pickle, as PyTorch before 1.6 saved tensors; load and save it with a newer one, best as "
                         "safetensors", path);
    if ((status = open_archive(&a, file)) != RADZ_OK)
        goto done;
    for (size_t i = 0; i < a.count && m.root == NULL; i++) {
        size_t n = a.members[i].name_length, tail = strlen(pickle);
        if (n >= tail && memcmp(a.members[i].name + n - tail, pickle, tail) == 0 && n - tail < 100) {
            m.root = a.members[i].name;
            m.root_length = n - tail;
            m.code = a.members[i].data;
        }
    }
    if (m.root == NULL) {
        status = radz_fail(err, RADZ_E_FORMAT, "'%s': a zip archive without data.pkl: not a file of torch.save", path);
        goto done;
    }
    char name[128];
    int n = snprintf(name, sizeof name, "%.*s%s", (int)m.root_length, m.root, order);
    const member *found = find_member(&a, name, (size_t)n);
    if (found != NULL && !is_text(found->data, "little")) {
        status = radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': its byte order is '%.*s', wanted 'little'", path,
                           (int)(found->data.size < 20 ? found->data.size : 20), found->data.at);
        goto done;
    }
    if ((status = run(&m, &top)) == RADZ_OK)
        status = give_all(&m, top, arena, visit, context);
done:
    free_machine(&m);
    free(a.members);
    return status;
}

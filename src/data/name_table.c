#include "data/name_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct radz_name_slot {
    uint32_t hash, number; /* number RADZ_NAME_NONE: free */
};

static size_t probe(const radz_name_table *table, const char *name, size_t length, uint32_t hash)
{
    size_t mask = table->n_slots - 1, at = hash & mask;
    for (;; at = (at + 1) & mask) {
        const struct radz_name_slot *slot = &table->slots[at];
        if (slot->number == RADZ_NAME_NONE)
            return at;
        const char *there = table->names[slot->number];
        if (slot->hash == hash && strncmp(there, name, length) == 0 && there[length] == '\0')
            return at;
    }
}

static uint32_t hash_name(const char *name, size_t length)
{
    uint64_t hash = radz_hash_bytes(name, length);
    return (uint32_t)(hash ^ (hash >> 32));
}

uint32_t radz_name_find_n(const radz_name_table *table, const char *name, size_t length)
{
    if (table->n_slots == 0)
        return RADZ_NAME_NONE;
    return table->slots[probe(table, name, length, hash_name(name, length))].number;
}

uint32_t radz_name_find(const radz_name_table *table, const char *name)
{
    return radz_name_find_n(table, name, strlen(name));
}

static radz_status grow_slots(radz_name_table *table, radz_error *err)
{
    size_t n = table->n_slots == 0 ? 64 : table->n_slots * 2;
    struct radz_name_slot *slots = radz_calloc(n, sizeof *slots, err);
    if (slots == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        slots[i].number = RADZ_NAME_NONE;
    for (size_t i = 0; i < table->n_slots; i++) {
        if (table->slots[i].number == RADZ_NAME_NONE)
            continue;
        size_t at = table->slots[i].hash & (n - 1);
        while (slots[at].number != RADZ_NAME_NONE)
            at = (at + 1) & (n - 1);
        slots[at] = table->slots[i];
    }
    free(table->slots);
    table->slots = slots;
    table->n_slots = n;
    return RADZ_OK;
}

radz_status radz_name_add(radz_name_table *table, radz_arena *arena, const char *name, uint32_t *number, bool *is_new,
                          radz_error *err)
{
    if (is_new != NULL)
        *is_new = false;
    if (table->count * 2 >= table->n_slots) {
        radz_status st = grow_slots(table, err);
        if (st != RADZ_OK)
            return st;
    }
    size_t length = strlen(name);
    uint32_t hash = hash_name(name, length);
    size_t at = probe(table, name, length, hash);
    if (table->slots[at].number == RADZ_NAME_NONE) {
        if (table->count >= RADZ_NAME_NONE)
            return radz_fail(err, RADZ_E_UNSUPPORTED, "more than %u names", RADZ_NAME_NONE);
        radz_status st = radz_grow(&table->names, &table->capacity, table->count + 1, sizeof *table->names, err);
        if (st != RADZ_OK)
            return st;
        const char *copy = radz_arena_strndup(arena, name, length, err);
        if (copy == NULL)
            return RADZ_E_NOMEM;
        table->names[table->count] = copy;
        table->slots[at] = (struct radz_name_slot){hash, (uint32_t)table->count++};
        if (is_new != NULL)
            *is_new = true;
    }
    *number = table->slots[at].number;
    return RADZ_OK;
}

void radz_name_table_free(radz_name_table *table)
{
    free(table->names);
    free(table->slots);
    *table = (radz_name_table){0};
}

#include "run/protocols.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "metric/metric.h"

static radz_status add_one(radz_strlist *names, const char *name, radz_error *err)
{
    return radz_strlist_has(names, name) ? RADZ_OK : radz_strlist_add(names, name, err);
}

static radz_status expand(const radz_home *home, const char *name, radz_strlist *out, radz_error *err)
{
    if (strcmp(name, "all") != 0)
        return add_one(out, name, err);
    radz_strlist all = {0};
    radz_status st = radz_card_list(&home->places, RADZ_CARD_PROTOCOL, &all, err);
    if (st == RADZ_OK && radz_strlist_has(&all, RADZ_PROTOCOL_DEFAULT))
        st = add_one(out, RADZ_PROTOCOL_DEFAULT, err);
    for (size_t i = 0; i < all.count && st == RADZ_OK; i++)
        st = add_one(out, all.items[i], err);
    radz_strlist_free(&all);
    return st;
}

radz_status radz_protocols_load(const radz_home *home, const radz_strlist *names, const char *otherwise,
                                radz_protocols *out, radz_error *err)
{
    *out = (radz_protocols){0};
    radz_strlist wanted = {0};
    radz_status st = RADZ_OK;
    if (names == NULL || names->count == 0)
        st = expand(home, otherwise, &wanted, err);
    for (size_t i = 0; names != NULL && i < names->count && st == RADZ_OK; i++)
        st = expand(home, names->items[i], &wanted, err);
    if (st == RADZ_OK) {
        out->cards = radz_calloc(wanted.count, sizeof *out->cards, err);
        st = out->cards == NULL ? RADZ_E_NOMEM : RADZ_OK;
    }
    for (size_t i = 0; i < wanted.count && st == RADZ_OK; i++) {
        st = radz_protocol_find_card(&home->places, wanted.items[i], &out->cards[i], err);
        out->count = i + (st == RADZ_OK);
    }
    radz_strlist_free(&wanted);
    if (st != RADZ_OK)
        radz_protocols_free(out);
    return st;
}

void radz_protocols_free(radz_protocols *protocols)
{
    for (size_t i = 0; i < protocols->count; i++)
        radz_protocol_card_free(protocols->cards[i]);
    free(protocols->cards);
    *protocols = (radz_protocols){0};
}

bool radz_protocols_want_validation(const radz_protocols *protocols)
{
    for (size_t i = 0; i < protocols->count; i++)
        if (protocols->cards[i]->rules.rule != RADZ_THRESHOLD_NONE &&
            protocols->cards[i]->rules.split == RADZ_CHOSEN_ON_VALIDATION)
            return true;
    return false;
}

radz_status radz_protocols_check_stopped(const radz_strlist *asked, const radz_results *results, radz_error *err)
{
    const char *stopped = radz_metric_status_name(RADZ_METRIC_STOPPED);
    for (size_t i = 0; asked != NULL && i < results->n_rows; i++) {
        const radz_result_row *r = &results->rows[i];
        if (strcmp(r->status, stopped) == 0 && strcmp(r->class_name, "macro") == 0 && radz_strlist_has(asked, r->protocol))
            return radz_fail(err, RADZ_E_VALUE, "protocol '%s' has no figures of '%.100s', %.100s: its source ends with an error where a"
                             " class is all positive or all negative (the notes name it; --class leaves it out)", r->protocol,
                             r->dataset, r->model);
    }
    return RADZ_OK;
}

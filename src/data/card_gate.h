/* The regression gate's card: how far each figure may fall between two runs, and when a fall is taken for noise. */
#ifndef RADZ_DATA_CARD_GATE_H
#define RADZ_DATA_CARD_GATE_H

#include "data/card.h"

typedef struct radz_gate_tolerance {
    char *metric;  /* a name of the metric table */
    char *classes; /* "means", "each", or one class or mean ("Hernia", "macro:trained"); NULL: all rows of the metric */
    double fall;   /* how far it may fall; 0 or more */
    double limit;  /* a fall beyond it is a regression even where a test takes it for noise; infinite when absent */
} radz_gate_tolerance;

typedef struct radz_gate_card {
    radz_card_base base;
    double alpha;        /* of the paired tests, 0.0001 to 0.5; 0.01 when absent */
    uint32_t replicates; /* of the paired bootstrap over patients, 100 to 1000000; 1000 when absent */
    uint64_t seed;
    radz_gate_tolerance *tolerances; /* the first that fits a row is taken; rows that none fits are not judged */
    size_t tolerances_count;         /* at least 1 */
} radz_gate_card;

radz_status radz_gate_card_load(const char *path, radz_gate_card **out, radz_error *err) RADZ_MUST_USE;
/* By name, as radz_card_find finds it. */
radz_status radz_gate_find_card(const radz_card_places *places, const char *name, radz_gate_card **out,
                                radz_error *err) RADZ_MUST_USE;
void radz_gate_card_free(radz_gate_card *card);

extern const struct radz_card_schema radz_gate_schema; /* for the tests */

#endif

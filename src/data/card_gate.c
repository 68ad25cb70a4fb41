#include "data/card_gate.h"

#include <math.h>
#include <stdio.h>

#include "data/card_engine.h"

static const cyaml_schema_field_t tolerance_fields[] = {
    RADZ_FIELD_TEXT("metric", radz_gate_tolerance, metric),
    RADZ_FIELD_TEXT_OPTIONAL("classes", radz_gate_tolerance, classes),
    CYAML_FIELD_FLOAT("fall", CYAML_FLAG_DEFAULT, radz_gate_tolerance, fall),
    CYAML_FIELD_FLOAT("limit", CYAML_FLAG_OPTIONAL, radz_gate_tolerance, limit),
    CYAML_FIELD_END};
static const cyaml_schema_value_t tolerance_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, radz_gate_tolerance, tolerance_fields)};
static const cyaml_schema_field_t gate_fields[] = {
    RADZ_CARD_BASE_FIELDS(radz_gate_card),
    CYAML_FIELD_FLOAT("alpha", CYAML_FLAG_OPTIONAL, radz_gate_card, alpha),
    CYAML_FIELD_UINT("replicates", CYAML_FLAG_OPTIONAL, radz_gate_card, replicates),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_OPTIONAL, radz_gate_card, seed),
    CYAML_FIELD_SEQUENCE("tolerances", CYAML_FLAG_POINTER, radz_gate_card, tolerances, &tolerance_entry, 1,
                         CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t gate_root = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, radz_gate_card, gate_fields)};
static const radz_card_range gate_ranges[] = {{"alpha", 0.0001, 0.5},
                                              {"replicates", 100, 1000000},
                                              {"tolerances.fall", 0, 1e9},
                                              {"tolerances.limit", 0, 1e9},
                                              {NULL, 0, 0}};

static radz_status finish_gate(void *data, const radz_card_source *source, radz_error *err)
{
    radz_gate_card *gate = data;
    if (!radz_card_has(source, "alpha"))
        gate->alpha = 0.01;
    if (!radz_card_has(source, "replicates"))
        gate->replicates = 1000;
    for (size_t i = 0; i < gate->tolerances_count; i++) {
        radz_gate_tolerance *t = &gate->tolerances[i];
        char at[80];
        snprintf(at, sizeof at, "tolerances[%zu].limit", i);
        if (!radz_card_has(source, at))
            t->limit = INFINITY;
        else if (t->limit < t->fall)
            return radz_card_fail(source, err, at, "%g is below 'fall', %g", t->limit, t->fall);
    }
    return RADZ_OK;
}

const radz_card_schema radz_gate_schema = {RADZ_CARD_GATE, &gate_root, gate_ranges, finish_gate};

RADZ_CARD_DOORS(gate)

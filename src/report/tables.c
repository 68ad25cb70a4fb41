#include "report/tables.h"

#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "report/table_parts.h"

static const char *protocol_list(radz_layout *b, const size_t *members, size_t n)
{
    const char *list = "";
    for (size_t i = 0; i < n; i++) {
        const radz_result_block *block = &b->results->blocks[members[i]];
        bool is_new = true;
        for (size_t j = 0; j < i; j++)
            is_new = is_new && !radz_same_text(b->results->blocks[members[j]].protocol, block->protocol);
        if (is_new)
            list = RADZ_TEXT(b, "%s%s%s", list, i > 0 ? ", " : "", block->protocol);
    }
    return list;
}

enum { MOST_TABLES = 7 /* of a section: summary, costs, three figures by class or the details, ablation, pairs */ };

static void build_section(radz_layout *b, const radz_result_block *first)
{
    const radz_results *results = b->results;
    radz_section *section = &b->doc->sections[b->doc->n_sections++];
    size_t *members = radz_layout_room(b, results->n_blocks, sizeof *members), n = 0;
    section->tables = radz_layout_room(b, MOST_TABLES, sizeof *section->tables);
    if (b->st != RADZ_OK)
        return;
    for (size_t i = 0; i < results->n_blocks; i++)
        if (radz_same_section(&results->blocks[i], first))
            members[n++] = i;
    char images[32], patients[32];
    radz_count_text(first->n, images);
    radz_count_text(first->n_patients, patients);
    section->title = strcmp(first->dataset, first->dataset_title) == 0
                         ? RADZ_TEXT(b, "%s", first->dataset)
                         : RADZ_TEXT(b, "%s: %s", first->dataset, first->dataset_title);
    radz_block_names names = radz_block_names_needed(results, members, n);
    section->subtitle = RADZ_TEXT(b, "%s%ssplit %s: %s %s of %s patient%s%s%s%s; protocol%s %s", names.models ? "" : first->model,
                                  names.models ? "" : ", ", first->split, images,
                                  radz_units_name(first, first->n), patients, first->n_patients == 1 ? "" : "s",
                                  first->n_card_classes > 0 ? ", SUBSET OF CLASSES" : "",
                                  first->subset ? ", SUBSET" : "", first->synthetic ? ", SYNTHETIC" : "",
                                  names.protocols ? "s" : "", names.protocols ? protocol_list(b, members, n) : first->protocol);
    radz_layout_summary(b, section, first, members, n);
    radz_layout_costs(b, section, first, members, n);
    if (n == 1 && radz_same_text(first->scorer, RADZ_SCORER_FILE)) {
        radz_layout_details(b, section, &b->blocks[members[0]]);
    } else {
        radz_layout_classes(b, section, first, RADZ_METRIC_AUC, members, n, names);
        for (int acc = 0; names.protocols && acc < 2; acc++) {
            radz_metric_id metric = acc ? RADZ_METRIC_ACC : RADZ_METRIC_F1;
            size_t *having = radz_layout_room(b, n, sizeof *having), n_having = 0;
            for (size_t i = 0; b->st == RADZ_OK && i < n; i++)
                if (radz_block_row(&b->blocks[members[i]], "macro", radz_metrics[metric].name) != NULL)
                    having[n_having++] = members[i];
            if (b->st == RADZ_OK && n_having > 0)
                radz_layout_classes(b, section, first, metric, having, n_having, names);
        }
    }
    radz_layout_ablation(b, section, first, members, n, names);
    radz_layout_pairs(b, section, first);
    for (size_t i = 0; i < n; i++)
        radz_layout_mean_notes(b, section, &b->blocks[members[i]], names);
    for (size_t i = 0; i < n; i++)
        radz_layout_sensitivity_note(b, section, members[i], names);
    for (size_t i = 0; i < n; i++)
        radz_layout_block_notes(b, section, first, &results->blocks[members[i]], names.protocols);
    radz_layout_finding_notes(b, section, first);
}

static void skip_notes(radz_layout *b)
{
    enum { SHOWN = 5 };
    const radz_results *results = b->results;
    for (size_t i = 0; i < results->n_skips && i < SHOWN; i++) {
        const radz_result_skip *s = &results->skips[i];
        radz_layout_note(b, &b->doc->notes, RADZ_TEXT(b, "skipped %s of %s: %s", s->image, s->dataset, s->reason));
    }
    if (results->n_skips > SHOWN)
        radz_layout_note(b, &b->doc->notes, RADZ_TEXT(b, "... and %zu more skipped images: see results.json", results->n_skips - SHOWN));
}

radz_status radz_document_build(const radz_results *results, radz_document *out, radz_error *err)
{
    radz_layout b = {results, out, NULL, RADZ_OK, err};
    b.blocks = radz_calloc(results->n_blocks, sizeof *b.blocks, err);
    if (b.blocks == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < results->n_blocks && b.st == RADZ_OK; i++)
        b.st = radz_block_rows_get(results, &results->blocks[i], &b.blocks[i], err);
    out->sections = radz_layout_room(&b, results->n_blocks + 1, sizeof *out->sections);
    out->title = RADZ_TEXT(&b, "%s", results->suite_title);
    out->subtitle = RADZ_TEXT(&b, "suite %s, run %s", results->suite, results->run_id);
    for (size_t i = 0; i < results->n_blocks && b.st == RADZ_OK; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first = first && !radz_same_section(&results->blocks[i], &results->blocks[j]);
        if (first)
            build_section(&b, &results->blocks[i]);
    }
    for (size_t i = 0; i < results->n_notes; i++)
        radz_layout_note(&b, &out->notes, results->notes[i]);
    out->n_all = out->n_sections;
    radz_layout_across(&b);
    skip_notes(&b);
    for (size_t i = 0; i < results->n_absent; i++)
        radz_layout_note(&b, &out->absent, RADZ_TEXT(&b, "%s: %s", results->absent[i].dataset, results->absent[i].hint));
    for (size_t i = 0; i < results->n_blocks; i++)
        radz_block_rows_free(&b.blocks[i]);
    free(b.blocks);
    return b.st;
}

void radz_document_free(radz_document *document)
{
    for (size_t i = 0; i < document->n_all; i++)
        radz_strlist_free(&document->sections[i].notes);
    radz_strlist_free(&document->notes);
    radz_strlist_free(&document->absent);
    radz_arena_free(&document->arena);
    *document = (radz_document){0};
}

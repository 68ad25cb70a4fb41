#include <inttypes.h>

#include "report/escape.h"
#include "report/print.h"
#include "report/tables.h"

static void put_table(FILE *out, const radz_table *t)
{
    fputs("\n|", out);
    for (size_t c = 0; c < t->columns; c++) {
        putc(' ', out);
        radz_put_markdown(out, t->heads[c]);
        fputs(" |", out);
    }
    fputs("\n|", out);
    for (size_t c = 0; c < t->columns; c++)
        fputs(t->right[c] ? "---:|" : "---|", out);
    putc('\n', out);
    for (size_t r = 0; r < t->rows; r++) {
        putc('|', out);
        for (size_t c = 0; c < t->columns; c++) {
            const radz_cell *cell = &t->cells[r * t->columns + c];
            bool heading = t->styles[r] == RADZ_ROW_HEADING && c == 0;
            const char *mark = cell->best && cell->text[0] != '\0' ? "**" : heading ? "*" : "";
            fprintf(out, " %s%s", c == 0 && t->styles[r] == RADZ_ROW_PART ? "&nbsp;&nbsp;" : "", mark);
            radz_put_markdown(out, cell->text);
            fprintf(out, "%s |", mark);
        }
        putc('\n', out);
    }
}

static void put_list(FILE *out, const radz_strlist *list)
{
    if (list->count > 0)
        putc('\n', out);
    for (size_t i = 0; i < list->count; i++) {
        fputs("- ", out);
        radz_put_markdown(out, list->items[i]);
        putc('\n', out);
    }
}

static void put_fact(FILE *out, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    fputs("| ", out);
    radz_put_markdown(out, key);
    fputs(" | ", out);
    radz_put_markdown(out, value);
    fputs(" |\n", out);
}

static void put_provenance(FILE *out, const radz_results *results)
{
    fputs("\n## Provenance\n\n| | |\n|---|---|\n", out);
    put_fact(out, "command", results->command);
    for (size_t i = 0; i < results->n_facts; i++)
        put_fact(out, results->facts[i].key, results->facts[i].value);
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *b = &results->blocks[i];
        fputs("\n### ", out);
        radz_put_markdown(out, b->dataset);
        fputs(", ", out);
        radz_put_markdown(out, b->model);
        fputs(", ", out);
        radz_put_markdown(out, b->scorer);
        fputs("\n\n| | |\n|---|---|\n", out);
        fprintf(out, "| images | %" PRIu64 " |\n| patients | %" PRIu64 " |\n| missing | %" PRIu64 " |\n| skipped | %" PRIu64
                " |\n", b->n, b->n_patients, b->n_missing, b->n_skipped);
        put_fact(out, "fingerprint", b->fingerprint);
        put_fact(out, "fingerprint of the split", b->split_fingerprint);
        put_fact(out, "weights SHA-256", b->weights_sha256);
        put_fact(out, "dtype", b->dtype);
        put_fact(out, "device", b->device);
        put_fact(out, "preprocess", b->recipe);
        put_fact(out, "prompts", b->prompts);
        put_fact(out, "prompts SHA-256", b->prompts_sha256);
        put_fact(out, "wording of the prompts", b->prompts_wording);
        put_fact(out, "trained on", b->trained_on);
        radz_fact facts[RADZ_READING_FACTS];
        radz_reading_facts(b, facts);
        for (size_t k = 0; k < RADZ_READING_FACTS; k++)
            put_fact(out, facts[k].key, facts[k].value);
    }
}

radz_status radz_print_markdown(const radz_results *results, const radz_print_options *options, FILE *out,
                                radz_error *err)
{
    (void)options;
    radz_document doc = {0};
    radz_status st = radz_document_build(results, &doc, err);
    if (st != RADZ_OK)
        goto done;
    fputs("# ", out);
    radz_put_markdown(out, doc.title);
    fputs("\n\n", out);
    radz_put_markdown(out, doc.subtitle);
    putc('\n', out);
    for (size_t i = 0; i < doc.n_all; i++) {
        const radz_section *section = &doc.sections[i];
        fputs("\n## ", out);
        radz_put_markdown(out, section->title);
        fputs("\n\n", out);
        radz_put_markdown(out, section->subtitle);
        putc('\n', out);
        for (size_t t = 0; t < section->n_tables; t++)
            put_table(out, &section->tables[t]);
        put_list(out, &section->notes);
    }
    if (doc.notes.count > 0)
        fputs("\n## Notes\n", out);
    put_list(out, &doc.notes);
    if (doc.absent.count > 0)
        fputs("\n## Not here\n", out);
    put_list(out, &doc.absent);
    put_provenance(out, results);
done:
    radz_document_free(&doc);
    return st;
}

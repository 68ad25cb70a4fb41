#include "data/facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "data/dataset.h"

enum { TEXT_WIDTH = 100, MARKDOWN_WIDTH = 120 };

/* "1157" -> "1,157" */
static void count_text(uint64_t count, char text[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

/* Characters, not bytes, of UTF-8. */
static size_t characters(const char *text, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

/* Words of `text`, filled into lines of `width` columns: the first behind `first`, the others behind `rest`. */
static void put_wrapped(FILE *out, const char *text, const char *first, const char *rest, size_t width)
{
    size_t column = characters(first, strlen(first));
    bool begins = true;
    fputs(first, out);
    for (const char *p = text; *p != '\0';) {
        size_t gap = strspn(p, " \n\t"), length = strcspn(p + gap, " \n\t");
        if (length == 0)
            break;
        size_t word = characters(p + gap, length);
        if (!begins && column + 1 + word > width) {
            fprintf(out, "\n%s", rest);
            column = characters(rest, strlen(rest));
            begins = true;
        }
        fprintf(out, "%s%.*s", begins ? "" : " ", (int)length, p + gap);
        column += word + (begins ? 0 : 1);
        begins = false;
        p += gap + length;
    }
    fputc('\n', out);
}

static void put_lines(FILE *out, const char *text, const char *indent)
{
    for (const char *p = text; *p != '\0';) {
        size_t length = strcspn(p, "\n");
        fprintf(out, "%s%.*s\n", length > 0 ? indent : "", (int)length, p);
        p += length + (p[length] == '\n');
    }
}

static const char *reader_text(const radz_dataset_card *card)
{
    return radz_reader_kind_name(card->reader);
}

static bool counts_known(const radz_dataset_card *card)
{
    for (size_t i = 0; i < card->splits_count; i++)
        if (card->splits[i].images != 0 || card->splits[i].note != NULL)
            return true;
    return false;
}

/* ---- text ---- */

static void put_row(FILE *out, const char *head, const char *text)
{
    char first[32];
    snprintf(first, sizeof first, "  %-11s", head);
    if (text != NULL)
        put_wrapped(out, text, first, "             ", TEXT_WIDTH);
}

static void write_text(const radz_dataset_card *card, const char *variable, const char *where, FILE *out)
{
    fprintf(out, "%s: %s\n\n", card->base.name, card->base.title);
    if (card->description != NULL) {
        put_wrapped(out, card->description, "", "", TEXT_WIDTH);
        fputc('\n', out);
    }
    put_row(out, "licence", card->licence);
    put_row(out, "where", card->source);
    put_row(out, "access", card->access);
    put_row(out, "size", card->size);
    put_row(out, "images", card->pictures);
    put_row(out, "reader", reader_text(card));
    put_row(out, "here", where);
    if (card->tree != NULL) {
        fprintf(out, "\nExpected below %s:\n", variable);
        put_lines(out, card->tree, "  ");
    }
    if (counts_known(card)) {
        fputs("\nSplits:\n", out);
        for (size_t i = 0; i < card->splits_count; i++) {
            const radz_split_spec *s = &card->splits[i];
            char images[32] = "", patients[32] = "", first[120];
            if (s->images != 0)
                count_text(s->images, images);
            if (s->patients != 0)
                count_text(s->patients, patients);
            int used = snprintf(first, sizeof first, "  %-11s%9s%s%9s%s  ", s->name, images,
                                s->images != 0 ? " images" : "       ", patients,
                                s->patients != 0 ? " patients" : "         ");
            radz_strbuf note = {0};
            bool evaluated = strcmp(s->name, card->split) == 0;
            while (s->note == NULL && !evaluated && used > 0 && first[used - 1] == ' ')
                first[--used] = '\0';
            if (radz_strbuf_printf(&note, NULL, "%s%s%s", s->note != NULL ? s->note : "",
                                   s->note != NULL && evaluated ? "; " : "", evaluated ? "evaluated by default" : "") == RADZ_OK)
                put_wrapped(out, note.text, first, "                                              ", TEXT_WIDTH);
            radz_strbuf_free(&note);
        }
    }
    fputs("\nProtocol presets of the literature:\n", out);
    for (size_t i = 0; i < card->literature_count; i++) {
        const radz_literature *l = &card->literature[i];
        char first[64];
        snprintf(first, sizeof first, "  %-11s", l->preset);
        put_wrapped(out, l->who, first, "             ", TEXT_WIDTH);
    }
    if (card->literature_count == 0)
        fputs("  none that is used widely: take `strict`\n", out);
    if (card->must_know_count > 0) {
        fputs("\nWhat one must know:\n", out);
        for (size_t i = 0; i < card->must_know_count; i++)
            put_wrapped(out, card->must_know[i], "  - ", "    ", TEXT_WIDTH);
    }
    if (card->verified_count > 0) {
        fputs("\nCounts and format were checked against:\n", out);
        for (size_t i = 0; i < card->verified_count; i++)
            put_wrapped(out, card->verified[i], "  - ", "    ", TEXT_WIDTH);
    }
    fputs("\nCitation:\n", out);
    put_wrapped(out, card->citation, "  ", "  ", TEXT_WIDTH);
}

/* ---- Markdown ---- */

static void put_cell(FILE *out, const char *head, const char *text)
{
    if (text == NULL)
        return;
    fprintf(out, "| %s | ", head);
    bool link = strncmp(text, "https://", 8) == 0;
    fputs(link ? "<" : "", out);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '|')
            fputc('\\', out);
        fputc(*p == '\n' ? ' ' : *p, out);
    }
    fputs(link ? "> |\n" : " |\n", out);
}

static void write_markdown(const radz_dataset_card *card, const char *variable, FILE *out)
{
    fprintf(out, "# %s (`%s`)\n\n", card->base.title, card->base.name);
    if (card->description != NULL) {
        put_wrapped(out, card->description, "", "", MARKDOWN_WIDTH);
        fputc('\n', out);
    }
    fputs("| | |\n|---|---|\n", out);
    put_cell(out, "Licence", card->licence);
    put_cell(out, "Where", card->source);
    put_cell(out, "Access", card->access);
    put_cell(out, "Size", card->size);
    put_cell(out, "Images", card->pictures);
    put_cell(out, "Reader", reader_text(card));
    fputs("\n## Putting it in place\n\n", out);
    if (card->generated != NULL) /* nothing needs to be done */
        fprintf(out, "It is made on first use. A folder of your own:\n\n");
    fprintf(out, "```\nexport %s=/data/%s\nradz-bench check --dataset %s\n```\n", variable,
            card->base.name, card->base.name);
    if (card->tree != NULL) {
        fprintf(out, "\n```\n/data/%s/\n", card->base.name);
        put_lines(out, card->tree, "  ");
        fputs("```\n", out);
    }
    if (counts_known(card)) {
        fputs("\n## Splits\n\n| name | images | patients | which |\n|---|---|---|---|\n", out);
        for (size_t i = 0; i < card->splits_count; i++) {
            const radz_split_spec *s = &card->splits[i];
            char images[32] = "", patients[32] = "";
            if (s->images != 0)
                count_text(s->images, images);
            if (s->patients != 0)
                count_text(s->patients, patients);
            fprintf(out, "| `%s`%s | %s | %s | %s |\n", s->name, strcmp(s->name, card->split) == 0 ? " (evaluated)" : "", images,
                    patients, s->note != NULL ? s->note : "");
        }
    }
    if (card->must_know_count > 0) {
        fputs("\n## What one must know\n\n", out);
        for (size_t i = 0; i < card->must_know_count; i++)
            put_wrapped(out, card->must_know[i], "- ", "  ", MARKDOWN_WIDTH);
    }
    if (card->literature_count > 0) {
        fputs("\n## Protocol presets of the literature\n\n| preset | split | who |\n|---|---|---|\n", out);
        for (size_t i = 0; i < card->literature_count; i++) {
            const radz_literature *l = &card->literature[i];
            fprintf(out, "| `%s` | %s | %s |\n", l->preset, l->split != NULL ? l->split : "", l->who);
        }
    }
    if (card->verified_count > 0) {
        fputs("\n## What counts and format were checked against\n\n", out);
        for (size_t i = 0; i < card->verified_count; i++)
            put_wrapped(out, card->verified[i], "- ", "  ", MARKDOWN_WIDTH);
    }
    fputs("\n## Citation\n\n", out);
    put_wrapped(out, card->citation, "", "", MARKDOWN_WIDTH);
}

/* ---- JSON ---- */

static void put_texts(radz_json_writer *w, const char *key, char *const *items, size_t count)
{
    radz_json_array_begin(w, key);
    for (size_t i = 0; i < count; i++)
        radz_json_put_string(w, NULL, items[i]);
    radz_json_array_end(w);
}

static void put_known_count(radz_json_writer *w, const char *key, uint64_t count)
{
    if (count != 0)
        radz_json_put_i64(w, key, (int64_t)count);
    else
        radz_json_put_string(w, key, NULL);
}

static void write_json(const radz_dataset_card *card, const char *variable, const char *where, FILE *out)
{
    radz_json_writer w;
    radz_json_writer_init(&w, out);
    radz_json_object_begin(&w, NULL);
    radz_json_put_string(&w, "name", card->base.name);
    radz_json_put_string(&w, "title", card->base.title);
    radz_json_put_string(&w, "description", card->description);
    radz_json_put_string(&w, "licence", card->licence);
    radz_json_put_string(&w, "source", card->source);
    radz_json_put_string(&w, "access", card->access);
    radz_json_put_string(&w, "size", card->size);
    radz_json_put_string(&w, "images", card->pictures);
    radz_json_put_string(&w, "reader", reader_text(card));
    radz_json_put_string(&w, "variable", variable);
    radz_json_put_string(&w, "here", where);
    radz_json_put_string(&w, "tree", card->tree);
    radz_json_put_string(&w, "split", card->split);
    radz_json_array_begin(&w, "splits");
    for (size_t i = 0; i < card->splits_count; i++) {
        radz_json_object_begin(&w, NULL);
        radz_json_put_string(&w, "name", card->splits[i].name);
        radz_json_put_string(&w, "note", card->splits[i].note);
        put_known_count(&w, "images", card->splits[i].images);
        put_known_count(&w, "patients", card->splits[i].patients);
        radz_json_object_end(&w);
    }
    radz_json_array_end(&w);
    radz_json_array_begin(&w, "literature");
    for (size_t i = 0; i < card->literature_count; i++) {
        radz_json_object_begin(&w, NULL);
        radz_json_put_string(&w, "preset", card->literature[i].preset);
        radz_json_put_string(&w, "split", card->literature[i].split);
        radz_json_put_string(&w, "who", card->literature[i].who);
        radz_json_object_end(&w);
    }
    radz_json_array_end(&w);
    put_texts(&w, "must_know", card->must_know, card->must_know_count);
    put_texts(&w, "verified", card->verified, card->verified_count);
    put_texts(&w, "images_from", card->images_from, card->images_from_count);
    radz_json_put_string(&w, "citation", card->citation);
    radz_json_object_end(&w);
}

radz_status radz_dataset_facts_write(const radz_dataset_card *card, radz_facts_format format, const char *where, FILE *out,
                                     radz_error *err)
{
    radz_dataset_location location;
    radz_status st = radz_dataset_locate(card, NULL, NULL, &location, err); /* for the variable's name */
    if (st != RADZ_OK)
        return st;
    if (format == RADZ_FACTS_TEXT)
        write_text(card, location.variable, where, out);
    else if (format == RADZ_FACTS_MARKDOWN)
        write_markdown(card, location.variable, out);
    else
        write_json(card, location.variable, where, out);
    radz_dataset_location_free(&location);
    return RADZ_OK;
}

/* report.html: well-formed, everything escaped, nothing but itself needed, pictures only where they belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "report/escape.h"
#include "report/print.h"
#include "report/svg.h"
#include "unit/report_fixture.h"

#define ok(call) \
    do { \
        radz_error ok_err = {0}; \
        radz_error *err = &ok_err; \
        if ((call) != RADZ_OK) \
            fail_msg("%s: %s", #call, ok_err.message); \
    } while (0)

static char *printed(const radz_results *results, const char *format, const char *dir)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    ok(radz_results_print(results, format, &(radz_print_options){.dir = dir}, stream, err));
    fclose(stream);
    return text;
}

static char *page_of(const radz_results *results, const char *dir)
{
    return printed(results, "html", dir);
}

static radz_results *fixture(void)
{
    radz_results *results;
    ok(fixture_results(&results, err));
    return results;
}

/* ---- a reader of tags, strict where a browser forgives ---- */

enum { DEEP = 64, IDS = 4096 };
typedef struct tag_reader {
    char open[DEEP][16];
    int depth;
    char *ids[IDS], *references[IDS];
    int n_ids, n_references;
} tag_reader;

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "link", "img", "br", "!doctype"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* name="value" ... up to '>'; returns the place after it. */
static const char *read_attributes(tag_reader *r, const char *p, bool *closed)
{
    *closed = false;
    for (;;) {
        while (*p == ' ' || *p == '\n')
            p++;
        if (*p == '/' && p[1] == '>') {
            *closed = true;
            return p + 2;
        }
        if (*p == '>')
            return p + 1;
        char name[64];
        size_t n = 0;
        while (isalnum((unsigned char)*p) || *p == '-')
            name[n < 63 ? n++ : n] = *p++;
        name[n] = '\0';
        if (n == 0)
            fail_msg("an attribute was expected: %.60s", p);
        assert_true(strncmp(name, "on", 2) != 0 && strcmp(name, "style") != 0); /* the policy forbids them */
        if (*p != '=')
            continue; /* like "open" */
        assert_true(p[1] == '"');
        const char *value = p + 2, *end = strchr(value, '"');
        for (const char *c = value; c < end; c++)
            if (*c == '<' || *c == '>')
                fail_msg("'%c' inside an attribute: %.60s", *c, value);
        char *copy = strndup(value, (size_t)(end - value));
        bool points = strcmp(name, "aria-labelledby") == 0 || (strcmp(name, "href") == 0 && copy[0] == '#');
        if (strcmp(name, "id") == 0) {
            assert_true(r->n_ids < IDS);
            r->ids[r->n_ids++] = copy;
        } else if (points) {
            for (char *word = strtok(copy[0] == '#' ? copy + 1 : copy, " "); word != NULL; word = strtok(NULL, " ")) {
                assert_true(r->n_references < IDS);
                r->references[r->n_references++] = strdup(word);
            }
            free(copy);
        } else {
            bool link = strcmp(name, "href") == 0 && (strcmp(copy, "cost.html") == 0 || strcmp(copy, "report.html") == 0);
            if (!link && (strcmp(name, "src") == 0 || strcmp(name, "href") == 0))
                assert_true(strncmp(copy, "data:", 5) == 0); /* nothing is fetched */
            free(copy);
        }
        p = end + 1;
    }
}

static void check_page(const char *text, int least)
{
    static tag_reader r;
    r = (tag_reader){0};
    for (const char *p = text; *p != '\0';) {
        if (*p == '>')
            fail_msg("a '>' outside a tag: %.60s", p);
        if (*p == '&') {
            const char *end = strchr(p, ';');
            if (end == NULL || end - p > 7)
                fail_msg("a bare '&': %.60s", p);
        }
        if (*p != '<') {
            p++;
            continue;
        }
        bool closing = p[1] == '/';
        p += closing ? 2 : 1;
        char name[16];
        size_t n = 0;
        while (isalnum((unsigned char)*p) || *p == '!')
            name[n < 15 ? n++ : n] = *p++;
        name[n] = '\0';
        if (n == 0)
            fail_msg("a bare '<': %.60s", p);
        if (closing) {
            if (r.depth == 0 || strcmp(r.open[--r.depth], name) != 0)
                fail_msg("</%s> closes <%s>: %.60s", name, r.open[r.depth], p);
            assert_true(*p == '>');
            p++;
            continue;
        }
        bool closed;
        if (strcmp(name, "!doctype") == 0)
            p = strchr(p, '>') + 1, closed = true;
        else
            p = read_attributes(&r, p, &closed);
        if (!closed && !is_void(name)) {
            assert_true(r.depth < DEEP);
            strcpy(r.open[r.depth++], name);
        }
        if (strcmp(name, "style") == 0 || strcmp(name, "script") == 0) { /* their text is not markup */
            char end[24];
            snprintf(end, sizeof end, "</%s>", name);
            p = strstr(p, end);
            assert_non_null(p);
        }
    }
    assert_int_equal(r.depth, 0);
    assert_true(r.n_ids > least && r.n_references > least);
    for (int i = 0; i < r.n_ids; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(r.ids[i], r.ids[j]) == 0)
                fail_msg("id '%s' is there twice", r.ids[i]);
    for (int i = 0; i < r.n_references; i++) {
        bool found = false;
        for (int j = 0; j < r.n_ids; j++)
            found = found || strcmp(r.references[i], r.ids[j]) == 0;
        if (!found)
            fail_msg("'%s' is referred to, but nothing has that id", r.references[i]);
        free(r.references[i]);
    }
    for (int i = 0; i < r.n_ids; i++)
        free(r.ids[i]);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

static void page_is_well_formed(void **state)
{
    (void)state;
    radz_results *results = fixture(), *empty;
    char *text = page_of(results, NULL), *again = page_of(results, NULL);
    assert_string_equal(text, again);
    check_page(text, 20);
    assert_int_equal(count(text, "<script"), 1);
    assert_int_equal(count(text, "<style"), 1);
    assert_int_equal(count(text, "http:"), 0);
    assert_int_equal(count(text, "https:"), 0);
    assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;.png"));
    assert_non_null(strstr(text, "Odd &lt;set&gt; | 100% &quot;strange&quot; &amp; $dear$"));
    assert_non_null(strstr(text, "Pleural_Effusion, &quot;left&quot; 50% &amp; more"));
    assert_non_null(strstr(text, "<span class=\"ci\">[")); /* intervals */
    assert_non_null(strstr(text, ">NA</td>"));
    assert_non_null(strstr(text, "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")); /* provenance */
    free(again);
    results->stages[0].seconds *= 3; /* a slower day changes nothing on it */
    results->costs[0].seconds_per_image *= 3;
    results->total_seconds += 10;
    results->peak_memory *= 2;
    again = page_of(results, NULL);
    assert_string_equal(text, again);
    free(text);
    free(again);
    ok(radz_results_create("r", "s", NULL, NULL, &empty, err));
    text = page_of(empty, NULL);
    assert_non_null(strstr(text, "Nothing was evaluated"));
    free(text);
    radz_results_free(empty);
    radz_results_free(results);
}

static void costs_have_a_page_of_their_own(void **state)
{
    (void)state;
    radz_results *results = fixture(), *empty;
    char *text = printed(results, "cost", NULL);
    check_page(text, 0);
    assert_non_null(strstr(text, "The run took 20.2 s"));
    assert_non_null(strstr(text, "href=\"report.html\""));
    assert_non_null(strstr(text, ">7150</td>")); /* tokens per image */
    assert_non_null(strstr(text, ">cached</td>"));
    free(text);
    radz_results_free(results);
    ok(radz_results_create("<r>", "<s>", NULL, NULL, &empty, err));
    text = printed(empty, "cost", NULL);
    check_page(text, 0);
    assert_null(strstr(text, "<s>"));
    assert_non_null(strstr(text, "what it took is not known"));
    free(text);
    radz_results_free(empty);
}

/* Every text that can come from a file, made hostile. */
static void everything_is_escaped(void **state)
{
    (void)state;
    static const char evil[] = "\"><img src=x onerror=alert(1)><!--</style></script>'&";
    radz_results *results;
    ok(radz_results_create(evil, evil, evil, evil, &results, err));
    const char *classes[] = {evil};
    ok(radz_results_add_group(results, &(radz_result_group){evil, evil, evil, classes, 1}, err));
    radz_result_block b = {.dataset = evil, .dataset_title = evil, .split = evil, .model = evil, .model_title = evil,
                           .scorer = evil, .protocol = evil, .prompts = evil, .fingerprint = evil, .split_fingerprint = evil,
                           .weights_sha256 = evil, .prompts_sha256 = evil, .recipe = evil, .dtype = evil, .device = evil,
                           .trained_on = evil, .n = 3, .confidence = 0.95};
    ok(radz_results_add_block(results, &b, err));
    radz_result_row row = {evil, evil, evil, evil, evil, evil, "auc", 3, 1, NAN, NAN, NAN, evil, evil};
    ok(radz_results_add_row(results, &row, err));
    row.class_name = "macro";
    ok(radz_results_add_row(results, &row, err));
    double zero_one[] = {0, 1}, half[] = {0, 1};
    ok(radz_results_add_curve(results, evil, zero_one, half, 2, err));
    ok(radz_results_add_pr(results, evil, zero_one, half, 2, err));
    ok(radz_results_add_mistake(results, &(radz_result_mistake){0, evil, evil, true, 1, 1, evil}, err));
    ok(radz_results_add_absent(results, &(radz_result_absent){evil, evil, evil}, err));
    ok(radz_results_add_skip(results, &(radz_result_skip){evil, evil, evil, evil}, err));
    ok(radz_results_add_finding(results, &(radz_result_finding){evil, evil, evil, evil, evil, evil, 1, {evil}}, err));
    const char *columns[] = {"class", evil};
    ok(radz_results_add_detail(results, "evil", columns, 2, err));
    ok(radz_results_add_detail_row(results, (radz_result_cell[]){{evil, 0}, {NULL, 1}}, err));
    static const char *const bins[] = {"class", "mean_probability", "observed"}, *const gaps[] = {"column", "group", "class", "gap"};
    ok(radz_results_add_detail(results, "reliability", bins, 3, err));
    ok(radz_results_add_detail_row(results, (radz_result_cell[]){{evil, 0}, {NULL, 0.25}, {NULL, 0.5}}, err));
    ok(radz_results_add_detail(results, "subgroups", gaps, 4, err));
    ok(radz_results_add_detail_row(results, (radz_result_cell[]){{evil, 0}, {evil, 0}, {"macro", 0}, {NULL, -0.25}}, err));
    ok(radz_results_add_fact(results, evil, evil, err));
    ok(radz_results_add_stage(results, &(radz_result_stage){evil, evil, evil, 1, 0, 1}, err));
    char *text = page_of(results, "/tmp");
    check_page(text, 20);
    assert_int_equal(count(text, "<img"), 0);
    assert_int_equal(count(text, "<!--"), 0);
    assert_non_null(strstr(text, "Reliability diagrams"));
    assert_non_null(strstr(text, "-0.250")); /* the gap */
    assert_int_equal(count(text, "<script"), 1);
    free(text);
    radz_results_free(results);
}

/* The policy names the very style and script that are there. */
static void policy_pins_style_and_script(void **state)
{
    (void)state;
    radz_results *results = fixture();
    char *text = page_of(results, NULL);
    static const char *const tags[][2] = {{"<style>", "</style>"}, {"<script>", "</script>"}};
    for (size_t i = 0; i < 2; i++) {
        char hex[RADZ_SHA256_HEX_SIZE], *wanted = NULL;
        unsigned char digest[32];
        size_t size = 0;
        const char *from = strstr(text, tags[i][0]) + strlen(tags[i][0]), *to = strstr(from, tags[i][1]);
        ok(radz_sha256_data(from, (size_t)(to - from), hex, err));
        for (size_t k = 0; k < 32; k++) {
            unsigned byte;
            assert_int_equal(sscanf(hex + 2 * k, "%2x", &byte), 1);
            digest[k] = (unsigned char)byte;
        }
        FILE *stream = open_memstream(&wanted, &size);
        fputs("'sha256-", stream);
        radz_put_base64(stream, digest, 32);
        fclose(stream);
        const char *policy = strstr(text, "Content-Security-Policy"), *at = strstr(policy, wanted);
        assert_true(at != NULL && at < strstr(policy, "\">"));
        free(wanted);
    }
    free(text);
    radz_results_free(results);
}

static void base64_is_rfc_4648(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "//79"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        radz_put_base64(stream, (const unsigned char *)pairs[i][0], strlen(pairs[i][0]));
        fclose(stream);
        assert_string_equal(text, pairs[i][1]);
        free(text);
    }
}

static void pictures_come_from_the_run_only(void **state)
{
    (void)state;
    radz_results *results = fixture();
    char dir[] = "/tmp/radz-page-XXXXXX", path[200];
    assert_non_null(mkdtemp(dir));
    char *text = page_of(results, dir); /* the file is not there */
    assert_int_equal(count(text, "<img"), 0);
    assert_non_null(strstr(text, "00000013_001.png"));
    assert_non_null(strstr(text, "98.4 % of the images without it"));
    free(text);
    snprintf(path, sizeof path, "%s/thumbnails", dir);
    ok(radz_mkdirs(path, err));
    snprintf(path, sizeof path, "%s/thumbnails/0123456789abcdef.jpg", dir);
    ok(radz_file_write(path, "\xff\xd8\xff\xe0x", 5, err));
    text = page_of(results, dir);
    check_page(text, 20);
    assert_int_equal(count(text, "<img"), 1);
    assert_non_null(strstr(text, "alt=\"00000013_001.png, with Hernia\" src=\"data:image/jpeg;base64,/9j/4Hg=\""));
    free(text);
    ok(radz_file_write(path, "<svg onload=alert(1)>", 21, err)); /* no JPEG */
    text = page_of(results, dir);
    assert_int_equal(count(text, "<img"), 0);
    free(text);
    /* a results.json that names a file elsewhere */
    snprintf(path, sizeof path, "%s/secret.jpg", dir);
    ok(radz_file_write(path, "\xff\xd8\xff\xe0x", 5, err));
    ok(radz_results_add_mistake(results, &(radz_result_mistake){0, "Hernia", "a", true, 0, 1, path}, err));
    ok(radz_results_add_mistake(results, &(radz_result_mistake){0, "Hernia", "b", true, 0, 1, "thumbnails/../secret.jpg"}, err));
    text = page_of(results, dir);
    assert_int_equal(count(text, "<img"), 0);
    free(text);
    radz_results_free(results);
    snprintf(path, sizeof path, "rm -rf %s", dir);
    assert_int_equal(system(path), 0);
}

/* What a curve's path ends at is its last point, however its steps were rounded. */
static void curves_end_where_they_should(void **state)
{
    (void)state;
    enum { POINTS = 1500 };
    double x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[i] = (double)i / (POINTS - 1);
        y[i] = x[i] * x[i];
    }
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    radz_svg svg = {.out = stream};
    radz_svg_area(&svg, 32, 6, 180, 180, 0, 1, 0, 1);
    radz_svg_curve(&svg, "c", x, y, POINTS);
    fclose(stream);
    const char *p = strchr(strstr(text, "d=\""), 'M') + 1;
    char *next;
    double at_x = strtod(p, &next), at_y = strtod(next, &next), furthest = 0;
    assert_true(at_x == 32 && at_y == 186);
    size_t steps = 0;
    while (*next == 'l') {
        at_x += strtod(next + 1, &next);
        at_y += strtod(next, &next);
        steps++;
        double t = (at_x - 32) / 180;
        furthest = fmax(furthest, fabs(at_y - (186 - 180 * t * t)));
    }
    assert_true(fabs(at_x - 212) < 1e-6 && fabs(at_y - 6) < 1e-6);
    assert_true(furthest < 0.16); /* of a pixel: tenths of both coordinates; observed 0.13 */
    print_message("%zu steps for %d points, at most %.2f pixels beside the curve\n", steps, POINTS, furthest);
    assert_true(steps < 700 && steps > 100);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_well_formed),          cmocka_unit_test(everything_is_escaped),
        cmocka_unit_test(costs_have_a_page_of_their_own),
        cmocka_unit_test(policy_pins_style_and_script), cmocka_unit_test(base64_is_rfc_4648),
        cmocka_unit_test(pictures_come_from_the_run_only), cmocka_unit_test(curves_end_where_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

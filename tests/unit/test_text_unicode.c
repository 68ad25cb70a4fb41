/* Unicode: every character as the tokenizers library sees it (tests/golden/text/unicode.json), ill-formed UTF-8, order of
 * combining marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "text/unicode.h"

static radz_error err;
enum { LAST = 0x10FFFF };

static bool is_surrogate(int32_t c)
{
    return c >= 0xD800 && c <= 0xDFFF;
}

static int32_t number(const radz_json *value)
{
    int64_t n = -1;
    assert_true(radz_json_as_i64(value, &n));
    return (int32_t)n;
}

static radz_json_doc *load(void)
{
    radz_json_doc *doc;
    if (radz_json_load(RADZ_TEST_DIR "/golden/text/unicode.json", &doc, &err) != RADZ_OK)
        fail_msg("%s", err.message);
    return doc;
}

/* The reference knows more characters than our tables (a newer Unicode): those may differ, no others. */
static void classes(void **state)
{
    (void)state;
    radz_json_doc *doc = load();
    unsigned char *wanted = calloc(LAST + 1, 1);
    assert_non_null(wanted);
    static const char *const keys[] = {"letter", "number", "space"};
    static const radz_char_class values[] = {RADZ_CHAR_LETTER, RADZ_CHAR_NUMBER, RADZ_CHAR_SPACE};
    for (int k = 0; k < 3; k++) {
        const radz_json *ranges = radz_json_find(radz_json_root(doc), keys[k]);
        assert_true(radz_json_size(ranges) > (k == 2 ? 5u : 100u));
        for (size_t i = 0; i < radz_json_size(ranges); i++) {
            int32_t last = number(radz_json_at(radz_json_at(ranges, i), 1));
            for (int32_t c = number(radz_json_at(radz_json_at(ranges, i), 0)); c <= last; c++) {
                assert_int_equal(wanted[c], RADZ_CHAR_OTHER); /* the three do not overlap */
                wanted[c] = (unsigned char)values[k];
            }
        }
    }
    size_t newer = 0;
    for (int32_t c = 0; c <= LAST; c++) {
        if (is_surrogate(c) || radz_char_class_of(c) == (radz_char_class)wanted[c])
            continue;
        if (radz_char_is_assigned(c))
            fail_msg("U+%04X is of class %d, wanted %d", (unsigned)c, (int)radz_char_class_of(c), wanted[c]);
        newer++;
    }
    print_message("Unicode %s: %zu characters are newer\n", radz_unicode_version(), newer);
    free(wanted);
    radz_json_free(doc);
}

static void check_changes(const char *key, radz_status (*change)(const char *, size_t, radz_strbuf *, radz_error *))
{
    radz_json_doc *doc = load();
    const radz_json *rows = radz_json_find(radz_json_root(doc), key);
    size_t row = 0, newer = 0, seen = 0;
    assert_true(radz_json_size(rows) > 500);
    radz_strbuf got = {0}, wanted = {0};
    for (int32_t c = 0; c <= LAST; c++) {
        if (is_surrogate(c) || (c >= 0xAC00 && c <= 0xD7A3))
            continue;
        char text[4];
        size_t length = radz_utf8_put(c, text);
        got.length = wanted.length = 0;
        assert_int_equal(change(text, length, &got, &err), RADZ_OK);
        const radz_json *item = radz_json_at(rows, row);
        if (item != NULL && number(radz_json_at(item, 0)) == c) {
            for (size_t i = 1; i < radz_json_size(item); i++) {
                char bytes[4];
                assert_int_equal(radz_strbuf_append(&wanted, bytes, radz_utf8_put(number(radz_json_at(item, i)), bytes), &err), RADZ_OK);
            }
            row++;
            seen++;
        } else {
            assert_int_equal(radz_strbuf_append(&wanted, text, length, &err), RADZ_OK);
        }
        if (got.length == wanted.length && memcmp(got.text, wanted.text, got.length) == 0)
            continue;
        int32_t target = 0; /* a known letter may have got its lower case later: then that is what is newer */
        radz_utf8_get(wanted.text, wanted.length, &target);
        if (radz_char_is_assigned(c) && radz_char_is_assigned(target))
            fail_msg("%s of U+%04X is '%s', wanted '%s'", key, (unsigned)c, got.text, wanted.text);
        newer++;
    }
    assert_int_equal(row, radz_json_size(rows));
    print_message("%s: %zu characters change, %zu differ because they are newer\n", key, seen, newer);
    radz_strbuf_free(&got);
    radz_strbuf_free(&wanted);
    radz_json_free(doc);
}

static void lower_case(void **state)
{
    (void)state;
    check_changes("lower", radz_unicode_lower);
}

static void composition(void **state)
{
    (void)state;
    check_changes("nfc", radz_unicode_nfc);
    /* every syllable of Korean from its parts */
    for (int32_t c = 0xAC00; c <= 0xD7A3; c++) {
        char text[16], syllable[4];
        int32_t index = c - 0xAC00, tail = index % 28;
        size_t n = radz_utf8_put(0x1100 + index / 588, text);
        n += radz_utf8_put(0x1161 + index % 588 / 28, text + n);
        n += tail > 0 ? radz_utf8_put(0x11A7 + tail, text + n) : 0;
        radz_strbuf got = {0};
        assert_int_equal(radz_unicode_nfc(text, n, &got, &err), RADZ_OK);
        assert_int_equal(got.length, radz_utf8_put(c, syllable));
        assert_memory_equal(got.text, syllable, got.length);
        radz_strbuf_free(&got);
    }
}

/* A long run of marks is sorted by counting, a short one by insertion: both are stable and give the same. */
static void marks(void **state)
{
    (void)state;
    static const int32_t kinds[] = {0x0301, 0x0323, 0x0327, 0x0338, 0x0345};
    for (size_t count = 1; count < 200; count++) {
        char text[1024];
        int32_t order[256];
        size_t n = 0, placed = 0;
        text[n++] = '+'; /* composes with nothing */
        for (size_t i = 0; i < count; i++)
            n += radz_utf8_put(kinds[i * 7 % 5], text + n);
        static const int32_t by_class[] = {0x0338, 0x0327, 0x0323, 0x0301, 0x0345}; /* 1, 202, 220, 230, 240 */
        for (size_t k = 0; k < 5; k++) {
            for (size_t i = 0; i < count; i++) {
                if (kinds[i * 7 % 5] == by_class[k])
                    order[placed++] = by_class[k];
            }
        }
        radz_strbuf got = {0};
        assert_int_equal(radz_unicode_nfc(text, n, &got, &err), RADZ_OK);
        assert_int_equal(got.length, n);
        size_t at = 1;
        for (size_t i = 0; i < count; i++) {
            int32_t c;
            at += radz_utf8_get(got.text + at, got.length - at, &c);
            assert_int_equal(c, order[i]);
        }
        radz_strbuf_free(&got);
    }
}

static void round_trip(void **state)
{
    (void)state;
    for (int32_t c = 0; c <= LAST; c++) {
        char text[4];
        int32_t back;
        if (is_surrogate(c))
            continue;
        size_t n = radz_utf8_put(c, text);
        assert_int_equal(radz_utf8_get(text, n, &back), n);
        assert_int_equal(back, c);
        for (size_t cut = 1; cut < n; cut++) { /* a prefix is one ill-formed sequence */
            assert_int_equal(radz_utf8_get(text, cut, &back), cut);
            assert_int_equal(back, RADZ_UNICODE_REPLACEMENT);
        }
    }
}

static void ill_formed(void **state)
{
    (void)state;
#define R "\xEF\xBF\xBD"
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""}, {"abc", "abc"}, {"\xFF", R}, {"a\xFF" "b", "a" R "b"}, {"\xC3", R}, {"\xC3(", R "("}, {"\xE2\x82", R},
        {"\xE2\x82" "a", R "a"}, {"\xF0\x9F\x98", R}, {"\xED\xA0\x80", R R R}, {"\xC0\xAF", R R}, {"\xE0\x80\xAF", R R R},
        {"\xF0\x80\x80\xAF", R R R R}, {"\xF4\x90\x80\x80", R R R R}, {"\xF8\x88", R R}, {"\x80\x80", R R},
        {R "x" R, R "x" R}, {"\xE2\xE2\xE2", R R R}, {"\xC3\xA9\xC3", "\xC3\xA9" R},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        radz_strbuf got = {0};
        assert_int_equal(radz_utf8_clean(rows[i].text, strlen(rows[i].text), &got, &err), RADZ_OK);
        assert_string_equal(got.text, rows[i].wanted);
        radz_strbuf_free(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes), cmocka_unit_test(lower_case), cmocka_unit_test(composition),
        cmocka_unit_test(marks),   cmocka_unit_test(round_trip), cmocka_unit_test(ill_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* CSV: every quirk met in the label files of the field, and every kind of damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "data/csv.h"

/* The whole file as "line:a|b|c" per row, header first; a bar inside a field is not in these tests. */
static radz_status dump(radz_csv *csv, radz_strbuf *out, radz_error *err)
{
    for (size_t i = 0; i < radz_csv_columns(csv); i++)
        if (radz_strbuf_printf(out, err, "%s%s", i > 0 ? "|" : "", radz_csv_column_name(csv, i)) != RADZ_OK)
            return RADZ_E_NOMEM;
    for (;;) {
        const char *const *fields;
        bool more;
        radz_status st = radz_csv_next(csv, &fields, &more, err);
        if (st != RADZ_OK || !more)
            return st;
        if (radz_strbuf_printf(out, err, " %zu:", radz_csv_line(csv)) != RADZ_OK)
            return RADZ_E_NOMEM;
        for (size_t i = 0; i < radz_csv_columns(csv); i++)
            if (radz_strbuf_printf(out, err, "%s%s", i > 0 ? "|" : "", fields[i]) != RADZ_OK)
                return RADZ_E_NOMEM;
    }
}

static const struct {
    const char *text, *wanted;
} good[] = {
    {"a,b\n1,2\n3,4\n", "a|b 2:1|2 3:3|4"},
    {"a,b\n1,2", "a|b 2:1|2"},                                  /* no last line break */
    {"a,b\r\n1,2\r\n3,4\r\n", "a|b 2:1|2 3:3|4"},               /* CRLF */
    {"a,b\r1,2\r3,4\r", "a|b 2:1|2 3:3|4"},                     /* CR alone */
    {"a,b\r\n1,2\n3,4", "a|b 2:1|2 3:3|4"},                     /* mixed */
    {"\xef\xbb\xbf" "a,b\n1,2\n", "a|b 2:1|2"},                 /* byte order mark */
    {"\xef\xbb\xbf\"a\",b\n1,2\n", "a|b 2:1|2"},
    {"a,b\n\n1,2\n\n\n3,4\n\n", "a|b 3:1|2 6:3|4"},             /* empty lines */
    {"\n\na,b\n \t \n1,2\n", "a|b 5:1|2"},
    {"a,b\n\"1,5\",\"say \"\"x\"\"\"\n", "a|b 2:1,5|say \"x\""}, /* separators and quotes inside */
    {"a,b\n\"1\n2\r\n3\",4\n5,6\n", "a|b 2:1\n2\r\n3|4 5:5|6"}, /* line breaks inside */
    {"ImageId, EncodedPixels\nx, -1\n", "ImageId|EncodedPixels 2:x|-1"}, /* the blank of SIIM's header */
    {"\" a \",b\n\" 1 \", 2 \n", "a|b 2: 1 |2"},                /* quoted blanks are kept in fields, not in names */
    {"a,b,\n1,2,\n", "a|b| 2:1|2|"},                            /* empty names */
    {"a,b,,\n1,,,\n", "a|b|| 2:1|||"},
    {"a,b,,\n1,2\n3,4,\n", "a|b|| 2:1|2|| 3:3|4||"},           /* ... which rows may leave out */
    {"a\n1\n", "a 2:1"},
    {"a,b\n,\n", "a|b 2:|"},
    {"a,b\n\"\",\n", "a|b 2:|"},
    {"Image[Width,Height],c\n1,2,3\n", "Image[Width|Height]|c 2:1|2|3"}, /* the commas in ChestX-ray14's header */
};

static void good_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        radz_error err = {0};
        radz_csv *csv;
        radz_strbuf text = {0};
        if (radz_csv_open_text(good[i].text, strlen(good[i].text), "t.csv", ',', &csv, &err) != RADZ_OK ||
            dump(csv, &text, &err) != RADZ_OK)
            fail_msg("text %zu: %s", i, err.message);
        assert_string_equal(text.text, good[i].wanted);
        radz_strbuf_free(&text);
        radz_csv_close(csv);
    }
}

static const struct {
    const char *text;
    size_t size; /* 0: strlen */
    radz_status code;
    const char *wanted;
} bad[] = {
    {"", 0, RADZ_E_FORMAT, "'t.csv' is empty; wanted a header line"},
    {"\n\n \n", 0, RADZ_E_FORMAT, "'t.csv' is empty"},
    {"\xef\xbb\xbf", 0, RADZ_E_FORMAT, "'t.csv' is empty"},
    {"a,b,a\n", 0, RADZ_E_FORMAT, "'t.csv' line 1: column 'a' is there twice"},
    {"a,b\n1,2\n1,2,3\n", 0, RADZ_E_FORMAT, "'t.csv' line 3: 3 fields; wanted 2 as in the header"},
    {"a,,b,\n1,2\n", 0, RADZ_E_FORMAT, "'t.csv' line 2: 2 fields; wanted 4"},
    {"a,b\r\n1,2\r\n\r\n1\r\n", 0, RADZ_E_FORMAT, "'t.csv' line 4: 1 fields; wanted 2"},
    {"a,b\n\"x\ny\",2\n1\n", 0, RADZ_E_FORMAT, "'t.csv' line 4: 1 fields; wanted 2"},
    {"a,b\n1,2\n\"3,4\n5,6\n", 0, RADZ_E_FORMAT, "'t.csv' line 3: the quote that opens here is never closed"},
    {"a,b\n1,2\n3\"x,4\n", 0, RADZ_E_FORMAT, "'t.csv' line 3: misplaced quote"},
    {"a,b\n\"1\"x,2\n", 0, RADZ_E_FORMAT, "'t.csv' line 2: misplaced quote"},
    {"a,b\n1\0,2\n", 9, RADZ_E_FORMAT, "'t.csv' line 2: a NUL byte"},
    {"\0a,b\n", 5, RADZ_E_FORMAT, "'t.csv' line 1: a NUL byte"},
    {"\xff\xfe" "a\0,\0", 6, RADZ_E_FORMAT, "'t.csv' is UTF-16; wanted UTF-8"},
    {"\xfe\xff\0a\0,", 6, RADZ_E_FORMAT, "'t.csv' is UTF-16; wanted UTF-8"},
    {"a\0,\0b\0\n\0", 8, RADZ_E_FORMAT, "'t.csv' is UTF-16; wanted UTF-8"}, /* without its mark */
    {"a,b\n1,2\nx,caf\xe9\n", 0, RADZ_E_FORMAT, "'t.csv' line 3: the byte 0xE9 is not UTF-8; a Latin-1"},
    {"caf\xe9,b\n", 0, RADZ_E_FORMAT, "'t.csv' line 1: the byte 0xE9 is not UTF-8"},
    {"a,b\n1,\xed\xa0\x80\n", 0, RADZ_E_FORMAT, "'t.csv' line 2: the byte 0xED is not UTF-8"}, /* a surrogate */
};

static void bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        radz_error err = {0};
        radz_csv *csv;
        radz_strbuf text = {0};
        size_t size = bad[i].size != 0 ? bad[i].size : strlen(bad[i].text);
        radz_status st = radz_csv_open_text(bad[i].text, size, "t.csv", ',', &csv, &err);
        if (st == RADZ_OK)
            st = dump(csv, &text, &err);
        else
            assert_null(csv);
        if (st != bad[i].code || strstr(err.message, bad[i].wanted) == NULL)
            fail_msg("text %zu: %s, %s; wanted %s", i, radz_status_name(st), err.message, bad[i].wanted);
        radz_strbuf_free(&text);
        radz_csv_close(csv);
    }
}

static void columns_by_name(void **state)
{
    (void)state;
    radz_error err = {0};
    radz_csv *csv;
    static const char text[] = "Image Index, Finding Labels ,\"Patient ID\"\n";
    assert_int_equal(radz_csv_open_text(text, sizeof text - 1, "t.csv", ',', &csv, &err), RADZ_OK);
    size_t at = 9;
    assert_int_equal(radz_csv_column(csv, "Finding Labels", &at, &err), RADZ_OK);
    assert_int_equal(at, 1);
    assert_int_equal(radz_csv_column(csv, "patient id", &at, &err), RADZ_E_MISSING);
    assert_string_equal(err.message,
                        "'t.csv': no column 'patient id'; found 'Image Index', 'Finding Labels', 'Patient ID'");
    radz_csv_close(csv);
    radz_error_clear(&err);
    assert_int_equal(radz_csv_open("/no/such.csv", ',', &csv, &err), RADZ_E_MISSING);
    radz_error_clear(&err);
    assert_int_equal(radz_csv_open("/tmp", ',', &csv, &err), RADZ_E_IO);
    assert_null(csv);
}

/* A field may be large, but not without end. */
static void enormous_fields(void **state)
{
    (void)state;
    const size_t sizes[] = {RADZ_CSV_FIELD_LIMIT - 100, RADZ_CSV_FIELD_LIMIT + 1};
    for (size_t i = 0; i < 2; i++) {
        radz_error err = {0};
        radz_strbuf text = {0};
        assert_int_equal(radz_strbuf_puts(&text, "a,b\n1,\"", &err), RADZ_OK);
        char *middle = malloc(sizes[i]);
        memset(middle, 'x', sizes[i]);
        for (size_t k = 79; k < sizes[i]; k += 80)
            middle[k] = '\n';
        assert_int_equal(radz_strbuf_append(&text, middle, sizes[i], &err), RADZ_OK);
        assert_int_equal(radz_strbuf_puts(&text, "\"\n2,3\n", &err), RADZ_OK);
        radz_csv *csv;
        const char *const *fields;
        bool more;
        assert_int_equal(radz_csv_open_text(text.text, text.length, "t.csv", ',', &csv, &err), RADZ_OK);
        radz_status st = radz_csv_next(csv, &fields, &more, &err);
        if (i == 0) {
            assert_int_equal(st, RADZ_OK);
            assert_int_equal(strlen(fields[1]), sizes[i]);
            assert_memory_equal(fields[1], middle, sizes[i]);
            assert_int_equal(radz_csv_next(csv, &fields, &more, &err), RADZ_OK);
            assert_string_equal(fields[0], "2");
        } else {
            assert_int_equal(st, RADZ_E_FORMAT);
            assert_non_null(strstr(err.message, "line 2: a row of more than 1 MiB"));
        }
        free(middle);
        radz_csv_close(csv);
        radz_strbuf_free(&text);
    }
}

/* From a file larger than the read buffer, whatever falls on its edge: the same rows as from memory. */
static void files_and_texts_agree(void **state)
{
    (void)state;
    radz_error err = {0};
    for (size_t shift = 0; shift < 12; shift++) {
        radz_strbuf text = {0}, from_text = {0}, from_file = {0};
        assert_int_equal(radz_strbuf_printf(&text, &err, "a,%.*s\r\n", (int)shift, "bbbbbbbbbbbb"), RADZ_OK);
        for (int i = 0; i < 12000; i++)
            assert_int_equal(radz_strbuf_printf(&text, &err, i % 3 == 0 ? "%d,\"x\r\n\"\"%d\"\r\n" : "%d,y%d\r\n", i, i), RADZ_OK);
        char file[] = "/tmp/radz-csv-XXXXXX";
        int fd = mkstemp(file);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text.text, text.length), (ssize_t)text.length);
        close(fd);
        radz_csv *csv;
        assert_int_equal(radz_csv_open_text(text.text, text.length, file, ',', &csv, &err), RADZ_OK);
        assert_int_equal(dump(csv, &from_text, &err), RADZ_OK);
        radz_csv_close(csv);
        assert_int_equal(radz_csv_open(file, ',', &csv, &err), RADZ_OK);
        assert_int_equal(dump(csv, &from_file, &err), RADZ_OK);
        assert_string_equal(radz_csv_file(csv), file);
        radz_csv_close(csv);
        unlink(file);
        assert_string_equal(from_file.text, from_text.text);
        assert_true(text.length > 2 * 65536);
        assert_non_null(strstr(from_file.text, " 16001:11999|y11999"));
        radz_strbuf_free(&text);
        radz_strbuf_free(&from_text);
        radz_strbuf_free(&from_file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),       cmocka_unit_test(bad_files),
        cmocka_unit_test(columns_by_name),  cmocka_unit_test(enormous_fields),
        cmocka_unit_test(files_and_texts_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

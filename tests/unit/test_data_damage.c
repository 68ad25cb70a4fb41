/* Every reader against the same faults: files cut off anywhere, rows in another order, rows twice, other encodings, enormous
 * ones. A fault that changes what is said is one error with the file's name; one that does not changes nothing. */
#include "data_fixture.h"

#include "base/mem.h"

enum { MOST = 9 };

/* A small valid file of each reader and label form, as the lines before the rows, the rows, the lines behind them. */
static const struct {
    const char *set, *split, *file;
    const char *head, *rows[MOST], *between, *tail;
    bool twice_is_other; /* every row is a sample of its own */
} readers[] = {
    {"rsna", NULL, "stage_2_train_labels.csv", "patientId,x,y,width,height,Target\n",
     {"a,,,,,0\n", "b,1,2,3,4,1\n", "b,5,6,7,8,1\n", "c,,,,,0\n"}, "", "", false},
    {"chestxray14", "all", "Data_Entry_2017_v2020.csv", "Image Index,Finding Labels,Patient ID,View Position,Patient Age,Patient Gender\n",
     {"00000001_000.png,Cardiomegaly|Hernia,1,PA,57,M\n", "00000002_000.png,No Finding,2,AP,81,F\n", "\"00000003_000.png\",Mass,3,PA,40,F\n"},
     "", "", false},
    {"padchest", "all", "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv",
     "ImageID,StudyID,PatientID,PatientSex_DICOM,Projection,MethodLabel,Labels,Report\n",
     {"1.png,s1,p1,M,PA,Physician,\"['normal']\",x\n", "2.png,s2,p2,F,L,RNN_model,\"['cardiomegaly', ' pleural effusion']\",\n"}, "", "",
     false},
    {"siim", NULL, "train-rle.csv", "ImageId, EncodedPixels\n", {"a,-1\n", "b,1 2 3 4\n", "c,-1\n"}, "", "", false},
    {"siim:row-wise", NULL, "train-rle.csv", "ImageId, EncodedPixels\n", {"a,-1\n", "b,1 2 3 4\n", "c,-1\n"}, "", "", true},
    {"covidx", NULL, "test.txt", "", {"1 a.png positive sirm\n", "COVID 70 COVID(70).png positive sirm\n", "3 c.jpg negative\n"}, "", "", false},
    {"vqarad", "all", "VQA_RAD.json", "[\n",
     {"{\"qid\": 1, \"image_name\": \"a.jpg\", \"image_organ\": \"CHEST\", \"question\": \"Is it?\", \"answer\": \"Yes\", \"phrase_type\": \"freeform\"}",
      "{\"qid\": 2, \"image_name\": \"a.jpg\", \"image_organ\": \"CHEST\", \"question\": \"Was it?\", \"answer\": \"no\", \"phrase_type\": \"freeform\"}"},
     ",\n", "\n]\n", false},
    {"openi", NULL, "1.xml", "<eCitation><uId id=\"CXR1\"/><MeSH><major>Cardiomegaly</major></MeSH>",
     {"<parentImage id=\"CXR1_1_IM-0001\"></parentImage>", "<parentImage id=\"CXR1_1_IM-0002\"></parentImage>"}, "\n", "</eCitation>\n", false},
};
enum { READERS = sizeof readers / sizeof *readers };

/* The file with its rows in the order `order` (indices, ended by -1). */
static char *text_of(size_t r, const int *order, size_t *size)
{
    radz_error err = {0};
    radz_strbuf text = {0};
    need(radz_strbuf_puts(&text, readers[r].head, &err), &err);
    for (size_t i = 0; order[i] >= 0; i++)
        need(radz_strbuf_printf(&text, &err, "%s%s", i > 0 ? readers[r].between : "", readers[r].rows[order[i]]), &err);
    need(radz_strbuf_puts(&text, readers[r].tail, &err), &err);
    *size = text.length;
    return text.text;
}

static size_t row_count(size_t r)
{
    size_t n = 0;
    while (n < MOST && readers[r].rows[n] != NULL)
        n++;
    return n;
}

static char *whole(size_t r, size_t *size)
{
    int order[MOST + 1];
    for (size_t i = 0; i <= row_count(r); i++)
        order[i] = i < row_count(r) ? (int)i : -1;
    return text_of(r, order, size);
}

/* One folder and each card once: a file is cut in some thousand places. */
static scratch folder;
static radz_dataset_card *cards[READERS];

static int set_up(void **state)
{
    (void)state;
    folder = new_folder();
    for (size_t r = 0; r < READERS; r++)
        cards[r] = card_of(readers[r].set);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t r = 0; r < READERS; r++)
        radz_dataset_card_free(cards[r]);
    remove_folder(&folder);
    return 0;
}

/* The fingerprint of what is read, or the error. */
static radz_status read_bytes(size_t r, const char *data, size_t size, char fingerprint[RADZ_SHA256_HEX_SIZE], size_t *rows,
                              size_t *repeated, radz_error *err)
{
    static const radz_dataset_filter all = {.keep_missing = true};
    radz_dataset *d;
    char path[300];
    put(&folder, readers[r].file, data, size);
    radz_status st = radz_dataset_load(cards[r], folder.folder, readers[r].split, &all, &d, err);
    snprintf(path, sizeof path, "%s/%s", folder.folder, readers[r].file);
    unlink(path);
    if (st != RADZ_OK && (d != NULL || err->message[0] == '\0'))
        fail_msg("%s: an error without a message", readers[r].set);
    if (st == RADZ_OK) {
        strcpy(fingerprint, d->fingerprint);
        *rows = d->n_rows;
        *repeated = d->faults[RADZ_FAULT_REPEATED].count;
    }
    radz_dataset_free(d);
    return st;
}

static void need_same(size_t r, const char *what, const char *data, size_t size, const char *wanted)
{
    radz_error err = {0};
    char got[RADZ_SHA256_HEX_SIZE];
    size_t rows, repeated;
    if (read_bytes(r, data, size, got, &rows, &repeated, &err) != RADZ_OK)
        fail_msg("%s, %s: %s", readers[r].set, what, err.message);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s, %s: another data set", readers[r].set, what);
}

/* One error that names the file and holds `wanted`. */
static void need_error(size_t r, const char *what, const char *data, size_t size, radz_status code, const char *wanted)
{
    radz_error err = {0};
    char got[RADZ_SHA256_HEX_SIZE];
    size_t rows, repeated;
    radz_status st = read_bytes(r, data, size, got, &rows, &repeated, &err);
    if (st != code || strstr(err.message, wanted) == NULL || strstr(err.message, readers[r].file) == NULL)
        fail_msg("%s, %s: %s, '%s'; wanted %s, '%s'", readers[r].set, what, radz_status_name(st), err.message, radz_status_name(code), wanted);
}

static void fingerprint_of_whole(size_t r, char wanted[RADZ_SHA256_HEX_SIZE], size_t *rows)
{
    radz_error err = {0};
    size_t size, repeated;
    char *text = whole(r, &size);
    need(read_bytes(r, text, size, wanted, rows, &repeated, &err), &err);
    free(text);
}

/* Cut off after each byte: an error with the file's name, or the rows before the cut; never more than the whole. */
static void cut_off_anywhere(void **state)
{
    (void)state;
    for (size_t r = 0; r < READERS; r++) {
        char wanted[RADZ_SHA256_HEX_SIZE], got[RADZ_SHA256_HEX_SIZE];
        size_t size, all_rows, rows = 0, repeated, errors = 0;
        char *text = whole(r, &size);
        fingerprint_of_whole(r, wanted, &all_rows);
        for (size_t cut = 0; cut < size; cut++) {
            radz_error err = {0};
            radz_status st = read_bytes(r, text, cut, got, &rows, &repeated, &err);
            if (st == RADZ_OK && rows > all_rows)
                fail_msg("%s cut after %zu bytes: %zu rows of %zu", readers[r].set, cut, rows, all_rows);
            if (st != RADZ_OK && strstr(err.message, readers[r].file) == NULL)
                fail_msg("%s cut after %zu bytes: '%s' does not name the file", readers[r].set, cut, err.message);
            errors += st != RADZ_OK;
        }
        assert_true(errors > 0);
        free(text);
    }
}

static void order_does_not_matter(void **state)
{
    (void)state;
    for (size_t r = 0; r < READERS; r++) {
        char wanted[RADZ_SHA256_HEX_SIZE];
        int order[MOST + 1];
        size_t size, rows, n = row_count(r);
        fingerprint_of_whole(r, wanted, &rows);
        for (size_t i = 0; i <= n; i++)
            order[i] = i < n ? (int)(n - 1 - i) : -1;
        char *text = text_of(r, order, &size);
        need_same(r, "rows backwards", text, size, wanted);
        free(text);
    }
}

/* A row that is there twice changes nothing and, where one row per image is wanted, is counted. */
static void rows_twice(void **state)
{
    (void)state;
    for (size_t r = 0; r < READERS; r++) {
        char wanted[RADZ_SHA256_HEX_SIZE], got[RADZ_SHA256_HEX_SIZE];
        int order[] = {0, 1, 0, -1}, once[] = {0, 1, -1};
        size_t size, rows, repeated;
        radz_error err = {0};
        char *text = text_of(r, once, &size);
        need(read_bytes(r, text, size, wanted, &rows, &repeated, &err), &err);
        assert_int_equal(repeated, 0);
        free(text);
        text = text_of(r, order, &size);
        need(read_bytes(r, text, size, got, &rows, &repeated, &err), &err);
        free(text);
        if ((strcmp(got, wanted) == 0) == readers[r].twice_is_other)
            fail_msg("%s, a row twice: %s data set", readers[r].set, readers[r].twice_is_other ? "the same" : "another");
    }
}

/* `text` (ASCII) as UTF-16, with or without its byte order mark. */
static char *utf16(const char *text, size_t size, bool big, bool mark, size_t *out_size)
{
    radz_error err = {0};
    char *out = radz_calloc(size + 1, 2, &err);
    size_t at = 0;
    assert_non_null(out);
    if (mark) {
        out[at++] = big ? '\xfe' : '\xff';
        out[at++] = big ? '\xff' : '\xfe';
    }
    for (size_t i = 0; i < size; i++) {
        out[at + big] = text[i];
        out[at + !big] = '\0';
        at += 2;
    }
    *out_size = at;
    return out;
}

static void encodings(void **state)
{
    (void)state;
    for (size_t r = 0; r < READERS; r++) {
        char wanted[RADZ_SHA256_HEX_SIZE];
        size_t size, rows, wide_size;
        bool xml = strcmp(readers[r].set, "openi") == 0;
        char *text = whole(r, &size);
        fingerprint_of_whole(r, wanted, &rows);

        radz_error err = {0};
        char *marked = radz_calloc(size + 4, 1, &err);
        assert_non_null(marked);
        memcpy(marked, "\xef\xbb\xbf", 3);
        memcpy(marked + 3, text, size);
        need_same(r, "UTF-8 with its mark", marked, size + 3, wanted);
        free(marked);

        /* a Latin-1 letter in the place of the first letter of the first row that is part of a value */
        char *latin = radz_strdup(text, &err);
        assert_non_null(latin);
        char *first = strstr(latin, readers[r].rows[0]);
        char *letter = xml ? strstr(first, "CXR1") : strncmp(readers[r].set, "vqarad", 6) == 0 ? strstr(first, "Is it") : first;
        *letter = '\xe9';
        need_error(r, "Latin-1", latin, size, RADZ_E_FORMAT, xml ? "not well-formed XML" : "the byte 0xE9 is not UTF-8");
        free(latin);

        for (int kind = 0; kind < 4; kind++) {
            bool big = kind & 1, mark = kind & 2;
            char what[60];
            char *wide = utf16(text, size, big, mark, &wide_size);
            snprintf(what, sizeof what, "UTF-16 %s endian %s its mark", big ? "big" : "little", mark ? "with" : "without");
            if (xml) /* which a reader of XML must know */
                need_same(r, what, wide, wide_size, wanted);
            else
                need_error(r, what, wide, wide_size, RADZ_E_FORMAT, "UTF-16; wanted UTF-8");
            free(wide);
        }
        free(text);
    }
}

/* One value, one nesting, one file that is larger than anything real. */
static void enormous(void **state)
{
    (void)state;
    enum { BIG = 3 << 20 };
    static const char *const wanted[READERS] = {
        "a row of more than 1 MiB", "a row of more than 1 MiB", "a row of more than 1 MiB", "a row of more than 1 MiB",
        "a row of more than 1 MiB", "a line of more than 65536 bytes", NULL, NULL};
    radz_error err = {0};
    char *filler = radz_calloc(BIG + 1, 1, &err);
    assert_non_null(filler);
    memset(filler, 'x', BIG);
    for (size_t r = 0; r < READERS; r++) {
        radz_strbuf text = {0};
        if (wanted[r] != NULL) {
            need(radz_strbuf_printf(&text, &err, "%s%s", readers[r].head, r < 5 ? "\"" : ""), &err);
            need(radz_strbuf_append(&text, filler, BIG, &err), &err);
            need_error(r, "an enormous row", text.text, text.length, RADZ_E_FORMAT, wanted[r]);
        } else {
            bool xml = strcmp(readers[r].set, "openi") == 0;
            for (int i = 0; i < 300000; i++)
                need(radz_strbuf_puts(&text, xml ? "<a>" : "[", &err), &err);
            need_error(r, "an enormous nesting", text.text, text.length, RADZ_E_FORMAT, "");
        }
        radz_strbuf_free(&text);
    }
    free(filler);
}

/* A folder of image files has no bytes to damage: names in other encodings are names, files without an ending are none. */
static void folders_of_files(void **state)
{
    (void)state;
    static const char *const files[] = {"CHNCXR_1_0.png", "CHNCXR_2_1.png", "caf\xe9_1.png", "CHNCXR_3_1", "CHNCXR_4_1.txt", ".png"};
    scratch s = new_folder();
    radz_error err = {0};
    radz_dataset *d;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(&s, files[i], "x", 1);
    radz_dataset_card *card = card_of("shenzhen");
    need(radz_dataset_load(card, s.folder, NULL, NULL, &d, &err), &err);
    assert_int_equal(d->n, 3);
    assert_int_equal(d->positives[0], 2);
    assert_string_equal(d->samples[2].image_id, "caf\xe9_1.png");
    radz_dataset_free(d);
    put(&s, "CHNCXR_5_x.png", "x", 1);
    assert_int_equal(radz_dataset_load(card, s.folder, NULL, NULL, &d, &err), RADZ_E_VALUE);
    assert_non_null(strstr(err.message, "CHNCXR_5_x.png"));
    assert_non_null(strstr(err.message, "unknown value 'x'"));
    radz_dataset_card_free(card);
    remove_folder(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_off_anywhere), cmocka_unit_test(order_does_not_matter), cmocka_unit_test(rows_twice),
        cmocka_unit_test(encodings),        cmocka_unit_test(enormous),              cmocka_unit_test(folders_of_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

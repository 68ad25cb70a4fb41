/* CSV from arbitrary bytes: read to the end or to the first error, touching every field. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    radz_error err = {0};
    radz_csv *csv;
    size_t length = 0, line = 0, at;
    bool more = true;
    radz_status st = radz_csv_open_text((const char *)data, size, "fuzz.csv", ',', &csv, &err);
    radz_error absent = {0};
    if (st == RADZ_OK && radz_csv_column(csv, "Image Index", &at, &absent) == RADZ_OK && at >= radz_csv_columns(csv))
        abort();
    while (st == RADZ_OK && more) {
        const char *const *fields;
        st = radz_csv_next(csv, &fields, &more, &err);
        if (st != RADZ_OK || !more)
            break;
        if (radz_csv_line(csv) <= line)
            abort(); /* lines only go forward */
        line = radz_csv_line(csv);
        for (size_t i = 0; i < radz_csv_columns(csv); i++)
            length += strlen(fields[i]);
    }
    if (length > size || (st != RADZ_OK && err.message[0] == '\0'))
        abort();
    radz_csv_close(csv);
    return 0;
}

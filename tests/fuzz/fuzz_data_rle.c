/* Masks as run lengths: any bytes as the label file. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] =
        FUZZ_CARD("csv", "form: rle, column: L, rows: each", "[{name: A}]",
              "columns: {image: I, file: '{I}.x'}\n");
    return fuzz_reader(card, data, size);
}

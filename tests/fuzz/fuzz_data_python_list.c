/* Lists as Python writes them, of several readers: any bytes as the label file. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] =
        FUZZ_CARD("csv", "form: python-list, column: L, rows: vote, skip: ['']", "[{name: A}, {name: B}]",
              "columns: {image: I, reader: R}\n");
    return fuzz_reader(card, data, size);
}

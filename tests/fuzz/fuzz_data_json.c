/* JSON, a list of objects: any bytes as the label file. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] =
        FUZZ_CARD("json", "form: columns, positive: [y], negative: [n]", "[{name: A, column: L}]",
              "columns: {image: I, file: F, question: Q}\n");
    return fuzz_reader(card, data, size);
}

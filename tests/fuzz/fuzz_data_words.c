/* Lines of words, as COVIDx's: any bytes as the label file. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] =
        FUZZ_CARD("words", "header: [p, file, l], form: list, column: l, none: [n]", "[{name: A}, {name: B}]",
              "columns: {image: file, patient: p}\n");
    return fuzz_reader(card, data, size);
}

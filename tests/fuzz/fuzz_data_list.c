/* Tables with a list of findings in one column, as ChestX-ray14's: any bytes as the label file. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] =
        FUZZ_CARD("csv", "form: list, column: L, none: [n], cut: /, others: ignore", "[{name: A}, {name: B}]",
              "columns: {image: I, patient: '{I/2}', study: '{I:2}'}\n"
              "level: study\n"
              "subgroups: [{name: g, column: '{L/2}'}]\n");
    return fuzz_reader(card, data, size);
}

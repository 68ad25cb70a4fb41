/* Tables with a column per class, as CheXpert's: any bytes as the label file. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] =
        FUZZ_CARD("csv", "form: columns, unknown: ['-1'], rows: any", "[{name: A}, {name: B}]",
              "columns: {image: I, age: G, sex: X}\n"
              "subgroups: [{name: g, column: G, optional: true}]\n");
    return fuzz_reader(card, data, size);
}

/* XML, a document per file, as Open-I's: any bytes as the label file. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] =
        FUZZ_CARD("xml", "form: list, column: L, none: [n], separator: ';', others: ignore", "[{name: A}, {name: B}]",
              "columns: {image: I, report: '{T}{T/2..}'}\n"
              "xml: {row: r, fields: [{name: I, element: r, attribute: id}, {name: L, element: m}, "
              "{name: T, element: t, where: k, equals: v}]}\n");
    return fuzz_reader(card, data, size);
}

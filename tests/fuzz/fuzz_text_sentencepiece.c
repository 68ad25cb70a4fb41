/* tokenizer.model, SentencePiece's file. */
#include "tokenizer_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    write_input("tokenizer.model", data, size);
    check_tokenizer();
    return 0;
}

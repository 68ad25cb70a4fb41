/* Folders of image files: the input's lines are the names of files, "i" their folder; what is no name of a file is left out. */
#include "reader.h"

enum { MOST_FILES = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] = FUZZ_CARD_HEAD
        "reader: folder\nlabels: {form: columns, positive: ['1'], negative: ['0', x], unknown: ['2']}\n"
        "images: {folders: [i, .], extensions: [.png, .jpg]}\nclasses: [{name: A, column: '{stem:-1}'}]\n"
        "columns: {image: file, patient: '{stem:3}', study: folder}\n";
    char paths[MOST_FILES][400];
    size_t n = 0;
    fuzz_open(card);
    for (size_t at = 0; at < size && n < MOST_FILES;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - data) - at : size - at;
        char name[256];
        if (length > 0 && length < sizeof name && memchr(data + at, '/', length) == NULL && memchr(data + at, '\0', length) == NULL) {
            memcpy(name, data + at, length);
            name[length] = '\0';
            snprintf(paths[n], sizeof paths[n], "%s/i/%s", fuzz_folder, name);
            FILE *file = fopen(paths[n], "wbx"); /* not ".", not one that is there */
            n += file != NULL;
            if (file != NULL)
                fclose(file);
        }
        at += length + 1;
    }
    fuzz_load();
    for (size_t i = 0; i < n; i++)
        unlink(paths[i]);
    return 0;
}

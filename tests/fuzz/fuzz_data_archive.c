/* Zip archives with images: any bytes as the archive beside a label file that names some members. What a load finds is read to its
 * end; each read ends with the member's bytes or with one error. */
#include "reader.h"

#include "data/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char card[] = FUZZ_CARD_HEAD
        "reader: csv\nlabels: {files: [t], form: columns}\ncolumns: {image: I}\nclasses: [{name: A}]\n"
        "images: {folders: [z.zip!, '*.zip!/*']}\n";
    static const char labels[] = "I,A\na.png,1\nb.png,0\nx/a.png,1\nx/y/c.png,0\n";
    char path[100];
    radz_error err = {0};
    fuzz_open(card);
    snprintf(path, sizeof path, "%s/t", fuzz_folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fputs(labels, file) < 0 || fclose(file) != 0)
        abort();
    snprintf(path, sizeof path, "%s/z.zip", fuzz_folder);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    fuzz_load();
    radz_dataset *d;
    if (radz_dataset_load(fuzz_card, fuzz_folder, NULL, NULL, &d, &err) == RADZ_OK) {
        radz_open_archives open = {0};
        for (size_t i = 0; i < d->n; i++) {
            char *bytes;
            size_t length;
            radz_error why = {0};
            radz_status st = radz_archives_read(&open, d->samples[i].path, 1 << 20, &bytes, &length, &why);
            if ((st == RADZ_OK) != (bytes != NULL) || (st != RADZ_OK && why.message[0] == '\0') || length > 1 << 20)
                abort();
            free(bytes);
        }
        radz_archives_close(&open);
    }
    radz_dataset_free(d);
    unlink(path);
    snprintf(path, sizeof path, "%s/t", fuzz_folder);
    unlink(path);
    return 0;
}

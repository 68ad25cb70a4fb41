/* Writes N small, distinct gray PNGs with random labels in a folder, as the data set `perf` of bench/perf/cards: something
 * to stream through. Usage: perf_make_images FOLDER N SIDE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "image/encode.h"

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s FOLDER N SIDE\n", argv[0]);
        return 2;
    }
    const char *folder = argv[1];
    long count = strtol(argv[2], NULL, 10), side = strtol(argv[3], NULL, 10);
    char path[4096];
    radz_error err = {0};
    snprintf(path, sizeof path, "%s/images", folder);
    if (count < 1 || side < 1 || side > 4096 || radz_mkdirs(path, &err) != RADZ_OK) {
        fprintf(stderr, "%s\n", err.code != RADZ_OK ? err.message : "N and SIDE must be positive");
        return 2;
    }
    unsigned char *pixels = malloc((size_t)side * (size_t)side);
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    FILE *labels = fopen(path, "w");
    if (pixels == NULL || labels == NULL)
        return 1;
    fputs("image,patient,finding\n", labels);
    radz_rng rng;
    radz_rng_seed(&rng, 1, 1);
    for (long i = 0; i < count; i++) {
        long base = (long)radz_rng_below(&rng, 200);
        for (long p = 0; p < side * side; p++) /* a gradient with some noise: decodes like a picture */
            pixels[p] = (unsigned char)((base + p / side + (long)radz_rng_below(&rng, 16)) & 255);
        memcpy(pixels, &i, side * side >= (long)sizeof i ? sizeof i : 1); /* no two alike */
        snprintf(path, sizeof path, "%s/images/%06ld.png", folder, i);
        radz_pixels picture = {pixels, (size_t)side, (size_t)side, 1, 8};
        if (radz_png_write(path, &picture, &err) != RADZ_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        fprintf(labels, "%06ld.png,%ld,%s\n", i, i / 3, radz_rng_below(&rng, 4) == 0 ? "Effusion" : "No Finding");
    }
    free(pixels);
    return fclose(labels) == 0 ? 0 : 1;
}

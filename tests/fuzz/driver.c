/* A small stand-in for libFuzzer, so that every fuzz target also runs where only gcc is installed: feeds the seeds as
 * they are, then `-runs=N` random mutations and splices of them. The seed makes a failure repeatable; the input that is
 * being run is kept in `crash-input` when the target dies. Usage: fuzz_x [-runs=N] [-seed=S] FILE_OR_FOLDER... */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int main(int argc, char **argv);

enum { MAX_SEEDS = 512, INPUT_LIMIT = 1 << 20 };
static struct { uint8_t *data; size_t size; } seeds[MAX_SEEDS];
static size_t seed_count;
static uint8_t current[INPUT_LIMIT];
static size_t current_size;

static void save_input(int signal_number)
{
    FILE *f = fopen("crash-input", "wb");
    if (f != NULL) {
        fwrite(current, 1, current_size, f);
        fclose(f);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void add_seed(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || seed_count == MAX_SEEDS) {
        if (f != NULL)
            fclose(f);
        return;
    }
    uint8_t *data = malloc(INPUT_LIMIT);
    if (data == NULL)
        exit(2);
    seeds[seed_count].size = fread(data, 1, INPUT_LIMIT, f);
    seeds[seed_count++].data = data;
    fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_path(const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0) {
        fprintf(stderr, "no seeds at '%s'\n", path);
        exit(2);
    }
    if (!S_ISDIR(s.st_mode)) {
        add_seed(path);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        char full[4096];
        snprintf(full, sizeof full, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            add_seed(full);
        free(entries[i]);
    }
    free(entries);
}

static void run_current(void)
{
    /* an exact-size copy, so that AddressSanitizer sees a read one byte past the end */
    uint8_t *exact = malloc(current_size == 0 ? 1 : current_size);
    if (exact == NULL)
        exit(2);
    memcpy(exact, current, current_size);
    LLVMFuzzerTestOneInput(exact, current_size);
    free(exact);
}

static void mutate(radz_rng *rng)
{
    static const uint8_t special[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '}', '[', ']', ',', ':', '-', '\n', '\r', '\t', ' ', '|'};
    uint32_t steps = 1 + radz_rng_below(rng, 6);
    for (uint32_t i = 0; i < steps; i++) {
        size_t at = current_size == 0 ? 0 : radz_rng_below(rng, (uint32_t)current_size);
        size_t left = current_size - at;
        switch (radz_rng_below(rng, 8)) {
        case 0: /* flip a bit */
            if (current_size > 0)
                current[at] ^= (uint8_t)(1u << radz_rng_below(rng, 8));
            break;
        case 1: /* a special byte */
            if (current_size > 0)
                current[at] = special[radz_rng_below(rng, sizeof special)];
            break;
        case 2: /* a random byte */
            if (current_size > 0)
                current[at] = (uint8_t)radz_rng_u32(rng);
            break;
        case 3: /* cut the tail */
            current_size = at;
            break;
        case 4: { /* remove a piece */
            size_t n = left == 0 ? 0 : 1 + radz_rng_below(rng, (uint32_t)(left > 64 ? 64 : left));
            memmove(current + at, current + at + n, left - n);
            current_size -= n;
            break;
        }
        case 5: { /* repeat a piece */
            size_t n = left == 0 ? 0 : 1 + radz_rng_below(rng, (uint32_t)(left > 64 ? 64 : left));
            if (current_size + n <= INPUT_LIMIT) {
                memmove(current + at + n, current + at, left);
                current_size += n;
            }
            break;
        }
        case 6: { /* a piece of another seed */
            const uint32_t other = radz_rng_below(rng, (uint32_t)seed_count);
            if (seeds[other].size > 0 && left > 0) {
                size_t from = radz_rng_below(rng, (uint32_t)seeds[other].size);
                size_t n = seeds[other].size - from < left ? seeds[other].size - from : left;
                n = n > 256 ? 256 : n;
                memcpy(current + at, seeds[other].data + from, n);
            }
            break;
        }
        default: /* a large or small 32-bit number, either byte order */
            if (left >= 4) {
                static const uint32_t numbers[] = {0, 1, 0xffffffffu, 0x7fffffffu, 0x80000000u, 0x10000u};
                uint32_t n = numbers[radz_rng_below(rng, 6)];
                memcpy(current + at, &n, 4);
            }
        }
    }
}

int main(int argc, char **argv)
{
    long runs = 10000;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0)
            runs = atol(argv[i] + 6);
        else if (strncmp(argv[i], "-seed=", 6) == 0)
            seed = strtoull(argv[i] + 6, NULL, 10);
        else
            add_path(argv[i]);
    }
    if (seed_count == 0) {
        fprintf(stderr, "usage: %s [-runs=N] [-seed=S] SEED_FILE_OR_FOLDER...\n", argv[0]);
        return 2;
    }
    signal(SIGABRT, save_input);
    signal(SIGSEGV, save_input);
    radz_rng rng;
    radz_rng_seed(&rng, seed, 1);
    for (size_t i = 0; i < seed_count; i++) {
        memcpy(current, seeds[i].data, seeds[i].size);
        current_size = seeds[i].size;
        run_current();
    }
    for (long i = 0; i < runs; i++) {
        size_t pick = radz_rng_below(&rng, (uint32_t)seed_count);
        memcpy(current, seeds[pick].data, seeds[pick].size);
        current_size = seeds[pick].size;
        mutate(&rng);
        run_current();
    }
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].data);
    printf("%zu seeds and %ld mutations run\n", seed_count, runs);
    return 0;
}

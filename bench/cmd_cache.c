/* radz-bench cache ls|verify|gc: looking after the embeddings that are kept. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/command.h"
#include "cache/cache.h"
#include "run/home.h"

static void size_text(uint64_t bytes, char text[24])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(text, 24, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

enum { UNUSED_DAYS = 90 /* what gc removes by default */ };

static radz_status cache_ls(const radz_cache *cache, const radz_options *options, int *exit_code, radz_error *err)
{
    (void)options;
    (void)exit_code;
    radz_cache_listing listing = {0};
    char size[24], day[16];
    radz_status st = radz_cache_ls(cache, &listing, err);
    for (size_t i = 0; st == RADZ_OK && i < listing.count; i++) {
        const radz_cache_entry *e = &listing.items[i];
        struct tm used;
        time_t seconds = (time_t)e->used;
        if (gmtime_r(&seconds, &used) == NULL || strftime(day, sizeof day, "%Y-%m-%d", &used) == 0)
            snprintf(day, sizeof day, "?");
        size_text(e->bytes, size);
        printf("%.12s  %-6s %8" PRIu64 " rows  %-14s %9s  used %s%s\n", e->key, e->kind, e->rows, e->row, size, day,
               e->bad > 0 ? "  DAMAGED FILES SET ASIDE" : "");
        for (const char *line = e->description; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            printf("              %.*s\n", (int)length, line);
            line += length + (line[length] == '\n');
        }
    }
    if (st == RADZ_OK) {
        size_text(listing.bytes, size);
        printf("%zu stores, %s in '%s'\n", listing.count, size, radz_cache_dir(cache));
    }
    radz_cache_listing_free(&listing);
    return st;
}

static void print_problem(void *context, const char *path, const char *reason)
{
    (void)context;
    printf("damaged: %s: %s (set aside; its rows are computed again when they are needed)\n", path, reason);
}

static radz_status cache_verify(const radz_cache *cache, const radz_options *options, int *exit_code, radz_error *err)
{
    (void)options;
    radz_cache_check check;
    radz_status st = radz_cache_verify(cache, print_problem, NULL, &check, err);
    if (st != RADZ_OK)
        return st;
    printf("%" PRIu64 " stores, %" PRIu64 " files, %" PRIu64 " rows read again; %" PRIu64 " damaged\n", check.stores,
           check.segments, check.rows, check.bad);
    if (check.bad > 0)
        *exit_code = RADZ_EXIT_FAILED;
    return RADZ_OK;
}

static radz_status cache_gc(const radz_cache *cache, const radz_options *options, int *exit_code, radz_error *err)
{
    (void)exit_code;
    radz_cache_gc_report report;
    int64_t days = options->days >= 0 ? options->days : UNUSED_DAYS;
    radz_status st = radz_cache_gc(cache, &(radz_cache_gc_options){.days = days}, &report, err);
    if (st != RADZ_OK)
        return st;
    char freed[24], left[24];
    size_text(report.bytes_freed, freed);
    size_text(report.bytes_left, left);
    printf("removed %" PRIu64 " stores and %" PRIu64 " files not used for %" PRId64 " days: %s freed, %" PRIu64
           " stores with %s left, %" PRIu64 " of them in use\n", report.stores_removed, report.files_removed, days,
           freed, report.stores_kept, left, report.stores_in_use);
    return RADZ_OK;
}

typedef struct cache_verb {
    const char *name;
    radz_status (*run)(const radz_cache *cache, const radz_options *options, int *exit_code, radz_error *err);
} cache_verb;

static const cache_verb verbs[] = {{"ls", cache_ls}, {"verify", cache_verify}, {"gc", cache_gc}};
static const char *const verb_names[] = {"ls", "verify", "gc"};
enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

radz_status radz_cmd_cache(const radz_options *options, int *exit_code, radz_error *err)
{
    if (options->positional.count == 0)
        return radz_fail(err, RADZ_E_USAGE, "cache: say what to do: ls, verify or gc");
    const char *name = options->positional.items[0];
    const cache_verb *verb = NULL;
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(verbs[i].name, name) == 0)
            verb = &verbs[i];
    if (verb == NULL)
        return radz_fail_unknown_in(err, "thing to do with the cache", name, verb_names, VERB_COUNT);
    radz_home home;
    radz_cache *cache = NULL;
    radz_status st = radz_home_open(options->cache, NULL, &home, err);
    if (st != RADZ_OK)
        return st;
    st = radz_cache_open(home.cache, &cache, err);
    if (st == RADZ_OK)
        st = verb->run(cache, options, exit_code, err);
    radz_cache_free(cache);
    radz_home_close(&home);
    return st;
}

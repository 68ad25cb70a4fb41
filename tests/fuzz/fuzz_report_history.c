/* A history file of any bytes: it is opened or refused with words, and what opens can be listed, read, pruned and closed
 * without a crash; errors on the way have words, too. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need_words(radz_status st, radz_error *err)
{
    if ((st != RADZ_OK) != (err->message[0] != '\0'))
        abort();
    radz_error_clear(err);
}

static radz_status see_run(void *context, const radz_history_run *run, radz_error *err)
{
    (void)err;
    *(size_t *)context += strlen(run->run) + strlen(run->suite) + strlen(run->program);
    return RADZ_OK;
}

static radz_status see_point(void *context, const radz_history_point *p, radz_error *err)
{
    (void)err;
    *(size_t *)context += strlen(p->dataset) + strlen(p->class_name) + strlen(p->metric) + strlen(p->fingerprint);
    return RADZ_OK;
}

static char folder[64];

static void remove_folder(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[100];
    if (folder[0] == '\0') { /* in memory where there is such a place: SQLite waits for the disk after each change */
        snprintf(folder, sizeof folder, "%s/radz-fuzz-history-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0)
            abort();
        snprintf(path, sizeof path, "%s/" RADZ_HISTORY_FILE, folder);
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    radz_history *history;
    radz_error err = {0};
    radz_status st = radz_history_open(folder, false, &history, &err);
    need_words(st, &err);
    if (st == RADZ_OK) {
        size_t seen = 0, plots;
        uint64_t removed;
        need_words(radz_history_runs(history, &(radz_history_filter){0}, see_run, &seen, &err), &err);
        need_words(radz_history_points(history, &(radz_history_filter){0}, see_point, &seen, &err), &err);
        need_words(radz_history_plot(history, &(radz_history_filter){.metric = "auc"}, folder, false, &plots, &err), &err);
        need_words(radz_history_prune(history, 0, 1, &removed, &err), &err);
        radz_history_close(history);
    }
    static const char *const leftovers[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < 4; i++) {
        char name[150];
        snprintf(name, sizeof name, "%s%s", path, leftovers[i]);
        unlink(name);
    }
    return 0;
}

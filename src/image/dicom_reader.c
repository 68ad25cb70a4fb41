#include "image/dicom_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/plugin.h"

/* The slowest picture within the limits (JPEG 2000) takes some 20 s; GDCM is known to loop over some damaged files. */
static const int PATIENCE_MS = 120000;

typedef struct radz_dicom_helper {
    struct radz_dicom_helper *next; /* free one */
    pid_t pid;
    int socket;
} helper;

/* Helpers that wait for work, and where their program is. */
static struct {
    pthread_mutex_t lock;
    helper *free;
    char path[RADZ_PLUGIN_PATH_SIZE];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- processes --- */

extern char **environ;

static radz_status spawn(const char *path, int socket, pid_t *pid, radz_error *err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char *arguments[] = {(char[]){"radz-dicom"}, NULL};
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    /* GDCM's libraries print what they think of a file; a group of its own: Ctrl-C is the program's business */
    int failed = posix_spawn_file_actions_adddup2(&files, socket, 0);
    failed = failed != 0 ? failed : posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    failed = failed != 0 ? failed : posix_spawn_file_actions_adddup2(&files, 1, 2);
    failed = failed != 0 ? failed : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    failed = failed != 0 ? failed : posix_spawn(pid, path, &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0)
        return radz_fail(err, RADZ_E_BACKEND, "cannot start '%s': %s", path, strerror(failed));
    return RADZ_OK;
}

static radz_status start(helper **out, radz_error *err)
{
    static const radz_plugin plugin = {
        .file = "radz-dicom",
        .env = "RADZ_DICOM_HELPER",
        .use = "DICOM files need",
        .built_by = "It is built with the program",
    };
    radz_error why = {0};
    int ends[2] = {-1, -1};
    *out = NULL;
    pthread_mutex_lock(&pool.lock);
    radz_status st = pool.path[0] != '\0' ? RADZ_OK : radz_plugin_find(&plugin, pool.path, &why);
    if (st != RADZ_OK)
        pool.path[0] = '\0';
    pthread_mutex_unlock(&pool.lock);
    if (st != RADZ_OK) /* not the picture's fault, and not to be skipped as a bad picture is */
        return radz_fail(err, RADZ_E_BACKEND, "%s", why.message);
    helper *h = radz_calloc(1, sizeof *h, err);
    if (h == NULL)
        return RADZ_E_NOMEM;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        st = radz_fail(err, RADZ_E_BACKEND, "no socket for '%s': %s", pool.path, strerror(errno));
    if (st == RADZ_OK)
        st = spawn(pool.path, ends[1], &h->pid, err);
    if (ends[1] >= 0)
        close(ends[1]);
    if (st != RADZ_OK) {
        if (ends[0] >= 0)
            close(ends[0]);
        free(h);
        return st;
    }
    h->socket = ends[0];
    *out = h;
    return RADZ_OK;
}

/* Ends a helper that is not to be used again. */
static void end(helper *h)
{
    if (h == NULL)
        return;
    close(h->socket);
    kill(h->pid, SIGKILL);
    while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(h);
}

static radz_status take(helper **out, bool *fresh, radz_error *err)
{
    pthread_mutex_lock(&pool.lock);
    helper *h = pool.free;
    if (h != NULL)
        pool.free = h->next;
    pthread_mutex_unlock(&pool.lock);
    *fresh = h == NULL;
    *out = h;
    return h != NULL ? RADZ_OK : start(out, err);
}

static void give_back(helper *h)
{
    pthread_mutex_lock(&pool.lock);
    h->next = pool.free;
    pool.free = h;
    pthread_mutex_unlock(&pool.lock);
}

/* The library goes: its helpers, which would see their sockets closed anyway, are waited for. */
__attribute__((destructor)) static void end_all(void)
{
    for (helper *h = pool.free, *next; h != NULL; h = next) {
        next = h->next;
        end(h);
    }
    pool.free = NULL;
}

/* --- talking --- */

static bool send_all(const helper *h, const void *from, size_t size)
{
    const char *at = from;
    while (size > 0) {
        const ssize_t n = send(h->socket, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* False when the helper is gone or was silent until `deadline`. */
static bool receive(const helper *h, void *to, size_t size, double deadline)
{
    char *at = to;
    while (size > 0) {
        const double left = deadline - radz_clock_seconds();
        struct pollfd wait = {.fd = h->socket, .events = POLLIN};
        const int ready = left > 0 ? poll(&wait, 1, (int)(left * 1000) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        const ssize_t n = recv(h->socket, at, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* Sends a request and receives the answer without what follows it. False when the helper has gone. */
static bool ask(const helper *h, radz_dicom_task task, const void *data, size_t size, radz_dicom_reply *reply, double deadline)
{
    const radz_dicom_request request = {RADZ_DICOM_WIRE, task, size};
    return send_all(h, &request, sizeof request) && send_all(h, data, size) &&
           receive(h, reply, sizeof *reply, deadline);
}

static double deadline_from_now(void)
{
    return radz_clock_seconds() + PATIENCE_MS / 1000.0;
}

static radz_status broke_down(radz_dicom *dicom, radz_error *err)
{
    end(dicom->helper);
    dicom->helper = NULL;
    return radz_fail(err, RADZ_E_FORMAT, "'%s': damaged DICOM file: GDCM breaks down over it", dicom->name);
}

static radz_status checked(const radz_dicom *dicom, const radz_dicom_reply *reply, radz_error *err)
{
    if (reply->version != RADZ_DICOM_WIRE)
        return radz_fail(err, RADZ_E_BACKEND, "'%s' is of another build than this program", pool.path);
    if (reply->status == RADZ_OK)
        return RADZ_OK;
    return radz_fail(err, (radz_status)reply->status, "'%s': %.*s", dicom->name, (int)sizeof reply->message, reply->message);
}

radz_status radz_dicom_open(const void *data, size_t size, const char *name, radz_dicom *out, radz_error *err)
{
    *out = (radz_dicom){.name = name};
    radz_dicom_reply reply;
    bool fresh = false;
    const double deadline = deadline_from_now();
    for (;;) {
        const radz_status taken = take(&out->helper, &fresh, err);
        if (taken != RADZ_OK)
            return taken;
        if (ask(out->helper, RADZ_DICOM_OPEN, data, size, &reply, deadline))
            break;
        if (fresh)
            return broke_down(out, err);
        /* one that waited may have been ended by somebody else, which is not the file's fault */
        end(out->helper);
        out->helper = NULL;
    }
    radz_status st = checked(out, &reply, err);
    if (st != RADZ_OK)
        goto failed;
    out->facts = reply.facts;
    const radz_dicom_lut *luts[2] = {&reply.facts.modality, &reply.facts.voi};
    uint16_t **tables[2] = {&out->modality, &out->voi};
    for (int i = 0; i < 2; i++) {
        if (luts[i]->count == 0)
            continue;
        *tables[i] = radz_calloc(luts[i]->count, sizeof(uint16_t), err);
        if (*tables[i] == NULL) {
            st = RADZ_E_NOMEM;
            goto failed;
        }
        if (!receive(out->helper, *tables[i], luts[i]->count * sizeof(uint16_t), deadline)) {
            st = broke_down(out, err);
            goto failed;
        }
    }
    return RADZ_OK;
failed:
    if (st == RADZ_E_NOMEM || st == RADZ_E_BACKEND) { /* something is still on its way, or will be */
        end(out->helper);
        out->helper = NULL;
    }
    radz_dicom_close(out);
    return st;
}

radz_status radz_dicom_read(radz_dicom *dicom, void *samples, size_t bytes, radz_error *err)
{
    radz_dicom_reply reply;
    const double deadline = deadline_from_now();
    if (!ask(dicom->helper, RADZ_DICOM_READ, NULL, 0, &reply, deadline))
        return broke_down(dicom, err);
    const radz_status st = checked(dicom, &reply, err);
    if (st != RADZ_OK)
        return st;
    if (reply.size != bytes || !receive(dicom->helper, samples, bytes, deadline))
        return broke_down(dicom, err);
    return RADZ_OK;
}

void radz_dicom_close(radz_dicom *dicom)
{
    if (dicom->helper != NULL)
        give_back(dicom->helper);
    free(dicom->modality);
    free(dicom->voi);
    *dicom = (radz_dicom){0};
}

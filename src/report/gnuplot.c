#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "report/plot_parts.h"

extern char **environ;

/* The environment of this process but for what could change a picture. */
static radz_status make_environment(char ***out, radz_error *err)
{
    static char zone[] = "TZ=UTC0", locale[] = "LC_ALL=C.UTF-8";
    size_t n = 0, kept = 0;
    while (environ != NULL && environ[n] != NULL)
        n++;
    char **copy = radz_calloc(n + 3, sizeof *copy, err);
    *out = copy;
    if (copy == NULL)
        return RADZ_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (!radz_str_starts(environ[i], "TZ=") && !radz_str_starts(environ[i], "LC_") &&
            !radz_str_starts(environ[i], "GNUTERM=") && !radz_str_starts(environ[i], "GNUPLOT_"))
            copy[kept++] = environ[i];
    copy[kept++] = zone;
    copy[kept++] = locale;
    return RADZ_OK;
}

static radz_status fail_with_log(const char *dir, const char *name, int status, radz_error *err)
{
    radz_strbuf path = {0};
    char *text = NULL;
    size_t size;
    if (radz_strbuf_printf(&path, NULL, "%s/%s.log", dir, name) != RADZ_OK ||
        radz_file_read(path.text, 1 << 20, &text, &size, NULL) != RADZ_OK)
        text = NULL;
    /* gnuplot shows the line, an arrow under it and then the reason: made one line */
    for (char *p = text; p != NULL && *p != '\0'; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    radz_status st = radz_fail(err, RADZ_E_BACKEND, "gnuplot failed on '%s.gp' (%s %d): %.400s", name,
                               WIFSIGNALED(status) ? "signal" : "exit status",
                               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), text == NULL ? "" : text);
    free(text);
    radz_strbuf_free(&path);
    return st;
}

/* Starts gnuplot on one script. */
static radz_status start(const char *dir, const char *name, char **environment, pid_t *child, bool *missing,
                         radz_error *err)
{
    static char program[] = "gnuplot", defaults[] = "-d"; /* a user's own settings file is left out */
    radz_strbuf script = {0}, complaints = {0};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    radz_status st = radz_strbuf_printf(&script, err, "./%s.gp", name);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&complaints, err, "%s.log", name);
    if (st == RADZ_OK) {
        char *arguments[] = {program, defaults, script.text, NULL};
        int failed = posix_spawn_file_actions_addchdir_np(&actions, dir);
        failed = failed != 0 ? failed : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        failed = failed != 0 ? failed : posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        failed = failed != 0 ? failed : posix_spawn_file_actions_addopen(&actions, 2, complaints.text,
                                                                         O_WRONLY | O_CREAT | O_TRUNC, 0666);
        failed = failed != 0 ? failed : posix_spawnp(child, program, &actions, NULL, arguments, environment);
        *missing = failed == ENOENT;
        if (failed != 0 && !*missing)
            st = radz_fail(err, RADZ_E_BACKEND, "cannot start gnuplot: %s", strerror(failed));
    }
    posix_spawn_file_actions_destroy(&actions);
    radz_strbuf_free(&script);
    radz_strbuf_free(&complaints);
    return st;
}

static radz_status finish(const char *dir, const char *name, pid_t child, bool *missing, radz_error *err)
{
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        *missing = true; /* how some C libraries report that there is no such program */
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail_with_log(dir, name, status, err);
    return RADZ_OK;
}

radz_status radz_gnuplot_run(const char *dir, const radz_strlist *names, bool *missing, radz_error *err)
{
    enum { AT_ONCE = 16 };
    pid_t children[AT_ONCE];
    size_t most = (size_t)radz_cpu_count() < AT_ONCE ? (size_t)radz_cpu_count() : AT_ONCE, started = 0, finished = 0;
    char **environment;
    *missing = false;
    radz_status st = make_environment(&environment, err);
    while (finished < started || (st == RADZ_OK && !*missing && started < names->count)) {
        if (st == RADZ_OK && !*missing && started < names->count && started - finished < most) {
            st = start(dir, names->items[started], environment, &children[started % most], missing, err);
            started += st == RADZ_OK && !*missing;
        } else { /* in the order they were started: they take about the same time */
            radz_status ended = finish(dir, names->items[finished], children[finished % most], missing, err);
            st = st == RADZ_OK ? ended : st;
            finished++;
        }
    }
    free(environment);
    return st;
}

radz_status radz_gnuplot_fix_pdf(const char *path, radz_error *err)
{
    static const char key[] = "/CreationDate (D:", start[] = "19700101000000";
    char *text;
    size_t size;
    radz_status st = radz_file_read(path, (size_t)1 << 30, &text, &size, err);
    if (st != RADZ_OK)
        return st;
    char *at = memmem(text, size, key, sizeof key - 1);
    if (at != NULL && (size_t)(at - text) + sizeof key - 1 + sizeof start - 1 <= size) {
        memcpy(at + sizeof key - 1, start, sizeof start - 1);
        st = radz_file_write(path, text, size, err);
    }
    free(text);
    return st;
}

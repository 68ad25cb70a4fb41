#include "report/history.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { APPLICATION_ID = 0x7261647a /* "radz" */, VERSION = 1, WAIT_MS = 10000 };

struct radz_history {
    sqlite3 *db;
    char *path;
};

static const char schema[] =
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, run TEXT NOT NULL, added INTEGER NOT NULL, suite TEXT NOT NULL,"
    " command TEXT NOT NULL, program TEXT NOT NULL, note TEXT, UNIQUE (run, added));"
    "CREATE TABLE figures (run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, dataset TEXT NOT NULL,"
    " split TEXT NOT NULL, model TEXT NOT NULL, scorer TEXT NOT NULL, protocol TEXT NOT NULL, class TEXT NOT NULL,"
    " metric TEXT NOT NULL, n INTEGER NOT NULL, value REAL, ci_low REAL, ci_high REAL, status TEXT NOT NULL,"
    " fingerprint TEXT,"
    " PRIMARY KEY (run_id, dataset, split, model, scorer, protocol, class, metric)) WITHOUT ROWID;"
    "CREATE INDEX figures_by_series ON figures (metric, class, dataset, model, scorer);";

/* ---- statements ---- */

static radz_status fail(const radz_history *h, const char *doing, radz_error *err)
{
    int code = sqlite3_errcode(h->db) & 0xff;
    const char *why = sqlite3_errmsg(h->db);
    if (code == SQLITE_NOMEM)
        return radz_fail(err, RADZ_E_NOMEM, "out of memory while %s '%s'", doing, h->path);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_FORMAT)
        return radz_fail(err, RADZ_E_CORRUPT, "'%s' is not a sound history (%s): put it aside and add the runs again "
                         "(`radz-bench history add RUN`)", h->path, why);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return radz_fail(err, RADZ_E_IO, "'%s' is in use by another process: waited %d s", h->path, WAIT_MS / 1000);
    return radz_fail(err, RADZ_E_IO, "%s '%s': %s", doing, h->path, why);
}

static radz_status run_sql(radz_history *h, const char *sql, const char *doing, radz_error *err)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? RADZ_OK : fail(h, doing, err);
}

static radz_status prepare(radz_history *h, const char *sql, sqlite3_stmt **out, radz_error *err)
{
    return sqlite3_prepare_v2(h->db, sql, -1, out, NULL) == SQLITE_OK ? RADZ_OK : fail(h, "reading", err);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (text != NULL)
        sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(statement, at);
}

static void bind_real(sqlite3_stmt *statement, int at, double value)
{
    if (isnan(value))
        sqlite3_bind_null(statement, at);
    else
        sqlite3_bind_double(statement, at, value);
}

/* Text of a column; "" for NULL, so that a damaged row is no crash. */
static const char *text_at(sqlite3_stmt *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    return text != NULL ? (const char *)text : "";
}

static double real_at(sqlite3_stmt *statement, int at)
{
    return sqlite3_column_type(statement, at) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, at);
}

static radz_status one_number(radz_history *h, const char *sql, int64_t *out, radz_error *err)
{
    sqlite3_stmt *statement = NULL;
    radz_status st = prepare(h, sql, &statement, err);
    *out = 0;
    if (st == RADZ_OK) {
        int step = sqlite3_step(statement);
        if (step == SQLITE_ROW)
            *out = sqlite3_column_int64(statement, 0);
        else if (step != SQLITE_DONE)
            st = fail(h, "reading", err);
    }
    sqlite3_finalize(statement);
    return st;
}

/* ---- opening ---- */

static radz_status make_tables(radz_history *h, radz_error *err)
{
    char pragmas[100];
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID, VERSION);
    radz_status st = run_sql(h, "BEGIN IMMEDIATE", "making", err);
    int64_t tables = 0;
    if (st != RADZ_OK)
        return st;
    st = one_number(h, "SELECT count(*) FROM sqlite_schema", &tables, err); /* another process may have been first */
    if (st == RADZ_OK && tables == 0)
        st = run_sql(h, schema, "making", err);
    if (st == RADZ_OK && tables == 0)
        st = run_sql(h, pragmas, "making", err);
    return st == RADZ_OK ? run_sql(h, "COMMIT", "making", err) : st;
}

static radz_status check_tables(radz_history *h, radz_error *err)
{
    int64_t id = 0, version = 0, tables = 0;
    radz_status st = one_number(h, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (st == RADZ_OK && tables == 0)
        st = make_tables(h, err);
    if (st == RADZ_OK)
        st = one_number(h, "PRAGMA application_id", &id, err);
    if (st == RADZ_OK && id != APPLICATION_ID)
        st = radz_fail(err, RADZ_E_CORRUPT, "'%s' is a database of another program", h->path);
    if (st == RADZ_OK)
        st = one_number(h, "PRAGMA user_version", &version, err);
    if (st == RADZ_OK && version > VERSION)
        st = radz_fail(err, RADZ_E_UNSUPPORTED, "'%s' has version %lld, this program reads up to %d", h->path,
                       (long long)version, VERSION);
    if (st != RADZ_OK)
        return st;
    sqlite3_stmt *statement = NULL;
    st = prepare(h, "PRAGMA quick_check(1)", &statement, err);
    int step = st == RADZ_OK ? sqlite3_step(statement) : SQLITE_ERROR;
    if (st == RADZ_OK && step != SQLITE_ROW)
        st = fail(h, "reading", err);
    else if (st == RADZ_OK && strcmp(text_at(statement, 0), "ok") != 0)
        st = radz_fail(err, RADZ_E_CORRUPT, "'%s' is damaged (%.200s): put it aside and add the runs again (`radz-bench history "
                       "add RUN`)", h->path, text_at(statement, 0));
    sqlite3_finalize(statement);
    /* the tables have the columns that are used */
    static const char *const probes[] = {
        "SELECT id, run, added, suite, command, program, note FROM runs LIMIT 0",
        "SELECT run_id, dataset, split, model, scorer, protocol, class, metric, n, value, ci_low, ci_high, status, fingerprint"
        " FROM figures LIMIT 0"};
    for (size_t i = 0; i < 2 && st == RADZ_OK; i++) {
        statement = NULL;
        if (sqlite3_prepare_v2(h->db, probes[i], -1, &statement, NULL) != SQLITE_OK)
            st = radz_fail(err, RADZ_E_CORRUPT, "'%s' is not a history of this program: %s", h->path, sqlite3_errmsg(h->db));
        sqlite3_finalize(statement);
    }
    return st;
}

radz_status radz_history_open(const char *dir, bool create, radz_history **out, radz_error *err)
{
    *out = NULL;
    radz_history *h = radz_calloc(1, sizeof *h, err);
    if (h == NULL)
        return RADZ_E_NOMEM;
    radz_status st = (h->path = radz_path_join(dir, RADZ_HISTORY_FILE, err)) != NULL ? RADZ_OK : RADZ_E_NOMEM;
    if (st == RADZ_OK && create)
        st = radz_mkdirs(dir, err);
    else if (st == RADZ_OK && !radz_file_exists(h->path))
        st = radz_fail(err, RADZ_E_MISSING, "no history '%s' yet: add a run (`radz-bench history add`)", h->path);
    if (st == RADZ_OK && radz_file_is_dir(h->path))
        st = radz_fail(err, RADZ_E_IO, "'%s' is a folder; wanted a file", h->path);
    if (st == RADZ_OK) {
        int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
        if (sqlite3_open_v2(h->path, &h->db, flags, NULL) != SQLITE_OK)
            st = h->db != NULL ? fail(h, "opening", err) : radz_fail(err, RADZ_E_NOMEM, "out of memory for '%s'", h->path);
    }
    if (st == RADZ_OK) {
        sqlite3_busy_timeout(h->db, WAIT_MS);
        sqlite3_db_config(h->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(h->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        st = run_sql(h, "PRAGMA foreign_keys = ON", "opening", err);
    }
    if (st == RADZ_OK)
        st = check_tables(h, err);
    if (st == RADZ_OK)
        *out = h;
    else
        radz_history_close(h);
    return st;
}

void radz_history_close(radz_history *history)
{
    if (history == NULL)
        return;
    sqlite3_close(history->db);
    free(history->path);
    free(history);
}

/* ---- adding ---- */

static radz_status step_done(radz_history *h, sqlite3_stmt *statement, radz_error *err)
{
    radz_status st = sqlite3_step(statement) == SQLITE_DONE ? RADZ_OK : fail(h, "writing", err);
    sqlite3_reset(statement);
    return st;
}

static const char *fact_of(const radz_results *results, const char *key)
{
    for (size_t i = 0; i < results->n_facts; i++)
        if (strcmp(results->facts[i].key, key) == 0)
            return results->facts[i].value;
    return "";
}

static const char *fingerprint_of(const radz_results *results, const radz_result_row *row)
{
    for (size_t i = 0; i < results->n_blocks; i++) {
        const radz_result_block *b = &results->blocks[i];
        if (strcmp(b->dataset, row->dataset) == 0 && strcmp(b->split, row->split) == 0 && strcmp(b->model, row->model) == 0 &&
            strcmp(b->scorer, row->scorer) == 0 && strcmp(b->protocol, row->protocol) == 0)
            return b->fingerprint;
    }
    return NULL;
}

static radz_status add_figures(radz_history *h, const radz_results *results, int64_t id, radz_error *err)
{
    sqlite3_stmt *statement = NULL;
    radz_status st = prepare(h, "INSERT INTO figures VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", &statement, err);
    const char *fingerprint = NULL;
    for (size_t i = 0; i < results->n_rows && st == RADZ_OK; i++) {
        const radz_result_row *r = &results->rows[i], *last = i > 0 ? r - 1 : NULL;
        /* strings of neighbouring rows are shared: mostly the block of the row before */
        if (last == NULL || last->dataset != r->dataset || last->model != r->model || last->scorer != r->scorer ||
            last->split != r->split || last->protocol != r->protocol)
            fingerprint = fingerprint_of(results, r);
        const char *texts[] = {r->dataset, r->split, r->model, r->scorer, r->protocol, r->class_name, r->metric};
        sqlite3_bind_int64(statement, 1, id);
        for (int t = 0; t < 7; t++)
            bind_text(statement, 2 + t, texts[t]);
        sqlite3_bind_int64(statement, 9, (int64_t)r->n);
        bind_real(statement, 10, r->value);
        bind_real(statement, 11, r->ci_low);
        bind_real(statement, 12, r->ci_high);
        bind_text(statement, 13, r->status);
        bind_text(statement, 14, fingerprint);
        st = step_done(h, statement, err);
    }
    sqlite3_finalize(statement);
    return st;
}

radz_status radz_history_add(radz_history *h, const radz_results *results, int64_t added, const char *note, bool *added_now,
                             radz_error *err)
{
    *added_now = false;
    sqlite3_stmt *statement = NULL;
    radz_status st = run_sql(h, "BEGIN IMMEDIATE", "writing", err);
    if (st != RADZ_OK)
        return st;
    st = prepare(h, "INSERT OR IGNORE INTO runs (run, added, suite, command, program, note) VALUES (?,?,?,?,?,?)", &statement,
                 err);
    if (st == RADZ_OK) {
        bind_text(statement, 1, results->run_id);
        sqlite3_bind_int64(statement, 2, added);
        bind_text(statement, 3, results->suite);
        bind_text(statement, 4, results->command);
        bind_text(statement, 5, fact_of(results, "program"));
        bind_text(statement, 6, note);
        st = step_done(h, statement, err);
    }
    sqlite3_finalize(statement);
    if (st == RADZ_OK && sqlite3_changes(h->db) > 0) {
        *added_now = true;
        st = add_figures(h, results, sqlite3_last_insert_rowid(h->db), err);
    }
    if (st == RADZ_OK)
        st = run_sql(h, "COMMIT", "writing", err);
    if (st != RADZ_OK) {
        *added_now = false;
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL); /* the error is known already */
    }
    return st;
}

/* ---- reading ---- */

/* Adds " AND column = ?" for each member that filters, and collects the values in order. */
static radz_status add_filter(const radz_history_filter *f, bool figures, radz_strbuf *sql, const char **values, size_t *n,
                              radz_error *err)
{
    const struct {
        const char *column, *value;
        bool of_figures;
    } parts[] = {{"r.suite", f->suite, false},   {"f.dataset", f->dataset, true},    {"f.model", f->model, true},
                 {"f.scorer", f->scorer, true},  {"f.class", f->class_name, true},   {"f.metric", f->metric, true}};
    radz_status st = RADZ_OK;
    *n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && st == RADZ_OK; i++) {
        if (parts[i].value == NULL || parts[i].value[0] == '\0' || (parts[i].of_figures && !figures))
            continue;
        st = radz_strbuf_printf(sql, err, " AND %s = ?", parts[i].column);
        values[(*n)++] = parts[i].value;
    }
    return st;
}

static radz_status prepare_filtered(radz_history *h, const radz_history_filter *filter, bool figures, const char *head,
                                    const char *tail, sqlite3_stmt **out, radz_error *err)
{
    const char *values[6];
    size_t n = 0;
    radz_strbuf sql = {0};
    radz_status st = radz_strbuf_puts(&sql, head, err);
    if (st == RADZ_OK)
        st = add_filter(filter, figures, &sql, values, &n, err);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(&sql, tail, err);
    if (st == RADZ_OK)
        st = prepare(h, sql.text, out, err);
    for (size_t i = 0; i < n && st == RADZ_OK; i++)
        bind_text(*out, (int)i + 1, values[i]);
    radz_strbuf_free(&sql);
    return st;
}

radz_status radz_history_runs(radz_history *h, const radz_history_filter *filter,
                              radz_status (*one)(void *context, const radz_history_run *run, radz_error *err), void *context,
                              radz_error *err)
{
    sqlite3_stmt *statement = NULL;
    radz_status st = prepare_filtered(h, filter, false,
                                      "SELECT r.id, r.added, r.run, r.suite, r.program, r.note,"
                                      " (SELECT count(*) FROM figures f WHERE f.run_id = r.id) FROM runs r WHERE 1",
                                      " ORDER BY r.added, r.id", &statement, err);
    int step = SQLITE_DONE;
    while (st == RADZ_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        radz_history_run run = {.id = sqlite3_column_int64(statement, 0),
                                .added = sqlite3_column_int64(statement, 1),
                                .run = text_at(statement, 2),
                                .suite = text_at(statement, 3),
                                .program = text_at(statement, 4),
                                .note = (const char *)sqlite3_column_text(statement, 5),
                                .figures = (uint64_t)sqlite3_column_int64(statement, 6)};
        st = one(context, &run, err);
    }
    if (st == RADZ_OK && step != SQLITE_DONE)
        st = fail(h, "reading", err);
    sqlite3_finalize(statement);
    return st;
}

radz_status radz_history_points(radz_history *h, const radz_history_filter *filter,
                                radz_status (*one)(void *context, const radz_history_point *point, radz_error *err),
                                void *context, radz_error *err)
{
    sqlite3_stmt *statement = NULL;
    radz_status st = prepare_filtered(h, filter, true,
                                      "SELECT r.added, r.run, f.dataset, f.split, f.model, f.scorer, f.protocol, f.class, f.metric,"
                                      " f.status, f.fingerprint, f.n, f.value, f.ci_low, f.ci_high"
                                      " FROM figures f JOIN runs r ON r.id = f.run_id WHERE 1",
                                      " ORDER BY f.metric, f.class, f.dataset, f.split, f.model, f.scorer, f.protocol, r.added,"
                                      " r.id", &statement, err);
    int step = SQLITE_DONE;
    while (st == RADZ_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        radz_history_point p = {.added = sqlite3_column_int64(statement, 0),
                                .run = text_at(statement, 1),
                                .dataset = text_at(statement, 2),
                                .split = text_at(statement, 3),
                                .model = text_at(statement, 4),
                                .scorer = text_at(statement, 5),
                                .protocol = text_at(statement, 6),
                                .class_name = text_at(statement, 7),
                                .metric = text_at(statement, 8),
                                .status = text_at(statement, 9),
                                .fingerprint = text_at(statement, 10),
                                .n = (uint64_t)sqlite3_column_int64(statement, 11),
                                .value = real_at(statement, 12),
                                .ci_low = real_at(statement, 13),
                                .ci_high = real_at(statement, 14)};
        st = one(context, &p, err);
    }
    if (st == RADZ_OK && step != SQLITE_DONE)
        st = fail(h, "reading", err);
    sqlite3_finalize(statement);
    return st;
}

/* ---- pruning ---- */

radz_status radz_history_prune(radz_history *h, int64_t before, uint64_t keep, uint64_t *removed, radz_error *err)
{
    *removed = 0;
    sqlite3_stmt *statement = NULL;
    radz_status st = prepare(h,
                             "DELETE FROM runs WHERE id != (SELECT id FROM runs ORDER BY added DESC, id DESC LIMIT 1) AND"
                             " (added < ?1 OR (?2 > 0 AND id NOT IN (SELECT id FROM runs ORDER BY added DESC, id DESC LIMIT ?2)))",
                             &statement, err);
    if (st == RADZ_OK) {
        sqlite3_bind_int64(statement, 1, before > 0 ? before : INT64_MIN);
        sqlite3_bind_int64(statement, 2, keep > INT64_MAX ? INT64_MAX : (int64_t)keep);
        st = step_done(h, statement, err);
    }
    sqlite3_finalize(statement);
    if (st == RADZ_OK)
        *removed = (uint64_t)sqlite3_changes64(h->db);
    if (st == RADZ_OK && *removed > 0)
        st = run_sql(h, "VACUUM", "writing", err);
    return st;
}

#include "train/training_loop.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "train/checkpoint.h"
#include "train/schedule.h"

static const double REPORT_SECONDS = 10; /* between two lines for people */

typedef struct running {
    const training_loop *loop;
    Scope *scope; /* of one micro-batch */
    char *checkpoint, *log_path;
    FILE *log;
    double told[TRAINING_MAX_COLUMNS]; /* of the last step */
} running;

radz_status training_check(const radz_train_options *o, radz_error *err)
{
    TDevice device;
    radz_status st = t_device_parse(o->device, &device, err);
    if (st == RADZ_OK)
        st = t_device_check(device, err);
    if (st != RADZ_OK)
        return st;
    if (o->steps < 1 || o->batch < 1 || o->accumulate < 1)
        return radz_fail(err, RADZ_E_VALUE, "%" PRId64 " steps of %" PRId64 " x %" PRId64 " images: wanted at least 1 of each",
                         o->steps, o->accumulate, o->batch);
    if (o->warmup < 0 || o->warmup > o->steps)
        return radz_fail(err, RADZ_E_VALUE, "%" PRId64 " steps of warm-up in a training of %" PRId64, o->warmup, o->steps);
    return RADZ_OK;
}

/* Large tensors come and go in every step. As glibc is set up they are mapped and unmapped each time, and the kernel
 * spends a third of the training clearing pages; keeping them in the heap costs nothing but address space. */
void training_keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
}

/* ---- the log ---- */

static radz_status put_header(const training_loop *loop, radz_strbuf *out, radz_error *err)
{
    radz_status st = radz_strbuf_puts(out, "step,loss,", err);
    for (size_t i = 0; i < loop->column_count && st == RADZ_OK; i++)
        st = radz_strbuf_printf(out, err, "%s,", loop->columns[i]);
    return st == RADZ_OK ? radz_strbuf_puts(out, "learning_rate,gradient_norm,validation,seconds\n", err) : st;
}

/* Keeps the lines of steps up to the checkpoint, then leaves the file open for more. */
static radz_status open_log(running *r, radz_error *err)
{
    char *old = NULL;
    size_t size = 0;
    radz_strbuf kept = {0};
    int64_t step = r->loop->optimizer->step;
    radz_status st = put_header(r->loop, &kept, err);
    if (st == RADZ_OK && step > 0 && radz_file_exists(r->log_path))
        st = radz_file_read(r->log_path, (size_t)1 << 30, &old, &size, err);
    for (char *line = old != NULL ? strchr(old, '\n') : NULL; st == RADZ_OK && line != NULL && line[1] != '\0';) {
        char *start = line + 1, *end = strchr(start, '\n');
        if (end == NULL || strtoll(start, NULL, 10) > step)
            break; /* a line cut short by a crash, or steps that are going to be taken again */
        st = radz_strbuf_append(&kept, start, (size_t)(end + 1 - start), err);
        line = end;
    }
    if (st == RADZ_OK)
        st = radz_file_write(r->log_path, kept.text, kept.length, err);
    if (st == RADZ_OK) {
        r->log = fopen(r->log_path, "a");
        if (r->log == NULL)
            st = radz_fail(err, RADZ_E_IO, "'%s': %s", r->log_path, strerror(errno));
    }
    free(old);
    radz_strbuf_free(&kept);
    return st;
}

static radz_status log_step(running *r, double loss, double rate, double norm, double validation, double seconds, radz_error *err)
{
    const training_loop *loop = r->loop;
    fprintf(r->log, "%" PRId64 ",%.6f,", loop->optimizer->step, loss);
    for (size_t i = 0; i < loop->column_count; i++)
        fprintf(r->log, "%.6f,", r->told[i]);
    fprintf(r->log, "%.6g,%.5g,", rate, norm);
    if (isfinite(validation))
        fprintf(r->log, "%.5f", validation);
    fprintf(r->log, ",%.1f\n", seconds);
    return fflush(r->log) == 0 ? RADZ_OK : radz_fail(err, RADZ_E_IO, "'%s': %s", r->log_path, strerror(errno));
}

/* ---- one step ---- */

static radz_status micro_batch(running *r, int64_t number, double *loss_value, radz_error *err)
{
    const training_loop *loop = r->loop;
    int64_t parts = loop->options->accumulate;
    Scope *s = r->scope;
    Tensor *loss = NULL;
    double told[TRAINING_MAX_COLUMNS] = {0};
    radz_status st = loop->loss(loop->context, s, number, &loss, told, err);
    if (st == RADZ_OK) {
        *loss_value += t_item(s, loss) / (double)parts;
        for (size_t i = 0; i < loop->column_count; i++)
            r->told[i] += told[i] / (double)parts;
        t_backward(s, parts > 1 ? t_scale(s, loss, 1.0 / (double)parts) : loss);
        st = scope_error(s, err);
    }
    scope_clear(s);
    return st;
}

static radz_status take_step(running *r, double rate, double *loss, double *norm, radz_error *err)
{
    const training_loop *loop = r->loop;
    const radz_train_options *o = loop->options;
    optimizer *opt = loop->optimizer;
    Scope *s = r->scope;
    radz_status st = RADZ_OK;
    *loss = 0;
    memset(r->told, 0, sizeof r->told);
    for (int64_t k = 0; k < o->accumulate && st == RADZ_OK; k++)
        st = micro_batch(r, opt->step * o->accumulate + k, loss, err);
    if (st == RADZ_OK) {
        *norm = o->clip_norm > 0 ? t_clip_grad_norm(s, opt->parameters, opt->count, o->clip_norm)
                                 : t_grad_norm(s, opt->parameters, opt->count);
        st = scope_error(s, err);
    }
    if (st == RADZ_OK && !(isfinite(*loss) && isfinite(*norm)))
        st = radz_fail(err, RADZ_E_VALUE,
                       "the loss is %g and the gradient's norm %g at step %" PRId64
                       ": the training has diverged (a lower learning rate or a longer warm-up may help)",
                       *loss, *norm, opt->step + 1);
    if (st == RADZ_OK)
        st = optimizer_step(opt, rate, err);
    if (st == RADZ_OK && loop->constrain != NULL) {
        loop->constrain(loop->context, s);
        st = scope_error(s, err);
    }
    t_zero_grad(s, opt->parameters, opt->count);
    scope_clear(s);
    return st;
}

/* ---- the loop ---- */

static radz_status tell(const running *r, double loss, double rate, double norm, double value, double per_step, radz_error *err)
{
    const training_loop *loop = r->loop;
    const radz_train_options *o = loop->options;
    int64_t step = loop->optimizer->step;
    radz_strbuf line = {0};
    radz_status st = radz_strbuf_printf(&line, err, "step %" PRId64 "/%" PRId64 "  loss %.4f", step, o->steps, loss);
    for (size_t i = 0; i < loop->column_count && st == RADZ_OK; i++)
        st = radz_strbuf_printf(&line, err, "  %s %.4g", loop->columns[i], r->told[i]);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&line, err, "  rate %.2e  gradient %.3f  %.1f images/s  %.0f min left", rate, norm,
                                (double)(o->batch * o->accumulate) / per_step, per_step * (double)(o->steps - step) / 60);
    if (st == RADZ_OK && isfinite(value))
        st = radz_strbuf_printf(&line, err, "  validation %.5f", value);
    if (st == RADZ_OK)
        radz_info("%s", line.text);
    radz_strbuf_free(&line);
    return st;
}

static radz_status run(running *r, radz_error *err)
{
    const training_loop *loop = r->loop;
    const radz_train_options *o = loop->options;
    optimizer *opt = loop->optimizer;
    radz_status st = RADZ_OK;
    int64_t first = opt->step, last = o->steps;
    if (o->stop_after > 0 && first + o->stop_after < last)
        last = first + o->stop_after;
    radz_progress progress;
    radz_progress_begin(&progress, "train", "steps", (size_t)(o->steps - first));
    double begun = radz_clock_seconds(), reported = begun, validated = 0;
    while (opt->step < last && st == RADZ_OK) {
        double loss = 0, norm = 0, value = NAN;
        double rate = schedule_rate(o->learning_rate, o->final_rate, o->warmup, o->steps, opt->step);
        if ((st = take_step(r, rate, &loss, &norm, err)))
            break;
        bool end = opt->step == o->steps, stop = radz_cancelled();
        bool due = end || (o->validate_every > 0 && opt->step % o->validate_every == 0);
        if (due && !stop && loop->validate != NULL) {
            double before = radz_clock_seconds();
            st = loop->validate(loop->context, opt->step, &value, err);
            validated += radz_clock_seconds() - before;
        }
        double now = radz_clock_seconds();
        if (st == RADZ_OK)
            st = log_step(r, loss, rate, norm, value, now - begun, err);
        if (st == RADZ_OK && (now - reported >= REPORT_SECONDS || opt->step == first + 1 || opt->step == last || isfinite(value))) {
            reported = now;
            st = tell(r, loss, rate, norm, value, (now - begun - validated) / (double)(opt->step - first), err);
        }
        radz_progress_step(&progress, 1);
        bool keep = opt->step == last || (o->checkpoint_every > 0 && opt->step % o->checkpoint_every == 0);
        if (st == RADZ_OK && keep)
            st = checkpoint_write(r->checkpoint, opt, loop->names, o->recipe, err);
        if (st == RADZ_OK && stop && opt->step < o->steps)
            st = radz_fail_interrupted(err);
    }
    if (st == RADZ_E_INTERRUPTED && opt->step > first) { /* wherever it was noticed */
        radz_error late = {0};
        if (checkpoint_write(r->checkpoint, opt, loop->names, o->recipe, &late) == RADZ_OK)
            radz_info("interrupted at step %" PRId64 "; the same command continues there", opt->step);
        else
            radz_warn("no checkpoint of step %" PRId64 " was written: %s", opt->step, late.message);
    }
    radz_progress_end(&progress);
    return st;
}

radz_status training_run(const training_loop *loop, bool *done, radz_error *err)
{
    const radz_train_options *o = loop->options;
    running r = {.loop = loop, .checkpoint = radz_path_join(o->work, "checkpoint.safetensors", err),
                 .log_path = radz_path_join(o->work, "log.csv", err)};
    *done = false;
    radz_status st = r.checkpoint == NULL || r.log_path == NULL ? RADZ_E_NOMEM : scope_create(SCOPE_GRAD, &r.scope, err);
    if (st == RADZ_OK && !o->fresh && radz_file_exists(r.checkpoint)) {
        st = checkpoint_read(r.checkpoint, loop->optimizer, loop->names, o->recipe, err);
        if (st == RADZ_OK)
            radz_info("continuing after step %" PRId64 " of '%s'", loop->optimizer->step, r.checkpoint);
    }
    if (st == RADZ_OK)
        st = open_log(&r, err);
    if (st == RADZ_OK)
        st = run(&r, err);
    *done = st == RADZ_OK && loop->optimizer->step == o->steps;
    if (r.log != NULL)
        fclose(r.log);
    scope_free(r.scope);
    free(r.checkpoint);
    free(r.log_path);
    return st;
}

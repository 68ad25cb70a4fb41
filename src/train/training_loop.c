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

/* The loss and what is told beside it, as means over batches. */
typedef struct losses {
    double loss, told[TRAINING_MAX_COLUMNS];
} losses;

/* What was found on the validation split; not a number: not measured. */
typedef struct found {
    losses of;
    double auc;
} found;

typedef struct running {
    const training_loop *loop;
    Scope *scope;      /* of one micro-batch */
    Scope *validation; /* of one batch of the validation split */
    char *checkpoint, *log_path;
    FILE *log;
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
    if (o->validation_batches < 0 || (o->validation_batches > 0 && (o->validation_batch < 1 || o->validation_batch > o->batch)))
        return radz_fail(err, RADZ_E_VALUE, "validation on %" PRId64 " x %" PRId64 " images: wanted 1 to %" PRId64 " in a batch",
                         o->validation_batches, o->validation_batch, o->batch);
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

static bool has_losses(const training_loop *loop)
{
    return loop->options->validation_batches > 0;
}

static radz_status put_header(const training_loop *loop, radz_strbuf *out, radz_error *err)
{
    radz_status st = radz_strbuf_puts(out, "step,loss,", err);
    for (size_t i = 0; i < loop->column_count && st == RADZ_OK; i++)
        st = radz_strbuf_printf(out, err, "%s,", loop->columns[i]);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(out, "learning_rate,gradient_norm,validation,", err);
    if (st == RADZ_OK && has_losses(loop))
        st = radz_strbuf_puts(out, "validation_loss,", err);
    for (size_t i = 0; has_losses(loop) && i < loop->part_count && st == RADZ_OK; i++)
        st = radz_strbuf_printf(out, err, "validation_%s,", loop->columns[i]);
    return st == RADZ_OK ? radz_strbuf_puts(out, "seconds\n", err) : st;
}

/* Field i of a line; its end is a comma or a line break. NULL: the line has fewer. */
static const char *field_at(const char *line, size_t i, size_t *length)
{
    for (; i > 0; i--) {
        line += strcspn(line, ",\n");
        if (*line++ != ',')
            return NULL;
    }
    *length = strcspn(line, ",\n");
    return line;
}

/* Adds a line that was written under the header `from` as it would stand under `to`; what `from` has not is empty. */
static radz_status carry_over(const char *line, const char *from, const char *to, radz_strbuf *out, radz_error *err)
{
    size_t length = 0, other = 0;
    const char *name, *known;
    radz_status st = RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && (name = field_at(to, i, &length)) != NULL; i++) {
        size_t k = 0;
        while ((known = field_at(from, k, &other)) != NULL && (other != length || memcmp(known, name, length) != 0))
            k++;
        const char *value = known != NULL ? field_at(line, k, &other) : NULL;
        st = radz_strbuf_printf(out, err, "%s%.*s", i > 0 ? "," : "", value != NULL ? (int)other : 0, value != NULL ? value : "");
    }
    return st == RADZ_OK ? radz_strbuf_puts(out, "\n", err) : st;
}

/* Keeps the lines of steps up to the checkpoint, then leaves the file open for more. */
static radz_status open_log(running *r, radz_error *err)
{
    char *old = NULL;
    size_t size = 0;
    radz_strbuf kept = {0}, header = {0};
    int64_t step = r->loop->optimizer->step;
    radz_status st = put_header(r->loop, &header, err);
    if (st == RADZ_OK)
        st = radz_strbuf_puts(&kept, header.text, err);
    if (st == RADZ_OK && step > 0 && radz_file_exists(r->log_path))
        st = radz_file_read(r->log_path, (size_t)1 << 30, &old, &size, err);
    for (char *line = old != NULL ? strchr(old, '\n') : NULL; st == RADZ_OK && line != NULL && line[1] != '\0';) {
        char *start = line + 1, *end = strchr(start, '\n');
        if (end == NULL || strtoll(start, NULL, 10) > step)
            break; /* a line cut short by a crash, or steps that are going to be taken again */
        st = carry_over(start, old, header.text, &kept, err);
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
    radz_strbuf_free(&header);
    return st;
}

/* A field that is empty when there is no number. */
static void put_field(FILE *log, int digits, double value)
{
    if (isfinite(value))
        fprintf(log, "%.*f", digits, value);
    fputc(',', log);
}

static radz_status log_step(running *r, const losses *step, double rate, double norm, const found *v, double seconds, radz_error *err)
{
    const training_loop *loop = r->loop;
    fprintf(r->log, "%" PRId64 ",%.6f,", loop->optimizer->step, step->loss);
    for (size_t i = 0; i < loop->column_count; i++)
        fprintf(r->log, "%.6f,", step->told[i]);
    fprintf(r->log, "%.6g,%.5g,", rate, norm);
    put_field(r->log, 5, v->auc);
    if (has_losses(loop))
        put_field(r->log, 6, v->of.loss);
    for (size_t i = 0; has_losses(loop) && i < loop->part_count; i++)
        put_field(r->log, 6, v->of.told[i]);
    fprintf(r->log, "%.1f\n", seconds);
    return fflush(r->log) == 0 ? RADZ_OK : radz_fail(err, RADZ_E_IO, "'%s': %s", r->log_path, strerror(errno));
}

/* ---- one step ---- */

/* Adds one of `count` batches to the means. */
static radz_status run_batch(const training_loop *loop, Scope *s, bool validation, int64_t number, int64_t count, losses *sum,
                             Tensor **loss, radz_error *err)
{
    double told[TRAINING_MAX_COLUMNS] = {0};
    radz_status st = loop->loss(loop->context, s, validation, number, loss, told, err);
    if (st != RADZ_OK)
        return st;
    sum->loss += t_item(s, *loss) / (double)count;
    for (size_t i = 0; i < loop->column_count; i++)
        sum->told[i] += told[i] / (double)count;
    return scope_error(s, err);
}

static radz_status micro_batch(running *r, int64_t number, losses *sum, radz_error *err)
{
    int64_t parts = r->loop->options->accumulate;
    Scope *s = r->scope;
    Tensor *loss = NULL;
    radz_status st = run_batch(r->loop, s, false, number, parts, sum, &loss, err);
    if (st == RADZ_OK) {
        t_backward(s, parts > 1 ? t_scale(s, loss, 1.0 / (double)parts) : loss);
        st = scope_error(s, err);
    }
    scope_clear(s);
    return st;
}

static radz_status take_step(running *r, double rate, losses *sum, double *norm, radz_error *err)
{
    const training_loop *loop = r->loop;
    const radz_train_options *o = loop->options;
    optimizer *opt = loop->optimizer;
    Scope *s = r->scope;
    radz_status st = RADZ_OK;
    *sum = (losses){0};
    for (int64_t k = 0; k < o->accumulate && st == RADZ_OK; k++)
        st = micro_batch(r, opt->step * o->accumulate + k, sum, err);
    if (st == RADZ_OK) {
        *norm = o->clip_norm > 0 ? t_clip_grad_norm(s, opt->parameters, opt->count, o->clip_norm)
                                 : t_grad_norm(s, opt->parameters, opt->count);
        st = scope_error(s, err);
    }
    if (st == RADZ_OK && !(isfinite(sum->loss) && isfinite(*norm)))
        st = radz_fail(err, RADZ_E_VALUE,
                       "the loss is %g and the gradient's norm %g at step %" PRId64
                       ": the training has diverged (a lower learning rate or a longer warm-up may help)",
                       sum->loss, *norm, opt->step + 1);
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

/* ---- validation ---- */

radz_status training_hand_out(Scope *s, const Tensor *features, float *out, radz_error *err)
{
    t_to_host(s, features, T_F32, out, (size_t)t_numel(features));
    radz_status st = scope_error(s, err);
    scope_free(s);
    return st;
}

static bool validates(const training_loop *loop)
{
    return has_losses(loop) || loop->measure != NULL;
}

static radz_status validate(running *r, found *v, radz_error *err)
{
    const training_loop *loop = r->loop;
    losses sum = {0};
    int64_t batches = loop->options->validation_batches;
    radz_status st = RADZ_OK;
    for (int64_t k = 0; k < batches && st == RADZ_OK; k++) {
        Tensor *loss = NULL;
        st = run_batch(loop, r->validation, true, k, batches, &sum, &loss, err);
        scope_clear(r->validation);
        if (st == RADZ_OK && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    if (st == RADZ_OK && batches > 0)
        v->of = sum;
    if (st == RADZ_OK && loop->measure != NULL)
        st = loop->measure(loop->context, loop->optimizer->step, &v->auc, err);
    return st;
}

/* ---- the loop ---- */

static radz_status tell(const running *r, const losses *step, double rate, double norm, const found *v, double per_step, radz_error *err)
{
    const training_loop *loop = r->loop;
    const radz_train_options *o = loop->options;
    int64_t at = loop->optimizer->step;
    radz_strbuf line = {0};
    radz_status st = radz_strbuf_printf(&line, err, "step %" PRId64 "/%" PRId64 "  loss %.4f", at, o->steps, step->loss);
    for (size_t i = 0; i < loop->column_count && st == RADZ_OK; i++)
        st = radz_strbuf_printf(&line, err, "  %s %.4g", loop->columns[i], step->told[i]);
    if (st == RADZ_OK)
        st = radz_strbuf_printf(&line, err, "  rate %.2e  gradient %.3f  %.1f images/s  %.0f min left", rate, norm,
                                (double)(o->batch * o->accumulate) / per_step, per_step * (double)(o->steps - at) / 60);
    if (st == RADZ_OK && isfinite(v->of.loss))
        st = radz_strbuf_printf(&line, err, "  validation loss %.4f", v->of.loss);
    for (size_t i = 0; isfinite(v->of.loss) && i < loop->part_count && st == RADZ_OK; i++)
        st = radz_strbuf_printf(&line, err, "  %s %.4g", loop->columns[i], v->of.told[i]);
    if (st == RADZ_OK && isfinite(v->auc))
        st = radz_strbuf_printf(&line, err, "  validation AUC %.5f", v->auc);
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
        losses step;
        found v = {.of = {.loss = NAN}, .auc = NAN};
        double norm = 0, rate = schedule_rate(o->learning_rate, o->final_rate, o->warmup, o->steps, opt->step);
        for (size_t i = 0; i < TRAINING_MAX_COLUMNS; i++)
            v.of.told[i] = NAN;
        if ((st = take_step(r, rate, &step, &norm, err)))
            break;
        bool end = opt->step == o->steps, stop = radz_cancelled();
        bool due = validates(loop) && !stop && (end || (o->validate_every > 0 && opt->step % o->validate_every == 0));
        if (due) {
            double before = radz_clock_seconds();
            st = validate(r, &v, err);
            validated += radz_clock_seconds() - before;
        }
        double now = radz_clock_seconds();
        if (st == RADZ_OK || st == RADZ_E_INTERRUPTED) { /* in the validation: the step itself has been taken */
            radz_status logged = log_step(r, &step, rate, norm, &v, now - begun, st == RADZ_OK ? err : NULL);
            st = st == RADZ_OK ? logged : st;
        }
        if (st == RADZ_OK && (now - reported >= REPORT_SECONDS || opt->step == first + 1 || opt->step == last || due)) {
            reported = now;
            st = tell(r, &step, rate, norm, &v, (now - begun - validated) / (double)(opt->step - first), err);
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
    if (st == RADZ_OK)
        st = scope_create(SCOPE_INFERENCE, &r.validation, err);
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
    scope_free(r.validation);
    free(r.checkpoint);
    free(r.log_path);
    return st;
}

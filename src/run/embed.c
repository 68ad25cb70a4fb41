#include "run/embed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/workers.h"
#include "data/archive.h"
#include "image/picture.h"
#include "image/preprocess.h"

typedef struct prepared_image {
    size_t index;
    float *pixels; /* [3, H, W] */
} prepared_image;

typedef struct embed_job {
    const radz_image_work *work;
    radz_memo *memo;
    const radz_embed_input *input;
    radz_embed_output *out;
    radz_picture_options options; /* of the recipe */
    radz_queue *free_images, *ready_images; /* of prepared_image * */
    radz_progress progress;

    pthread_mutex_t lock; /* of what follows */
    size_t next;          /* index of the next image to look at */
    int working;          /* workers that have not ended */
    bool stopped;
    size_t error_index;   /* of the image that `error` is about */
    radz_error error;
} embed_job;

typedef struct embed_worker {
    embed_job *job;
    radz_preprocessor *preprocessor;
    radz_picture picture;
    radz_open_archives archives;
    double seconds;
} embed_worker;

/* Keeps the error of the smallest index: images are handed out in order, so that one is reached whatever the threads. */
static void stop_at(embed_job *job, size_t index, const radz_error *error)
{
    pthread_mutex_lock(&job->lock);
    if (!job->stopped || index < job->error_index) {
        job->error_index = index;
        job->error = *error;
    }
    job->stopped = true;
    pthread_mutex_unlock(&job->lock);
}

static void note_skip(embed_job *job, size_t index, const radz_error *error)
{
    radz_error grow_error = {0};
    pthread_mutex_lock(&job->lock);
    radz_embed_output *out = job->out;
    radz_status st = radz_grow(&out->skips, &out->skips_capacity, out->n_skips + 1, sizeof *out->skips, &grow_error);
    char *reason = st == RADZ_OK ? radz_strdup(error->message, &grow_error) : NULL;
    if (reason != NULL)
        out->skips[out->n_skips++] = (radz_embed_skip){index, reason};
    pthread_mutex_unlock(&job->lock);
    if (reason == NULL)
        stop_at(job, index, &grow_error);
}

/* The content hash of an image, without reading it where the memo knows it. `*data` is the file where it was read. */
static radz_status image_key(embed_worker *worker, const char *path, unsigned char key[RADZ_CACHE_KEY_SIZE], char **data,
                             size_t *size, radz_error *err)
{
    embed_job *job = worker->job;
    radz_memo_file file;
    bool known = false;
    char hex[RADZ_SHA256_HEX_SIZE];
    radz_status st = radz_memo_look(path, &file, err);
    if (st == RADZ_OK && job->memo != NULL)
        st = radz_memo_find(job->memo, path, &file, key, &known, err);
    if (st != RADZ_OK || known)
        return st;
    st = radz_archives_read(&worker->archives, path, job->options.limits.max_bytes, data, size, err);
    if (st == RADZ_OK)
        st = radz_sha256_data(*data, *size, hex, err);
    if (st == RADZ_OK && !radz_key_from_hex(hex, key))
        st = radz_fail(err, RADZ_E_INTERNAL, "a SHA-256 of odd form: '%s'", hex);
    if (st == RADZ_OK && job->memo != NULL)
        st = radz_memo_keep(job->memo, path, &file, key, err);
    return st;
}

/* One image: known to the cache, or decoded and handed to the encoder. */
static radz_status look_at(embed_worker *worker, size_t index, radz_error *err)
{
    embed_job *job = worker->job;
    const char *path = job->input->paths[index];
    unsigned char *key = job->out->keys + index * RADZ_CACHE_KEY_SIZE;
    char *data = NULL;
    size_t size = 0;
    bool cached = false;
    prepared_image *image = NULL;
    void *free_item = NULL;

    radz_status st = image_key(worker, path, key, &data, &size, err);
    if (st == RADZ_OK)
        st = job->work->known(job->work->context, index, key, &cached, err);
    if (st != RADZ_OK || cached)
        goto done;
    if (data == NULL)
        st = radz_archives_read(&worker->archives, path, job->options.limits.max_bytes, &data, &size, err);
    if (st == RADZ_OK)
        st = radz_picture_decode(data, size, path, &job->options, &worker->picture, err);
    if (st != RADZ_OK || !radz_queue_pop(job->free_images, &free_item))
        goto done; /* a closed queue: the run is ending */
    image = free_item;
    image->index = index;
    st = radz_preprocess(worker->preprocessor, &worker->picture, image->pixels, err);
    radz_queue_push(st == RADZ_OK ? job->ready_images : job->free_images, image);
done:
    free(data);
    if (st == RADZ_OK && cached) {
        pthread_mutex_lock(&job->lock);
        job->out->n_cached++;
        pthread_mutex_unlock(&job->lock);
        radz_progress_step(&job->progress, 1);
    }
    return st;
}

static bool next_index(embed_job *job, size_t *index)
{
    pthread_mutex_lock(&job->lock);
    bool more = !job->stopped && !radz_cancelled() && job->next < job->input->n;
    if (more)
        *index = job->next++;
    pthread_mutex_unlock(&job->lock);
    return more;
}

static void *decode_images(void *argument)
{
    embed_worker *worker = argument;
    embed_job *job = worker->job;
    size_t index;
    while (next_index(job, &index)) {
        radz_error error = {0};
        double begun = radz_clock_seconds();
        job->out->usable[index] = true;
        radz_status st = look_at(worker, index, &error);
        worker->seconds += radz_clock_seconds() - begun;
        if (st == RADZ_OK)
            continue;
        job->out->usable[index] = false;
        /* only what is wrong with the image itself can be skipped */
        bool of_the_image = st == RADZ_E_FORMAT || st == RADZ_E_VALUE || st == RADZ_E_UNSUPPORTED || st == RADZ_E_MISSING ||
                            st == RADZ_E_IO;
        if (of_the_image && job->input->skip_bad) {
            note_skip(job, index, &error);
            radz_progress_step(&job->progress, 1);
        } else {
            (void)radz_prefix(&error, "image '%s'", job->input->names[index]);
            stop_at(job, index, &error);
        }
    }
    pthread_mutex_lock(&job->lock);
    bool last = --job->working == 0;
    pthread_mutex_unlock(&job->lock);
    if (last)
        radz_queue_close(job->ready_images);
    return NULL;
}

typedef struct batch_buffers {
    float *pixels;       /* [batch, 3, H, W] */
    unsigned char *keys; /* [batch, 32] */
    size_t *indices;     /* [batch] */
} batch_buffers;

static radz_status encode_batch(embed_job *job, const batch_buffers *b, size_t count, radz_error *err)
{
    double begun = radz_clock_seconds();
    radz_status st = job->work->compute(job->work->context, b->pixels, b->indices, b->keys, count, err);
    job->out->encode_seconds += radz_clock_seconds() - begun;
    if (st == RADZ_OK) {
        job->out->n_encoded += count;
        radz_progress_step(&job->progress, count);
    }
    return st;
}

/* The encoder's side: gathers prepared images into batches until the workers have ended. */
static radz_status encode_images(embed_job *job, const batch_buffers *b, radz_error *err)
{
    size_t batch = job->work->batch, floats = job->work->pixels_per_image;
    size_t filled = 0;
    radz_status st = RADZ_OK;
    void *item;
    while (radz_queue_pop(job->ready_images, &item)) {
        prepared_image *image = item;
        if (st == RADZ_OK) {
            memcpy(b->pixels + filled * floats, image->pixels, floats * sizeof(float));
            memcpy(b->keys + filled * RADZ_CACHE_KEY_SIZE, job->out->keys + image->index * RADZ_CACHE_KEY_SIZE,
                   RADZ_CACHE_KEY_SIZE);
            b->indices[filled] = image->index;
            filled++;
        }
        radz_queue_push(job->free_images, image);
        if (filled == batch) {
            st = encode_batch(job, b, filled, err);
            filled = 0;
        }
        if (st != RADZ_OK) { /* keep emptying the queue, so that the workers can end */
            pthread_mutex_lock(&job->lock);
            job->stopped = true;
            job->error_index = 0;
            if (err != NULL)
                job->error = *err;
            pthread_mutex_unlock(&job->lock);
        }
    }
    if (st == RADZ_OK && filled > 0)
        st = encode_batch(job, b, filled, err);
    return st;
}

static int by_index(const void *a, const void *b)
{
    const radz_embed_skip *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

static radz_status run_job(embed_job *job, embed_worker *workers, int threads, const batch_buffers *buffers,
                           radz_error *err)
{
    pthread_t *handles = radz_calloc((size_t)threads, sizeof *handles, err);
    if (handles == NULL)
        return RADZ_E_NOMEM;
    int started = 0;
    job->working = threads;
    while (started < threads && pthread_create(&handles[started], NULL, decode_images, &workers[started]) == 0)
        started++;
    if (started < threads) {
        pthread_mutex_lock(&job->lock);
        job->working -= threads - started;
        bool none = job->working == 0;
        pthread_mutex_unlock(&job->lock);
        if (none)
            radz_queue_close(job->ready_images);
    }
    radz_status st = started == 0 ? radz_fail(err, RADZ_E_NOMEM, "no thread could be started") : RADZ_OK;
    if (started > 0)
        st = encode_images(job, buffers, err);
    radz_queue_close(job->free_images);
    for (int i = 0; i < started; i++) {
        pthread_join(handles[i], NULL);
        job->out->decode_seconds += workers[i].seconds;
    }
    free(handles);
    if (st == RADZ_OK && job->error.code != RADZ_OK) {
        st = job->error.code;
        if (err != NULL && err->code == RADZ_OK)
            *err = job->error;
    }
    if (st == RADZ_OK && radz_cancelled() && job->next < job->input->n)
        st = radz_fail_interrupted(err);
    return st;
}

radz_status radz_work_images(const radz_image_work *work, radz_memo *memo, const radz_embed_input *input,
                             radz_embed_output *out, radz_error *err)
{
    *out = (radz_embed_output){.n = input->n};
    int threads = input->threads < 1 ? 1 : input->threads;
    size_t n_buffers = 2 * work->batch + (size_t)threads;
    embed_job job = {.work = work, .memo = memo, .input = input, .out = out,
                     .options = {RADZ_PICTURE_LIMITS, *radz_recipe_decoding(work->recipe)}};
    pthread_mutex_init(&job.lock, NULL);
    double begun = radz_clock_seconds();
    embed_worker *workers = radz_calloc((size_t)threads, sizeof *workers, err);
    prepared_image *images = radz_calloc(n_buffers, sizeof *images, err);
    float *pixels = radz_calloc(n_buffers * work->pixels_per_image, sizeof(float), err);
    batch_buffers buffers = {
        .pixels = radz_calloc(work->batch * work->pixels_per_image, sizeof(float), err),
        .keys = radz_calloc(work->batch, RADZ_CACHE_KEY_SIZE, err),
        .indices = radz_calloc(work->batch, sizeof(size_t), err),
    };
    out->keys = radz_calloc(input->n, RADZ_CACHE_KEY_SIZE, err);
    out->usable = radz_calloc(input->n, sizeof *out->usable, err);
    radz_status st = RADZ_E_NOMEM;
    if (workers == NULL || images == NULL || pixels == NULL || buffers.pixels == NULL || buffers.keys == NULL ||
        buffers.indices == NULL || out->keys == NULL || out->usable == NULL)
        goto done;
    st = radz_queue_create(n_buffers, &job.free_images, err);
    if (st == RADZ_OK)
        st = radz_queue_create(n_buffers, &job.ready_images, err);
    for (int i = 0; st == RADZ_OK && i < threads; i++) {
        workers[i].job = &job;
        st = radz_preprocessor_create(work->recipe, &workers[i].preprocessor, err);
    }
    if (st != RADZ_OK)
        goto done;
    for (size_t i = 0; i < n_buffers; i++) {
        images[i].pixels = pixels + i * work->pixels_per_image;
        radz_queue_push(job.free_images, &images[i]);
    }
    radz_progress_begin(&job.progress, work->title, "images", input->n);
    st = run_job(&job, workers, threads, &buffers, err);
    radz_progress_end(&job.progress);
    if (out->n_skips > 1)
        qsort(out->skips, out->n_skips, sizeof *out->skips, by_index);

    /* whatever happened, what was encoded is kept */
    radz_error flush_error = {0};
    radz_status kept = work->flush(work->context, &flush_error);
    if (kept == RADZ_OK && memo != NULL)
        kept = radz_memo_flush(memo, &flush_error);
    if (st == RADZ_OK && kept != RADZ_OK) {
        st = kept;
        if (err != NULL)
            *err = flush_error;
    }
done:
    for (int i = 0; workers != NULL && i < threads; i++) {
        radz_preprocessor_free(workers[i].preprocessor);
        radz_picture_free(&workers[i].picture);
        radz_archives_close(&workers[i].archives);
    }
    radz_queue_free(job.free_images);
    radz_queue_free(job.ready_images);
    pthread_mutex_destroy(&job.lock);
    free(workers);
    free(images);
    free(pixels);
    free(buffers.pixels);
    free(buffers.keys);
    free(buffers.indices);
    out->seconds = radz_clock_seconds() - begun;
    return st;
}

/* ---- embeddings ---- */

typedef struct embedding {
    radz_encoder *encoder;
    radz_store *store;
    float *rows; /* [batch, d] */
} embedding;

static radz_status embedding_known(void *context, size_t index, const unsigned char *key, bool *known, radz_error *err)
{
    (void)index;
    return radz_store_lookup(((embedding *)context)->store, key, 1, NULL, known, err);
}

static radz_status embedding_compute(void *context, const float *pixels, const size_t *indices, const unsigned char *keys,
                                     size_t n, radz_error *err)
{
    (void)indices;
    embedding *e = context;
    radz_status st = radz_encoder_images(e->encoder, pixels, n, e->rows, err);
    return st == RADZ_OK ? radz_store_append(e->store, keys, e->rows, n, err) : st;
}

static radz_status embedding_flush(void *context, radz_error *err)
{
    return radz_store_flush(((embedding *)context)->store, err);
}

radz_status radz_embed_images(radz_encoder *encoder, radz_store *store, radz_memo *memo, const radz_embed_input *input,
                              radz_embed_output *out, radz_error *err)
{
    const radz_encoder_facts *facts = radz_encoder_info(encoder);
    embedding e = {encoder, store, radz_calloc(facts->batch * facts->dim, sizeof(float), err)};
    *out = (radz_embed_output){0};
    if (e.rows == NULL)
        return RADZ_E_NOMEM;
    radz_image_work work = {
        .context = &e,
        .title = "embed images",
        .batch = facts->batch,
        .recipe = facts->recipe,
        .pixels_per_image = facts->pixels_per_image,
        .known = embedding_known,
        .compute = embedding_compute,
        .flush = embedding_flush,
    };
    radz_status st = radz_work_images(&work, memo, input, out, err);
    free(e.rows);
    return st;
}

void radz_embed_output_free(radz_embed_output *out)
{
    for (size_t i = 0; i < out->n_skips; i++)
        free(out->skips[i].reason);
    free(out->skips);
    free(out->keys);
    free(out->usable);
    *out = (radz_embed_output){0};
}

radz_status radz_embed_texts(radz_encoder *encoder, radz_store *store, const char *const *texts, size_t n,
                             float *embeddings, radz_error *err)
{
    unsigned char *keys = radz_calloc(n, RADZ_CACHE_KEY_SIZE, err);
    bool *found = radz_calloc(n, sizeof *found, err);
    radz_status st = keys == NULL || found == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t i = 0; st == RADZ_OK && i < n; i++) {
        char hex[RADZ_SHA256_HEX_SIZE];
        st = radz_sha256_data(texts[i], strlen(texts[i]), hex, err);
        if (st == RADZ_OK && !radz_key_from_hex(hex, keys + i * RADZ_CACHE_KEY_SIZE))
            st = radz_fail(err, RADZ_E_INTERNAL, "a SHA-256 of odd form: '%s'", hex);
    }
    if (st == RADZ_OK)
        st = radz_store_lookup(store, keys, n, embeddings, found, err);
    bool all = true;
    for (size_t i = 0; st == RADZ_OK && i < n; i++)
        all = all && found[i];
    if (st == RADZ_OK && !all) { /* prompts are few: all of them at once is simpler than the missing ones */
        st = radz_encoder_texts(encoder, texts, n, embeddings, err);
        if (st == RADZ_OK)
            st = radz_store_append(store, keys, embeddings, n, err);
        if (st == RADZ_OK)
            st = radz_store_flush(store, err);
        /* rows that were there keep their value, so that a run does not depend on who computed what */
        if (st == RADZ_OK)
            st = radz_store_lookup(store, keys, n, embeddings, found, err);
    }
    free(keys);
    free(found);
    return st;
}

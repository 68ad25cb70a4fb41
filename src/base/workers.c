#include "base/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct radz_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void **items;
    size_t capacity, first, count;
    bool closed;
};

radz_status radz_queue_create(size_t capacity, radz_queue **out, radz_error *err)
{
    *out = NULL;
    radz_queue *queue = radz_calloc(1, sizeof *queue, err);
    if (queue == NULL)
        return RADZ_E_NOMEM;
    queue->items = radz_calloc(capacity, sizeof *queue->items, err);
    if (queue->items == NULL) {
        free(queue);
        return RADZ_E_NOMEM;
    }
    queue->capacity = capacity;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    *out = queue;
    return RADZ_OK;
}

void radz_queue_free(radz_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue->items);
    free(queue);
}

bool radz_queue_push(radz_queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && queue->count == queue->capacity)
        pthread_cond_wait(&queue->changed, &queue->lock);
    bool open = !queue->closed;
    if (open) {
        queue->items[(queue->first + queue->count++) % queue->capacity] = item;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return open;
}

bool radz_queue_pop(radz_queue *queue, void **item)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && queue->count == 0)
        pthread_cond_wait(&queue->changed, &queue->lock);
    bool any = queue->count > 0;
    if (any) {
        *item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return any;
}

void radz_queue_close(radz_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

typedef struct parallel_job {
    pthread_mutex_t lock;
    size_t next, count;
    radz_parallel_body body;
    void *context;
    radz_status status;
    radz_error *err;
} parallel_job;

typedef struct parallel_worker {
    parallel_job *job;
    int index;
    pthread_t thread;
} parallel_worker;

static void *work(void *argument)
{
    parallel_worker *worker = argument;
    parallel_job *job = worker->job;
    for (;;) {
        pthread_mutex_lock(&job->lock);
        if (job->status == RADZ_OK && job->next < job->count && radz_cancelled())
            job->status = radz_fail_interrupted(job->err);
        bool more = job->status == RADZ_OK && job->next < job->count;
        size_t i = job->next;
        job->next += more;
        pthread_mutex_unlock(&job->lock);
        if (!more)
            return NULL;
        radz_error err = {0};
        radz_status st = job->body(job->context, i, worker->index, &err);
        if (st != RADZ_OK) {
            pthread_mutex_lock(&job->lock);
            if (job->status == RADZ_OK) {
                job->status = st;
                if (job->err != NULL && job->err->code == RADZ_OK)
                    *job->err = err;
            }
            pthread_mutex_unlock(&job->lock);
        }
    }
}

radz_status radz_parallel_for(size_t count, int threads, radz_parallel_body body, void *context, radz_error *err)
{
    if (threads < 1)
        threads = 1;
    if ((size_t)threads > count && count > 0)
        threads = (int)count;
    parallel_worker *workers = radz_calloc((size_t)threads, sizeof *workers, err);
    if (workers == NULL)
        return RADZ_E_NOMEM;
    parallel_job job = {.count = count, .body = body, .context = context, .err = err};
    pthread_mutex_init(&job.lock, NULL);
    int started = 1;
    for (int i = 0; i < threads; i++)
        workers[i] = (parallel_worker){.job = &job, .index = i};
    /* a thread that cannot be started only means fewer of them: the caller's own always works */
    while (started < threads && pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
        started++;
    work(&workers[0]);
    for (int i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_mutex_destroy(&job.lock);
    free(workers);
    return job.status;
}

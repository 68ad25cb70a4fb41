/* Threads: a bounded queue of pointers, and a parallel loop. */
#ifndef RADZ_BASE_WORKERS_H
#define RADZ_BASE_WORKERS_H

#include "base/status.h"

/* A first-in first-out queue of at most `capacity` pointers between threads. */
typedef struct radz_queue radz_queue;
radz_status radz_queue_create(size_t capacity, radz_queue **out, radz_error *err) RADZ_MUST_USE;
void radz_queue_free(radz_queue *queue);
bool radz_queue_push(radz_queue *queue, void *item);  /* waits for room; false when the queue is closed */
bool radz_queue_pop(radz_queue *queue, void **item);  /* waits for an item; false when closed and empty */
void radz_queue_close(radz_queue *queue);             /* wakes everybody; items already inside can still be popped */

/* Runs body(context, i, worker, err) for every i in [0, count) on `threads` threads (the caller's is one of them), in any
 * order; `worker` is in [0, threads). Stops handing out work at the first failure and returns it; returns
 * RADZ_E_INTERRUPTED on cancellation. */
typedef radz_status (*radz_parallel_body)(void *context, size_t i, int worker, radz_error *err);
radz_status radz_parallel_for(size_t count, int threads, radz_parallel_body body, void *context,
                              radz_error *err) RADZ_MUST_USE;

#endif

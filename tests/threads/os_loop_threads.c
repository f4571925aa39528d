/* Threads that hand work to one loop: each task runs once a post, on the loop, and sees what its poster
 * wrote. Under ThreadSanitizer: `make tsan`. */
#include <pthread.h>
#include <stdio.h>

#include "os/os_loop.h"
#include "util/assert.h"
#include "util/err.h"

enum { POSTERS = 8, ROUNDS = 500 };

struct poster {
    struct os_loop *loop;
    struct os_task task;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ran;
    int written; /* by the thread, before it posts; read on the loop */
    int seen;
};

static int finished;

static void on_loop(void *owner)
{
    struct poster *p = owner;
    ASSERT(p->written == p->seen + 1);
    pthread_mutex_lock(&p->mutex);
    p->seen = p->written;
    pthread_cond_signal(&p->ran);
    pthread_mutex_unlock(&p->mutex);
    if (p->seen == ROUNDS && ++finished == POSTERS)
        os_loop_stop(p->loop);
}

static void *post_all(void *arg)
{
    struct poster *p = arg;
    for (int i = 1; i <= ROUNDS; i++) {
        p->written = i;
        os_loop_post(p->loop, &p->task);
        pthread_mutex_lock(&p->mutex);
        while (p->seen < i)
            pthread_cond_wait(&p->ran, &p->mutex);
        pthread_mutex_unlock(&p->mutex);
    }
    return NULL;
}

int main(void)
{
    static struct poster posters[POSTERS];
    struct os_loop loop;
    ASSERT(os_loop_init(&loop) == OK);
    for (int i = 0; i < POSTERS; i++) {
        struct poster *p = &posters[i];
        p->loop = &loop;
        pthread_mutex_init(&p->mutex, NULL);
        pthread_cond_init(&p->ran, NULL);
        os_task_init(&p->task, on_loop, p);
        ASSERT(pthread_create(&p->thread, NULL, post_all, p) == 0);
    }
    os_loop_run(&loop);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(posters[i].thread, NULL);
    os_loop_deinit(&loop);
    printf("ok   os_loop: %d tasks from %d threads\n", POSTERS * ROUNDS, POSTERS);
    return 0;
}

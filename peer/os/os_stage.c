#include "os/os_stage.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"
#include "util/mem.h"

struct os_stage {
    os_stage_work work;
    void *owner;
    pthread_t thread;
    void *filling; /* the caller's */

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    void *other;
    bool is_given; /* `other` is the thread's */
    bool is_ending;
};

static void *os_stage_run(void *arg)
{
    struct os_stage *s = arg;
    pthread_mutex_lock(&s->mutex);
    for (;;) {
        while (!s->is_given && !s->is_ending)
            pthread_cond_wait(&s->changed, &s->mutex);
        if (!s->is_given)
            break;
        void *slot = s->other;
        pthread_mutex_unlock(&s->mutex);
        s->work(s->owner, slot);
        pthread_mutex_lock(&s->mutex);
        s->is_given = false;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

static void os_stage_free(struct os_stage *s)
{
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}

int os_stage_begin(struct os_stage **out, os_stage_work work, void *owner, void *first,
                   void *second)
{
    struct os_stage *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->work = work;
    s->owner = owner;
    s->filling = first;
    s->other = second;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (pthread_create(&s->thread, NULL, os_stage_run, s) != 0) {
        os_stage_free(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

void *os_stage_next(struct os_stage *s)
{
    pthread_mutex_lock(&s->mutex);
    while (s->is_given)
        pthread_cond_wait(&s->changed, &s->mutex);
    void *done = s->other;
    s->other = s->filling;
    s->is_given = true;
    s->filling = done;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    return done;
}

bool os_stage_is_busy(struct os_stage *s)
{
    pthread_mutex_lock(&s->mutex);
    bool is_busy = s->is_given;
    pthread_mutex_unlock(&s->mutex);
    return is_busy;
}

void os_stage_end(struct os_stage *s)
{
    pthread_mutex_lock(&s->mutex);
    s->is_ending = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    os_stage_free(s);
}

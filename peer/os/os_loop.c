#include "os/os_loop.h"

#include <stddef.h>

#include "os/os_clock.h"
#include "util/assert.h"
#include "util/err.h"

static void os_loop_on_wake(struct ev_loop *ev, ev_async *wake, int events);

int os_loop_init(struct os_loop *loop)
{
    loop->ev = ev_loop_new(EVFLAG_NOENV);
    if (loop->ev == NULL)
        return ERR_IO;
    pthread_mutex_init(&loop->mutex, NULL);
    list_init(&loop->posted);
    list_init(&loop->running);
    ev_async_init(&loop->wake, os_loop_on_wake);
    loop->wake.data = loop;
    ev_async_start(loop->ev, &loop->wake);
    return OK;
}

void os_loop_deinit(struct os_loop *loop)
{
    ev_async_stop(loop->ev, &loop->wake);
    ev_loop_destroy(loop->ev);
    pthread_mutex_destroy(&loop->mutex);
}

void os_loop_run(struct os_loop *loop)
{
    ev_run(loop->ev, 0);
}

void os_loop_run_once(struct os_loop *loop)
{
    ev_run(loop->ev, EVRUN_ONCE);
}

void os_loop_stop(struct os_loop *loop)
{
    ev_break(loop->ev, EVBREAK_ALL);
}

/* ---- timers ---- */

static void os_timer_arm(struct os_timer *t)
{
    uint64_t now_us = os_clock_mono_us();
    uint64_t wait_us = t->at_us > now_us ? t->at_us - now_us : 0;
    ev_timer_set(&t->ev, (double)wait_us / 1e6, 0.);
    ev_timer_start(t->loop->ev, &t->ev);
}

/* libev counts from the time it cached when this turn began, which a long hook leaves behind: so a
 * timer may come early. Then the rest of the wait is set anew. */
static void os_timer_on_ev(struct ev_loop *ev, ev_timer *timer, int events)
{
    (void)ev;
    (void)events;
    struct os_timer *t = timer->data;
    if (os_clock_mono_us() < t->at_us) {
        os_timer_arm(t);
        return;
    }
    t->at_us = MONO_NEVER;
    t->on_fire(t->owner);
}

void os_timer_init(struct os_timer *t, struct os_loop *loop, void (*on_fire)(void *owner),
                   void *owner)
{
    ev_timer_init(&t->ev, os_timer_on_ev, 0., 0.);
    t->ev.data = t;
    t->loop = loop;
    t->at_us = MONO_NEVER;
    t->on_fire = on_fire;
    t->owner = owner;
}

void os_timer_set(struct os_timer *t, uint64_t at_us)
{
    if (at_us == t->at_us)
        return;
    ev_timer_stop(t->loop->ev, &t->ev);
    t->at_us = at_us;
    if (at_us != MONO_NEVER)
        os_timer_arm(t);
}

void os_timer_stop(struct os_timer *t)
{
    os_timer_set(t, MONO_NEVER);
}

/* ---- file descriptors ---- */

static void os_watch_on_ev(struct ev_loop *ev, ev_io *io, int events)
{
    (void)ev;
    struct os_watch *w = io->data;
    int ready = (events & EV_READ ? OS_READ : 0) | (events & EV_WRITE ? OS_WRITE : 0);
    if (events & EV_ERROR)
        ready = w->want; /* the next read or write learns what is wrong */
    ready &= w->want;    /* an event fed earlier may be one that nobody wants any more */
    if (ready != 0)
        w->on_ready(w->owner, ready);
}

void os_watch_init(struct os_watch *w, struct os_loop *loop, int fd,
                   void (*on_ready)(void *owner, int ready), void *owner)
{
    ASSERT(fd >= 0);
    ev_io_init(&w->ev, os_watch_on_ev, fd, 0);
    w->ev.data = w;
    w->loop = loop;
    w->want = 0;
    w->on_ready = on_ready;
    w->owner = owner;
}

void os_watch_set(struct os_watch *w, int want)
{
    if (want == w->want)
        return;
    ev_io_stop(w->loop->ev, &w->ev); /* also forgets an event that is pending */
    w->want = want;
    if (want == 0)
        return;
    ev_io_set(&w->ev, w->ev.fd, (want & OS_READ ? EV_READ : 0) | (want & OS_WRITE ? EV_WRITE : 0));
    ev_io_start(w->loop->ev, &w->ev);
}

void os_watch_feed(struct os_watch *w, int ready)
{
    ev_feed_event(w->loop->ev, &w->ev,
                  (ready & OS_READ ? EV_READ : 0) | (ready & OS_WRITE ? EV_WRITE : 0));
}

/* ---- signals ---- */

static void os_signal_on_ev(struct ev_loop *ev, ev_signal *signal, int events)
{
    (void)ev;
    (void)events;
    struct os_signal *s = signal->data;
    s->on_signal(s->owner);
}

void os_signal_init(struct os_signal *s, struct os_loop *loop, int number,
                    void (*on_signal)(void *owner), void *owner)
{
    ev_signal_init(&s->ev, os_signal_on_ev, number);
    s->ev.data = s;
    s->loop = loop;
    s->on_signal = on_signal;
    s->owner = owner;
    ev_signal_start(loop->ev, &s->ev);
}

void os_signal_stop(struct os_signal *s)
{
    ev_signal_stop(s->loop->ev, &s->ev);
}

/* ---- tasks ---- */

void os_task_init(struct os_task *t, void (*run)(void *owner), void *owner)
{
    list_init(&t->link);
    t->run = run;
    t->owner = owner;
}

void os_loop_post(struct os_loop *loop, struct os_task *t)
{
    pthread_mutex_lock(&loop->mutex);
    if (list_is_empty(&t->link)) /* a link that is in no list points at itself */
        list_push_back(&loop->posted, &t->link);
    pthread_mutex_unlock(&loop->mutex);
    ev_async_send(loop->ev, &loop->wake);
}

void os_loop_unpost(struct os_loop *loop, struct os_task *t)
{
    pthread_mutex_lock(&loop->mutex);
    list_remove(&t->link);
    pthread_mutex_unlock(&loop->mutex);
}

static struct os_task *os_loop_next_task(struct os_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    struct list_link *link = list_pop_front(&loop->running);
    pthread_mutex_unlock(&loop->mutex);
    return link != NULL ? list_entry(link, struct os_task, link) : NULL;
}

/* Takes what is there now: a task that posts itself again waits for the next turn, so that it
 * cannot keep sockets and timers from theirs. */
static void os_loop_on_wake(struct ev_loop *ev, ev_async *wake, int events)
{
    (void)ev;
    (void)events;
    struct os_loop *loop = wake->data;
    struct list_link *link;
    pthread_mutex_lock(&loop->mutex);
    while ((link = list_pop_front(&loop->posted)) != NULL)
        list_push_back(&loop->running, link);
    pthread_mutex_unlock(&loop->mutex);

    struct os_task *task;
    while ((task = os_loop_next_task(loop)) != NULL)
        task->run(task->owner);
}

/* One mutex guards everything; a lookup is in exactly one place at a time: queued, with a worker, or
 * done and posted to the loop. Whoever takes it out of its last place frees it:
 *
 *     queued --worker--> running --worker--> done --loop--> freed
 *       |                   |                  |
 *     cancel frees    cancel marks it,    cancel unposts
 *                     its worker frees    and frees
 *
 * The resolver itself is counted: one for its creator and one for each worker, because a worker may
 * outlive the creator. After `closed` is set no worker touches the loop. */
#include "os/os_resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

enum os_lookup_state { LOOKUP_QUEUED, LOOKUP_RUNNING, LOOKUP_DONE };

struct os_lookup {
    struct os_resolver *resolver;
    struct list_link link; /* in queued or done */
    struct os_task task;
    enum os_lookup_state state;
    bool canceled;
    struct multiaddr_endpoint endpoint;
    struct os_lookup_hooks hooks;
    int err;
    const char *why;
    struct os_address addresses[OS_LOOKUP_ADDRESSES];
    size_t count;
};

struct os_resolver {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct os_loop *loop;
    struct list_link queued, done;
    size_t lookups_count; /* all of them */
    size_t queued_count;
    size_t workers_count, idle_count;
    size_t references;
    bool closed;
};

/* ---- the worker's side ---- */

static int os_lookup_family(enum multiaddr_host_kind kind)
{
    switch (kind) {
    case MULTIADDR_IP4:
    case MULTIADDR_DNS4:
        return AF_INET;
    case MULTIADDR_IP6:
    case MULTIADDR_DNS6:
        return AF_INET6;
    case MULTIADDR_DNS:
        break;
    }
    return AF_UNSPEC;
}

static void os_lookup_run(struct os_lookup *l)
{
    struct addrinfo hints = { .ai_family = os_lookup_family(l->endpoint.kind),
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", l->endpoint.port);
    int code = getaddrinfo(l->endpoint.host, port, &hints, &found);
    if (code != 0) {
        l->err = ERR_NOT_FOUND;
        l->why = gai_strerror(code);
        return;
    }
    for (struct addrinfo *at = found; at != NULL && l->count < OS_LOOKUP_ADDRESSES;
         at = at->ai_next) {
        struct os_address *to = &l->addresses[l->count++];
        memcpy(&to->storage, at->ai_addr, at->ai_addrlen);
        to->len = at->ai_addrlen;
    }
    freeaddrinfo(found);
}

/* With the mutex held. */
static void os_resolver_free_lookup(struct os_resolver *r, struct os_lookup *l)
{
    r->lookups_count--;
    mem_free(l);
}

/* With the mutex held; gives it up. */
static void os_resolver_drop(struct os_resolver *r)
{
    bool is_last = --r->references == 0;
    pthread_mutex_unlock(&r->mutex);
    if (!is_last)
        return;
    pthread_cond_destroy(&r->work);
    pthread_mutex_destroy(&r->mutex);
    mem_free(r);
}

static struct os_lookup *os_resolver_next(struct os_resolver *r)
{
    while (list_is_empty(&r->queued) && !r->closed) {
        r->idle_count++;
        pthread_cond_wait(&r->work, &r->mutex);
        r->idle_count--;
    }
    if (r->closed)
        return NULL;
    r->queued_count--;
    return list_entry(list_pop_front(&r->queued), struct os_lookup, link);
}

static void *os_resolver_work(void *arg)
{
    struct os_resolver *r = arg;
    struct os_lookup *l;
    pthread_mutex_lock(&r->mutex);
    while ((l = os_resolver_next(r)) != NULL) {
        l->state = LOOKUP_RUNNING;
        pthread_mutex_unlock(&r->mutex);
        os_lookup_run(l);
        pthread_mutex_lock(&r->mutex);
        if (l->canceled || r->closed) {
            os_resolver_free_lookup(r, l);
            continue;
        }
        l->state = LOOKUP_DONE;
        list_push_back(&r->done, &l->link);
        os_loop_post(r->loop, &l->task);
    }
    os_resolver_drop(r);
    return NULL;
}

/* ---- the loop's side ---- */

static void os_lookup_on_loop(void *owner)
{
    struct os_lookup *l = owner;
    struct os_resolver *r = l->resolver;
    pthread_mutex_lock(&r->mutex);
    list_remove(&l->link);
    r->lookups_count--;
    pthread_mutex_unlock(&r->mutex);
    l->hooks.on_done(l->hooks.owner, l->err, l->why, l->addresses, l->count);
    mem_free(l); /* r may be gone: the hook may destroy it */
}

int os_resolver_create(struct os_resolver **out, struct os_loop *loop)
{
    struct os_resolver *r = mem_zalloc(sizeof(*r));
    if (r == NULL)
        return ERR_NOMEM;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->work, NULL);
    list_init(&r->queued);
    list_init(&r->done);
    r->loop = loop;
    r->references = 1;
    *out = r;
    return OK;
}

void os_resolver_destroy(struct os_resolver *r)
{
    struct list_link *link;
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->mutex);
    r->closed = true;
    while ((link = list_pop_front(&r->queued)) != NULL)
        os_resolver_free_lookup(r, list_entry(link, struct os_lookup, link));
    while ((link = list_pop_front(&r->done)) != NULL) {
        struct os_lookup *l = list_entry(link, struct os_lookup, link);
        os_loop_unpost(r->loop, &l->task);
        os_resolver_free_lookup(r, l);
    }
    pthread_cond_broadcast(&r->work);
    os_resolver_drop(r);
}

/* With the mutex held. Signals are for the main thread. */
static int os_resolver_hire(struct os_resolver *r)
{
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&thread, &attr, os_resolver_work, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (code != 0)
        return ERR_IO;
    r->references++;
    r->workers_count++;
    return OK;
}

static struct os_lookup *os_lookup_create(struct os_resolver *r,
                                          const struct multiaddr_endpoint *endpoint,
                                          const struct os_lookup_hooks *hooks)
{
    struct os_lookup *l = mem_zalloc(sizeof(*l));
    if (l == NULL)
        return NULL;
    l->resolver = r;
    l->endpoint = *endpoint;
    l->hooks = *hooks;
    l->why = "";
    os_task_init(&l->task, os_lookup_on_loop, l);
    return l;
}

int os_resolver_lookup(struct os_resolver *r, const struct multiaddr_endpoint *endpoint,
                       const struct os_lookup_hooks *hooks, struct os_lookup **out)
{
    struct os_lookup *l = os_lookup_create(r, endpoint, hooks);
    if (l == NULL)
        return ERR_NOMEM;
    pthread_mutex_lock(&r->mutex);
    int err = r->lookups_count < OS_RESOLVER_LOOKUPS ? OK : ERR_BUSY;
    if (err == OK && r->queued_count >= r->idle_count && r->workers_count < OS_RESOLVER_WORKERS)
        err = os_resolver_hire(r);
    if (err == ERR_IO && r->workers_count > 0)
        err = OK; /* one that is there will come to it */
    if (err == OK) {
        r->lookups_count++;
        r->queued_count++;
        list_push_back(&r->queued, &l->link);
        pthread_cond_signal(&r->work);
    }
    pthread_mutex_unlock(&r->mutex);
    if (err == OK)
        *out = l;
    else
        mem_free(l);
    return err;
}

void os_lookup_cancel(struct os_lookup *l)
{
    struct os_resolver *r = l->resolver;
    pthread_mutex_lock(&r->mutex);
    if (l->state == LOOKUP_RUNNING) {
        l->canceled = true;
    } else {
        if (l->state == LOOKUP_DONE)
            os_loop_unpost(r->loop, &l->task);
        else
            r->queued_count--;
        list_remove(&l->link);
        os_resolver_free_lookup(r, l);
    }
    pthread_mutex_unlock(&r->mutex);
}

#include "sim/kubo/swarm.h"

#include "port/clock.h"
#include "util/err.h"
#include "util/list.h"
#include "util/mem.h"

enum { SWARM_MEMBERS_MAX = 64, SWARM_REPORTS = 16 };
#define SWARM_REPORT_EVERY_US (100u * 1000)

/* A block that a member wants, and its way to it once somebody linked has it. */
struct swarm_want {
    struct list_link link; /* in the member's wants */
    struct cid key;
    bool is_coming;
    unsigned from;
    uint64_t start_us;
    uint64_t end_us;
    uint64_t report_us; /* the next news of a virtual block on its way */
    uint64_t nodes_count;
    uint64_t bytes_count;
};

struct swarm_dial {
    struct list_link link;
    unsigned member;
    uint64_t number;
    uint64_t at_us;
    struct multiaddr addr;
};

struct swarm_member {
    struct swarm *swarm;
    unsigned number;
    struct standin *s; /* NULL: not there */
    struct multiaddr addr;
    uint64_t links; /* bits: members it is connected to */
    uint64_t cuts;  /* bits: members that it cannot reach */
    bool mute;
    uint64_t free_us; /* when its line is free for the next block */
    struct list_link wants;
};

struct swarm {
    struct swarm_options options;
    struct standin_hooks hooks;
    struct swarm_member members[SWARM_MEMBERS_MAX];
    struct list_link dials;
    uint64_t wake_asked_us;
};

static void *swarm_alloc(size_t size)
{
    void *memory = mem_zalloc(size);
    if (memory == NULL)
        fatal("the stand-in IPFS daemon is out of memory");
    return memory;
}

static struct swarm_member *swarm_member(struct swarm *w, unsigned number)
{
    ASSERT(number < SWARM_MEMBERS_MAX);
    return &w->members[number];
}

static uint64_t swarm_now(struct swarm *w)
{
    return w->hooks.now_us(w->hooks.owner);
}

static uint64_t swarm_bit(unsigned member)
{
    return 1ull << member;
}

/* May b get something from a now? */
static bool swarm_flows(const struct swarm_member *a, const struct swarm_member *b)
{
    return a->s != NULL && !a->mute && (a->links & swarm_bit(b->number)) != 0 &&
           (a->cuts & swarm_bit(b->number)) == 0;
}

/* ---- when to wake ---- */

static uint64_t swarm_want_next_us(const struct swarm_want *want)
{
    return !want->is_coming                 ? MONO_NEVER
           : want->report_us < want->end_us ? want->report_us
                                            : want->end_us;
}

static void swarm_ask_for_wake(struct swarm *w)
{
    uint64_t first_us = MONO_NEVER;
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        list_for_each (at, &w->members[i].wants) {
            uint64_t next_us = swarm_want_next_us(list_entry(at, struct swarm_want, link));
            first_us = next_us < first_us ? next_us : first_us;
        }
    }
    list_for_each (at, &w->dials) {
        const struct swarm_dial *dial = list_entry(at, struct swarm_dial, link);
        first_us = dial->at_us < first_us ? dial->at_us : first_us;
    }
    if (first_us == w->wake_asked_us)
        return;
    w->wake_asked_us = first_us;
    w->hooks.wake_at(w->hooks.owner, first_us);
}

/* ---- transfers ---- */

static uint64_t swarm_line_us(const struct swarm *w, uint64_t bytes)
{
    uint64_t rate = w->options.bytes_per_second;
    return rate == 0 ? 0 : bytes / rate * 1000000 + bytes % rate * 1000000 / rate;
}

static uint64_t swarm_report_step_us(const struct swarm_want *want)
{
    uint64_t step_us = (want->end_us - want->start_us) / SWARM_REPORTS;
    return step_us > SWARM_REPORT_EVERY_US ? step_us : SWARM_REPORT_EVERY_US;
}

static void swarm_send(struct swarm_member *from, struct swarm_want *want,
                       const struct standin_block *block)
{
    struct swarm *w = from->swarm;
    uint64_t now_us = swarm_now(w);
    uint64_t line_us = swarm_line_us(w, block->bytes_count);
    want->is_coming = true;
    want->from = from->number;
    want->start_us = from->free_us > now_us ? from->free_us : now_us;
    from->free_us = want->start_us + line_us;
    want->end_us = from->free_us + w->options.latency_us;
    want->nodes_count = block->nodes_count;
    want->bytes_count = block->bytes_count;
    want->report_us = block->data.data == NULL && block->nodes_count > 1
                          ? want->start_us + swarm_report_step_us(want)
                          : MONO_NEVER;
}

/* Starts the transfer if somebody who can has it. */
static void swarm_serve(struct swarm *w, struct swarm_member *to, struct swarm_want *want)
{
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX && !want->is_coming; i++) {
        struct swarm_member *from = &w->members[i];
        const struct standin_block *block =
            swarm_flows(from, to) ? standin_find(from->s, &want->key) : NULL;
        if (block != NULL)
            swarm_send(from, want, block);
    }
}

/* After any change of who reaches whom: transfers that lost their way look for another. */
static void swarm_look_again(struct swarm *w)
{
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        struct swarm_member *to = &w->members[i];
        list_for_each (at, &to->wants) {
            struct swarm_want *want = list_entry(at, struct swarm_want, link);
            if (want->is_coming && !swarm_flows(&w->members[want->from], to))
                want->is_coming = false;
            swarm_serve(w, to, want);
        }
    }
    swarm_ask_for_wake(w);
}

static void swarm_want_free(struct swarm_want *want)
{
    list_remove(&want->link);
    mem_free(want);
}

static void swarm_arrive(struct swarm *w, struct swarm_member *to, struct swarm_want *want)
{
    const struct standin_block *block = standin_find(w->members[want->from].s, &want->key);
    want->is_coming = false;
    if (block == NULL) { /* lost on the way */
        swarm_serve(w, to, want);
        return;
    }
    struct standin_block copy = *block;
    standin_on_block(to->s, &copy); /* takes its want back */
}

static void swarm_report(struct swarm_member *to, struct swarm_want *want, uint64_t now_us)
{
    uint64_t gone_us = now_us - want->start_us, all_us = want->end_us - want->start_us;
    standin_on_block_progress(to->s, &want->key, want->nodes_count * gone_us / all_us,
                              want->bytes_count * gone_us / all_us);
    want->report_us += swarm_report_step_us(want);
}

/* The next want of this member that is due, or NULL. */
static struct swarm_want *swarm_due(struct swarm_member *to, uint64_t now_us)
{
    list_for_each (at, &to->wants) {
        struct swarm_want *want = list_entry(at, struct swarm_want, link);
        if (swarm_want_next_us(want) <= now_us)
            return want;
    }
    return NULL;
}

/* ---- the hooks of a stand-in ---- */

static struct swarm_want *swarm_find_want(struct swarm_member *m, const struct cid *key)
{
    list_for_each (at, &m->wants) {
        struct swarm_want *want = list_entry(at, struct swarm_want, link);
        if (cid_equal(&want->key, key))
            return want;
    }
    return NULL;
}

static void swarm_on_want(void *impl, const struct cid *key)
{
    struct swarm_member *m = impl;
    struct swarm_want *want = swarm_find_want(m, key);
    if (want == NULL) {
        want = swarm_alloc(sizeof *want);
        want->key = *key;
        list_push_back(&m->wants, &want->link);
    }
    swarm_serve(m->swarm, m, want);
    swarm_ask_for_wake(m->swarm);
}

static void swarm_on_unwant(void *impl, const struct cid *key)
{
    struct swarm_member *m = impl;
    struct swarm_want *want = swarm_find_want(m, key);
    if (want != NULL)
        swarm_want_free(want);
    swarm_ask_for_wake(m->swarm);
}

static void swarm_on_have(void *impl, const struct cid *key)
{
    struct swarm_member *m = impl;
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        struct swarm_member *to = &m->swarm->members[i];
        struct swarm_want *want = swarm_flows(m, to) ? swarm_find_want(to, key) : NULL;
        if (want != NULL)
            swarm_serve(m->swarm, to, want);
    }
    swarm_ask_for_wake(m->swarm);
}

static void swarm_on_dial(void *impl, uint64_t number, const struct multiaddr *addr)
{
    struct swarm_member *m = impl;
    struct swarm_dial *dial = swarm_alloc(sizeof *dial);
    *dial = (struct swarm_dial){ .member = m->number,
                                 .number = number,
                                 .at_us = swarm_now(m->swarm) + m->swarm->options.latency_us,
                                 .addr = *addr };
    list_push_back(&m->swarm->dials, &dial->link);
    swarm_ask_for_wake(m->swarm);
}

static void swarm_on_hang_up(void *impl, const struct peer_id *peer)
{
    struct swarm_member *m = impl;
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        struct swarm_member *other = &m->swarm->members[i];
        if (other->s != NULL && peer_id_equal(standin_id(other->s), peer))
            swarm_unlink(m->swarm, m->number, i);
    }
}

static const struct standin_net_ops swarm_ops = { swarm_on_want, swarm_on_unwant, swarm_on_have,
                                                  swarm_on_dial, swarm_on_hang_up };

struct standin_net swarm_net(struct swarm *w, unsigned member)
{
    return (struct standin_net){ &swarm_ops, swarm_member(w, member) };
}

/* ---- dials ---- */

/* Who listens there, whoever that is. */
static struct swarm_member *swarm_at(struct swarm *w, const struct multiaddr *addr)
{
    struct multiaddr bare = *addr;
    multiaddr_strip_peer(&bare);
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        if (w->members[i].s != NULL && multiaddr_equal(&w->members[i].addr, &bare))
            return &w->members[i];
    }
    return NULL;
}

static void swarm_dial_fails(struct swarm_member *m, const struct swarm_dial *dial,
                             const struct peer_id *wanted, struct buf *why)
{
    struct buf text = { 0 }, addr = { 0 };
    struct multiaddr bare = dial->addr;
    multiaddr_strip_peer(&bare);
    multiaddr_print(&bare, &addr);
    buf_printf(&text, "failed to dial: failed to dial %s: all dials failed\n  * [%s] %s",
               peer_id_print(wanted).text, buf_text(&addr), buf_text(why));
    standin_on_dialed(m->s, dial->number, ERR_UNREACHABLE, buf_text(&text));
    buf_deinit(&text);
    buf_deinit(&addr);
    buf_deinit(why);
}

static void swarm_dial_refused(struct swarm_member *m, const struct swarm_dial *dial,
                               const struct peer_id *wanted)
{
    struct buf why = { 0 };
    struct multiaddr_endpoint end = { .host = "?" };
    multiaddr_endpoint(&dial->addr, &end);
    buf_printf(&why, "dial tcp4 %s:%u: connect: connection refused", end.host, (unsigned)end.port);
    swarm_dial_fails(m, dial, wanted, &why);
}

static void swarm_dial_ends(struct swarm *w, const struct swarm_dial *dial)
{
    struct swarm_member *m = &w->members[dial->member];
    struct swarm_member *other = swarm_at(w, &dial->addr);
    struct peer_id wanted;
    if (m->s == NULL || multiaddr_peer(&dial->addr, &wanted) != OK)
        return;
    bool is_reached = other != NULL && (m->cuts & swarm_bit(other->number)) == 0;
    if (!is_reached) {
        swarm_dial_refused(m, dial, &wanted);
    } else if (!peer_id_equal(standin_id(other->s), &wanted)) {
        struct buf why = { 0 };
        buf_printf(&why,
                   "failed to negotiate security protocol: peer id mismatch: expected %s, but "
                   "remote key matches %s",
                   peer_id_print(&wanted).text, peer_id_print(standin_id(other->s)).text);
        swarm_dial_fails(m, dial, &wanted, &why);
    } else {
        swarm_link(w, m->number, other->number);
        standin_on_dialed(m->s, dial->number, OK, NULL);
    }
}

static struct swarm_dial *swarm_due_dial(struct swarm *w, uint64_t now_us)
{
    list_for_each (at, &w->dials) {
        struct swarm_dial *dial = list_entry(at, struct swarm_dial, link);
        if (dial->at_us <= now_us)
            return dial;
    }
    return NULL;
}

/* ---- life ---- */

struct swarm *swarm_create(const struct swarm_options *options, const struct standin_hooks *hooks)
{
    struct swarm *w = swarm_alloc(sizeof *w);
    w->options = *options;
    w->hooks = *hooks;
    w->wake_asked_us = MONO_NEVER;
    list_init(&w->dials);
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        w->members[i].swarm = w;
        w->members[i].number = i;
        list_init(&w->members[i].wants);
    }
    return w;
}

void swarm_destroy(struct swarm *w)
{
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        list_for_each_safe (at, after, &w->members[i].wants)
            swarm_want_free(list_entry(at, struct swarm_want, link));
    }
    list_for_each_safe (at, after, &w->dials)
        mem_free(list_entry(at, struct swarm_dial, link));
    mem_free(w);
}

void swarm_set_options(struct swarm *w, const struct swarm_options *options)
{
    w->options = *options;
}

void swarm_on_wake(struct swarm *w)
{
    uint64_t now_us = swarm_now(w);
    struct swarm_dial *dial;
    w->wake_asked_us = MONO_NEVER;
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++) {
        struct swarm_member *to = &w->members[i];
        struct swarm_want *want;
        while ((want = swarm_due(to, now_us)) != NULL) {
            if (want->end_us <= now_us)
                swarm_arrive(w, to, want);
            else
                swarm_report(to, want, now_us);
        }
    }
    while ((dial = swarm_due_dial(w, now_us)) != NULL) {
        list_remove(&dial->link);
        swarm_dial_ends(w, dial);
        mem_free(dial);
    }
    swarm_ask_for_wake(w);
}

/* ---- who is there, who reaches whom ---- */

void swarm_join(struct swarm *w, unsigned member, struct standin *s, const struct multiaddr *addr)
{
    struct swarm_member *m = swarm_member(w, member);
    ASSERT(m->s == NULL);
    m->s = s;
    m->addr = *addr;
    multiaddr_strip_peer(&m->addr);
    m->free_us = 0;
}

void swarm_leave(struct swarm *w, unsigned member)
{
    struct swarm_member *m = swarm_member(w, member);
    for (unsigned i = 0; i < SWARM_MEMBERS_MAX; i++)
        swarm_unlink(w, member, i);
    m->s = NULL;
    list_for_each_safe (at, after, &m->wants)
        swarm_want_free(list_entry(at, struct swarm_want, link));
    list_for_each_safe (at, after, &w->dials) {
        struct swarm_dial *dial = list_entry(at, struct swarm_dial, link);
        if (dial->member == member) {
            list_remove(at);
            mem_free(dial);
        }
    }
    swarm_look_again(w);
}

void swarm_link(struct swarm *w, unsigned a, unsigned b)
{
    struct swarm_member *x = swarm_member(w, a), *y = swarm_member(w, b);
    ASSERT(a != b && x->s != NULL && y->s != NULL);
    x->links |= swarm_bit(b);
    y->links |= swarm_bit(a);
    standin_on_connected(x->s, standin_id(y->s), &y->addr);
    standin_on_connected(y->s, standin_id(x->s), &x->addr);
    swarm_look_again(w);
}

void swarm_unlink(struct swarm *w, unsigned a, unsigned b)
{
    struct swarm_member *x = swarm_member(w, a), *y = swarm_member(w, b);
    if ((x->links & swarm_bit(b)) == 0)
        return;
    x->links &= ~swarm_bit(b);
    y->links &= ~swarm_bit(a);
    standin_on_disconnected(x->s, standin_id(y->s));
    standin_on_disconnected(y->s, standin_id(x->s));
    swarm_look_again(w);
}

void swarm_cut(struct swarm *w, unsigned a, unsigned b)
{
    swarm_member(w, a)->cuts |= swarm_bit(b);
    swarm_member(w, b)->cuts |= swarm_bit(a);
    swarm_look_again(w);
}

void swarm_heal(struct swarm *w, unsigned a, unsigned b)
{
    swarm_member(w, a)->cuts &= ~swarm_bit(b);
    swarm_member(w, b)->cuts &= ~swarm_bit(a);
    swarm_look_again(w);
}

void swarm_mute(struct swarm *w, unsigned member, bool mute)
{
    swarm_member(w, member)->mute = mute;
    swarm_look_again(w);
}

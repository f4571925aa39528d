/* A copy of all pins from a peer that goes on: whoever was told "pinned" finds the pin in it, whatever the disk is doing; and
 * clients that leave, or a crash, in the middle of it do no harm. In the simulator, with real peers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "peer_int.h"
#include "sim/world/world_int.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(peer_export, .timeout = 120);

enum { SECOND_US = 1000 * 1000, PINS_MAX = 64 };

struct bench {
    struct world *w;
    bool is_pinned[PINS_MAX]; /* acknowledged */
    size_t lines_count;
    int err;
    int status;
    bool is_answered;
    bool has[PINS_MAX];
};

static void pass(struct bench *b, uint64_t us)
{
    struct stage stage = world_stage(b->w);
    cr_assert(stage.ops->pass(stage.impl, world_time_us(b->w) + us));
}

static bool is_ready(struct bench *b)
{
    struct peer_glance glance = { 0 };
    struct machine *m = world_machine(b->w, 1);
    if (m->peer != NULL)
        peer_look(m->peer, &glance);
    return glance.is_ready;
}

static void start(struct bench *b)
{
    cr_assert_eq(machine_start(world_machine(b->w, 1)), OK);
    for (int i = 0; i < 200 && !is_ready(b); i++)
        pass(b, SECOND_US / 10);
    cr_assert(is_ready(b));
}

static struct bench *bench_create(uint64_t seed)
{
    struct bench *b = mem_zalloc(sizeof(*b));
    struct world_options options = { .seed = seed, .founders_count = 1 };
    peer_options_default(&options.peer);
    b->w = world_create(&options);
    start(b);
    return b;
}

static void bench_destroy(struct bench *b)
{
    cr_assert(!world_failure(b->w)->happened);
    world_destroy(b->w);
    mem_free(b);
}

static void on_pinned(void *owner, const struct client_answer *answer)
{
    bool *is_pinned = owner;
    *is_pinned = answer->err == OK && answer->reply.status == 200;
}

static void ask(struct bench *b, const char *method, const char *target, uint64_t timeout_us,
                void (*done)(void *owner, const struct client_answer *answer), void *owner)
{
    struct buf request = { 0 };
    struct client_hooks hooks = { done, owner };
    client_request(&request, method, target);
    client_ask(b->w, 1, PEER_DOOR_API, buf_bytes(&request), timeout_us, &hooks);
    buf_deinit(&request);
}

static void pin(struct bench *b, uint32_t n)
{
    char target[300];
    struct cid cid = test_cid(n);
    snprintf(target, sizeof(target), "/pins/%s", cid_print(&cid).text);
    ask(b, "POST", target, 20 * SECOND_US, on_pinned, &b->is_pinned[n]);
}

static void on_export(void *owner, const struct client_answer *answer)
{
    struct bench *b = owner;
    b->is_answered = true;
    b->err = answer->err;
    b->status = answer->reply.status;
    struct buf text = { 0 };
    buf_append(&text, answer->reply.body.data, answer->reply.body.len);
    for (uint32_t n = 0; n < PINS_MAX; n++) {
        struct cid cid = test_cid(n);
        b->has[n] = strstr(buf_text(&text), cid_print(&cid).text) != NULL;
    }
    buf_deinit(&text);
}

/* Asks now, and compares with what was acknowledged by now. */
static void export_has_all(struct bench *b)
{
    bool promised[PINS_MAX];
    memcpy(promised, b->is_pinned, sizeof(promised));
    b->is_answered = false;
    ask(b, "GET", "/state/export", 60 * SECOND_US, on_export, b);
    for (int i = 0; i < 700 && !b->is_answered; i++)
        pass(b, SECOND_US / 10);
    cr_assert(b->is_answered && b->err == OK);
    cr_assert(b->status == 200 || b->status == 204);
    for (uint32_t n = 0; n < PINS_MAX; n++)
        cr_assert(b->has[n] || !promised[n], "pin %u", n);
}

Test(peer_export, what_was_acknowledged_is_in_it)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct bench *b = bench_create(seed);
        export_has_all(b); /* of nothing */
        cr_assert_eq(b->status, 204);
        for (uint32_t n = 0; n < 30; n++) {
            pin(b, n);
            pass(b, 20 * 1000);
            if (n % 7 == 0)
                export_has_all(b);
        }
        pass(b, 5 * SECOND_US);
        export_has_all(b);
        cr_assert(b->has[0] && b->has[29] && !b->has[30]);
        bench_destroy(b);
    }
}

static void on_nothing(void *owner, const struct client_answer *answer)
{
    (void)answer;
    *(size_t *)owner += 1;
}

Test(peer_export, clients_that_leave_give_their_place_back)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct bench *b = bench_create(seed);
        size_t ended = 0;
        for (uint32_t n = 0; n < 20; n++)
            pin(b, n);
        pass(b, 2 * SECOND_US);
        for (uint64_t i = 1; i <= 40;
             i++) { /* more than there are places; each hangs up at another moment */
            ask(b, "GET", "/state/export", i * 1500, on_nothing, &ended);
            pass(b, 10 * 1000);
        }
        pass(b, 2 * SECOND_US);
        cr_assert_eq(ended, 40);
        for (size_t i = 0; i < PEER_EXPORTS_MAX; i++)
            cr_assert_null(world_machine(b->w, 1)->peer->exports[i]);
        export_has_all(b);
        bench_destroy(b);
    }
}

Test(peer_export, a_crash_in_the_middle_leaves_nothing_behind)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bench *b = bench_create(seed);
        size_t ended = 0;
        for (uint32_t n = 0; n < 20; n++)
            pin(b, n);
        pass(b, 2 * SECOND_US);
        ask(b, "GET", "/state/export", 60 * SECOND_US, on_nothing, &ended);
        ask(b, "GET", "/state/export", 60 * SECOND_US, on_nothing, &ended);
        pass(b, seed * 1000);
        if (seed % 2 == 0) {
            machine_crash(world_machine(b->w, 1));
        } else {
            machine_stop(world_machine(b->w, 1));
            pass(b, 12 * SECOND_US);
        }
        start(b);
        export_has_all(b);
        bench_destroy(b);
    }
}

Test(peer_export, a_disk_that_hangs_makes_it_wait)
{
    struct bench *b = bench_create(3);
    for (uint32_t n = 0; n < 20; n++)
        pin(b, n);
    pass(b, 2 * SECOND_US);
    b->is_answered = false;
    disk_set_health(world_machine(b->w, 1)->disk, DISK_JOBS, DISK_HUNG);
    ask(b, "GET", "/state/export", 60 * SECOND_US, on_export, b);
    pass(b, 10 * SECOND_US);
    cr_assert(!b->is_answered);
    disk_set_health(world_machine(b->w, 1)->disk, DISK_JOBS, DISK_WELL);
    pass(b, 5 * SECOND_US);
    cr_assert(b->is_answered && b->err == OK && b->has[0] && b->has[19]);
    disk_set_health(world_machine(b->w, 1)->disk, DISK_JOBS, DISK_FULL);
    b->is_answered = false;
    ask(b, "GET", "/state/export", 60 * SECOND_US, on_export, b);
    pass(b, 5 * SECOND_US);
    cr_assert(b->is_answered && b->status == 500);
    bench_destroy(b);
}

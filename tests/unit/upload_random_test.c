/* Uploads in a small world: one client, three daemons behind intakes, and a network between them. Everything that may go
 * wrong does, by a seed: clients that stop or do not read, links that break, daemons that refuse, stall, or make something
 * else of it. In the end there is one verdict, and it is the right one. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/test_ids.h"
#include "upload/intake.h"
#include "upload/upload.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

TestSuite(upload_random, .timeout = 120);

enum { DAEMONS = 3, RUNS = 200, STEPS_MAX = 200000, BODY_MAX = 3 * 1024 * 1024, ROW_EVERY = 3000 };

#define SECOND_US  ((uint64_t)1000 * 1000)
#define TEXT(text) ((struct bytes){ text, sizeof(text) - 1 })

enum fault {
    FAULT_NONE,
    FAULT_REFUSES,
    FAULT_STALLS,
    FAULT_DIFFERS,
    FAULT_LINK_BREAKS,
    FAULTS_COUNT
};

/* A queue of encoded messages, one direction of a pair. */
struct wire {
    struct buf bytes; /* runs */
    size_t at;
    size_t queued;
};

struct daemon {
    struct world *world;
    struct peer_id id;
    struct intake *intake;
    struct http_client client;
    struct http_call *call;
    uint64_t hash; /* of what it got */
    uint64_t len;
    uint64_t room;
    uint64_t told; /* rows */
    bool has_end, is_paused, is_over, is_canceled;
    enum fault fault;
    uint64_t fault_at; /* bytes that it has got by then */
    bool is_faulty;    /* it happened */
    struct wire to, from;
};

struct world {
    struct test_random random;
    uint64_t now_us;
    struct upload *upload;
    struct daemon daemons[DAEMONS];
    size_t minimum;
    struct buf body;
    size_t written;
    bool has_ended, is_cut;
    bool client_waits; /* does not read rows */
    struct buf rows;
    bool is_done;
    int err;
};

static bool chance(struct world *w, uint64_t one_in)
{
    return test_random_below(&w->random, one_in) == 0;
}

/* ---- the daemon ---- */

static int daemon_start(void *impl, struct http_call *call)
{
    ((struct daemon *)impl)->call = call;
    return OK;
}

static size_t daemon_write(void *impl, struct http_call *call, const void *bytes, size_t len)
{
    struct daemon *d = impl;
    (void)call;
    size_t took = len < d->room ? len : (size_t)d->room;
    for (size_t i = 0; i < took; i++)
        d->hash = d->hash * 31 + ((const uint8_t *)bytes)[i] + 1;
    d->len += took;
    d->room -= took;
    return took;
}

static void daemon_end(void *impl, struct http_call *call)
{
    (void)call;
    ((struct daemon *)impl)->has_end = true;
}

static void daemon_pause(void *impl, struct http_call *call)
{
    (void)call;
    ((struct daemon *)impl)->is_paused = true;
}

static void daemon_resume(void *impl, struct http_call *call)
{
    (void)call;
    ((struct daemon *)impl)->is_paused = false;
}

static void daemon_cancel(void *impl, struct http_call *call)
{
    (void)call;
    ((struct daemon *)impl)->is_canceled = true;
}

static const struct http_client_ops daemon_ops = { daemon_start, daemon_write,  daemon_end,
                                                   daemon_pause, daemon_resume, daemon_cancel };

static void daemon_finish(struct daemon *d, int err)
{
    struct http_call *call = d->call;
    d->call = NULL;
    d->is_over = true;
    call->done(call, err);
}

static void daemon_say_row(struct daemon *d, uint64_t number, uint32_t cid)
{
    struct cid c = test_cid(cid);
    struct buf line = { 0 };
    if (d->told == 0)
        d->call->on_head(d->call, 200, NULL, 0);
    d->told += 1;
    buf_printf(&line, "{\"Name\":\"%0500llu\",\"Hash\":\"%s\",\"Size\":\"1\"}\n",
               (unsigned long long)number, cid_print(&c).text);
    d->call->on_body(d->call, line.data, line.len);
    buf_deinit(&line);
}

static void daemon_fail(struct daemon *d)
{
    static const char words[] = "{\"Message\":\"no space\",\"Code\":0,\"Type\":\"error\"}";
    if (d->told == 0) {
        d->call->on_head(d->call, 500, NULL, 0);
        d->call->on_body(d->call, words, sizeof(words) - 1);
        daemon_finish(d, OK);
    } else {
        daemon_finish(d, ERR_CLOSED);
    }
}

static void world_break_link(struct world *w, struct daemon *d);

/* Whatever it does next. */
static void daemon_turn(struct world *w, struct daemon *d)
{
    if (d->call == NULL)
        return;
    if (d->is_canceled) {
        daemon_finish(d, ERR_CANCELED);
        return;
    }
    bool strikes = d->fault != FAULT_NONE && d->fault != FAULT_DIFFERS && d->len >= d->fault_at;
    d->is_faulty |= strikes;
    if (strikes && d->fault == FAULT_REFUSES) {
        daemon_fail(d);
    } else if (strikes && d->fault == FAULT_LINK_BREAKS) {
        d->fault = FAULT_NONE;
        world_break_link(w, d);
    } else if (strikes) {
        d->room = 0; /* stalls for ever */
    } else if (!d->is_paused && d->told < d->len / ROW_EVERY) {
        bool differs = d->fault == FAULT_DIFFERS && d->len >= d->fault_at;
        d->is_faulty |= differs;
        daemon_say_row(d, d->told, (uint32_t)d->told + 1 + differs);
    } else if (!d->is_paused && d->has_end) {
        d->is_faulty |= d->fault == FAULT_DIFFERS;
        daemon_say_row(d, d->told, (uint32_t)(d->hash + (d->fault == FAULT_DIFFERS)));
        daemon_finish(d, OK);
    } else {
        d->room = test_random_below(&w->random, 200000);
    }
}

/* ---- the network ---- */

static int wire_put(struct world *w, struct wire *wire, const struct upload_msg *m)
{
    struct buf message = { 0 };
    if (wire->queued > 0 && chance(w, 50))
        return ERR_BUSY;
    upload_msg_encode(m, &message);
    buf_put_run(&wire->bytes, message.data, message.len);
    wire->queued += 1;
    buf_deinit(&message);
    return OK;
}

static bool wire_take(struct wire *wire, struct upload_msg *m)
{
    if (wire->at == wire->bytes.len)
        return false;
    struct reader in = reader_of(wire->bytes.data + wire->at, wire->bytes.len - wire->at);
    struct bytes message = reader_run(&in, 1 << 20);
    cr_assert_eq(upload_msg_decode(m, message), OK);
    wire->at = wire->bytes.len - in.left;
    wire->queued -= 1;
    return true;
}

static void wire_drop(struct wire *wire)
{
    buf_clear(&wire->bytes);
    wire->at = 0;
    wire->queued = 0;
}

static struct daemon *world_daemon(struct world *w, const struct peer_id *id)
{
    for (size_t i = 0; i < DAEMONS; i++) {
        if (peer_id_equal(&w->daemons[i].id, id))
            return &w->daemons[i];
    }
    return NULL;
}

static void world_break_link(struct world *w, struct daemon *d)
{
    wire_drop(&d->to);
    wire_drop(&d->from);
    upload_on_link_down(w->upload, &d->id);
    if (d->intake != NULL)
        intake_cancel(d->intake);
}

static int upload_sends(void *owner, const struct peer_id *to, const struct upload_msg *m)
{
    return wire_put(owner, &world_daemon(owner, to)->to, m);
}

static int intake_sends(void *owner, const struct peer_id *to, const struct upload_msg *m)
{
    struct daemon *d = owner;
    (void)to;
    return wire_put(d->world, &d->from, m);
}

static void intake_changes(void *owner)
{
    (void)owner;
}

static void daemon_hears(struct world *w, struct daemon *d)
{
    struct upload_msg m;
    struct peer_id sender = test_peer(99);
    if (!wire_take(&d->to, &m))
        return;
    if (m.type == UPLOAD_OPEN) {
        struct intake_hooks hooks = { intake_sends, intake_changes, d };
        d->client = (struct http_client){ &daemon_ops, d };
        cr_assert_null(d->intake);
        cr_assert_eq(intake_create(&d->intake, &d->client, &sender, &m, w->now_us, &hooks), OK);
    } else if (d->intake != NULL) {
        intake_on_msg(d->intake, w->now_us, &m);
    }
}

/* ---- the client ---- */

static bool on_row(void *owner, const struct upload_row *row)
{
    struct world *w = owner;
    buf_printf(&w->rows, "%.*s %s\n", (int)row->name.len, (const char *)row->name.data,
               cid_print(&row->cid).text);
    w->client_waits |= chance(w, 10);
    return !w->client_waits;
}

static void on_room(void *owner)
{
    (void)owner;
}

static void on_left_out(void *owner, const struct peer_id *replica, int err, const char *why)
{
    (void)owner;
    (void)replica;
    (void)err;
    (void)why;
}

static void on_done(void *owner, int err, const struct cid *root, const char *why)
{
    struct world *w = owner;
    (void)root;
    cr_assert_not(w->is_done);
    cr_assert(err == OK || why[0] != '\0');
    w->is_done = true;
    w->err = err;
}

static void client_turn(struct world *w)
{
    size_t left = w->body.len - w->written;
    if (w->client_waits && chance(w, 3)) {
        w->client_waits = false;
        upload_resume_rows(w->upload);
    }
    if (left > 0) {
        size_t len = (size_t)test_random_below(&w->random, left < 100000 ? left + 1 : 100000);
        w->written += upload_write(w->upload, w->body.data + w->written, len);
    } else if (!w->has_ended) {
        w->has_ended = true;
        upload_end(w->upload);
    }
}

/* ---- one run ---- */

static void world_make_body(struct world *w)
{
    size_t len = (size_t)test_random_below(&w->random, BODY_MAX);
    buf_append_text(&w->body, "--xx\r\n\r\n");
    uint8_t *at = buf_reserve(&w->body, len);
    cr_assert_not_null(at);
    memset(at, (int)test_random_below(&w->random, 256), len);
    w->body.len += len;
    buf_append_text(&w->body, "\r\n--xx--");
    if (chance(w, 3))
        buf_append_text(&w->body, "\r\n");
    if (chance(w, 8)) { /* cut short */
        w->is_cut = true;
        w->body.len -= 5;
    }
}

static void world_make(struct world *w, uint64_t seed)
{
    *w = (struct world){ .random = { seed }, .now_us = SECOND_US };
    struct upload_params params = { .chunker = TEXT("size-262144"),
                                    .hash = TEXT("sha2-256"),
                                    .boundary = TEXT("xx") };
    struct upload_hooks hooks = { upload_sends, on_row, on_room, on_left_out, on_done, w };
    cr_assert_eq(upload_create(&w->upload, 7, &params, &hooks), OK);
    world_make_body(w);
    w->minimum = 1 + (size_t)test_random_below(&w->random, DAEMONS);
    struct peer_id ids[DAEMONS];
    for (size_t i = 0; i < DAEMONS; i++) {
        struct daemon *d = &w->daemons[i];
        ids[i] = d->id = test_peer((uint32_t)i + 1);
        d->world = w;
        if (chance(w, 3))
            d->fault = (enum fault)test_random_below(&w->random, FAULTS_COUNT);
        d->fault_at = test_random_below(&w->random, w->body.len);
    }
    upload_start(w->upload, w->now_us, ids, DAEMONS, w->minimum);
}

static void world_turn(struct world *w)
{
    struct daemon *d = &w->daemons[test_random_below(&w->random, DAEMONS)];
    w->now_us += test_random_below(&w->random, 2000);
    if (chance(w, 500))
        w->now_us += test_random_below(&w->random, 4 * SECOND_US);
    switch (test_random_below(&w->random, 6)) {
    case 0:
        client_turn(w);
        break;
    case 1:
        upload_step(w->upload, w->now_us);
        break;
    case 2:
        daemon_hears(w, d);
        break;
    case 3: {
        struct upload_msg m;
        if (wire_take(&d->from, &m))
            upload_on_msg(w->upload, w->now_us, &d->id, &m);
        break;
    }
    case 4:
        daemon_turn(w, d);
        break;
    default:
        if (d->intake != NULL)
            intake_step(d->intake, w->now_us);
    }
}

/* Each that counts has everything, and made of it what the client was told. */
static void world_check_held(struct world *w, uint64_t seed)
{
    size_t held = 0;
    uint64_t hash = 0;
    for (size_t i = 0; i < w->body.len; i++)
        hash = hash * 31 + w->body.data[i] + 1;
    for (size_t i = 0; i < DAEMONS; i++) {
        const struct daemon *d = &w->daemons[i];
        if (!upload_is_held_by(w->upload, &d->id))
            continue;
        held += 1;
        struct cid root = test_cid((uint32_t)(hash + (d->fault == FAULT_DIFFERS)));
        struct buf row = { 0 };
        buf_printf(&row, "%0500llu %s\n", (unsigned long long)d->told - 1, cid_print(&root).text);
        cr_assert(w->rows.len >= row.len, "seed %llu", (unsigned long long)seed);
        cr_assert_str_eq(buf_text(&w->rows) + w->rows.len - row.len, buf_text(&row), "seed %llu",
                         (unsigned long long)seed);
        buf_deinit(&row);
    }
    cr_assert(held >= w->minimum && !w->is_cut, "seed %llu", (unsigned long long)seed);
}

static void world_check(struct world *w, uint64_t seed)
{
    size_t good = 0;
    for (size_t i = 0; i < DAEMONS; i++) {
        const struct daemon *d = &w->daemons[i];
        good += !d->is_faulty;
        cr_assert_leq(d->to.bytes.len - d->to.at, UPLOAD_WINDOW_BYTES + 65536, "seed %llu",
                      (unsigned long long)seed);
    }
    if (w->err == OK) {
        world_check_held(w, seed);
    } else {
        cr_assert(w->is_cut || good < DAEMONS, "seed %llu: nothing was wrong",
                  (unsigned long long)seed);
        bool differs = false;
        for (size_t i = 0; i < DAEMONS; i++)
            differs |= w->daemons[i].fault == FAULT_DIFFERS;
        cr_assert(w->is_cut || differs || good < w->minimum, "seed %llu: enough were well",
                  (unsigned long long)seed);
    }
}

static void world_end(struct world *w)
{
    for (size_t i = 0; i < DAEMONS; i++) {
        struct daemon *d = &w->daemons[i];
        if (d->intake != NULL)
            intake_destroy(d->intake);
        buf_deinit(&d->to.bytes);
        buf_deinit(&d->from.bytes);
    }
    upload_destroy(w->upload);
    buf_deinit(&w->body);
    buf_deinit(&w->rows);
}

/* Whoever was cut off gives up in the end, too. */
static void world_check_nothing_stays(struct world *w, uint64_t seed)
{
    for (size_t step = 0; step < STEPS_MAX; step++) {
        bool is_over = true;
        for (size_t i = 0; i < DAEMONS; i++) {
            struct daemon *d = &w->daemons[i];
            is_over = is_over && (d->intake == NULL || intake_is_over(d->intake));
            daemon_hears(w, d);
            if (d->intake != NULL)
                intake_step(d->intake, w->now_us);
            if (d->is_canceled)
                daemon_turn(w, d);
        }
        if (is_over)
            return;
        w->now_us += SECOND_US;
    }
    cr_assert_fail("seed %llu: an intake stays open", (unsigned long long)seed);
}

Test(upload_random, there_is_one_verdict_and_it_is_right)
{
    size_t good = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct world w;
        world_make(&w, seed);
        for (size_t step = 0; !w.is_done; step++) {
            cr_assert_lt(step, STEPS_MAX, "seed %llu does not end", (unsigned long long)seed);
            world_turn(&w);
        }
        good += w.err == OK;
        world_check(&w, seed);
        world_check_nothing_stays(&w, seed);
        world_end(&w);
    }
    cr_assert(good > RUNS / 3 && good < RUNS, "%zu of %d went well", good, RUNS);
}

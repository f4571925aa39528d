/* What a peer makes of a daemon's words on its size, whatever they are. A whole peer, and a daemon that answers id and
 * repo/stat with these bytes, and nothing else. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "peer_informer.h"
#include "peer_int.h"
#include "tests/lib/peer_alone.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(peer_informer, .timeout = 60);

#define ID "{\"ID\":\"QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC\",\"Addresses\":[]}"

enum { CALLS_MAX = 8, METRICS_MAX = 32 };

struct daemon {
    struct http_call *calls[CALLS_MAX];
    size_t calls_count;
    const char *repo;
    bool stops_in_the_middle; /* of what it says of itself */
};

static int daemon_start(void *impl, struct http_call *call)
{
    struct daemon *d = impl;
    if (d->calls_count == CALLS_MAX)
        return ERR_BUSY;
    call->state = NULL;
    d->calls[d->calls_count++] = call;
    return OK;
}

static void daemon_cancel(void *impl, struct http_call *call)
{
    call->state = impl; /* marks it */
}

static size_t daemon_write(void *impl, struct http_call *call, const void *bytes, size_t len)
{
    (void)impl, (void)call, (void)bytes;
    return len;
}

static void daemon_ignore(void *impl, struct http_call *call)
{
    (void)impl, (void)call;
}

static const struct http_client_ops daemon_ops = { daemon_start,  daemon_write,  daemon_ignore,
                                                   daemon_ignore, daemon_ignore, daemon_cancel };

/* False: it is not answered yet. */
static bool daemon_answer(struct daemon *d, struct http_call *call)
{
    bool is_id = strncmp(call->target, "/api/v0/id", 10) == 0;
    if (call->state != NULL) {
        call->done(call, ERR_CANCELED);
        return true;
    }
    if (!is_id && strncmp(call->target, "/api/v0/repo/stat", 17) != 0) {
        call->done(call, ERR_UNREACHABLE);
        return true;
    }
    if (is_id && d->stops_in_the_middle)
        return false;
    const char *body = is_id ? ID : d->repo;
    call->on_head(call, 200, NULL, 0);
    call->on_body(call, body, strlen(body));
    call->done(call, OK);
    return true;
}

static void pass(struct peer_alone *a, struct daemon *d, uint64_t span_us)
{
    uint64_t until_us = a->world.now_us + span_us;
    while (a->world.now_us < until_us) {
        peer_alone_step(a);
        cr_assert_not_null(a->peer, "%s", a->why);
        for (size_t i = 0; i < d->calls_count;) {
            struct http_call *call = d->calls[i];
            d->calls[i] = d->calls[d->calls_count - 1];
            d->calls_count -= 1;
            if (daemon_answer(d, call))
                continue;
            d->calls[d->calls_count++] = d->calls[i];
            d->calls[i++] = call;
        }
    }
}

static void begin(struct peer_alone *a, struct daemon *d)
{
    peer_alone_init(a, 1);
    a->ports.http_client = (struct http_client){ &daemon_ops, d };
    cr_assert_eq(peer_alone_start(a), OK);
    pass(a, d, a->peer->options.metric_ttl_us);
}

static struct metric metric_of(struct peer_alone *a, const char *name)
{
    struct metric all[METRICS_MAX];
    size_t count = peer_informer_metrics(a->peer->informer, all, METRICS_MAX);
    for (size_t i = 0; i < count; i++)
        if (all[i].name.len == strlen(name) && memcmp(all[i].name.data, name, strlen(name)) == 0)
            return all[i];
    cr_assert_fail("no metric %s", name);
    return (struct metric){ .is_valid = false };
}

Test(peer_informer, sizes_beyond_all_numbers_rank_last_and_first)
{
    static struct peer_alone a;
    struct daemon d = { .repo = "{\"RepoSize\":18446744073709551615,\"StorageMax\":0,"
                                "\"NumObjects\":1,\"RepoPath\":\"\",\"Version\":\"\"}" };
    begin(&a, &d);
    struct metric size = metric_of(&a, METRIC_REPOSIZE);
    cr_assert(size.is_valid);
    cr_assert_eq(size.weight, -INT64_MAX);
    cr_assert(!metric_of(&a, METRIC_FREESPACE).is_valid, "no limit was named");
    d.repo = "{\"RepoSize\":9223372036854775808,\"StorageMax\":18446744073709551615,"
             "\"NumObjects\":1,\"RepoPath\":\"\",\"Version\":\"\"}";
    pass(&a, &d, a.peer->options.metric_ttl_us);
    cr_assert_eq(metric_of(&a, METRIC_REPOSIZE).weight, -INT64_MAX);
    cr_assert_eq(metric_of(&a, METRIC_FREESPACE).weight, INT64_MAX);
    d.repo =
        "{\"RepoSize\":7,\"StorageMax\":5,\"NumObjects\":1,\"RepoPath\":\"\",\"Version\":\"\"}";
    pass(&a, &d, a.peer->options.metric_ttl_us);
    cr_assert_eq(metric_of(&a, METRIC_FREESPACE).weight, 0, "more than it may have");
    cr_assert(metric_of(&a, METRIC_FREESPACE).is_valid);
    peer_alone_deinit(&a);
}

/* Not what the cluster wants of it, which is the same number everywhere. */
Test(peer_informer, numpin_is_what_the_daemon_holds)
{
    static struct peer_alone a;
    struct daemon d = { .repo = "{\"RepoSize\":7,\"StorageMax\":50,\"NumObjects\":1,"
                                "\"RepoPath\":\"\",\"Version\":\"\"}" };
    begin(&a, &d);
    char target[320];
    struct cid cid = test_cid(1);
    snprintf(target, sizeof(target), "/pins/%s?replication=-1", cid_print(&cid).text);
    cr_assert_eq(peer_alone_ask(&a, "POST", target), 200);
    pass(&a, &d, a.peer->options.metric_ttl_us);
    struct metric pins = metric_of(&a, "numpin");
    cr_assert(pins.is_valid);
    cr_assert_eq(pins.weight, 0, "it was asked for, and nobody holds it");
    peer_alone_deinit(&a);
}

Test(peer_informer, a_daemon_that_stops_in_the_middle_of_its_answer_is_given_up)
{
    static struct peer_alone a;
    struct peer_ipfs ipfs;
    struct daemon d = { .repo = "{\"RepoSize\":7,\"StorageMax\":50,\"NumObjects\":1,"
                                "\"RepoPath\":\"\",\"Version\":\"\"}" };
    begin(&a, &d);
    cr_assert(metric_of(&a, METRIC_REPOSIZE).is_valid);
    d.stops_in_the_middle = true;
    pass(&a, &d, 3 * a.peer->options.metric_ttl_us);
    cr_assert(!metric_of(&a, METRIC_REPOSIZE).is_valid);
    peer_informer_ipfs(a.peer->informer, &ipfs);
    cr_assert_str_eq(ipfs.error, "the IPFS daemon stopped in the middle of an answer");
    d.stops_in_the_middle = false;
    pass(&a, &d, 2 * a.peer->options.metric_ttl_us);
    cr_assert(metric_of(&a, METRIC_REPOSIZE).is_valid);
    peer_alone_deinit(&a);
}

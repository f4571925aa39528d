/* peer_informer.c -- asks the IPFS daemon for its id and its size, in turn, every half TTL. */
#include "peer_informer.h"

#include <string.h>

#include "ipfs/kubo_reply.h"
#include "ipfs/kubo_request.h"
#include "peer_int.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum {
    INFORMER_IPFS_ADDRS_MAX = 16,
    INFORMER_VALUE_SIZE = 32,
    INFORMER_NUMBERS = 4, /* reposize, freespace, numpin, pinqueue */
};

enum informer_step { INFORMER_IDLE, INFORMER_ID, INFORMER_REPO };

struct peer_informer {
    struct peer *peer;
    bool is_stopped;
    uint64_t ask_at_us;
    /* The call under way. */
    enum informer_step step;
    uint64_t give_up_us;
    struct http_call call;
    struct kubo_reply reply;
    struct buf target;
    /* The daemon, as it last described itself. */
    struct peer_id ipfs_id;
    struct buf ipfs_addrs[INFORMER_IPFS_ADDRS_MAX];
    size_t ipfs_addrs_count;
    const char *ipfs_addr_texts[INFORMER_IPFS_ADDRS_MAX];
    struct peer_id_text ipfs_id_text;
    char error[KUBO_TEXT_SIZE];
    bool repo_is_known;
    uint64_t repo_size;
    uint64_t storage_max;
    bool was_up;
    bool was_told; /* the first answer was pushed at once */
    /* What was last made of it. */
    struct buf ping;
    struct buf status;
    char values[INFORMER_NUMBERS][INFORMER_VALUE_SIZE];
    size_t values_count;
    char tag_names[LIMIT_METRICS_PER_PEER_COUNT][LIMIT_METRIC_NAME_BYTES + 1];
};

int peer_informer_create(struct peer_informer **out, struct peer *peer)
{
    struct peer_informer *i = mem_zalloc(sizeof(*i));
    if (i == NULL)
        return ERR_NOMEM;
    i->peer = peer;
    memcpy(i->error, "not asked yet", sizeof("not asked yet"));
    *out = i;
    return OK;
}

void peer_informer_destroy(struct peer_informer *i)
{
    if (i == NULL)
        return;
    if (i->step != INFORMER_IDLE)
        kubo_reply_deinit(&i->reply);
    for (size_t a = 0; a < INFORMER_IPFS_ADDRS_MAX; a++)
        buf_deinit(&i->ipfs_addrs[a]);
    buf_deinit(&i->target);
    buf_deinit(&i->ping);
    buf_deinit(&i->status);
    mem_free(i);
}

/* ---- asking ---- */

static void informer_take_id(struct peer_informer *i, const struct kubo_row *row)
{
    i->ipfs_id = row->id.peer;
    i->ipfs_id_text = peer_id_print(&i->ipfs_id);
    i->ipfs_addrs_count = 0;
    for (size_t a = 0; a < row->id.addrs_count && a < INFORMER_IPFS_ADDRS_MAX; a++) {
        struct buf *text = &i->ipfs_addrs[a];
        buf_clear(text);
        multiaddr_print(&row->id.addrs[a], text);
        i->ipfs_addr_texts[a] = buf_text(text);
        i->ipfs_addrs_count += 1;
    }
}

static void informer_on_row(void *owner, const struct kubo_row *row)
{
    struct peer_informer *i = owner;
    if (row->kind == KUBO_ROW_ID) {
        informer_take_id(i, row);
    } else if (row->kind == KUBO_ROW_REPO) {
        i->repo_is_known = true;
        i->repo_size = row->repo.size;
        i->storage_max = row->repo.storage_max;
    }
}

static void informer_on_head(struct http_call *call, int status, const struct http_field *fields,
                             size_t count)
{
    (void)fields;
    (void)count;
    kubo_reply_on_head(&((struct peer_informer *)call->owner)->reply, status);
}

static void informer_on_body(struct http_call *call, const void *bytes, size_t len)
{
    kubo_reply_on_body(&((struct peer_informer *)call->owner)->reply, bytes, len);
}

static void informer_on_trailer(struct http_call *call, const struct http_field *fields,
                                size_t count)
{
    kubo_reply_on_trailer(&((struct peer_informer *)call->owner)->reply, fields, count);
}

static void informer_ask(struct peer_informer *i, enum informer_step step);

static void informer_done(struct http_call *call, int err)
{
    struct peer_informer *i = call->owner;
    struct peer *p = i->peer;
    peer_enter(p);
    enum informer_step step = i->step;
    bool has_stalled = err == ERR_CANCELED && !i->is_stopped;
    err = kubo_reply_end(&i->reply, err);
    peer_words(i->error, sizeof(i->error), "%s",
               has_stalled ? "the IPFS daemon stopped in the middle of an answer"
                           : kubo_reply_text(&i->reply));
    kubo_reply_deinit(&i->reply);
    i->step = INFORMER_IDLE;
    if (err != OK)
        i->repo_is_known = false;
    if (err == OK && !i->was_up)
        peer_swarm_again(p); /* a daemon that was restarted has forgotten its connections */
    i->was_up = err == OK;
    if (err == OK && step == INFORMER_ID)
        informer_ask(i, INFORMER_REPO);
    else if (p->raft != NULL && step == INFORMER_REPO && !i->was_told) {
        i->was_told = true; /* the first news is not kept until the next half TTL */
        p->push_at_us = p->now_us;
    }
    peer_leave(p);
}

static void informer_ask(struct peer_informer *i, enum informer_step step)
{
    if (i->is_stopped)
        return;
    buf_clear(&i->target);
    if (step == INFORMER_ID)
        kubo_request_id(&i->target);
    else
        kubo_request_repo_stat(&i->target);
    i->give_up_us = i->peer->now_us + i->peer->options.metric_ttl_us;
    if (i->target.err != OK)
        return;
    kubo_reply_init(&i->reply, step == INFORMER_ID ? KUBO_ID : KUBO_REPO_STAT, informer_on_row, i);
    i->call = (struct http_call){ .method = KUBO_METHOD,
                                  .target = buf_text(&i->target),
                                  .head_timeout_us = i->peer->options.metric_ttl_us,
                                  .on_head = informer_on_head,
                                  .on_body = informer_on_body,
                                  .on_trailer = informer_on_trailer,
                                  .done = informer_done,
                                  .owner = i };
    if (http_client_start(&i->peer->ports.http_client, &i->call) == OK)
        i->step = step;
    else
        kubo_reply_deinit(&i->reply);
}

void peer_informer_stop(struct peer_informer *i)
{
    i->is_stopped = true;
    if (i->step != INFORMER_IDLE)
        http_client_cancel(&i->peer->ports.http_client, &i->call);
}

bool peer_informer_is_idle(const struct peer_informer *i)
{
    return i->step == INFORMER_IDLE;
}

void peer_informer_on_deadline(struct peer_informer *i)
{
    if (i->peer->now_us < i->ask_at_us || i->is_stopped)
        return;
    i->ask_at_us = i->peer->now_us + i->peer->options.metric_ttl_us / 2;
    if (i->step == INFORMER_IDLE)
        informer_ask(i, INFORMER_ID);
    else if (i->peer->now_us >= i->give_up_us)
        http_client_cancel(&i->peer->ports.http_client,
                           &i->call); /* it began to answer, and stopped */
}

uint64_t peer_informer_deadline_us(const struct peer_informer *i)
{
    return i->is_stopped ? MONO_NEVER : i->ask_at_us;
}

/* ---- telling ---- */

static void informer_ping_value(struct peer_informer *i)
{
    buf_clear(&i->ping);
    struct json_writer w = json_writer_to(&i->ping);
    json_object_begin(&w);
    json_key_string(&w, "peer_name", i->peer->options.name);
    json_key_string(&w, "ipfs_id", i->ipfs_id_text.text);
    json_object_end(&w);
}

/* What a daemon says may be any number: beyond what a weight can be all are the same. */
static int64_t informer_weight(uint64_t value)
{
    return value < (uint64_t)INT64_MAX ? (int64_t)value : INT64_MAX;
}

/* A metric whose value is a number; more weight is better. */
static void informer_say(struct peer_informer *i, struct metric *out, const char *name,
                         uint64_t value, int64_t weight, bool is_valid)
{
    char *text = i->values[i->values_count++];
    peer_words(text, INFORMER_VALUE_SIZE, "%llu", (unsigned long long)value);
    *out = (struct metric){ .name = { name, strlen(name) },
                            .value = { text, strlen(text) },
                            .weight = weight,
                            .is_valid = is_valid };
}

static void informer_say_status(struct peer_informer *i, struct metric *out)
{
    struct tracker_summary s = tracker_summary(i->peer->tracker);
    buf_clear(&i->status);
    struct json_writer w = json_writer_to(&i->status);
    json_object_begin(&w);
    json_key_u64(&w, "pinned", s.pinned);
    json_key_u64(&w, "pinning", s.pinning);
    json_key_u64(&w, "pin_queued", s.pin_queued);
    json_key_u64(&w, "pin_error", s.pin_error);
    json_key_u64(&w, "unexpectedly_unpinned", s.unexpectedly_unpinned);
    json_key_u64(&w, "unpinning", s.unpinning);
    json_key_u64(&w, "unpin_queued", s.unpin_queued);
    json_key_u64(&w, "unpin_error", s.unpin_error);
    json_object_end(&w);
    *out = (struct metric){ .name = { METRIC_PINSTATUS, strlen(METRIC_PINSTATUS) },
                            .value = buf_bytes(&i->status),
                            .weight = (int64_t)s.pinned,
                            .is_valid = s.is_complete };
}

static size_t informer_say_tags(struct peer_informer *i, struct metric *out, size_t max)
{
    const struct peer_options *o = &i->peer->options;
    size_t count = 0;
    for (; count < o->tags_count && count < max; count++) {
        const struct peer_tag *tag = &o->tags[count];
        char *name = i->tag_names[count];
        peer_words(name, sizeof(i->tag_names[count]), "tag:%s", tag->name);
        out[count] = (struct metric){ .name = { name, strlen(name) },
                                      .value = { tag->value, strlen(tag->value) },
                                      .is_partitionable = true,
                                      .is_valid = true };
    }
    return count;
}

size_t peer_informer_metrics(struct peer_informer *i, struct metric *out, size_t max)
{
    ASSERT(max >= INFORMER_NUMBERS + 2);
    uint64_t pins = tracker_summary(i->peer->tracker).pinned;
    uint64_t queued = tracker_counts(i->peer->tracker).pin_untried;
    uint64_t left = i->storage_max > i->repo_size ? i->storage_max - i->repo_size : 0;
    bool is_known = i->repo_is_known;
    bool is_limited =
        is_known && i->storage_max > 0; /* a daemon that names no limit is never full */
    if (peer_has_no_room(i->peer)) {    /* it could not even note what it is given */
        left = 0;
        is_limited = true;
    }
    i->values_count = 0;
    informer_ping_value(i);
    out[0] = (struct metric){ .name = { METRIC_PING, strlen(METRIC_PING) },
                              .value = buf_bytes(&i->ping),
                              .is_valid = true };
    informer_say(i, &out[1], METRIC_REPOSIZE, i->repo_size, -informer_weight(i->repo_size),
                 is_known);
    informer_say(i, &out[2], METRIC_FREESPACE, left, informer_weight(left), is_limited);
    informer_say(i, &out[3], "numpin", pins, -informer_weight(pins), is_known);
    informer_say(i, &out[4], METRIC_PINQUEUE, queued,
                 -(int64_t)(queued / i->peer->options.pinqueue_bucket), true);
    informer_say_status(i, &out[1 + INFORMER_NUMBERS]);
    size_t count = 2 + INFORMER_NUMBERS;
    count += informer_say_tags(i, &out[count], max - count);
    for (size_t n = 0; n < count; n++)
        out[n].ttl_us = i->peer->options.metric_ttl_us;
    return count;
}

void peer_informer_ipfs(const struct peer_informer *i, struct peer_ipfs *out)
{
    *out = (struct peer_ipfs){ .id = i->ipfs_id_text.text,
                               .addresses = i->ipfs_addr_texts,
                               .addresses_count = i->ipfs_addrs_count,
                               .error = i->error };
}

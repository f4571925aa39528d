#include "fault/memory.h"

static struct fault_memory *running; /* NULL: no peer, or it stands in a port */

struct fault_memory *fault_memory_enter(struct fault_memory *m)
{
    struct fault_memory *before = running;
    running = m;
    return before;
}

void fault_memory_back(struct fault_memory *before)
{
    running = before;
}

bool fault_memory_asks(void)
{
    struct fault_memory *m = running;
    if (m == NULL || m->fails == 0)
        return false;
    if (m->left > 0) {
        m->left -= 1;
        return false;
    }
    m->fails -= 1;
    m->failed += 1;
    return true;
}

/* ---- the network: out of the peer with what it says, into it with what it hears ---- */

static void memory_on_frame(void *owner, const struct peer_id *from, enum stream stream,
                            const void *bytes, size_t len)
{
    struct fault_memory *m = owner;
    struct fault_memory *before = fault_memory_enter(m);
    m->hooks.on_frame(m->hooks.owner, from, stream, bytes, len);
    fault_memory_back(before);
}

static void memory_on_link(void *owner, const struct peer_id *peer, bool up)
{
    struct fault_memory *m = owner;
    struct fault_memory *before = fault_memory_enter(m);
    m->hooks.on_link(m->hooks.owner, peer, up);
    fault_memory_back(before);
}

static void memory_set_hooks(void *impl, const struct transport_hooks *hooks)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    m->hooks = *hooks;
    struct transport_hooks mine = { memory_on_frame, hooks->on_link != NULL ? memory_on_link : NULL,
                                    m };
    transport_set_hooks(&m->transport, &mine);
    fault_memory_back(before);
}

static int memory_send(void *impl, const struct peer_id *to, enum stream stream, const void *bytes,
                       size_t len)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = transport_send(&m->transport, to, stream, bytes, len);
    fault_memory_back(before);
    return out;
}

static int memory_set_addresses(void *impl, const struct peer_id *peer,
                                const struct multiaddr *addrs, size_t count)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = transport_set_addresses(&m->transport, peer, addrs, count);
    fault_memory_back(before);
    return out;
}

static void memory_connect(void *impl, const struct peer_id *peer)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    transport_connect(&m->transport, peer);
    fault_memory_back(before);
}

static size_t memory_listen_addresses(void *impl, struct multiaddr *list, size_t max)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    size_t out = transport_listen_addresses(&m->transport, list, max);
    fault_memory_back(before);
    return out;
}

struct transport fault_memory_transport(struct fault_memory *m, struct transport inner)
{
    static const struct transport_ops ops = { .set_hooks = memory_set_hooks,
                                              .send = memory_send,
                                              .set_addresses = memory_set_addresses,
                                              .connect = memory_connect,
                                              .listen_addresses = memory_listen_addresses };
    m->transport = inner;
    return (struct transport){ &ops, m };
}

/* ---- the disk (its views ask for no memory) ---- */

static int memory_log_open(void *impl, struct buf *meta, struct log_extent *extent,
                           log_record_hook on_record, void *owner)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->log_open(m->store.impl, meta, extent, on_record, owner);
    fault_memory_back(before);
    return out;
}

static int memory_log_write(void *impl, struct log_unit *unit)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->log_write(m->store.impl, unit);
    fault_memory_back(before);
    return out;
}

static int memory_log_fetch(void *impl, struct log_fetch *fetch)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->log_fetch(m->store.impl, fetch);
    fault_memory_back(before);
    return out;
}

static int memory_log_trim(void *impl, struct log_trim *trim)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->log_trim(m->store.impl, trim);
    fault_memory_back(before);
    return out;
}

static int memory_map_write(void *impl, struct map_batch *batch)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->map_write(m->store.impl, batch);
    fault_memory_back(before);
    return out;
}

static int memory_map_job(void *impl, struct map_job *job)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->map_job(m->store.impl, job);
    fault_memory_back(before);
    return out;
}

static int memory_file_job(void *impl, struct file_job *job)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->file_job(m->store.impl, job);
    fault_memory_back(before);
    return out;
}

static int memory_map_open(void *impl, uint64_t generation)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->map_open(m->store.impl, generation);
    fault_memory_back(before);
    return out;
}

static int memory_view_open(void *impl, enum map_area area, struct view *view)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->store.ops->view_open(m->store.impl, area, view);
    fault_memory_back(before);
    return out;
}

static void memory_view_close(void *impl, struct view *view)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    m->store.ops->view_close(m->store.impl, view);
    fault_memory_back(before);
}

struct store fault_memory_store(struct fault_memory *m, struct store inner)
{
    static const struct store_ops ops = { .log_open = memory_log_open,
                                          .log_write = memory_log_write,
                                          .log_fetch = memory_log_fetch,
                                          .log_trim = memory_log_trim,
                                          .map_open = memory_map_open,
                                          .map_write = memory_map_write,
                                          .map_job = memory_map_job,
                                          .view_open = memory_view_open,
                                          .view_close = memory_view_close,
                                          .file_job = memory_file_job };
    m->store = inner;
    return (struct store){ &ops, m };
}

/* ---- the daemon, dice, the log ---- */

static int memory_start(void *impl, struct http_call *call)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    int out = m->http_client.ops->start(m->http_client.impl, call);
    fault_memory_back(before);
    return out;
}

static size_t memory_write(void *impl, struct http_call *call, const void *bytes, size_t len)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    size_t out = m->http_client.ops->write(m->http_client.impl, call, bytes, len);
    fault_memory_back(before);
    return out;
}

static void memory_end(void *impl, struct http_call *call)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    m->http_client.ops->end(m->http_client.impl, call);
    fault_memory_back(before);
}

static void memory_pause(void *impl, struct http_call *call)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    m->http_client.ops->pause(m->http_client.impl, call);
    fault_memory_back(before);
}

static void memory_resume(void *impl, struct http_call *call)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    m->http_client.ops->resume(m->http_client.impl, call);
    fault_memory_back(before);
}

static void memory_cancel(void *impl, struct http_call *call)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    m->http_client.ops->cancel(m->http_client.impl, call);
    fault_memory_back(before);
}

struct http_client fault_memory_http_client(struct fault_memory *m, struct http_client inner)
{
    static const struct http_client_ops ops = { memory_start, memory_write,  memory_end,
                                                memory_pause, memory_resume, memory_cancel };
    m->http_client = inner;
    return (struct http_client){ &ops, m };
}

static uint64_t memory_below(void *impl, enum rng_purpose why, uint64_t n)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    uint64_t out = rng_below(&m->rng, why, n);
    fault_memory_back(before);
    return out;
}

struct rng fault_memory_rng(struct fault_memory *m, struct rng inner)
{
    static const struct rng_ops ops = { memory_below };
    m->rng = inner;
    return (struct rng){ &ops, m };
}

static void memory_on_line(void *impl, const struct log_line *line)
{
    struct fault_memory *m = impl;
    struct fault_memory *before = fault_memory_enter(NULL);
    m->log->on_line(m->log->impl, line);
    fault_memory_back(before);
}

const struct log *fault_memory_log(struct fault_memory *m, const struct log *inner)
{
    m->log = inner;
    m->outer_log = (struct log){ memory_on_line, m, inner->level };
    return &m->outer_log;
}

/* covers: sim/kubo/multipart.c sim/kubo/content.c sim/kubo/path.c sim/kubo/request.c sim/kubo/commands.c */
/* What may come over the socket of the stand-in IPFS daemon. The input: a target, a NUL, a body. The same
 * body in other pieces must give the same answer. A block made of the body is read as dag-pb. */
#include <stdint.h>
#include <string.h>

#include "port/clock.h"
#include "sim/kubo/content.h"
#include "sim/kubo/standin.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

struct talk {
    struct http_exchange x; /* first */
    struct buf said;
    bool is_over;
};

static struct talk *talk_of(struct http_exchange *x)
{
    return (struct talk *)(void *)x;
}

static void talk_begin(struct http_exchange *x, int status, const struct http_field *fields,
                       size_t count, int64_t body_len)
{
    (void)fields;
    (void)count;
    (void)body_len;
    buf_printf(&talk_of(x)->said, "%d ", status);
}

static bool talk_write(struct http_exchange *x, const void *bytes, size_t len)
{
    buf_append(&talk_of(x)->said, bytes, len);
    return true;
}

static void talk_end(struct http_exchange *x, const struct http_field *trailers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_append(&talk_of(x)->said, trailers[i].value.data, trailers[i].value.len);
    talk_of(x)->is_over = true;
}

static void talk_resume(struct http_exchange *x)
{
    (void)x;
}

static void talk_kill(struct http_exchange *x)
{
    talk_of(x)->is_over = true;
}

static const struct http_reply_ops talk_ops = { talk_begin, talk_write, talk_end, talk_resume,
                                                talk_kill };

static uint64_t no_time(void *owner)
{
    (void)owner;
    return 1000;
}

static void no_wake(void *owner, uint64_t at_us)
{
    (void)owner;
    (void)at_us;
}

/* One request to a daemon that holds one folder and one file. */
static void talk_run(struct talk *t, const char *target, struct bytes body, size_t piece)
{
    static const uint8_t file[] = "\x0a\x0a\x08\x02\x12\x04one\x0a\x18\x04";
    static const struct http_field type =
        HTTP_FIELD("Content-Type", "multipart/form-data; boundary=b");
    struct standin_options options = { .api_address = "/ip4/127.0.0.1/tcp/5001",
                                       .swarm_address = "/ip4/127.0.0.1/tcp/4001" };
    struct standin_hooks hooks = { no_time, no_wake, NULL };
    options.id = peer_id_of_public_key(options.public_key);
    struct standin *s = standin_create(&options, &hooks, NULL);
    struct cid cid = content_cid(0, CONTENT_DAG_PB, (struct bytes){ file, sizeof file - 1 });
    struct content_link link = { cid, { "one.txt", 7 }, sizeof file - 1 };
    struct buf folder = { 0 };
    content_put_folder(&folder, &link, 1);
    struct cid root = content_cid(0, CONTENT_DAG_PB, buf_bytes(&folder));
    standin_on_block(s,
                     &(struct standin_block){ content_key(&cid), { file, sizeof file - 1 }, 1, 1 });
    standin_on_block(s, &(struct standin_block){ content_key(&root), buf_bytes(&folder), 1, 1 });
    standin_pin(s, &root, false, "name");
    buf_deinit(&folder);

    char *path = mem_strdup(target);
    path[strcspn(path, "?")] = 0;
    const char *query = strchr(target, '?');
    t->x.ops = &talk_ops;
    t->x.request = (struct http_request){ .method = "POST",
                                          .target = target,
                                          .path = path,
                                          .query = query != NULL ? query + 1 : "",
                                          .fields = &type,
                                          .fields_count = 1,
                                          .has_body = true,
                                          .body_len = -1,
                                          .minor_version = 1 };
    standin_on_request(s, &t->x);
    for (size_t at = 0; at < body.len && !t->is_over && t->x.on_body != NULL; at += piece) {
        size_t left = body.len - at;
        t->x.on_body(&t->x, (const uint8_t *)body.data + at, left < piece ? left : piece);
    }
    if (!t->is_over && t->x.on_body_end != NULL)
        t->x.on_body_end(&t->x);
    standin_destroy(s);
    mem_free(path);
}

static void read_block(struct bytes block)
{
    struct cid cid = content_cid(1, CONTENT_DAG_PB, block);
    struct reader links = content_links(&cid, block);
    struct content_link link;
    while (content_next_link(&links, &link))
        ASSERT(!cid_is_undefined(&link.cid));
    content_file(&cid, block);
    content_find_link(&cid, block, (struct bytes){ "one.txt", 7 }, &link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    if (nul == NULL || size > 4096)
        return 0;
    struct bytes body = { nul + 1, size - (size_t)(nul - data) - 1 };
    struct talk whole = { .is_over = false }, cut = { .is_over = false };
    talk_run(&whole, (const char *)data, body, size);
    talk_run(&cut, (const char *)data, body, size % 5 + 1);
    ASSERT(bytes_equal(buf_bytes(&whole.said), buf_bytes(&cut.said)));
    buf_deinit(&whole.said);
    buf_deinit(&cut.said);
    read_block(body);
    return 0;
}

/* covers: peer/net/frame.c peer/net/rpc.c peer/members/join.c peer/peer_pages.c */
/* What another peer may send on the calls stream. The first byte says what the rest is: a frame for the rpc, or the
 * payload of one of the calls. What is taken must come back the same when it is written again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "members/depart.h"
#include "members/founding.h"
#include "members/join.h"
#include "net/rpc.h"
#include "peer_pages.h"
#include "util/assert.h"
#include "util/err.h"

/* ---- frames ---- */

struct fuzz_side {
    struct rpc rpc;
    struct peer_id peer;
    unsigned ended_count;
};

static int fuzz_send(void *impl, const struct peer_id *to, enum stream stream, const void *bytes,
                     size_t len)
{
    (void)impl;
    (void)to;
    (void)stream;
    struct frame frame;
    ASSERT(frame_decode(&frame, bytes, len) == OK);
    return OK;
}

static void fuzz_on_request(void *owner, const struct rpc_asker *asker, enum rpc_method method,
                            struct bytes payload)
{
    struct fuzz_side *s = owner;
    ASSERT(method >= RPC_FIND && method <= RPC_METHOD_LAST);
    if (payload.len % 2 == 0)
        rpc_reply(&s->rpc, asker, payload);
    else
        rpc_refuse(&s->rpc, asker, ERR_AUTH, "odd");
}

static void fuzz_done(void *owner, int err, struct bytes payload, const char *text)
{
    (void)err;
    (void)payload;
    ASSERT(text != NULL);
    ((struct fuzz_side *)owner)->ended_count += 1;
}

static void fuzz_frame(const uint8_t *data, size_t len)
{
    static const struct transport_ops ops = { .send = fuzz_send };
    struct transport transport = { .ops = &ops };
    uint8_t key[32] = { 1 };
    struct fuzz_side s = { .peer = peer_id_of_public_key(key) };
    struct rpc_hooks hooks = { .on_request = fuzz_on_request, .owner = &s };
    struct frame frame;
    rpc_init(&s.rpc, &transport, &hooks, 2, 0);
    for (int i = 0; i < 3; i++)
        (void)rpc_call(&s.rpc, 0, &s.peer, RPC_ID, (struct bytes){ "", 0 }, 10 + i, fuzz_done, &s);
    if (frame_decode(&frame, data, len) == OK) {
        (void)cluster_id_conflicts(&frame.cluster, &s.rpc.cluster);
        rpc_on_frame(&s.rpc, &s.peer, &frame);
    }
    ASSERT(s.ended_count <= 1);
    rpc_on_deadline(&s.rpc, rpc_next_deadline_us(&s.rpc));
    if (len % 2 == 0)
        rpc_on_link_down(&s.rpc, &s.peer);
    else if (len % 3 == 0)
        rpc_forget(&s.rpc, &s);
    rpc_deinit(&s.rpc);
    ASSERT(s.ended_count <= 2);
}

/* ---- payloads ---- */

/* Written again it is the same bytes: every value has one form. */
static void fuzz_same(struct buf *again, const uint8_t *data, size_t len)
{
    ASSERT(again->err == OK);
    ASSERT(bytes_equal(buf_bytes(again), (struct bytes){ data, len }));
    buf_deinit(again);
}

static void fuzz_join(const uint8_t *data, size_t len)
{
    struct join_request request;
    struct join_answer answer;
    struct buf again = { 0 };
    if (join_request_decode(&request, data, len) == OK) {
        static struct join_desk desk;
        join_request_encode(&request, &again);
        fuzz_same(&again, data, len);
        join_desk_admit(&desk, &request, 7);
        ASSERT(join_desk_number(&desk, &request) == 7);
    }
    if (join_answer_decode(&answer, data, len) == OK) {
        join_answer_encode(&answer, &again);
        fuzz_same(&again, data, len);
    }
    uint64_t number;
    if (member_number_decode(&number, data, len) == OK) {
        member_number_encode(number, &again);
        fuzz_same(&again, data, len);
    }
}

static void fuzz_depart(const uint8_t *data, size_t len)
{
    struct buf again = { 0 };
    struct depart_question question;
    uint64_t kept;
    bool is_gone;
    if (depart_question_decode(&question, data, len) == OK) {
        depart_question_encode(&question, &again);
        fuzz_same(&again, data, len);
    }
    if (depart_kept_decode(&kept, data, len) == OK) {
        depart_kept_encode(kept, &again);
        fuzz_same(&again, data, len);
    }
    if (depart_dismissed_decode(&is_gone, data, len) == OK) {
        depart_dismissed_encode(is_gone, &again);
        fuzz_same(&again, data, len);
    }
}

static void fuzz_find(const uint8_t *data, size_t len)
{
    struct find_answer answer;
    struct buf again = { 0 };
    if (find_answer_decode(&answer, data, len) == OK) {
        find_answer_encode(&answer, &again);
        fuzz_same(&again, data, len);
    }
}

/* Its rows, up to the first bad one, are a page that comes back. */
static void fuzz_page(struct page *page, struct arena *arena)
{
    static struct tracker_info infos[PAGE_INFOS_MAX + 1];
    const struct pin *pin;
    struct buf again = { 0 };
    struct page twice;
    size_t count = 0;
    while (page_next(page, arena, &infos[count], &pin) == OK)
        count += 1;
    page->infos = infos;
    page->count = count;
    page_encode(page, &again);
    ASSERT(again.err == OK);
    ASSERT(page_decode(&twice, buf_bytes(&again)) == OK && twice.count == count);
    for (size_t i = 0; i < count; i++) {
        struct tracker_info info;
        ASSERT(page_next(&twice, arena, &info, &pin) == OK && pin == NULL);
        ASSERT(cid_equal(&info.cid, &infos[i].cid) && info.status == infos[i].status);
        ASSERT(strcmp(info.error, infos[i].error) == 0);
    }
    buf_deinit(&again);
}

static void fuzz_pages(const uint8_t *data, size_t len)
{
    struct arena arena = { 0 };
    struct bytes payload = { data, len };
    struct page_request request;
    struct page page;
    struct api_id id;
    struct buf again = { 0 };
    if (page_request_decode(&request, payload) == OK) {
        struct page_request twice;
        page_request_encode(&request, &again);
        ASSERT(page_request_decode(&twice, buf_bytes(&again)) == OK);
        ASSERT(cid_equal(&twice.cid, &request.cid) && twice.limit == request.limit);
        buf_deinit(&again);
    }
    if (page_decode(&page, payload) == OK)
        fuzz_page(&page, &arena);
    if (page_id_decode(&id, &arena, payload) == OK) {
        page_id_encode(&id, &again);
        fuzz_same(&again, data, len);
    }
    struct api_word word;
    if (peer_word_decode(&word, &arena, payload) == OK) {
        peer_word_encode(&word, &again);
        fuzz_same(&again, data, len);
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 4) {
    case 0:
        fuzz_frame(data + 1, size - 1);
        break;
    case 1:
        fuzz_join(data + 1, size - 1);
        break;
    case 2:
        fuzz_find(data + 1, size - 1);
        fuzz_depart(data + 1, size - 1);
        break;
    case 3:
        fuzz_pages(data + 1, size - 1);
        break;
    }
    return 0;
}

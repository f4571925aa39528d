/* covers: peer/ipfs/kubo_reply.c */
/* Bytes of a daemon against the reading side. The input: one byte for the command, one
 * for the status, the body, and behind a NUL the trailer. Beyond "it does not fall over": the
 * same bytes in other pieces give the same rows and the same verdict. */
#include <stdint.h>
#include <string.h>

#include "ipfs/kubo_reply.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"

struct heard {
    uint64_t hash;
    uint64_t rows;
    int err;
    char text[KUBO_TEXT_SIZE];
};

static void heard_add(struct heard *h, struct bytes bytes)
{
    h->hash = hash64(h->hash + bytes.len, bytes.data, bytes.len);
}

static void heard_add_cid(struct heard *h, const struct cid *cid)
{
    heard_add(h, (struct bytes){ cid->bytes, cid->len });
}

static void heard_on_row(void *owner, const struct kubo_row *row)
{
    struct heard *h = owner;
    h->rows += 1;
    switch (row->kind) {
    case KUBO_ROW_ID:
        heard_add(h, (struct bytes){ row->id.peer.bytes, row->id.peer.len });
        heard_add(h, row->id.agent);
        for (size_t i = 0; i < row->id.addrs_count; i++)
            heard_add(h, (struct bytes){ row->id.addrs[i].bytes, row->id.addrs[i].len });
        break;
    case KUBO_ROW_TEXT:
        heard_add(h, row->text);
        break;
    case KUBO_ROW_PEER:
        heard_add(h, (struct bytes){ row->peer.bytes, row->peer.len });
        break;
    case KUBO_ROW_REPO:
        h->hash += row->repo.size * 31 + row->repo.storage_max;
        break;
    case KUBO_ROW_COLLECTED:
        heard_add_cid(h, &row->collected.cid);
        heard_add(h, row->collected.error);
        break;
    case KUBO_ROW_PIN:
        heard_add_cid(h, &row->pin.cid);
        heard_add(h, row->pin.name);
        ASSERT(row->pin.type < KUBO_PIN_ALL);
        break;
    case KUBO_ROW_PROGRESS:
        h->hash += row->progress.nodes * 31 + row->progress.bytes;
        break;
    case KUBO_ROW_PINNED:
        heard_add_cid(h, &row->pinned);
        break;
    case KUBO_ROW_ADDED:
        heard_add_cid(h, &row->added.cid);
        heard_add(h, row->added.name);
        break;
    case KUBO_ROW_ROOT:
        heard_add_cid(h, &row->root.cid);
        heard_add(h, row->root.error);
        break;
    case KUBO_ROW_TREE:
        h->hash += row->tree.blocks * 31 + row->tree.bytes;
        break;
    case KUBO_ROW_BLOCK:
        heard_add_cid(h, &row->block.cid);
        break;
    }
}

/* By the first byte, from 'H' on: what stands here may be added to and not be moved, or the corpus means something else. */
static enum kubo_command command_of(uint8_t byte)
{
    static const enum kubo_command commands[] = {
        KUBO_ID,        KUBO_VERSION,   KUBO_CONFIG_SHOW, KUBO_SWARM_PEERS, KUBO_SWARM_CONNECT,
        KUBO_REPO_STAT, KUBO_REPO_GC,   KUBO_RESOLVE,     KUBO_PIN_LS,      KUBO_PIN_LS_ONE,
        KUBO_PIN_ADD,   KUBO_PIN_RM,    KUBO_PIN_UPDATE,  KUBO_ADD,         KUBO_DAG_IMPORT,
        KUBO_BLOCK_PUT, KUBO_BLOCK_GET, KUBO_DAG_STAT,    KUBO_DAG_PUT,
    };
    return commands[(uint8_t)(byte - 'H') % (sizeof(commands) / sizeof(commands[0]))];
}

static void hear(struct heard *h, const uint8_t *data, size_t size, size_t piece)
{
    static const int statuses[] = { 200, 500, 400, 503, 204 };
    const uint8_t *body = data + 2;
    const uint8_t *nul = memchr(body, 0, size - 2);
    size_t body_len = nul != NULL ? (size_t)(nul - body) : size - 2;
    struct kubo_reply r;
    kubo_reply_init(&r, command_of(data[0]), heard_on_row, h);
    kubo_reply_on_head(&r, statuses[data[1] % 5]);
    for (size_t at = 0; at < body_len; at += piece)
        kubo_reply_on_body(&r, body + at, body_len - at < piece ? body_len - at : piece);
    if (nul != NULL) {
        struct http_field field = { { "X-Stream-Error", 14 }, { nul + 1, size - 3 - body_len } };
        kubo_reply_on_trailer(&r, &field, 1);
    }
    h->err = kubo_reply_end(&r, OK);
    strcpy(h->text, kubo_reply_text(&r));
    ASSERT(h->err != OK || h->text[0] == 0);
    kubo_reply_deinit(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct heard whole = { 0 }, cut = { 0 };
    hear(&whole, data, size, size);
    hear(&cut, data, size, size % 5 + 1);
    ASSERT(whole.err == cut.err && whole.rows == cut.rows && whole.hash == cut.hash);
    ASSERT(strcmp(whole.text, cut.text) == 0);
    return 0;
}

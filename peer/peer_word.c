/* peer_word.c -- this peer's own word in a census: what its daemon says, gathered. */
#include <string.h>

#include "ipfs/kubo_request.h"
#include "peer_ask.h"
#include "peer_census.h"
#include "peer_informer.h"
#include "peer_int.h"
#include "peer_pages.h"
#include "util/err.h"
#include "util/mem.h"

enum {
    WORD_TEXT_MAX = PAGE_TEXT_MAX,
    WORD_KEYS_BYTES_MAX = 768 * 1024, /* of one frame */
    WORD_ROWS_MAX = PAGE_WORD_ROWS_MAX,
};

/* ---- gathering ---- */

/* One gathering, for the census of this peer or of another. */
struct peer_word {
    struct list_link link; /* in the peer's list, until it is said */
    struct peer *peer;
    enum api_question question;
    struct peer_ask *ask;
    struct arena arena;
    struct api_collected *keys;
    struct peer_id *peers;
    size_t count;
    size_t size;
    size_t bytes;
    uint64_t left_out;
    void (*said)(void *owner, struct bytes payload); /* NULL: another peer asked */
    void *owner;
    struct rpc_asker asker;
};

static void word_free(struct peer_word *w)
{
    list_remove(&w->link);
    arena_deinit(&w->arena);
    mem_free(w->keys);
    mem_free(w->peers);
    mem_free(w);
}

/* Room for one row more; false: it is left out. */
static bool word_grow(struct peer_word *w, void **rows, size_t row_size, size_t bytes)
{
    if (w->count == WORD_ROWS_MAX || w->bytes + bytes > WORD_KEYS_BYTES_MAX)
        return false;
    if (w->count == w->size) {
        size_t size = w->size == 0 ? 64 : 2 * w->size;
        void *grown = mem_realloc(*rows, size * row_size);
        if (grown == NULL)
            return false;
        *rows = grown;
        w->size = size;
    }
    w->bytes += bytes;
    return true;
}

static void word_take_key(struct peer_word *w, const struct cid *cid, struct bytes error)
{
    size_t error_len = error.len < WORD_TEXT_MAX ? error.len : WORD_TEXT_MAX;
    void *rows = w->keys;
    const char *kept = arena_copy(&w->arena, (struct bytes){ error.data, error_len });
    bool has_room = kept != NULL && word_grow(w, &rows, sizeof(*w->keys), cid->len + error_len + 4);
    w->keys = rows;
    if (has_room)
        w->keys[w->count++] = (struct api_collected){ *cid, { kept, error_len } };
    else
        w->left_out += 1;
}

static void word_take_peer(struct peer_word *w, const struct peer_id *id)
{
    void *rows = w->peers;
    bool has_room = word_grow(w, &rows, sizeof(*w->peers), id->len + 2u);
    w->peers = rows;
    if (has_room)
        w->peers[w->count++] = *id;
}

static void word_on_row(void *owner, const struct kubo_row *row)
{
    struct peer_word *w = owner;
    if (row->kind == KUBO_ROW_COLLECTED)
        word_take_key(w, &row->collected.cid, row->collected.error);
    else if (row->kind == KUBO_ROW_PEER)
        word_take_peer(w, &row->peer);
}

static void word_say(struct peer_word *w, const char *error)
{
    struct peer *p = w->peer;
    struct peer_ipfs ipfs;
    struct buf out = { 0 };
    size_t error_len = strnlen(error, WORD_TEXT_MAX);
    peer_informer_ipfs(p->informer, &ipfs);
    struct api_word word = { .name = { p->options.name, strnlen(p->options.name, WORD_TEXT_MAX) },
                             .ipfs_id = { ipfs.id, strnlen(ipfs.id, WORD_TEXT_MAX) },
                             .ipfs_error = { error, error_len },
                             .keys = w->keys,
                             .keys_left_out = w->left_out };
    if (w->question == API_ASK_GARBAGE) {
        word.keys_count = w->count;
    } else {
        word.ipfs_links = w->peers;
        word.ipfs_links_count = w->count;
        word.cluster_links = p->linked;
        word.cluster_links_count = p->linked_count;
    }
    peer_word_encode(&word, &out);
    list_remove(&w->link); /* whoever hears it may forget all that it asked */
    if (out.err != OK && w->said == NULL)
        rpc_refuse(&p->rpc, &w->asker, out.err, err_text(out.err));
    else if (w->said == NULL)
        rpc_reply(&p->rpc, &w->asker, buf_bytes(&out));
    else
        w->said(w->owner, buf_bytes(&out));
    buf_deinit(&out);
    word_free(w);
}

static void word_done(void *owner, int err, const char *text)
{
    struct peer_word *w = owner;
    w->ask = NULL;
    word_say(w, err == OK ? "" : text);
}

static void word_put_target(enum api_question question, struct buf *out)
{
    if (question == API_ASK_GARBAGE)
        kubo_request_repo_gc(out);
    else
        kubo_request_swarm_peers(out);
}

static int word_gather(struct peer *p, enum api_question question, const struct peer_word *start)
{
    bool is_garbage = question == API_ASK_GARBAGE;
    struct peer_word *w = mem_zalloc(sizeof(*w));
    if (w == NULL)
        return ERR_NOMEM;
    *w = *start;
    w->peer = p;
    w->question = question;
    list_push_back(&p->words, &w->link);
    w->ask =
        peer_ask_new(p, is_garbage ? KUBO_REPO_GC : KUBO_SWARM_PEERS, word_on_row, word_done, w);
    if (w->ask == NULL) {
        word_free(w);
        return ERR_NOMEM;
    }
    word_put_target(question, &w->ask->target);
    int err = peer_ask_start(w->ask, is_garbage ? p->options.repogc_timeout_us
                                                : p->options.calls_timeout_us);
    if (err != OK) {
        w->ask = NULL;
        word_say(w, err_text(err));
    }
    return OK;
}

int peer_word_gather(struct peer *p, enum api_question question,
                     void (*said)(void *owner, struct bytes payload), void *owner)
{
    return word_gather(p, question, &(struct peer_word){ .said = said, .owner = owner });
}

void peer_word_forget(struct peer *p, const void *owner)
{
    list_for_each_safe (link, after, &p->words) {
        struct peer_word *w = list_entry(link, struct peer_word, link);
        if (w->owner != owner)
            continue;
        peer_ask_forget(w->ask);
        word_free(w);
    }
}

void peer_words_end(struct peer *p)
{
    while (!list_is_empty(&p->words))
        word_free(list_entry(p->words.next, struct peer_word, link));
}

/* ---- another peer asks ---- */

void peer_on_census(struct peer *p, const struct rpc_asker *asker, enum api_question question)
{
    int err = word_gather(p, question, &(struct peer_word){ .asker = *asker });
    if (err != OK)
        rpc_refuse(&p->rpc, asker, err, err_text(err));
}

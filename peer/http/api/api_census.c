/* api_census.c -- POST /ipfs/gc and GET /health/graph: one document out of a word of each member. */
#include "http/api/api_int.h"
#include "state/pin_json.h"

enum { CENSUS_PARTS = 5 };

struct api_words {
    struct api *api;
    struct http_exchange *x;
    struct api_census *census;
    const struct api_words_kind *kind;
    struct arena arena;
    /* Objects that grow side by side, one member a word. */
    struct buf parts[CENSUS_PARTS];
    struct json_writer writers[CENSUS_PARTS];
};

struct api_words_kind {
    enum api_question question;
    size_t parts_count;
    void (*take)(struct api_words *w, const struct api_word *word);
    void (*finish)(struct api_words *w, struct json_writer *json);
};

static void words_free(struct api_words *w)
{
    if (w->census != NULL)
        w->api->ops->census_close(w->census);
    for (size_t i = 0; i < CENSUS_PARTS; i++)
        buf_deinit(&w->parts[i]);
    arena_deinit(&w->arena);
    mem_free(w);
}

static void words_gone(struct http_exchange *x)
{
    words_free(x->owner);
}

static void words_finish(struct api_words *w)
{
    struct buf document = { 0 };
    struct json_writer json = json_writer_to(&document);
    for (size_t i = 0; i < w->kind->parts_count; i++)
        json_object_end(&w->writers[i]);
    json_object_begin(&json);
    w->kind->finish(w, &json);
    json_object_end(&json);
    for (size_t i = 0; i < w->kind->parts_count; i++) {
        if (w->parts[i].err != OK)
            document.err = w->parts[i].err;
    }
    api_reply_json(w->x, 200, &document);
    words_free(w);
}

static void words_on_wake(void *owner)
{
    struct api_words *w = owner;
    struct api_word word;
    enum api_next next;
    while ((next = w->api->ops->census_next(w->census, &w->arena, &word)) == API_NEXT_ROW) {
        w->kind->take(w, &word);
        arena_reset(&w->arena);
    }
    if (next == API_NEXT_END)
        words_finish(w);
}

static void words_put_part(struct api_words *w, struct json_writer *json, size_t i, const char *key)
{
    json_key(json, key);
    json_raw(json, (const char *)w->parts[i].data, w->parts[i].len);
}

static void words_ask(struct api *api, struct http_exchange *x, const struct api_words_kind *kind,
                      bool is_local)
{
    struct api_words *w = mem_zalloc(sizeof(*w));
    struct api_listing_hooks hooks = { .on_wake = words_on_wake, .owner = w };
    int err = w == NULL ? ERR_NOMEM : OK;
    if (err == OK) {
        w->api = api;
        w->x = x;
        w->kind = kind;
        for (size_t i = 0; i < kind->parts_count; i++) {
            w->writers[i] = json_writer_to(&w->parts[i]);
            json_object_begin(&w->writers[i]);
        }
        err = api->ops->census_open(api->impl, kind->question, is_local, &hooks, &w->census);
    }
    if (err != OK) {
        api_reply_err(x, err, NULL);
        if (w != NULL)
            words_free(w);
        return;
    }
    x->owner = w;
    x->on_abort = words_gone;
    words_on_wake(w);
}

/* ---- POST /ipfs/gc ---- */

static void gc_write_keys(struct json_writer *json, const struct api_word *word)
{
    json_key(json, "keys");
    json_array_begin(json);
    for (size_t i = 0; i < word->keys_count; i++) {
        const struct api_collected *key = &word->keys[i];
        json_object_begin(json);
        pin_json_cid(json, "key", &key->cid);
        if (key->error.len > 0)
            pin_json_bytes(json, "error", key->error);
        json_object_end(json);
    }
    if (word->keys_left_out > 0) {
        struct buf text = { 0 };
        buf_printf(&text, "%llu more are not listed", (unsigned long long)word->keys_left_out);
        json_object_begin(json);
        json_key_null(json, "key");
        json_key_string(json, "error", buf_text(&text));
        json_object_end(json);
        buf_deinit(&text);
    }
    json_array_end(json);
}

static void gc_take(struct api_words *w, const struct api_word *word)
{
    struct json_writer *json = &w->writers[0];
    const char *id = peer_id_print(&word->id).text;
    json_key(json, id);
    json_object_begin(json);
    json_key_string(json, "peer", id);
    pin_json_bytes(json, "peername", word->name);
    gc_write_keys(json, word);
    if (word->error.len > 0)
        pin_json_bytes(json, "error", word->error);
    else if (word->ipfs_error.len > 0)
        pin_json_bytes(json, "error", word->ipfs_error);
    json_object_end(json);
}

static void gc_finish(struct api_words *w, struct json_writer *json)
{
    words_put_part(w, json, 0, "peer_map");
}

API_HANDLER(api_post_gc)
{
    static const struct api_words_kind kind = { API_ASK_GARBAGE, 1, gc_take, gc_finish };
    (void)params;
    words_ask(owner, x, &kind, api_param_is_true(&x->request, "local"));
}

/* ---- GET /health/graph ---- */

enum graph_part { GRAPH_NAMES, GRAPH_IPFS, GRAPH_CLUSTER, GRAPH_TRUST, GRAPH_DAEMONS };

static void graph_put_links(struct json_writer *json, const struct peer_id *ids, size_t count,
                            const struct peer_id *self)
{
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        if (!peer_id_equal(&ids[i], self))
            json_string(json, peer_id_print(&ids[i]).text);
    }
    json_array_end(json);
}

static void graph_take(struct api_words *w, const struct api_word *word)
{
    const char *id = peer_id_print(&word->id).text;
    json_key(&w->writers[GRAPH_CLUSTER], id);
    graph_put_links(&w->writers[GRAPH_CLUSTER], word->cluster_links, word->cluster_links_count,
                    &word->id);
    if (word->error.len > 0)
        return;
    json_key(&w->writers[GRAPH_NAMES], id);
    json_string_len(&w->writers[GRAPH_NAMES], word->name.data, word->name.len);
    json_key_bool(&w->writers[GRAPH_TRUST], id, true); /* all members of a Raft cluster are */
    if (word->ipfs_error.len > 0 || word->ipfs_id.len == 0)
        return;
    pin_json_bytes(&w->writers[GRAPH_DAEMONS], id, word->ipfs_id);
    const char *ipfs_id = arena_copy(&w->arena, word->ipfs_id);
    if (ipfs_id == NULL)
        return;
    json_key(&w->writers[GRAPH_IPFS], ipfs_id);
    graph_put_links(&w->writers[GRAPH_IPFS], word->ipfs_links, word->ipfs_links_count, &word->id);
}

static void graph_finish(struct api_words *w, struct json_writer *json)
{
    struct api_id self;
    if (w->api->ops->describe(w->api->impl, &w->arena, &self) == OK)
        json_key_string(json, "cluster_id", peer_id_print(&self.id).text);
    words_put_part(w, json, GRAPH_NAMES, "id_to_peername");
    words_put_part(w, json, GRAPH_IPFS, "ipfs_links");
    words_put_part(w, json, GRAPH_CLUSTER, "cluster_links");
    words_put_part(w, json, GRAPH_TRUST, "cluster_trust_links");
    words_put_part(w, json, GRAPH_DAEMONS, "cluster_to_ipfs");
}

API_HANDLER(api_get_graph)
{
    static const struct api_words_kind kind = { API_ASK_LINKS, 5, graph_take, graph_finish };
    (void)params;
    words_ask(owner, x, &kind, false);
}

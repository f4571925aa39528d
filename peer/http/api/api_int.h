/* api_int.h -- what the files of http/api share. */
#ifndef HTTP_API_API_INT_H
#define HTTP_API_API_INT_H

#include "http/api/api.h"
#include "ids/peer_id_names.h"
#include "http/wire/json_reply.h"
#include "http/wire/route.h"
#include "http/wire/stream.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

struct api {
    const struct api_ops *ops;
    void *impl;
    const struct gate_options *gate; /* NULL: none */
    bool has_asked; /* the request at hand was put aside to hear of the others already */
};

void api_route(struct api *api, struct http_exchange *x);

/* ---- api_consistent.c ---- */
bool api_wants_consistency(const struct http_request *r);
/* Handles the request once the state has caught up. */
void api_route_consistently(struct api *api, struct http_exchange *x);
/* For a handler that tells how the others are: false, the request is put aside until this peer has heard of them, and
 * routed again then; when that fails answered with the error, or handled all the same if it is_optional. */
bool api_hears(struct api *api, struct http_exchange *x, bool is_optional);
/* For the head of an answer that reads the shared state; lives as long as the answer's head. */
struct api_state_fields {
    struct http_field fields[2];
    size_t count;
    char texts[2][24];
};
void api_state_fields(struct api *api, struct api_state_fields *out);

/* ---- api_json.c: V1's shapes, field by field in V1's order ---- */
void api_write_id(struct json_writer *w, const struct api_id *id);
void api_write_metric(struct json_writer *w, const struct api_metric *m);
void api_write_alert(struct json_writer *w, const struct api_alert *a);
void api_write_standing(struct json_writer *w, const struct api_standing *standing);
void api_write_move(struct json_writer *w, const struct api_move *m);

/* ---- api_status_json.c: the same of a row of a listing ---- */
enum { API_MEMOS_MAX = 16 };
struct api_memo { /* what was last written about a peer, but for the time */
    char peer[PEER_ID_TEXT_SIZE];
    struct buf name, ipfs_id;
    enum tracker_status status;
    uint32_t attempt_count;
    bool is_priority;
    struct buf text;
    size_t time_at, time_end; /* the time's place in it, with its quotes; 0: nothing was written */
};
struct api_memos { /* of one listing; {0} is empty, and valid */
    struct api_memo parts[API_MEMOS_MAX][2];
    struct peer_id_names names; /* of who holds the pins */
};
void api_memos_deinit(struct api_memos *memos);
void api_write_status(struct json_writer *w, struct api_memos *memos,
                      const struct api_status *status);

/* {cid} of the route, or of /pins/{ipfs}/{cid}; answers 400 itself when it is none. */
bool api_parse_cid(struct http_exchange *x, const char *text, struct cid *out);
bool api_param_is_true(const struct http_request *r, const char *name);

void api_reply_err(struct http_exchange *x, int err, const char *why);
void api_reply_json(struct http_exchange *x, int status, struct buf *document);

/* ---- api_rows.c ---- */
struct api_rows;
struct api_rows_kind {
    /* Writes the next row, if there is one; what it needs for that lies in rows->arena. */
    enum api_next (*next)(struct api_rows *rows, struct json_writer *json);
    void (*close)(struct api_rows *rows); /* the listing, which is not NULL */
    const char *failed;                   /* what the client is told when it breaks off */
};
struct api_rows {
    struct api *api;
    const struct api_rows_kind *kind;
    void *listing; /* opened by the handler, with api_rows_wake() as its hook */
    struct http_stream stream;
    struct arena arena;
    struct peer_id_names names; /* of who holds the pins */
};
/* NULL when memory is out. */
struct api_rows *api_rows_create(struct api *api, const struct api_rows_kind *kind);
void api_rows_wake(void *owner);
/* The answer: the rows, or the error (`why` as for api_reply_err()). It takes the rows, which may be NULL then. */
void api_rows_answer(struct api_rows *rows, struct http_exchange *x, int err, const char *why);

/* ---- handlers ---- */
#define API_HANDLER(name)                                                                          \
    void name(void *owner, struct http_exchange *x, const struct http_params *params)
API_HANDLER(api_post_token);
API_HANDLER(api_get_id);
API_HANDLER(api_get_version);
API_HANDLER(api_get_health);
API_HANDLER(api_get_peers);
API_HANDLER(api_post_peers);
API_HANDLER(api_delete_peer);
API_HANDLER(api_post_stay);
API_HANDLER(api_post_drain);
API_HANDLER(api_delete_drain);
API_HANDLER(api_get_metric_names);
API_HANDLER(api_get_metrics);
API_HANDLER(api_get_alerts);
API_HANDLER(api_get_prometheus);
API_HANDLER(api_get_graph);
API_HANDLER(api_get_bandwidth);
API_HANDLER(api_post_gc);
API_HANDLER(api_get_pinlist);
API_HANDLER(api_get_repair_plan);
API_HANDLER(api_post_add);
API_HANDLER(api_get_allocations);
API_HANDLER(api_get_allocation);
API_HANDLER(api_get_decision);
API_HANDLER(api_get_state_export);
API_HANDLER(api_post_state_import);
API_HANDLER(api_get_pins);
API_HANDLER(api_get_summary);
API_HANDLER(api_get_pin);
API_HANDLER(api_post_pin);
API_HANDLER(api_post_pin_path);
API_HANDLER(api_delete_pin);
API_HANDLER(api_delete_pin_path);
API_HANDLER(api_post_recover_all);
API_HANDLER(api_post_recover);
API_HANDLER(api_post_sync_all);
API_HANDLER(api_post_sync);

#endif

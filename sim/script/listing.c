#include "sim/script/listing.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

static int listing_holders(struct listing_row *row, const struct json_doc *doc, int value)
{
    if (json_kind(doc, value) == JSON_NULL)
        return OK;
    if (json_kind(doc, value) != JSON_ARRAY)
        return ERR_CORRUPT;
    for (int at = json_first(doc, value); at != JSON_NONE; at = json_next(doc, at)) {
        char text[PEER_ID_TEXT_SIZE];
        if (row->holders_count == LISTING_HOLDERS_MAX ||
            json_text_into(doc, at, text, sizeof(text)) != OK ||
            peer_id_parse(&row->holders[row->holders_count], text) != OK)
            return ERR_CORRUPT;
        row->holders_count += 1;
    }
    return OK;
}

static int listing_row_read(struct listing_row *row, const struct json_doc *doc)
{
    char cid[CID_TEXT_SIZE];
    int64_t min, max;
    memset(row, 0, sizeof(*row));
    if (json_text_into(doc, json_member(doc, 0, "cid"), cid, sizeof(cid)) != OK ||
        cid_parse(&row->cid, cid) != OK ||
        json_get_i64(doc, json_member(doc, 0, "replication_factor_min"), &min) != OK ||
        json_get_i64(doc, json_member(doc, 0, "replication_factor_max"), &max) != OK)
        return ERR_CORRUPT;
    row->factor_min = (int)min;
    row->factor_max = (int)max;
    return listing_holders(row, doc, json_member(doc, 0, "allocations"));
}

static int listing_add(struct listing *l, const char *text, size_t len)
{
    if (l->count == l->size) {
        l->size = l->size == 0 ? 64 : 2 * l->size;
        l->rows = mem_realloc(l->rows, l->size * sizeof(*l->rows));
        if (l->rows == NULL)
            return ERR_NOMEM;
    }
    struct json_doc doc = { 0 };
    int err = json_parse(&doc, text, len);
    if (err == OK)
        err = listing_row_read(&l->rows[l->count], &doc);
    json_doc_deinit(&doc);
    l->count += err == OK;
    return err == ERR_INVALID ? ERR_CORRUPT : err;
}

static int listing_order(const void *a, const void *b)
{
    const struct listing_row *x = a, *y = b;
    return cid_compare(&x->cid, &y->cid);
}

int listing_parse(struct listing *out, struct bytes body)
{
    *out = (struct listing){ 0 };
    if (body.len == 0)
        return OK;
    const char *at = body.data;
    const char *end = at + body.len;
    int err = OK;
    while (err == OK && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (stop > at)
            err = listing_add(out, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (err == OK && out->count > 0)
        qsort(out->rows, out->count, sizeof(*out->rows), listing_order);
    if (err != OK)
        listing_deinit(out);
    return err;
}

void listing_deinit(struct listing *l)
{
    mem_free(l->rows);
    *l = (struct listing){ 0 };
}

const struct listing_row *listing_find(const struct listing *l, const struct cid *cid)
{
    struct listing_row wanted = { .cid = *cid };
    return l->count == 0 ? NULL
                         : bsearch(&wanted, l->rows, l->count, sizeof(*l->rows), listing_order);
}

bool listing_row_is_held_by(const struct listing_row *row, const struct peer_id *id)
{
    for (size_t i = 0; i < row->holders_count; i++)
        if (peer_id_equal(&row->holders[i], id))
            return true;
    return row->holders_count == 0;
}

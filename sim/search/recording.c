#include "sim/search/recording.h"

#include <string.h>

#include "util/err.h"
#include "util/hash.h"

enum { RECORDING_KIND = 'R', RECORDING_VERSION = 1, SUM_BYTES = 8 };

void recording_encode(struct buf *out, const struct script *script, const struct play_result *r,
                      const struct choice_log *choices)
{
    struct buf list = { 0 };
    size_t start = out->len;
    choice_log_encode(choices, &list);
    buf_put_u8(out, RECORDING_KIND);
    buf_put_u8(out, RECORDING_VERSION);
    buf_put_run(out, script->file, strlen(script->file));
    buf_put_run(out, script->text, script->text_len);
    buf_put_u64(out, r->seed);
    buf_put_u64(out, r->events);
    buf_put_u64(out, r->hash.high);
    buf_put_u64(out, r->hash.low);
    buf_put_run(out, list.data, list.len);
    buf_put_u64(out, hash64(0, out->data + start, out->len - start));
    buf_deinit(&list);
}

static bool recording_sum_fits(struct bytes bytes)
{
    if (bytes.len < SUM_BYTES)
        return false;
    size_t len = bytes.len - SUM_BYTES;
    struct reader sum = reader_of((const uint8_t *)bytes.data + len, SUM_BYTES);
    return reader_u64(&sum) == hash64(0, bytes.data, len);
}

int recording_decode(struct recording *out, struct bytes bytes)
{
    memset(out, 0, sizeof(*out));
    struct reader in = reader_of(bytes.data, bytes.len);
    uint8_t kind = reader_u8(&in), version = reader_u8(&in);
    if (in.err == OK && kind == RECORDING_KIND && version > RECORDING_VERSION)
        return ERR_VERSION;
    if (kind != RECORDING_KIND || version != RECORDING_VERSION || !recording_sum_fits(bytes))
        return ERR_CORRUPT;
    out->name = reader_run(&in, RECORDING_BYTES_MAX);
    out->text = reader_run(&in, RECORDING_BYTES_MAX);
    out->seed = reader_u64(&in);
    out->events = reader_u64(&in);
    out->hash.high = reader_u64(&in);
    out->hash.low = reader_u64(&in);
    struct bytes list = reader_run(&in, RECORDING_BYTES_MAX);
    (void)reader_u64(&in);
    int err = reader_finish(&in);
    if (err == OK)
        err = choice_log_decode(&out->choices, list.data, list.len);
    if (err != OK)
        choice_log_deinit(&out->choices);
    return err;
}

void recording_deinit(struct recording *r)
{
    choice_log_deinit(&r->choices);
}

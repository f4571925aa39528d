/* covers: peer/state/pin_reader.c peer/state/pin_json.c */
/* A file that somebody imports, in pieces whose length the first byte says. What is read must say the same once
 * written again, and the length of the pieces must not matter. */
#include <stdint.h>

#include "state/pin_json.h"
#include "state/pin_reader.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_again(const struct pin *pin)
{
    struct buf text = { 0 }, why = { 0 };
    struct arena arena = { 0 };
    struct json_writer w = json_writer_to(&text);
    struct pin again;
    pin_json_write(&w, pin, NULL);
    if (text.err == OK) {
        int err = pin_json_read(&again, &arena, buf_bytes(&text), &(struct cid){ 0 }, &why);
        ASSERT(err == OK);
        ASSERT(cid_equal(&pin->cid, &again.cid) && pin->type == again.type);
        ASSERT(pin->allocations_count == again.allocations_count);
        ASSERT(pin->replication_min == again.replication_min);
    }
    buf_deinit(&text);
    buf_deinit(&why);
    arena_deinit(&arena);
}

static int read_all(const uint8_t *data, size_t size, size_t piece, uint64_t *hash)
{
    struct pin_reader r;
    struct arena arena = { 0 };
    struct pin pin;
    int err = ERR_MORE;
    pin_reader_init(&r);
    *hash = 0;
    for (size_t at = 0; at < size && err == ERR_MORE; at += piece) {
        pin_reader_push(&r, data + at, piece < size - at ? piece : size - at);
        while ((err = pin_reader_next(&r, &arena, &pin)) == OK) {
            *hash = hash64(*hash, pin.cid.bytes, pin.cid.len);
            *hash = hash64(*hash, pin.name.data, pin.name.len);
            try_again(&pin);
            arena_reset(&arena);
        }
    }
    if (err == ERR_MORE)
        err = pin_reader_end(&r);
    if (err != OK)
        ASSERT(pin_reader_why(&r)[0] != '\0');
    pin_reader_deinit(&r);
    arena_deinit(&arena);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint64_t whole = 0, pieces = 0;
    int err = read_all(data + 1, size - 1, size, &whole);
    ASSERT(read_all(data + 1, size - 1, (size_t)data[0] + 1, &pieces) == err);
    ASSERT(whole == pieces);
    return 0;
}

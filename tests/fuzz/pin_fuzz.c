/* covers: peer/state/pin.c */
/* Bytes of a row or an entry against the reader of pins. What it takes must say the same once written
 * again, and what the checks let pass must fit a row. */
#include <stdint.h>

#include "state/pin.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_checks(const struct pin *pin, const struct buf *bytes)
{
    const char *why = NULL;
    struct pin resolved = *pin;
    if (pin_check(pin, &why) == OK)
        ASSERT(bytes->len <= LIMIT_PIN_BYTES);
    else
        ASSERT(why != NULL);
    (void)pin_resolve_factors(&resolved, 2, 3, &why);
    (void)pin_check_expiry(pin, 1000, &why);
    (void)pin_check_unpin(pin, &why);
    ASSERT(pin_check_replaces(pin, pin, NULL) == OK);
    ASSERT(pin_type_name(pin->type)[0] != 'b' && pin_mode_name(pin) != NULL);
}

/* Who looks at it for one peer's sake sees what the whole pin says. */
static void try_hold(const struct pin *pin, const struct peer_id *peer, const uint8_t *data,
                     size_t size)
{
    struct pin_hold hold;
    ASSERT(pin_decode_hold(&hold, peer, data, size) == OK);
    ASSERT(cid_equal(&hold.cid, &pin->cid) && hold.type == pin->type);
    ASSERT(hold.max_depth == pin->max_depth && hold.is_everybodys == pin_is_everywhere(pin));
    ASSERT(hold.modified_index == pin->modified_index);
    ASSERT(hold.is_held == pin_is_held_by(pin, peer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct peer_id stranger = { .len = 1, .bytes = { 1 } };
    struct pin_hold hold;
    struct arena arena = { 0 };
    struct buf bytes = { 0 };
    struct pin pin, again;
    if (pin_decode(&pin, &arena, data, size) == OK) {
        pin_encode(&pin, &bytes);
        ASSERT(pin_decode(&again, &arena, bytes.data, bytes.len) == OK);
        ASSERT(pin_equal(&pin, &again) && again.modified_index == pin.modified_index);
        ASSERT(
            bytes_equal(buf_bytes(&bytes), (struct bytes){ data, size })); /* one pin, one form */
        try_checks(&pin, &bytes);
        try_hold(&pin, &stranger, data, size);
        if (pin.allocations_count > 0)
            try_hold(&pin, &pin.allocations[pin.allocations_count - 1], data, size);
    }
    (void)pin_decode_hold(&hold, &stranger, data, size);
    buf_deinit(&bytes);
    arena_deinit(&arena);
    return 0;
}

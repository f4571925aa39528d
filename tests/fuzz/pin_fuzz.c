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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
    }
    buf_deinit(&bytes);
    arena_deinit(&arena);
    return 0;
}

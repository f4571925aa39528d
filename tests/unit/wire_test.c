#include <criterion/criterion.h>
#include <string.h>

#include "sim/world/wire.h"
#include "util/err.h"
#include "util/mem.h"

TestSuite(wire, .timeout = 60);

static const struct wire_damage sound = { WIRE_SOUND, 0 };

static void carry_sound(struct wire *w, unsigned from, enum stream stream, size_t len)
{
    uint8_t *bytes = mem_alloc(len);
    memset(bytes, (int)len, len);
    cr_assert_eq(wire_carry(w, from, stream, bytes, len, &sound), OK);
    struct wire_frame frame;
    cr_assert(wire_take(w, &frame), "%zu bytes", len);
    cr_assert(frame.stream == stream && frame.bytes.len == len &&
              memcmp(frame.bytes.data, bytes, len) == 0);
    cr_assert_not(wire_take(w, &frame));
    cr_assert_not(wire_has_lied(w));
    mem_free(bytes);
}

Test(wire, what_goes_in_comes_out_on_its_stream)
{
    struct wire *w = wire_create(1);
    static const size_t lens[] = { 1, 100, 4096, 70000, 1000 * 1000 };
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        carry_sound(w, 0, STREAM_CONTROL, lens[i]);
        carry_sound(w, 1, STREAM_BULK, lens[i]);
        carry_sound(w, 1, STREAM_CALLS, lens[i]);
    }
    wire_destroy(w);
}

/* Whichever bit turns, and wherever it is cut off: not a byte of the frame is heard, nor of the next ones. */
Test(wire, of_a_damaged_frame_nothing_comes_out)
{
    uint8_t bytes[40];
    struct wire_frame frame;
    memset(bytes, 7, sizeof(bytes));
    for (uint64_t place = 0; place < 8 * 80; place++)
        for (int kind = WIRE_CUT; kind <= WIRE_TURNED; kind++) {
            struct wire *w = wire_create(2);
            struct wire_damage damage = { (enum wire_damage_kind)kind, place };
            carry_sound(w, 0, STREAM_CONTROL, 50);
            int err = wire_carry(w, 0, STREAM_CONTROL, bytes, sizeof(bytes), &damage);
            cr_assert_not(wire_take(w, &frame));
            /* A length that grew waits for bytes; the next frames bring them. */
            for (int i = 0; i < 2000 && err == OK; i++)
                err = wire_carry(w, 0, STREAM_CONTROL, bytes, sizeof(bytes), &sound);
            cr_assert(err != OK && wire_why(w)[0] != '\0');
            cr_assert(!wire_take(w, &frame) && !wire_has_lied(w));
            wire_destroy(w);
        }
}

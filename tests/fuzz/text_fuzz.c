/* covers: peer/util/duration.c peer/util/rfc3339.c peer/util/hex.c */
/* The small texts that stand in requests and files: spans of time, times, hex digits. What is taken and
 * printed reads back to the same value. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/assert.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/hex.h"
#include "util/rfc3339.h"

static struct bytes run_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

static void check_duration(struct bytes input)
{
    int64_t us, again_us;
    char text[DURATION_TEXT_SIZE];
    if (duration_parse(&us, input) != OK)
        return;
    duration_print(text, us);
    if (llabs(us) > INT64_MAX / 1000)
        return; /* rounded up past the longest that is read */
    ASSERT(duration_parse(&again_us, run_of(text)) == OK);
    ASSERT(again_us == us);
}

static void check_time(struct bytes input)
{
    int64_t us, again_us;
    char text[RFC3339_TEXT_SIZE], again[RFC3339_TEXT_SIZE];
    if (rfc3339_parse(&us, input) != OK)
        return;
    rfc3339_print(text, us);
    ASSERT(rfc3339_parse(&again_us, run_of(text)) == OK);
    rfc3339_print(again, again_us);
    ASSERT(strcmp(text, again) == 0);
}

/* Any number is some time and some span. */
static void check_number(struct bytes input)
{
    char text[RFC3339_TEXT_SIZE + DURATION_TEXT_SIZE];
    int64_t us = 0, again_us;
    memcpy(&us, input.data, input.len < sizeof(us) ? input.len : sizeof(us));
    rfc3339_print(text, us);
    ASSERT(rfc3339_parse(&again_us, run_of(text)) == OK);
    ASSERT(again_us == us || text[0] == '0' || text[0] == '9');
    duration_print(text, us);
    ASSERT(strlen(text) < DURATION_TEXT_SIZE);
}

static void check_hex(struct bytes input)
{
    uint8_t bytes[16];
    char text[2 * sizeof(bytes) + 1];
    size_t len;
    struct buf out = { 0 };
    if (hex_decode(bytes, sizeof(bytes), &len, input) == OK) {
        hex_encode(text, bytes, len);
        uint8_t again[sizeof(bytes)];
        ASSERT(hex_decode_exact(again, len, run_of(text)) == OK);
        ASSERT(memcmp(again, bytes, len) == 0);
    }
    hex_append(&out, input.data, input.len);
    ASSERT(out.len == 2 * input.len);
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = { data, size };
    check_duration(input);
    check_time(input);
    if (size > 0)
        check_number(input);
    check_hex(input);
    return 0;
}

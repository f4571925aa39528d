#include "util/duration.h"

#include <stdio.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"

/* ---- reading ---- */

static const struct {
    const char *name;
    uint64_t ns;
} duration_units[] = {
    { "ns", 1 },
    { "us", 1000 },
    { "\xc2\xb5s", 1000 }, /* the micro sign */
    { "\xce\xbcs", 1000 }, /* the Greek letter */
    { "ms", 1000 * 1000 },
    { "s", 1000 * 1000 * 1000 },
    { "m", UINT64_C(60) * 1000 * 1000 * 1000 },
    { "h", UINT64_C(3600) * 1000 * 1000 * 1000 },
};

static bool duration_is_digit(struct bytes text)
{
    const char *c = text.data;
    return text.len > 0 && *c >= '0' && *c <= '9';
}

static bool duration_is_char(struct bytes text, char want)
{
    return text.len > 0 && *(const char *)text.data == want;
}

static void duration_skip(struct bytes *text, size_t count)
{
    text->data = (const char *)text->data + count;
    text->len -= count;
}

static struct bytes duration_take_digits(struct bytes *text)
{
    struct bytes digits = { text->data, 0 };
    while (duration_is_digit(*text)) {
        duration_skip(text, 1);
        digits.len += 1;
    }
    return digits;
}

/* The unit at the front, taken off: its length in ns, or 0 when it is none. */
static uint64_t duration_take_unit(struct bytes *text)
{
    const char *c = text->data;
    size_t len = 0;
    while (len < text->len && c[len] != '.' && (c[len] < '0' || c[len] > '9'))
        len += 1;
    for (size_t i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++) {
        const char *name = duration_units[i].name;
        if (bytes_equal((struct bytes){ c, len }, (struct bytes){ name, strlen(name) })) {
            duration_skip(text, len);
            return duration_units[i].ns;
        }
    }
    return 0;
}

/* The sum of "1h", "30m", ... up to INT64_MAX nanoseconds. */
static int duration_add(uint64_t *sum_ns, struct bytes whole, struct bytes part, uint64_t unit_ns)
{
    const char *digit = whole.data;
    uint64_t value = 0;
    for (size_t i = 0; i < whole.len; i++) {
        value = 10 * value + (uint64_t)(digit[i] - '0');
        if (value > INT64_MAX / unit_ns)
            return ERR_INVALID;
    }
    uint64_t fraction_ns = 0; /* from the last digit to the first; always less than a unit */
    digit = part.data;
    for (size_t i = part.len; i > 0; i--)
        fraction_ns = (fraction_ns + (uint64_t)(digit[i - 1] - '0') * unit_ns) / 10;
    value = value * unit_ns + fraction_ns;
    if (value > INT64_MAX - *sum_ns)
        return ERR_INVALID;
    *sum_ns += value;
    return OK;
}

int duration_parse(int64_t *out_us, struct bytes text)
{
    bool is_negative = duration_is_char(text, '-');
    if (is_negative || duration_is_char(text, '+'))
        duration_skip(&text, 1);
    if (text.len == 0)
        return ERR_INVALID;
    if (text.len == 1 && duration_is_char(text, '0')) {
        *out_us = 0;
        return OK;
    }
    uint64_t sum_ns = 0;
    while (text.len > 0) {
        struct bytes whole = duration_take_digits(&text), part = { NULL, 0 };
        if (duration_is_char(text, '.')) {
            duration_skip(&text, 1);
            part = duration_take_digits(&text);
        }
        uint64_t unit_ns = duration_take_unit(&text);
        if (whole.len + part.len == 0 || unit_ns == 0)
            return ERR_INVALID;
        if (duration_add(&sum_ns, whole, part, unit_ns) != OK)
            return ERR_INVALID;
    }
    int64_t us = (int64_t)(sum_ns / 1000 + (sum_ns % 1000 > 0));
    *out_us = is_negative ? -us : us;
    return OK;
}

/* ---- printing ---- */

/* "1.5" of 1500000 with 6 places after the point, without zeros at the end. */
static int duration_print_decimal(char *out, size_t size, uint64_t value, unsigned places)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < places; i++)
        scale *= 10;
    uint64_t fraction = value % scale;
    int len = snprintf(out, size, "%llu", (unsigned long long)(value / scale));
    if (fraction == 0)
        return len;
    while (fraction % 10 == 0) {
        fraction /= 10;
        places -= 1;
    }
    return len + snprintf(out + len, size - (size_t)len, ".%0*llu", (int)places,
                          (unsigned long long)fraction);
}

void duration_print(char out[DURATION_TEXT_SIZE], int64_t us)
{
    uint64_t value = us < 0 ? -(uint64_t)us : (uint64_t)us;
    size_t size = DURATION_TEXT_SIZE;
    int len = snprintf(out, size, "%s", us < 0 ? "-" : "");
    if (value < 1000 && value > 0) {
        snprintf(out + len, size - (size_t)len, "%u\xc2\xb5s", (unsigned)value);
        return;
    }
    if (value < 1000 * 1000 && value > 0) {
        len += duration_print_decimal(out + len, size - (size_t)len, value, 3);
        snprintf(out + len, size - (size_t)len, "ms");
        return;
    }
    uint64_t second_us = 1000 * 1000, minute_us = 60 * second_us;
    unsigned long long hours = value / (60 * minute_us);
    if (hours > 0)
        len += snprintf(out + len, size - (size_t)len, "%lluh", hours);
    if (value >= minute_us)
        len += snprintf(out + len, size - (size_t)len, "%um", (unsigned)(value / minute_us % 60));
    len += duration_print_decimal(out + len, size - (size_t)len, value % minute_us, 6);
    snprintf(out + len, size - (size_t)len, "s");
}

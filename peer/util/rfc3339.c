#include "util/rfc3339.h"

#include <stdio.h>

#include "util/err.h"

#define SECOND_US    INT64_C(1000000)
#define DAY_US       (86400 * SECOND_US)
#define YEAR_0_US    (INT64_C(-719528) * DAY_US)             /* 0000-01-01T00:00:00Z */
#define YEAR_9999_US (INT64_C(2932897) * DAY_US - SECOND_US) /* 9999-12-31T23:59:59Z */

struct rfc3339_date {
    int year, month, day; /* month and day from 1 */
};

/* Days from 1970-01-01. Years begin in March here: then the leap day is a year's last day, and the
 * lengths of months before it follow one line, (153 * month + 2) / 5. */
static int64_t rfc3339_days(const struct rfc3339_date *date)
{
    int64_t year = date->month <= 2 ? date->year - 1 : date->year;
    int64_t era = (year >= 0 ? year : year - 399) / 400; /* of 400 years, 146097 days */
    int64_t year_of_era = year - era * 400;
    int64_t month = (date->month + 9) % 12; /* March is 0 */
    int64_t day_of_year = (153 * month + 2) / 5 + date->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468; /* from 0000-03-01 to 1970-01-01 */
}

/* Of years 0 to 9999. Unsigned and short, so that divisions are cheap: listings print four times a pin. */
static struct rfc3339_date rfc3339_date_of(int64_t days)
{
    uint32_t since_march_0 =
        (uint32_t)(days + 719468 + 146097); /* an era more, as January of year 0 is before it */
    uint32_t era = since_march_0 / 146097;
    uint32_t day_of_era = since_march_0 - era * 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * day_of_year + 2) / 153;
    struct rfc3339_date date = {
        .year = (int)(year_of_era + era * 400 + (month >= 10)) - 400,
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
    return date;
}

/* ---- reading ---- */

static bool rfc3339_take_char(struct bytes *text, char want)
{
    const char *c = text->data;
    if (text->len == 0 || *c != want)
        return false;
    *text = (struct bytes){ c + 1, text->len - 1 };
    return true;
}

/* A number of exactly `count` digits between two bounds. */
static bool rfc3339_take_number(struct bytes *text, size_t count, int min, int max, int *out)
{
    const char *c = text->data;
    int value = 0;
    if (text->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (c[i] < '0' || c[i] > '9')
            return false;
        value = 10 * value + (c[i] - '0');
    }
    *text = (struct bytes){ c + count, text->len - count };
    *out = value;
    return value >= min && value <= max;
}

static bool rfc3339_take_date(struct bytes *text, int64_t *days)
{
    struct rfc3339_date date, again;
    if (!rfc3339_take_number(text, 4, 0, 9999, &date.year) || !rfc3339_take_char(text, '-') ||
        !rfc3339_take_number(text, 2, 1, 12, &date.month) || !rfc3339_take_char(text, '-') ||
        !rfc3339_take_number(text, 2, 1, 31, &date.day))
        return false;
    *days = rfc3339_days(&date);
    again = rfc3339_date_of(*days);
    return again.day == date.day; /* February 30 is some day of March */
}

/* Up to a microsecond; finer digits are read and dropped. */
static bool rfc3339_take_fraction(struct bytes *text, int64_t *us)
{
    int digit;
    int64_t unit = SECOND_US / 10;
    if (!rfc3339_take_number(text, 1, 0, 9, &digit))
        return false;
    do {
        *us += digit * unit;
        unit /= 10;
    } while (rfc3339_take_number(text, 1, 0, 9, &digit));
    return true;
}

static bool rfc3339_take_time(struct bytes *text, int64_t *us)
{
    int hour, minute, second;
    if (!rfc3339_take_number(text, 2, 0, 23, &hour) || !rfc3339_take_char(text, ':') ||
        !rfc3339_take_number(text, 2, 0, 59, &minute) || !rfc3339_take_char(text, ':') ||
        !rfc3339_take_number(text, 2, 0, 59, &second))
        return false;
    *us = (hour * 3600 + minute * 60 + second) * SECOND_US;
    return !rfc3339_take_char(text, '.') || rfc3339_take_fraction(text, us);
}

static bool rfc3339_take_offset(struct bytes *text, int64_t *us)
{
    int hour, minute;
    *us = 0;
    if (rfc3339_take_char(text, 'Z'))
        return true;
    bool is_west = rfc3339_take_char(text, '-');
    if (!is_west && !rfc3339_take_char(text, '+'))
        return false;
    if (!rfc3339_take_number(text, 2, 0, 23, &hour) || !rfc3339_take_char(text, ':') ||
        !rfc3339_take_number(text, 2, 0, 59, &minute))
        return false;
    *us = (hour * 3600 + minute * 60) * SECOND_US * (is_west ? -1 : 1);
    return true;
}

int rfc3339_parse(int64_t *out_us, struct bytes text)
{
    int64_t days, time_us, offset_us;
    if (!rfc3339_take_date(&text, &days) || !rfc3339_take_char(&text, 'T') ||
        !rfc3339_take_time(&text, &time_us) || !rfc3339_take_offset(&text, &offset_us) ||
        text.len > 0)
        return ERR_INVALID;
    *out_us = days * DAY_US + time_us - offset_us;
    return OK;
}

/* ---- printing ---- */

/* So many digits, and what stands behind them; there it goes on. */
static char *rfc3339_put(char *out, unsigned value, int digits, char behind)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    out[digits] = behind;
    return out + digits + 1;
}

size_t rfc3339_print(char out[RFC3339_TEXT_SIZE], int64_t us)
{
    us = us < YEAR_0_US ? YEAR_0_US : us > YEAR_9999_US + SECOND_US - 1 ? YEAR_9999_US : us;
    int64_t days = (us >= 0 ? us : us - (DAY_US - 1)) / DAY_US;
    int64_t rest_us = us - days * DAY_US;
    struct rfc3339_date date = rfc3339_date_of(days);
    unsigned second = (unsigned)(rest_us / SECOND_US);
    unsigned fraction = (unsigned)(rest_us % SECOND_US);
    char *at = rfc3339_put(out, (unsigned)date.year, 4, '-');
    at = rfc3339_put(at, (unsigned)date.month, 2, '-');
    at = rfc3339_put(at, (unsigned)date.day, 2, 'T');
    at = rfc3339_put(at, second / 3600, 2, ':');
    at = rfc3339_put(at, second / 60 % 60, 2, ':');
    at = rfc3339_put(at, second % 60, 2, '.');
    if (fraction > 0) {
        at = rfc3339_put(at, fraction, 6, '0');
        while (at[-1] == '0')
            at -= 1;
    } else {
        at -= 1; /* no dot */
    }
    at[0] = 'Z';
    at[1] = '\0';
    return (size_t)(at + 1 - out);
}

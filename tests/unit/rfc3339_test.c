#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/rfc3339.h"

TestSuite(rfc3339, .timeout = 60);

static struct bytes text_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

Test(rfc3339, read_and_printed)
{
    static const struct {
        const char *in;
        int64_t us;
        const char *out;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z" },
        { "1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z" },
        { "2001-09-09T01:46:40Z", 1000000000000000, "2001-09-09T01:46:40Z" },
        { "2001-09-09T03:46:40+02:00", 1000000000000000, "2001-09-09T01:46:40Z" },
        { "2001-09-08T23:16:40-02:30", 1000000000000000, "2001-09-09T01:46:40Z" },
        { "2024-02-29T12:00:00.25Z", 1709208000250000, "2024-02-29T12:00:00.25Z" },
        { "2024-02-29T12:00:00.1234567890123Z", 1709208000123456, "2024-02-29T12:00:00.123456Z" },
        { "2024-03-01T00:00:00.100Z", 1709251200100000, "2024-03-01T00:00:00.1Z" },
        { "2100-03-01T00:00:00+00:00", 4107542400000000, "2100-03-01T00:00:00Z" },
        { "2000-12-31T23:59:59Z", 978307199000000, "2000-12-31T23:59:59Z" },
        { "0001-01-01T00:00:00Z", RFC3339_GO_ZERO_US, "0001-01-01T00:00:00Z" },
        { "0000-01-01T00:00:00Z", -62167219200000000, "0000-01-01T00:00:00Z" },
        { "0000-01-01T00:00:00+01:00", -62167222800000000, "0000-01-01T00:00:00Z" },
        { "9999-12-31T23:59:59.999999Z", 253402300799999999, "9999-12-31T23:59:59.999999Z" },
        { "9999-12-31T23:59:59-23:59", 253402387139000000, "9999-12-31T23:59:59Z" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us;
        char out[RFC3339_TEXT_SIZE];
        cr_assert_eq(rfc3339_parse(&us, text_of(rows[i].in)), OK, "%s", rows[i].in);
        cr_assert_eq(us, rows[i].us, "%s: %lld", rows[i].in, (long long)us);
        cr_assert_eq(rfc3339_print(out, us), strlen(rows[i].out));
        cr_assert_str_eq(out, rows[i].out);
    }
    char out[RFC3339_TEXT_SIZE];
    rfc3339_print(out, INT64_MIN);
    cr_assert_str_eq(out, "0000-01-01T00:00:00Z");
    rfc3339_print(out, INT64_MAX);
    cr_assert_str_eq(out, "9999-12-31T23:59:59Z");
}

/* Every day of eight centuries follows the one before it, by the calendar's own rules. */
Test(rfc3339, every_day)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t days = -(int64_t)365 * 370 - 90; /* 1600-01-01 */
    for (int year = 1600; year < 2400; year++) {
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int length = lengths[month - 1] + (month == 2 && is_leap);
            for (int day = 1; day <= length; day++, days++) {
                char want[64], out[RFC3339_TEXT_SIZE];
                int64_t us;
                snprintf(want, sizeof(want), "%04d-%02d-%02dT00:00:00Z", year, month, day);
                rfc3339_print(out, days * 86400 * 1000000);
                if (strcmp(out, want) != 0) /* an assertion a row would cost seconds */
                    cr_assert_str_eq(out, want);
                if (rfc3339_parse(&us, text_of(want)) != OK || us != days * 86400 * 1000000)
                    cr_assert_fail("%s", want);
            }
        }
    }
}

Test(rfc3339, refused)
{
    static const char *const bad[] = {
        "",
        "2024",
        "2024-01-01",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01t00:00:00Z",
        "2024-01-01T00:00:00z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+0100",
        "2024-01-01T00:00:00ZZ",
        "2024-01-01T00:00:00Z ",
        "+2024-01-01T00:00:00Z",
        "12024-01-01T00:00:00Z",
        "2024-1-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us = 7;
        cr_assert_eq(rfc3339_parse(&us, text_of(bad[i])), ERR_INVALID, "%s", bad[i]);
        cr_assert_eq(us, 7);
    }
}

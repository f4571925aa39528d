#include <criterion/criterion.h>
#include <string.h>

#include "util/duration.h"
#include "util/err.h"

TestSuite(duration, .timeout = 60);

static struct bytes text_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

Test(duration, read_and_printed)
{
    static const struct {
        const char *in;
        int64_t us;
        const char *out;
    } rows[] = {
        { "0", 0, "0s" },
        { "-0", 0, "0s" },
        { "0s", 0, "0s" },
        { "0h0m0s", 0, "0s" },
        { "5s", 5000000, "5s" },
        { "+5s", 5000000, "5s" },
        { "-1m30s", -90000000, "-1m30s" },
        { "1m30s", 90000000, "1m30s" },
        { "30s1m", 90000000, "1m30s" },
        { "90s", 90000000, "1m30s" },
        { "5m", 300000000, "5m0s" },
        { "24h", 86400000000, "24h0m0s" },
        { "1h", 3600000000, "1h0m0s" },
        { "500ms", 500000, "500ms" },
        { "1.5s", 1500000, "1.5s" },
        { "1.s", 1000000, "1s" },
        { ".5s", 500000, "500ms" },
        { "1.5ms", 1500, "1.5ms" },
        { "100us", 100, "100\xc2\xb5s" },
        { "100\xc2\xb5s", 100, "100\xc2\xb5s" },
        { "100\xce\xbcs", 100, "100\xc2\xb5s" },
        { "1ns", 1, "1\xc2\xb5s" },
        { "1000ns", 1, "1\xc2\xb5s" },
        { "1001ns", 2, "2\xc2\xb5s" },
        { "0.1000001s", 100001, "100.001ms" },
        { "1.1h", 3960000000, "1h6m0s" },
        { "1h0m0.25s", 3600250000, "1h0m0.25s" },
        { "2562047h47m16.854775807s", 9223372036854776, "2562047h47m16.854776s" },
        { "0.000000000000000000000000000001s", 0, "0s" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us;
        char out[DURATION_TEXT_SIZE];
        cr_assert_eq(duration_parse(&us, text_of(rows[i].in)), OK, "%s", rows[i].in);
        cr_assert_eq(us, rows[i].us, "%s: %lld", rows[i].in, (long long)us);
        duration_print(out, us);
        cr_assert_str_eq(out, rows[i].out);
    }
    char out[DURATION_TEXT_SIZE];
    duration_print(out, INT64_MIN);
    cr_assert_str_eq(out, "-2562047788h0m54.775808s");
}

Test(duration, refused)
{
    static const char *const bad[] = {
        "",
        "-",
        "+",
        "s",
        "5",
        "00",
        "5 s",
        " 5s",
        "5s ",
        "5S",
        "5sec",
        "5d",
        ".s",
        "1..5s",
        "1.5",
        "--5s",
        "5s-1s",
        "2562047h47m16.854775808s",
        "99999999999999999999s",
        "9223372036854775808ns",
        "5m 30s",
        "1e3s",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us = 7;
        cr_assert_eq(duration_parse(&us, text_of(bad[i])), ERR_INVALID, "%s", bad[i]);
        cr_assert_eq(us, 7);
    }
}

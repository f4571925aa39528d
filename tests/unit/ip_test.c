#include <criterion/criterion.h>
#include <string.h>

#include "util/err.h"
#include "util/ip.h"

TestSuite(ip, .timeout = 60);

static struct bytes text_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

Test(ip, v6_read_and_written)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        { "::", "::" },
        { "::1", "::1" },
        { "1::", "1::" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
        { "1:0:3:0:5:0:7:0", "1:0:3:0:5:0:7:0" },
        { "1:0:0:4:5:0:0:8", "1::4:5:0:0:8" },
        { "1:0:0:4:0:0:0:8", "1:0:0:4::8" },
        { "0:0:0:4:0:0:0:0", "0:0:0:4::" },
        { "ABCD:00ef::", "abcd:ef::" },
        { "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
        { "1::5:1.2.3.4", "1::5:102:304" },
        { "::ffff:255.0.0.1", "::ffff:255.0.0.1" },
        { "::ffff:0:0", "::ffff:0.0.0.0" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t ip[16];
        char out[IP6_TEXT_SIZE];
        cr_assert_eq(ip6_parse(ip, text_of(rows[i].in)), OK, "%s", rows[i].in);
        ip6_print(out, ip);
        cr_assert_str_eq(out, rows[i].out, "%s gives %s", rows[i].in, out);
    }
}

Test(ip, v6_refused)
{
    static const char *const bad[] = {
        "",
        ":",
        ":::",
        "1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        ":1",
        "1:",
        ":1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "1:2:3:4::5:6:7:8",
        "1::2::3",
        "12345::",
        "::g",
        "::1%eth0",
        "1.2.3.4",
        "::1.2.3",
        "::1.2.3.4.5",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::01.2.3.4",
        " ::1",
        "::1 ",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t ip[16];
        cr_assert_eq(ip6_parse(ip, text_of(bad[i])), ERR_INVALID, "%s", bad[i]);
    }
}

Test(ip, v4)
{
    static const char *const bad[] = { "",          "1",        "1.2.3",    "1.2.3.4.5",
                                       "1.2.3.256", "1.2.3.04", "1.2.3.",   "1..2.3",
                                       "a.b.c.d",   "1.2.3.4 ", "+1.2.3.4", "1.2.3.0x",
                                       "1.2.3.1000" };
    uint8_t ip[4] = { 9, 9, 9, 9 };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(ip4_parse(ip, text_of(bad[i])), ERR_INVALID, "%s", bad[i]);
    cr_assert_eq(ip[0], 9, "untouched on error");
    char out[IP4_TEXT_SIZE];
    cr_assert_eq(ip4_parse(ip, text_of("255.0.10.255")), OK);
    ip4_print(out, ip);
    cr_assert_str_eq(out, "255.0.10.255");
}

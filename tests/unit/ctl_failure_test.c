/* Whatever goes wrong, a person is told what to do next. */
#include <criterion/criterion.h>
#include <string.h>

#include "ctl/failure.h"
#include "util/err.h"

TestSuite(ctl_failure, .timeout = 60);

static const char *advice(int code, int err, const char *message)
{
    struct failure f = { 0 };
    failure_set(&f, code, err, "%s", message);
    const char *text = failure_advice(&f);
    failure_deinit(&f);
    return text;
}

Test(ctl_failure, every_failure_says_the_next_step)
{
    for (int code = 400; code < 600; code++)
        cr_assert_neq(advice(code, OK, "words")[0], '\0', "%d", code);
#define X(name, code, text) (code),
    static const int codes[] = { ERR_LIST(X) };
#undef X
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        cr_assert_neq(advice(0, codes[i], "words")[0], '\0', "%s", err_text(codes[i]));
}

Test(ctl_failure, the_step_fits_the_words)
{
    static const struct {
        int code;
        int err;
        const char *message;
        const char *advice;
    } rows[] = {
        { 404, OK, "pin is not part of the pinset", "pin ls" },
        { 404, OK, "not found", "--host" },
        { 400, OK, "client sent an HTTP request to an HTTPS server", "--https" },
        { 400, OK, "error decoding Cid", "--help" },
        { 401, OK, "unauthorized", "--basic-auth" },
        { 503, OK, "no leader", "peers ls" },
        { 504, OK, "outcome unknown", "safe" },
        { 0, ERR_UNREACHABLE, "refused", "ipfs-cluster-service daemon" },
        { 0, ERR_TIMEOUT, "timed out", "--timeout" },
        { 0, ERR_CORRUPT, "no JSON", "9094" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = advice(rows[i].code, rows[i].err, rows[i].message);
        cr_assert_not_null(strstr(text, rows[i].advice), "%s: %s", rows[i].message, text);
    }
}

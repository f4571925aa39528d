#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>

#include "os/os_log.h"
#include "util/err.h"

TestSuite(os_log, .timeout = 60);

static int parse(struct os_log_levels *levels, const char *text)
{
    struct buf why = { 0 };
    *levels = (struct os_log_levels){ .others = LOG_LEVEL_INFO };
    int err = os_log_levels_parse(levels, text, &why);
    cr_assert_eq(err != OK, why.len > 0);
    buf_deinit(&why);
    return err;
}

Test(os_log, levels)
{
    static const struct {
        const char *text;
        int err;
        enum log_level others;
        size_t count;
        enum log_level most;
    } rows[] = {
        { "", OK, LOG_LEVEL_INFO, 0, LOG_LEVEL_INFO },
        { "debug", OK, LOG_LEVEL_DEBUG, 0, LOG_LEVEL_DEBUG },
        { "raft:debug", OK, LOG_LEVEL_INFO, 1, LOG_LEVEL_DEBUG },
        { "ERROR,raft:info,store:warning", OK, LOG_LEVEL_ERROR, 2, LOG_LEVEL_INFO },
        { "critical", OK, LOG_LEVEL_ERROR, 0, LOG_LEVEL_ERROR },
        { "notice,raft:FATAL", OK, LOG_LEVEL_WARN, 1, LOG_LEVEL_WARN },
        { "panic,raft:dpanic", OK, LOG_LEVEL_ERROR, 1, LOG_LEVEL_ERROR },
        { "loud", ERR_INVALID, LOG_LEVEL_INFO, 0, LOG_LEVEL_INFO },
        { "raft:loud", ERR_INVALID, LOG_LEVEL_INFO, 0, LOG_LEVEL_INFO },
        { "a:b:debug", ERR_INVALID, LOG_LEVEL_INFO, 0, LOG_LEVEL_INFO },
        { "a_name_that_is_much_longer_than_any_facility:debug", ERR_INVALID, LOG_LEVEL_INFO, 0,
          LOG_LEVEL_INFO },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct os_log_levels levels;
        cr_assert_eq(parse(&levels, rows[i].text), rows[i].err, "%s", rows[i].text);
        cr_assert_eq(levels.others, rows[i].others, "%s", rows[i].text);
        cr_assert_eq(levels.count, rows[i].count, "%s", rows[i].text);
        cr_assert_eq(os_log_stderr_by(&levels).level, rows[i].most, "%s", rows[i].text);
    }
}

Test(os_log, each_facility_has_its_level)
{
    struct os_log_levels levels;
    cr_redirect_stderr();
    cr_assert_eq(parse(&levels, "warning,raft:debug,store:error"), OK);
    struct log log = os_log_stderr_by(&levels);
    LOG_DEBUG(&log, "raft", "one");
    LOG_DEBUG(&log, "net", "two");
    LOG_WARN(&log, "net", "three");
    LOG_WARN(&log, "store", "four");
    LOG_ERROR(&log, "store", "five");
    fflush(stderr);
    char text[1024] = "";
    FILE *said = cr_get_redirected_stderr();
    size_t len = fread(text, 1, sizeof text - 1, said);
    text[len] = '\0';
    cr_assert_not_null(strstr(text, " DEBUG   raft: one os_log_test.c:"), "%s", text);
    cr_assert_null(strstr(text, "two"));
    cr_assert_not_null(strstr(text, " WARNING net: three os_log_test.c:"), "%s", text);
    cr_assert_null(strstr(text, "four"));
    cr_assert_not_null(strstr(text, " ERROR   store: five os_log_test.c:"), "%s", text);
}

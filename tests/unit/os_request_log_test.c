#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_request_log.h"
#include "tests/lib/test_dir.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(os_request_log, .timeout = 60);

struct fixture {
    struct os_loop loop;
    char dir[TEST_DIR_SIZE];
    char path[TEST_DIR_SIZE + 16];
    struct log log;
    struct buf said;
    struct os_request_log *file;
    struct request_log port;
};

static void on_line(void *impl, const struct log_line *line)
{
    buf_printf(impl, "%s %s\n", log_level_name(line->level), line->text);
}

static void fixture_make(struct fixture *f)
{
    test_dir_make(f->dir);
    snprintf(f->path, sizeof f->path, "%s/access.log", f->dir);
    f->log = (struct log){ .on_line = on_line, .impl = &f->said, .level = LOG_LEVEL_INFO };
    cr_assert_eq(os_loop_init(&f->loop), OK);
}

static void fixture_open(struct fixture *f, const char *path)
{
    struct buf why = { 0 };
    cr_assert_eq(os_request_log_open(&f->file, &f->loop, path, &f->log, &why), OK, "%s",
                 buf_text(&why));
    f->port = os_request_log_port(f->file);
    cr_assert(request_log_is_kept(&f->port));
    buf_deinit(&why);
}

static void fixture_end(struct fixture *f)
{
    os_request_log_close(f->file);
    os_loop_deinit(&f->loop);
    test_dir_remove(f->dir);
    buf_deinit(&f->said);
}

static void append(struct fixture *f, const char *line)
{
    request_log_append(&f->port, (struct bytes){ line, strlen(line) });
}

static void holds(const char *path, const char *expected)
{
    struct buf text = { 0 };
    test_file_read(path, &text);
    cr_assert_str_eq(buf_text(&text), expected);
    buf_deinit(&text);
}

Test(os_request_log, lines_of_a_turn_leave_together_and_are_appended)
{
    struct fixture f = { 0 };
    struct stat st;
    fixture_make(&f);
    fixture_open(&f, f.path);
    append(&f, "one");
    append(&f, "two");
    holds(f.path, "");
    os_loop_run_once(&f.loop);
    holds(f.path, "one\ntwo\n");
    cr_assert_eq(stat(f.path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    /* logrotate's copytruncate: the next line is at the new end, and not behind a hole. */
    cr_assert_eq(truncate(f.path, 0), 0);
    append(&f, "three");
    os_loop_run_once(&f.loop);
    holds(f.path, "three\n");
    append(&f, "four");
    os_request_log_close(f.file);
    holds(f.path, "three\nfour\n");
    fixture_open(&f, f.path);
    append(&f, "five");
    os_loop_run_once(&f.loop);
    holds(f.path, "three\nfour\nfive\n");
    cr_assert_eq(f.said.len, 0, "%s", buf_text(&f.said));
    fixture_end(&f);
}

Test(os_request_log, much_does_not_wait)
{
    struct fixture f = { 0 };
    struct stat st;
    char line[1000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    fixture_make(&f);
    fixture_open(&f, f.path);
    for (int i = 0; i < 1000; i++)
        append(&f, line);
    cr_assert_eq(stat(f.path, &st), 0);
    cr_assert_geq(st.st_size, 900 * 1000);
    os_loop_run_once(&f.loop);
    cr_assert_eq(stat(f.path, &st), 0);
    cr_assert_eq(st.st_size, 1000 * 1000);
    fixture_end(&f);
}

/* A full disk, by the limit of a file's size: first a part of the lines goes, then none, then all again. */
Test(os_request_log, a_full_disk_is_said_once_and_costs_lines_only)
{
    struct fixture f = { 0 };
    struct rlimit limit, narrow;
    signal(SIGXFSZ, SIG_IGN);
    fixture_make(&f);
    fixture_open(&f, f.path);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    narrow = limit;
    narrow.rlim_cur = 6;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    append(&f, "one");
    append(&f, "two");
    os_loop_run_once(&f.loop);
    append(&f, "three");
    os_loop_run_once(&f.loop);
    append(&f, "four");
    os_loop_run_once(&f.loop);
    struct buf said = { 0 };
    buf_printf(&said, "ERROR requests are not logged for now: %s: there is no room\n", f.path);
    cr_assert_str_eq(buf_text(&f.said), buf_text(&said));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    append(&f, "five");
    os_loop_run_once(&f.loop);
    holds(f.path, "one\ntw\nfive\n");
    buf_printf(&said, "WARNING requests are logged again: %s lost=3\n", f.path);
    cr_assert_str_eq(buf_text(&f.said), buf_text(&said));
    buf_deinit(&said);
    fixture_end(&f);
}

Test(os_request_log, a_reader_that_sleeps_does_not_stop_us)
{
    struct fixture f = { 0 };
    char line[1000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    fixture_make(&f);
    cr_assert_eq(mkfifo(f.path, 0600), 0);
    int reader = open(f.path, O_RDONLY | O_NONBLOCK);
    fixture_open(&f, f.path);
    for (int i = 0; i < 1000; i++) /* a pipe holds 64 KiB */
        append(&f, line);
    os_loop_run_once(&f.loop);
    cr_assert(strstr(buf_text(&f.said), "ERROR requests are not logged for now: ") != NULL);
    close(reader);
    fixture_end(&f);
}

Test(os_request_log, what_cannot_be_opened_is_named)
{
    static const struct {
        const char *path; /* below the test's folder */
        int err;
        const char *says;
    } rows[] = {
        { "nowhere/access.log", ERR_NOT_FOUND, "No such file or directory" },
        { "", ERR_INVALID, "Is a directory" },
        { "file/access.log", ERR_INVALID, "Not a directory" },
        { "fifo", ERR_INVALID, "nobody reads from this FIFO" },
    };
    struct fixture f = { 0 };
    fixture_make(&f);
    char path[2 * TEST_DIR_SIZE];
    snprintf(path, sizeof path, "%s/file", f.dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    snprintf(path, sizeof path, "%s/fifo", f.dir);
    cr_assert_eq(mkfifo(path, 0600), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf why = { 0 };
        snprintf(path, sizeof path, "%s/%s", f.dir, rows[i].path);
        cr_assert_eq(os_request_log_open(&f.file, &f.loop, path, &f.log, &why), rows[i].err);
        cr_assert(strstr(buf_text(&why), rows[i].says) != NULL, "%s", buf_text(&why));
        cr_assert(strstr(buf_text(&why), path) != NULL, "%s", buf_text(&why));
        buf_deinit(&why);
    }
    cr_assert_null(f.file);
    struct request_log none = os_request_log_port(f.file);
    cr_assert_not(request_log_is_kept(&none));
    fixture_end(&f);
}

/* The log under power loss: every write and sync of its file is recorded while units are stored, and then each
 * moment's legal crash images are laid out and opened. Legal is: what was synced, and of the rest any 512-byte
 * sectors, and any length. What opens must be a prefix of the units, with all that was acknowledged in it; it takes another
 * unit, and is opened with that once more. Several files, names and LMDB: make crash. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/os_store.h"
#include "tests/lib/mini_world.h"
#include "tests/lib/test_dir.h"
#include "util/err.h"

TestSuite(store_crash, .timeout = 120);

enum {
    UNITS = 40,
    RECORDS_MAX = 200,
    OPS_MAX = 4096,
    SECTOR = 512,
    IMAGES_PER_MOMENT = 6,
    IN_FLIGHT = 3,
};

#define SEGMENT "0000000000000001"

/* ---- the recording ---- */

struct op {
    bool is_sync;    /* of all writes before it */
    bool is_durable; /* a write that syncs itself (O_DSYNC) */
    off_t offset;
    size_t len;
    uint8_t *bytes;
};

static struct op ops[OPS_MAX];
static size_t ops_count;
static bool is_recording;
static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER;

static bool is_log_file(int fd)
{
    char link[64], path[512] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    return len > 0 && strstr(path, "/records/" SEGMENT) != NULL;
}

static void record(const struct op *op, const struct iovec *parts, int count)
{
    pthread_mutex_lock(&recording);
    cr_assert_lt(ops_count, OPS_MAX);
    struct op *to = &ops[ops_count++];
    *to = *op;
    for (int i = 0; i < count; i++)
        to->len += parts[i].iov_len;
    to->bytes = to->len > 0 ? malloc(to->len) : NULL;
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        memcpy(to->bytes + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    pthread_mutex_unlock(&recording);
}

static bool syncs_itself(int fd)
{
    return (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (is_recording && is_log_file(fd)) {
        struct iovec part = { (void *)(uintptr_t)data, len };
        record(&(struct op){ .offset = offset, .is_durable = syncs_itself(fd) }, &part, 1);
    }
    return syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (is_recording && is_log_file(fd))
        record(&(struct op){ .offset = lseek(fd, 0, SEEK_CUR), .is_durable = syncs_itself(fd) },
               parts, count);
    return syscall(SYS_writev, fd, parts, count);
}

int fdatasync(int fd)
{
    int result = (int)syscall(SYS_fdatasync, fd);
    if (is_recording && is_log_file(fd))
        record(&(struct op){ .is_sync = true }, NULL, 0);
    return result;
}

/* ---- the run that is recorded ---- */

/* Unit u writes its number into the meta record and into each of its records. */
struct unit {
    struct log_unit port;
    struct log_record records[8];
    char text[8];
    char bytes[9000]; /* of the longer ones: pages of their own */
    int err;
};

struct model {
    uint64_t last;
    unsigned writer[RECORDS_MAX]; /* of record i + 1 */
};

struct run {
    struct os_loop loop;
    struct os_store *store;
    struct store port;
    char dir[TEST_DIR_SIZE];
    uint8_t *baseline; /* the file when the recording began */
    size_t baseline_len;
    struct unit units[UNITS];
    struct model models[UNITS + 1];
    size_t acked_at[UNITS]; /* how many ops were recorded when unit u was acknowledged */
    size_t acked_count;
    uint64_t random;
};

static void unit_done(struct log_unit *port, int err)
{
    struct unit *u = list_entry(port, struct unit, port);
    struct run *run = port->owner;
    u->err = err;
    pthread_mutex_lock(&recording);
    run->acked_at[run->acked_count++] = ops_count;
    pthread_mutex_unlock(&recording);
}

static int on_nothing(void *owner, const struct log_record *r)
{
    (void)owner;
    (void)r;
    return OK;
}

static void run_submit(struct run *run, unsigned number)
{
    struct unit *u = &run->units[number];
    struct model *m = &run->models[number + 1];
    *m = run->models[number];
    uint64_t cut_from = 0;
    if (m->last > 4 && mini_random(&run->random) % 4 == 0) {
        cut_from = m->last - mini_random(&run->random) % 4;
        m->last = cut_from - 1;
    }
    size_t count = 1 + mini_random(&run->random) % 4;
    snprintf(u->text, sizeof(u->text), "%u", number);
    memset(u->bytes, 'a' + (int)(number % 26), sizeof(u->bytes));
    memcpy(u->bytes, u->text, sizeof(u->text));
    for (size_t i = 0; i < count; i++) {
        size_t len = mini_random(&run->random) % 3 == 0 ? sizeof(u->bytes) : sizeof(u->text);
        m->writer[m->last] = number;
        u->records[i] = (struct log_record){ ++m->last, { u->bytes, len } };
    }
    u->err = 1;
    u->port = (struct log_unit){ .cut_from = cut_from,
                                 .records = u->records,
                                 .records_count = count,
                                 .meta = { u->text, strlen(u->text) },
                                 .done = unit_done,
                                 .owner = run };
    cr_assert_eq(store_log_write(&run->port, &u->port), OK);
}

static void run_open(struct run *run, const char *dir)
{
    struct os_store_options options = { .dir = dir,
                                        .loop = &run->loop,
                                        .map_bytes_first = 4 * 1024 * 1024 };
    cr_assert_eq(os_loop_init(&run->loop), OK);
    cr_assert_eq(os_store_open(&run->store, &options), OK);
    run->port = os_store_port(run->store);
}

static void run_close(struct run *run)
{
    cr_assert_eq(os_store_close(run->store), OK);
    os_loop_deinit(&run->loop);
}

static void run_record(struct run *run)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    char path[TEST_DIR_SIZE + 32];
    test_dir_make(run->dir);
    run_open(run, run->dir);
    cr_assert_eq(store_log_open(&run->port, &meta, &extent, on_nothing, NULL), OK);
    snprintf(path, sizeof(path), "%s/records/" SEGMENT, run->dir);
    int fd = open(path, O_RDONLY);
    struct stat stat;
    cr_assert_eq(fstat(fd, &stat), 0);
    run->baseline_len = (size_t)stat.st_size;
    run->baseline = malloc(run->baseline_len);
    cr_assert_eq(read(fd, run->baseline, run->baseline_len), (ssize_t)run->baseline_len);
    close(fd);

    is_recording = true;
    for (unsigned number = 0; number < UNITS; number++) {
        run_submit(run, number);
        while (number + 1 - run->acked_count > IN_FLIGHT)
            os_loop_run_once(&run->loop);
    }
    while (run->acked_count < UNITS)
        os_loop_run_once(&run->loop);
    run_close(run);
    is_recording = false;
    for (unsigned number = 0; number < UNITS; number++)
        cr_assert_eq(run->units[number].err, OK);
}

/* ---- an image, and what it must hold ---- */

static void lay(struct buf *image, const struct op *op, size_t from, size_t len)
{
    size_t end = (size_t)op->offset + from + len;
    if (end > image->len) {
        memset(buf_reserve(image, end - image->len), 0, end - image->len);
        image->len = end;
    }
    memcpy(image->data + op->offset + from, op->bytes + from, len);
}

/* Everything of the first `moment` ops that a sync covers, and of the others what `random` says. */
static void make_image(struct run *run, size_t moment, int draw, struct buf *image)
{
    size_t synced = 0;
    for (size_t i = 0; i < moment; i++)
        if (ops[i].is_sync)
            synced = i;
    buf_clear(image);
    buf_append(image, run->baseline, run->baseline_len);
    size_t len_certain = image->len;
    for (size_t i = 0; i < moment; i++) {
        /* The last op of all may be half way when the power goes, even one that syncs itself. */
        bool is_certain = i < synced || (ops[i].is_durable && i + 1 < moment);
        for (size_t at = 0; at < ops[i].len; at += SECTOR) {
            size_t len = ops[i].len - at < SECTOR ? ops[i].len - at : SECTOR;
            bool keeps = draw == 0 || (draw != 1 && mini_random(&run->random) % 2 == 0);
            if (is_certain || keeps)
                lay(image, &ops[i], at, len);
        }
        size_t end = (size_t)ops[i].offset + ops[i].len;
        if (is_certain && end > len_certain)
            len_certain = end;
    }
    if (draw == 2)
        image->len = len_certain + mini_random(&run->random) % (image->len - len_certain + 1);
}

struct check {
    const struct model *models;
    unsigned writer[RECORDS_MAX];
    uint64_t last;
};

static int on_record(void *owner, const struct log_record *r)
{
    struct check *check = owner;
    cr_assert_eq(r->index, check->last + 1);
    char digits[8] = "";
    memcpy(digits, r->bytes.data, sizeof(digits) - 1);
    check->writer[check->last++] = (unsigned)strtoul(digits, NULL, 10);
    return OK;
}

/* Gives back how many units are there. */
static size_t open_and_check(struct run *run, const char *dir, struct check *check)
{
    struct buf meta = { 0 };
    struct log_extent extent;
    *check = (struct check){ .models = run->models };
    run_open(run, dir);
    cr_assert_eq(store_log_open(&run->port, &meta, &extent, on_record, check), OK);
    size_t units = meta.len > 0 ? strtoul(buf_text(&meta), NULL, 10) + 1 : 0;
    buf_deinit(&meta);
    return units;
}

static void more_done(struct log_unit *port, int err)
{
    *(int *)port->owner = err;
}

static void open_image(struct run *run, const char *dir, const struct buf *image, size_t acked)
{
    char path[TEST_DIR_SIZE + 32];
    struct check check;
    snprintf(path, sizeof(path), "%s/records", dir);
    cr_assert(mkdir(path, 0700) == 0 || access(path, F_OK) == 0);
    snprintf(path, sizeof(path), "%s/records/" SEGMENT, dir);
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(image->data, 1, image->len, file), image->len);
    fclose(file);
    size_t units = open_and_check(run, dir, &check);
    cr_assert_geq(units, acked);
    cr_assert_leq(units, UNITS);
    const struct model *m = &run->models[units];
    cr_assert_eq(check.last, m->last);
    cr_assert_eq(memcmp(check.writer, m->writer, m->last * sizeof(m->writer[0])), 0);

    /* It goes on from there. */
    int err = 1;
    uint64_t last = check.last;
    struct log_record record = { last + 1, { "1000\0\0\0", 7 } };
    struct log_unit more = {
        .records = &record, .records_count = 1, .done = more_done, .owner = &err
    };
    cr_assert_eq(store_log_write(&run->port, &more), OK);
    while (err == 1)
        os_loop_run_once(&run->loop);
    cr_assert_eq(err, OK);
    run_close(run);
    cr_assert_eq(open_and_check(run, dir, &check), units);
    cr_assert_eq(check.last, last + 1);
    cr_assert_eq(check.writer[last], 1000);
    cr_assert_eq(memcmp(check.writer, m->writer, last * sizeof(m->writer[0])), 0);
    run_close(run);
}

Test(store_crash, every_moment_leaves_a_prefix)
{
    static struct run run = { .random = 7 };
    struct buf image = { 0 };
    char dir[TEST_DIR_SIZE];
    run_record(&run);
    cr_assert_gt(ops_count, UNITS / 2);
    test_dir_make(dir);
    size_t acked = 0;
    for (size_t moment = 0; moment <= ops_count; moment++) {
        while (acked < UNITS && run.acked_at[acked] < moment)
            acked += 1;
        for (int draw = 0; draw < IMAGES_PER_MOMENT; draw++) {
            make_image(&run, moment, draw, &image);
            open_image(&run, dir, &image, acked);
        }
    }
    for (size_t i = 0; i < ops_count; i++)
        free(ops[i].bytes);
    free(run.baseline);
    buf_deinit(&image);
    test_dir_remove(dir);
    test_dir_remove(run.dir);
}

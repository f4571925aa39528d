/* older.c -- puts a peer's log back into the format before the present one, so that a recorded peer has to move it.
 *
 *      older PEER/raft         LMDB environment log/ instead of the segments in records/ (docs/STORE.md)
 *
 * Order    The folder has a whole log under one of the two names at every moment: it may be recorded, too. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/os_lmdb.h"
#include "os/os_segments.h"
#include "util/err.h"

enum { PATH_SIZE = 1024, TABLE_META = 1, TABLE_RECORDS = 2 };

struct older {
    struct os_env env;
    MDB_txn *txn;
};

static void check(const char *what, int err)
{
    if (err == OK)
        return;
    fprintf(stderr, "older: %s: %s\n", what, err_text(err));
    exit(1);
}

static int put(void *owner, const struct log_record *record)
{
    struct older *o = owner;
    uint8_t key[8];
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(record->index >> (56 - 8 * i));
    return os_env_err(os_env_put(o->txn, o->env.dbi, ROOM_LOG, TABLE_RECORDS,
                                 (struct bytes){ key, sizeof(key) }, record->bytes, 0));
}

static void copy(struct os_segments *from, struct older *to)
{
    const struct log_extent *x = &from->index.extent;
    check("begin", os_env_err(mdb_txn_begin(to->env.env, NULL, 0, &to->txn)));
    if (x->last > 0)
        check("records", os_segments_read(from, x->first, x->last, put, to));
    if (from->meta.len > 0)
        check("meta", os_env_err(os_env_put(to->txn, to->env.dbi, ROOM_LOG, TABLE_META,
                                            (struct bytes){ NULL, 0 }, buf_bytes(&from->meta), 0)));
    check("commit", os_env_err(mdb_txn_commit(to->txn)));
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    char records[PATH_SIZE], gone[PATH_SIZE], made[PATH_SIZE], log[PATH_SIZE];
    snprintf(records, sizeof(records), "%s/records", argv[1]);
    snprintf(gone, sizeof(gone), "%s/gone", argv[1]);
    snprintf(made, sizeof(made), "%s/older", argv[1]);
    snprintf(log, sizeof(log), "%s/log", argv[1]);
    struct os_segments from;
    struct os_segments_options options = { .is_read_only = true };
    struct os_env_options env_options = { 0 };
    struct older to;
    check(records, os_segments_open(&from, records, &options));
    check(made, os_env_open(&to.env, made, ROOM_LOG, &env_options));
    copy(&from, &to);
    os_env_close(&to.env);
    os_segments_close(&from);
    check(log, unlink(log) == 0 && rename(made, log) == 0 ? OK : ERR_IO);
    check(records, rename(records, gone) == 0 ? OK : ERR_IO);
    check(argv[1], os_folder_sync(argv[1], NULL));
    check(gone, os_segments_remove(gone));
    return 0;
}

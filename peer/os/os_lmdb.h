/* os_lmdb.h -- one LMDB environment with one table of rows, as this project uses it.
 *
 * Shape    A row's key is one byte (the table) and the caller's key; its value a checksum
 *          (store_checksum(), big endian) and the caller's value. Table 0 is ours: the format row.
 * Flags    The default ones, which sync twice a commit and survive power loss, and MDB_NOTLS.
 * Map      The memory map grows only while no reader is there: each read transaction is announced with
 *          os_env_reader_enter(), and os_env_grow() waits for them to leave.
 * Threads  One writer. Readers of the loop enter and leave on the loop (short: within one event), others
 *          enter on the loop and leave anywhere. */
#ifndef OS_OS_LMDB_H
#define OS_OS_LMDB_H

#include <lmdb.h>
#include <pthread.h>

#include "port/store.h"
#include "util/log.h"

enum {
    OS_ENV_FORMAT_VERSION = 1,
    OS_ENV_CHECKSUM_LEN = 8,
    OS_ENV_KEY_SIZE = 1 + LIMIT_MAP_KEY_BYTES,
};

struct os_env {
    MDB_env *env;
    MDB_dbi dbi;
    enum store_room room;
    size_t map_bytes;
    size_t map_bytes_max; /* 0: none */
    bool
        is_fresh; /* this open made it: durable but for its name, until the folder above is synced */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t short_readers; /* mutex: views */
    size_t long_readers;  /* mutex: exports */
    bool is_growing;      /* mutex: new readers wait, unless one is in already */
    MDB_txn *idle; /* the loop's: a read transaction that ended, for the next view; or NULL */
};

struct os_env_options {
    size_t map_bytes_first;
    size_t map_bytes_max;
    bool is_read_only; /* another process may write meanwhile; what is not there is ERR_NOT_FOUND */
    bool is_scratch;   /* commits are not synced: os_env_sync() */
    const struct log *log;
};

/* Opens the environment in the folder `path`; makes both when there is no such folder, and then the folder above is the
 * caller's to sync. Logs what goes wrong. */
int os_env_open(struct os_env *e, const char *path, enum store_room room,
                const struct os_env_options *options);
/* What cannot be read is put aside for whoever wants to look into it (os/os_damage.h), and an empty one takes its place. */
int os_env_open_or_replace(struct os_env *e, const char *path, enum store_room room,
                           const struct os_env_options *options);
void os_env_close(struct os_env *e);
int os_env_sync(struct os_env *e);   /* of a scratch environment */
int os_env_remove(const char *path); /* the folder, if it is there */
/* Renames FOLDER to FOLDER.damaged, in place of an older one. Says so. */
int os_env_put_aside(const char *folder, const struct log *log);

void os_env_reader_enter(struct os_env *e, bool is_long);
void os_env_reader_leave(struct os_env *e, bool is_long);
/* A read transaction of the loop's, for one event: entered, and left. LMDB's codes. */
int os_env_read_begin(struct os_env *e, MDB_txn **out);
void os_env_read_end(struct os_env *e, MDB_txn *txn);
/* Doubles the map; ERR_FULL at its bound. The writer calls it, without a transaction. */
int os_env_grow(struct os_env *e);

/* LMDB's and errno's codes in ours. MDB_MAP_FULL is not among them: grow. */
int os_env_err(int rc);

/* In the transaction: LMDB's codes. */
int os_env_put(MDB_txn *txn, MDB_dbi dbi, enum store_room room, unsigned table, struct bytes key,
               struct bytes value, unsigned flags);
int os_env_delete(MDB_txn *txn, MDB_dbi dbi, unsigned table, struct bytes key);
/* Takes a stored row apart; ERR_CORRUPT when its checksum does not fit. */
int os_env_check(enum store_room room, const MDB_val *stored_key, const MDB_val *stored_value,
                 struct view_row *row);
MDB_val os_env_key(unsigned table, struct bytes key, uint8_t out[OS_ENV_KEY_SIZE]);

/* Files and folders, with their log line. */
int os_folder_make(const char *path,
                   const struct log *log); /* OK when it is there; syncs the parent */
int os_folder_sync(const char *path, const struct log *log);
int os_errno(int number); /* errno in our codes */

#endif

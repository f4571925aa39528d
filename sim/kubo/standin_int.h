/* standin_int.h -- inside the stand-in daemon: operations, and what they can wait for.
 *
 *      request --> standin_op: arguments, options, a command's state
 *                     |  step(): goes as far as it can; then one of
 *                     |     op_want()      wake me when this block is here
 *                     |     op_wake_at()   ... at this time
 *                     |     op_lock()      ... when the garbage collector lets me (false: not yet)
 *                     |     a write said false: when the reader has read
 *                     v
 *      answer_*(): what the client hears; after answer_end() or answer_fail() the operation is over,
 *      step() returns, and the stand-in frees it
 *
 * Rule     step() may be called more often than needed: it looks again at what it waits for.
 * Owner    An operation's arena is dropped with it; release() frees what else `state` has. */
#ifndef SIM_KUBO_STANDIN_INT_H
#define SIM_KUBO_STANDIN_INT_H

#include "sim/kubo/repo.h"
#include "sim/kubo/standin.h"
#include "util/arena.h"
#include "util/list.h"

struct standin_op;

enum option_kind { OPTION_TEXT, OPTION_FLAG, OPTION_INT, OPTION_INT64 };

struct standin_option {
    const char *name;
    const char *short_name; /* or NULL */
    enum option_kind kind;
};

struct standin_command {
    const char *path;    /* "pin/add" */
    const char *args[2]; /* their names in error messages */
    unsigned args_min;
    const char *body; /* name of the file argument, or NULL */
    const struct standin_option *options;
    void (*start)(struct standin_op *op); /* sets op->step; the step follows */
};

struct standin_param {
    const char *name;
    const char *value;
};

enum lock_state { LOCK_FREE, LOCK_WAITS, LOCK_HELD };

struct standin_op {
    struct standin *s;
    struct http_exchange *x; /* NULL: over, to be freed */
    struct list_link link;   /* in s->ops */
    struct list_link ready;  /* in s->ready, or in no list */
    struct arena arena;
    /* What was asked. */
    const struct standin_command *command;
    const char **args;
    size_t args_count;
    struct standin_param *params;
    size_t params_count;
    /* How it goes on. */
    void (*step)(struct standin_op *op);
    void (*release)(struct standin_op *op); /* or NULL */
    void (*expire)(struct standin_op *op);  /* timeout= has passed; NULL: an error says so */
    void *state;
    const struct standin_faults *faults; /* that it met, or NULL */
    bool is_spared;                      /* who watches is told what is, whatever is the matter */
    const char *error_prefix;            /* "pin: " before errors of waiting */
    uint64_t wake_at_us;
    uint64_t deadline_us;
    struct list_link waiters; /* of struct waiter */
    enum lock_state lock;
    struct list_link lock_link; /* in s->lock_queue while it waits */
    /* The answer. */
    const char *origin; /* to be allowed; or NULL */
    bool answer_begun;
    bool breaks_off; /* a fault: in the middle of the answer */
    bool stalls;     /* and nothing tells the client that nothing more comes */
};

struct standin_dial {
    uint64_t number;
    struct standin_op *op;
    struct list_link link;
};

struct standin_link {
    struct list_link link;
    struct peer_id peer;
    struct multiaddr addr;
};

struct standin {
    struct standin_options options;
    struct standin_hooks hooks;
    struct standin_net net;
    struct repo repo;
    struct list_link ops;
    struct list_link ready;
    struct list_link wants; /* of struct want */
    struct map wants_by_key;
    struct list_link links; /* of struct standin_link: who is connected */
    struct list_link dials;
    uint64_t dial_number;
    /* The collector's lock: many pinners, or one collector, which goes before pinners that come later. */
    unsigned lock_holders;
    struct standin_op *collector; /* that waits for the lock, or has it */
    struct list_link lock_queue;
    struct standin_faults faults;
    struct standin_counts counts;
    bool is_running;
    uint64_t wake_asked_us;
};

/* ---- memory: never NULL ---- */

void *standin_alloc(size_t size); /* cleared */
void *op_alloc(struct standin_op *op, size_t size);
char *op_copy(struct standin_op *op, struct bytes text); /* with a NUL */
/* The bytes of a buf whose appends all went well; {"", 0} rather than NULL. */
struct bytes standin_bytes(const struct buf *b);

/* ---- standin.c: life ---- */

uint64_t standin_now(struct standin *s);
void standin_run(struct standin *s);
void op_ready(struct standin_op *op);
void op_wake_at(struct standin_op *op, uint64_t at_us);
/* Puts a real block into the store, under any of its CIDs. */
void standin_store(struct standin *s, const struct cid *cid, struct bytes data);

/* ---- commands.c: what can be asked ---- */

/* The command that a path begins with, and what follows it ("/arg/arg"); NULL: none of ours. */
const struct standin_command *command_find(const char *path, const char **rest);
bool command_is_beyond_us(const char *path); /* Kubo has it, we do not */
bool command_is_group(const char *path);

/* ---- request.c: what was asked ---- */

/* Reads the target into the operation and answers what is wrong with it. NULL: answered. */
const struct standin_command *request_read(struct standin_op *op);
const char *op_text(const struct standin_op *op, const char *name, const char *otherwise);
bool op_flag(const struct standin_op *op, const char *name, bool otherwise);
int64_t op_number(const struct standin_op *op, const char *name, int64_t otherwise);

/* ---- answer.c: what is said ---- */

/* One object and the end. Takes the buf's memory. */
void answer_document(struct standin_op *op, struct buf *json);
/* A stream of objects: any number of lines, then the end. False: wait for the reader. */
void answer_begin_lines(struct standin_op *op);
bool answer_line(struct standin_op *op, struct buf *json);
/* A stream of bytes; length < 0: not told. */
void answer_begin_bytes(struct standin_op *op, const char *type, int64_t len);
bool answer_bytes(struct standin_op *op, struct bytes bytes);
void answer_end(struct standin_op *op);
/* An error: as a document, or as the trailer of what has begun. */
void answer_fail(struct standin_op *op, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void answer_plain(struct standin_op *op, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What a real daemon can, and this one cannot: 501, or the trailer of what has begun. */
void answer_cannot(struct standin_op *op, const char *what);
void answer_elsewhere(struct standin_op *op); /* 404, outside of the API */
void answer_bad_encoding(struct standin_op *op, const char *encoding);
void answer_redirect(struct standin_op *op, const char *location);
void answer_options(struct standin_op *op);
void answer_nothing(struct standin_op *op); /* 200, Content-Length 0 */
void answer_garbage(struct standin_op *op);
void answer_status(struct standin_op *op, int status, const char *text);

/* ---- wait.c: blocks, the collector's lock ---- */

/* In the store, or NULL. One that has everything puts it there now. */
const struct standin_block *standin_look(struct standin *s, const struct cid *cid);
/* step() again once the block is here. False: it never will, and the error is answered. */
bool op_want(struct standin_op *op, const struct cid *cid);
void op_unwant_all(struct standin_op *op);
/* Of the virtual blocks it waits for, what has come so far. */
void op_wanted_progress(const struct standin_op *op, uint64_t *nodes, uint64_t *bytes);
void standin_wants_deinit(struct standin *s);
/* Every new connection is told. */
void standin_wants_repeat(struct standin *s);
bool op_lock(struct standin_op *op);
void op_unlock(struct standin_op *op);
/* The collector's own: true once no pinner holds the lock; it is let go with op_unlock(). */
bool op_lock_alone(struct standin_op *op);

/* ---- path.c: arguments that name content ---- */

struct path {
    struct cid cid;
    const char *rest; /* "a/b" below it, "" when resolved */
};

enum path_state { PATH_OK, PATH_WAITS, PATH_FAILED /* and answered */ };

/* False: answered. */
bool path_parse(struct standin_op *op, const char *text, struct path *out);
/* Goes down the rest, as far as the blocks are here. */
enum path_state path_go(struct standin_op *op, struct path *path);

/* ---- the commands ---- */

void cmd_id(struct standin_op *op);
void cmd_version(struct standin_op *op);
void cmd_config_show(struct standin_op *op);
void cmd_swarm_peers(struct standin_op *op);
void cmd_swarm_connect(struct standin_op *op);
void cmd_swarm_disconnect(struct standin_op *op);
void cmd_repo_stat(struct standin_op *op);
void cmd_repo_gc(struct standin_op *op);
void cmd_pin_add(struct standin_op *op);
void cmd_pin_ls(struct standin_op *op);
void cmd_pin_rm(struct standin_op *op);
void cmd_pin_update(struct standin_op *op);
void cmd_add(struct standin_op *op);
void cmd_block_put(struct standin_op *op);
void cmd_block_get(struct standin_op *op);
void cmd_block_stat(struct standin_op *op);
void cmd_cat(struct standin_op *op);
void cmd_resolve(struct standin_op *op);

/* A dial of swarm/connect ended. */
void cmd_swarm_connect_dialed(struct standin_op *op, int err, const char *text);

/* ---- fault.c ---- */

bool fault_wants(const struct standin *s, const struct standin_op *op);
void fault_control(struct standin_op *op);

#endif

/* script.h -- a scenario, read: what stands in a .scn file, checked, and nothing done yet.
 *
 * Shape    First the set-up (how many peers, options), then steps, one a line, in order. Words are the
 *          language's; names of contents (c1, photos) and of sets of peers (`let old be leader`) are the
 *          author's. docs/SIMULATOR.md teaches it.
 * Units    Microseconds; per_million for chances; bytes.
 * Owner    The script owns a copy of the text; every struct bytes in it points there.
 * Errors   ERR_INVALID, and in `error` one line: file, line, what was expected, what was found. ERR_NOMEM.
 * Worlds   Nothing here knows whether it will be run in virtual time or against real processes. */
#ifndef SIM_SCRIPT_SCRIPT_H
#define SIM_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault/plan.h"
#include "sim/kernel/choose.h"
#include "util/buf.h"

enum {
    SCRIPT_MACHINES_MAX = 32,
    SCRIPT_LINES_MAX = 10000,
    SCRIPT_WORDS_MAX = 64, /* on one line */
    SCRIPT_NAMES_MAX = 32, /* of sets of peers */
    SCRIPT_WHO_MAX = 16,
    SCRIPT_CONTENTS_MAX = 16,
    SCRIPT_CONTENT_NAME_MAX = 32,
    SCRIPT_CONTENT_RANGE_MAX = 100000,
    SCRIPT_COMMAND_SIZE = 32,                       /* "pin/add", and a NUL */
    SCRIPT_NAME_SIZE = 2 * SCRIPT_CONTENT_NAME_MAX, /* a name with its number, and a NUL */
    SCRIPT_GROUPS_MAX = 8,
};

#define SCRIPT_TIME_MAX_US ((uint64_t)400 * 24 * 3600 * 1000 * 1000)

/* ---- who: "leader", "1 2", "2..4", "all but old", "one of followers" ---- */

enum script_who_kind {
    WHO_NUMBERS,   /* first..last */
    WHO_ALL,       /* every machine, also those that never started */
    WHO_UP,        /* running now (a paused one runs) */
    WHO_DOWN,      /* started once, and not running now */
    WHO_LEADER,    /* whom a majority of the running peers takes for it; perhaps nobody */
    WHO_FOLLOWERS, /* running, and not the leader */
    WHO_VOTERS,    /* running or not, as the leader's configuration has them */
    WHO_LEARNERS,  /* running, and not among them */
    WHO_HOLDERS,   /* those to whom the content is allocated */
    WHO_NAMED,     /* by `let` */
};

struct script_who_item {
    enum script_who_kind kind;
    unsigned first;
    unsigned last;
    size_t name;          /* NAMED: index into script.names */
    struct bytes content; /* HOLDERS */
    bool is_taken_out;    /* stands behind "but" */
};

struct script_who {
    bool is_one_of; /* a choice of the run picks one */
    struct script_who_item items[SCRIPT_WHO_MAX];
    size_t count; /* 0: nobody was named */
};

/* ---- contents: "c1", "c1..c20" ---- */

struct script_content {
    struct bytes stem; /* "c" of c1..c20, or the whole name */
    bool is_range;
    unsigned first;
    unsigned last;
};

struct script_contents {
    struct script_content items[SCRIPT_CONTENTS_MAX];
    size_t count;
};

/* Walks them by name; {.contents = ...} begins. The name lives until the next call. */
struct content_walk {
    const struct script_contents *contents;
    size_t item;
    unsigned number;
    bool started;
    char name[SCRIPT_NAME_SIZE];
};
bool content_next(struct content_walk *w, struct bytes *name);

/* ---- conditions ---- */

enum condition_kind {
    CONDITION_LEADER,    /* one leader, known to all running peers [who: it is one of these] */
    CONDITION_NO_LEADER, /* no running peer [of who] knows one */
    CONDITION_READY,     /* who */
    CONDITION_STOPPED,   /* who: not running */
    CONDITION_RECEIVING, /* who: a snapshot is on its way to them */
    CONDITION_LOG,       /* who: has at most count entries in its log */
    CONDITION_INSTALLED, /* who: their state came as a snapshot, since they were started */
    CONDITION_NOT_INSTALLED,
    CONDITION_AGREE, /* who have applied the same, up to the same index */
    CONDITION_SETTLED, /* agreement; every pin held as the state says; nothing acknowledged is missing */
    CONDITION_PINNED,   /* contents by the daemons of who, or by count of them */
    CONDITION_UNPINNED, /* contents: not by the daemons of who (default: of all) */
    CONDITION_LISTED,   /* contents in the shared state as who (default: all running) see it */
    CONDITION_UNLISTED,
    CONDITION_ALLOCATED, /* contents to who, or to count peers */
    CONDITION_MOVED,     /* at most `count` repairs of a pin were proposed, since the start */
    CONDITION_MEMBERS,   /* count of them, as the leader sees it */
    CONDITION_VOTERS,
    CONDITION_WAITING, /* fewer than count frames are on the way from who to whom */
};

struct script_condition {
    enum condition_kind kind;
    bool is_negated; /* LEADER: "is not who" */
    bool is_direct;  /* PINNED: in this mode only; else in any */
    struct script_who who;
    struct script_who whom; /* WAITING */
    struct script_contents contents;
    bool has_count;
    unsigned count;
};

/* ---- steps ---- */

enum script_verb {
    VERB_START,
    VERB_CRASH,
    VERB_STOP,
    VERB_PAUSE,
    VERB_RESUME,
    VERB_WIPE,
    VERB_EDIT,
    VERB_ACCEPT,
    VERB_MOVE,
    VERB_CUT,
    VERB_CLOG,
    VERB_HEAL,
    VERB_NETWORK,
    VERB_IPFS,
    VERB_DISK,
    VERB_CLOCK,
    VERB_MEMORY,
    VERB_FAULTS,
    VERB_CONTENT,
    VERB_PIN,
    VERB_ADD,
    VERB_UNPIN,
    VERB_RECOVER,
    VERB_SYNC,
    VERB_REMOVE,
    VERB_STAY,
    VERB_DRAIN,
    VERB_UNDRAIN,
    VERB_CLIENTS,
    VERB_LET,
    VERB_WAIT,
    VERB_EXPECT,
    VERB_UNTIL,
    VERB_HOLD,
};

/* What the author says of a client's operation. */
struct script_outcome {
    enum { OUTCOME_OK, OUTCOME_FAILS, OUTCOME_ANY } want;
    unsigned status;   /* FAILS: 0 is any */
    struct bytes text; /* FAILS: stands in the answer; len 0: any */
};

struct script_network {
    bool calms; /* everything back to its default first */
    bool has_loss, has_copies, has_delay, has_late, has_reorder, has_breaks;
    uint64_t loss_per_million;
    uint64_t copies_per_million;
    uint64_t delay_min_us, delay_max_us;
    uint64_t late_per_million, late_us;
    uint64_t reorder_per_million;
    uint64_t breaks_per_million;
    bool has_refusals, has_http_breaks, has_http_refusals, has_mangled;
    uint64_t refusals_per_million; /* of frames: the queue is said to be full */
    uint64_t http_breaks_per_million;
    uint64_t http_refusals_per_million;
    uint64_t mangled_per_million; /* of frames: cut off, or a bit turns */
};

enum script_ipfs {
    IPFS_WELL,
    IPFS_SLOW,
    IPFS_HANG,
    IPFS_ERROR,
    IPFS_HALF,    /* answers break off in the middle */
    IPFS_STALLS,  /* answers stop in the middle, and nothing is closed */
    IPFS_GARBAGE, /* answers are none */
    IPFS_REFUSE,
    IPFS_MUTE, /* gives nothing to other daemons */
    IPFS_DOWN,
    IPFS_UP,
    IPFS_LOSES,    /* contents: the pins, behind everybody's back */
    IPFS_FORGETS,  /* its repository is lost: no pin, no block */
    IPFS_LIES,     /* says that so much is free */
    IPFS_COLLECTS, /* its garbage */
};

enum script_disk {
    SCRIPT_DISK_WELL,
    SCRIPT_DISK_SLOW,
    SCRIPT_DISK_HUNG,
    SCRIPT_DISK_FULL,
    SCRIPT_DISK_FAILING,
    SCRIPT_DISK_COPIED,   /* put aside as it is now */
    SCRIPT_DISK_RESTORED, /* what was put aside is back */
    SCRIPT_DISK_ROTS,     /* a record of one room is damaged, or gone */
};

enum script_room { SCRIPT_ROOM_LOG, SCRIPT_ROOM_STATE, SCRIPT_ROOM_LOCAL };

struct script_step {
    unsigned line;
    enum script_verb verb;
    struct script_who who;
    struct script_who
        by; /* clients: whom they ask. START: through whom to join. CUT: the other side of -> */
    struct script_contents contents;
    uint64_t time_us; /* WAIT, UNTIL, HOLD, CLOCK, IPFS_SLOW, CLIENTS (the pause) */
    struct script_condition condition;
    struct script_outcome outcome;
    bool is_sent; /* a client's: nobody waits for the answer */
    /* PIN, ADD */
    int factor_min, factor_max; /* 0: the default; -1: everywhere */
    bool is_direct;             /* PIN */
    uint64_t expires_us;        /* from then on; 0: never */
    struct bytes updated; /* PIN: a content that this one is a newer version of; len 0: none */
    struct bytes name;
    uint64_t
        over_us; /* ADD, CLIENTS that add: the body takes so long to be sent; of clients at most */
    bool aborts; /* ADD: when half of it is sent */
    bool forced; /* REMOVE */
    /* START */
    bool joins;
    /* CUT, CLOG, HEAL */
    bool one_way;
    struct script_who groups[SCRIPT_GROUPS_MAX];
    size_t groups_count;
    struct script_network network;
    enum script_ipfs ipfs;
    enum script_disk disk;
    enum script_room room; /* DISK_ROTS */
    struct bytes text;     /* IPFS_ERROR */
    uint64_t free_bytes;   /* IPFS_LIES */
    struct bytes command;  /* IPFS: only requests of this one; len 0: of all */
    /* CLOCK: either */
    bool is_drift;
    int64_t drift_ppm;
    int64_t jump_us;
    uint64_t memory_after, memory_fails; /* MEMORY: allocations */
    bool on;                             /* FAULTS, CLIENTS */
    uint64_t without;                    /* FAULTS: bit c is set: not of class c (fault/plan.h) */
    /* CONTENT */
    uint64_t size_bytes;
    bool nowhere;
    /* CLIENTS */
    unsigned clients_count;
    unsigned contents_count;
    uint64_t unpin_per_million;
    uint64_t read_per_million;
    uint64_t leave_per_million; /* of what they ask they do not wait for the answer */
    bool adds;                  /* what they would pin, they add */
    /* LET */
    size_t let_name;
};

struct script_option {
    unsigned line;
    struct bytes name;
    struct bytes value;
};

struct script {
    char *file; /* for messages */
    char *text;
    size_t text_len;
    unsigned peers_count;
    unsigned spares_count;
    bool options_drawn;
    bool has_uploads; /* so contents are bytes, which a CID is the hash of */
    bool has_seed;
    uint64_t seed;                     /* what is played when nobody names another; 1 */
    bool is_supervised;                /* who exits by a fault is started again */
    bool is_still[CHOICE_KINDS_COUNT]; /* every choice of this kind is 0, the harmless one */
    struct script_option *options;
    size_t options_count;
    struct script_step *steps;
    size_t steps_count;
    struct bytes names[SCRIPT_NAMES_MAX];
    size_t names_count;
    struct buf error;
};

/* The script is filled also on ERR_INVALID (error); script_deinit() in any case. */
int script_parse(struct script *s, const char *file, const void *text, size_t len);
void script_deinit(struct script *s);
/* The line as it stands in the file, for reports. */
struct bytes script_line(const struct script *s, unsigned line);
const char *script_verb_usage(enum script_verb verb);
const char *script_verb_word(enum script_verb verb);

#endif

/* raft_script_int.h -- the rafts of a script, their disks, and what is on its way between them. */
#ifndef TESTS_LIB_RAFT_SCRIPT_INT_H
#define TESTS_LIB_RAFT_SCRIPT_INT_H

#include "raft/raft.h"
#include "util/list.h"

enum { SCRIPT_RAFTS_MAX = 9, SCRIPT_LOG_MAX = 512 };

struct script_letter {
    struct list_link link;
    struct raft_msg head; /* as it was said, without entries */
    struct buf bytes;
};

/* What is durable. entries[i] is of index base.index + 1 + i. */
struct script_disk {
    uint64_t number;
    struct raft_hard_state hard;
    struct raft_pos base;
    struct raft_entry entries[SCRIPT_LOG_MAX];
    size_t entries_count;
    struct raft_config config, config_previous; /* count 0: none */
    uint64_t applied;
};

struct script_unit {
    struct list_link link;
    uint64_t number;
    uint64_t cut_from;
    struct script_disk after; /* but for the entries */
    struct raft_entry *entries;
    size_t entries_count;
};

struct script_raft {
    unsigned id;
    struct raft *raft; /* NULL: crashed, or never there */
    struct script_disk disk;
    struct list_link units; /* on their way to the disk */
    uint64_t stored_unit;
    struct list_link held; /* letters that wait for a unit */
    uint64_t committed, applied;
};

struct raft_script {
    struct buf *out;
    struct raft_options options;
    struct script_raft rafts[SCRIPT_RAFTS_MAX + 1]; /* by number; 0 is not used */
    struct list_link way;                           /* letters */
    uint64_t now_us;
    uint64_t reads_count;
    bool disks_are_slow;
    bool is_cut[SCRIPT_RAFTS_MAX + 1];
};

void script_begin(struct raft_script *s, struct buf *out);
void script_end(struct raft_script *s);
struct script_raft *script_raft(struct raft_script *s, uint64_t number); /* NULL: out of range */
/* From what its disk has. */
void script_wake(struct raft_script *s, struct script_raft *n);
void script_crash(struct raft_script *s, struct script_raft *n);
/* What an input had for effect, and what follows by itself: units (on fast disks), applying. */
void script_take(struct raft_script *s, struct script_raft *n, const struct raft_ready *ready);
/* One unit; false: there is none on its way. */
bool script_store(struct raft_script *s, struct script_raft *n);
/* Letters from `from` to `to` (0: any) that are on their way now. True if there was one. */
bool script_deliver(struct raft_script *s, uint64_t from, uint64_t to);
void script_drop(struct raft_script *s, uint64_t from, uint64_t to);
void script_disk_deinit(struct script_disk *d);

/* raft_script_tell.c: in words */
void script_tell_msg(struct buf *out, const struct raft_msg *m);
void script_tell_state(struct buf *out, const struct script_raft *n);
void script_tell_progress(struct buf *out, const struct script_raft *n);
void script_tell_config(struct buf *out, const struct raft_config *c);
const char *script_role_name(enum raft_state state);

#endif

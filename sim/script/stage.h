/* stage.h -- what a scenario needs of the world it is run in: the simulated one, or real processes.
 *
 * Shape    The runner (run.c) knows the language: who is meant, what is expected, how long to wait. The stage
 *          does things to machines, carries questions to peers, and lets itself be looked at.
 * Time     The stage's own: virtual, or the machine's. pass() lets it go by.
 * Owner    A question's texts live until stage_ask() returns; an answer until stage_forget().
 * Errors   act: OK; ERR_UNSUPPORTED: this world cannot do that (the runner says so, loudly, and goes on; with words
 *          in `why`, only what they name was left out);
 *          ERR_INVALID: it makes no sense now (wiping a peer that runs), with words in `why`. */
#ifndef SIM_SCRIPT_STAGE_H
#define SIM_SCRIPT_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "ids/peer_id.h"
#include "sim/script/listing.h"
#include "sim/script/script.h"
#include "util/buf.h"

struct stage_look {
    bool was_started;
    bool is_running; /* the process exists; a paused one does */
    bool is_paused;
    bool is_ready;
    bool is_receiving;  /* a snapshot */
    bool has_installed; /* one, since it was started */
    bool leads;
    uint64_t number;
    uint64_t term;
    uint64_t leader; /* member number; 0: none known */
    uint64_t applied;
    uint64_t log_entries;
    uint64_t members;  /* in its configuration */
    uint32_t voters;   /* of them: bit i - 1 is machine i */
    uint64_t state[2]; /* equal at equal `applied`, or the state machines differ */
};

/* A client's question to one peer. */
struct stage_question {
    enum script_verb verb;      /* PIN, ADD, UNPIN, ...; EXPECT: list the shared state */
    struct bytes content;       /* len 0: all */
    unsigned subject;           /* REMOVE: which machine's peer */
    bool is_consistent;         /* EXPECT of one content: read with ?consistent=true */
    bool is_forced;             /* REMOVE: its pins do not move first */
    int factor_min, factor_max; /* 0: the default */
    bool is_direct;             /* PIN: the root alone */
    uint64_t expires_us;        /* from now, by the true time; 0: never */
    struct bytes updated;       /* PIN: the content that this one takes over from; len 0: none */
    uint64_t over_us;           /* ADD: the body takes so long to be sent; 0: it is there at once */
    bool aborts;                /* ADD: the client breaks off in the middle of it */
    struct bytes name;
    struct bytes key;       /* Idempotency-Key; len 0: none */
    bool is_one_of_several; /* attempts at one write: who asks tells the checkers, once for all */
};

struct stage_answer {
    int err;    /* OK: an answer came; ERR_UNREACHABLE, ERR_CLOSED, ERR_TIMEOUT */
    int status; /* HTTP */
    struct bytes body;
    uint64_t state_index; /* of the state that it tells of; 0: it does not say */
};

struct stage_ops {
    uint64_t (*now_us)(void *impl);
    /* Lets the world go on until then; false: it is over before (a checker has seen enough). */
    bool (*pass)(void *impl, uint64_t until_us);
    uint64_t (*choose)(void *impl, uint64_t n);
    /* Carries out a step for one machine; for CUT, CLOG and HEAL from `who` to `other`; for START the one to join
     * through. 0: the step is about no machine. */
    int (*act)(void *impl, const struct script_step *step, unsigned who, unsigned other,
               struct buf *why);
    void (*look)(void *impl, unsigned who, struct stage_look *out);
    struct cid (*cid)(void *impl, struct bytes content);
    /* Does who's daemon hold this pin now? */
    /* As a direct one; else as any (simulated), or as a recursive one (real). */
    bool (*has_pin)(void *impl, unsigned who, const struct cid *cid, bool is_direct);
    /* How many pins it holds that nobody wants there, and that its peer should know to be its own: not those
     * from before its data was wiped, which it takes for the operator's. */
    size_t (*extra_pins)(void *impl, unsigned who,
                         bool (*is_wanted)(void *owner, const struct cid *cid), void *owner);
    uint64_t (*moves)(void *impl); /* repairs of a pin that were proposed, since the start */
    struct peer_id (*peer_id)(void *impl, unsigned who);
    /* Asks; the handle is done with by forget(), answered or not. */
    void *(*ask)(void *impl, unsigned who, const struct stage_question *question);
    /* Asks, and nobody waits for the answer. */
    void (*send)(void *impl, unsigned who, const struct stage_question *question);
    const struct stage_answer *(*answer)(void *impl, void *asked); /* NULL: none yet */
    void (*forget)(void *impl, void *asked);
    /* At rest, is what clients were promised what the state says? Writes the first difference. */
    bool (*audit)(void *impl, const struct listing *state, struct buf *why);
    /* Does nothing pass from here to there? NULL: nobody knows. */
    bool (*is_cut)(void *impl, unsigned from, unsigned to);
    /* Frames between peers that were sent and have not arrived. NULL: nobody knows. */
    uint64_t (*waiting)(void *impl, unsigned from, unsigned to);
    /* What is the matter with this machine: ", its disk is full". NULL: nobody knows. */
    void (*ails)(void *impl, unsigned who, struct buf *out);
    /* A new line is under way, for the trace. */
    void (*on_step)(void *impl, const struct script_step *step);
};

struct stage {
    const struct stage_ops *ops;
    void *impl;
};

#endif

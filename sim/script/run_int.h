/* run_int.h -- between the files of the runner. */
#ifndef SIM_SCRIPT_RUN_INT_H
#define SIM_SCRIPT_RUN_INT_H

#include "sim/script/run.h"

/* Machines as a set: bit i - 1 is machine i. */
typedef uint32_t machine_set;

struct runner {
    const struct script *script;
    struct stage *stage;
    struct script_verdict *out;
    const struct script_step *step;
    machine_set named[SCRIPT_NAMES_MAX];
    /* The last listing of the shared state that was asked for. */
    struct listing listing;
};

static inline machine_set machine_bit(unsigned who)
{
    return (machine_set)1 << (who - 1);
}

static inline bool machine_in(machine_set set, unsigned who)
{
    return (set & machine_bit(who)) != 0;
}

static inline unsigned machine_set_count(machine_set set)
{
    unsigned count = 0;
    for (; set != 0; set &= set - 1)
        count += 1;
    return count;
}

unsigned runner_machines(const struct runner *r);
struct stage_look runner_look(struct runner *r, unsigned who);
/* False: the stage ended the run. */
bool runner_pass(struct runner *r, uint64_t us);
void runner_fail(struct runner *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool runner_goes_on(const struct runner *r);
void runner_words_of_set(struct buf *out, machine_set set);

/* run_who.c */
machine_set runner_who(struct runner *r, const struct script_who *who);
unsigned runner_one_of(struct runner *r, machine_set set); /* by a choice; 0: of nobody */
machine_set runner_running(struct runner *r);              /* and not paused */

/* run_ask.c */
void runner_ask_all(struct runner *r, const struct script_step *step);
/* The shared state as one of these peers tells it, into r->listing; false: none did (or the run is over). */
bool runner_list(struct runner *r, unsigned who);

/* run_condition.c: is it so now? If not, `why` says what is missing. */
bool runner_condition(struct runner *r, const struct script_condition *c, struct buf *why);
/* run_stuck.c: it waits in vain: adds what stands in its way, and whether it may be stuck. */
void runner_stuck(struct runner *r, struct buf *why);
/* How often it is worth looking. */
uint64_t runner_condition_pause_us(const struct runner *r, const struct script_condition *c);

#endif

/* real_machine.h -- one machine of the real world: a folder, two ports and a door, a peer's process, a stand-in daemon.
 *
 * Shape    A machine is made once, with `init`; its processes come and go. All listens on loopback, on ports that the kernel
 *          chose; the peer announces its door in the fault proxy.
 * Looks    At /metrics, at the peer's log and at the daemon: nothing that an operator could not look at.
 * Errors   OK, or a code with a sentence in `why`. */
#ifndef SIM_REAL_REAL_MACHINE_H
#define SIM_REAL_REAL_MACHINE_H

#include <sys/types.h>

#include "ids/peer_id.h"
#include "sim/real/real_clock.h"
#include "sim/real/real_proxy.h"
#include "sim/script/script.h"
#include "sim/script/stage.h"
#include "util/buf.h"

enum { REAL_PATH_SIZE = 512, REAL_ENV_MAX = 64 };

struct real_world {
    const struct script *script;
    const char *programs; /* the folder of ipfs-cluster-service */
    char folder[REAL_PATH_SIZE];
    char secret[65];
    struct real_proxy *proxy;
    struct real_weather weather;
    unsigned next_port;    /* to look at, from the first of those that are ours */
    unsigned outside_port; /* the rest of the IPFS network: a stand-in that has every content */
    char outside_address[128];
    pid_t outside_pid;
    bool sets_clocks; /* the scenario does, and it can be done */
};

struct real_machine {
    struct real_world *world;
    unsigned who;
    char folder[REAL_PATH_SIZE];
    char log[REAL_PATH_SIZE + 8];
    char clock_file[REAL_PATH_SIZE + 8];
    struct real_clock clock;
    char id_text[128];
    struct peer_id id;
    unsigned rest_port, listen_port, proxy_port, ipfs_port;
    pid_t pid; /* 0: no process */
    pid_t ipfs_pid;
    bool ipfs_refuses; /* connections */
    bool was_started;
    bool is_paused;
    long log_began; /* where in the log this life begins */
    struct stage_look look;
    uint64_t looked_us; /* 0: not yet in this life */
    bool look_is_old;
    bool is_voter;         /* as it said last, also in an earlier life */
    unsigned voters_count; /* of the members that it knows */
};

bool real_world_create(struct real_world *w, const struct script *script, uint64_t seed,
                       const char *programs, struct buf *why);
void real_world_destroy(struct real_world *w, bool keeps_folder);
/* Fills m; the others' lists of peers are written by real_machine_write_peers(), once all are there. */
bool real_machine_create(struct real_world *w, struct real_machine *m, unsigned who,
                         struct buf *why);
bool real_machine_write_peers(struct real_machine *m, const struct real_machine *others,
                              unsigned count, struct buf *why);
void real_machine_destroy(struct real_machine *m);
/* `via`: joins through it; NULL: not. `accepts`: goes on alone with what its disk has (--accept-peers). */
int real_machine_start(struct real_machine *m, const struct real_machine *via, bool accepts,
                       struct buf *why);
/* The operator takes all others out of cluster_peers, of one that does not run. */
int real_machine_edit_peers(struct real_machine *m, struct buf *why);
void real_machine_signal(struct real_machine *m, int signal); /* SIGKILL: waits for the end, too */
void real_machine_reap(struct real_machine *m);               /* has it ended by itself? */
int real_machine_wipe(struct real_machine *m);
void real_machine_look(struct real_machine *m);
/* Can a real peer be given this option of a scenario? */
bool real_machine_knows_option(struct bytes name);
/* The daemon's switches: the query of /standin/v0/fault. */
int real_machine_fault(const struct real_machine *m, const char *query);
/* It refuses connections until it is well again. */
int real_machine_refuse_ipfs(struct real_machine *m);
int real_machine_heal_ipfs(struct real_machine *m);
int real_machine_restart_ipfs(struct real_machine *m, struct buf *why);

#endif

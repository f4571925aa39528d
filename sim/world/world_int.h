/* world_int.h -- between the files of the world.
 *
 *   world.c     making it, the IPFS network, contents
 *   machine.c   one machine: start, crash, stop, pause, wipe; a peer's hooks
 *   client.c    one request to a peer, as bytes, and its answer
 *   load.c      clients that keep asking
 *   mishaps.c   the fault plan, carried out
 *   mishap_members.c   joins, removals and drains among it
 *   mishap_shapes.c    rings and bridges
 *   deeds.c     what it does, in the words of a scenario
 *   stage.c     what a scenario may do */
#ifndef SIM_WORLD_WORLD_INT_H
#define SIM_WORLD_WORLD_INT_H

#include "fault/memory.h"
#include "fault/transport.h"
#include "sim/kubo/standin.h"
#include "sim/kubo/swarm.h"
#include "sim/world/clock.h"
#include "sim/world/dice.h"
#include "sim/world/disk.h"
#include "sim/world/hooks.h"
#include "sim/world/http_client.h"
#include "sim/world/http_reply.h"
#include "sim/world/net.h"
#include "sim/world/world.h"
#include "util/hash.h"
#include "util/list.h"
#include "util/map.h"

struct write_call;

enum machine_state { MACHINE_OFF, MACHINE_UP, MACHINE_PAUSED };

/* Where an IPFS daemon (or the network between them) is woken up. */
struct ipfs_wake {
    struct world *world;
    unsigned who; /* WORLD_WAKE_SWARM: the network */
    struct event_id event;
};

/* Of CHOICE_MISHAP, behind the machines'. */
enum { MISHAP_LANE_LATER = WORLD_MACHINES_MAX + 1, MISHAP_LANE_LAST };

enum { WORLD_WAKE_SWARM = WORLD_MACHINES_MAX + 1, WORLD_WAKES_COUNT };

/* What an operator wants of a member. */
struct member_wish {
    enum script_verb verb;
    bool is_forced;
    bool returns;           /* was told to stay: once it finds that it is out, it comes back */
    bool is_over;           /* and is to be taken back, once there is an answer */
    uint64_t open_until_us; /* its outcome is not known: until then it may happen */
    unsigned deed;
    struct write_call *call; /* NULL: nothing is under way */
    struct event_id again;   /* it is asked for once more */
};

struct machine {
    struct world *world;
    unsigned who;
    char name[16];
    struct peer_id id;
    enum machine_state state;
    bool was_started;
    bool wants_up; /* nobody but a fault has stopped it: a supervisor would start it again */
    bool is_out;   /* it was removed, has put its data aside, and was not started since */

    /* Beside the data folder. */
    bool list_is_edited; /* by the operator, since the peer wrote it */
    bool accepts;        /* this start: --accept-peers */
    bool cluster_id_is_known;
    uint8_t cluster_id[PEER_CLUSTER_ID_BYTES];
    struct peer_address *others; /* cluster_peers */
    size_t others_count;
    struct peer_address *bootstrap;
    size_t bootstrap_count;

    struct sim_clock clock;
    struct sim_dice dice;
    struct fault_transport transport;
    struct fault_memory memory;
    struct world_hooks hooks;
    struct disk *disk;
    struct disk_image *copy; /* of the disk, put aside; NULL: none */
    struct sim_http http;
    struct http_client http_port;
    struct log log;

    struct peer *peer;         /* NULL while off */
    struct peer_address *told; /* cluster_peers and bootstrap as this life was told them */
    struct event_id timer;
    uint64_t armed_us;      /* what the timer stands at */
    struct event_id burial; /* the peer has stopped by itself */
    struct buf stopped_why;
    bool data_is_void;
    struct member_wish wish;
    struct list_link clients; /* struct client_call, connected here */

    struct standin *ipfs;
    char ipfs_address[40]; /* where other daemons reach it */
    /* What its daemon held when the peer's data was lost: nobody knows any more whose these pins are. */
    struct map orphans;
    struct list_link orphans_list;
    bool ipfs_is_up;
};

struct content {
    struct list_link link;
    struct cid cid;
    bool is_placed;
    uint64_t size_bytes;
    size_t name_len;
    char name[];
};

struct world {
    struct sim sim;
    struct world_options options;
    unsigned machines_count;
    struct net *net;
    struct swarm *swarm;
    struct standin
        *outside; /* the rest of the IPFS network: holds every content that is somewhere */
    struct ipfs_wake wakes[WORLD_WAKES_COUNT]; /* [0] is the outside's */
    struct checks *checks;
    struct world_failure failure;
    struct fault_plan plan;
    bool is_supervised;      /* since faults were drawn: who exits by a fault is started again */
    struct mishaps *mishaps; /* NULL: none are planned */
    unsigned deeds_count;    /* the last number that was given to one */
    struct buf faults;       /* the plan, in words */
    struct machine machines[WORLD_MACHINES_MAX + 1]; /* 0 is not used */
    struct map contents;                             /* by name */
    struct list_link contents_in_order;
    struct load *load;     /* NULL: no background clients */
    struct list_link sent; /* struct write_call whose answer nobody waits for */
    uint64_t pins_named;   /* by background clients: each of their pins has a name of its own */
    uint64_t repos_lost;   /* daemons' repositories, so far */
};

struct standin_hooks world_ipfs_hooks(struct world *w, unsigned who); /* 0: the outside's */
void world_fail(struct world *w, const char *checker, const char *text);
void world_cut(struct world *w, unsigned from, unsigned to, bool is_cut); /* one direction */
void world_clog(struct world *w, unsigned from,
                unsigned to); /* likewise; world_cut() ends it, too */
struct content *world_content(struct world *w, struct bytes name);
/* Unless somebody said where it is: in the IPFS network, at nobody of ours. */
void world_place(struct world *w, struct content *content);
void world_place_at(struct world *w, struct content *content, unsigned who);

/* ---- machine.c ---- */
void machine_init(struct world *w, unsigned who);
void machine_deinit(struct machine *m);
struct machine *world_machine(struct world *w, unsigned who);
/* ERR_INVALID: it runs. Any other code: peer_create()'s; the machine stays off. */
int machine_start(struct machine *m);
void machine_join_through(struct machine *m, const struct machine *via);
void machine_crash(struct machine *m);
void machine_stop(struct machine *m);
void machine_pause(struct machine *m);
void machine_resume(struct machine *m);
void machine_wipe(struct machine *m);
/* One durable record is damaged. False: there is none. */
bool machine_rot(struct machine *m, enum disk_room_name room);
void machine_edit_list(struct machine *m); /* nobody else is in it */
int machine_accept(struct machine *m);     /* machine_start() with --accept-peers */
/* Only while it is off. */
void machine_copy_disk(struct machine *m);
void machine_restore_disk(struct machine *m);
void machine_set_ipfs(struct machine *m, bool up);
void machine_collect_garbage(struct machine *m); /* of its daemon */
/* The `after`-th allocation of its peer from now on fails, and so many in a row; 0: no more. */
void machine_lack_memory(struct machine *m, uint64_t after, uint64_t fails);
void machine_set_drift(struct machine *m, int64_t ppm);
static inline bool machine_is_running(const struct machine *m)
{
    return m->state != MACHINE_OFF;
}

/* ---- client.c ---- */
struct client_answer {
    int err; /* OK; ERR_UNREACHABLE nobody there; ERR_CLOSED; ERR_TIMEOUT; ERR_CORRUPT no HTTP */
    struct http_reply reply;
};
struct client_call;
/* How the bytes of a request come. {0}: all at once. */
struct client_pace {
    uint64_t over_us; /* in pieces, so long from the first to the last */
    bool aborts;      /* when half of them are sent: hangs up, ... */
    bool is_silent;   /* ... or says nothing more, until the door has had enough (read_timeout) */
};
struct client_hooks {
    void (*done)(void *owner,
                 const struct client_answer *answer); /* the call is gone when it returns */
    void *owner;
};
/* Sends the bytes of one request, and waits for the answer, at most timeout_us. */
struct client_call *client_ask(struct world *w, unsigned who, enum peer_door door,
                               struct bytes request, uint64_t timeout_us,
                               const struct client_hooks *hooks);
/* From now on, before anything of it has been sent. */
void client_set_pace(struct client_call *c, const struct client_pace *pace);
void client_forget(struct client_call *c); /* hangs up; no done() */
void client_on_machine_gone(struct machine *m);
/* Builds "METHOD TARGET HTTP/1.1", with a body or none (len 0). */
void client_request(struct buf *out, const char *method, const char *target);
/* The same with an Idempotency-Key (len 0: none). */
void client_request_with_key(struct buf *out, const char *method, const char *target,
                             struct bytes key);
/* POST, with the body that `content` is added by. */
void client_request_add(struct buf *out, const char *target, struct bytes content);

/* ---- writes.c: pins and unpins, with what was promised ---- */
struct write_call;
struct write_call *write_ask(struct world *w, unsigned who, const struct stage_question *q);
const struct stage_answer *write_answer(const struct write_call *c);
void write_on_answer(struct write_call *c, void (*on_answer)(void *owner), void *owner);
void write_forget(struct write_call *c); /* hangs up if there is no answer yet */
enum promise_outcome write_outcome(const struct write_call *c);
/* From now on its answer is nobody's: it goes by itself, or with the world. */
void write_let_go(struct write_call *c);
void writes_forget(struct world *w); /* all that were sent so */

/* ---- load.c ---- */
void load_start(struct world *w, const struct script_step *step);
void load_stop(struct world *w);

/* ---- deeds.c: what faults do, told as steps (world_hooks_out.on_deed) ---- */
unsigned deed_begin(struct world *w); /* a number for it */
void deed_tell(struct world *w, unsigned number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "cut 1 2 | 3 4 5", or "heal ...": those whose bits are set, and the rest. */
void deed_tell_sides(struct world *w, unsigned number, const char *verb, uint32_t side);
/* What the plan says of every frame, if this class is of that sort and is on. */
void deed_tell_network(struct world *w, unsigned number, enum fault_class class);
void deed_tell_lost_pin(struct world *w, unsigned number, unsigned who, const struct cid *cid);

/* ---- mishaps.c ---- */
void mishaps_begin(struct world *w,
                   uint64_t without); /* draws the plan, and spares these classes */
void mishaps_end(struct world *w);    /* heals what they did */
void mishaps_forget(struct world *w); /* and not even that */
void world_apply_network(struct world *w);

/* ---- mishap_shapes.c ---- */
void shape_ring(struct world *w, unsigned deed, bool cut);
void shape_bridge(struct world *w, unsigned deed, unsigned bridge, uint32_t side, bool cut);

/* ---- mishap_members.c: what operators do meanwhile ---- */
void members_forget(struct machine *m); /* whatever is wanted of it */
void members_remove(struct world *w, unsigned deed, unsigned victim);
/* The same one comes back, or is told to stay. */
void members_return(struct world *w, unsigned deed, unsigned victim);
void members_on_out(struct machine *m);            /* it has ended, and is no member any more */
void members_join(struct world *w, unsigned deed); /* somebody who is out */
void members_drain(struct world *w, unsigned deed, unsigned victim, bool drains);

#endif

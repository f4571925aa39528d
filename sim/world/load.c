/* Clients that keep asking: each pins, unpins or reads one of a fixed set of contents at some running peer, waits for
 * the answer, rests, and asks again. Few contents and many clients make conflicts.
 *
 * Each pin gets a name of its own, so that a read says which of them it saw (sim/check/linearizable.c). Half of the
 * reads ask for consistency. Half of the clients give their writes a key, and ask again, perhaps somebody else, when they
 * hear nothing or "outcome unknown": to the checker that is one write all along, and it has to work once.
 *
 * Some hang up before the answer: what they asked for may be done or not, now or later.
 *
 * Clients that add upload what the others would pin; one in eight breaks its upload off. There is no key for those. */
#include "sim/world/world_int.h"

#include "sim/script/answer.h"
#include "util/err.h"
#include "util/mem.h"

#define LOAD_PATIENCE_US ((uint64_t)60 * 1000 * 1000)

/* Who leaves does so within that time. */
#define LOAD_LEAVES_US ((uint64_t)200 * 1000)

enum { LOAD_TRIES_MAX = 6 };

struct load_client {
    struct load *load;
    struct write_call *write;
    struct client_call *read;
    uint64_t seen;    /* checks_on_ask(); 0: nothing is under way */
    uint64_t promise; /* checks_on_call(), of a write: over all attempts at it */
    /* The write under way, or to be repeated. */
    uint64_t value;
    enum script_verb verb;
    struct buf content, name, key; /* key empty: the client uses none */
    unsigned tries;
    bool may_have_worked;
    uint64_t over_us; /* an upload takes so long, ... */
    bool aborts;      /* ... and is broken off */
    struct event_id next;
    struct event_id leaves; /* it hangs up, whatever the answer would have been */
};

struct load {
    struct world *world;
    uint64_t pause_us;
    unsigned contents_count;
    uint64_t unpin_per_million;
    uint64_t read_per_million;
    uint64_t leave_per_million;
    bool adds;
    uint64_t over_us; /* an upload, at most */
    unsigned clients_count;
    struct load_client clients[];
};

static void load_rest(struct load_client *client);

static uint64_t load_choose(struct load *load, uint64_t n)
{
    return choose(&load->world->sim.choose, CHOICE_CLIENT, 0, n);
}

static void load_saw(struct load_client *client, enum promise_outcome outcome, uint64_t value,
                     uint64_t index)
{
    if (client->seen != 0)
        checks_on_answer(client->load->world->checks, client->seen, outcome, value, index);
    client->seen = 0;
    if (client->promise != 0)
        checks_on_return(client->load->world->checks, client->promise, outcome);
    client->promise = 0;
}

/* ---- leaving ---- */

/* Another lane than for what they ask: who never leaves asks the same. */
static uint64_t load_choose_leaving(struct load *load, uint64_t n)
{
    enum { LANE = WORLD_MACHINES_MAX + 1 };
    return choose(&load->world->sim.choose, CHOICE_CLIENT, LANE, n);
}

static void load_leaves(void *arg);

/* Does it wait for the answer? */
static void load_may_leave(struct load_client *client)
{
    struct load *load = client->load;
    if (load->leave_per_million == 0 ||
        load_choose_leaving(load, 1000000) < 1000000 - load->leave_per_million)
        return;
    uint64_t after_us = load_choose_leaving(load, LOAD_LEAVES_US);
    client->leaves = sim_at(&load->world->sim, after_us, SIM_CLIENT, 0, 1, load_leaves, client);
}

/* ---- writes ---- */

static void load_written(void *owner);

static void load_send(struct load_client *client, unsigned who)
{
    struct stage_question q = { .verb = client->verb,
                                .content = buf_bytes(&client->content),
                                .name = buf_bytes(&client->name),
                                .key = buf_bytes(&client->key),
                                .over_us = client->over_us,
                                .aborts = client->aborts,
                                .is_one_of_several = true };
    client->tries += 1;
    client->write = write_ask(client->load->world, who, &q);
    write_on_answer(client->write, load_written, client);
    load_may_leave(client);
}

/* Is it open still whether the write worked, or will? A later refusal says nothing of an earlier attempt, unless it is what
 * the state remembers of that. */
static bool load_is_open(const struct load_client *client, enum promise_outcome outcome)
{
    const struct stage_answer *a = write_answer(client->write);
    bool from_the_state = a->err == OK && a->status >= 400 && a->status < 500;
    return outcome == PROMISE_UNKNOWN ||
           (outcome == PROMISE_REFUSED && client->may_have_worked && !from_the_state);
}

static void load_is_written(struct load_client *client, enum promise_outcome outcome);

static void load_written(void *owner)
{
    struct load_client *client = owner;
    enum promise_outcome outcome = write_outcome(client->write);
    sim_cancel(&client->load->world->sim, &client->leaves);
    load_is_written(client, load_is_open(client, outcome) ? PROMISE_UNKNOWN : outcome);
}

static void load_is_written(struct load_client *client, enum promise_outcome outcome)
{
    client->may_have_worked |= outcome == PROMISE_UNKNOWN;
    bool repeats = outcome == PROMISE_UNKNOWN && client->key.len > 0;
    if (!repeats || client->tries == LOAD_TRIES_MAX)
        load_saw(client, outcome, client->value, 0);
    load_rest(client);
}

static void load_write(struct load_client *client, unsigned who, struct bytes content,
                       const struct cid *cid)
{
    struct world *w = client->load->world;
    bool unpins = choose_chance(&w->sim.choose, CHOICE_CLIENT, 0, client->load->unpin_per_million);
    uint64_t number = ++w->pins_named;
    client->verb = unpins ? VERB_UNPIN : client->load->adds ? VERB_ADD : VERB_PIN;
    bool adds = client->verb == VERB_ADD;
    client->over_us = adds ? load_choose(client->load, client->load->over_us + 1) : 0;
    client->aborts = adds && load_choose(client->load, 8) == 0;
    client->value = unpins ? 0 : number;
    client->tries = 0;
    client->may_have_worked = false;
    buf_clear(&client->content);
    buf_append(&client->content, content.data, content.len);
    buf_clear(&client->name);
    if (!unpins)
        answer_pin_name(number, &client->name);
    buf_clear(&client->key);
    if ((client - client->load->clients) % 2 == 0 && !adds)
        buf_printf(&client->key, "key-%llu", (unsigned long long)number);
    client->seen = checks_on_ask(w->checks, SEEN_WRITE, who, cid, client->value);
    client->promise = checks_on_call(w->checks, unpins ? PROMISE_UNPIN : PROMISE_PIN, cid);
    load_send(client, who);
}

/* ---- reads ---- */

static void load_has_read(void *owner, const struct client_answer *answer)
{
    struct load_client *client = owner;
    const struct http_reply *reply = &answer->reply;
    client->read = NULL;
    sim_cancel(&client->load->world->sim, &client->leaves);
    /* Without memory a peer may have none for the field that says which state it tells of: then it says nothing. */
    bool is_known = answer->err == OK && (reply->status == 200 || reply->status == 404) &&
                    http_reply_has(reply, "\r\nx-state-index:");
    uint64_t value =
        is_known && reply->status == 200 ? answer_pin_number(buf_bytes(&reply->body)) : 0;
    load_saw(client, is_known ? PROMISE_KEPT : PROMISE_REFUSED, value,
             http_reply_number(reply, "\r\nx-state-index:"));
    load_rest(client);
}

static void load_read(struct load_client *client, unsigned who, const struct cid *cid)
{
    struct world *w = client->load->world;
    bool is_consistent = load_choose(client->load, 2) == 0;
    struct buf target = { 0 };
    struct buf request = { 0 };
    buf_printf(&target, "/allocations/%s%s", cid_print(cid).text,
               is_consistent ? "?consistent=true" : "");
    client_request(&request, "GET", buf_text(&target));
    client->seen =
        checks_on_ask(w->checks, is_consistent ? SEEN_READ : SEEN_LOCAL_READ, who, cid, 0);
    struct client_hooks hooks = { load_has_read, client };
    client->read = client_ask(w, who, PEER_DOOR_API, buf_bytes(&request), LOAD_PATIENCE_US, &hooks);
    load_may_leave(client);
    buf_deinit(&target);
    buf_deinit(&request);
}

/* ---- one after another ---- */

static void load_hang_up(struct load_client *client)
{
    if (client->write != NULL)
        write_forget(client->write);
    if (client->read != NULL)
        client_forget(client->read);
    client->write = NULL;
    client->read = NULL;
}

/* The connection is gone before the answer has come: a write may work, now or later; a read saw nothing. */
static void load_leaves(void *arg)
{
    struct load_client *client = arg;
    bool reads = client->read != NULL;
    client->leaves = (struct event_id){ 0 };
    load_hang_up(client);
    if (reads) {
        load_saw(client, PROMISE_REFUSED, 0, 0);
        load_rest(client);
    } else {
        load_is_written(client, PROMISE_UNKNOWN);
    }
}

static void load_asks(void *arg)
{
    struct load_client *client = arg;
    struct load *load = client->load;
    struct world *w = load->world;
    client->next = (struct event_id){ 0 };
    load_hang_up(client);
    unsigned who = 1 + (unsigned)load_choose(load, w->machines_count);
    if (client->seen != 0) {
        load_send(client, who);
        return;
    }
    struct buf name = { 0 };
    buf_printf(&name, "load%llu", (unsigned long long)load_choose(load, load->contents_count));
    struct cid cid = world_content(w, buf_bytes(&name))->cid;
    bool reads = choose_chance(&w->sim.choose, CHOICE_CLIENT, 0, load->read_per_million);
    if (reads)
        load_read(client, who, &cid);
    else
        load_write(client, who, buf_bytes(&name), &cid);
    buf_deinit(&name);
}

static void load_rest(struct load_client *client)
{
    struct load *load = client->load;
    uint64_t pause_us = load->pause_us / 2 + load_choose(load, load->pause_us + 1);
    client->next = sim_at(&load->world->sim, pause_us, SIM_CLIENT, 0, 0, load_asks, client);
}

void load_start(struct world *w, const struct script_step *step)
{
    load_stop(w);
    struct load *load =
        mem_zalloc(sizeof(*load) + step->clients_count * sizeof(struct load_client));
    ASSERT(load != NULL);
    load->world = w;
    load->pause_us = step->time_us;
    load->contents_count = step->contents_count;
    load->unpin_per_million = step->unpin_per_million;
    load->read_per_million = step->read_per_million;
    load->leave_per_million = step->leave_per_million;
    load->adds = step->adds;
    load->over_us = step->over_us;
    load->clients_count = step->clients_count;
    w->load = load;
    for (unsigned i = 0; i < load->clients_count; i++) {
        load->clients[i].load = load;
        load_rest(&load->clients[i]);
    }
}

void load_stop(struct world *w)
{
    struct load *load = w->load;
    if (load == NULL)
        return;
    for (unsigned i = 0; i < load->clients_count; i++) {
        struct load_client *client = &load->clients[i];
        sim_cancel(&w->sim, &client->next);
        sim_cancel(&w->sim, &client->leaves);
        load_hang_up(client);
        load_saw(client, PROMISE_UNKNOWN, 0, 0);
        buf_deinit(&client->content);
        buf_deinit(&client->name);
        buf_deinit(&client->key);
    }
    mem_free(load);
    w->load = NULL;
}

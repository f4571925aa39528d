/* Clients that keep asking: each pins or unpins one of a fixed set of contents at some running peer, waits for the
 * answer, rests, and asks again. Few contents and many clients make conflicts. */
#include "sim/world/world_int.h"

#include "util/mem.h"

struct load_client {
    struct load *load;
    struct write_call *call;
    struct event_id next;
};

struct load {
    struct world *world;
    uint64_t pause_us;
    unsigned contents_count;
    uint64_t unpin_per_million;
    unsigned clients_count;
    struct load_client clients[];
};

static void load_rest(struct load_client *client);

static void load_answered(void *owner)
{
    load_rest(owner);
}

static uint64_t load_choose(struct load *load, uint64_t n)
{
    return choose(&load->world->sim.choose, CHOICE_CLIENT, 0, n);
}

static void load_asks(void *arg)
{
    struct load_client *client = arg;
    struct load *load = client->load;
    struct world *w = load->world;
    client->next = (struct event_id){ 0 };
    if (client->call != NULL)
        write_forget(client->call);
    struct buf name = { 0 };
    buf_printf(&name, "load%llu", (unsigned long long)load_choose(load, load->contents_count));
    struct stage_question q = { .verb = VERB_PIN, .content = buf_bytes(&name) };
    if (choose_chance(&w->sim.choose, CHOICE_CLIENT, 0, load->unpin_per_million))
        q.verb = VERB_UNPIN;
    unsigned who = 1 + (unsigned)load_choose(load, w->machines_count);
    client->call = write_ask(w, who, &q);
    write_on_answer(client->call, load_answered, client);
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
        sim_cancel(&w->sim, &load->clients[i].next);
        if (load->clients[i].call != NULL)
            write_forget(load->clients[i].call);
    }
    mem_free(load);
    w->load = NULL;
}

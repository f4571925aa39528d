#include "sim/real/real_load.h"

#include "sim/script/answer.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

struct load_client {
    void *asked; /* NULL: it rests */
    enum seen_kind kind;
    uint64_t value; /* of a write */
    uint64_t seen;  /* checks_on_ask() */
    bool aborts;    /* its upload */
    uint64_t next_us;
};

struct real_load {
    struct stage stage;
    unsigned machines_count;
    struct choose *choose;
    struct checks *checks;
    struct script_step step; /* how they are */
    uint64_t pins_named;
    struct buf content, name; /* of what is asked now */
    unsigned clients_count;
    struct load_client clients[];
};

static uint64_t load_choose(struct real_load *l, uint64_t n)
{
    return choose(l->choose, CHOICE_CLIENT, 0, n);
}

static bool load_chance(struct real_load *l, uint64_t per_million)
{
    return choose_chance(l->choose, CHOICE_CLIENT, 0, per_million);
}

static void load_rest(struct real_load *l, struct load_client *client)
{
    uint64_t pause_us = l->step.time_us / 2 + load_choose(l, l->step.time_us + 1);
    client->next_us = l->stage.ops->now_us(l->stage.impl) + pause_us;
}

/* ---- asking ---- */

static void load_write(struct real_load *l, struct load_client *client, struct stage_question *q)
{
    bool unpins = load_chance(l, l->step.unpin_per_million);
    uint64_t number = ++l->pins_named;
    client->kind = SEEN_WRITE;
    client->value = unpins ? 0 : number;
    q->verb = unpins ? VERB_UNPIN : l->step.adds ? VERB_ADD : VERB_PIN;
    q->aborts = q->verb == VERB_ADD && load_choose(l, 8) == 0;
    buf_clear(&l->name);
    if (!unpins)
        answer_pin_name(number, &l->name);
    q->name = buf_bytes(&l->name);
}

static void load_ask(struct real_load *l, struct load_client *client)
{
    unsigned who = 1 + (unsigned)load_choose(l, l->machines_count);
    buf_clear(&l->content);
    buf_printf(&l->content, "load%llu", (unsigned long long)load_choose(l, l->step.contents_count));
    struct stage_question q = { .verb = VERB_EXPECT, .content = buf_bytes(&l->content) };
    client->value = 0;
    if (load_chance(l, l->step.read_per_million)) {
        q.is_consistent = load_choose(l, 2) == 0;
        client->kind = q.is_consistent ? SEEN_READ : SEEN_LOCAL_READ;
    } else {
        load_write(l, client, &q);
    }
    client->aborts = q.aborts;
    struct cid cid = l->stage.ops->cid(l->stage.impl, q.content);
    client->seen = checks_on_ask(l->checks, client->kind, who, &cid, client->value);
    client->asked = l->stage.ops->ask(l->stage.impl, who, &q);
}

/* ---- hearing ---- */

static void load_hear(struct real_load *l, struct load_client *client,
                      const struct stage_answer *answer)
{
    enum promise_outcome outcome = answer_outcome(answer);
    uint64_t value = client->value;
    if (client->kind != SEEN_WRITE) {
        bool is_known = answer->err == OK && (answer->status == 200 || answer->status == 404);
        outcome = is_known ? PROMISE_KEPT : PROMISE_REFUSED;
        value = is_known && answer->status == 200 ? answer_pin_number(answer->body) : 0;
    } else if (client->aborts) {
        outcome = PROMISE_REFUSED;
    }
    checks_on_answer(l->checks, client->seen, outcome, value, answer->state_index);
    l->stage.ops->forget(l->stage.impl, client->asked);
    client->asked = NULL;
    load_rest(l, client);
}

void real_load_step(struct real_load *l)
{
    for (unsigned i = 0; l != NULL && i < l->clients_count; i++) {
        struct load_client *client = &l->clients[i];
        const struct stage_answer *answer =
            client->asked != NULL ? l->stage.ops->answer(l->stage.impl, client->asked) : NULL;
        if (answer != NULL)
            load_hear(l, client, answer);
        else if (client->asked == NULL && l->stage.ops->now_us(l->stage.impl) >= client->next_us)
            load_ask(l, client);
    }
}

struct real_load *real_load_create(const struct stage *stage, unsigned machines_count,
                                   struct choose *choose, struct checks *checks,
                                   const struct script_step *step)
{
    struct real_load *l = mem_zalloc(sizeof(*l) + step->clients_count * sizeof(struct load_client));
    ASSERT(l != NULL);
    l->stage = *stage;
    l->machines_count = machines_count;
    l->choose = choose;
    l->checks = checks;
    l->step = *step;
    l->clients_count = step->clients_count;
    for (unsigned i = 0; i < l->clients_count; i++)
        load_rest(l, &l->clients[i]);
    return l;
}

void real_load_destroy(struct real_load *l)
{
    for (unsigned i = 0; l != NULL && i < l->clients_count; i++) {
        struct load_client *client = &l->clients[i];
        if (client->asked == NULL)
            continue;
        checks_on_answer(l->checks, client->seen, PROMISE_UNKNOWN, 0, 0);
        l->stage.ops->forget(l->stage.impl, client->asked);
    }
    if (l != NULL) {
        buf_deinit(&l->content);
        buf_deinit(&l->name);
    }
    mem_free(l);
}

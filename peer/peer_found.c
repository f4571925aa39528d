/* peer_found.c -- from an empty disk to a member (DESIGN 7, 8).
 *
 *      FOUNDING --majority is empty, same list--> WRITING entry 1 (the list) -------------> MEMBER
 *          \-----a cluster answers--> JOINING --number, cluster id--> WRITING the meta ---> MEMBER
 *
 * The rules are members/founding.h's; here they meet the network and the disk. Raft is spoken only as a
 * MEMBER: when what makes us one is durable. */
#include "peer_int.h"

#include <stdlib.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

/* ---- who is on the list ---- */

static int peer_id_order(const void *a, const void *b)
{
    return peer_id_compare(a, b);
}

/* cluster_peers and self, sorted, each once. The caller frees. */
static int peer_listed(const struct peer *p, struct peer_id **out, size_t *count)
{
    size_t most = p->options.cluster_peers_count + 1;
    struct peer_id *ids = mem_array(most, sizeof(*ids));
    if (ids == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i + 1 < most; i++)
        ids[i] = p->options.cluster_peers[i].id;
    ids[most - 1] = p->options.id;
    qsort(ids, most, sizeof(*ids), peer_id_order);
    size_t kept = 1;
    for (size_t i = 1; i < most; i++) {
        if (!peer_id_equal(&ids[kept - 1], &ids[i]))
            ids[kept++] = ids[i];
    }
    *out = ids;
    *count = kept;
    return OK;
}

/* Tells the transport where the rows' peers listen: all addresses of one peer at once. */
void peer_learn_addresses(struct peer *p, const struct peer_address *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct multiaddr addrs[LIMIT_PEER_ADDRESSES_COUNT];
        size_t addrs_count = 0;
        bool seen = false;
        for (size_t j = 0; j < count; j++) {
            if (!peer_id_equal(&rows[j].id, &rows[i].id))
                continue;
            seen = seen || j < i;
            if (addrs_count < LIMIT_PEER_ADDRESSES_COUNT)
                addrs[addrs_count++] = rows[j].addr;
        }
        if (!seen && !peer_id_equal(&rows[i].id, &p->options.id))
            (void)transport_set_addresses(&p->ports.transport, &rows[i].id, addrs, addrs_count);
    }
}

int peer_found_start(struct peer *p)
{
    struct peer_id *listed = NULL;
    size_t listed_count = 0;
    int err = peer_listed(p, &listed, &listed_count);
    struct peer_id *bootstrap = NULL;
    if (err == OK && p->options.bootstrap_count > 0) {
        bootstrap = mem_array(p->options.bootstrap_count, sizeof(*bootstrap));
        if (bootstrap == NULL)
            err = ERR_NOMEM;
    }
    for (size_t i = 0; bootstrap != NULL && i < p->options.bootstrap_count; i++)
        bootstrap[i] = p->options.bootstrap[i].id;
    if (err == OK) {
        struct founding_options options = { .self = p->options.id,
                                            .listed = listed,
                                            .listed_count = listed_count,
                                            .bootstrap = bootstrap,
                                            .bootstrap_count = p->options.bootstrap_count,
                                            .joins_only =
                                                p->options.cluster_id_is_known || p->was_damaged,
                                            .ask_pause_us = PEER_FIND_PAUSE_US };
        err = founding_init(&p->founding, &options);
    }
    mem_free(listed);
    mem_free(bootstrap);
    if (err != OK)
        return err;
    p->list = p->founding.list;
    p->life = PEER_FOUNDING;
    p->start_deadline_us = p->now_us + p->options.start_timeout_us;
    p->join_ticket = 1 + rng_below(&p->ports.rng, RNG_IDENTITY, UINT64_MAX); /* 0: none */
    return OK;
}

/* ---- FIND ---- */

void peer_on_find(struct peer *p, const struct rpc_asker *asker)
{
    struct find_answer answer = { .kind = FIND_EMPTY, .list = p->list };
    if (p->life == PEER_MEMBER)
        answer.kind = cluster_id_is_none(&p->cluster) ? FIND_FOUNDED : FIND_MEMBER;
    struct buf out = { 0 };
    find_answer_encode(&answer, &out);
    if (out.err == OK)
        rpc_reply(&p->rpc, asker, buf_bytes(&out));
    buf_deinit(&out);
}

struct peer_find {
    struct peer *peer;
    struct peer_id to;
};

/* Said once, and not by a peer that brings no list of its own. */
static void peer_find_list_differs(struct peer *p, const struct peer_id *from)
{
    if (p->list_differs || p->options.cluster_peers_count == 0)
        return;
    p->list_differs = true;
    LOG_WARN(p->log, "cluster", "%s has other cluster_peers than this peer: make the lists equal",
             peer_id_print(from).text);
}

static void peer_find_done(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer_find *find = owner;
    struct peer *p = find->peer;
    struct find_answer answer;
    if (err == OK)
        err = find_answer_decode(&answer, payload.data, payload.len);
    if (err == OK && p->life == PEER_FOUNDING) {
        founding_on_answer(&p->founding, &find->to, &answer);
        if (answer.kind != FIND_MEMBER && answer.list != p->list)
            peer_find_list_differs(p, &find->to);
    } else if (err == ERR_AUTH || err == ERR_FOREIGN) {
        peer_words(p->join_why, sizeof(p->join_why), "%s", text);
        peer_note_refusal(p, text);
    }
    mem_free(find);
}

static void peer_find_ask(struct peer *p, const struct peer_id *to)
{
    struct peer_find *find = mem_alloc(sizeof(*find));
    if (find == NULL)
        return; /* asked again after the pause */
    *find = (struct peer_find){ .peer = p, .to = *to };
    int err = rpc_call(&p->rpc, p->now_us, to, RPC_FIND, (struct bytes){ NULL, 0 },
                       PEER_FIND_TIMEOUT_US, peer_find_done, find);
    if (err != OK)
        mem_free(find);
}

/* ---- becoming a member ---- */

static void peer_member_stored(void *owner, uint64_t number, int err)
{
    (void)number;
    struct peer *p = owner;
    peer_enter(p);
    p->units_in_flight -= 1;
    if (err == OK)
        err = peer_become_member(p, &p->birth);
    if (err != OK && err != ERR_CANCELED)
        peer_disk_failed(p, err, "writing the first record");
    peer_leave(p);
}

void peer_write_birth(struct peer *p, const struct raft_entry *entries, size_t count,
                      uint64_t cut_from)
{
    p->raft_store.identity.number = p->birth.number;
    memcpy(p->raft_store.identity.cluster_id, p->cluster.bytes, CLUSTER_ID_BYTES);
    struct raft_unit unit = { .cut_from = cut_from,
                              .entries = entries,
                              .entries_count = count,
                              .hard = p->birth.hard,
                              .config = p->birth.config,
                              .config_previous = p->birth.config_previous };
    peer_tell_unit(p, &unit);
    int err = raft_store_write(&p->raft_store, &unit, peer_member_stored, p);
    if (err != OK) {
        peer_disk_failed(p, err, "writing the first record");
        return;
    }
    p->units_in_flight += 1;
    p->life = PEER_WRITING;
}

void peer_write_boot(struct peer *p, const struct raft_durable *durable)
{
    p->birth = *durable;
    peer_write_birth(p, NULL, 0, 0);
}

static int peer_founders(struct peer *p, struct raft_config *config)
{
    struct peer_id *listed = NULL;
    size_t count = 0;
    int err = peer_listed(p, &listed, &count);
    *config = (struct raft_config){ .index = 1, .next_number = count + 1 };
    for (size_t i = 0; i < count && err == OK; i++) {
        /* No addresses: every founder has the same entry, byte for byte, whatever its file calls the
         * others. The first leader adds them (peer_members.c). */
        struct raft_member member = { .number = i + 1,
                                      .role = i < LIMIT_VOTERS_COUNT ? RAFT_VOTER : RAFT_LEARNER,
                                      .id = listed[i] };
        err = raft_config_add(config, &member);
        if (peer_id_equal(&listed[i], &p->options.id))
            p->birth.number = i + 1;
    }
    mem_free(listed);
    return err;
}

static void peer_found(struct peer *p)
{
    LOG_INFO(p->log, "cluster", "founding a cluster of %zu", p->founding.listed_count);
    struct buf payload = { 0 };
    p->birth = (struct raft_durable){ .hard = { .term = 1 }, .last = 1 };
    int err = peer_founders(p, &p->birth_config);
    if (err == OK) {
        raft_config_encode(&p->birth_config, &payload);
        err = payload.err;
    }
    if (err == OK) {
        static const struct raft_term_run first_run = { .term = 1, .first = 1 };
        p->birth.config = &p->birth_config;
        p->birth.runs = &first_run;
        p->birth.runs_count = 1;
        struct raft_entry first = { .pos = { .term = 1, .index = 1 },
                                    .kind = RAFT_ENTRY_CONFIG,
                                    .payload = buf_bytes(&payload) };
        peer_write_birth(p, &first, 1, 1); /* a damaged log leaves nothing behind */
    } else {
        peer_disk_failed(p, err, "founding");
    }
    buf_deinit(&payload);
}

/* ---- JOIN, the stranger's side ---- */

static void peer_join_done(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer *p = owner;
    p->join_asked = false;
    if (p->life != PEER_JOINING)
        return;
    struct join_answer answer;
    if (err == OK)
        err = join_answer_decode(&answer, payload.data, payload.len);
    if (err == ERR_VERSION) { /* no waiting helps */
        peer_end(p, 1, text[0] != '\0' ? text : err_text(err));
        return;
    }
    if (err != OK) {
        LOG_INFO(p->log, "cluster", "not admitted yet by %s: %s", peer_id_print(&p->join_via).text,
                 text[0] != '\0' ? text : err_text(err));
        peer_words(p->join_why, sizeof(p->join_why), "%s", text[0] != '\0' ? text : err_text(err));
        p->join_retry_us = p->now_us + PEER_FIND_PAUSE_US;
        p->life = PEER_FOUNDING; /* perhaps through another member */
        return;
    }
    LOG_INFO(p->log, "cluster", "admitted as member %llu", (unsigned long long)answer.number);
    memcpy(p->cluster.bytes, answer.cluster_id, CLUSTER_ID_BYTES);
    p->rpc.cluster = p->cluster;
    p->birth = (struct raft_durable){ .number = answer.number };
    peer_write_birth(p, NULL, 0, 1);
}

static void peer_join_ask(struct peer *p)
{
    struct join_request request = { .id = p->options.id,
                                    .ticket = p->join_ticket,
                                    .level = p->options.level };
    request.addrs_count =
        transport_listen_addresses(&p->ports.transport, request.addrs, JOIN_ADDRS_MAX);
    struct buf out = { 0 };
    join_request_encode(&request, &out);
    int err = out.err;
    if (err == OK)
        err = rpc_call(&p->rpc, p->now_us, &p->join_via, RPC_JOIN, buf_bytes(&out),
                       PEER_JOIN_TIMEOUT_US, peer_join_done, p);
    buf_deinit(&out);
    p->join_asked = err == OK;
    p->join_retry_us = p->now_us + PEER_FIND_PAUSE_US;
}

/* ---- time ---- */

static void peer_founding_step(struct peer *p)
{
    const struct peer_id *ask;
    while ((ask = founding_next_ask(&p->founding, p->now_us)) != NULL)
        peer_find_ask(p, ask);
    switch (founding_decide(&p->founding, &p->join_via)) {
    case FOUNDING_ASK:
        break;
    case FOUNDING_FOUND:
        peer_found(p);
        break;
    case FOUNDING_JOIN:
        if (p->now_us >= p->join_retry_us)
            p->life = PEER_JOINING;
        break;
    }
    if (p->life == PEER_JOINING && !p->join_asked)
        peer_join_ask(p);
}

static void peer_found_gives_up(struct peer *p)
{
    char why[RPC_TEXT_MAX + 160];
    if (p->join_why[0] != '\0')
        peer_words(why, sizeof(why), "no cluster admitted this peer in time: %s", p->join_why);
    else
        peer_words(why, sizeof(why),
                   "no cluster found and none founded in time: are the peers of cluster_peers or "
                   "bootstrap running and reachable, with the same list and secret?");
    peer_end(p, 1, why);
}

void peer_found_on_deadline(struct peer *p)
{
    if (p->life != PEER_FOUNDING && p->life != PEER_JOINING)
        return;
    if (p->now_us >= p->start_deadline_us)
        peer_found_gives_up(p);
    else
        peer_founding_step(p);
}

uint64_t peer_found_deadline_us(const struct peer *p)
{
    if (p->life != PEER_FOUNDING && p->life != PEER_JOINING)
        return RAFT_NEVER;
    struct peer_id via;
    bool is_decided =
        p->life == PEER_FOUNDING && founding_decide(&p->founding, &via) != FOUNDING_ASK;
    uint64_t due = founding_next_deadline_us(&p->founding);
    uint64_t step_us = p->now_us > p->join_retry_us ? p->now_us : p->join_retry_us;
    if (is_decided && step_us < due)
        due = step_us;
    return due < p->start_deadline_us ? due : p->start_deadline_us;
}

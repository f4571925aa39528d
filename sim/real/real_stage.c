#include "sim/real/real_stage.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/real/real_http.h"
#include "sim/real/real_lacks.h"
#include "sim/real/real_load.h"
#include "sim/real/real_machine.h"
#include "sim/script/answer.h"
#include "sim/script/run.h"
#include "sim/script/upload_body.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/list.h"
#include "util/mem.h"
#include "util/rfc3339.h"

#define STAGE_SLICE_US    ((uint64_t)10 * 1000)
#define STAGE_PATIENCE_US ((uint64_t)60 * 1000 * 1000)
#define STAGE_ASK_US      ((uint64_t)5 * 1000 * 1000)

enum { STAGE_TARGET_SIZE = 1024, STAGE_MACHINES_MAX = 32 };

struct real_question {
    struct list_link link;
    struct real_call call;
    struct stage_answer answer;
    uint64_t promise; /* 0: none */
    bool is_left;     /* by the client, in the middle: a definite no */
};

struct real_stage {
    struct real_world world;
    struct real_machine machines[STAGE_MACHINES_MAX];
    unsigned machines_count;
    uint64_t began_us;
    struct choose choose;
    struct list_link questions;
    struct checks *checks; /* what clients were promised, and saw */
    unsigned line;         /* of the step that is under way */
    struct real_load *load;
    bool has_failed;
    struct buf failure;
};

static const struct stage_ops stage_ops;

static struct real_machine *stage_machine(struct real_stage *s, unsigned who)
{
    ASSERT(who >= 1 && who <= s->machines_count);
    return &s->machines[who - 1];
}

/* ---- time ---- */

static uint64_t stage_now_us(void *impl)
{
    const struct real_stage *s = impl;
    return real_now_us() - s->began_us;
}

static void question_step(struct real_stage *s, struct real_question *q)
{
    bool was_done = q->call.is_done;
    real_call_step(&q->call);
    if (was_done || !q->call.is_done)
        return;
    q->answer = (struct stage_answer){ .err = q->call.err,
                                       .status = q->call.reply.status,
                                       .body = buf_bytes(&q->call.reply.body),
                                       .state_index = http_reply_number(&q->call.reply,
                                                                        "\r\nx-state-index:") };
    if (q->promise != 0)
        checks_on_return(s->checks, q->promise,
                         q->is_left ? PROMISE_REFUSED : answer_outcome(&q->answer));
    q->promise = 0;
}

static bool stage_pass(void *impl, uint64_t until_us)
{
    struct real_stage *s = impl;
    while (!s->has_failed) {
        list_for_each (link, &s->questions)
            question_step(s, list_entry(link, struct real_question, link));
        real_load_step(s->load);
        for (unsigned who = 1; who <= s->machines_count; who++)
            real_machine_reap(stage_machine(s, who));
        uint64_t now_us = stage_now_us(s);
        if (now_us >= until_us)
            break;
        uint64_t left_us = until_us - now_us;
        (void)poll(NULL, 0,
                   (int)((left_us < STAGE_SLICE_US ? left_us : STAGE_SLICE_US) / 1000) + 1);
    }
    return !s->has_failed;
}

static uint64_t stage_choose(void *impl, uint64_t n)
{
    struct real_stage *s = impl;
    return choose(&s->choose, CHOICE_SCENARIO, 0, n);
}

/* ---- contents: a raw block of the name's bytes ---- */

static struct cid stage_cid(void *impl, struct bytes content)
{
    (void)impl;
    return upload_body_cid(content);
}

static int stage_put_block(unsigned port, struct bytes content)
{
    static const char edge[] = "--holdfast-real-block";
    char target[] = "/api/v0/block/put?cid-codec=raw&mhtype=sha2-256";
    struct buf body = { 0 };
    struct real_call c;
    buf_printf(&body, "%s\r\nContent-Disposition: form-data; name=\"data\"; filename=\"b\"\r\n\r\n",
               edge);
    buf_append(&body, content.data, content.len);
    buf_printf(&body, "\r\n%s--\r\n", edge);
    real_call_start(&c, port, "POST", target,
                    "Content-Type: multipart/form-data; boundary=holdfast-real-block\r\n",
                    buf_bytes(&body), STAGE_ASK_US);
    while (!c.is_done) {
        (void)poll(NULL, 0, 1);
        real_call_step(&c);
    }
    int err = c.err == OK && c.reply.status != 200 ? ERR_INVALID : c.err;
    real_call_deinit(&c);
    buf_deinit(&body);
    return err;
}

static int stage_content(struct real_stage *s, unsigned who, const struct script_step *step)
{
    struct content_walk walk = { .contents = &step->contents };
    unsigned port = who == 0 ? s->world.outside_port : stage_machine(s, who)->ipfs_port;
    struct bytes name;
    int err = OK;
    while (err == OK && !step->nowhere && content_next(&walk, &name))
        err = stage_put_block(port, name);
    return err;
}

/* Does the first line that speaks of it say that nobody has it, or somebody in particular? */
static bool stage_is_not_outside(const struct real_stage *s, struct bytes content)
{
    const struct script *script = s->world.script;
    for (size_t i = 0; i < script->steps_count && script->steps[i].line <= s->line; i++) {
        const struct script_step *step = &script->steps[i];
        struct content_walk walk = { .contents = &step->contents };
        struct bytes name;
        while (step->verb == VERB_CONTENT && content_next(&walk, &name))
            if (bytes_equal(name, content))
                return step->nowhere || step->who.count > 0;
    }
    return false;
}

/* ---- doing ---- */

static int stage_ipfs_loses(struct real_stage *s, struct real_machine *m,
                            const struct script_step *step)
{
    struct content_walk walk = { .contents = &step->contents };
    struct bytes name;
    int err = OK;
    while (err == OK && content_next(&walk, &name)) {
        char query[STAGE_TARGET_SIZE];
        struct cid cid = stage_cid(s, name);
        snprintf(query, sizeof(query), "lose-pin=%s", cid_print(&cid).text);
        err = real_machine_fault(m, query);
        if (err == ERR_INVALID)
            err = OK; /* it did not have it */
    }
    return err;
}

static int stage_ipfs(struct real_stage *s, struct real_machine *m, const struct script_step *step,
                      struct buf *why)
{
    char query[STAGE_TARGET_SIZE];
    if (m->ipfs_refuses && step->ipfs != IPFS_LOSES && real_machine_heal_ipfs(m) != OK)
        return ERR_UNREACHABLE;
    switch (step->ipfs) {
    case IPFS_WELL:
    case IPFS_UP:
        return real_machine_heal_ipfs(m);
    case IPFS_REFUSE:
    case IPFS_DOWN:
        return real_machine_refuse_ipfs(m);
    case IPFS_SLOW:
        snprintf(query, sizeof(query), "slow=%llu", (unsigned long long)(step->time_us / 1000));
        break;
    case IPFS_HANG:
        snprintf(query, sizeof(query), "hang=true");
        break;
    case IPFS_ERROR:
        snprintf(query, sizeof(query), "status=500&error=");
        for (size_t i = 0; i < step->text.len && strlen(query) + 4 < sizeof(query); i++)
            snprintf(query + strlen(query), 4, "%%%02x", ((const uint8_t *)step->text.data)[i]);
        break;
    case IPFS_HALF:
        snprintf(query, sizeof(query), "half-answer=true");
        break;
    case IPFS_STALLS:
        snprintf(query, sizeof(query), "stall=true");
        break;
    case IPFS_GARBAGE:
        snprintf(query, sizeof(query), "garbage=true");
        break;
    case IPFS_LOSES:
        return stage_ipfs_loses(s, m, step);
    case IPFS_FORGETS:
        return real_machine_restart_ipfs(m, why);
    case IPFS_LIES:
        snprintf(query, sizeof(query), "free=%llu", (unsigned long long)step->free_bytes);
        break;
    case IPFS_MUTE:
    case IPFS_COLLECTS:
        return ERR_UNSUPPORTED;
    }
    size_t len = strlen(query);
    if (step->command.len > 0)
        snprintf(query + len, sizeof(query) - len, "&command=%.*s", (int)step->command.len,
                 (const char *)step->command.data);
    return real_machine_fault(m, query);
}

static void stage_lacks(struct buf *why, bool is_wanted, const char *what)
{
    if (is_wanted)
        buf_printf(why, "%s%s", why->len > 0 ? ", " : "", what);
}

/* What is not told stays as it was. */
static int stage_network(struct real_stage *s, const struct script_network *n, struct buf *why)
{
    struct real_weather *w = &s->world.weather;
    if (n->calms)
        *w = (struct real_weather){ 0 };
    if (n->has_delay) {
        w->delay_min_us = n->delay_min_us;
        w->delay_max_us = n->delay_max_us;
    }
    if (n->has_late) {
        w->late_per_million = n->late_per_million;
        w->late_us = n->late_us;
    }
    if (n->has_loss)
        w->loss_per_million = n->loss_per_million;
    if (n->has_breaks)
        w->breaks_per_million = n->breaks_per_million;
    if (n->has_mangled)
        w->mangled_per_million = n->mangled_per_million;
    real_proxy_weather(s->world.proxy, w);
    stage_lacks(why, n->has_copies, "copies");
    stage_lacks(why, n->has_reorder, "reorder");
    stage_lacks(why, n->has_refusals, "refusals");
    stage_lacks(why, n->has_http_breaks || n->has_http_refusals, "the way to a daemon");
    return why->len > 0 ? ERR_UNSUPPORTED : OK;
}

/* NULL: none any more. */
static void stage_clients(struct real_stage *s, const struct script_step *step)
{
    const struct stage stage = { &stage_ops, s };
    real_load_destroy(s->load);
    s->load = step == NULL
                  ? NULL
                  : real_load_create(&stage, s->machines_count, &s->choose, s->checks, step);
}

/* Of no machine in particular. */
static int stage_act_on_all(struct real_stage *s, const struct script_step *step, struct buf *why)
{
    switch (step->verb) {
    case VERB_CONTENT:
        return stage_content(s, 0, step);
    case VERB_NETWORK:
        return stage_network(s, &step->network, why);
    case VERB_CLIENTS:
        stage_clients(s, step->on ? step : NULL);
        return OK;
    default:
        return ERR_UNSUPPORTED;
    }
}

static int stage_start(struct real_stage *s, struct real_machine *m, const struct real_machine *via,
                       bool accepts, struct buf *why)
{
    int err = real_machine_start(m, via, accepts, why);
    if (err == OK)
        checks_on_start(s->checks,
                        m->who); /* another life: its state may be older than what it told */
    return err;
}

static int stage_accept(struct real_stage *s, struct real_machine *m, struct buf *why)
{
    int err = real_machine_edit_peers(m, why);
    if (err != OK)
        return err;
    checks_on_accept(s->checks, m->who);
    return stage_start(s, m, NULL, true, why);
}

static int stage_move(struct real_stage *s, struct real_machine *m, struct buf *why)
{
    if (m->pid != 0) {
        buf_printf(why, "peer %u runs: stop or crash it before it moves", m->who);
        return ERR_INVALID;
    }
    bool has_moved = real_proxy_move(s->world.proxy, m->who);
    stage_lacks(why, !has_moved, "a second move of one machine");
    return has_moved ? OK : ERR_UNSUPPORTED;
}

static int stage_clock(struct real_stage *s, struct real_machine *m, const struct script_step *step,
                       struct buf *why)
{
    if (!s->world.sets_clocks) {
        stage_lacks(why, true, "libfaketime is not installed");
        return ERR_UNSUPPORTED;
    }
    m->clock.ahead_us += step->jump_us;
    if (step->is_drift)
        m->clock.drift_ppm = step->drift_ppm;
    stage_lacks(why, step->is_drift, "the monotonic clock keeps its pace");
    int err = real_clock_write(&m->clock);
    return err == OK && step->is_drift ? ERR_UNSUPPORTED : err;
}

static int stage_act(void *impl, const struct script_step *step, unsigned who, unsigned other,
                     struct buf *why)
{
    struct real_stage *s = impl;
    if (who == 0)
        return stage_act_on_all(s, step, why);
    struct real_machine *m = stage_machine(s, who);
    switch (step->verb) {
    case VERB_START:
        return stage_start(s, m, other != 0 ? stage_machine(s, other) : NULL, false, why);
    case VERB_EDIT:
        return real_machine_edit_peers(m, why);
    case VERB_MOVE:
        return stage_move(s, m, why);
    case VERB_ACCEPT:
        return stage_accept(s, m, why);
    case VERB_CLOCK:
        return stage_clock(s, m, step, why);
    case VERB_CRASH:
    case VERB_STOP:
        if (m->pid == 0 && step->verb == VERB_CRASH) {
            buf_printf(why, "peer %u does not run", who);
            return ERR_INVALID;
        }
        real_machine_signal(m, step->verb == VERB_CRASH ? SIGKILL : SIGTERM);
        return OK;
    case VERB_PAUSE:
    case VERB_RESUME:
        real_machine_signal(m, step->verb == VERB_PAUSE ? SIGSTOP : SIGCONT);
        return OK;
    case VERB_WIPE:
        if (real_machine_wipe(m) == OK)
            return OK;
        buf_printf(why, "peer %u runs: stop or crash it before its data is wiped", who);
        return ERR_INVALID;
    case VERB_CUT:
        real_proxy_set(s->world.proxy, who, other, REAL_WAY_CUT);
        return OK;
    case VERB_CLOG:
        real_proxy_set(s->world.proxy, who, other, REAL_WAY_CLOGGED);
        return OK;
    case VERB_HEAL:
        real_proxy_set(s->world.proxy, who, other, REAL_WAY_OPEN);
        return OK;
    case VERB_IPFS:
        return stage_ipfs(s, m, step, why);
    case VERB_CONTENT:
        return stage_content(s, who, step);
    default:
        return ERR_UNSUPPORTED;
    }
}

/* ---- looking ---- */

/* Who votes: each says it of itself. One that does not run is believed what it said last, as long as the member that is
 * asked counts so many. */
static uint32_t stage_voters(struct real_stage *s, const struct real_machine *asked)
{
    uint32_t voters = 0;
    unsigned count = 0;
    for (int runs = 1; runs >= 0; runs--) {
        for (unsigned who = 1; who <= s->machines_count; who++) {
            struct real_machine *m = stage_machine(s, who);
            real_machine_look(m);
            if (!m->is_voter || (m->pid != 0) != runs || count == asked->voters_count)
                continue;
            voters |= UINT32_C(1) << (who - 1);
            count += 1;
        }
    }
    return voters;
}

/* A peer says of a leader only that it knows one: it is the one that leads in the same term. */
static void stage_look(void *impl, unsigned who, struct stage_look *out)
{
    struct real_stage *s = impl;
    struct real_machine *m = stage_machine(s, who);
    real_machine_look(m);
    *out = m->look;
    out->voters = stage_voters(s, m);
    if (out->leader == 0)
        return;
    out->leader = UINT64_MAX; /* somebody, unless we find out who */
    for (unsigned other = 1; other <= s->machines_count; other++) {
        struct real_machine *l = stage_machine(s, other);
        real_machine_look(l);
        if (l->look.leads && l->look.term == out->term)
            out->leader = other;
    }
}

static bool stage_pin_ls(struct real_stage *s, unsigned who, const char *query,
                         struct http_reply *reply)
{
    char target[STAGE_TARGET_SIZE];
    *reply = (struct http_reply){ 0 };
    snprintf(target, sizeof(target), "/standin/v0/pin/ls?%s", query);
    return real_ask(stage_machine(s, who)->ipfs_port, "POST", target, (struct bytes){ NULL, 0 },
                    STAGE_ASK_US, reply) == OK &&
           reply->status == 200;
}

static bool stage_has_pin(void *impl, unsigned who, const struct cid *cid, bool is_direct)
{
    char query[STAGE_TARGET_SIZE];
    struct http_reply reply;
    snprintf(query, sizeof(query), "type=%s&arg=%s", is_direct ? "direct" : "recursive",
             cid_print(cid).text);
    bool has = stage_pin_ls(impl, who, query, &reply);
    http_reply_deinit(&reply);
    return has;
}

static size_t stage_extra_pins(void *impl, unsigned who,
                               bool (*is_wanted)(void *owner, const struct cid *cid), void *owner)
{
    struct http_reply reply;
    size_t count = 0;
    bool ok = stage_pin_ls(impl, who, "type=recursive&stream=true", &reply);
    static const char field[] = "\"Cid\":\"";
    const char *at = ok ? buf_text(&reply.body) : "";
    while ((at = strstr(at, field)) != NULL) {
        char text[256];
        struct cid cid;
        at += strlen(field);
        snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\""), at);
        count += cid_parse(&cid, text) == OK && !is_wanted(owner, &cid);
    }
    http_reply_deinit(&reply);
    return count;
}

static uint64_t stage_moves(void *impl)
{
    struct real_stage *s = impl;
    static const char name[] = "\nholdfast_repair_proposed_total ";
    uint64_t moves = 0;
    for (unsigned who = 1; who <= s->machines_count; who++) {
        struct http_reply reply = { 0 };
        struct real_machine *m = stage_machine(s, who);
        if (m->pid != 0 && !m->is_paused &&
            real_ask(m->rest_port, "GET", "/metrics", (struct bytes){ NULL, 0 }, STAGE_ASK_US,
                     &reply) == OK) {
            const char *at = strstr(buf_text(&reply.body), name);
            moves += at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
        }
        http_reply_deinit(&reply);
    }
    return moves;
}

static struct peer_id stage_peer_id(void *impl, unsigned who)
{
    return stage_machine(impl, who)->id;
}

/* ---- asking ---- */

static void stage_put_pin(struct real_stage *s, struct buf *target, const struct stage_question *q)
{
    buf_printf(target, "name=%.*s", (int)q->name.len,
               q->name.len > 0 ? (const char *)q->name.data : "");
    if (q->factor_min != 0)
        buf_printf(target, "&replication-min=%d&replication-max=%d", q->factor_min, q->factor_max);
    if (q->is_direct)
        buf_append_text(target, "&mode=direct");
    if (q->expires_us != 0) {
        struct timespec now;
        char at[RFC3339_TEXT_SIZE];
        clock_gettime(CLOCK_REALTIME, &now);
        rfc3339_print(at,
                      (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + (int64_t)q->expires_us);
        buf_printf(target, "&expire-at=%s", at);
    }
    if (q->updated.len > 0) {
        struct cid updated = stage_cid(s, q->updated);
        buf_printf(target, "&pin-update=%s", cid_print(&updated).text);
    }
}

static const char *stage_request(struct real_stage *s, const struct stage_question *q,
                                 struct buf *target)
{
    struct cid cid = stage_cid(s, q->content);
    switch (q->verb) {
    case VERB_PIN:
        buf_printf(target, "/pins/%s?", cid_print(&cid).text);
        stage_put_pin(s, target, q);
        return "POST";
    case VERB_ADD: /* at once: there is no middle that one could wait in */
        buf_append_text(target, "/add?cid-version=1&");
        stage_put_pin(s, target, q);
        return "POST";
    case VERB_UNPIN:
        buf_printf(target, "/pins/%s", cid_print(&cid).text);
        return "DELETE";
    case VERB_RECOVER:
    case VERB_SYNC:
        buf_append_text(target, "/pins");
        if (q->content.len > 0)
            buf_printf(target, "/%s", cid_print(&cid).text);
        buf_append_text(target, q->verb == VERB_RECOVER ? "/recover" : "/sync");
        return "POST";
    case VERB_REMOVE:
        buf_printf(target, "/peers/%s%s", stage_machine(s, q->subject)->id_text,
                   q->is_forced ? "?force=true" : "");
        return "DELETE";
    case VERB_STAY:
        buf_printf(target, "/peers/%s/stay", stage_machine(s, q->subject)->id_text);
        return "POST";
    case VERB_DRAIN:
    case VERB_UNDRAIN:
        buf_printf(target, "/peers/%s/drain", stage_machine(s, q->subject)->id_text);
        return q->verb == VERB_DRAIN ? "POST" : "DELETE";
    default:
        buf_append_text(target, "/allocations");
        if (q->content.len > 0)
            buf_printf(target, "/%s", cid_print(&cid).text);
        if (q->is_consistent)
            buf_append_text(target, "?consistent=true");
        return "GET";
    }
}

/* What is compared with a listing is looked at after it was asked for. */
static void stage_look_anew(struct real_stage *s)
{
    for (unsigned who = 1; who <= s->machines_count; who++)
        stage_machine(s, who)->look_is_old = true;
}

static enum promise_kind stage_promise(struct real_stage *s, const struct stage_question *q)
{
    if (q->verb == VERB_UNPIN)
        return PROMISE_UNPIN;
    struct cid updated = { 0 };
    if (q->updated.len > 0)
        updated = stage_cid(s, q->updated);
    return checks_kind_of_pin(s->checks, q->expires_us != 0, q->updated.len > 0 ? &updated : NULL);
}

static void *stage_ask(void *impl, unsigned who, const struct stage_question *question)
{
    struct real_stage *s = impl;
    struct real_question *q = mem_zalloc(sizeof(*q));
    ASSERT(q != NULL);
    if (question->verb == VERB_PIN && !stage_is_not_outside(s, question->content))
        (void)stage_put_block(s->world.outside_port, question->content);
    if (question->verb == VERB_PIN || question->verb == VERB_ADD || question->verb == VERB_UNPIN) {
        struct cid cid = stage_cid(s, question->content);
        q->promise = checks_on_call(s->checks, stage_promise(s, question), &cid);
    }
    if (question->verb == VERB_EXPECT && question->content.len == 0)
        stage_look_anew(s);
    struct buf target = { 0 };
    const char *method = stage_request(s, question, &target);
    struct buf body = { 0 };
    const char *head = NULL;
    if (question->verb == VERB_ADD) {
        head = "Content-Type: " UPLOAD_BODY_TYPE "\r\n";
        upload_body_put(&body, question->content);
    }
    real_call_start(&q->call, stage_machine(s, who)->rest_port, method, buf_text(&target), head,
                    buf_bytes(&body), STAGE_PATIENCE_US);
    q->is_left = question->aborts;
    if (question->aborts)
        q->call.sent_max = q->call.request.len / 2;
    buf_deinit(&body);
    q->call.is_done = false; /* what failed at once is told by the next step, as all else */
    list_push_back(&s->questions, &q->link);
    buf_deinit(&target);
    return q;
}

/* It stays with the others until the end of the run. */
static void stage_send(void *impl, unsigned who, const struct stage_question *question)
{
    (void)stage_ask(impl, who, question);
}

static const struct stage_answer *stage_answer(void *impl, void *asked)
{
    const struct real_question *q = asked;
    (void)impl;
    return q->call.is_done ? &q->answer : NULL;
}

static void stage_forget(void *impl, void *asked)
{
    struct real_stage *s = impl;
    struct real_question *q = asked;
    if (q->promise != 0)
        checks_on_return(s->checks, q->promise, PROMISE_UNKNOWN);
    list_remove(&q->link);
    real_call_deinit(&q->call);
    mem_free(q);
}

static bool stage_audit(void *impl, const struct listing *state, struct buf *why)
{
    struct real_stage *s = impl;
    return checks_audit(s->checks, state, why);
}

static void stage_on_step(void *impl, const struct script_step *step)
{
    struct real_stage *s = impl;
    struct bytes line = script_line(s->world.script, step->line);
    s->line = step->line;
    fprintf(stderr, "%9.3f  line %u: %.*s\n", (double)stage_now_us(s) / 1e6, step->line,
            (int)line.len, (const char *)line.data);
}

/* ---- a run ---- */

static void stage_on_failure(void *owner, const char *checker, const char *text)
{
    struct real_stage *s = owner;
    s->has_failed = true;
    buf_printf(&s->failure, "%s: %s", checker, text);
}

static bool stage_create(struct real_stage *s, const struct script *script, uint64_t seed,
                         const char *programs, struct buf *why)
{
    *s = (struct real_stage){ .machines_count = script->peers_count + script->spares_count };
    list_init(&s->questions);
    choose_init(&s->choose, seed);
    struct checks_hooks hooks = { .on_failure = stage_on_failure,
                                  .now_us = stage_now_us,
                                  .owner = s };
    s->checks = checks_create(s->machines_count, &hooks);
    bool ok = real_world_create(&s->world, script, seed, programs, why);
    for (unsigned who = 1; ok && who <= s->machines_count; who++)
        ok = real_machine_create(&s->world, stage_machine(s, who), who, why);
    for (unsigned who = 1; ok && who <= script->peers_count; who++)
        ok = real_machine_write_peers(stage_machine(s, who), s->machines, script->peers_count, why);
    for (unsigned who = 1; ok && who <= s->machines_count; who++)
        checks_name(s->checks, who, &stage_machine(s, who)->id);
    s->began_us = real_now_us();
    return ok;
}

static void stage_destroy(struct real_stage *s, bool keeps_folder)
{
    stage_clients(s, NULL);
    while (!list_is_empty(&s->questions))
        stage_forget(s, list_entry(s->questions.next, struct real_question, link));
    for (unsigned who = 1; who <= s->machines_count; who++)
        real_machine_destroy(stage_machine(s, who));
    real_world_destroy(&s->world, keeps_folder);
    checks_destroy(s->checks);
    buf_deinit(&s->failure);
}

static const struct stage_ops stage_ops = { .now_us = stage_now_us,
                                            .pass = stage_pass,
                                            .choose = stage_choose,
                                            .act = stage_act,
                                            .look = stage_look,
                                            .cid = stage_cid,
                                            .has_pin = stage_has_pin,
                                            .extra_pins = stage_extra_pins,
                                            .moves = stage_moves,
                                            .peer_id = stage_peer_id,
                                            .ask = stage_ask,
                                            .send = stage_send,
                                            .answer = stage_answer,
                                            .forget = stage_forget,
                                            .audit = stage_audit,
                                            .on_step = stage_on_step };

void real_play(const struct script *script, uint64_t seed, const char *programs,
               struct play_result *out)
{
    struct real_stage *s = mem_zalloc(sizeof(*s));
    struct script_verdict verdict = { 0 };
    struct buf why = { 0 };
    ASSERT(s != NULL);
    *out = (struct play_result){ .seed = seed, .is_real = true };
    real_lacks(script, &out->skipped);
    if (stage_create(s, script, seed, programs, &why)) {
        struct stage stage = { &stage_ops, s };
        script_run(script, &stage, &verdict);
        out->line = verdict.line;
        out->virtual_us = stage_now_us(s);
        out->passed = verdict.result == SCRIPT_PASSED && !s->has_failed;
        buf_append(&out->skipped, verdict.notes.data, verdict.notes.len);
        if (!out->passed)
            play_result_blame(out, "scenario",
                              buf_text(s->has_failed ? &s->failure : &verdict.why));
    } else {
        play_result_blame(out, "world", buf_text(&why));
    }
    if (!out->passed)
        buf_printf(&out->notes, "  what the processes left: %s\n", s->world.folder);
    stage_destroy(s, !out->passed);
    script_verdict_deinit(&verdict);
    buf_deinit(&why);
    mem_free(s);
}

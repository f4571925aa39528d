/* A listing of three peers (peer_survey.h) while one of them fails, wherever it stands: all pins come, in order, and who failed has a
 * cluster_error in each row from there on. Whole peers, in the simulator; the listing is read row by row, as a slow client would. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "peer_int.h"
#include "peer_pages.h"
#include "peer_survey.h"
#include "sim/script/run.h"
#include "sim/world/world_int.h"
#include "tests/lib/test_ids.h"
#include "tracker/tracker_int.h"
#include "util/err.h"

TestSuite(survey, .timeout = 120);

enum { PINS = 700, MANY = 2500, PEERS = 3, ASKED = 1, MS = 1000, SECOND = 1000 * MS };
_Static_assert(PINS > 2 * PAGE_INFOS_MAX, "more than two pages");

static struct world *world;

static void play_steps(const char *steps)
{
    struct script script;
    struct script_verdict verdict = { 0 };
    struct stage stage = world_stage(world);
    struct buf text = { 0 };
    buf_printf(&text, "peers %d\n%s", PEERS, steps);
    int err = script_parse(&script, "x.scn", text.data, text.len);
    cr_assert_eq(err, OK, "%s", buf_text(&script.error));
    script_run(&script, &stage, &verdict);
    cr_assert_eq(verdict.result, SCRIPT_PASSED, "line %u: %s", verdict.line,
                 buf_text(&verdict.why));
    script_verdict_deinit(&verdict);
    script_deinit(&script);
    buf_deinit(&text);
}

static void begin(unsigned pins)
{
    struct world_options o = { .seed = 1, .founders_count = PEERS };
    struct buf steps = { 0 };
    peer_options_default(&o.peer);
    o.peer.replication_min = o.peer.replication_max = -1;
    world = world_create(&o);
    buf_printf(&steps,
               "start all\nuntil ready all within 30s\npin a1..a%u\n"
               "until pinned a1..a%u on 3 peers within 10m\n",
               pins, pins);
    play_steps(buf_text(&steps));
    buf_deinit(&steps);
}

static void end(void)
{
    world_destroy(world);
}

static struct machine *machine(unsigned who)
{
    return world_machine(world, who);
}

static void pass(uint64_t us)
{
    struct stage stage = world_stage(world);
    bool goes_on = stage.ops->pass(stage.impl, world_time_us(world) + us);
    cr_assert(goes_on, "%s", world_failure(world)->checker);
}

/* ---- a reader ---- */

struct reading {
    struct api_listing *listing;
    struct arena arena;
    unsigned rows;
    unsigned said[PEERS + 1]; /* rows in which this peer has a word of its own */
    unsigned lost[PEERS + 1]; /* ... a cluster_error */
    struct cid last;
    unsigned wakes;
};

static void on_wake(void *owner)
{
    struct reading *r = owner; /* it looks again and again, too */
    r->wakes += 1;
}

static unsigned who_is(const char *peer)
{
    for (unsigned who = 1; who <= PEERS; who++) {
        if (strcmp(peer_id_print(&machine(who)->id).text, peer) == 0)
            return who;
    }
    cr_assert_fail("no peer %s", peer);
    return 0;
}

static void reading_open(struct reading *r, uint32_t filter, bool is_local)
{
    *r = (struct reading){ 0 };
    struct api_status_request request = { .filter = filter, .is_local = is_local };
    struct api_listing_hooks hooks = { .on_wake = on_wake, .owner = r };
    int err = peer_survey_status(machine(ASKED)->peer, &request, &hooks, &r->listing);
    cr_assert_eq(err, OK);
}

static void reading_close(struct reading *r)
{
    peer_survey_close(r->listing);
    arena_deinit(&r->arena);
}

static void reading_note(struct reading *r, const struct api_status *row)
{
    cr_assert(r->rows == 0 || cid_compare(&r->last, &row->cid) < 0, "row %u is out of order",
              r->rows);
    cr_assert_not_null(row->pin);
    cr_assert_leq(row->peers_count, PEERS);
    r->last = row->cid;
    r->rows += 1;
    for (size_t i = 0; i < row->peers_count; i++) {
        const struct api_peer_status *p = &row->peers[i];
        unsigned who = who_is(p->peer);
        if (p->status == TRACKER_CLUSTER_ERROR) {
            cr_assert_neq(p->error[0], 0, "row %u: no words", r->rows);
            r->lost[who] += 1;
        } else {
            cr_assert_eq(p->status, TRACKER_PINNED);
            cr_assert_eq(r->lost[who], 0, "row %u: %u is back", r->rows, who);
            r->said[who] += 1;
        }
    }
}

/* Until so many rows have come, all, or `within_us` are over. */
static void reading_go_on(struct reading *r, unsigned rows, uint64_t within_us)
{
    uint64_t give_up_us = world_time_us(world) + within_us;
    enum api_next next = API_NEXT_WAIT;
    while (r->rows < rows && next != API_NEXT_END) {
        struct api_status row;
        arena_reset(&r->arena);
        next = peer_survey_next_status(r->listing, &r->arena, &row);
        cr_assert_neq(next, API_NEXT_FAILED, "behind row %u", r->rows);
        if (next == API_NEXT_ROW)
            reading_note(r, &row);
        cr_assert(next != API_NEXT_WAIT || world_time_us(world) < give_up_us,
                  "it hangs behind row %u", r->rows);
        if (next == API_NEXT_WAIT)
            pass(MS / 10);
    }
}

/* ---- who fails, where, and how ---- */

enum failure { FAIL_CRASH, FAIL_PAUSE, FAIL_STOP };

static void fail(unsigned who, enum failure how)
{
    if (how == FAIL_CRASH)
        machine_crash(machine(who));
    else if (how == FAIL_PAUSE)
        machine_pause(machine(who));
    else
        machine_stop(machine(who));
}

static void heal(enum failure how)
{
    if (how == FAIL_PAUSE)
        machine_resume(machine(2));
    play_steps(how == FAIL_PAUSE ? "until ready all within 60s\nwait 20s\n"
                                 : "try start 2\nuntil ready all within 60s\nwait 20s\n");
}

/* Peer 2 fails behind row `at`; the reader goes on at once, or after a pause in which all of that is known. */
static void one_fails(unsigned at, enum failure how, uint64_t pause_us)
{
    struct reading r;
    reading_open(&r, TRACKER_UNDEFINED, false);
    reading_go_on(&r, at, SECOND);
    fail(2, how);
    pass(pause_us);
    reading_go_on(&r, UINT32_MAX, 20 * SECOND);
    cr_assert_eq(r.rows, PINS, "%u %d %llu: %u rows", at, how, (unsigned long long)pause_us,
                 r.rows);
    cr_assert_eq(r.said[1], PINS);
    cr_assert_eq(r.said[3], PINS);
    cr_assert_eq(r.said[2] + r.lost[2], PINS);
    cr_assert_geq(r.said[2], at);
    /* What it said may have been underway: the page at hand and the one behind it. */
    cr_assert_leq(r.said[2], at + 2 * PAGE_INFOS_MAX);
    reading_close(&r);
    heal(how);
}

static void one_fails_everywhere(enum failure how, uint64_t pause_us)
{
    static const unsigned places[] = { 0, 1, 255, 256, 257, 500, 512 };
    begin(PINS);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        one_fails(places[i], how, pause_us);
    end();
}

Test(survey, a_peer_is_killed_while_it_is_read)
{
    one_fails_everywhere(FAIL_CRASH, 0);
}

Test(survey, a_peer_was_killed_before_more_is_read)
{
    one_fails_everywhere(FAIL_CRASH, 30 * SECOND);
}

Test(survey, a_peer_hangs)
{
    one_fails_everywhere(FAIL_PAUSE, 0);
}

Test(survey, a_peer_has_hung_before_more_is_read)
{
    one_fails_everywhere(FAIL_PAUSE, 30 * SECOND);
}

Test(survey, a_peer_is_stopped)
{
    one_fails_everywhere(FAIL_STOP, SECOND);
}

/* Whatever the filter: a peer that does not answer stands at every pin that the others list. */
Test(survey, a_peer_that_fails_is_shown_whatever_the_filter)
{
    begin(PINS);
    struct reading r;
    reading_open(&r, TRACKER_PINNED, false);
    reading_go_on(&r, 1, SECOND);
    fail(2, FAIL_CRASH);
    reading_go_on(&r, UINT32_MAX, 20 * SECOND);
    cr_assert_eq(r.rows, PINS);
    cr_assert_gt(r.lost[2], 0);
    cr_assert_eq(r.said[2] + r.lost[2], PINS);
    cr_assert_eq(r.said[1], PINS);
    cr_assert_eq(r.said[3], PINS);
    reading_close(&r);
    end();
}

/* Also where no pin matches, and no row would say it. */
Test(survey, a_peer_that_fails_is_shown_where_nothing_matches)
{
    begin(1);
    struct reading r;
    struct api_status row;
    enum api_next next;
    fail(2, FAIL_CRASH);
    reading_open(&r, TRACKER_ERROR, false);
    while ((next = peer_survey_next_status(r.listing, &r.arena, &row)) == API_NEXT_WAIT)
        pass(MS);
    cr_assert_eq(next, API_NEXT_ROW);
    cr_assert(cid_is_undefined(&row.cid));
    cr_assert_null(row.pin);
    cr_assert_eq(row.peers_count, 1);
    cr_assert_eq(who_is(row.peers[0].peer), 2);
    cr_assert_eq(row.peers[0].status, TRACKER_CLUSTER_ERROR);
    cr_assert_gt(row.peers[0].name.len, 0);
    cr_assert_eq(peer_survey_next_status(r.listing, &r.arena, &row), API_NEXT_END);
    reading_close(&r);
    reading_open(&r, TRACKER_PINNED,
                 false); /* where something does, it stands there, and only there */
    reading_go_on(&r, UINT32_MAX, 20 * SECOND);
    cr_assert_eq(r.rows, 1);
    cr_assert_eq(r.lost[2], 1);
    reading_close(&r);
    end();
}

/* As if so many had been unpinned, and the daemon did not let go of them yet. */
static void lose_from_the_state(unsigned count)
{
    struct peer *p = machine(ASKED)->peer;
    struct buf row = { 0 };
    tracker_row_encode(&(struct tracker_row){ .phase = TRACKER_ROW_UNPIN, .since_s = 5 }, &row);
    peer_enter(p);
    for (unsigned n = 0; n < count; n++) {
        struct cid cid = test_cid(1000 + n);
        int err = overlay_put(p->local, LOCAL_TABLE_TRACKER, (struct bytes){ cid.bytes, cid.len },
                              buf_bytes(&row));
        cr_assert_eq(err, OK);
    }
    peer_leave(p);
    buf_deinit(&row);
}

/* One event reads no more of such rows than of pins; and they are listed as any, without what the state says. */
Test(survey, what_the_state_has_lost_is_filtered_and_listed)
{
    enum { GONE = LIMIT_VIEW_STEPS_COUNT + 500 };
    begin(1);
    lose_from_the_state(GONE);
    struct reading r;
    struct api_status row;
    enum api_next next;
    reading_open(&r, TRACKER_PIN_ERROR, false);
    reading_go_on(&r, UINT32_MAX, 5 * SECOND);
    cr_assert_eq(r.rows, 0);
    reading_close(&r);
    reading_open(&r, TRACKER_UNPIN_QUEUED, false);
    while ((next = peer_survey_next_status(r.listing, &r.arena, &row)) != API_NEXT_END) {
        cr_assert_neq(next, API_NEXT_FAILED);
        if (next == API_NEXT_WAIT)
            pass(MS / 10);
        r.rows += next == API_NEXT_ROW;
        cr_assert(next != API_NEXT_ROW || row.pin == NULL);
        cr_assert(next != API_NEXT_ROW || row.peers[0].since_us == 5 * SECOND);
    }
    cr_assert_eq(r.rows, GONE);
    reading_close(&r);
    end();
}

/* ---- about one pin ---- */

/* What the row says of each peer (0: nothing), and how long it took. */
static uint64_t ask_about(const struct cid *cid, enum tracker_status *said)
{
    struct reading r = { 0 };
    struct api_status_request request = { .is_one = true, .cid = *cid };
    struct api_listing_hooks hooks = { .on_wake = on_wake, .owner = &r };
    struct api_status row;
    enum api_next next;
    uint64_t began_us = world_time_us(world);
    memset(said, 0, (PEERS + 1) * sizeof(*said));
    cr_assert_eq(peer_survey_status(machine(ASKED)->peer, &request, &hooks, &r.listing), OK);
    while ((next = peer_survey_next_status(r.listing, &r.arena, &row)) == API_NEXT_WAIT)
        pass(MS);
    cr_assert_eq(next, API_NEXT_ROW);
    for (size_t i = 0; i < row.peers_count; i++)
        said[who_is(row.peers[i].peer)] = row.peers[i].status;
    reading_close(&r);
    return world_time_us(world) - began_us;
}

/* A pin that one peer holds, and not the one that is asked. */
static struct cid pin_elsewhere(unsigned *holder)
{
    enum tracker_status said[PEERS + 1];
    struct reading r;
    struct api_status row;
    play_steps("drain 1\npin lonely factor 1\nuntil pinned lonely on 1 peers within 60s\n");
    reading_open(&r, TRACKER_UNDEFINED, false);
    struct cid cid = { 0 };
    enum api_next next;
    while ((next = peer_survey_next_status(r.listing, &r.arena, &row)) != API_NEXT_END) {
        if (next == API_NEXT_ROW && row.pin->allocations_count == 1)
            cid = row.cid;
        if (next == API_NEXT_WAIT)
            pass(MS);
    }
    reading_close(&r);
    (void)ask_about(&cid, said);
    *holder = said[2] == TRACKER_PINNED ? 2 : 3;
    cr_assert_eq(said[*holder], TRACKER_PINNED);
    return cid;
}

/* Who does not hold it is not asked, whatever became of it. */
Test(survey, about_one_pin_only_its_holders_are_asked)
{
    begin(1);
    enum tracker_status said[PEERS + 1];
    unsigned holder;
    struct cid cid = pin_elsewhere(&holder);
    unsigned other = 5 - holder;
    fail(other, FAIL_PAUSE);
    cr_assert_lt(ask_about(&cid, said), SECOND);
    cr_assert(said[1] == TRACKER_REMOTE && said[other] == TRACKER_REMOTE);
    cr_assert_eq(said[holder], TRACKER_PINNED);
    fail(holder, FAIL_CRASH);
    (void)ask_about(&cid, said);
    cr_assert(said[other] == TRACKER_REMOTE && said[holder] == TRACKER_CLUSTER_ERROR);
    end();
}

/* What the state does not name any more somebody may still hold. */
Test(survey, about_what_is_no_pin_everybody_is_asked)
{
    begin(1);
    enum tracker_status said[PEERS + 1];
    unsigned holder;
    struct cid cid = pin_elsewhere(&holder);
    unsigned other = 5 - holder;
    play_steps("ipfs 2 3 down\nunpin lonely\nwait 2s\n");
    fail(other, FAIL_CRASH);
    (void)ask_about(&cid, said);
    cr_assert_eq(said[1], TRACKER_UNPINNED);
    cr_assert_eq(said[other], TRACKER_CLUSTER_ERROR);
    cr_assert_eq(said[holder], TRACKER_UNPIN_QUEUED);
    end();
}

/* ---- ids ---- */

/* How the others are, as the peer hears it that is asked. */
static struct api_id id_of(unsigned who)
{
    struct api_listing_hooks hooks = { .on_wake = on_wake, .owner = &(struct reading){ 0 } };
    struct api_listing *listing;
    struct arena arena = { 0 };
    struct api_id id, found = { 0 };
    enum api_next next;
    cr_assert_eq(peer_survey_ids(machine(ASKED)->peer, &hooks, &listing), OK);
    while ((next = peer_survey_next_id(listing, &arena, &id)) != API_NEXT_END) {
        if (next == API_NEXT_WAIT)
            pass(SECOND);
        else if (peer_id_equal(&id.id, &machine(who)->id))
            found = id;
    }
    static char name[64]; /* the listing owns it */
    cr_assert_leq(found.name.len, sizeof(name));
    memcpy(name, found.name.data, found.name.len);
    found.name.data = name;
    peer_survey_close(listing);
    arena_deinit(&arena);
    return found;
}

Test(survey, who_does_not_answer_keeps_its_name)
{
    begin(1);
    char name[64];
    snprintf(name, sizeof(name), "%s", machine(2)->peer->options.name);
    fail(2, FAIL_CRASH);
    pass(60 * SECOND);
    struct api_id id = id_of(2);
    cr_assert_gt(id.error.len, 0);
    cr_assert(bytes_equal(id.name, (struct bytes){ name, strlen(name) }));
    end();
}

Test(survey, who_is_silent_is_suspect_then_down)
{
    begin(1);
    const struct peer_options *o = &machine(ASKED)->peer->options;
    cr_assert_str_eq(id_of(2).standing.name, "healthy");
    fail(2, FAIL_CRASH);
    pass((unsigned)o->metric_ttl_us + SECOND);
    cr_assert_str_eq(id_of(2).standing.name, "suspect");
    cr_assert_geq(id_of(2).standing.silent_us, o->metric_ttl_us);
    pass((unsigned)o->repin_after_us);
    cr_assert_str_eq(id_of(2).standing.name, "down");
    cr_assert_str_eq(id_of(3).standing.name, "healthy");
    end();
}

/* Frozen, it takes the question and says nothing; while it is only suspect it may be slow. */
Test(survey, who_is_down_does_not_hold_the_first_row_up)
{
    struct reading r;
    begin(PINS);
    const struct peer_options *o = &machine(ASKED)->peer->options;
    fail(2, FAIL_PAUSE);
    pass((unsigned)(o->metric_ttl_us + o->repin_after_us) + SECOND);
    reading_open(&r, TRACKER_UNDEFINED, false);
    reading_go_on(&r, 1, 3 * SECOND);
    cr_assert_eq(r.lost[2], 1);
    reading_go_on(&r, UINT32_MAX, SECOND);
    cr_assert_eq(r.rows, PINS);
    reading_close(&r);
    heal(FAIL_PAUSE);
    end();
}

/* A page is a thousand steps; where nothing matches, the next one is made in another event, which a wake tells. */
Test(survey, a_filter_that_nothing_matches_holds_nobody_up)
{
    begin(MANY);
    struct reading r;
    reading_open(&r, TRACKER_PIN_ERROR, true);
    struct api_status row;
    unsigned wakes = 0;
    while (peer_survey_next_status(r.listing, &r.arena, &row) == API_NEXT_WAIT) {
        wakes += 1;
        pass(
            SECOND); /* some event comes, and its end sets the timer: this test asks from outside of all */
        cr_assert_eq(r.wakes, wakes, "nobody goes on");
    }
    cr_assert_geq(wakes, MANY / (LIMIT_VIEW_STEPS_COUNT / 4) - 1);
    reading_close(&r);
    reading_open(&r, TRACKER_PIN_ERROR, false);
    reading_go_on(&r, UINT32_MAX, SECOND);
    cr_assert_eq(r.rows, 0);
    reading_close(&r);
    end();
}

/* ---- recover: of everything, at all or at the one that is asked ---- */

enum { BAD = 20 };

/* All daemons refused BAD pins for so long that nobody would try soon; from here on they are well. */
static void begin_refused(void)
{
    begin(1);
    play_steps("ipfs all error \"no room\"\npin b1..b20\nwait 5m\nipfs all well\n"
               "wait 1s\nexpect unpinned b1..b20\n");
}

/* The rows of the answer; who is in it, with which words. */
static struct reading recover_all(bool is_local)
{
    struct reading r = { 0 };
    struct api_status_request request = { .filter = TRACKER_ERROR | TRACKER_QUEUED,
                                          .is_local = is_local,
                                          .order = API_RECOVER };
    struct api_listing_hooks hooks = { .on_wake = on_wake, .owner = &r };
    struct api_status row;
    enum api_next next;
    cr_assert_eq(peer_survey_status(machine(ASKED)->peer, &request, &hooks, &r.listing), OK);
    while ((next = peer_survey_next_status(r.listing, &r.arena, &row)) != API_NEXT_END) {
        cr_assert_neq(next, API_NEXT_FAILED);
        if (next == API_NEXT_WAIT)
            pass(MS / 10);
        r.rows += next == API_NEXT_ROW;
        for (size_t i = 0; next == API_NEXT_ROW && i < row.peers_count; i++) {
            bool is_lost = row.peers[i].status == TRACKER_CLUSTER_ERROR;
            (is_lost ? r.lost : r.said)[who_is(row.peers[i].peer)] += 1;
        }
    }
    reading_close(&r);
    return r;
}

Test(survey, recover_of_all_tries_again_at_every_peer_at_once)
{
    begin_refused();
    struct reading r = recover_all(false);
    cr_assert_eq(r.rows, BAD);
    for (unsigned who = 1; who <= PEERS; who++)
        cr_assert_eq(r.said[who], BAD, "%u: %u", who, r.said[who]);
    play_steps("until pinned b1..b20 on 3 peers within 5s\n");
    end();
}

Test(survey, recover_of_all_costs_a_line_of_who_is_dead)
{
    begin_refused();
    fail(2, FAIL_CRASH);
    struct reading r = recover_all(false);
    cr_assert_eq(r.rows, BAD);
    cr_assert_eq(r.said[1], BAD);
    cr_assert_eq(r.lost[2], BAD);
    cr_assert_eq(r.said[3], BAD);
    play_steps("until pinned b1..b20 at 1 3 within 5s\n");
    end();
}

Test(survey, recover_of_all_here_leaves_the_others_alone)
{
    begin_refused();
    struct reading r = recover_all(true);
    cr_assert_eq(r.rows, BAD);
    cr_assert_eq(r.said[ASKED], BAD);
    cr_assert_eq(r.said[2] + r.said[3] + r.lost[2] + r.lost[3], 0);
    play_steps("until pinned b1..b20 at 1 within 5s\nexpect unpinned b1..b20 at 2 3\n");
    end();
}

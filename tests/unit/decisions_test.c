#include <criterion/criterion.h>

#include <string.h>

#include "allocation/decisions.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"
#include "util/json.h"

TestSuite(decisions, .timeout = 60);

static const char *const names[] = { "reposize" };

/* Peers 0, 1, ..., of whom nobody is chosen yet. */
struct scene {
    struct decisions *decisions;
    struct allocate_candidate candidates[LIMIT_MEMBERS_COUNT];
    uint16_t ranks[LIMIT_MEMBERS_COUNT];
    struct peer_id chosen[LIMIT_MEMBERS_COUNT];
    struct peer_id priority[4];
    struct allocate_request request;
    struct decision one;
    struct buf json;
    struct json_doc doc;
};

static void scene_init(struct scene *s, size_t count)
{
    *s = (struct scene){ 0 };
    cr_assert_eq(decisions_create(&s->decisions, names, 1), OK);
    for (uint32_t i = 0; i < count; i++) {
        s->candidates[i].id = test_peer(i);
        s->candidates[i].metrics[0] =
            (struct allocate_metric){ .is_present = true, .value = { "17", 2 }, .weight = -17 };
    }
    s->request = (struct allocate_request){ .replication_min = 1,
                                            .replication_max = 1,
                                            .priority = s->priority,
                                            .candidates = s->candidates,
                                            .candidates_count = count,
                                            .metrics_count = 1,
                                            .ranks = s->ranks };
    s->one = (struct decision){ .request = &s->request, .allocations = s->chosen };
}

static void scene_deinit(struct scene *s)
{
    json_doc_deinit(&s->doc);
    buf_deinit(&s->json);
    decisions_destroy(s->decisions);
}

static void scene_choose(struct scene *s, const char *digits)
{
    s->one.allocations_count = strlen(digits);
    for (size_t i = 0; digits[i] != 0; i++)
        s->chosen[i] = test_peer((uint32_t)(digits[i] - '0'));
}

static void scene_note(struct scene *s, enum decision_cause cause, uint32_t cid)
{
    s->one.cause = cause;
    s->one.cid = cause == DECISION_UPLOAD ? (struct cid){ 0 } : test_cid(cid);
    s->one.at_us += 1;
    decisions_note(s->decisions, &s->one);
}

/* What is told of that CID: how many decisions. */
static size_t scene_ask(struct scene *s, uint32_t cid)
{
    struct cid asked = test_cid(cid);
    json_doc_deinit(&s->doc);
    buf_clear(&s->json);
    decisions_print(s->decisions, &asked, &s->json);
    cr_assert_eq(json_parse(&s->doc, (const char *)s->json.data, s->json.len), OK);
    return json_count(&s->doc, 0);
}

static int scene_told(struct scene *s, size_t which)
{
    int at = json_first(&s->doc, 0);
    for (; which > 0; which--)
        at = json_next(&s->doc, at);
    return at;
}

static int64_t scene_number(struct scene *s, int object, const char *member)
{
    int64_t number = -1;
    cr_assert_eq(json_get_i64(&s->doc, json_member(&s->doc, object, member), &number), OK);
    return number;
}

static int scene_candidate(struct scene *s, size_t decision, size_t which)
{
    int list = json_member(&s->doc, scene_told(s, decision), "candidates");
    int at = json_first(&s->doc, list);
    for (; which > 0; which--)
        at = json_next(&s->doc, at);
    return at;
}

static void scene_shows(struct scene *s, size_t which, uint32_t peer, const char *outcome)
{
    struct peer_id id = test_peer(peer);
    int at = scene_candidate(s, 0, which);
    cr_assert(json_text_is(&s->doc, json_member(&s->doc, at, "peer"), peer_id_print(&id).text));
    cr_assert(json_text_is(&s->doc, json_member(&s->doc, at, "outcome"), outcome), "%zu: not %s",
              which, outcome);
}

Test(decisions, tells_why_each_candidate_has_it_or_not)
{
    static struct scene s;
    scene_init(&s, 8);
    struct peer_id held[] = { test_peer(6), test_peer(7) };
    s.request.current = held;
    s.request.current_count = 2;
    s.candidates[1].standing = ALLOCATE_DOWN;
    s.candidates[2].is_excluded = true;
    s.candidates[3].standing = ALLOCATE_LEAVING;
    s.candidates[4].metrics[0].is_present = false;
    scene_choose(&s, "06");
    static const enum decision_outcome said[] = { DECISION_CHOSEN,       DECISION_DOWN,
                                                  DECISION_FULL,         DECISION_LEAVING,
                                                  DECISION_LACKS_METRIC, DECISION_NOT_NEEDED,
                                                  DECISION_KEPT,         DECISION_RELEASED };
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(decision_outcome(&s.one, &s.candidates[i]), said[i], "%zu", i);
    s.one.allocations_count = 0;
    s.one.err = ERR_NOT_ENOUGH_PEERS;
    cr_assert_eq(decision_outcome(&s.one, &s.candidates[5]), DECISION_AVAILABLE);
    cr_assert_eq(decision_outcome(&s.one, &s.candidates[7]), DECISION_HOLDS);
    s.one.err = OK;
    s.request.replication_max = -1;
    cr_assert_eq(decision_outcome(&s.one, &s.candidates[1]), DECISION_EVERYWHERE);
    scene_deinit(&s);
}

Test(decisions, shows_ranks_metrics_and_who_was_preferred)
{
    static struct scene s;
    scene_init(&s, 3);
    s.ranks[0] = 2, s.ranks[2] = 1;
    s.priority[0] = test_peer(2);
    s.request.priority_count = 1;
    s.candidates[1].standing = ALLOCATE_SUSPECT;
    scene_choose(&s, "2");
    scene_note(&s, DECISION_WRITE, 1);
    cr_assert_eq(scene_ask(&s, 1), 1);
    scene_shows(&s, 0, 2, "chosen");
    scene_shows(&s, 1, 0, "not needed");
    scene_shows(&s, 2, 1, "suspect");
    int chosen = scene_candidate(&s, 0, 0);
    cr_assert_eq(scene_number(&s, chosen, "rank"), 1);
    cr_assert_eq(json_kind(&s.doc, json_member(&s.doc, chosen, "preferred")), JSON_TRUE);
    int metric = json_first(&s.doc, json_member(&s.doc, chosen, "metrics"));
    cr_assert(json_text_is(&s.doc, json_member(&s.doc, metric, "name"), "reposize"));
    cr_assert(json_text_is(&s.doc, json_member(&s.doc, metric, "value"), "17"));
    cr_assert_eq(scene_number(&s, metric, "weight"), -17);
    cr_assert_eq(scene_number(&s, scene_told(&s, 0), "left_out"), 0);
    scene_deinit(&s);
}

Test(decisions, each_pin_has_its_own_and_the_newest_is_first)
{
    static struct scene s;
    scene_init(&s, 3);
    for (uint32_t n = 0; n < 5; n++)
        scene_note(&s, DECISION_WRITE, n);
    for (uint32_t n = 0; n < 5; n++) { /* all are of one length, and none is another's */
        cr_assert_eq(scene_ask(&s, n), 1);
        cr_assert_eq(scene_number(&s, scene_told(&s, 0), "decided_at"), (int64_t)(n + 1) * 1000);
        struct cid cid = test_cid(n);
        cr_assert(json_text_is(&s.doc, json_member(&s.doc, scene_told(&s, 0), "cid"),
                               cid_print(&cid).text));
    }
    for (int i = 0; i < DECISIONS_TOLD_MAX; i++)
        scene_note(&s, DECISION_REPAIR, 2);
    cr_assert_eq(scene_ask(&s, 2), (size_t)DECISIONS_TOLD_MAX);
    cr_assert_eq(scene_number(&s, scene_told(&s, 0), "decided_at"),
                 (5 + DECISIONS_TOLD_MAX) * 1000);
    cr_assert_eq(scene_ask(&s, 5), 0);
    scene_deinit(&s);
}

Test(decisions, forgets_the_oldest)
{
    static struct scene s;
    scene_init(&s, 3);
    for (uint32_t n = 0; n <= DECISIONS_MAX; n++)
        scene_note(&s, DECISION_WRITE, n);
    cr_assert_eq(scene_ask(&s, 0), 0);
    cr_assert_eq(scene_ask(&s, 1), 1);
    cr_assert_eq(scene_ask(&s, DECISIONS_MAX), 1);
    scene_deinit(&s);
}

Test(decisions, of_many_candidates_the_chosen_and_the_best_are_kept)
{
    static struct scene s;
    scene_init(&s, LIMIT_MEMBERS_COUNT);
    for (size_t i = 0; i < LIMIT_MEMBERS_COUNT; i++)
        s.ranks[i] = (uint16_t)(LIMIT_MEMBERS_COUNT - i); /* the last one is the best */
    s.candidates[255].metrics[0].value =
        (struct bytes){ "a text much longer than what is kept of it", 42 };
    s.one.allocations_count = 1;
    s.chosen[0] = test_peer(7);
    scene_note(&s, DECISION_WRITE, 1);
    cr_assert_eq(scene_ask(&s, 1), 1);
    int one = scene_told(&s, 0);
    cr_assert_eq(json_count(&s.doc, json_member(&s.doc, one, "candidates")),
                 (size_t)DECISION_CANDIDATES_MAX);
    cr_assert_eq(scene_number(&s, one, "left_out"), LIMIT_MEMBERS_COUNT - DECISION_CANDIDATES_MAX);
    scene_shows(&s, 0, 7, "chosen");
    scene_shows(&s, 1, 255, "not needed");
    scene_shows(&s, DECISION_CANDIDATES_MAX - 1, 241, "not needed");
    int metric = json_first(&s.doc, json_member(&s.doc, scene_candidate(&s, 0, 1), "metrics"));
    cr_assert(json_text_is(&s.doc, json_member(&s.doc, metric, "value"), "a text much longer tha"));
    scene_deinit(&s);
}

Test(decisions, a_refusal_says_so)
{
    static struct scene s;
    scene_init(&s, 1);
    s.one.err = ERR_NOT_ENOUGH_PEERS;
    scene_note(&s, DECISION_WRITE, 1);
    cr_assert_eq(scene_ask(&s, 1), 1);
    cr_assert(json_text_is(&s.doc, json_member(&s.doc, scene_told(&s, 0), "error"),
                           err_text(ERR_NOT_ENOUGH_PEERS)));
    scene_shows(&s, 0, 0, "available");
    scene_deinit(&s);
}

/* An upload has no CID yet when it is placed. */
Test(decisions, the_placement_of_an_upload_is_told_with_its_pin)
{
    static struct scene s;
    scene_init(&s, 4);
    s.one.asked = test_peer(7);
    scene_choose(&s, "01");
    scene_note(&s, DECISION_UPLOAD, 0);
    scene_choose(&s, "23");
    scene_note(&s, DECISION_UPLOAD, 0);
    s.priority[0] = test_peer(1), s.priority[1] = test_peer(0);
    s.request.priority_count = 2;
    s.one.asked = test_peer(8); /* another peer's client, who happens to prefer the same */
    scene_note(&s, DECISION_WRITE, 1);
    cr_assert_eq(scene_ask(&s, 1), 1);
    s.one.asked = test_peer(7);
    scene_note(&s, DECISION_WRITE, 2);
    cr_assert_eq(scene_ask(&s, 2), 2);
    cr_assert_eq(scene_number(&s, scene_told(&s, 1), "decided_at"), 1000);
    cr_assert(json_text_is(&s.doc, json_member(&s.doc, scene_told(&s, 1), "cause"), "upload"));
    scene_note(&s, DECISION_WRITE, 3); /* it has its pin */
    cr_assert_eq(scene_ask(&s, 3), 1);
    s.request.priority_count = 0;
    for (uint32_t n = 10; n < 10 + DECISIONS_MAX - 5; n++)
        scene_note(&s, DECISION_WRITE, n);
    cr_assert_eq(scene_ask(&s, 2), 2);
    scene_note(&s, DECISION_WRITE, 9); /* takes the placement's slot */
    cr_assert_eq(scene_ask(&s, 2), 1);
    scene_deinit(&s);
}

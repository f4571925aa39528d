#include <criterion/criterion.h>

#include "allocation/allocate.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(allocate, .timeout = 60);

#define TEXT(s) ((struct bytes){ s, sizeof(s) - 1 })

/* Candidates 0, 1, ... with one metric each, of these weights. */
struct scene {
    struct arena arena;
    struct allocate_candidate candidates[16];
    struct allocate_request request;
    struct peer_id current[16];
    struct peer_id priority[4];
    struct allocate_result result;
    struct buf why;
};

static void scene_init(struct scene *s, int32_t min, int32_t max, size_t count,
                       const int64_t *weights)
{
    *s = (struct scene){ 0 };
    s->request = (struct allocate_request){
        .replication_min = min,
        .replication_max = max,
        .current = s->current,
        .priority = s->priority,
        .candidates = s->candidates,
        .candidates_count = count,
        .metrics_count = 1,
    };
    for (uint32_t i = 0; i < count; i++) {
        s->candidates[i].id = test_peer(i);
        s->candidates[i].metrics[0] =
            (struct allocate_metric){ .is_present = true, .weight = weights[i] };
    }
}

static void scene_deinit(struct scene *s)
{
    arena_deinit(&s->arena);
    buf_deinit(&s->why);
}

static void scene_holders(struct scene *s, const char *holders)
{
    s->request.current_count = strlen(holders);
    for (size_t i = 0; holders[i] != 0; i++)
        s->current[i] = test_peer((uint32_t)(holders[i] - '0'));
}

static int scene_run(struct scene *s)
{
    arena_reset(&s->arena);
    buf_clear(&s->why);
    return allocate(&s->request, &s->arena, &s->result, &s->why);
}

/* The allocations as the candidates' digits: "201". */
static const char *scene_got(struct scene *s)
{
    static char got[17];
    cr_assert_eq(scene_run(s), OK);
    for (size_t i = 0; i < s->result.allocations_count; i++)
        got[i] = (char)('0' + s->result.allocations[i].bytes[9]);
    got[s->result.allocations_count] = 0;
    return got;
}

Test(allocate, a_new_pin_goes_to_the_heaviest)
{
    struct scene s;
    scene_init(&s, 2, 3, 5, (int64_t[]){ 10, 50, 30, 40, 20 });
    cr_assert_str_eq(scene_got(&s), "132");
    cr_assert(s.result.is_changed);
    s.request.metrics_count = 0; /* nothing to compare: by id */
    cr_assert_str_eq(scene_got(&s), "012");
    scene_deinit(&s);
}

Test(allocate, everywhere_clears_the_allocations)
{
    struct scene s;
    scene_init(&s, -1, -1, 3, (int64_t[]){ 1, 2, 3 });
    scene_holders(&s, "12");
    cr_assert_str_eq(scene_got(&s), "");
    cr_assert(s.result.is_changed && s.result.allocations == NULL);
    scene_deinit(&s);
}

Test(allocate, who_holds_it_keeps_it)
{
    struct scene s;
    scene_init(&s, 2, 3, 5, (int64_t[]){ 10, 50, 30, 40, 20 });
    scene_holders(&s, "04");
    cr_assert_str_eq(scene_got(&s), "04");
    cr_assert(!s.result.is_changed);
    s.candidates[0].metrics[0].is_present = false; /* K30: no metric, and holds it all the same */
    s.candidates[4].standing = ALLOCATE_SUSPECT;
    s.candidates[4].is_excluded = true;
    cr_assert_str_eq(scene_got(&s), "04");
    cr_assert_eq(s.result.living_count, 2);
    scene_deinit(&s);
}

Test(allocate, the_dead_are_replaced_only_when_too_few_live)
{
    struct scene s;
    scene_init(&s, 2, 3, 5, (int64_t[]){ 10, 50, 30, 40, 20 });
    scene_holders(&s, "042");
    s.candidates[4].standing = ALLOCATE_DOWN;
    cr_assert_str_eq(scene_got(&s), "042"); /* two live: enough */
    cr_assert(!s.result.is_changed);
    s.candidates[2].standing = ALLOCATE_DOWN;
    cr_assert_str_eq(scene_got(&s), "013"); /* K09: 0 stays, up to the maximum is added */
    cr_assert_eq(s.result.living_count, 1);
    scene_deinit(&s);
}

Test(allocate, those_who_left_or_leave_do_not_stay)
{
    struct scene s;
    scene_init(&s, 1, 3, 4, (int64_t[]){ 10, 50, 30, 40 });
    scene_holders(&s, "092"); /* 9 is no member */
    cr_assert_str_eq(scene_got(&s), "02");
    cr_assert(s.result.is_changed);
    s.candidates[0].standing = ALLOCATE_LEAVING;
    cr_assert_str_eq(scene_got(&s), "2");
    s.candidates[2].standing = ALLOCATE_LEAVING;
    cr_assert_str_eq(scene_got(&s), "13");
    scene_deinit(&s);
}

Test(allocate, a_lower_maximum_keeps_the_first_living)
{
    struct scene s;
    scene_init(&s, 1, 2, 4, (int64_t[]){ 10, 50, 30, 40 });
    scene_holders(&s, "3210");
    cr_assert_str_eq(scene_got(&s), "32");
    s.candidates[3].standing = ALLOCATE_DOWN;
    cr_assert_str_eq(scene_got(&s), "21");
    s.candidates[2].standing = ALLOCATE_DOWN;
    s.candidates[1].standing = ALLOCATE_DOWN;
    cr_assert_str_eq(scene_got(&s), "30"); /* never more than the maximum, the dead included */
    scene_deinit(&s);
}

Test(allocate, priority_peers_come_first_if_they_may)
{
    struct scene s;
    scene_init(&s, 2, 2, 4, (int64_t[]){ 10, 50, 30, 40 });
    s.priority[0] = test_peer(0);
    s.priority[1] = test_peer(7); /* nobody here */
    s.request.priority_count = 2;
    cr_assert_str_eq(scene_got(&s), "01");
    s.candidates[0].is_excluded = true;
    cr_assert_str_eq(scene_got(&s), "13");
    scene_deinit(&s);
}

Test(allocate, too_few_candidates_is_said_in_v1s_words)
{
    struct scene s;
    scene_init(&s, 5, 5, 3, (int64_t[]){ 10, 50, 30 });
    scene_holders(&s, "1");
    s.candidates[0].metrics[0].is_present = false;
    cr_assert_eq(scene_run(&s), ERR_NOT_ENOUGH_PEERS);
    cr_assert_str_eq(buf_text(&s.why),
                     "not enough peers to allocate CID. Needed at least: 4. Wanted at "
                     "most: 4. Available candidates: 1. See logs for more info.");
    s.request.replication_min = 2;
    cr_assert_str_eq(scene_got(&s), "12"); /* fewer than the maximum will do */
    s.candidates[2].standing = ALLOCATE_SUSPECT;
    cr_assert_eq(scene_run(&s), ERR_NOT_ENOUGH_PEERS);
    scene_deinit(&s);
}

Test(allocate, a_repair_gives_what_it_can)
{
    struct scene s;
    scene_init(&s, 4, 4, 5, (int64_t[]){ 10, 50, 30, 40, 20 });
    scene_holders(&s, "0923"); /* 9 is no member any more */
    s.candidates[2].standing = ALLOCATE_DOWN;
    s.candidates[3].standing = ALLOCATE_LEAVING;
    s.candidates[4].is_excluded = true;
    cr_assert_eq(scene_run(&s), ERR_NOT_ENOUGH_PEERS); /* a user hears that it cannot be done */
    s.request.may_fall_short = true;
    cr_assert_str_eq(scene_got(&s), "0192"); /* 1 is new; the places of 9 and 2 wait for others */
    scene_holders(&s, "0192");
    cr_assert_eq(scene_run(&s), ERR_NOT_ENOUGH_PEERS); /* nobody new: nothing changes */
    s.candidates[4].is_excluded = false;
    cr_assert_str_eq(scene_got(&s), "0149");
    s.candidates[3].standing = ALLOCATE_HEALTHY;
    cr_assert_str_eq(scene_got(&s), "0134"); /* enough: nobody else has a place */
    scene_deinit(&s);
}

static void scene_tag(struct scene *s, uint32_t i, struct bytes tag, int64_t space)
{
    s->candidates[i].metrics[0] = (struct allocate_metric){ true, true, 0, tag };
    s->candidates[i].metrics[1] = (struct allocate_metric){ true, false, space, TEXT("") };
    s->request.metrics_count = 2;
}

Test(allocate, copies_spread_over_groups_before_any_gets_two)
{
    struct scene s;
    scene_init(&s, 6, 6, 6, (int64_t[]){ 0, 0, 0, 0, 0, 0 });
    scene_tag(&s, 0, TEXT("rack-b"), 10);
    scene_tag(&s, 1, TEXT("rack-a"), 30);
    scene_tag(&s, 2, TEXT("rack-a"), 50);
    scene_tag(&s, 3, TEXT("rack-b"), 60);
    scene_tag(&s, 4, TEXT("rack-c"), 75);
    scene_tag(&s, 5, TEXT("rack-a"), 5);
    /* a: 85, c: 75, b: 70 */
    cr_assert_str_eq(scene_got(&s), "243105");
    scene_tag(&s, 4, TEXT("rack-c"), 70); /* equal weights: by value, b before c */
    cr_assert_str_eq(scene_got(&s), "234105");
    scene_deinit(&s);
}

Test(allocate, enormous_weights_add_up_in_any_order)
{
    struct scene s;
    scene_init(&s, 4, 4, 4, (int64_t[]){ 0, 0, 0, 0 });
    scene_tag(&s, 0, TEXT("x"), INT64_MAX);
    scene_tag(&s, 1, TEXT("y"), INT64_MAX);
    scene_tag(&s, 2, TEXT("y"), INT64_MIN);
    scene_tag(&s, 3, TEXT("x"), INT64_MAX);
    cr_assert_str_eq(scene_got(&s), "0132");
    scene_deinit(&s);
}

/* ---- properties ---- */

static void random_scene(struct scene *s, struct test_random *random)
{
    static const char *tags[] = { "a", "b", "c" };
    int64_t zero[12] = { 0 };
    size_t count = 1 + test_random_below(random, 12);
    int32_t max = 1 + (int32_t)test_random_below(random, 5);
    scene_init(s, 1 + (int32_t)test_random_below(random, (uint64_t)max), max, count, zero);
    s->request.metrics_count = test_random_below(random, 3);
    for (uint32_t i = 0; i < count; i++) {
        struct allocate_candidate *c = &s->candidates[i];
        const char *tag = tags[test_random_below(random, 3)];
        c->standing = test_random_below(random, 2)
                          ? ALLOCATE_HEALTHY
                          : (enum allocate_standing)test_random_below(random, 4);
        c->is_excluded = test_random_below(random, 8) == 0;
        c->metrics[0] = (struct allocate_metric){ true, true, 0, { tag, 1 } };
        c->metrics[1] = (struct allocate_metric){ test_random_below(random, 6) != 0, false,
                                                  (int64_t)test_random_below(random, 4), TEXT("") };
        if (test_random_below(random, 4) == 0)
            s->current[s->request.current_count++] = c->id;
        if (s->request.priority_count < 4 && test_random_below(random, 6) == 0)
            s->priority[s->request.priority_count++] = c->id;
    }
}

static void shuffle(struct scene *s, struct test_random *random)
{
    for (size_t i = s->request.candidates_count; i > 1; i--) {
        size_t k = test_random_below(random, i);
        struct allocate_candidate swap = s->candidates[i - 1];
        s->candidates[i - 1] = s->candidates[k];
        s->candidates[k] = swap;
    }
    for (size_t i = s->request.priority_count; i > 1; i--) {
        size_t k = test_random_below(random, i);
        struct peer_id swap = s->priority[i - 1];
        s->priority[i - 1] = s->priority[k];
        s->priority[k] = swap;
    }
}

static size_t count_in(struct scene *s, const struct peer_id *ids, size_t count, bool living)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct allocate_candidate *c =
            allocate_find(s->candidates, s->request.candidates_count, &ids[i]);
        cr_assert(c != NULL && c->standing != ALLOCATE_LEAVING);
        found += !living || c->standing != ALLOCATE_DOWN;
    }
    return found;
}

/* PA1 within bounds, PA2 enough live ones, PA3 nobody moves without need, PA9 the same for any order. */
static void check_result(struct scene *s)
{
    const struct allocate_result *r = &s->result;
    size_t min = (size_t)s->request.replication_min, max = (size_t)s->request.replication_max;
    size_t living = count_in(s, r->allocations, r->allocations_count, true);
    cr_assert(r->allocations_count >= min && r->allocations_count <= max);
    cr_assert_geq(living, min);
    size_t kept = 0;
    for (size_t i = 0; i < s->request.current_count; i++) {
        for (size_t k = 0; k < r->allocations_count; k++)
            kept += peer_id_equal(&s->current[i], &r->allocations[k]);
    }
    cr_assert_geq(kept, r->living_count < max ? r->living_count : max);
    if (r->living_count >= min)
        cr_assert_eq(kept, r->allocations_count); /* nothing new */
}

Test(allocate, holds_its_promises_whatever_comes_in_whatever_order)
{
    struct test_random random = { 11 };
    for (int round = 0; round < 3000; round++) {
        struct scene s;
        random_scene(&s, &random);
        int err = scene_run(&s);
        cr_assert(err == OK || err == ERR_NOT_ENOUGH_PEERS);
        if (err == OK)
            check_result(&s);
        struct scene other = s;
        other.arena = (struct arena){ 0 };
        other.why = (struct buf){ 0 };
        other.request.current = other.current;
        other.request.priority = other.priority;
        other.request.candidates = other.candidates;
        shuffle(&other, &random);
        cr_assert_eq(scene_run(&other), err);
        if (err == OK) {
            cr_assert_eq(other.result.allocations_count, s.result.allocations_count);
            for (size_t i = 0; i < s.result.allocations_count; i++)
                cr_assert(peer_id_equal(&s.result.allocations[i], &other.result.allocations[i]));
        }
        scene_deinit(&s);
        scene_deinit(&other);
    }
}

/* Also of a refusal: `explain` shows who came how near. */
Test(allocate, tells_the_rank_of_each_who_could_be_chosen)
{
    struct scene s;
    uint16_t ranks[5];
    scene_init(&s, 2, 3, 5, (int64_t[]){ 10, 50, 30, 40, 20 });
    s.request.ranks = ranks;
    scene_holders(&s, "1");
    s.priority[0] = test_peer(4);
    s.request.priority_count = 1;
    s.candidates[3].standing = ALLOCATE_SUSPECT;
    cr_assert_str_eq(scene_got(&s), "142");
    static const uint16_t told[] = { 3, 0, 2, 0, 1 };
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(ranks[i], told[i], "%zu", i);
    s.request.replication_min = s.request.replication_max = 5;
    cr_assert_eq(scene_run(&s), ERR_NOT_ENOUGH_PEERS);
    cr_assert_eq(ranks[4], 1);
    s.request.replication_min = s.request.replication_max = 1;
    cr_assert_str_eq(scene_got(&s), "1");
    cr_assert_eq(ranks[4], 0); /* nobody had to be chosen */
    scene_deinit(&s);
}

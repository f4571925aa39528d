/* Dissertation 6.3 (sessions) and Raft (extended) 8: a command that a client repeats is carried out once, whoever leads by then.
 *
 * Here a session is a member's: each proposal carries the member's number and a sequence of its own, and its floor, below
 * which it waits for nothing any more (pin_entry.h). */
#include <criterion/criterion.h>

#include "state/pinset.h"
#include "tests/lib/fake_map.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(raft_6_3, .timeout = 60);

struct state {
    struct fake_map map;
    struct pinset *set;
};

static void begin(struct state *s)
{
    *s = (struct state){ 0 };
    cr_assert_eq(pinset_create(&s->set), OK);
}

static void end(struct state *s)
{
    pinset_destroy(s->set);
    fake_map_deinit(&s->map);
}

/* The entry as it stands in the log at that index; the same bytes every time. */
static struct pinset_applied apply(struct state *s, uint64_t index, enum pin_entry_kind kind,
                                   uint64_t sequence, uint64_t floor)
{
    struct cid cid = test_cid(1);
    struct pin_entry e = { .kind = kind,
                           .origin = { .number = 7, .sequence = sequence, .floor = floor },
                           .expected = PIN_EXPECT_ANY,
                           .pin = pin_of(&cid),
                           .cid = cid };
    struct buf bytes = { 0 };
    struct pinset_applied out;
    struct view view = fake_map_view(&s->map);
    struct row_sink sink = fake_map_sink(&s->map);
    pin_entry_encode(&e, &bytes);
    cr_assert_eq(pinset_apply(s->set, &view, &sink, index, 1, bytes.data, bytes.len, &out), OK);
    cr_assert_eq(pinset_finish(s->set, &sink), OK);
    buf_deinit(&bytes);
    return out;
}

/* Everything is forgotten but the rows: a restart, or a snapshot that was installed elsewhere. */
static void from_rows(struct state *s)
{
    pinset_destroy(s->set);
    cr_assert_eq(pinset_create(&s->set), OK);
    struct view view = fake_map_view(&s->map);
    cr_assert_eq(pinset_open(s->set, &view), OK);
}

Test(raft_6_3, a_command_that_stands_in_the_log_twice_is_carried_out_once)
{
    struct state s;
    begin(&s);
    cr_assert(apply(&s, 1, PIN_ENTRY_PIN, 10, 10).touched);
    cr_assert(apply(&s, 2, PIN_ENTRY_UNPIN, 11, 10).touched);
    struct pinset_applied again = apply(&s, 3, PIN_ENTRY_PIN, 10, 10);
    cr_assert(again.is_duplicate && !again.touched);
    cr_assert_eq(pinset_facts(s.set)->pins_count, 0, "the pin does not rise from the dead");
    end(&s);
}

Test(raft_6_3, a_repeated_command_gets_the_first_ones_answer)
{
    struct state s;
    begin(&s);
    cr_assert_eq(apply(&s, 1, PIN_ENTRY_UNPIN, 10, 10).outcome, PINSET_NOT_FOUND);
    cr_assert_eq(apply(&s, 2, PIN_ENTRY_PIN, 11, 10).outcome, PINSET_DONE);
    cr_assert_eq(apply(&s, 3, PIN_ENTRY_UNPIN, 10, 10).outcome, PINSET_NOT_FOUND,
                 "though there would be something to unpin now");
    end(&s);
}

Test(raft_6_3, sessions_are_part_of_the_snapshot)
{
    struct state s;
    begin(&s);
    apply(&s, 1, PIN_ENTRY_PIN, 10, 10);
    apply(&s, 2, PIN_ENTRY_UNPIN, 11, 10);
    from_rows(&s);
    cr_assert(apply(&s, 3, PIN_ENTRY_PIN, 10, 10).is_duplicate);
    cr_assert_lt(STATE_TABLE_ORIGINS, STATE_TABLES_COUNT, "and of what is exported");
    end(&s);
}

Test(raft_6_3, commands_of_one_client_may_overtake_one_another)
{
    struct state s;
    begin(&s);
    cr_assert_not(apply(&s, 1, PIN_ENTRY_PIN, 12, 10).is_duplicate);
    cr_assert_not(apply(&s, 2, PIN_ENTRY_UNPIN, 10, 10).is_duplicate,
                  "it is no copy of the later one");
    cr_assert(apply(&s, 3, PIN_ENTRY_PIN, 12, 10).is_duplicate);
    end(&s);
}

Test(raft_6_3, what_the_client_has_an_answer_to_is_forgotten_and_not_carried_out_again)
{
    struct state s;
    begin(&s);
    apply(&s, 1, PIN_ENTRY_PIN, 10, 10);
    apply(&s, 2, PIN_ENTRY_UNPIN, 11, 11);
    struct pinset_applied late = apply(&s, 3, PIN_ENTRY_PIN, 10, 10);
    cr_assert(late.is_duplicate && late.outcome == PINSET_STALE);
    cr_assert_eq(pinset_facts(s.set)->pins_count, 0);
    end(&s);
}

Test(raft_6_3, a_client_that_starts_anew_uses_no_old_number)
{
    cr_assert_gt(PIN_SEQUENCE(2), PIN_SEQUENCE(1) + LIMIT_ORIGIN_WINDOW_COUNT);
    struct state s;
    begin(&s);
    apply(&s, 1, PIN_ENTRY_PIN, PIN_SEQUENCE(1) + 5, PIN_SEQUENCE(1));
    apply(&s, 2, PIN_ENTRY_UNPIN, PIN_SEQUENCE(2), PIN_SEQUENCE(2));
    cr_assert(apply(&s, 3, PIN_ENTRY_PIN, PIN_SEQUENCE(1) + 6, PIN_SEQUENCE(1)).is_duplicate,
              "a straggler of its former life");
    cr_assert_eq(pinset_facts(s.set)->pins_count, 0);
    end(&s);
}

Test(raft_6_3, what_is_remembered_of_a_client_has_a_bound)
{
    struct state s;
    begin(&s);
    for (uint64_t i = 0; i < LIMIT_ORIGIN_WINDOW_COUNT; i++)
        apply(&s, i + 1, i % 2 ? PIN_ENTRY_UNPIN : PIN_ENTRY_PIN, 10 + i, 10);
    struct pinset_applied over =
        apply(&s, LIMIT_ORIGIN_WINDOW_COUNT + 1, PIN_ENTRY_PIN, 10 + LIMIT_ORIGIN_WINDOW_COUNT, 10);
    cr_assert_eq(over.outcome, PINSET_REFUSED, "whose outcome could not be kept");
    end(&s);
}

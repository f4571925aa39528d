/* What a stored unit proves, when the log was cut while it was on its way (SIMULATION L08, D09). */
#include <criterion/criterion.h>

#include "raft/raft_units.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_units, .timeout = 60);

struct fixture {
    struct raft_log log;
    struct raft_units units;
};

static void fixture_init(struct fixture *f)
{
    struct raft_options o = raft_one_options();
    cr_assert_eq(raft_log_init(&f->log, &o, (struct raft_pos){ 0 }, 0, NULL, 0), OK);
    raft_units_init(&f->units, &f->log);
}

static void add(struct fixture *f, uint64_t term, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(
            raft_log_append(&f->log, term, RAFT_ENTRY_DATA, (struct bytes){ "x", 1 }, false), OK);
}

static void cut(struct fixture *f, uint64_t from)
{
    raft_log_truncate(&f->log, from);
    raft_units_on_cut(&f->units, from);
}

static void take(struct fixture *f, uint64_t expected_cut, uint64_t expected_first)
{
    uint64_t cut_from = 99;
    uint64_t first = 99;
    cr_assert(raft_units_has(&f->units, &f->log));
    raft_units_take(&f->units, &f->log, &cut_from, &first);
    cr_assert_eq(cut_from, expected_cut);
    cr_assert_eq(first, expected_first);
}

static void stored(struct fixture *f, uint64_t number, uint64_t expected_index)
{
    uint64_t index = raft_units_on_stored(&f->units, number, f->log.stored);
    cr_assert_eq(index, expected_index);
    raft_log_set_stored(&f->log, index);
}

Test(raft_units, gather_while_one_is_in_flight)
{
    struct fixture f;
    fixture_init(&f);
    cr_assert_not(raft_units_has(&f.units, &f.log));
    add(&f, 1, 2);
    take(&f, 0, 1);
    add(&f, 1, 3);
    add(&f, 1, 1);
    cr_assert_eq(raft_units_of_index(&f.units, &f.log, 2), 1);
    cr_assert_eq(raft_units_of_index(&f.units, &f.log, 3), 2);
    take(&f, 0, 3);
    stored(&f, 1, 2);
    cr_assert_eq(raft_units_of_index(&f.units, &f.log, 2), 0);
    stored(&f, 2, 6);
    cr_assert_not(raft_units_has(&f.units, &f.log));
    raft_log_deinit(&f.log);
}

Test(raft_units, a_cut_in_flight_takes_away_what_the_completion_proves)
{
    struct fixture f;
    fixture_init(&f);
    add(&f, 1, 12);
    take(&f, 0, 1);
    cut(&f, 11);
    add(&f, 2, 2); /* 11' and 12' */
    stored(&f, 1, 10);
    cr_assert_eq(raft_units_of_index(&f.units, &f.log, 12), 2);
    take(&f, 11, 11);
    stored(&f, 2, 12);
    raft_log_deinit(&f.log);
}

Test(raft_units, a_cut_of_what_no_unit_carries_never_reaches_the_disk)
{
    struct fixture f;
    fixture_init(&f);
    add(&f, 1, 2);
    take(&f, 0, 1);
    add(&f, 1, 3);
    cut(&f, 4);
    add(&f, 2, 1);
    take(&f, 0, 3);
    stored(&f, 1, 2);
    stored(&f, 2, 4);
    raft_log_deinit(&f.log);
}

Test(raft_units, several_cuts_before_one_unit_are_one)
{
    struct fixture f;
    fixture_init(&f);
    add(&f, 1, 10);
    take(&f, 0, 1);
    stored(&f, 1, 10);
    cut(&f, 8);
    add(&f, 2, 5);
    cut(&f, 10);
    add(&f, 3, 1);
    cut(&f, 5);
    add(&f, 4, 2);
    cr_assert_eq(f.log.stored, 4);
    take(&f, 5, 5);
    cut(&f, 6); /* of unit 2 itself */
    add(&f, 5, 1);
    take(&f, 6, 6);
    stored(&f, 2, 5);
    stored(&f, 3, 6);
    raft_log_deinit(&f.log);
}

Test(raft_units, completions_may_come_together)
{
    struct fixture f;
    fixture_init(&f);
    add(&f, 1, 3);
    take(&f, 0, 1);
    cut(&f, 2);
    add(&f, 2, 1);
    take(&f, 2, 2);
    add(&f, 2, 1);
    take(&f, 0, 3);
    stored(&f, 2, 2);
    stored(&f, 3, 3);
    raft_log_deinit(&f.log);
}

Test(raft_units, the_meta_waits_for_the_unit_that_has_it)
{
    struct fixture f;
    fixture_init(&f);
    cr_assert_eq(raft_units_of_meta(&f.units), 0);
    f.units.is_meta_dirty = true;
    cr_assert_eq(raft_units_of_meta(&f.units), 1);
    take(&f, 0, 1);
    cr_assert_eq(raft_units_of_meta(&f.units), 1);
    add(&f, 1, 1);
    take(&f, 0, 1);
    cr_assert_eq(raft_units_of_meta(&f.units), 1, "unit 2 has entries only");
    stored(&f, 1, 0);
    cr_assert_eq(raft_units_of_meta(&f.units), 0);
    raft_log_deinit(&f.log);
}

Test(raft_units, a_replaced_log_leaves_no_record_behind)
{
    struct fixture f;
    fixture_init(&f);
    add(&f, 1, 5);
    take(&f, 0, 1);
    raft_log_reset(&f.log, (struct raft_pos){ 3, 50 }, 0);
    raft_units_on_reset(&f.units, 50);
    stored(&f, 1, 0);
    cr_assert_eq(raft_units_of_index(&f.units, &f.log, 50), 2);
    add(&f, 3, 1);
    take(&f, 1, 51);
    stored(&f, 2, 51);
    raft_log_deinit(&f.log);
}

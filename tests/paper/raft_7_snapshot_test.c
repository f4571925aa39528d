/* Raft (extended) 7, dissertation ch. 5: log compaction, as far as positions go. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_7, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *node(uint64_t number, const uint64_t *terms, size_t count, uint64_t term,
                         uint64_t committed)
{
    return raft_one_create(&(struct raft_past){ .number = number,
                                                .voters = 3,
                                                .term = term,
                                                .committed = committed,
                                                .terms = terms,
                                                .terms_count = count });
}

static void install(struct raft *r, struct raft_pos pos)
{
    struct raft_config config;
    raft_one_config(&config, 3, 0);
    raft_install(r, NOW, pos, &config);
    raft_config_deinit(&config);
}

/* A leader whose log begins after entry 4 (it leads term 3; its no-op is entry 6). */
static struct raft *trimmed_leader(void)
{
    struct raft *r = node(1, (uint64_t[]){ 1, 1, 2, 2, 2 }, 5, 2, 5);
    raft_on_applied(r, 5);
    raft_on_trimmed(r, 4);
    raft_one_store(r, 0);
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    return r;
}

static const struct raft_ready *refuse(struct raft *r, uint64_t from, uint64_t prev, uint64_t hint)
{
    struct raft_msg m = raft_one_ack(from, r, hint);
    m.granted = false;
    m.last.index = prev;
    m.conflict_term = hint > 0 ? 1 : 0;
    return raft_step(r, NOW, 0, &m);
}

Test(raft_7, who_needs_what_was_trimmed_gets_the_state)
{
    struct raft *r = trimmed_leader();
    const struct raft_ready *ready = refuse(r, 2, 5, 2);
    cr_assert_eq(ready->snapshots_count, 1);
    cr_assert_eq(ready->snapshots[0].member, 2);
    cr_assert_eq(refuse(r, 2, 5, 2)->snapshots_count, 0, "once");
    ready = raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(m->entries_count == 0 && m->last.index == 4, "meanwhile it hears that we lead");
    cr_assert_eq(ready->snapshots_count, 0);
    raft_destroy(r);
}

Test(raft_7, an_empty_log_still_knows_that_it_was_trimmed)
{
    struct raft *r = trimmed_leader();
    struct raft_msg m = raft_one_ack(3, r, 6);
    raft_step(r, NOW, 0, &m);
    raft_on_applied(r, 6);
    raft_on_trimmed(r, 6);
    cr_assert_eq(raft_base(r).index, raft_last(r).index);
    cr_assert_eq(refuse(r, 2, 5, 0)->snapshots_count, 1);
    raft_destroy(r);
}

Test(raft_7, after_the_state_the_log_goes_on)
{
    struct raft *r = trimmed_leader();
    refuse(r, 2, 5, 2);
    const struct raft_ready *ready = raft_on_snapshot_sent(r, NOW, 2, 5);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(m != NULL && m->last.index == 5 && m->entries_count == 1);
    raft_destroy(r);
}

Test(raft_7, a_failed_transfer_is_tried_again_with_the_next_heartbeat)
{
    struct raft *r = trimmed_leader();
    refuse(r, 2, 5, 2);
    cr_assert_eq(raft_on_snapshot_sent(r, NOW, 2, 0)->snapshots_count, 0);
    cr_assert_eq(raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0)->snapshots_count, 1);
    raft_destroy(r);
}

Test(raft_7, who_got_there_by_itself_needs_no_state)
{
    struct raft *r = trimmed_leader();
    refuse(r, 2, 5, 2);
    struct raft_msg m = raft_one_ack(2, r, 4);
    const struct raft_ready *ready = raft_step(r, NOW, 0, &m);
    const struct raft_msg *append = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(ready->fetches_count == 1 || (append != NULL && append->last.index == 4));
    raft_destroy(r);
}

Test(raft_7, a_state_replaces_a_log_that_does_not_reach_it)
{
    struct raft *r = node(2, (uint64_t[]){ 1, 1 }, 2, 3, 1);
    install(r, (struct raft_pos){ 2, 9 });
    cr_assert(raft_base(r).index == 9 && raft_base(r).term == 2);
    cr_assert(raft_last(r).index == 9 && raft_last(r).term == 2);
    cr_assert_eq(raft_committed(r), 9);
    cr_assert_eq(raft_applicable(r), 9);
    cr_assert_eq(raft_term(r), 3, "the term is the member's, not the snapshot's");
    struct raft_unit unit;
    raft_take_unit(r, &unit);
    cr_assert(unit.cut_from == 1 && unit.entries_count == 0);
    raft_destroy(r);
}

Test(raft_7, a_state_replaces_a_log_that_says_otherwise)
{
    struct raft *r = node(2, (uint64_t[]){ 1, 1, 1, 1 }, 4, 1, 1);
    install(r, (struct raft_pos){ 2, 3 });
    cr_assert_eq(raft_last(r).index, 3, "entry 4 hung on another entry 3");
    cr_assert_eq(raft_term(r), 2, "but never below the log's");
    raft_destroy(r);
}

Test(raft_7, entries_that_go_on_from_the_state_stay)
{
    struct raft *r = node(2, (uint64_t[]){ 1, 1, 1, 1 }, 4, 1, 1);
    install(r, (struct raft_pos){ 1, 3 });
    cr_assert(raft_base(r).index == 3 && raft_last(r).index == 4);
    cr_assert_eq(raft_committed(r), 3);
    struct raft_unit unit;
    raft_take_unit(r, &unit);
    cr_assert_eq(unit.cut_from, 0);
    raft_destroy(r);
}

Test(raft_7, a_state_is_acknowledged_when_its_unit_is_stored)
{
    struct raft *r = node(2, (uint64_t[]){ 1, 1 }, 2, 1, 1);
    install(r, (struct raft_pos){ 1, 9 });
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(1, 2, 1, (struct raft_pos){ 1, 9 }, 0, 0, 9));
    const struct raft_msg *reply = raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 1);
    cr_assert(reply->granted && reply->match <= 1, "what it had committed and stored before");
    ready = raft_step(r, NOW, 0, raft_one_append(1, 2, 1, (struct raft_pos){ 1, 9 }, 1, 1, 9));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 1)->after_unit, 1);
    raft_one_store(r, NOW);
    cr_assert_eq(raft_stored(r), 10);
    raft_destroy(r);
}

Test(raft_7, messages_from_before_the_log_begins_are_understood)
{
    struct raft *r = node(2, (uint64_t[]){ 1, 1, 1, 1, 1, 1 }, 6, 1, 5);
    raft_on_applied(r, 5);
    raft_on_trimmed(r, 5);
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(1, 2, 1, (struct raft_pos){ 1, 2 }, 2, 1, 4));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 1)->match, 4);
    ready = raft_step(r, NOW, 0, raft_one_append(1, 2, 1, (struct raft_pos){ 1, 2 }, 6, 1, 4));
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND_REPLY, 1)->match, 8);
    cr_assert_eq(raft_last(r).index, 8);
    raft_destroy(r);
}

Test(raft_7, a_message_that_contradicts_the_base_is_not_from_a_leader)
{
    struct raft *r = node(2, (uint64_t[]){ 1, 1, 4, 4, 4, 4 }, 6, 4, 5);
    raft_on_applied(r, 5);
    raft_on_trimmed(r, 5);
    raft_step(r, NOW, 0, raft_one_append(1, 2, 4, (struct raft_pos){ 1, 2 }, 6, 1, 4));
    cr_assert_eq(raft_odd_count(r), 1);
    cr_assert(raft_last(r).index == 6 && raft_last(r).term == 4);
    raft_destroy(r);
}

Test(raft_7, the_configuration_of_the_state_is_in_force)
{
    struct raft *r = node(2, NULL, 0, 0, 0);
    struct raft_config config;
    raft_one_config(&config, 5, 1);
    config.index = 7;
    cr_assert(raft_install(r, NOW, (struct raft_pos){ 1, 9 }, &config)->config_changed);
    cr_assert_eq(raft_config_voters_count(raft_config(r)), 5);
    cr_assert(raft_config_is_committed(r));
    raft_config_deinit(&config);
    raft_destroy(r);
}

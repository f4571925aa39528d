/* Raft (extended) 5.3: log replication. */
#include <criterion/criterion.h>

#include "tests/lib/raft_one.h"
#include "util/err.h"

TestSuite(raft_5_3, .timeout = 60);

enum { NOW = 5 * ONE_ELECTION_US };

static struct raft *follower(const uint64_t *terms, size_t count, uint64_t term)
{
    return raft_one_create(&(struct raft_past){
        .number = 1, .voters = 3, .term = term, .terms = terms, .terms_count = count });
}

static struct raft *leader(unsigned voters, const struct raft_options *options)
{
    struct raft *r = raft_one_create(
        &(struct raft_past){ .number = 1,
                             .voters = voters,
                             .options = options != NULL ? *options : raft_one_options() });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    return r;
}

static const struct raft_msg *reply_to(struct raft *r, const struct raft_msg *m)
{
    const struct raft_msg *reply =
        raft_one_find(raft_step(r, NOW, 0, m), RAFT_MSG_APPEND_REPLY, m->from);
    cr_assert_not_null(reply);
    return reply;
}

static const struct raft_ready *ack(struct raft *r, uint64_t from, uint64_t match)
{
    struct raft_msg m = raft_one_ack(from, r, match);
    return raft_step(r, NOW, 0, &m);
}

static const struct raft_ready *refuse(struct raft *r, uint64_t from, uint64_t prev, uint64_t hint,
                                       uint64_t hint_term)
{
    struct raft_msg m = raft_one_ack(from, r, hint);
    m.granted = false;
    m.last.index = prev;
    m.conflict_term = hint_term;
    return raft_step(r, NOW, 0, &m);
}

static void propose(struct raft *r, unsigned count)
{
    struct raft_pos pos;
    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(raft_propose(r, "x", 1, &pos), OK);
}

/* ---- the follower ---- */

Test(raft_5_3, entries_that_fit_are_taken)
{
    struct raft *r = follower((uint64_t[]){ 1, 1 }, 2, 1);
    const struct raft_msg *reply =
        reply_to(r, raft_one_append(2, 1, 2, (struct raft_pos){ 1, 2 }, 3, 2, 0));
    cr_assert(reply->granted && reply->match == 5);
    cr_assert(raft_last(r).index == 5 && raft_last(r).term == 2);
    raft_destroy(r);
}

Test(raft_5_3, what_does_not_fit_is_refused_with_a_place_to_try)
{
    struct raft *r = follower((uint64_t[]){ 1, 1, 4, 4 }, 4, 6);
    const struct raft_msg *reply =
        reply_to(r, raft_one_append(2, 1, 7, (struct raft_pos){ 6, 9 }, 1, 6, 0));
    cr_assert(!reply->granted && reply->match == 4 && reply->conflict_term == 4, "too short");
    reply = reply_to(r, raft_one_append(2, 1, 7, (struct raft_pos){ 3, 4 }, 1, 6, 0));
    cr_assert(!reply->granted && reply->match == 2 && reply->conflict_term == 1,
              "our term 4 cannot be in a log whose entry 4 is of term 3: all of it is skipped");
    cr_assert_eq(raft_last(r).index, 4, "nothing is forgotten for a refusal");
    raft_destroy(r);
}

Test(raft_5_3, a_conflict_cuts_and_only_a_conflict)
{
    struct raft *r = follower((uint64_t[]){ 1, 1, 2, 2, 2 }, 5, 2);
    struct raft_pos prev = { 1, 1 };
    cr_assert_eq(reply_to(r, raft_one_append(2, 1, 2, prev, 1, 1, 0))->match, 2);
    cr_assert_eq(raft_last(r).index, 5, "an old message, repeated: what came after it stays");
    cr_assert_eq(reply_to(r, raft_one_append(2, 1, 3, (struct raft_pos){ 1, 2 }, 1, 3, 0))->match,
                 3);
    cr_assert_eq(raft_last(r).index, 3, "entry 3 differs: 3 to 5 go");
    cr_assert_eq(raft_term_at(r, 3), 3);
    raft_destroy(r);
}

Test(raft_5_3, no_position_before_everything_is_exempt_from_comparing)
{
    struct raft *r = follower((uint64_t[]){ 1, 2 }, 2, 2);
    cr_assert(reply_to(r, raft_one_append(2, 1, 3, (struct raft_pos){ 0 }, 2, 1, 0))->granted);
    cr_assert_eq(raft_term_at(r, 1), 1);
    cr_assert_eq(raft_term_at(r, 2), 1, "entry 2 was of another term");
    raft_destroy(r);
}

Test(raft_5_3, an_acknowledgement_is_of_what_the_message_proved)
{
    /* 3 to 5 are an old leader's; the message says nothing of them. */
    struct raft *r = follower((uint64_t[]){ 1, 1, 2, 2, 2 }, 5, 2);
    const struct raft_msg *reply =
        reply_to(r, raft_one_append(2, 1, 3, (struct raft_pos){ 1, 2 }, 0, 0, 5));
    cr_assert(reply->granted && reply->match == 2);
    cr_assert_eq(raft_committed(r), 2, "nor are they what the leader has committed");
    raft_destroy(r);
}

Test(raft_5_3, the_commit_index_follows_the_leaders_up_to_the_messages_end)
{
    struct raft *r = follower((uint64_t[]){ 1, 1 }, 2, 1);
    raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 1, 2 }, 2, 1, 3));
    cr_assert_eq(raft_committed(r), 3);
    raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 1, 2 }, 2, 1, 1));
    cr_assert_eq(raft_committed(r), 3, "it is never taken back");
    raft_destroy(r);
}

Test(raft_5_3, committed_entries_are_not_cut_for_anybody)
{
    struct raft *r = follower((uint64_t[]){ 1, 1, 1 }, 3, 1);
    raft_step(r, NOW, 0, raft_one_append(2, 1, 1, (struct raft_pos){ 1, 3 }, 0, 0, 3));
    raft_step(r, NOW, 0, raft_one_append(2, 1, 2, (struct raft_pos){ 1, 1 }, 1, 2, 3));
    cr_assert_eq(raft_term_at(r, 2), 1);
    cr_assert_eq(raft_last(r).index, 3);
    cr_assert_eq(raft_odd_count(r), 1);
    cr_assert(raft_has_diverged(r), "one of the two is a copy that went another way");
    raft_destroy(r);
}

Test(raft_5_3, what_the_full_tail_cannot_take_is_not_acknowledged)
{
    struct raft_options o = raft_one_options();
    o.unsynced_bytes_max = 200;
    struct raft *r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .options = o });
    const struct raft_msg *reply =
        reply_to(r, raft_one_append(2, 1, 1, (struct raft_pos){ 0 }, 20, 1, 20));
    cr_assert(reply->granted && reply->match > 0 && reply->match < 20);
    cr_assert_eq(reply->match, raft_last(r).index);
    cr_assert_eq(raft_committed(r), raft_last(r).index);
    raft_destroy(r);
}

/* ---- the leader ---- */

/* A member that was in our term before us refused an APPEND of our last one. That says nothing of its log. */
Test(raft_5_3, a_refusal_for_the_term_is_none_of_the_log)
{
    struct raft *r = raft_one_create(&(struct raft_past){
        .number = 2, .voters = 3, .term = 5, .terms = (uint64_t[]){ 1, 1 }, .terms_count = 2 });
    const struct raft_msg *reply =
        reply_to(r, raft_one_append(1, 2, 4, (struct raft_pos){ 1, 2 }, 0, 0, 0));
    cr_assert(!reply->granted && reply->term == 5 && reply->last.index == 0);
    struct raft_msg stale = *reply;
    raft_destroy(r);
    r = raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .term = 4 });
    raft_one_win(r, NOW);
    cr_assert_eq(raft_term(r), 5);
    cr_assert_eq(raft_step(r, NOW, 0, &stale)->msgs_count, 0);
    struct raft_member_progress progress;
    raft_member_progress(r, 2, &progress);
    cr_assert_eq(progress.last_reply_us, 0);
    cr_assert_eq(raft_odd_count(r), 0);
    raft_destroy(r);
}

Test(raft_5_3, a_new_leader_speaks_at_once_and_guesses_that_the_logs_are_equal)
{
    struct raft *r = raft_one_create(&(struct raft_past){
        .number = 1, .voters = 3, .term = 2, .terms = (uint64_t[]){ 1, 2 }, .terms_count = 2 });
    const struct raft_ready *ready = raft_one_win(r, NOW);
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_APPEND), 2);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 3);
    cr_assert(m->last.term == 2 && m->last.index == 2);
    cr_assert(m->entries_count == 1 && m->entries[0].kind == RAFT_ENTRY_NOOP);
    raft_destroy(r);
}

Test(raft_5_3, an_entry_on_a_majority_is_committed_and_followers_are_told)
{
    struct raft *r = leader(5, NULL);
    ack(r, 2, 1);
    cr_assert_eq(raft_committed(r), 0, "two of five");
    ack(r, 2, 1);
    cr_assert_eq(raft_committed(r), 0, "still two");
    const struct raft_ready *ready = ack(r, 3, 1);
    cr_assert_eq(raft_committed(r), 1);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(m != NULL && m->committed == 1 && m->entries_count == 0);
    raft_destroy(r);
}

Test(raft_5_3, four_voters_need_three)
{
    struct raft *r = leader(4, NULL);
    ack(r, 2, 1);
    cr_assert_eq(raft_committed(r), 0);
    ack(r, 3, 1);
    cr_assert_eq(raft_committed(r), 1);
    raft_destroy(r);
}

Test(raft_5_3, learners_do_not_count_and_get_what_is_committed)
{
    struct raft *r =
        raft_one_create(&(struct raft_past){ .number = 1, .voters = 3, .learners = 2 });
    raft_one_win(r, NOW);
    raft_one_store(r, NOW);
    ack(r, 4, 1);
    ack(r, 5, 1);
    cr_assert_eq(raft_committed(r), 0);
    ack(r, 4, 0);
    propose(r, 1);
    const struct raft_ready *ready = raft_flush(r, NOW);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 4);
    cr_assert(m == NULL || m->entries_count == 0);
    raft_destroy(r);
}

Test(raft_5_3, a_refusal_moves_back_a_whole_term_at_once)
{
    const uint64_t terms[] = { 1, 1, 1, 4, 4, 4, 4, 4, 5, 5 };
    struct raft *r = raft_one_create(&(struct raft_past){
        .number = 1, .voters = 3, .term = 5, .terms = terms, .terms_count = 10 });
    raft_one_win(r, NOW);
    const struct raft_ready *ready = refuse(r, 2, 10, 8, 3); /* "try 8, where I have a term 3" */
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(m == NULL && ready->fetches_count == 1, "those entries are on disk only");
    cr_assert_eq(ready->fetches[0].first, 4, "our last one of a term up to 3 is entry 3");
    raft_destroy(r);
}

Test(raft_5_3, a_refusal_that_was_answered_already_changes_nothing)
{
    struct raft *r = leader(3, NULL);
    ack(r, 2, 1);
    propose(r, 3);
    raft_flush(r, NOW);
    ack(r, 2, 4);
    cr_assert_eq(refuse(r, 2, 1, 0, 0)->msgs_count, 0, "of 1, but 4 is known to be equal");
    struct raft_member_progress progress;
    raft_member_progress(r, 2, &progress);
    cr_assert_eq(progress.match, 4);
    raft_destroy(r);
}

Test(raft_5_3, acknowledgements_may_overtake_one_another)
{
    struct raft *r = leader(3, NULL);
    propose(r, 4);
    raft_flush(r, NOW);
    ack(r, 2, 1);
    ack(r, 2, 5);
    ack(r, 2, 2);
    struct raft_member_progress progress;
    raft_member_progress(r, 2, &progress);
    cr_assert_eq(progress.match, 5);
    propose(r, 1);
    const struct raft_msg *m = raft_one_find(raft_flush(r, NOW), RAFT_MSG_APPEND, 2);
    cr_assert(m != NULL && m->last.index == 5);
    raft_destroy(r);
}

Test(raft_5_3, appends_follow_one_another_up_to_the_window)
{
    struct raft_options o = raft_one_options();
    o.window_max = 3;
    o.append_entries_max = 2;
    struct raft *r = leader(3, &o);
    ack(r, 2, 1);
    propose(r, 20);
    const struct raft_ready *ready = raft_flush(r, NOW);
    size_t to_2 = 0;
    for (size_t i = 0; i < ready->msgs_count; i++) {
        if (ready->msgs[i].to != 2)
            continue;
        cr_assert_eq(ready->msgs[i].last.index, 1 + 2 * to_2,
                     "each goes on where the last one ended");
        cr_assert_eq(ready->msgs[i].entries_count, 2);
        to_2 += 1;
    }
    cr_assert_eq(to_2, 3);
    ready = ack(r, 2, 3);
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND, 2)->last.index, 7, "one back, one more");
    raft_destroy(r);
}

/* A follower that is full, or a network that reorders, refuses all that is on its way. */
Test(raft_5_3, a_window_full_of_refusals_is_one_question_and_a_narrow_start)
{
    struct raft_options o = raft_one_options();
    o.window_max = 8;
    o.append_entries_max = 1;
    struct raft *r = leader(3, &o);
    ack(r, 2, 1);
    propose(r, 20);
    cr_assert_eq(raft_one_count(raft_flush(r, NOW), RAFT_MSG_APPEND), 8);
    const struct raft_ready *ready = refuse(r, 2, 2, 1, 1);
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_APPEND), 1);
    uint64_t round = raft_one_find(ready, RAFT_MSG_APPEND, 2)->round;
    for (uint64_t prev = 3; prev <= 8; prev++)
        cr_assert_eq(refuse(r, 2, prev, 1, 1)->msgs_count, 0);
    cr_assert_eq(raft_one_count(ack(r, 2, 2), RAFT_MSG_APPEND), 1);
    for (uint64_t prev = 3; prev <= 8; prev++)
        cr_assert_eq(refuse(r, 2, prev, 1, 1)->msgs_count, 0,
                     "these are still of the first window");
    ready = ack(r, 2, 3);
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_APPEND), 2, "one more for each acknowledgement");
    struct raft_msg m = raft_one_ack(2, r, 3);
    m.granted = false;
    m.last.index = 4;
    m.conflict_term = 1;
    m.round = round;
    cr_assert_eq(raft_one_count(raft_step(r, NOW, 0, &m), RAFT_MSG_APPEND), 1, "this is news");
    raft_destroy(r);
}

Test(raft_5_3, who_does_not_answer_gets_one_append_and_then_empty_ones)
{
    struct raft *r = leader(3, NULL);
    propose(r, 5);
    cr_assert_eq(raft_one_count(raft_flush(r, NOW), RAFT_MSG_APPEND), 0);
    const struct raft_ready *ready = raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0);
    cr_assert_eq(raft_one_count(ready, RAFT_MSG_APPEND), 2);
    cr_assert_eq(raft_one_find(ready, RAFT_MSG_APPEND, 2)->entries_count, 0);
    raft_destroy(r);
}

Test(raft_5_3, a_lost_append_is_found_by_the_next_heartbeat)
{
    struct raft *r = leader(3, NULL);
    ack(r, 2, 1);
    propose(r, 2);
    raft_flush(r, NOW); /* lost */
    const struct raft_ready *ready = raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(m->last.index == 3 && m->entries_count == 0);
    ready = refuse(r, 2, 3, 1, 1);
    m = raft_one_find(ready, RAFT_MSG_APPEND, 2);
    cr_assert(m->last.index == 1 && m->entries_count == 2);
    raft_destroy(r);
}

Test(raft_5_3, entries_that_left_memory_are_read_back_for_a_follower)
{
    struct raft_options o = raft_one_options();
    o.cache_bytes_max = 0;
    struct raft *r = leader(3, &o);
    ack(r, 2, 1);
    propose(r, 3);
    raft_one_store(r, NOW);
    const struct raft_ready *ready = raft_on_deadline(r, NOW + ONE_HEARTBEAT_US, 0);
    ready = refuse(r, 2, 1, 0, 0);
    cr_assert_eq(ready->msgs_count, 0, "settled long ago");
    ready = refuse(r, 3, 0, 0, 0);
    cr_assert_eq(ready->fetches_count, 0, "nothing lies before the first entry");
    struct raft_member_progress progress;
    raft_member_progress(r, 3, &progress);
    cr_assert_eq(progress.match, 0);
    ready = ack(r, 3, 0);
    cr_assert_eq(ready->fetches_count, 1);
    cr_assert_eq(ready->fetches[0].first, 1);
    const struct raft_entry entries[] = {
        { .pos = { 1, 1 }, .kind = RAFT_ENTRY_NOOP },
        { .pos = { 1, 2 }, .kind = RAFT_ENTRY_DATA, .payload = { "x", 1 } },
    };
    ready = raft_on_fetched(r, NOW, entries, 2);
    const struct raft_msg *m = raft_one_find(ready, RAFT_MSG_APPEND, 3);
    cr_assert(m->last.index == 0 && m->entries_count == 2 && m->entries == entries);
    cr_assert_eq(ready->fetches[0].first, 3, "and the rest is asked for");
    raft_destroy(r);
}

Test(raft_5_3, a_fetch_that_a_cut_overtook_is_not_believed)
{
    struct raft_options o = raft_one_options();
    o.cache_bytes_max = 0;
    struct raft *r = leader(3, &o);
    ack(r, 3, 0);
    const struct raft_entry other = { .pos = { 9, 1 }, .kind = RAFT_ENTRY_NOOP };
    cr_assert_null(raft_one_find(raft_on_fetched(r, NOW, &other, 1), RAFT_MSG_APPEND, 3));
    raft_destroy(r);
}

Test(raft_5_3, a_leader_cannot_be_fed)
{
    struct raft *r = leader(3, NULL);
    const struct raft_ready *ready =
        raft_step(r, NOW, 0, raft_one_append(2, 1, raft_term(r), (struct raft_pos){ 0 }, 1, 1, 1));
    cr_assert_eq(ready->msgs_count, 0);
    cr_assert_eq(raft_state(r), RAFT_LEADER);
    cr_assert_eq(raft_odd_count(r), 1);
    cr_assert_not(raft_has_diverged(r));
    raft_destroy(r);
}

Test(raft_5_3, a_full_tail_is_busy)
{
    struct raft_options o = raft_one_options();
    o.unsynced_bytes_max = 200;
    struct raft *r = leader(3, &o);
    struct raft_pos pos;
    int err = OK;
    for (int i = 0; i < 10 && err == OK; i++)
        err = raft_propose(r, "x", 1, &pos);
    cr_assert_eq(err, ERR_BUSY);
    raft_one_store(r, NOW);
    cr_assert_eq(raft_propose(r, "x", 1, &pos), OK);
    static char big[LIMIT_ENTRY_BYTES + 1];
    cr_assert_eq(raft_propose(r, big, sizeof(big), &pos), ERR_TOO_BIG);
    raft_destroy(r);
}

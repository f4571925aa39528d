#include <criterion/criterion.h>

#include "tests/lib/checks_alone.h"

TestSuite(sim_check, .timeout = 60);

static void config(unsigned who, unsigned voters)
{
    tell_config(who, 1, voters, voters);
}

static void append(unsigned who, uint64_t index, uint64_t term, uint64_t hash)
{
    tell(who, (struct peer_fact){
                  .kind = PEER_FACT_APPEND, .index = index, .term = term, .hash = hash });
}

static void cut(unsigned who, uint64_t index)
{
    tell(who, (struct peer_fact){ .kind = PEER_FACT_CUT, .index = index });
}

static void stored(unsigned who, uint64_t index, uint64_t term, uint64_t vote)
{
    tell(who, (struct peer_fact){
                  .kind = PEER_FACT_STORED, .index = index, .term = term, .voted_for = vote });
}

static void woke(unsigned who, uint64_t index, uint64_t last_term, uint64_t term, uint64_t vote)
{
    checks_on_start(checks, who);
    tell(who, (struct peer_fact){ .kind = PEER_FACT_WOKE,
                                  .index = index,
                                  .last_term = last_term,
                                  .term = term,
                                  .voted_for = vote });
}

static void commit(unsigned who, uint64_t index)
{
    tell(who, (struct peer_fact){ .kind = PEER_FACT_COMMIT, .index = index });
}

static void apply(unsigned who, uint64_t index, uint64_t term, uint64_t hash, uint64_t state)
{
    tell(who, (struct peer_fact){ .kind = PEER_FACT_APPLY,
                                  .index = index,
                                  .term = term,
                                  .hash = hash,
                                  .state_hash = { state, state } });
}

static void base(unsigned who, uint64_t index, uint64_t term)
{
    tell(who, (struct peer_fact){ .kind = PEER_FACT_BASE, .index = index, .term = term });
}

static void install(unsigned who, uint64_t index, uint64_t state)
{
    tell(who, (struct peer_fact){
                  .kind = PEER_FACT_INSTALL, .index = index, .state_hash = { state, state } });
}

/* With a state up to entry `applied`, as begin_with_a_leader() has it. */
static void woke_behind(unsigned who, uint64_t begins, uint64_t index, uint64_t last_term,
                        uint64_t applied)
{
    static const uint64_t states[] = { 0, 5, 7 };
    checks_on_start(checks, who);
    tell(who, (struct peer_fact){ .kind = PEER_FACT_WOKE,
                                  .base = begins,
                                  .index = index,
                                  .last_term = last_term,
                                  .term = 2,
                                  .voted_for = 1,
                                  .applied = applied,
                                  .state_hash = { states[applied], states[applied] } });
}

static void keeps(unsigned who, uint64_t index)
{
    tell(who, (struct peer_fact){ .kind = PEER_FACT_KEPT, .index = index });
}

/* Three founders, entry 1 in each log, nothing else. */
static void begin(void)
{
    begin_checks(5, NULL);
    for (unsigned who = 1; who <= 3; who++) {
        checks_on_start(checks, who);
        append(who, 1, 1, 100);
        woke(who, 1, 1, 1, 0);
        config(who, 3);
    }
}

/* Peer 1 leads in term 2 and has committed entry 2 with peer 2. */
static void begin_with_a_leader(void)
{
    begin();
    stored(1, 1, 2, 1);
    leads(1, 2);
    append(1, 2, 2, 200);
    append(2, 2, 2, 200);
    stored(1, 2, 2, 1);
    stored(2, 2, 2, 1);
    commit(1, 2);
    apply(1, 1, 1, 100, 5);
    apply(1, 2, 2, 200, 7);
    commit(2, 2);
    apply(2, 1, 1, 100, 5);
    apply(2, 2, 2, 200, 7);
    expect_nothing();
}

Test(sim_check, a_good_run_is_good)
{
    begin_with_a_leader();
    append(3, 2, 2, 200);
    stored(3, 2, 2, 1);
    commit(3, 2);
    apply(3, 1, 1, 100, 5);
    apply(3, 2, 2, 200, 7);
    /* A crash with a unit in flight: gone, or there. */
    append(2, 3, 2, 300);
    woke(2, 2, 2, 2, 1);
    append(2, 3, 2, 300);
    woke(2, 3, 2, 2, 1);
    /* Another leader's cut in flight: gone, or there. */
    cut(2, 3);
    append(2, 3, 3, 301);
    woke(2, 3, 2, 3, 0);
    cut(2, 3);
    append(2, 3, 3, 301);
    woke(2, 3, 3, 3, 0);
    end_seeing("");
}

Test(sim_check, a_snapshot_in_the_place_of_a_log)
{
    begin_with_a_leader();
    /* In flight: gone, or there. */
    cut(3, 1);
    base(3, 2, 2);
    woke_behind(3, 0, 1, 1, 0);
    cut(3, 1);
    base(3, 2, 2);
    woke_behind(3, 2, 2, 2, 2);
    /* The log goes on from there. */
    append(3, 3, 2, 300);
    append(1, 3, 2, 300);
    stored(3, 3, 2, 1);
    stored(1, 3, 2, 1);
    commit(1, 3);
    commit(3, 3);
    apply(3, 3, 2, 300, 9);
    end_seeing("");
}

Test(sim_check, a_snapshot_without_a_crash)
{
    begin_with_a_leader();
    cut(3, 1);
    base(3, 2, 2);
    commit(3, 2);
    stored(3, 2, 2, 0);
    install(3, 2, 7);
    cr_assert(checks_has_installed(checks, 3));
    end_seeing("");
}

Test(sim_check, a_snapshot_with_another_state)
{
    begin_with_a_leader();
    cut(3, 1);
    base(3, 2, 2);
    install(3, 2, 8);
    end_seeing("state machine safety");
}

Test(sim_check, a_snapshot_that_takes_a_state_back)
{
    begin_with_a_leader();
    install(2, 1, 5);
    end_seeing("log beginning");
}

Test(sim_check, a_log_that_goes_on_from_another_past_than_the_snapshots)
{
    begin_with_a_leader();
    append(1, 3, 2, 300);
    cut(3, 1);
    base(3, 2, 2);
    append(3, 3, 2, 999);
    end_seeing("log matching");
}

Test(sim_check, a_log_that_begins_behind_what_is_not_committed)
{
    begin_with_a_leader();
    append(1, 3, 2, 300);
    base(1, 3, 2);
    end_seeing("log beginning");
}

Test(sim_check, a_log_trimmed_beyond_the_state)
{
    begin_with_a_leader();
    base(2, 2, 2);
    stored(2, 2, 2, 1);
    woke_behind(2, 2, 2, 2, 1);
    end_seeing("log beginning");
}

Test(sim_check, two_leaders_of_one_term)
{
    begin_with_a_leader();
    leads(3, 2);
    end_seeing("election safety");
}

Test(sim_check, a_leader_of_one_term_in_two_lives)
{
    begin_with_a_leader();
    woke(1, 2, 2, 2, 1);
    leads(1, 2);
    end_seeing("election safety");
}

Test(sim_check, equal_index_and_term_with_another_past)
{
    begin_with_a_leader();
    append(3, 2, 1, 999);
    append(3, 3, 2, 300);
    append(1, 3, 2, 300);
    end_seeing("log matching");
}

Test(sim_check, a_gap_in_a_log)
{
    begin_with_a_leader();
    append(2, 4, 2, 300);
    end_seeing("log order");
}

Test(sim_check, a_leader_that_lacks_what_is_committed)
{
    begin_with_a_leader();
    stored(3, 1, 3, 3);
    leads(3, 3);
    append(3, 2, 3, 201);
    end_seeing("leader completeness");
}

Test(sim_check, a_leader_that_stood_still_lacks_what_came_after_its_term)
{
    begin();
    stored(3, 1, 2, 3);
    stored(1, 1, 3, 1);
    leads(1, 3);
    append(1, 2, 3, 200);
    append(2, 2, 3, 200);
    stored(1, 2, 3, 1);
    stored(2, 2, 3, 1);
    commit(1, 2);
    leads(3, 2);
    append(3, 2, 2, 199);
    end_seeing("");
}

/* Entry 3, of term 2, waited for the leader of term 4 to commit it; the one of term 3, late, need not have it. */
Test(sim_check, a_late_leader_lacks_what_a_later_one_committed)
{
    begin_with_a_leader();
    append(1, 3, 2, 300);
    append(2, 3, 2, 300);
    stored(1, 3, 4, 1);
    stored(2, 3, 4, 1);
    leads(1, 4);
    append(1, 4, 4, 400);
    append(2, 4, 4, 400);
    stored(1, 4, 4, 1);
    stored(2, 4, 4, 1);
    commit(1, 4);
    append(3, 2, 2, 200);
    stored(3, 2, 3, 3);
    leads(3, 3);
    append(3, 3, 3, 301);
    end_seeing("");
}

Test(sim_check, committed_on_one_disk)
{
    begin();
    leads(1, 2);
    append(1, 2, 2, 200);
    append(2, 2, 2, 200);
    stored(1, 2, 2, 1);
    commit(1, 2);
    end_seeing("commit quorum");
}

Test(sim_check, what_a_lost_disk_had_acknowledged_counts_and_no_more)
{
    begin();
    leads(1, 2);
    append(1, 2, 2, 200);
    append(2, 2, 2, 200);
    append(1, 3, 2, 300);
    stored(1, 3, 2, 1);
    stored(2, 2, 2, 1);
    checks_on_wipe(checks, 2);
    commit(1, 2);
    expect_nothing();
    commit(1, 3);
    end_seeing("commit quorum");
}

Test(sim_check, committed_by_counting_an_old_term)
{
    begin_with_a_leader();
    append(1, 3, 2, 300);
    append(2, 3, 2, 300);
    stored(1, 3, 2, 1);
    stored(2, 3, 2, 1);
    leads(1, 4);
    commit(1, 3);
    end_seeing("commit quorum");
}

Test(sim_check, committed_by_followers_before_the_leaders_own_disk)
{
    begin();
    leads(1, 2);
    append(2, 2, 2, 200);
    append(3, 2, 2, 200);
    stored(2, 2, 2, 1);
    stored(3, 2, 2, 1);
    commit(1, 2);
    end_seeing("");
}

Test(sim_check, a_learner_does_not_count)
{
    begin();
    struct peer_fact_member members[3] = { { .number = 1, .is_voter = true, .id = ids[1] },
                                           { .number = 2, .is_voter = false, .id = ids[2] },
                                           { .number = 3, .is_voter = true, .id = ids[3] } };
    tell(1, (struct peer_fact){
                .kind = PEER_FACT_CONFIG, .index = 1, .members = members, .members_count = 3 });
    leads(1, 2);
    append(1, 2, 2, 200);
    append(2, 2, 2, 200);
    stored(1, 2, 2, 1);
    stored(2, 2, 2, 1);
    commit(1, 2);
    end_seeing("commit quorum");
}

Test(sim_check, another_entry_committed_at_an_index)
{
    begin_with_a_leader();
    append(3, 2, 1, 999);
    stored(3, 2, 3, 3);
    leads(3, 3);
    commit(3, 2);
    end_seeing("commit quorum");
}

Test(sim_check, another_entry_applied_at_an_index)
{
    begin_with_a_leader();
    append(3, 2, 1, 999);
    stored(3, 2, 2, 0);
    commit(3, 2);
    apply(3, 1, 1, 100, 5);
    apply(3, 2, 1, 999, 7);
    end_seeing("state machine safety");
}

Test(sim_check, another_state_after_an_entry)
{
    begin_with_a_leader();
    append(3, 2, 2, 200);
    stored(3, 2, 2, 1);
    commit(3, 2);
    apply(3, 1, 1, 100, 5);
    apply(3, 2, 2, 200, 8);
    end_seeing("state machine safety");
}

Test(sim_check, an_entry_left_out_when_applying)
{
    begin_with_a_leader();
    append(1, 3, 2, 300);
    append(1, 4, 2, 400);
    append(2, 3, 2, 300);
    append(2, 4, 2, 400);
    stored(1, 4, 2, 1);
    stored(2, 4, 2, 1);
    commit(1, 4);
    apply(1, 4, 2, 400, 9);
    end_seeing("monotony");
}

Test(sim_check, a_vote_that_changes)
{
    begin_with_a_leader();
    stored(2, 2, 2, 3);
    end_seeing("monotony");
}

Test(sim_check, an_acknowledged_entry_missing_after_a_crash)
{
    begin_with_a_leader();
    woke(2, 1, 1, 2, 1);
    end_seeing("durable log");
}

/* A cut was decided, and never handed to the disk: there was no memory for it. */
Test(sim_check, a_cut_that_was_not_written)
{
    begin_with_a_leader();
    append(2, 3, 2, 300);
    stored(2, 3, 2, 1);
    stored(2, 2, 3, 0);
    cut(2, 3);
    append(2, 3, 3, 301);
    woke(2, 3, 2, 3, 0);
    end_seeing("");
}

Test(sim_check, a_vote_forgotten_in_a_crash)
{
    begin_with_a_leader();
    woke(2, 2, 2, 2, 0);
    end_seeing("durable log");
}

Test(sim_check, an_entry_of_another_term_after_a_crash)
{
    begin_with_a_leader();
    checks_on_start(checks, 2);
    struct raft_term_run runs[] = { { .term = 2, .first = 1 } };
    tell(2, (struct peer_fact){ .kind = PEER_FACT_WOKE,
                                .index = 2,
                                .last_term = 2,
                                .runs = runs,
                                .runs_count = 1,
                                .term = 2,
                                .voted_for = 1 });
    end_seeing("durable log");
}

Test(sim_check, rows_that_were_durable_are_missing_after_a_crash)
{
    begin_with_a_leader();
    keeps(1, 1);
    woke_behind(1, 0, 2, 2, 1);
    expect_nothing();
    keeps(1, 2);
    woke_behind(1, 0, 2, 2, 1);
    end_seeing("durable log");
}

Test(sim_check, another_state_after_a_crash)
{
    begin_with_a_leader();
    checks_on_start(checks, 1);
    tell(1, (struct peer_fact){ .kind = PEER_FACT_WOKE,
                                .index = 2,
                                .last_term = 2,
                                .term = 2,
                                .voted_for = 1,
                                .applied = 2,
                                .state_hash = { 7, 8 } });
    end_seeing("durable log");
}

Test(sim_check, half_a_unit_after_a_crash)
{
    begin_with_a_leader();
    append(2, 3, 2, 300);
    append(2, 4, 2, 400);
    woke(2, 3, 2, 2, 1);
    end_seeing("durable log");
}

/* ---- promises ---- */

static struct cid cid_of(uint8_t n)
{
    uint8_t bytes[36] = { 1, 0x55, 0x12, 32, n };
    struct cid cid;
    cr_assert_eq(cid_from_bytes(&cid, bytes, sizeof(bytes)), 0);
    return cid;
}

static bool audit(bool is_pinned)
{
    struct listing_row row = { .cid = cid_of(1) };
    struct listing state = { .rows = &row, .count = is_pinned };
    struct buf why = { 0 };
    bool fits = checks_audit(checks, &state, &why);
    buf_deinit(&why);
    return fits;
}

static uint64_t call(enum promise_kind kind)
{
    struct cid cid = cid_of(1);
    return checks_on_call(checks, kind, &cid);
}

Test(sim_check, an_acknowledged_pin_is_there)
{
    begin();
    checks_on_return(checks, call(PROMISE_PIN), PROMISE_KEPT);
    cr_assert(audit(true));
    cr_assert_not(audit(false));
    end_seeing("promises");
}

Test(sim_check, an_unknown_outcome_may_be_either_and_late)
{
    begin();
    checks_on_return(checks, call(PROMISE_UNPIN), PROMISE_UNKNOWN);
    checks_on_return(checks, call(PROMISE_PIN), PROMISE_KEPT);
    cr_assert(audit(true));
    cr_assert(audit(false));
    end_seeing("");
}

Test(sim_check, writes_at_the_same_time_may_be_in_any_order)
{
    begin();
    uint64_t pin = call(PROMISE_PIN), unpin = call(PROMISE_UNPIN);
    checks_on_return(checks, unpin, PROMISE_KEPT);
    checks_on_return(checks, pin, PROMISE_KEPT);
    cr_assert(audit(true));
    cr_assert(audit(false));
    checks_on_return(checks, call(PROMISE_UNPIN), PROMISE_KEPT);
    cr_assert(audit(false));
    cr_assert_not(audit(true));
    end_seeing("promises");
}

Test(sim_check, an_expiry_is_taken_over_by_an_update)
{
    begin();
    struct cid cid = cid_of(1), other = cid_of(2);
    checks_on_return(checks, call(PROMISE_PIN_THAT_EXPIRES), PROMISE_KEPT);
    cr_assert_eq(checks_kind_of_pin(checks, false, NULL), PROMISE_PIN);
    cr_assert_eq(checks_kind_of_pin(checks, true, NULL), PROMISE_PIN_THAT_EXPIRES);
    cr_assert_eq(checks_kind_of_pin(checks, false, &other), PROMISE_PIN);
    cr_assert_eq(checks_kind_of_pin(checks, false, &cid), PROMISE_PIN_THAT_EXPIRES);
    end_seeing("");
}

Test(sim_check, a_refused_write_must_not_happen)
{
    begin();
    checks_on_return(checks, call(PROMISE_PIN), PROMISE_REFUSED);
    cr_assert(audit(false));
    cr_assert_not(audit(true));
    end_seeing("promises");
}

Test(sim_check, a_pin_that_nobody_asked_for)
{
    begin();
    cr_assert_not(audit(true));
    end_seeing("promises");
}

/* ---- what clients saw ---- */

static uint64_t ask(enum seen_kind kind, unsigned who, uint64_t value)
{
    struct cid cid = cid_of(1);
    return checks_on_ask(checks, kind, who, &cid, value);
}

static void write_of(uint64_t value, enum promise_outcome outcome)
{
    checks_on_answer(checks, ask(SEEN_WRITE, 1, value), outcome, value, 0);
}

static void read_at(enum seen_kind kind, unsigned who, uint64_t value, uint64_t index)
{
    checks_on_answer(checks, ask(kind, who, 0), PROMISE_KEPT, value, index);
}

Test(sim_check, a_consistent_read_of_the_past)
{
    begin();
    write_of(7, PROMISE_KEPT);
    read_at(SEEN_READ, 2, 7, 10);
    write_of(8, PROMISE_KEPT);
    read_at(SEEN_READ, 3, 7, 10);
    end_seeing("linearizable");
}

Test(sim_check, a_write_that_was_applied_again)
{
    begin();
    write_of(7, PROMISE_UNKNOWN);
    read_at(SEEN_READ, 2, 7, 10);
    write_of(8, PROMISE_KEPT);
    read_at(SEEN_READ, 2, 7, 12);
    end_seeing("linearizable");
}

Test(sim_check, a_local_read_may_be_old_but_does_not_go_back)
{
    begin();
    write_of(7, PROMISE_KEPT);
    read_at(SEEN_LOCAL_READ, 2, 0, 9);
    read_at(SEEN_LOCAL_READ, 2, 7, 10);
    read_at(SEEN_LOCAL_READ, 3, 0, 9);
    checks_on_start(checks, 2);
    read_at(SEEN_LOCAL_READ, 2, 0, 9);
    read_at(SEEN_LOCAL_READ, 3, 0, 8);
    end_seeing("monotone reads");
}

Test(sim_check, too_much_at_once_is_not_judged_and_said)
{
    begin();
    for (uint64_t i = 1; i <= 100; i++)
        (void)ask(SEEN_WRITE, 1, i);
    /* None of them is answered, so each may happen, or not: until that is known nothing can be judged. */
    uint64_t last = 0;
    for (uint64_t i = 101; i <= 200; i++) {
        last = ask(SEEN_WRITE, 1, i);
        checks_on_answer(checks, last, PROMISE_UNKNOWN, 0, 0);
    }
    cr_assert_eq(checks_counts(checks).unjudged, 0, "it waits for the first hundred");
    for (uint64_t call = 1; call <= 100; call++)
        checks_on_answer(checks, call, PROMISE_UNKNOWN, 0, 0);
    cr_assert_eq(checks_counts(checks).unjudged, 1);
    expect_nothing();
    checks_destroy(checks);
}

/* ---- who belongs ---- */

static void config_of(unsigned who, uint64_t index, const unsigned *voters, size_t count)
{
    struct peer_fact_member members[5];
    for (size_t i = 0; i < count; i++)
        members[i] = (struct peer_fact_member){ .number = voters[i],
                                                .is_voter = true,
                                                .id = ids[voters[i]] };
    tell(who, (struct peer_fact){ .kind = PEER_FACT_CONFIG,
                                  .index = index,
                                  .members = members,
                                  .members_count = count });
}

Test(sim_check, two_voters_in_one_step)
{
    begin_with_a_leader();
    config_of(1, 3, (unsigned[]){ 1, 2, 3, 4, 5 }, 5);
    end_seeing("configuration");
}

Test(sim_check, a_change_before_the_last_one_is_committed)
{
    begin_with_a_leader();
    config_of(1, 3, (unsigned[]){ 1, 2, 3, 4 }, 4);
    expect_nothing();
    config_of(1, 4, (unsigned[]){ 1, 2, 3, 4, 5 }, 5);
    end_seeing("configuration");
}

Test(sim_check, one_that_does_not_vote_is_elected)
{
    begin_with_a_leader();
    config_of(2, 3, (unsigned[]){ 1, 3 }, 2);
    leads(2, 3);
    expect_nothing(); /* its removal is not committed: it may still be needed */
    config_of(2, 2, (unsigned[]){ 1, 3 }, 2);
    leads(2, 4);
    end_seeing("membership");
}

Test(sim_check, a_list_of_peers_with_somebody_who_was_removed)
{
    begin_with_a_leader();
    struct buf why = { 0 };
    struct peer_address others[] = { { .id = ids[1] }, { .id = ids[3] }, { .id = ids[4] } };
    cr_assert(checks_audit_list(checks, 2, others, 2, 0x1f, &why), "%s", buf_text(&why));
    cr_assert_not(checks_audit_list(checks, 2, others, 3, 0x1f, &why));
    cr_assert_not(checks_audit_list(checks, 2, others, 1, 0x1f, &why));
    cr_assert(checks_audit_list(checks, 2, others, 1, 0x03, &why), "3 does not run");
    buf_deinit(&why);
    checks_destroy(checks);
}

Test(sim_check, one_pin_moved_over_and_over)
{
    begin_with_a_leader();
    for (int i = 0; i < 41; i++) {
        expect_nothing();
        tell(1, (struct peer_fact){ .kind = PEER_FACT_PROPOSE_REPIN, .cid = cid_of(1) });
    }
    end_seeing("storms");
}

static bool audit_row(struct listing_row row)
{
    struct listing state = { .rows = &row, .count = 1 };
    struct buf why = { 0 };
    row.cid = cid_of(1);
    checks_on_return(checks, checks_on_call(checks, PROMISE_PIN, &row.cid), PROMISE_KEPT);
    bool fine = checks_audit(checks, &state, &why);
    buf_deinit(&why);
    return fine;
}

Test(sim_check, an_entry_with_holders_that_may_not_be)
{
    begin_with_a_leader();
    struct peer_id holders[] = { ids[1], ids[3], ids[2], ids[1] };
    struct peer_fact fact = { .kind = PEER_FACT_PIN,
                              .index = 3,
                              .cid = cid_of(1),
                              .factor_min = 2,
                              .factor_max = 3,
                              .holders = holders,
                              .holders_count = 3 };
    tell(1, fact);
    expect_nothing();
    fact.factor_max = 2;
    tell(1, fact);
    end_seeing("allocations");
}

Test(sim_check, a_holder_that_stays_and_is_no_member)
{
    begin_with_a_leader();
    struct listing_row row = {
        .factor_min = 2, .factor_max = 2, .holders_count = 2, .holders = { ids[1], ids[4] }
    };
    cr_assert_not(audit_row(row));
    seen.now_us += 9 * 1000 * 1000;
    cr_assert_not(audit_row(row));
    expect_nothing();
    seen.now_us += 2 * 1000 * 1000;
    cr_assert_not(audit_row(row));
    end_seeing("allocations");
}

/* As long as repair may take for what there is, at its pace. */
Test(sim_check, a_holder_that_is_no_member_while_repair_takes_its_time)
{
    struct checks_health health = { .is_watched = true, .repairs_per_second = 0 };
    begin_with_a_leader();
    struct listing_row row = {
        .factor_min = 2, .factor_max = 2, .holders_count = 2, .holders = { ids[1], ids[4] }
    };
    checks_on_health(checks, &health); /* told in bytes */
    cr_assert_not(audit_row(row));
    seen.now_us += 100 * 1000 * 1000;
    cr_assert_not(audit_row(row));
    expect_nothing();
    health.repairs_per_second = 1;
    checks_on_health(checks, &health);
    cr_assert_not(audit_row(row));
    end_seeing("allocations");
}

Test(sim_check, holders_that_may_not_be)
{
    static const struct {
        int factor;
        size_t count;
        unsigned holders[3];
    } wrong[] = { { 2, 3, { 1, 2, 3 } }, { 2, 2, { 1, 1 } }, { -1, 1, { 1 } } };
    begin_with_a_leader();
    cr_assert(audit_row((struct listing_row){
        .factor_min = 2, .factor_max = 2, .holders_count = 2, .holders = { ids[1], ids[3] } }));
    checks_destroy(checks);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        begin_with_a_leader();
        struct listing_row row = { .factor_min = wrong[i].factor,
                                   .factor_max = wrong[i].factor,
                                   .holders_count = wrong[i].count };
        for (size_t k = 0; k < wrong[i].count; k++)
            row.holders[k] = ids[wrong[i].holders[k]];
        cr_assert_not(audit_row(row));
        end_seeing("allocations");
    }
}

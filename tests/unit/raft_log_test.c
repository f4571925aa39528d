#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "raft/raft_log.h"
#include "tests/lib/raft_one.h"
#include "util/err.h"
#include "util/limits.h"

TestSuite(raft_log, .timeout = 60);

static struct raft_options small_options(size_t cache, size_t unsynced)
{
    struct raft_options o = raft_one_options();
    o.cache_bytes_max = cache;
    o.unsynced_bytes_max = unsynced;
    return o;
}

static void log_init(struct raft_log *log, size_t cache, size_t unsynced)
{
    struct raft_options o = small_options(cache, unsynced);
    cr_assert_eq(raft_log_init(log, &o, (struct raft_pos){ 0 }, 0, NULL, 0), OK);
}

/* The payload of entry `index` of `term` says which one it is. */
static int log_add(struct raft_log *log, uint64_t term, size_t len)
{
    static uint8_t bytes[LIMIT_ENTRY_BYTES];
    memset(bytes, (int)(log->last + 1 + 31 * term), len);
    return raft_log_append(log, term, RAFT_ENTRY_DATA, (struct bytes){ bytes, len }, false);
}

static void log_expect(const struct raft_log *log, uint64_t index)
{
    const struct raft_entry *e = raft_log_get(log, index);
    cr_assert_not_null(e);
    cr_assert_eq(e->pos.index, index);
    const uint8_t *bytes = e->payload.data;
    for (size_t i = 0; i < e->payload.len; i++)
        cr_assert_eq(bytes[i], (uint8_t)(index + 31 * e->pos.term));
}

Test(raft_log, starts_empty_and_knows_what_is_before_everything)
{
    struct raft_log log;
    log_init(&log, 4096, 4096);
    cr_assert_eq(log.last, 0);
    cr_assert_eq(raft_log_term_at(&log, 0), 0);
    cr_assert_eq(raft_log_term_at(&log, 1), 0);
    cr_assert_null(raft_log_get(&log, 1));
    raft_log_check(&log);
    raft_log_deinit(&log);
}

Test(raft_log, terms_are_known_for_entries_that_left_memory)
{
    const struct raft_term_run runs[] = { { 2, 11 }, { 5, 14 }, { 9, 15 } };
    struct raft_options o = small_options(4096, 4096);
    struct raft_log log;
    cr_assert_eq(raft_log_init(&log, &o, (struct raft_pos){ 2, 10 }, 20, runs, 3), OK);
    raft_log_check(&log);
    const uint64_t terms[] = { 2, 2, 2, 2, 5, 9, 9, 9, 9, 9, 9 };
    for (uint64_t i = 10; i <= 20; i++)
        cr_assert_eq(raft_log_term_at(&log, i), terms[i - 10]);
    cr_assert_eq(raft_log_term_at(&log, 9), 0);
    cr_assert_eq(raft_log_term_at(&log, 21), 0);
    cr_assert_null(raft_log_get(&log, 20));
    cr_assert_eq(raft_log_last(&log).term, 9);
    raft_log_deinit(&log);
}

Test(raft_log, back_to_term_skips_whole_terms)
{
    const struct raft_term_run runs[] = { { 2, 11 }, { 5, 14 }, { 9, 15 } };
    struct raft_options o = small_options(4096, 4096);
    struct raft_log log;
    cr_assert_eq(raft_log_init(&log, &o, (struct raft_pos){ 1, 10 }, 20, runs, 3), OK);
    struct raft_pos pos = raft_log_back_to_term(&log, 20, 8);
    cr_assert(pos.index == 14 && pos.term == 5);
    pos = raft_log_back_to_term(&log, 20, 4);
    cr_assert(pos.index == 13 && pos.term == 2);
    pos = raft_log_back_to_term(&log, 20, 1);
    cr_assert(pos.index == 10 && pos.term == 1, "the base is equal in every log");
    pos = raft_log_back_to_term(&log, 17, 9);
    cr_assert(pos.index == 17 && pos.term == 9);
    raft_log_deinit(&log);
}

Test(raft_log, the_cache_lets_go_of_stored_entries_only)
{
    struct raft_log log;
    log_init(&log, 4 * 200, 64 * 1024);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(log_add(&log, 1, 100), OK);
    cr_assert_eq(log.first, 1, "nothing is stored, nothing may go");
    raft_log_set_stored(&log, 15);
    raft_log_check(&log);
    cr_assert_gt(log.first, 5);
    cr_assert_leq(log.cached_bytes, log.cached_bytes_max);
    for (uint64_t i = log.first; i <= 20; i++)
        log_expect(&log, i);
    raft_log_set_stored(&log, 20);
    cr_assert_eq(raft_log_term_at(&log, 1), 1);
    raft_log_deinit(&log);
}

Test(raft_log, a_full_tail_is_busy_but_one_entry_always_goes)
{
    struct raft_log log;
    log_init(&log, 0, 1000);
    cr_assert_eq(log_add(&log, 1, 5000), OK);
    cr_assert_eq(log_add(&log, 1, 1), ERR_BUSY);
    cr_assert_eq(raft_log_append(&log, 1, RAFT_ENTRY_NOOP, (struct bytes){ 0 }, true), OK,
                 "the reserve");
    raft_log_set_stored(&log, 2);
    cr_assert_eq(log.count, 0);
    cr_assert_eq(log_add(&log, 1, LIMIT_ENTRY_BYTES), OK);
    raft_log_check(&log);
    raft_log_deinit(&log);
}

Test(raft_log, truncate_forgets_entries_and_terms)
{
    struct raft_log log;
    log_init(&log, 64 * 1024, 64 * 1024);
    for (uint64_t i = 1; i <= 9; i++)
        cr_assert_eq(log_add(&log, (i + 2) / 3, 10), OK);
    raft_log_set_stored(&log, 6);
    raft_log_truncate(&log, 5);
    raft_log_check(&log);
    cr_assert_eq(log.last, 4);
    cr_assert_eq(log.stored, 4);
    cr_assert_eq(raft_log_last(&log).term, 2);
    cr_assert_eq(log_add(&log, 4, 10), OK);
    log_expect(&log, 5);
    log_expect(&log, 4);
    raft_log_deinit(&log);
}

Test(raft_log, truncate_below_the_cache)
{
    const struct raft_term_run runs[] = { { 1, 1 }, { 2, 6 } };
    struct raft_options o = small_options(4096, 4096);
    struct raft_log log;
    cr_assert_eq(raft_log_init(&log, &o, (struct raft_pos){ 0 }, 10, runs, 2), OK);
    cr_assert_eq(log_add(&log, 2, 10), OK);
    raft_log_truncate(&log, 4);
    raft_log_check(&log);
    cr_assert_eq(log.last, 3);
    cr_assert_eq(log_add(&log, 3, 10), OK);
    raft_log_check(&log);
    log_expect(&log, 4);
    cr_assert_eq(raft_log_term_at(&log, 3), 1);
    raft_log_deinit(&log);
}

Test(raft_log, trim_moves_the_beginning)
{
    struct raft_log log;
    log_init(&log, 64 * 1024, 64 * 1024);
    for (uint64_t i = 1; i <= 9; i++)
        cr_assert_eq(log_add(&log, (i + 2) / 3, 10), OK);
    raft_log_set_stored(&log, 9);
    raft_log_trim(&log, 5);
    raft_log_check(&log);
    cr_assert_eq(log.base.term, 2);
    cr_assert_eq(raft_log_term_at(&log, 5), 2);
    cr_assert_eq(raft_log_term_at(&log, 4), 0);
    cr_assert_eq(log.first, 6);
    raft_log_trim(&log, 9);
    raft_log_check(&log);
    cr_assert_eq(raft_log_last(&log).term, 3, "an empty log still knows the last term");
    cr_assert_eq(log_add(&log, 3, 10), OK);
    raft_log_check(&log);
    raft_log_deinit(&log);
}

Test(raft_log, reset_begins_anew_behind_a_snapshot)
{
    struct raft_log log;
    log_init(&log, 64 * 1024, 64 * 1024);
    for (uint64_t i = 1; i <= 9; i++)
        cr_assert_eq(log_add(&log, 1, 10), OK);
    raft_log_set_stored(&log, 4);
    raft_log_reset(&log, (struct raft_pos){ 7, 50 }, 4);
    raft_log_check(&log);
    cr_assert_eq(raft_log_last(&log).index, 50);
    cr_assert_eq(raft_log_last(&log).term, 7);
    cr_assert_eq(log_add(&log, 8, 10), OK);
    raft_log_set_stored(&log, 51);
    raft_log_check(&log);
    log_expect(&log, 51);
    raft_log_deinit(&log);
}

Test(raft_log, a_slice_ends_at_the_first_entry_that_does_not_fit)
{
    struct raft_log log;
    log_init(&log, 64 * 1024, 64 * 1024);
    const size_t lens[] = { 10, 10, 500, 10, 10 };
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(log_add(&log, 1, lens[i]), OK);
    size_t count = 0;
    cr_assert_not_null(raft_log_slice(&log, 1, 5, 100, 64, &count));
    cr_assert_eq(count, 2, "the small ones behind the big one must not be packed instead");
    cr_assert_not_null(raft_log_slice(&log, 3, 5, 100, 64, &count));
    cr_assert_eq(count, 1, "one always goes");
    cr_assert_not_null(raft_log_slice(&log, 1, 4, 9999, 3, &count));
    cr_assert_eq(count, 3);
    cr_assert_not_null(raft_log_slice(&log, 4, 4, 9999, 64, &count));
    cr_assert_eq(count, 1);
    raft_log_deinit(&log);
}

/* Against a plain array of terms and lengths: thousands of operations, with a ring that wraps again and again. */
Test(raft_log, random_operations_match_a_plain_model)
{
    enum { INDEX_MAX = 4096 };
    for (unsigned seed = 1; seed <= 30; seed++) {
        srand(seed);
        struct raft_log log;
        log_init(&log, (size_t)(rand() % 40000), (size_t)(rand() % 40000));
        static uint64_t terms[INDEX_MAX];
        uint64_t base = 0;
        uint64_t term = 1;
        for (int step = 0; step < 2000 && log.last < INDEX_MAX - 1; step++) {
            int what = rand() % 100;
            if (what < 60) {
                term += rand() % 10 == 0;
                size_t len = rand() % 20 == 0 ? (size_t)(rand() % 30000) : (size_t)(rand() % 500);
                if (log_add(&log, term, len) == OK)
                    terms[log.last] = term;
            } else if (what < 85) {
                raft_log_set_stored(&log,
                                    log.stored + (uint64_t)rand() % (log.last - log.stored + 1));
            } else if (what < 95 && log.last > base) {
                uint64_t from =
                    log.last - (uint64_t)rand() % (log.last - base < 5 ? log.last - base : 5);
                raft_log_truncate(&log, from);
            } else if (what < 98) {
                base += (uint64_t)rand() % (log.stored - base + 1);
                raft_log_trim(&log, base);
            }
            raft_log_check(&log);
            for (uint64_t i = base + 1; i <= log.last; i++)
                cr_assert_eq(raft_log_term_at(&log, i), terms[i]);
            if (log.last >= log.first) {
                log_expect(&log, log.first + (uint64_t)rand() % (log.last - log.first + 1));
                log_expect(&log, log.first);
                log_expect(&log, log.last);
            }
        }
        raft_log_deinit(&log);
    }
}

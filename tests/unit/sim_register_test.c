/* Histories of one register, against a search that tries everything. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "sim/check/register.h"
#include "util/hash.h"

TestSuite(sim_register, .timeout = 60);

/* ---- by hand ---- */

/* "w1( w1) r( r1)": call of write 1, its return, call of a read (named by a letter), its return. One letter an
 * operation, then ( or ), what it writes behind (, what it read behind ), ? unknown, ! did not happen. */
static bool possible(const char *text)
{
    struct register_history h;
    struct register_op *ops[26] = { 0 };
    bool fine = true;
    register_init(&h);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ' ')
            continue;
        struct register_op **op = &ops[*at - 'a'];
        char what = *++at;
        bool has_value = at[1] >= '0' && at[1] <= '9';
        uint64_t value = has_value ? (uint64_t)(*++at - '0') : 0;
        if (what == '(')
            *op = register_call(&h, has_value, value);
        else if (what == ')')
            fine = register_return(&h, *op, value) && fine;
        else
            fine = (what == '?' ? register_unknown(&h, *op) : register_drop(&h, *op)) && fine;
    }
    register_deinit(&h);
    return fine;
}

Test(sim_register, a_read_says_what_was_written_last)
{
    cr_assert(possible("a( a)0"));
    cr_assert(possible("a(1 a) b( b)1"));
    cr_assert_not(possible("a(1 a) b( b)0"), "stale");
    cr_assert_not(possible("a(1 a) b(2 b) c( c)1"));
    cr_assert_not(possible("a( a)3"), "nobody wrote it");
}

Test(sim_register, what_overlaps_may_have_come_in_any_order)
{
    cr_assert(possible("a(1 b( b)0 a)"));
    cr_assert(possible("a(1 b( b)1 a)"));
    cr_assert(possible("a(1 b(2 a) b) c( c)1"));
    cr_assert(possible("a(1 b(2 a) b) c( c)2"));
    cr_assert_not(possible("a(1 b(2 a) b) c( c)2 d( d)1"));
    cr_assert_not(possible("a(1 b( b)1 c( c)0 a)"), "seen, and then not any more");
}

Test(sim_register, writes_may_be_seen_in_another_order_than_their_readers_return)
{
    cr_assert(possible("a(1 b(2 c( d( c)1 d)2 a) b) e( e)1"));
    cr_assert(possible("a(1 b(2 c( d( c)1 d)2 a) b) e( e)2"));
}

Test(sim_register, an_unknown_write_may_happen_late_once_or_never)
{
    cr_assert(possible("a(1 a? b( b)0 c( c)1"));
    cr_assert(possible("a(1 a? b(2 b) c( c)2 d( d)1"));
    cr_assert_not(possible("a(1 a? b( b)1 c(2 c) d( d)1"), "it was applied twice");
    cr_assert_not(possible("a(1 a! b( b)1"), "it was refused");
}

/* ---- against a search that tries all orders ---- */

enum { OPS_MAX = 7, VALUES = 3 };

struct seen_op {
    bool is_write;
    bool is_unknown;
    uint64_t value;
    int called, returned;
};

static bool search(const struct seen_op *ops, int count, unsigned done, uint64_t value)
{
    bool is_over = true;
    for (int i = 0; i < count; i++)
        is_over &= (done >> i & 1) || ops[i].is_unknown;
    if (is_over)
        return true;
    for (int i = 0; i < count; i++) {
        if (done >> i & 1)
            continue;
        bool is_next = true; /* nobody else had returned before it was called */
        for (int k = 0; k < count; k++)
            is_next &= (done >> k & 1) || ops[k].is_unknown || ops[k].returned > ops[i].called;
        if (!is_next || (!ops[i].is_write && ops[i].value != value))
            continue;
        if (search(ops, count, done | 1u << i, ops[i].is_write ? ops[i].value : value))
            return true;
    }
    return false;
}

static uint64_t draw(uint64_t *rng, uint64_t n)
{
    *rng = hash64(*rng, "draw", 4);
    return *rng % n;
}

static bool play(const struct seen_op *ops, int count, int times)
{
    struct register_history h;
    struct register_op *running[OPS_MAX] = { 0 };
    bool fine = true;
    register_init(&h);
    for (int t = 0; t < times; t++) {
        for (int i = 0; i < count; i++) {
            if (ops[i].called == t)
                running[i] = register_call(&h, ops[i].is_write, ops[i].value);
            else if (ops[i].returned == t && ops[i].is_unknown)
                fine = register_unknown(&h, running[i]) && fine;
            else if (ops[i].returned == t)
                fine = register_return(&h, running[i], ops[i].value) && fine;
        }
    }
    cr_assert_not(h.has_given_up);
    register_deinit(&h);
    return fine;
}

/* Calls and returns at times of their own. */
static int draw_history(uint64_t *rng, struct seen_op *ops, int count)
{
    int times[2 * OPS_MAX];
    int n = 2 * count;
    for (int i = 0; i < n; i++)
        times[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int k = (int)draw(rng, (uint64_t)i + 1);
        int t = times[i];
        times[i] = times[k];
        times[k] = t;
    }
    for (int i = 0; i < count; i++) {
        int a = times[2 * i];
        int b = times[2 * i + 1];
        ops[i] = (struct seen_op){ .is_write = draw(rng, 2) == 0,
                                   .value = draw(rng, VALUES),
                                   .called = a < b ? a : b,
                                   .returned = a < b ? b : a };
        ops[i].is_unknown = ops[i].is_write && draw(rng, 4) == 0;
    }
    return n;
}

Test(sim_register, agrees_with_a_search_of_all_orders)
{
    uint64_t rng = 1;
    unsigned possible_count = 0;
    enum { ROUNDS = 60000 };
    for (int round = 0; round < ROUNDS; round++) {
        struct seen_op ops[OPS_MAX];
        int count = 1 + (int)draw(&rng, OPS_MAX);
        int times = draw_history(&rng, ops, count);
        bool is_possible = search(ops, count, 0, 0);
        possible_count += is_possible;
        if (play(ops, count, times) != is_possible) {
            for (int i = 0; i < count; i++)
                fprintf(stderr, "%s %d: %d..%d%s\n", ops[i].is_write ? "write" : "read",
                        (int)ops[i].value, ops[i].called, ops[i].returned,
                        ops[i].is_unknown ? " unknown" : "");
            cr_assert_fail("round %d: the search says %d", round, is_possible);
        }
    }
    cr_assert(possible_count > ROUNDS / 10 && possible_count < ROUNDS * 9 / 10);
}

/* ---- long ones ---- */

struct long_op {
    struct register_op *op;
    bool is_write;
    uint64_t value;
    uint64_t returns_at;
};

/* Clients of a real register: each operation happens when it is called or when it returns. */
static bool long_history(uint64_t seed, int ops_count, int stale_at)
{
    enum { CLIENTS = 8 };
    struct register_history h;
    struct long_op running[CLIENTS] = { 0 };
    uint64_t rng = seed, value = 0, next_value = 1, old = 0;
    bool fine = true;
    register_init(&h);
    for (int i = 0; i < ops_count && fine; i++) {
        struct long_op *c = &running[draw(&rng, CLIENTS)];
        if (c->op != NULL) {
            if (c->is_write && c->returns_at)
                value = c->value;
            else if (!c->is_write && c->returns_at)
                c->value = value;
            if (i == stale_at && !c->is_write)
                c->value = old;
            fine = register_return(&h, c->op, c->value);
            c->op = NULL;
            continue;
        }
        c->is_write = draw(&rng, 3) == 0;
        c->returns_at = draw(&rng, 2);
        c->value = c->is_write ? next_value++ : value;
        c->op = register_call(&h, c->is_write, c->value);
        if (c->is_write && !c->returns_at)
            value = c->value;
        if (i == ops_count / 2)
            old = value;
    }
    cr_assert_not(h.has_given_up);
    register_deinit(&h);
    return fine;
}

Test(sim_register, a_hundred_thousand_operations)
{
    for (uint64_t seed = 1; seed < 20; seed++)
        cr_assert(long_history(seed, 20000, -1));
    cr_assert(long_history(77, 200000, -1), "100,000 calls and as many returns");
}

Test(sim_register, one_stale_read_among_many_is_found)
{
    unsigned found = 0;
    for (int at = 15000; at < 15200; at++)
        found += !long_history(5, 20000, at);
    cr_assert_gt(found, 40, "%u: of 200 moments, each at which a read returned", found);
}

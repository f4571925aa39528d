#include "tests/lib/replica.h"

#include <criterion/criterion.h>

#include "tests/lib/test_ids.h"
#include "util/err.h"

void replica_init(struct replica *r)
{
    *r = (struct replica){ 0 };
    cr_assert_eq(pinset_create(&r->set), OK);
}

void replica_deinit(struct replica *r)
{
    pinset_destroy(r->set);
    fake_map_deinit(&r->map);
}

int replica_try(struct replica *r, const void *bytes, size_t len, struct pinset_applied *out)
{
    struct view view = fake_map_view(&r->map);
    struct row_sink sink = fake_map_sink(&r->map);
    int err = pinset_apply(r->set, &view, &sink, r->index + 1, 1, bytes, len, out);
    cr_assert_leq(view.steps, PINSET_APPLY_STEPS_MAX);
    if (err == OK)
        r->index += 1;
    return err;
}

struct pinset_applied replica_apply(struct replica *r, const struct pin_entry *e)
{
    struct buf bytes = { 0 };
    struct pinset_applied out;
    pin_entry_encode(e, &bytes);
    cr_assert_eq(replica_try(r, bytes.data, bytes.len, &out), OK);
    buf_deinit(&bytes);
    return out;
}

void replica_finish(struct replica *r)
{
    struct row_sink sink = fake_map_sink(&r->map);
    cr_assert_eq(pinset_finish(r->set, &sink), OK);
}

void replica_restart(struct replica *r)
{
    pinset_destroy(r->set);
    cr_assert_eq(pinset_create(&r->set), OK);
    struct view view = fake_map_view(&r->map);
    cr_assert_eq(pinset_open(r->set, &view), OK);
    r->index = pinset_facts(r->set)->applied_index;
}

struct hash128 replica_scrub(struct replica *r)
{
    struct digest_scrub scrub;
    digest_scrub_init(&scrub);
    int err = ERR_MORE;
    while (err == ERR_MORE) {
        struct view view = fake_map_view(&r->map);
        err = digest_scrub_step(&scrub, &view, 100);
    }
    cr_assert_eq(err, OK);
    digest_scrub_deinit(&scrub);
    return scrub.sum;
}

struct pin_entry pin_entry_of(uint32_t cid_number)
{
    struct cid cid = test_cid(cid_number);
    return (
        struct pin_entry){ .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
}

struct pin_entry unpin_entry_of(uint32_t cid_number)
{
    return (struct pin_entry){ .kind = PIN_ENTRY_UNPIN,
                               .expected = PIN_EXPECT_ANY,
                               .cid = test_cid(cid_number) };
}

void replica_level(struct replica *r, uint32_t level)
{
    struct pin_entry e = { .kind = PIN_ENTRY_LEVEL, .level = level };
    cr_assert_eq(replica_apply(r, &e).outcome, PINSET_DONE);
}

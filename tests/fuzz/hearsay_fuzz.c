/* covers: peer/health/monitor_hearsay.c */
/* What a leader tells a learner of all members. What was taken can be told again, and is taken the same. */
#include <stdint.h>

#include "health/monitor.h"
#include "tests/lib/test_ids.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMBERS = 3, NOW = 1000 };

static struct monitor *monitor_of_members(void)
{
    struct monitor_options options = { .ttl_us = 30, .repin_after_us = 60 };
    struct monitor *m;
    struct peer_id ids[MEMBERS];
    for (uint32_t i = 0; i < MEMBERS; i++)
        ids[i] = test_peer(i);
    ASSERT(monitor_create(&m, &options) == OK);
    ASSERT(monitor_set_members(m, 1, ids, MEMBERS) == OK);
    return m;
}

static void look_at_all(const struct monitor *m)
{
    struct monitor_alert alerts[64];
    struct bytes names[64];
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct peer_id id = test_peer(i);
        struct monitor_standing s = monitor_standing(m, NOW + 5, &id);
        ASSERT(!s.is_back || s.liveness == LIVENESS_HEALTHY);
    }
    ASSERT(monitor_next_deadline_us(m, NOW) > NOW);
    (void)monitor_alerts(m, NOW + 5, alerts, 64);
    (void)monitor_names(m, names, 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct monitor *m = monitor_of_members(), *again = monitor_of_members();
    if (monitor_hear(m, NOW, (struct bytes){ data, size }) == OK) {
        struct buf told = { 0 }, retold = { 0 };
        look_at_all(m);
        monitor_tell(m, NOW, &told);
        ASSERT(monitor_hear(again, NOW, buf_bytes(&told)) == OK);
        monitor_tell(again, NOW, &retold);
        ASSERT(told.err == OK && bytes_equal(buf_bytes(&told), buf_bytes(&retold)));
        buf_deinit(&told);
        buf_deinit(&retold);
    }
    monitor_destroy(m);
    monitor_destroy(again);
    return 0;
}

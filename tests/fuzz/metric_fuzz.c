/* covers: peer/health/metric.c */
/* A metric as another peer sends it; and the monitor that takes it. */
#include <stdint.h>

#include "health/monitor.h"
#include "tests/lib/test_ids.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void monitor_takes(const struct metric *metric)
{
    struct monitor_options options = { .ttl_us = 30, .repin_after_us = 60 };
    struct monitor *m;
    struct peer_id id = test_peer(1);
    ASSERT(monitor_create(&m, &options) == OK);
    ASSERT(monitor_set_members(m, 1, &id, 1) == OK);
    ASSERT(monitor_on_metric(m, 2, &id, metric) == OK);
    ASSERT(monitor_liveness(m, 2, &id) == LIVENESS_HEALTHY);
    ASSERT(monitor_next_deadline_us(m, 2) > 2);
    monitor_destroy(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct metric metric;
    if (metric_decode(&metric, data, size) != OK)
        return 0;
    struct buf bytes = { 0 };
    struct metric again;
    metric_encode(&metric, &bytes);
    ASSERT(metric_decode(&again, bytes.data, bytes.len) == OK);
    ASSERT(bytes_equal(again.name, metric.name) && bytes_equal(again.value, metric.value));
    ASSERT(again.weight == metric.weight && again.ttl_us == metric.ttl_us);
    monitor_takes(&metric);
    buf_deinit(&bytes);
    return 0;
}

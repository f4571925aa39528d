#include <criterion/criterion.h>

#include "health/metric.h"
#include "util/err.h"

TestSuite(metric, .timeout = 60);

#define TEXT(s) ((struct bytes){ s, sizeof(s) - 1 })

Test(metric, comes_back_and_no_cut_passes)
{
    struct metric m = { TEXT("tag:group"), TEXT("rack-1"), -7, 30000000, true, true }, out;
    struct buf bytes = { 0 };
    metric_encode(&m, &bytes);
    cr_assert_eq(metric_decode(&out, bytes.data, bytes.len), OK);
    cr_assert(bytes_equal(out.name, m.name) && bytes_equal(out.value, m.value));
    cr_assert(out.weight == -7 && out.ttl_us == 30000000);
    cr_assert(out.is_partitionable && out.is_valid);
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(metric_decode(&out, bytes.data, len), ERR_CORRUPT);
    bytes.data[0] = 2;
    cr_assert_eq(metric_decode(&out, bytes.data, bytes.len), ERR_VERSION);
    buf_deinit(&bytes);
}

Test(metric, one_that_holds_for_ever_or_never_is_refused)
{
    uint64_t ttls[] = { 0, LIMIT_METRIC_TTL_US + 1, UINT64_MAX };
    for (size_t i = 0; i < 3; i++) {
        struct metric m = { .name = TEXT("ping"), .value = TEXT(""), .ttl_us = ttls[i] }, out;
        struct buf bytes = { 0 };
        metric_encode(&m, &bytes);
        cr_assert_eq(metric_decode(&out, bytes.data, bytes.len), ERR_CORRUPT);
        buf_deinit(&bytes);
    }
}

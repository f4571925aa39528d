#include "sim/script/options.h"

#include <stddef.h>

#include "sim/script/words.h"
#include "util/assert.h"

enum option_kind {
    OPTION_TIME,  /* uint64_t, microseconds */
    OPTION_SIZE,  /* size_t */
    OPTION_COUNT, /* uint64_t */
    OPTION_CHUNK, /* uint32_t */
    OPTION_ON,    /* bool */
    OPTION_OFF,   /* bool of the opposite sense */
    OPTION_FACTOR /* replication_min and _max */
};

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t offset;
};

#define FIELD(name) offsetof(struct peer_options, name)

static const struct option_row option_rows[] = {
    { "heartbeat", OPTION_TIME, FIELD(raft.heartbeat_us) },
    { "election", OPTION_TIME, FIELD(raft.election_min_us) },
    { "append_bytes", OPTION_SIZE, FIELD(raft.append_bytes_max) },
    { "append_entries", OPTION_SIZE, FIELD(raft.append_entries_max) },
    { "window", OPTION_SIZE, FIELD(raft.window_max) },
    { "cache_bytes", OPTION_SIZE, FIELD(raft.cache_bytes_max) },
    { "trailing_logs", OPTION_COUNT, FIELD(trim.trailing_entries) },
    { "snapshot_threshold", OPTION_COUNT, FIELD(trim.worth_entries) },
    { "snapshot_interval", OPTION_TIME, FIELD(trim.interval_us) },
    { "log_bytes", OPTION_COUNT, FIELD(trim.log_bytes_max) },
    { "snapshot_chunk", OPTION_CHUNK, FIELD(snapshot.chunk_bytes) },
    { "snapshot_sync", OPTION_COUNT, FIELD(snapshot.sync_bytes) },
    { "max_voters", OPTION_SIZE, FIELD(max_voters) },
    { "voter_replace_after", OPTION_TIME, FIELD(voter_replace_after_us) },
    { "start_timeout", OPTION_TIME, FIELD(start_timeout_us) },
    { "commit_timeout", OPTION_TIME, FIELD(commit_timeout_us) },
    { "proposals", OPTION_SIZE, FIELD(proposals_max) },
    { "reads", OPTION_SIZE, FIELD(reads_max) },
    { "calls", OPTION_SIZE, FIELD(calls_max) },
    { "overlay_bytes", OPTION_SIZE, FIELD(overlay_bytes_max) },
    { "uploads", OPTION_SIZE, FIELD(uploads_max) },
    { "calls_timeout", OPTION_TIME, FIELD(calls_timeout_us) },
    { "metric_ttl", OPTION_TIME, FIELD(metric_ttl_us) },
    { "repin_after", OPTION_TIME, FIELD(repin_after_us) },
    { "repinning", OPTION_OFF, FIELD(repinning_disabled) },
    { "repair_at_once", OPTION_SIZE, FIELD(repair.at_once) },
    { "repair_per_second", OPTION_SIZE, FIELD(repair.budget.per_second) },
    { "repair_bytes_per_second", OPTION_COUNT, FIELD(repair.budget.bytes_per_second) },
    { "repair_bytes_at_once", OPTION_COUNT, FIELD(repair.budget.bytes_at_once) },
    { "factor", OPTION_FACTOR, FIELD(replication_min) },
    { "concurrent_pins", OPTION_SIZE, FIELD(concurrent_pins) },
    { "pin_timeout", OPTION_TIME, FIELD(pin_timeout_us) },
    { "unpin_timeout", OPTION_TIME, FIELD(unpin_timeout_us) },
    { "ipfs_timeout", OPTION_TIME, FIELD(ipfs_request_timeout_us) },
    { "ipfs_sync", OPTION_TIME, FIELD(ipfs_sync_us) },
    { "pin_recover", OPTION_TIME, FIELD(pin_recover_us) },
    { "connect_swarms", OPTION_TIME, FIELD(connect_swarms_delay_us) },
    { "leave_on_shutdown", OPTION_ON, FIELD(leave_on_shutdown) },
    { "shutdown_timeout", OPTION_TIME, FIELD(shutdown_timeout_us) },
};

static const struct option_row *option_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++)
        if (word_is(name, option_rows[i].name))
            return &option_rows[i];
    return NULL;
}

bool script_option_is_known(struct bytes name)
{
    return option_find(name) != NULL;
}

const char *script_option_refusal(struct bytes name, struct bytes value)
{
    const struct option_row *row = option_find(name);
    uint64_t number;
    int min, max;
    if (row == NULL)
        return "an option: heartbeat, election, append_bytes, append_entries, window, cache_bytes, "
               "trailing_logs, snapshot_threshold, snapshot_interval, log_bytes, snapshot_chunk, "
               "snapshot_sync, max_voters, voter_replace_after, start_timeout, commit_timeout, "
               "proposals, reads, calls, overlay_bytes, uploads, calls_timeout, metric_ttl, "
               "repin_after, repinning, "
               "repair_at_once, "
               "repair_per_second, repair_bytes_per_second, repair_bytes_at_once, "
               "factor, concurrent_pins, pin_timeout, unpin_timeout, ipfs_timeout, "
               "ipfs_sync, pin_recover, connect_swarms, leave_on_shutdown or shutdown_timeout";
    switch (row->kind) {
    case OPTION_TIME:
        return word_time_us(value, &number) ? NULL : "a time, as 500ms or 30s";
    case OPTION_SIZE:
    case OPTION_CHUNK:
        return word_count(value, 1 << 30, &number) && number > 0 ? NULL : "a number from 1";
    case OPTION_COUNT:
        return word_count(value, 1 << 30, &number) ? NULL : "a number";
    case OPTION_ON:
    case OPTION_OFF:
        return word_is(value, "on") || word_is(value, "off") ? NULL : "on or off";
    case OPTION_FACTOR:
        return word_factor(value, &min, &max) ? NULL : "a factor, as 2, 2..3 or everywhere";
    }
    return NULL;
}

void script_option_apply(struct peer_options *o, struct bytes name, struct bytes value)
{
    const struct option_row *row = option_find(name);
    ASSERT(row != NULL && script_option_refusal(name, value) == NULL);
    char *field = (char *)o + row->offset;
    uint64_t number = 0;
    int min = 0, max = 0;
    switch (row->kind) {
    case OPTION_TIME:
        (void)word_time_us(value, (uint64_t *)(void *)field);
        break;
    case OPTION_SIZE:
        (void)word_count(value, 1 << 30, &number);
        *(size_t *)(void *)field = (size_t)number;
        break;
    case OPTION_COUNT:
        (void)word_count(value, 1 << 30, &number);
        *(uint64_t *)(void *)field = number;
        break;
    case OPTION_CHUNK:
        (void)word_count(value, 1 << 30, &number);
        *(uint32_t *)(void *)field = (uint32_t)number;
        break;
    case OPTION_ON:
    case OPTION_OFF:
        *(bool *)(void *)field = word_is(value, "on") == (row->kind == OPTION_ON);
        break;
    case OPTION_FACTOR:
        (void)word_factor(value, &min, &max);
        o->replication_min = min;
        o->replication_max = max;
        break;
    }
}

/* ---- the other way ---- */

static void option_print_factor(int min, int max, struct buf *out)
{
    if (min == -1)
        buf_append_text(out, "everywhere");
    else if (min == max)
        buf_printf(out, "%d", min);
    else
        buf_printf(out, "%d..%d", min, max);
}

static void option_print_value(const struct option_row *row, const struct peer_options *o,
                               struct buf *out)
{
    const char *field = (const char *)o + row->offset;
    switch (row->kind) {
    case OPTION_TIME:
        word_print_time(*(const uint64_t *)(const void *)field, out);
        break;
    case OPTION_COUNT:
        buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)(const void *)field);
        break;
    case OPTION_CHUNK:
        buf_printf(out, "%u", (unsigned)*(const uint32_t *)(const void *)field);
        break;
    case OPTION_SIZE:
        buf_printf(out, "%zu", *(const size_t *)(const void *)field);
        break;
    case OPTION_ON:
    case OPTION_OFF:
        buf_append_text(
            out, *(const bool *)(const void *)field == (row->kind == OPTION_ON) ? "on" : "off");
        break;
    case OPTION_FACTOR:
        option_print_factor(o->replication_min, o->replication_max, out);
        break;
    }
}

void script_options_print(const struct peer_options *o, const struct peer_options *other,
                          struct buf *out)
{
    struct buf mine = { 0 }, theirs = { 0 };
    for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
        buf_clear(&mine);
        buf_clear(&theirs);
        option_print_value(&option_rows[i], o, &mine);
        option_print_value(&option_rows[i], other, &theirs);
        if (!bytes_equal(buf_bytes(&mine), buf_bytes(&theirs)))
            buf_printf(out, "option %s %s\n", option_rows[i].name, buf_text(&mine));
    }
    buf_deinit(&mine);
    buf_deinit(&theirs);
}

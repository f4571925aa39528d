/* limits.h -- the ceilings of the whole project, each with its reason. What a run can fill (queues,
 * windows, batches) is also a field of the struct limits that a module gets at init, so that the
 * simulator can draw small ones; these here are the most that any of them may be.
 *
 * Units    *_BYTES bytes, *_US microseconds, *_COUNT things. */
#ifndef UTIL_LIMITS_H
#define UTIL_LIMITS_H

enum {
    LIMIT_DIGEST_BYTES = 128, /* as Kubo: of a hash function, or the content itself (identity) */
    LIMIT_CID_BYTES = 1 + 9 + 9 + 2 + LIMIT_DIGEST_BYTES, /* version, codec, function, length */
    LIMIT_PEER_ID_BYTES = 42,                             /* libp2p: longer keys are hashed to 34 */
    LIMIT_MULTIADDR_BYTES =
        256, /* binary; a DNS name of 253 and /p2p/ do not both fit, and need not */
    LIMIT_PEER_ADDRESSES_COUNT = 16, /* of one peer */
    LIMIT_MEMBERS_COUNT = 256,       /* voters and learners of one cluster */
    LIMIT_VOTERS_COUNT = 31,         /* max_voters (default 7), and one more while two swap */
    LIMIT_PIN_BYTES = 64 * 1024,     /* one encoded pin: name, metadata, origins, allocations */
    LIMIT_PIN_NAME_BYTES = 1024,
    LIMIT_PIN_METADATA_COUNT = 256,
    LIMIT_PIN_ORIGINS_COUNT = 64,
    LIMIT_ORIGIN_WINDOW_COUNT = 1024, /* proposals of one member whose outcome it still awaits */
    LIMIT_ORIGINS_COUNT = 512,        /* members, and former ones, whose proposals are remembered */
    LIMIT_MEMOS_COUNT = 16384, /* writes that clients gave a key, whose outcome is remembered */
    LIMIT_METRIC_NAME_BYTES = 64,
    LIMIT_METRIC_VALUE_BYTES = 4096,
    LIMIT_METRICS_PER_PEER_COUNT = 16,
    LIMIT_ALLOCATE_BY_COUNT = 8,             /* metrics that order candidates */
    LIMIT_ENTRY_BYTES = 256 * 1024,          /* payload of one log entry */
    LIMIT_FRAME_BYTES = 1024 * 1024,         /* one message between peers, header included */
    LIMIT_LOG_UNIT_BYTES = 16 * 1024 * 1024, /* one unit for the log room */
    LIMIT_MAP_KEY_BYTES = 400,               /* LMDB allows 511 */
    LIMIT_MAP_VALUE_BYTES = 256 * 1024,
    LIMIT_MAP_TABLES_COUNT = 16,
    LIMIT_MAP_BATCH_OPS_COUNT = 16384,
    LIMIT_MAP_BATCH_BYTES = 32 * 1024 * 1024, /* keys and values of one batch */
    LIMIT_STORE_QUEUE_COUNT = 1024,           /* requests in flight in one room; then ERR_BUSY */
    LIMIT_VIEWS_COUNT = 8,                    /* open at once, by one event */
    LIMIT_VIEW_STEPS_COUNT = 4096,            /* get, seek, next, prev within one event */
    LIMIT_HTTP_HEAD_BYTES = 16 * 1024,        /* request line and headers; beyond it 431 */
    LIMIT_HTTP_HEADERS_COUNT = 100,
    LIMIT_HTTP_JSON_BODY_BYTES = 64 * 1024, /* of a request with a JSON body; uploads stream */
};

#define LIMIT_SHUTDOWN_US   (10u * 1000 * 1000) /* an orderly stop gives up after it */
#define LIMIT_METRIC_TTL_US ((uint64_t)24 * 3600 * 1000 * 1000) /* a longer one is a mistake */
#define LIMIT_STALL_US                                                                             \
    (5u * 1000 * 1000) /* a log unit older than this: the disk hangs (DESIGN 6) */

#endif

/* covers: peer/store/raft_meta.c */
/* The meta record of the log room: read or refused, and what is read is written as it was. */
#include <stdint.h>

#include "store/raft_meta.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct raft_meta meta;
    if (raft_meta_decode(&meta, data, size) != OK)
        return 0;
    struct buf again = { 0 };
    raft_meta_encode(&meta, meta.has_config ? &meta.config : NULL,
                     meta.has_previous ? &meta.config_previous : NULL, &again);
    ASSERT(bytes_equal(buf_bytes(&again), (struct bytes){ data, size }));
    buf_deinit(&again);
    raft_meta_deinit(&meta);
    return 0;
}

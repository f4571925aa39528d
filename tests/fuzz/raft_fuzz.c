/* covers: peer/raft/raft_wire.c */
/* What another member sends as Raft, and what the log room holds: messages, entries, configurations. The first byte
 * says which. There is one encoding for each value: what is taken comes back as the same bytes. */
#include <stddef.h>
#include <stdint.h>

#include "raft/raft.h"
#include "util/assert.h"
#include "util/err.h"

enum { ROOM = 64 };

static void same(struct buf *again, const uint8_t *data, size_t len)
{
    ASSERT(again->err == OK);
    ASSERT(bytes_equal(buf_bytes(again), (struct bytes){ data, len }));
    buf_deinit(again);
}

static void fuzz_msg(const uint8_t *data, size_t len)
{
    struct raft_entry room[ROOM];
    struct raft_msg m;
    struct buf again = { 0 };
    int err = raft_msg_decode(&m, room, ROOM, data, len);
    if (err != OK) {
        ASSERT(err == ERR_CORRUPT || err == ERR_VERSION || err == ERR_TOO_BIG);
        return;
    }
    for (size_t i = 0; i < m.entries_count; i++) {
        ASSERT(m.entries[i].pos.index == m.last.index + 1 + i);
        ASSERT(i == 0 || m.entries[i].pos.term >= m.entries[i - 1].pos.term);
    }
    raft_msg_encode(&m, &again);
    same(&again, data, len);
}

static void fuzz_entry(const uint8_t *data, size_t len)
{
    struct raft_entry e;
    struct buf again = { 0 };
    if (raft_entry_decode(&e, data, len) != OK)
        return;
    raft_entry_encode(&e, &again);
    same(&again, data, len);
}

static void fuzz_config(const uint8_t *data, size_t len)
{
    struct raft_config c;
    struct raft_config copy;
    struct buf again = { 0 };
    if (raft_config_decode(&c, data, len) != OK)
        return;
    for (size_t i = 1; i < c.count; i++)
        ASSERT(c.members[i - 1].number < c.members[i].number);
    raft_config_encode(&c, &again);
    same(&again, data, len);
    if (raft_config_copy(&copy, &c) == OK) {
        if (copy.count > 0) {
            const struct raft_member *m =
                raft_config_member_by_id(&copy, &copy.members[copy.count - 1].id);
            ASSERT(m != NULL);
            ASSERT(raft_config_remove(&copy, m->number) == OK);
        }
        raft_config_deinit(&copy);
    }
    raft_config_deinit(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 3) {
    case 0:
        fuzz_msg(data + 1, size - 1);
        break;
    case 1:
        fuzz_entry(data + 1, size - 1);
        break;
    case 2:
        fuzz_config(data + 1, size - 1);
        break;
    }
    return 0;
}

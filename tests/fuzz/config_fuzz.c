/* covers: peer/config/config.c peer/config/config_value.c peer/config/config_pairs.c peer/config/config_write.c peer/config/options.c */
/* service.json and the environment, as an operator may have left them. What is taken is written as a
 * file that is taken too and says the same; other peers change nothing but the peers. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "config/config.h"
#include "config/options.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/json.h"

/* Written, read and written again: the same. */
static void check_written(const struct config *c)
{
    struct buf once = { 0 }, twice = { 0 };
    struct config again;
    struct config_notes notes = { .strict = true };
    config_write(c, &once);
    ASSERT(once.err == OK);
    ASSERT(config_init(&again) == OK);
    ASSERT(config_read(&again, (const char *)once.data, once.len, &notes) == OK);
    config_write(&again, &twice);
    ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
    config_notes_deinit(&notes);
    config_deinit(&again);
    buf_deinit(&once);
    buf_deinit(&twice);
}

static void check_file(const char *json, size_t len, bool strict)
{
    struct config c;
    struct config_notes notes = { .strict = strict };
    ASSERT(config_init(&c) == OK);
    int err = config_read(&c, json, len, &notes);
    ASSERT(err == OK || err == ERR_INVALID || err == ERR_TOO_BIG);
    ASSERT((err == ERR_INVALID) == (notes.error.len > 0));
    if (err == OK) {
        check_written(&c);
        err = config_check(&c, &notes);
        ASSERT(err == OK || notes.error.len > 0);
        ASSERT(config_repin_after_us(&c) > 0);
    }
    config_notes_deinit(&notes);
    config_deinit(&c);
}

/* A line of the input as a variable, or as the value of the option that its first byte chooses. */
static void check_text(const uint8_t *data, size_t size)
{
    char text[256];
    struct config c;
    struct config_notes notes = { 0 };
    const char *environment[] = { text, NULL };
    size_t len = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    ASSERT(config_init(&c) == OK);
    if (config_read_environment(&c, environment, &notes) == OK)
        check_written(&c);
    if (len > 0) {
        const struct option *o = option_at(data[0] % option_count());
        if (config_set(&c, o->name, text + 1, &notes) == OK)
            check_written(&c);
    }
    config_notes_deinit(&notes);
    config_deinit(&c);
}

static void check_rewritten(const char *json, size_t len)
{
    struct multiaddr addr;
    struct config_addrs peers = { &addr, 1 };
    struct buf once = { 0 }, twice = { 0 };
    static const char text[] =
        "/dns4/a/tcp/1/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV";
    ASSERT(multiaddr_parse(&addr, text) == OK);
    if (config_rewrite_peers(json, len, &peers, &once) == OK) {
        ASSERT(config_rewrite_peers((const char *)once.data, once.len, &peers, &twice) == OK);
        ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
        ASSERT(strstr(buf_text(&once), text) != NULL);
    }
    buf_deinit(&once);
    buf_deinit(&twice);
}

/* Addresses of known peers, one a line. */
static void check_peerstore(const char *text, size_t len)
{
    struct config c;
    struct config_notes notes = { 0 };
    ASSERT(config_init(&c) == OK);
    ASSERT(config_read_peerstore(&c, text, len, &notes) == OK);
    for (size_t i = 0; i < c.cluster.peer_addresses.count; i++) {
        struct peer_id id;
        ASSERT(multiaddr_peer(&c.cluster.peer_addresses.at[i], &id) == OK);
    }
    config_notes_deinit(&notes);
    config_deinit(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_file = size > 0 && (data[0] == '{' || data[0] == ' ');
    if (is_file) {
        check_file((const char *)data, size, size % 2 == 0);
        check_rewritten((const char *)data, size);
    } else if (size > 0 && data[0] == '/') {
        check_peerstore((const char *)data, size);
    } else {
        check_text(data, size);
    }
    return 0;
}

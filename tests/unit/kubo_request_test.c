#include <criterion/criterion.h>
#include <string.h>

#include "ipfs/kubo_request.h"
#include "util/err.h"

TestSuite(kubo_request, .timeout = 60);

#define ROOT "bafybeidxjoz6frqsbjdlgvemvrlkq3mqopohom4shnxvlcsh2lgnu7d2tq"
#define OLD  "QmfZ5QTJ9bvsWdYYRZgdLJm6Sv8bD2A3KXmqcFmYXE6ASh"

static struct cid cid_of(const char *text)
{
    struct cid cid;
    cr_assert_eq(cid_parse(&cid, text), OK);
    return cid;
}

#define CHECK(call, target)                                                                        \
    do {                                                                                           \
        struct buf b = { 0 };                                                                      \
        struct buf *out = &b;                                                                      \
        call;                                                                                      \
        cr_expect_eq(b.err, OK);                                                                   \
        cr_expect_str_eq(buf_text(&b), target);                                                    \
        buf_deinit(&b);                                                                            \
    } while (0)

Test(kubo_request, the_daemon_itself)
{
    struct multiaddr addr;
    cr_assert_eq(multiaddr_parse(&addr, "/ip4/127.0.0.1/tcp/29520/p2p/"
                                        "12D3KooWNMFLJBZvaMx5sPkyd1dgWEMQu28SNMxPg93JEJyBAPB4"),
                 OK);
    CHECK(kubo_request_id(out), "/api/v0/id");
    CHECK(kubo_request_version(out), "/api/v0/version");
    CHECK(kubo_request_config_show(out), "/api/v0/config/show");
    CHECK(kubo_request_swarm_peers(out), "/api/v0/swarm/peers");
    CHECK(kubo_request_swarm_connect(out, &addr),
          "/api/v0/swarm/connect?arg=/ip4/127.0.0.1/tcp/29520/p2p/"
          "12D3KooWNMFLJBZvaMx5sPkyd1dgWEMQu28SNMxPg93JEJyBAPB4");
    CHECK(kubo_request_repo_stat(out), "/api/v0/repo/stat?size-only=true");
    CHECK(kubo_request_repo_gc(out), "/api/v0/repo/gc?stream-errors=true");
    CHECK(kubo_request_resolve(out, "/ipns/a b&c=\xc3\xa9"),
          "/api/v0/resolve?arg=/ipns/a%20b%26c%3D%C3%A9");
}

Test(kubo_request, pins)
{
    struct cid root = cid_of(ROOT), old = cid_of(OLD);
    CHECK(kubo_request_pin_ls(out, KUBO_PIN_RECURSIVE),
          "/api/v0/pin/ls?stream=true&type=recursive");
    CHECK(kubo_request_pin_ls_one(out, &old, KUBO_PIN_DIRECT),
          "/api/v0/pin/ls?stream=true&arg=" OLD "&type=direct&held=true");
    CHECK(kubo_request_pin_add(out, &(struct kubo_pin_add){ .cid = &root }),
          "/api/v0/pin/add?arg=" ROOT "&recursive=true&progress=true");
    CHECK(kubo_request_pin_add(
              out, &(struct kubo_pin_add){ .cid = &root, .direct = true, .name = { "a b", 3 } }),
          "/api/v0/pin/add?arg=" ROOT "&recursive=false&progress=true&name=a%20b");
    CHECK(kubo_request_pin_rm(out, &old, false), "/api/v0/pin/rm?arg=" OLD);
    CHECK(kubo_request_pin_rm(out, &old, true), "/api/v0/pin/rm?arg=" OLD "&recursive=false");
    CHECK(kubo_request_pin_update(out, &root, &old),
          "/api/v0/pin/update?arg=" ROOT "&arg=" OLD "&unpin=false");
}

Test(kubo_request, content)
{
    struct cid root = cid_of(ROOT);
    CHECK(kubo_request_add(out, &(struct kubo_add){ .pin = true }),
          "/api/v0/add?pin=true&progress=false&cid-version=0");
    CHECK(kubo_request_add(out, &(struct kubo_add){ .cid_version = 1,
                                                    .raw_leaves_is_set = true,
                                                    .chunker = "size-100",
                                                    .hash = "sha2-256",
                                                    .trickle = true,
                                                    .wrap_with_directory = true,
                                                    .only_hash = true,
                                                    .progress = true,
                                                    .nocopy = true }),
          "/api/v0/add?pin=false&progress=true&cid-version=1&raw-leaves=false&chunker=size-100"
          "&hash=sha2-256&trickle=true&wrap-with-directory=true&only-hash=true&nocopy=true");
    CHECK(kubo_request_dag_import(out, false), "/api/v0/dag/import?pin-roots=false&stats=true");
    CHECK(kubo_request_block_put(out, "dag-pb", "sha2-256", 32),
          "/api/v0/block/put?cid-codec=dag-pb&mhtype=sha2-256&mhlen=32&pin=false"
          "&allow-big-block=true");
    CHECK(kubo_request_block_get(out, &root), "/api/v0/block/get?arg=" ROOT);
}

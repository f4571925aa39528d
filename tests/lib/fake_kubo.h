/* fake_kubo.h -- an IPFS daemon behind port/http_client.h, in a few switches: enough for the tracker's tests.
 * Nothing happens until fake_kubo_run(); then every call under way gets its answer, or its due share of it.
 * Wording as Kubo's (KUBO: tests/vectors/kubo.json). */
#ifndef TESTS_LIB_FAKE_KUBO_H
#define TESTS_LIB_FAKE_KUBO_H

#include "ids/cid.h"
#include "port/http_client.h"

enum { FAKE_KUBO_PINS_MAX = 8192, FAKE_KUBO_CALLS_MAX = 64 };

struct fake_pin {
    struct cid cid;
    bool is_direct;
};

struct fake_kubo {
    struct http_client client;
    struct fake_pin pins[FAKE_KUBO_PINS_MAX];
    size_t pins_count;
    struct http_call *calls[FAKE_KUBO_CALLS_MAX];
    size_t calls_count;
    size_t calls_max; /* above it: ERR_BUSY */
    /* Switches. */
    bool is_down; /* not reachable */
    bool answers_nothing;
    bool adds_hang;            /* pin/add shows the same progress for ever */
    const struct cid *hanging; /* the same for these only */
    size_t hanging_count;
    bool adds_progress; /* pin/add shows another progress each time, and does not end */
    bool removes_hang;  /* pin/rm is not answered */
    bool breaks_listings;
    bool looks_fail;    /* pin/ls of one CID is an error */
    struct cid failing; /* pin/add of it is an error */
    uint64_t progress;
    /* What was asked. */
    size_t looks, adds, adds_failed, removes, lists;
    size_t calls_high; /* most at once */
    char last_target[1024];
};

void fake_kubo_init(struct fake_kubo *k);
/* Answers all there is to answer. How many calls ended. */
size_t fake_kubo_run(struct fake_kubo *k);
bool fake_kubo_has(const struct fake_kubo *k, const struct cid *cid);
bool fake_kubo_has_direct(const struct fake_kubo *k, const struct cid *cid);
/* Behind everybody's back. */
void fake_kubo_pin(struct fake_kubo *k, const struct cid *cid, bool is_direct);
void fake_kubo_unpin(struct fake_kubo *k, const struct cid *cid);

#endif

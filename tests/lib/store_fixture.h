/* store_fixture.h -- one store to hold to its contract, and the waiting that tests of it need. */
#ifndef TESTS_LIB_STORE_FIXTURE_H
#define TESTS_LIB_STORE_FIXTURE_H

#include "port/store.h"

struct fixture {
    const struct fixture_ops *ops;
    struct store store;
    uint64_t seed;
    void *impl;
};

struct fixture_ops {
    const char *name;
    void (*create)(struct fixture *fx); /* an empty disk, shut */
    void (*destroy)(struct fixture *fx);
    void (*start)(struct fixture *fx);                  /* fills fx->store */
    void (*stop)(struct fixture *fx);                   /* the clean way */
    void (*turn)(struct fixture *fx);                   /* lets something happen */
    void (*set_full)(struct fixture *fx, bool is_full); /* the log and both areas of the map */
};

extern const struct fixture_ops fixture_simulated;

#endif

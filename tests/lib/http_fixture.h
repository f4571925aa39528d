/* http_fixture.h -- one http_client, and a daemon of the test's behind it. */
#ifndef TESTS_LIB_HTTP_FIXTURE_H
#define TESTS_LIB_HTTP_FIXTURE_H

#include <stdbool.h>

#include "http/wire/exchange.h"
#include "port/http_client.h"

enum { HTTP_FIXTURE_CALLS_MAX = 8 };

struct http_fixture {
    const struct http_fixture_ops *ops;
    struct http_client client;
    void (*on_request)(void *owner, struct http_exchange *x); /* the daemon */
    void *owner;
    void *impl;
};

struct http_fixture_ops {
    const char *name;
    void (*create)(struct http_fixture *fx); /* fills fx->client; HTTP_FIXTURE_CALLS_MAX calls */
    void (*destroy)(struct http_fixture *fx);
    void (*turn)(struct http_fixture *fx);   /* lets something happen */
    void (*refuse)(struct http_fixture *fx); /* nobody listens any more */
};

extern const struct http_fixture_ops http_fixture_real;
extern const struct http_fixture_ops http_fixture_simulated;

#endif

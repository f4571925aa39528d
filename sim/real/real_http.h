/* real_http.h -- one HTTP request to a process on loopback, over a connection of its own, without waiting.
 *
 * Shape    real_call_start(), then real_call_step() until `is_done`; or real_ask(), which waits.
 * Errors   err: OK an answer came, whole; ERR_UNREACHABLE nobody there; ERR_CLOSED it broke off; ERR_TIMEOUT; ERR_CORRUPT. */
#ifndef SIM_REAL_REAL_HTTP_H
#define SIM_REAL_REAL_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/world/http_reply.h"
#include "util/buf.h"

struct real_call {
    int fd; /* -1: over */
    struct buf request;
    size_t sent;
    size_t sent_max; /* hangs up there; SIZE_MAX: not */
    struct http_reply reply;
    uint64_t give_up_us; /* by real_now_us() */
    bool is_done;
    int err;
};

uint64_t real_now_us(void);
/* `head` are further lines, each with its CRLF; NULL: none. */
void real_call_start(struct real_call *c, unsigned port, const char *method, const char *target,
                     const char *head, struct bytes body, uint64_t timeout_us);
void real_call_step(struct real_call *c);
void real_call_deinit(struct real_call *c);
/* Waits for the answer. `reply` is the caller's to deinit, whatever comes out. */
int real_ask(unsigned port, const char *method, const char *target, struct bytes body,
             uint64_t timeout_us, struct http_reply *reply);

#endif

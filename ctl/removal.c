#include "ctl/removal.h"

#include <stdio.h>

#include "util/err.h"
#include "util/json.h"

enum { PAUSE_FIRST_US = 50 * 1000, PAUSE_MAX_US = 1000 * 1000 };

struct removal {
    struct ctl *ctl;
    const char *peer;
    bool is_out;
    bool was_leaving;     /* it was seen on its way out, ... */
    bool is_back;         /* ... and then not: somebody has taken it back */
    bool is_asked_itself; /* the peer that answers is the one that goes */
    int64_t left;         /* as told last; -1: nothing told yet, -2: it does not answer */
};

/* ---- who is in: the answering peer's own word ---- */

static bool removal_on_self(void *owner, struct bytes row)
{
    struct removal *r = owner;
    struct json_doc doc;
    if (json_parse(&doc, row.data, row.len) != OK)
        return false;
    int members = json_member(&doc, 0, "cluster_peers");
    bool is_in = false;
    for (int at = json_first(&doc, members); at != JSON_NONE; at = json_next(&doc, at))
        is_in = is_in || json_text_is(&doc, at, r->peer);
    r->is_asked_itself = json_text_is(&doc, json_member(&doc, 0, "id"), r->peer);
    r->is_out = !is_in;
    json_doc_deinit(&doc);
    return true;
}

/* ---- how far it is: its own word ---- */

static void removal_tell(struct removal *r, int64_t left)
{
    if (left == r->left)
        return;
    r->left = left;
    if (left < 0)
        fprintf(stderr,
                "%s does not answer. It is out when it counts as down; `peers rm --force` does not "
                "wait for that.\n",
                r->peer);
    else
        fprintf(stderr, "%s: %lld pins are left that others do not have yet\n", r->peer,
                (long long)left);
}

static bool removal_on_peer(void *owner, struct bytes row)
{
    struct removal *r = owner;
    struct json_doc doc;
    if (json_parse(&doc, row.data, row.len) != OK)
        return false;
    int64_t left = 0;
    if (json_text_is(&doc, json_member(&doc, 0, "id"), r->peer)) {
        int role = json_member(&doc, 0, "role");
        bool is_leaving = json_text_is(&doc, role, "leaving");
        r->is_back = r->was_leaving && role != JSON_NONE && !is_leaving;
        r->was_leaving = r->was_leaving || is_leaving;
        if (!json_text_is(&doc, json_member(&doc, 0, "error"), ""))
            removal_tell(r, -2);
        else if (json_get_i64(&doc, json_member(&doc, 0, "pins_left"), &left) == OK)
            removal_tell(r, left);
    }
    json_doc_deinit(&doc);
    return true;
}

/* ---- questions ---- */

static int removal_ask(struct removal *r, const char *resource,
                       bool (*on_row)(void *owner, struct bytes row))
{
    struct target target = { 0 };
    target_segment(&target, resource);
    struct failure failure = { 0 };
    struct request request = { "GET", target_text(&target), NULL, { on_row, NULL, r }, NULL };
    int code = CTL_DONE;
    if (!request_run(&r->ctl->remote, &request, &failure)) {
        r->is_out = r->is_out || r->is_asked_itself; /* it stops when it is out */
        if (!r->is_out)
            code = failure.happened ? ctl_fail(r->ctl, &failure) : CTL_FAILED;
    }
    failure_deinit(&failure);
    target_deinit(&target);
    return code;
}

static int removal_was_taken_back(const char *peer)
{
    fprintf(stderr, "%s stays: its removal was taken back\n", peer);
    return CTL_REFUSED;
}

int removal_follow(struct ctl *ctl, const char *peer)
{
    struct removal r = { .ctl = ctl, .peer = peer, .left = -1 };
    uint64_t pause_us = PAUSE_FIRST_US;
    for (;;) {
        int code = removal_ask(&r, "id", removal_on_self);
        if (code != CTL_DONE || r.is_out)
            return code;
        if (pause_us >= PAUSE_MAX_US) {
            code = removal_ask(&r, "peers", removal_on_peer);
            if (code != CTL_DONE || r.is_out)
                return code;
            if (r.is_back)
                return removal_was_taken_back(peer);
        }
        remote_pause(&ctl->remote, pause_us);
        pause_us = pause_us * 2 < PAUSE_MAX_US ? pause_us * 2 : PAUSE_MAX_US;
    }
}

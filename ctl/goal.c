#include "ctl/goal.h"

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"

/* Without a list of allocations, everybody is to hold it (or, unpinned, to let go of it). But who is drained takes nothing
 * new, for as long as an operator wants: nobody waits for that. */
static bool goal_concerns(const struct json_doc *doc, int peer)
{
    bool is_held_back = false;
    (void)json_get_bool(doc, json_member(doc, json_value_of(doc, peer), "held_back"),
                        &is_held_back);
    if (is_held_back)
        return false;
    int list = json_member(doc, 0, "allocations");
    if (json_count(doc, list) == 0)
        return true;
    struct buf id = { 0 };
    bool found = false;
    if (json_text(doc, peer, &id) == OK) {
        for (int at = json_first(doc, list); at != JSON_NONE && !found; at = json_next(doc, at))
            found = json_text_is(doc, at, buf_text(&id));
    }
    buf_deinit(&id);
    return found;
}

static bool goal_is_error(const struct json_doc *doc, int status)
{
    static const char *const errors[] = { "cluster_error", "pin_error", "unpin_error",
                                          "undefined" };
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (json_text_is(doc, status, errors[i]))
            return true;
    }
    return false;
}

enum goal_verdict goal_judge(const struct goal *goal, const struct json_doc *doc)
{
    int map = json_member(doc, 0, "peer_map");
    size_t concerned = 0, reached = 0, failed = 0;
    for (int peer = json_first(doc, map); peer != JSON_NONE; peer = json_next(doc, peer)) {
        int status = json_member(doc, json_value_of(doc, peer), "status");
        if (!goal_concerns(doc, peer))
            continue;
        concerned += 1;
        reached += json_text_is(doc, status, goal->status);
        failed += goal_is_error(doc, status);
    }
    if (failed > 0)
        return GOAL_FAILED;
    size_t wanted = concerned;
    if (goal->peers_min > 0 && goal->peers_min < concerned)
        wanted = goal->peers_min;
    return concerned > 0 && reached >= wanted ? GOAL_REACHED : GOAL_AHEAD;
}

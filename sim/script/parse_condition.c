/* The words of a condition. What each means is looked up in run_condition.c. */
#include "sim/script/words.h"

static void parse_contents_at(struct words *w, struct script_condition *c)
{
    words_contents(w, &c->contents);
    if (words_take(w, "at"))
        words_who(w, &c->who);
}

static void parse_count_of_peers(struct words *w, struct script_condition *c)
{
    c->has_count = true;
    c->count = words_count(w, "how many peers", 0, SCRIPT_MACHINES_MAX);
    if (!words_take(w, "peers") && !words_take(w, "peer"))
        words_fail(w, "`peers`");
}

static void parse_leader(struct words *w, struct script_condition *c)
{
    c->kind = CONDITION_LEADER;
    if (!words_take(w, "is"))
        return;
    c->is_negated = words_take(w, "not");
    words_who(w, &c->who);
}

static void parse_pinned(struct words *w, struct script_condition *c)
{
    c->kind = CONDITION_PINNED;
    c->is_direct = words_take(w, "directly");
    parse_contents_at(w, c);
    if (c->who.count == 0) {
        if (!words_take(w, "on"))
            words_fail(w, "`at` and peers, or `on` and how many peers");
        parse_count_of_peers(w, c);
    }
}

static void parse_allocated(struct words *w, struct script_condition *c)
{
    c->kind = CONDITION_ALLOCATED;
    words_contents(w, &c->contents);
    if (words_take(w, "at"))
        words_who(w, &c->who);
    else if (words_take(w, "to"))
        parse_count_of_peers(w, c);
    else
        words_fail(w, "`at` and peers, or `to` and how many peers");
}

/* What is said of some machines, and needs nothing more. */
static bool parse_condition_of(struct words *w, struct script_condition *c)
{
    if (words_take(w, "ready")) {
        c->kind = CONDITION_READY;
    } else if (words_take(w, "stopped")) {
        c->kind = CONDITION_STOPPED;
    } else if (words_take(w, "receiving")) {
        c->kind = CONDITION_RECEIVING;
    } else if (words_take(w, "installed")) {
        c->kind = CONDITION_INSTALLED;
    } else if (words_take(w, "not")) {
        c->kind = CONDITION_NOT_INSTALLED;
        if (!words_take(w, "installed"))
            words_fail(w, "`installed`");
    } else if (words_take(w, "agree")) {
        c->kind = CONDITION_AGREE;
    } else {
        return false;
    }
    words_who(w, &c->who);
    return true;
}

static void parse_waiting(struct words *w, struct script_condition *c)
{
    c->kind = CONDITION_WAITING;
    words_who(w, &c->who);
    if (!words_take(w, "->"))
        words_fail(w, "`->` and for whom");
    words_who(w, &c->whom);
    if (!words_take(w, "under"))
        words_fail(w, "`under` and how many frames");
    c->has_count = true;
    c->count = words_count(w, "how many frames", 1, 1 << 30);
}

void words_condition(struct words *w, struct script_condition *c)
{
    if (parse_condition_of(w, c))
        return;
    if (words_take(w, "leader")) {
        parse_leader(w, c);
    } else if (words_take(w, "no")) {
        c->kind = CONDITION_NO_LEADER;
        if (!words_take(w, "leader"))
            words_fail(w, "`leader`");
        if (words_take(w, "at"))
            words_who(w, &c->who);
    } else if (words_take(w, "log")) {
        c->kind = CONDITION_LOG;
        words_who(w, &c->who);
        if (!words_take(w, "under"))
            words_fail(w, "`under` and how many entries");
        c->has_count = true;
        c->count = words_count(w, "how many entries", 1, 1 << 30);
    } else if (words_take(w, "waiting")) {
        parse_waiting(w, c);
    } else if (words_take(w, "settled")) {
        c->kind = CONDITION_SETTLED;
    } else if (words_take(w, "pinned")) {
        parse_pinned(w, c);
    } else if (words_take(w, "unpinned")) {
        c->kind = CONDITION_UNPINNED;
        parse_contents_at(w, c);
    } else if (words_take(w, "listed")) {
        c->kind = CONDITION_LISTED;
        parse_contents_at(w, c);
    } else if (words_take(w, "unlisted")) {
        c->kind = CONDITION_UNLISTED;
        parse_contents_at(w, c);
    } else if (words_take(w, "allocated")) {
        parse_allocated(w, c);
    } else if (words_take(w, "moved")) {
        c->kind = CONDITION_MOVED;
        if (!words_take(w, "at") || !words_take(w, "most"))
            words_fail(w, "`at most`");
        c->has_count = true;
        c->count = words_count(w, "how many pins", 0, 1000000);
    } else if (words_take(w, "members")) {
        c->kind = CONDITION_MEMBERS;
        c->has_count = true;
        c->count = words_count(w, "how many members", 1, SCRIPT_MACHINES_MAX);
    } else if (words_take(w, "voters")) {
        c->kind = CONDITION_VOTERS;
        c->has_count = true;
        c->count = words_count(w, "how many voters", 1, SCRIPT_MACHINES_MAX);
    } else {
        words_fail(
            w, "a condition: leader, no leader, ready, stopped, receiving, [not] installed, log, "
               "waiting, agree, settled, pinned, unpinned, listed, unlisted, allocated, moved, "
               "members "
               "or voters");
    }
}

/* One function a verb; a table says which word calls which, and shows its usage when a line does not fit.
 * What is checked here needs no world: words, numbers, names, the order of set-up and steps. */
#include "sim/script/words.h"

#include <string.h>

#include "sim/script/options.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

typedef void (*verb_parser)(struct words *w, struct script_step *step);

struct verb_row {
    const char *word;
    enum script_verb verb;
    verb_parser parse;
    const char *usage;
};

/* ---- machines ---- */

static void parse_start(struct words *w, struct script_step *step)
{
    words_who(w, &step->who);
    step->joins = words_take(w, "joining");
    if (step->joins)
        words_who(w, &step->by);
}

static void parse_who(struct words *w, struct script_step *step)
{
    words_who(w, &step->who);
}

static void parse_groups(struct words *w, struct script_step *step)
{
    do {
        if (step->groups_count == SCRIPT_GROUPS_MAX) {
            words_fail(w, "fewer sides");
            return;
        }
        words_who(w, &step->groups[step->groups_count++]);
    } while (words_take(w, "|"));
    if (step->groups_count == 1 && words_take(w, "->")) {
        step->one_way = true;
        words_who(w, &step->by);
    }
}

static void parse_cut(struct words *w, struct script_step *step)
{
    parse_groups(w, step);
    if (step->groups_count == 1 && !step->one_way)
        words_fail(w, "`|` and the other side, or `->` and who hears nothing");
}

static void parse_clog(struct words *w, struct script_step *step)
{
    step->one_way = true;
    words_who(w, &step->groups[step->groups_count++]);
    if (!words_take(w, "->"))
        words_fail(w, "`->` and who hears nothing: one direction is clogged at a time");
    words_who(w, &step->by);
}

static void parse_heal(struct words *w, struct script_step *step)
{
    if (words_left(w))
        parse_cut(w, step);
}

static void parse_network(struct words *w, struct script_step *step)
{
    struct script_network *n = &step->network;
    n->calms = words_take(w, "calm");
    while (words_left(w)) {
        if (words_take(w, "loss")) {
            n->has_loss = true;
            n->loss_per_million = words_per_million(w);
        } else if (words_take(w, "copies")) {
            n->has_copies = true;
            n->copies_per_million = words_per_million(w);
        } else if (words_take(w, "delay")) {
            n->has_delay = true;
            words_delay(w, &n->delay_min_us, &n->delay_max_us);
        } else if (words_take(w, "late")) {
            n->has_late = true;
            n->late_per_million = words_per_million(w);
            n->late_us = words_time_us(w, "by how much, as 5s");
        } else if (words_take(w, "reorder")) {
            n->has_reorder = true;
            n->reorder_per_million = words_per_million(w);
        } else if (words_take(w, "breaks")) {
            n->has_breaks = true;
            n->breaks_per_million = words_per_million(w);
        } else if (words_take(w, "mangled")) {
            n->has_mangled = true;
            n->mangled_per_million = words_per_million(w);
        } else if (words_take(w, "refusals")) {
            n->has_refusals = true;
            n->refusals_per_million = words_per_million(w);
        } else if (words_take(w, "http_breaks")) {
            n->has_http_breaks = true;
            n->http_breaks_per_million = words_per_million(w);
        } else if (words_take(w, "http_refusals")) {
            n->has_http_refusals = true;
            n->http_refusals_per_million = words_per_million(w);
        } else {
            words_fail(w, "loss, copies, delay, late, reorder, breaks, mangled, refusals, "
                          "http_breaks or http_refusals");
        }
    }
}

/* What can be the matter with one of its commands only. */
static bool ipfs_suffers(enum script_ipfs ipfs)
{
    return ipfs == IPFS_SLOW || ipfs == IPFS_HANG || ipfs == IPFS_ERROR || ipfs == IPFS_HALF ||
           ipfs == IPFS_STALLS || ipfs == IPFS_GARBAGE;
}

static void parse_ipfs(struct words *w, struct script_step *step)
{
    static const struct {
        const char *word;
        enum script_ipfs ipfs;
    } rows[] = {
        { "well", IPFS_WELL },       { "slow", IPFS_SLOW },     { "hang", IPFS_HANG },
        { "error", IPFS_ERROR },     { "half", IPFS_HALF },     { "stalls", IPFS_STALLS },
        { "garbage", IPFS_GARBAGE }, { "refuse", IPFS_REFUSE }, { "mute", IPFS_MUTE },
        { "down", IPFS_DOWN },       { "up", IPFS_UP },         { "loses", IPFS_LOSES },
        { "forgets", IPFS_FORGETS }, { "lies", IPFS_LIES },     { "collects", IPFS_COLLECTS }
    };
    words_who(w, &step->who);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* `up` and `down` name peers, too, and words_who() took them: the last word decides. */
        struct script_who *who = &step->who;
        bool taken = rows[i].ipfs == IPFS_UP || rows[i].ipfs == IPFS_DOWN
                         ? who->count > 1 && !words_left(w) &&
                               who->items[who->count - 1].kind ==
                                   (rows[i].ipfs == IPFS_UP ? WHO_UP : WHO_DOWN)
                         : words_take(w, rows[i].word);
        if (!taken)
            continue;
        step->ipfs = rows[i].ipfs;
        if (step->ipfs == IPFS_UP || step->ipfs == IPFS_DOWN)
            who->count -= 1;
        if (step->ipfs == IPFS_SLOW)
            step->time_us = words_time_us(w, "how slow, as 30s");
        if (step->ipfs == IPFS_ERROR)
            step->text = words_next(w, "the error's text");
        if (step->ipfs == IPFS_LOSES)
            words_contents(w, &step->contents);
        if (step->ipfs == IPFS_LIES)
            step->free_bytes = words_bytes(w);
        if (ipfs_suffers(step->ipfs) && words_take(w, "on"))
            step->command = words_next(w, "a command of its RPC, as pin/add");
        if (step->command.len >= SCRIPT_COMMAND_SIZE)
            words_fail(w, "a command of its RPC, as pin/add");
        return;
    }
    words_fail(
        w,
        "well, slow, hang, error, half, stalls, garbage, refuse, mute, down, up, loses, forgets, "
        "lies or collects");
}

static void parse_room(struct words *w, struct script_step *step)
{
    static const char *const rooms[] = { "log", "state", "local" };
    for (unsigned i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        if (words_take(w, rooms[i])) {
            step->room = (enum script_room)i;
            return;
        }
    }
    words_fail(w, "log, state or local");
}

static void parse_disk(struct words *w, struct script_step *step)
{
    static const char *const words[] = { "well",    "slow",   "hung",     "full",
                                         "failing", "copied", "restored", "rots" };
    words_who(w, &step->who);
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words_take(w, words[i])) {
            step->disk = (enum script_disk)i;
            if (step->disk == SCRIPT_DISK_ROTS)
                parse_room(w, step);
            return;
        }
    }
    words_fail(w, "well, slow, hung, full, failing, copied, restored or rots");
}

static void parse_clock(struct words *w, struct script_step *step)
{
    words_who(w, &step->who);
    if (words_take(w, "wall")) {
        step->jump_us = words_signed_time_us(w);
        return;
    }
    if (!words_take(w, "drift")) {
        words_fail(w, "wall or drift");
        return;
    }
    step->is_drift = true;
    bool slow = words_take(w, "slow");
    if (!slow && !words_take(w, "fast"))
        words_fail(w, "fast or slow");
    int64_t ppm = words_count(w, "parts per million, up to 50000", 0, 50000);
    step->drift_ppm = slow ? -ppm : ppm;
}

static void parse_memory(struct words *w, struct script_step *step)
{
    words_who(w, &step->who);
    if (words_take(w, "well"))
        return;
    if (!words_take(w, "lacks"))
        words_fail(w, "lacks or well");
    step->memory_after = words_count(w, "how many succeed before", 0, 1000000);
    step->memory_fails = words_count(w, "how many fail then", 1, 1000000);
}

static void parse_faults(struct words *w, struct script_step *step)
{
    step->on = words_take(w, "drawn");
    if (!step->on && !words_take(w, "off"))
        words_fail(w, "drawn or off");
    if (!step->on || !words_take(w, "without"))
        return;
    do {
        enum fault_class class;
        if (fault_class_find(words_next(w, "a class of faults"), &class))
            step->without |= UINT64_C(1) << class;
        else
            words_fail(w, "a class of faults, as rot or \"slow disks\"");
    } while (words_left(w));
}

/* ---- contents and clients ---- */

static void parse_content(struct words *w, struct script_step *step)
{
    words_contents(w, &step->contents);
    while (words_left(w)) {
        if (words_take(w, "size"))
            step->size_bytes = words_bytes(w);
        else if (words_take(w, "nowhere"))
            step->nowhere = true;
        else if (words_take(w, "at"))
            words_who(w, &step->who);
        else
            words_fail(w, "size, nowhere or at");
    }
}

static void parse_outcome(struct words *w, struct script_step *step)
{
    if (!words_take(w, "fails"))
        return;
    step->outcome.want = OUTCOME_FAILS;
    uint64_t status;
    if (words_left(w) && !w->quoted[w->at] && word_count(w->words[w->at], 599, &status)) {
        step->outcome.status = (unsigned)status;
        w->at += 1;
    }
    if (words_left(w) && w->quoted[w->at])
        step->outcome.text = words_next(w, "a text");
}

/* What pin and add have in common. */
static bool parse_pin_option(struct words *w, struct script_step *step)
{
    if (words_take(w, "by"))
        words_who(w, &step->by);
    else if (words_take(w, "factor"))
        words_factor(w, &step->factor_min, &step->factor_max);
    else if (words_take(w, "name"))
        step->name = words_next(w, "a name");
    else
        return false;
    return true;
}

static void parse_pin(struct words *w, struct script_step *step)
{
    words_contents(w, &step->contents);
    while (words_left(w) && !words_next_is(w, "fails")) {
        if (parse_pin_option(w, step))
            continue;
        if (words_take(w, "direct"))
            step->is_direct = true;
        else if (words_take(w, "expires"))
            step->expires_us = words_time_us(w, "when it expires, as 10m");
        else if (words_take(w, "updating"))
            step->updated = words_content(w);
        else
            words_fail(w, "by, factor, name, direct, expires, updating or fails");
    }
    parse_outcome(w, step);
}

static void parse_add(struct words *w, struct script_step *step)
{
    w->script->has_uploads = true;
    words_contents(w, &step->contents);
    while (words_left(w) && !words_next_is(w, "fails")) {
        if (parse_pin_option(w, step))
            continue;
        if (words_take(w, "over"))
            step->over_us = words_time_us(w, "how long sending it takes, as 5s");
        else if (words_take(w, "aborted"))
            step->aborts = true;
        else
            words_fail(w, "by, factor, name, over, aborted or fails");
    }
    parse_outcome(w, step);
}

static void parse_about_contents(struct words *w, struct script_step *step)
{
    words_contents(w, &step->contents);
    if (words_take(w, "by"))
        words_who(w, &step->by);
    parse_outcome(w, step);
}

/* recover and sync: of one's own, or of everything. */
static void parse_recover(struct words *w, struct script_step *step)
{
    if (!words_take(w, "all"))
        words_contents(w, &step->contents);
    if (words_take(w, "by"))
        words_who(w, &step->by);
    parse_outcome(w, step);
}

static void parse_remove(struct words *w, struct script_step *step)
{
    words_who(w, &step->who);
    step->forced = step->verb == VERB_REMOVE && words_take(w, "forced");
    if (words_take(w, "by"))
        words_who(w, &step->by);
    parse_outcome(w, step);
}

static void parse_clients(struct words *w, struct script_step *step)
{
    if (words_take(w, "off"))
        return;
    step->on = true;
    step->clients_count = words_count(w, "how many clients, 1 to 64, or off", 1, 64);
    step->contents_count = 16;
    step->time_us = 100000;
    while (words_left(w)) {
        if (words_take(w, "every"))
            step->time_us = words_time_us(w, "a pause, as 50ms");
        else if (words_take(w, "contents"))
            step->contents_count = words_count(w, "how many contents", 1, 100000);
        else if (words_take(w, "unpin"))
            step->unpin_per_million = words_per_million(w);
        else if (words_take(w, "read"))
            step->read_per_million = words_per_million(w);
        else if (words_take(w, "leaving"))
            step->leave_per_million = words_per_million(w);
        else if (words_take(w, "adding"))
            step->adds = w->script->has_uploads = true;
        else if (step->adds && words_take(w, "over"))
            step->over_us = words_time_us(w, "how long an upload takes at most, as 5s");
        else
            words_fail(w, "every, contents, unpin, read, leaving or adding [over]");
    }
}

/* ---- names and time ---- */

static void parse_let(struct words *w, struct script_step *step)
{
    struct script *s = w->script;
    struct bytes name = words_next(w, "a name for some peers");
    const char *c = name.data;
    if (name.len > 0 && (c[0] < 'a' || c[0] > 'z' || word_is_reserved(name))) {
        w->at -= 1;
        words_fail(w, "a name of your own that begins with a small letter");
    }
    if (!words_take(w, "be"))
        words_fail(w, "`be`");
    words_who(w, &step->who);
    for (step->let_name = 0; step->let_name < s->names_count; step->let_name++)
        if (bytes_equal(s->names[step->let_name], name))
            return;
    if (s->names_count == SCRIPT_NAMES_MAX)
        words_fail(w, "fewer names");
    else
        s->names[s->names_count++] = name;
}

static void parse_wait(struct words *w, struct script_step *step)
{
    step->time_us = words_time_us(w, "how long, as 5s");
}

static void parse_expect(struct words *w, struct script_step *step)
{
    words_condition(w, &step->condition);
}

static void parse_until(struct words *w, struct script_step *step)
{
    words_condition(w, &step->condition);
    if (!words_take(w, "within"))
        words_fail(w, "`within` and a time");
    step->time_us = words_time_us(w, "a time, as 30s");
}

static void parse_hold(struct words *w, struct script_step *step)
{
    words_condition(w, &step->condition);
    if (!words_take(w, "for"))
        words_fail(w, "`for` and a time");
    step->time_us = words_time_us(w, "a time, as 30s");
}

/* ---- the table ---- */

static const struct verb_row verbs[] = {
    { "start", VERB_START, parse_start, "[try] start PEERS [joining PEERS]" },
    { "crash", VERB_CRASH, parse_who, "[try] crash PEERS" },
    { "stop", VERB_STOP, parse_who, "stop PEERS" },
    { "pause", VERB_PAUSE, parse_who, "pause PEERS" },
    { "resume", VERB_RESUME, parse_who, "resume PEERS" },
    { "wipe", VERB_WIPE, parse_who, "wipe PEERS" },
    { "edit", VERB_EDIT, parse_who, "edit PEERS" },
    { "accept", VERB_ACCEPT, parse_who, "accept PEERS" },
    { "move", VERB_MOVE, parse_who, "move PEERS" },
    { "cut", VERB_CUT, parse_cut, "cut PEERS | PEERS [| PEERS ...]   or   cut PEERS -> PEERS" },
    { "clog", VERB_CLOG, parse_clog, "clog PEERS -> PEERS" },
    { "heal", VERB_HEAL, parse_heal, "heal   or   heal PEERS | PEERS   or   heal PEERS -> PEERS" },
    { "network", VERB_NETWORK, parse_network,
      "network [calm] [loss P%] [copies P%] [delay T..T] [late P% T] [reorder P%] [breaks P%]\n"
      "            [refusals P%] [mangled P%] [http_breaks P%] [http_refusals P%]" },
    { "ipfs", VERB_IPFS, parse_ipfs,
      "ipfs PEERS well | refuse | mute | down | up | loses CONTENTS | forgets | lies SIZE | "
      "collects\n"
      "    ipfs PEERS slow T | hang | error TEXT | half | stalls | garbage [on COMMAND]" },
    { "disk", VERB_DISK, parse_disk,
      "disk PEERS well | slow | hung | full | failing | copied | restored | rots ROOM" },
    { "clock", VERB_CLOCK, parse_clock, "clock PEERS wall +T   or   clock PEERS drift fast PPM" },
    { "memory", VERB_MEMORY, parse_memory,
      "memory PEERS lacks AFTER COUNT   or   memory PEERS well" },
    { "faults", VERB_FAULTS, parse_faults, "faults drawn [without CLASS...]   or   faults off" },
    { "content", VERB_CONTENT, parse_content,
      "content CONTENTS [size BYTES] [nowhere | at PEERS]" },
    { "pin", VERB_PIN, parse_pin,
      "[try|send] pin CONTENTS [by PEERS] [factor N] [name TEXT] [direct] [expires T] "
      "[updating CONTENT] "
      "[fails [STATUS] [\"TEXT\"]]" },
    { "add", VERB_ADD, parse_add,
      "[try|send] add CONTENTS [by PEERS] [factor N] [name TEXT] [over T] [aborted] [fails "
      "[STATUS] "
      "[\"TEXT\"]]" },
    { "unpin", VERB_UNPIN, parse_about_contents,
      "[try|send] unpin CONTENTS [by PEERS] [fails [STATUS] [\"TEXT\"]]" },
    { "recover", VERB_RECOVER, parse_recover,
      "[try|send] recover all|CONTENTS [by PEERS] [fails ...]" },
    { "sync", VERB_SYNC, parse_recover, "[try|send] sync all|CONTENTS [by PEERS] [fails ...]" },
    { "remove", VERB_REMOVE, parse_remove,
      "[try|send] remove PEERS [forced] [by PEERS] [fails ...]" },
    { "stay", VERB_STAY, parse_remove, "[try|send] stay PEERS [by PEERS] [fails ...]" },
    { "drain", VERB_DRAIN, parse_remove, "[try|send] drain PEERS [by PEERS] [fails ...]" },
    { "undrain", VERB_UNDRAIN, parse_remove, "[try|send] undrain PEERS [by PEERS] [fails ...]" },
    { "clients", VERB_CLIENTS, parse_clients,
      "clients N [every T] [contents N] [unpin P%] [read P%] [leaving P%] [adding [over T]]   or   "
      "clients off" },
    { "let", VERB_LET, parse_let, "let NAME be PEERS" },
    { "wait", VERB_WAIT, parse_wait, "wait T" },
    { "expect", VERB_EXPECT, parse_expect, "expect CONDITION" },
    { "until", VERB_UNTIL, parse_until, "until CONDITION within T" },
    { "hold", VERB_HOLD, parse_hold, "hold CONDITION for T" },
};

const char *script_verb_word(enum script_verb verb)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (verbs[i].verb == verb)
            return verbs[i].word;
    return "";
}

const char *script_verb_usage(enum script_verb verb)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (verbs[i].verb == verb)
            return verbs[i].usage;
    return "";
}

static bool verb_may_be_sent(enum script_verb verb)
{
    return verb == VERB_PIN || verb == VERB_ADD || verb == VERB_UNPIN || verb == VERB_RECOVER ||
           verb == VERB_SYNC || verb == VERB_REMOVE || verb == VERB_STAY || verb == VERB_DRAIN ||
           verb == VERB_UNDRAIN;
}

static bool verb_may_be_tried(enum script_verb verb)
{
    return verb == VERB_START || verb == VERB_CRASH || verb_may_be_sent(verb);
}

/* ---- lines ---- */

static void *script_grow(void *rows, size_t count, size_t row_size)
{
    /* Doubles at powers of two. */
    if ((count & (count - 1)) != 0)
        return rows;
    return mem_realloc(rows, (count == 0 ? 1 : 2 * count) * row_size);
}

static void script_add_step(struct words *w, const struct verb_row *row, bool tried, bool sent)
{
    struct script *s = w->script;
    void *steps = script_grow(s->steps, s->steps_count, sizeof(*s->steps));
    if (steps == NULL) {
        s->error.err = ERR_NOMEM;
        w->failed = true;
        return;
    }
    s->steps = steps;
    struct script_step *step = &s->steps[s->steps_count];
    memset(step, 0, sizeof(*step));
    step->line = w->line;
    step->verb = row->verb;
    if (tried || sent)
        step->outcome.want = OUTCOME_ANY;
    step->is_sent = sent;
    w->usage = row->usage;
    row->parse(w, step);
    words_end(w);
    s->steps_count += 1;
}

static void script_add_option(struct words *w)
{
    struct script *s = w->script;
    w->usage = "option NAME VALUE   or   options drawn";
    struct bytes name = words_next(w, "the name of an option");
    struct bytes value = words_next(w, "its value");
    words_end(w);
    if (w->failed)
        return;
    const char *why = script_option_refusal(name, value);
    if (why != NULL) {
        w->at = script_option_is_known(name) ? 2 : 1;
        w->usage = NULL;
        words_fail(w, why);
        return;
    }
    void *options = script_grow(s->options, s->options_count, sizeof(*s->options));
    if (options == NULL) {
        s->error.err = ERR_NOMEM;
        w->failed = true;
        return;
    }
    s->options = options;
    s->options[s->options_count++] =
        (struct script_option){ .line = w->line, .name = name, .value = value };
}

static void script_set_peers(struct words *w)
{
    struct script *s = w->script;
    w->usage = "peers N [spares N]";
    s->peers_count = words_count(w, "how many peers, 1 to 32", 1, SCRIPT_MACHINES_MAX);
    if (words_take(w, "spares"))
        s->spares_count = words_count(w, "how many spare machines (32 machines in all)", 1,
                                      SCRIPT_MACHINES_MAX - s->peers_count);
    words_end(w);
}

static void script_set_seed(struct words *w)
{
    struct script *s = w->script;
    w->usage = "seed N";
    if (s->has_seed)
        words_fail(w, "`seed` only once");
    else if (words_left(w) && word_count(w->words[w->at], UINT64_MAX, &s->seed))
        w->at += 1;
    else
        words_fail(w, "a number");
    s->has_seed = true;
    words_end(w);
}

/* The peers' own draws are never still: peers that all draw the same elect nobody. */
static void script_set_still(struct words *w)
{
    struct script *s = w->script;
    w->usage = "still all   or   still KIND...";
    bool all = words_take(w, "all");
    for (unsigned kind = 0; all && kind < CHOICE_KINDS_COUNT; kind++)
        s->is_still[kind] = choice_kind_is_world((enum choice_kind)kind);
    while (!all && !w->failed) {
        enum choice_kind kind = 0;
        struct bytes word = words_next(w, "all, or kinds of choices, as net-delay");
        if (!w->failed && !(choice_kind_find(word, &kind) && choice_kind_is_world(kind))) {
            w->at -= 1;
            words_fail(w, "all, or a kind of the world's choices, as net-delay");
        }
        s->is_still[kind] = !w->failed;
        if (!words_left(w))
            break;
    }
    words_end(w);
}

/* True: it was a line of the set-up beside peers and options. */
static bool script_parse_chance(struct words *w)
{
    if (words_take(w, "seed")) {
        script_set_seed(w);
    } else if (words_take(w, "still")) {
        script_set_still(w);
    } else if (words_take(w, "supervised")) {
        w->script->is_supervised = true;
        words_end(w);
    } else {
        return false;
    }
    return true;
}

static void script_parse_words(struct words *w)
{
    struct script *s = w->script;
    if (words_take(w, "peers")) {
        if (s->peers_count > 0)
            words_fail(w, "`peers` only once");
        else
            script_set_peers(w);
        return;
    }
    if (s->peers_count == 0) {
        words_fail(w, "`peers N` before anything else");
        return;
    }
    bool is_option = words_next_is(w, "option") || words_next_is(w, "options");
    if (is_option && s->steps_count > 0) {
        words_fail(w, "options before the first step");
        return;
    }
    if (words_take(w, "option")) {
        script_add_option(w);
        return;
    }
    if (words_take(w, "options")) {
        if (!words_take(w, "drawn"))
            words_fail(w, "`drawn`");
        s->options_drawn = true;
        words_end(w);
        return;
    }
    if (s->steps_count == 0 && script_parse_chance(w))
        return;
    bool tried = words_take(w, "try");
    bool sent = !tried && words_take(w, "send");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if ((tried && !verb_may_be_tried(verbs[i].verb)) ||
            (sent && !verb_may_be_sent(verbs[i].verb)) || !words_take(w, verbs[i].word))
            continue;
        script_add_step(w, &verbs[i], tried, sent);
        return;
    }
    words_fail(w, tried  ? "start, crash, or an operation of a client, behind `try`"
                  : sent ? "an operation of a client, behind `send`"
                         : "a step: start, crash, cut, pin, until, ... (docs/SIMULATOR.md)");
}

/* A name of the set-up must not be taken for a peer's: words_who() looks names up as it goes. */
static bool script_parse_line(struct script *s, unsigned line_number, struct bytes line)
{
    struct words w = { .script = s, .line = line_number };
    if (words_cut(&w, line) && w.count > 0)
        script_parse_words(&w);
    return !w.failed;
}

static struct bytes text_line(const char *text, size_t len, size_t *at)
{
    size_t start = *at, end = start;
    while (end < len && text[end] != '\n')
        end += 1;
    *at = end + 1;
    return (struct bytes){ text + start, end - start };
}

static int script_parse_lines(struct script *s)
{
    unsigned line_number = 0;
    for (size_t at = 0; at < s->text_len;) {
        struct bytes line = text_line(s->text, s->text_len, &at);
        if (++line_number > SCRIPT_LINES_MAX) {
            buf_printf(&s->error, "%s: more than %d lines", s->file, SCRIPT_LINES_MAX);
            return ERR_INVALID;
        }
        if (!script_parse_line(s, line_number, line))
            return s->error.err == OK ? ERR_INVALID : s->error.err;
    }
    if (s->peers_count == 0 || s->steps_count == 0) {
        buf_printf(&s->error, "%s: expected `peers N` and at least one step, found neither",
                   s->file);
        return ERR_INVALID;
    }
    return OK;
}

int script_parse(struct script *s, const char *file, const void *text, size_t len)
{
    memset(s, 0, sizeof(*s));
    s->seed = 1;
    s->file = mem_strdup(file);
    s->text = mem_alloc(len + 1);
    if (s->file == NULL || s->text == NULL)
        return ERR_NOMEM;
    memcpy(s->text, text, len);
    s->text[len] = '\0';
    s->text_len = len;
    return script_parse_lines(s);
}

void script_deinit(struct script *s)
{
    mem_free(s->file);
    mem_free(s->text);
    mem_free(s->options);
    mem_free(s->steps);
    buf_deinit(&s->error);
    memset(s, 0, sizeof(*s));
}

struct bytes script_line(const struct script *s, unsigned line)
{
    struct bytes out = { "", 0 };
    size_t at = 0;
    for (unsigned i = 0; i < line && at < s->text_len; i++)
        out = text_line(s->text, s->text_len, &at);
    return out;
}

/* The commands of a script. */
#include "tests/lib/raft_script.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/raft_one.h"
#include "tests/lib/raft_script_int.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { SCRIPT_WORDS_MAX = 64, SCRIPT_LINE_MAX = 256 };

struct script_words {
    char line[SCRIPT_LINE_MAX];
    const char *words[SCRIPT_WORDS_MAX];
    size_t count;
};

static bool words_is(const struct script_words *w, size_t at, const char *text)
{
    return at < w->count && strcmp(w->words[at], text) == 0;
}

static uint64_t words_number(const struct script_words *w, size_t at)
{
    return at < w->count ? strtoull(w->words[at], NULL, 10) : 0;
}

/* The raft that the word at `at` names, and that is up; NULL. */
static struct script_raft *words_raft(struct raft_script *s, const struct script_words *w,
                                      size_t at)
{
    struct script_raft *n = script_raft(s, words_number(w, at));
    return n != NULL && n->raft != NULL ? n : NULL;
}

static void script_say_err(struct raft_script *s, int err)
{
    if (err != OK)
        buf_printf(s->out, "refused: %s\n", err_text(err));
}

/* ---- before it begins ---- */

static bool script_options(struct raft_script *s, const struct script_words *w)
{
    for (size_t i = 1; i + 1 < w->count; i += 2) {
        uint64_t value = words_number(w, i + 1);
        if (words_is(w, i, "window"))
            s->options.window_max = value;
        else if (words_is(w, i, "bytes"))
            s->options.append_bytes_max = value;
        else if (words_is(w, i, "entries"))
            s->options.append_entries_max = value;
        else if (words_is(w, i, "cache"))
            s->options.cache_bytes_max = value;
        else
            return false;
    }
    return w->count % 2 == 1;
}

static bool script_past(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = script_raft(s, words_number(w, 1));
    if (n == NULL || !words_is(w, 2, "term") || (w->count > 4 && !words_is(w, 4, "log")))
        return false;
    n->disk.hard.term = words_number(w, 3);
    for (size_t i = 5; i < w->count; i++) {
        uint8_t *bytes = mem_zalloc(1);
        ASSERT(bytes != NULL);
        n->disk.entries[n->disk.entries_count++] = (struct raft_entry){
            .pos = { words_number(w, i), i - 4 }, .kind = RAFT_ENTRY_DATA, .payload = { bytes, 1 }
        };
    }
    return true;
}

static bool script_voters(struct raft_script *s, const struct script_words *w)
{
    unsigned voters = (unsigned)words_number(w, 1);
    unsigned learners = words_is(w, 2, "learners") ? (unsigned)words_number(w, 3) : 0;
    if (voters == 0 || voters + learners > SCRIPT_RAFTS_MAX)
        return false;
    for (unsigned i = 1; i <= voters + learners; i++) {
        struct script_raft *n = &s->rafts[i];
        n->disk.number = i;
        raft_one_config(&n->disk.config, voters, learners);
        script_wake(s, n);
    }
    return true;
}

/* ---- time and letters ---- */

static bool script_timeout(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = words_raft(s, w, 1);
    if (n == NULL || raft_next_deadline_us(n->raft) == RAFT_NEVER)
        return false;
    if (raft_next_deadline_us(n->raft) > s->now_us)
        s->now_us = raft_next_deadline_us(n->raft);
    script_take(s, n, raft_on_deadline(n->raft, s->now_us, n->id * 7919));
    return true;
}

static bool script_run(struct raft_script *s)
{
    enum { ROUNDS_MAX = 200 };
    int rounds = 0;
    while (rounds < ROUNDS_MAX && script_deliver(s, 0, 0))
        rounds += 1;
    return rounds < ROUNDS_MAX;
}

/* An election that is not what the script is about. */
static bool script_elect(struct raft_script *s, const struct script_words *w)
{
    struct buf *out = s->out;
    struct buf unsaid = { 0 };
    s->out = &unsaid;
    bool fine = script_timeout(s, w) && script_run(s);
    s->out = out;
    buf_deinit(&unsaid);
    if (fine)
        script_tell_state(s->out, words_raft(s, w, 1));
    return fine;
}

static bool script_cut(struct raft_script *s, const struct script_words *w)
{
    memset(s->is_cut, 0, sizeof(s->is_cut));
    for (size_t i = 1; i < w->count; i++) {
        struct script_raft *n = script_raft(s, words_number(w, i));
        if (n == NULL)
            return false;
        s->is_cut[n->id] = true;
    }
    return true;
}

/* ---- what is asked of a raft ---- */

static bool script_propose(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = words_raft(s, w, 1);
    uint64_t count = w->count > 2 ? words_number(w, 2) : 1;
    size_t len = w->count > 3 ? words_number(w, 3) : 1;
    static const char payload[4096];
    struct raft_pos pos;
    if (n == NULL || len > sizeof(payload))
        return false;
    int err = OK;
    for (uint64_t i = 0; i < count && err == OK; i++)
        err = raft_propose(n->raft, payload, len, &pos);
    script_say_err(s, err);
    script_take(s, n, raft_flush(n->raft, s->now_us));
    return true;
}

static bool script_read(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = words_raft(s, w, 1);
    if (n == NULL)
        return false;
    script_say_err(s, raft_read(n->raft, ++s->reads_count));
    script_take(s, n, raft_flush(n->raft, s->now_us));
    return true;
}

static bool script_transfer(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = words_raft(s, w, 1);
    if (n == NULL)
        return false;
    script_say_err(s, raft_transfer(n->raft, s->now_us, words_number(w, 2)));
    script_take(s, n, raft_flush(n->raft, s->now_us));
    return true;
}

static bool script_config(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = words_raft(s, w, 1);
    uint64_t number = words_number(w, 3);
    struct raft_config next = { 0 };
    if (n == NULL || w->count != 4)
        return false;
    int err = raft_config_copy(&next, raft_config(n->raft));
    struct raft_member newcomer = raft_one_member(number, RAFT_LEARNER);
    if (words_is(w, 2, "add"))
        err = raft_config_add(&next, &newcomer);
    else if (words_is(w, 2, "promote"))
        err = raft_config_set_role(&next, number, RAFT_VOTER);
    else if (words_is(w, 2, "demote"))
        err = raft_config_set_role(&next, number, RAFT_LEARNER);
    else if (words_is(w, 2, "remove"))
        err = raft_config_remove(&next, number);
    else
        err = ERR_UNSUPPORTED;
    struct raft_pos pos;
    if (err == OK)
        err = raft_propose_config(n->raft, &next, &pos);
    raft_config_deinit(&next);
    script_say_err(s, err);
    script_take(s, n, raft_flush(n->raft, s->now_us));
    return err != ERR_UNSUPPORTED;
}

/* ---- machines ---- */

static bool script_tell_number(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = script_raft(s, words_number(w, 1));
    if (n == NULL || words_number(w, 2) != n->id)
        return false; /* in a script, a raft and its number are one */
    if (n->raft == NULL)
        script_wake(s, n);
    raft_set_number(n->raft, n->id);
    script_take(s, n, raft_flush(n->raft, s->now_us));
    return true;
}

static bool script_machine(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = script_raft(s, words_number(w, 1));
    if (n == NULL || (n->raft != NULL) != words_is(w, 0, "crash"))
        return false;
    if (n->raft != NULL) {
        script_crash(s, n);
        return true;
    }
    script_wake(s, n);
    script_tell_state(s->out, n);
    return true;
}

static bool script_store_one(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = words_raft(s, w, 1);
    return n != NULL && script_store(s, n);
}

static bool script_trim(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *n = words_raft(s, w, 1);
    if (n == NULL || words_number(w, 2) > n->applied)
        return false;
    raft_on_trimmed(n->raft, words_number(w, 2));
    script_take(s, n, raft_flush(n->raft, s->now_us));
    return true;
}

/* What the drivers do together: the state travels, is taken over, and its sender hears so. */
static bool script_send_state(struct raft_script *s, const struct script_words *w)
{
    struct script_raft *from = words_raft(s, w, 1);
    struct script_raft *to = words_raft(s, w, 2);
    if (from == NULL || to == NULL || from->applied <= to->applied)
        return false;
    struct raft_pos pos = { raft_term_at(from->raft, from->applied), from->applied };
    const struct raft_ready *ready =
        raft_install(to->raft, s->now_us, pos, raft_config(from->raft));
    to->applied = pos.index;
    script_take(s, to, ready);
    script_take(s, from, raft_on_snapshot_sent(from->raft, s->now_us, to->id, pos.index));
    return true;
}

static bool script_look(struct raft_script *s, const struct script_words *w)
{
    if (words_is(w, 0, "progress")) {
        struct script_raft *n = words_raft(s, w, 1);
        if (n != NULL)
            script_tell_progress(s->out, n);
        return n != NULL;
    }
    for (unsigned i = 1; i <= SCRIPT_RAFTS_MAX; i++) {
        if (s->rafts[i].raft != NULL || s->rafts[i].disk.number > 0)
            script_tell_state(s->out, &s->rafts[i]);
    }
    return true;
}

/* ---- a transcript ---- */

static bool script_time_and_way(struct raft_script *s, const struct script_words *w)
{
    uint64_t from = words_number(w, 1);
    uint64_t to = words_number(w, 2);
    if (words_is(w, 0, "timeout"))
        return script_timeout(s, w);
    if (words_is(w, 0, "wait"))
        s->now_us += words_number(w, 1) * 1000;
    else if (words_is(w, 0, "deliver"))
        script_deliver(s, from, to);
    else if (words_is(w, 0, "drop"))
        script_drop(s, from, to);
    else if (words_is(w, 0, "cut") || words_is(w, 0, "heal"))
        return script_cut(s, w);
    else
        return words_is(w, 0, "run") && script_run(s);
    return true;
}

static bool script_command(struct raft_script *s, const struct script_words *w)
{
    static const struct {
        const char *word;
        bool (*play)(struct raft_script *s, const struct script_words *w);
    } commands[] = {
        { "options", script_options },   { "past", script_past },
        { "voters", script_voters },     { "elect", script_elect },
        { "propose", script_propose },   { "read", script_read },
        { "transfer", script_transfer }, { "config", script_config },
        { "tell", script_tell_number },  { "crash", script_machine },
        { "restart", script_machine },   { "store", script_store_one },
        { "trim", script_trim },         { "send-state", script_send_state },
        { "state", script_look },        { "progress", script_look },
    };
    if (words_is(w, 0, "disks")) {
        s->disks_are_slow = words_is(w, 1, "slow");
        return true;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (words_is(w, 0, commands[i].word))
            return commands[i].play(s, w);
    }
    return script_time_and_way(s, w);
}

/* What followed, behind four blanks; an empty line between what has something to say. */
static void script_tell_followed(struct buf *out, struct buf *followed)
{
    const char *text = followed->len > 0 ? buf_text(followed) : "";
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        buf_append_text(out, "    ");
        buf_append(out, text, len);
        buf_append_text(out, "\n");
        text += len + 1;
    }
}

static bool script_play_command(struct raft_script *s, const char *line, size_t len)
{
    struct script_words w = { .count = 0 };
    if (len >= sizeof(w.line))
        return false;
    memcpy(w.line, line, len);
    char *rest = NULL;
    for (char *word = strtok_r(w.line, " ", &rest); word != NULL && w.count < SCRIPT_WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        w.words[w.count++] = word;
    if (w.count > 0 && script_command(s, &w))
        return true;
    buf_append_text(s->out, "not understood, or not possible now\n");
    return false;
}

bool raft_script_play(const char *transcript, struct buf *out)
{
    struct raft_script *s = mem_zalloc(sizeof(*s));
    struct buf followed = { 0 };
    char before = '\0';
    bool fine = true;
    ASSERT(s != NULL);
    script_begin(s, &followed);
    while (fine && *transcript != '\0') {
        size_t len = strcspn(transcript, "\n");
        char kind = len > 0 ? *transcript : ' ';
        if (kind == '#' || kind == '>') {
            bool is_apart = followed.len > 0 || (before != '\0' && before != kind);
            buf_append_text(out, is_apart ? "\n" : "");
            buf_clear(&followed);
            buf_append(out, transcript, len);
            buf_append_text(out, "\n");
            if (kind == '>')
                fine = script_play_command(s, transcript + 1, len - 1);
            script_tell_followed(out, &followed);
            before = kind;
        } /* else what followed once */
        transcript += len + (transcript[len] == '\n');
    }
    script_end(s);
    buf_deinit(&followed);
    mem_free(s);
    return fine;
}

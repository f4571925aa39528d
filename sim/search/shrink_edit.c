/* Single changes of a plot. They work on words: whether what comes out is a scenario, its parser says. */
#include "sim/search/shrink.h"

#include <string.h>

#include "sim/script/words.h"
#include "util/assert.h"
#include "util/mem.h"

enum { EDIT_WORDS_MAX = 64, EDIT_WORD_SIZE = 64 };

/* ---- words of a line ---- */

struct edit_words {
    char words[EDIT_WORDS_MAX][EDIT_WORD_SIZE];
    size_t count;
};

static bool edit_cut(struct edit_words *w, const char *text)
{
    w->count = 0;
    if (text == NULL || strchr(text, '"') != NULL)
        return false;
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (len >= EDIT_WORD_SIZE || w->count == EDIT_WORDS_MAX)
            return false;
        if (len > 0) {
            memcpy(w->words[w->count], at, len);
            w->words[w->count++][len] = '\0';
        }
        at += len;
        at += strspn(at, " ");
    }
    return w->count > 0;
}

static void edit_join(struct plot *p, size_t at, const struct edit_words *w)
{
    struct buf text = { 0 };
    for (size_t i = 0; i < w->count; i++)
        buf_printf(&text, i > 0 ? " %s" : "%s", w->words[i]);
    plot_set_text(p, at, buf_text(&text));
    buf_deinit(&text);
}

static void edit_drop_words(struct edit_words *w, size_t at, size_t count)
{
    memmove(w->words[at], w->words[at + count], (w->count - at - count) * sizeof(w->words[0]));
    w->count -= count;
}

static bool edit_is(const struct edit_words *w, size_t at, const char *word)
{
    return at < w->count && strcmp(w->words[at], word) == 0;
}

static struct bytes edit_bytes(const char *word)
{
    return (struct bytes){ word, strlen(word) };
}

/* ---- units ---- */

size_t edit_units(const struct plot *p, size_t *unit_of_line)
{
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        size_t first = i;
        for (size_t j = 0; p->lines[i].deed != 0 && j < i && first == i; j++)
            if (p->lines[j].deed == p->lines[i].deed)
                first = j;
        unit_of_line[i] = first < i ? unit_of_line[first] : count++;
    }
    return count;
}

/* ---- numbers ---- */

/* One digit that counts: 177081 is 200000, 0 is 0. */
static uint64_t edit_one_digit(uint64_t value)
{
    uint64_t scale = 1;
    while (value / scale >= 10)
        scale *= 10;
    uint64_t digit = value / scale + (value % scale * 2 >= scale && scale > 1);
    return digit * scale;
}

bool edit_wait(struct plot *p, size_t at, unsigned variant)
{
    static const uint64_t divisors[EDIT_WAIT_VARIANTS] = { 8, 2, 1 };
    if (at >= p->count || p->lines[at].text != NULL)
        return false;
    struct plot_line *line = &p->lines[at];
    uint64_t us = edit_one_digit(line->wait_us / divisors[variant]);
    if (us == 0 || us == line->wait_us || us / 2 > line->wait_us)
        return false;
    line->wait_us = us;
    return true;
}

static void edit_print(char word[EDIT_WORD_SIZE], const struct buf *text)
{
    ASSERT(text->len < EDIT_WORD_SIZE);
    memcpy(word, text->data, text->len);
    word[text->len] = '\0';
}

/* "10879us..210142us": "10ms..200ms" */
static bool edit_round_time(char word[EDIT_WORD_SIZE])
{
    const char *dots = strstr(word, "..");
    struct bytes low = { word, dots != NULL ? (size_t)(dots - word) : strlen(word) };
    uint64_t low_us, high_us = 0;
    if (!word_time_us(low, &low_us) ||
        (dots != NULL && !word_time_us(edit_bytes(dots + 2), &high_us)))
        return false;
    struct buf text = { 0 };
    word_print_time(edit_one_digit(low_us), &text);
    if (dots != NULL) {
        buf_append_text(&text, "..");
        word_print_time(edit_one_digit(high_us), &text);
    }
    edit_print(word, &text);
    buf_deinit(&text);
    return true;
}

/* "2.1350%": "2%" */
static bool edit_round_chance(char word[EDIT_WORD_SIZE])
{
    uint64_t value = 0, digits_behind = 0;
    size_t len = strlen(word);
    if (len < 2 || word[len - 1] != '%')
        return false;
    bool behind = false;
    for (size_t i = 0; i + 1 < len; i++) {
        if (word[i] == '.') {
            behind = true;
            continue;
        }
        if (word[i] < '0' || word[i] > '9' || value > 1000000)
            return false;
        value = value * 10 + (uint64_t)(word[i] - '0');
        digits_behind += behind;
    }
    for (; digits_behind < 4; digits_behind++)
        value *= 10;
    value = edit_one_digit(value);
    struct buf text = { 0 };
    buf_printf(&text, "%llu", (unsigned long long)(value / 10000));
    if (value % 10000 > 0) {
        buf_printf(&text, ".%04llu", (unsigned long long)(value % 10000));
        while (text.data[text.len - 1] == '0')
            text.len -= 1;
    }
    buf_append_text(&text, "%");
    edit_print(word, &text);
    buf_deinit(&text);
    return true;
}

bool edit_round(struct plot *p, size_t at, unsigned variant)
{
    (void)variant;
    struct edit_words w;
    if (at >= p->count || !edit_cut(&w, p->lines[at].text))
        return false;
    bool changed = false;
    for (size_t i = 1; i < w.count; i++) {
        char before[EDIT_WORD_SIZE];
        memcpy(before, w.words[i], sizeof(before));
        if (edit_round_time(w.words[i]) || edit_round_chance(w.words[i]))
            changed = changed || strcmp(before, w.words[i]) != 0;
    }
    if (changed)
        edit_join(p, at, &w);
    return changed;
}

/* ---- lines ---- */

bool edit_merge(struct plot *p, size_t at, unsigned variant)
{
    static const char verb[] = "network ";
    (void)variant;
    if (at + 1 >= p->count || p->lines[at].text == NULL || p->lines[at + 1].text == NULL ||
        strncmp(p->lines[at].text, verb, strlen(verb)) != 0 ||
        strncmp(p->lines[at + 1].text, verb, strlen(verb)) != 0 ||
        strstr(p->lines[at + 1].text, "calm") != NULL)
        return false;
    struct buf text = { 0 };
    buf_printf(&text, "%s %s", p->lines[at].text, p->lines[at + 1].text + strlen(verb));
    plot_set_text(p, at, buf_text(&text));
    plot_remove(p, at + 1);
    buf_deinit(&text);
    return true;
}

bool edit_bite(struct plot *p, size_t at, unsigned variant)
{
    (void)at;
    bool *marked = mem_array(p->count + 1, sizeof(*marked));
    ASSERT(marked != NULL);
    bool changed = false;
    for (size_t i = 0; i < p->count; i++) {
        bool is_fault = p->lines[i].deed != 0;
        marked[i] = (variant != 1 && p->lines[i].is_setup) || (variant != 2 && is_fault);
        changed = changed || marked[i];
    }
    plot_remove_marked(p, marked);
    mem_free(marked);
    return changed;
}

/* ---- words ---- */

bool edit_untry(struct plot *p, size_t at, unsigned variant)
{
    (void)variant;
    struct edit_words w;
    if (at >= p->count || !edit_cut(&w, p->lines[at].text) || !edit_is(&w, 0, "try"))
        return false;
    edit_drop_words(&w, 0, 1);
    edit_join(p, at, &w);
    return true;
}

static bool edit_drop_option(struct edit_words *w, const char *name)
{
    for (size_t i = 1; i + 1 < w->count; i++)
        if (edit_is(w, i, name)) {
            edit_drop_words(w, i, 2);
            return true;
        }
    return false;
}

/* Fewer clients, that do less; or a few pins instead of them. */
bool edit_clients(struct plot *p, size_t at, unsigned variant)
{
    static const char *const fewer[] = { "unpin", "contents", "every" };
    struct edit_words w;
    if (at >= p->count || !edit_cut(&w, p->lines[at].text) || !edit_is(&w, 0, "clients") ||
        edit_is(&w, 1, "off"))
        return false;
    if (variant < 2) {
        plot_set_text(p, at, variant == 0 ? "pin a1" : "pin a1..a10");
        return true;
    }
    if (variant == 2) {
        if (edit_is(&w, 1, "1"))
            return false;
        memcpy(w.words[1], "1", 2);
    } else if (!edit_drop_option(&w, fewer[variant - 3])) {
        return false;
    }
    edit_join(p, at, &w);
    return true;
}

/* ---- machines ---- */

/* The number of a machine in this place, or 0. */
static uint64_t edit_machine_number(const struct edit_words *w, size_t at)
{
    uint64_t number = 0;
    return word_count(edit_bytes(w->words[at]), SCRIPT_MACHINES_MAX, &number) ? number : 0;
}

/* Where numbers of machines stand: behind the verb, and behind by, at and joining. */
static bool edit_names_machines(const struct edit_words *w, size_t at)
{
    static const char *const verbs[] = { "start", "crash", "stop", "pause", "resume", "wipe", "cut",
                                         "heal",  "ipfs",  "disk", "clock", "remove", "clog" };
    size_t verb = at;
    while (verb > 0 &&
           (edit_machine_number(w, verb) > 0 || edit_is(w, verb, "|") || edit_is(w, verb, "->")))
        verb -= 1;
    if (edit_is(w, verb, "by") || edit_is(w, verb, "at") || edit_is(w, verb, "joining"))
        return true;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (edit_is(w, verb, verbs[i]) && (verb == 0 || edit_is(w, 0, "try")))
            return true;
    return false;
}

/* A side without anybody, or nobody at all: the line is about the machine that is gone. */
static bool edit_line_is_hollow(const struct edit_words *w)
{
    for (size_t i = 0; i < w->count; i++) {
        bool is_bar = edit_is(w, i, "|") || edit_is(w, i, "->");
        if (is_bar && (i + 1 == w->count || i == 1 || edit_is(w, i + 1, "|")))
            return true;
    }
    return false;
}

/* False: the line goes. */
static bool edit_line_without(struct edit_words *w, uint64_t gone)
{
    for (size_t i = 1; i < w->count; i++) {
        uint64_t number = edit_machine_number(w, i);
        if (number < gone || !edit_names_machines(w, i))
            continue;
        if (number > gone) {
            struct buf text = { 0 };
            buf_printf(&text, "%llu", (unsigned long long)(number - 1));
            edit_print(w->words[i], &text);
            buf_deinit(&text);
            continue;
        }
        bool is_alone = !(i > 1 && edit_machine_number(w, i - 1) > 0) &&
                        !(i + 1 < w->count && edit_machine_number(w, i + 1) > 0);
        if (is_alone)
            return false;
        edit_drop_words(w, i, 1);
        i -= 1;
    }
    return !edit_line_is_hollow(w);
}

bool edit_machine(struct plot *p, size_t at, unsigned variant)
{
    (void)variant;
    if (p->peers_count < 2 || at >= p->peers_count)
        return false;
    bool *gone = mem_array(p->count + 1, sizeof(*gone));
    ASSERT(gone != NULL);
    for (size_t i = 0; i < p->count; i++) {
        struct edit_words w;
        gone[i] = false;
        if (!edit_cut(&w, p->lines[i].text))
            continue;
        gone[i] = !edit_line_without(&w, at + 1);
        if (!gone[i])
            edit_join(p, i, &w);
    }
    plot_remove_marked(p, gone);
    mem_free(gone);
    p->peers_count -= 1;
    return true;
}

/* ---- chance ---- */

bool edit_seed(struct plot *p, size_t at, unsigned variant)
{
    (void)at;
    if (p->seed <= variant + 1)
        return false;
    p->seed = variant + 1;
    return true;
}

static bool edit_set_still(struct plot *p, bool is_still)
{
    bool changed = false;
    for (unsigned kind = 0; kind < CHOICE_KINDS_COUNT; kind++) {
        if (!choice_kind_is_world((enum choice_kind)kind))
            continue;
        changed = changed || p->is_still[kind] != is_still;
        p->is_still[kind] = is_still;
    }
    return changed;
}

bool edit_still(struct plot *p, size_t at, unsigned variant)
{
    (void)at, (void)variant;
    return edit_set_still(p, true);
}

bool edit_unstill(struct plot *p, size_t at, unsigned variant)
{
    (void)at, (void)variant;
    return edit_set_still(p, false);
}

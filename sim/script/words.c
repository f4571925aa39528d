#include "sim/script/words.h"

#include <string.h>

#include "util/err.h"

bool word_is(struct bytes word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

static char word_char(struct bytes word, size_t at)
{
    return at < word.len ? ((const char *)word.data)[at] : '\0';
}

static struct bytes word_from(struct bytes word, size_t at)
{
    return (struct bytes){ (const char *)word.data + at, word.len - at };
}

static struct bytes word_until(struct bytes word, size_t at)
{
    return (struct bytes){ word.data, at };
}

/* ---- cutting ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool words_cut(struct words *w, struct bytes line)
{
    const char *at = line.data;
    const char *end = at + line.len;
    while (at < end) {
        if (is_blank(*at)) {
            at += 1;
            continue;
        }
        if (*at == '#')
            break;
        if (w->count == SCRIPT_WORDS_MAX) {
            words_fail(w, "fewer words on one line");
            return false;
        }
        bool quoted = *at == '"';
        const char *start = quoted ? at + 1 : at;
        const char *stop = start;
        while (stop < end && (quoted ? *stop != '"' : !is_blank(*stop)))
            stop += 1;
        if (quoted && stop == end) {
            words_fail(w, "a closing quote");
            return false;
        }
        w->quoted[w->count] = quoted;
        w->words[w->count++] = (struct bytes){ start, (size_t)(stop - start) };
        at = quoted ? stop + 1 : stop;
    }
    return true;
}

void words_fail(struct words *w, const char *expected)
{
    if (w->failed)
        return;
    w->failed = true;
    struct buf *out = &w->script->error;
    buf_printf(out, "%s:%u: expected %s", w->script->file, w->line, expected);
    if (w->at < w->count)
        buf_printf(out, ", found `%.*s`", (int)w->words[w->at].len,
                   (const char *)w->words[w->at].data);
    else if (w->count > 0)
        buf_append_text(out, ", found the end of the line");
    if (w->usage != NULL)
        buf_printf(out, "\n    %s", w->usage);
}

bool words_left(const struct words *w)
{
    return !w->failed && w->at < w->count;
}

struct bytes words_next(struct words *w, const char *expected)
{
    if (!words_left(w)) {
        words_fail(w, expected);
        return (struct bytes){ "", 0 };
    }
    return w->words[w->at++];
}

bool words_next_is(const struct words *w, const char *word)
{
    return words_left(w) && !w->quoted[w->at] && word_is(w->words[w->at], word);
}

bool words_take(struct words *w, const char *word)
{
    if (!words_next_is(w, word))
        return false;
    w->at += 1;
    return true;
}

void words_end(struct words *w)
{
    if (words_left(w))
        words_fail(w, "the end of the line");
}

/* A word that has been read does not fit: the message shows it. */
static void words_refuse(struct words *w, const char *expected)
{
    if (!w->failed && w->at > 0)
        w->at -= 1;
    words_fail(w, expected);
}

/* ---- numbers ---- */

/* The digits at the front; false without any, or beyond `max`. */
static bool word_digits(struct bytes word, uint64_t max, uint64_t *out, size_t *len)
{
    uint64_t value = 0;
    size_t at = 0;
    for (; at < word.len; at++) {
        char c = word_char(word, at);
        if (c < '0' || c > '9')
            break;
        uint64_t digit = (uint64_t)(c - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    *len = at;
    return at > 0;
}

bool word_count(struct bytes word, uint64_t max, uint64_t *out)
{
    size_t len;
    uint64_t value;
    if (!word_digits(word, max, &value, &len) || len != word.len)
        return false;
    *out = value;
    return true;
}

struct word_unit {
    const char *name;
    uint64_t scale;
};

static bool word_with_unit(struct bytes word, const struct word_unit *units, uint64_t max,
                           uint64_t *out)
{
    size_t len;
    uint64_t value;
    if (!word_digits(word, max, &value, &len))
        return false;
    struct bytes unit = word_from(word, len);
    for (const struct word_unit *u = units; u->name != NULL; u++) {
        if (!word_is(unit, u->name))
            continue;
        if (value > max / u->scale)
            return false;
        *out = value * u->scale;
        return true;
    }
    return false;
}

static const struct word_unit time_units[] = { { "us", 1 },
                                               { "ms", 1000 },
                                               { "s", 1000000 },
                                               { "m", (uint64_t)60 * 1000000 },
                                               { "h", (uint64_t)3600 * 1000000 },
                                               { "d", (uint64_t)24 * 3600 * 1000000 },
                                               { NULL, 0 } };

bool word_time_us(struct bytes word, uint64_t *out)
{
    return word_with_unit(word, time_units, SCRIPT_TIME_MAX_US, out);
}

void word_print_time(uint64_t us, struct buf *out)
{
    const struct word_unit *unit = time_units;
    while (us > 0 && unit[1].name != NULL && us % unit[1].scale == 0)
        unit += 1;
    buf_printf(out, "%llu%s", (unsigned long long)(us / unit->scale), unit->name);
}

uint64_t words_time_us(struct words *w, const char *expected)
{
    uint64_t out = 0;
    if (!word_time_us(words_next(w, expected), &out))
        words_refuse(w, expected);
    return out;
}

int64_t words_signed_time_us(struct words *w)
{
    static const char expected[] = "a jump of time with its sign, as +3h or -1d";
    struct bytes word = words_next(w, expected);
    char sign = word_char(word, 0);
    uint64_t out = 0;
    if ((sign != '+' && sign != '-') || !word_time_us(word_from(word, 1), &out))
        words_refuse(w, expected);
    return sign == '-' ? -(int64_t)out : (int64_t)out;
}

unsigned words_count(struct words *w, const char *expected, unsigned min, unsigned max)
{
    uint64_t out = 0;
    if (!word_count(words_next(w, expected), max, &out) || out < min) {
        words_refuse(w, expected);
        return min;
    }
    return (unsigned)out;
}

/* Up to four digits behind the point, without floating point. */
uint64_t words_per_million(struct words *w)
{
    static const char expected[] = "a percentage, as 5% or 0.01%";
    struct bytes word = words_next(w, expected);
    uint64_t whole, part = 0;
    size_t len, part_len = 0;
    bool fits = word_digits(word, 100, &whole, &len);
    if (fits && word_char(word, len) == '.') {
        struct bytes rest = word_from(word, len + 1);
        fits = word_digits(rest, 9999, &part, &part_len) && part_len <= 4;
        len += 1 + part_len;
    }
    if (!fits || !word_is(word_from(word, len), "%")) {
        words_refuse(w, expected);
        return 0;
    }
    for (size_t i = part_len; i < 4; i++)
        part *= 10;
    uint64_t out = whole * 10000 + part;
    if (out > 1000000)
        words_refuse(w, expected);
    return out;
}

uint64_t words_bytes(struct words *w)
{
    static const struct word_unit units[] = {
        { "", 1 }, { "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 }, { NULL, 0 }
    };
    static const char expected[] = "a size, as 300KB or 2GB";
    uint64_t out = 0;
    if (!word_with_unit(words_next(w, expected), units, UINT64_C(1) << 50, &out))
        words_refuse(w, expected);
    return out;
}

/* Where ".." stands in the word, or its length. */
static size_t word_dots(struct bytes word)
{
    for (size_t i = 0; i + 1 < word.len; i++)
        if (word_char(word, i) == '.' && word_char(word, i + 1) == '.')
            return i;
    return word.len;
}

void words_delay(struct words *w, uint64_t *min_us, uint64_t *max_us)
{
    static const char expected[] = "a delay, as 5ms or 5ms..20ms";
    struct bytes word = words_next(w, expected);
    size_t dots = word_dots(word);
    bool fits = word_time_us(word_until(word, dots), min_us);
    *max_us = *min_us;
    if (fits && dots < word.len)
        fits = word_time_us(word_from(word, dots + 2), max_us) && *max_us >= *min_us;
    if (!fits)
        words_refuse(w, expected);
}

bool word_factor(struct bytes word, int *min, int *max)
{
    if (word_is(word, "everywhere")) {
        *min = *max = -1;
        return true;
    }
    size_t dots = word_dots(word);
    uint64_t low, high;
    if (!word_count(word_until(word, dots), SCRIPT_MACHINES_MAX, &low) || low == 0)
        return false;
    high = low;
    if (dots < word.len &&
        (!word_count(word_from(word, dots + 2), SCRIPT_MACHINES_MAX, &high) || high < low))
        return false;
    *min = (int)low;
    *max = (int)high;
    return true;
}

void words_factor(struct words *w, int *min, int *max)
{
    static const char expected[] = "a replication factor, as 2, 2..3 or everywhere";
    if (!word_factor(words_next(w, expected), min, max))
        words_refuse(w, expected);
}

/* ---- contents ---- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool word_is_name(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!is_name_char(word_char(word, i)))
            return false;
    char first = word_char(word, 0);
    return word.len > 0 && word.len <= SCRIPT_CONTENT_NAME_MAX && !(first >= '0' && first <= '9') &&
           first != '-';
}

/* Where the digits at the end begin. */
static size_t word_stem(struct bytes word)
{
    size_t at = word.len;
    while (at > 0 && word_char(word, at - 1) >= '0' && word_char(word, at - 1) <= '9')
        at -= 1;
    return at;
}

static bool word_content_range(struct bytes low, struct bytes high, struct script_content *out)
{
    size_t stem = word_stem(low);
    uint64_t first, last;
    if (!word_is_name(low) || !word_is_name(high) || word_stem(high) != stem ||
        memcmp(low.data, high.data, stem) != 0 ||
        !word_count(word_from(low, stem), SCRIPT_CONTENT_RANGE_MAX, &first) ||
        !word_count(word_from(high, stem), SCRIPT_CONTENT_RANGE_MAX, &last) || last < first)
        return false;
    *out = (struct script_content){ .stem = word_until(low, stem),
                                    .is_range = true,
                                    .first = (unsigned)first,
                                    .last = (unsigned)last };
    return true;
}

static bool word_content(struct bytes word, struct script_content *out)
{
    size_t dots = word_dots(word);
    if (dots < word.len)
        return word_content_range(word_until(word, dots), word_from(word, dots + 2), out);
    *out = (struct script_content){ .stem = word };
    return word_is_name(word);
}

bool word_is_reserved(struct bytes word)
{
    static const char *const reserved[] = {
        "by",      "at",       "on",       "to",     "factor",   "name",    "expires",
        "fails",   "within",   "for",      "but",    "of",       "joining", "is",
        "nowhere", "size",     "all",      "up",     "down",     "leader",  "followers",
        "voters",  "learners", "holders",  "one",    "peers",    "and",     "not",
        "over",    "aborted",  "updating", "direct", "directly", NULL
    };
    for (size_t i = 0; reserved[i] != NULL; i++)
        if (word_is(word, reserved[i]))
            return true;
    return false;
}

void words_contents(struct words *w, struct script_contents *out)
{
    static const char expected[] = "names of contents, as c1, photos or c1..c20";
    do {
        struct bytes word = words_next(w, expected);
        struct script_content content;
        if (w->failed)
            return;
        if (word_is_reserved(word) || !word_content(word, &content)) {
            words_refuse(w, expected);
            return;
        }
        if (out->count == SCRIPT_CONTENTS_MAX) {
            words_refuse(w, "fewer names (use a range)");
            return;
        }
        out->items[out->count++] = content;
    } while (words_left(w) && !word_is_reserved(w->words[w->at]));
}

struct bytes words_content(struct words *w)
{
    static const char expected[] = "the name of a content";
    struct bytes word = words_next(w, expected);
    if (!word_is_name(word) || word_is_reserved(word))
        words_refuse(w, expected);
    return word;
}

/* ---- who ---- */

static const char who_expected[] =
    "peers: numbers, 2..4, all, up, down, leader, followers, voters, learners, holders of CONTENT, "
    "or a name";

static bool who_numbers(const struct script *s, struct bytes word, struct script_who_item *item)
{
    size_t dots = word_dots(word);
    uint64_t first, last;
    uint64_t max = s->peers_count + s->spares_count;
    if (!word_count(word_until(word, dots), max, &first) || first == 0)
        return false;
    last = first;
    if (dots < word.len && (!word_count(word_from(word, dots + 2), max, &last) || last < first))
        return false;
    *item = (struct script_who_item){ .kind = WHO_NUMBERS,
                                      .first = (unsigned)first,
                                      .last = (unsigned)last };
    return true;
}

static bool who_name(const struct script *s, struct bytes word, struct script_who_item *item)
{
    for (size_t i = 0; i < s->names_count; i++) {
        if (bytes_equal(s->names[i], word)) {
            *item = (struct script_who_item){ .kind = WHO_NAMED, .name = i };
            return true;
        }
    }
    return false;
}

/* False: the word belongs to something else. */
static bool who_item(struct words *w, struct script_who_item *item)
{
    static const struct {
        const char *word;
        enum script_who_kind kind;
    } sets[] = { { "all", WHO_ALL },
                 { "up", WHO_UP },
                 { "down", WHO_DOWN },
                 { "leader", WHO_LEADER },
                 { "followers", WHO_FOLLOWERS },
                 { "voters", WHO_VOTERS },
                 { "learners", WHO_LEARNERS } };
    struct bytes word = w->words[w->at];
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (word_is(word, sets[i].word)) {
            *item = (struct script_who_item){ .kind = sets[i].kind };
            w->at += 1;
            return true;
        }
    }
    if (word_is(word, "holders")) {
        w->at += 1;
        if (!words_take(w, "of"))
            words_fail(w, "`of`");
        struct script_content content = { 0 };
        struct bytes name = words_next(w, "the name of a content");
        if (!word_content(name, &content) || content.is_range)
            words_refuse(w, "the name of a content");
        *item = (struct script_who_item){ .kind = WHO_HOLDERS, .content = name };
        return true;
    }
    if (!who_numbers(w->script, word, item) && !who_name(w->script, word, item))
        return false;
    w->at += 1;
    return true;
}

void words_who(struct words *w, struct script_who *out)
{
    if (words_take(w, "one")) {
        if (!words_take(w, "of"))
            words_fail(w, "`of`");
        out->is_one_of = true;
    }
    bool taken_out = false;
    while (words_left(w)) {
        if (!taken_out && out->count > 0 && words_take(w, "but")) {
            taken_out = true;
            continue;
        }
        struct script_who_item item;
        if (w->quoted[w->at] || !who_item(w, &item))
            break;
        if (out->count == SCRIPT_WHO_MAX) {
            words_fail(w, "fewer peers on one line");
            return;
        }
        item.is_taken_out = taken_out;
        out->items[out->count++] = item;
    }
    if (out->count == 0 || (taken_out && !out->items[out->count - 1].is_taken_out))
        words_fail(w, who_expected);
}

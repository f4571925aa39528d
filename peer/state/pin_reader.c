/* An object is first found whole, by counting braces outside of strings, and then parsed by itself; so memory is
 * bounded by one pin, and JSON's rules are checked in one place (util/json.h). What holds the pins of a PinMap
 * together is matched token by token. */
#include "state/pin_reader.h"

#include <string.h>

#include "state/pin_json.h"
#include "util/err.h"

enum { PIN_MAP_VERSION = 2 };

void pin_reader_init(struct pin_reader *r)
{
    *r = (struct pin_reader){ .line = 1 };
}

void pin_reader_deinit(struct pin_reader *r)
{
    buf_deinit(&r->in);
    buf_deinit(&r->why);
}

void pin_reader_push(struct pin_reader *r, const void *data, size_t len)
{
    buf_consume(&r->in, r->used);
    r->used = 0;
    buf_append(&r->in, data, len);
    if (r->err == OK)
        r->err = r->in.err;
}

static int pin_reader_fail(struct pin_reader *r, int err, const char *words)
{
    struct buf why = { 0 };
    buf_printf(&why, "line %llu: %s", (unsigned long long)r->line, words);
    buf_deinit(&r->why);
    r->why = why;
    r->err = err;
    return err;
}

const char *pin_reader_why(struct pin_reader *r)
{
    return r->why.len > 0 ? buf_text(&r->why) : err_text(r->err);
}

/* ---- tokens ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void pin_reader_use(struct pin_reader *r, size_t len)
{
    for (size_t i = 0; i < len; i++)
        r->line += r->in.data[r->used + i] == '\n';
    r->used += len;
}

static struct bytes pin_reader_left(const struct pin_reader *r)
{
    return (struct bytes){ r->in.data + r->used, r->in.len - r->used };
}

static void pin_reader_skip_blanks(struct pin_reader *r)
{
    struct bytes left = pin_reader_left(r);
    const char *text = left.data;
    size_t len = 0;
    while (len < left.len && is_blank(text[len]))
        len += 1;
    if (len > 0)
        pin_reader_use(r, len);
}

/* Does the text at *at begin with blanks and this token? OK, and *at is behind it; ERR_MORE; ERR_INVALID. */
static int match_token(struct bytes text, size_t *at, const char *token)
{
    const char *bytes = text.data;
    size_t i = *at;
    while (i < text.len && is_blank(bytes[i]))
        i += 1;
    for (; *token != '\0'; token++, i++) {
        if (i == text.len)
            return ERR_MORE;
        if (bytes[i] != *token)
            return ERR_INVALID;
    }
    *at = i;
    return OK;
}

static int match_tokens(struct bytes text, size_t *at, const char *const *tokens)
{
    int err = OK;
    for (; err == OK && *tokens != NULL; tokens++)
        err = match_token(text, at, *tokens);
    return err;
}

/* ---- what holds a PinMap together ---- */

/* The beginning of a PinMap is used up; ERR_INVALID: this is another object. */
static int pin_reader_map_begin(struct pin_reader *r)
{
    static const char *const head[] = { "{", "\"PinMap\"", ":", "{", NULL };
    size_t len = 0;
    int err = match_tokens(pin_reader_left(r), &len, head);
    if (err == OK) {
        pin_reader_use(r, len);
        r->in_map = true;
    }
    return err;
}

static int pin_reader_map_end(struct pin_reader *r)
{
    static const char *const head[] = { "}", ",", "\"Version\"", ":", NULL };
    struct bytes left = pin_reader_left(r);
    const char *text = left.data;
    size_t len = 0;
    int err = match_tokens(left, &len, head);
    uint64_t version = 0;
    while (err == OK && len < left.len && is_blank(text[len]))
        len += 1;
    for (; err == OK && len < left.len && text[len] >= '0' && text[len] <= '9' && version < 1000;
         len++)
        version = 10 * version + (uint64_t)(text[len] - '0');
    if (err == OK)
        err = match_token(left, &len, "}");
    if (err == ERR_INVALID)
        return pin_reader_fail(r, err, "a PinMap ends with its \"Version\"");
    if (err != OK)
        return err;
    if (version == 0 || version > PIN_MAP_VERSION)
        return pin_reader_fail(r, ERR_VERSION, "a PinMap of a version that is not known");
    pin_reader_use(r, len);
    r->in_map = false;
    return OK;
}

/* The key of the next pin; OK also when the map has ended. */
static int pin_reader_map_key(struct pin_reader *r)
{
    struct bytes left = pin_reader_left(r);
    const char *text = left.data;
    if (left.len > 0 && text[0] == '}')
        return pin_reader_map_end(r);
    size_t at = 0;
    if (left.len > 0 && text[0] == ',')
        at += 1;
    int err = match_token(left, &at, "\"");
    const char *end = err == OK ? memchr(text + at, '"', left.len - at) : NULL;
    if (err == OK && end == NULL)
        err = left.len - at < CID_TEXT_SIZE ? ERR_MORE : ERR_INVALID;
    struct cid name;
    if (err == OK)
        err = cid_parse_len(&name, text + at, (size_t)(end - text) - at);
    if (err == OK) {
        at = (size_t)(end - text) + 1;
        err = match_token(left, &at, ":");
    }
    if (err == ERR_MORE || err == ERR_NOMEM)
        return err;
    if (err != OK)
        return pin_reader_fail(r, ERR_INVALID, "a PinMap holds pins under their CIDs");
    r->name = name;
    pin_reader_use(r, at);
    return OK;
}

/* ---- one object ---- */

/* Looks for its end; OK and its length. */
static int pin_reader_measure(struct pin_reader *r, size_t *len)
{
    struct bytes left = pin_reader_left(r);
    const char *text = left.data;
    for (; r->seen < left.len; r->seen++) {
        char c = text[r->seen];
        if (r->in_string) {
            r->in_string = r->is_escaped || c != '"';
            r->is_escaped = !r->is_escaped && c == '\\';
        } else if (c == '"') {
            r->in_string = true;
        } else if (c == '{') {
            r->depth += 1;
        } else if (c == '}' && --r->depth == 0) {
            *len = r->seen + 1;
            r->seen = 0;
            return OK;
        }
    }
    if (r->seen > PIN_READER_OBJECT_BYTES)
        return pin_reader_fail(r, ERR_INVALID, "an object longer than any pin begins here");
    return ERR_MORE;
}

static int pin_reader_object(struct pin_reader *r, struct arena *arena, struct pin *out)
{
    size_t len = 0;
    if (*(const char *)pin_reader_left(r).data != '{')
        return pin_reader_fail(r, ERR_INVALID, "a pin, as a JSON object, should begin here");
    int err = pin_reader_measure(r, &len);
    if (err != OK)
        return err;
    struct buf why = { 0 };
    err = pin_json_read(out, arena, (struct bytes){ r->in.data + r->used, len }, &r->name, &why);
    if (err == ERR_INVALID)
        (void)pin_reader_fail(r, err, buf_text(&why));
    else
        r->err = err;
    buf_deinit(&why);
    pin_reader_use(r, len);
    r->name = (struct cid){ 0 };
    return err;
}

int pin_reader_next(struct pin_reader *r, struct arena *arena, struct pin *out)
{
    while (r->err == OK) {
        if (r->seen > 0)
            return pin_reader_object(r, arena, out);
        pin_reader_skip_blanks(r);
        if (r->used == r->in.len)
            return ERR_MORE;
        int err = ERR_INVALID;
        if (r->in_map && cid_is_undefined(&r->name))
            err = pin_reader_map_key(r);
        else if (!r->in_map)
            err = pin_reader_map_begin(r);
        if (err == ERR_INVALID && r->err == OK)
            return pin_reader_object(r, arena, out);
        if (err != OK)
            return err;
    }
    return r->err;
}

int pin_reader_end(struct pin_reader *r)
{
    if (r->err == OK && (r->in_map || r->used < r->in.len))
        return pin_reader_fail(r, ERR_INVALID, "the text breaks off");
    return r->err;
}

/* What a person is told about a value that is wrong: its name as they wrote it, what is expected,
 * what was found. Never the secret. */
#include "config/config_int.h"

#include <stdarg.h>

#include "util/duration.h"
#include "util/err.h"

void config_notes_deinit(struct config_notes *notes)
{
    buf_deinit(&notes->error);
    buf_deinit(&notes->warnings);
    buf_deinit(&notes->idle);
}

int config_refuse(struct config_notes *notes, const char *format, ...)
{
    if (notes == NULL)
        return ERR_INVALID;
    va_list args;
    va_start(args, format);
    buf_clear(&notes->error);
    buf_vprintf(&notes->error, format, args);
    va_end(args);
    return ERR_INVALID;
}

void config_warn(struct config_notes *notes, const char *format, ...)
{
    if (notes == NULL)
        return;
    va_list args;
    va_start(args, format);
    buf_vprintf(&notes->warnings, format, args);
    va_end(args);
    buf_append(&notes->warnings, "\n", 1);
}

static const char *config_needed_address(unsigned flags)
{
    if ((flags & OPTION_NEEDS_TCP) != 0 && (flags & OPTION_NEEDS_PEER) != 0)
        return "such as /ip4/192.168.1.2/tcp/9096/p2p/ID";
    if ((flags & OPTION_OR_UNIX) != 0)
        return "with a host and a TCP port, such as /ip4/127.0.0.1/tcp/9094, or of a unix socket, "
               "such as /unix/run/cluster.sock";
    if ((flags & OPTION_NEEDS_TCP) != 0)
        return "with a host and a TCP port, such as /ip4/127.0.0.1/tcp/9096";
    if ((flags & OPTION_NEEDS_PEER) != 0)
        return "ending in /p2p/ID";
    return "such as /ip4/192.168.1.2/tcp/9096";
}

static const char *config_needed_text(unsigned flags)
{
    return (flags & OPTION_URL_PATH) != 0 ? "a path that begins with /, such as \"/api/v0/version\""
                                          : "a string (UTF-8)";
}

static const char *config_needed_texts(unsigned flags)
{
    return (flags & OPTION_FIELD_NAMES) != 0 ? "names of header fields that do not frame the answer"
                                             : "strings";
}

static void config_say_expected(const struct config_value *v, struct buf *out)
{
    const struct option *o = v->option;
    char least[DURATION_TEXT_SIZE];
    switch (o->type) {
    case OPTION_BOOL:
        buf_append_text(out, "true or false");
        return;
    case OPTION_INT:
        buf_append_text(out, "a whole number");
        if (o->min < o->max)
            buf_printf(out, " from %lld to %lld", (long long)o->min, (long long)o->max);
        return;
    case OPTION_DURATION:
        duration_print(least, o->min);
        if (v->source == CONFIG_FROM_GUIDE)
            buf_append_text(out, "a whole number of seconds");
        else
            buf_printf(out, "a duration of %s or more, such as \"1m30s\" or \"500ms\"", least);
        return;
    case OPTION_STRING:
        buf_append_text(out, config_needed_text(o->flags));
        return;
    case OPTION_SECRET:
        buf_append_text(out, "64 hex digits (32 bytes), or an empty string");
        return;
    case OPTION_ADDR:
        buf_printf(out, "a multiaddress %s, without /https or /tls",
                   config_needed_address(o->flags));
        return;
    case OPTION_ADDRS:
        buf_printf(out, "a list of multiaddresses %s", config_needed_address(o->flags));
        return;
    case OPTION_PEER_IDS:
        buf_append_text(out, "a list of peer ids such as \"12D3KooW...\"");
        return;
    case OPTION_METRIC:
        buf_append_text(out, "reposize (or disk), freespace, or numpin (or pincount)");
        return;
    case OPTION_NAMES:
        buf_printf(out, "up to %d of reposize, freespace, numpin, pinqueue and tag:NAME",
                   LIMIT_ALLOCATE_BY_COUNT);
        return;
    case OPTION_TAGS:
        buf_printf(out, "up to %d names with a text each, such as {\"group\":\"default\"}",
                   CONFIG_TAGS_MAX);
        return;
    case OPTION_USERS:
        buf_append_text(out, "null, or an object of users and passwords, none of them empty, such "
                             "as {\"user\":\"password\"}");
        return;
    case OPTION_HEADERS:
        buf_append_text(out, "an object of header fields that do not frame the answer, such as "
                             "{\"X-Name\":[\"value\"]}");
        return;
    case OPTION_STRINGS:
        buf_printf(out, "a list of %s", config_needed_texts(o->flags));
        return;
    case OPTION_NUMBER:
        buf_append_text(out, "a number");
        return;
    case OPTION_OBJECT:
    case OPTION_TREE:
        buf_append_text(out, "an object");
        return;
    case OPTION_ANY:
        buf_append_text(out, "anything");
        return;
    }
}

static void config_say_found(const struct config_value *v, const struct bytes *item,
                             struct buf *out)
{
    enum { SHOWN_MAX = 80 };
    static const char *const words[] = {
        "", "null", "false", "true", "", "", "a list", "an object"
    };
    struct bytes text = item != NULL ? *item : v->text;
    bool is_text = item != NULL || v->kind == JSON_STRING || v->kind == JSON_NOTHING;
    if (is_text && text.data == NULL) {
        buf_append_text(out, "something that is no string");
    } else if ((v->option->flags & OPTION_HIDDEN) != 0 && is_text) { /* never into a log */
        buf_printf(out, "%zu characters", text.len);
    } else if (is_text || v->kind == JSON_NUMBER) {
        struct json_writer w = json_writer_to(out);
        size_t len = text.len < SHOWN_MAX ? text.len : SHOWN_MAX;
        if (is_text)
            json_string_len(&w, text.data, len);
        else
            json_raw(&w, text.data, len);
        if (len < text.len)
            buf_append_text(out, "...");
    } else {
        buf_append_text(out, words[v->kind]);
    }
}

int config_refuse_value(const struct config_value *v, const struct bytes *item,
                        struct config_notes *notes)
{
    if (notes == NULL)
        return ERR_INVALID;
    buf_clear(&notes->error);
    buf_printf(&notes->error, "%s: expected ", v->name);
    config_say_expected(v, &notes->error);
    buf_append_text(&notes->error, ", found ");
    config_say_found(v, item, &notes->error);
    return ERR_INVALID;
}

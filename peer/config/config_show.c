/* What the configuration comes to, after all layers: the values, and which layer each came from. */
#include "config/config.h"

#include <string.h>

#include "config/config_int.h"

static const char hidden[] = "(hidden)";

/* Nothing is hidden where there is nothing: an empty secret is worth knowing. */
static void config_show_value(const struct option *o, const struct config *c,
                              const struct config_show *how, struct json_writer *w)
{
    bool is_secret = (o->flags & OPTION_HIDDEN) != 0 && !config_value_is_default(o, c);
    if (o->offset == OPTION_NO_FIELD)
        json_null(w);
    else if (is_secret && !how->shows_secrets)
        json_string(w, hidden);
    else
        config_value_write(o, c, w);
}

static bool config_show_takes(const struct option *o, const struct config *c,
                              const struct config_show *how)
{
    if (o->offset == OPTION_NO_FIELD)
        return c->origin[option_index(o)] != CONFIG_ORIGIN_DEFAULT;
    return !how->only_changed || !config_value_is_default(o, c);
}

static const char *config_origin_name(enum config_origin origin)
{
    switch (origin) {
    case CONFIG_ORIGIN_DEFAULT:
        return "default";
    case CONFIG_ORIGIN_FILE:
    case CONFIG_ORIGIN_GUIDE:
        return "file";
    case CONFIG_ORIGIN_ENVIRONMENT:
        return "environment";
    case CONFIG_ORIGIN_FLAG:
        return "flag";
    }
    return "?";
}

/* The name that it was given under, where that is another one. */
static void config_origin_alias(const struct option *o, enum config_origin origin, struct buf *out)
{
    if (origin == CONFIG_ORIGIN_GUIDE)
        buf_append_text(out, o->guide);
    else if (origin == CONFIG_ORIGIN_ENVIRONMENT)
        option_print_variable(o, out);
}

static void config_show_line(const struct option *o, const struct config *c,
                             const struct config_show *how, struct buf *out)
{
    enum config_origin origin = (enum config_origin)c->origin[option_index(o)];
    struct json_writer w = json_writer_to(out);
    struct buf alias = { 0 };
    buf_printf(out, "%s = ", o->name);
    if (o->offset == OPTION_NO_FIELD)
        buf_append_text(out, "(no effect here)");
    else
        config_show_value(o, c, how, &w);
    config_origin_alias(o, origin, &alias);
    buf_printf(out, "  [%s%s%s]\n", config_origin_name(origin), alias.len > 0 ? ", " : "",
               buf_text(&alias));
    buf_deinit(&alias);
}

static void config_show_member(const struct option *o, const struct config *c,
                               const struct config_show *how, struct json_writer *w)
{
    enum config_origin origin = (enum config_origin)c->origin[option_index(o)];
    struct buf alias = { 0 };
    config_origin_alias(o, origin, &alias);
    json_key(w, o->name);
    json_object_begin(w);
    json_key(w, "value");
    config_show_value(o, c, how, w);
    json_key_bool(w, "has_effect", o->offset != OPTION_NO_FIELD);
    json_key_string(w, "from", config_origin_name(origin));
    if (alias.len > 0)
        json_key_string(w, "as", buf_text(&alias));
    json_object_end(w);
    buf_deinit(&alias);
}

static void config_show_json(const struct config *c, const struct config_show *how, struct buf *out)
{
    struct buf compact = { 0 };
    struct json_writer w = json_writer_to(&compact);
    json_object_begin(&w);
    for (size_t i = 0; i < option_count(); i++) {
        if (config_show_takes(option_at(i), c, how))
            config_show_member(option_at(i), c, how, &w);
    }
    json_object_end(&w);
    json_indent(out, (const char *)compact.data, compact.len, 4);
    buf_append(out, "\n", 1);
    if (compact.err != 0)
        out->err = compact.err;
    buf_wipe(&compact); /* secrets may be in it */
}

void config_show(const struct config *c, const struct config_show *how, struct buf *out)
{
    if (how->as_json) {
        config_show_json(c, how, out);
        return;
    }
    for (size_t i = 0; i < option_count(); i++) {
        if (config_show_takes(option_at(i), c, how))
            config_show_line(option_at(i), c, how, out);
    }
}

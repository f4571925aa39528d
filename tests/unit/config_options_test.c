/* Every row of the table of options, for what it takes and what it refuses, and in which words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/options.h"
#include "tests/lib/config_loaded.h"
#include "util/err.h"

TestSuite(config_options, .timeout = 60);

/* {"a":{"b":VALUE}} of "a.b". */
static void nest(struct buf *out, const char *name, const char *value)
{
    size_t depth = 1;
    buf_append_text(out, "{\"");
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '.')
            buf_append_text(out, "\":{\"");
        else
            buf_append(out, at, 1);
        depth += *at == '.';
    }
    buf_printf(out, "\":%s", value);
    for (; depth > 0; depth--)
        buf_append_text(out, "}");
}

static void check_file(const char *name, const char *value, int err, const char *words)
{
    struct buf file = { 0 };
    nest(&file, name, value);
    struct loaded l = load(buf_text(&file));
    cr_assert_eq(l.err, err, "%s = %s: %s", name, value, buf_text(&l.notes.error));
    if (err != OK) {
        char begin[128];
        snprintf(begin, sizeof(begin), "%s: %s", name, words);
        cr_assert_eq(strncmp(buf_text(&l.notes.error), begin, strlen(begin)), 0, "%s",
                     buf_text(&l.notes.error));
    }
    unload(&l);
    buf_deinit(&file);
}

static void check_variable(const struct option *o, const char *text)
{
    struct config c;
    struct config_notes notes = { 0 };
    struct buf variable = { 0 };
    option_print_variable(o, &variable);
    size_t name_len = variable.len;
    buf_printf(&variable, "=%s", text);
    const char *environment[] = { buf_text(&variable), NULL };
    cr_assert_eq(config_init(&c), OK);
    cr_assert_eq(config_read_environment(&c, environment, &notes), ERR_INVALID, "%s",
                 buf_text(&variable));
    cr_assert_eq(strncmp(buf_text(&notes.error), buf_text(&variable), name_len), 0, "%s",
                 buf_text(&notes.error));
    buf_deinit(&variable);
    config_notes_deinit(&notes);
    config_deinit(&c);
}

/* What no option of a type takes, as JSON; then one as the text of a variable, or NULL. */
static const struct {
    enum option_type type;
    const char *wrong[5];
    const char *text;
} kinds[] = {
    { OPTION_BOOL, { "1", "\"true\"", "[]", "{}" }, "maybe" },
    { OPTION_INT, { "true", "\"1\"", "1.5", "[1]", "1e3" }, "one" },
    { OPTION_DURATION, { "true", "5", "\"5\"", "\"-1s\"", "\"soon\"" }, "5" },
    { OPTION_STRING, { "true", "5", "[]", "{}", "\"\\u0000\"" }, NULL },
    { OPTION_SECRET, { "true", "5", "\"ab\"", "[]", "{}" }, "xyz" },
    { OPTION_ADDR, { "true", "5", "\"host:1\"", "[]", "{}" }, "127.0.0.1:9" },
    { OPTION_ADDRS, { "true", "5", "\"host:1\"", "[7]", "{}" }, "127.0.0.1:9" },
    { OPTION_PEER_IDS, { "true", "5", "\"x\"", "[7]", "{}" }, "x" },
    { OPTION_METRIC, { "true", "5", "\"best\"", "[]", "{}" }, "best" },
    { OPTION_NAMES, { "true", "5", "\"best\"", "[]", "{}" }, "best" },
    { OPTION_TAGS, { "true", "5", "\"x\"", "[]", "{\"a\":1}" }, "x" },
    { OPTION_USERS, { "true", "5", "[]", "{}", "{\"a\":1}" }, "x" },
    { OPTION_HEADERS, { "true", "5", "[]", "\"x\"", "{\"a\":1}" }, "x" },
    { OPTION_STRINGS, { "true", "5", "{}" }, NULL },
    { OPTION_NUMBER, { "true", "\"5\"", "[]", "{}" }, NULL },
    { OPTION_OBJECT, { "true", "5", "[]" }, NULL },
};

static void check_refusals(const struct option *o)
{
    bool is_known = o->type == OPTION_TREE || o->type == OPTION_ANY;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (kinds[k].type != o->type)
            continue;
        is_known = true;
        for (size_t i = 0; i < 5 && kinds[k].wrong[i] != NULL; i++)
            check_file(o->name, kinds[k].wrong[i], ERR_INVALID, "expected ");
        if (kinds[k].text != NULL && (o->flags & OPTION_FILE_ONLY) == 0)
            check_variable(o, kinds[k].text);
        if (o->guide != NULL)
            check_file(o->guide, "true", o->type == OPTION_BOOL ? OK : ERR_INVALID, "expected ");
    }
    cr_assert(is_known, "%s is of a type that is not tried here", o->name);
}

static void check_limits(const struct option *o)
{
    char text[32];
    if (o->type != OPTION_INT || o->min >= o->max)
        return;
    snprintf(text, sizeof(text), "%lld", (long long)o->min - 1);
    check_file(o->name, text, ERR_INVALID, "expected a whole number from ");
    snprintf(text, sizeof(text), "%lld", (long long)o->max + 1);
    check_file(o->name, text, ERR_INVALID, "expected a whole number from ");
    snprintf(text, sizeof(text), "%lld", (long long)o->min);
    check_file(o->name, text, OK, "");
    snprintf(text, sizeof(text), "%lld", (long long)o->max);
    check_file(o->name, text, OK, "");
}

Test(config_options, each_option_says_what_it_refuses)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        check_refusals(o);
        check_limits(o);
        check_file(o->name, o->preset, OK, ""); /* what it has anyway, it takes */
        check_file(o->name, "null", OK, "");
    }
}

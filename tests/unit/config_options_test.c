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
        char begin[512];
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

/* A duration has a least value, and none a greatest. */
static void check_least_duration(const struct option *o)
{
    char text[32];
    if (o->type != OPTION_DURATION || o->offset == OPTION_NO_FIELD)
        return;
    snprintf(text, sizeof(text), "\"%lldus\"", (long long)o->min - 1);
    check_file(o->name, text, ERR_INVALID, "expected a duration of ");
    snprintf(text, sizeof(text), "\"%lldus\"", (long long)o->min);
    check_file(o->name, text, OK, "");
    if (o->guide != NULL) {
        check_file(o->guide, "-1", OK, ""); /* the default, as 0.0.12 has it */
        check_file(o->guide, "1.5", ERR_INVALID, "expected a whole number of seconds");
        check_file(o->guide, "4294967296", ERR_INVALID, "expected a whole number of seconds");
    }
}

#define PEER "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"

/* An address that names too little for what the option is for. */
static void check_addresses(const struct option *o)
{
    static const char udp[] = "\"/ip4/1.2.3.4/udp/9\"";
    static const char tcp[] = "\"/ip4/1.2.3.4/tcp/9\"";
    static const char tcp_of_peer[] = "\"/ip4/1.2.3.4/tcp/9/p2p/" PEER "\"";
    if ((o->type != OPTION_ADDR && o->type != OPTION_ADDRS) || o->offset == OPTION_NO_FIELD)
        return;
    bool needs_tcp = (o->flags & OPTION_NEEDS_TCP) != 0;
    bool needs_peer = (o->flags & OPTION_NEEDS_PEER) != 0;
    check_file(o->name, udp, needs_tcp || needs_peer ? ERR_INVALID : OK, "expected ");
    check_file(o->name, tcp, needs_peer ? ERR_INVALID : OK, "expected ");
    check_file(o->name, tcp_of_peer, OK, "");
    check_file(o->name, "\"/unix/run/x.sock\"",
               (needs_tcp && (o->flags & OPTION_OR_UNIX) == 0) || needs_peer ? ERR_INVALID : OK,
               "expected ");
    if (needs_tcp && !needs_peer) /* nothing would be listened on */
        check_file(o->name, "[]", ERR_INVALID, "expected ");
}

/* More than any list may have, each of them good. */
static void check_length(const struct option *o)
{
    const char *item = o->type == OPTION_ADDRS      ? "\"/ip4/1.2.3.4/tcp/9/p2p/" PEER "\""
                       : o->type == OPTION_PEER_IDS ? "\"" PEER "\""
                       : o->type == OPTION_STRINGS  ? "\"x\""
                       : o->type == OPTION_NAMES    ? "\"tag:x\""
                                                    : NULL;
    struct buf list = { 0 };
    if (item == NULL || o->offset == OPTION_NO_FIELD)
        return;
    for (size_t i = 0; i < CONFIG_LIST_MAX + 1; i++)
        buf_printf(&list, "%c%s", i == 0 ? '[' : ',', item);
    buf_append_text(&list, "]");
    check_file(o->name, buf_text(&list), ERR_INVALID, "expected ");
    buf_deinit(&list);
}

/* Texts that stand in a request or an answer. */
static void check_texts(const struct option *o)
{
    static const char *const no_paths[] = { "\"\"", "\"version\"", "\"/a b\"", "\"/a\\n\"" };
    static const char *const no_fields[] = { "\"\"", "[\"X\",\"a b\"]", "\"X:\"",
                                             "\"content-length\"", "\"Date\"" };
    for (size_t i = 0; (o->flags & OPTION_URL_PATH) != 0 && i < 4; i++)
        check_file(o->name, no_paths[i], ERR_INVALID, "expected a path that begins with /");
    for (size_t i = 0; (o->flags & OPTION_FIELD_NAMES) != 0 && i < 5; i++)
        check_file(o->name, no_fields[i], ERR_INVALID, "expected a list of names of header fields");
}

/* What would not be safe to ignore: only its default may stand there, and the words say why. */
static void check_refused(const struct option *o)
{
    if ((o->flags & OPTION_REFUSED) == 0)
        return;
    cr_assert_not_null(option_reason(o), "%s is refused without a reason", o->name);
    check_file(o->name, o->type == OPTION_BOOL ? "true" : "{\"a\":1}", ERR_INVALID,
               option_reason(o));
    cr_assert(o->type == OPTION_BOOL || o->type == OPTION_TREE, "%s", o->name);
}

Test(config_options, each_option_says_what_it_refuses)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        check_refusals(o);
        check_limits(o);
        check_least_duration(o);
        check_addresses(o);
        check_length(o);
        check_texts(o);
        check_refused(o);
        check_file(o->name, o->preset, OK, ""); /* what it has anyway, it takes */
        check_file(o->name, "null", OK, "");
    }
}

/* Values that are good by themselves, and contradict one another. */
Test(config_options, options_that_contradict_one_another)
{
    static const struct {
        const char *first, *one, *second, *other;
        const char *words; /* NULL: they go together */
    } pairs[] = {
#define MIN "cluster.replication_factor_min"
#define MAX "cluster.replication_factor_max"
        { MIN, "2", MAX, "3", NULL },
        { MIN, "3", MAX, "2", MIN " is larger than " MAX ": 3 and 2" },
        { MIN, "-1", MAX, "2", MIN " and " MAX ": -1 (every peer) stands in both or in none" },
        { MIN, "2", MAX, "-1", MIN " and " MAX ": -1 (every peer) stands in both or in none" },
        { MIN, "0", MAX, "0", NULL }, /* the default */
        { "consensus.raft.heartbeat_timeout", "\"2s\"", "consensus.raft.election_timeout", "\"1s\"",
          "consensus.raft.election_timeout is shorter than consensus.raft.heartbeat_timeout" },
        { "consensus.raft.heartbeat_timeout", "\"2s\"", "consensus.raft.election_timeout", "\"2s\"",
          NULL },
        { "api.restapi.ssl_cert_file", "\"c\"", "api.restapi.ssl_key_file", "\"\"",
          "api.restapi.ssl_cert_file and api.restapi.ssl_key_file: one is of no use without" },
        { "api.restapi.ssl_cert_file", "\"\"", "api.restapi.ssl_key_file", "\"k\"",
          "api.restapi.ssl_cert_file and api.restapi.ssl_key_file: one is of no use without" },
        { "api.restapi.ssl_cert_file", "\"c\"", "api.restapi.ssl_key_file", "\"k\"", NULL },
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct config c;
        struct config_notes notes = { 0 };
        struct buf one = { 0 }, other = { 0 };
        nest(&one, pairs[i].first, pairs[i].one);
        nest(&other, pairs[i].second, pairs[i].other);
        cr_assert_eq(config_init(&c), OK);
        cr_assert_eq(config_read(&c, buf_text(&one), one.len, &notes), OK);
        cr_assert_eq(config_read(&c, buf_text(&other), other.len, &notes), OK);
        int err = config_check(&c, &notes);
        cr_assert_eq(err == OK, pairs[i].words == NULL, "%s %s: %s", buf_text(&one),
                     buf_text(&other), buf_text(&notes.error));
        if (pairs[i].words != NULL)
            cr_assert_eq(strncmp(buf_text(&notes.error), pairs[i].words, strlen(pairs[i].words)), 0,
                         "%s", buf_text(&notes.error));
        buf_deinit(&one);
        buf_deinit(&other);
        config_notes_deinit(&notes);
        config_deinit(&c);
    }
}

#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "util/assert.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/nearest.h"

struct parser {
    struct args *args;
    char *const *next; /* the words not yet looked at */
    struct buf *why;
    bool is_plain; /* "--" was seen */
};

/* "`ipfs-cluster-ctl pin add --help`": where the rest is explained. */
static int parser_refuse(struct parser *p, int err)
{
    const char *path = p->args->cmd->path;
    buf_printf(p->why, "\nSee: %s%s%s --help", p->args->cli->name, path[0] != '\0' ? " " : "",
               path);
    return err;
}

/* ---- flags ---- */

/* A group lends the flags of the command that it implies: `pin -r 2 CID`. */
static const struct flag *parser_flags(const struct cmd *cmd)
{
    return cmd->implied != NULL ? cmd->implied->flags : cmd->flags;
}

static const struct flag *parser_flag(const struct args *args, struct bytes name)
{
    const struct flag *flag = flag_named(parser_flags(args->cmd), name);
    return flag != NULL ? flag : flag_named(args->cli->top->flags, name);
}

static void parser_offer_flags(struct nearest *nearest, const struct flag *flags)
{
    for (; flags != NULL && flags->names != NULL; flags++) {
        const char *at = flags->is_hidden ? "" : flags->names;
        while (*at != '\0') {
            size_t len = strcspn(at, ",");
            if (len > 1) /* a letter is like every short word */
                nearest_offer_len(nearest, at, len);
            at += len + (at[len] == ',');
        }
    }
}

static bool parser_is_flag_of_any(const struct cli *cli, struct bytes name)
{
    const struct cmd *const *cmds = cli->cmds;
    for (size_t i = 0; cmds[i] != NULL; i++) {
        if (flag_named(cmds[i]->flags, name) != NULL)
            return true;
    }
    return false;
}

static int parser_unknown_flag(struct parser *p, const char *word, struct bytes name)
{
    const struct cmd *cmd = p->args->cmd;
    struct nearest nearest = nearest_to(name);
    parser_offer_flags(&nearest, parser_flags(cmd));
    parser_offer_flags(&nearest, p->args->cli->top->flags);
    buf_printf(p->why, "there is no flag %s here", word);
    if (nearest.best != NULL && name.len > 1)
        buf_printf(p->why, "; did you mean --%.*s?", (int)nearest.best_len, nearest.best);
    else if (cmd->run == NULL && parser_is_flag_of_any(p->args->cli, name))
        buf_append_text(p->why, "; flags of a command stand behind its name");
    return parser_refuse(p, ERR_INVALID);
}

static bool value_is_number(const char *text, bool may_be_negative)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    return *text != '\0' && *end == '\0' && strchr(" \t\n\v\f\r", *text) == NULL &&
           value >= (may_be_negative ? INT32_MIN : 0) && value <= INT32_MAX;
}

static bool value_is_bool(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}

static bool value_is_span(const char *text)
{
    int64_t us;
    return duration_parse(&us, (struct bytes){ text, strlen(text) }) == OK && us >= 0;
}

/* What the value should have been, or NULL when it is. */
static const char *value_wrong(enum flag_kind kind, const char *text)
{
    switch (kind) {
    case FLAG_BOOL:
        return value_is_bool(text) ? NULL : "true or false";
    case FLAG_TEXT:
        return NULL;
    case FLAG_WHOLE:
        return value_is_number(text, true) ? NULL : "a whole number";
    case FLAG_COUNT:
        return value_is_number(text, false) ? NULL : "a whole number from 0 on";
    case FLAG_SPAN:
        return value_is_span(text) ? NULL : "a span of time such as 90s, 15m or 72h";
    }
    return NULL;
}

/* One word with a dash in front, and perhaps the next as its value. */
static int parser_take_flag(struct parser *p, const char *word)
{
    const char *name = word + (word[1] == '-' ? 2 : 1);
    size_t len = strcspn(name, "=");
    const struct flag *flag = parser_flag(p->args, (struct bytes){ name, len });
    if (flag == NULL)
        return parser_unknown_flag(p, word, (struct bytes){ name, len });
    const char *value = "true";
    if (name[len] == '=') {
        value = name + len + 1;
    } else if (flag->kind != FLAG_BOOL) {
        if (*p->next == NULL) {
            buf_printf(p->why, "%s needs a value: %s", word, flag->value);
            return parser_refuse(p, ERR_INVALID);
        }
        value = *p->next++;
    }
    const char *wanted = value_wrong(flag->kind, value);
    if (wanted != NULL) {
        buf_printf(p->why, "%.*s takes %s, not '%s'", (int)(name + len - word), word, wanted,
                   value);
        return parser_refuse(p, ERR_INVALID);
    }
    p->args->flags[p->args->flags_count++] = (struct args_flag){ flag, value };
    return OK;
}

/* ---- words ---- */

static int parser_unknown_word(struct parser *p, const char *word)
{
    const struct cmd *group = p->args->cmd;
    const char *nearest = cmd_nearest(p->args->cli, group, word);
    const char *blank = group->path[0] != '\0' ? " " : "";
    buf_printf(p->why, "there is no command '%s%s%s'", group->path, blank, word);
    if (nearest != NULL)
        buf_printf(p->why, "; did you mean '%s%s%s'?", group->path, blank, nearest);
    return parser_refuse(p, ERR_NOT_FOUND);
}

static bool word_asks_for_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "h") == 0;
}

static int parser_take_word(struct parser *p, const char *word)
{
    struct args *args = p->args;
    if (args->cmd->run != NULL) {
        args->operands[args->operands_count++] = word;
        return OK;
    }
    const struct cmd *cmd = cmd_under(args->cli, args->cmd, word, strlen(word));
    if (cmd != NULL) {
        args->cmd = cmd;
        return OK;
    }
    if (word_asks_for_help(word)) {
        args->wants_help = true;
        return OK;
    }
    if (args->cmd->implies == NULL || !args->cmd->implies(word))
        return parser_unknown_word(p, word);
    args->cmd = args->cmd->implied;
    args->operands[args->operands_count++] = word;
    return OK;
}

static int parser_check_operands(struct parser *p)
{
    const struct args *args = p->args;
    const struct cmd *cmd = args->cmd;
    if (args->operands_count < (size_t)cmd->operands_min) {
        buf_printf(p->why, "'%s' needs %s", cmd->path, cmd->operands);
        return parser_refuse(p, ERR_INVALID);
    }
    if (cmd->operands_max != CMD_OPERANDS_ANY && args->operands_count > (size_t)cmd->operands_max) {
        buf_printf(p->why, "'%s' does not know what to do with '%s'", cmd->path,
                   args->operands[cmd->operands_max]);
        return parser_refuse(p, ERR_INVALID);
    }
    return OK;
}

/* ---- */

static int parser_run(struct parser *p)
{
    while (*p->next != NULL) {
        const char *word = *p->next++;
        int err;
        if (p->is_plain || word[0] != '-' || word[1] == '\0') {
            err = parser_take_word(p, word);
        } else if (strcmp(word, "--") == 0) {
            p->is_plain = true;
            err = OK;
        } else {
            err = parser_take_flag(p, word);
        }
        if (err != OK)
            return err;
    }
    const struct cmd *cmd = p->args->cmd;
    p->args->wants_help |= args_is(p->args, "help");
    if (cmd->implied != NULL && cmd->implies == NULL && !p->args->wants_help)
        p->args->cmd = cmd->implied;
    p->args->wants_help |= p->args->cmd->run == NULL;
    return p->args->wants_help ? OK : parser_check_operands(p);
}

int args_parse(struct args *out, const struct cli *cli, int argc, char *const *argv,
               struct buf *why)
{
    ASSERT(argc > 0 && argv[argc] == NULL);
    struct args args = { .cli = cli, .cmd = cli->top };
    args.operands = arena_array(&args.arena, (size_t)argc, sizeof(*args.operands));
    args.flags = arena_array(&args.arena, (size_t)argc, sizeof(*args.flags));
    struct parser p = { .args = &args, .next = argv + 1, .why = why };
    int err = args.operands == NULL || args.flags == NULL ? ERR_NOMEM : parser_run(&p);
    *out = args;
    if (err != OK) {
        args_deinit(&args);
        *out = (struct args){ .cli = cli, .cmd = args.cmd };
    }
    return err;
}

void args_deinit(struct args *args)
{
    arena_deinit(&args->arena);
}

/* ---- reading ---- */

static const struct flag *args_flag(const struct args *args, const char *name)
{
    const struct flag *flag = parser_flag(args, (struct bytes){ name, strlen(name) });
    ASSERT(flag != NULL);
    return flag;
}

/* By name, not by row: in front of the command it may have been another table's (`-f init`). */
static bool args_is_flag(const struct args_flag *one, const struct flag *flag)
{
    size_t len = strcspn(flag->names, ",");
    return one->flag == flag || (strcspn(one->flag->names, ",") == len &&
                                 strncmp(one->flag->names, flag->names, len) == 0);
}

const char *args_text(const struct args *args, const char *name)
{
    const struct flag *flag = args_flag(args, name);
    const char *value = flag->fallback;
    for (size_t i = 0; i < args->flags_count; i++) {
        if (args_is_flag(&args->flags[i], flag))
            value = args->flags[i].value;
    }
    return value;
}

bool args_is(const struct args *args, const char *name)
{
    const char *value = args_text(args, name);
    return value != NULL && strcmp(value, "true") == 0;
}

int64_t args_number(const struct args *args, const char *name)
{
    const char *value = args_text(args, name);
    return value != NULL ? strtoll(value, NULL, 10) : 0;
}

uint64_t args_span_us(const struct args *args, const char *name)
{
    const char *value = args_text(args, name);
    int64_t us = 0;
    if (value != NULL)
        (void)duration_parse(&us, (struct bytes){ value, strlen(value) });
    return (uint64_t)us;
}

const char *args_each(const struct args *args, const char *name, size_t *at)
{
    const struct flag *flag = args_flag(args, name);
    while (*at < args->flags_count) {
        const struct args_flag *one = &args->flags[(*at)++];
        if (args_is_flag(one, flag))
            return one->value;
    }
    return NULL;
}

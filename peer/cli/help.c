#include "cli/help.h"

#include <string.h>

enum {
    HELP_WIDTH = 80,
    HELP_INDENT = 2,
    HELP_COLUMN = 28, /* where the words about a flag or command begin */
};

/* ---- laying words out ---- */

static void help_blanks(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_put_u8(out, ' ');
}

/* Words from column `at` on, broken before HELP_WIDTH and continued at column `indent`. */
static void help_words(struct buf *out, const char *text, size_t at, size_t indent)
{
    const char *gap = "";
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (at + strlen(gap) + len > HELP_WIDTH && at > indent) {
            buf_put_u8(out, '\n');
            help_blanks(out, indent);
            at = indent;
            gap = "";
        }
        buf_append_text(out, gap);
        buf_append(out, text, len);
        at += strlen(gap) + len;
        gap = " ";
        text += len;
        text += strspn(text, " ");
    }
    buf_put_u8(out, '\n');
}

/* A name, and what it is about in a column of its own. */
static void help_row(struct buf *out, const char *name, const char *about)
{
    size_t len = HELP_INDENT + strlen(name);
    help_blanks(out, HELP_INDENT);
    buf_append_text(out, name);
    if (len + 2 > HELP_COLUMN) {
        buf_put_u8(out, '\n');
        len = 0;
    }
    help_blanks(out, HELP_COLUMN - len);
    help_words(out, about, HELP_COLUMN, HELP_COLUMN);
}

/* ---- the parts ---- */

/* "--timeout, -t SECONDS" */
static void help_flag_name(const struct flag *flag, struct buf *out)
{
    const char *gap = "";
    for (const char *at = flag->names; *at != '\0';) {
        size_t len = strcspn(at, ",");
        buf_printf(out, "%s%s%.*s", gap, len == 1 ? "-" : "--", (int)len, at);
        gap = ", ";
        at += len + (at[len] == ',');
    }
    if (flag->value != NULL)
        buf_printf(out, " %s", flag->value);
}

static void help_flags(const char *title, const struct flag *flags, struct buf *out)
{
    if (flags == NULL)
        return;
    buf_printf(out, "\n%s:\n", title);
    for (; flags->names != NULL; flags++) {
        if (flags->is_hidden)
            continue;
        struct buf name = { 0 };
        struct buf about = { 0 };
        help_flag_name(flags, &name);
        buf_append_text(&about, flags->help);
        if (flag_shows_fallback(flags))
            buf_printf(&about, " (default: %s)", flags->fallback);
        help_row(out, buf_text(&name), buf_text(&about));
        buf_deinit(&name);
        buf_deinit(&about);
    }
}

static void help_commands(const struct cli *cli, const struct cmd *group, struct buf *out)
{
    const struct cmd *const *cmds = cli->cmds;
    buf_append_text(out, "\nCommands:\n");
    for (size_t i = 0; cmds[i] != NULL; i++) {
        if (cmd_is_under(cmds[i], group) && !cmds[i]->is_hidden)
            help_row(out, cmd_word(cmds[i]), cmds[i]->summary);
    }
}

static void help_examples(const struct cli *cli, const struct cmd *cmd, struct buf *out)
{
    if (cmd->examples == NULL)
        return;
    buf_append_text(out, "\nExamples:\n");
    for (const struct example *e = cmd->examples; e->line != NULL; e++)
        buf_printf(out, "  %s %s\n      %s\n", cli->name, e->line, e->what);
}

static void help_usage(const struct cli *cli, const struct cmd *cmd, struct buf *out)
{
    const char *program = cli->name;
    const char *global = cmd == cli->top ? "" : " [global flags]";
    buf_printf(out, "\nUsage:\n  %s%s", program, global);
    if (cmd->path[0] != '\0')
        buf_printf(out, " %s", cmd->path);
    if (cmd->flags != NULL)
        buf_append_text(out, " [flags]");
    if (cmd->run == NULL)
        buf_append_text(out,
                        cmd->implied != NULL && cmd->implies == NULL ? " [COMMAND]" : " COMMAND");
    if (cmd->operands[0] != '\0')
        buf_printf(out, " %s", cmd->operands);
    buf_put_u8(out, '\n');
    if (cmd->implies != NULL)
        buf_printf(out, "  %s [global flags] %s [flags] %s    (short for '%s')\n", program,
                   cmd->path, cmd->implied->operands, cmd->implied->path);
}

void help_print(const struct cli *cli, const struct cmd *cmd, struct buf *out)
{
    const char *program = cli->name;
    char first_flag[FLAG_NAME_SIZE + 2] = "--";
    flag_name(cli->top->flags, first_flag + 2);
    buf_printf(out, "%s%s%s - ", program, cmd->path[0] != '\0' ? " " : "", cmd->path);
    help_words(out, cmd->summary, out->len, HELP_INDENT);
    help_usage(cli, cmd, out);
    if (cmd->text != NULL) {
        buf_put_u8(out, '\n');
        help_words(out, cmd->text, 0, 0);
    }
    if (cmd->run == NULL)
        help_commands(cli, cmd, out);
    help_flags("Flags", cmd->flags, out);
    help_examples(cli, cmd, out);
    buf_put_u8(out, '\n');
    if (cmd->run == NULL)
        buf_printf(out, "%s%s%s COMMAND --help explains a command.\n", program,
                   cmd->path[0] != '\0' ? " " : "", cmd->path);
    if (cmd != cli->top)
        buf_printf(out, "%s --help lists the global flags (%s, ...).\n", program, first_flag);
}

#include "cli/man.h"

#include <string.h>

/* Text as roff takes it: a backslash and a hyphen are its own, and so is a dot or quote in front of a line. */
static void man_text(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        buf_append_text(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            buf_append_text(out, "\\e");
        else if (*text == '-')
            buf_append_text(out, "\\-");
        else
            buf_append(out, text, 1);
    }
}

static void man_line(struct buf *out, const char *text)
{
    man_text(out, text);
    buf_put_u8(out, '\n');
}

static void man_request(struct buf *out, const char *request, const char *text)
{
    buf_printf(out, ".%s ", request);
    man_line(out, text);
}

/* "\fB\-\-timeout\fR, \fB\-t\fR \fISECONDS\fR" */
static void man_flag_name(const struct flag *flag, struct buf *out)
{
    const char *gap = "";
    for (const char *at = flag->names; *at != '\0';) {
        char name[FLAG_NAME_SIZE];
        size_t len = strcspn(at, ",");
        memcpy(name, at, len);
        name[len] = '\0';
        buf_printf(out, "%s\\fB%s", gap, len == 1 ? "\\-" : "\\-\\-");
        man_text(out, name);
        buf_append_text(out, "\\fR");
        gap = ", ";
        at += len + (at[len] == ',');
    }
    if (flag->value != NULL) {
        buf_append_text(out, " \\fI");
        man_text(out, flag->value);
        buf_append_text(out, "\\fR");
    }
    buf_put_u8(out, '\n');
}

static void man_flags(const struct flag *flags, struct buf *out)
{
    for (; flags != NULL && flags->names != NULL; flags++) {
        if (flags->is_hidden)
            continue;
        buf_append_text(out, ".TP\n");
        man_flag_name(flags, out);
        man_text(out, flags->help);
        if (flag_shows_fallback(flags)) {
            buf_append_text(out, " (default: ");
            man_text(out, flags->fallback);
            buf_append_text(out, ")");
        }
        buf_put_u8(out, '\n');
    }
}

static void man_examples(const struct cli *cli, const struct cmd *cmd, struct buf *out)
{
    for (const struct example *e = cmd->examples; e != NULL && e->line != NULL; e++) {
        buf_append_text(out, ".TP\n\\fB");
        man_text(out, cli->name);
        buf_put_u8(out, ' ');
        man_text(out, e->line);
        buf_append_text(out, "\\fR\n");
        man_line(out, e->what);
    }
}

static void man_synopsis(const struct cli *cli, struct buf *out)
{
    buf_append_text(out, ".SH SYNOPSIS\n\\fB");
    man_text(out, cli->name);
    buf_append_text(out, "\\fR [\\fIglobal flags\\fR] ");
    buf_append_text(out, cli->top->implied != NULL ? "[\\fIcommand\\fR" : "\\fIcommand\\fR");
    buf_append_text(out, " [\\fIflags\\fR] [\\fIoperands\\fR]");
    buf_append_text(out, cli->top->implied != NULL ? "]\n" : "\n");
}

/* The first word of the summary is a verb; a heading has the path. */
static void man_command(const struct cli *cli, const struct cmd *cmd, struct buf *out)
{
    buf_append_text(out, ".SS \"");
    man_text(out, cmd->path);
    if (cmd->operands[0] != '\0') {
        buf_put_u8(out, ' ');
        man_text(out, cmd->operands);
    }
    buf_append_text(out, "\"\n");
    man_line(out, cmd->summary);
    if (cmd->text != NULL) {
        buf_append_text(out, ".PP\n");
        man_line(out, cmd->text);
    }
    man_flags(cmd->flags, out);
    man_examples(cli, cmd, out);
}

void man_print(const struct cli *cli, const char *version, const char *date, struct buf *out)
{
    buf_append_text(out, ".\\\" made from the table of commands: NAME man\n.TH ");
    for (const char *at = cli->name; *at != '\0'; at++)
        buf_put_u8(out, (uint8_t)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at));
    buf_printf(out, " 1 \"%s\" \"%s\"\n.SH NAME\n", date, version);
    man_text(out, cli->name);
    buf_append_text(out, " \\- ");
    man_line(out, cli->top->summary);
    man_synopsis(cli, out);
    buf_append_text(out, ".SH DESCRIPTION\n");
    man_line(out, cli->top->text);
    buf_append_text(out, ".SH GLOBAL FLAGS\nThey may stand before or behind the command.\n");
    man_flags(cli->top->flags, out);
    buf_append_text(out, ".SH COMMANDS\n");
    for (size_t i = 0; cli->cmds[i] != NULL; i++) {
        if (cli->cmds[i]->run != NULL && !cli->cmds[i]->is_hidden)
            man_command(cli, cli->cmds[i], out);
    }
    for (const struct paragraph *p = cli->paragraphs; p != NULL && p->title != NULL; p++) {
        man_request(out, "SH", p->title);
        man_line(out, p->text);
    }
    buf_append_text(out, ".SH EXAMPLES\n");
    man_examples(cli, cli->top, out);
}

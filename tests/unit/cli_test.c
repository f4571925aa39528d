/* What is made of a table of commands beside parsing (ctl_args_test.c): the manual page, and what bash completes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/man.h"
#include "ctl/cmd.h"
#include "util/err.h"

TestSuite(cli, .timeout = 60);

static int run(void *program, const struct args *args)
{
    (void)program;
    (void)args;
    return 0;
}

static const struct flag go_flags[] = {
    { "far,f", FLAG_BOOL, .help = "to .the end\\" },
    { "old", FLAG_BOOL, .help = "as before", .is_hidden = true },
    { "mode", FLAG_TEXT, .value = "walk|run", .fallback = "walk", .help = "how" },
    { "into", FLAG_TEXT, .value = "FILE", .help = "where to" },
    { 0 },
};
static const struct flag top_flags[] = {
    { "help,h", FLAG_BOOL, .help = "this" },
    { 0 },
};
static const struct example example[] = { { "go -f", "far" }, { 0 } };
static const struct cmd go = { .path = "go",
                               .operands = "",
                               .summary = "go",
                               .flags = go_flags,
                               .examples = example,
                               .run = run };
static const struct cmd stop = { .path = "stop",
                                 .operands = "",
                                 .summary = "stop",
                                 .flags = go_flags,
                                 .examples = example,
                                 .run = run };
static const struct cmd hidden = { .path = "hide",
                                   .operands = "",
                                   .summary = "hide",
                                   .examples = example,
                                   .run = run,
                                   .is_hidden = true };
static const struct cmd top = { .path = "",
                                .operands = "",
                                .summary = "move",
                                .text = "Moves.",
                                .flags = top_flags,
                                .examples = example,
                                .implied = &go };
static const struct cmd *const list[] = { &go, &stop, &hidden, NULL };
static const struct paragraph more[] = { { "FILES", "None." }, { 0 } };
static const struct cli mover = { "mover", &top, list, more };

static struct args parse(char *const *argv, int argc)
{
    struct args args;
    struct buf why = { 0 };
    cr_assert_eq(args_parse(&args, &mover, argc, argv, &why), OK, "%s", buf_text(&why));
    buf_deinit(&why);
    return args;
}

Test(cli, without_a_word_what_is_implied_runs)
{
    char name[] = "mover", far[] = "-f", help[] = "-h", word[] = "stop";
    struct args args = parse((char *[]){ name, NULL }, 1);
    cr_assert_eq(args.cmd, &go);
    cr_assert_not(args.wants_help);
    args_deinit(&args);
    args = parse((char *[]){ name, far, NULL }, 2);
    cr_assert_eq(args.cmd, &go);
    cr_assert(args_is(&args, "far"), "its flags may stand there");
    args_deinit(&args);
    args = parse((char *[]){ name, far, word, NULL }, 3);
    cr_assert_eq(args.cmd, &stop);
    cr_assert(args_is(&args, "far"), "and are the command's, when that knows the name");
    args_deinit(&args);
    args = parse((char *[]){ name, help, NULL }, 2);
    cr_assert(args.wants_help);
    cr_assert_eq(args.cmd, &top);
    args_deinit(&args);
}

Test(cli, an_error_names_the_command_that_was_reached)
{
    char name[] = "mover", word[] = "stop", wrong[] = "--fr";
    struct args args;
    struct buf why = { 0 };
    cr_assert_eq(args_parse(&args, &mover, 3, (char *[]){ name, word, wrong, NULL }, &why),
                 ERR_INVALID);
    cr_assert_eq(args.cmd, &stop);
    cr_assert_str_eq(buf_text(&why), "there is no flag --fr here; did you mean --far?\n"
                                     "See: mover stop --help");
    buf_deinit(&why);
}

Test(cli, man_page)
{
    struct buf page = { 0 };
    man_print(&mover, "7", "2026-01-02", &page);
    cr_assert_str_eq(buf_text(&page),
                     ".\\\" made from the table of commands: NAME man\n"
                     ".TH MOVER 1 \"2026-01-02\" \"7\"\n"
                     ".SH NAME\nmover \\- move\n"
                     ".SH SYNOPSIS\n"
                     "\\fBmover\\fR [\\fIglobal flags\\fR] [\\fIcommand\\fR [\\fIflags\\fR] "
                     "[\\fIoperands\\fR]]\n"
                     ".SH DESCRIPTION\nMoves.\n"
                     ".SH GLOBAL FLAGS\nThey may stand before or behind the command.\n"
                     ".TP\n\\fB\\-\\-help\\fR, \\fB\\-h\\fR\nthis\n"
                     ".SH COMMANDS\n"
                     ".SS \"go\"\ngo\n"
                     ".TP\n\\fB\\-\\-far\\fR, \\fB\\-f\\fR\nto .the end\\e\n"
                     ".TP\n\\fB\\-\\-mode\\fR \\fIwalk|run\\fR\nhow (default: walk)\n"
                     ".TP\n\\fB\\-\\-into\\fR \\fIFILE\\fR\nwhere to\n"
                     ".TP\n\\fBmover go \\-f\\fR\nfar\n"
                     ".SS \"stop\"\nstop\n"
                     ".TP\n\\fB\\-\\-far\\fR, \\fB\\-f\\fR\nto .the end\\e\n"
                     ".TP\n\\fB\\-\\-mode\\fR \\fIwalk|run\\fR\nhow (default: walk)\n"
                     ".TP\n\\fB\\-\\-into\\fR \\fIFILE\\fR\nwhere to\n"
                     ".TP\n\\fBmover go \\-f\\fR\nfar\n"
                     ".SH FILES\nNone.\n"
                     ".SH EXAMPLES\n.TP\n\\fBmover go \\-f\\fR\nfar\n");
    buf_deinit(&page);
}

Test(cli, completion_knows_what_is_not_hidden)
{
    struct buf script = { 0 };
    completion_print(&mover, &script);
    const char *all = buf_text(&script);
    cr_assert_not_null(strstr(all, "['.']='go stop'\n"));
    cr_assert_not_null(strstr(all, "['. go']='--far -f --mode --into'\n"));
    cr_assert_not_null(strstr(all, "['. stop']='--mode --into'\n"), "those that take a value");
    cr_assert_not_null(strstr(all, "[--mode]='walk run'\n"));
    cr_assert_not_null(strstr(all, "complete -F _mover mover\n"));
    cr_assert_null(strstr(all, "--old"));
    cr_assert_null(strstr(all, "hide"));
    buf_deinit(&script);
}

/* Every command of a real program is in its page. */
Test(cli, the_page_of_ctl_is_whole)
{
    struct buf page = { 0 };
    man_print(&ctl_cli, "7", "2026-01-02", &page);
    for (size_t i = 0; cmds[i] != NULL; i++) {
        char heading[128];
        snprintf(heading, sizeof heading, "\n.SS \"%s%c", cmds[i]->path,
                 cmds[i]->operands[0] != '\0' ? ' ' : '"');
        bool is_there = strstr(buf_text(&page), heading) != NULL;
        cr_assert_eq(is_there, cmds[i]->run != NULL && !cmds[i]->is_hidden, "%s", cmds[i]->path);
    }
    buf_deinit(&page);
}

#include <criterion/criterion.h>

#include "cli/args.h"
#include "cli/help.h"
#include "ctl/cmd.h"
#include "util/err.h"

TestSuite(ctl_args, .timeout = 60);

#define CID_A "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"

enum { WORDS_MAX = 16 };

/* Parses blank-separated words; *why begins with "" and is the caller's. */
static int parse(struct args *args, const char *line, struct buf *why)
{
    static char room[512];
    static char *argv[WORDS_MAX + 2];
    int argc = 0;
    static char program[] = "ipfs-cluster-ctl";
    argv[argc++] = program;
    cr_assert_lt(strlen(line), sizeof room);
    strcpy(room, line);
    for (char *word = strtok(room, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return args_parse(args, &ctl_cli, argc, argv, why);
}

static struct args parse_ok(const char *line)
{
    struct args args;
    struct buf why = { 0 };
    cr_assert_eq(parse(&args, line, &why), OK, "%s: %s", line, buf_text(&why));
    cr_assert_eq(why.len, 0);
    return args;
}

static void refuses(const char *line, int err, const char *words)
{
    struct args args;
    struct buf why = { 0 };
    cr_assert_eq(parse(&args, line, &why), err, "%s", line);
    cr_assert(strstr(buf_text(&why), words) != NULL, "%s: %s", line, buf_text(&why));
    cr_assert(strstr(buf_text(&why), "\nSee: ipfs-cluster-ctl") != NULL, "%s", buf_text(&why));
    buf_deinit(&why);
}

Test(ctl_args, flags_may_stand_before_and_behind_operands)
{
    static const char *const lines[] = {
        "pin add -r 2 --name x " CID_A,
        "pin add " CID_A " -r 2 --name x",
        "pin add -r=2 " CID_A " --name=x",
        "pin add --replication=2 " CID_A " -n x",
        "pin add -replication 2 -name x " CID_A, /* one dash will do, as in Go's programs */
        "--timeout 7 pin add -r 2 " CID_A " --name x",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct args args = parse_ok(lines[i]);
        cr_assert_eq(args.cmd, &cmd_pin_add);
        cr_assert_eq(args.operands_count, 1);
        cr_assert_str_eq(args.operands[0], CID_A);
        cr_assert_eq(args_number(&args, "replication"), 2);
        cr_assert_str_eq(args_text(&args, "name"), "x");
        cr_assert_not(args.wants_help);
        args_deinit(&args);
    }
}

Test(ctl_args, what_follows_a_flag_is_its_value)
{
    struct args args = parse_ok("pin add -r -1 --name --wait " CID_A);
    cr_assert_eq(args_number(&args, "replication"), -1);
    cr_assert_str_eq(args_text(&args, "name"), "--wait");
    cr_assert_not(args_is(&args, "wait"));
    args_deinit(&args);
}

Test(ctl_args, a_boolean_takes_no_word)
{
    struct args args = parse_ok("status --local " CID_A);
    cr_assert(args_is(&args, "local"));
    cr_assert_eq(args.operands_count, 1);
    args_deinit(&args);
    args = parse_ok("status --local=false");
    cr_assert_not(args_is(&args, "local"));
    args_deinit(&args);
}

Test(ctl_args, what_is_not_given_has_its_fallback)
{
    struct args args = parse_ok("pin add " CID_A);
    cr_assert_str_eq(args_text(&args, "host"), "/ip4/127.0.0.1/tcp/9094");
    cr_assert_str_eq(args_text(&args, "encoding"), "text");
    cr_assert_null(args_text(&args, "name"));
    cr_assert_eq(args_number(&args, "timeout"), 0);
    cr_assert_eq(args_span_us(&args, "wait-timeout"), 0);
    cr_assert_eq(args_span_us(&args, "expire-in"), 0);
    args_deinit(&args);
}

Test(ctl_args, the_last_use_counts_but_one_that_repeats_adds)
{
    struct args args = parse_ok("pin add --name a --metadata k=1 --name b --metadata j=2 " CID_A);
    size_t at = 0;
    cr_assert_str_eq(args_text(&args, "name"), "b");
    cr_assert_str_eq(args_each(&args, "metadata", &at), "k=1");
    cr_assert_str_eq(args_each(&args, "metadata", &at), "j=2");
    cr_assert_null(args_each(&args, "metadata", &at));
    args_deinit(&args);
}

Test(ctl_args, pin_and_a_cid_is_pin_add)
{
    struct args args = parse_ok("pin " CID_A);
    cr_assert_eq(args.cmd, &cmd_pin_add);
    cr_assert_str_eq(args.operands[0], CID_A);
    args_deinit(&args);
    args = parse_ok("pin -r 3 /ipfs/" CID_A " --wait");
    cr_assert_eq(args.cmd, &cmd_pin_add);
    cr_assert_eq(args_number(&args, "replication"), 3);
    cr_assert(args_is(&args, "wait"));
    args_deinit(&args);
}

Test(ctl_args, behind_two_dashes_everything_is_a_word)
{
    struct args args = parse_ok("health metrics -- --odd-name");
    cr_assert_str_eq(args.operands[0], "--odd-name");
    args_deinit(&args);
}

Test(ctl_args, help_is_found_wherever_it_stands)
{
    static const struct {
        const char *line;
        const struct cmd *cmd;
    } cases[] = {
        { "", &cmd_program },           { "--help", &cmd_program },
        { "help", &cmd_program },       { "pin", &cmd_pin },
        { "pin --help", &cmd_pin },     { "help pin", &cmd_pin },
        { "pin add -h", &cmd_pin_add }, { "help pin add", &cmd_pin_add },
        { "pin help", &cmd_pin },       { "--enc json", &cmd_program },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct args args = parse_ok(cases[i].line);
        cr_assert(args.wants_help, "%s", cases[i].line);
        cr_assert_eq(args.cmd, cases[i].cmd, "%s", cases[i].line);
        args_deinit(&args);
    }
}

Test(ctl_args, unknown_commands_have_a_code_of_their_own)
{
    refuses("statsu", ERR_NOT_FOUND, "there is no command 'statsu'; did you mean 'status'?");
    refuses("pin ad " CID_A, ERR_NOT_FOUND, "'pin ad'; did you mean 'pin add'?");
    refuses("elephant", ERR_NOT_FOUND, "there is no command 'elephant'\n");
}

Test(ctl_args, refusals_say_what_would_be_right)
{
    refuses("pin add --replicaton 2 x", ERR_INVALID, "did you mean --replication?");
    refuses("pin add --repl 2 x", ERR_INVALID, "did you mean --replication?");
    refuses("pin add --rmn 2 x", ERR_INVALID, "did you mean --rmin?");
    refuses("--local status", ERR_INVALID, "flags of a command stand behind its name");
    refuses("pin add -Z x", ERR_INVALID, "there is no flag -Z here");
    refuses("pin add", ERR_INVALID, "'pin add' needs CID|PATH");
    refuses("pin ls a b", ERR_INVALID, "does not know what to do with 'b'");
    refuses("pin add -r two x", ERR_INVALID, "-r takes a whole number, not 'two'");
    refuses("pin add -r 99999999999 x", ERR_INVALID, "a whole number");
    refuses("pin add --wl -1 x", ERR_INVALID, "a whole number from 0 on");
    refuses("pin add --wt soon x", ERR_INVALID, "a span of time such as 90s");
    refuses("pin add x --wt", ERR_INVALID, "--wt needs a value: SPAN");
    refuses("status --local=maybe", ERR_INVALID, "true or false, not 'maybe'");
}

/* ---- the table itself ---- */

Test(ctl_args, every_command_is_whole)
{
    for (size_t i = 0; cmds[i] != NULL; i++) {
        const struct cmd *cmd = cmds[i];
        cr_assert(cmd->summary != NULL && cmd->operands != NULL, "%s", cmd->path);
        cr_assert(cmd->examples != NULL && cmd->examples[0].line != NULL, "%s", cmd->path);
        cr_assert_eq(cmd->implied != NULL, cmd->implies != NULL, "%s", cmd->path);
        cr_assert_eq(cmd->operands_max == 0, cmd->operands[0] == '\0', "%s", cmd->path);
        const char *blank = strrchr(cmd->path, ' ');
        if (blank != NULL) {
            const struct cmd *group =
                cmd_under(&ctl_cli, &cmd_program, cmd->path, (size_t)(blank - cmd->path));
            cr_assert(group != NULL && group->run == NULL, "%s", cmd->path);
        }
    }
}

/* An example that does not parse would teach the wrong thing. */
static void example_parses(const struct cmd *cmd, const struct example *e)
{
    struct args args = parse_ok(e->line);
    bool is_under = cmd->run != NULL ? args.cmd == cmd : args.cmd != cmd;
    cr_assert(is_under || strcmp(e->line, "--version") == 0, "%s: %s", cmd->path, e->line);
    args_deinit(&args);
}

Test(ctl_args, every_example_is_of_its_command)
{
    for (const struct example *e = cmd_program.examples; e->line != NULL; e++)
        example_parses(&cmd_program, e);
    for (size_t i = 0; cmds[i] != NULL; i++) {
        for (const struct example *e = cmds[i]->examples; e->line != NULL; e++)
            example_parses(cmds[i], e);
    }
}

Test(ctl_args, help_names_every_flag_and_fits_a_terminal)
{
    for (size_t i = 0; cmds[i] != NULL; i++) {
        struct buf text = { 0 };
        help_print(&ctl_cli, cmds[i], &text);
        const char *all = buf_text(&text);
        cr_assert(strstr(all, "Examples:") != NULL, "%s", cmds[i]->path);
        cr_assert(strstr(all, "ipfs-cluster-ctl --help") != NULL, "%s", cmds[i]->path);
        for (const struct flag *f = cmds[i]->flags; f != NULL && f->names != NULL; f++) {
            char name[FLAG_NAME_SIZE];
            flag_name(f, name);
            cr_assert(strstr(all, name) != NULL, "%s %s", cmds[i]->path, name);
        }
        for (const char *line = all; *line != '\0';) {
            size_t len = strcspn(line, "\n");
            cr_assert(len <= 80 || memmem(line, len, "[global flags]", 14) != NULL, "%s: %.*s",
                      cmds[i]->path, (int)len, line);
            line += len + (line[len] == '\n');
        }
        buf_deinit(&text);
    }
}

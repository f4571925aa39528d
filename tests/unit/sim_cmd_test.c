#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

#include "sim/cmd.h"

TestSuite(sim_cmd, .timeout = 60);

struct args {
    uint64_t number;
    const char *text;
    bool flag;
};

static const struct cmd_option options[] = {
    { "--number", CMD_NUMBER, offsetof(struct args, number), "N", "a number" },
    { "--text", CMD_TEXT, offsetof(struct args, text), "WORD", "a text" },
    { "--flag", CMD_FLAG, offsetof(struct args, flag), NULL, "a flag" },
};
static const struct cmd cmd = { .name = "try",
                                .usage = "try FILE",
                                .about = "Tries.\n",
                                .options = options,
                                .options_count = 3,
                                .examples = "  try it\n" };

static int parse(struct args *a, const char *line)
{
    static char copy[256];
    char *argv[16];
    int argc = 0;
    strncpy(copy, line, sizeof(copy) - 1);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    *a = (struct args){ 0 };
    int count = cmd_parse(&cmd, a, argc, argv);
    if (count == 2)
        cr_assert(strcmp(argv[0], "one") == 0 && strcmp(argv[1], "two") == 0);
    return count;
}

Test(sim_cmd, words_and_options_in_any_order)
{
    struct args a;
    cr_assert_eq(parse(&a, "one --number 17 two --flag --text t"), 2);
    cr_assert(a.number == 17 && a.flag && strcmp(a.text, "t") == 0);
    cr_assert_eq(parse(&a, "--number 18446744073709551615 one two"), 2);
    cr_assert_eq(a.number, UINT64_MAX);
    cr_assert_eq(parse(&a, ""), 0);
}

Test(sim_cmd, what_is_not_understood_is_said, .init = cr_redirect_stderr)
{
    static const char *const lines[] = { "--nothing",   "--number",
                                         "--number x",  "--number -1",
                                         "--number 1x", "--number 18446744073709551616",
                                         "one --text" };
    struct args a;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        cr_assert_eq(parse(&a, lines[i]), -1, "%s", lines[i]);
}

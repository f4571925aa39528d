/* cmd_show.c -- `config`: what this peer is told to be, and what it could be told. */
#include <stdio.h>

#include "cmd.h"
#include "config/config.h"
#include "util/buf.h"
#include "util/err.h"

/* ---- show ---- */

static int cmd_config_show_run(void *program, const struct args *args)
{
    const struct service *service = program;
    struct config_show how = { .shows_secrets = args_is(args, "secrets"),
                               .only_changed = args_is(args, "changed") };
    struct config config = { 0 };
    struct buf why = { 0 }, out = { 0 };
    int code = cmd_encoding(args, &how.as_json);
    if (code != 0)
        return code;
    int err = cmd_read_config(&config, service, NULL, &why);
    if (err == OK)
        config_show(&config, &how, &out);
    else
        code = cmd_fail("loading configurations: %s", why.len > 0 ? buf_text(&why) : err_text(err));
    fwrite(out.data, 1, out.len, stdout);
    config_deinit(&config);
    buf_wipe(&out);
    buf_deinit(&why);
    return code;
}

static const struct flag show_flags[] = {
    { "secrets", FLAG_BOOL, .help = "print secrets, too" },
    { "changed", FLAG_BOOL, .help = "leave out what is the default" },
    { "encoding,enc", FLAG_TEXT, .value = "text|json", .fallback = "text",
      .help = "how it is shown" },
    { 0 },
};

static const struct example show_examples[] = {
    { "config show --changed", "what is not the default" },
    { "config show --enc json", "for programs: value, from and as of each option" },
    { 0 },
};

const struct cmd cmd_config_show = {
    .path = "config show",
    .operands = "",
    .summary = "print what the configuration comes to, and where each value came from",
    .text = "One option a line, by its name in sections: its value after file, environment and "
            "defaults, and in brackets the one that it comes from, with the name that it was given "
            "under where that is another one.",
    .flags = show_flags,
    .examples = show_examples,
    .run = cmd_config_show_run,
};

/* ---- reference ---- */

static int cmd_config_reference_run(void *program, const struct args *args)
{
    (void)program;
    (void)args;
    struct buf out = { 0 };
    config_reference(&out);
    fwrite(out.data, 1, out.len, stdout);
    buf_deinit(&out);
    return 0;
}

static const struct example reference_examples[] = {
    { "config reference", "the page docs/CONFIG.md" },
    { 0 },
};

const struct cmd cmd_config_reference = {
    .path = "config reference",
    .operands = "",
    .summary = "explain every option, in Markdown",
    .examples = reference_examples,
    .run = cmd_config_reference_run,
};

/* ---- config ---- */

static const struct example examples[] = {
    { "config show", "the values" },
    { "config reference", "what they mean" },
    { 0 },
};

const struct cmd cmd_config = {
    .path = "config",
    .operands = "",
    .summary = "show what the configuration comes to, explain its options",
    .examples = examples,
};

/* The script walks over the words typed so far: a word that names something under the path is appended to it, a flag that
 * takes a value skips the next. Then it offers what belongs to the path reached: commands, flags, or files. A path begins
 * with a dot, which stands for the program: ". pin add" (bash knows no empty subscript). */
#include "cli/completion.h"

#include <string.h>

/* Everything that follows the tables; FUNCTION and the tables' prefix come before it. */
static const char walk[] =
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path=. at\n"
    "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
    "        if [[ ${COMP_WORDS[at]} == -* ]]; then\n"
    "            [[ \" ${valued[$path]-} ${valued[.]-} \" == *\" ${COMP_WORDS[at]} \"* ]] && "
    "at=$((at + "
    "1))\n"
    "        elif [[ \" ${commands[$path]-} \" == *\" ${COMP_WORDS[at]} \"* ]]; then\n"
    "            path=\"$path ${COMP_WORDS[at]}\"\n"
    "        fi\n"
    "    done\n"
    "    COMPREPLY=()\n"
    "    if [[ $before == -* && -n ${choices[$before]-} ]]; then\n"
    "        COMPREPLY=($(compgen -W \"${choices[$before]-}\" -- \"$word\"))\n"
    "    elif [[ \" ${valued[$path]-} ${valued[.]-} \" == *\" $before \"* ]]; then\n"
    "        [[ \" $files \" == *\" $before \"* ]] && COMPREPLY=($(compgen -f -- \"$word\"))\n"
    "    elif [[ $word == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"${flags[$path]-} ${flags[.]-}\" -- \"$word\"))\n"
    "    elif [[ -n ${commands[$path]-} ]]; then\n"
    "        COMPREPLY=($(compgen -W \"${commands[$path]-}\" -- \"$word\"))\n"
    "    elif [[ \" ${paths[*]} \" == *\" $path \"* ]]; then\n"
    "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
    "    fi\n"
    "}\n";

/* Each spelling of a flag, with its dashes and a blank behind it. */
static void completion_spellings(const struct flag *flag, struct buf *out)
{
    for (const char *at = flag->names; *at != '\0';) {
        size_t len = strcspn(at, ",");
        buf_printf(out, "%s%.*s ", len == 1 ? "-" : "--", (int)len, at);
        at += len + (at[len] == ',');
    }
}

static void completion_path(struct buf *out, const char *path)
{
    buf_printf(out, "'.%s%s'", path[0] != '\0' ? " " : "", path);
}

static void completion_entry(struct buf *out, const char *path, const struct buf *words)
{
    if (words->len == 0)
        return;
    size_t len = words->len - 1; /* without the last blank */
    buf_append_text(out, "        [");
    completion_path(out, path);
    buf_printf(out, "]='%.*s'\n", (int)len, (const char *)words->data);
}

static bool flag_any(const struct flag *flag)
{
    return !flag->is_hidden;
}

static bool flag_valued(const struct flag *flag)
{
    return flag->kind != FLAG_BOOL;
}

static bool value_is_path(const char *value)
{
    return strstr(value, "FILE") != NULL || strstr(value, "PATH") != NULL ||
           strstr(value, "FOLDER") != NULL;
}

static void completion_flags(const struct cmd *cmd, bool (*wanted)(const struct flag *flag),
                             struct buf *out)
{
    struct buf words = { 0 };
    const struct flag *flags = cmd->flags != NULL     ? cmd->flags
                               : cmd->implied != NULL ? cmd->implied->flags
                                                      : NULL;
    for (; flags != NULL && flags->names != NULL; flags++) {
        if (wanted(flags))
            completion_spellings(flags, &words);
    }
    completion_entry(out, cmd->path, &words);
    buf_deinit(&words);
}

static void completion_commands(const struct cli *cli, const struct cmd *group, struct buf *out)
{
    struct buf words = { 0 };
    for (size_t i = 0; cli->cmds[i] != NULL; i++) {
        if (cmd_is_under(cli->cmds[i], group) && !cli->cmds[i]->is_hidden)
            buf_printf(&words, "%s ", cmd_word(cli->cmds[i]));
    }
    completion_entry(out, group->path, &words);
    buf_deinit(&words);
}

/* "text|json" is a choice, "CID|PATH" is not. */
static bool value_is_choice(const char *value)
{
    return strchr(value, '|') != NULL &&
           value[strcspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.")] == '\0';
}

static void completion_choices_of(const struct flag *flags, struct buf *out)
{
    for (; flags != NULL && flags->names != NULL; flags++) {
        if (flags->value == NULL || !value_is_choice(flags->value))
            continue;
        for (const char *at = flags->names; *at != '\0';) {
            size_t len = strcspn(at, ",");
            buf_printf(out, "        [%s%.*s]='", len == 1 ? "-" : "--", (int)len, at);
            for (const char *c = flags->value; *c != '\0'; c++)
                buf_put_u8(out, (uint8_t)(*c == '|' ? ' ' : *c));
            buf_append_text(out, "'\n");
            at += len + (at[len] == ',');
        }
    }
}

static void completion_file_flags(const struct flag *flags, struct buf *out)
{
    for (; flags != NULL && flags->names != NULL; flags++) {
        if (flags->value != NULL && value_is_path(flags->value))
            completion_spellings(flags, out);
    }
}

/* One table of the script: an entry for the program itself and one for each command. */
static void completion_table(const struct cli *cli, const char *name,
                             bool (*wanted)(const struct flag *flag), struct buf *out)
{
    buf_printf(out, "    local -A %s=(\n", name);
    completion_flags(cli->top, wanted, out);
    for (size_t i = 0; cli->cmds[i] != NULL; i++)
        completion_flags(cli->cmds[i], wanted, out);
    buf_append_text(out, "    )\n");
}

static void completion_words(const struct cli *cli, struct buf *out)
{
    buf_append_text(out, "    local -A commands=(\n");
    completion_commands(cli, cli->top, out);
    for (size_t i = 0; cli->cmds[i] != NULL; i++) {
        if (cli->cmds[i]->run == NULL)
            completion_commands(cli, cli->cmds[i], out);
    }
    buf_append_text(out, "    )\n    local -A choices=(\n");
    completion_choices_of(cli->top->flags, out);
    for (size_t i = 0; cli->cmds[i] != NULL; i++)
        completion_choices_of(cli->cmds[i]->flags, out);
    buf_append_text(out, "    )\n    local files='");
    completion_file_flags(cli->top->flags, out);
    for (size_t i = 0; cli->cmds[i] != NULL; i++)
        completion_file_flags(cli->cmds[i]->flags, out);
    buf_append_text(out, "'\n    local paths=(");
    for (size_t i = 0; cli->cmds[i] != NULL; i++) {
        if (!value_is_path(cli->cmds[i]->operands))
            continue;
        completion_path(out, cli->cmds[i]->path);
        buf_put_u8(out, ' ');
    }
    buf_append_text(out, ")\n");
}

void completion_print(const struct cli *cli, struct buf *out)
{
    struct buf function = { 0 };
    buf_put_u8(&function, '_');
    for (const char *at = cli->name; *at != '\0'; at++)
        buf_put_u8(&function, (uint8_t)(*at == '-' ? '_' : *at));
    buf_printf(out, "# bash completion of %s, made from its table of commands\n%s() {\n", cli->name,
               buf_text(&function));
    completion_table(cli, "flags", flag_any, out);
    completion_table(cli, "valued", flag_valued, out);
    completion_words(cli, out);
    buf_append_text(out, walk);
    buf_printf(out, "complete -F %s %s\n", buf_text(&function), cli->name);
    buf_deinit(&function);
}

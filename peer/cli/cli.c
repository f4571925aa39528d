#include "cli/cli.h"

#include <string.h>

#include "util/assert.h"
#include "util/nearest.h"

const char *cmd_word(const struct cmd *cmd)
{
    const char *blank = strrchr(cmd->path, ' ');
    return blank != NULL ? blank + 1 : cmd->path;
}

bool cmd_is_under(const struct cmd *cmd, const struct cmd *group)
{
    size_t len = strlen(group->path);
    if (len == 0)
        return strchr(cmd->path, ' ') == NULL;
    return strncmp(cmd->path, group->path, len) == 0 && cmd->path[len] == ' ' &&
           cmd_word(cmd) == cmd->path + len + 1;
}

const struct cmd *cmd_under(const struct cli *cli, const struct cmd *group, const char *word,
                            size_t len)
{
    const struct cmd *const *cmds = cli->cmds;
    for (size_t i = 0; cmds[i] != NULL; i++) {
        const char *name = cmd_word(cmds[i]);
        if (cmd_is_under(cmds[i], group) && strlen(name) == len && memcmp(name, word, len) == 0)
            return cmds[i];
    }
    return NULL;
}

const char *cmd_nearest(const struct cli *cli, const struct cmd *group, const char *wrong)
{
    const struct cmd *const *cmds = cli->cmds;
    struct nearest nearest = nearest_to((struct bytes){ wrong, strlen(wrong) });
    for (size_t i = 0; cmds[i] != NULL; i++) {
        if (cmd_is_under(cmds[i], group) && !cmds[i]->is_hidden)
            nearest_offer(&nearest, cmd_word(cmds[i]));
    }
    return nearest.best;
}

const struct flag *flag_named(const struct flag *flags, struct bytes name)
{
    for (; flags != NULL && flags->names != NULL; flags++) {
        const char *at = flags->names;
        while (*at != '\0') {
            size_t len = strcspn(at, ",");
            if (bytes_equal(name, (struct bytes){ at, len }))
                return flags;
            at += len + (at[len] == ',');
        }
    }
    return NULL;
}

void flag_name(const struct flag *flag, char out[FLAG_NAME_SIZE])
{
    size_t len = strcspn(flag->names, ",");
    ASSERT(len < FLAG_NAME_SIZE);
    memcpy(out, flag->names, len);
    out[len] = '\0';
}

bool flag_shows_fallback(const struct flag *flag)
{
    const char *text = flag->fallback;
    return text != NULL && text[0] != '\0' && strcmp(text, "0") != 0 && strcmp(text, "0s") != 0;
}

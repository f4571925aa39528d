#include "sim/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/swarm.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { SCRIPT_BYTES_MAX = 1024 * 1024 };

/* ---- options ---- */

bool cmd_number(const char *option, const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    if (text != NULL && text[0] >= '0' && text[0] <= '9') {
        uint64_t value = strtoull(text, &end, 10);
        if (*end == '\0' && errno == 0) {
            *out = value;
            return true;
        }
    }
    fprintf(stderr, "%s: expected a number, found `%s`\n", option, text != NULL ? text : "nothing");
    return false;
}

void cmd_unknown_option(const char *command, const char *option)
{
    fprintf(stderr, "ipfs-cluster-sim %s: `%s` is not known; see ipfs-cluster-sim help %s\n",
            command, option, command);
}

static const struct cmd_option *cmd_option_find(const struct cmd *cmd, const char *name)
{
    for (size_t i = 0; i < cmd->options_count; i++)
        if (strcmp(cmd->options[i].name, name) == 0)
            return &cmd->options[i];
    return NULL;
}

static bool cmd_option_take(const struct cmd_option *option, void *args, const char *value)
{
    char *field = (char *)args + option->offset;
    switch (option->kind) {
    case CMD_FLAG:
        *(bool *)(void *)field = true;
        return true;
    case CMD_NUMBER:
        return cmd_number(option->name, value, (uint64_t *)(void *)field);
    case CMD_TEXT:
        if (value == NULL)
            fprintf(stderr, "%s: expected %s behind it\n", option->name, option->value);
        *(const char **)(void *)field = value;
        return value != NULL;
    }
    return false;
}

int cmd_parse(const struct cmd *cmd, void *args, int argc, char **argv)
{
    int words = 0;
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] != '-') {
            argv[words++] = argv[i];
            continue;
        }
        const struct cmd_option *option = cmd_option_find(cmd, argv[i]);
        if (option == NULL) {
            cmd_unknown_option(cmd->name, argv[i]);
            return -1;
        }
        if (!cmd_option_take(option, args, i + 1 < argc ? argv[i + 1] : NULL))
            return -1;
        i += option->kind != CMD_FLAG;
    }
    return words;
}

void cmd_print_help(const struct cmd *cmd, FILE *to)
{
    int width = 0;
    for (size_t i = 0; i < cmd->options_count; i++) {
        const struct cmd_option *o = &cmd->options[i];
        int len = (int)strlen(o->name) + (o->value != NULL ? 1 + (int)strlen(o->value) : 0);
        width = len > width ? len : width;
    }
    fprintf(to, "ipfs-cluster-sim %s\n\n%s\n", cmd->usage, cmd->about);
    for (size_t i = 0; i < cmd->options_count; i++) {
        const struct cmd_option *o = &cmd->options[i];
        int len = fprintf(to, "  %s%s%s", o->name, o->value != NULL ? " " : "",
                          o->value != NULL ? o->value : "");
        fprintf(to, "%*s  %s\n", width + 2 - len, "", o->help);
    }
    fprintf(to, "%sExamples:\n%s", cmd->options_count > 0 ? "\n" : "", cmd->examples);
}

/* ---- files ---- */

bool cmd_read_file(const char *file, size_t len_max, struct buf *out)
{
    FILE *f = fopen(file, "rb");
    if (f == NULL) {
        perror(file);
        return false;
    }
    char piece[4096];
    size_t len;
    while ((len = fread(piece, 1, sizeof(piece), f)) > 0 && out->len <= len_max)
        buf_append(out, piece, len);
    bool ok = !ferror(f) && out->len <= len_max;
    if (!ok)
        fprintf(stderr, "%s: cannot be read, or is longer than %zu bytes\n", file, len_max);
    fclose(f);
    return ok;
}

bool cmd_write_file(const char *file, const struct buf *content)
{
    FILE *f = fopen(file, "wb");
    bool ok = f != NULL && fwrite(content->data, 1, content->len, f) == content->len;
    ok = f != NULL && fclose(f) == 0 && ok;
    if (!ok)
        perror(file);
    return ok;
}

bool cmd_load_script(struct script *out, const char *file)
{
    struct buf text = { 0 };
    if (strcmp(file, "swarm") == 0) {
        buf_append_text(&text, swarm_text);
    } else if (!cmd_read_file(file, SCRIPT_BYTES_MAX, &text)) {
        buf_deinit(&text);
        return false;
    }
    int err = script_parse(out, file, text.data, text.len);
    buf_deinit(&text);
    if (err == OK)
        return true;
    fprintf(stderr, "%s\n", err == ERR_INVALID ? buf_text(&out->error) : err_text(err));
    script_deinit(out);
    return false;
}

bool cmd_load_scripts(struct scripts *out, int count, char **files)
{
    *out = (struct scripts){ .list = mem_array((size_t)count, sizeof(*out->list)) };
    ASSERT(out->list != NULL);
    bool ok = true;
    for (int i = 0; i < count; i++) {
        bool loaded = cmd_load_script(&out->list[out->count], files[i]);
        out->count += loaded;
        ok = ok && loaded;
    }
    if (!ok)
        cmd_free_scripts(out);
    return ok;
}

void cmd_free_scripts(struct scripts *s)
{
    for (size_t i = 0; i < s->count; i++)
        script_deinit(&s->list[i]);
    mem_free(s->list);
    *s = (struct scripts){ 0 };
}

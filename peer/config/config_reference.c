/* docs/CONFIG.md, out of the table of options: a program that says what it takes cannot say something else. */
#include "config/config.h"

#include <string.h>

#include "config/config_int.h"
#include "util/duration.h"

static const char introduction[] =
    "# Configuration\n\n"
    "<!-- `make docs` writes this page from the table of options (peer/config/options.c). -->\n\n"
    "`service.json` in the configuration folder (`~/.ipfs-cluster`, `$IPFS_CLUSTER_PATH`, or "
    "`-c FOLDER`) holds the options, in one of two layouts:\n\n"
    "- in sections, as `ipfs-cluster-service init` and ipfs-cluster 1.x write it: "
    "`{\"cluster\": {\"listen_multiaddress\": ...}}` for `cluster.listen_multiaddress`;\n"
    "- flat, as the users' guide of 0.0.12 has it: `{\"cluster_multiaddress\": ...}`. These names "
    "are in the second column. Durations are whole seconds under them.\n\n"
    "A file may have both, as long as they agree. Over the file comes the environment (third "
    "column; lists separated by commas, maps as `a:b,c:d`), over that what flags of the command "
    "line say. What is given nowhere has its default. `ipfs-cluster-service config show` prints "
    "what it all comes to, and where each value came from.\n\n"
    "Durations are written as `\"1h30m\"`, `\"500ms\"`. Where a list is expected, a single value "
    "may stand without brackets. A key that nobody knows is named in a warning with the known one "
    "that is most like it, and is an error with `--strict`. In a file in sections, a missing "
    "`api.restapi` or `api.ipfsproxy` means that this server is not wanted.\n";

static void reference_type(const struct option *o, struct buf *out)
{
    char least[DURATION_TEXT_SIZE];
    switch (o->type) {
    case OPTION_BOOL:
        buf_append_text(out, "bool");
        return;
    case OPTION_INT:
        if (o->min < o->max && o->max < INT32_MAX)
            buf_printf(out, "%lld to %lld", (long long)o->min, (long long)o->max);
        else if (o->min < o->max)
            buf_printf(out, "number from %lld", (long long)o->min);
        else
            buf_append_text(out, "number");
        return;
    case OPTION_DURATION:
        duration_print(least, o->min);
        buf_printf(out, "duration from %s", least);
        return;
    case OPTION_STRING:
        buf_append_text(out, "text");
        return;
    case OPTION_SECRET:
        buf_append_text(out, "64 hex digits");
        return;
    case OPTION_ADDR:
        buf_append_text(out, "multiaddress");
        return;
    case OPTION_ADDRS:
        buf_append_text(out, "multiaddresses");
        return;
    case OPTION_PEER_IDS:
        buf_append_text(out, "peer ids");
        return;
    case OPTION_METRIC:
    case OPTION_NAMES:
        buf_append_text(out, o->type == OPTION_METRIC ? "metric" : "metrics");
        return;
    case OPTION_TAGS:
        buf_append_text(out, "map of texts");
        return;
    case OPTION_USERS:
        buf_append_text(out, "null, or users and passwords");
        return;
    case OPTION_HEADERS:
        buf_append_text(out, "map of lists of texts");
        return;
    case OPTION_STRINGS:
        buf_append_text(out, "texts");
        return;
    case OPTION_NUMBER:
        buf_append_text(out, "number");
        return;
    case OPTION_OBJECT:
    case OPTION_TREE:
    case OPTION_ANY:
        buf_append_text(out, "object");
        return;
    }
}

/* In a table a bar would end the cell. */
static void reference_cell(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            buf_append(out, "\\", 1);
        buf_append(out, text, 1);
    }
}

/* All but the last word: "consensus.raft" of "consensus.raft.data_folder". */
static struct bytes reference_section(const struct option *o)
{
    const char *dot = strrchr(o->name, '.');
    return (struct bytes){ o->name, dot != NULL ? (size_t)(dot - o->name) : 0 };
}

static void reference_heading(struct bytes section, struct buf *out)
{
    const char *name = section.len > 0 ? section.data : "the file itself";
    int len = (int)(section.len > 0 ? section.len : strlen(name));
    buf_printf(out,
               "\n## %.*s\n\n"
               "| option | guide | environment | value | default | what it is for |\n"
               "|---|---|---|---|---|---|\n",
               len, name);
}

static void reference_row(const struct option *o, struct buf *out)
{
    size_t section_len = reference_section(o).len;
    buf_printf(out, "| `%s` | ", o->name + section_len + (section_len > 0));
    if (o->guide != NULL)
        buf_printf(out, "`%s`", o->guide);
    buf_append_text(out, " | ");
    if ((o->flags & OPTION_FILE_ONLY) == 0) {
        buf_append_text(out, "`");
        option_print_variable(o, out);
        buf_append_text(out, "`");
    }
    buf_append_text(out, " | ");
    reference_type(o, out);
    buf_printf(out, " | `%s` | ", o->preset);
    reference_cell(o->help, out);
    buf_append_text(out, " |\n");
}

static void reference_options(struct buf *out)
{
    struct bytes section = { NULL, 0 };
    bool is_first = true;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        struct bytes its_section = reference_section(o);
        if (o->offset == OPTION_NO_FIELD)
            continue;
        if (is_first || !bytes_equal(section, its_section))
            reference_heading(its_section, out);
        section = its_section;
        is_first = false;
        reference_row(o, out);
    }
}

static void reference_others(bool refused, struct buf *out)
{
    buf_append_text(out, "\n| option | why |\n|---|---|\n");
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        const char *reason = option_reason(o);
        if (o->offset != OPTION_NO_FIELD || ((o->flags & OPTION_REFUSED) != 0) != refused)
            continue;
        buf_printf(out, "| `%s` | ", o->name);
        reference_cell(reason, out);
        buf_append_text(out, " |\n");
    }
}

void config_reference(struct buf *out)
{
    buf_append_text(out, introduction);
    reference_options(out);
    buf_append_text(out, "\n## Known, and without effect here\n\n"
                         "Files of ipfs-cluster have these. They load; those that do not have "
                         "ipfs-cluster's default are named in one line at the start.\n");
    reference_others(false, out);
    buf_append_text(out, "\n## Refused\n\nIgnoring these would not be safe.\n");
    reference_others(true, out);
}

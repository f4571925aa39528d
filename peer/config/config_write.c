#include "config/config.h"

#include <string.h>

#include "config/config_int.h"
#include "util/assert.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/hex.h"
#include "util/mem.h"

/* ---- one value ---- */

static void config_write_addr(const struct multiaddr *addr, struct json_writer *w)
{
    struct buf text = { 0 };
    multiaddr_print(addr, &text);
    json_string_len(w, (const char *)text.data, text.len);
    if (text.err != OK)
        w->out->err = text.err;
    buf_deinit(&text);
}

/* Exactly one stands without brackets where it is a place to listen at, as V1 writes it. */
static void config_write_addrs(const struct option *o, const struct config_addrs *list,
                               struct json_writer *w)
{
    bool is_place = (o->flags & OPTION_NEEDS_PEER) == 0;
    if (is_place && list->count == 1) {
        config_write_addr(&list->at[0], w);
        return;
    }
    json_array_begin(w);
    for (size_t i = 0; i < list->count; i++)
        config_write_addr(&list->at[i], w);
    json_array_end(w);
}

static void config_write_peer_ids(const struct config_peer_ids *list, struct json_writer *w)
{
    json_array_begin(w);
    for (size_t i = 0; i < list->count; i++)
        json_string(w, peer_id_print(&list->at[i]).text);
    json_array_end(w);
}

static void config_write_names(const struct config_names *list, struct json_writer *w)
{
    json_array_begin(w);
    for (size_t i = 0; i < list->count; i++)
        json_string(w, list->at[i]);
    json_array_end(w);
}

static void config_write_tags(const struct config_tags *list, struct json_writer *w)
{
    json_object_begin(w);
    for (size_t i = 0; i < list->count; i++) {
        json_key(w, list->at[i].name);
        json_string(w, list->at[i].value);
    }
    json_object_end(w);
}

static void config_write_secret(const struct config_secret *secret, struct json_writer *w)
{
    char text[2 * CONFIG_SECRET_BYTES + 1] = "";
    if (secret->is_set)
        hex_encode(text, secret->bytes, sizeof(secret->bytes));
    json_string(w, text);
    mem_wipe(text, sizeof(text));
}

static void config_write_duration(uint64_t us, struct json_writer *w)
{
    char text[DURATION_TEXT_SIZE];
    duration_print(text, (int64_t)us);
    json_string(w, text);
}

const char *config_metric_name(enum config_metric metric)
{
    switch (metric) {
    case CONFIG_METRIC_REPOSIZE:
        return "reposize";
    case CONFIG_METRIC_FREESPACE:
        return "freespace";
    case CONFIG_METRIC_NUMPIN:
        return "numpin";
    }
    return "?";
}

void config_value_write(const struct option *option, const struct config *c, struct json_writer *w)
{
    if (option->offset == OPTION_NO_FIELD) {
        json_raw(w, option->preset, strlen(option->preset));
        return;
    }
    union config_field field =
        config_field_of(option, (struct config *)(uintptr_t)c); /* only read */
    switch (option->type) {
    case OPTION_BOOL:
        json_bool(w, *field.is);
        return;
    case OPTION_INT:
        json_i64(w, *field.number);
        return;
    case OPTION_DURATION:
        config_write_duration(*field.us, w);
        return;
    case OPTION_STRING:
        json_string(w, *field.text);
        return;
    case OPTION_SECRET:
        config_write_secret(field.secret, w);
        return;
    case OPTION_ADDR:
        config_write_addr(field.addr, w);
        return;
    case OPTION_ADDRS:
        config_write_addrs(option, field.addrs, w);
        return;
    case OPTION_PEER_IDS:
        config_write_peer_ids(field.peer_ids, w);
        return;
    case OPTION_METRIC:
        json_string(w, config_metric_name(*field.metric));
        return;
    case OPTION_NAMES:
        config_write_names(field.names, w);
        return;
    case OPTION_TAGS:
        config_write_tags(field.tags, w);
        return;
    case OPTION_USERS:
    case OPTION_HEADERS:
        config_write_pairs(option, field.pairs, w);
        return;
    case OPTION_STRINGS:
        config_write_names(field.names, w);
        return;
    case OPTION_NUMBER:
    case OPTION_OBJECT:
    case OPTION_TREE:
    case OPTION_ANY:
        break;
    }
    ASSERT(!"an option of that type has no field");
}

bool config_value_is_default(const struct option *option, const struct config *c)
{
    struct buf now = { 0 };
    struct json_writer w = json_writer_to(&now);
    config_value_write(option, c, &w);
    bool is_default =
        bytes_equal(buf_bytes(&now), (struct bytes){ option->preset, strlen(option->preset) });
    buf_wipe(&now);
    return is_default;
}

/* ---- the file that init makes ---- */

/* How many characters two names share, up to and with a dot: the sections that both are in. */
static size_t config_common_sections(const char *a, const char *b)
{
    size_t common = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        if (a[i] == '.')
            common = i + 1;
    }
    return common;
}

static size_t config_count_dots(const char *name)
{
    size_t dots = 0;
    for (; *name != '\0'; name++)
        dots += *name == '.';
    return dots;
}

/* Leaves the sections of `from` that `to` is not in, enters those of `to`; returns the last word of
 * `to`, its key. */
static const char *config_move_between(const char *from, const char *to, struct json_writer *w)
{
    size_t common = config_common_sections(from, to);
    for (size_t left = config_count_dots(from + common); left > 0; left--)
        json_object_end(w);
    const char *at = to + common;
    for (const char *dot; (dot = strchr(at, '.')) != NULL; at = dot + 1) {
        char word[64];
        memcpy(word, at, (size_t)(dot - at));
        word[dot - at] = '\0';
        json_key(w, word);
        json_object_begin(w);
    }
    return at;
}

void config_write(const struct config *c, struct buf *out)
{
    struct buf compact = { 0 };
    struct json_writer w = json_writer_to(&compact);
    const char *before = "";
    json_object_begin(&w);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        bool has_field = o->offset != OPTION_NO_FIELD;
        bool is_quiet = (o->flags & OPTION_QUIET) != 0;
        if (is_quiet && (!has_field || config_value_is_default(o, c)))
            continue;
        json_key(&w, config_move_between(before, o->name, &w));
        config_value_write(o, c, &w);
        before = o->name;
    }
    config_move_between(before, "", &w);
    json_object_end(&w);
    json_indent(out, (const char *)compact.data, compact.len, 2);
    if (compact.err != OK)
        out->err = compact.err;
    buf_wipe(&compact); /* the secret is in it */
}

/* ---- the same file with other peers ----
 *
 * All other text is copied as it stands, keys, numbers and escapes included, so that what we do not
 * know survives. */

/* A member to be set anew; where it does not stand yet it is added, or not. */
struct config_edit {
    const char *key;
    struct bytes value; /* JSON; {NULL, 0}: leave alone */
    bool add;
};

static void config_put_peers(const struct config_addrs *peers, struct buf *out)
{
    struct json_writer w = json_writer_to(out);
    json_array_begin(&w);
    for (size_t i = 0; i < peers->count; i++) {
        struct buf text = { 0 };
        multiaddr_print(&peers->at[i], &text);
        json_string(&w, buf_text(&text));
        if (text.err != OK)
            out->err = text.err;
        buf_deinit(&text);
    }
    json_array_end(&w);
}

/* A value or a key as it stands. */
static struct bytes config_token_text(const struct json_doc *doc, int token)
{
    const struct json_token *t = &doc->tokens[token];
    size_t quote = t->kind == JSON_STRING ? 1 : 0;
    return (struct bytes){ doc->text + t->start - quote, t->end - t->start + 2 * quote };
}

static void config_put_member(struct bytes key, struct bytes value, struct buf *out)
{
    if (out->data[out->len - 1] != '{')
        buf_append(out, ",", 1);
    buf_append(out, key.data, key.len);
    buf_append(out, ":", 1);
    buf_append(out, value.data, value.len);
}

static struct config_edit *config_edit_of(struct config_edit *edits, size_t count,
                                          const struct json_doc *doc, int key)
{
    for (size_t i = 0; i < count; i++) {
        if (edits[i].value.len > 0 && json_text_is(doc, key, edits[i].key))
            return &edits[i];
    }
    return NULL;
}

static void config_put_object(const struct json_doc *doc, int object, struct config_edit *edits,
                              size_t count, struct buf *out)
{
    buf_append(out, "{", 1);
    for (int at = json_first(doc, object); at != JSON_NONE && out->err == OK;
         at = json_next(doc, at)) {
        const struct config_edit *edit = config_edit_of(edits, count, doc, at);
        struct bytes value = config_token_text(doc, json_value_of(doc, at));
        config_put_member(config_token_text(doc, at), edit != NULL ? edit->value : value, out);
    }
    for (size_t i = 0; i < count && out->err == OK; i++) {
        bool is_there = json_member(doc, object, edits[i].key) != JSON_NONE;
        if (is_there || !edits[i].add)
            continue;
        char key[32];
        struct buf quoted = buf_over(key, sizeof(key));
        buf_append(&quoted, "\"", 1);
        buf_append_text(&quoted, edits[i].key);
        buf_append(&quoted, "\"", 1);
        config_put_member(buf_bytes(&quoted), edits[i].value, out);
    }
    buf_append(out, "}", 1);
}

/* Wherever the list stands it is replaced; where it stands nowhere it goes to the other options. */
static int config_put_with_peers(const struct json_doc *doc, const struct config_addrs *peers,
                                 struct buf *out)
{
    struct buf list = { 0 }, section = { 0 };
    int cluster = json_member(doc, 0, "cluster");
    bool has_section = json_kind(doc, cluster) == JSON_OBJECT;
    bool is_flat = json_member(doc, 0, "cluster_peers") != JSON_NONE || !has_section;
    struct buf whole = { 0 };
    config_put_peers(peers, &list);
    struct config_edit inner = { "cluster_peers", buf_bytes(&list), .add = !is_flat };
    if (has_section)
        config_put_object(doc, cluster, &inner, 1, &section);
    struct config_edit outer[2] = { { "cluster_peers", buf_bytes(&list), .add = is_flat },
                                    { "cluster", buf_bytes(&section), .add = false } };
    config_put_object(doc, 0, outer, 2, &whole);
    int err = list.err != OK ? list.err : section.err != OK ? section.err : whole.err;
    if (err == OK)
        json_indent(out, (const char *)whole.data, whole.len, has_section ? 2 : 4);
    buf_wipe(&whole); /* the secret is in these two */
    buf_wipe(&section);
    buf_deinit(&list);
    return err != OK ? err : out->err;
}

int config_rewrite_peers(const char *json, size_t len, const struct config_addrs *peers,
                         struct buf *out)
{
    struct json_doc doc;
    int err = json_parse(&doc, json, len);
    if (err == OK)
        err = json_kind(&doc, 0) == JSON_OBJECT ? config_put_with_peers(&doc, peers, out)
                                                : ERR_INVALID;
    json_doc_deinit(&doc);
    return err;
}

/* A value passes through three steps. What stood in the file or in the environment becomes a struct
 * config_value: a kind, a text, perhaps items. Its type then says what that may be, and stores it in
 * the field that the option's row names. Writing goes the other way. The defaults of the table pass
 * through the same steps, so they cannot be of a form that a file could not have. */
#include "config/config_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/hex.h"
#include "util/utf8.h"

/* ---- from JSON and from text ---- */

static int config_copy_string(struct bytes *out, struct arena *arena, const struct json_doc *doc,
                              int token)
{
    struct buf text = { 0 };
    int err = json_text(doc, token, &text);
    if (err == OK) {
        const char *copy = arena_copy(arena, buf_bytes(&text));
        *out = (struct bytes){ copy, text.len };
        err = copy != NULL ? OK : ERR_NOMEM;
    }
    buf_wipe(&text); /* it may be the secret */
    return err;
}

/* An array's strings. One that is no string makes an item that no type takes. */
static int config_copy_items(struct config_value *out, struct arena *arena,
                             const struct json_doc *doc, int array)
{
    size_t count = json_count(doc, array);
    struct bytes *items = count > 0 ? arena_array(arena, count, sizeof(*items)) : NULL;
    if (count > 0 && items == NULL)
        return ERR_NOMEM;
    int token = json_first(doc, array);
    for (size_t i = 0; i < count; i++, token = json_next(doc, token)) {
        int err = OK;
        if (json_kind(doc, token) == JSON_STRING)
            err = config_copy_string(&items[i], arena, doc, token);
        else
            items[i] = (struct bytes){ NULL, 0 };
        if (err != OK)
            return err;
    }
    out->items = items;
    out->items_count = count;
    return OK;
}

int config_value_from_json(struct config_value *out, struct arena *arena,
                           const struct json_doc *doc, int token)
{
    out->kind = json_kind(doc, token);
    switch (out->kind) {
    case JSON_STRING:
        return config_copy_string(&out->text, arena, doc, token);
    case JSON_ARRAY:
        return config_copy_items(out, arena, doc, token);
    case JSON_NOTHING:
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
    case JSON_OBJECT:
        out->text = (struct bytes){ doc->text + doc->tokens[token].start,
                                    doc->tokens[token].end - doc->tokens[token].start };
        return OK;
    }
    return ERR_INVALID;
}

/* "a, b": the pieces, without the blanks around them; none in an empty text. */
static int config_split(struct config_value *out, struct arena *arena, struct bytes text)
{
    const char *at = text.data, *end = at + text.len;
    size_t count = text.len > 0 ? 1 : 0;
    for (size_t i = 0; i < text.len; i++)
        count += at[i] == ',';
    struct bytes *items = count > 0 ? arena_array(arena, count, sizeof(*items)) : NULL;
    if (count > 0 && items == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        const char *last = stop;
        while (at < last && *at == ' ')
            at += 1;
        while (at < last && last[-1] == ' ')
            last -= 1;
        items[i] = (struct bytes){ at, (size_t)(last - at) };
        at = stop + 1;
    }
    out->items = items;
    out->items_count = count;
    return OK;
}

int config_value_from_text(struct config_value *out, struct arena *arena, const char *text)
{
    const char *copy = arena_strdup(arena, text);
    if (copy == NULL)
        return ERR_NOMEM;
    out->kind = JSON_NOTHING;
    out->text = (struct bytes){ copy, strlen(copy) };
    return config_split(out, arena, out->text);
}

/* ---- one type after the other ---- */

static bool config_text_is(struct bytes run, const char *text)
{
    return bytes_equal(run, (struct bytes){ text, strlen(text) });
}

static bool config_may_be(const struct config_value *v, enum json_kind kind)
{
    return v->kind == kind || v->kind == JSON_NOTHING;
}

/* In JSON true and false; as text also what Go's ParseBool takes. */
static int config_store_bool(const struct config_value *v, bool *field)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
    static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
    if (!config_may_be(v, JSON_TRUE) && !config_may_be(v, JSON_FALSE))
        return ERR_INVALID;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (config_text_is(v->text, yes[i]) || config_text_is(v->text, no[i])) {
            *field = config_text_is(v->text, yes[i]);
            return OK;
        }
    }
    return ERR_INVALID;
}

static int config_read_int(struct bytes text, int64_t *out)
{
    struct json_doc doc; /* JSON's numbers are the only ones that we take, in text too */
    int err = json_parse(&doc, text.data, text.len);
    if (err == OK)
        err = json_get_i64(&doc, 0, out);
    json_doc_deinit(&doc);
    return err;
}

static int config_store_int(const struct config_value *v, int64_t *field)
{
    int64_t value;
    if (!config_may_be(v, JSON_NUMBER))
        return ERR_INVALID;
    int err = config_read_int(v->text, &value);
    if (err != OK)
        return err;
    const struct option *o = v->option;
    if (o->min < o->max && (value < o->min || value > o->max))
        return ERR_INVALID;
    *field = value;
    return OK;
}

static int config_store_seconds(const struct config_value *v, uint64_t *field)
{
    int64_t seconds;
    if (v->kind != JSON_NUMBER)
        return ERR_INVALID;
    int err = config_read_int(v->text, &seconds);
    if (err != OK)
        return err;
    if (seconds < 0 || seconds > INT32_MAX)
        return ERR_INVALID;
    *field = (uint64_t)seconds * 1000 * 1000;
    return OK;
}

static int config_store_duration(const struct config_value *v, uint64_t *field)
{
    int64_t us;
    if (!config_may_be(v, JSON_STRING))
        return ERR_INVALID;
    if (duration_parse(&us, v->text) != OK || us < v->option->min || us < 0)
        return ERR_INVALID;
    *field = (uint64_t)us;
    return OK;
}

/* The file could not hold anything else; and a C string ends at a NUL. */
bool config_is_plain_text(struct bytes text)
{
    const char *at = text.data;
    for (size_t i = 0, taken; i < text.len; i += taken) {
        uint32_t code;
        taken = utf8_decode(&code, at + i, text.len - i);
        if (taken == 0 || code == 0)
            return false;
    }
    return true;
}

/* As it can stand in a request's first line. */
static bool config_is_url_path(struct bytes text)
{
    const char *at = text.data;
    for (size_t i = 0; i < text.len; i++) {
        if (at[i] <= ' ' || at[i] > '~')
            return false;
    }
    return text.len > 0 && at[0] == '/';
}

static int config_store_string(const struct config_value *v, const char **field)
{
    if (!config_may_be(v, JSON_STRING) || !config_is_plain_text(v->text))
        return ERR_INVALID;
    if ((v->option->flags & OPTION_URL_PATH) != 0 && !config_is_url_path(v->text))
        return ERR_INVALID;
    *field = v->text.data; /* the arena's, with a NUL behind it */
    return OK;
}

static int config_store_secret(const struct config_value *v, struct config_secret *field)
{
    struct config_secret secret = { .is_set = v->text.len > 0 };
    if (!config_may_be(v, JSON_STRING))
        return ERR_INVALID;
    if (secret.is_set && hex_decode_exact(secret.bytes, sizeof(secret.bytes), v->text) != OK)
        return ERR_INVALID;
    *field = secret;
    return OK;
}

static int config_store_metric(const struct config_value *v, enum config_metric *field)
{
    static const struct {
        const char *name;
        enum config_metric metric;
    } names[] = {
        { "reposize", CONFIG_METRIC_REPOSIZE }, { "disk", CONFIG_METRIC_REPOSIZE },
        { "", CONFIG_METRIC_REPOSIZE },         { "freespace", CONFIG_METRIC_FREESPACE },
        { "numpin", CONFIG_METRIC_NUMPIN },     { "pincount", CONFIG_METRIC_NUMPIN },
    };
    if (!config_may_be(v, JSON_STRING))
        return ERR_INVALID;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (config_text_is(v->text, names[i].name)) {
            *field = names[i].metric;
            return OK;
        }
    }
    return ERR_INVALID;
}

static bool config_addr_is_enough(const struct multiaddr *addr, unsigned flags)
{
    struct multiaddr_endpoint endpoint;
    struct multiaddr without = *addr;
    bool is_unix = (flags & OPTION_OR_UNIX) != 0 && multiaddr_is_unix(addr);
    if ((flags & OPTION_NEEDS_TCP) != 0 && !is_unix && multiaddr_endpoint(addr, &endpoint) != OK)
        return false;
    multiaddr_strip_peer(&without);
    return (flags & OPTION_NEEDS_PEER) == 0 || !multiaddr_equal(&without, addr);
}

static int config_store_addr(const struct config_value *v, struct multiaddr *field)
{
    struct multiaddr addr;
    if (!config_may_be(v, JSON_STRING))
        return ERR_INVALID;
    if (multiaddr_parse_len(&addr, v->text.data, v->text.len) != OK ||
        !config_addr_is_enough(&addr, v->option->flags) || multiaddr_has_tls(&addr))
        return ERR_INVALID; /* what is called by it is called over plain HTTP */
    *field = addr;
    return OK;
}

/* A list's items; a single string is a list of one. */
static bool config_items(const struct config_value *v, const struct bytes **items, size_t *count)
{
    bool is_single = v->kind == JSON_STRING;
    *items = is_single ? &v->text : v->items;
    *count = is_single ? 1 : v->items_count;
    return (is_single || v->kind == JSON_ARRAY || v->kind == JSON_NOTHING) &&
           *count <= CONFIG_LIST_MAX;
}

static int config_store_addrs(const struct config_value *v, struct config *c,
                              struct config_addrs *field, struct config_notes *notes)
{
    const struct bytes *items;
    size_t count;
    struct config_addrs list = { NULL, 0 };
    unsigned flags = v->option->flags;
    if (!config_items(v, &items, &count))
        return config_refuse_value(v, NULL, notes);
    if (count > 0 && (list.at = arena_array(&c->arena, count, sizeof(*list.at))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        struct multiaddr *addr = &list.at[list.count];
        if (items[i].data == NULL || multiaddr_parse_len(addr, items[i].data, items[i].len) != OK)
            return config_refuse_value(v, &items[i], notes);
        if (config_addr_is_enough(addr, flags))
            list.count += 1;
        else if ((flags & OPTION_SKIPS_OTHERS) != 0)
            config_warn(notes, "%s: %.*s is left out: only TCP is spoken here", v->name,
                        (int)items[i].len, (const char *)items[i].data);
        else
            return config_refuse_value(v, &items[i], notes);
    }
    bool must_have_one = (flags & OPTION_NEEDS_TCP) != 0 && (flags & OPTION_NEEDS_PEER) == 0;
    if (must_have_one && list.count == 0)
        return config_refuse_value(v, NULL, notes);
    *field = list;
    return OK;
}

static int config_store_peer_ids(const struct config_value *v, struct config *c,
                                 struct config_peer_ids *field, struct config_notes *notes)
{
    const struct bytes *items;
    size_t count;
    struct config_peer_ids list = { NULL, 0 };
    if (!config_items(v, &items, &count))
        return config_refuse_value(v, NULL, notes);
    if (count > 0 && (list.at = arena_array(&c->arena, count, sizeof(*list.at))) == NULL)
        return ERR_NOMEM;
    for (; list.count < count; list.count++) {
        const struct bytes *item = &items[list.count];
        if (item->data == NULL ||
            peer_id_parse_len(&list.at[list.count], item->data, item->len) != OK)
            return config_refuse_value(v, item, notes);
    }
    *field = list;
    return OK;
}

const char *config_copy_text(struct config *c, struct bytes text)
{
    char *copy = arena_alloc(&c->arena, text.len + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static bool config_is_metric(struct bytes name)
{
    static const char *const known[] = { "reposize", "freespace", "numpin", "pinqueue" };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (config_text_is(name, known[i]))
            return true;
    }
    return name.len > 4 && name.len <= LIMIT_METRIC_NAME_BYTES &&
           memcmp(name.data, "tag:", 4) == 0 && config_is_plain_text(name);
}

static int config_store_names(const struct config_value *v, struct config *c,
                              struct config_names *field, struct config_notes *notes)
{
    const struct bytes *items;
    size_t count;
    if (!config_items(v, &items, &count) || count == 0 || count > LIMIT_ALLOCATE_BY_COUNT)
        return config_refuse_value(v, NULL, notes);
    const char **names = arena_array(&c->arena, count, sizeof(*names));
    if (names == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (items[i].data == NULL || !config_is_metric(items[i]))
            return config_refuse_value(v, &items[i], notes);
        names[i] = config_copy_text(c, items[i]);
        if (names[i] == NULL)
            return ERR_NOMEM;
    }
    *field = (struct config_names){ names, count };
    return OK;
}

static int config_store_strings(const struct config_value *v, struct config *c,
                                struct config_names *field)
{
    const struct bytes *items;
    size_t count;
    if (!config_items(v, &items, &count))
        return ERR_INVALID;
    const char **texts = arena_array(&c->arena, count + 1, sizeof(*texts));
    bool are_fields = (v->option->flags & OPTION_FIELD_NAMES) != 0;
    if (texts == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (items[i].data == NULL || !config_is_plain_text(items[i]) ||
            (are_fields && !config_is_field_name(items[i])))
            return ERR_INVALID;
        texts[i] = config_copy_text(c, items[i]);
        if (texts[i] == NULL)
            return ERR_NOMEM;
    }
    *field = (struct config_names){ texts, count };
    return OK;
}

/* One tag more; ERR_INVALID: it is none. */
static int config_add_tag(struct config *c, struct config_tag *tags, size_t *count,
                          struct bytes name, struct bytes value)
{
    bool fits = name.len > 0 && name.len <= LIMIT_METRIC_NAME_BYTES - 4 &&
                value.len <= LIMIT_METRIC_VALUE_BYTES && *count < CONFIG_TAGS_MAX;
    if (!fits || !config_is_plain_text(name) || !config_is_plain_text(value))
        return ERR_INVALID;
    struct config_tag tag = { config_copy_text(c, name), config_copy_text(c, value) };
    if (tag.name == NULL || tag.value == NULL)
        return ERR_NOMEM;
    tags[(*count)++] = tag;
    return OK;
}

bool config_split_pair(struct bytes item, struct bytes *name, struct bytes *value)
{
    const char *colon = item.len > 0 ? memchr(item.data, ':', item.len) : NULL;
    if (colon == NULL)
        return false;
    size_t name_len = (size_t)(colon - (const char *)item.data);
    *name = (struct bytes){ item.data, name_len };
    *value = (struct bytes){ colon + 1, item.len - name_len - 1 };
    return true;
}

/* "group:default, rack:7" */
static int config_tags_from_text(const struct config_value *v, struct config *c,
                                 struct config_tag *tags, size_t *count)
{
    int err = OK;
    for (size_t i = 0; i < v->items_count && err == OK; i++) {
        struct bytes name, value;
        if (!config_split_pair(v->items[i], &name, &value))
            return ERR_INVALID;
        err = config_add_tag(c, tags, count, name, value);
    }
    return err;
}

static int config_tags_from_json(const struct config_value *v, struct config *c,
                                 struct config_tag *tags, size_t *count)
{
    struct json_doc doc;
    int err = json_parse(&doc, v->text.data, v->text.len);
    if (err != OK)
        return err;
    size_t members = json_count(&doc, 0);
    int token = json_first(&doc, 0);
    for (size_t i = 0; i < members && err == OK; i++, token = json_next(&doc, token)) {
        struct buf name = { 0 }, value = { 0 };
        err = json_text(&doc, token, &name);
        if (err == OK)
            err = json_text(&doc, json_value_of(&doc, token), &value);
        if (err == OK)
            err = config_add_tag(c, tags, count, buf_bytes(&name), buf_bytes(&value));
        buf_deinit(&name);
        buf_deinit(&value);
    }
    json_doc_deinit(&doc);
    return err;
}

static int config_store_tags(const struct config_value *v, struct config *c,
                             struct config_tags *field, struct config_notes *notes)
{
    size_t count = 0;
    struct config_tag *tags = arena_array(&c->arena, CONFIG_TAGS_MAX, sizeof(*tags));
    if (tags == NULL)
        return ERR_NOMEM;
    int err = ERR_INVALID;
    if (v->kind == JSON_OBJECT)
        err = config_tags_from_json(v, c, tags, &count);
    else if (v->kind == JSON_NOTHING)
        err = config_tags_from_text(v, c, tags, &count);
    if (err == ERR_NOMEM)
        return err;
    if (err != OK)
        return config_refuse_value(v, NULL, notes);
    *field = (struct config_tags){ tags, count };
    return OK;
}

/* ---- storing ---- */

/* The size that the field of a type must have: the table and the struct cannot drift apart. */
static size_t config_field_size(enum option_type type)
{
    switch (type) {
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_INT:
        return sizeof(int64_t);
    case OPTION_DURATION:
        return sizeof(uint64_t);
    case OPTION_STRING:
        return sizeof(const char *);
    case OPTION_SECRET:
        return sizeof(struct config_secret);
    case OPTION_ADDR:
        return sizeof(struct multiaddr);
    case OPTION_ADDRS:
        return sizeof(struct config_addrs);
    case OPTION_PEER_IDS:
        return sizeof(struct config_peer_ids);
    case OPTION_METRIC:
        return sizeof(enum config_metric);
    case OPTION_NAMES:
        return sizeof(struct config_names);
    case OPTION_TAGS:
        return sizeof(struct config_tags);
    case OPTION_USERS:
    case OPTION_HEADERS:
        return sizeof(struct config_pairs);
    case OPTION_STRINGS:
        return sizeof(struct config_names);
    case OPTION_NUMBER:
    case OPTION_OBJECT:
    case OPTION_TREE:
    case OPTION_ANY:
        break;
    }
    return 0;
}

union config_field config_field_of(const struct option *o, struct config *c)
{
    ASSERT(o->offset != OPTION_NO_FIELD);
    ASSERT(o->size == config_field_size(o->type));
    return (union config_field){ .any = (char *)c + o->offset };
}

static int config_store(const struct config_value *v, struct config *c, union config_field field,
                        struct config_notes *notes)
{
    switch (v->option->type) {
    case OPTION_BOOL:
        return config_store_bool(v, field.is);
    case OPTION_INT:
        return config_store_int(v, field.number);
    case OPTION_DURATION:
        return v->source == CONFIG_FROM_GUIDE ? config_store_seconds(v, field.us)
                                              : config_store_duration(v, field.us);
    case OPTION_STRING:
        return config_store_string(v, field.text);
    case OPTION_SECRET:
        return config_store_secret(v, field.secret);
    case OPTION_ADDR:
        return config_store_addr(v, field.addr);
    case OPTION_METRIC:
        return config_store_metric(v, field.metric);
    case OPTION_ADDRS: /* these two say themselves which item is wrong */
        return config_store_addrs(v, c, field.addrs, notes);
    case OPTION_PEER_IDS:
        return config_store_peer_ids(v, c, field.peer_ids, notes);
    case OPTION_NAMES:
        return config_store_names(v, c, field.names, notes);
    case OPTION_TAGS:
        return config_store_tags(v, c, field.tags, notes);
    case OPTION_USERS:
    case OPTION_HEADERS:
        return config_store_pairs(v, c, field.pairs);
    case OPTION_STRINGS:
        return config_store_strings(v, c, field.names);
    case OPTION_NUMBER:
        return config_may_be(v, JSON_NUMBER) ? OK : ERR_INVALID;
    case OPTION_OBJECT:
    case OPTION_TREE:
        return config_may_be(v, JSON_OBJECT) ? OK : ERR_INVALID;
    case OPTION_ANY:
        return OK;
    }
    return ERR_INVALID;
}

/* The guide means "the default" by 0 seconds or less, V1 by a replication factor of 0. */
static bool config_means_default(const struct config_value *v)
{
    bool is_seconds = v->source == CONFIG_FROM_GUIDE && v->option->type == OPTION_DURATION;
    bool is_zero_special = (v->option->flags & OPTION_ZERO_IS_DEFAULT) != 0;
    int64_t number;
    if ((!is_seconds && !is_zero_special) || !config_may_be(v, JSON_NUMBER) ||
        config_read_int(v->text, &number) != OK)
        return false;
    return is_seconds ? number <= 0 : number == 0;
}

int config_value_store(const struct config_value *v, struct config *c, struct config_notes *notes)
{
    union { /* where the value of an option without a field goes */
        uint64_t us;
        const char *text;
        struct multiaddr addr;
        struct config_addrs addrs;
        struct config_names names;
    } nowhere;
    const struct option *o = v->option;
    if (config_means_default(v)) {
        config_warn(notes, "%s: %.*s means the default", v->name, (int)v->text.len,
                    (const char *)v->text.data);
        return config_value_store_default(o, c);
    }
    union config_field field = { .any = &nowhere };
    if (o->offset != OPTION_NO_FIELD)
        field = config_field_of(o, c);
    int err = config_store(v, c, field, notes);
    bool has_said_it = o->type == OPTION_ADDRS || o->type == OPTION_PEER_IDS;
    return err == ERR_INVALID && !has_said_it ? config_refuse_value(v, NULL, notes) : err;
}

int config_value_store_default(const struct option *option, struct config *c)
{
    struct config_value v = { .option = option, .source = CONFIG_FROM_FILE, .name = option->name };
    struct json_doc doc;
    int err = json_parse(&doc, option->preset, strlen(option->preset));
    if (err == OK && json_kind(&doc, 0) != JSON_NULL)
        err = config_value_from_json(&v, &c->arena, &doc, 0);
    if (err == OK && json_kind(&doc, 0) != JSON_NULL)
        err = config_value_store(&v, c, NULL);
    json_doc_deinit(&doc);
    ASSERT(err == OK || err == ERR_NOMEM);
    return err;
}

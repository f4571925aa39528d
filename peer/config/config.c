#include "config/config.h"

#include <string.h>

#include "config/config_int.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

enum { NAME_MAX_BYTES = 256 };

int config_init(struct config *c)
{
    *c = (struct config){ .restapi.enabled = true, .ipfsproxy.enabled = true };
    ASSERT(option_count() <= CONFIG_OPTIONS_MAX);
    for (size_t i = 0; i < option_count(); i++) {
        int err = config_value_store_default(option_at(i), c);
        if (err != OK)
            return err;
    }
    return OK;
}

void config_deinit(struct config *c)
{
    arena_wipe(&c->arena);
    mem_wipe(c, sizeof(*c));
}

/* ---- reading a file ----
 *
 * First the whole document is walked, to see which options stand in it and under which names; then
 * they are stored in the order of the table. So an option that stands there twice, flat and in its
 * section, is seen whatever the order in the file. */

struct config_reading {
    struct config *config;
    struct config_notes *notes;
    const struct json_doc *doc;
    int in_section[CONFIG_OPTIONS_MAX]; /* the value's token, or JSON_NONE */
    int flat[CONFIG_OPTIONS_MAX];
    bool has_sections;
    bool has_flat;
};

/* What is odd: a warning, or when strict an error. */
static int config_unknown(struct config_notes *notes, const char *kind, struct bytes name,
                          struct bytes nearest)
{
    const char *ask = nearest.len > 0 ? "; did you mean " : "";
    const char *what = nearest.len > 0 ? nearest.data : "";
    int what_len = (int)nearest.len;
    const char *text = name.data;
    int len = name.len < NAME_MAX_BYTES ? (int)name.len : NAME_MAX_BYTES;
    if (notes->strict)
        return config_refuse(notes, "%.*s: unknown %s%s%.*s", len, text, kind, ask, what_len, what);
    config_warn(notes, "%.*s: unknown %s, ignored%s%.*s", len, text, kind, ask, what_len, what);
    return OK;
}

static int config_see_section(struct config_reading *r, int object, const struct buf *path);

/* One member of a section, or of the top: `path` is its whole name. */
static int config_see_member(struct config_reading *r, int value, const struct buf *path)
{
    struct bytes name = buf_bytes(path);
    const struct option *option = option_named(name);
    if (option != NULL) {
        r->in_section[option_index(option)] = value;
        return OK;
    }
    if (!option_is_section(name))
        return config_unknown(r->notes, "key", name, option_nearest(name));
    if (json_kind(r->doc, value) == JSON_NULL)
        return OK;
    if (json_kind(r->doc, value) != JSON_OBJECT)
        return config_refuse(r->notes, "%.*s: expected an object", (int)name.len,
                             (const char *)name.data);
    return config_see_section(r, value, path);
}

static void config_see_flat(struct config_reading *r, int value, struct bytes key)
{
    r->has_flat = true;
    for (size_t i = 0; i < option_count(); i++) {
        const char *guide = option_at(i)->guide;
        if (guide != NULL && bytes_equal(key, (struct bytes){ guide, strlen(guide) }))
            r->flat[i] = value;
    }
}

static int config_see_section(struct config_reading *r, int object, const struct buf *path)
{
    for (int key = json_first(r->doc, object); key != JSON_NONE; key = json_next(r->doc, key)) {
        struct buf name = { 0 };
        int value = json_value_of(r->doc, key);
        buf_append(&name, path->data, path->len);
        if (path->len > 0)
            buf_append(&name, ".", 1);
        int err = json_text(r->doc, key, &name);
        if (err == OK && path->len == 0 && option_is_guide_name(buf_bytes(&name))) {
            config_see_flat(r, value, buf_bytes(&name));
        } else if (err == OK) {
            r->has_sections |= path->len == 0 && option_is_section(buf_bytes(&name));
            err = config_see_member(r, value, &name);
        }
        buf_deinit(&name);
        if (err != OK)
            return err;
    }
    return OK;
}

static void config_note_idle(const char *name, struct config_notes *notes)
{
    buf_printf(&notes->idle, "%s%s", notes->idle.len > 0 ? ", " : "", name);
}

/* An option without a field asks for something: the person who wrote it should know. */
static int config_note_unmet(const struct option *o, const char *name, struct config_notes *notes)
{
    if ((o->flags & OPTION_REFUSED) != 0)
        return config_refuse(notes, "%s: %s", name, option_reason(o));
    config_note_idle(name, notes);
    return OK;
}

/* Does that JSON say the same as the default, whatever its white space? */
static bool config_is_preset(const struct option *o, const struct json_doc *doc, int token)
{
    struct buf preset = { 0 }, given = { 0 };
    const struct json_token *t = &doc->tokens[token];
    bool quoted = t->kind == JSON_STRING;
    json_indent(&preset, o->preset, strlen(o->preset), 0);
    json_indent(&given, doc->text + t->start - quoted, t->end - t->start + 2 * quoted, 0);
    bool is_preset = bytes_equal(buf_bytes(&preset), buf_bytes(&given));
    buf_deinit(&preset);
    buf_deinit(&given);
    return is_preset;
}

static int config_store_token(struct config_reading *r, const struct option *o, int token,
                              enum config_source source)
{
    struct config_value v = { .option = o, .source = source };
    bool is_guide = source == CONFIG_FROM_GUIDE;
    v.name = is_guide ? o->guide : o->name;
    if (json_kind(r->doc, token) == JSON_NULL)
        return OK; /* as good as absent */
    int err = config_value_from_json(&v, &r->config->arena, r->doc, token);
    if (err == OK)
        err = config_value_store(&v, r->config, r->notes);
    bool is_idle = o->offset == OPTION_NO_FIELD;
    if (err == OK && is_idle && config_is_preset(o, r->doc, token))
        return OK;
    if (err == OK && is_idle)
        err = config_note_unmet(o, v.name, r->notes);
    if (err == OK)
        r->config->origin[option_index(o)] =
            (uint8_t)(is_guide ? CONFIG_ORIGIN_GUIDE : CONFIG_ORIGIN_FILE);
    return err;
}

/* Flat first, then from its section; when both are there they must say the same. */
static int config_store_both(struct config_reading *r, const struct option *o)
{
    struct buf flat = { 0 }, in_section = { 0 };
    struct json_writer w = json_writer_to(&flat), again = json_writer_to(&in_section);
    size_t i = option_index(o);
    int err = config_store_token(r, o, r->flat[i], CONFIG_FROM_GUIDE);
    if (err == OK) {
        config_value_write(o, r->config, &w);
        err = config_store_token(r, o, r->in_section[i], CONFIG_FROM_FILE);
    }
    if (err == OK) {
        config_value_write(o, r->config, &again);
        err = flat.err != OK ? flat.err : in_section.err;
        if (err == OK && !bytes_equal(buf_bytes(&flat), buf_bytes(&in_section)))
            err = config_refuse(r->notes, "%s and %s mean the same and disagree: keep one of them",
                                o->guide, o->name);
    }
    buf_wipe(&flat);
    buf_wipe(&in_section);
    return err;
}

static int config_store_all(struct config_reading *r)
{
    int err = OK;
    for (size_t i = 0; i < option_count() && err == OK; i++) {
        const struct option *o = option_at(i);
        if (r->flat[i] != JSON_NONE && r->in_section[i] != JSON_NONE)
            err = config_store_both(r, o);
        else if (r->flat[i] != JSON_NONE)
            err = config_store_token(r, o, r->flat[i], CONFIG_FROM_GUIDE);
        else if (r->in_section[i] != JSON_NONE)
            err = config_store_token(r, o, r->in_section[i], CONFIG_FROM_FILE);
    }
    return err;
}

/* In a file of sections, a server whose section is missing is not wanted. */
static int config_note_sections(struct config_reading *r)
{
    struct config *c = r->config;
    int api = json_member(r->doc, 0, "api");
    if (c->source[0] != '\0') { /* whatever else it says, the other one counts */
        if (json_count(r->doc, 0) > 1)
            config_warn(r->notes, "source: everything else in this file is ignored");
        return OK;
    }
    c->layout = r->has_flat && !r->has_sections ? CONFIG_LAYOUT_FLAT : CONFIG_LAYOUT_SECTIONS;
    if (r->has_sections && !r->has_flat) {
        c->restapi.enabled = json_kind(r->doc, json_member(r->doc, api, "restapi")) == JSON_OBJECT;
        c->ipfsproxy.enabled =
            json_kind(r->doc, json_member(r->doc, api, "ipfsproxy")) == JSON_OBJECT;
    }
    if (!c->restapi.enabled)
        config_warn(r->notes, "there is no section api.restapi: the REST API is off");
    if (!c->ipfsproxy.enabled)
        config_warn(r->notes, "there is no section api.ipfsproxy: the IPFS proxy is off");
    return OK;
}

static int config_refuse_syntax(const struct json_doc *doc, const char *json,
                                struct config_notes *notes)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < doc->error_at; i++) {
        column = json[i] == '\n' ? 1 : column + 1;
        line += json[i] == '\n';
    }
    return config_refuse(notes, "line %zu, column %zu: this is no valid JSON", line, column);
}

int config_read(struct config *c, const char *json, size_t len, struct config_notes *notes)
{
    struct json_doc doc;
    struct config_reading r = { .config = c, .notes = notes, .doc = &doc };
    for (size_t i = 0; i < CONFIG_OPTIONS_MAX; i++) {
        r.in_section[i] = JSON_NONE;
        r.flat[i] = JSON_NONE;
    }
    int err = json_parse(&doc, json, len);
    if (err == ERR_INVALID)
        config_refuse_syntax(&doc, json, notes);
    else if (err == ERR_TOO_BIG)
        err = config_refuse(notes, "this is far too big for a configuration");
    else if (err == OK && json_kind(&doc, 0) != JSON_OBJECT)
        err = config_refuse(notes, "expected a JSON object");
    if (err == OK)
        err = config_see_section(&r, 0, &(struct buf){ 0 });
    if (err == OK)
        err = config_store_all(&r);
    if (err == OK)
        err = config_note_sections(&r);
    json_doc_deinit(&doc);
    return err;
}

/* ---- environment and flags ---- */

static int config_store_text(struct config *c, const struct option *o, enum config_origin origin,
                             const char *name, const char *text, struct config_notes *notes)
{
    struct config_value v = { .option = o, .source = CONFIG_FROM_TEXT, .name = name };
    int err = config_value_from_text(&v, &c->arena, text);
    if (err == OK)
        err = config_value_store(&v, c, notes);
    /* A variable of somebody else's section (CLUSTER_CRDT_TRUSTEDPEERS) does not bring the section itself. */
    if (err == OK && o->type == OPTION_TREE)
        config_note_idle(name, notes);
    bool is_preset = o->type == OPTION_TREE || text[0] == '\0' || strcmp(text, o->preset) == 0;
    if (err == OK && o->offset == OPTION_NO_FIELD && !is_preset)
        err = config_note_unmet(o, name, notes);
    if (err == OK)
        c->origin[option_index(o)] = (uint8_t)origin;
    return err;
}

static int config_read_variable(struct config *c, const char *variable, struct config_notes *notes)
{
    static const char prefix[] = "CLUSTER_";
    const char *sign = strchr(variable, '=');
    if (sign == NULL || strncmp(variable, prefix, sizeof(prefix) - 1) != 0)
        return OK;
    struct bytes name = { variable, (size_t)(sign - variable) };
    if (bytes_equal(name, (struct bytes){ "CLUSTER_CREDENTIALS", 19 }))
        return OK; /* ipfs-cluster-ctl's */
    const struct option *o = option_of_variable(name);
    if (o == NULL) {
        struct buf nearest = { 0 };
        option_print_nearest_variable(name, &nearest);
        int err = config_unknown(notes, "variable", name, buf_bytes(&nearest));
        buf_deinit(&nearest);
        return err;
    }
    const char *copy = arena_copy(&c->arena, name);
    if (copy == NULL)
        return ERR_NOMEM;
    return config_store_text(c, o, CONFIG_ORIGIN_ENVIRONMENT, copy, sign + 1, notes);
}

int config_read_environment(struct config *c, const char *const *environment,
                            struct config_notes *notes)
{
    int err = OK;
    for (; *environment != NULL && err == OK; environment++)
        err = config_read_variable(c, *environment, notes);
    return err;
}

int config_set(struct config *c, const char *name, const char *text, struct config_notes *notes)
{
    const struct option *o = option_named((struct bytes){ name, strlen(name) });
    ASSERT(o != NULL);
    return config_store_text(c, o, CONFIG_ORIGIN_FLAG, name, text, notes);
}

/* ---- the peerstore ---- */

static void config_take_line(struct config_addrs *list, struct bytes line,
                             struct config_notes *notes)
{
    struct multiaddr *addr = &list->at[list->count];
    struct multiaddr_endpoint endpoint;
    struct peer_id peer;
    if (line.len == 0 || ((const char *)line.data)[0] != '/')
        return;
    if (multiaddr_parse_len(addr, line.data, line.len) == OK &&
        multiaddr_endpoint(addr, &endpoint) == OK && multiaddr_peer(addr, &peer) == OK)
        list->count += 1;
    else
        config_warn(notes, "peerstore: %.*s is left out: it is no TCP address of a peer",
                    (int)(line.len < NAME_MAX_BYTES ? line.len : NAME_MAX_BYTES),
                    (const char *)line.data);
}

int config_read_peerstore(struct config *c, const char *text, size_t len,
                          struct config_notes *notes)
{
    struct config_addrs list = { NULL, 0 };
    const struct config_addrs *known = &c->cluster.peer_addresses;
    const char *end = text + len;
    list.at = arena_array(&c->arena, CONFIG_LIST_MAX, sizeof(*list.at));
    if (list.at == NULL)
        return ERR_NOMEM;
    for (; list.count < known->count; list.count++)
        list.at[list.count] = known->at[list.count];
    while (text < end && list.count < CONFIG_LIST_MAX) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        size_t line_len = (size_t)(stop - text);
        if (line_len > 0 && text[line_len - 1] == '\r')
            line_len -= 1;
        config_take_line(&list, (struct bytes){ text, line_len }, notes);
        text = stop + 1;
    }
    c->cluster.peer_addresses = list;
    return OK;
}

/* ---- all together ---- */

int config_check(const struct config *c, struct config_notes *notes)
{
    int64_t min = c->cluster.replication_factor_min, max = c->cluster.replication_factor_max;
    if ((min == -1) != (max == -1))
        return config_refuse(notes,
                             "cluster.replication_factor_min and "
                             "cluster.replication_factor_max: -1 (every peer) stands in "
                             "both or in none, found %lld and %lld",
                             (long long)min, (long long)max);
    if (min > max)
        return config_refuse(notes,
                             "cluster.replication_factor_min is larger than "
                             "cluster.replication_factor_max: %lld and %lld",
                             (long long)min, (long long)max);
    if (c->raft.election_timeout_us < c->raft.heartbeat_timeout_us)
        return config_refuse(notes, "consensus.raft.election_timeout is shorter than "
                                    "consensus.raft.heartbeat_timeout");
    if ((c->restapi.ssl_cert_file[0] != '\0') != (c->restapi.ssl_key_file[0] != '\0'))
        return config_refuse(notes, "api.restapi.ssl_cert_file and api.restapi.ssl_key_file: one "
                                    "is of no use without the other");
    static const char behind[] = "api.ipfsproxy.node_multiaddress";
    size_t proxy = option_index(option_named((struct bytes){ behind, sizeof(behind) - 1 }));
    if (c->origin[proxy] != CONFIG_ORIGIN_DEFAULT &&
        !multiaddr_equal(&c->ipfsproxy.node_multiaddress, &c->ipfshttp.node_multiaddress))
        config_warn(notes,
                    "%s differs from ipfs_connector.ipfshttp.node_multiaddress, which counts: "
                    "the proxy, too, speaks to this peer's own daemon",
                    behind);
    if (!c->cluster.secret.is_set)
        config_warn(notes, "cluster.secret is empty: connections are encrypted, but anybody who "
                           "reaches the cluster port can ask to join");
    return OK;
}

uint64_t config_ping_ttl_us(const struct config *c)
{
    return 2 * c->cluster.monitor_ping_interval_us;
}

uint64_t config_repin_after_us(const struct config *c)
{
    return c->cluster.repin_after_us > 0 ? c->cluster.repin_after_us : 2 * config_ping_ttl_us(c);
}

size_t config_allocate_by(const struct config *c, const char **names, size_t max)
{
    static const char path[] = "allocator.balanced.allocate_by";
    const struct option *option = option_named((struct bytes){ path, sizeof(path) - 1 });
    const struct config_names *list = &c->allocator.allocate_by;
    bool is_default = config_value_is_default(option, c);
    size_t count = 0;
    for (; count < list->count && count < max; count++)
        names[count] = list->at[count];
    if (is_default && count > 0)
        names[count - 1] = config_metric_name(c->informer.metric_type);
    return count;
}

/* Objects of names and texts: who may use the API, and header fields of its answers. */
#include "config/config_int.h"

#include <string.h>
#include <strings.h>

#include "util/err.h"

enum { PAIRS_MAX = 1024, HEADER_BYTES_MAX = 4096 };

/* ---- one pair ---- */

/* RFC 9110 5.6.2 */
static bool pair_is_token(struct bytes text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    const char *at = text.data;
    for (size_t i = 0; i < text.len; i++) {
        bool is_word = (at[i] >= 'a' && at[i] <= 'z') || (at[i] >= 'A' && at[i] <= 'Z') ||
                       (at[i] >= '0' && at[i] <= '9');
        if (!is_word && (at[i] == '\0' || strchr(marks, at[i]) == NULL))
            return false;
    }
    return text.len > 0;
}

/* Fields that frame the answer cannot be anybody's wish. */
static bool pair_is_framing(struct bytes name)
{
    static const char *const ours[] = { "Content-Length", "Transfer-Encoding", "Connection", "Date",
                                        "Trailer" };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (name.len == strlen(ours[i]) && strncasecmp(name.data, ours[i], name.len) == 0)
            return true;
    }
    return false;
}

bool config_is_field_name(struct bytes text)
{
    return pair_is_token(text) && !pair_is_framing(text);
}

static bool pair_is_header(struct bytes name, struct bytes value)
{
    const uint8_t *at = value.data;
    if (!config_is_field_name(name) || value.len > HEADER_BYTES_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if ((at[i] < ' ' && at[i] != '\t') || at[i] == 0x7f)
            return false;
    }
    return true;
}

/* An empty password would let everybody in who can sign a token with nothing. */
static bool pair_is_user(struct bytes name, struct bytes password)
{
    return name.len > 0 && password.len > 0 && config_is_plain_text(name) &&
           config_is_plain_text(password);
}

static int pair_add(struct config *c, const struct option *o, struct config_pair *pairs,
                    size_t *count, struct bytes name, struct bytes value)
{
    bool is_good =
        o->type == OPTION_USERS ? pair_is_user(name, value) : pair_is_header(name, value);
    if (!is_good || *count == PAIRS_MAX)
        return ERR_INVALID;
    struct config_pair pair = { config_copy_text(c, name), config_copy_text(c, value) };
    if (pair.name == NULL || pair.value == NULL)
        return ERR_NOMEM;
    pairs[(*count)++] = pair;
    return OK;
}

/* ---- all of them ---- */

/* "user:password, other:secret"; a password may hold colons. */
static int pairs_from_text(const struct config_value *v, struct config *c,
                           struct config_pair *pairs, size_t *count)
{
    int err = OK;
    for (size_t i = 0; i < v->items_count && err == OK; i++) {
        struct bytes name, value;
        if (!config_split_pair(v->items[i], &name, &value))
            return ERR_INVALID;
        err = pair_add(c, v->option, pairs, count, name, value);
    }
    return err;
}

/* One member's values: a text, or (of header fields) a list of them. */
static int pairs_from_member(const struct config_value *v, struct config *c,
                             const struct json_doc *doc, int key, struct config_pair *pairs,
                             size_t *count)
{
    struct buf name = { 0 }, value = { 0 };
    int token = json_value_of(doc, key);
    bool is_list = json_kind(doc, token) == JSON_ARRAY && v->option->type == OPTION_HEADERS;
    int item = is_list ? json_first(doc, token) : token;
    int err = json_text(doc, key, &name);
    while (err == OK && item != JSON_NONE) {
        buf_clear(&value);
        err = json_text(doc, item, &value);
        if (err == OK)
            err = pair_add(c, v->option, pairs, count, buf_bytes(&name), buf_bytes(&value));
        item = is_list ? json_next(doc, item) : JSON_NONE;
    }
    buf_deinit(&name);
    buf_wipe(&value); /* it may be a password */
    return err;
}

static int pairs_from_json(const struct config_value *v, struct config *c,
                           struct config_pair *pairs, size_t *count)
{
    struct json_doc doc;
    int err = json_parse(&doc, v->text.data, v->text.len);
    if (err != OK)
        return err;
    for (int key = json_first(&doc, 0); key != JSON_NONE && err == OK; key = json_next(&doc, key))
        err = pairs_from_member(v, c, &doc, key, pairs, count);
    json_doc_deinit(&doc);
    return err;
}

int config_store_pairs(const struct config_value *v, struct config *c, struct config_pairs *field)
{
    size_t count = 0;
    struct config_pair *pairs = arena_array(&c->arena, PAIRS_MAX, sizeof(*pairs));
    if (pairs == NULL)
        return ERR_NOMEM;
    int err = ERR_INVALID;
    if (v->kind == JSON_OBJECT)
        err = pairs_from_json(v, c, pairs, &count);
    else if (v->kind == JSON_NOTHING)
        err = pairs_from_text(v, c, pairs, &count);
    if (err == OK && v->option->type == OPTION_USERS && count == 0)
        err = ERR_INVALID; /* nobody could come in: what is meant by that? */
    if (err == OK)
        *field = (struct config_pairs){ pairs, count };
    return err;
}

/* ---- writing ---- */

void config_write_pairs(const struct option *o, const struct config_pairs *list,
                        struct json_writer *w)
{
    if (o->type == OPTION_USERS && list->count == 0) {
        json_null(w);
        return;
    }
    json_object_begin(w);
    for (size_t i = 0; i < list->count;) {
        const char *name = list->at[i].name;
        json_key(w, name);
        if (o->type == OPTION_USERS) {
            json_string(w, list->at[i++].value);
            continue;
        }
        json_array_begin(w); /* values of one name stand together */
        for (; i < list->count && strcmp(list->at[i].name, name) == 0; i++)
            json_string(w, list->at[i].value);
        json_array_end(w);
    }
    json_object_end(w);
}

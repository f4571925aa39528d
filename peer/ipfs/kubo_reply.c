/* Kubo shows errors in three places: a status with a document, a trailer behind rows that looked
 * good, and fields inside rows. All three end in one code and one line of text. The code follows
 * from the words alone, as Kubo's own `Code` is always 0. */
#include "ipfs/kubo_reply.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/json.h"

/* ---- words ---- */

static bool text_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool text_begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* "pin is not part of the pinset" is what ipfs-cluster's proxy says where Kubo says "not pinned". */
static int kubo_code_of_pin_words(enum kubo_command command, const char *text)
{
    bool not_in_set = strcmp(text, "pin is not part of the pinset") == 0;
    switch (command) {
    case KUBO_PIN_LS:
    case KUBO_PIN_LS_ONE:
        return text_ends_with(text, "not pinned") ? ERR_NOT_FOUND : OK;
    case KUBO_PIN_RM:
        if (text_ends_with(text, " is pinned recursively"))
            return ERR_EXISTS;
        return not_in_set || strcmp(text, "not pinned or pinned indirectly") == 0 ? ERR_NOT_FOUND
                                                                                  : OK;
    case KUBO_PIN_ADD:
        return text_ends_with(text, " already pinned recursively") ? ERR_EXISTS : OK;
    case KUBO_PIN_UPDATE:
        if (not_in_set || strcmp(text, "'from' cid was not recursively pinned already") == 0)
            return ERR_NOT_FOUND;
        return strcmp(text, "'to' cid was already recursively pinned") == 0 ? ERR_EXISTS : OK;
    case KUBO_ID:
    case KUBO_VERSION:
    case KUBO_CONFIG_SHOW:
    case KUBO_SWARM_PEERS:
    case KUBO_SWARM_CONNECT:
    case KUBO_REPO_STAT:
    case KUBO_REPO_GC:
    case KUBO_RESOLVE:
    case KUBO_ADD:
    case KUBO_DAG_IMPORT:
    case KUBO_DAG_STAT:
    case KUBO_BLOCK_PUT:
    case KUBO_DAG_PUT:
    case KUBO_BLOCK_GET:
        return OK;
    }
    return OK;
}

static int kubo_code_of_words(enum kubo_command command, const char *text)
{
    int code = kubo_code_of_pin_words(command, text);
    if (code != OK)
        return code;
    if (text_ends_with(text, "context deadline exceeded"))
        return ERR_TIMEOUT;
    if (text_ends_with(text, "context canceled"))
        return ERR_CLOSED; /* how a daemon that stops ends what was running */
    if (text_begins_with(text, "invalid path ") || text_begins_with(text, "pin name is "))
        return ERR_INVALID;
    return ERR_REFUSED;
}

static int kubo_code_of_status(enum kubo_command command, int status, const char *text)
{
    switch (status) {
    case 400:
        return ERR_INVALID;
    case 401:
    case 403:
        return ERR_AUTH;
    case 404:
    case 405:
    case 501:
        return ERR_UNSUPPORTED;
    case 408:
    case 504:
        return ERR_TIMEOUT;
    case 429:
    case 502:
    case 503:
        return ERR_BUSY;
    default:
        return kubo_code_of_words(command, text);
    }
}

/* Keeps what fits of the words, as one line. The cut never falls into a UTF-8 sequence. */
static void kubo_reply_say(struct kubo_reply *r, const char *text, size_t len)
{
    if (len >= KUBO_TEXT_SIZE) {
        len = KUBO_TEXT_SIZE - 1;
        while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
            len -= 1;
    }
    for (size_t i = 0; i < len; i++)
        r->text[i] = (uint8_t)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    while (len > 0 && r->text[len - 1] == ' ')
        len -= 1;
    r->text[len] = 0;
}

/* The first failure is the one that is told. */
static void kubo_reply_fail(struct kubo_reply *r, int err, const char *text)
{
    if (r->err != OK)
        return;
    r->err = err;
    if (text != NULL)
        kubo_reply_say(r, text, strlen(text));
}

static void kubo_reply_fail_corrupt(struct kubo_reply *r)
{
    kubo_reply_fail(r, ERR_CORRUPT, "the IPFS daemon's answer cannot be understood");
}

/* ---- reading fields ---- */

/* The text of a value, empty for anything but a string. It stands in the scratch buffer while the row
 * is told: no row has two. */
static struct bytes kubo_take_text(struct kubo_reply *r, const struct json_doc *doc, int value)
{
    buf_clear(&r->scratch);
    if (json_kind(doc, value) == JSON_STRING && json_text(doc, value, &r->scratch) != OK)
        kubo_reply_fail_corrupt(r);
    return buf_bytes(&r->scratch);
}

static int kubo_take_cid(const struct json_doc *doc, int value, struct cid *out)
{
    char text[CID_TEXT_SIZE];
    int err = json_text_into(doc, value, text, sizeof text);
    return err == OK ? cid_parse(out, text) : err;
}

/* {"/": "bafk..."} */
static int kubo_take_link(const struct json_doc *doc, int value, struct cid *out)
{
    return kubo_take_cid(doc, json_member(doc, value, "/"), out);
}

/* A number, or the same as text (Size of /add), or nothing, which Kubo means as 0. */
static int kubo_take_count(const struct json_doc *doc, int value, uint64_t *out)
{
    char text[24];
    uint64_t number = 0;
    switch (json_kind(doc, value)) {
    case JSON_NOTHING:
        *out = 0;
        return OK;
    case JSON_NUMBER:
        return json_get_u64(doc, value, out);
    case JSON_STRING:
        if (json_text_into(doc, value, text, sizeof text) != OK || text[0] == 0)
            return ERR_INVALID;
        for (const char *at = text; *at != 0; at++) {
            uint64_t digit = (uint64_t)(*at - '0');
            if (*at < '0' || *at > '9' || number > (UINT64_MAX - digit) / 10)
                return ERR_INVALID;
            number = number * 10 + digit;
        }
        *out = number;
        return OK;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_ARRAY:
    case JSON_OBJECT:
        return ERR_INVALID;
    }
    return ERR_INVALID;
}

static bool kubo_take_pin_type(const struct json_doc *doc, int value, enum kubo_pin_type *out)
{
    char text[CID_TEXT_SIZE + 32];
    if (json_text_into(doc, value, text, sizeof text) != OK)
        return false;
    if (text_begins_with(text, "indirect through "))
        text[strlen("indirect")] = 0;
    for (int type = KUBO_PIN_RECURSIVE; type < KUBO_PIN_ALL; type++) {
        if (strcmp(text, kubo_pin_type_name((enum kubo_pin_type)type)) == 0) {
            *out = (enum kubo_pin_type)type;
            return true;
        }
    }
    return false;
}

/* ---- objects to rows: OK, or what is wrong with the object ---- */

static void kubo_tell(struct kubo_reply *r, const struct kubo_row *row)
{
    if (r->on_row != NULL && r->err == OK)
        r->on_row(r->owner, row);
}

static int kubo_read_id(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_ID };
    char id[PEER_ID_TEXT_SIZE * 2];
    if (json_text_into(doc, json_member(doc, 0, "ID"), id, sizeof id) != OK ||
        peer_id_parse(&row.id.peer, id) != OK)
        return ERR_CORRUPT;
    int addrs = json_member(doc, 0, "Addresses"); /* null when the daemon is offline */
    for (int at = json_first(doc, addrs); at != JSON_NONE; at = json_next(doc, at)) {
        char text[512];
        if (row.id.addrs_count < LIMIT_PEER_ADDRESSES_COUNT &&
            json_text_into(doc, at, text, sizeof text) == OK &&
            multiaddr_parse(&row.id.addrs[row.id.addrs_count], text) == OK)
            row.id.addrs_count += 1;
    }
    row.id.agent = kubo_take_text(r, doc, json_member(doc, 0, "AgentVersion"));
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_text(struct kubo_reply *r, const struct json_doc *doc, const char *key)
{
    int value = json_member(doc, 0, key);
    if (json_kind(doc, value) != JSON_STRING)
        return ERR_CORRUPT;
    struct kubo_row row = { .kind = KUBO_ROW_TEXT, .text = kubo_take_text(r, doc, value) };
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_peers(struct kubo_reply *r, const struct json_doc *doc)
{
    int peers = json_member(doc, 0, "Peers"); /* null when there are none */
    if (json_kind(doc, peers) != JSON_ARRAY && json_kind(doc, peers) != JSON_NULL)
        return ERR_CORRUPT;
    for (int at = json_first(doc, peers); at != JSON_NONE; at = json_next(doc, at)) {
        struct kubo_row row = { .kind = KUBO_ROW_PEER };
        char id[PEER_ID_TEXT_SIZE * 2];
        if (json_text_into(doc, json_member(doc, at, "Peer"), id, sizeof id) == OK &&
            peer_id_parse(&row.peer, id) == OK)
            kubo_tell(r, &row); /* keys of other kinds than ours are no reason to stop */
    }
    return OK;
}

static int kubo_read_connected(const struct json_doc *doc)
{
    int first = json_first(doc, json_member(doc, 0, "Strings"));
    return json_kind(doc, first) == JSON_STRING ? OK : ERR_CORRUPT;
}

static int kubo_read_repo(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_REPO };
    if (json_get_u64(doc, json_member(doc, 0, "RepoSize"), &row.repo.size) != OK ||
        json_get_u64(doc, json_member(doc, 0, "StorageMax"), &row.repo.storage_max) != OK)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_collected(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_COLLECTED };
    row.collected.error = kubo_take_text(r, doc, json_member(doc, 0, "Error"));
    if (row.collected.error.len == 0 &&
        kubo_take_link(doc, json_member(doc, 0, "Key"), &row.collected.cid) != OK)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_pin(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_PIN };
    if (kubo_take_cid(doc, json_member(doc, 0, "Cid"), &row.pin.cid) != OK ||
        !kubo_take_pin_type(doc, json_member(doc, 0, "Type"), &row.pin.type))
        return ERR_CORRUPT;
    row.pin.name = kubo_take_text(r, doc, json_member(doc, 0, "Name"));
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_pinned(struct kubo_reply *r, const struct json_doc *doc)
{
    int pins = json_member(doc, 0, "Pins");
    struct kubo_row row = { .kind = KUBO_ROW_PINNED };
    if (json_first(doc, pins) == JSON_NONE)
        return ERR_CORRUPT;
    for (int at = json_first(doc, pins); at != JSON_NONE; at = json_next(doc, at)) {
        if (kubo_take_cid(doc, at, &row.pinned) != OK)
            return ERR_CORRUPT;
        kubo_tell(r, &row);
    }
    return OK;
}

/* {} is a progress line too: nothing has arrived yet. */
static int kubo_read_pin_add(struct kubo_reply *r, const struct json_doc *doc)
{
    if (json_member(doc, 0, "Pins") != JSON_NONE) {
        int err = kubo_read_pinned(r, doc);
        r->promise_is_kept = err == OK;
        return err;
    }
    struct kubo_row row = { .kind = KUBO_ROW_PROGRESS };
    if (kubo_take_count(doc, json_member(doc, 0, "Progress"), &row.progress.nodes) != OK ||
        kubo_take_count(doc, json_member(doc, 0, "Bytes"), &row.progress.bytes) != OK)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_added(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_ADDED };
    int hash = json_member(doc, 0, "Hash");
    bool has_hash = json_kind(doc, hash) == JSON_STRING && !json_text_is(doc, hash, "");
    if ((has_hash && kubo_take_cid(doc, hash, &row.added.cid) != OK) ||
        kubo_take_count(doc, json_member(doc, 0, "Bytes"), &row.added.bytes) != OK ||
        kubo_take_count(doc, json_member(doc, 0, "Size"), &row.added.size) != OK)
        return ERR_CORRUPT;
    row.added.name = kubo_take_text(r, doc, json_member(doc, 0, "Name"));
    r->promise_is_kept |= has_hash;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_imported(struct kubo_reply *r, const struct json_doc *doc, int stats)
{
    struct kubo_row row = { .kind = KUBO_ROW_TREE };
    if (kubo_take_count(doc, json_member(doc, stats, "BlockCount"), &row.tree.blocks) != OK ||
        kubo_take_count(doc, json_member(doc, stats, "BlockBytesCount"), &row.tree.bytes) != OK)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_tree(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_TREE };
    if (json_get_u64(doc, json_member(doc, 0, "TotalSize"), &row.tree.bytes) != OK ||
        kubo_take_count(doc, json_member(doc, 0, "UniqueBlocks"), &row.tree.blocks) != OK)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_root(struct kubo_reply *r, const struct json_doc *doc)
{
    int stats = json_member(doc, 0, "Stats");
    if (stats != JSON_NONE)
        return kubo_read_imported(r, doc, stats);
    int root = json_member(doc, 0, "Root");
    struct kubo_row row = { .kind = KUBO_ROW_ROOT };
    if (root == JSON_NONE)
        return ERR_CORRUPT;
    if (kubo_take_link(doc, json_member(doc, root, "Cid"), &row.root.cid) != OK)
        return ERR_CORRUPT;
    row.root.error = kubo_take_text(r, doc, json_member(doc, root, "PinErrorMsg"));
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_block(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_BLOCK };
    if (kubo_take_cid(doc, json_member(doc, 0, "Key"), &row.block.cid) != OK ||
        json_get_u64(doc, json_member(doc, 0, "Size"), &row.block.size) != OK)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_node(struct kubo_reply *r, const struct json_doc *doc)
{
    struct kubo_row row = { .kind = KUBO_ROW_BLOCK };
    if (kubo_take_link(doc, json_member(doc, 0, "Cid"), &row.block.cid) != OK)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_config(struct kubo_reply *r, const struct json_doc *doc, struct bytes line)
{
    struct kubo_row row = { .kind = KUBO_ROW_TEXT, .text = line };
    if (json_kind(doc, 0) != JSON_OBJECT)
        return ERR_CORRUPT;
    kubo_tell(r, &row);
    return OK;
}

static int kubo_read_object(struct kubo_reply *r, const struct json_doc *doc, struct bytes line)
{
    switch (r->command) {
    case KUBO_ID:
        return kubo_read_id(r, doc);
    case KUBO_VERSION:
        return kubo_read_text(r, doc, "Version");
    case KUBO_CONFIG_SHOW:
        return kubo_read_config(r, doc, line);
    case KUBO_SWARM_PEERS:
        return kubo_read_peers(r, doc);
    case KUBO_SWARM_CONNECT:
        return kubo_read_connected(doc);
    case KUBO_REPO_STAT:
        return kubo_read_repo(r, doc);
    case KUBO_REPO_GC:
        return kubo_read_collected(r, doc);
    case KUBO_RESOLVE:
        return kubo_read_text(r, doc, "Path");
    case KUBO_PIN_LS:
    case KUBO_PIN_LS_ONE:
        return kubo_read_pin(r, doc);
    case KUBO_PIN_ADD:
        return kubo_read_pin_add(r, doc);
    case KUBO_PIN_RM:
    case KUBO_PIN_UPDATE:
        return kubo_read_pinned(r, doc);
    case KUBO_ADD:
        return kubo_read_added(r, doc);
    case KUBO_DAG_IMPORT:
        return kubo_read_root(r, doc);
    case KUBO_DAG_STAT:
        return kubo_read_tree(r, doc);
    case KUBO_BLOCK_PUT:
        return kubo_read_block(r, doc);
    case KUBO_DAG_PUT:
        return kubo_read_node(r, doc);
    case KUBO_BLOCK_GET:
        return OK;
    }
    return ERR_CORRUPT;
}

/* Does any object keep the command's promise? The two others look closer. */
static bool kubo_any_object_will_do(enum kubo_command command)
{
    return command != KUBO_PIN_ADD && command != KUBO_ADD;
}

static void kubo_reply_line(struct kubo_reply *r, const char *text, size_t len)
{
    struct json_doc doc;
    if (len == 0)
        return;
    int err = json_parse(&doc, text, len);
    if (err != OK) {
        kubo_reply_fail(r, err == ERR_NOMEM ? ERR_NOMEM : ERR_CORRUPT,
                        "the IPFS daemon's answer cannot be understood");
        return;
    }
    err = kubo_read_object(r, &doc, (struct bytes){ text, len });
    if (err != OK)
        kubo_reply_fail_corrupt(r);
    else if (kubo_any_object_will_do(r->command))
        r->promise_is_kept = true;
    json_doc_deinit(&doc);
}

/* ---- the answer's course ---- */

static size_t kubo_line_bytes_max(enum kubo_command command)
{
    bool one_document =
        command == KUBO_SWARM_PEERS || command == KUBO_CONFIG_SHOW || command == KUBO_ID;
    return one_document ? KUBO_DOCUMENT_BYTES_MAX : KUBO_LINE_BYTES_MAX;
}

void kubo_reply_init(struct kubo_reply *r, enum kubo_command command,
                     void (*on_row)(void *owner, const struct kubo_row *row), void *owner)
{
    *r = (struct kubo_reply){ .command = command, .on_row = on_row, .owner = owner };
    r->line.limit = kubo_line_bytes_max(command);
    r->promise_is_kept = command == KUBO_PIN_LS || command == KUBO_REPO_GC ||
                         command == KUBO_DAG_IMPORT ||
                         command == KUBO_BLOCK_GET; /* these may have nothing to say */
}

void kubo_reply_deinit(struct kubo_reply *r)
{
    buf_deinit(&r->line);
    buf_deinit(&r->scratch);
}

void kubo_reply_on_head(struct kubo_reply *r, int status)
{
    r->status = status;
}

/* Copies only what a newline has not ended yet. */
static void kubo_reply_split(struct kubo_reply *r, const char *at, size_t left)
{
    while (left > 0 && r->err == OK) {
        const char *newline = memchr(at, '\n', left);
        size_t len = newline != NULL ? (size_t)(newline - at) : left;
        bool stands_alone = newline != NULL && r->line.len == 0;
        if (stands_alone) {
            kubo_reply_line(r, at, len);
        } else {
            buf_append(&r->line, at, len);
            if (r->line.err != OK)
                kubo_reply_fail(r, r->line.err == ERR_NOMEM ? ERR_NOMEM : ERR_CORRUPT,
                                "a line of the IPFS daemon's answer is too long");
            if (newline != NULL && r->err == OK) {
                kubo_reply_line(r, (const char *)r->line.data, r->line.len);
                buf_clear(&r->line);
            }
        }
        len += newline != NULL;
        at += len;
        left -= len;
    }
}

void kubo_reply_on_body(struct kubo_reply *r, const void *bytes, size_t len)
{
    if (r->err != OK || (r->status == 200 && r->command == KUBO_BLOCK_GET))
        return;
    if (r->status == 200)
        kubo_reply_split(r, bytes, len);
    else if (r->line.len + len <= KUBO_LINE_BYTES_MAX)
        buf_append(&r->line, bytes, len); /* an error document; of a longer one the head will do */
}

void kubo_reply_on_trailer(struct kubo_reply *r, const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (r->err != OK || !http_name_is(fields[i].name, "X-Stream-Error"))
            continue;
        kubo_reply_say(r, fields[i].value.data, fields[i].value.len);
        kubo_reply_fail(r, kubo_code_of_words(r->command, r->text), NULL);
    }
}

/* {"Message":...}, or plain text, or nothing at all. */
static void kubo_reply_read_error(struct kubo_reply *r)
{
    struct json_doc doc;
    const char *text = buf_text(&r->line);
    if (json_parse(&doc, text, r->line.len) == OK) {
        struct bytes message = kubo_take_text(r, &doc, json_member(&doc, 0, "Message"));
        kubo_reply_say(r, message.data, message.len);
        json_doc_deinit(&doc);
    } else {
        kubo_reply_say(r, text, r->line.len);
    }
    if (r->text[0] == 0) {
        buf_clear(&r->scratch);
        buf_printf(&r->scratch, "the IPFS daemon answered with status %d", r->status);
        kubo_reply_say(r, (const char *)r->scratch.data, r->scratch.len);
    }
    kubo_reply_fail(r, kubo_code_of_status(r->command, r->status, r->text), NULL);
}

int kubo_reply_end(struct kubo_reply *r, int err)
{
    if (r->err == OK && err != OK)
        kubo_reply_fail(r, err, err_text(err));
    if (r->err == OK && r->status != 200)
        kubo_reply_read_error(r);
    if (r->err == OK && r->line.len > 0)
        kubo_reply_line(r, (const char *)r->line.data, r->line.len); /* no newline at the end */
    if (!r->promise_is_kept)
        kubo_reply_fail(r, ERR_CORRUPT, "the IPFS daemon's answer ended without a result");
    return r->err;
}

const char *kubo_reply_text(const struct kubo_reply *r)
{
    return r->text;
}

/* Every answer of tests/vectors/kubo.json that belongs to a request of ours, whole and in pieces, and
 * what the vectors do not have: the proxy's words, answers that break off, damage. */
#include <criterion/criterion.h>
#include <string.h>

#include "ipfs/kubo_reply.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(kubo_reply, .timeout = 60);

struct heard {
    unsigned rows;
    struct kubo_row last;
    struct buf cids; /* of all rows that have one, a line each */
};

static void on_row(void *owner, const struct kubo_row *row)
{
    struct heard *h = owner;
    const struct cid *cid = NULL;
    h->rows += 1;
    h->last = *row;
    switch (row->kind) {
    case KUBO_ROW_COLLECTED:
        cid = &row->collected.cid;
        break;
    case KUBO_ROW_PIN:
        cid = &row->pin.cid;
        break;
    case KUBO_ROW_PINNED:
        cid = &row->pinned;
        break;
    case KUBO_ROW_ADDED:
        cid = &row->added.cid;
        break;
    case KUBO_ROW_ROOT:
        cid = &row->root.cid;
        break;
    case KUBO_ROW_BLOCK:
        cid = &row->block.cid;
        break;
    case KUBO_ROW_ID:
    case KUBO_ROW_TEXT:
    case KUBO_ROW_PEER:
    case KUBO_ROW_REPO:
    case KUBO_ROW_PROGRESS:
    case KUBO_ROW_TREE:
        break;
    }
    if (cid != NULL && !cid_is_undefined(cid))
        buf_printf(&h->cids, "%s\n", cid_print(cid).text);
}

/* An answer as text: `trailer` NULL or the value of X-Stream-Error. */
struct answer {
    int status;
    const char *body;
    const char *trailer;
    int end; /* how the call ended */
};

static int hear(enum kubo_command command, const struct answer *a, size_t piece,
                struct heard *heard, char text[KUBO_TEXT_SIZE])
{
    struct kubo_reply r;
    *heard = (struct heard){ 0 };
    kubo_reply_init(&r, command, on_row, heard);
    if (a->status != 0)
        kubo_reply_on_head(&r, a->status);
    for (size_t at = 0, len = strlen(a->body); at < len; at += piece)
        kubo_reply_on_body(&r, a->body + at, len - at < piece ? len - at : piece);
    if (a->trailer != NULL) {
        struct http_field fields[] = {
            HTTP_FIELD("X-Other", "nothing"),
            { { "x-stream-error", 14 }, { a->trailer, strlen(a->trailer) } },
        };
        kubo_reply_on_trailer(&r, fields, 2);
    }
    int err = kubo_reply_end(&r, a->end);
    strcpy(text, kubo_reply_text(&r));
    kubo_reply_deinit(&r);
    return err;
}

/* The same verdict and rows, however the bytes were cut. */
static int hear_in_pieces(enum kubo_command command, const struct answer *a, struct heard *heard,
                          char text[KUBO_TEXT_SIZE])
{
    static const size_t pieces[] = { 1 << 20, 1, 7 };
    int err = hear(command, a, pieces[0], heard, text);
    for (size_t i = 1; i < 3; i++) {
        struct heard again;
        char again_text[KUBO_TEXT_SIZE];
        cr_expect_eq(hear(command, a, pieces[i], &again, again_text), err, "%s", a->body);
        cr_expect_str_eq(again_text, text);
        cr_expect_eq(again.rows, heard->rows, "%s", a->body);
        cr_expect_str_eq(buf_text(&again.cids), buf_text(&heard->cids));
        buf_deinit(&again.cids);
    }
    return err;
}

/* ---- the vectors ---- */

static const struct {
    const char *path; /* behind /api/v0/, up to '?' */
    enum kubo_command command;
} commands[] = {
    { "id", KUBO_ID },
    { "version", KUBO_VERSION },
    { "config/show", KUBO_CONFIG_SHOW },
    { "swarm/peers", KUBO_SWARM_PEERS },
    { "swarm/connect", KUBO_SWARM_CONNECT },
    { "repo/stat", KUBO_REPO_STAT },
    { "repo/gc", KUBO_REPO_GC },
    { "resolve", KUBO_RESOLVE },
    { "pin/add", KUBO_PIN_ADD },
    { "pin/rm", KUBO_PIN_RM },
    { "pin/update", KUBO_PIN_UPDATE },
    { "add", KUBO_ADD },
    { "dag/import", KUBO_DAG_IMPORT },
    { "block/put", KUBO_BLOCK_PUT },
    { "block/get", KUBO_BLOCK_GET },
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* False: no request of ours, or an answer in a form that we never ask for. */
static bool command_of(const char *target, enum kubo_command *out)
{
    if (!begins(target, "/api/v0/") || strstr(target, "encoding=") != NULL)
        return false;
    target += strlen("/api/v0/");
    size_t len = strcspn(target, "?");
    if (strncmp(target, "pin/ls", len) == 0 && len == strlen("pin/ls")) {
        *out = strstr(target, "arg=") != NULL ? KUBO_PIN_LS_ONE : KUBO_PIN_LS;
        return strstr(target, "stream=true") != NULL;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strlen(commands[i].path) == len && strncmp(target, commands[i].path, len) == 0) {
            *out = commands[i].command;
            return true;
        }
    }
    return false;
}

/* What is to be made of an answer's words; the first that the text ends in counts. */
static const struct {
    const char *end;
    enum kubo_command command; /* only for this one */
    bool any_command;
    int err;
} words[] = {
    { "is not pinned", KUBO_PIN_LS_ONE, false, ERR_NOT_FOUND },
    { "not pinned or pinned indirectly", KUBO_PIN_RM, false, ERR_NOT_FOUND },
    { "is pinned recursively", KUBO_PIN_RM, false, ERR_EXISTS },
    { "already pinned recursively", KUBO_PIN_ADD, false, ERR_EXISTS },
    { "'from' cid was not recursively pinned already", KUBO_PIN_UPDATE, false, ERR_NOT_FOUND },
    { "'to' cid was already recursively pinned", KUBO_PIN_UPDATE, false, ERR_EXISTS },
    { "is required", KUBO_ID, true, ERR_INVALID },
    { "context deadline exceeded", KUBO_ID, true, ERR_TIMEOUT },
    { "context canceled", KUBO_ID, true, ERR_CLOSED },
    { "path does not have enough components", KUBO_ID, true, ERR_INVALID },
    { "selected encoding not supported", KUBO_ID, true, ERR_INVALID },
    { "unknown namespace: \"foo\"", KUBO_ID, true, ERR_INVALID },
    { "(max 255 bytes)", KUBO_ID, true, ERR_INVALID },
    { "(for option \"-recursive\")", KUBO_ID, true, ERR_INVALID },
    { "405 - Method Not Allowed", KUBO_ID, true, ERR_UNSUPPORTED },
    { "403 - Forbidden", KUBO_ID, true, ERR_AUTH },
    { "ended without a result", KUBO_ID, true, ERR_CORRUPT },
    { "answered with status 405", KUBO_ID, true, ERR_UNSUPPORTED }, /* HEAD has no words */
    { "", KUBO_ID, true, ERR_REFUSED },
};

static int err_of_words(enum kubo_command command, const char *text)
{
    for (size_t i = 0;; i++) {
        size_t len = strlen(text), end_len = strlen(words[i].end);
        if ((words[i].any_command || words[i].command == command) && len >= end_len &&
            strcmp(text + len - end_len, words[i].end) == 0)
            return words[i].err;
    }
}

/* All chunks of the answer, or its body; false when the vectors do not have every byte. */
static bool body_of(const struct json_doc *doc, int response, struct buf *out)
{
    int chunks = json_member(doc, response, "chunks");
    int body = json_member(doc, response, "body");
    for (int at = json_first(doc, chunks); at != JSON_NONE; at = json_next(doc, at))
        cr_assert_eq(json_text(doc, at, out), OK);
    if (json_kind(doc, body) == JSON_STRING)
        cr_assert_eq(json_text(doc, body, out), OK);
    return json_kind(doc, body) != JSON_OBJECT &&
           json_member(doc, response, "chunks_base64") == JSON_NONE;
}

/* How the call ended, as the client saw it. */
static int end_of(const struct json_doc *doc, int response)
{
    int end = json_member(doc, response, "end");
    if (json_text_is(doc, end, "client_cut"))
        return ERR_CANCELED;
    return json_text_is(doc, end, "server_closed_mid_stream") ? ERR_CLOSED : OK;
}

/* May the daemon have nothing to say, and all be well? */
static bool may_be_silent(enum kubo_command command)
{
    return command == KUBO_PIN_LS || command == KUBO_REPO_GC || command == KUBO_DAG_IMPORT ||
           command == KUBO_BLOCK_GET;
}

static void check_vector(const struct json_doc *doc, int row, enum kubo_command command)
{
    int response = json_member(doc, row, "response");
    int64_t status = 0;
    struct buf body = { 0 }, trailer = { 0 };
    struct heard heard;
    char text[KUBO_TEXT_SIZE];
    struct bytes name = test_json_text(doc, row, "name");
    cr_assert_eq(json_get_i64(doc, json_member(doc, response, "status"), &status), OK);
    if (!body_of(doc, response, &body))
        goto out;
    int fields = json_member(doc, response, "trailers");
    bool has_trailer = json_text(doc, json_member(doc, fields, "X-Stream-Error"), &trailer) == OK;
    struct answer answer = { (int)status, buf_text(&body), has_trailer ? buf_text(&trailer) : NULL,
                             end_of(doc, response) };
    int err = hear_in_pieces(command, &answer, &heard, text);
    if (answer.end != OK)
        cr_expect_eq(err, answer.end, "%s", (const char *)name.data);
    else if (status == 200 && !has_trailer && (body.len > 0 || may_be_silent(command)))
        cr_expect_eq(err, OK, "%s: %s", (const char *)name.data, text);
    else
        cr_expect_eq(err, err_of_words(command, text), "%s: %s %s", (const char *)name.data,
                     err_name(err), text);
    if (has_trailer)
        cr_expect_str_eq(text, answer.trailer);
    buf_deinit(&heard.cids);
out:
    buf_deinit(&body);
    buf_deinit(&trailer);
}

Test(kubo_reply, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    unsigned checked = 0;
    test_file_json("tests/vectors/kubo.json", &text, &doc);
    for (int row = json_first(&doc, 0); row != JSON_NONE; row = json_next(&doc, row)) {
        enum kubo_command command;
        struct bytes path = test_json_text(&doc, json_member(&doc, row, "request"), "path");
        if (command_of(path.data, &command)) {
            check_vector(&doc, row, command);
            checked += 1;
        }
    }
    cr_assert_geq(checked, 200);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

/* ---- one by one ---- */

#define CID_A "bafkreia43tmoxpxcby5kl3wbdzfefrppwrd6qnke74nublzmgy4bde4cmi"
#define CID_B "QmfZ5QTJ9bvsWdYYRZgdLJm6Sv8bD2A3KXmqcFmYXE6ASh"
#define PEER  "12D3KooWNMFLJBZvaMx5sPkyd1dgWEMQu28SNMxPg93JEJyBAPB4"

static const struct {
    enum kubo_command command;
    struct answer answer;
    int err;
    unsigned rows;
    const char *text;
} cases[] = {
    /* progress alone is no pin, and neither is silence */
    { KUBO_PIN_ADD,
      { 200, "{}\n{\"Progress\":3,\"Bytes\":9}\n", NULL, OK },
      ERR_CORRUPT,
      2,
      "the IPFS daemon's answer ended without a result" },
    { KUBO_PIN_ADD,
      { 200, "", NULL, OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer ended without a result" },
    { KUBO_PIN_ADD,
      { 200, "{\"Pins\":[]}\n", NULL, OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer cannot be understood" },
    /* Pins, and then it breaks, or says that it was not so */
    { KUBO_PIN_ADD,
      { 200, "{\"Pins\":[\"" CID_A "\"]}\n", NULL, ERR_CLOSED },
      ERR_CLOSED,
      1,
      "closed by the other side" },
    { KUBO_PIN_ADD,
      { 200, "{\"Pins\":[\"" CID_A "\"]}\n", "pin: boom", OK },
      ERR_REFUSED,
      1,
      "pin: boom" },
    /* ipfs-cluster's proxy: no newline, other words, fewer fields */
    { KUBO_PIN_ADD, { 200, "{\"Pins\":[\"" CID_A "\"]}", NULL, OK }, OK, 1, "" },
    { KUBO_PIN_RM,
      { 500, "{\"Message\":\"pin is not part of the pinset\",\"Code\":0,\"Type\":\"error\"}", NULL,
        OK },
      ERR_NOT_FOUND,
      0,
      "pin is not part of the pinset" },
    { KUBO_PIN_LS_ONE,
      { 500, "{\"Message\":\"Error: path '" CID_A "' is not pinned\"}", NULL, OK },
      ERR_NOT_FOUND,
      0,
      "Error: path '" CID_A "' is not pinned" },
    { KUBO_REPO_STAT,
      { 200, "{\"RepoSize\":18446744073709551615,\"StorageMax\":2}", NULL, OK },
      OK,
      1,
      "" },
    { KUBO_PIN_LS,
      { 200, "{\"Cid\":\"" CID_B "\",\"Type\":\"recursive\"}\n\n", NULL, OK },
      OK,
      1,
      "" },
    /* other statuses */
    { KUBO_ID,
      { 502, "<html>\r\n<b>Bad Gateway</b>", NULL, OK },
      ERR_BUSY,
      0,
      "<html>  <b>Bad Gateway</b>" },
    { KUBO_ID, { 503, "", NULL, OK }, ERR_BUSY, 0, "the IPFS daemon answered with status 503" },
    { KUBO_ID, { 0, "", NULL, ERR_UNREACHABLE }, ERR_UNREACHABLE, 0, "not reachable" },
    { KUBO_PIN_ADD,
      { 500, "{\"Message\":\"pin: x\"}", NULL, ERR_CLOSED },
      ERR_CLOSED,
      0,
      "closed by the other side" },
    /* damage */
    { KUBO_PIN_LS,
      { 200, "{\"Cid\":\"" CID_B "\",\"Type\":\"recursive\"}\nnonsense\n", NULL, OK },
      ERR_CORRUPT,
      1,
      "the IPFS daemon's answer cannot be understood" },
    { KUBO_PIN_LS,
      { 200, "{\"Cid\":\"" CID_B "\",\"Type\":\"recur", NULL, OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer cannot be understood" },
    { KUBO_PIN_LS,
      { 200, "{\"Cid\":\"nocid\",\"Type\":\"recursive\"}\n", NULL, OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer cannot be understood" },
    { KUBO_PIN_LS,
      { 200, "{\"Cid\":\"" CID_B "\",\"Type\":\"all\"}\n", NULL, OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer cannot be understood" },
    { KUBO_REPO_STAT,
      { 200, "{\"RepoSize\":-1,\"StorageMax\":2}", NULL, OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer cannot be understood" },
    { KUBO_ADD,
      { 200, "{\"Name\":\"a\",\"Bytes\":5}\n", NULL, OK },
      ERR_CORRUPT,
      1,
      "the IPFS daemon's answer ended without a result" },
    { KUBO_ADD,
      { 200, "{\"Name\":\"a\",\"Hash\":\"" CID_A "\",\"Size\":\"99999999999999999999\"}\n", NULL,
        OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer cannot be understood" },
    { KUBO_SWARM_PEERS,
      { 200, "{\"Peers\":5}", NULL, OK },
      ERR_CORRUPT,
      0,
      "the IPFS daemon's answer cannot be understood" },
    { KUBO_SWARM_PEERS,
      { 200, "{\"Peers\":[{\"Peer\":\"" PEER "\"},{\"Peer\":\"?\"},{}]}", NULL, OK },
      OK,
      1,
      "" },
    { KUBO_REPO_GC, { 200, "{\"Key\":null,\"Error\":\"gone\"}\n", NULL, OK }, OK, 1, "" },
};

Test(kubo_reply, cases)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct heard heard;
        char text[KUBO_TEXT_SIZE];
        int err = hear_in_pieces(cases[i].command, &cases[i].answer, &heard, text);
        cr_expect_eq(err, cases[i].err, "case %zu: %s", i, err_name(err));
        cr_expect_str_eq(text, cases[i].text, "case %zu: %s", i, text);
        cr_expect_eq(heard.rows, cases[i].rows, "case %zu: %u rows", i, heard.rows);
        buf_deinit(&heard.cids);
    }
}

/* What stands in a row, for those whose numbers the cases above do not look at. */
static void check_row(void *owner, const struct kubo_row *row)
{
    const char *kind = owner;
    if (strcmp(kind, "id") == 0) {
        struct peer_id_text peer = peer_id_print(&row->id.peer);
        cr_expect_str_eq(peer.text, PEER);
        cr_expect_eq(row->id.addrs_count, 1);
        cr_expect(bytes_equal(row->id.agent, (struct bytes){ "kubo/0.42.0", 11 }));
    } else if (strcmp(kind, "pin") == 0) {
        cr_expect_eq(row->pin.type, KUBO_PIN_INDIRECT);
        cr_expect(bytes_equal(row->pin.name, (struct bytes){ "a<b\xc3\xa9", 5 }));
    } else if (strcmp(kind, "added") == 0) {
        cr_expect_eq(row->added.size, 700194);
        cr_expect(bytes_equal(row->added.name, (struct bytes){ "d/x", 3 }));
    } else if (strcmp(kind, "progress") == 0 && row->kind == KUBO_ROW_PROGRESS) {
        cr_expect_eq(row->progress.nodes, 23574);
        cr_expect_eq(row->progress.bytes, 7343671);
    } else if (strcmp(kind, "root") == 0 && row->kind == KUBO_ROW_ROOT) {
        cr_expect(bytes_equal(row->root.error, (struct bytes){ "gone", 4 }));
    } else if (strcmp(kind, "tree") == 0) {
        cr_expect_eq(row->tree.blocks, 4);
        cr_expect_eq(row->tree.bytes, 700194);
    }
}

Test(kubo_reply, rows)
{
    static const struct {
        const char *kind;
        enum kubo_command command;
        const char *body;
    } rows[] = {
        { "id", KUBO_ID,
          "{\"ID\":\"" PEER "\",\"Addresses\":[\"/ip4/127.0.0.1/tcp/1/p2p/" PEER "\",\"/nope\"],"
          "\"AgentVersion\":\"kubo/0.42.0\"}\n" },
        { "pin", KUBO_PIN_LS_ONE,
          "{\"Cid\":\"" CID_A "\",\"Name\":\"a\\u003cb\\u00e9\",\"Type\":\"indirect through " CID_B
          "\"}\n" },
        { "added", KUBO_ADD, "{\"Name\":\"d/x\",\"Hash\":\"" CID_A "\",\"Size\":\"700194\"}\n" },
        { "progress", KUBO_PIN_ADD,
          "{\"Progress\":23574,\"Bytes\":7343671}\n{\"Pins\":[\"" CID_A "\"]}\n" },
        { "root", KUBO_DAG_IMPORT,
          "{\"Root\":{\"Cid\":{\"/\":\"" CID_A "\"},\"PinErrorMsg\":\"gone\"}}\n{\"Stats\":{}}\n" },
        { "tree", KUBO_DAG_IMPORT, "{\"Stats\":{\"BlockCount\":4,\"BlockBytesCount\":700194}}\n" },
        { "tree", KUBO_DAG_STAT,
          "{\"UniqueBlocks\":4,\"TotalSize\":700194,\"Ratio\":1,\"DagStats\":[]}\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kubo_reply r;
        kubo_reply_init(&r, rows[i].command, check_row, (void *)(uintptr_t)rows[i].kind);
        kubo_reply_on_head(&r, 200);
        kubo_reply_on_body(&r, rows[i].body, strlen(rows[i].body));
        cr_expect_eq(kubo_reply_end(&r, OK), OK, "%s: %s", rows[i].kind, kubo_reply_text(&r));
        kubo_reply_deinit(&r);
    }
}

Test(kubo_reply, a_line_without_end_is_given_up)
{
    struct kubo_reply r;
    static char piece[4096];
    memset(piece, 'x', sizeof piece);
    kubo_reply_init(&r, KUBO_PIN_LS, NULL, NULL);
    kubo_reply_on_head(&r, 200);
    for (int i = 0; i < 1000; i++)
        kubo_reply_on_body(&r, piece, sizeof piece);
    cr_assert_leq(r.line.size, 2 * KUBO_LINE_BYTES_MAX);
    cr_assert_eq(kubo_reply_end(&r, ERR_CANCELED), ERR_CORRUPT);
    kubo_reply_deinit(&r);
}

Test(kubo_reply, a_long_error_keeps_its_head)
{
    struct kubo_reply r;
    static const char piece[] = "failure: \xe2\x82\xac\n";
    kubo_reply_init(&r, KUBO_SWARM_CONNECT, NULL, NULL);
    kubo_reply_on_head(&r, 500);
    for (int i = 0; i < 20000; i++)
        kubo_reply_on_body(&r, piece, sizeof piece - 1);
    cr_assert_eq(kubo_reply_end(&r, OK), ERR_REFUSED);
    cr_assert_leq(r.line.size, 2 * KUBO_LINE_BYTES_MAX);
    cr_assert_eq(strncmp(kubo_reply_text(&r), "failure: \xe2\x82\xac failure:", 20), 0);
    cr_assert_geq(strlen(kubo_reply_text(&r)), KUBO_TEXT_SIZE - 8);
    kubo_reply_deinit(&r);
}

#include "ctl/failure.h"

#include <string.h>

#include "ctl/cmd.h"
#include "ctl/text.h"
#include "util/err.h"
#include "util/json.h"

enum { BODY_SHOWN_MAX = 400 }; /* of a body that is no error document: a proxy's HTML page */

void failure_deinit(struct failure *f)
{
    buf_deinit(&f->message);
    *f = (struct failure){ 0 };
}

void failure_set(struct failure *f, int code, int err, const char *format, ...)
{
    if (f->happened)
        return;
    f->happened = true;
    f->code = code;
    f->err = err;
    va_list args;
    va_start(args, format);
    buf_vprintf(&f->message, format, args);
    va_end(args);
}

static bool failure_read_document(struct failure *f, int status, struct bytes body)
{
    struct json_doc doc;
    if (json_parse(&doc, body.data, body.len) != OK)
        return false;
    struct buf message = { 0 };
    bool good = json_text(&doc, json_member(&doc, 0, "message"), &message) == OK;
    if (good)
        failure_set(f, status, OK, "%s", buf_text(&message));
    buf_deinit(&message);
    json_doc_deinit(&doc);
    return good;
}

void failure_set_answer(struct failure *f, int status, struct bytes body)
{
    if (failure_read_document(f, status, body))
        return;
    int len = (int)(body.len < BODY_SHOWN_MAX ? body.len : BODY_SHOWN_MAX);
    if (len == 0)
        failure_set(f, status, OK, "the answer has status %d and no text", status);
    else
        failure_set(f, status, OK, "the answer has status %d and no error document: %.*s", status,
                    len, (const char *)body.data);
}

void failure_print(const struct failure *f, bool as_json, struct buf *out)
{
    if (as_json) {
        struct buf compact = { 0 };
        struct json_writer w = json_writer_to(&compact);
        json_object_begin(&w);
        json_key_i64(&w, "code", f->code);
        json_key(&w, "message");
        json_string_len(&w, (const char *)f->message.data, f->message.len);
        json_object_end(&w);
        json_indent(out, (const char *)compact.data, compact.len, TEXT_JSON_INDENT);
        buf_put_u8(out, '\n');
        buf_deinit(&compact);
    } else {
        buf_printf(out, "An error occurred:\n  Code: %d\n  Message: ", f->code);
        text_put_lines(out, buf_bytes(&f->message));
        buf_put_u8(out, '\n');
    }
}

static const char *failure_advice_of_err(int err)
{
    switch (err) {
    case ERR_UNREACHABLE:
        return "Is the peer running (`ipfs-cluster-service daemon`), and does its REST API listen "
               "there? Name another address with --host.";
    case ERR_TIMEOUT:
        return "Allow more time with --timeout, or look at the log of the peer.";
    case ERR_CLOSED:
        return "The answer broke off. Look at the log of the peer; repeating is safe.";
    case ERR_AUTH:
        return "Is it the right peer? A certificate of your own is trusted by SSL_CERT_FILE=PATH, "
               "any at all by --no-check-certificate.";
    case ERR_CORRUPT:
        return "Does --host name the REST API of a peer (port 9094), and does it speak HTTPS just "
               "when --https is given? 9095 is the IPFS proxy, 9096 the cluster's own port.";
    default:
        return "`ipfs-cluster-ctl --debug` shows what was asked and answered.";
    }
}

static bool failure_is_about(const struct failure *f, const char *word)
{
    return memmem(f->message.data, f->message.len, word, strlen(word)) != NULL;
}

const char *failure_advice(const struct failure *f)
{
    switch (f->code) {
    case 0:
        return failure_advice_of_err(f->err);
    case 400:
        return failure_is_about(f, "HTTPS server")
                   ? "Give --https."
                   : "`--help` behind the command says what it takes.";
    case 401:
    case 403:
        return "The API wants to know who you are: --basic-auth USER:PASSWORD, or "
               "$CLUSTER_CREDENTIALS.";
    case 404:
    case 405:
        return failure_is_about(f, "pinset") ? "`ipfs-cluster-ctl pin ls` lists what is pinned."
                                             : "Does --host name the REST API of a peer (port "
                                               "9094)? `ipfs-cluster-ctl version` "
                                               "shows which version it is of.";
    case 501:
        return "`ipfs-cluster-ctl version` shows which version the peer is of.";
    case 503:
        return "`ipfs-cluster-ctl peers ls` shows who answers; repeat when a majority does.";
    case 504:
        return "It may have happened: look before you repeat (which is safe).";
    default:
        return "The log of the peer may say more.";
    }
}

int failure_exit_code(const struct failure *f)
{
    return f->code == 0 ? CTL_FAILED : CTL_REFUSED;
}

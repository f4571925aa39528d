#include "os/os_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

struct os_tls {
    SSL_CTX *ctx;
};

struct os_tls_conn {
    SSL *ssl;
    const char *why;
    bool met_plain_http;
};

/* ---- a certificate ---- */

/* OpenSSL would ask on the terminal: there is none, or nobody looks at it. */
static int os_tls_no_passphrase(char *room, int size, int is_writing, void *owner)
{
    (void)room;
    (void)size;
    (void)is_writing;
    *(bool *)owner = true;
    return -1;
}

/* The one protocol that we speak, if the client offers any by name. */
static int os_tls_choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                                  const unsigned char *offered, unsigned offered_len, void *owner)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)owner;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int os_tls_refuse(struct buf *why, int err, const char *path, const char *reason)
{
    buf_printf(why, "%s: %s", path, reason);
    ERR_clear_error();
    return err;
}

static const char *os_tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "not understood";
}

/* Opened here first, so that "no such file" is said in the system's words. */
static int os_tls_check_readable(const char *path, struct buf *why)
{
    if (access(path, R_OK) == 0)
        return OK;
    return os_tls_refuse(why, ERR_IO, path, strerror(errno));
}

static int os_tls_load_key(struct os_tls *tls, const char *path, struct buf *why)
{
    bool needs_passphrase = false;
    SSL_CTX_set_default_passwd_cb(tls->ctx, os_tls_no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(tls->ctx, &needs_passphrase);
    bool is_loaded = SSL_CTX_use_PrivateKey_file(tls->ctx, path, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(tls->ctx, NULL);
    if (is_loaded)
        return OK;
    if (needs_passphrase)
        return os_tls_refuse(why, ERR_INVALID, path,
                             "the key is encrypted; the peer needs one without a passphrase");
    if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
        return os_tls_refuse(why, ERR_INVALID, path, "this is not the key of the certificate");
    buf_append_text(why, "no private key in PEM form is in ");
    return os_tls_refuse(why, ERR_INVALID, path, os_tls_reason());
}

static int os_tls_load(struct os_tls *tls, const char *cert_path, const char *key_path,
                       struct buf *why)
{
    int err = os_tls_check_readable(cert_path, why);
    if (err == OK)
        err = os_tls_check_readable(key_path, why);
    if (err != OK)
        return err;
    if (SSL_CTX_use_certificate_chain_file(tls->ctx, cert_path) != 1) {
        buf_append_text(why, "no certificate in PEM form is in ");
        return os_tls_refuse(why, ERR_INVALID, cert_path, os_tls_reason());
    }
    return os_tls_load_key(tls, key_path, why);
}

int os_tls_create(struct os_tls **out, const char *cert_path, const char *key_path, struct buf *why)
{
    struct os_tls *tls = mem_zalloc(sizeof *tls);
    if (tls == NULL)
        return ERR_NOMEM;
    ERR_clear_error();
    tls->ctx = SSL_CTX_new(TLS_server_method());
    if (tls->ctx == NULL) {
        mem_free(tls);
        return ERR_NOMEM;
    }
    SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(tls->ctx, os_tls_choose_protocol, NULL);
    int err = os_tls_load(tls, cert_path, key_path, why);
    if (err != OK) {
        os_tls_destroy(tls);
        return err;
    }
    *out = tls;
    return OK;
}

void os_tls_destroy(struct os_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    mem_free(tls);
}

/* ---- a connection ---- */

int os_tls_accept(struct os_tls_conn **out, struct os_tls *tls, int fd)
{
    struct os_tls_conn *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    c->why = "";
    c->ssl = SSL_new(tls->ctx);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1) {
        os_tls_conn_destroy(c);
        return ERR_NOMEM;
    }
    SSL_set_accept_state(c->ssl);
    *out = c;
    return OK;
}

void os_tls_conn_destroy(struct os_tls_conn *c)
{
    SSL_free(c->ssl);
    mem_free(c);
}

/* Once OpenSSL has called it fatal, the connection is not used again, not even to say goodbye. */
static struct os_tls_outcome os_tls_failed(struct os_tls_conn *c, int result)
{
    struct os_tls_outcome outcome = { 0 };
    int code = SSL_get_error(c->ssl, result);
    unsigned long reason = ERR_peek_error();
    switch (code) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        outcome.needs_write = true;
        break;
    case SSL_ERROR_ZERO_RETURN:
        outcome.has_eof = true;
        break;
    case SSL_ERROR_SYSCALL:
        outcome.is_broken = true;
        break;
    default:
        /* Left without a goodbye: HTTP's own lengths say whether something is missing. */
        outcome.has_eof = ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
        outcome.is_broken = !outcome.has_eof;
        c->met_plain_http = ERR_GET_REASON(reason) == SSL_R_HTTP_REQUEST;
        if (outcome.is_broken)
            c->why = ERR_reason_error_string(reason);
        if (c->why == NULL)
            c->why = "not TLS";
    }
    ERR_clear_error();
    return outcome;
}

struct os_tls_outcome os_tls_read(struct os_tls_conn *c, void *bytes, size_t size)
{
    size_t total = 0;
    ERR_clear_error();
    while (total < size) {
        size_t got = 0;
        int result = SSL_read_ex(c->ssl, (char *)bytes + total, size - total, &got);
        if (result != 1) {
            struct os_tls_outcome outcome = os_tls_failed(c, result);
            outcome.len = total;
            return outcome;
        }
        total += got;
    }
    return (struct os_tls_outcome){ .len = total };
}

struct os_tls_outcome os_tls_write(struct os_tls_conn *c, struct bytes bytes)
{
    size_t sent = 0;
    ERR_clear_error();
    int result = SSL_write_ex(c->ssl, bytes.data, bytes.len, &sent);
    if (result != 1)
        return os_tls_failed(c, result);
    return (struct os_tls_outcome){ .len = sent };
}

void os_tls_finish(struct os_tls_conn *c)
{
    ERR_clear_error();
    if (SSL_is_init_finished(c->ssl))
        (void)SSL_shutdown(c->ssl);
    ERR_clear_error();
}

const char *os_tls_why(const struct os_tls_conn *c)
{
    return c->why;
}

bool os_tls_met_plain_http(const struct os_tls_conn *c)
{
    return c->met_plain_http;
}

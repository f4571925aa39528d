/* os_tls.h -- the server's side of TLS: OpenSSL on a socket that does not block.
 *
 * Shape    One os_tls a certificate, shared by all connections of a server; one os_tls_conn a socket. The
 *          handshake happens inside the first reads. TLS 1.2 and 1.3, HTTP/1.1 by ALPN.
 * Reading  One call takes up to `size` bytes, of several records. A call that filled all of it has to be
 *          followed by another one: OpenSSL may hold more, and then the kernel does not say so.
 * Owner    The os_tls outlives its connections. The socket stays the caller's.
 * Errors   os_tls_create: ERR_IO (a file cannot be read), ERR_INVALID (what it holds), with a sentence in
 *          `why` that names the file. os_tls_why(): plain words about what broke a connection, "" when the
 *          client just left. Nothing here ever prints a key or asks for a passphrase.
 * Process  OpenSSL uses write(2): the caller ignores SIGPIPE. */
#ifndef OS_OS_TLS_H
#define OS_OS_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

struct os_tls;
struct os_tls_conn;

/* PEM files: the certificate with its chain behind it, and its private key. */
int os_tls_create(struct os_tls **out, const char *cert_path, const char *key_path,
                  struct buf *why);
void os_tls_destroy(struct os_tls *tls);

/* What reading or writing came to, beside the bytes. */
struct os_tls_outcome {
    size_t len;
    bool has_eof;
    bool is_broken;
    bool needs_write; /* goes on when the socket can be written */
};

int os_tls_accept(struct os_tls_conn **out, struct os_tls *tls, int fd);
struct os_tls_outcome os_tls_read(struct os_tls_conn *c, void *bytes, size_t size);
struct os_tls_outcome os_tls_write(struct os_tls_conn *c, struct bytes bytes);
/* Says goodbye, if the socket takes it: the other side knows that nothing was cut off. */
void os_tls_finish(struct os_tls_conn *c);
const char *os_tls_why(const struct os_tls_conn *c);
/* The other side speaks HTTP without TLS. */
bool os_tls_met_plain_http(const struct os_tls_conn *c);
void os_tls_conn_destroy(struct os_tls_conn *c);

#endif

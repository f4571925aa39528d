/* canned SCRIPT LOG -- a REST API whose answers stand in a file, for tests of programs that ask one.
 *
 * Prints the port that it listens on (127.0.0.1), then answers until its parent dies or SIGTERM comes.
 * Every request is a line in LOG: method, target, body. The script is made of lines:
 *
 *     > GET /pins/x       a request, as it is sent. Written several times: the answers in turn, and
 *                         the last one from then on.
 *     < 200               the status of its answer, which has a body unless it is 204
 *     b {"cid":"x"}       a line of the body, sent at once, as a chunk
 *     t no disk           words in the trailer X-Stream-Error
 *     cut                 break the connection off here
 *     hang                go no further, and keep the connection
 *
 * What is not in the script is answered with 404 and the words "canned: no such request". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "os/os_http.h"
#include "os/os_loop.h"
#include "util/err.h"
#include "util/mem.h"

enum { LINES_MAX = 4096, LINE_SIZE = 8192, BODY_MAX = 64 * 1024 };

struct canned {
    char *lines[LINES_MAX];
    bool used[LINES_MAX]; /* a request's line: its answer was given */
    size_t count;
    FILE *log;
    struct os_loop loop;
};

struct asked {
    struct canned *canned;
    struct buf body;
};

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "canned: %s\n", what);
    exit(1);
}

static void canned_read(struct canned *c, const char *path)
{
    char line[LINE_SIZE];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die("the script cannot be read");
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (c->count == LINES_MAX)
            die("the script is too long");
        if (line[0] != '\0' && line[0] != '#')
            c->lines[c->count++] = mem_strdup(line);
    }
    fclose(file);
}

/* ---- answering ---- */

/* The line behind the request's: the first one that was not used, or else the last. */
static size_t canned_find(struct canned *c, const struct http_request *r)
{
    char wanted[LINE_SIZE];
    size_t found = c->count;
    snprintf(wanted, sizeof(wanted), "> %s %s", r->method, r->target);
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->lines[i], wanted) != 0)
            continue;
        found = i + 1;
        if (!c->used[i]) {
            c->used[i] = true;
            break;
        }
    }
    return found;
}

static void canned_begin(struct http_exchange *x, const char *line)
{
    static const struct http_field fields[] = { HTTP_FIELD("Content-Type", "application/json"),
                                                HTTP_FIELD("Trailer", "X-Stream-Error") };
    int status = atoi(line + 2);
    http_reply_begin(x, status, fields, 2, status == 204 ? 0 : -1);
}

static void canned_answer(struct canned *c, struct http_exchange *x)
{
    const char *trailer = "";
    size_t i = canned_find(c, &x->request);
    if (i == c->count) {
        canned_begin(x, "< 404");
        const char *text = "{\"code\":404,\"message\":\"canned: no such request\"}\n";
        http_reply_write(x, text, strlen(text));
    }
    for (; i < c->count && c->lines[i][0] != '>'; i++) {
        const char *line = c->lines[i];
        if (line[0] == '<') {
            canned_begin(x, line);
        } else if (line[0] == 'b') {
            http_reply_write(x, line + 2, strlen(line + 2));
            http_reply_write(x, "\n", 1);
        } else if (line[0] == 't') {
            trailer = line + 2;
        } else if (strcmp(line, "hang") == 0) {
            return;
        } else if (strcmp(line, "cut") == 0) {
            http_reply_kill(x);
            return;
        }
    }
    struct http_field field = { { "X-Stream-Error", 14 }, { trailer, strlen(trailer) } };
    http_reply_end(x, &field, 1);
}

/* ---- requests ---- */

static size_t asked_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct asked *a = x->owner;
    buf_append(&a->body, bytes, len);
    return len;
}

static void asked_on_abort(struct http_exchange *x)
{
    (void)x; /* the client gave up, or one that hangs was left; the process is short */
}

static void asked_on_body_end(struct http_exchange *x)
{
    struct asked *a = x->owner;
    fprintf(a->canned->log, "%s %s%s%s\n", x->request.method, x->request.target,
            a->body.len > 0 ? " " : "", buf_text(&a->body));
    fflush(a->canned->log);
    buf_deinit(&a->body);
    canned_answer(a->canned, x);
    mem_free(a);
}

static void canned_on_request(void *owner, struct http_exchange *x)
{
    struct asked *a = mem_zalloc(sizeof(*a));
    if (a == NULL)
        die("out of memory");
    a->canned = owner;
    a->body.limit = BODY_MAX;
    x->owner = a;
    x->on_body = asked_on_body;
    x->on_body_end = asked_on_body_end;
    x->on_abort = asked_on_abort;
}

static int canned_on_open(void *owner, void (*on_progress)(void *), void *progress_owner,
                          struct http_conn **out)
{
    struct http_conn_options options = { .head_bytes_max = 16 * 1024,
                                         .output_high_bytes = 1024 * 1024,
                                         .output_low_bytes = 1024 };
    struct http_conn_hooks hooks = { canned_on_request, owner, on_progress, progress_owner };
    return http_conn_create(out, &options, &hooks);
}

static void canned_on_signal(void *owner)
{
    os_loop_stop(owner);
}

int main(int argc, char **argv)
{
    static struct canned c;
    struct os_http_options options = os_http_options_default();
    struct os_http_hooks hooks = { canned_on_open, &c };
    struct os_http *server;
    struct multiaddr addr;
    struct multiaddr_endpoint at;
    struct os_signal term;
    struct buf why = { 0 };
    if (argc != 3)
        die("usage: canned SCRIPT LOG");
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    canned_read(&c, argv[1]);
    c.log = fopen(argv[2], "w");
    if (c.log == NULL || os_loop_init(&c.loop) != OK ||
        os_http_create(&server, &c.loop, &options, &hooks, NULL) != OK ||
        multiaddr_parse(&addr, "/ip4/127.0.0.1/tcp/0") != OK ||
        os_http_listen(server, &addr, &addr, &why) != OK || multiaddr_endpoint(&addr, &at) != OK)
        die("cannot start");
    os_signal_init(&term, &c.loop, SIGTERM, canned_on_signal, &c.loop);
    printf("%u\n", (unsigned)at.port);
    fflush(stdout);
    os_loop_run(&c.loop);
    return 0;
}

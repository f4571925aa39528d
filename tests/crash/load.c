/* load.c -- clients that pin, pin again under another name, and unpin, and write down what they were told.
 *
 *      load --clients 4 --ops 300 --seed 7 --record FILE 127.0.0.1:9094 ...     until so many were asked for
 *      load --clients 4 --seconds 20 ...                                        or so long
 *      load --first 1000 ...                                                    the first op is number 1001
 *      load --pause 20 ...                                                      ms between an answer and the next question
 *
 * Shape    Each client has one question under way, and CIDs of its own, so that what happens to one CID is a sequence.
 *          It goes to the peers in turn, and on to the next one when one does not answer.
 * Record   One line, one write, in the order in which it happened:
 *              ask OP pin CID         is about to be sent; the pin is named op-OP
 *              ask OP unpin CID
 *              yes OP                 was answered with 200
 *              lost OP                anything else: it may or may not have happened, or may happen yet
 *          A CID with a lost question is never asked for again: what it is in the end is what the last yes made it, or
 *          what the lost one would have.
 * Stops    On SIGTERM, too: no new questions. Exit code 0: it was stopped, or done; the last line says the counts. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ids/cid.h"
#include "util/err.h"
#include "util/hash.h"

enum {
    PEERS_MAX = 16,
    CLIENTS_MAX = 64,
    OWN_MAX = 64,
    PAD_MAX = 600,
    PATIENCE_S = 10,
    PAUSE_US = 20000
};

static struct {
    struct sockaddr_in peers[PEERS_MAX];
    unsigned peers_count;
    unsigned clients_count;
    unsigned ops_max; /* 0: no end */
    unsigned first;   /* added to the number of each op */
    unsigned pause_ms;
    uint64_t seed;
    int record;
    time_t until; /* 0: no end */
    atomic_uint ops, yes, lost;
    atomic_bool stops;
} load = { .clients_count = 4, .record = -1 };

struct client {
    unsigned number;
    unsigned peer; /* the one it talks to */
    int fd;        /* -1: not connected */
    uint64_t random;
    unsigned cids_count;
    struct cid_text own[OWN_MAX]; /* pinned by it, and known to be */
    unsigned own_count;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(2);
}

__attribute__((format(printf, 1, 2))) static void record(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (load.record >= 0 && write(load.record, line, (size_t)len) != len)
        die("the record");
}

static uint64_t client_random(struct client *c)
{
    c->random += 1;
    return hash64(load.seed + c->number, &c->random, sizeof(c->random));
}

static time_t now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static bool goes_on(void)
{
    return !load.stops && (load.until == 0 || now_s() < load.until) &&
           (load.ops_max == 0 || load.ops < load.ops_max);
}

/* ---- one question, one answer ---- */

static bool client_connect(struct client *c)
{
    const struct sockaddr_in *peer = &load.peers[c->peer];
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(c->fd, (const struct sockaddr *)peer, sizeof(*peer)) == 0)
        return true;
    close(c->fd);
    c->fd = -1;
    return false;
}

static void client_hang_up(struct client *c)
{
    close(c->fd);
    c->fd = -1;
    c->peer = (c->peer + 1) % load.peers_count;
}

/* The status; 0: no whole answer came. All answers here have a Content-Length. */
static int client_receive(struct client *c)
{
    char answer[8192];
    size_t len = 0;
    for (;;) {
        ssize_t got = recv(c->fd, answer + len, sizeof(answer) - 1 - len, 0);
        if (got <= 0)
            return 0;
        len += (size_t)got;
        answer[len] = '\0';
        const char *end = strstr(answer, "\r\n\r\n");
        const char *field = strcasestr(answer, "\r\nContent-Length: ");
        if (end == NULL || field == NULL || field > end)
            continue;
        if (len >= (size_t)(end + 4 - answer) + strtoul(field + 18, NULL, 10))
            return atoi(answer + strlen("HTTP/1.1 "));
    }
}

/* True: it was told that this is done. */
static bool client_ask(struct client *c, const char *request, size_t len)
{
    bool was_sent = send(c->fd, request, len, MSG_NOSIGNAL) == (ssize_t)len;
    int status = was_sent ? client_receive(c) : 0;
    if (status != 200)
        client_hang_up(c);
    return status == 200;
}

/* ---- what is asked ---- */

static struct cid_text client_new_cid(struct client *c)
{
    uint8_t bytes[36] = { 0x01, 0x55, 0x12, 32 }; /* v1, raw, sha2-256 */
    uint64_t name[3] = { c->number, c->cids_count++, 0 };
    struct cid cid;
    for (unsigned i = 0; i < 4; i++) {
        name[2] = i;
        uint64_t word = hash64(load.seed, name, sizeof(name));
        memcpy(bytes + 4 + 8 * i, &word, sizeof(word));
    }
    if (cid_from_bytes(&cid, bytes, sizeof(bytes)) != OK)
        die("a CID of ours is none");
    return cid_print(&cid);
}

static bool client_pin(struct client *c, unsigned op, const char *cid)
{
    char request[1024 + PAD_MAX], pad[PAD_MAX + 1];
    size_t pad_len = client_random(c) % PAD_MAX;
    memset(pad, 'x', pad_len);
    pad[pad_len] = '\0';
    const char *expiry = client_random(c) % 4 == 0 ? "&expire-in=100h" : "";
    int len = snprintf(request, sizeof(request),
                       "POST /pins/%s?name=op-%u%s&meta-pad=%s HTTP/1.1\r\nHost: load\r\n"
                       "Content-Length: 0\r\n\r\n",
                       cid, op, expiry, pad);
    record("ask %u pin %s\n", op, cid);
    return client_ask(c, request, (size_t)len);
}

static bool client_unpin(struct client *c, unsigned op, const char *cid)
{
    char request[512];
    int len =
        snprintf(request, sizeof(request), "DELETE /pins/%s HTTP/1.1\r\nHost: load\r\n\r\n", cid);
    record("ask %u unpin %s\n", op, cid);
    return client_ask(c, request, (size_t)len);
}

static void client_step(struct client *c)
{
    unsigned op = load.first + ++load.ops, what = client_random(c) % 8;
    bool is_old = c->own_count > 0 && (what < 2 || c->own_count == OWN_MAX);
    struct cid_text cid;
    if (is_old) { /* it comes back to the list when this was answered */
        unsigned which = client_random(c) % c->own_count;
        cid = c->own[which];
        c->own[which] = c->own[--c->own_count];
    } else {
        cid = client_new_cid(c);
    }
    bool unpins = is_old && what != 0;
    bool done = unpins ? client_unpin(c, op, cid.text) : client_pin(c, op, cid.text);
    record("%s %u\n", done ? "yes" : "lost", op);
    *(done ? &load.yes : &load.lost) += 1;
    if (done && !unpins)
        c->own[c->own_count++] = cid;
}

static void *client_run(void *arg)
{
    struct client *c = arg;
    const struct timespec pause = { .tv_nsec = PAUSE_US * 1000 };
    const struct timespec between = { .tv_sec = load.pause_ms / 1000,
                                      .tv_nsec = load.pause_ms % 1000 * 1000000L };
    while (goes_on()) {
        if (c->fd >= 0 || client_connect(c)) {
            client_step(c);
            nanosleep(&between, NULL);
        } else { /* dead: the next one, but no storm of knocks */
            c->peer = (c->peer + 1) % load.peers_count;
            nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

/* ---- all of them ---- */

static void on_signal(int number)
{
    (void)number;
    load.stops = true;
}

static void add_peer(const char *text)
{
    char host[64];
    unsigned port;
    struct sockaddr_in *peer = &load.peers[load.peers_count++];
    peer->sin_family = AF_INET;
    if (load.peers_count == PEERS_MAX || sscanf(text, "%63[^:]:%u", host, &port) != 2 ||
        inet_pton(AF_INET, host, &peer->sin_addr) != 1)
        die(text);
    peer->sin_port = htons((uint16_t)port);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {
        { "clients", required_argument, NULL, 'c' }, { "ops", required_argument, NULL, 'n' },
        { "seconds", required_argument, NULL, 's' }, { "seed", required_argument, NULL, 'd' },
        { "first", required_argument, NULL, 'f' },   { "pause", required_argument, NULL, 'p' },
        { "record", required_argument, NULL, 'r' },  { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        unsigned long value = option != 'r' ? strtoul(optarg, NULL, 10) : 0;
        if (option == 'c' && value <= CLIENTS_MAX)
            load.clients_count = (unsigned)value;
        else if (option == 'n')
            load.ops_max = (unsigned)value;
        else if (option == 's')
            load.until = now_s() + (time_t)value;
        else if (option == 'f')
            load.first = (unsigned)value;
        else if (option == 'p')
            load.pause_ms = (unsigned)value;
        else if (option == 'd')
            load.seed = value;
        else if (option == 'r')
            load.record = open(optarg, O_WRONLY | O_CREAT | O_APPEND, 0600);
        else
            die("options");
    }
    while (optind < argc)
        add_peer(argv[optind++]);
    if (load.peers_count == 0)
        die("no peer");
}

int main(int argc, char **argv)
{
    static struct client clients[CLIENTS_MAX];
    pthread_t threads[CLIENTS_MAX];
    parse(argc, argv);
    signal(SIGTERM, on_signal);
    for (unsigned i = 0; i < load.clients_count; i++) {
        clients[i] = (struct client){ .number = i, .fd = -1, .peer = i % load.peers_count };
        if (pthread_create(&threads[i], NULL, client_run, &clients[i]) != 0)
            die("a thread");
    }
    for (unsigned i = 0; i < load.clients_count; i++)
        pthread_join(threads[i], NULL);
    printf("%u asked, %u yes, %u lost\n", load.ops, load.yes, load.lost);
    return 0;
}

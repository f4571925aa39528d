/* bench_pins.c -- clients of the REST API that do nothing but pin.
 *
 * Each client has one connection that stays open, asks for one pin, waits for the answer, asks for the next
 * (a closed loop): the rate is what the cluster acknowledges, and never more than it can bear. All CIDs are
 * different, and nobody has their content. Answers are read to their end, and only 200 counts.
 *
 *      bench_pins --clients 16 --seconds 5 127.0.0.1:9094 127.0.0.1:9194     clients take the peers in turn
 *      bench_pins --clients 64 --count 100000 ...                            until so many are acknowledged
 *      bench_pins --daemon add --clients 10 ... 127.0.0.1:5001               into an IPFS daemon
 *      bench_pins --daemon look+add --clients 10 ... 127.0.0.1:5001          asks first whether it is there, as a peer does
 *      bench_pins --sync 1 DIR                                               beside it: fdatasync of 4 KiB
 *
 * Prints: rate, median and 99th percentile of the time to the answer in ms, count of answers other than 200. */
#include "bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ids/cid.h"
#include "util/err.h"
#include "util/hash.h"

enum { CLIENTS_MAX = 1024, PEERS_MAX = 16, ANSWER_SIZE = 16 * 1024, DIGEST_LEN = 32 };

/* What is asked for one pin. */
enum question { ASK_CLUSTER, ASK_ADD, ASK_LOOK };

struct client {
    int fd;
    enum question question; /* the one on its way */
    struct cid_text cid;
    uint64_t asked_us; /* the first one for this pin */
    size_t len;        /* of the answer, so far */
    char answer[ANSWER_SIZE];
};

struct pins {
    struct sockaddr_in peers[PEERS_MAX];
    unsigned peers_count;
    unsigned clients_count;
    enum question first_question;
    uint64_t for_us;    /* 0: no end in time */
    uint64_t count_max; /* 0: no end in number */
    int epoll;
    uint64_t seed, asked, acknowledged, refused;
    uint32_t *took_us; /* of each acknowledged one */
    size_t took_size;
    struct client *clients;
};

/* ---- one question, one answer ---- */

static struct cid_text pins_next_cid(struct pins *p)
{
    uint8_t bytes[4 + DIGEST_LEN] = { 0x01, 0x55, 0x12, DIGEST_LEN }; /* v1, raw, sha2-256 */
    for (unsigned i = 0; i < DIGEST_LEN; i += 8) {
        uint64_t word = hash64(p->seed + i, &p->asked, sizeof(p->asked));
        memcpy(bytes + 4 + i, &word, sizeof(word));
    }
    p->asked += 1;
    struct cid cid;
    if (cid_from_bytes(&cid, bytes, sizeof(bytes)) != OK)
        bench_die("a CID of ours is none");
    return cid_print(&cid);
}

static void client_send(struct client *c, enum question question)
{
    static const char *const paths[] = {
        [ASK_CLUSTER] = "/pins/%s",
        [ASK_ADD] = "/api/v0/pin/add?arg=%s&recursive=true&progress=true",
        [ASK_LOOK] = "/api/v0/pin/ls?arg=%s&type=recursive",
    };
    char path[256], text[512];
    snprintf(path, sizeof(path), paths[question], c->cid.text);
    int len = snprintf(text, sizeof(text),
                       "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n", path);
    c->question = question;
    c->len = 0;
    /* So short, and the only one on its way: a socket takes it whole. */
    if (send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        bench_die("sending: %s", strerror(errno));
}

static void client_ask(struct pins *p, struct client *c)
{
    c->cid = pins_next_cid(p);
    c->asked_us = bench_now_us();
    client_send(c, p->first_question);
}

/* 0 while the answer is not whole; else its status. */
static int client_status(const struct client *c)
{
    const char *end = memmem(c->answer, c->len, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    /* What a daemon answers to pin/add comes in chunks. */
    static const char last_chunk[] = "\r\n0\r\n\r\n";
    const size_t tail = sizeof(last_chunk) - 1;
    if (memmem(c->answer, (size_t)(end - c->answer), "chunked", 7) != NULL &&
        (c->len < tail || memcmp(c->answer + c->len - tail, last_chunk, tail) != 0))
        return 0;
    const char *field = memmem(c->answer, (size_t)(end - c->answer), "Content-Length: ", 16);
    size_t body_len = field == NULL ? 0 : strtoul(field + 16, NULL, 10);
    if (c->len < (size_t)(end + 4 - c->answer) + body_len)
        return 0;
    return atoi(c->answer + strlen("HTTP/1.1 "));
}

static void pins_note(struct pins *p, uint64_t took_us)
{
    if (p->acknowledged == p->took_size) {
        p->took_size = p->took_size == 0 ? 4096 : 2 * p->took_size;
        p->took_us = realloc(p->took_us, p->took_size * sizeof(*p->took_us));
        if (p->took_us == NULL)
            bench_die("out of memory");
    }
    p->took_us[p->acknowledged++] = (uint32_t)took_us;
}

static void client_on_readable(struct pins *p, struct client *c)
{
    ssize_t got = recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0);
    if (got <= 0)
        bench_die("a peer closed a connection: %s", got < 0 ? strerror(errno) : "end of stream");
    c->len += (size_t)got;
    c->answer[c->len] = '\0';
    int status = client_status(c);
    if (status == 0)
        return;
    if (c->question == ASK_LOOK) { /* it is not there: 500, as Kubo says it */
        client_send(c, ASK_ADD);
        return;
    }
    if (status == 200)
        pins_note(p, bench_now_us() - c->asked_us);
    else if (p->refused++ == 0)
        fprintf(stderr, "refused: %.*s\n", (int)c->len, c->answer);
    if (p->count_max == 0 || p->asked < p->count_max + p->refused)
        client_ask(p, c);
}

/* ---- all of them ---- */

static void client_open(struct pins *p, unsigned number)
{
    struct client *c = &p->clients[number];
    const struct sockaddr_in *peer = &p->peers[number % p->peers_count];
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)peer, sizeof(*peer)) != 0)
        bench_die("connecting: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };
    if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        bench_die("epoll: %s", strerror(errno));
}

static bool pins_go_on(const struct pins *p, uint64_t begin_us)
{
    return (p->for_us == 0 || bench_now_us() - begin_us < p->for_us) &&
           (p->count_max == 0 || p->acknowledged < p->count_max);
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void pins_run(struct pins *p)
{
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->clients = calloc(p->clients_count, sizeof(*p->clients));
    if (p->epoll < 0 || p->clients == NULL)
        bench_die("no epoll, or no memory");
    for (unsigned i = 0; i < p->clients_count; i++)
        client_open(p, i);
    uint64_t begin_us = bench_now_us();
    for (unsigned i = 0; i < p->clients_count; i++)
        client_ask(p, &p->clients[i]);
    struct epoll_event events[64];
    while (pins_go_on(p, begin_us)) {
        int count = epoll_wait(p->epoll, events, 64, 100);
        for (int i = 0; i < count; i++)
            client_on_readable(p, &p->clients[events[i].data.u32]);
    }
    double rate = bench_rate(p->acknowledged, bench_now_us() - begin_us);
    if (p->acknowledged == 0)
        bench_die("nothing was acknowledged");
    qsort(p->took_us, p->acknowledged, sizeof(*p->took_us), compare_u32);
    printf("%.1f %.2f %.2f %llu\n", rate, p->took_us[p->acknowledged / 2] / 1e3,
           p->took_us[p->acknowledged * 99 / 100] / 1e3, (unsigned long long)p->refused);
}

static void pins_add_peer(struct pins *p, const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || p->peers_count == PEERS_MAX)
        bench_die("%s: expected HOST:PORT", text);
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    struct sockaddr_in *peer = &p->peers[p->peers_count++];
    *peer =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
    if (inet_pton(AF_INET, host, &peer->sin_addr) != 1)
        bench_die("%s: expected an IPv4 address", host);
}

int main(int argc, char **argv)
{
    struct pins p = { .clients_count = 1, .seed = bench_now_us() };
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (argv[i][0] != '-') {
            pins_add_peer(&p, argv[i]);
            continue;
        }
        if (strcmp(argv[i], "--sync") == 0 && i + 2 < argc) {
            printf("%.1f\n", bench_fdatasync_rate(argv[i + 2], (uint64_t)(atof(value) * 1e6)));
            return 0;
        } else if (strcmp(argv[i], "--clients") == 0) {
            p.clients_count = (unsigned)atoi(value);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            p.for_us = (uint64_t)(atof(value) * 1e6);
        } else if (strcmp(argv[i], "--daemon") == 0) {
            p.first_question = strcmp(value, "look+add") == 0 ? ASK_LOOK : ASK_ADD;
        } else if (strcmp(argv[i], "--count") == 0) {
            p.count_max = strtoull(value, NULL, 10);
        } else {
            bench_die("unknown option %s", argv[i]);
        }
        i += 1;
    }
    if (p.peers_count == 0 || p.clients_count == 0 || p.clients_count > CLIENTS_MAX)
        bench_die("usage: bench_pins --clients N --seconds S|--count N HOST:PORT...");
    pins_run(&p);
    return 0;
}

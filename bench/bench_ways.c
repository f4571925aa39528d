/* bench_ways.c -- what a GiB costs on its way through two peers, with nothing done but what cannot be left out.
 *
 *      client --copy--> peer 1 --copy--> daemon 1
 *                         |
 *                         +-- sealed, under the secret, copied, and all of that undone --> peer 2 --copy--> daemon 2
 *
 * A copy is a write to a TCP socket of loopback and the read at its other end; a peer has one half of it where the other end
 * is a client or a daemon. The floor is the sum for POST /add with two replicas: bench/doors puts it beside what was measured. */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "p2p/noise_channel.h"
#include "p2p/pnet.h"
#include "util/err.h"

enum {
    WAY_BYTES = 256 << 20,
    WAY_PIECE = 256 << 10,
    WAY_MESSAGE = 65519, /* the most that a message of Noise carries */
};

static uint8_t way_piece[WAY_PIECE];

static double way_cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* The median of runs, in seconds of processor time a GiB. */
static double way_measure(void (*carry)(void))
{
    double took[BENCH_RUNS];
    for (int run = 0; run < BENCH_RUNS; run++) {
        double before = way_cpu_s();
        carry();
        took[run] = (way_cpu_s() - before) * (1 << 30) / WAY_BYTES;
    }
    return bench_median(took, BENCH_RUNS);
}

static void way_connect(int ends[2])
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0 ||
        connect(ends[0], (struct sockaddr *)&at, len) != 0)
        bench_die("no loopback");
    ends[1] = accept(listener, NULL, NULL);
    close(listener);
}

static void way_copy(void)
{
    int ends[2];
    way_connect(ends);
    size_t sent = 0;
    for (size_t got = 0; got < WAY_BYTES;) {
        ssize_t n = send(ends[0], way_piece, sizeof(way_piece), MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        n = recv(ends[1], way_piece, sizeof(way_piece), sent > got ? 0 : MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
    }
    close(ends[0]);
    close(ends[1]);
}

static void way_secret(void)
{
    static const uint8_t secret[PNET_SECRET_BYTES], nonce[PNET_NONCE_BYTES];
    struct pnet p;
    pnet_init(&p, secret, nonce);
    for (size_t done = 0; done < WAY_BYTES; done += sizeof(way_piece))
        pnet_apply(&p, way_piece, sizeof(way_piece));
    pnet_wipe(&p);
}

static void way_seal_and_open(void)
{
    static const uint8_t key[NOISE_KEY_BYTES];
    struct noise_channel from, to;
    struct buf sealed = { 0 }, opened = { 0 };
    if (noise_channel_init(&from) != OK || noise_channel_init(&to) != OK ||
        noise_channel_set_key(&from, key) != OK || noise_channel_set_key(&to, key) != OK)
        bench_die("no cipher");
    for (size_t done = 0; done < WAY_BYTES; done += WAY_MESSAGE) {
        buf_clear(&sealed);
        buf_clear(&opened);
        if (noise_channel_seal(&from, (struct bytes){ (char *)way_piece, WAY_MESSAGE }, &sealed) !=
                OK ||
            noise_channel_open(&to, buf_bytes(&sealed), &opened) != OK)
            bench_die("what was sealed does not open");
    }
    buf_deinit(&sealed);
    buf_deinit(&opened);
    noise_channel_wipe(&from);
    noise_channel_wipe(&to);
}

int main(void)
{
    if (sodium_init() < 0) /* without it the slowest of its ciphers */
        bench_die("libsodium does not start");
    double copy = way_measure(way_copy), secret = way_measure(way_secret);
    double seal = way_measure(way_seal_and_open);
    /* Halves of a copy: from the client, to daemon 1, to peer 2 and from peer 1, to daemon 2. */
    printf("%.2f %.2f %.2f %.2f\n", copy, secret, seal, 5 * copy / 2 + 2 * secret + seal);
    return 0;
}

#include "sim/real/real_proxy.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/kernel/choose.h"
#include "sim/real/real_http.h"
#include "util/mem.h"

#define PROXY_DRIP_US   ((uint64_t)1000 * 1000)
#define PROXY_RESEND_US ((uint64_t)200 * 1000) /* as long as TCP waits at least */

enum {
    PROXY_MACHINES_MAX = 32,
    PROXY_DOORS = 2, /* of a machine: before it moves, and after */
    PROXY_PAIRS_MAX = 2048,
    PROXY_BYTES = 64 * 1024,
    PROXY_PIECES_MAX = 256,
    PROXY_LOOK_MS = 5
};

/* What both processes see. */
struct proxy_shared {
    volatile unsigned targets[PROXY_MACHINES_MAX + 1];
    volatile unsigned door_now[PROXY_MACHINES_MAX + 1];
    volatile pid_t pids[PROXY_MACHINES_MAX + 1];
    volatile enum real_way ways[PROXY_MACHINES_MAX + 1][PROXY_MACHINES_MAX + 1];
    volatile struct real_weather weather;
};

struct real_proxy {
    struct proxy_shared *shared;
    unsigned machines_count;
    unsigned ports[PROXY_MACHINES_MAX + 1][PROXY_DOORS];
    int doors[PROXY_MACHINES_MAX + 1][PROXY_DOORS];
    pid_t pid;
    struct choose choose; /* the process's */
};

/* ---- the process: pairs of sockets ---- */

struct proxy_piece {
    uint64_t due_us; /* never before the one before it */
    size_t len;
};

struct proxy_side {
    int fd;
    unsigned who; /* whose process this socket leads to; 0: not known */
    size_t len;   /* read from it, and not yet written to the other one */
    char bytes[PROXY_BYTES];
    struct proxy_piece pieces[PROXY_PIECES_MAX]; /* what the bytes came in */
    size_t pieces_count;
    uint64_t dripped_us; /* clogged: when the last byte passed */
    bool has_ended;
};

struct proxy_pair {
    struct proxy_side sides[2]; /* [0] dialled, [1] listens */
    unsigned door;              /* through which it was dialled */
};

static struct proxy_pair *pairs[PROXY_PAIRS_MAX];
static size_t pairs_count;

/* Of the other end of a connection to us: its socket's inode. 0: it is gone. */
static unsigned long proxy_inode(unsigned from_port, unsigned to_port)
{
    char line[512];
    unsigned long found = 0;
    FILE *table = fopen("/proc/net/tcp", "re");
    if (table == NULL)
        return 0;
    while (found == 0 && fgets(line, sizeof(line), table) != NULL) {
        unsigned local = 0, remote = 0;
        unsigned long inode = 0;
        int n = sscanf(line, " %*d: %*x:%x %*x:%x %*x %*x:%*x %*x:%*x %*x %*u %*u %lu", &local,
                       &remote, &inode);
        if (n == 3 && local == from_port && remote == to_port)
            found = inode;
    }
    fclose(table);
    return found;
}

static bool proxy_process_has(pid_t pid, unsigned long inode)
{
    char path[64], wanted[64], name[64];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && !found && (e = readdir(dir)) != NULL;) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, name, sizeof(name) - 1);
        name[n > 0 ? n : 0] = '\0';
        found = strcmp(name, wanted) == 0;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static unsigned proxy_who_dials(const struct real_proxy *p, const struct sockaddr_in *from,
                                unsigned port)
{
    unsigned long inode = proxy_inode(ntohs(from->sin_port), port);
    for (unsigned who = 1; inode != 0 && who <= p->machines_count; who++)
        if (p->shared->pids[who] != 0 && proxy_process_has(p->shared->pids[who], inode))
            return who;
    return 0;
}

static int proxy_dial(unsigned port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0)
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void proxy_accept(struct real_proxy *p, unsigned who, unsigned door)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    int fd =
        accept4(p->doors[who][door], (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    bool is_home = pairs_count < PROXY_PAIRS_MAX && door == p->shared->door_now[who];
    int target = is_home ? proxy_dial(p->shared->targets[who]) : -1;
    struct proxy_pair *pair = target >= 0 ? calloc(1, sizeof(*pair)) : NULL;
    if (pair == NULL) {
        close(fd);
        if (target >= 0)
            close(target);
        return;
    }
    pair->sides[0].fd = fd;
    pair->sides[0].who = proxy_who_dials(p, &from, p->ports[who][door]);
    pair->sides[1].fd = target;
    pair->sides[1].who = who;
    pair->door = door;
    pairs[pairs_count++] = pair;
}

static bool proxy_has_room(const struct proxy_side *s)
{
    return s->len < PROXY_BYTES && s->pieces_count < PROXY_PIECES_MAX;
}

static bool proxy_happens(struct real_proxy *p, uint64_t per_million)
{
    return choose_chance(&p->choose, CHOICE_NET_FAULT, 0, per_million);
}

/* `len` bytes more have come. False: the connection breaks here. */
static bool proxy_take(struct real_proxy *p, struct proxy_side *from, size_t len)
{
    const volatile struct real_weather *w = &p->shared->weather;
    if (proxy_happens(p, w->breaks_per_million))
        return false;
    if (proxy_happens(p, w->mangled_per_million))
        from->bytes[from->len + choose(&p->choose, CHOICE_NET_FAULT, 0, len)] ^= 1;
    uint64_t due_us = real_now_us() + choose_between(&p->choose, CHOICE_NET_DELAY, 0,
                                                     w->delay_min_us, w->delay_max_us);
    if (proxy_happens(p, w->loss_per_million))
        due_us += PROXY_RESEND_US;
    if (proxy_happens(p, w->late_per_million))
        due_us += choose(&p->choose, CHOICE_NET_DELAY, 0, w->late_us + 1);
    uint64_t before_us = from->pieces_count > 0 ? from->pieces[from->pieces_count - 1].due_us : 0;
    from->pieces[from->pieces_count++] =
        (struct proxy_piece){ due_us > before_us ? due_us : before_us, len };
    from->len += len;
    return true;
}

static bool proxy_read(struct real_proxy *p, struct proxy_side *from)
{
    if (from->has_ended || !proxy_has_room(from))
        return true;
    ssize_t n = recv(from->fd, from->bytes + from->len, PROXY_BYTES - from->len, 0);
    if (n > 0)
        return proxy_take(p, from, (size_t)n);
    if (n == 0 || errno != EAGAIN)
        from->has_ended = true;
    return true;
}

/* `len` bytes of the first piece. False: the connection is gone. */
static bool proxy_pass(struct proxy_side *from, struct proxy_side *to, size_t *len)
{
    struct proxy_piece *first = from->pieces;
    ssize_t n = send(to->fd, from->bytes, *len, MSG_NOSIGNAL);
    *len = 0;
    if (n < 0)
        return errno == EAGAIN;
    *len = (size_t)n;
    memmove(from->bytes, from->bytes + n, from->len - *len);
    from->len -= *len;
    first->len -= *len;
    if (first->len > 0)
        return true;
    from->pieces_count -= 1;
    memmove(first, first + 1, from->pieces_count * sizeof(*first));
    return true;
}

/* A byte, if it is time for one. */
static bool proxy_drip(struct proxy_side *from, struct proxy_side *to, uint64_t now_us)
{
    size_t len = 1;
    if (from->pieces_count == 0 || now_us - from->dripped_us < PROXY_DRIP_US)
        return true;
    from->dripped_us = now_us;
    return proxy_pass(from, to, &len);
}

/* What is due, as far as the other end takes it. */
static bool proxy_write(struct proxy_side *from, struct proxy_side *to, uint64_t now_us)
{
    struct proxy_piece *first = from->pieces;
    while (from->pieces_count > 0 && first->due_us <= now_us) {
        size_t wanted = first->len, len = wanted;
        if (!proxy_pass(from, to, &len))
            return false;
        if (len < wanted)
            return true;
    }
    return true;
}

/* True: the pair is over. */
static bool proxy_carry(struct real_proxy *p, struct proxy_side *from, struct proxy_side *to)
{
    enum real_way way = p->shared->ways[from->who][to->who];
    if (way == REAL_WAY_CUT)
        return false;
    bool ok = proxy_read(p, from) && (way == REAL_WAY_OPEN ? proxy_write(from, to, real_now_us())
                                                           : proxy_drip(from, to, real_now_us()));
    return !ok || (from->has_ended && from->len == 0);
}

static void proxy_loop(struct real_proxy *p)
{
    static struct pollfd fds[PROXY_DOORS * PROXY_MACHINES_MAX + 2 * PROXY_PAIRS_MAX];
    for (;;) {
        nfds_t count = 0;
        for (unsigned i = 0; i < PROXY_DOORS * p->machines_count; i++)
            fds[count++] = (struct pollfd){ .fd = p->doors[1 + i / PROXY_DOORS][i % PROXY_DOORS],
                                            .events = POLLIN };
        for (size_t i = 0; i < pairs_count; i++)
            for (int side = 0; side < 2; side++) {
                const struct proxy_side *s = &pairs[i]->sides[side];
                bool reads = proxy_has_room(s) && !s->has_ended &&
                             p->shared->ways[s->who][pairs[i]->sides[1 - side].who] != REAL_WAY_CUT;
                fds[count++] = (struct pollfd){ .fd = reads ? s->fd : -1, .events = POLLIN };
            }
        (void)poll(fds, count, PROXY_LOOK_MS);
        for (unsigned i = 0; i < PROXY_DOORS * p->machines_count; i++)
            if (fds[i].revents != 0)
                proxy_accept(p, 1 + i / PROXY_DOORS, i % PROXY_DOORS);
        for (size_t i = 0; i < pairs_count;) {
            struct proxy_pair *pair = pairs[i];
            bool over = proxy_carry(p, &pair->sides[0], &pair->sides[1]);
            over |= proxy_carry(p, &pair->sides[1], &pair->sides[0]);
            over |= pair->door != p->shared->door_now[pair->sides[1].who];
            if (!over) {
                i += 1;
                continue;
            }
            close(pair->sides[0].fd);
            close(pair->sides[1].fd);
            free(pair);
            pairs[i] = pairs[--pairs_count];
        }
    }
}

/* ---- the simulator's side ---- */

static bool proxy_listen(struct real_proxy *p, unsigned who, unsigned door)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = p->doors[who][door] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 64) == 0 &&
              getsockname(fd, (struct sockaddr *)&at, &len) == 0;
    p->ports[who][door] = ntohs(at.sin_port);
    return ok;
}

struct real_proxy *real_proxy_create(unsigned machines_count, uint64_t seed)
{
    struct real_proxy *p = mem_zalloc(sizeof(*p));
    bool ok = p != NULL && machines_count <= PROXY_MACHINES_MAX;
    if (!ok)
        return NULL;
    p->machines_count = machines_count;
    choose_init(&p->choose, seed);
    p->shared =
        mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ok = p->shared != MAP_FAILED;
    for (unsigned i = 0; i < PROXY_DOORS * machines_count; i++)
        ok = proxy_listen(p, 1 + i / PROXY_DOORS, i % PROXY_DOORS) && ok;
    p->pid = ok ? fork() : -1;
    if (p->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it has no life of its own */
        proxy_loop(p);
    }
    for (unsigned i = 0; i < PROXY_DOORS * machines_count; i++)
        close(p->doors[1 + i / PROXY_DOORS][i % PROXY_DOORS]);
    if (p->pid > 0)
        return p;
    real_proxy_destroy(p);
    return NULL;
}

void real_proxy_destroy(struct real_proxy *p)
{
    if (p == NULL)
        return;
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        (void)waitpid(p->pid, NULL, 0);
    }
    if (p->shared != MAP_FAILED)
        munmap(p->shared, sizeof(*p->shared));
    mem_free(p);
}

unsigned real_proxy_door(const struct real_proxy *p, unsigned who)
{
    return p->ports[who][p->shared->door_now[who]];
}

bool real_proxy_move(struct real_proxy *p, unsigned who)
{
    if (p->shared->door_now[who] + 1 == PROXY_DOORS)
        return false;
    p->shared->door_now[who] += 1;
    return true;
}

void real_proxy_lead_to(struct real_proxy *p, unsigned who, unsigned target_port)
{
    p->shared->targets[who] = target_port;
}

void real_proxy_is_process(struct real_proxy *p, unsigned who, pid_t pid)
{
    p->shared->pids[who] = pid;
}

void real_proxy_set(struct real_proxy *p, unsigned from, unsigned to, enum real_way way)
{
    p->shared->ways[from][to] = way;
}

void real_proxy_weather(struct real_proxy *p, const struct real_weather *weather)
{
    p->shared->weather = *weather;
}

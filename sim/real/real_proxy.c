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

#include "util/mem.h"

enum {
    PROXY_MACHINES_MAX = 32,
    PROXY_PAIRS_MAX = 2048,
    PROXY_BYTES = 64 * 1024,
    PROXY_LOOK_MS = 5
};

/* What both processes see. */
struct proxy_shared {
    volatile unsigned targets[PROXY_MACHINES_MAX + 1];
    volatile pid_t pids[PROXY_MACHINES_MAX + 1];
    volatile bool is_cut[PROXY_MACHINES_MAX + 1][PROXY_MACHINES_MAX + 1];
};

struct real_proxy {
    struct proxy_shared *shared;
    unsigned machines_count;
    unsigned ports[PROXY_MACHINES_MAX + 1];
    int doors[PROXY_MACHINES_MAX + 1];
    pid_t pid;
};

/* ---- the process: pairs of sockets ---- */

struct proxy_side {
    int fd;
    unsigned who; /* whose process this socket leads to; 0: not known */
    size_t len;   /* read from it, and not yet written to the other one */
    char bytes[PROXY_BYTES];
    bool has_ended;
};

struct proxy_pair {
    struct proxy_side sides[2]; /* [0] dialled, [1] listens */
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
                                unsigned door)
{
    unsigned long inode = proxy_inode(ntohs(from->sin_port), p->ports[door]);
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

static void proxy_accept(const struct real_proxy *p, unsigned door)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    int fd = accept4(p->doors[door], (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int target = pairs_count < PROXY_PAIRS_MAX ? proxy_dial(p->shared->targets[door]) : -1;
    struct proxy_pair *pair = target >= 0 ? calloc(1, sizeof(*pair)) : NULL;
    if (pair == NULL) {
        close(fd);
        if (target >= 0)
            close(target);
        return;
    }
    pair->sides[0].fd = fd;
    pair->sides[0].who = proxy_who_dials(p, &from, door);
    pair->sides[1].fd = target;
    pair->sides[1].who = door;
    pairs[pairs_count++] = pair;
}

/* True: the pair is over. */
static bool proxy_carry(const struct real_proxy *p, struct proxy_side *from, struct proxy_side *to)
{
    if (p->shared->is_cut[from->who][to->who])
        return false;
    if (from->len == 0 && !from->has_ended) {
        ssize_t n = recv(from->fd, from->bytes, sizeof(from->bytes), 0);
        if (n > 0)
            from->len = (size_t)n;
        else if (n == 0 || errno != EAGAIN)
            from->has_ended = true;
    }
    if (from->len > 0) {
        ssize_t n = send(to->fd, from->bytes, from->len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return true;
        size_t sent = n > 0 ? (size_t)n : 0;
        memmove(from->bytes, from->bytes + sent, from->len - sent);
        from->len -= sent;
    }
    return from->has_ended && from->len == 0;
}

static void proxy_loop(const struct real_proxy *p)
{
    static struct pollfd fds[PROXY_MACHINES_MAX + 2 * PROXY_PAIRS_MAX];
    for (;;) {
        nfds_t count = 0;
        for (unsigned who = 1; who <= p->machines_count; who++)
            fds[count++] = (struct pollfd){ .fd = p->doors[who], .events = POLLIN };
        for (size_t i = 0; i < pairs_count; i++)
            for (int side = 0; side < 2; side++) {
                const struct proxy_side *s = &pairs[i]->sides[side];
                bool reads = s->len == 0 && !s->has_ended &&
                             !p->shared->is_cut[s->who][pairs[i]->sides[1 - side].who];
                fds[count++] = (struct pollfd){ .fd = reads ? s->fd : -1, .events = POLLIN };
            }
        (void)poll(fds, count, PROXY_LOOK_MS);
        for (unsigned who = 1; who <= p->machines_count; who++)
            if (fds[who - 1].revents != 0)
                proxy_accept(p, who);
        for (size_t i = 0; i < pairs_count;) {
            struct proxy_pair *pair = pairs[i];
            bool over = proxy_carry(p, &pair->sides[0], &pair->sides[1]);
            over |= proxy_carry(p, &pair->sides[1], &pair->sides[0]);
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

static bool proxy_listen(struct real_proxy *p, unsigned who)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    p->doors[who] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = p->doors[who] >= 0 && bind(p->doors[who], (struct sockaddr *)&at, len) == 0 &&
              listen(p->doors[who], 64) == 0 &&
              getsockname(p->doors[who], (struct sockaddr *)&at, &len) == 0;
    p->ports[who] = ntohs(at.sin_port);
    return ok;
}

struct real_proxy *real_proxy_create(unsigned machines_count)
{
    struct real_proxy *p = mem_zalloc(sizeof(*p));
    bool ok = p != NULL && machines_count <= PROXY_MACHINES_MAX;
    if (!ok)
        return NULL;
    p->machines_count = machines_count;
    p->shared =
        mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ok = p->shared != MAP_FAILED;
    for (unsigned who = 1; who <= machines_count; who++)
        ok = proxy_listen(p, who) && ok;
    p->pid = ok ? fork() : -1;
    if (p->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it has no life of its own */
        proxy_loop(p);
    }
    for (unsigned who = 1; who <= machines_count; who++)
        close(p->doors[who]);
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
    return p->ports[who];
}

void real_proxy_lead_to(struct real_proxy *p, unsigned who, unsigned target_port)
{
    p->shared->targets[who] = target_port;
}

void real_proxy_is_process(struct real_proxy *p, unsigned who, pid_t pid)
{
    p->shared->pids[who] = pid;
}

void real_proxy_cut(struct real_proxy *p, unsigned from, unsigned to, bool cut)
{
    p->shared->is_cut[from][to] = cut;
}

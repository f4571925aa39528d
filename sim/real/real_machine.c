#include "sim/real/real_machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/real/real_http.h"
#include "sim/script/words.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/json.h"

#define REAL_ASK_US     ((uint64_t)2 * 1000 * 1000)
#define REAL_COMES_US   ((uint64_t)20 * 1000 * 1000)
#define REAL_LOOK_US    ((uint64_t)100 * 1000) /* a look is good for so long */
#define REAL_LOOKING_US ((uint64_t)1000 * 1000)

#define REAL_DAY_MS "86400000"

enum { REAL_ARGS_MAX = 16, REAL_TEXT_SIZE = 256 };

/* ---- processes ---- */

struct real_env {
    char texts[REAL_ENV_MAX][REAL_TEXT_SIZE];
    size_t count;
};

static void real_env_set(struct real_env *e, const char *name, const char *value)
{
    ASSERT(e->count < REAL_ENV_MAX);
    snprintf(e->texts[e->count++], REAL_TEXT_SIZE, "CLUSTER_%s=%s", name, value);
}

static void real_env_port(struct real_env *e, const char *name, unsigned port)
{
    char address[64];
    snprintf(address, sizeof(address), "/ip4/127.0.0.1/tcp/%u", port);
    real_env_set(e, name, address);
}

/* stdout and stderr go to the end of `log`. `clock` NULL: the machine's. */
static pid_t real_spawn(const char *const *args, const struct real_env *env,
                        const struct real_clock *clock, const char *log)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves nobody behind */
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (out >= 0 && in >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0) {
        for (size_t i = 0; env != NULL && i < env->count; i++)
            putenv((char *)(uintptr_t)env->texts[i]);
        if (clock != NULL)
            real_clock_load(clock);
        execv(args[0], (char *const *)(uintptr_t)args);
    }
    _exit(127);
}

static bool real_run(const char *const *args, const struct real_env *env, const char *log)
{
    int status = 0;
    pid_t pid = real_spawn(args, env, NULL, log);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

enum { REAL_PORT_FIRST = 12000, REAL_PORT_COUNT = 20000 };

static bool real_port_is_free(unsigned port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    if (fd >= 0)
        close(fd);
    return is_free;
}

/* Another one at each call. Below those that the kernel gives to whoever connects: long before a peer listens on it, and while
 * it is down, nobody else may come to have it. */
static unsigned real_free_port(struct real_world *w)
{
    for (unsigned tries = 0; tries < REAL_PORT_COUNT; tries++) {
        unsigned port = REAL_PORT_FIRST + w->next_port++ % REAL_PORT_COUNT;
        if (real_port_is_free(port))
            return port;
    }
    return 0;
}

/* ---- stand-in daemons ---- */

/* Returns when it answers; its first address with its peer id in `address`, if wanted. */
static pid_t real_ipfs_start(const struct real_world *w, unsigned port, const char *log,
                             char address[128])
{
    char program[REAL_PATH_SIZE + 32], listen[64];
    snprintf(program, sizeof(program), "%s/ipfs-cluster-sim", w->programs);
    snprintf(listen, sizeof(listen), "/ip4/127.0.0.1/tcp/%u", port);
    char swarm[128] = "";
    memcpy(swarm, w->outside_address, sizeof(swarm));
    const char *args[] = { program, "ipfs", "--listen", listen, swarm[0] != '\0' ? "--swarm" : NULL,
                           swarm,   NULL };
    pid_t pid = real_spawn(args, NULL, NULL, log);
    uint64_t until_us = real_now_us() + REAL_COMES_US;
    int err = ERR_UNREACHABLE;
    while (pid > 0 && err != OK && real_now_us() < until_us) {
        struct http_reply reply = { 0 };
        err = real_ask(port, "POST", "/api/v0/id", (struct bytes){ NULL, 0 }, REAL_ASK_US, &reply);
        const char *id = err == OK ? strstr(buf_text(&reply.body), "\"ID\":\"") : NULL;
        if (id != NULL && address != NULL)
            snprintf(address, 128, "%s/p2p/%.*s", listen, (int)strcspn(id + 6, "\""), id + 6);
        http_reply_deinit(&reply);
        usleep(10000);
    }
    return err == OK ? pid : 0;
}

static void real_end(pid_t *pid, int signal)
{
    if (*pid <= 0)
        return;
    (void)kill(*pid, SIGCONT);
    (void)kill(*pid, signal);
    (void)waitpid(*pid, NULL, 0);
    *pid = 0;
}

int real_machine_fault(const struct real_machine *m, const char *query)
{
    char target[REAL_TEXT_SIZE];
    struct http_reply reply = { 0 };
    snprintf(target, sizeof(target), "/standin/v0/fault?%s", query);
    int err =
        real_ask(m->ipfs_port, "POST", target, (struct bytes){ NULL, 0 }, REAL_ASK_US, &reply);
    if (err == OK && reply.status != 200)
        err = ERR_INVALID;
    http_reply_deinit(&reply);
    return err;
}

int real_machine_refuse_ipfs(struct real_machine *m)
{
    m->ipfs_refuses = true;
    return real_machine_fault(m, "refuse=" REAL_DAY_MS);
}

/* One that refuses connections hears signals only; then it answers by and by. */
int real_machine_heal_ipfs(struct real_machine *m)
{
    uint64_t until_us = real_now_us() + REAL_COMES_US;
    if (m->ipfs_refuses)
        (void)kill(m->ipfs_pid, SIGUSR1);
    m->ipfs_refuses = false;
    int err;
    while ((err = real_machine_fault(m, "heal=true")) != OK && real_now_us() < until_us)
        usleep(10000);
    return err;
}

int real_machine_restart_ipfs(struct real_machine *m, struct buf *why)
{
    char log[REAL_PATH_SIZE + 16];
    snprintf(log, sizeof(log), "%s.ipfs.log", m->folder);
    real_end(&m->ipfs_pid, SIGKILL);
    m->ipfs_pid = real_ipfs_start(m->world, m->ipfs_port, log, NULL);
    if (m->ipfs_pid == 0)
        buf_printf(why, "the stand-in daemon of machine %u does not start: %s", m->who, log);
    return m->ipfs_pid == 0 ? ERR_UNREACHABLE : OK;
}

/* ---- the world around the machines ---- */

static bool real_world_sets_clocks(const struct script *script)
{
    bool wants = false;
    for (size_t i = 0; i < script->steps_count; i++)
        wants = wants || script->steps[i].verb == VERB_CLOCK;
    return wants && real_clock_is_there();
}

bool real_world_create(struct real_world *w, const struct script *script, uint64_t seed,
                       const char *programs, struct buf *why)
{
    *w = (struct real_world){ .script = script, .programs = programs };
    const char *tmp = getenv("TMPDIR");
    uint8_t secret[32];
    snprintf(w->folder, sizeof(w->folder), "%s/ipfs-cluster-real-XXXXXX",
             tmp != NULL ? tmp : P_tmpdir);
    if (mkdtemp(w->folder) == NULL || getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
        buf_printf(why, "no folder to work in: %s", w->folder);
        return false;
    }
    for (size_t i = 0; i < sizeof(secret); i++)
        snprintf(w->secret + 2 * i, 3, "%02x", secret[i]);
    w->sets_clocks = real_world_sets_clocks(script);
    w->next_port = (unsigned)getpid() * 64; /* runs side by side begin apart */
    char log[REAL_PATH_SIZE + 16];
    snprintf(log, sizeof(log), "%s/outside.log", w->folder);
    w->outside_port = real_free_port(w);
    char address[128] = "";
    w->outside_pid = real_ipfs_start(w, w->outside_port, log, address);
    memcpy(w->outside_address, address, sizeof(address));
    w->proxy = real_proxy_create(script->peers_count + script->spares_count, seed);
    if (w->outside_pid == 0 || w->proxy == NULL)
        buf_printf(why, "the stand-in daemon or the fault proxy does not start: %s", w->folder);
    return w->outside_pid != 0 && w->proxy != NULL;
}

static void real_remove(const char *folder)
{
    const char *args[] = { "/bin/rm", "-rf", "--", folder, NULL };
    (void)real_run(args, NULL, "/dev/null");
}

void real_world_destroy(struct real_world *w, bool keeps_folder)
{
    real_end(&w->outside_pid, SIGKILL);
    real_proxy_destroy(w->proxy);
    if (!keeps_folder && w->folder[0] != '\0')
        real_remove(w->folder);
}

/* ---- configuration ---- */

/* Names of the scenario's options, and of the environment that means the same. */
static const struct {
    const char *option;
    const char *variable;
} real_options[] = {
    { "heartbeat", "RAFT_HEARTBEATTIMEOUT" },
    { "election", "RAFT_ELECTIONTIMEOUT" },
    { "commit_timeout", "RAFT_NETWORKTIMEOUT" },
    { "trailing_logs", "RAFT_TRAILINGLOGS" },
    { "snapshot_threshold", "RAFT_SNAPSHOTTHRESHOLD" },
    { "snapshot_interval", "RAFT_SNAPSHOTINTERVAL" },
    { "max_voters", "MAXVOTERS" },
    { "voter_replace_after", "VOTERREPLACEAFTER" },
    { "repin_after", "REPINAFTER" },
    { "repair_at_once", "REPAIRATONCE" },
    { "repair_per_second", "REPAIRPERSECOND" },
    { "repair_bytes_per_second", "REPAIRBYTESPERSECOND" },
    { "repair_bytes_at_once", "REPAIRBYTESATONCE" },
    { "concurrent_pins", "STATELESS_CONCURRENTPINS" },
    { "pin_timeout", "IPFSHTTP_PINTIMEOUT" },
    { "unpin_timeout", "IPFSHTTP_UNPINTIMEOUT" },
    { "ipfs_timeout", "IPFSHTTP_IPFSREQUESTTIMEOUT" },
    { "connect_swarms", "IPFSHTTP_CONNECTSWARMSDELAY" },
    { "ipfs_sync", "IPFSSYNCINTERVAL" },
    { "pin_recover", "PINRECOVERINTERVAL" },
    { "shutdown_timeout", "SHUTDOWNTIMEOUT" },
};

/* Those that are more than another name. */
static const char *const real_options_made[] = { "metric_ttl", "factor", "repinning",
                                                 "leave_on_shutdown" };

bool real_machine_knows_option(struct bytes name)
{
    bool is_known = false;
    for (size_t i = 0; i < sizeof(real_options) / sizeof(real_options[0]); i++)
        is_known = is_known || word_is(name, real_options[i].option);
    for (size_t i = 0; i < sizeof(real_options_made) / sizeof(real_options_made[0]); i++)
        is_known = is_known || word_is(name, real_options_made[i]);
    return is_known;
}

static void real_env_option(struct real_env *e, const struct script_option *o)
{
    char value[64];
    uint64_t us = 0;
    int min = 0, max = 0;
    snprintf(value, sizeof(value), "%.*s", (int)o->value.len, (const char *)o->value.data);
    for (size_t i = 0; i < sizeof(real_options) / sizeof(real_options[0]); i++)
        if (word_is(o->name, real_options[i].option))
            real_env_set(e, real_options[i].variable, value);
    if (word_is(o->name, "metric_ttl") && word_time_us(o->value, &us)) {
        snprintf(value, sizeof(value), "%llums", (unsigned long long)(us / 2000));
        real_env_set(e, "MONITORPINGINTERVAL", value); /* a metric lives for two of them */
    } else if (word_is(o->name, "factor") && word_factor(o->value, &min, &max)) {
        snprintf(value, sizeof(value), "%d", min);
        real_env_set(e, "REPLICATIONFACTORMIN", value);
        snprintf(value, sizeof(value), "%d", max);
        real_env_set(e, "REPLICATIONFACTORMAX", value);
    } else if (word_is(o->name, "repinning")) {
        real_env_set(e, "DISABLEREPINNING", word_is(o->value, "on") ? "false" : "true");
    } else if (word_is(o->name, "leave_on_shutdown")) {
        real_env_set(e, "LEAVEONSHUTDOWN", word_is(o->value, "on") ? "true" : "false");
    }
}

static void real_machine_env(const struct real_machine *m, struct real_env *e)
{
    const struct script *s = m->world->script;
    char name[16];
    snprintf(name, sizeof(name), "peer%u", m->who);
    real_env_set(e, "PEERNAME", name);
    real_env_port(e, "LISTENMULTIADDRESS", m->listen_port);
    real_env_port(e, "ANNOUNCEMULTIADDRESS", real_proxy_door(m->world->proxy, m->who));
    real_env_port(e, "RESTAPI_HTTPLISTENMULTIADDRESS", m->rest_port);
    real_env_port(e, "IPFSPROXY_LISTENMULTIADDRESS", m->proxy_port);
    real_env_port(e, "IPFSPROXY_NODEMULTIADDRESS", m->ipfs_port);
    real_env_port(e, "IPFSHTTP_NODEMULTIADDRESS", m->ipfs_port);
    for (size_t i = 0; i < s->options_count; i++)
        real_env_option(e, &s->options[i]);
}

static bool real_machine_init(struct real_machine *m, const char *peers, struct buf *why)
{
    struct real_env env = { .count = 0 };
    char program[REAL_PATH_SIZE + 32];
    snprintf(program, sizeof(program), "%s/ipfs-cluster-service", m->world->programs);
    real_machine_env(m, &env);
    const char *args[] = { program,
                           "-c",
                           m->folder,
                           "init",
                           "--force",
                           "--custom-secret",
                           m->world->secret,
                           peers != NULL ? "--peers" : NULL,
                           peers,
                           NULL };
    if (real_run(args, &env, m->log))
        return true;
    buf_printf(why, "machine %u: init fails: %s", m->who, m->log);
    return false;
}

static bool real_read_file(const char *path, struct buf *out)
{
    char piece[4096];
    FILE *file = fopen(path, "re");
    for (size_t n; file != NULL && (n = fread(piece, 1, sizeof(piece), file)) > 0;)
        buf_append(out, piece, n);
    if (file != NULL)
        fclose(file);
    return file != NULL && out->err == OK;
}

static bool real_write_file(const char *path, const struct buf *text)
{
    FILE *file = fopen(path, "we");
    bool ok = file != NULL && fwrite(text->data, 1, text->len, file) == text->len;
    return file != NULL && fclose(file) == 0 && ok;
}

static bool real_machine_read_id(struct real_machine *m, struct buf *why)
{
    char path[REAL_PATH_SIZE + 32];
    struct buf text = { 0 };
    snprintf(path, sizeof(path), "%s/identity.json", m->folder);
    const char *id = real_read_file(path, &text) ? strstr(buf_text(&text), "\"id\"") : NULL;
    id = id != NULL ? strchr(id + 4, '"') : NULL;
    if (id != NULL)
        snprintf(m->id_text, sizeof(m->id_text), "%.*s", (int)strcspn(id + 1, "\""), id + 1);
    buf_deinit(&text);
    if (id != NULL && peer_id_parse(&m->id, m->id_text) == OK)
        return true;
    buf_printf(why, "machine %u: no peer id in %s", m->who, path);
    return false;
}

bool real_machine_create(struct real_world *w, struct real_machine *m, unsigned who,
                         struct buf *why)
{
    *m = (struct real_machine){ .world = w, .who = who };
    snprintf(m->folder, sizeof(m->folder), "%.*s/peer%u", REAL_PATH_SIZE - 16, w->folder, who);
    snprintf(m->log, sizeof(m->log), "%s.log", m->folder);
    snprintf(m->clock_file, sizeof(m->clock_file), "%s.clock", m->folder);
    m->clock.file = m->clock_file;
    if (real_clock_write(&m->clock) != OK)
        return false;
    m->rest_port = real_free_port(w);
    m->listen_port = real_free_port(w);
    m->proxy_port = real_free_port(w);
    m->ipfs_port = real_free_port(w);
    real_proxy_lead_to(w->proxy, who, m->listen_port);
    return real_machine_restart_ipfs(m, why) == OK && real_machine_init(m, NULL, why) &&
           real_machine_read_id(m, why);
}

bool real_machine_write_peers(struct real_machine *m, const struct real_machine *others,
                              unsigned count, struct buf *why)
{
    struct buf peers = { 0 };
    for (unsigned i = 0; i < count; i++)
        if (others[i].who != m->who)
            buf_printf(&peers, "%s/ip4/127.0.0.1/tcp/%u/p2p/%s", peers.len > 0 ? "," : "",
                       real_proxy_door(m->world->proxy, others[i].who), others[i].id_text);
    bool ok = peers.len == 0 || real_machine_init(m, buf_text(&peers), why);
    buf_deinit(&peers);
    return ok;
}

/* ---- life ---- */

int real_machine_start(struct real_machine *m, const struct real_machine *via, bool accepts,
                       struct buf *why)
{
    char program[REAL_PATH_SIZE + 32], bootstrap[256] = "";
    struct stat log = { 0 };
    if (m->pid != 0) {
        buf_printf(why, "peer %u runs already", m->who);
        return ERR_INVALID;
    }
    snprintf(program, sizeof(program), "%s/ipfs-cluster-service", m->world->programs);
    if (via != NULL)
        snprintf(bootstrap, sizeof(bootstrap), "/ip4/127.0.0.1/tcp/%u/p2p/%s",
                 real_proxy_door(m->world->proxy, via->who), via->id_text);
    const char *how = accepts ? "--accept-peers" : via != NULL ? "--bootstrap" : NULL;
    const char *args[] = { program, "-c", m->folder, "daemon", how, via != NULL ? bootstrap : NULL,
                           NULL };
    m->log_began = stat(m->log, &log) == 0 ? (long)log.st_size : 0;
    struct real_env env = { .count = 0 };
    real_env_port(&env, "ANNOUNCEMULTIADDRESS", real_proxy_door(m->world->proxy, m->who));
    m->pid = real_spawn(args, &env, m->world->sets_clocks ? &m->clock : NULL, m->log);
    m->was_started = true;
    m->looked_us = 0;
    real_proxy_is_process(m->world->proxy, m->who, m->pid);
    return m->pid > 0 ? OK : ERR_NOMEM;
}

int real_machine_edit_peers(struct real_machine *m, struct buf *why)
{
    char path[REAL_PATH_SIZE + 32];
    struct buf text = { 0 };
    snprintf(path, sizeof(path), "%s/service.json", m->folder);
    bool ok = m->pid == 0 && real_read_file(path, &text);
    char *list = ok ? strstr(buf_text(&text), "\"cluster_peers\"") : NULL;
    char *open = list != NULL ? strchr(list, '[') : NULL;
    char *end = open != NULL ? strchr(open, ']') : NULL;
    if (end != NULL)
        memset(open + 1, ' ', (size_t)(end - open - 1));
    ok = end != NULL && real_write_file(path, &text);
    buf_deinit(&text);
    if (!ok)
        buf_printf(why, "peer %u: cluster_peers of %s cannot be edited%s", m->who, path,
                   m->pid != 0 ? " while it runs" : "");
    return ok ? OK : ERR_INVALID;
}

static void real_machine_is_gone(struct real_machine *m)
{
    m->pid = 0;
    m->is_paused = false;
    m->looked_us = 0;
    real_proxy_is_process(m->world->proxy, m->who, 0);
}

void real_machine_signal(struct real_machine *m, int signal)
{
    if (m->pid == 0)
        return;
    (void)kill(m->pid, signal);
    m->looked_us = 0;
    if (signal == SIGSTOP || signal == SIGCONT)
        m->is_paused = signal == SIGSTOP;
    if (signal != SIGKILL)
        return;
    (void)waitpid(m->pid, NULL, 0);
    real_machine_is_gone(m);
}

void real_machine_reap(struct real_machine *m)
{
    if (m->pid != 0 && waitpid(m->pid, NULL, WNOHANG) == m->pid)
        real_machine_is_gone(m);
}

int real_machine_wipe(struct real_machine *m)
{
    char path[REAL_PATH_SIZE + 8];
    if (m->pid != 0)
        return ERR_INVALID;
    snprintf(path, sizeof(path), "%s/raft", m->folder);
    real_remove(path);
    return OK;
}

void real_machine_destroy(struct real_machine *m)
{
    real_end(&m->pid, SIGKILL);
    real_end(&m->ipfs_pid, SIGKILL);
}

/* ---- looking ---- */

/* The value of a line "NAME VALUE" of /metrics; 0 without. */
static uint64_t real_measure(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += len)
        if ((at == text || at[-1] == '\n') && at[len] == ' ')
            return strtoull(at + len + 1, NULL, 10);
    return 0;
}

/* What the log of this life says, which no measure does. */
static void real_log_look(const struct real_machine *m, struct stage_look *look)
{
    FILE *log = fopen(m->log, "re");
    char *line = NULL;
    size_t size = 0;
    if (log != NULL && fseek(log, m->log_began, SEEK_SET) == 0)
        while (getline(&line, &size, log) > 0) {
            bool is_in_place = strstr(line, " is in place: ") != NULL;
            look->is_ready = look->is_ready || strstr(line, "IPFS Cluster is ready") != NULL;
            look->has_installed = look->has_installed || is_in_place;
            if (strstr(line, "receiving the state up to entry ") != NULL)
                look->is_receiving = true;
            else if (is_in_place || strstr(line, " was not taken over: ") != NULL)
                look->is_receiving = false;
        }
    free(line);
    if (log != NULL)
        fclose(log);
}

static bool real_ask_role(const struct real_machine *m, bool *is_voter)
{
    struct http_reply reply = { 0 };
    bool ok = real_ask(m->rest_port, "GET", "/id", (struct bytes){ NULL, 0 }, REAL_LOOKING_US,
                       &reply) == OK;
    if (ok)
        *is_voter = strstr(buf_text(&reply.body), "\"role\":\"voter\"") != NULL;
    http_reply_deinit(&reply);
    return ok;
}

void real_machine_look(struct real_machine *m)
{
    uint64_t now_us = real_now_us();
    real_machine_reap(m);
    if (m->looked_us != 0 && !m->look_is_old && now_us - m->looked_us < REAL_LOOK_US)
        return;
    struct stage_look look = { .was_started = m->was_started,
                               .is_running = m->pid != 0,
                               .is_paused = m->is_paused,
                               .is_ready = m->look.is_ready && m->looked_us != 0,
                               .number = m->who };
    struct http_reply reply = { 0 };
    bool can_answer = m->pid != 0 && !m->is_paused;
    if (can_answer && real_ask(m->rest_port, "GET", "/metrics", (struct bytes){ NULL, 0 },
                               REAL_LOOKING_US, &reply) == OK) {
        const char *text = buf_text(&reply.body);
        real_log_look(m, &look);
        look.leads = real_measure(text, "holdfast_raft_is_leader") == 1;
        look.term = real_measure(text, "holdfast_raft_term");
        look.applied = real_measure(text, "holdfast_raft_applied_index");
        look.log_entries = real_measure(text, "holdfast_raft_log_entries");
        m->voters_count = (unsigned)real_measure(text, "holdfast_members{role=\"voter\"}");
        look.members = m->voters_count + real_measure(text, "holdfast_members{role=\"learner\"}") +
                       real_measure(text, "holdfast_members{role=\"leaving\"}");
        (void)real_ask_role(m, &m->is_voter);
        look.leader = real_measure(text, "holdfast_raft_has_leader"); /* that there is one */
    }
    http_reply_deinit(&reply);
    m->look = look;
    m->looked_us = now_us;
    m->look_is_old = false;
}

#include "tests/crash/daemon.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash/disk.h"

enum { PATIENCE_S = 30, PAUSE_US = 2000, PATH_SIZE = 1024 };

static const char one_more[] = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn";

struct daemon {
    pid_t pid;
    char log[PATH_SIZE];
    unsigned port; /* of REST; 0: not known yet */
    time_t until;
};

static time_t now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Looks again in a moment; false when it has looked for long enough, or the process is gone. */
static bool daemon_wait(struct daemon *d, struct buf *why)
{
    const struct timespec pause = { .tv_nsec = PAUSE_US * 1000 };
    int status;
    if (d->pid > 0 && waitpid(d->pid, &status, WNOHANG) == d->pid) {
        d->pid = -1;
        buf_printf(why, "the daemon ended (status %x): ", (unsigned)status);
        return false;
    }
    nanosleep(&pause, NULL);
    return now_s() < d->until;
}

static void daemon_start(struct daemon *d, const char *program, const char *folder)
{
    snprintf(d->log, sizeof(d->log), "%s.log", folder);
    (void)unlink(d->log); /* or its predecessor's port is found */
    d->until = now_s() + PATIENCE_S;
    d->pid = fork();
    if (d->pid < 0)
        crash_die("fork: %s", strerror(errno));
    if (d->pid > 0)
        return;
    int fd = open(d->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(98);
    execl(program, program, "-c", folder, "daemon", (char *)NULL);
    _exit(97);
}

/* The port, from the line that says it. */
static void daemon_find_port(struct daemon *d)
{
    char text[16384];
    static const char before[] = "RESTAPI (HTTP): /ip4/127.0.0.1/tcp/";
    int fd = open(d->log, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[len > 0 ? len : 0] = '\0';
    const char *at = strstr(text, before);
    if (at != NULL && strchr(at, '\n') != NULL)
        d->port = (unsigned)strtoul(at + strlen(before), NULL, 10);
}

/* ---- asking ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
    buf_append(owner, bytes, size * count);
    return size * count;
}

/* The status; 0: no answer. */
static long daemon_ask(const struct daemon *d, const char *method, const char *path,
                       struct buf *body)
{
    char url[256];
    long status = 0;
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        crash_die("no curl");
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", d->port, path);
    buf_clear(body);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PATIENCE_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    return status;
}

/* The text between `before` and the next quote, from *at on; moves *at behind it. */
static bool cut_out(const char **at, const char *before, const char **text, int *len)
{
    const char *from = strstr(*at, before);
    if (from == NULL)
        return false;
    *text = from + strlen(before);
    *len = (int)strcspn(*text, "\"");
    *at = *text + *len;
    return true;
}

/* /allocations as ledger_pins() writes it. Every pin has its name before its CID. */
static void list_pins(struct buf *body, struct buf *out)
{
    const char *at = buf_text(body), *name, *cid;
    int name_len, cid_len;
    while (cut_out(&at, "\"name\":\"", &name, &name_len) &&
           cut_out(&at, "\"cid\":\"", &cid, &cid_len))
        buf_printf(out, "%.*s %.*s\n", cid_len, cid, name_len, name);
}

static void daemon_compare(struct daemon *d, struct bytes pins, struct buf *why)
{
    struct buf body = { 0 }, listed = { 0 };
    bool is_same = false;
    long status;
    do {
        status = daemon_ask(d, "GET", "/allocations", &body);
        buf_clear(&listed);
        list_pins(&body, &listed);
        is_same = (status == 200 || status == 204) && bytes_equal(buf_bytes(&listed), pins);
    } while (!is_same && daemon_wait(d, why));
    if (!is_same)
        buf_printf(why, "status %ld, %zu bytes of pins were listed, not the %zu that had to be",
                   status, listed.len, pins.len);
    buf_deinit(&body);
    buf_deinit(&listed);
}

static void daemon_pin_one_more(struct daemon *d, struct buf *why)
{
    char path[128];
    struct buf body = { 0 };
    long status;
    snprintf(path, sizeof(path), "/pins/%s", one_more);
    do
        status = daemon_ask(d, "POST", path, &body);
    while (status != 200 && daemon_wait(d, why));
    if (status != 200)
        buf_printf(why, "it takes no pin: %ld %s", status, buf_text(&body));
    buf_deinit(&body);
}

bool daemon_judge(const char *program, const char *folder, struct bytes pins, struct buf *why)
{
    struct daemon d = { 0 };
    daemon_start(&d, program, folder);
    while (d.port == 0 && daemon_wait(&d, why))
        daemon_find_port(&d);
    if (d.port == 0)
        buf_append_text(why, "no REST");
    if (why->len == 0)
        daemon_compare(&d, pins, why);
    if (why->len == 0)
        daemon_pin_one_more(&d, why);
    if (d.pid > 0) {
        kill(d.pid, SIGKILL);
        waitpid(d.pid, NULL, 0);
    }
    return why->len == 0;
}

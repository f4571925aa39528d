#include "cmd_doors.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

/* ---- what the peer is told ---- */

static struct gate_texts doors_texts(const struct config_names *list)
{
    return (struct gate_texts){ list->at, list->count };
}

static int doors_copy(struct gate_pair **out, const struct config_pairs *list)
{
    *out = mem_array(list->count + 1, sizeof(**out));
    if (*out == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < list->count; i++)
        (*out)[i] = (struct gate_pair){ list->at[i].name, list->at[i].value };
    return OK;
}

static int doors_prepare_gate(struct doors *d)
{
    const struct config_restapi *c = &d->config->restapi;
    int err = doors_copy(&d->users, &c->users);
    if (err == OK)
        err = doors_copy(&d->headers, &c->headers);
    d->gate = (struct gate_options){
        .users = d->users,
        .users_count = c->users.count,
        .headers = d->headers,
        .headers_count = c->headers.count,
        .has_cors = true,
        .cors = { .origins = doors_texts(&c->cors_origins),
                  .methods = doors_texts(&c->cors_methods),
                  .headers = doors_texts(&c->cors_headers),
                  .exposed = doors_texts(&c->cors_exposed),
                  .allows_credentials = c->cors_credentials,
                  .max_age_us = c->cors_max_age_us },
    };
    return err;
}

/* Go's server counts a buffer of its own on top: what passes there passes here. */
static size_t doors_head_bytes(const struct config_http *http)
{
    enum { GO_SLOP_BYTES = 4096 };
    return (size_t)http->max_header_bytes + GO_SLOP_BYTES;
}

/* Relative paths are those of the configuration folder. */
static const char *doors_path(struct doors *d, const char *path, struct buf *room)
{
    return path[0] == '/' ? path : cmd_path(room, d->service, path);
}

static int doors_open_log(struct doors *d, const char *path, struct os_request_log **out,
                          struct buf *why)
{
    struct buf room = { 0 };
    if (path[0] == '\0')
        return OK;
    int err = os_request_log_open(out, d->loop, doors_path(d, path, &room), &d->service->log, why);
    buf_deinit(&room);
    return err;
}

int doors_prepare(struct doors *d, const struct service *service, const struct config *config,
                  struct os_loop *loop, struct peer_options *options, struct buf *why)
{
    *d = (struct doors){ .service = service, .config = config, .loop = loop };
    options->api_gate = &d->gate;
    options->api_head_bytes_max = doors_head_bytes(&config->restapi.http);
    options->proxy_head_bytes_max = doors_head_bytes(&config->ipfsproxy.http);
    options->proxy_extract_path = config->ipfsproxy.extract_path;
    options->proxy_extract_names = config->ipfsproxy.extract_names.at;
    options->proxy_extract_names_count = config->ipfsproxy.extract_names.count;
    options->proxy_extract_ttl_us = config->ipfsproxy.extract_ttl_us;
    int err = doors_prepare_gate(d);
    if (err == OK && config->restapi.enabled)
        err = doors_open_log(d, config->restapi.log_file, &d->api_log, why);
    if (err == OK && config->ipfsproxy.enabled)
        err = doors_open_log(d, config->ipfsproxy.log_file, &d->proxy_log, why);
    return err;
}

/* ---- listening ---- */

static int doors_open_api(void *owner, void (*on_progress)(void *progress_owner),
                          void *progress_owner, struct http_conn **out)
{
    struct doors *d = owner;
    return peer_http_open(d->peer, PEER_DOOR_API, on_progress, progress_owner, out);
}

static int doors_open_proxy(void *owner, void (*on_progress)(void *progress_owner),
                            void *progress_owner, struct http_conn **out)
{
    struct doors *d = owner;
    return peer_http_open(d->peer, PEER_DOOR_PROXY, on_progress, progress_owner, out);
}

static int doors_open_metrics(void *owner, void (*on_progress)(void *progress_owner),
                              void *progress_owner, struct http_conn **out)
{
    struct doors *d = owner;
    return peer_http_open(d->peer, PEER_DOOR_METRICS, on_progress, progress_owner, out);
}

/* Looked at often enough for the shortest of the time-outs. */
static uint64_t doors_sweep_us(const struct config_http *http)
{
    enum { OFTEN_US = 20 * 1000, SELDOM_US = 1000 * 1000 };
    const uint64_t limits[] = { http->read_timeout_us, http->read_header_timeout_us,
                                http->write_timeout_us, http->idle_timeout_us };
    uint64_t sweep_us = SELDOM_US;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (limits[i] > 0 && limits[i] / 4 < sweep_us)
            sweep_us = limits[i] / 4;
    }
    return sweep_us > OFTEN_US ? sweep_us : OFTEN_US;
}

static struct os_http_options doors_options(const struct config_http *http, struct os_tls *tls)
{
    struct os_http_options options = os_http_options_default();
    options.head_timeout_us = http->read_header_timeout_us;
    options.read_timeout_us = http->read_timeout_us;
    options.write_timeout_us = http->write_timeout_us;
    options.idle_timeout_us = http->idle_timeout_us;
    options.sweep_us = doors_sweep_us(http);
    options.tls = tls;
    return options;
}

static int doors_listen(struct doors *d, struct os_http *door, const char *name,
                        const struct config_addrs *addrs, struct buf *why)
{
    int err = OK;
    for (size_t i = 0; i < addrs->count && err == OK; i++) {
        struct multiaddr real;
        struct buf text = { 0 };
        err = os_http_listen(door, &addrs->at[i], &real, why);
        if (err == OK) {
            multiaddr_print(&real, &text);
            LOG_INFO(&d->service->log, "service", "%s: %s", name, buf_text(&text));
        }
        buf_deinit(&text);
    }
    return err;
}

/* ---- TLS ---- */

static int doors_open_tls(struct doors *d, struct buf *why)
{
    const struct config_restapi *c = &d->config->restapi;
    if (c->ssl_cert_file[0] == '\0')
        return OK;
    struct buf cert = { 0 }, key = { 0 };
    int err = os_tls_create(&d->tls, doors_path(d, c->ssl_cert_file, &cert),
                            doors_path(d, c->ssl_key_file, &key), why);
    buf_deinit(&cert);
    buf_deinit(&key);
    return err;
}

/* 127.0.0.0/8, ::1, unix sockets: nobody listens in there. */
static bool doors_are_private(const struct config_addrs *addrs)
{
    for (size_t i = 0; i < addrs->count; i++) {
        struct multiaddr_endpoint at;
        if (multiaddr_endpoint(&addrs->at[i], &at) == OK && strncmp(at.host, "127.", 4) != 0 &&
            strcmp(at.host, "::1") != 0)
            return false;
    }
    return true;
}

static void doors_warn(struct doors *d)
{
    const struct config_restapi *c = &d->config->restapi;
    if (d->tls != NULL || doors_are_private(&c->http_listen_multiaddress))
        return;
    LOG_WARN(&d->service->log, "service",
             c->users.count > 0
                 ? "passwords cross the network in the clear: set api.restapi.ssl_cert_file"
                 : "whoever reaches the REST API controls this cluster: set "
                   "api.restapi.basic_auth_credentials and ssl_cert_file");
}

/* ---- */

static const char *doors_api_name(const struct doors *d)
{
    if (d->config->restapi.users.count > 0)
        return d->tls != NULL ? "RESTAPI (HTTPS - authenticated)"
                              : "RESTAPI (HTTP - authenticated)";
    return d->tls != NULL ? "RESTAPI (HTTPS)" : "RESTAPI (HTTP)";
}

static int doors_start_api(struct doors *d, struct buf *why)
{
    const struct config_restapi *c = &d->config->restapi;
    struct os_http_hooks hooks = { .on_open = doors_open_api, .owner = d };
    int err = doors_open_tls(d, why);
    if (err != OK)
        return err;
    struct os_http_options options = doors_options(&c->http, d->tls);
    err = os_http_create(&d->api, d->loop, &options, &hooks, &d->service->log);
    if (err == OK)
        err = doors_listen(d, d->api, doors_api_name(d), &c->http_listen_multiaddress, why);
    if (err == OK)
        doors_warn(d);
    return err;
}

static int doors_start_proxy(struct doors *d, struct buf *why)
{
    const struct config_ipfsproxy *c = &d->config->ipfsproxy;
    struct os_http_hooks hooks = { .on_open = doors_open_proxy, .owner = d };
    struct os_http_options options = doors_options(&c->http, NULL);
    int err = os_http_create(&d->proxy, d->loop, &options, &hooks, &d->service->log);
    return err == OK ? doors_listen(d, d->proxy, "IPFS Proxy", &c->listen_multiaddress, why) : err;
}

static int doors_start_metrics(struct doors *d, struct buf *why)
{
    struct multiaddr at = d->config->observations.prometheus_endpoint;
    struct config_addrs addrs = { .at = &at, .count = 1 };
    struct os_http_hooks hooks = { .on_open = doors_open_metrics, .owner = d };
    struct os_http_options options = doors_options(&d->config->restapi.http, NULL);
    int err = os_http_create(&d->metrics, d->loop, &options, &hooks, &d->service->log);
    return err == OK ? doors_listen(d, d->metrics, "Metrics", &addrs, why) : err;
}

int doors_open(struct doors *d, struct peer *peer, struct buf *why)
{
    int err = OK;
    d->peer = peer;
    if (d->config->restapi.enabled)
        err = doors_start_api(d, why);
    if (err == OK && d->config->ipfsproxy.enabled)
        err = doors_start_proxy(d, why);
    if (err == OK && d->config->observations.enable_stats)
        err = doors_start_metrics(d, why);
    return err;
}

void doors_close(struct doors *d)
{
    os_http_destroy(d->api);
    os_http_destroy(d->proxy);
    os_http_destroy(d->metrics);
    os_tls_destroy(d->tls);
    os_request_log_close(d->api_log); /* the servers have told the last of their requests */
    os_request_log_close(d->proxy_log);
    mem_free(d->users);
    mem_free(d->headers);
}

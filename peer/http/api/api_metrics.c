/* api_metrics.c -- GET /metrics, in the text format of Prometheus (version 0.0.4): on the REST API's own addresses behind
 * its users, and on observations.metrics.prometheus_endpoint without. */
#include <string.h>

#include "http/api/api_int.h"

static void metrics_write(const struct api_measure *m, bool is_first, struct buf *out)
{
    if (is_first)
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                   m->is_counter ? "counter" : "gauge");
    buf_append_text(out, m->name);
    if (m->label != NULL)
        buf_printf(out, "{%s}", m->label);
    if (m->is_milli)
        buf_printf(out, " %llu.%03llu\n", (unsigned long long)(m->value / 1000),
                   (unsigned long long)(m->value % 1000));
    else
        buf_printf(out, " %llu\n", (unsigned long long)m->value);
}

API_HANDLER(api_get_prometheus)
{
    static const struct http_field type =
        HTTP_FIELD("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    (void)params;
    struct api *api = owner;
    struct arena arena = { 0 };
    struct buf text = { 0 };
    const struct api_measure *measures;
    size_t count = 0;
    int err = api->ops->measures(api->impl, &arena, &measures, &count);
    for (size_t i = 0; err == OK && i < count; i++)
        metrics_write(&measures[i], i == 0 || strcmp(measures[i].name, measures[i - 1].name) != 0,
                      &text);
    err = err == OK ? text.err : err;
    if (err == OK) {
        http_reply_begin(x, 200, &type, 1, (int64_t)text.len);
        http_reply_write(x, text.data, text.len);
        http_reply_end(x, NULL, 0);
    } else {
        api_reply_err(x, err, NULL);
    }
    buf_deinit(&text);
    arena_deinit(&arena);
}

void api_on_metrics_request(void *owner, struct http_exchange *x)
{
    static const struct http_route routes[] = { { "GET", "/metrics", api_get_prometheus } };
    http_route_dispatch(routes, 1, owner, x, NULL, 0);
}

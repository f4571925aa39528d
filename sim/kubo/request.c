/* What was asked. Kubo finds the command by walking the path, takes what is left of it as arguments, and
 * ignores options it does not know. Its answers to what is wrong come before anything is done, in
 * an order of their own, most of them in plain text. */
#include "sim/kubo/standin_int.h"

#include <stdlib.h>
#include <string.h>

#include "http/wire/parse.h"
#include "util/duration.h"
#include "util/err.h"

/* ---- arguments and options ---- */

static void request_add_arg(struct standin_op *op, struct bytes text)
{
    const char **args = op_alloc(op, (op->args_count + 1) * sizeof *args);
    if (op->args_count > 0)
        memcpy(args, op->args, op->args_count * sizeof *args);
    args[op->args_count] = op_copy(op, text);
    op->args = args;
    op->args_count += 1;
}

static void request_add_param(struct standin_op *op, const char *name, struct bytes value)
{
    struct standin_param *params = op_alloc(op, (op->params_count + 1) * sizeof *params);
    if (op->params_count > 0)
        memcpy(params, op->params, op->params_count * sizeof *params);
    params[op->params_count] = (struct standin_param){ name, op_copy(op, value) };
    op->params = params;
    op->params_count += 1;
}

/* "/a/b" behind the command: arguments a and b. */
static void request_read_path_args(struct standin_op *op, const char *rest)
{
    while (*rest == '/') {
        struct buf text = { 0 };
        size_t len = strcspn(rest + 1, "/");
        http_percent_decode(&text, rest + 1, len, false);
        request_add_arg(op, standin_bytes(&text));
        buf_deinit(&text);
        rest += 1 + len;
    }
}

static void request_read_query(struct standin_op *op, const char *query)
{
    struct buf name = { 0 }, value = { 0 };
    int err;
    while ((err = http_query_next(&query, &name, &value)) != ERR_NOT_FOUND) {
        if (err != OK)
            continue;
        if (strcmp(buf_text(&name), "arg") == 0)
            request_add_arg(op, standin_bytes(&value));
        else
            request_add_param(op, op_copy(op, standin_bytes(&name)), standin_bytes(&value));
    }
    buf_deinit(&name);
    buf_deinit(&value);
}

static bool flag_parse(const char *text, bool *out)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", "" };
    static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(text, yes[i]) == 0) {
            *out = true;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (strcmp(text, no[i]) == 0) {
            *out = false;
            return true;
        }
    }
    return false;
}

static bool number_parse(const char *text, int64_t *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    return text[0] != 0 && *end == 0;
}

/* The first that was given under either name. */
static const char *op_param(const struct standin_op *op, const char *name, const char *short_name)
{
    for (size_t i = 0; i < op->params_count; i++) {
        if (strcmp(op->params[i].name, name) == 0 ||
            (short_name != NULL && strcmp(op->params[i].name, short_name) == 0))
            return op->params[i].value;
    }
    return NULL;
}

static bool request_check_options(struct standin_op *op, const struct standin_option *options)
{
    static const char *const kinds[] = { "string", "bool", "int", "int64" };
    for (const struct standin_option *o = options; o->name != NULL; o++) {
        const char *value = op_param(op, o->name, o->short_name);
        bool flag;
        int64_t number;
        if (value == NULL || o->kind == OPTION_TEXT ||
            (o->kind == OPTION_FLAG ? flag_parse(value, &flag) : number_parse(value, &number)))
            continue;
        answer_plain(op, 400, "could not convert value \"%s\" to type \"%s\" (for option \"-%s\")",
                     value, kinds[o->kind], o->name);
        return false;
    }
    return true;
}

static const char *op_option(const struct standin_op *op, const char *name)
{
    for (const struct standin_option *o = op->command->options; o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0)
            return op_param(op, name, o->short_name);
    }
    return op_param(op, name, NULL); /* those that every command has: offline */
}

const char *op_text(const struct standin_op *op, const char *name, const char *otherwise)
{
    const char *value = op_option(op, name);
    return value != NULL ? value : otherwise;
}

bool op_flag(const struct standin_op *op, const char *name, bool otherwise)
{
    const char *value = op_option(op, name);
    bool flag = otherwise;
    if (value != NULL)
        flag_parse(value, &flag);
    return flag;
}

int64_t op_number(const struct standin_op *op, const char *name, int64_t otherwise)
{
    const char *value = op_option(op, name);
    int64_t number = otherwise;
    if (value != NULL)
        number_parse(value, &number);
    return number;
}

/* ---- who asks ---- */

static bool text_begins(struct bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* Pages may only ask if they come from the API's own address: "http://127.0.0.1:5001". */
static bool request_origin_is_own(const struct standin_op *op, struct bytes origin)
{
    struct multiaddr addr;
    struct multiaddr_endpoint end;
    if (multiaddr_parse(&addr, op->s->options.api_address) != OK ||
        multiaddr_endpoint(&addr, &end) != OK)
        return false;
    const char *hosts[] = { end.host, "127.0.0.1", "localhost", "[::1]" };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct buf own = { 0 };
        buf_printf(&own, "http://%s:%u", hosts[i], (unsigned)end.port);
        bool is_own = text_begins(origin, buf_text(&own)) &&
                      (origin.len == own.len || ((const char *)origin.data)[own.len] == '/');
        buf_deinit(&own);
        if (is_own)
            return true;
    }
    return false;
}

/* A browser's request from elsewhere is refused. */
static bool request_may_ask(struct standin_op *op)
{
    struct bytes origin = http_request_field(&op->x->request, "Origin");
    struct bytes referer = http_request_field(&op->x->request, "Referer");
    struct bytes agent = http_request_field(&op->x->request, "User-Agent");
    if (origin.data != NULL && request_origin_is_own(op, origin))
        op->origin = op_copy(op, origin);
    return (origin.data == NULL || op->origin != NULL) &&
           (referer.data == NULL || request_origin_is_own(op, referer)) &&
           !(text_begins(agent, "Mozilla") && origin.data == NULL);
}

static bool request_is_multipart(const struct standin_op *op)
{
    return op->x->request.has_body &&
           text_begins(http_request_field(&op->x->request, "Content-Type"), "multipart/");
}

/* ---- all of it ---- */

/* "/api/v0/pin/ls" -> "pin/ls"; what is elsewhere is answered. */
static const char *request_command_path(struct standin_op *op)
{
    static const char api[] = "/api/v0";
    const char *path = op->x->request.path;
    if (strncmp(path, "//", 2) == 0) {
        answer_redirect(op, path + strspn(path, "/") - 1);
        return NULL;
    }
    if (strcmp(path, "/standin/v0/pin/ls") == 0) {
        op->is_spared = true;
        return "pin/ls";
    }
    if (strncmp(path, "/standin/v0/", strlen("/standin/v0/")) == 0) {
        request_read_query(op, op->x->request.query);
        fault_control(op);
        return NULL;
    }
    if (strcmp(path, api) == 0) {
        answer_redirect(op, "/api/v0/");
        return NULL;
    }
    if (strncmp(path, api, sizeof api - 1) != 0 || path[sizeof api - 1] != '/') {
        answer_elsewhere(op);
        return NULL;
    }
    return path + sizeof api;
}

/* False: answered. */
static bool request_check_method(struct standin_op *op)
{
    const char *method = op->x->request.method;
    bool may_ask = request_may_ask(op);
    if (strcmp(method, "OPTIONS") == 0) {
        answer_options(op);
        return false;
    }
    if (strcmp(method, "POST") != 0) {
        answer_plain(op, 405, "405 - Method Not Allowed");
        return false;
    }
    if (!may_ask) {
        answer_plain(op, 403, "403 - Forbidden");
        return false;
    }
    return true;
}

/* timeout=: an error of its own kind: 200, and nothing was done. */
static bool request_read_timeout(struct standin_op *op)
{
    const char *text = op_param(op, "timeout", NULL);
    int64_t timeout_us;
    if (text == NULL)
        return true;
    if (duration_parse(&timeout_us, (struct bytes){ text, strlen(text) }) != OK || timeout_us < 0) {
        answer_nothing(op);
        return false;
    }
    op->deadline_us = standin_now(op->s) + (uint64_t)timeout_us;
    return true;
}

static bool request_check_encoding(struct standin_op *op)
{
    const char *encoding = op_param(op, "encoding", NULL);
    if (encoding == NULL || strcmp(encoding, "json") == 0)
        return true;
    if (strcmp(encoding, "xml") == 0 || strcmp(encoding, "text") == 0)
        answer_cannot(op, "answers in XML or text");
    else
        answer_bad_encoding(op, encoding);
    return false;
}

static bool request_check_body(struct standin_op *op, const struct standin_command *command)
{
    if (command->body == NULL || request_is_multipart(op))
        return true;
    answer_plain(op, 400, "file argument '%s' is required", command->body);
    return false;
}

static bool request_check_args(struct standin_op *op, const struct standin_command *command)
{
    if (op->args_count >= command->args_min)
        return true;
    answer_plain(op, 400, "argument \"%s\" is required", command->args[op->args_count]);
    return false;
}

const struct standin_command *request_read(struct standin_op *op)
{
    const char *rest = "";
    const char *path = request_command_path(op);
    if (path == NULL)
        return NULL;
    const struct standin_command *command = command_find(path, &rest);
    bool beyond_us =
        command_is_beyond_us(path) && (command == NULL || strcmp(command->path, path) != 0);
    if (command == NULL && !beyond_us && !command_is_group(path)) {
        answer_plain(op, 404, "404 page not found");
        return NULL;
    }
    if (!request_check_method(op))
        return NULL;
    if (beyond_us) {
        answer_cannot(op, path);
        return NULL;
    }
    if (command == NULL) {
        answer_begin_lines(op);
        answer_end(op);
        return NULL;
    }
    request_read_path_args(op, rest);
    request_read_query(op, op->x->request.query);
    bool is_good = request_check_body(op, command) && request_check_options(op, command->options) &&
                   request_check_args(op, command) && request_read_timeout(op) &&
                   request_check_encoding(op);
    return is_good ? command : NULL;
}

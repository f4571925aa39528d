/* What goes wrong by request: /standin/v0/fault?slow=100&command=pin/add. It replaces all faults
 * that were set before, says which are set now, and is never hit by one itself. */
#include "sim/kubo/standin_int.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"

bool fault_wants(const struct standin *s, const struct standin_op *op)
{
    const struct standin_faults *f = &s->faults;
    bool any = f->slow_us > 0 || f->hang || f->error_status != 0 || f->half_answer || f->stall ||
               f->garbage;
    return any && (f->command[0] == 0 || strcmp(f->command, op->command->path) == 0);
}

static void fault_tell(struct standin_op *op)
{
    const struct standin_faults *f = &op->s->faults;
    uint64_t now_us = standin_now(op->s);
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    json_object_begin(&w);
    json_key_u64(&w, "slow", f->slow_us / 1000);
    json_key_bool(&w, "hang", f->hang);
    json_key_string(&w, "error", f->error_text);
    json_key_i64(&w, "status", f->error_status);
    json_key_bool(&w, "half-answer", f->half_answer);
    json_key_bool(&w, "stall", f->stall);
    json_key_bool(&w, "garbage", f->garbage);
    json_key_string(&w, "command", f->command);
    json_key_u64(&w, "count", f->requests_left);
    if (f->lies)
        json_key_u64(&w, "free", f->free_bytes);
    json_key_u64(&w, "refuse",
                 f->refuse_until_us > now_us ? (f->refuse_until_us - now_us) / 1000 : 0);
    json_object_end(&w);
    answer_document(op, &json);
}

static bool fault_copy(char *out, size_t size, const char *text)
{
    if (strlen(text) >= size)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* "true", "1" or nothing: on. */
static bool fault_flag(const char *value, bool *out)
{
    *out = *value == 0 || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    return *out || strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
}

static bool fault_number(const char *value, uint64_t *out)
{
    char *end;
    *out = strtoull(value, &end, 10);
    return *value >= '0' && *value <= '9' && *end == 0 && *out <= UINT64_MAX / 1000000;
}

/* One pair of the query. False: it is none of ours, or its value is bad. */
static bool fault_read(struct standin_op *op, const struct standin_param *p,
                       struct standin_faults *f)
{
    uint64_t number = 0;
    struct cid cid;
    if (strcmp(p->name, "hang") == 0)
        return fault_flag(p->value, &f->hang);
    if (strcmp(p->name, "half-answer") == 0)
        return fault_flag(p->value, &f->half_answer);
    if (strcmp(p->name, "stall") == 0)
        return fault_flag(p->value, &f->stall);
    if (strcmp(p->name, "garbage") == 0)
        return fault_flag(p->value, &f->garbage);
    if (strcmp(p->name, "command") == 0)
        return fault_copy(f->command, sizeof f->command, p->value);
    if (strcmp(p->name, "error") == 0) {
        f->error_status = f->error_status == 0 ? 500 : f->error_status;
        return fault_copy(f->error_text, sizeof f->error_text, p->value);
    }
    if (strcmp(p->name, "lose-pin") == 0)
        return cid_parse(&cid, p->value) == OK && standin_lose_pin(op->s, &cid);
    if (strcmp(p->name, "lose-block") == 0)
        return cid_parse(&cid, p->value) == OK && standin_lose_block(op->s, &cid);
    if (!fault_number(p->value, &number))
        return false;
    if (strcmp(p->name, "slow") == 0)
        f->slow_us = number * 1000;
    else if (strcmp(p->name, "refuse") == 0)
        f->refuse_until_us = standin_now(op->s) + number * 1000;
    else if (strcmp(p->name, "count") == 0)
        f->requests_left = number;
    else if (strcmp(p->name, "free") == 0)
        f->lies = true, f->free_bytes = number;
    else if (strcmp(p->name, "status") == 0 && number >= 200 && number <= 599)
        f->error_status = (int)number;
    else
        return false;
    return true;
}

void fault_control(struct standin_op *op)
{
    struct standin_faults faults = { 0 };
    if (strcmp(op->x->request.path, "/standin/v0/fault") != 0) {
        answer_plain(op, 404, "404 page not found");
        return;
    }
    bool changes_faults = false;
    for (size_t i = 0; i < op->params_count; i++) {
        const struct standin_param *p = &op->params[i];
        if (strcmp(p->name, "heal") != 0 && !fault_read(op, p, &faults)) {
            answer_plain(op, 400, "%s=%s: no such fault, or nothing to apply it to", p->name,
                         p->value);
            return;
        }
        changes_faults |= strncmp(p->name, "lose-", 5) != 0;
    }
    if (changes_faults)
        standin_set_faults(op->s, &faults);
    fault_tell(op);
}

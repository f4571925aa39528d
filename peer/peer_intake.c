/* peer_intake.c -- uploads into this peer's own daemon, whoever's client they come from, and the frames that carry them.
 *
 * A peer that is a replica of its own client's upload says the same things to itself as to another one, without a frame. */
#include "peer_int.h"

#include <string.h>

#include "upload/intake.h"
#include "util/err.h"

/* ---- frames ---- */

int peer_upload_say(struct peer *p, const struct peer_id *to, const struct upload_msg *m)
{
    if (peer_id_equal(to, &p->options.id)) {
        p->uploads.has_moved = true;
        peer_upload_on_msg(p, to, m);
        return OK;
    }
    buf_clear(&p->scratch);
    frame_head_put(&p->scratch, FRAME_UPLOAD, &p->cluster);
    upload_msg_encode(m, &p->scratch);
    if (p->scratch.err != OK)
        return ERR_BUSY;
    return transport_send(&p->ports.transport, to, STREAM_UPLOADS, p->scratch.data, p->scratch.len);
}

void peer_on_upload_frame(struct peer *p, const struct peer_id *from, const struct frame *frame)
{
    struct upload_msg m;
    bool is_member = p->raft != NULL && !cluster_id_is_none(&p->cluster) &&
                     cluster_id_equal(&p->cluster, &frame->cluster) &&
                     raft_config_member_by_id(raft_config(p->raft), from) != NULL;
    if (!is_member)
        return;
    int err = upload_msg_decode(&m, frame->body);
    if (err != OK)
        peer_bad_frame(p, from, err);
    else
        peer_upload_on_msg(p, from, &m);
    if (err == ERR_VERSION && upload_msg_decode_head(&m, frame->body) == OK)
        peer_upload_on_newer(p, from, &m);
}

/* ---- intakes ---- */

static struct intake *peer_intake_find(struct peer *p, const struct peer_id *from, uint64_t id)
{
    list_for_each (at, &p->uploads.intakes) {
        struct intake *i = list_entry(at, struct intake, link);
        if (i->id == id && peer_id_equal(&i->from, from))
            return i;
    }
    return NULL;
}

static int peer_intake_send(void *owner, const struct peer_id *to, const struct upload_msg *m)
{
    return peer_upload_say(owner, to, m);
}

static void peer_intake_changed(void *owner)
{
    struct peer *p = owner;
    if (p->life == PEER_STOPPED)
        return;
    peer_enter(p);
    peer_leave(p);
}

static void peer_intake_refuse(struct peer *p, const struct peer_id *from, uint64_t id, int err,
                               const char *why)
{
    struct upload_msg refusal = {
        .type = UPLOAD_RESULT, .id = id, .err = err, .text = { why, strlen(why) }
    };
    (void)peer_upload_say(p, from, &refusal);
}

static void peer_intake_open(struct peer *p, const struct peer_id *from, const struct upload_msg *m)
{
    struct intake_hooks hooks = { .send = peer_intake_send,
                                  .on_change = peer_intake_changed,
                                  .owner = p };
    struct intake *i;
    int err = p->is_stopping ? ERR_CANCELED : ERR_BUSY;
    if (p->uploads.intakes_count < p->options.uploads_max && !p->is_stopping)
        err = intake_create(&i, &p->ports.http_client, from, m, p->now_us, &hooks);
    if (err == OK) {
        list_push_back(&p->uploads.intakes, &i->link);
        p->uploads.intakes_count += 1;
        return;
    }
    peer_intake_refuse(p, from, m->id, err, "");
}

void peer_intake_on_msg(struct peer *p, const struct peer_id *from, const struct upload_msg *m)
{
    struct intake *i = peer_intake_find(p, from, m->id);
    if (i != NULL)
        intake_on_msg(i, p->now_us, m);
    else if (m->type == UPLOAD_OPEN)
        peer_intake_open(p, from, m);
    else if (m->type == UPLOAD_DATA || m->type == UPLOAD_END) /* it waits for an answer */
        peer_intake_refuse(p, from, m->id, ERR_CLOSED, "that peer knows nothing of the upload");
}

void peer_intake_on_newer(struct peer *p, const struct peer_id *from, const struct upload_msg *head)
{
    struct intake *i = peer_intake_find(p, from, head->id);
    if (i != NULL)
        intake_on_newer(i, p->now_us);
    else if (head->type == UPLOAD_OPEN)
        peer_intake_refuse(p, from, head->id, ERR_VERSION, INTAKE_NEWER_TEXT);
}

void peer_intakes_step(struct peer *p)
{
    list_for_each_safe (at, after, &p->uploads.intakes) {
        struct intake *i = list_entry(at, struct intake, link);
        intake_step(i, p->now_us);
        if (intake_is_over(i)) {
            intake_destroy(i);
            p->uploads.intakes_count -= 1;
        }
    }
}

void peer_intakes_cancel(struct peer *p, const struct peer_id *from)
{
    list_for_each (at, &p->uploads.intakes) {
        struct intake *i = list_entry(at, struct intake, link);
        if (from == NULL || peer_id_equal(&i->from, from))
            intake_cancel(i);
    }
}

/* No call will complete any more. */
void peer_intakes_end(struct peer *p)
{
    while (!list_is_empty(&p->uploads.intakes))
        intake_destroy(list_entry(p->uploads.intakes.next, struct intake, link));
}

uint64_t peer_intakes_deadline_us(const struct peer *p)
{
    uint64_t due = RAFT_NEVER;
    list_for_each (at, &p->uploads.intakes) {
        uint64_t one = intake_deadline_us(list_entry(at, struct intake, link));
        due = one < due ? one : due;
    }
    return due;
}

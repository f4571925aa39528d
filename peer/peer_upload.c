/* peer_upload.c -- POST /add: an upload of a client of this peer, from the question who gets it to its pin.
 *
 *      client ---> upload/ ---> the leader: who would hold it? ---> their daemons, all at once ---> pin, through the log
 *
 * The pin is proposed with those as the client's preference who have the content now; who was left out is preferred
 * after them, and fetches it like any other pin. */
#include "peer_int.h"

#include <string.h>

#include "peer_doors.h"
#include "upload/upload.h"
#include "util/err.h"
#include "util/mem.h"

struct peer_upload {
    struct list_link link; /* in p->uploads.list */
    struct peer *peer;
    struct api_add *add; /* NULL: the client has gone, or has its answer */
    struct upload *upload;
    struct peer_placing placing;
    uint64_t place_at_us; /* asked again then; RAFT_NEVER: it is under way, or known */
    uint64_t place_until_us;
    struct peer_id *chosen; /* whoever shall hold it */
    size_t chosen_count;
    struct peer_id *preferred; /* the same, those first who have it */
    struct api_call call;      /* the pin's */
    bool call_runs;
};

static void peer_upload_free(struct peer_upload *up)
{
    struct peer *p = up->peer;
    list_remove(&up->link);
    p->uploads.count -= 1;
    peer_place_forget(&up->placing);
    if (up->call_runs)
        peer_write_forget(p, &up->call);
    if (p->life != PEER_STOPPED)
        upload_cancel(up->upload);
    upload_destroy(up->upload);
    mem_free(up->chosen);
    mem_free(up->preferred);
    mem_free(up);
}

/* The client's answer, which takes `add` away. */
static void peer_upload_answer(struct peer_upload *up, int err, const char *why)
{
    struct api_add *add = up->add;
    up->add = NULL;
    if (add != NULL)
        add->done(add, err, why);
    peer_upload_free(up);
}

/* ---- the pin ---- */

static void peer_upload_pinned(struct api_call *call, int err, const char *why)
{
    struct peer_upload *up = call->owner;
    struct buf text = { 0 };
    up->call_runs = false;
    if (err != OK)
        buf_printf(&text, "the content was added, but not pinned in the cluster: %s",
                   why != NULL && why[0] != '\0' ? why : err_text(err));
    peer_upload_answer(up, err, buf_text(&text));
    buf_deinit(&text);
}

static size_t peer_upload_prefer(struct peer_upload *up)
{
    size_t count = 0;
    for (int held = 1; held >= 0; held--) {
        for (size_t i = 0; i < up->chosen_count; i++) {
            if (upload_is_held_by(up->upload, &up->chosen[i]) == held)
                up->preferred[count++] = up->chosen[i];
        }
    }
    return count;
}

static void peer_upload_pin(struct peer_upload *up, const struct cid *root)
{
    struct buf why = { 0 };
    up->call.pin = up->add->pin;
    up->call.pin.cid = *root;
    up->call.priority = up->preferred;
    up->call.priority_count = peer_upload_prefer(up);
    up->call.done = peer_upload_pinned;
    up->call.owner = up;
    int err = peer_write_pin(up->peer, &up->call, &why);
    up->call_runs = err == OK;
    if (err != OK)
        peer_upload_pinned(&up->call, err, buf_text(&why));
    buf_deinit(&why);
}

/* ---- the upload ---- */

static int peer_upload_send(void *owner, const struct peer_id *to, const struct upload_msg *m)
{
    struct peer_upload *up = owner;
    return peer_upload_say(up->peer, to, m);
}

static bool peer_upload_on_row(void *owner, const struct upload_row *row)
{
    struct peer_upload *up = owner;
    struct api_added added = {
        .name = row->name, .cid = row->cid, .bytes = row->bytes, .size = row->size
    };
    return up->add == NULL || up->add->on_row(up->add, &added);
}

static void peer_upload_on_room(void *owner)
{
    struct peer_upload *up = owner;
    if (up->add != NULL)
        up->add->on_room(up->add);
}

static void peer_upload_on_left_out(void *owner, const struct peer_id *replica, int err,
                                    const char *why)
{
    struct peer_upload *up = owner;
    if (err != ERR_CANCELED)
        LOG_WARN(up->peer->log, "add", "peer %s is left out of an upload: %s",
                 peer_id_print(replica).text, why);
}

static void peer_upload_on_done(void *owner, int err, const struct cid *root, const char *why)
{
    struct peer_upload *up = owner;
    if (err == OK && !up->add->is_not_pinned)
        peer_upload_pin(up, root);
    else
        peer_upload_answer(up, err, why);
}

/* ---- who gets it ---- */

static bool peer_upload_has_chosen(const struct peer_upload *up, const struct peer_id *id)
{
    for (size_t i = 0; i < up->chosen_count; i++) {
        if (peer_id_equal(&up->chosen[i], id))
            return true;
    }
    return false;
}

/* ?local=true: only this peer's daemon gets it, and this peer holds it, unless the client named others. */
static void peer_upload_start_local(struct peer_upload *up)
{
    const struct peer_id *self = &up->peer->options.id;
    bool is_free = up->add->priority_count == 0 && up->add->pin.replication_max >= 0;
    if (is_free && !peer_upload_has_chosen(up, self))
        up->chosen[up->chosen_count - 1] = *self;
    upload_start(up->upload, up->peer->now_us, self, 1, 1);
}

/* This peer first, whose daemon is the nearest. */
static void peer_upload_start(struct peer_upload *up)
{
    const struct peer_id *self = &up->peer->options.id;
    for (size_t i = 1; i < up->chosen_count; i++) {
        if (peer_id_equal(&up->chosen[i], self)) {
            up->chosen[i] = up->chosen[0];
            up->chosen[0] = *self;
        }
    }
    size_t minimum = up->add->pin.replication_min > 0 ? (size_t)up->add->pin.replication_min : 1;
    minimum = minimum < up->chosen_count ? minimum : up->chosen_count;
    upload_start(up->upload, up->peer->now_us, up->chosen, up->chosen_count, minimum);
}

static void peer_upload_placed(struct peer_placing *placing, int err, const struct peer_id *peers,
                               size_t count, const char *why)
{
    struct peer_upload *up = list_entry(placing, struct peer_upload, placing);
    if (err == ERR_NO_LEADER && up->peer->now_us < up->place_until_us) {
        up->place_at_us = up->peer->now_us + PEER_PROPOSE_PAUSE_US; /* there will be one */
        return;
    }
    if (err == OK) {
        up->chosen = mem_array(count, sizeof(*up->chosen));
        up->preferred = mem_array(count, sizeof(*up->preferred));
        if (up->chosen == NULL || up->preferred == NULL)
            err = ERR_NOMEM;
    }
    if (err != OK) {
        upload_fail(up->upload, err, why);
        return;
    }
    memcpy(up->chosen, peers, count * sizeof(*peers));
    up->chosen_count = count;
    if (up->add->is_local)
        peer_upload_start_local(up);
    else
        peer_upload_start(up);
    up->add->is_started = true;
    up->add->allocations = up->chosen;
    up->add->allocations_count = up->chosen_count;
}

/* At once an error that asking again would not change, with words in `why`. */
static int peer_upload_place(struct peer_upload *up, struct buf *why)
{
    const struct api_add *add = up->add;
    up->place_at_us = RAFT_NEVER;
    int err =
        peer_place(up->peer, &add->pin, add->priority, add->priority_count, &up->placing, why);
    if (err != ERR_NO_LEADER)
        return err;
    peer_upload_placed(&up->placing, err, NULL, 0, err_text(err));
    return OK;
}

static void peer_upload_place_again(struct peer_upload *up)
{
    struct buf why = { 0 };
    if (up->peer->now_us < up->place_at_us)
        return;
    int err = peer_upload_place(up, &why);
    if (err != OK)
        upload_fail(up->upload, err, why.len > 0 ? buf_text(&why) : err_text(err));
    buf_deinit(&why);
}

/* ---- what the API asks for ---- */

static struct bytes peer_text(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

static int peer_upload_create(struct peer *p, struct api_add *add, struct peer_upload **out)
{
    struct upload_params params = { .is_car = add->is_car,
                                    .is_trickle = add->is_trickle,
                                    .has_raw_leaves = add->has_raw_leaves,
                                    .wraps = add->wraps,
                                    .has_progress = add->has_progress,
                                    .cid_version = add->cid_version,
                                    .chunker = peer_text(add->chunker),
                                    .hash = peer_text(add->hash),
                                    .boundary = peer_text(add->boundary) };
    struct peer_upload *up = mem_zalloc(sizeof(*up));
    if (up == NULL)
        return ERR_NOMEM;
    struct upload_hooks hooks = { .send = peer_upload_send,
                                  .on_row = peer_upload_on_row,
                                  .on_room = peer_upload_on_room,
                                  .on_left_out = peer_upload_on_left_out,
                                  .on_done = peer_upload_on_done,
                                  .owner = up };
    uint64_t id = p->raft_store.identity.boots << 32 | ++p->uploads.last_id;
    int err = upload_create(&up->upload, id, &params, &hooks);
    if (err != OK) {
        mem_free(up);
        return err;
    }
    up->peer = p;
    up->add = add;
    up->place_at_us = RAFT_NEVER;
    up->placing.done = peer_upload_placed;
    list_push_back(&p->uploads.list, &up->link);
    p->uploads.count += 1;
    *out = up;
    return OK;
}

static int peer_upload_open(struct peer *p, struct api_add *add, struct buf *why)
{
    struct peer_upload *up;
    if (p->is_stopping) {
        buf_append_text(why, "this peer is stopping");
        return ERR_CANCELED;
    }
    if (p->uploads.count == p->options.uploads_max)
        return ERR_BUSY;
    int err = peer_check_options(p, &add->pin, why); /* before a byte is read */
    if (err == OK)
        err = peer_check_named(p, add->priority, add->priority_count, why);
    if (err == OK)
        err = peer_upload_create(p, add, &up);
    if (err != OK)
        return err;
    up->place_until_us = p->now_us + p->options.commit_timeout_us;
    err = peer_upload_place(up, why);
    if (err == OK)
        add->pending = up;
    else
        peer_upload_free(up);
    return err;
}

int peer_add_open(void *impl, struct api_add *add, struct buf *why)
{
    peer_enter(impl);
    int err = peer_upload_open(impl, add, why);
    peer_leave(impl);
    return err;
}

size_t peer_add_write(void *impl, struct api_add *add, const void *bytes, size_t len)
{
    struct peer_upload *up = add->pending;
    peer_enter(impl);
    size_t took = upload_write(up->upload, bytes, len);
    peer_leave(impl);
    return took;
}

void peer_add_end(void *impl, struct api_add *add)
{
    struct peer_upload *up = add->pending;
    peer_enter(impl);
    upload_end(up->upload);
    peer_leave(impl);
}

void peer_add_resume(void *impl, struct api_add *add)
{
    struct peer_upload *up = add->pending;
    peer_enter(impl);
    upload_resume_rows(up->upload);
    peer_leave(impl);
}

void peer_add_close(void *impl, struct api_add *add)
{
    struct peer_upload *up = add->pending;
    struct peer *p = impl;
    up->add = NULL;
    if (p->life == PEER_STOPPED) {
        peer_upload_free(up);
        return;
    }
    peer_enter(p);
    peer_upload_free(up);
    peer_leave(p);
}

/* ---- messages, steps ---- */

static struct peer_upload *peer_upload_find(struct peer *p, uint64_t id)
{
    list_for_each (at, &p->uploads.list) {
        struct peer_upload *up = list_entry(at, struct peer_upload, link);
        if (upload_id(up->upload) == id)
            return up;
    }
    return NULL;
}

void peer_upload_on_msg(struct peer *p, const struct peer_id *from, const struct upload_msg *m)
{
    if (!upload_msg_is_answer(m)) {
        peer_intake_on_msg(p, from, m);
        return;
    }
    struct peer_upload *up = peer_upload_find(p, m->id);
    if (up != NULL)
        upload_on_msg(up->upload, p->now_us, from, m);
}

void peer_upload_on_newer(struct peer *p, const struct peer_id *from, const struct upload_msg *head)
{
    if (!upload_msg_is_answer(head)) {
        peer_intake_on_newer(p, from, head);
        return;
    }
    struct peer_upload *up = peer_upload_find(p, head->id);
    if (up != NULL)
        upload_on_newer(up->upload, p->now_us, from);
}

void peer_uploads_on_link_down(struct peer *p, const struct peer_id *id)
{
    list_for_each (at, &p->uploads.list)
        upload_on_link_down(list_entry(at, struct peer_upload, link)->upload, id);
    peer_intakes_cancel(p, id);
}

/* What is said between an upload and this peer's own daemon is heard at once, and may be answered at once. */
void peer_uploads_settle(struct peer *p)
{
    do {
        p->uploads.has_moved = false;
        list_for_each_safe (at, after, &p->uploads.list) {
            struct peer_upload *up = list_entry(at, struct peer_upload, link);
            peer_upload_place_again(up);
            upload_step(up->upload, p->now_us);
        }
        peer_intakes_step(p);
    } while (p->uploads.has_moved);
}

uint64_t peer_uploads_deadline_us(const struct peer *p)
{
    uint64_t due = peer_intakes_deadline_us(p);
    list_for_each (at, &p->uploads.list) {
        const struct peer_upload *up = list_entry(at, struct peer_upload, link);
        uint64_t one = upload_deadline_us(up->upload);
        due = one < due ? one : due;
        due = up->place_at_us < due ? up->place_at_us : due;
    }
    return due;
}

/* ---- life ---- */

void peer_uploads_start(struct peer *p)
{
    list_init(&p->uploads.list);
    list_init(&p->uploads.intakes);
}

void peer_uploads_stop(struct peer *p)
{
    list_for_each (at, &p->uploads.list)
        upload_fail(list_entry(at, struct peer_upload, link)->upload, ERR_CANCELED,
                    "this peer is stopping");
    peer_intakes_cancel(p, NULL);
}

/* The doors are closed: no client waits any more. */
void peer_uploads_end(struct peer *p)
{
    while (!list_is_empty(&p->uploads.list))
        peer_upload_free(list_entry(p->uploads.list.next, struct peer_upload, link));
    peer_intakes_end(p);
}

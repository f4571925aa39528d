#include "os/os_room.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/err.h"

enum { GROUP_WEIGHT_MAX = 32 * 1024 * 1024 };

static void list_move_all(struct list_link *from, struct list_link *to)
{
    struct list_link *link;
    while ((link = list_pop_front(from)) != NULL)
        list_push_back(to, link);
}

static struct store_slot *slot_of(struct list_link *link)
{
    return list_entry(link, struct store_slot, link);
}

/* ---- the loop's side ---- */

/* Each slot is taken out under the lock, one at a time: done() may submit, and the worker finishes more. */
static struct store_slot *os_room_next_finished(struct os_room *room)
{
    pthread_mutex_lock(&room->mutex);
    struct list_link *link = list_pop_front(&room->finished);
    pthread_mutex_unlock(&room->mutex);
    return link != NULL ? slot_of(link) : NULL;
}

static void os_room_tell_trouble(struct os_room *room)
{
    char trouble[sizeof(room->trouble)];
    pthread_mutex_lock(&room->mutex);
    memcpy(trouble, room->trouble, sizeof(trouble));
    bool is_over = room->trouble_is_over;
    room->trouble[0] = '\0';
    pthread_mutex_unlock(&room->mutex);
    if (trouble[0] == '\0')
        return;
    if (is_over)
        LOG_INFO(room->log, "store", "%s: %s", room->name, trouble);
    else
        LOG_ERROR(room->log, "store", "%s: %s", room->name, trouble);
}

static void os_room_deliver(void *owner)
{
    struct os_room *room = owner;
    struct store_slot *slot;
    os_room_tell_trouble(room);
    while ((slot = os_room_next_finished(room)) != NULL) {
        if (slot->err == ERR_FULL && slot->round == room->round)
            room->round += 1; /* from here on the caller knows: what it submits now may be tried */
        room->in_flight -= 1;
        room->tell(slot);
    }
}

int os_room_submit(struct os_room *room, struct store_slot *slot, int kind)
{
    if (room->in_flight >= LIMIT_STORE_QUEUE_COUNT)
        return ERR_BUSY;
    slot->kind = kind;
    slot->err = OK;
    slot->round = room->round;
    pthread_mutex_lock(&room->mutex);
    bool is_open = !room->is_closing;
    if (is_open)
        list_push_back(&room->queued, &slot->link);
    pthread_cond_signal(&room->wake);
    pthread_mutex_unlock(&room->mutex);
    room->in_flight += is_open;
    return is_open ? OK : ERR_BUSY;
}

/* ---- the worker's side ---- */

/* Waits for something to do; false at the end. */
static bool os_room_take(struct os_room *room)
{
    pthread_mutex_lock(&room->mutex);
    while (list_is_empty(&room->queued) && list_is_empty(&room->pending) &&
           list_is_empty(&room->later) && !room->is_closing)
        pthread_cond_wait(&room->wake, &room->mutex);
    list_move_all(&room->queued, &room->pending);
    bool goes_on = !room->is_closing;
    pthread_mutex_unlock(&room->mutex);
    return goes_on;
}

static bool os_room_has_work(struct os_room *room)
{
    pthread_mutex_lock(&room->mutex);
    bool has_work = !list_is_empty(&room->queued) || !list_is_empty(&room->pending);
    pthread_mutex_unlock(&room->mutex);
    return has_work;
}

static void *os_room_work(void *arg)
{
    struct os_room *room = arg;
    while (os_room_take(room)) {
        struct list_link group;
        list_init(&group);
        for (size_t weight = 0; weight < GROUP_WEIGHT_MAX && !list_is_empty(&room->pending);) {
            struct list_link *link = list_pop_front(&room->pending);
            weight += room->weigh(room, slot_of(link));
            list_push_back(&group, link);
        }
        room->run(room, &group);
        if (list_is_empty(&group))
            continue;
        pthread_mutex_lock(&room->mutex);
        list_move_all(&group, &room->finished);
        pthread_mutex_unlock(&room->mutex);
        os_loop_post(room->loop, &room->deliver);
        if (room->rest != NULL && !os_room_has_work(room))
            room->rest(room);
    }
    return NULL;
}

int os_room_admit(const struct os_room *room, const struct store_slot *slot)
{
    if (room->is_dead)
        return ERR_IO;
    return slot->round < room->refused_below ? ERR_FULL : OK;
}

static void os_room_say(struct os_room *room, bool is_over, const char *text, const char *what)
{
    pthread_mutex_lock(&room->mutex);
    room->trouble_is_over = is_over;
    snprintf(room->trouble, sizeof(room->trouble), "%s%s", text, what);
    pthread_mutex_unlock(&room->mutex);
}

int os_room_judge(struct os_room *room, int err, const char *what)
{
    if (err == OK || err == ERR_FULL) {
        bool is_full = err == ERR_FULL;
        if (is_full != room->is_full)
            os_room_say(room, !is_full,
                        is_full ? "no space, writes are refused: " : "there is space again",
                        is_full ? what : "");
        room->is_full = is_full;
        return err;
    }
    if (!room->is_dead)
        os_room_say(room, false, "a write failed, no more are tried: ", what);
    room->is_dead = true;
    return ERR_IO;
}

void os_room_refuse(struct os_room *room, const struct store_slot *slot)
{
    if (room->refused_below <= slot->round)
        room->refused_below = slot->round + 1;
}

/* ---- life ---- */

int os_room_start(struct os_room *room)
{
    list_init(&room->queued);
    list_init(&room->finished);
    list_init(&room->pending);
    list_init(&room->later);
    os_task_init(&room->deliver, os_room_deliver, room);
    pthread_mutex_init(&room->mutex, NULL);
    pthread_cond_init(&room->wake, NULL);
    if (pthread_create(&room->thread, NULL, os_room_work, room) != 0)
        return ERR_IO;
    pthread_setname_np(room->thread, room->name);
    return OK;
}

int os_room_stop(struct os_room *room, uint64_t timeout_us)
{
    pthread_mutex_lock(&room->mutex);
    room->is_closing = true;
    pthread_cond_signal(&room->wake);
    pthread_mutex_unlock(&room->mutex);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(timeout_us / 1000000);
    return pthread_timedjoin_np(room->thread, NULL, &until) == 0 ? OK : ERR_TIMEOUT;
}

void os_room_deinit(struct os_room *room)
{
    struct list_link left;
    list_init(&left);
    list_move_all(&room->later, &left);
    list_move_all(&room->pending, &left);
    list_move_all(&room->queued, &left);
    list_for_each (link, &left)
        slot_of(link)->err = ERR_CANCELED;
    list_move_all(&left, &room->finished);
    os_loop_unpost(room->loop, &room->deliver);
    os_room_deliver(room); /* submitting more is refused by now */
    pthread_mutex_destroy(&room->mutex);
    pthread_cond_destroy(&room->wake);
}

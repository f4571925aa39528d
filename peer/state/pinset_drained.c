/* Peers that an operator drains: few, so they are kept in memory beside their rows. */
#include "state/pinset_int.h"

#include "util/assert.h"
#include "util/err.h"

struct bytes pinset_drained_value(void)
{
    static const uint8_t version[] = { 1 };
    return (struct bytes){ version, sizeof(version) };
}

static size_t pinset_drained_place(const struct pinset *p, const struct peer_id *peer)
{
    size_t place = 0;
    while (place < p->drained_count && !peer_id_equal(&p->drained[place], peer))
        place += 1;
    return place;
}

bool pinset_is_drained(const struct pinset *p, const struct peer_id *peer)
{
    return pinset_drained_place(p, peer) < p->drained_count;
}

void pinset_drained_note(struct pinset *p, const struct peer_id *peer, bool is_drained)
{
    size_t place = pinset_drained_place(p, peer);
    if (is_drained && place == p->drained_count) {
        ASSERT(p->drained_count < LIMIT_MEMBERS_COUNT);
        p->drained[p->drained_count++] = *peer;
    } else if (!is_drained && place < p->drained_count) {
        p->drained[place] = p->drained[--p->drained_count];
    }
}

int pinset_drained_open(struct pinset *p, struct view *view)
{
    struct view_row row;
    int err = view_seek(view, STATE_TABLE_DRAINED, (struct bytes){ NULL, 0 }, &row);
    while (err == OK) {
        struct peer_id peer;
        if (peer_id_from_bytes(&peer, row.key.data, row.key.len) != OK ||
            p->drained_count == LIMIT_MEMBERS_COUNT)
            return ERR_CORRUPT;
        pinset_drained_note(p, &peer, true);
        err = view_next(view, STATE_TABLE_DRAINED, &row);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

/* peer_id_names.h -- peer ids as text, for who prints the same few again and again: a listing names the members of
 * a cluster at each of a million pins, and base 58 of 38 bytes takes longer than the rest of the row.
 *
 * Shape    A table by the last byte of the id; who comes later takes the place. {0} is empty; nothing to free.
 * Owner    The text is the table's, until the next call. */
#ifndef IDS_PEER_ID_NAMES_H
#define IDS_PEER_ID_NAMES_H

#include "ids/peer_id.h"

enum { PEER_ID_NAMES_COUNT = 16 };

struct peer_id_names {
    struct peer_id ids[PEER_ID_NAMES_COUNT]; /* nobody: free */
    struct peer_id_text texts[PEER_ID_NAMES_COUNT];
};

const char *peer_id_names_print(struct peer_id_names *names, const struct peer_id *id);

#endif

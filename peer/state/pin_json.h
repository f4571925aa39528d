/* pin_json.h -- a pin as JSON: V1's shape, which the REST API answers with and exports are made of.
 *
 * Shape    Written field by field in V1's order (SPEC 2.2): clients in the wild compare text. Read leniently: order
 *          does not matter, unknown members are passed over, and besides V1's shape that of V0 is understood
 *          (replication_factor, everywhere, and the CID as the name of the member).
 * Missing  What an object does not say is what a plain pin has: recursive, of type "pin". Without factors: everywhere
 *          when nobody is allocated, else just the allocated peers; one factor alone stands for both. (V1 would make a direct pin of an unknown type of
 *          it: docs/DIVERGENCE.md.) `mode` counts only without max_depth; user_allocations never, as in V1.
 * Owner    What was read lies in the arena.
 * Errors   pin_json_read: ERR_INVALID with words in `why`, ERR_NOMEM. What it gives passes pin_check_asked(). */
#ifndef STATE_PIN_JSON_H
#define STATE_PIN_JSON_H

#include "ids/peer_id_names.h"
#include "state/pin.h"
#include "util/arena.h"
#include "util/json.h"

/* `names`: of the pins written before; NULL: of a single one. */
void pin_json_write(struct json_writer *w, const struct pin *pin, struct peer_id_names *names);
/* `name`: the CID, for an object that does not say it; undefined: it must. */
int pin_json_read(struct pin *out, struct arena *arena, struct bytes text, const struct cid *name,
                  struct buf *why);

/* Parts of it that other shapes have, too. Each writes key and value. */
void pin_json_bytes(struct json_writer *w, const char *key, struct bytes value);
void pin_json_time(struct json_writer *w, const char *key, int64_t wall_us);
void pin_json_cid(struct json_writer *w, const char *key, const struct cid *cid);
void pin_json_peers(struct json_writer *w, const char *key, const struct peer_id *ids, size_t count,
                    struct peer_id_names *names);
void pin_json_metadata(struct json_writer *w, const struct pin *pin);
void pin_json_origins(struct json_writer *w, const struct pin *pin);

#endif

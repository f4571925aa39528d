/* recording.h -- a run, kept: the scenario, every choice that was made, and what came of it.
 *
 * Shape    A recording needs nothing beside it: it holds the scenario's text, and choices instead of a seed. Played again by
 *          the same build it is the same run, event by event; by another build it shows where the two differ.
 * Format   kind 'R', version, name, text, seed, events, hash, run of choices (choose.h), and 64 bits over all that.
 * Owner    A recording owns its choices; name and text point into the bytes it was decoded from.
 * Errors   recording_decode: ERR_CORRUPT, ERR_VERSION. */
#ifndef SIM_SEARCH_RECORDING_H
#define SIM_SEARCH_RECORDING_H

#include "sim/kernel/choose.h"
#include "sim/search/play.h"

enum { RECORDING_BYTES_MAX = 256 * 1024 * 1024 };

struct recording {
    struct bytes name;
    struct bytes text;
    uint64_t seed;
    uint64_t events;
    struct hash128 hash;
    struct choice_log choices;
};

void recording_encode(struct buf *out, const struct script *script, const struct play_result *r,
                      const struct choice_log *choices);
int recording_decode(struct recording *out, struct bytes bytes);
void recording_deinit(struct recording *r);

#endif

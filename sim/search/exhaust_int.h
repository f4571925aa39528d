/* exhaust_int.h -- between exhaust.c (the search) and exhaust_rafts.c (the rafts it plays with). */
#ifndef SIM_SEARCH_EXHAUST_INT_H
#define SIM_SEARCH_EXHAUST_INT_H

#include "sim/search/exhaust.h"

struct rafts;

/* Founded, with raft 0 leading, its first entry committed everywhere, and nothing on its way. */
struct rafts *rafts_create(unsigned nodes);
void rafts_destroy(struct rafts *w);
/* What may happen now, in a fixed order. */
size_t rafts_choices(const struct rafts *w, const struct exhaust_limits *limits,
                     struct exhaust_action out[EXHAUST_CHOICES_MAX]);
void rafts_do(struct rafts *w, const struct exhaust_action *action);
/* Equal: the same state. */
uint64_t rafts_key(const struct rafts *w);
const char *rafts_failure(struct rafts *w); /* NULL: none */

#endif

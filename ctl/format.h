/* format.h -- the peer's JSON documents as lines for people, exactly as V1 of ipfs-cluster-ctl lays
 * them out, for scripts read these too.
 *
 * Shape    One function a kind of document; each appends whole lines. What a document lacks is shown
 *          as empty: an answer is not refused for being of another version.
 * Source   SPEC 6.4 (V1 1.1.6, seen running). Where a V1 list has no order, ours is sorted. */
#ifndef CTL_FORMAT_H
#define CTL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/json.h"

struct format {
    struct buf *out;
    bool has_colour;
    int64_t now_us; /* wall time, for what is shown as "29 seconds from now" */
};

/* The document is the doc's root. */
typedef void format_fn(const struct format *f, const struct json_doc *doc);

format_fn format_id;
format_fn format_version;
format_fn format_pin;
format_fn format_status;       /* of one CID on each peer */
format_fn format_metrics;      /* an array of them */
format_fn format_summary;      /* the same, of how many CIDs are in which status */
format_fn format_decision;     /* an array of them, or {"decision_unknown": words} */
format_fn format_alerts;       /* an array of them */
format_fn format_move;         /* one pin of a repair's plan */
format_fn format_metric_names; /* an array of strings */
format_fn format_bandwidth;    /* an object of them, by protocol */
format_fn format_gc;           /* what each peer's daemon removed */
format_fn format_graph;        /* who is connected with whom, for GraphViz */
format_fn format_graph_wide;   /* the same, with IPFS daemons that belong to no peer */

/* "95 GB", as people count bytes: powers of 1000, two digits. */
void format_bytes(struct buf *out, uint64_t bytes);
/* "29 seconds from now", "2 hours ago", "now". */
void format_when(struct buf *out, int64_t at_us, int64_t now_us);

#endif

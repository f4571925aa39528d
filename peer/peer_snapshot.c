/* peer_snapshot.c -- messages about snapshots, in and out (DESIGN 5).
 *
 *      raft: "member 4 needs what is not in the log"          offers of the leader that we follow
 *                     |                                                   |
 *                     v                                                   v
 *      peer_snapshot_send.c  <--- GET, HELD, WANT / OFFER, CHUNK, GONE --->  peer_snapshot_receive.c
 *
 * They travel on the bulk stream, where the receiver sets the pace by what it asks for. Each may be lost,
 * doubled or late: both sides look at what is, and say it again. */
#include "peer_int.h"

#include <string.h>

#include "util/err.h"

void peer_send_snapshot(struct peer *p, const struct peer_id *to, struct snapshot_msg *m)
{
    struct cluster_id cluster; /* the snapshot's, for who does not know its own yet */
    memcpy(cluster.bytes, m->id.cluster_id, CLUSTER_ID_BYTES);
    m->from = raft_number(p->raft);
    buf_clear(&p->scratch);
    frame_head_put(&p->scratch, FRAME_SNAPSHOT, &cluster);
    snapshot_msg_encode(m, &p->scratch);
    if (p->scratch.err == OK) /* lost when the queue is full: it is asked for again */
        (void)transport_send(&p->ports.transport, to, STREAM_BULK, p->scratch.data, p->scratch.len);
}

void peer_on_snapshot_frame(struct peer *p, const struct peer_id *from, const struct frame *frame)
{
    /* A founder that was away since the beginning knows its leader before it knows the cluster's id. */
    if (p->raft == NULL || cluster_id_is_none(&frame->cluster) ||
        cluster_id_conflicts(&p->cluster, &frame->cluster))
        return;
    struct snapshot_msg m;
    int err = snapshot_msg_decode(&m, frame->cluster.bytes, frame->body);
    if (err != OK) {
        peer_bad_frame(p, from, err);
        return;
    }
    if (m.to != raft_number(p->raft) || !peer_may_speak(p, from, frame, m.from))
        return;
    switch (m.type) {
    case SNAPSHOT_MSG_OFFER:
        peer_receiver_on_offer(p, from, &m);
        break;
    case SNAPSHOT_MSG_CHUNK:
        peer_receiver_on_chunk(p, &m);
        break;
    case SNAPSHOT_MSG_GONE:
        peer_receiver_on_gone(p, from, &m);
        break;
    case SNAPSHOT_MSG_GET:
        peer_sender_on_get(p, from, &m);
        break;
    case SNAPSHOT_MSG_HELD:
        peer_sender_on_held(p, &m);
        break;
    case SNAPSHOT_MSG_WANT:
        peer_sender_on_want(p, &m);
        break;
    }
}

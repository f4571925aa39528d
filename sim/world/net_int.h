/* net_int.h -- between net.c (frames) and net_link.c (connections). */
#ifndef SIM_WORLD_NET_INT_H
#define SIM_WORLD_NET_INT_H

#include "sim/world/net.h"
#include "sim/world/parcels.h"
#include "sim/world/wire.h"
#include "util/list.h"

enum { NET_MACHINES_MAX = SIM_WHO_COUNT - 1 };

struct net_frame {
    struct list_link link; /* in path->in_flight or path->held */
    struct net_path *path;
    enum stream stream;
    uint64_t said_at_us;
    uint64_t life; /* of the receiver: a frame for a dead process is not for its successor */
    struct event_id arrival;
    uint64_t hash;
    size_t len;
    uint8_t bytes[];
};

/* One direction. */
struct net_path {
    struct net *net;
    uint16_t from;
    uint16_t to;
    bool is_cut;
    bool is_clogged;
    struct list_link in_flight;
    struct list_link held; /* cut, clogged, or waiting for the connection */
    struct {
        uint64_t last_at_us; /* the next one does not arrive before */
        size_t frames;
        size_t bytes;
    } streams[STREAM_COUNT];
};

enum net_link_state { NET_LINK_DOWN, NET_LINK_DIALLING, NET_LINK_UP };

/* What one end of a connection knows of it. */
struct net_side {
    struct net_link *link;
    uint16_t who;
    uint16_t other;
    bool sees_up;
    struct event_id up_news;
    struct event_id down_news;
};

/* One pair, a < b; sides[0] is a's. */
struct net_link {
    struct net *net;
    enum net_link_state state;
    uint16_t a;
    uint16_t b;
    uint16_t dialler;
    struct net_side sides[2];
    uint64_t dial_not_before_us;
    uint64_t pause_us; /* after the next failure */
    struct event_id dial;
    struct event_id break_up; /* of a cut connection */
    struct wire *wire; /* its bytes, where frames are mangled; made when the first one arrives */
    enum { NET_LINK_UNDECIDED, NET_LINK_PLAIN, NET_LINK_WIRED } wiring;
    uint64_t wires_count;
};

struct net_known {
    struct peer_id id;
    uint16_t who; /* 0: no machine has that id */
    bool wants_link;
    size_t addrs_count;
    struct multiaddr addrs[LIMIT_PEER_ADDRESSES_COUNT];
};

struct net_end {
    struct net *net;
    uint16_t who;
    struct peer_id id;
    bool is_attached;
    unsigned moves; /* to new addresses */
    uint64_t life;
    struct transport_hooks hooks;
    struct net_known *known; /* room for NET_MACHINES_MAX + 1; known_count of them mean something */
    size_t known_count;
};

struct net {
    struct sim *sim;
    unsigned machines_count;
    struct net_options options;
    struct net_counts counts;
    void (*on_lie)(void *owner, const char *text);
    void *on_lie_owner;
    struct parcels parcels;
    struct net_end ends[NET_MACHINES_MAX + 1]; /* 0 is not used */
    struct net_path paths[NET_MACHINES_MAX + 1][NET_MACHINES_MAX + 1];
    struct net_link links[NET_MACHINES_MAX + 1][NET_MACHINES_MAX + 1]; /* [a][b], a < b */
};

/* net.c */
struct net_known *net_known(struct net_end *end, const struct peer_id *id);
void net_path_release(struct net_path *path);  /* what was held goes on its way */
void net_path_drop_old(struct net_path *path); /* of what waits for a connection */
void net_path_drop(struct net_path *path);     /* what was held is lost */
void net_path_scatter(struct net_path *path);  /* the connection broke: lost, or stragglers */

/* net_link.c */
void net_link_init(struct net_link *link, struct net *n, unsigned a, unsigned b);
void net_link_deinit(struct net_link *link);
struct net_link *net_link_of(struct net *n, unsigned x, unsigned y);
void net_link_dial(struct net *n, unsigned from, unsigned to); /* unless it is under way already */
void net_link_on_silence(struct net_link *link); /* a direction was cut, or a side stands still */
void net_link_on_sound(struct net_link *link);   /* perhaps it goes on */
void net_link_on_detach(struct net *n, unsigned who, bool silently);

#endif

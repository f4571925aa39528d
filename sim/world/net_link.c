/* Connections: who knows of them, and when. A connection lives in the kernel's sense (state) from the end
 * of its dialling until it breaks; each side hears of it by an event of its own, so that a frozen process
 * hears late, and one whose partner's machine lost power hears only when it gets no answer. In between the
 * connection is half open: what that side sends is accepted and lost. */
#include "sim/world/net_int.h"

#include "util/err.h"

enum { NEWS_PROMPT_US = 2000 };

#define NEWS_SILENT_MIN_US                                                                         \
    ((uint64_t)500 * 1000) /* a dead machine is noticed by the lack of answers */
#define NEWS_SILENT_MAX_US ((uint64_t)20 * 1000 * 1000)
#define SILENCE_MIN_US     ((uint64_t)200 * 1000)

void net_link_init(struct net_link *link, struct net *n, unsigned a, unsigned b)
{
    *link = (struct net_link){ .net = n, .a = (uint16_t)a, .b = (uint16_t)b };
    link->sides[0] = (struct net_side){ .link = link, .who = (uint16_t)a, .other = (uint16_t)b };
    link->sides[1] = (struct net_side){ .link = link, .who = (uint16_t)b, .other = (uint16_t)a };
}

void net_link_deinit(struct net_link *link)
{
    struct sim *sim = link->net->sim;
    sim_cancel(sim, &link->dial);
    sim_cancel(sim, &link->break_up);
    wire_destroy(link->wire);
    for (int i = 0; i < 2; i++) {
        sim_cancel(sim, &link->sides[i].up_news);
        sim_cancel(sim, &link->sides[i].down_news);
    }
}

struct net_link *net_link_of(struct net *n, unsigned x, unsigned y)
{
    ASSERT(x != y && x >= 1 && y >= 1 && x <= n->machines_count && y <= n->machines_count);
    return x < y ? &n->links[x][y] : &n->links[y][x];
}

bool net_is_linked(const struct net *n, unsigned a, unsigned b)
{
    return (a < b ? n->links[a][b] : n->links[b][a]).state == NET_LINK_UP;
}

/* ---- news ---- */

static void net_side_tell(struct net_side *side, bool up)
{
    struct net *n = side->link->net;
    struct net_end *end = &n->ends[side->who];
    side->sees_up = up;
    trace_line(&n->sim->trace, n->sim->now_us, side->who, "link to %u is %s", side->other,
               up ? "up" : "down");
    if (end->hooks.on_link != NULL)
        end->hooks.on_link(end->hooks.owner, &n->ends[side->other].id, up);
}

static void net_side_redial(struct net_side *side)
{
    struct net *n = side->link->net;
    struct net_end *end = &n->ends[side->who];
    const struct net_known *known = net_known(end, &n->ends[side->other].id);
    bool waits = !list_is_empty(&n->paths[side->who][side->other].held);
    if (end->is_attached && known != NULL && (known->wants_link || waits))
        net_link_dial(n, side->who, side->other);
}

static void net_side_hears_up(void *arg)
{
    struct net_side *side = arg;
    side->up_news = (struct event_id){ 0 };
    if (!side->link->net->ends[side->who].is_attached)
        return;
    if (side->sees_up) /* the old connection was replaced before its end was heard of */
        net_side_tell(side, false);
    net_side_tell(side, true);
}

static void net_side_hears_down(void *arg)
{
    struct net_side *side = arg;
    side->down_news = (struct event_id){ 0 };
    if (side->sees_up)
        net_side_tell(side, false);
    net_side_redial(side);
}

static void net_side_will_hear_down(struct net_side *side, uint64_t delay_us)
{
    struct sim *sim = side->link->net->sim;
    if (!side->sees_up && !event_queue_has(&sim->queue, side->up_news))
        return;
    sim_at_again(sim, &side->down_news, sim->now_us + delay_us, SIM_LINK, side->who,
                 net_side_hears_down, side);
}

/* ---- making ---- */

static bool net_link_may_come_up(const struct net_link *link, unsigned from, unsigned to)
{
    struct net *n = link->net;
    if (!n->ends[from].is_attached || !n->ends[to].is_attached || n->sim->is_frozen[to])
        return false;
    if (net_is_stopped(n, from, to) || net_is_stopped(n, to, from))
        return false;
    const struct net_known *known = net_known(&n->ends[from], &n->ends[to].id);
    if (known == NULL)
        return false;
    struct multiaddr listens = net_address_now(n, to);
    for (size_t i = 0; i < known->addrs_count; i++)
        if (multiaddr_equal(&known->addrs[i], &listens))
            return true;
    return false;
}

static void net_link_come_up(struct net_link *link)
{
    struct net *n = link->net;
    link->state = NET_LINK_UP;
    link->pause_us = 0;
    link->wiring = NET_LINK_UNDECIDED;
    for (int i = 0; i < 2; i++) {
        struct net_side *side = &link->sides[i];
        sim_cancel(n->sim, &side->down_news);
        sim_at_again(n->sim, &side->up_news, n->sim->now_us, SIM_LINK, side->who, net_side_hears_up,
                     side);
    }
    net_path_release(&n->paths[link->a][link->b]);
    net_path_release(&n->paths[link->b][link->a]);
}

static uint64_t net_longer_pause(const struct net *n, uint64_t pause_us)
{
    if (pause_us == 0)
        return n->options.redial_us;
    return 2 * pause_us < n->options.redial_max_us ? 2 * pause_us : n->options.redial_max_us;
}

static void net_link_dialled(void *arg)
{
    struct net_link *link = arg;
    struct net *n = link->net;
    unsigned from = link->dialler;
    unsigned to = from == link->a ? link->b : link->a;
    link->dial = (struct event_id){ 0 };
    if (net_link_may_come_up(link, from, to)) {
        net_link_come_up(link);
        return;
    }
    link->state = NET_LINK_DOWN;
    link->pause_us = net_longer_pause(n, link->pause_us);
    link->dial_not_before_us = n->sim->now_us + link->pause_us / 2 +
                               choose(&n->sim->choose, CHOICE_LINK, from, link->pause_us / 2 + 1);
    net_path_drop_old(&n->paths[from][to]);
    net_path_drop_old(&n->paths[to][from]);
    if (n->ends[from].is_attached)
        net_side_tell(&link->sides[from == link->b], false);
    /* The other side first: its turn, if it wants one. */
    net_side_redial(&link->sides[from == link->a]);
    net_side_redial(&link->sides[from == link->b]);
}

void net_link_dial(struct net *n, unsigned from, unsigned to)
{
    struct net_link *link = net_link_of(n, from, to);
    if (link->state != NET_LINK_DOWN || !n->ends[from].is_attached)
        return;
    link->state = NET_LINK_DIALLING;
    link->dialler = (uint16_t)from;
    uint64_t start_us = n->sim->now_us;
    if (start_us < link->dial_not_before_us)
        start_us = link->dial_not_before_us;
    uint64_t takes_us = n->options.dial_us;
    takes_us += choose(&n->sim->choose, CHOICE_LINK, from, n->options.dial_us + 1);
    link->dial = sim_at(n->sim, start_us + takes_us - n->sim->now_us, SIM_LINK, from, 0,
                        net_link_dialled, link);
}

/* ---- breaking ---- */

static void net_link_go_down(struct net_link *link)
{
    struct net *n = link->net;
    link->state = NET_LINK_DOWN;
    link->dial_not_before_us = 0;
    wire_destroy(link->wire);
    link->wire = NULL;
    sim_cancel(n->sim, &link->dial);
    sim_cancel(n->sim, &link->break_up);
    net_path_scatter(&n->paths[link->a][link->b]);
    net_path_scatter(&n->paths[link->b][link->a]);
}

void net_break(struct net *n, unsigned a, unsigned b)
{
    struct net_link *link = net_link_of(n, a, b);
    if (link->state != NET_LINK_UP)
        return;
    n->counts.breaks += 1;
    net_link_go_down(link);
    for (int i = 0; i < 2; i++)
        net_side_will_hear_down(&link->sides[i], choose(&n->sim->choose, CHOICE_LINK,
                                                        link->sides[i].who, NEWS_PROMPT_US));
}

static void net_link_breaks_up(void *arg)
{
    struct net_link *link = arg;
    link->break_up = (struct event_id){ 0 };
    net_break(link->net, link->a, link->b);
}

/* 0: as late as it may. Sooner is another reason to break, at the same time. */
void net_link_on_silence(struct net_link *link)
{
    struct net *n = link->net;
    struct choose *c = &n->sim->choose;
    if (link->state != NET_LINK_UP || event_queue_has(&n->sim->queue, link->break_up))
        return;
    uint64_t after_us = n->options.silence_us;
    if (choose(c, CHOICE_LINK, link->a, 2) == 1 && after_us > SILENCE_MIN_US)
        after_us = choose_scale(c, CHOICE_LINK, link->a, SILENCE_MIN_US, after_us);
    link->break_up = sim_at(n->sim, after_us, SIM_LINK, 0, 0, net_link_breaks_up, link);
}

void net_link_on_sound(struct net_link *link)
{
    struct net *n = link->net;
    bool is_silent = n->paths[link->a][link->b].is_cut || n->paths[link->b][link->a].is_cut ||
                     n->sim->is_frozen[link->a] || n->sim->is_frozen[link->b];
    if (!is_silent)
        sim_cancel(n->sim, &link->break_up);
}

void net_pause(struct net *n, unsigned who)
{
    for (unsigned other = 1; other <= n->machines_count; other++)
        if (other != who)
            net_link_on_silence(net_link_of(n, who, other));
}

void net_resume(struct net *n, unsigned who)
{
    for (unsigned other = 1; other <= n->machines_count; other++)
        if (other != who)
            net_link_on_sound(net_link_of(n, who, other));
}

void net_link_on_detach(struct net *n, unsigned who, bool silently)
{
    for (unsigned other = 1; other <= n->machines_count; other++) {
        if (other == who)
            continue;
        struct net_link *link = net_link_of(n, who, other);
        struct net_side *mine = &link->sides[who == link->b];
        struct net_side *theirs = &link->sides[who == link->a];
        bool was_up = link->state == NET_LINK_UP;
        if (link->state != NET_LINK_DOWN)
            net_link_go_down(link);
        sim_cancel(n->sim, &mine->up_news);
        sim_cancel(n->sim, &mine->down_news);
        mine->sees_up = false;
        if (was_up)
            net_side_will_hear_down(
                theirs, silently ? choose_scale(&n->sim->choose, CHOICE_LINK, other,
                                                NEWS_SILENT_MIN_US, NEWS_SILENT_MAX_US)
                                 : choose(&n->sim->choose, CHOICE_LINK, other, NEWS_PROMPT_US));
        else
            net_side_redial(theirs); /* it was being dialled by the one who is gone */
    }
}

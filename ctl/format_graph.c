/* Who is connected with whom, as a graph for GraphViz: cluster peers in a row at the top, their IPFS daemons at the
 * bottom. A node is named by its kind and number: C0 (this peer, or one that is not trusted), T1 (one that is), I0 (an
 * IPFS daemon). */
#include "ctl/format_int.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

struct graph {
    const struct format *f;
    const struct json_doc *doc;
    struct format_list peers; /* keys of cluster_links, sorted */
    int *daemons; /* keys of ipfs_links; then, in the wide graph, what they are linked to */
    size_t daemons_count;
};

static struct bytes graph_text(const struct graph *g, int value)
{
    const struct json_token *token = &g->doc->tokens[value];
    return (struct bytes){ g->doc->text + token->start, token->end - token->start };
}

/* The number of the node with that text, or `count`. */
static size_t graph_find(const struct graph *g, const int *nodes, size_t count, int value)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(graph_text(g, nodes[i]), graph_text(g, value)))
            return i;
    }
    return count;
}

/* ---- which nodes there are ---- */

static void graph_add_daemon(struct graph *g, int value)
{
    if (graph_find(g, g->daemons, g->daemons_count, value) == g->daemons_count)
        g->daemons[g->daemons_count++] = value;
}

static int graph_find_daemons(struct graph *g, bool is_wide)
{
    int links = json_member(g->doc, 0, "ipfs_links");
    struct format_list keys = format_sort(g->f, g->doc, links);
    size_t most = keys.count + 1;
    for (size_t i = 0; is_wide && i < keys.count; i++)
        most += json_count(g->doc, json_value_of(g->doc, keys.values[i]));
    g->daemons = mem_array(most, sizeof(*g->daemons));
    for (size_t i = 0; g->daemons != NULL && i < keys.count; i++)
        graph_add_daemon(g, keys.values[i]);
    for (size_t i = 0; g->daemons != NULL && is_wide && i < keys.count; i++) {
        int list = json_value_of(g->doc, keys.values[i]);
        for (int at = json_first(g->doc, list); at != JSON_NONE; at = json_next(g->doc, at))
            graph_add_daemon(g, at);
    }
    mem_free(keys.values);
    return g->daemons != NULL ? OK : ERR_NOMEM;
}

/* ---- nodes ---- */

/* Inside a label of GraphViz, which is a kind of HTML. */
static void graph_label_text(const struct graph *g, struct bytes text)
{
    const char *at = text.data;
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("<>&\"", at[i]) != NULL && at[i] != '\0')
            buf_printf(g->f->out, "&#%d;", at[i]);
        else if ((unsigned char)at[i] >= ' ')
            buf_put_u8(g->f->out, (uint8_t)at[i]);
    }
}

/* "Qm*abcdef" */
static void graph_short_id(const struct graph *g, struct bytes id)
{
    enum { HEAD = 2, TAIL = 6 };
    const char *text = id.data;
    if (id.len <= HEAD + TAIL) {
        graph_label_text(g, id);
        return;
    }
    graph_label_text(g, (struct bytes){ text, HEAD });
    buf_put_u8(g->f->out, '*');
    graph_label_text(g, (struct bytes){ text + id.len - TAIL, TAIL });
}

struct graph_look {
    const char *colour;
    const char *shape;
    int rims;
};

static void graph_node(const struct graph *g, const char *kind, size_t number, struct bytes name,
                       struct bytes id, const struct graph_look *look)
{
    struct buf *out = g->f->out;
    buf_printf(out, "%s%zu [label=< <B> ", kind, number);
    graph_label_text(g, name);
    buf_append_text(out, " </B> <BR/> <B> ");
    graph_short_id(g, id);
    buf_append_text(out, " </B> > group=\"");
    graph_label_text(g, id);
    buf_printf(out,
               "\" color=\"%s\" style=\"filled\" colorscheme=\"x11\" fontcolor=\"black\" "
               "fontname=\"Arial\" shape=\"%s\" ",
               look->colour, look->shape);
    if (look->rims > 1)
        buf_printf(out, "peripheries=\"%d\" ", look->rims);
    buf_append_text(out, "]\n");
}

static bool graph_is_self(const struct graph *g, size_t peer)
{
    int self = json_member(g->doc, 0, "cluster_id");
    return json_kind(g->doc, self) == JSON_STRING &&
           bytes_equal(graph_text(g, self), graph_text(g, g->peers.values[peer]));
}

/* What an object has under the text of that peer's id. */
static int graph_of_peer(const struct graph *g, const char *member, size_t peer)
{
    int object = json_member(g->doc, 0, member);
    for (int key = json_first(g->doc, object); key != JSON_NONE; key = json_next(g->doc, key)) {
        if (bytes_equal(graph_text(g, key), graph_text(g, g->peers.values[peer])))
            return json_value_of(g->doc, key);
    }
    return JSON_NONE;
}

static const char *graph_peer_kind(const struct graph *g, size_t peer)
{
    bool is_trusted = false;
    (void)json_get_bool(g->doc, graph_of_peer(g, "cluster_trust_links", peer), &is_trusted);
    return is_trusted && !graph_is_self(g, peer) ? "T" : "C";
}

static void graph_peers(const struct graph *g)
{
    for (size_t i = 0; i < g->peers.count; i++) {
        const char *kind = graph_peer_kind(g, i);
        bool is_self = graph_is_self(g, i);
        struct graph_look look = { is_self || kind[0] == 'T' ? "orange" : "darkorange3", "box3d",
                                   is_self ? 2 : 1 };
        int name = graph_of_peer(g, "id_to_peername", i);
        struct bytes text = { "", 0 };
        if (json_kind(g->doc, name) == JSON_STRING)
            text = graph_text(g, name);
        graph_node(g, kind, i, text, graph_text(g, g->peers.values[i]), &look);
    }
}

static void graph_daemons(const struct graph *g)
{
    static const struct graph_look there = { "turquoise3", "cylinder", 1 };
    static const struct graph_look gone = { "firebrick1", "cylinder", 1 };
    size_t number = g->daemons_count;
    for (size_t i = 0; i < g->daemons_count; i++)
        graph_node(g, "I", i, (struct bytes){ "IPFS", 4 }, graph_text(g, g->daemons[i]), &there);
    for (size_t i = 0; i < g->peers.count; i++) {
        if (graph_of_peer(g, "cluster_to_ipfs", i) == JSON_NONE)
            graph_node(g, "I", number++, (struct bytes){ "IPFS", 4 },
                       (struct bytes){ "Errored", 7 }, &gone);
    }
}

/* ---- edges ---- */

static void graph_peer_edges(const struct graph *g)
{
    for (size_t i = 0; i < g->peers.count; i++) {
        int list = graph_of_peer(g, "cluster_links", i);
        for (int at = json_first(g->doc, list); at != JSON_NONE; at = json_next(g->doc, at)) {
            size_t to = graph_find(g, g->peers.values, g->peers.count, at);
            if (to < g->peers.count)
                buf_printf(g->f->out, "%s%zu -> %s%zu\n", graph_peer_kind(g, i), i,
                           graph_peer_kind(g, to), to);
        }
    }
}

static void graph_daemon_of_peer_edges(const struct graph *g)
{
    size_t gone = g->daemons_count;
    for (size_t i = 0; i < g->peers.count; i++) {
        int daemon = graph_of_peer(g, "cluster_to_ipfs", i);
        size_t to =
            daemon != JSON_NONE ? graph_find(g, g->daemons, g->daemons_count, daemon) : gone++;
        if (daemon == JSON_NONE || to < g->daemons_count)
            buf_printf(g->f->out, "%s%zu -> I%zu\n", graph_peer_kind(g, i), i, to);
    }
}

/* One line for a pair, however many connections it has. */
static bool graph_is_first(const struct graph *g, int list, int value)
{
    for (int at = json_first(g->doc, list); at != value; at = json_next(g->doc, at)) {
        if (bytes_equal(graph_text(g, at), graph_text(g, value)))
            return false;
    }
    return true;
}

static void graph_daemon_edges(const struct graph *g)
{
    int links = json_member(g->doc, 0, "ipfs_links");
    for (int key = json_first(g->doc, links); key != JSON_NONE; key = json_next(g->doc, key)) {
        size_t from = graph_find(g, g->daemons, g->daemons_count, key);
        int list = json_value_of(g->doc, key);
        for (int at = json_first(g->doc, list); at != JSON_NONE; at = json_next(g->doc, at)) {
            size_t to = graph_find(g, g->daemons, g->daemons_count, at);
            if (to < g->daemons_count && graph_is_first(g, list, at))
                buf_printf(g->f->out, "I%zu -> I%zu\n", from, to);
        }
    }
}

/* ---- the whole ---- */

static void graph_print(const struct graph *g)
{
    struct buf *out = g->f->out;
    buf_append_text(out, "digraph cluster {\n/* The nodes of the connectivity graph */\n"
                         "/* The cluster-service peers */\nsubgraph  {\nrank=\"min\"\n");
    graph_peers(g);
    buf_append_text(out, "}\n\n/* The ipfs peers linked to cluster peers */\n"
                         "subgraph  {\nrank=\"max\"\n");
    graph_daemons(g);
    buf_append_text(out, "}\n\n/* Edges representing active connections in the cluster */\n"
                         "/* The connections among cluster-service peers */\n");
    graph_peer_edges(g);
    buf_append_text(out, "\n/* The connections between cluster peers and their ipfs daemons */\n");
    graph_daemon_of_peer_edges(g);
    buf_append_text(out, "\n/* The swarm peer connections among ipfs daemons in the cluster */\n");
    graph_daemon_edges(g);
    buf_append_text(out, "}");
}

static void graph_format(const struct format *f, const struct json_doc *doc, bool is_wide)
{
    struct graph g = { .f = f, .doc = doc };
    g.peers = format_sort(f, doc, json_member(doc, 0, "cluster_links"));
    int err = graph_find_daemons(&g, is_wide);
    if (err == OK)
        graph_print(&g);
    else
        f->out->err = err;
    mem_free(g.peers.values);
    mem_free(g.daemons);
}

void format_graph(const struct format *f, const struct json_doc *doc)
{
    graph_format(f, doc, false);
}

void format_graph_wide(const struct format *f, const struct json_doc *doc)
{
    graph_format(f, doc, true);
}

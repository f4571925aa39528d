#include "sim/world/world_int.h"

typedef unsigned long long ull;

static bool deed_is_heard(const struct world *w)
{
    return w->options.hooks.on_deed != NULL;
}

unsigned deed_begin(struct world *w)
{
    return ++w->deeds_count;
}

void deed_tell(struct world *w, unsigned number, const char *format, ...)
{
    const struct world_hooks_out *hooks = &w->options.hooks;
    struct buf text = { 0 };
    if (!deed_is_heard(w))
        return;
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    hooks->on_deed(hooks->owner, w->sim.now_us, number, buf_text(&text));
    buf_deinit(&text);
}

static void deed_side(const struct world *w, struct buf *out, uint32_t side, bool in)
{
    for (unsigned who = 1; who <= w->machines_count; who++)
        if (((side >> (who - 1) & 1) != 0) == in)
            buf_printf(out, " %u", who);
}

void deed_tell_sides(struct world *w, unsigned number, const char *verb, uint32_t side)
{
    uint32_t all = (uint32_t)((UINT64_C(1) << w->machines_count) - 1);
    struct buf text = { 0 };
    if (!deed_is_heard(w) || (side & all) == 0 || (side & all) == all)
        return;
    buf_append_text(&text, verb);
    deed_side(w, &text, side, true);
    buf_append_text(&text, " |");
    deed_side(w, &text, side, false);
    deed_tell(w, number, "%s", buf_text(&text));
    buf_deinit(&text);
}

static void deed_tell_chance(struct world *w, unsigned number, const char *word,
                             uint64_t per_million)
{
    if (per_million > 0)
        deed_tell(w, number, "network %s %llu.%04llu%%", word, (ull)(per_million / 10000),
                  (ull)(per_million % 10000));
}

void deed_tell_network(struct world *w, unsigned number, enum fault_class class)
{
    const struct fault_plan *p = &w->plan;
    if (!p->has[class])
        return;
    switch ((int)class) {
    case FAULT_LOSS:
        deed_tell_chance(w, number, "loss", p->loss_per_million);
        break;
    case FAULT_COPIES:
        deed_tell_chance(w, number, "copies", p->copies_per_million);
        break;
    case FAULT_REFUSALS:
        deed_tell_chance(w, number, "refusals", p->refusals_per_million);
        break;
    case FAULT_MANGLED:
        deed_tell_chance(w, number, "mangled", p->mangled_per_million);
        break;
    case FAULT_REORDER:
        deed_tell_chance(w, number, "reorder", p->reorder_per_million);
        break;
    case FAULT_BREAKS:
        deed_tell_chance(w, number, "breaks", p->breaks_per_million);
        break;
    case FAULT_DELAY:
        deed_tell(w, number, "network delay %lluus..%lluus", (ull)p->delay_us,
                  (ull)(p->delay_us + p->jitter_us));
        break;
    case FAULT_LATE:
        deed_tell(w, number, "network late %llu.%04llu%% %lluus",
                  (ull)(p->late_per_million / 10000), (ull)(p->late_per_million % 10000),
                  (ull)p->late_us);
        break;
    case FAULT_HTTP:
        deed_tell_chance(w, number, "http_breaks", p->http_breaks_per_million);
        deed_tell_chance(w, number, "http_refusals", p->http_refusals_per_million);
        break;
    default:
        break;
    }
}

void deed_tell_lost_pin(struct world *w, unsigned number, unsigned who, const struct cid *cid)
{
    if (!deed_is_heard(w))
        return;
    for (struct list_link *link = w->contents_in_order.next; link != &w->contents_in_order;
         link = link->next) {
        const struct content *c = list_entry(link, struct content, link);
        if (cid_equal(&c->cid, cid))
            deed_tell(w, number, "ipfs %u loses %s", who, c->name);
    }
}

/* config_int.h -- values of options, between text and struct config. This folder only. */
#ifndef CONFIG_CONFIG_INT_H
#define CONFIG_CONFIG_INT_H

#include "config/config.h"
#include "config/options.h"
#include "util/json.h"

/* Where a value stands, and so how it is written. */
enum config_source {
    CONFIG_FROM_FILE,  /* JSON, in sections */
    CONFIG_FROM_GUIDE, /* JSON, flat: durations are whole seconds */
    CONFIG_FROM_TEXT   /* environment or flag: bare text, lists with commas */
};

/* One value to be stored, and what to call it when it is wrong. */
struct config_value {
    const struct option *option;
    enum config_source source;
    const char *name;          /* as the person wrote it: a path, a guide's key, a variable */
    enum json_kind kind;       /* JSON_NOTHING: bare text */
    struct bytes text;         /* of a scalar: unescaped, or as it stands */
    const struct bytes *items; /* of a list */
    size_t items_count;
};

/* Reads `token` into *out; memory from the arena. */
int config_value_from_json(struct config_value *out, struct arena *arena,
                           const struct json_doc *doc, int token);
int config_value_from_text(struct config_value *out, struct arena *arena, const char *text);
/* Into its field of `c`, or only checked when it has none. */
int config_value_store(const struct config_value *v, struct config *c, struct config_notes *notes);
int config_value_store_default(const struct option *option, struct config *c);
/* The field's value (the default, without a field) as JSON. */
void config_value_write(const struct option *option, const struct config *c, struct json_writer *w);
bool config_value_is_default(const struct option *option, const struct config *c);

/* The field of an option that has one, as what its type makes it. */
union config_field {
    void *any;
    bool *is;
    int64_t *number;
    uint64_t *us;
    const char **text;
    struct config_secret *secret;
    struct multiaddr *addr;
    struct config_addrs *addrs;
    struct config_peer_ids *peer_ids;
    enum config_metric *metric;
    struct config_names *names;
    struct config_tags *tags;
    struct config_pairs *pairs;
};

union config_field config_field_of(const struct option *o, struct config *c);

/* Of the arena, with a NUL behind it; NULL: no memory. */
const char *config_copy_text(struct config *c, struct bytes text);
bool config_is_plain_text(struct bytes text);
/* Of a header field that does not frame the answer? */
bool config_is_field_name(struct bytes text);
/* "name:value", at the first colon. */
bool config_split_pair(struct bytes item, struct bytes *name, struct bytes *value);

/* ---- config_pairs.c ---- */
int config_store_pairs(const struct config_value *v, struct config *c, struct config_pairs *field);
void config_write_pairs(const struct option *o, const struct config_pairs *list,
                        struct json_writer *w);

/* notes may be NULL: then nobody hears it. Always ERR_INVALID. */
int config_refuse(struct config_notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "NAME: expected WHAT, found THAT". `item` is the one of a list that is wrong; NULL: the value itself. */
int config_refuse_value(const struct config_value *v, const struct bytes *item,
                        struct config_notes *notes);
void config_warn(struct config_notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

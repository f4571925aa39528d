/* options.h -- every option there is, once: names, type, default, help. Reading, `init`, environment,
 * flags and the reference page all come from this table.
 *
 * Shape    One row an option, in the order in which the file is written. `name` is its path in
 *          sections, `guide` the flat key of the guide; one flat key may stand for two options.
 * Effect   An option without a field is known and accepted (V1's files have it), and does nothing
 *          here. One that is OPTION_REFUSED would be dangerous to ignore: any value but its default
 *          is an error.
 * Source   SPEC 4.1 to 4.6 (V0 and V1), DESIGN 8, 9, 12, 20 (ours). */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum option_type {
    OPTION_BOOL,     /* bool */
    OPTION_INT,      /* int64_t within min..max */
    OPTION_DURATION, /* uint64_t microseconds, at least min; whole seconds under the guide's name */
    OPTION_STRING,   /* const char * */
    OPTION_SECRET,   /* struct config_secret, 64 hex digits */
    OPTION_ADDR,     /* struct multiaddr */
    OPTION_ADDRS,    /* struct config_addrs; a single one may stand without brackets */
    OPTION_PEER_IDS, /* struct config_peer_ids */
    OPTION_METRIC,   /* enum config_metric */
    OPTION_NAMES,    /* struct config_names: metrics to allocate by */
    OPTION_TAGS,     /* struct config_tags: an object of strings; as text a:b,c:d */
    OPTION_USERS,    /* struct config_pairs: user to password, or null; as text a:b,c:d */
    OPTION_HEADERS,  /* struct config_pairs: name to a list of values; as text likewise */
    OPTION_STRINGS,  /* struct config_names, or no field: a list of strings */
    OPTION_NUMBER,   /* a number, perhaps with a fraction; no field */
    OPTION_OBJECT,   /* an object of any members; no field */
    OPTION_TREE,     /* a whole section that is somebody else's */
    OPTION_ANY       /* whatever old files have there; no field */
};

enum option_flag {
    OPTION_QUIET = 1,         /* not written while it has its default */
    OPTION_REFUSED = 2,       /* see above */
    OPTION_NEEDS_TCP = 4,     /* addresses: a host and a TCP port */
    OPTION_NEEDS_PEER = 8,    /* addresses: /p2p/ID at the end */
    OPTION_SKIPS_OTHERS = 16, /* of a list, what lacks the above is left out with a warning */
    OPTION_ZERO_IS_DEFAULT = 32,
    OPTION_HIDDEN = 64,       /* the value is a secret */
    OPTION_FILE_ONLY = 128,   /* no environment variable */
    OPTION_OR_UNIX = 256,     /* addresses: or the path of a unix socket */
    OPTION_FIELD_NAMES = 512, /* texts: names of header fields that do not frame an answer */
    OPTION_URL_PATH = 1024,   /* text: "/api/v0/version" */
};

#define OPTION_NO_FIELD SIZE_MAX

struct option {
    const char *name;
    const char *guide; /* NULL: the guide has none */
    enum option_type type;
    unsigned flags;
    const char *preset; /* the default, as JSON */
    int64_t min, max;   /* of OPTION_INT, unless both are 0; min of OPTION_DURATION, in us */
    size_t offset;      /* of the field in struct config, or OPTION_NO_FIELD */
    size_t size;        /* of that field, to check it against the type */
    const char *help;   /* NULL without a field */
};

size_t option_count(void);
const struct option *option_at(size_t index);
size_t option_index(const struct option *option);
/* By name in sections; NULL when there is none. */
const struct option *option_named(struct bytes name);
/* Why an option without a field has no effect, or is refused; NULL: it has a field. */
const char *option_reason(const struct option *option);
/* By environment variable ("CLUSTER_RAFT_DATAFOLDER"); NULL when there is none. */
const struct option *option_of_variable(struct bytes variable);
/* CLUSTER_, the section's member (none for `cluster`), the key: capitals without underscores. */
void option_print_variable(const struct option *option, struct buf *out);
/* Does the guide have a key of that name? */
bool option_is_guide_name(struct bytes key);
/* Is it a name in sections on the way to options ("api", "api.restapi")? */
bool option_is_section(struct bytes name);
/* The name (of either kind, or of a section) most like `wrong`, an unknown name in a known section: the same key of
 * another section before all. Empty when none is alike. */
struct bytes option_nearest(struct bytes wrong);
/* The same for variables; nothing is printed when none is alike. */
void option_print_nearest_variable(struct bytes wrong, struct buf *out);

#endif

#include "ctl/pin_options.h"

#include <string.h>

#include "util/err.h"

bool pin_options_expiry(const struct args *args, struct target *t)
{
    const char *text = args_text(args, "expire-in");
    if (text == NULL)
        return true;
    if (args_span_us(args, "expire-in") < 1000 * 1000) {
        ctl_refuse(args, "parsing expire-in: '%s' is too short; one second is the least", text);
        return false;
    }
    target_param(t, "expire-in", text);
    return true;
}

bool pin_options_metadata(const struct args *args, struct target *t)
{
    const char *text;
    for (size_t at = 0; (text = args_each(args, "metadata", &at)) != NULL;) {
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            ctl_refuse(args, "parsing metadata: metadata were not in the format key=value: '%s'",
                       text);
            return false;
        }
        target_param_under(t, "meta-", (struct bytes){ text, (size_t)(equals - text) }, equals + 1);
    }
    return true;
}

bool pin_options_allocations(const struct args *args, struct target *t)
{
    const char *text = args_text(args, "allocations");
    if (text == NULL)
        return true;
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, ",");
        struct peer_id id;
        if (peer_id_parse_len(&id, at, len) != OK) {
            ctl_refuse(args,
                       "decoding allocations: some peer IDs could not be decoded: '%.*s' is none; "
                       "`peers ls` shows them",
                       (int)len, at);
            return false;
        }
        at += len + (at[len] == ',');
    }
    target_param(t, "user-allocations", text);
    return true;
}

void pin_options_factors(const struct args *args, int64_t both, struct target *t)
{
    int64_t least = both != 0 ? both : args_number(args, "replication-min");
    int64_t most = both != 0 ? both : args_number(args, "replication-max");
    if (least != 0)
        target_param_i64(t, "replication-min", least);
    if (most != 0)
        target_param_i64(t, "replication-max", most);
}

void pin_options_name(const struct args *args, struct target *t)
{
    if (args_text(args, "name") != NULL)
        target_param(t, "name", args_text(args, "name"));
}

#include "ctl/target.h"

#include <string.h>

static bool target_is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static void target_encode(struct target *t, const void *text, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *at = text;
    for (size_t i = 0; i < len; i++) {
        if (target_is_plain(at[i])) {
            buf_put_u8(&t->text, at[i]);
        } else {
            const char escape[3] = { '%', digits[at[i] >> 4], digits[at[i] & 15] };
            buf_append(&t->text, escape, sizeof(escape));
        }
    }
}

void target_segment(struct target *t, const char *text)
{
    buf_put_u8(&t->text, '/');
    target_encode(t, text, strlen(text));
}

void target_path(struct target *t, const char *path)
{
    while (*path == '/') {
        size_t len = strcspn(path + 1, "/");
        buf_put_u8(&t->text, '/');
        target_encode(t, path + 1, len);
        path += 1 + len;
    }
}

void target_param_under(struct target *t, const char *prefix, struct bytes key, const char *value)
{
    buf_put_u8(&t->text, t->has_query ? '&' : '?');
    t->has_query = true;
    target_encode(t, prefix, strlen(prefix));
    target_encode(t, key.data, key.len);
    buf_put_u8(&t->text, '=');
    target_encode(t, value, strlen(value));
}

void target_param(struct target *t, const char *key, const char *value)
{
    target_param_under(t, "", (struct bytes){ key, strlen(key) }, value);
}

void target_param_i64(struct target *t, const char *key, int64_t value)
{
    char room[24];
    struct buf text = buf_over(room, sizeof(room));
    buf_printf(&text, "%lld", (long long)value);
    target_param(t, key, buf_text(&text));
}

const char *target_text(struct target *t)
{
    return buf_text(&t->text);
}

void target_deinit(struct target *t)
{
    buf_deinit(&t->text);
}

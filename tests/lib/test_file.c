#include "tests/lib/test_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/err.h"
#include "util/hex.h"

static _Noreturn void test_file_give_up(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    abort();
}

void test_file_read(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        test_file_give_up(path, "not readable (tests run from the repository's root)");
    char piece[4096];
    size_t len;
    while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_append(out, piece, len);
    if (ferror(file) || out->err != OK)
        test_file_give_up(path, "reading broke off");
    fclose(file);
}

void test_file_json(const char *path, struct buf *text, struct json_doc *doc)
{
    test_file_read(path, text);
    if (json_parse(doc, (const char *)text->data, text->len) != OK)
        test_file_give_up(path, "is no JSON");
}

/* The texts of a row are needed at the same time, so the rooms take turns. */
static struct buf *test_json_room(void)
{
    static struct buf rooms[64];
    static unsigned turn;
    struct buf *room = &rooms[turn++ % 64];
    buf_clear(room);
    return room;
}

struct bytes test_json_text(const struct json_doc *doc, int object, const char *key)
{
    struct buf *room = test_json_room();
    if (json_text(doc, json_member(doc, object, key), room) != OK)
        return (struct bytes){ NULL, 0 };
    buf_text(room); /* a NUL behind it, for messages */
    return buf_bytes(room);
}

struct bytes test_json_hex(const struct json_doc *doc, int object, const char *key)
{
    struct bytes text = test_json_text(doc, object, key);
    struct buf *room = test_json_room();
    uint8_t *to = buf_reserve(room, text.len / 2 + 1);
    if (text.data == NULL || hex_decode(to, text.len / 2, &room->len, text) != OK)
        return (struct bytes){ NULL, 0 };
    return buf_bytes(room);
}

#include "util/ip.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/hex.h"

/* ---- reading ---- */

/* One number of "1.2.3.4", taken off the front; -1 when there is none. */
static int ip4_take_number(struct bytes *text)
{
    const char *c = text->data;
    size_t count = 0;
    int value = 0;
    while (count < text->len && count < 3 && c[count] >= '0' && c[count] <= '9')
        value = 10 * value + (c[count++] - '0');
    if (count == 0 || value > 255 || (count > 1 && c[0] == '0'))
        return -1;
    *text = (struct bytes){ c + count, text->len - count };
    return value;
}

static bool ip_take_char(struct bytes *text, char want)
{
    const char *c = text->data;
    if (text->len == 0 || *c != want)
        return false;
    *text = (struct bytes){ c + 1, text->len - 1 };
    return true;
}

int ip4_parse(uint8_t out[4], struct bytes text)
{
    uint8_t ip[4];
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !ip_take_char(&text, '.'))
            return ERR_INVALID;
        int number = ip4_take_number(&text);
        if (number < 0)
            return ERR_INVALID;
        ip[i] = (uint8_t)number;
    }
    if (text.len > 0)
        return ERR_INVALID;
    memcpy(out, ip, 4);
    return OK;
}

/* A group of one to four hex digits, taken off the front; -1 when there is none. */
static int ip6_take_group(struct bytes *text)
{
    const char *c = text->data;
    size_t count = 0;
    int value = 0;
    while (count < text->len && count < 4 && hex_digit(c[count]) >= 0)
        value = value << 4 | hex_digit(c[count++]);
    if (count == 0)
        return -1;
    *text = (struct bytes){ c + count, text->len - count };
    return value;
}

/* What of an address is there yet; "::" leaves a gap that the end decides. */
struct ip6_parts {
    uint8_t bytes[16];
    size_t len;
    size_t gap; /* where "::" stood; more than 16: nowhere */
};

enum { IP6_NO_GAP = 17 };

static int ip6_add_group(struct ip6_parts *p, struct bytes *text)
{
    struct bytes rest = *text;
    int group = ip6_take_group(&rest);
    if (group < 0 || p->len + 2 > 16)
        return ERR_INVALID;
    if (rest.len > 0 && *(const char *)rest.data == '.') { /* the last 32 bits as 1.2.3.4 */
        if (p->len + 4 > 16 || ip4_parse(p->bytes + p->len, *text) != OK)
            return ERR_INVALID;
        p->len += 4;
        text->len = 0;
        return OK;
    }
    p->bytes[p->len++] = (uint8_t)(group >> 8);
    p->bytes[p->len++] = (uint8_t)group;
    *text = rest;
    return OK;
}

static int ip6_finish(uint8_t out[16], const struct ip6_parts *p)
{
    if (p->gap == IP6_NO_GAP ? p->len != 16 : p->len > 14)
        return ERR_INVALID; /* "::" stands for one group at least */
    size_t head = p->gap == IP6_NO_GAP ? 16 : p->gap;
    size_t tail = p->len - head;
    memset(out, 0, 16);
    memcpy(out, p->bytes, head);
    memcpy(out + 16 - tail, p->bytes + head, tail);
    return OK;
}

int ip6_parse(uint8_t out[16], struct bytes text)
{
    struct ip6_parts p = { .gap = IP6_NO_GAP };
    if (ip_take_char(&text, ':')) {
        if (!ip_take_char(&text, ':'))
            return ERR_INVALID;
        p.gap = 0;
        if (text.len == 0)
            return ip6_finish(out, &p);
    }
    for (;;) {
        if (ip6_add_group(&p, &text) != OK)
            return ERR_INVALID;
        if (text.len == 0)
            return ip6_finish(out, &p);
        if (!ip_take_char(&text, ':'))
            return ERR_INVALID;
        if (!ip_take_char(&text, ':'))
            continue;
        if (p.gap != IP6_NO_GAP)
            return ERR_INVALID;
        p.gap = p.len;
        if (text.len == 0)
            return ip6_finish(out, &p);
    }
}

/* ---- writing ---- */

void ip4_print(char out[IP4_TEXT_SIZE], const uint8_t ip[4])
{
    snprintf(out, IP4_TEXT_SIZE, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
}

bool ip6_is_mapped(const uint8_t ip[16])
{
    static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
    return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

/* The longest run of two zero groups or more, the first of equals; its length in groups, or 0. */
static int ip6_zero_run(const uint8_t ip[16], int *start)
{
    int longest = 1;
    for (int i = 0; i < 8; i++) {
        int end = i;
        while (end < 8 && ip[2 * end] == 0 && ip[2 * end + 1] == 0)
            end += 1;
        if (end - i > longest) {
            longest = end - i;
            *start = i;
        }
    }
    return longest > 1 ? longest : 0;
}

void ip6_print(char out[IP6_TEXT_SIZE], const uint8_t ip[16])
{
    if (ip6_is_mapped(ip)) {
        memcpy(out, "::ffff:", 7);
        ip4_print(out + 7, ip + 12);
        return;
    }
    int start = -1;
    int run = ip6_zero_run(ip, &start);
    char *at = out;
    for (int i = 0; i < 8; i++) {
        if (run > 0 && i == start) {
            *at++ = ':';
            *at++ = ':';
            i += run - 1;
            continue;
        }
        if (i > 0 && i != start + run)
            *at++ = ':';
        at += snprintf(at, 5, "%x", (unsigned)ip[2 * i] << 8 | ip[2 * i + 1]);
    }
    *at = '\0';
}

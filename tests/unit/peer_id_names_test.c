/* Ids as text out of a table: always what peer_id_print() says, whoever had the place before. */
#include <criterion/criterion.h>

#include "ids/peer_id_names.h"

static struct peer_id id_of(uint8_t seed, uint8_t last)
{
    uint8_t key[32] = { seed };
    key[31] = last;
    return peer_id_of_public_key(key);
}

Test(peer_id_names, the_text_is_that_of_the_id)
{
    struct peer_id_names names = { 0 };
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 64; i++) { /* four for each place */
            struct peer_id id = id_of((uint8_t)(i / 7), (uint8_t)i);
            cr_assert_str_eq(peer_id_names_print(&names, &id), peer_id_print(&id).text);
            cr_assert_str_eq(peer_id_names_print(&names, &id), peer_id_print(&id).text);
        }
    }
}

Test(peer_id_names, two_of_one_place_take_turns)
{
    struct peer_id_names names = { 0 };
    struct peer_id a = id_of(1, 5), b = id_of(2, 5);
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(peer_id_names_print(&names, &a), peer_id_print(&a).text);
        cr_assert_str_eq(peer_id_names_print(&names, &b), peer_id_print(&b).text);
    }
}

Test(peer_id_names, nobody_has_no_text)
{
    struct peer_id_names names = { 0 };
    const struct peer_id nobody = { 0 };
    cr_assert_str_eq(peer_id_names_print(&names, &nobody), "");
}

/* config_loaded.h -- a configuration read from a text, with what was said of it. */
#ifndef TESTS_LIB_CONFIG_LOADED_H
#define TESTS_LIB_CONFIG_LOADED_H

#include <criterion/criterion.h>
#include <string.h>

#include "config/config.h"
#include "util/err.h"

struct loaded {
    struct config config;
    struct config_notes notes;
    int err;
};

static inline struct loaded load(const char *json)
{
    struct loaded l = { 0 };
    cr_assert_eq(config_init(&l.config), OK);
    l.err = config_read(&l.config, json, strlen(json), &l.notes);
    return l;
}

static inline void unload(struct loaded *l)
{
    config_deinit(&l->config);
    config_notes_deinit(&l->notes);
}

#endif

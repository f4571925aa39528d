/* covers: sim/script/parse.c sim/script/words.c sim/script/options.c */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "peer.h"
#include "sim/script/options.h"
#include "sim/script/script.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is set can be said, and means the same again. */
static void say_options(const struct peer_options *options)
{
    const struct peer_options none = { 0 };
    struct peer_options again = { 0 };
    struct buf text = { 0 };
    struct script s;
    buf_append_text(&text, "peers 1\n");
    script_options_print(options, &none, &text);
    buf_append_text(&text, "start 1\n");
    int err = script_parse(&s, "said", text.data, text.len);
    ASSERT(err == OK);
    for (size_t i = 0; i < s.options_count; i++)
        script_option_apply(&again, s.options[i].name, s.options[i].value);
    ASSERT(memcmp(&again, options, sizeof(again)) == 0);
    script_deinit(&s);
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s;
    int err = script_parse(&s, "f", data, size);
    /* A text that is refused is refused with words, and one that is not can be walked. */
    ASSERT(err == OK || (err == ERR_INVALID && s.error.len > 0));
    struct peer_options options = { 0 };
    for (size_t i = 0; err == OK && i < s.options_count; i++)
        script_option_apply(&options, s.options[i].name, s.options[i].value);
    say_options(&options);
    for (size_t i = 0; err == OK && i < s.steps_count; i++) {
        ASSERT(script_line(&s, s.steps[i].line).len > 0);
        ASSERT(script_verb_usage(s.steps[i].verb)[0] != '\0');
    }
    script_deinit(&s);
    return 0;
}

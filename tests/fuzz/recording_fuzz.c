/* covers: sim/search/recording.c */
#include <stddef.h>
#include <stdint.h>

#include "sim/search/recording.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be written and read again. */
static void write_again(const struct recording *r)
{
    struct buf name = { 0 }, text = { 0 }, out = { 0 };
    buf_append(&name, r->name.data, r->name.len);
    buf_append(&text, r->text.data, r->text.len);
    const struct script script = { .file = (char *)(uintptr_t)buf_text(&name),
                                   .text = (char *)(uintptr_t)buf_text(&text),
                                   .text_len = text.len };
    const struct play_result result = { .seed = r->seed, .events = r->events, .hash = r->hash };
    recording_encode(&out, &script, &result, &r->choices);
    struct recording *again = mem_zalloc(sizeof(*again));
    ASSERT(again != NULL && out.err == OK);
    int err = recording_decode(again, buf_bytes(&out));
    ASSERT(err == OK && again->seed == r->seed && again->text.len == r->text.len);
    recording_deinit(again);
    mem_free(again);
    buf_deinit(&name);
    buf_deinit(&text);
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recording *r = mem_zalloc(sizeof(*r));
    struct buf bytes = { 0 };
    ASSERT(r != NULL);
    /* The sum is put right: else no input would ever get behind it. */
    buf_append(&bytes, data, size);
    buf_put_u64(&bytes, hash64(0, bytes.data, bytes.len));
    if (recording_decode(r, (struct bytes){ data, size }) == OK)
        recording_deinit(r);
    if (recording_decode(r, buf_bytes(&bytes)) == OK) {
        write_again(r);
        recording_deinit(r);
    }
    buf_deinit(&bytes);
    mem_free(r);
    return 0;
}

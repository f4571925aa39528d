#include "sim/watch.h"

#include <stdio.h>

#include "sim/cmd.h"
#include "sim/report/verdict.h"
#include "util/log.h"

static void watch_on_line(void *owner, uint64_t at_us, unsigned who, const char *text)
{
    (void)owner;
    printf("%6llu.%06llu  %*s%s%u%s  %s\n", (unsigned long long)(at_us / 1000000),
           (unsigned long long)(at_us % 1000000), who == 0 ? 0 : (int)(2 * who), "",
           who == 0 ? "world " : "peer ", who, "", text);
}

static void watch_on_log(void *owner, uint64_t at_us, unsigned who, const struct log_line *line)
{
    (void)owner;
    printf("%6llu.%06llu  peer %u  %s %s: %s (%s:%d)\n", (unsigned long long)(at_us / 1000000),
           (unsigned long long)(at_us % 1000000), who, log_level_name(line->level), line->facility,
           line->text, line->file, line->line);
}

static void watch_on_hash(void *owner, uint64_t events, struct hash128 hash)
{
    (void)owner;
    char text[TRACE_HASH_TEXT_SIZE];
    trace_hash_print(hash, text);
    printf("%12llu events  %s\n", (unsigned long long)events, text);
}

bool watch_is_sensible(const struct watch *w)
{
    enum log_level level;
    if (w->log != NULL && log_level_parse(&level, w->log) != 0) {
        fprintf(stderr, "--log: expected error, warn, info or debug, found `%s`\n", w->log);
        return false;
    }
    if (w->hashes > 63) {
        fputs("--hashes: expected 1 to 63\n", stderr);
        return false;
    }
    return true;
}

void watch_hooks(const struct watch *w, struct play_options *options)
{
    options->hash_every_log2 = (unsigned)w->hashes;
    options->hooks.log_level = LOG_LEVEL_INFO;
    if (w->trace)
        options->hooks.trace.on_line = watch_on_line;
    if (w->hashes > 0)
        options->hooks.trace.on_hash = watch_on_hash;
    if (w->log != NULL && log_level_parse(&options->hooks.log_level, w->log) == 0)
        options->hooks.on_log = watch_on_log;
}

int watch_verdict(const struct script *script, const struct play_result *r, bool json,
                  uint64_t took_us)
{
    struct buf out = { 0 };
    if (json) {
        report_json(&out, script, r);
    } else {
        report_verdict(&out, script, r);
        if (took_us > 0)
            report_speed(&out, r->events, r->virtual_us, took_us);
    }
    fputs(buf_text(&out), stdout);
    buf_deinit(&out);
    return r->passed ? CMD_PASSED : CMD_FAILED;
}

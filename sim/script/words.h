/* words.h -- one line of a scenario, cut into words, and the readers of single words.
 *
 * Shape    Words stand between blanks; "..." is one word (without its quotes); # begins a comment. The
 *          first thing that does not fit sets the error and all later reads give nothing, so a
 *          caller looks once, at the end.
 * Errors   words_fail() writes "file:line: ..." once. */
#ifndef SIM_SCRIPT_WORDS_H
#define SIM_SCRIPT_WORDS_H

#include <stdarg.h>

#include "sim/script/script.h"

struct words {
    struct script *script;
    unsigned line;
    struct bytes words[SCRIPT_WORDS_MAX];
    bool quoted[SCRIPT_WORDS_MAX];
    size_t count;
    size_t at;
    bool failed;
    const char *usage; /* shown with a failure */
};

/* False: the line cannot be cut (words_fail has run). */
bool words_cut(struct words *w, struct bytes line);
void words_fail(struct words *w, const char *expected);

bool words_left(const struct words *w);
struct bytes words_next(struct words *w, const char *expected); /* any word */
bool words_next_is(const struct words *w, const char *word);    /* without taking it */
bool words_take(struct words *w, const char *word);             /* takes it if it is this one */
void words_end(struct words *w);                                /* nothing may be left */

uint64_t words_time_us(struct words *w, const char *expected); /* 20ms, 3s, 5m, 2h, 1d */
int64_t words_signed_time_us(struct words *w);                 /* +3h, -1d */
unsigned words_count(struct words *w, const char *expected, unsigned min, unsigned max);
uint64_t words_per_million(struct words *w);                           /* 5%, 0.01% */
uint64_t words_bytes(struct words *w);                                 /* 300, 10KB, 2MB, 1GB */
void words_delay(struct words *w, uint64_t *min_us, uint64_t *max_us); /* 5ms, 5ms..20ms */
void words_factor(struct words *w, int *min, int *max);                /* 2, 2..3, everywhere */
struct bytes words_content(struct words *w);                           /* just one */
void words_contents(struct words *w, struct script_contents *out);     /* at least one */
/* At least one, until a word that cannot belong to it. */
void words_who(struct words *w, struct script_who *out);
void words_condition(struct words *w, struct script_condition *c);

bool word_is(struct bytes word, const char *text);
/* A word of the language that may follow a list of names, and so is no name itself. */
bool word_is_reserved(struct bytes word);
/* Of whole texts, for options. */
bool word_time_us(struct bytes word, uint64_t *out);
/* In the largest unit that leaves no rest. */
void word_print_time(uint64_t us, struct buf *out);
bool word_count(struct bytes word, uint64_t max, uint64_t *out);
bool word_factor(struct bytes word, int *min, int *max);

#endif

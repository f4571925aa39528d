/* Transcripts of rafts, tests/golden/raft/NAME.txt: what a script says, and all that follows from it, word by word. A change
 * of behaviour is a change of text: `make golden` writes it, and the diff is read. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/raft_script.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(raft_golden, .timeout = 60);

/* The first line that differs. */
static void fail_with(const char *path, const char *want, const char *have)
{
    unsigned line = 1;
    while (*want == *have && *want != '\0') {
        line += *want == '\n';
        want += 1;
        have += 1;
    }
    while (line > 1 && want[-1] != '\n') {
        want -= 1;
        have -= 1;
    }
    cr_assert_fail("%s:%u\n  was:   %.*s\n  is now: %.*s\n  (make golden rewrites it)", path, line,
                   (int)strcspn(want, "\n"), want, (int)strcspn(have, "\n"), have);
}

static void play(const char *path)
{
    struct buf want = { 0 };
    struct buf have = { 0 };
    test_file_read(path, &want);
    bool fine = raft_script_play(buf_text(&want), &have);
    cr_assert(fine, "%s: %s", path, buf_text(&have));
    if (getenv("GOLDEN_REWRITE") != NULL) {
        FILE *file = fopen(path, "w");
        cr_assert(file != NULL && fwrite(have.data, 1, have.len, file) == have.len);
        cr_assert_eq(fclose(file), 0);
    } else if (strcmp(buf_text(&want), buf_text(&have)) != 0) {
        fail_with(path, buf_text(&want), buf_text(&have));
    }
    buf_deinit(&want);
    buf_deinit(&have);
}

Test(raft_golden, transcripts)
{
    glob_t found;
    cr_assert_eq(glob("tests/golden/raft/*.txt", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        play(found.gl_pathv[i]);
    cr_assert_geq(found.gl_pathc, 12);
    globfree(&found);
}

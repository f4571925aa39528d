/* A writer's thread and who puts: pieces of all sizes, faster than they are written. Under ThreadSanitizer: `make tsan`. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "os/os_writer.h"
#include "util/assert.h"
#include "util/err.h"

enum { WRITERS = 20, PIECES = 400, PIECE_MAX = 70000 };

static uint8_t piece[PIECE_MAX];

static void write_one(size_t seed)
{
    FILE *file = tmpfile();
    ASSERT(file != NULL);
    struct os_writer *w;
    int number;
    size_t sent = 0;
    ASSERT(os_writer_begin(&w, fileno(file)) == OK);
    for (size_t i = 0; i < PIECES; i++) {
        size_t len = (seed + i) * 7919 % PIECE_MAX;
        piece[0] = (uint8_t)i; /* ours again as soon as it is put */
        ASSERT(os_writer_put(w, piece, len) == OK);
        sent += len;
    }
    ASSERT(os_writer_end(w, &number) == OK);
    ASSERT(lseek(fileno(file), 0, SEEK_END) == (off_t)sent);
    fclose(file);
}

int main(void)
{
    for (size_t i = 0; i < WRITERS; i++)
        write_one(i);
    printf("ok   os_writer: %d files of %d pieces\n", WRITERS, PIECES);
    return 0;
}

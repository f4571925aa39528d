/* bench_groups.c -- how many groups of units a log has ever been given: one write and one sync each.
 *
 *      bench_groups RAFT      a peer's raft/ folder; the peer may run */
#include <stdio.h>

#include "os/os_segments.h"
#include "util/err.h"

int main(int argc, char **argv)
{
    char path[4096];
    struct os_segments s;
    struct os_segments_options options = { .is_read_only = true };
    if (argc != 2)
        return 2;
    snprintf(path, sizeof(path), "%s/records", argv[1]);
    if (os_segments_open(&s, path, &options) != OK)
        return 1;
    printf("%llu\n", (unsigned long long)s.group_next - 1);
    os_segments_close(&s);
    return 0;
}

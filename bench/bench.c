#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SYNC_BLOCK = 4096, SYNC_BLOCKS = 256 };

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

uint64_t bench_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

double bench_rate(uint64_t count, uint64_t took_us)
{
    return (double)count * 1e6 / (double)(took_us > 0 ? took_us : 1);
}

static int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), bench_compare);
    return values[count / 2];
}

static void bench_write_block(int fd, uint64_t number)
{
    char block[SYNC_BLOCK];
    memset(block, (int)(number & 0x7f), sizeof(block));
    off_t at = (off_t)(number % SYNC_BLOCKS) * SYNC_BLOCK;
    if (pwrite(fd, block, sizeof(block), at) != SYNC_BLOCK)
        bench_die("writing: %s", strerror(errno));
}

double bench_fdatasync_rate(const char *dir, uint64_t for_us)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/plain", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        bench_die("%s: %s", path, strerror(errno));
    for (uint64_t i = 0; i < SYNC_BLOCKS; i++)
        bench_write_block(fd, i);
    uint64_t count = 0, begin_us, now_us;
    if (fsync(fd) != 0)
        bench_die("fsync: %s", strerror(errno));
    begin_us = now_us = bench_now_us();
    for (; now_us - begin_us < for_us; count++) {
        bench_write_block(fd, count);
        if (fdatasync(fd) != 0)
            bench_die("fdatasync: %s", strerror(errno));
        now_us = bench_now_us();
    }
    close(fd);
    unlink(path);
    return bench_rate(count, now_us - begin_us);
}

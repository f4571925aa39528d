/* disk_int.h -- between disk.c (what a tape makes of the disk) and disk_lay.c (what a power cut may leave of it). */
#ifndef TESTS_CRASH_DISK_INT_H
#define TESTS_CRASH_DISK_INT_H

#include "tests/crash/disk.h"

enum { NODES_MAX = 4096, LOOSE_MAX = 4096, ENTRIES_MAX = 64, PATH_SIZE = 1024 };

/* Something that was done and is not durable. */
struct loose {
    uint64_t at; /* its place on the tape; rises */
    enum { LOOSE_WRITE, LOOSE_SIZE, LOOSE_ADD, LOOSE_REMOVE, LOOSE_RENAME } kind;
    struct node *node; /* the file or folder that changes */
    uint64_t number;   /* of a write that syncs itself */
    uint64_t offset;   /* WRITE; SIZE: the new length */
    uint64_t len;
    const uint8_t *bytes;
    char name[64]; /* ADD, REMOVE, RENAME: the old one */
    char to[64];   /* RENAME */
    struct node *child;
};

struct entry {
    char name[64];
    struct node *node;
};

struct node {
    uint64_t ino;
    bool is_folder;
    bool is_mapped;
    /* What is durable: a file's bytes, up to size; a folder's names. */
    uint8_t *bytes;
    uint64_t size;
    uint64_t room;
    uint64_t *floor; /* of each sector: loose writes up to there are durable in it */
    struct entry entries[ENTRIES_MAX];
    size_t entries_count;
};

/* A sync that has begun. */
struct sync {
    uint64_t number;
    uint64_t at;
    struct node *node;
};

struct disk {
    uint64_t at;
    struct node *root;
    struct node *nodes[NODES_MAX];
    size_t nodes_count;
    struct loose loose[LOOSE_MAX];
    size_t loose_count;
    struct sync syncs[64];
    size_t syncs_count;
};

void *disk_need(void *memory); /* or the program ends */
/* A folder's names after the loose changes up to `until` (a place on the tape). */
size_t disk_folder_names(const struct disk *d, const struct node *n, uint64_t until,
                         struct entry out[ENTRIES_MAX]);
/* The part of a write that lies in one sector; to a buffer that has the whole file. */
void disk_copy_sector(const struct loose *l, uint64_t sector, uint8_t *to);
void disk_sectors_of(const struct loose *l, uint64_t *first, uint64_t *end);

#endif

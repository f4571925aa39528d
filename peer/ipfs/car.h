/* car.h -- the beginning of a CAR: which roots it says it has. Of version 1, and of the one inside version 2.
 *
 * Shape    Feed the file's bytes in pieces of any size until the roots are known; later ones are not looked at.
 * Owner    The caller owns the struct and deinits it.
 * Errors   car_feed(): ERR_CORRUPT no CAR, ERR_UNSUPPORTED a version that we do not know, ERR_NOMEM; they stick.
 *          What lies behind the head is the IPFS daemon's to check.
 * Limits   CAR_HEAD_BYTES_MAX. Only the first root is kept: who has several is refused anyway.
 * Source   CARv1 and CARv2 specifications; DAG-CBOR in the one form that it allows, but keys in any order. */
#ifndef IPFS_CAR_H
#define IPFS_CAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "util/buf.h"

enum { CAR_HEAD_BYTES_MAX = 64 * 1024 };

struct car {
    struct buf head; /* as much as came */
    uint64_t skip;   /* of version 2: bytes up to the inner one */
    bool is_inner;   /* that one is being read */
    bool is_known;   /* the two below are right */
    size_t roots_count;
    struct cid root;
    int err;
};

int car_feed(struct car *c, const void *bytes, size_t len);
void car_deinit(struct car *c);

#endif

/* Which CIDs a listing named. Not the CIDs, which would be as big as the pinset with all its overhead, but a
 * hash of each, keyed so that nobody can choose CIDs that collide: its last bits choose the bucket, and its first 32 are
 * kept there, 4 bytes a pin and at most half as much for growth. A false "seen" (one in 2^42 a pair: with
 * ten million listed, one of 440,000 lost ones) only leaves a lost pin to the next sync, whose key is another.
 *
 * A bucket is sorted when it is first asked: so no moment exists in which the loop stands still to sort millions. */
#include "tracker/tracker_int.h"

#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

int tracker_seen_init(struct tracker_seen *s, uint64_t seed)
{
    *s = (struct tracker_seen){ .seed = seed };
    s->buckets = mem_array(TRACKER_SEEN_BUCKETS, sizeof(*s->buckets));
    return s->buckets != NULL ? OK : ERR_NOMEM;
}

void tracker_seen_deinit(struct tracker_seen *s)
{
    for (size_t i = 0; s->buckets != NULL && i < TRACKER_SEEN_BUCKETS; i++)
        mem_free(s->buckets[i].hashes);
    mem_free(s->buckets);
    *s = (struct tracker_seen){ 0 };
}

static uint64_t tracker_seen_hash(const struct tracker_seen *s, const struct cid *cid,
                                  bool is_direct)
{
    return hash64(s->seed + is_direct, cid->bytes, cid->len);
}

static struct tracker_seen_bucket *tracker_seen_bucket(struct tracker_seen *s, uint64_t hash)
{
    return &s->buckets[hash % TRACKER_SEEN_BUCKETS];
}

int tracker_seen_add(struct tracker_seen *s, const struct cid *cid, bool is_direct)
{
    uint64_t hash = tracker_seen_hash(s, cid, is_direct);
    struct tracker_seen_bucket *b = tracker_seen_bucket(s, hash);
    if (b->count == b->size) {
        uint32_t size = b->size == 0 ? 4 : b->size + b->size / 2;
        uint32_t *hashes = mem_realloc(b->hashes, size * sizeof(*hashes));
        if (hashes == NULL)
            return ERR_NOMEM;
        b->hashes = hashes;
        b->size = size;
    }
    b->hashes[b->count++] = (uint32_t)(hash >> 32);
    b->is_sorted = false;
    return OK;
}

static void tracker_sift(uint32_t *hashes, size_t root, size_t count)
{
    uint32_t moving = hashes[root];
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && hashes[child + 1] > hashes[child])
            child += 1;
        if (hashes[child] <= moving)
            break;
        hashes[root] = hashes[child];
        root = child;
    }
    hashes[root] = moving;
}

static void tracker_seen_sort(struct tracker_seen_bucket *b)
{
    for (size_t i = b->count / 2; i > 0; i--)
        tracker_sift(b->hashes, i - 1, b->count);
    for (size_t last = b->count; last > 1; last--) {
        uint32_t greatest = b->hashes[0];
        b->hashes[0] = b->hashes[last - 1];
        b->hashes[last - 1] = greatest;
        tracker_sift(b->hashes, 0, last - 1);
    }
    b->is_sorted = true;
}

bool tracker_seen_has(struct tracker_seen *s, const struct cid *cid, bool is_direct)
{
    uint64_t hash = tracker_seen_hash(s, cid, is_direct);
    struct tracker_seen_bucket *b = tracker_seen_bucket(s, hash);
    uint32_t kept = (uint32_t)(hash >> 32);
    if (!b->is_sorted)
        tracker_seen_sort(b);
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->hashes[middle] < kept)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->count && b->hashes[low] == kept;
}

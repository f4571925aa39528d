/* raft_cluster_int.h -- between the cluster and its checks. */
#ifndef TESTS_LIB_RAFT_CLUSTER_INT_H
#define TESTS_LIB_RAFT_CLUSTER_INT_H

#include "tests/lib/raft_cluster.h"

void cluster_fail(struct raft_cluster *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* 0 for what the image does not have; base and before: as if it had it (`*is_base`). */
uint64_t cluster_image_term(const struct cluster_image *log, uint64_t index);

/* raft_cluster_checks.c */
struct cluster_checks *cluster_checks_create(void);
void cluster_checks_destroy(struct cluster_checks *k);
/* The same content at an index is one pointer, alive as long as the checks. */
const struct raft_config *cluster_intern_config(struct cluster_checks *k,
                                                const struct raft_config *config);
/* Each entry that goes into a unit. Its content is kept: see cluster_entry(). */
void cluster_check_entry(struct raft_cluster *c, const struct cluster_node *n,
                         const struct raft_entry *e, uint64_t prev_term);
void cluster_check_unit(struct raft_cluster *c, const struct cluster_node *n,
                        const struct cluster_unit *u);
void cluster_check_release(struct raft_cluster *c, const struct cluster_node *n,
                           const struct raft_msg *m);
/* After each input. */
void cluster_check_node(struct raft_cluster *c, struct cluster_node *n);
void cluster_check_applied(struct raft_cluster *c, const struct cluster_node *n);
void cluster_check_read(struct raft_cluster *c, struct cluster_node *n,
                        const struct raft_read_result *read);
/* What (index, term) says, anywhere. */
struct raft_entry cluster_entry(const struct raft_cluster *c, uint64_t index, uint64_t term);
uint64_t cluster_entry_hash(const struct raft_cluster *c, uint64_t index, uint64_t term);

#endif

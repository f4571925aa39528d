/* test_file.h -- what is in a file of the repository, for tests (they run from its root). */
#ifndef TESTS_LIB_TEST_FILE_H
#define TESTS_LIB_TEST_FILE_H

#include "util/buf.h"
#include "util/json.h"

/* Appends the whole file; stops the test binary with a sentence when it cannot. */
void test_file_read(const char *path, struct buf *out);
/* A JSON file, parsed. `text` holds what `doc` points into: deinit both. */
void test_file_json(const char *path, struct buf *text, struct json_doc *doc);
/* The text of a string member, which lives for the next sixty calls; {NULL, 0} when it is null or
 * absent. */
struct bytes test_json_text(const struct json_doc *doc, int object, const char *key);
/* The same from a member of hex digits. */
struct bytes test_json_hex(const struct json_doc *doc, int object, const char *key);

#endif

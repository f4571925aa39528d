/* test_dir.h -- a folder of a test's own, outside the repository. Stops the test binary when it cannot. */
#ifndef TESTS_LIB_TEST_DIR_H
#define TESTS_LIB_TEST_DIR_H

enum { TEST_DIR_SIZE = 256 };

void test_dir_make(char path[TEST_DIR_SIZE]);
void test_dir_remove(const char *path); /* with all that is in it */

#endif

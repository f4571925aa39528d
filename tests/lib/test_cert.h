/* test_cert.h -- a certificate for 127.0.0.1 that signs itself, and its key, as PEM files cert.pem and key.pem in
 * a test's folder. Stops the test binary when it cannot. */
#ifndef TESTS_LIB_TEST_CERT_H
#define TESTS_LIB_TEST_CERT_H

void test_cert_make(const char *folder);
/* With a passphrase: into locked.pem. */
void test_cert_make_locked_key(const char *folder);

#endif

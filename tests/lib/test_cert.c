#include "tests/lib/test_cert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "a certificate for the test: %s failed\n", what);
    abort();
}

static FILE *cert_file(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    must(file != NULL, path);
    return file;
}

static X509 *cert_signed_by(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    must(cert != NULL, "X509_new");
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    must(names != NULL && X509_add_ext(cert, names, -1) == 1, "the names");
    X509_EXTENSION_free(names);
    must(X509_sign(cert, key, EVP_sha256()) > 0, "X509_sign");
    return cert;
}

void test_cert_make(const char *folder)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL, "EVP_EC_gen");
    X509 *cert = cert_signed_by(key);
    FILE *file = cert_file(folder, "cert.pem");
    must(PEM_write_X509(file, cert) == 1, "PEM_write_X509");
    fclose(file);
    file = cert_file(folder, "key.pem");
    must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1, "PEM_write_PrivateKey");
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void test_cert_make_locked_key(const char *folder)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = cert_file(folder, "locked.pem");
    must(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), (const unsigned char *)"pass", 4, NULL,
                              NULL) == 1,
         "PEM_write_PrivateKey");
    fclose(file);
    EVP_PKEY_free(key);
}

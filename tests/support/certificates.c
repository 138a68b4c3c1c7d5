/* SPDX-License-Identifier: Apache-2.0 */
#include "certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static FILE *open_file(const char *folder, const char *name, const char *suffix, const char *mode)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
    FILE *f = fopen(path, mode);
    if (!f) {
        perror(path);
        abort();
    }
    if (strcmp(suffix, "key") == 0)
        chmod(path, 0600);
    return f;
}

static X509 *read_certificate(const char *folder, const char *name)
{
    FILE *f = open_file(folder, name, "pem", "r");
    X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    return x;
}

static EVP_PKEY *read_key(const char *folder, const char *name)
{
    FILE *f = open_file(folder, name, "key", "r");
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    return key;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!e || X509_add_ext(x, e, -1) != 1)
        abort();
    X509_EXTENSION_free(e);
}

static X509 *say(const certificate *what, EVP_PKEY *key, X509 *issuer)
{
    static long serial = 1;
    X509 *x = X509_new();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), what->from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), what->to_s);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)what->name, -1, -1, 0);
    X509 *from = issuer ? issuer : x;
    X509_set_issuer_name(x, X509_get_subject_name(from));
    extend(x, from, NID_basic_constraints, what->authority ? "critical,CA:TRUE" : "CA:FALSE");
    extend(x, from, NID_subject_key_identifier, "hash");
    if (issuer)
        extend(x, from, NID_authority_key_identifier, "keyid");
    if (what->names)
        extend(x, from, NID_subject_alt_name, what->names);
    return x;
}

void certificate_make(const char *folder, const certificate *what)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *issuer = what->issuer ? read_certificate(folder, what->issuer) : NULL;
    EVP_PKEY *issuer_key = what->issuer ? read_key(folder, what->issuer) : NULL;
    X509 *x = say(what, key, issuer);
    if (X509_sign(x, issuer_key ? issuer_key : key, EVP_sha256()) == 0)
        abort();
    FILE *f = open_file(folder, what->name, "pem", "w");
    PEM_write_X509(f, x);
    fclose(f);
    f = open_file(folder, what->name, "key", "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(x);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(key);
}

void certificate_pin(char out[CERTIFICATE_PIN_MAX], const char *folder, const char *name)
{
    unsigned char hash[32], text[48], *der = NULL;
    X509 *x = read_certificate(folder, name);
    const int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    if (len <= 0 || EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) != 1)
        abort();
    EVP_EncodeBlock(text, hash, sizeof(hash));
    snprintf(out, CERTIFICATE_PIN_MAX, "sha256//%s", (const char *)text);
    OPENSSL_free(der);
    X509_free(x);
}

void password_line(char out[PASSWORD_LINE_MAX], const char *user, const char *password)
{
    static const unsigned char salt[12] = "pepper";
    enum { ROUNDS = 101 };
    unsigned char hash[64], salt_text[20], hash_text[92];
    if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, sizeof(salt), ROUNDS, EVP_sha512(),
                          sizeof(hash), hash) != 1)
        abort();
    EVP_EncodeBlock(salt_text, salt, sizeof(salt));
    EVP_EncodeBlock(hash_text, hash, sizeof(hash));
    snprintf(out, PASSWORD_LINE_MAX, "%s:$7$%d$%s$%s\n", user, ROUNDS, (const char *)salt_text,
             (const char *)hash_text);
}

#include "base/sign.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

enum { TAG_BYTES = SEAL_OVERHEAD_BYTES - SEAL_NONCE_BYTES };

/*
 * OpenSSL finds an algorithm by its name under a lock each time it is asked; so each is found once,
 * and what works with it is made once a thread. A failure of any of these calls means a libcrypto
 * without the algorithm or without memory: there is nothing to go on with, so they are asserted.
 */
static struct {
    EVP_MD *sha1, *sha256, *sha384;
    EVP_MAC *hmac;
    EVP_CIPHER *aes_256_gcm, *aes_256_ecb;
} found;

/* What one thread computes with. */
struct tools {
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *hmac_sha256;
    EVP_CIPHER_CTX *block;
};

static pthread_once_t setup_once = PTHREAD_ONCE_INIT;
static pthread_key_t tools_of_thread;

static void free_tools(void *ptr)
{
    struct tools *tools = ptr;

    EVP_MD_CTX_free(tools->digest);
    EVP_MAC_CTX_free(tools->hmac_sha256);
    EVP_CIPHER_CTX_free(tools->block);
    mem_free(tools);
}

static void set_up(void)
{
    found.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    found.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    found.sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
    found.hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    found.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    found.aes_256_ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    assert(found.sha1 && found.sha256 && found.sha384 && found.hmac);
    assert(found.aes_256_gcm && found.aes_256_ecb);

    int rc = pthread_key_create(&tools_of_thread, free_tools);
    assert(rc == 0);
}

static struct tools *make_tools(void)
{
    char digest_name[] = "SHA256"; /* OpenSSL's parameters want it writable */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_end(),
    };
    struct tools *tools = MEM_NEW(struct tools);

    tools->digest = EVP_MD_CTX_new();
    tools->hmac_sha256 = EVP_MAC_CTX_new(found.hmac);
    tools->block = EVP_CIPHER_CTX_new();
    assert(tools->digest != NULL && tools->hmac_sha256 != NULL && tools->block != NULL);

    int rc = EVP_MAC_CTX_set_params(tools->hmac_sha256, params);
    assert(rc == 1);
    rc = pthread_setspecific(tools_of_thread, tools);
    assert(rc == 0);
    return tools;
}

/* The calling thread's tools, freed when the thread ends. */
static struct tools *get_tools(void)
{
    int rc = pthread_once(&setup_once, set_up);

    assert(rc == 0);
    struct tools *tools = pthread_getspecific(tools_of_thread);
    return tools != NULL ? tools : make_tools();
}

static void hash(EVP_MD *const *algorithm, struct slice data, uint8_t *out)
{
    EVP_MD_CTX *digest = get_tools()->digest; /* first, for it sets up *algorithm */
    int rc = EVP_DigestInit_ex2(digest, *algorithm, NULL) &&
             EVP_DigestUpdate(digest, data.ptr, data.len) && EVP_DigestFinal_ex(digest, out, NULL);

    assert(rc == 1);
}

void sha1(struct slice data, uint8_t out[SHA1_BYTES])
{
    hash(&found.sha1, data, out);
}

void sha256(struct slice data, uint8_t out[SHA256_BYTES])
{
    hash(&found.sha256, data, out);
}

void sha384(struct slice data, uint8_t out[SHA384_BYTES])
{
    hash(&found.sha384, data, out);
}

void hmac_sha256(struct slice key, const struct slice *parts, size_t parts_len,
                 uint8_t out[SHA256_BYTES])
{
    EVP_MAC_CTX *hmac = get_tools()->hmac_sha256;
    /* NULL would mean the key of the last time. */
    const void *key_ptr = key.len > 0 ? key.ptr : "";
    int rc = EVP_MAC_init(hmac, key_ptr, key.len, NULL);

    for (size_t i = 0; i < parts_len && rc == 1; i++) {
        rc = EVP_MAC_update(hmac, (const unsigned char *)parts[i].ptr, parts[i].len);
    }
    assert(rc == 1);
    rc = EVP_MAC_final(hmac, out, NULL, SHA256_BYTES);
    assert(rc == 1);
}

static EVP_PKEY *private_key(const uint8_t seed[ED25519_SEED_BYTES])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_BYTES);

    assert(key != NULL); /* any 32 bytes are a seed */
    return key;
}

void ed25519_public(const uint8_t seed[ED25519_SEED_BYTES], uint8_t out[ED25519_PUBLIC_BYTES])
{
    EVP_PKEY *key = private_key(seed);
    size_t len = ED25519_PUBLIC_BYTES;
    int rc = EVP_PKEY_get_raw_public_key(key, out, &len);

    assert(rc == 1 && len == ED25519_PUBLIC_BYTES);
    EVP_PKEY_free(key);
}

void ed25519_sign(const uint8_t seed[ED25519_SEED_BYTES], struct slice data,
                  uint8_t out[ED25519_SIGNATURE_BYTES])
{
    EVP_PKEY *key = private_key(seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = ED25519_SIGNATURE_BYTES;
    int rc = EVP_DigestSignInit(context, NULL, NULL, NULL, key) &&
             EVP_DigestSign(context, out, &len, (const unsigned char *)data.ptr, data.len);

    assert(rc == 1 && len == ED25519_SIGNATURE_BYTES);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

bool ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_BYTES], struct slice data,
                    const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, ED25519_PUBLIC_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_right = key != NULL && context != NULL &&
                    EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                    EVP_DigestVerify(context, signature, ED25519_SIGNATURE_BYTES,
                                     (const unsigned char *)data.ptr, data.len) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return is_right;
}

bool secret_equal(struct slice a, struct slice b)
{
    return a.len == b.len && CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* The mode ECB on one block is the cipher itself. */
static void cipher_block(bool is_encrypting, const uint8_t *key, const uint8_t *in, uint8_t *out)
{
    EVP_CIPHER_CTX *block = get_tools()->block;
    int len = 0;
    int rc = EVP_CipherInit_ex2(block, found.aes_256_ecb, key, NULL, is_encrypting, NULL) &&
             EVP_CIPHER_CTX_set_padding(block, 0) &&
             EVP_CipherUpdate(block, out, &len, in, AES_BLOCK_BYTES);

    assert(rc == 1 && len == AES_BLOCK_BYTES);
}

void aes256_encrypt_block(const uint8_t key[AES256_KEY_BYTES], const uint8_t in[AES_BLOCK_BYTES],
                          uint8_t out[AES_BLOCK_BYTES])
{
    cipher_block(true, key, in, out);
}

void aes256_decrypt_block(const uint8_t key[AES256_KEY_BYTES], const uint8_t in[AES_BLOCK_BYTES],
                          uint8_t out[AES_BLOCK_BYTES])
{
    cipher_block(false, key, in, out);
}

/* A context for one sealing or unsealing, already told what is bound to it. */
static EVP_CIPHER_CTX *start_cipher(bool is_sealing, const uint8_t *key, const uint8_t *nonce,
                                    struct slice bound)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len = 0;

    assert(cipher != NULL && bound.len <= INT_MAX);
    (void)get_tools(); /* sets up what was found */
    int rc = EVP_CipherInit_ex2(cipher, found.aes_256_gcm, key, nonce, is_sealing, NULL);
    assert(rc == 1);
    if (bound.len > 0) { /* no bytes at NULL would be taken for the end */
        rc = EVP_CipherUpdate(cipher, NULL, &len, (const unsigned char *)bound.ptr, (int)bound.len);
        assert(rc == 1);
    }
    return cipher;
}

/* Runs text through the cipher; out has room for as much. False when the tag, if one was set, does
 * not fit. */
static bool finish_cipher(EVP_CIPHER_CTX *cipher, struct slice text, uint8_t *out)
{
    int len = 0;
    int end_len = 0;

    assert(text.len <= INT_MAX);
    if (text.len > 0) {
        int rc =
            EVP_CipherUpdate(cipher, out, &len, (const unsigned char *)text.ptr, (int)text.len);
        assert(rc == 1 && (size_t)len == text.len);
    }
    return EVP_CipherFinal_ex(cipher, out + len, &end_len) == 1;
}

void seal(struct buf *out, const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES],
          struct slice bound, struct slice plain)
{
    EVP_CIPHER_CTX *cipher = start_cipher(true, key, nonce, bound);
    uint8_t *hidden = mem_new(plain.len + 1, 1);
    uint8_t tag[TAG_BYTES];
    bool is_done = finish_cipher(cipher, plain, hidden) &&
                   EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;

    assert(is_done);
    EVP_CIPHER_CTX_free(cipher);
    buf_add(out, nonce, SEAL_NONCE_BYTES);
    buf_add(out, hidden, plain.len);
    buf_add(out, tag, TAG_BYTES);
    mem_free(hidden);
}

enum err unseal(struct buf *out, const uint8_t key[SEAL_KEY_BYTES], struct slice bound,
                struct slice sealed)
{
    if (sealed.len < SEAL_OVERHEAD_BYTES || sealed.len > INT_MAX) {
        return ERR_CORRUPT;
    }

    struct slice hidden = slice_sub(sealed, SEAL_NONCE_BYTES, sealed.len - SEAL_OVERHEAD_BYTES);
    const uint8_t *nonce = (const uint8_t *)sealed.ptr;
    uint8_t tag[TAG_BYTES];
    /* Not into out: what comes before the tag was checked may be anything. */
    uint8_t *plain = mem_new(hidden.len + 1, 1);

    memcpy(tag, sealed.ptr + SEAL_NONCE_BYTES + hidden.len, TAG_BYTES);
    EVP_CIPHER_CTX *cipher = start_cipher(false, key, nonce, bound);
    bool is_genuine = EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
                      finish_cipher(cipher, hidden, plain);
    if (is_genuine) {
        buf_add(out, plain, hidden.len);
    }
    EVP_CIPHER_CTX_free(cipher);
    mem_wipe(plain, hidden.len);
    mem_free(plain);
    return is_genuine ? OK : ERR_CORRUPT;
}

/*
 * Hashes, signatures and sealing, all from OpenSSL's libcrypto. Nothing here invents cryptography.
 */
#ifndef BASE_SIGN_H
#define BASE_SIGN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SHA1_BYTES = 20,
    SHA256_BYTES = 32,
    SHA384_BYTES = 48,
    ED25519_SEED_BYTES = 32,
    ED25519_PUBLIC_BYTES = 32,
    ED25519_SIGNATURE_BYTES = 64,
    AES256_KEY_BYTES = 32,
    AES_BLOCK_BYTES = 16,
    SEAL_KEY_BYTES = 32,
    SEAL_NONCE_BYTES = 12,
    SEAL_OVERHEAD_BYTES = SEAL_NONCE_BYTES + 16, /* nonce in front, tag behind (AES-256-GCM) */
};

void sha1(struct slice data, uint8_t out[SHA1_BYTES]);
void sha256(struct slice data, uint8_t out[SHA256_BYTES]);
void sha384(struct slice data, uint8_t out[SHA384_BYTES]);

/*
 * HMAC-SHA256 over the parts, one after the other. The calling thread's context is reused: 0.7 us
 * instead of twice that.
 */
void hmac_sha256(struct slice key, const struct slice *parts, size_t parts_len,
                 uint8_t out[SHA256_BYTES]);

/* Ed25519 (RFC 8032). The public key of a seed; a signature over data; whether a signature is
 * right. */
void ed25519_public(const uint8_t seed[ED25519_SEED_BYTES], uint8_t out[ED25519_PUBLIC_BYTES]);
void ed25519_sign(const uint8_t seed[ED25519_SEED_BYTES], struct slice data,
                  uint8_t out[ED25519_SIGNATURE_BYTES]);
bool ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_BYTES], struct slice data,
                    const uint8_t signature[ED25519_SIGNATURE_BYTES]);

/* In constant time for equal lengths; lengths are not secret. */
bool secret_equal(struct slice a, struct slice b);

/*
 * One block through AES-256 alone, and back: a keyed shuffling of all 16-byte values, for what is
 * one block whole and never the same twice by chance. Texts are for seal.
 */
void aes256_encrypt_block(const uint8_t key[AES256_KEY_BYTES], const uint8_t in[AES_BLOCK_BYTES],
                          uint8_t out[AES_BLOCK_BYTES]);
void aes256_decrypt_block(const uint8_t key[AES256_KEY_BYTES], const uint8_t in[AES_BLOCK_BYTES],
                          uint8_t out[AES_BLOCK_BYTES]);

/*
 * AES-256-GCM with a nonce that the caller takes from the system's random numbers and never uses
 * again with this key. bound is authenticated but not hidden: which row the secret belongs to.
 */
void seal(struct buf *out, const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES],
          struct slice bound, struct slice plain);

/* Adds to out what was sealed. ERR_CORRUPT when key or bound differ or a bit was changed; then
 * nothing is added. */
enum err unseal(struct buf *out, const uint8_t key[SEAL_KEY_BYTES], struct slice bound,
                struct slice sealed) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CRYPTO_BEARSSL_PROVIDER_H
#define MEDSEC_CRYPTO_BEARSSL_PROVIDER_H

#include <medsec/crypto.h>

/*
 * The device's provider: BearSSL's constant-time code for processors whose only multiplication is
 * 32 x 32 -> 32 bits (aes_ct, chacha20_ct, poly1305_ctmul32, c25519_m15, sha256). No heap, nothing
 * kept between calls, and no key left on the stack after one. Not a part of libmedsec.
 */
const medsec_crypto *medsec_crypto_bearssl(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_CORE_PKCS7_H
#define MEDSEC_CORE_PKCS7_H

#include <medsec/limits.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Length of the PKCS#7 padding (RFC 5652 section 6.3) in a last block, 0 when it is bad. The same
 * steps for every block: it neither branches on what is in it nor takes an index from it.
 */
size_t medsec__pkcs7_len(const uint8_t block[MEDSEC_AES_BLOCK_LEN]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_TESTS_SANITIZER_H
#define MEDSEC_TESTS_SANITIZER_H

#ifndef __has_feature /* only clang has it */
#define __has_feature(name) 0
#endif

/* Whether a sanitizer has its own heap and lays the stack out its own way. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif

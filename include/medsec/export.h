/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_EXPORT_H
#define MEDSEC_EXPORT_H

/* Everything is hidden but what carries MEDSEC_API; cmake/medsec.symbols lists it all. */
#if defined(__GNUC__)
#define MEDSEC_API __attribute__((visibility("default")))
#define MEDSEC_CHECK __attribute__((warn_unused_result))
#define MEDSEC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MEDSEC_API
#define MEDSEC_CHECK
#define MEDSEC_PRINTF(text, first)
#endif

#ifdef __cplusplus
#define MEDSEC_BEGIN_DECLS extern "C" {
#define MEDSEC_END_DECLS }
#else
#define MEDSEC_BEGIN_DECLS
#define MEDSEC_END_DECLS
#endif

#endif

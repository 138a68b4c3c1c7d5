/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_VERSION_H
#define MEDSEC_VERSION_H

#include <medsec/export.h>

/* The build reads the version from here; nothing else states it. */
#define MEDSEC_VERSION_MAJOR 0
#define MEDSEC_VERSION_MINOR 1
#define MEDSEC_VERSION_PATCH 0
#define MEDSEC_VERSION_STRING "0.1.0"

MEDSEC_BEGIN_DECLS

/* The version of the library in use, which may be newer than the header: "0.1.0". */
MEDSEC_API const char *medsec_version(void);

MEDSEC_END_DECLS

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

static sqlite3_vfs files;
static const sqlite3_vfs *system_files;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    if ((flags & SQLITE_OPEN_SUPER_JOURNAL) != 0) {
        file->pMethods = NULL;
        return SQLITE_CANTOPEN;
    }
    return system_files->xOpen(vfs, name, file, flags, out);
}

static void enter(void)
{
    system_files = sqlite3_vfs_find(NULL);
    if (system_files != NULL) {
        files = *system_files;
        files.xOpen = open_file;
        files.zName = "medsec";
        sqlite3_vfs_register(&files, 0);
    }
}

const char *medsec__vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, enter);
    return files.zName;
}

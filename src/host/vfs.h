/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_HOST_VFS_H
#define MEDSEC_HOST_VFS_H

/*
 * The name of SQLite's way to files for a registry: the system's, but for super-journals. A journal
 * may name one, which is deleted when the journal is played back. Ours never do; a journal that
 * does was forged by whoever may write the folder, to have a file of ours deleted. NULL, which is
 * the system's: out of memory.
 */
const char *medsec__vfs(void);

#endif

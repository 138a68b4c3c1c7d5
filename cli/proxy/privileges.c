/* SPDX-License-Identifier: Apache-2.0 */
#include "privileges.h"

#include "tool.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The whole set: what is not in it is gone. */
static bool keep_low_ports(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const uint32_t bind = 1u << CAP_NET_BIND_SERVICE;
    const struct __user_cap_data_struct set[2] = {{.effective = bind, .permitted = bind}};
    return syscall(SYS_capset, &head, set) == 0;
}

static bool become(const struct passwd *user, bool low_ports)
{
    return initgroups(user->pw_name, user->pw_gid) == 0 &&
           prctl(PR_SET_KEEPCAPS, low_ports ? 1L : 0L, 0L, 0L, 0L) == 0 &&
           setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
           setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 &&
           (!low_ports || keep_low_ports());
}

int privileges_drop(const char *user, bool low_ports)
{
    errno = 0;
    const struct passwd *found = getpwnam(user);
    if (found == NULL || found->pw_uid == 0) {
        tool_error(found == NULL ? "--user: there is no user `%s`"
                                 : "--user: `%s` may do everything; make a user of its own",
                   user);
        return EXIT_CONFIG;
    }
    if (geteuid() == found->pw_uid && getuid() == found->pw_uid) {
        return EXIT_DONE;
    }
    if (geteuid() != 0) {
        tool_error("--user: only root can become another user; start as root or as `%s`", user);
        return EXIT_USAGE;
    }
    if (!become(found, low_ports)) {
        tool_error("--user: cannot become `%s`: %s", user, strerror(errno));
        return EXIT_FAILED;
    }
    tool_keep_secrets(); /* the kernel forgot */
    return EXIT_DONE;
}

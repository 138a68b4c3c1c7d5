/* SPDX-License-Identifier: Apache-2.0 */
#include "sanitizer.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sandbox.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED (-SIGSYS)

/* What a child does in the sandbox: 0, or the errno of what failed. */
typedef int act(void);

static int run(sandbox_mode mode, act *what)
{
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(sandbox_enter(mode) == MEDSEC_OK ? what() : 250);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int error_of(bool worked)
{
    return worked ? 0 : errno;
}

static int start_program(void)
{
    char *const nothing[] = {NULL};
    return error_of(execve("/bin/true", nothing, nothing) == 0);
}

static int make_process(void)
{
    return error_of(syscall(SYS_fork) >= 0);
}

static int make_process_by_clone(void)
{
    return error_of(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) >= 0);
}

static int clone_by_new_call(void)
{
    return error_of(syscall(SYS_clone3, NULL, 0) >= 0);
}

static int look_into_parent(void)
{
    return error_of(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) >= 0);
}

static int become_another(void)
{
    return error_of(setresuid(1, 1, 1) == 0);
}

static int call_unknown(void)
{
    return error_of(syscall(SYS_acct, NULL) >= 0);
}

static int open_packet_socket(void)
{
    return error_of(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static int map_to_write_and_run(void)
{
    void *map =
        mmap(NULL, 1, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return error_of(map != MAP_FAILED);
}

static int make_written_memory_run(void)
{
    void *map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? 251 : error_of(mprotect(map, 1, PROT_READ | PROT_EXEC) == 0);
}

static int type_into_terminal(void)
{
    char letter = 'x';
    return error_of(ioctl(0, TIOCSTI, &letter) == 0);
}

static void *sum(void *value)
{
    ++*(int *)value;
    return value;
}

static int use_threads(void)
{
    pthread_t thread;
    int value = 0;
    const int error = pthread_create(&thread, NULL, sum, &value);
    return error != 0 ? error : pthread_join(thread, NULL) != 0 || value != 1;
}

static int use_names_and_files(void)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost", "1883", &hints, &found) != 0) {
        return 252;
    }
    freeaddrinfo(found);
    FILE *file = tmpfile();
    return error_of(file != NULL && fputs("text", file) >= 0 && fflush(file) == 0 &&
                    fsync(fileno(file)) == 0 && fclose(file) == 0);
}

static void test_enter_ends_who_took_over(void **state)
{
    (void)state;
    assert_int_equal(run(SANDBOX_ON, start_program), KILLED);
    assert_int_equal(run(SANDBOX_ON, make_process), KILLED);
    assert_int_equal(run(SANDBOX_ON, look_into_parent), KILLED);
    assert_int_equal(run(SANDBOX_ON, become_another), KILLED);
    assert_int_equal(run(SANDBOX_STRICT, start_program), KILLED);
}

static void test_enter_takes_the_rest_for_missing(void **state)
{
    (void)state;
    assert_int_equal(run(SANDBOX_ON, call_unknown), ENOSYS);
    assert_int_equal(run(SANDBOX_ON, make_process_by_clone), ENOSYS);
    assert_int_equal(run(SANDBOX_ON, clone_by_new_call), ENOSYS);
    assert_int_equal(run(SANDBOX_ON, open_packet_socket), ENOSYS);
    assert_int_equal(run(SANDBOX_ON, map_to_write_and_run), ENOSYS);
    assert_int_equal(run(SANDBOX_ON, make_written_memory_run), ENOSYS);
    assert_int_equal(run(SANDBOX_ON, type_into_terminal), ENOSYS);
}

static void test_enter_strict_ends_at_the_unknown(void **state)
{
    (void)state;
    assert_int_equal(run(SANDBOX_STRICT, call_unknown), KILLED);
    assert_int_equal(run(SANDBOX_STRICT, make_process_by_clone), KILLED);
    assert_int_equal(run(SANDBOX_STRICT, clone_by_new_call), ENOSYS);
    assert_int_equal(run(SANDBOX_STRICT, open_packet_socket), KILLED);
}

static void test_enter_leaves_what_is_needed(void **state)
{
    (void)state;
    assert_int_equal(run(SANDBOX_STRICT, use_threads), 0);
    assert_int_equal(run(SANDBOX_STRICT, use_names_and_files), 0);
}

static void test_enter_off_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(SANDBOX_OFF, start_program), 0);
    assert_int_equal(run(SANDBOX_OFF, map_to_write_and_run), 0);
}

static void test_enter_is_not_for_sanitizers(void **state)
{
    (void)state;
    assert_int_equal(sandbox_enter(SANDBOX_ON), MEDSEC_ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_enter_ends_who_took_over),
                                       cmocka_unit_test(test_enter_takes_the_rest_for_missing),
                                       cmocka_unit_test(test_enter_strict_ends_at_the_unknown),
                                       cmocka_unit_test(test_enter_leaves_what_is_needed),
                                       cmocka_unit_test(test_enter_off_changes_nothing)};
    const struct CMUnitTest sanitized[] = {cmocka_unit_test(test_enter_is_not_for_sanitizers)};
    if (SANITIZED) {
        return cmocka_run_group_tests(sanitized, NULL, NULL);
    }
    if (getenv("MEDSEC_VALGRIND") != NULL) {
        return 77; /* its calls are not ours */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

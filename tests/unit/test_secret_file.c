/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <medsec/credential_file.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int fd;

static int set_up(void **state)
{
    FILE *file = tmpfile();
    *state = file;
    fd = file ? fileno(file) : -1;
    return fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    return fclose(*state);
}

static medsec_status check_mode(mode_t mode)
{
    assert_int_equal(fchmod(fd, mode), 0);
    return medsec_secret_file_check(fd);
}

static void test_check_rights_of_others(void **state)
{
    (void)state;
    assert_int_equal(fchown(fd, (uid_t)-1, getgid()), 0);
    assert_int_equal(check_mode(0600), MEDSEC_OK);
    assert_int_equal(check_mode(0400), MEDSEC_OK);
    for (mode_t bit = 1; bit <= 040; bit <<= 1) {
        assert_int_equal(check_mode(0600 | bit), MEDSEC_ERR_PERMISSION);
    }
    assert_int_equal(check_mode(0444), MEDSEC_ERR_PERMISSION);
}

static void test_check_credential_of_the_service_manager(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(fchown(fd, 0, 0), 0);
    assert_int_equal(check_mode(0440), MEDSEC_OK);
    assert_int_equal(check_mode(0460), MEDSEC_ERR_PERMISSION);
    assert_int_equal(fchown(fd, 0, 1), 0);
    assert_int_equal(check_mode(0440), MEDSEC_ERR_PERMISSION);
    assert_int_equal(fchown(fd, 1, 0), 0);
    assert_int_equal(check_mode(0440), MEDSEC_ERR_PERMISSION);
}

static void test_check_owner(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(fchown(fd, 1, 1), 0);
    assert_int_equal(check_mode(0600), MEDSEC_ERR_PERMISSION);
    assert_int_equal(seteuid(1), 0);
    assert_int_equal(medsec_secret_file_check(fd), MEDSEC_OK);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(fchown(fd, 0, 0), 0);
    assert_int_equal(seteuid(1), 0);
    assert_int_equal(medsec_secret_file_check(fd), MEDSEC_OK); /* root knows anyway */
    assert_int_equal(seteuid(0), 0);
}

static void test_check_no_file(void **state)
{
    (void)state;
    assert_int_equal(medsec_secret_file_check(-1), MEDSEC_ERR_IO);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_check_rights_of_others),
                                       CASE(test_check_credential_of_the_service_manager),
                                       CASE(test_check_owner), CASE(test_check_no_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

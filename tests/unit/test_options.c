/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "tool.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct values {
    const char *listen;
    option_list source;
    uint32_t devices;
    double rate;
    uint32_t timeout_ms;
    int wire;
    bool json;
    bool force;
    const char *out;
} values;

static const char *const wires[] = {"seed", "seed-chained", NULL};

static const option_spec tool_options[] = {
    {"listen", "ADDR:PORT", "where to listen", OPTION_TEXT, offsetof(values, listen), 0, 0, NULL,
     OPTION_REQUIRED},
    {"source", "ADDR", "from where to connect", OPTION_LIST, offsetof(values, source), 0, 0, NULL,
     0},
    {"devices", "N", "how many", OPTION_U32, offsetof(values, devices), 1, 100, NULL, 0},
    {"rate", "HZ", "how often", OPTION_REAL, offsetof(values, rate), 0.1, 1000, NULL, 0},
    {"timeout", "S", "how long", OPTION_SECONDS, offsetof(values, timeout_ms), 0, 60, NULL, 0},
    {"wire", "WIRE", "which wire", OPTION_CHOICE, offsetof(values, wire), 0, 0, wires, 0},
    {"json", NULL, "print JSON", OPTION_FLAG, offsetof(values, json), 0, 0, NULL, 0},
    {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};

static const option_spec add_options[] = {
    {"out", "DIR", "where to write", OPTION_TEXT, offsetof(values, out), 0, 0, NULL, 0},
    {"force", NULL, "whatever it costs", OPTION_FLAG, offsetof(values, force), 0, 0, NULL, 0},
    {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};

static const values defaults = {.devices = 5, .rate = 20, .timeout_ms = 1500, .wire = 0};

static int run_nothing(const void *given, char **operands, size_t count)
{
    (void)given;
    (void)operands;
    return count == 2 ? EXIT_NETWORK : EXIT_DONE;
}

static const command_spec commands[] = {
    {"add", "ID...", 1, 2, "Add devices", add_options, run_nothing},
    {"list", NULL, 0, 0, "List devices", NULL, run_nothing},
    {NULL, NULL, 0, 0, NULL, NULL, NULL}};

static const man_section sections[] = {{"FILES", "One.\n\n    literal -x\n.dot"}, {NULL, NULL}};

static const tool_spec plain = {.name = "medsec-test",
                                .summary = "Test the options",
                                .description = "It tests.",
                                .sections = sections,
                                .options = tool_options,
                                .self = {.run = run_nothing},
                                .defaults = &defaults,
                                .values_size = sizeof(values)};

static const tool_spec with_commands = {.name = "medsec-test",
                                        .summary = "Test the options",
                                        .description = "It tests.",
                                        .options = tool_options,
                                        .commands = commands,
                                        .defaults = &defaults,
                                        .values_size = sizeof(values)};

typedef struct outcome {
    int code;
    values got;
    options_result result;
    char *argv[16];
    char talk[16384]; /* what went to stdout and stderr */
} outcome;

static int redirect(int fd, int to)
{
    const int saved = dup(fd);

    fflush(stdout);
    fflush(stderr);
    assert_true(saved >= 0 && dup2(to, fd) == fd);
    return saved;
}

static void restore(int fd, int saved)
{
    fflush(stdout);
    fflush(stderr);
    dup2(saved, fd);
    close(saved);
}

/* Parses `line`, words parted by one blank. */
static void parse(outcome *o, const tool_spec *tool, const char *line)
{
    static char words[512];
    int argc = 0;
    FILE *talk = tmpfile();

    memset(o, 0, sizeof(*o));
    snprintf(words, sizeof(words), "medsec-test%s%s", line[0] != '\0' ? " " : "", line);
    for (char *word = words; word != NULL && argc < 15;) {
        char *blank = strchr(word, ' ');
        o->argv[argc++] = word;
        if (blank != NULL) {
            *blank++ = '\0';
        }
        word = blank;
    }
    const int out = redirect(STDOUT_FILENO, fileno(talk));
    const int err = redirect(STDERR_FILENO, fileno(talk));
    o->code = options_parse(tool, argc, o->argv, &o->got, &o->result);
    restore(STDERR_FILENO, err);
    restore(STDOUT_FILENO, out);
    rewind(talk);
    o->talk[fread(o->talk, 1, sizeof(o->talk) - 1, talk)] = '\0';
    fclose(talk);
}

static int parse_code(const tool_spec *tool, const char *line)
{
    outcome o;

    parse(&o, tool, line);
    options_free(&o.result);
    return o.code;
}

static void assert_talk(const char *line, const tool_spec *tool, const char *expected)
{
    outcome o;

    parse(&o, tool, line);
    if (strstr(o.talk, expected) == NULL) {
        fail_msg("'%s' said:\n%s\nbut not: %s", line, o.talk, expected);
    }
    options_free(&o.result);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char *scratch(void)
{
    static char path[64];

    snprintf(path, sizeof(path), "/tmp/test_options.%d", (int)getpid());
    return path;
}

static void parse_with_file(outcome *o, const tool_spec *tool, const char *text, const char *line)
{
    char arguments[256];

    write_file(scratch(), text);
    snprintf(arguments, sizeof(arguments), "--config %s%s%s", scratch(), line[0] ? " " : "", line);
    parse(o, tool, arguments);
    unlink(scratch());
}

static void test_parse_takes_every_kind(void **state)
{
    outcome o;
    (void)state;

    parse(&o, &plain,
          "--listen [::1]:9998 --source=127.0.0.1,127.0.0.2 --source 127.0.0.3 --devices 7 "
          "--rate=0.5 --timeout 2.25 --wire seed-chained --json");
    assert_int_equal(o.code, OPTIONS_RUN);
    assert_string_equal(o.got.listen, "[::1]:9998");
    assert_int_equal(o.got.source.count, 3);
    assert_string_equal(o.got.source.item[1], "127.0.0.2");
    assert_string_equal(o.got.source.item[2], "127.0.0.3");
    assert_int_equal(o.got.devices, 7);
    assert_true(o.got.rate > 0.49 && o.got.rate < 0.51);
    assert_int_equal(o.got.timeout_ms, 2250);
    assert_int_equal(o.got.wire, 1);
    assert_true(o.got.json);
    options_free(&o.result);
}

static void test_parse_keeps_defaults(void **state)
{
    outcome o;
    (void)state;

    parse(&o, &plain, "--listen a:1");
    assert_int_equal(o.code, OPTIONS_RUN);
    assert_int_equal(o.got.devices, 5);
    assert_int_equal(o.got.timeout_ms, 1500);
    assert_false(o.got.json);
    options_free(&o.result);
}

static void test_parse_refuses_bad_values(void **state)
{
    static const char *const bad[] = {
        "--devices 0",
        "--devices 101",
        "--devices -1",
        "--devices 1.5",
        "--devices 0x10",
        "--devices=",
        "--rate nan",
        "--rate 1e3",
        "--rate 1.2.3",
        "--rate 0.01",
        "--timeout 60.1",
        "--timeout -1",
        "--wire medsec",
        "--wire",
        "--json=maybe",
        "--source 1.1.1.1,,2",
        "--source=",
        "-x",
        "--unknown",
        "extra",
        "--devices",
        "--listen=",
        "--",
        "--no-json",
        "- -",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse_code(&plain, bad[i]) != EXIT_USAGE) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void test_parse_wants_required_options(void **state)
{
    (void)state;
    assert_int_equal(parse_code(&plain, ""), EXIT_USAGE);
    assert_talk("", &plain, "--listen ADDR:PORT is needed (or MEDSEC_LISTEN");
}

static void test_parse_never_echoes_a_value(void **state)
{
    static const char *const lines[] = {
        "--devices S3cret", "--wire S3cret", "--S3cret",           "S3cret",
        "--json=S3cret",    "--rate S3cret", "--listen a:1 S3cret"};
    (void)state;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        outcome o;
        parse(&o, i % 2 == 0 ? &plain : &with_commands, lines[i]);
        assert_int_equal(o.code, EXIT_USAGE);
        assert_null(strstr(o.talk, "S3cret"));
        options_free(&o.result);
    }
}

static void test_parse_suggests_the_nearest_name(void **state)
{
    (void)state;
    assert_talk("--device 3", &plain, "unknown option --device; did you mean --devices?");
    assert_talk("--device 3", &plain, "Try 'medsec-test --help'.");
    assert_talk("lits", &with_commands, "unknown command 'lits'; did you mean 'list'?");
    assert_talk("--zzzzzz", &plain, "unknown option --zzzzzz\n");
}

static void test_parse_command_line_beats_environment_beats_file(void **state)
{
    const char *file = "devices = 1\nrate = 1\ntimeout = 1\nlisten = file:1\nsource = a, b\n";
    outcome o;
    (void)state;

    setenv("MEDSEC_DEVICES", "2", 1);
    setenv("MEDSEC_RATE", "2", 1);
    setenv("MEDSEC_SOURCE", "c", 1);
    parse_with_file(&o, &plain, file, "--devices 3");
    unsetenv("MEDSEC_DEVICES");
    unsetenv("MEDSEC_RATE");
    unsetenv("MEDSEC_SOURCE");
    assert_int_equal(o.code, OPTIONS_RUN);
    assert_int_equal(o.got.devices, 3);
    assert_true(o.got.rate > 1.9);
    assert_int_equal(o.got.timeout_ms, 1000);
    assert_string_equal(o.got.listen, "file:1");
    assert_int_equal(o.got.source.count, 1);
    assert_string_equal(o.got.source.item[0], "c");
    options_free(&o.result);
}

static void test_parse_refuses_a_bad_file(void **state)
{
    static const char *const bad[] = {"nonsense = 1\n", "devices = x\n", "devices\n",
                                      "help = true\n", "config = x\n"};
    outcome o;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse_with_file(&o, &plain, bad[i], "--listen a:1");
        assert_int_equal(o.code, EXIT_CONFIG);
        options_free(&o.result);
    }
    assert_int_equal(parse_code(&plain, "--config /nonexistent/file --listen a:1"), EXIT_CONFIG);
}

static void test_parse_refuses_a_bad_environment(void **state)
{
    (void)state;
    setenv("MEDSEC_DEVICES", "x", 1);
    assert_int_equal(parse_code(&plain, "--listen a:1"), EXIT_USAGE);
    assert_talk("--listen a:1", &plain, "MEDSEC_DEVICES: a whole number from 1 to 100");
    unsetenv("MEDSEC_DEVICES");
}

static void test_parse_environment_may_be_empty(void **state)
{
    (void)state;
    setenv("MEDSEC_DEVICES", "", 1);
    setenv("MEDSEC_VERSION", "0.1.0", 1);
    assert_int_equal(parse_code(&plain, "--listen a:1"), OPTIONS_RUN);
    unsetenv("MEDSEC_DEVICES");
    unsetenv("MEDSEC_VERSION");
}

static void test_parse_command_has_its_own_options(void **state)
{
    outcome o;
    (void)state;

    parse(&o, &with_commands, "--listen a:1 add one --force --out dir two --json");
    assert_int_equal(o.code, OPTIONS_RUN);
    assert_string_equal(o.result.command->name, "add");
    assert_int_equal(o.result.count, 2);
    assert_string_equal(o.result.operands[0], "one");
    assert_string_equal(o.result.operands[1], "two");
    assert_string_equal(o.got.out, "dir");
    assert_true(o.got.force && o.got.json);
    options_free(&o.result);
    assert_int_equal(parse_code(&with_commands, "--listen a:1 list --force"), EXIT_USAGE);
    assert_int_equal(parse_code(&with_commands, "--listen a:1 list one"), EXIT_USAGE);
    assert_int_equal(parse_code(&with_commands, "--listen a:1 add"), EXIT_USAGE);
    assert_int_equal(parse_code(&with_commands, "--listen a:1 add 1 2 3"), EXIT_USAGE);
    assert_int_equal(parse_code(&with_commands, "--listen a:1"), EXIT_USAGE);
}

static void test_parse_file_may_hold_options_of_other_commands(void **state)
{
    outcome o;
    (void)state;

    parse_with_file(&o, &with_commands, "out = x\nlisten = a:1\n", "list");
    assert_int_equal(o.code, OPTIONS_RUN);
    assert_null(o.got.out);
    options_free(&o.result);
}

static void test_parse_ends_options_at_two_dashes(void **state)
{
    outcome o;
    (void)state;

    parse(&o, &with_commands, "--listen a:1 add -- --force");
    assert_int_equal(o.code, OPTIONS_RUN);
    assert_string_equal(o.result.operands[0], "--force");
    options_free(&o.result);
}

static void test_help_shows_options_and_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse_code(&plain, "--help"), EXIT_DONE);
    assert_talk("--help", &plain, "Usage: medsec-test [OPTION...]\n");
    assert_talk("--help", &plain, "  --devices N               how many (default 5)\n");
    assert_talk("--help", &plain, "(default 1.5)");
    assert_talk("-h", &with_commands, "  add ID...                 Add devices\n");
    assert_talk("add --help", &with_commands, "Usage: medsec-test add [OPTION...] ID...\n");
    assert_talk("add --help", &with_commands, "--force");
    assert_talk("--version", &plain, "medsec-test 0.");
}

static void test_generate_man_escapes(void **state)
{
    (void)state;
    assert_int_equal(parse_code(&plain, "--generate man"), EXIT_DONE);
    assert_talk("--generate man", &plain, ".TH MEDSEC-TEST 1");
    assert_talk("--generate man", &plain, ".nf\n    literal \\-x\n.fi\n\\&.dot\n");
    assert_talk("--generate man", &plain,
                ".B \\-\\-wire\\fI WIRE\\fR\nwhich wire: seed, seed\\-chained");
    assert_talk("--generate man", &plain, ".SH EXIT STATUS\n.TP\n.B 0\nsuccess.\n");
    assert_talk("--generate man", &with_commands, ".SS add ID...\n");
}

static void test_generate_bash_completes(void **state)
{
    (void)state;
    assert_talk("--generate bash", &plain, "complete -o default -F _medsec_test medsec-test\n");
    assert_talk("--generate bash", &plain, "compgen -W 'seed seed-chained'");
    assert_talk("--generate bash", &with_commands,
                "        add) command=$word; words+=' --out --force' ;;\n");
    assert_talk("--help", &plain, "--config FILE");
}

static void test_tool_main_returns_what_the_command_returns(void **state)
{
    char *argv[] = {(char[]){"medsec-test"}, (char[]){"--listen=a:1"}, (char[]){"add"},
                    (char[]){"one"},         (char[]){"two"},          NULL};
    values v;
    (void)state;

    assert_int_equal(tool_main(&with_commands, 5, argv, &v), EXIT_NETWORK);
}

static void test_address_split_forms(void **state)
{
    char host[16];
    uint16_t port = 0;
    (void)state;

    assert_int_equal(address_split(host, sizeof(host), &port, "127.0.0.1:9998"), MEDSEC_OK);
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 9998);
    assert_int_equal(address_split(host, sizeof(host), &port, "[::1]:0"), MEDSEC_OK);
    assert_string_equal(host, "::1");
    assert_int_equal(address_split(host, sizeof(host), &port, ":1"), MEDSEC_OK);
    assert_string_equal(host, "");
    static const char *const bad[] = {"",      "host",   "host:", "host:65536", "host:x",
                                      "[::1]", "[::1:2", "::1:2", "[::1]2",     "host:-1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(address_split(host, sizeof(host), &port, bad[i]), MEDSEC_ERR_SYNTAX);
    }
    assert_int_equal(address_split(host, sizeof(host), &port, "a-name-too-long-for-it:1"),
                     MEDSEC_ERR_BUFFER);
}

static void test_address_resolve_numeric(void **state)
{
    struct sockaddr_storage address;
    (void)state;

    assert_int_equal(address_resolve(&address, "127.0.0.1:80"), MEDSEC_OK);
    assert_int_equal(address.ss_family, AF_INET);
    assert_int_equal(address_resolve(&address, "[::1]:80"), MEDSEC_OK);
    assert_int_equal(address.ss_family, AF_INET6);
    assert_int_equal(address_resolve(&address, "256.0.0.1.invalid:80"), MEDSEC_ERR_NOT_FOUND);
    assert_int_equal(address_resolve(&address, "80"), MEDSEC_ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_every_kind),
        cmocka_unit_test(test_parse_keeps_defaults),
        cmocka_unit_test(test_parse_refuses_bad_values),
        cmocka_unit_test(test_parse_wants_required_options),
        cmocka_unit_test(test_parse_never_echoes_a_value),
        cmocka_unit_test(test_parse_suggests_the_nearest_name),
        cmocka_unit_test(test_parse_command_line_beats_environment_beats_file),
        cmocka_unit_test(test_parse_refuses_a_bad_file),
        cmocka_unit_test(test_parse_refuses_a_bad_environment),
        cmocka_unit_test(test_parse_environment_may_be_empty),
        cmocka_unit_test(test_parse_command_has_its_own_options),
        cmocka_unit_test(test_parse_file_may_hold_options_of_other_commands),
        cmocka_unit_test(test_parse_ends_options_at_two_dashes),
        cmocka_unit_test(test_help_shows_options_and_defaults),
        cmocka_unit_test(test_generate_man_escapes),
        cmocka_unit_test(test_generate_bash_completes),
        cmocka_unit_test(test_tool_main_returns_what_the_command_returns),
        cmocka_unit_test(test_address_split_forms),
        cmocka_unit_test(test_address_resolve_numeric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

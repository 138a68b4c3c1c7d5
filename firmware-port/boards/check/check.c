/* SPDX-License-Identifier: Apache-2.0 */

#include "check.h"

#include <string.h>

#define LINE_MAX 80u
#define ARGUMENTS_MAX 16u
#define TICKS_MAX 32u

typedef struct shell {
    const board *board;
    char line[LINE_MAX + 1];
    size_t len;
    uint32_t arguments[ARGUMENTS_MAX];
    size_t count;
    volatile uint32_t ticks;
    uint32_t tick_us[TICKS_MAX];
} shell;

typedef struct command {
    const char *name;
    size_t least; /* arguments */
    void (*fn)(shell *shell);
} command;

static void say(const shell *shell, const char *text)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t len = strlen(text);
    while (len > 0) {
        size_t taken = shell->board->uart_write(shell->board->context, bytes, len);
        bytes += taken;
        len -= taken;
    }
}

static void say_hex(const shell *shell, uint64_t value, unsigned digits)
{
    char text[18] = " ";
    for (unsigned i = digits; i > 0; i--, value >>= 4) {
        text[i] = "0123456789abcdef"[value & 15u];
    }
    text[digits + 1] = '\0';
    say(shell, text);
}

static void say_bytes(const shell *shell, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        say_hex(shell, bytes[i], 2);
    }
}

static void say_whether(const shell *shell, bool done)
{
    say(shell, done ? " ok" : " no");
}

/* Arguments that are bytes, in place of the numbers. */
static const uint8_t *bytes_from(const shell *shell, uint8_t bytes[ARGUMENTS_MAX], size_t first)
{
    for (size_t i = first; i < shell->count; i++) {
        bytes[i - first] = (uint8_t)shell->arguments[i];
    }
    return bytes;
}

static void do_now(shell *shell)
{
    say_hex(shell, shell->board->now_us(shell->board->context), 16);
}

static void do_led(shell *shell)
{
    shell->board->led(shell->board->context, shell->arguments[0] != 0);
}

static void do_switch(shell *shell)
{
    say_hex(shell, shell->board->switch_work(shell->board->context), 1);
}

static void do_adc(shell *shell)
{
    board_adc channel = shell->arguments[0] == 0 ? BOARD_ADC_PULSE : BOARD_ADC_CHIP;
    say_hex(shell, shell->board->adc_read(shell->board->context, channel), 3);
}

static void do_write(shell *shell)
{
    uint8_t bytes[ARGUMENTS_MAX];
    say_whether(shell, shell->board->i2c_write(shell->board->context, (uint8_t)shell->arguments[0],
                                               bytes_from(shell, bytes, 1), shell->count - 1));
}

static void do_read(shell *shell)
{
    uint8_t bytes[64];
    size_t len = shell->arguments[2] % (sizeof bytes + 1);
    bool done = shell->board->i2c_read(shell->board->context, (uint8_t)shell->arguments[0],
                                       (uint8_t)shell->arguments[1], bytes, len);
    say_whether(shell, done);
    say_bytes(shell, bytes, done ? len : 0);
}

static void do_wire(shell *shell)
{
    const board *board = shell->board;
    board->wire_low(board->context, true);
    board->delay_us(board->context, 480);
    board->lock(board->context);
    board->wire_low(board->context, false);
    board->delay_us(board->context, 70);
    bool present = !board->wire_level(board->context);
    board->unlock(board->context);
    board->delay_us(board->context, 410);
    say_hex(shell, present, 1);
    say_hex(shell, board->wire_level(board->context), 1);
}

static void do_erase(shell *shell)
{
    say_whether(shell, shell->board->flash_erase(shell->board->context, shell->arguments[0]));
}

static void do_program(shell *shell)
{
    uint8_t pages[2 * BOARD_FLASH_PAGE_LEN];
    for (size_t i = 0; i < sizeof pages; i++) {
        pages[i] = (uint8_t)(shell->arguments[1] + i + i / BOARD_FLASH_PAGE_LEN);
    }
    say_whether(shell, shell->board->flash_program(shell->board->context, shell->arguments[0],
                                                   pages, sizeof pages));
}

static void do_flash(shell *shell)
{
    if (shell->arguments[0] < BOARD_FLASH_LEN - LINE_MAX && shell->arguments[1] <= LINE_MAX) {
        say_bytes(shell, shell->board->flash + shell->arguments[0], shell->arguments[1]);
    }
}

static void do_noise(shell *shell)
{
    uint8_t bits[64];
    size_t len = shell->arguments[0] % (sizeof bits + 1);
    shell->board->noise(shell->board->context, bits, len);
    say_bytes(shell, bits, len);
}

static void on_tick(void *argument)
{
    shell *shell = argument;
    const board *board = shell->board;
    if (shell->ticks < TICKS_MAX) {
        shell->tick_us[shell->ticks] = (uint32_t)board->now_us(board->context);
        shell->ticks++;
        board->led(board->context, shell->ticks % 2 != 0);
    }
}

static void do_tick(shell *shell)
{
    shell->ticks = 0;
    shell->board->tick(shell->board->context, shell->arguments[0], on_tick, shell);
}

static void do_ticks(shell *shell)
{
    shell->board->tick(shell->board->context, 0, NULL, NULL);
    for (uint32_t i = 0; i < shell->ticks; i++) {
        say_hex(shell, shell->tick_us[i], 8);
    }
}

static void do_sleep(shell *shell)
{
    const board *board = shell->board;
    uint64_t begin = board->now_us(board->context);
    uint64_t until = begin + shell->arguments[0];
    while (board->now_us(board->context) < until) {
        board->sleep(board->context, until);
    }
    say_hex(shell, board->now_us(board->context) - begin, 8);
}

static void do_many(shell *shell)
{
    for (uint32_t i = 0; i < shell->arguments[0]; i++) {
        const char digit[2] = {"0123456789abcdef"[i & 15u], '\0'};
        say(shell, digit);
    }
}

static void do_deaf(shell *shell)
{
    shell->board->lock(shell->board->context);
    for (uint32_t i = 0; i < shell->arguments[0]; i++) {
        shell->board->delay_us(shell->board->context, 1000);
    }
    shell->board->unlock(shell->board->context);
}

static void do_lost(shell *shell)
{
    say_hex(shell, shell->board->uart_lost(shell->board->context), 8);
}

static void do_feed(shell *shell)
{
    shell->board->watchdog(shell->board->context);
}

static void do_reset(shell *shell)
{
    shell->board->reset(shell->board->context);
}

static void do_hang(shell *shell)
{
    shell->board->lock(shell->board->context);
    for (;;) {
        shell->board->sleep(shell->board->context, UINT64_MAX);
    }
}

static void do_fault(shell *shell)
{
    (void)shell;
    __builtin_trap();
}

static const command commands[] = {
    {"now", 0, do_now},     {"led", 1, do_led},     {"switch", 0, do_switch},
    {"adc", 1, do_adc},     {"write", 2, do_write}, {"read", 3, do_read},
    {"wire", 0, do_wire},   {"erase", 1, do_erase}, {"program", 2, do_program},
    {"flash", 2, do_flash}, {"noise", 1, do_noise}, {"tick", 1, do_tick},
    {"ticks", 0, do_ticks}, {"sleep", 1, do_sleep}, {"many", 1, do_many},
    {"deaf", 1, do_deaf},   {"lost", 0, do_lost},   {"feed", 0, do_feed},
    {"reset", 0, do_reset}, {"hang", 0, do_hang},   {"fault", 0, do_fault},
};

/* The next word of the line, ended with a NUL; an empty one at the end. */
static char *next_word(char **rest)
{
    char *word = *rest;
    while (*word == ' ') {
        word++;
    }
    char *end = word;
    while (*end != '\0' && *end != ' ') {
        end++;
    }
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

static bool hex_number(uint32_t *value, const char *word)
{
    *value = 0;
    for (; *word != '\0'; word++) {
        bool letter = *word >= 'a' && *word <= 'f';
        if (!letter && (*word < '0' || *word > '9')) {
            return false;
        }
        *value = *value << 4 | (uint32_t)(*word - (letter ? 'a' - 10 : '0'));
    }
    return true;
}

static bool take_arguments(shell *shell, char *rest)
{
    shell->count = 0;
    for (char *word = next_word(&rest); *word != '\0'; word = next_word(&rest)) {
        if (shell->count == ARGUMENTS_MAX || !hex_number(&shell->arguments[shell->count], word)) {
            return false;
        }
        shell->count++;
    }
    return true;
}

static bool same(const char *a, const char *b)
{
    size_t len = strlen(a);
    return strlen(b) == len && memcmp(a, b, len) == 0;
}

static void obey(shell *shell)
{
    char *rest = shell->line;
    const char *name = next_word(&rest);
    bool understood = take_arguments(shell, rest);
    for (size_t i = 0; understood && i < sizeof commands / sizeof commands[0]; i++) {
        if (same(name, commands[i].name) && shell->count >= commands[i].least) {
            say(shell, name);
            commands[i].fn(shell);
            say(shell, "\r\n");
            return;
        }
    }
    say(shell, *name == '\0' ? "ok\r\n" : "? see check.h\r\n");
}

static void take(shell *shell, uint8_t byte)
{
    if (byte == '\n' || byte == '\r') {
        shell->line[shell->len] = '\0';
        if (byte == '\n') {
            obey(shell);
            shell->len = 0;
        }
    } else if (shell->len < LINE_MAX) {
        shell->line[shell->len++] = (char)byte;
    }
}

_Noreturn void check_run(const board *board)
{
    shell shell = {.board = board};
    say(&shell, "medsec-check\r\n");
    for (;;) {
        uint8_t byte;
        while (board->uart_read(board->context, &byte, 1) == 1) {
            take(&shell, byte);
        }
        board->sleep(board->context, UINT64_MAX);
    }
}

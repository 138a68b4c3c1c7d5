/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi_internal.h"

#include "core/writer.h"

enum { OPEN_NETWORK = 0, WPA2_PSK = 3 }; /* of AT+CWSAP */
enum { STATION_MODE = 1, ACCESS_POINT_MODE = 2 }; /* of AT+CWMODE */

/* Milliseconds that the module has for an answer. */
static uint32_t patience(uint8_t command)
{
    switch (command) {
    case WIFI_COMMAND_JOIN:
        return 30000;
    case WIFI_COMMAND_OPEN: /* name, then TCP's own patience */
    case WIFI_COMMAND_PAYLOAD: /* the other side must acknowledge it */
        return 20000;
    case WIFI_COMMAND_RESET:
    case WIFI_COMMAND_NETWORK:
    case WIFI_COMMAND_SEND:
    case WIFI_COMMAND_CLOSE:
        return 5000;
    default:
        return 2000;
    }
}

static const char *const texts[] = {
    [WIFI_COMMAND_RESET] = "AT+RST",        [WIFI_COMMAND_ECHO] = "ATE0",
    [WIFI_COMMAND_STORE] = "AT+SYSSTORE=0", [WIFI_COMMAND_MODE] = "AT+CWMODE",
    [WIFI_COMMAND_MUX] = "AT+CIPMUX=1",     [WIFI_COMMAND_NETWORK] = "AT+CWSAP",
    [WIFI_COMMAND_ADDRESS] = "AT+CIPAP",    [WIFI_COMMAND_SERVER] = "AT+CIPSERVER=1",
    [WIFI_COMMAND_JOIN] = "AT+CWJAP",       [WIFI_COMMAND_OPEN] = "AT+CIPSTART=0,\"TCP\"",
    [WIFI_COMMAND_SEND] = "AT+CIPSEND=",    [WIFI_COMMAND_CLOSE] = "AT+CIPCLOSE=",
};

/* What the module would keep in its flash, a password among it, if it were not told otherwise. */
enum {
    SETTINGS = 1u << WIFI_COMMAND_MODE | 1u << WIFI_COMMAND_NETWORK | 1u << WIFI_COMMAND_ADDRESS |
               1u << WIFI_COMMAND_JOIN
};

static void number(medsec__writer *out, uint32_t value)
{
    medsec__write_number(out, value, 1);
}

static void next_number(medsec__writer *out, uint32_t value)
{
    medsec__write_text(out, ",");
    number(out, value);
}

/* A control character would end the command and begin another one. */
static void quoted(medsec__writer *out, const char *words)
{
    medsec__write_text(out, "\"");
    for (; *words != '\0'; words++) {
        const char said[] = {*words, '\0'};
        if ((uint8_t)*words < ' ' || *words == 0x7f) {
            out->overflow = true;
        }
        if (*words == '"' || *words == ',' || *words == '\\') {
            medsec__write_text(out, "\\");
        }
        medsec__write_text(out, said);
    }
    medsec__write_text(out, "\"");
}

static void next_quoted(medsec__writer *out, const char *words)
{
    medsec__write_text(out, ",");
    quoted(out, words);
}

static void protection(const wifi *w, medsec__writer *out)
{
    next_number(out, WIFI_CHANNEL);
    next_number(out, w->options.password[0] == '\0' ? OPEN_NETWORK : WPA2_PSK);
    next_number(out, WIFI_STATIONS);
}

static void arguments(const wifi *w, medsec__writer *out)
{
    switch (w->command) {
    case WIFI_COMMAND_MODE:
        number(out, w->options.mode == WIFI_STATION ? STATION_MODE : ACCESS_POINT_MODE);
        break;
    case WIFI_COMMAND_NETWORK:
    case WIFI_COMMAND_JOIN:
        quoted(out, w->options.name);
        next_quoted(out, w->options.password);
        if (w->command == WIFI_COMMAND_NETWORK) {
            protection(w, out);
        }
        break;
    case WIFI_COMMAND_ADDRESS:
        quoted(out, WIFI_ADDRESS);
        break;
    case WIFI_COMMAND_SERVER:
        next_number(out, w->options.port);
        break;
    case WIFI_COMMAND_OPEN:
        next_quoted(out, w->host);
        next_number(out, w->port);
        break;
    case WIFI_COMMAND_SEND:
        number(out, w->link);
        next_number(out, w->piece);
        break;
    case WIFI_COMMAND_CLOSE:
        number(out, w->link);
        break;
    default:
        break;
    }
}

void wifi__wait(wifi *w)
{
    w->again = false;
    w->deadline_ms = (uint32_t)w->now_ms + patience(w->command);
}

bool wifi__say(wifi *w)
{
    medsec__writer out = {.out = w->out, .cap = sizeof w->out};
    medsec__write_text(&out, texts[w->command]);
    if ((SETTINGS >> w->command & 1u) != 0) {
        medsec__write_text(&out, w->current ? "_CUR=" : "=");
    }
    arguments(w, &out);
    medsec__write_text(&out, "\r\n");
    w->out_at = 0;
    w->out_len = (uint16_t)(out.overflow ? 0 : out.len);
    wifi__wait(w);
    return !out.overflow;
}

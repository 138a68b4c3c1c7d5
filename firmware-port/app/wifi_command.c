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

static void text(medsec__writer *out, const char *words)
{
    medsec__write_text(out, words);
}

static void number(medsec__writer *out, uint32_t value)
{
    medsec__write_number(out, value, 1);
}

/* A control character would end the command and begin another one. */
static void quoted(medsec__writer *out, const char *words)
{
    text(out, "\"");
    for (; *words != '\0'; words++) {
        if ((uint8_t)*words < ' ' || *words == 0x7f) {
            out->overflow = true;
        }
        if (*words == '"' || *words == ',' || *words == '\\') {
            text(out, "\\");
        }
        medsec__write(out, words, 1);
    }
    text(out, "\"");
}

/* What a module that knows _CUR would keep in its flash otherwise, a password among it. */
static void setting(const wifi *w, medsec__writer *out, const char *name)
{
    text(out, name);
    text(out, w->current ? "_CUR=" : "=");
}

static void network(const wifi *w, medsec__writer *out, const char *name)
{
    setting(w, out, name);
    quoted(out, w->options.name);
    text(out, ",");
    quoted(out, w->options.password);
}

static void protection(const wifi *w, medsec__writer *out)
{
    text(out, ",");
    number(out, WIFI_CHANNEL);
    text(out, ",");
    number(out, w->options.password[0] == '\0' ? OPEN_NETWORK : WPA2_PSK);
    text(out, ",");
    number(out, WIFI_STATIONS);
}

static void setting_up(const wifi *w, medsec__writer *out)
{
    switch (w->command) {
    case WIFI_COMMAND_RESET:
        text(out, "AT+RST");
        break;
    case WIFI_COMMAND_ECHO:
        text(out, "ATE0");
        break;
    case WIFI_COMMAND_STORE:
        text(out, "AT+SYSSTORE=0");
        break;
    case WIFI_COMMAND_MODE:
        setting(w, out, "AT+CWMODE");
        number(out, w->options.mode == WIFI_STATION ? STATION_MODE : ACCESS_POINT_MODE);
        break;
    case WIFI_COMMAND_MUX:
        text(out, "AT+CIPMUX=1");
        break;
    case WIFI_COMMAND_NETWORK:
        network(w, out, "AT+CWSAP");
        protection(w, out);
        break;
    case WIFI_COMMAND_ADDRESS:
        setting(w, out, "AT+CIPAP");
        quoted(out, WIFI_ADDRESS);
        break;
    case WIFI_COMMAND_SERVER:
        text(out, "AT+CIPSERVER=1,");
        number(out, w->options.port);
        break;
    default:
        network(w, out, "AT+CWJAP");
        break;
    }
}

static void about_link(const wifi *w, medsec__writer *out)
{
    switch (w->command) {
    case WIFI_COMMAND_OPEN:
        text(out, "AT+CIPSTART=0,\"TCP\",");
        quoted(out, w->host);
        text(out, ",");
        number(out, w->port);
        break;
    case WIFI_COMMAND_SEND:
        text(out, "AT+CIPSEND=");
        number(out, w->link);
        text(out, ",");
        number(out, w->piece);
        break;
    default:
        text(out, "AT+CIPCLOSE=");
        number(out, w->link);
        break;
    }
}

void wifi__wait(wifi *w)
{
    w->again_ms = 0;
    w->deadline_ms = w->now_ms + patience(w->command);
}

bool wifi__say(wifi *w)
{
    medsec__writer out = {.out = w->out, .cap = sizeof w->out};
    if (w->command <= WIFI_COMMAND_JOIN) {
        setting_up(w, &out);
    } else {
        about_link(w, &out);
    }
    text(&out, "\r\n");
    w->out_at = 0;
    w->out_len = (uint16_t)(out.overflow ? 0 : out.len);
    wifi__wait(w);
    return !out.overflow;
}

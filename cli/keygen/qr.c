/* SPDX-License-Identifier: Apache-2.0 */
#include "keygen.h"

#include <qrencode.h>
#include <stdio.h>
#include <unistd.h>

enum { MARGIN = 4 }; /* light modules around the code: ISO/IEC 18004 section 9.1 */

static bool is_dark(const QRcode *code, int x, int y)
{
    bool inside = x >= 0 && x < code->width && y >= 0 && y < code->width;
    return inside && (code->data[y * code->width + x] & 1) != 0;
}

/* Two modules above each other are one character; it is the light ones that are drawn. */
static void print_line(const QRcode *code, int y)
{
    static const char *const halves[2][2] = {{"\u2588", "\u2580"}, {"\u2584", " "}};
    for (int x = -MARGIN; x < code->width + MARGIN; x++) {
        fputs(halves[is_dark(code, x, y)][is_dark(code, x, y + 1)], stdout);
    }
}

bool output_qr(const char *text)
{
    /* A terminal is told its colours: read from a light one, the code would be its negative. */
    bool terminal = isatty(STDOUT_FILENO) == 1;
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (code == NULL) {
        return false;
    }
    for (int y = -MARGIN; y < code->width + MARGIN; y += 2) {
        fputs(terminal ? "\033[97;40m" : "", stdout);
        print_line(code, y);
        puts(terminal ? "\033[0m" : "");
    }
    QRcode_free(code);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include "app.h"

#include "pico_sdk.h"

static app the_app;

int main(void)
{
    app_run(&the_app, board_pico_sdk());
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include "app.h"

#include "rp2040.h"

static app the_app;

int main(void)
{
    app_run(&the_app, board_rp2040());
    return 0;
}

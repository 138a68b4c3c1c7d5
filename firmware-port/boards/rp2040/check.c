/* SPDX-License-Identifier: Apache-2.0 */

#include "../check/check.h"
#include "rp2040.h"

int main(void)
{
    check_run(board_rp2040());
}

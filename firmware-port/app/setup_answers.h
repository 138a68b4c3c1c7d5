/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SETUP_ANSWERS_H
#define FIRMWARE_SETUP_ANSWERS_H

#include "setup_mode.h"

/* What the server says, and does before it says so. setup_mode.c has the connections. */

/* True: the answer to this request is page_response as it is. */
bool setup_answers_page(const http_request *request);
/* True: the query or body of this request is looked at when it is whole. */
bool setup_answers_wants_input(const setup_mode *setup, const http_request *request);
/* Answers a whole request: writes head and body into the link's memory, gives their length. */
size_t setup_answers_write(setup_mode *setup, uint8_t link);
size_t setup_answers_json(char out[SETUP_ANSWER_MAX], uint16_t status, const char *body);

#endif

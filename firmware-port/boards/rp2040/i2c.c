/* SPDX-License-Identifier: Apache-2.0 */

#include "rp2040.h"

#define LIMIT_US 4900u /* of one transfer; freeing the bus takes another 100 */
#define FIFO_LEN 16u

/* 400 kHz of 125 MHz: 312 periods, low for 3/5 of it (4.3.14). */
#define SCL_HIGH 125u
#define SCL_LOW 187u
#define SPIKE 11u /* a sixteenth of low: 88 ns; shorter spikes are not seen */
#define SDA_HOLD 39u /* 312 ns after SCL fell; 300 are wanted */

/* What a transfer is about: `out_len` bytes to be written, then `in_len` to be read. */
typedef struct transfer {
    const uint8_t *out;
    uint8_t *in;
    size_t out_len, in_len;
    size_t commanded, got;
} transfer;

static void pins_to_controller(void)
{
    pin_start(PIN_SDA, IO_I2C, PADS_INPUT | PADS_SCHMITT | PADS_PULL_UP | PADS_4MA);
    pin_start(PIN_SCL, IO_I2C, PADS_INPUT | PADS_SCHMITT | PADS_PULL_UP | PADS_4MA);
}

void i2c_start(void)
{
    blocks_start(RESET_I2C1);
    put(IC_ENABLE, 0);
    put(IC_CON, IC_CON_MASTER | IC_CON_FAST | IC_CON_RESTART | IC_CON_NO_SLAVE);
    put(IC_FS_SCL_HCNT, SCL_HIGH);
    put(IC_FS_SCL_LCNT, SCL_LOW);
    put(IC_FS_SPKLEN, SPIKE);
    put(IC_SDA_HOLD, SDA_HOLD);
    pins_to_controller();
}

/* A chip that was interrupted while it sent holds SDA until it has sent its byte: nine clocks, and
 * a stop (NXP UM10204, 3.1.16). */
static void bus_free(void)
{
    put(IC_ENABLE, 0);
    pin_low(PIN_SDA, false);
    pin_low(PIN_SCL, false);
    pin_start(PIN_SDA, IO_SIO, PADS_INPUT | PADS_SCHMITT | PADS_PULL_UP | PADS_4MA);
    pin_start(PIN_SCL, IO_SIO, PADS_INPUT | PADS_SCHMITT | PADS_PULL_UP | PADS_4MA);
    for (unsigned i = 0; i < 9; i++) {
        pin_low(PIN_SCL, true);
        time_delay_us(NULL, 3);
        pin_low(PIN_SCL, false);
        time_delay_us(NULL, 3);
    }
    pin_low(PIN_SDA, true);
    time_delay_us(NULL, 3);
    pin_low(PIN_SDA, false);
    i2c_start();
}

static uint32_t next_command(const transfer *transfer)
{
    size_t i = transfer->commanded;
    bool reading = i >= transfer->out_len;
    uint32_t command = reading ? IC_CMD_READ : transfer->out[i];
    if (reading && i == transfer->out_len && i > 0) {
        command |= IC_CMD_RESTART;
    }
    if (i + 1 == transfer->out_len + transfer->in_len) {
        command |= IC_CMD_STOP;
    }
    return command;
}

static void move(transfer *transfer)
{
    uint32_t status = get(IC_STATUS);
    if (status & IC_STATUS_RX_BYTE && transfer->got < transfer->in_len) {
        transfer->in[transfer->got++] = (uint8_t)get(IC_DATA_CMD);
    }
    if (status & IC_STATUS_TX_ROOM && transfer->commanded < transfer->out_len + transfer->in_len &&
        transfer->commanded < transfer->out_len + transfer->got + FIFO_LEN) {
        put(IC_DATA_CMD, next_command(transfer));
        transfer->commanded++;
    }
}

/* 0: under way; then the stop has been seen too, also after nobody answered. */
static uint32_t ended(const transfer *transfer)
{
    uint32_t seen = get(IC_RAW_INTR_STAT);
    if (!(seen & IC_INTR_STOP_DET)) {
        return 0;
    }
    bool whole = transfer->commanded == transfer->out_len + transfer->in_len &&
                 transfer->got == transfer->in_len;
    return whole || seen & IC_INTR_TX_ABRT ? seen : 0;
}

static bool run(uint8_t address, transfer *transfer)
{
    uint64_t limit = time_now_us(NULL) + LIMIT_US;
    put(IC_ENABLE, 0);
    put(IC_TAR, address);
    put(IC_ENABLE, 1);
    (void)get(IC_CLR_TX_ABRT);
    (void)get(IC_CLR_STOP_DET);
    while (time_now_us(NULL) < limit) {
        uint32_t seen = ended(transfer);
        if (seen) {
            return !(seen & IC_INTR_TX_ABRT);
        }
        if (!(get(IC_RAW_INTR_STAT) & IC_INTR_TX_ABRT)) {
            move(transfer);
        }
    }
    bus_free();
    return false;
}

bool i2c_write(void *context, uint8_t address, const uint8_t *data, size_t len)
{
    (void)context;
    transfer transfer = {.out = data, .out_len = len};
    return len > 0 && run(address, &transfer);
}

bool i2c_read(void *context, uint8_t address, uint8_t reg, uint8_t *out, size_t len)
{
    (void)context;
    transfer transfer = {.out = &reg, .out_len = 1, .in = out, .in_len = len};
    return len > 0 && run(address, &transfer);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensors.h"

#define FETCH_EVERY_MS 100u
#define CHIP_EVERY_MS 1000u
#define CHIP_CONVERSIONS 16u /* one step of the converter is half a degree */
#define ADC_MAX 4095u
#define ADC_FULL_MV 3300u

/* RP2040 data sheet, section 4.9.5: 0.706 V at 27 degrees, 1.721 mV less for each degree more. */
#define CHIP_27_UV 706000
#define CHIP_UV_PER_DEGREE 1721

/* In the order of the profile. */
enum { TEMP, PULSE, ACCELERATION, TEMP_MCU = ACCELERATION + 3, TEMP_MPU, VITALS };

#define DECIMALS 3u

static uint64_t clock_ms(const sensors *sensors)
{
    return sensors->board->now_us(sensors->board->context) / 1000;
}

/* By the ticker, in an interrupt. */
static void take_sample(void *argument)
{
    sensors *sensors = argument;
    if (sensors->end - sensors->begin == SENSORS_WAITING_MAX) {
        sensors->missed++;
        return;
    }
    sensors_sample *sample = &sensors->waiting[sensors->end % SENSORS_WAITING_MAX];
    sample->pulse = sensors->board->adc_read(sensors->board->context, BOARD_ADC_PULSE);
    sample->at_ms = (uint32_t)clock_ms(sensors);
    sensors->end++;
}

static void begin_ticks(sensors *sensors)
{
    sensors->ticking = true;
    sensors->board->tick(sensors->board->context, sensors->interval_ms * 1000, take_sample,
                         sensors);
}

void sensors_start(sensors *sensors, const board *board, uint32_t interval_ms)
{
    *sensors = (struct sensors){.board = board, .interval_ms = interval_ms};
    ds18b20_start(&sensors->thermometer, board, clock_ms(sensors));
    mpu6050_start(&sensors->motion, board, clock_ms(sensors));
}

void sensors_set_interval(sensors *sensors, uint32_t interval_ms)
{
    if (interval_ms == sensors->interval_ms) {
        return;
    }
    sensors->interval_ms = interval_ms;
    if (sensors->ticking) {
        begin_ticks(sensors);
    }
}

/* The ticker may be writing the next one at this moment. */
static uint32_t taken_until(const sensors *sensors)
{
    sensors->board->lock(sensors->board->context);
    uint32_t end = sensors->end;
    sensors->board->unlock(sensors->board->context);
    return end;
}

static uint64_t whole_time(const sensors_sample *sample, uint64_t now_ms)
{
    return now_ms - (uint32_t)((uint32_t)now_ms - sample->at_ms);
}

/* For each sample that has none yet; whatever else the FIFO holds is of no sample. */
static void find_acceleration(sensors *sensors)
{
    mpu6050_batch batch;
    uint32_t end = taken_until(sensors); /* first: so all of them lie before what is fetched */
    uint64_t now = clock_ms(sensors);
    mpu6050_fetch(&sensors->motion, &batch);
    for (; sensors->moved != end; sensors->moved++) {
        sensors_sample *sample = &sensors->waiting[sensors->moved % SENSORS_WAITING_MAX];
        sample->moved = mpu6050_at(&sensors->motion, &batch, whole_time(sample, now) * 1000);
        for (size_t axis = 0; axis < 3; axis++) {
            sample->acceleration[axis] = sensors->motion.last.acceleration[axis];
        }
    }
    mpu6050_end(&sensors->motion, &batch);
    sensors->fetch_ms = now + FETCH_EVERY_MS;
}

static medsec_value thousandths(int32_t mantissa)
{
    return (medsec_value){mantissa, DECIMALS, MEDSEC_VALUE_NUMBER};
}

/* What no sensor told stays null. */
static void fill(medsec_reading *reading, const sensors *sensors, const sensors_sample *sample)
{
    *reading = (medsec_reading){.count = VITALS};
    medsec_value *value = reading->value;
    value[PULSE] = thousandths((int32_t)((sample->pulse * ADC_FULL_MV + ADC_MAX / 2) / ADC_MAX));
    value[TEMP_MCU] = sensors->chip_temperature;
    if (sensors->thermometer.known) {
        value[TEMP] = thousandths(sensors->thermometer.temperature_mdegc);
    }
    if (sensors->motion.known) {
        value[TEMP_MPU] = thousandths(mpu6050_mdegc(sensors->motion.last.temperature));
    }
    for (size_t axis = 0; sample->moved && axis < 3; axis++) {
        value[ACCELERATION + axis] = thousandths(mpu6050_mg(sample->acceleration[axis]));
    }
}

bool sensors_next(sensors *sensors, medsec_reading *reading, uint64_t *at_ms)
{
    if (sensors->begin == sensors->moved) {
        if (taken_until(sensors) == sensors->begin) {
            return false;
        }
        find_acceleration(sensors);
    }
    const sensors_sample *sample = &sensors->waiting[sensors->begin % SENSORS_WAITING_MAX];
    fill(reading, sensors, sample);
    *at_ms = whole_time(sample, clock_ms(sensors));
    sensors->board->lock(sensors->board->context);
    sensors->begin++;
    sensors->board->unlock(sensors->board->context);
    return true;
}

/* A level that stands for no temperature of the profile's range is none. */
static medsec_value chip_temperature(const board *board)
{
    const medsec_vital *vital = &medsec_profile_pico_vitals.vitals[TEMP_MCU];
    uint32_t sum = 0;
    for (unsigned i = 0; i < CHIP_CONVERSIONS; i++) {
        sum += board->adc_read(board->context, BOARD_ADC_CHIP);
    }
    int64_t microvolts = (int64_t)sum * ADC_FULL_MV * 1000 / (CHIP_CONVERSIONS * ADC_MAX);
    medsec_value value =
        thousandths(27000 - (int32_t)((microvolts - CHIP_27_UV) * 1000 / CHIP_UV_PER_DEGREE));
    bool plausible = medsec_value_within(value, vital->min, vital->max, vital->decimals);
    return plausible ? value : (medsec_value){0};
}

static uint64_t earlier(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

uint64_t sensors_poll(sensors *sensors, uint64_t now_ms)
{
    uint64_t until_ms = ds18b20_poll(&sensors->thermometer, now_ms);
    until_ms = earlier(until_ms, mpu6050_poll(&sensors->motion, now_ms));
    if (now_ms >= sensors->chip_ms) {
        sensors->chip_temperature = chip_temperature(sensors->board);
        sensors->chip_ms = now_ms + CHIP_EVERY_MS;
    }
    if (now_ms >= sensors->fetch_ms) {
        find_acceleration(sensors);
    }
    bool settled = sensors->thermometer.settled && mpu6050_settled(&sensors->motion);
    if (settled && !sensors->ticking) {
        begin_ticks(sensors);
    }
    return earlier(until_ms, earlier(sensors->chip_ms, sensors->fetch_ms));
}

uint32_t sensors_missed(const sensors *sensors)
{
    return sensors->missed;
}

void sensors_print_as_seed(medsec_reading *reading)
{
    for (size_t axis = 0; axis < 3; axis++) {
        medsec_value *value = &reading->value[ACCELERATION + axis];
        if (value->mantissa < 0) {
            value->mantissa = (value->mantissa - 5) / 10;
            value->decimals = DECIMALS - 1;
            value->kind = value->mantissa == 0 ? MEDSEC_VALUE_MINUS_ZERO : MEDSEC_VALUE_NUMBER;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/*
 * What is soldered to which pin (docs/hardware.md), for one life of the chip: the ESP8266 at UART0
 * (GP0, GP1), the MPU6050 at I2C1 (GP14, GP15), the DS18B20 at GP16, the slide switch at GP17, the
 * LED at GP25, the pulse sensor at GP26.
 */
const PIN_TX = 0;
const PIN_RX = 1;
const PIN_SDA = 14;
const PIN_SCL = 15;
const PIN_WIRE = 16;
const PIN_SWITCH = 17;
const PIN_LED = 25;

const FUNCTION_UART = 2;
const FUNCTION_I2C = 3;
const FUNCTION_SIO = 5;

const STATE_LOW = 0;
const STATE_HIGH = 1;

const I2C_HZ_MAX = 420e3;
const I2C_TX_EMPTY = 1 << 4;
const ADC_NANOS = 2000;
const ADC_CHANNEL_PULSE = 0;
const ADC_CHANNEL_CHIP = 4;
const ADC_TEMPERATURE_ON = 1 << 1;
const ADC_VOLTS = 3.3;
const PULSE_OFFSET_V = 0.5; // the amplifier lifts the signal above ground

const isSet = (pin, wanted) => pin.functionSelect === wanted;

export function connectUart(chip, module) {
    const { gpio } = chip.mcu;
    const uart = chip.uart[0];
    uart.onSend = (byte) => {
        if (isSet(gpio[PIN_TX], FUNCTION_UART)) {
            module.write([byte]);
        }
    };
    module.onData = (bytes) => {
        if (isSet(gpio[PIN_RX], FUNCTION_UART)) {
            uart.feed(bytes);
        }
    };
    module.backlog = () => uart.waiting;
}

/** Every step of a transfer takes the time that it takes on the bus. */
export function connectI2c(chip, sensor) {
    const { gpio, i2c: [, bus] } = chip.mcu;
    const pins = [gpio[PIN_SDA], gpio[PIN_SCL]];
    let then = () => {};
    const alarm = chip.clock.createAlarm(() => then());
    const bits = (count, act) => {
        const hz = chip.sysHz() / (bus.sclHighPeriod + bus.sclLowPeriod);
        if (hz > I2C_HZ_MAX) {
            chip.fail(`I2C1 at ${Math.round(hz)} Hz`);
        }
        then = act;
        alarm.schedule((count * 1e9) / hz);
    };
    const showLine = () => gpio[PIN_SDA].setInputValue(sensor.heldLow === 0);
    let held = false; // a start that waits for SDA

    gpio[PIN_SCL].setInputValue(true);
    showLine();
    bus.onStart = () => {
        showLine();
        held = sensor.heldLow > 0;
        if (!held) {
            bits(1, () => bus.completeStart());
        }
    };
    bus.onConnect = (address, mode) => bits(9, () => bus.completeConnect(
        pins.every((pin) => isSet(pin, FUNCTION_I2C)) && sensor.connect(address, mode === 0)));
    bus.onWriteByte = (value) => bits(9, () => bus.completeWrite(sensor.write(value)));
    bus.onReadByte = () => bits(9, () => bus.completeRead(sensor.read()));
    bus.onStop = () => {
        bus.intRaw |= bus.txFIFO.empty ? I2C_TX_EMPTY : 0; // also when an abort emptied it
        bits(1, () => bus.completeStop());
    };
    gpio[PIN_SCL].addListener((state, before) => {
        if (isSet(gpio[PIN_SCL], FUNCTION_SIO) && before === STATE_LOW) {
            sensor.clockPulse();
            showLine();
            if (held && sensor.heldLow === 0) {
                held = false;
                bus.completeStart(); // into nothing: the program has given it up
            }
        }
    });
}

export function connectWire(chip, sensor) {
    const pin = chip.mcu.gpio[PIN_WIRE];
    let masterLow = false;
    let sensorLow = false;
    const show = () => pin.setInputValue(!masterLow && !sensorLow);

    show();
    sensor.attach(chip.clock);
    sensor.drive = (low) => {
        sensorLow = low;
        show();
    };
    pin.addListener((state) => {
        if (state === STATE_HIGH) {
            chip.fail('GP16 drives the 1-Wire line high');
        }
        const low = state === STATE_LOW;
        if (low !== masterLow) {
            masterLow = low;
            show();
            sensor.master(low);
        }
    });
}

/** `signals`: pulse() in volts, chip() in degrees; `told` gets each pulse sample as it is read. */
export function connectAdc(chip, signals, told) {
    const { adc } = chip.mcu;
    const levels = { [ADC_CHANNEL_PULSE]: () => signals.pulse() + PULSE_OFFSET_V,
        [ADC_CHANNEL_CHIP]: () => adc.cs & ADC_TEMPERATURE_ON
            ? 0.706 - (signals.chip() - 27) * 0.001721 : 0 };
    adc.onADCRead = (channel) => {
        const volts = (levels[channel] ?? (() => 0))();
        const noise = Math.random() * 2 - 1;
        const raw = Math.round((volts / ADC_VOLTS) * 4095 + noise);
        adc.currentChannel = channel;
        adc.channelValues[channel] = Math.max(0, Math.min(4095, raw));
        adc.sampleAlarm.schedule(ADC_NANOS);
        if (channel === ADC_CHANNEL_PULSE) {
            told(adc.channelValues[channel]);
        }
    };
}

export function setSwitch(chip, work) {
    chip.mcu.gpio[PIN_SWITCH].setInputValue(work);
}

export function connectLed(chip, told) {
    chip.mcu.gpio[PIN_LED].addListener((state) => told(state === STATE_HIGH));
}

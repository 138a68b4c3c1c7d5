// SPDX-License-Identifier: Apache-2.0

/*
 * A boot ROM of our own, with as much of the chip's as firmware may call: the table of functions and
 * the look-up in it, where the data sheet (2.8.3) puts them. Each function is a breakpoint that the
 * chip gives to JavaScript, and a return. Those that write the flash take time, and interrupts go on
 * meanwhile: a second breakpoint waits.
 */
const FUNCTION_TABLE = 0x14; // halfword: address of the table
const DATA_TABLE = 0x16;
const LOOKUP = 0x18; // halfword: address of the function that looks up
const TABLE = 0x40;
const CODE = 0x100;

const BKPT = 0xbe00;
const CMP_R0_0 = 0x2800;
const BNE_BACK = 0xd1fc; // to the instruction before the comparison
const BX_LR = 0x4770;

const TRAP_WAIT = 0xfe; // r0 = 1: not finished
const TRAP_LOOKUP = 0xff;

/** The functions by their two letters; `slow` ones are followed by a wait. */
const functions = [
    { code: 'IF', name: 'connect_internal_flash' },
    { code: 'EX', name: 'flash_exit_xip' },
    { code: 'RE', name: 'flash_range_erase', slow: true },
    { code: 'RP', name: 'flash_range_program', slow: true },
    { code: 'FC', name: 'flash_flush_cache' },
    { code: 'CX', name: 'flash_enter_cmd_xip' },
    { code: 'MS', name: 'memset' },
    { code: 'S4', name: 'memset' },
    { code: 'MC', name: 'memcpy' },
    { code: 'C4', name: 'memcpy' },
    { code: 'P3', name: 'popcount32' },
    { code: 'R3', name: 'reverse32' },
    { code: 'L3', name: 'clz32' },
    { code: 'T3', name: 'ctz32' },
];

const codeOf = (letters) => letters.charCodeAt(0) | (letters.charCodeAt(1) << 8);

/** { words, end, traps }: the image, the first address behind it, names by number of breakpoint. */
export function makeBootrom() {
    const halfwords = new Uint16Array(0x400 / 2);
    const traps = new Map([[TRAP_LOOKUP, 'lookup'], [TRAP_WAIT, 'wait']]);
    let at = CODE;
    let entry = TABLE;

    const emit = (...opcodes) => {
        const start = at;
        for (const opcode of opcodes) {
            halfwords[at / 2] = opcode;
            at += 2;
        }
        return start | 1;
    };
    halfwords[FUNCTION_TABLE / 2] = TABLE;
    halfwords[DATA_TABLE / 2] = 0; // no data: nobody may look there
    halfwords[LOOKUP / 2] = emit(BKPT | TRAP_LOOKUP, BX_LR);
    functions.forEach(({ code, name, slow }, number) => {
        const wait = slow ? [BKPT | TRAP_WAIT, CMP_R0_0, BNE_BACK] : [];
        traps.set(number, name);
        halfwords[entry / 2] = codeOf(code);
        halfwords[entry / 2 + 1] = emit(BKPT | number, ...wait, BX_LR);
        entry += 4;
    });
    return { words: new Uint32Array(halfwords.buffer), end: at, traps };
}

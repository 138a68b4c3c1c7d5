/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler calls for / and % (Run-time ABI for the Arm Architecture, 4.3.1): divide.h. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

/* Two numbers in, two out, in the same registers. */
.macro narrow name, whole, function
    .section .text.\name, "ax"
    .global \name, \whole
    .thumb_func
    .type \name, %function
\name:
    .thumb_func
    .type \whole, %function
\whole:
    push {r4, lr}
    bl \function
    pop {r4, pc}
.endm

/* Numbers in r0:r1 and r2:r3; the quotient goes to r0:r1, the remainder to r2:r3. */
.macro wide name, function
    .section .text.\name, "ax"
    .global \name
    .thumb_func
    .type \name, %function
\name:
    push {r4, lr}
    sub sp, #16
    add r4, sp, #8
    str r4, [sp]
    bl \function
    ldr r2, [sp, #8]
    ldr r3, [sp, #12]
    add sp, #16
    pop {r4, pc}
.endm

    narrow __aeabi_uidiv, __aeabi_uidivmod, divide_32
    narrow __aeabi_idiv, __aeabi_idivmod, divide_signed_32
    wide __aeabi_uldivmod, divide_64
    wide __aeabi_ldivmod, divide_signed_64

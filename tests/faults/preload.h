/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDSEC_FAULTS_PRELOAD_H
#define MEDSEC_FAULTS_PRELOAD_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * What goes wrong in a process that has preload.so in front of the C library: a file, named by
 * MEDSEC_FAULTS_PAGE, that page.py writes while the process runs. All zero: nothing.
 */
typedef struct faults_page {
    _Atomic uint64_t memory_calls; /* since memory_fails_at was set; counted only then */
    _Atomic uint64_t memory_fails_at; /* the allocation that fails, from 1 */
    _Atomic uint64_t memory_fails_for; /* so many in a row */
    _Atomic uint64_t memory_own; /* 1: only those that the program itself asks for, no library's */
    _Atomic uint64_t memory_failed;
    _Atomic uint64_t disk_error; /* errno of what changes something below disk_folder */
    _Atomic uint64_t disk_failed;
    _Atomic int64_t clock_offset_s; /* of the calendar clock */
    char disk_folder[4024];
} faults_page;

#endif

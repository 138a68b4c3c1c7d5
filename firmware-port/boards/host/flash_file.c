/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLASH_BASE 0x10000000u /* where the chip sees it */

/* A block of a UF2 file (github.com/microsoft/uf2): little-endian, 512 bytes. */
#define UF2_MAGIC_0 0x0a324655u
#define UF2_MAGIC_1 0x9e5d5157u
#define UF2_MAGIC_END 0x0ab16f30u
#define UF2_FAMILY_RP2040 0xe48bff56u
enum { UF2_LEN = 512, UF2_DATA = 32, UF2_WORD_END = UF2_LEN - 4 };

static bool fill(int fd)
{
    uint8_t erased[BOARD_FLASH_SECTOR_LEN];
    memset(erased, 0xff, sizeof erased);
    for (size_t at = 0; at < BOARD_FLASH_LEN; at += sizeof erased) {
        if (write(fd, erased, sizeof erased) != (ssize_t)sizeof erased) {
            return false;
        }
    }
    return true;
}

bool flash_file_open(flash_file *flash, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    void *bytes = MAP_FAILED;
    if (fstat(fd, &status) == 0 && (status.st_size == BOARD_FLASH_LEN || fill(fd))) {
        bytes = mmap(NULL, BOARD_FLASH_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd);
    flash->bytes = bytes == MAP_FAILED ? NULL : bytes;
    return flash->bytes != NULL;
}

void flash_file_close(flash_file *flash)
{
    if (flash->bytes != NULL) {
        munmap(flash->bytes, BOARD_FLASH_LEN);
        flash->bytes = NULL;
    }
}

bool flash_file_erase(flash_file *flash, uint32_t offset)
{
    memset(flash->bytes + offset, 0xff, BOARD_FLASH_SECTOR_LEN);
    return true;
}

/* Programming makes zeros only. */
bool flash_file_program(flash_file *flash, uint32_t offset, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        flash->bytes[offset + i] &= data[i];
    }
    return memcmp(flash->bytes + offset, data, len) == 0;
}

static uint32_t word(const uint8_t *block, size_t at)
{
    return (uint32_t)block[at] | (uint32_t)block[at + 1] << 8 | (uint32_t)block[at + 2] << 16 |
           (uint32_t)block[at + 3] << 24;
}

static bool drop_block(flash_file *flash, const uint8_t block[UF2_LEN])
{
    uint32_t offset = word(block, 12) - FLASH_BASE;
    if (word(block, 0) != UF2_MAGIC_0 || word(block, 4) != UF2_MAGIC_1 ||
        word(block, UF2_WORD_END) != UF2_MAGIC_END || word(block, 28) != UF2_FAMILY_RP2040 ||
        word(block, 16) != BOARD_FLASH_PAGE_LEN || offset % BOARD_FLASH_PAGE_LEN != 0 ||
        offset >= BOARD_FLASH_LEN) {
        return false;
    }
    if (offset % BOARD_FLASH_SECTOR_LEN == 0) {
        (void)flash_file_erase(flash, offset);
    }
    return flash_file_program(flash, offset, block + UF2_DATA, BOARD_FLASH_PAGE_LEN);
}

bool flash_file_drop(flash_file *flash, const char *uf2_path)
{
    uint8_t block[UF2_LEN];
    size_t len;
    FILE *file = fopen(uf2_path, "rbe");
    if (file == NULL) {
        return false;
    }
    bool dropped = true;
    size_t blocks = 0;
    while (dropped && (len = fread(block, 1, sizeof block, file)) > 0) {
        dropped = len == sizeof block && drop_block(flash, block);
        blocks++;
    }
    fclose(file);
    explicit_bzero(block, sizeof block);
    return dropped && blocks > 0;
}

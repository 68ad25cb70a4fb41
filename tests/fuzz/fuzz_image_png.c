/* Any bytes as a PNG file: an error or a picture within the limits, whose every sample can be read. Each input is tried
 * as it is and with all its checksums made right, without which hardly any change would get past the first chunk. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_out(const uint8_t *data, size_t size)
{
    static const radz_picture_options options = {.limits = {2000, 200000, 1 << 20}};
    radz_picture picture = {0};
    radz_error err = {0};
    if (radz_picture_decode(data, size, "fuzz.png", &options, &picture, &err) == RADZ_OK) {
        unsigned sum = 0;
        for (size_t i = 0; i < radz_picture_stride(&picture) * picture.height; i++)
            sum += ((uint8_t *)picture.pixels)[i];
        if (picture.width == 0 || picture.width > 2000 || err.code != RADZ_OK || sum > 255u * 6 * 200000)
            abort();
    } else if (err.message[0] == '\0') {
        abort();
    }
    radz_picture_free(&picture);
}

static uint32_t crc(const uint8_t *data, size_t size)
{
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        c ^= data[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8 || memcmp(data, "\x89PNG\r\n\x1a\n", 8) != 0)
        return 0;
    try_out(data, size);
    uint8_t *repaired = malloc(size);
    if (repaired == NULL)
        abort();
    memcpy(repaired, data, size);
    for (size_t at = 8; size - at >= 12;) {
        const size_t length = big_endian(repaired + at);
        if (length > size - at - 12)
            break;
        const uint32_t sum = crc(repaired + at + 4, length + 4);
        for (int i = 0; i < 4; i++)
            repaired[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += length + 12;
    }
    try_out(repaired, size);
    free(repaired);
    return 0;
}

/* Any bytes as a DICOM file: an error or a picture within the limits, whose every sample can be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const radz_picture_options options = {.limits = {2000, 200000, 1 << 20}};
    radz_picture picture = {0};
    radz_error err = {0};
    setenv("RADZ_DICOM_HELPER", RADZ_TEST_DICOM_HELPER, 0);
    if (radz_picture_decode(data, size, "fuzz.dcm", &options, &picture, &err) == RADZ_OK) {
        unsigned sum = 0;
        for (size_t i = 0; i < radz_picture_stride(&picture) * picture.height; i++)
            sum += ((uint8_t *)picture.pixels)[i];
        if (picture.width == 0 || picture.width > 2000 || err.code != RADZ_OK || sum > 255u * 2 * 200000)
            abort();
    } else if (err.message[0] == '\0' || err.code == RADZ_E_BACKEND) {
        abort();
    }
    radz_picture_free(&picture);
    return 0;
}

/* Opening DICOM files in helper processes: what they say of their picture, and its samples as they are stored. */
#ifndef RADZ_IMAGE_DICOM_READER_H
#define RADZ_IMAGE_DICOM_READER_H

#include "image/gdcm_wire.h"

typedef struct radz_dicom {
    radz_dicom_facts facts;
    uint16_t *modality, *voi; /* entries of the tables, NULL where there is none */
    struct radz_dicom_helper *helper;
    const char *name; /* the file, for messages; borrowed */
} radz_dicom;

/* Any thread may open files; each has the helper to itself until radz_dicom_close. A helper process is started when none is
 * free and waits for the next file afterwards; all end with the program.
 * RADZ_E_FORMAT: not readable as DICOM, also where GDCM breaks down over the file; RADZ_E_BACKEND: there is no helper. */
radz_status radz_dicom_open(const void *data, size_t size, const char *name, radz_dicom *out, radz_error *err) RADZ_MUST_USE;
/* The samples of the one frame, [rows, columns], of facts.bits_allocated (8 or 16) bits each, unused bits as they come; `bytes`
 * is the room in `samples`. RADZ_E_FORMAT: too few or too many samples, damaged; RADZ_E_UNSUPPORTED: a transfer syntax that
 * GDCM does not read. */
radz_status radz_dicom_read(radz_dicom *dicom, void *samples, size_t bytes, radz_error *err) RADZ_MUST_USE;
void radz_dicom_close(radz_dicom *dicom); /* a zeroed one is fine */

#endif

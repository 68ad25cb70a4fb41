/* What the program and its helper radz-dicom say to each other. GDCM (seen by gdcm_helper.cpp alone) runs in processes of its
 * own: Debian's build ends the whole process where an assertion fails, which damaged files bring about, and loading it takes
 * longer than most commands do.
 *
 * Attributes of the patient, the study or the visit are never asked for, so that none can get any further: GDCM is told
 * which elements to keep, and radz_dicom_facts is all of them.
 *
 * Both ends are of one build and on one machine: structs travel as they lie in memory. The program sends a
 * radz_dicom_request (OPEN with the bytes of a file, then perhaps READ) and gets a radz_dicom_reply with `size` bytes behind
 * it each time. */
#ifndef RADZ_IMAGE_GDCM_WIRE_H
#define RADZ_IMAGE_GDCM_WIRE_H

#include <stdint.h>

#include "base/status.h"

typedef struct radz_dicom_lut {
    uint32_t count; /* of entries, 1 to 65536; 0: there is no such table */
    int32_t first;  /* the input that gives the first entry; smaller ones give it too, larger ones the last entry */
    uint32_t bits;  /* of an entry, as the file states it */
} radz_dicom_lut;

enum { RADZ_DICOM_TEXT_SIZE = 80 }; /* longer values are cut */

/* Texts are as in the file, without blanks at the ends, "" where the attribute is missing; of several values the first.
 * Numbers are 0 where missing. */
typedef struct radz_dicom_facts {
    char transfer_syntax[RADZ_DICOM_TEXT_SIZE]; /* UID */
    char photometric[RADZ_DICOM_TEXT_SIZE];     /* "MONOCHROME2", ... */
    uint32_t rows, columns, samples_per_pixel;
    uint32_t bits_allocated, bits_stored, high_bit;
    bool is_signed, has_pixels;
    bool lossy; /* by its transfer syntax */
    char frames[RADZ_DICOM_TEXT_SIZE];
    char slope[RADZ_DICOM_TEXT_SIZE], intercept[RADZ_DICOM_TEXT_SIZE]; /* of the modality transformation */
    char centre[RADZ_DICOM_TEXT_SIZE], width[RADZ_DICOM_TEXT_SIZE], function[RADZ_DICOM_TEXT_SIZE]; /* of the window */
    radz_dicom_lut modality, voi;
} radz_dicom_facts;

typedef enum radz_dicom_task { RADZ_DICOM_OPEN = 1, RADZ_DICOM_READ } radz_dicom_task;

typedef struct radz_dicom_request {
    uint32_t version; /* RADZ_DICOM_WIRE */
    uint32_t task;
    uint64_t size; /* OPEN: bytes of the file, which follow */
} radz_dicom_request;

typedef struct radz_dicom_reply {
    uint32_t version;
    uint32_t status; /* radz_status */
    uint64_t size;   /* bytes that follow. OPEN: the entries of both tables, uint16_t; READ: the samples */
    char message[RADZ_ERROR_MESSAGE_SIZE / 2]; /* unless RADZ_OK */
    radz_dicom_facts facts;                    /* of OPEN */
} radz_dicom_reply;

enum { RADZ_DICOM_WIRE = 1 }; /* raised with every change of this file */

#endif

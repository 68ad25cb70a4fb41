/* A picture from an image file, which may be a member of an archive. */
#ifndef RADZ_RUN_READ_PICTURE_H
#define RADZ_RUN_READ_PICTURE_H

#include "data/archive.h"
#include "image/picture.h"

/* As radz_picture_read. `archives` are those of the calling thread. */
radz_status radz_read_picture(radz_open_archives *archives, const char *path, const radz_picture_options *options,
                              radz_picture *out, radz_error *err) RADZ_MUST_USE;

#endif

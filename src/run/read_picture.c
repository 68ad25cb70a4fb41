#include "run/read_picture.h"

#include <stdlib.h>

radz_status radz_read_picture(radz_open_archives *archives, const char *path, const radz_picture_options *options,
                              radz_picture *out, radz_error *err)
{
    static const radz_picture_limits usual = RADZ_PICTURE_LIMITS;
    char *data;
    size_t size;
    radz_status st = radz_archives_read(archives, path, options != NULL ? options->limits.max_bytes : usual.max_bytes, &data,
                                        &size, err);
    if (st == RADZ_OK)
        st = radz_picture_decode(data, size, path, options, out, err);
    else
        out->width = out->height = 0;
    free(data);
    return st;
}

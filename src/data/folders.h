/* The image folders of a data set. */
#ifndef RADZ_DATA_FOLDERS_H
#define RADZ_DATA_FOLDERS_H

#include "data/archive.h"
#include "data/card.h"
#include "data/name_table.h"

/* Adds the folders below `root` that the card's images.folders name and that exist, in the card's order and, behind a
 * wildcard, in byte order; "" is the root itself, "images.zip!/x" a folder inside an archive. Names are kept in `arena`. */
radz_status radz_image_folders(const radz_dataset_card *card, const char *root, radz_name_table *folders, radz_arena *arena,
                               radz_error *err) RADZ_MUST_USE;

/* Calls `seen` for every entry of a folder (as radz_image_folders names it) that may be a file, in no order. */
typedef radz_status (*radz_file_seen)(void *context, const char *name, radz_error *err);
radz_status radz_folder_each(radz_open_archives *archives, const char *root, const char *folder, radz_file_seen seen,
                             void *context, radz_error *err) RADZ_MUST_USE;
/* Whether there is such a file, which may be inside an archive. */
radz_status radz_image_exists(radz_open_archives *archives, const char *path, bool *found, radz_error *err) RADZ_MUST_USE;

#endif

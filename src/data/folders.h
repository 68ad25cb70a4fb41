/* The image folders of a data set. */
#ifndef RADZ_DATA_FOLDERS_H
#define RADZ_DATA_FOLDERS_H

#include "data/card.h"
#include "data/name_table.h"

/* Adds the folders below `root` that the card's images.folders name and that exist, in the card's order and, behind a
 * wildcard, in byte order; "" is the root itself. Names are kept in `arena`. */
radz_status radz_image_folders(const radz_dataset_card *card, const char *root, radz_name_table *folders, radz_arena *arena,
                               radz_error *err) RADZ_MUST_USE;

#endif

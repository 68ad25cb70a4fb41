/* Where the program's own files are (cards, shipped models) and where it may keep what it computes. */
#ifndef RADZ_RUN_HOME_H
#define RADZ_RUN_HOME_H

#include "base/status.h"
#include "base/str.h"
#include "data/card.h"

typedef struct radz_home {
    char *share;             /* holds manifests/ and models/ */
    char *cache;             /* embeddings and generated data; made on first use */
    radz_strlist manifests;  /* folders of cards: a person's own first, then the program's */
    radz_card_places places; /* view of `manifests` */
} radz_home;

/* `share` is $RADZ_HOME, else ../share/radz-bench beside the program's folder, else the folder named in the file
 * radz-home.txt beside the program (a build tree). `cache` is `cache_option`, else $RADZ_CACHE, else
 * $XDG_CACHE_HOME/radz-bench, else ~/.cache/radz-bench. `extra` (may be NULL) are more folders of cards; one that does
 * not exist is RADZ_E_USAGE. Zero-initialised on error. */
radz_status radz_home_open(const char *cache_option, const radz_strlist *extra, radz_home *out,
                           radz_error *err) RADZ_MUST_USE;
void radz_home_close(radz_home *home);

/* Where a generated data set is put: CACHE/data/NAME-nPATIENTS-sSEED. The caller frees it. */
char *radz_home_generated_root(const radz_home *home, const radz_dataset_card *card, radz_error *err) RADZ_MUST_USE;

#endif

/* The protocols that a command line or a suite names. */
#ifndef RADZ_RUN_PROTOCOLS_H
#define RADZ_RUN_PROTOCOLS_H

#include "data/card_protocol.h"
#include "report/results.h"
#include "run/home.h"

typedef struct radz_protocols {
    radz_protocol_card **cards; /* [count], in the order named; "all" is the default one and then the others by name */
    size_t count;
} radz_protocols;

/* `names` NULL or empty: `otherwise` (a name or "all"). A name twice counts once. */
radz_status radz_protocols_load(const radz_home *home, const radz_strlist *names, const char *otherwise,
                                radz_protocols *out, radz_error *err) RADZ_MUST_USE;
void radz_protocols_free(radz_protocols *protocols);
/* Whether any of them chooses its thresholds on a validation split. */
bool radz_protocols_want_validation(const radz_protocols *protocols);

#define RADZ_PROTOCOL_DEFAULT "strict"

/* What a protocol does whose source ends with an error on these data (undefined: stop): where one of those `asked` for by name
 * has no figures for that reason, RADZ_E_VALUE names protocol, data set and class. Under "all" it is only said in its notes. */
radz_status radz_protocols_check_stopped(const radz_strlist *asked, const radz_results *results, radz_error *err) RADZ_MUST_USE;

#endif

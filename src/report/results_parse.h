/* For the files of this room: results.json from memory (radz_results_load reads it from a file), copies of text. */
#ifndef RADZ_REPORT_RESULTS_PARSE_H
#define RADZ_REPORT_RESULTS_PARSE_H

#include "report/results.h"

/* `name` is used in messages. RADZ_E_FORMAT names the key, RADZ_E_UNSUPPORTED another schema. */
radz_status radz_results_parse(const char *text, size_t size, const char *name, radz_results **out,
                               radz_error *err) RADZ_MUST_USE;

/* Replaces `*text` by the results' own copy, in which every byte can be printed anywhere: invalid UTF-8 becomes U+FFFD,
 * control characters but \n and \t become '?'. NULL stays NULL. */
radz_status radz_results_keep(radz_results *results, const char **text, radz_error *err) RADZ_MUST_USE;

#endif

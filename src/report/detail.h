/* Detail tables of results in files and on the terminal. For the report room's own use. */
#ifndef RADZ_REPORT_DETAIL_H
#define RADZ_REPORT_DETAIL_H

#include "base/json.h"
#include "report/results.h"

void radz_details_free(radz_results *results);
/* The key "details" of results.json, and one element of it read back (its block must be there already). */
void radz_details_put_json(radz_json_writer *w, const radz_results *results);
radz_status radz_details_read(const radz_json_doc *doc, const radz_json *object, radz_results *results,
                              radz_error *err) RADZ_MUST_USE;
/* DIR/NAME.csv for each name of a detail: all tables of that name below each other, with the columns dataset, split, model,
 * scorer and protocol before their own. */
radz_status radz_details_write(const radz_results *results, const char *dir, radz_error *err) RADZ_MUST_USE;

#endif

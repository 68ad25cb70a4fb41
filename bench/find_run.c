#include "bench/find_run.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"

radz_status radz_find_run(const char *results, const char *wanted, char **out, radz_error *err)
{
    results = results != NULL ? results : "results";
    *out = radz_path_join(results, wanted != NULL ? wanted : "latest", err);
    if (*out == NULL)
        return RADZ_E_NOMEM;
    if (radz_file_exists(*out))
        return RADZ_OK;
    free(*out);
    *out = NULL;
    if (wanted == NULL)
        return radz_fail(err, RADZ_E_MISSING, "no run in '%s' yet: start with `radz-bench --suite chest`", results);
    if (!radz_file_exists(wanted))
        return radz_fail(err, RADZ_E_MISSING, "no run '%s': neither a folder nor a run in '%s' (see `radz-bench list runs`)",
                         wanted, results);
    *out = radz_strdup(wanted, err);
    return *out == NULL ? RADZ_E_NOMEM : RADZ_OK;
}

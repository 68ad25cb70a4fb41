#include "report/answers_file.h"

#include <stdlib.h>

#include "report/escape.h"
#include "report/results.h"

radz_status radz_answers_file_open(const char *dir, const char *dataset, const char *model, const char *scorer,
                                   radz_answers_file *file, radz_error *err)
{
    char *path = radz_run_file(dir, "answers", dataset, model, scorer, err);
    radz_status st = path == NULL ? RADZ_E_NOMEM : radz_out_open(path, &file->out, err);
    if (st == RADZ_OK)
        fputs("image,class,verdict,answer\n", file->out.stream);
    free(path);
    return st;
}

void radz_answers_file_row(radz_answers_file *file, const char *image, const char *class_name, const char *verdict,
                           const char *answer)
{
    FILE *out = file->out.stream;
    radz_put_csv(out, image);
    putc(',', out);
    radz_put_csv(out, class_name);
    putc(',', out);
    radz_put_csv(out, verdict);
    putc(',', out);
    radz_put_csv(out, answer);
    putc('\n', out);
}

radz_status radz_answers_file_commit(radz_answers_file *file, radz_error *err)
{
    return radz_out_commit(&file->out, err);
}

void radz_answers_file_abandon(radz_answers_file *file)
{
    radz_out_abandon(&file->out);
}

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
        fputs("image,class,question,verdict,answer\n", file->out.stream);
    free(path);
    return st;
}

void radz_answers_file_row(radz_answers_file *file, const radz_answer_row *row)
{
    const char *const cells[] = {row->image, row->class_name, row->question, row->verdict, row->answer};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        if (i > 0)
            putc(',', file->out.stream);
        radz_put_csv(file->out.stream, cells[i]);
    }
    putc('\n', file->out.stream);
}

radz_status radz_answers_file_commit(radz_answers_file *file, radz_error *err)
{
    return radz_out_commit(&file->out, err);
}

void radz_answers_file_abandon(radz_answers_file *file)
{
    radz_out_abandon(&file->out);
}

#include <inttypes.h>

#include "report/escape.h"
#include "report/print.h"

radz_status radz_print_csv(const radz_results *results, const radz_print_options *options, FILE *out, radz_error *err)
{
    (void)options;
    (void)err;
    fputs("dataset,split,n,model,scorer,protocol,class,metric,value,ci_low,ci_high,n_pos,status\n", out);
    for (size_t i = 0; i < results->n_rows; i++) {
        const radz_result_row *r = &results->rows[i];
        radz_put_csv(out, r->dataset);
        putc(',', out);
        radz_put_csv(out, r->split);
        fprintf(out, ",%" PRIu64 ",", r->n);
        radz_put_csv(out, r->model);
        putc(',', out);
        radz_put_csv(out, r->scorer);
        putc(',', out);
        radz_put_csv(out, r->protocol);
        putc(',', out);
        radz_put_csv(out, r->class_name);
        putc(',', out);
        radz_put_csv(out, r->metric);
        putc(',', out);
        radz_put_number(out, r->value);
        putc(',', out);
        radz_put_number(out, r->ci_low);
        putc(',', out);
        radz_put_number(out, r->ci_high);
        fprintf(out, ",%" PRIu64 ",", r->n_pos);
        radz_put_csv(out, r->status);
        putc('\n', out);
    }
    return RADZ_OK;
}

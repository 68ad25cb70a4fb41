#include <inttypes.h>
#include <math.h>

#include "report/escape.h"
#include "report/print.h"

/* The comparison of two models as lines of the same form: the model is "A - B", the figures are METRIC_difference and, where
 * there is a test, METRIC_difference_p. */
static void put_pair(FILE *out, const radz_result_pair *p, const char *protocol, bool test)
{
    char name[128];
    radz_put_csv(out, p->dataset);
    putc(',', out);
    radz_put_csv(out, p->split);
    fprintf(out, ",%" PRIu64 ",", p->n);
    snprintf(name, sizeof name, "%s_difference%s", p->metric, test ? "_p" : "");
    radz_strbuf both = {0};
    if (radz_strbuf_printf(&both, NULL, "%s - %s", p->a, p->b) == RADZ_OK)
        radz_put_csv(out, both.text);
    radz_strbuf_free(&both);
    fprintf(out, ",%s,%s,", RADZ_SCORER_FILE, protocol);
    radz_put_csv(out, p->class_name);
    putc(',', out);
    radz_put_csv(out, name);
    putc(',', out);
    radz_put_number(out, test ? p->p : p->difference);
    putc(',', out);
    radz_put_number(out, test ? NAN : p->ci_low);
    putc(',', out);
    radz_put_number(out, test ? NAN : p->ci_high);
    fprintf(out, ",%" PRIu64 ",", p->n_pos);
    radz_put_csv(out, p->status);
    putc('\n', out);
}

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
    for (size_t i = 0; i < results->n_pairs; i++) {
        put_pair(out, &results->pairs[i], "paired", false);
        if (!isnan(results->pairs[i].p))
            put_pair(out, &results->pairs[i], "paired", true);
    }
    return RADZ_OK;
}

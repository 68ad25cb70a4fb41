#include <inttypes.h>
#include <math.h>

#include "report/escape.h"
#include "report/print.h"

/* The comparison of two models as lines of the same form: the model is "A - B", the figures are METRIC_difference and, where
 * there are tests, METRIC_difference_p and its relatives. `value` stands alone where it is not the difference itself. */
static void put_pair(FILE *out, const radz_result_pair *p, const char *suffix, double value)
{
    char name[128];
    bool itself = suffix[0] == '\0';
    radz_put_csv(out, p->dataset);
    putc(',', out);
    radz_put_csv(out, p->split);
    fprintf(out, ",%" PRIu64 ",", p->n);
    snprintf(name, sizeof name, "%s_difference%s", p->metric, suffix);
    radz_strbuf both = {0};
    if (radz_strbuf_printf(&both, NULL, "%s - %s", p->a, p->b) == RADZ_OK)
        radz_put_csv(out, both.text);
    radz_strbuf_free(&both);
    fprintf(out, ",%s,paired,", RADZ_SCORER_FILE);
    radz_put_csv(out, p->class_name);
    putc(',', out);
    radz_put_csv(out, name);
    putc(',', out);
    radz_put_number(out, value);
    putc(',', out);
    radz_put_number(out, itself ? p->ci_low : NAN);
    putc(',', out);
    radz_put_number(out, itself ? p->ci_high : NAN);
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
        const radz_result_pair *p = &results->pairs[i];
        const struct {
            const char *suffix;
            double value;
        } tests[] = {{"_p", p->p}, {"_p_holm", p->p_holm}, {"_p_bh", p->p_bh}, {"_p_permutation", p->p_permutation}};
        put_pair(out, p, "", p->difference);
        for (size_t k = 0; k < sizeof tests / sizeof *tests; k++)
            if (!isnan(tests[k].value))
                put_pair(out, p, tests[k].suffix, tests[k].value);
    }
    return RADZ_OK;
}

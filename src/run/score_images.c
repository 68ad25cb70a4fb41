#include "run/score_images.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "metric/resample.h"
#include "report/answers_file.h"
#include "score/aggregate.h"
#include "score/scorer.h"

enum { SCORE_BLOCK = 1024 /* images whose embeddings are in memory at a time */ };

static radz_status write_answers(const radz_evidence_set *evidence, const uint32_t *samples, const radz_score_block *block,
                                 radz_answers_file *file, radz_error *err)
{
    const radz_dataset *data = evidence->dataset;
    radz_strbuf named = {0};
    radz_status st = RADZ_OK;
    bool each = evidence->kind == RADZ_EVIDENCE_ANSWERS;
    for (size_t i = 0; st == RADZ_OK && i < block->rows; i++) {
        const radz_answer_verdict *own = block->verdicts + i * data->n_classes;
        named.length = 0;
        st = radz_strbuf_puts(&named, "", err);
        for (size_t c = 0; st == RADZ_OK && c < data->n_classes; c++) {
            if (each)
                radz_answers_file_row(file, &(radz_answer_row){block->row_names[i], data->classes[c],
                                                               radz_evidence_question(evidence, samples[i], c),
                                                               radz_answer_verdict_name(own[c]),
                                                               block->answers[i * data->n_classes + c]});
            else if (own[c] == RADZ_ANSWER_YES)
                st = radz_strbuf_printf(&named, err, "%s%s", named.length > 0 ? "|" : "", data->classes[c]);
        }
        if (st == RADZ_OK && !each)
            radz_answers_file_row(file, &(radz_answer_row){block->row_names[i], "", radz_evidence_question(evidence, samples[i], 0),
                                                           named.text, block->answers[i]});
    }
    radz_strbuf_free(&named);
    return st;
}

static radz_status score(const radz_scoring *s, const radz_scorer *scorer, radz_scored_images *out, radz_error *err)
{
    const radz_evidence_set *evidence = s->evidence;
    const radz_dataset *data = evidence->dataset;
    const radz_session *session = evidence->session;
    radz_score_texts texts = radz_evidence_texts(evidence, scorer->described);
    if (s->prompts != NULL) {
        texts.rows = s->prompts->n;
        texts.embeddings = s->prompts->embeddings;
        texts.class_of = s->prompts->class_of;
        texts.polarity_of = s->prompts->polarity_of;
        texts.template_of = s->prompts->template_of;
    }
    if (s->anchors != NULL)
        texts.anchor_vectors = s->anchors;
    radz_score_options options = radz_score_defaults();
    if (session->facts->temperature > 0)
        options.temperature = session->facts->temperature;
    radz_score_state *state = NULL;
    radz_evidence_rows rows = {0};
    radz_answers_file file = {0};
    radz_status st = scorer->prepare(&texts, &options, &state, err);
    if (st == RADZ_OK && scorer->hard && s->run_dir != NULL)
        st = radz_answers_file_open(s->run_dir, data->name, session->o.card->base.name, scorer->name, &file, err);
    size_t done = 0;
    while (st == RADZ_OK && done < out->set.n) {
        size_t filled = out->set.n - done < SCORE_BLOCK ? out->set.n - done : SCORE_BLOCK;
        st = radz_evidence_read(evidence, out->sample_of + done, filled, &rows, err);
        if (st != RADZ_OK)
            break;
        radz_score_block block = {
            .rows = filled, .dim = evidence->values, .embeddings = rows.values,
            .answers = (const char *const *)rows.answers, .first_row = done, .row_names = out->names + done,
            .verdicts = out->verdicts != NULL ? out->verdicts + done * data->n_classes : NULL,
        };
        st = scorer->score(state, &block, out->scores + done * data->n_classes, err);
        if (st == RADZ_OK && file.out.stream != NULL)
            st = write_answers(evidence, out->sample_of + done, &block, &file, err);
        done += filled;
        if (st == RADZ_OK && radz_cancelled())
            st = radz_fail_interrupted(err);
    }
    out->answers = out->verdicts != NULL ? done * data->n_classes : 0;
    for (size_t i = 0; st == RADZ_OK && i < out->answers; i++) {
        int8_t label = out->labels[i];
        radz_answer_verdict wanted = label == 1 ? RADZ_ANSWER_YES : RADZ_ANSWER_NO;
        out->unknown += out->verdicts[i] == RADZ_ANSWER_UNKNOWN;
        out->judged += label != RADZ_LABEL_MASKED;
        out->right += label != RADZ_LABEL_MASKED && out->verdicts[i] == wanted;
    }
    if (st == RADZ_OK && file.out.stream != NULL)
        st = radz_answers_file_commit(&file, err);
    radz_answers_file_abandon(&file);
    scorer->free(state);
    radz_evidence_rows_free(&rows);
    return st;
}

radz_status radz_gather_images(const radz_scoring *s, radz_scored_images *out, radz_error *err)
{
    const radz_dataset *data = s->evidence->dataset;
    radz_status st = RADZ_OK;
    *out = (radz_scored_images){0};
    const char **patients = radz_calloc(data->n, sizeof *patients, err), **studies = radz_calloc(data->n, sizeof *studies, err);
    out->names = radz_calloc(data->n, sizeof *out->names, err);
    out->paths = radz_calloc(data->n, sizeof *out->paths, err);
    out->labels = radz_calloc(data->n * data->n_classes, sizeof *out->labels, err);
    out->patient_of = radz_calloc(data->n, sizeof *out->patient_of, err);
    out->sample_of = radz_calloc(data->n, sizeof *out->sample_of, err);
    if (patients == NULL || studies == NULL || out->names == NULL || out->paths == NULL || out->labels == NULL || out->patient_of == NULL ||
        out->sample_of == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    size_t n = 0, n_patients = 0, n_studies = 0;
    for (size_t i = 0; i < data->n; i++) {
        if (!s->evidence->images.usable[i])
            continue;
        out->names[n] = data->samples[i].image_id;
        out->paths[n] = data->samples[i].path;
        out->sample_of[n] = (uint32_t)i;
        patients[n] = data->samples[i].patient_id;
        studies[n] = data->samples[i].study_id;
        memcpy(out->labels + n * data->n_classes, data->labels + i * data->n_classes, data->n_classes);
        n++;
    }
    if (n == 0)
        st = radz_fail(err, RADZ_E_MISSING, "none of its %zu images could be read", data->n);
    if (st == RADZ_OK)
        st = radz_number_patients(patients, n, out->patient_of, &n_patients, err);
    if (st == RADZ_OK)
        st = radz_number_studies(patients, studies, n, &out->study_of, &n_studies, err);
    out->set = (radz_scored_set){
        .n = n, .n_classes = data->n_classes, .n_patients = n_patients, .names = out->names, .paths = out->paths,
        .classes = data->classes, .labels = out->labels, .patient_of = out->patient_of,
        .study_of = out->study_of, .n_studies = n_studies,
    };
done:
    free(patients);
    free(studies);
    return st;
}

/* Level "study": the images of a study become one row, with its name, the scores aggregated as the card says and the labels
 * merged: a finding is present when it is in one of the images. Path and sample are those of its first image. */
static radz_status group_studies(const radz_dataset *data, radz_scored_images *out, radz_error *err)
{
    size_t classes = data->n_classes, n = out->set.n, units = 0;
    uint32_t *unit_of = radz_calloc(n, sizeof *unit_of, err), *number = radz_calloc(data->n_units, sizeof *number, err);
    size_t *counts = radz_calloc(n, sizeof *counts, err);
    double *scores = radz_calloc(n * classes, sizeof *scores, err);
    radz_status st = unit_of == NULL || number == NULL || counts == NULL || scores == NULL ? RADZ_E_NOMEM : RADZ_OK;
    for (size_t row = 0; st == RADZ_OK && row < n; row++) {
        uint32_t sample = out->sample_of[row], unit = data->samples[sample].unit;
        bool first = number[unit] == 0;
        if (first)
            number[unit] = (uint32_t)++units;
        size_t u = unit_of[row] = number[unit] - 1;
        int8_t *to = out->labels + u * classes; /* u <= row: what is overwritten has been read */
        const int8_t *from = out->labels + row * classes;
        for (size_t k = 0; k < classes; k++)
            to[k] = first ? from[k] : radz_label_merge(to[k], from[k]);
        if (first) {
            out->names[u] = radz_sample_unit_name(data, sample);
            out->paths[u] = out->paths[row];
            out->sample_of[u] = sample;
            out->patient_of[u] = out->patient_of[row]; /* every patient and study keeps a row: the numbers stay without gaps */
            if (out->study_of != NULL)
                out->study_of[u] = out->study_of[row];
        }
    }
    if (st == RADZ_OK) {
        radz_score_aggregate(out->scores, n, classes, unit_of, units,
                             data->aggregate == RADZ_AGGREGATE_MEAN ? RADZ_SCORES_MEAN : RADZ_SCORES_MAX, scores, counts);
        memcpy(out->scores, scores, units * classes * sizeof *scores);
        out->set.n = units;
    }
    free(unit_of);
    free(number);
    free(counts);
    free(scores);
    return st;
}

radz_status radz_score_images(const radz_scoring *s, const char *scorer_name, radz_scored_images *out, radz_error *err)
{
    const radz_scorer *scorer;
    *out = (radz_scored_images){0};
    radz_status st = radz_scorer_find(scorer_name, &scorer, err);
    if (st == RADZ_OK)
        st = radz_gather_images(s, out, err);
    if (st != RADZ_OK)
        return st;
    out->scores = radz_calloc(out->set.n * out->set.n_classes, sizeof *out->scores, err);
    out->set.scores = out->scores;
    if (scorer->hard)
        out->verdicts = radz_calloc(out->set.n * out->set.n_classes, sizeof *out->verdicts, err);
    out->probabilities = scorer->probabilities;
    st = out->scores == NULL || (scorer->hard && out->verdicts == NULL) ? RADZ_E_NOMEM : score(s, scorer, out, err);
    return st == RADZ_OK && s->evidence->dataset->level == RADZ_LEVEL_STUDY ? group_studies(s->evidence->dataset, out, err) : st;
}

radz_status radz_gather_features(const radz_scoring *s, const radz_scored_images *images, float **features, radz_error *err)
{
    size_t n = images->set.n;
    *features = radz_calloc(n * s->evidence->values, sizeof **features, err);
    radz_evidence_rows rows = {0};
    radz_status st = *features == NULL ? RADZ_E_NOMEM : radz_evidence_read(s->evidence, images->sample_of, n, &rows, err);
    if (st == RADZ_OK)
        memcpy(*features, rows.values, n * s->evidence->values * sizeof **features);
    radz_evidence_rows_free(&rows);
    return st;
}

void radz_scored_images_free(radz_scored_images *images)
{
    free(images->names);
    free(images->paths);
    free(images->labels);
    free(images->scores);
    free(images->patient_of);
    free(images->study_of);
    free(images->sample_of);
    free(images->verdicts);
    *images = (radz_scored_images){0};
}

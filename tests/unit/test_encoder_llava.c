/* A model that is asked: what it says to a question depends on the picture and the question alone, not on what else is asked or
 * was before, in which order, in how many calls or by how many threads; to the byte. The model is a tiny one with random weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "encoder/encoder.h"
#include "must.h"

#define GOLDEN RADZ_TEST_DIR "/golden/mllm/"

enum { SIDE = 24, PIXELS = 3 * SIDE * SIDE, PICTURES = 2, QUESTIONS = 14, MAX_TOKENS = 3, MAX_LOGITS = 32 };

/* Of 5 to 60 tokens and more: several groups of one padded length, none of them full. */
static const char *const QUESTION[QUESTIONS] = {
    "Edema?", "Is there a mass?", "Does this chest X-ray show pneumonia? Answer yes or no.", "Hernia?", "Is the heart large? Yes or no.",
    "Does this chest X-ray show a large pleural effusion on the left side? Answer yes or no.", "no", "Pneumothorax or not?",
    "Is there a small nodule in the right upper lobe? Answer yes or no.", "Fibrosis?", "Any fracture?", "Is it normal?",
    "Does this chest X-ray show consolidation? Answer yes or no.", "Yes or no: atelectasis"};

typedef struct said {
    float logits[PICTURES][QUESTIONS][MAX_LOGITS];
    char *answers[PICTURES][QUESTIONS];
} said;

static float pixels[PICTURES][PIXELS];

static radz_encoder *open_model(const char *name, int threads)
{
    static const char *const steps[] = {"rgb", "resize mode=squash size=24 filter=bicubic", "float divide=full"};
    radz_encoder *e;
    radz_encoder_options o = {.threads = threads, .prompt = "[INST] {image}\n{question} [/INST]", .template_name = "test",
                              .max_tokens = MAX_TOKENS, .preprocess_steps = steps, .n_preprocess_steps = 3};
    char dir[512];
    snprintf(dir, sizeof dir, GOLDEN "%s", name);
    MUST(radz_encoder_open("llava", dir, &o, &e, &err));
    return e;
}

static size_t tokens_of(const radz_encoder *e)
{
    const radz_encoder_facts *f = radz_encoder_info(e);
    size_t tokens = f->n_yes + f->n_no;
    assert_true(f->n_yes > 0 && f->n_no > 0 && tokens <= MAX_LOGITS);
    return tokens;
}

static radz_dialogue *look(radz_encoder *e, size_t picture)
{
    radz_dialogue *d;
    MUST(radz_dialogue_open(e, pixels[picture], &d, &err));
    return d;
}

/* Asks `n` of the questions, `which` [n], about the picture of a dialogue, and compares with what was said to all of them. */
static void same_in(radz_dialogue *d, radz_encoder *e, const said *all, size_t picture, const size_t *which, size_t n)
{
    size_t tokens = tokens_of(e);
    const char *asked[QUESTIONS];
    float logits[QUESTIONS * MAX_LOGITS];
    char *answers[QUESTIONS];
    for (size_t i = 0; i < n; i++)
        asked[i] = QUESTION[which[i]];
    MUST(radz_dialogue_yes_no(d, asked, n, logits, NULL, &err));
    MUST(radz_dialogue_answers(d, asked, n, answers, NULL, &err));
    for (size_t i = 0; i < n; i++) {
        if (memcmp(logits + i * tokens, all->logits[picture][which[i]], tokens * sizeof *logits) != 0)
            fail_msg("picture %zu, '%s' as number %zu of %zu: other logits (%.9g, %.9g)", picture, asked[i], i, n,
                     (double)logits[i * tokens], (double)all->logits[picture][which[i]][0]);
        assert_string_equal(answers[i], all->answers[picture][which[i]]);
        free(answers[i]);
    }
}

static void same_as(radz_encoder *e, const said *all, size_t picture, const size_t *which, size_t n)
{
    radz_dialogue *d = look(e, picture);
    same_in(d, e, all, picture, which, n);
    radz_dialogue_close(d);
}

/* Each kind of question in a dialogue of its own. */
static void ask_all(radz_encoder *e, said *all)
{
    size_t tokens = tokens_of(e);
    float logits[QUESTIONS * MAX_LOGITS];
    for (size_t p = 0; p < PICTURES; p++) {
        radz_dialogue *d = look(e, p);
        MUST(radz_dialogue_yes_no(d, QUESTION, QUESTIONS, logits, NULL, &err));
        for (size_t i = 0; i < QUESTIONS; i++)
            memcpy(all->logits[p][i], logits + i * tokens, tokens * sizeof *logits);
        radz_dialogue_close(d);
        d = look(e, p);
        MUST(radz_dialogue_answers(d, QUESTION, QUESTIONS, all->answers[p], NULL, &err));
        radz_dialogue_close(d);
    }
}

static void forget(said *all)
{
    for (size_t p = 0; p < PICTURES; p++)
        for (size_t i = 0; i < QUESTIONS; i++)
            free(all->answers[p][i]);
}

static void answers_depend_on_picture_and_question_alone(void **state)
{
    static const char *const models[] = {"llava", "original_mistral"};
    (void)state;
    radz_rng rng;
    radz_rng_seed(&rng, 7, 0);
    for (size_t p = 0; p < PICTURES; p++)
        for (size_t i = 0; i < PIXELS; i++)
            pixels[p][i] = (float)radz_rng_normal(&rng);
    for (size_t m = 0; m < 2; m++) {
        static said all;
        size_t different = 0;
        for (int threads = 1; threads <= (m == 0 ? 2 : 1); threads++) {
            radz_encoder *e = open_model(models[m], threads);
            if (threads == 1)
                ask_all(e, &all);
            for (size_t p = PICTURES; p-- > 0;) { /* the pictures the other way round */
                size_t backwards[QUESTIONS];
                for (size_t i = 0; i < QUESTIONS; i++)
                    backwards[i] = QUESTIONS - 1 - i;
                same_as(e, &all, p, backwards, QUESTIONS);
            }
            for (size_t i = 0; i < QUESTIONS; i += 5) /* some alone, after the weights were given back */
                same_as(e, &all, i % PICTURES, &i, 1);
            radz_encoder_release(e);
            for (int round = 0; round < 3; round++) { /* any number of them, in any order, some more than once */
                size_t some[QUESTIONS], n = 1 + (size_t)(radz_rng_uniform(&rng) * QUESTIONS);
                for (size_t i = 0; i < n; i++)
                    some[i] = (size_t)(radz_rng_uniform(&rng) * QUESTIONS);
                same_as(e, &all, (size_t)(radz_rng_uniform(&rng) * PICTURES), some, n);
            }
            radz_dialogue *d = look(e, 1); /* again and again in one dialogue, behind long answers and short questions */
            for (size_t i = 0; i < QUESTIONS; i += 4)
                same_in(d, e, &all, 1, &i, 1);
            same_in(d, e, &all, 1, (const size_t[]){5, 6, 11}, 3);
            radz_dialogue_close(d);
            radz_encoder_free(e);
        }
        /* and the questions and pictures do matter */
        for (size_t p = 0; p < PICTURES; p++)
            for (size_t i = 0; i < QUESTIONS; i++)
                different += memcmp(all.logits[p][i], all.logits[0][0], sizeof all.logits[0][0]) != 0;
        assert_int_equal(different, PICTURES * QUESTIONS - 1);
        forget(&all);
    }
}

/* The part that questions share runs once in a dialogue, and what a call is said to cost is the same whatever was asked before. */
static void what_questions_share_runs_once(void **state)
{
    (void)state;
    radz_encoder *e = open_model("llava", 1);
    float logits[QUESTIONS * MAX_LOGITS];
    char *answers[QUESTIONS];
    radz_cost alone[2] = {{0}, {0}}, together[2] = {{0}, {0}}, at_once = {0};
    uint64_t shared = 0, begun;
    for (int kind = 0; kind < 2; kind++) {
        radz_dialogue *d = look(e, 0);
        assert_int_equal(radz_dialogue_shared(d).tokens, 0);
        if (kind == 0)
            MUST(radz_dialogue_yes_no(d, QUESTION, QUESTIONS, logits, &alone[kind], &err));
        else
            MUST(radz_dialogue_answers(d, QUESTION, QUESTIONS, answers, &alone[kind], &err));
        shared = radz_dialogue_shared(d).tokens;
        for (size_t i = 0; kind == 1 && i < QUESTIONS; i++)
            free(answers[i]);
        radz_dialogue_close(d);
    }
    begun = radz_encoder_cost(e).tokens;
    assert_int_equal(begun, 2 * shared + alone[0].tokens + alone[1].tokens);
    radz_dialogue *d = look(e, 0);
    MUST(radz_dialogue_answers(d, QUESTION, QUESTIONS, answers, &together[1], &err));
    MUST(radz_dialogue_yes_no(d, QUESTION, QUESTIONS, logits, &together[0], &err));
    MUST(radz_dialogue_yes_no(d, QUESTION, QUESTIONS, logits, &at_once, &err));
    assert_int_equal(radz_dialogue_shared(d).tokens, shared);
    assert_true(shared > (uint64_t)radz_encoder_info(e)->image_positions / 2 && alone[1].tokens > alone[0].tokens);
    for (int kind = 0; kind < 2; kind++)
        assert_int_equal(together[kind].tokens, alone[kind].tokens);
    assert_int_equal(radz_encoder_cost(e).tokens - begun, shared + 2 * alone[0].tokens + alone[1].tokens);
    for (size_t i = 0; i < QUESTIONS; i++)
        free(answers[i]);
    radz_dialogue_close(d);
    radz_encoder_free(e);
}

/* A feature does not depend on the pictures beside it, nor a text's on other texts. */
static void features_depend_on_picture_and_text_alone(void **state)
{
    (void)state;
    radz_encoder *e = open_model("radz", 1);
    size_t dim = radz_encoder_info(e)->dim;
    assert_true(dim <= 32);
    float together[PICTURES * 32], texts[QUESTIONS * 32], one[32];
    MUST(radz_encoder_images(e, pixels[0], PICTURES, together, &err));
    MUST(radz_encoder_texts(e, QUESTION, QUESTIONS, texts, &err));
    for (size_t p = PICTURES; p-- > 0;) {
        MUST(radz_encoder_images(e, pixels[p], 1, one, &err));
        assert_memory_equal(one, together + p * dim, dim * sizeof *one);
    }
    for (size_t i = QUESTIONS; i-- > 0;) {
        MUST(radz_encoder_texts(e, &QUESTION[i], 1, one, &err));
        assert_memory_equal(one, texts + i * dim, dim * sizeof *one);
    }
    radz_encoder_free(e);
}

int main(void)
{
#ifdef RADZ_TEST_PLUGIN
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_depend_on_picture_and_question_alone),
                                       cmocka_unit_test(what_questions_share_runs_once),
                                       cmocka_unit_test(features_depend_on_picture_and_text_alone)};
    setenv("RADZ_TORCH_PLUGIN", RADZ_TEST_PLUGIN, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    print_message("skipped: built without libtorch\n");
    return 0;
#endif
}

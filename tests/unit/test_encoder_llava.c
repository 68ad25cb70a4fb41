/* A model that is asked: what it says to a question depends on the picture and the question alone, not on what else is asked, in
 * which order, in how many calls or by how many threads; to the byte. The model is a tiny one with random weights. */
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

#define GOLDEN RADZ_TEST_DIR "/golden/mllm/"

#define MUST(CALL)                                                                                                     \
    do {                                                                                                               \
        radz_error err = {0};                                                                                          \
        if ((CALL) != RADZ_OK)                                                                                         \
            fail_msg("%s", err.message);                                                                               \
    } while (0)

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

/* Asks `n` of the questions, `which` [n], about a picture, and compares with what was said to all of them together. */
static void same_as(radz_encoder *e, const said *all, size_t picture, const size_t *which, size_t n)
{
    size_t tokens = tokens_of(e);
    const char *asked[QUESTIONS];
    float logits[QUESTIONS * MAX_LOGITS];
    char *answers[QUESTIONS];
    for (size_t i = 0; i < n; i++)
        asked[i] = QUESTION[which[i]];
    MUST(radz_encoder_yes_no(e, pixels[picture], asked, n, logits, &err));
    MUST(radz_encoder_answers(e, pixels[picture], asked, n, answers, &err));
    for (size_t i = 0; i < n; i++) {
        if (memcmp(logits + i * tokens, all->logits[picture][which[i]], tokens * sizeof *logits) != 0)
            fail_msg("picture %zu, '%s' as number %zu of %zu: other logits (%.9g, %.9g)", picture, asked[i], i, n,
                     (double)logits[i * tokens], (double)all->logits[picture][which[i]][0]);
        assert_string_equal(answers[i], all->answers[picture][which[i]]);
        free(answers[i]);
    }
}

static void ask_all(radz_encoder *e, said *all)
{
    size_t tokens = tokens_of(e);
    float logits[QUESTIONS * MAX_LOGITS];
    for (size_t p = 0; p < PICTURES; p++) {
        MUST(radz_encoder_yes_no(e, pixels[p], QUESTION, QUESTIONS, logits, &err));
        for (size_t i = 0; i < QUESTIONS; i++)
            memcpy(all->logits[p][i], logits + i * tokens, tokens * sizeof *logits);
        MUST(radz_encoder_answers(e, pixels[p], QUESTION, QUESTIONS, all->answers[p], &err));
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
                                       cmocka_unit_test(features_depend_on_picture_and_text_alone)};
    setenv("RADZ_TORCH_PLUGIN", RADZ_TEST_PLUGIN, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    print_message("skipped: built without libtorch\n");
    return 0;
#endif
}

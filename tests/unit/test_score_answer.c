/* Answers in words: the table tests/golden/score/answers.tsv, choices from a list, and answers of any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "score/verdict.h"

static radz_error err;

static void need_ok(radz_status st)
{
    if (st != RADZ_OK)
        fail_msg("%s: %s", radz_status_name(st), err.message);
}

/* Cuts `text` at each `mark`. */
static size_t cut(char *text, char mark, char **parts, size_t limit)
{
    size_t n = 0;
    for (char *p = text; n < limit; p++) {
        parts[n++] = p;
        p = strchr(p, mark);
        if (p == NULL)
            break;
        *p = '\0';
    }
    return n;
}

static void table(void **state)
{
    (void)state;
    char *text;
    size_t size, wrong = 0, seen[3] = {0};
    need_ok(radz_file_read(RADZ_TEST_DIR "/golden/score/answers.tsv", 1 << 20, &text, &size, &err));
    for (char *line = text, *next; *line != '\0'; line = next) {
        next = line + strcspn(line, "\n");
        if (*next == '\n')
            *next++ = '\0';
        if (*line == '#')
            continue;
        char *columns[3], *names[4];
        assert_int_equal(cut(line, '\t', columns, 3), 3);
        bool normal = columns[0][0] == '*';
        size_t n = cut(columns[0] + normal, '|', names, 4);
        for (char *p; (p = strstr(columns[2], "\\n")) != NULL;) {
            p[0] = ' ';
            p[1] = '\n';
        }
        radz_finding_names finding = {(const char *const *)names, n, normal};
        radz_answer_verdict verdict;
        need_ok(radz_answer_yes_no(columns[2], &finding, &verdict, &err));
        if (strcmp(radz_answer_verdict_name(verdict), columns[1]) != 0) {
            print_message("%s: '%s': found %s, wanted %s\n", names[0], columns[2], radz_answer_verdict_name(verdict), columns[1]);
            wrong++;
        }
        seen[verdict]++;
    }
    free(text);
    print_message("%zu no, %zu yes, %zu unknown\n", seen[0], seen[1], seen[2]);
    assert_int_equal(wrong, 0);
    assert_true(seen[0] + seen[1] + seen[2] >= 150 && seen[0] >= 40 && seen[1] >= 40 && seen[2] >= 30);
}

/* The question is not known, so no finding has a name: only what says yes or no by itself counts. */
static void without_names(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        radz_answer_verdict wanted;
    } rows[] = {
        {"Yes", RADZ_ANSWER_YES}, {"no.", RADZ_ANSWER_NO}, {"No, there is no pneumothorax.", RADZ_ANSWER_NO},
        {"Yes, the heart is enlarged.", RADZ_ANSWER_YES}, {"The answer is yes.", RADZ_ANSWER_YES}, {"It is.", RADZ_ANSWER_YES},
        {"It does not.", RADZ_ANSWER_NO}, {"Present.", RADZ_ANSWER_YES}, {"Not present", RADZ_ANSWER_NO},
        /* what was asked decides what these mean */
        {"Normal.", RADZ_ANSWER_UNKNOWN}, {"This is a normal chest X-ray.", RADZ_ANSWER_UNKNOWN},
        {"The lungs are clear.", RADZ_ANSWER_UNKNOWN}, {"There is a pleural effusion.", RADZ_ANSWER_UNKNOWN},
        {"Yes and no.", RADZ_ANSWER_UNKNOWN}, {"I cannot tell.", RADZ_ANSWER_UNKNOWN}, {"", RADZ_ANSWER_UNKNOWN},
    };
    const radz_finding_names unknown = {NULL, 0, false};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        radz_answer_verdict verdict;
        need_ok(radz_answer_yes_no(rows[i].answer, &unknown, &verdict, &err));
        if (verdict != rows[i].wanted)
            fail_msg("'%s': %s, wanted %s", rows[i].answer, radz_answer_verdict_name(verdict), radz_answer_verdict_name(rows[i].wanted));
    }
}

static void choices(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"Effusion", "pleural effusion"}, {"Mass", "lung mass"}, {"Pneumonia", "pneumonia"},
                                           {"Pericardial Effusion", "pericardial effusion"}, {"No Finding", "normal chest radiograph"}};
    radz_finding_names findings[5];
    for (size_t i = 0; i < 5; i++)
        findings[i] = (radz_finding_names){names[i], 2, i == 4};
    /* a letter per class: y, n, ? */
    static const struct {
        const char *answer, *wanted;
    } rows[] = {
        {"Pneumonia", "nnynn"},
        {"The relevant disease is pneumonia.", "nnynn"},
        {"Pleural effusion and pneumonia", "ynynn"},
        {"Effusion, Mass, Pneumonia", "yyynn"},
        {"Pneumonia, but no effusion.", "nnynn"},
        {"There is a pericardial effusion.", "nnnyn"},
        {"There is a pericardial effusion and a pleural effusion.", "ynnyn"},
        {"No effusion, no mass; pneumonia is present.", "nnynn"},
        {"No effusion, mass or pneumonia.", "nnnnn"},
        {"None of the above.", "nnnny"},
        {"No Finding", "nnnny"},
        {"No finding. The chest is normal.", "nnnny"},
        {"This is a normal chest X-ray.", "nnnny"},
        {"Possible pneumonia, definite pleural effusion", "?n?nn"},
        {"I cannot determine the disease.", "?????"},
        {"Atelectasis", "?????"},
        {"", "?????"},
        {"A massive heart.", "?????"},
        {"1. Pneumonia\n2. Mass", "nyynn"},
        {"Pneumonia: yes, Effusion: no", "nnynn"},
        {"There is pneumonia. There is no pneumonia.", "nn?nn"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        radz_answer_verdict out[5];
        char found[6] = "";
        need_ok(radz_answer_choice(rows[i].answer, findings, 5, out, &err));
        for (size_t c = 0; c < 5; c++)
            found[c] = "ny?"[out[c]];
        if (strcmp(found, rows[i].wanted) != 0)
            fail_msg("'%s': found %s, wanted %s", rows[i].answer, found, rows[i].wanted);
    }
}

/* An answer may hold anything; no verdict depends on what comes behind its end. */
static void any_bytes(void **state)
{
    (void)state;
    static const char *const parts[] = {"no ", "not", "yes", "pneumonia", ".", "?", "\n", "'", "n't", "-", " - ", "\xE2\x80\x99", "\xFF", "cannot ", "ruled out ", ",", "1.5", ":", "covid-", "19", " but ", "only "};
    const char *const names[] = {"pneumonia", "covid-19"};
    radz_finding_names finding = {names, 2, false};
    uint64_t x = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        char text[256] = "";
        for (int n = 0; n < 14; n++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            strcat(text, parts[x % (sizeof parts / sizeof *parts)]);
        }
        radz_answer_verdict one, two[1];
        need_ok(radz_answer_yes_no(text, &finding, &one, &err));
        need_ok(radz_answer_choice(text, &finding, 1, two, &err));
        assert_true(one <= RADZ_ANSWER_UNKNOWN && two[0] <= RADZ_ANSWER_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(choices), cmocka_unit_test(without_names), cmocka_unit_test(any_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

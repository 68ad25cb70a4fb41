#include "score/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

const char *radz_answer_verdict_name(radz_answer_verdict verdict)
{
    static const char *const names[] = {"no", "yes", "unknown"};
    return names[verdict];
}

/* ---- words ---- */

typedef struct word {
    const char *text; /* lower case; a view of the plain text */
    size_t length;
    size_t clause, sentence; /* numbers; a clause ends at any punctuation mark, a sentence at . ! ? ; and a line's end */
    bool after_colon;        /* first word behind ':', '=' or a dash between blanks */
    bool named;              /* part of a finding's own name: no trigger */
} word;

typedef struct words {
    radz_strbuf text;
    word *items;
    size_t count, capacity;
} words;

static void words_free(words *w)
{
    radz_strbuf_free(&w->text);
    free(w->items);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Lower case; typographic marks become plain ones, "n't" becomes " not", a hyphen before a digit goes. */
static radz_status make_plain(const char *text, radz_strbuf *out, radz_error *err)
{
    static const struct {
        const char *mark, *plain;
    } marks[] = {{"\xE2\x80\x98", "'"}, {"\xE2\x80\x99", "'"}, {"\xE2\x80\x9C", " "}, {"\xE2\x80\x9D", " "},
                 {"\xE2\x80\x90", "-"}, {"\xE2\x80\x91", "-"}, {"\xE2\x80\x93", " - "}, {"\xE2\x80\x94", " - "},
                 {"\xC2\xA0", " "}};
    radz_status st = radz_strbuf_append(out, "", 0, err);
    for (const char *p = text; *p != '\0' && st == RADZ_OK;) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
        const char *put = &c;
        size_t taken = 1, length = 1;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (strncmp(p, marks[i].mark, strlen(marks[i].mark)) == 0) {
                put = marks[i].plain;
                length = strlen(put);
                taken = strlen(marks[i].mark);
            }
        p += taken;
        bool inside = out->length > 0 && is_word_char(out->text[out->length - 1]);
        if (length == 1 && put[0] == '-' && inside && is_digit(*p))
            continue;
        st = radz_strbuf_append(out, put, length, err);
        if (st == RADZ_OK && out->length >= 3 && strcmp(out->text + out->length - 3, "n't") == 0 &&
            !is_word_char(*p >= 'A' && *p <= 'Z' ? 'a' : *p)) {
            bool can = out->length >= 5 && strncmp(out->text + out->length - 5, "ca", 2) == 0;
            out->length -= can ? 2 : 3; /* "can't": can not; "isn't": is not */
            st = radz_strbuf_append(out, " not", 4, err);
        }
    }
    return st;
}

/* The words of a text; those of questions are left out. */
static radz_status split_words(const char *text, words *w, radz_error *err)
{
    *w = (words){0};
    radz_status st = make_plain(text, &w->text, err);
    if (st != RADZ_OK)
        return st;
    size_t clause = 0, sentence = 0, sentence_first = 0;
    bool colon = false;
    const char *begin = w->text.text;
    for (const char *p = begin; *p != '\0';) {
        if (is_word_char(*p)) {
            const char *first = p;
            while (is_word_char(*p))
                p++;
            const char *last = p;
            while (first < last && *first == '\'')
                first++;
            while (last > first && last[-1] == '\'')
                last--;
            size_t length = (size_t)(last - first);
            if (length == 0)
                continue;
            if (length == 6 && memcmp(first, "cannot", 6) == 0) { /* as two words, like "can not" */
                if ((st = radz_grow(&w->items, &w->capacity, w->count + 1, sizeof *w->items, err)) != RADZ_OK)
                    return st;
                w->items[w->count++] = (word){first, 3, clause, sentence, colon, false};
                first += 3;
                length = 3;
                colon = false;
            }
            if ((st = radz_grow(&w->items, &w->capacity, w->count + 1, sizeof *w->items, err)) != RADZ_OK)
                return st;
            w->items[w->count++] = (word){first, length, clause, sentence, colon, false};
            colon = false;
            continue;
        }
        bool dash = *p == '-' && (p == begin || p[-1] == ' ') && p[1] == ' ';
        bool decimal = *p == '.' && p > begin && is_digit(p[-1]) && is_digit(p[1]);
        if (*p == '?')
            w->count = sentence_first;
        if (!decimal && strchr(".!?;\n", *p) != NULL) {
            sentence++;
            clause++;
            colon = false;
            sentence_first = w->count;
        } else if (dash || strchr(",:=()", *p) != NULL) {
            clause++;
            colon = dash || *p == ':' || *p == '=';
        }
        p++;
    }
    return RADZ_OK;
}

static bool is(const words *w, size_t i, const char *text)
{
    return i < w->count && strlen(text) == w->items[i].length && memcmp(w->items[i].text, text, w->items[i].length) == 0;
}

#define IN(w, i, list) in_list(w, i, list, sizeof(list) / sizeof *(list))
static bool in_list(const words *w, size_t i, const char *const *list, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (is(w, i, list[k]))
            return true;
    return false;
}

/* Words i.. are those of a phrase, with blanks between. Gives how many, 0 when they are not. */
static size_t phrase_at(const words *w, size_t i, const char *phrase)
{
    size_t n = 0;
    for (const char *p = phrase; *p != '\0'; n++) {
        size_t length = strcspn(p, " ");
        if (i + n >= w->count || w->items[i + n].length != length || memcmp(w->items[i + n].text, p, length) != 0 ||
            w->items[i + n].sentence != w->items[i].sentence)
            return 0;
        p += length + (p[length] == ' ');
    }
    return n;
}

#define HAS_PHRASE(w, from, to, list) has_phrase(w, from, to, list, sizeof(list) / sizeof *(list))
static bool has_phrase(const words *w, size_t from, size_t to, const char *const *list, size_t count)
{
    for (size_t i = from; i < to; i++)
        for (size_t k = 0; k < count; k++) {
            size_t n = phrase_at(w, i, list[k]);
            if (n > 0 && i + n <= to)
                return true;
        }
    return false;
}

/* ---- the lists ---- */

static const char *const yes_words[] = {"yes", "yeah", "yep", "yup", "affirmative", "definitely", "absolutely", "certainly", "indeed"};
static const char *const no_words[] = {"no", "nope", "nah"};
/* these say yes or no when they are the whole statement */
static const char *const alone_yes[] = {"present", "positive", "true", "correct", "detected", "seen", "visible", "likely", "probably", "probable", "exists", "confirmed"};
static const char *const alone_no[] = {"absent", "negative", "false", "incorrect", "none", "never", "unlikely", "not", "nothing", "neither", "normal"};
static const char *const fillers[] = {"the", "answer", "is", "would", "be", "my", "final", "response", "assistant", "therefore", "so", "thus", "hence", "i", "say", "think", "believe", "a", "an", "it's", "that's",
                                      "conclusion", "impression", "diagnosis", "in", "clear", "firm", "s", "it", "and", "short", "overall", "most", "very", "highly", "finding", "result", "well", "to", "question", "your"};
/* behind a "no" that is an answer and not "no pneumonia" */
static const char *const after_no[] = {"the", "this", "that", "it", "there", "i", "we", "these", "based", "not", "chest", "as", "in", "because", "since"};

static const char *const ends_scope[] = {"but", "however", "although", "though", "except", "yet", "while", "whereas", "which", "despite", "besides", "instead", "rather", "still", "nevertheless"};
static const char *const ends_scope_phrases[] = {"apart from", "aside from", "other than", "in addition to"};
/* a new clause that begins so is a statement of its own */
static const char *const starts_statement[] = {"there", "it", "this", "i", "we", "these", "the"};

static const char *const deny_before[] = {"without", "absence", "lack", "lacks", "lacking", "denies", "denied", "never", "neither", "nor", "non", "absent", "excludes", "excluded", "unlikely", "fails", "failed", "none"};
static const char *const deny_before_phrases[] = {"negative for", "free of", "free from", "clear of", "rules out", "ruled out", "ruling out", "rule out"};
static const char *const not_denying[] = {"change", "changes", "increase", "interval", "significant change", "doubt", "longer than", "worsening", "progression"};
static const char *const open_before[] = {"may", "might", "could", "possible", "possibly", "perhaps", "potential", "potentially", "possibility", "whether", "if", "uncertain", "unclear", "unsure", "questionable", "equivocal",
                                          "suspected", "risk", "differential", "indeterminate"};
static const char *const open_phrases[] = {"not exclude", "not excluded", "not rule out", "not be excluded", "not be ruled out", "not ruled out", "not entirely exclude", "to rule out", "to exclude", "not completely exclude",
                                           "not entirely excluded", "not be entirely excluded", "not be completely excluded", "not necessarily"};
static const char *const present_words[] = {"present", "seen", "visible", "evident", "noted", "identified", "found", "detected", "shown", "observed", "positive", "yes", "confirmed", "suggested", "apparent", "likely"};
static const char *const absent_words[] = {"absent", "unlikely", "excluded", "negative", "not", "never", "nowhere"};
static const char *const open_after[] = {"possible", "may", "might", "could", "uncertain", "unclear", "questionable", "suspected", "indeterminate", "equivocal", "possibly"};

static const char *const cannot_tell[] = {"can not determine", "can not be determined", "can not tell", "can not say", "can not diagnose", "can not confirm", "can not assess", "can not be certain", "can not be assessed",
                                          "can not provide", "can not give", "can not see the image", "can not view", "can not interpret", "can not analyze", "can not make", "unable to", "not able to", "not possible to",
                                          "impossible to", "do not know", "as an ai", "not qualified", "i'm sorry", "i am sorry", "no way to", "can not answer", "not determine", "not provide", "can not evaluate", "can not definitively"};
static const char *const hard_to_tell[] = {"not sure", "unsure", "not certain", "uncertain", "hard to", "difficult to", "inconclusive", "indeterminate", "insufficient", "not clear if", "not clear whether", "unclear", "need more",
                                           "more information", "depends", "maybe", "possibly", "perhaps", "can not be excluded", "can not be ruled out", "can not exclude", "can not rule out", "not conclusive"};

static const char *const pictures[] = {"chest", "image", "x", "xray", "radiograph", "study", "exam", "examination", "film", "cxr", "scan", "picture", "lungs", "appearance"};
static const char *const sound[] = {"normal", "unremarkable", "healthy"};
static const char *const findings_words[] = {"abnormality", "abnormalities", "finding", "findings", "disease", "diseases", "pathology", "pathologies", "process", "abnormal", "condition", "conditions"};
static const char *const unsound[] = {"abnormal", "abnormality", "abnormalities"};

/* ---- where a finding is named ---- */

typedef struct mention {
    size_t first, count, finding;
} mention;

typedef struct mentions {
    mention *items;
    size_t count, capacity;
} mentions;

static bool same_word(const word *a, const word *b, bool plural)
{
    if (a->length >= b->length && memcmp(a->text, b->text, b->length) == 0) {
        const char *rest = a->text + b->length;
        size_t more = a->length - b->length;
        if (more == 0 || (plural && more == 1 && rest[0] == 's') || (plural && more == 2 && memcmp(rest, "es", 2) == 0))
            return true;
    }
    /* opacity, opacities */
    return plural && b->length > 1 && b->text[b->length - 1] == 'y' && a->length == b->length + 2 &&
           memcmp(a->text, b->text, b->length - 1) == 0 && memcmp(a->text + b->length - 1, "ies", 3) == 0;
}

/* `name` begins at word i of `w`? Gives how many words, 0 when not. */
static size_t name_at(const words *w, size_t i, const words *name)
{
    if (name->count == 0 || i + name->count > w->count || w->items[i].sentence != w->items[i + name->count - 1].sentence)
        return 0;
    for (size_t k = 0; k < name->count; k++)
        if (!same_word(&w->items[i + k], &name->items[k], k + 1 == name->count))
            return 0;
    return name->count;
}

static radz_status find_mentions(words *w, const radz_finding_names *findings, size_t count, mentions *out, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t f = 0; f < count && st == RADZ_OK; f++) {
        for (size_t n = 0; n < findings[f].count && st == RADZ_OK; n++) {
            words name;
            st = split_words(findings[f].names[n], &name, err);
            for (size_t i = 0; i < w->count && st == RADZ_OK; i++) {
                size_t length = name_at(w, i, &name);
                bool known = length == 0;
                for (size_t k = 0; k < out->count && !known; k++) /* two names of one finding at one place */
                    if (out->items[k].first == i && out->items[k].finding == f) {
                        known = true;
                        if (length > out->items[k].count)
                            out->items[k].count = length;
                    }
                if (known)
                    continue;
                st = radz_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items, err);
                if (st == RADZ_OK)
                    out->items[out->count++] = (mention){i, length, f};
            }
            words_free(&name);
        }
    }
    /* what lies inside a longer mention is not one: "effusion" in "pericardial effusion" where both are classes */
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        bool inside = false;
        for (size_t k = 0; k < out->count; k++) {
            const mention *a = &out->items[i], *b = &out->items[k];
            inside |= b->count > a->count && b->first <= a->first && a->first + a->count <= b->first + b->count;
        }
        if (!inside)
            out->items[kept++] = out->items[i];
    }
    out->count = kept;
    for (size_t i = 0; i < kept; i++)
        for (size_t k = 0; k < out->items[i].count && findings[out->items[i].finding].normal; k++)
            w->items[out->items[i].first + k].named = true;
    return st;
}

/* ---- what is said of a mention ---- */

typedef enum claim { CLAIM_NONE, CLAIM_YES, CLAIM_NO, CLAIM_OPEN } claim;

static bool starts_scope(const words *w, size_t i, size_t sentence_first)
{
    bool new_clause = i > sentence_first && w->items[i].clause != w->items[i - 1].clause;
    return IN(w, i, ends_scope) || HAS_PHRASE(w, i, i + 2 <= w->count ? i + 2 : i, ends_scope_phrases) ||
           (new_clause && (IN(w, i, starts_statement) || IN(w, i, yes_words)));
}

/* "no" and "not" that deny what follows: not "no change in", "not only". */
static bool denies(const words *w, size_t i)
{
    if (w->items[i].named)
        return false;
    if (is(w, i, "no")) {
        for (size_t k = i + 1; k <= i + 2; k++)
            if (IN(w, k, not_denying))
                return false;
        return true;
    }
    if (is(w, i, "not"))
        return !is(w, i + 1, "only") && !is(w, i + 1, "just") && !is(w, i + 1, "merely");
    return IN(w, i, deny_before);
}

/* A clause that answers by itself: "no", "the answer is yes". Its words deny nothing further on. */
static claim lead_of(const words *w, size_t first, size_t end)
{
    claim found = CLAIM_NONE;
    bool only = true;
    for (size_t i = first; i < end; i++) {
        claim c = w->items[i].named            ? CLAIM_NONE
                  : IN(w, i, yes_words)        ? CLAIM_YES
                  : IN(w, i, no_words)         ? CLAIM_NO
                                               : CLAIM_NONE;
        if (c == CLAIM_NONE) {
            only = only && IN(w, i, fillers);
        } else if (found != CLAIM_NONE && found != c) {
            return CLAIM_NONE; /* "yes or no" */
        } else {
            found = c;
        }
    }
    if (found == CLAIM_NONE && end - first <= 4) { /* "Present.", "Not present.", "Most likely." */
        bool negated = false, said = false, all = true;
        for (size_t i = first; i < end; i++) {
            bool a = IN(w, i, alone_yes), b = IN(w, i, alone_no);
            said |= a || b;
            negated ^= b;
            all &= (a || b || IN(w, i, fillers)) && !w->items[i].named;
        }
        return all && said ? (negated ? CLAIM_NO : CLAIM_YES) : CLAIM_NONE;
    }
    if (found == CLAIM_NONE || only)
        return found;
    if (IN(w, first, yes_words))
        return CLAIM_YES;
    return IN(w, first, no_words) && IN(w, first + 1, after_no) ? CLAIM_NO : CLAIM_NONE;
}

static size_t clause_end(const words *w, size_t i)
{
    size_t end = i + 1;
    while (end < w->count && w->items[end].clause == w->items[i].clause)
        end++;
    return end;
}

static claim judge(const words *w, const mention *m)
{
    size_t end = m->first + m->count, sentence = w->items[m->first].sentence, begin = m->first;
    /* "pneumonia: no" */
    if (end < w->count && w->items[end].after_colon && w->items[end].sentence == sentence) {
        if (IN(w, end, yes_words) || IN(w, end, present_words))
            return CLAIM_YES;
        if (IN(w, end, no_words) || IN(w, end, absent_words) || IN(w, end, alone_no))
            return CLAIM_NO;
    }
    while (begin > 0 && w->items[begin - 1].sentence == sentence)
        begin--;
    size_t sentence_first = begin;
    for (size_t i = begin; i <= m->first; i++)
        if (starts_scope(w, i, sentence_first))
            begin = i;
    /* the lead is an answer, not a denial of what comes behind it */
    size_t lead_end = clause_end(w, begin);
    if (begin == sentence_first && lead_end <= m->first && lead_of(w, begin, lead_end) != CLAIM_NONE)
        begin = lead_end;
    else if (begin == sentence_first && IN(w, begin, no_words) && IN(w, begin + 1, after_no))
        begin++;

    size_t reach = end; /* behind the mention */
    while (reach < w->count && reach < end + 8 && w->items[reach].sentence == sentence &&
           w->items[reach].clause == w->items[end - 1].clause && !IN(w, reach, ends_scope))
        reach++;
    if (HAS_PHRASE(w, begin, reach, open_phrases))
        return CLAIM_OPEN;
    bool open = false;
    for (size_t i = begin; i < m->first; i++) {
        if (denies(w, i))
            return CLAIM_NO;
        open |= IN(w, i, open_before);
    }
    if (HAS_PHRASE(w, begin, m->first, deny_before_phrases))
        return CLAIM_NO;
    for (size_t i = end; i < reach && !open; i++) {
        if (IN(w, i, absent_words) || phrase_at(w, i, "ruled out") > 0)
            return CLAIM_NO;
        if (IN(w, i, present_words))
            break;
        open |= IN(w, i, open_after);
    }
    return open ? CLAIM_OPEN : CLAIM_YES;
}

/* ---- the whole answer ---- */

static claim find_lead(const words *w)
{
    claim found = CLAIM_NONE;
    bool label = true; /* the clause before is a mere label: "Answer: yes", not "Effusion: yes" */
    for (size_t i = 0; i < w->count;) {
        size_t end = clause_end(w, i);
        claim c = w->items[i].after_colon && !label ? CLAIM_NONE : lead_of(w, i, end);
        label = true;
        for (size_t k = i; k < end; k++)
            label &= IN(w, k, fillers);
        if (c != CLAIM_NONE && found != CLAIM_NONE && c != found)
            return CLAIM_OPEN; /* says both */
        if (c != CLAIM_NONE)
            found = c;
        i = end;
    }
    return found;
}

/* "It does not.", "There is.", "It is not present." */
static claim find_pronoun(const words *w)
{
    static const char *const subjects[] = {"it", "there", "this", "they", "these", "that"};
    static const char *const verbs[] = {"is", "are", "does", "do", "appears", "seems", "has", "was"};
    for (size_t i = 0; i < w->count; i++) {
        bool first = i == 0 || w->items[i - 1].clause != w->items[i].clause;
        size_t end = clause_end(w, i);
        if (!first || end - i > 6 || end - i < 2 || !IN(w, i, subjects) || !IN(w, i + 1, verbs))
            continue;
        for (size_t k = i + 2; k < end; k++)
            if (is(w, k, "not") || is(w, k, "absent") || is(w, k, "no"))
                return CLAIM_NO;
        if (end - i == 2 || IN(w, end - 1, present_words))
            return CLAIM_YES;
    }
    return CLAIM_NONE;
}

/* "This is a normal chest X-ray.", "No acute abnormality." are yes; "The image is abnormal." no. */
static claim find_normal(const words *w)
{
    claim found = CLAIM_NONE;
    for (size_t first = 0, end; first < w->count; first = end) {
        bool picture = false, good = false, negated = false, bad = false, denied = false;
        for (end = first; end < w->count && w->items[end].sentence == w->items[first].sentence; end++) {
            picture |= IN(w, end, pictures);
            if (IN(w, end, sound))
                good = !negated && !is(w, end - (end > first), "otherwise");
            if ((denied || negated) && IN(w, end, findings_words))
                good = picture = true;
            else if (IN(w, end, unsound))
                bad = true;
            negated |= is(w, end, "not");
            denied |= denies(w, end);
        }
        bool whole = end - first <= 3; /* "Normal.", "Appears normal." */
        if (good && (picture || whole) && !bad)
            found = found == CLAIM_NO ? CLAIM_OPEN : CLAIM_YES;
        else if (bad)
            found = found == CLAIM_YES ? CLAIM_OPEN : CLAIM_NO;
    }
    return found;
}

typedef struct tally {
    size_t yes, no, open;
} tally;

static tally count_claims(const words *w, const mentions *found, size_t finding)
{
    tally t = {0};
    for (size_t i = 0; i < found->count; i++) {
        if (found->items[i].finding != finding)
            continue;
        claim c = judge(w, &found->items[i]);
        t.yes += c == CLAIM_YES;
        t.no += c == CLAIM_NO;
        t.open += c == CLAIM_OPEN;
    }
    return t;
}

static radz_answer_verdict decide(const words *w, const mentions *found, const radz_finding_names *finding)
{
    tally t = count_claims(w, found, 0);
    claim lead = find_lead(w);
    if (HAS_PHRASE(w, 0, w->count, cannot_tell) || lead == CLAIM_OPEN)
        return RADZ_ANSWER_UNKNOWN;
    if (lead == CLAIM_YES)
        return t.no > 0 && t.yes == 0 ? RADZ_ANSWER_UNKNOWN : RADZ_ANSWER_YES;
    if (lead == CLAIM_NO)
        return t.yes > 0 && t.no == 0 ? RADZ_ANSWER_UNKNOWN : RADZ_ANSWER_NO;
    if (t.yes + t.no > 0)
        return t.yes > 0 && t.no > 0 ? RADZ_ANSWER_UNKNOWN : t.yes > 0 ? RADZ_ANSWER_YES : RADZ_ANSWER_NO;
    if (t.open > 0 || HAS_PHRASE(w, 0, w->count, hard_to_tell))
        return RADZ_ANSWER_UNKNOWN;
    claim normal = finding->count > 0 ? find_normal(w) : CLAIM_NONE, pronoun = find_pronoun(w);
    if (normal == CLAIM_YES)
        return finding->normal ? RADZ_ANSWER_YES : RADZ_ANSWER_NO;
    if (normal == CLAIM_NO && finding->normal)
        return RADZ_ANSWER_NO;
    return normal != CLAIM_NONE    ? RADZ_ANSWER_UNKNOWN
           : pronoun == CLAIM_YES  ? RADZ_ANSWER_YES
           : pronoun == CLAIM_NO   ? RADZ_ANSWER_NO
                                   : RADZ_ANSWER_UNKNOWN;
}

radz_status radz_answer_yes_no(const char *answer, const radz_finding_names *finding, radz_answer_verdict *out, radz_error *err)
{
    words w;
    mentions found = {0};
    radz_status st = split_words(answer, &w, err);
    if (st == RADZ_OK)
        st = find_mentions(&w, finding, 1, &found, err);
    for (size_t i = 0; i < w.count && finding->count == 0; i++) /* normal may be what was asked for, or its contrary */
        w.items[i].named = w.items[i].named || is(&w, i, "normal");
    if (st == RADZ_OK)
        *out = decide(&w, &found, finding);
    free(found.items);
    words_free(&w);
    return st;
}

/* "None of the above": nothing is named, and that is said. */
static bool says_none(const words *w)
{
    static const char *const nothing[] = {"none", "nothing", "neither", "nil"};
    for (size_t i = 0; i < w->count; i++)
        if (IN(w, i, nothing))
            return true;
    return find_normal(w) == CLAIM_YES || find_lead(w) == CLAIM_NO;
}

radz_status radz_answer_choice(const char *answer, const radz_finding_names *findings, size_t count, radz_answer_verdict *out,
                               radz_error *err)
{
    words w;
    mentions found = {0};
    radz_status st = split_words(answer, &w, err);
    if (st == RADZ_OK)
        st = find_mentions(&w, findings, count, &found, err);
    if (st != RADZ_OK)
        goto done;
    bool cannot = HAS_PHRASE(&w, 0, w.count, cannot_tell), none = says_none(&w);
    bool answered = !cannot && (found.count > 0 || none);
    for (size_t f = 0; f < count; f++) {
        tally t = count_claims(&w, &found, f);
        if (!answered)
            out[f] = RADZ_ANSWER_UNKNOWN;
        else if (t.yes + t.no == 0)
            out[f] = t.open > 0 ? RADZ_ANSWER_UNKNOWN
                     : findings[f].normal && found.count == 0 ? RADZ_ANSWER_YES : RADZ_ANSWER_NO;
        else
            out[f] = t.yes > 0 && t.no > 0 ? RADZ_ANSWER_UNKNOWN : t.yes > 0 ? RADZ_ANSWER_YES : RADZ_ANSWER_NO;
    }
done:
    free(found.items);
    words_free(&w);
    return st;
}

/* Prompts: the sentences that stand for the classes of a data set. A set is plain data (the run room copies it out of a
 * prompts card); expanding it over a data set's classes gives the texts that are encoded. */
#ifndef RADZ_TEXT_PROMPTS_H
#define RADZ_TEXT_PROMPTS_H

#include <stdint.h>

#include "base/hash.h"
#include "base/polarity.h"
#include "base/status.h"

const char *radz_polarity_name(radz_polarity polarity); /* "positive", "negative" */

typedef struct radz_prompt_class {
    const char *class_name;  /* as the data set spells it; each once */
    const char *name;        /* as a prompt says it; NULL: made from class_name, see radz_prompts_class_text */
    const char *const *descriptions; /* [n_descriptions] signs in words, for {description}: a prompt for each of them */
    size_t n_descriptions;           /* 0: none */
    const char *negative;    /* the class's own negative prompt, whole, in place of the negative templates; NULL: none */
} radz_prompt_class;

/* A template is a sentence with "{class}" or "{description}" once or more. A template with both needs a description for
 * the class; see radz_prompts_expand for how the two kinds share the classes. All borrowed. */
typedef struct radz_prompt_set {
    const char *name; /* for messages */
    const char *const *templates; /* [n_templates], at least 1 */
    size_t n_templates;
    const char *const *negative_templates; /* [n_negative_templates], may be none: a set without negatives */
    size_t n_negative_templates;
    const radz_prompt_class *classes; /* [n_classes]; classes that are not listed are named from the data set's spelling */
    size_t n_classes;
} radz_prompt_set;

typedef struct radz_prompt {
    char *text;              /* owned by the list */
    uint32_t class_index;    /* in the classes given to radz_prompts_expand */
    radz_polarity polarity;
    uint32_t template_index; /* among the set's templates of that polarity, with d descriptions: template x d + description; a
                              * class's own negative prompt has 0 */
} radz_prompt;

typedef struct radz_prompt_list {
    radz_prompt *items; /* by class, then positive before negative, then by template */
    size_t count;
    char *canonical;    /* one line per prompt: "CLASS<tab>positive|negative<tab>TEMPLATE<tab>TEXT\n" */
    char sha256[RADZ_SHA256_HEX_SIZE]; /* of `canonical`: goes into cache keys and provenance */
} radz_prompt_list;

/* Expands the set over `classes` [n_classes].
 * - A class with a description uses the templates that hold {description} and, when there are none, those that hold
 *   {class} alone; a class without one uses those that hold {class} alone. Negative templates alike.
 * - A class's own `negative` replaces the negative templates, also when there are none. A class that stands for the
 *   absence of findings (radz_prompts_is_no_finding of its name as spelt or as said) must have one when the set has
 *   negative templates: "no no finding" is nobody's sentence.
 * - Runs of white space in a text become one blank, and its ends are trimmed.
 * - Classes listed in the set but not in `classes` are not used (a set serves several data sets), but each must be known:
 *   `known_classes` [n_known] are all names any data set may use; NULL skips that check.
 * Errors (RADZ_E_VALUE unless said): no classes, no templates, an empty template or text, a template without a
 * placeholder, an unknown placeholder, a brace without its partner, a class given or listed twice, a class whose name is
 * empty, a class that no template fits, two prompts of a class and polarity with the same text, the same positive prompt
 * for two classes; a class that is not known is RADZ_E_USAGE. `*out` is the caller's (radz_prompt_list_free), zeroed on
 * error. */
radz_status radz_prompts_expand(const radz_prompt_set *set, const char *const *classes, size_t n_classes,
                                const char *const *known_classes, size_t n_known, radz_prompt_list *out,
                                radz_error *err) RADZ_MUST_USE;
void radz_prompt_list_free(radz_prompt_list *list);

/* A class as a sentence says it: '_' and white space become single blanks, words become lower case unless they are written
 * in capitals: "Pleural_Thickening" is "pleural thickening", "COVID-19" stays. The caller frees it. */
char *radz_prompts_class_text(const char *class_name, radz_error *err) RADZ_MUST_USE;
/* "No Finding", "no_findings", "Normal" and every other name that begins with "no": whatever the case and the blanks. */
bool radz_prompts_is_no_finding(const char *class_name);

#endif

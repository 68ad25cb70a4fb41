/* What a model can say about an image, and what a scorer reads: the run produces of the first what the second asks for. */
#ifndef RADZ_BASE_EVIDENCE_H
#define RADZ_BASE_EVIDENCE_H

typedef enum radz_evidence {
    RADZ_EVIDENCE_EMBEDDING,    /* "embedding": one vector per image in the space of the text embeddings (CLIP) */
    RADZ_EVIDENCE_RADZ_FEATURE, /* "radz-feature": one vector per image and class text, read inside a decoder, and anchors */
    RADZ_EVIDENCE_YES_NO_LOGITS, /* "yes-no-logits": logits of the yes and the no tokens behind a question per class */
    RADZ_EVIDENCE_ANSWERS,      /* "answers": a text per image and class, the answer to a yes/no question */
    RADZ_EVIDENCE_CHOICE,       /* "choice": a text per image, the answer to a question that lists the classes */
    RADZ_EVIDENCE_COUNT
} radz_evidence;
const char *radz_evidence_name(radz_evidence evidence);

#endif

#include "base/evidence.h"

const char *radz_evidence_name(radz_evidence evidence)
{
    static const char *const names[RADZ_EVIDENCE_COUNT] = {"embedding", "radz-feature", "yes-no-logits", "answers", "choice"};
    return evidence < RADZ_EVIDENCE_COUNT ? names[evidence] : "unknown";
}

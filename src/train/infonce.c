#include "train/infonce.h"

#include <string.h>

Tensor *infonce_loss(Scope *s, const Tensor *images, const Tensor *texts, const Tensor *log_scale,
                     const Tensor *targets)
{
    int64_t batch = t_size(images, 0);
    if (scope_ok(s) && images != NULL && texts != NULL && (t_size(texts, 0) != batch || batch < 1))
        return scope_fail(s, RADZ_E_VALUE, "contrastive loss: %lld images and %lld texts, wanted as many of each",
                          (long long)batch, (long long)t_size(texts, 0));
    Tensor *u = t_l2_normalize(s, images, -1, 0);                                  /* [B,d] */
    Tensor *v = t_l2_normalize(s, texts, -1, 0);                                   /* [B,d] */
    Tensor *scale = t_exp(s, log_scale);
    Tensor *logits = t_mul(s, t_matmul(s, u, t_transpose(s, v, 0, 1)), scale);     /* [B,B] image x text */
    if (targets == NULL) {
        Tensor *own = t_arange(s, 0, batch, T_I64, t_device(images));
        Tensor *to_text = t_cross_entropy(s, logits, own, -100, 0);
        Tensor *to_image = t_cross_entropy(s, t_transpose(s, logits, 0, 1), own, -100, 0);
        return t_scale(s, t_add(s, to_text, to_image), 0.5);
    }
    Tensor *both = t_add(s, t_log_softmax(s, logits, 1), t_log_softmax(s, logits, 0));
    return t_scale(s, t_sum_all(s, t_mul(s, both, targets)), -0.5 / (double)batch);
}

size_t infonce_targets(const int32_t *ids, size_t batch, size_t tokens, float *targets)
{
    size_t extra = 0;
    for (size_t i = 0; i < batch; i++) {
        size_t same = 0;
        for (size_t j = 0; j < batch; j++) {
            bool equal = i == j || memcmp(ids + i * tokens, ids + j * tokens, tokens * sizeof *ids) == 0;
            targets[i * batch + j] = equal ? 1.0F : 0.0F;
            same += equal;
        }
        for (size_t j = 0; j < batch; j++)
            targets[i * batch + j] /= (float)same;
        extra += same - 1;
    }
    return extra;
}

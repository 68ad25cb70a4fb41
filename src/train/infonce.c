#include "train/infonce.h"

Tensor *infonce_loss(Scope *s, const Tensor *images, const Tensor *texts, const Tensor *log_scale,
                     const Tensor *to_text, const Tensor *to_image)
{
    Tensor *u = t_l2_normalize(s, images, -1, 0);                                  /* [B,d] */
    Tensor *v = t_l2_normalize(s, texts, -1, 0);                                   /* [M,d] */
    Tensor *logits = t_mul(s, t_matmul(s, u, t_transpose(s, v, 0, 1)), t_exp(s, log_scale)); /* [B,M] */
    Tensor *texts_of = t_sum_all(s, t_mul(s, t_log_softmax(s, logits, 1), to_text));
    Tensor *images_of = t_sum_all(s, t_mul(s, t_log_softmax(s, logits, 0), to_image));
    if (!scope_ok(s))
        return NULL;
    return t_add(s, t_scale(s, texts_of, -0.5 / (double)t_size(logits, 0)),
                 t_scale(s, images_of, -0.5 / (double)t_size(logits, 1)));
}

size_t share_targets(const uint8_t *positive, size_t count, size_t step, float *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += positive[i * step] != 0;
    for (size_t i = 0; i < count; i++)
        out[i * step] = positive[i * step] != 0 ? 1.0F / (float)n : 0.0F;
    return n;
}

radz_status infonce_targets(const uint8_t *positive, size_t images, size_t texts, float *to_text, float *to_image,
                            radz_error *err)
{
    for (size_t i = 0; i < images; i++)
        if (share_targets(positive + i * texts, texts, 1, to_text + i * texts) == 0)
            return radz_fail(err, RADZ_E_VALUE, "contrastive targets: no text belongs to image %zu of the batch", i);
    for (size_t j = 0; j < texts; j++)
        if (share_targets(positive + j, images, texts, to_image + j) == 0)
            return radz_fail(err, RADZ_E_VALUE, "contrastive targets: no image belongs to text %zu of the batch", j);
    return RADZ_OK;
}

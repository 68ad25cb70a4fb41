#include "train/anchor_loss.h"

#include "train/infonce.h"

Tensor *anchor_loss(Scope *s, const Tensor *features, const Tensor *anchors, const Tensor *log_scale, const Tensor *targets,
                    size_t rows)
{
    if (rows == 0)
        return t_zeros(s, 0, NULL, T_F32, t_device(features));
    Tensor *g = t_l2_normalize(s, features, -1, 0);
    Tensor *logits = t_mul(s, t_matmul(s, g, t_transpose(s, anchors, 0, 1)), t_exp(s, log_scale)); /* [B,K] */
    Tensor *sum = t_sum_all(s, t_mul(s, t_log_softmax(s, logits, 1), targets));
    return t_scale(s, sum, -1.0 / (double)rows);
}

size_t anchor_targets(const uint8_t *member, size_t count, size_t anchors, float *targets)
{
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += share_targets(member + i * anchors, anchors, 1, targets + i * anchors) > 0;
    return rows;
}

Tensor *cross_loss(Scope *s, const Tensor *image_global, const Tensor *image_local, const Tensor *text_global,
                   const Tensor *text_local, const Tensor *log_scale, const Tensor *to_text, const Tensor *to_image, bool crossed)
{
    Tensor *one = infonce_loss(s, image_global, crossed ? text_local : text_global, log_scale, to_text, to_image);
    Tensor *two = infonce_loss(s, image_local, crossed ? text_global : text_local, log_scale, to_text, to_image);
    return t_scale(s, t_add(s, one, two), 0.5);
}

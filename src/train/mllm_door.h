/* The door's operations on multimodal language models; encoder/door.h says what they do. */
#ifndef RADZ_TRAIN_MLLM_DOOR_H
#define RADZ_TRAIN_MLLM_DOOR_H

#include "encoder/door.h"

radz_status mllm_door_open(const char *dir, const radz_door_mllm_options *options, radz_door_mllm **out,
                           radz_door_mllm_info *info, radz_error *err);
void mllm_door_close(radz_door_mllm *model);
radz_status mllm_door_features(radz_door_mllm *model, const radz_door_prompt *prompts, size_t count,
                               const radz_door_features *features, radz_door_cost *cost, radz_error *err);
radz_status mllm_door_embed_mean(radz_door_mllm *model, const int32_t *ids, size_t count, float *out, radz_error *err);
radz_status mllm_door_prefix_open(radz_door_mllm *model, const float *pixels, size_t batch, size_t images, const int32_t *ids,
                                  size_t count, radz_door_prefix **out, size_t *positions, radz_door_cost *cost,
                                  radz_error *err);
void mllm_door_prefix_close(radz_door_prefix *prefix);
radz_status mllm_door_prefix_logits(radz_door_prefix *prefix, const radz_door_questions *questions, const int32_t *wanted,
                                    size_t wanted_count, float *out, radz_door_cost *cost, radz_error *err);
radz_status mllm_door_prefix_generate(radz_door_prefix *prefix, const radz_door_questions *questions,
                                      radz_door_answers *answers, radz_door_cost *cost, radz_error *err);

#endif

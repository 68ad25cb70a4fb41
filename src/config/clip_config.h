/* The configuration of a CLIP model, and of its vision transformer alone, as Hugging Face writes them. */
#ifndef RADZ_CONFIG_CLIP_CONFIG_H
#define RADZ_CONFIG_CLIP_CONFIG_H

#include "base/json.h"

typedef enum clip_activation { CLIP_QUICK_GELU, CLIP_GELU, CLIP_GELU_TANH, CLIP_RELU } clip_activation;
const char *clip_activation_name(clip_activation activation); /* Hugging Face's: "quick_gelu", "gelu_pytorch_tanh", ... */
/* The activation of key WHERE`key`; absent: `*out` stays. RADZ_E_UNSUPPORTED lists the known names. */
radz_status clip_activation_read(const radz_json_doc *doc, const char *where, const radz_json *object, const char *key,
                                 clip_activation *out, radz_error *err) RADZ_MUST_USE;

typedef struct clip_tower_config {
    int64_t width, mlp_width, layers, heads;
    clip_activation activation;
    double norm_eps;
} clip_tower_config;

typedef struct clip_vision_config {
    clip_tower_config tower;
    int64_t image_size, patch_size, channels; /* pixels, pixels, 3 */
} clip_vision_config;

typedef struct clip_config {
    clip_tower_config text;
    clip_vision_config vision;
    int64_t vocabulary;                 /* token ids are in [0, vocabulary) */
    int64_t context;                    /* most tokens of a text */
    int64_t bos_token, eos_token, pad_token;
    int64_t embed_dim;                  /* of the common space */
    double logit_scale_init;            /* natural logarithm of the factor before training */
    double init_factor, init_range;     /* of clip_init_random: initializer_factor, vision initializer_range */
} clip_config;

/* Hugging Face's defaults (ViT-B/32 of OpenAI), to be changed before clip_init_random. */
clip_config clip_config_default(void);
/* Reads DIR/config.json; absent keys have Hugging Face's defaults. RADZ_E_UNSUPPORTED: another model type, an unknown
 * activation, pictures or patches that are not square. */
radz_status clip_config_load(const char *dir, clip_config *out, radz_error *err) RADZ_MUST_USE;
/* RADZ_E_VALUE names the first field that cannot be. */
radz_status clip_config_check(const clip_config *config, const char *where, radz_error *err) RADZ_MUST_USE;

/* Reads the object of a vision transformer; absent keys leave what `*out` holds. Checked. */
radz_status clip_vision_config_read(const radz_json_doc *doc, const char *where, const radz_json *object,
                                    clip_vision_config *out, radz_error *err) RADZ_MUST_USE;
/* DIR/config.json of model type clip (its vision_config) or clip_vision_model. */
radz_status clip_vision_config_load(const char *dir, clip_vision_config *out, radz_error *err) RADZ_MUST_USE;
/* Patches of a picture: (image_size / patch_size)^2. */
int64_t clip_vision_patches(const clip_vision_config *config);

/* Members of an object that is open: as Hugging Face writes a tower, and the object "vision_config" of a whole vision
 * transformer (its projection_dim only when above 0). */
void clip_tower_config_put(radz_json_writer *w, const clip_tower_config *config);
void clip_vision_config_put(radz_json_writer *w, const clip_vision_config *config, double init_range, int64_t projection);

#endif

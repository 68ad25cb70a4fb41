/* From a decoded picture to what a model's image tower takes: recipes as data, and the machine that runs one.
 *
 * A recipe is a list of steps with named arguments. The kinds of steps (also in `radz_recipe_step_help`):
 *   decode rescale=on lut=on window=on invert=on jpeg=exact
 *                         first step only: how the file is read. DICOM: whether the rescaling, the VOI LUT, the window and
 *                         the inversion of MONOCHROME1 are carried out. JPEG: draft1 and draft2 decode at 1/2, 1/4 or 1/8
 *                         of the size, as long as that is at least 1 or 2 times the size of the first resize (Pillow's
 *                         Image.draft): faster, but not the same numbers
 *   gray                  to one channel, Pillow's convert("L"); a gray picture stays as it is
 *   rgb                   to three channels (a gray picture is repeated, at no cost)
 *   depth8 from=max       16-bit samples to 8 bits; 8-bit ones stay. max: x 255 / the picture's maximum (where the
 *                         file says what is white, as a DICOM window does: / that), cut; high: the upper byte; clip: 255 at most (what Pillow's convert does)
 *   minmax8               the picture's minimum .. maximum to 0 .. 255, cut to whole numbers
 *   equalize bins=256     histogram equalisation as skimage.exposure.equalize_hist(x / 255) * 255, cut
 *   float divide=none     to float; full: divided by 255 or 65535 (torchvision's ToTensor); max: by the maximum
 *   resize mode= size= filter=
 *                         modes: shorter, longer (that side becomes `size`), longer-ratio (both sides are cut products
 *                         with size/longer, so that the longer can end one short), squash (to N or HxW); filters:
 *                         nearest box bilinear hamming bicubic lanczos (Pillow), area (OpenCV), bicubic-plain (PyTorch
 *                         without antialias)
 *   crop size= round=down the middle; down: offsets cut (Hugging Face), even: rounded half to even (torchvision); a
 *                         smaller picture gets zeros around it
 *   pad size= fill=0 at=centre
 *                         to N x N, or with size=square to a square of the longer side; at=corner: top left
 *   scale factor=         x factor, in double, to float
 *   normalize mean= std=  (x - mean) / std in float; one number or three
 * A recipe must end in one size for all pictures. Sizes are N or HxW (height first). */
#ifndef RADZ_IMAGE_PREPROCESS_H
#define RADZ_IMAGE_PREPROCESS_H

#include "base/json.h"
#include "base/status.h"
#include "image/picture.h"

typedef struct radz_recipe radz_recipe; /* immutable once made; may be shared by threads */

/* A step as a card gives it: texts. Lists are written "0.5, 0.5, 0.5", brackets allowed. */
typedef struct radz_recipe_arg {
    const char *name, *value;
} radz_recipe_arg;
typedef struct radz_recipe_step {
    const char *name;
    const radz_recipe_arg *args;
    size_t arg_count;
    int line; /* of the card, for messages; 0 when unknown */
} radz_recipe_step;

/* `where` names the source in messages ("model card 'x.yaml'"). Unknown steps, arguments and words list the valid ones;
 * steps that cannot follow each other (three means without `rgb`, no final size) are RADZ_E_VALUE. */
radz_status radz_recipe_build(const char *where, const radz_recipe_step *steps, size_t count, radz_recipe **out,
                              radz_error *err) RADZ_MUST_USE;
/* The same from one text, "rgb; resize mode=squash size=224 filter=bilinear; ...", the form radz_recipe_text gives. */
radz_status radz_recipe_parse(const char *where, const char *text, radz_recipe **out, radz_error *err) RADZ_MUST_USE;
/* A recipe of a published method by name (openai-clip, chexzero, medklip, ...). */
radz_status radz_recipe_preset(const char *name, radz_recipe **out, radz_error *err) RADZ_MUST_USE;
const char *radz_recipe_preset_name(size_t i); /* NULL past the end */
const char *radz_recipe_preset_text(size_t i); /* canonical text; NULL past the end */
/* Hugging Face preprocessor_config.json: CLIP (also the old CLIPFeatureExtractor form with plain numbers), ViT and
 * SigLIP image processors. 16-bit pictures are divided by their maximum first: the original saturates them.
 * Alpha is dropped as in transformers before version 5, which since puts transparent pixels on white. */
radz_status radz_recipe_from_hf(const radz_json_doc *doc, radz_recipe **out, radz_error *err) RADZ_MUST_USE;
radz_status radz_recipe_load_hf(const char *path, radz_recipe **out, radz_error *err) RADZ_MUST_USE;
void radz_recipe_free(radz_recipe *recipe);

/* One canonical text: the same for the same recipe however it was written; part of cache keys. Owned by the recipe. */
const char *radz_recipe_text(const radz_recipe *recipe);
/* How the pictures are to be decoded; goes into radz_picture_options. Owned by the recipe. */
const radz_decoding *radz_recipe_decoding(const radz_recipe *recipe);
size_t radz_recipe_height(const radz_recipe *recipe);
size_t radz_recipe_width(const radz_recipe *recipe);
/* i-th kind of step and its arguments, "crop size= round=down"; NULL past the end. */
const char *radz_recipe_step_help(size_t i);

/* Runs one recipe; holds scratch memory and filter weights that are used again for the next picture. One per thread.
 * The recipe is borrowed and must live longer. */
typedef struct radz_preprocessor radz_preprocessor;
radz_status radz_preprocessor_create(const radz_recipe *recipe, radz_preprocessor **out, radz_error *err) RADZ_MUST_USE;
void radz_preprocessor_free(radz_preprocessor *preprocessor);

/* `out` [3, height, width] of the recipe, one plane per channel (a gray result is repeated). RADZ_E_VALUE when this
 * picture does not fit the recipe. Equal to Hugging Face's Pillow-based CLIPImageProcessor to the last bit on 8-bit
 * pictures. */
radz_status radz_preprocess(radz_preprocessor *preprocessor, const radz_picture *picture, float *out,
                            radz_error *err) RADZ_MUST_USE;

#endif

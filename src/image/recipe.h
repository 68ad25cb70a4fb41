/* The parsed form of a recipe, for recipe.c, recipe_hf.c and preprocess.c. */
#ifndef RADZ_IMAGE_RECIPE_H
#define RADZ_IMAGE_RECIPE_H

#include "base/str.h"
#include "image/preprocess.h"
#include "image/resize.h"

typedef enum step_code {
    STEP_DECODE, STEP_GRAY, STEP_RGB, STEP_DEPTH8, STEP_MINMAX8, STEP_EQUALIZE, STEP_FLOAT, STEP_RESIZE, STEP_CROP,
    STEP_PAD, STEP_SCALE, STEP_NORMALIZE, STEP_COUNT
} step_code;

enum { SWITCH_ON, SWITCH_OFF };                                 /* decode */
enum { JPEG_EXACT, JPEG_DRAFT1, JPEG_DRAFT2 };                  /* decode; the number is the draft's margin */
enum { FROM_MAX, FROM_HIGH, FROM_CLIP };                        /* depth8 */
enum { DIVIDE_NONE, DIVIDE_FULL, DIVIDE_MAX };                  /* float */
enum { MODE_SHORTER, MODE_LONGER, MODE_LONGER_RATIO, MODE_SQUASH }; /* resize */
enum { ROUND_DOWN, ROUND_EVEN };                                /* crop */
enum { AT_CENTRE, AT_CORNER };                                  /* pad */

typedef struct number_list {
    double values[3];
    int count; /* 1 or 3 */
} number_list;

typedef struct recipe_step {
    step_code code;
    int word;              /* jpeg, from, divide, mode, round, at */
    int rescale, lut, window, invert; /* decode */
    int filter;            /* radz_filter */
    size_t height, width;  /* size; 0 for pad size=square */
    int bins;
    number_list a, b;      /* fill, factor, mean; std */
} recipe_step;

enum { RECIPE_MAX_STEPS = 32, RECIPE_MAX_SIDE = 16384 };

struct radz_recipe {
    recipe_step steps[RECIPE_MAX_STEPS];
    size_t count;
    radz_decoding decoding;
    size_t height, width; /* of the result */
    char *text;
};

#endif

/* Private to the phantom generator: what the plan decides about an image and the maps the renderer fills. Lengths are
 * millimetres in the patient, x to the image's right (the patient's left), y down, the origin on the midline at the
 * height of the lung apices; "side" 0 is the patient's right (image left), 1 the left. */
#ifndef RADZ_DATA_PHANTOM_INTERNAL_H
#define RADZ_DATA_PHANTOM_INTERNAL_H

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/phantom.h"

enum { PH_N = RADZ_PHANTOM_SIZE, PH_MAX_SIGNS = 14, PH_MAX_IMAGES = 6, PH_MAX_SENTENCES = 24 };

enum { PH_RIGHT, PH_LEFT, PH_BOTH };
enum { PH_UPPER, PH_MIDDLE, PH_LOWER };

/* Forms a finding may take. */
enum { PH_ATEL_LINEAR, PH_ATEL_LOBAR };
enum { PH_EFF_MENISCUS, PH_EFF_VEIL };
enum { PH_PT_LATERAL, PH_PT_APICAL };
enum { PH_FIB_BASAL, PH_FIB_APICAL };

/* One finding as drawn in one image. */
typedef struct ph_sign {
    radz_phantom_finding kind;
    int side, zone, form, count;
    double severity; /* 0 faint to 1 gross */
    double size;     /* mm: diameter (nodule, mass, hernia) */
    double s, t;     /* place in the lung: 0 apex to 1 dome, 0 medial to 1 lateral */
    bool extra;      /* air bronchograms, Kerley lines, bullae, honeycombing, tension, calcification */
    uint64_t seed;   /* its own random stream */
} ph_sign;

enum {
    PH_DEV_PACEMAKER = 1 << 0,
    PH_DEV_LEADS = 1 << 1,
    PH_DEV_TUBE = 1 << 2, /* endotracheal */
    PH_DEV_LINE = 1 << 3, /* central venous, right jugular */
    PH_DEV_GASTRIC = 1 << 4,
    PH_DEV_DRAIN = 1 << 5,
    PH_DEV_WIRES = 1 << 6, /* sternotomy */
    PH_DEV_CLIPS = 1 << 7
};

/* Anatomy that a patient keeps. */
typedef struct ph_body {
    uint64_t seed;
    bool female;
    double half_width;   /* inner half width of the chest */
    double height;       /* apex to dome at full inspiration */
    double depth;        /* lung depth front to back */
    double wall;         /* thickness of the chest wall (fat and muscle) */
    double breast;       /* 0 none to 1 large */
    double heart_ratio;  /* cardiothoracic ratio without disease */
    double aorta;        /* 0 slim to 1 wide and unfolded */
    double bone;         /* relative mineral content */
    double rib_drop;     /* slope of the ribs */
    double heart_tilt;   /* sine of the heart's long axis against the level */
    double heart_round;  /* short over long axis */
    double scoliosis;    /* mm */
    double dome_curve;   /* mm the diaphragm falls to its lateral angle */
    double dome_step;    /* mm the right dome stands above the left */
    double lung_density; /* fraction of water */
    double vessel;       /* calibre factor */
    double fat_pad;      /* 0 to 1, at the heart's angles */
} ph_body;

/* Everything that decides one image's pixels. */
typedef struct ph_shot {
    uint64_t seed;
    const ph_body *body;
    bool ap, supine;
    double fov;                /* mm across the image */
    double offset_x, offset_y; /* mm */
    double rotation;           /* radians about the long axis */
    double tilt;               /* radians in the image plane */
    double inspiration;        /* 0 poor to 1 full */
    double exposure;           /* photon factor */
    double window, gamma, enhance, scatter;
    int collimation; /* mm, 0 none; */
    bool shutter_white;
    bool nipples, skin_fold;
    unsigned devices;
    int sign_count;
    ph_sign signs[PH_MAX_SIGNS];
} ph_shot;

typedef struct ph_image {
    radz_phantom_image info;
    ph_shot shot;
} ph_image;

struct radz_phantom_plan {
    radz_phantom_options options;
    radz_arena arena;
    ph_image *images;
    size_t count;
};

uint64_t ph_mix(uint64_t a, uint64_t b); /* splitmix64 of a pair, for seeds of streams */
static inline double ph_clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}
static inline double ph_smooth(double x) /* 0 below 0, 1 above 1, smooth between */
{
    x = ph_clamp(x, 0, 1);
    return x * x * (3 - 2 * x);
}
bool ph_has(const ph_shot *shot, radz_phantom_finding kind);
const ph_sign *ph_find(const ph_shot *shot, radz_phantom_finding kind); /* first such sign or NULL */

/* The report's sentences (allocated in the arena) for an image whose shot is settled. */
radz_status ph_report(radz_arena *arena, const ph_shot *shot, int follow_up, radz_phantom_image *out, radz_error *err);

/* ---- renderer ---- */

typedef struct ph_point {
    double x, y, r; /* mm */
} ph_point;

enum { PH_PAD = 96, PH_ROWS = PH_N + 2 * PH_PAD };

/* The thorax of one image: body, breathing and the displacements that findings cause. */
typedef struct ph_thorax {
    const ph_shot *shot;
    const ph_body *body;
    unsigned hidden; /* findings that displace nothing and are not drawn */
    double mm;       /* per pixel */
    double ox, oy;   /* pixel of the origin */
    double half_width, height, depth;
    double heart_width;              /* transverse diameter as projected */
    double heart_x, heart_y;         /* centre of the heart's frame */
    double shift_upper, shift_lower; /* mediastinum, mm to the left */
    double dome_x[2], dome_y[2], lateral_drop[2], medial_drop[2];
    double hilum_x[2], hilum_y[2];
    double knob_x, knob_y, knob_r;
    double carina_x, carina_y;
    double lung_density, vessel;
    double near_scale;       /* magnification of anterior over posterior structures */
    double shear;            /* mm an anterior structure is displaced by rotation, per mm of depth */
    float wall_row[PH_ROWS]; /* inner half width at row - PH_PAD */
    float depth_row[PH_ROWS];
    float med_row[2][PH_ROWS];
    float mid_row[PH_ROWS];
    float dome_col[PH_N]; /* y of the visible diaphragm */
    float bend_col[PH_N]; /* pixels that the lung's top is lower than at its summit */
} ph_thorax;

/* Maps [512,512]. */
typedef struct ph_maps {
    float *torso;   /* mm of body */
    float *lung;    /* mm of aerated lung */
    float *heart;   /* mm of heart and great vessels */
    float *gas;     /* mm of air outside the lungs */
    float *fill;    /* 0 to 1 of the lung's air replaced by water */
    float *free;    /* 0 to 1 of the lung replaced by free air (pneumothorax, bulla) */
    float *vessel;  /* mm of blood within lung */
    float *solid;   /* mm of tissue added anywhere */
    float *bone;    /* mm of bone */
    float *metal;   /* optical density */
    float *grain;   /* fine noise, -1 to 1 */
    float *cloud;   /* coarse noise, -1 to 1 */
    float *scratch; /* zero between uses */
    float *memory;
} ph_maps;

static inline double ph_px(const ph_thorax *t, double x)
{
    return x / t->mm + t->ox - 0.5;
}
static inline double ph_py(const ph_thorax *t, double y)
{
    return y / t->mm + t->oy - 0.5;
}
static inline double ph_x(const ph_thorax *t, int column)
{
    return (column + 0.5 - t->ox) * t->mm;
}
static inline double ph_y(const ph_thorax *t, int row)
{
    return (row + 0.5 - t->oy) * t->mm;
}
static inline int ph_row(const ph_thorax *t, double y) /* index into the row tables */
{
    int row = (int)floor(y / t->mm + t->oy) + PH_PAD;
    return row < 0 ? 0 : row >= PH_ROWS ? PH_ROWS - 1 : row;
}

/* A rectangle of pixels, half open, cut to the image. */
typedef struct ph_box {
    int x0, y0, x1, y1;
} ph_box;
ph_box ph_box_around(const ph_thorax *t, double x0, double y0, double x1, double y1);

/* How a tube's value combines with the map. */
typedef enum ph_blend { PH_ADD, PH_MAX } ph_blend;
/* A chain of capsules through `points`; the map gets `factor` x the chord of the round tube (mm); with `shell` > 0 an
 * inner tube of that relative radius is left out by 80 %. */
void ph_tube(const ph_thorax *t, ph_maps *m, float *map, const ph_point *points, int count, double factor, double shell,
             ph_blend blend);
/* factor x chord (mm) of an ellipsoid with semi-axes a (along angle), b and depth c. */
void ph_ellipsoid(const ph_thorax *t, float *map, double x, double y, double a, double b, double c, double cosine,
                  double sine, double factor, ph_blend blend);

/* Maps for one image, all zero. */
radz_status ph_maps_create(ph_maps *m, radz_error *err);
void ph_maps_free(ph_maps *m);
/* The exposure before the display curve: density [512,512] is -log of the detector's signal relative to the open beam,
 * scatter, noise and blur included. */
radz_status ph_expose(const ph_shot *shot, unsigned hidden, float *density, radz_error *err);

void ph_thorax_set(ph_thorax *t, const ph_shot *shot, unsigned hidden);
void ph_draw_anatomy(const ph_thorax *t, ph_maps *m);
void ph_draw_findings(const ph_thorax *t, ph_maps *m);
void ph_draw_devices(const ph_thorax *t, ph_maps *m);
/* Point of a lung: s 0 apex to 1 dome, u 0 medial to 1 lateral. */
void ph_lung_point(const ph_thorax *t, int side, double s, double u, double *x, double *y);

/* 5 x 7 letters (upper case, digits, a few signs) onto 8-bit gray, `scale` pixels per dot. */
void ph_text(uint8_t *gray, int width, int height, int x, int y, int scale, uint8_t value, const char *text);
/* The same glyphs as an optical density, for the marker in a radiograph. */
bool ph_glyph_dot(char letter, int column, int row);

#endif

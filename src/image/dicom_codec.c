/* DICOM through GDCM: one gray frame of 8 to 16 bits in any transfer syntax that GDCM reads, with or without preamble and
 * meta header. What the samples become (PS3.3 C.11.1, C.11.2, C.7.6.3.1.2), each step but the first of which can be
 * switched off:
 *   1. the stored bits are cut out of what is allocated;
 *   2. modality LUT, or x slope + intercept. A linear rescaling alone says nothing about black and white: without a window
 *      or LUT behind it the samples stay the stored ones, signed ones moved up to begin at 0, in reverse order where the
 *      slope is negative;
 *   3. the first VOI LUT, whose entries the samples become; or else the first window (LINEAR, LINEAR_EXACT or SIGMOID), to
 *      0 .. 255 where 8 bits or less are stored, else to 0 .. 65535, fractions cut as dcmtk does;
 *   4. MONOCHROME1 is inverted: by exchanging the ends of the window or, without one, to 2^bits - 1 minus the sample.
 * All of it is one table from stored sample to sample. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/codec.h"
#include "image/dicom_reader.h"

/* --- the file's outline --- */

static unsigned little16(const unsigned char *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static bool is_vr(const unsigned char *p)
{
    return p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z';
}

static bool has_preamble(const unsigned char *data, size_t size)
{
    return size >= 132 && memcmp(data + 128, "DICM", 4) == 0;
}

/* Files without preamble begin with the meta header's first element or with one of group 0008, in either byte order. */
static bool dicom_claims(const unsigned char *data, size_t size)
{
    if (has_preamble(data, size))
        return true;
    if (size < 16)
        return false;
    const unsigned group = little16(data), element = little16(data + 2);
    if (is_vr(data + 4))
        return ((group == 2 || group == 8) && element <= 0x20) || (group == 0x0800 && (element & 0xff) == 0);
    /* implicit: the first value's length must make sense */
    const size_t length = little16(data + 4) | (size_t)little16(data + 6) << 16;
    return group == 8 && element <= 0x20 && length < size - 8;
}

typedef struct outline {
    const unsigned char *data;
    size_t size, at;
    bool big, is_explicit;
    char syntax[RADZ_DICOM_TEXT_SIZE]; /* transfer syntax of the meta header, "" without one */
} outline;

static unsigned get16(const outline *o, size_t at)
{
    const unsigned char *p = o->data + at;
    return o->big ? (unsigned)p[0] << 8 | p[1] : little16(p);
}

static uint32_t get32(const outline *o, size_t at)
{
    return o->big ? (uint32_t)get16(o, at) << 16 | get16(o, at + 2) : (uint32_t)get16(o, at + 2) << 16 | get16(o, at);
}

static bool has_long_length(const unsigned char *vr)
{
    static const char names[][3] = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (memcmp(vr, names[i], 2) == 0)
            return true;
    return false;
}

enum { UNDEFINED = 0xffffffff };
static const uint32_t PIXEL_DATA = 0x7fe00010, ITEM = 0xfffee000, SEQUENCE_END = 0xfffee0dd;

typedef struct element {
    uint32_t tag, length;
    size_t at, value; /* where it begins, where its value does */
} element;

static radz_status cut_off(const outline *o, const char *name, radz_error *err)
{
    return radz_fail(err, RADZ_E_FORMAT, "'%s': truncated DICOM file: it ends after %zu bytes, before the image does", name,
                     o->size);
}

/* Reads the head of the element at o->at and checks that its value lies within the file. *known is false where the bytes
 * are of no form that we know. */
static radz_status read_head(const outline *o, const char *name, element *e, bool *known, radz_error *err)
{
    *known = true;
    if (o->size - o->at < 8)
        return cut_off(o, name, err);
    e->at = o->at;
    e->tag = (uint32_t)get16(o, e->at) << 16 | get16(o, e->at + 2);
    e->value = e->at + 8;
    if (e->tag >> 16 == 0xfffe || !o->is_explicit) {
        e->length = get32(o, e->at + 4);
    } else if (!is_vr(o->data + e->at + 4)) {
        *known = false;
        return RADZ_OK;
    } else if (!has_long_length(o->data + e->at + 4)) {
        e->length = get16(o, e->at + 6);
    } else {
        if (o->size - e->at < 12)
            return cut_off(o, name, err);
        e->length = get32(o, e->at + 8);
        e->value += 4;
    }
    if (e->length != UNDEFINED && e->length > o->size - e->value)
        return radz_fail(err, RADZ_E_FORMAT,
                         "'%s': truncated DICOM file: element (%04x,%04x) at byte %zu has %u bytes, but only %zu follow", name,
                         (unsigned)(e->tag >> 16), (unsigned)(e->tag & 0xffff), e->at, (unsigned)e->length, o->size - e->value);
    return RADZ_OK;
}

/* Over the meta header: where the data set begins, and in what form it is. */
static radz_status read_meta(outline *o, const char *name, radz_error *err)
{
    bool known;
    element e;
    o->at = has_preamble(o->data, o->size) ? 132 : 0;
    o->is_explicit = true;
    while (o->at < o->size && o->size - o->at >= 8 && little16(o->data + o->at) == 2) {
        const radz_status st = read_head(o, name, &e, &known, err);
        if (st != RADZ_OK)
            return st;
        if (!known || e.length == UNDEFINED)
            break;
        if (e.tag == 0x00020010) {
            const size_t length = e.length < sizeof o->syntax ? e.length : sizeof o->syntax - 1;
            memcpy(o->syntax, o->data + e.value, length);
            for (size_t i = length; i > 0 && (o->syntax[i - 1] == ' ' || o->syntax[i - 1] == '\0'); i--)
                o->syntax[i - 1] = '\0';
        }
        o->at = e.value + e.length;
    }
    if (o->size - o->at < 8)
        return cut_off(o, name, err);
    if (o->syntax[0] != '\0') {
        o->big = strcmp(o->syntax, "1.2.840.10008.1.2.2") == 0;
        o->is_explicit = strcmp(o->syntax, "1.2.840.10008.1.2") != 0 && strcmp(o->syntax, "1.2.840.113619.5.2") != 0;
    } else {
        o->big = o->data[o->at] == 0;
        o->is_explicit = is_vr(o->data + o->at + 4);
    }
    return RADZ_OK;
}

/* Over the pieces of compressed pixel data, to their end. */
static radz_status skip_fragments(outline *o, const char *name, radz_error *err)
{
    bool known;
    element e = {0};
    do {
        const radz_status st = read_head(o, name, &e, &known, err);
        if (st != RADZ_OK)
            return st;
        if ((e.tag != ITEM && e.tag != SEQUENCE_END) || e.length == UNDEFINED)
            return radz_fail(err, RADZ_E_FORMAT, "'%s': damaged DICOM file: no piece of the compressed picture at byte %zu",
                             name, e.at);
        o->at = e.value + e.length;
    } while (e.tag != SEQUENCE_END);
    return RADZ_OK;
}

/* Whether everything up to the end of the pixel data lies within the file. GDCM allocates what a length field says before
 * it looks whether the file has as much, and reads some files on past a piece that is cut off. Where the form is not known
 * (deflated, foreign elements) the rest is left to it. */
static radz_status check_outline(const unsigned char *data, size_t size, const char *name, radz_error *err)
{
    outline o = {.data = data, .size = size};
    radz_status st = read_meta(&o, name, err);
    if (st != RADZ_OK || strcmp(o.syntax, "1.2.840.10008.1.2.1.99") == 0)
        return st;
    size_t depth = 0; /* open sequences of undefined length */
    while (o.at < o.size) {
        bool known;
        element e;
        st = read_head(&o, name, &e, &known, err);
        if (st != RADZ_OK || !known)
            return st;
        o.at = e.value;
        if (e.tag == SEQUENCE_END)
            depth -= depth > 0;
        else if (e.tag >> 16 == 0xfffe)
            continue; /* into the item */
        else if (e.tag == PIXEL_DATA && e.length == UNDEFINED)
            st = skip_fragments(&o, name, err);
        else if (e.length == UNDEFINED)
            depth++;
        else
            o.at += e.length;
        if (st != RADZ_OK || (e.tag == PIXEL_DATA && depth == 0))
            return st;
    }
    return RADZ_OK;
}

/* --- from stored samples to shown ones --- */

typedef enum window_kind { WINDOW_LINEAR, WINDOW_LINEAR_EXACT, WINDOW_SIGMOID } window_kind;

typedef struct view {
    const radz_dicom_lut *modality, *voi; /* NULL: none */
    const uint16_t *modality_entries, *voi_entries;
    double slope, intercept;
    bool windowed, inverted;
    window_kind kind;
    double centre, width;
    unsigned bits, white; /* of the picture */
} view;

static radz_status read_number(const char *text, const char *what, const char *name, double *out, radz_error *err)
{
    const radz_status st = radz_parse_double(text[0] == '+' ? text + 1 : text, true, out, err);
    return st == RADZ_OK ? st : radz_prefix(err, "'%s': %s", name, what);
}

static radz_status read_window(const radz_dicom_facts *f, const char *name, view *v, radz_error *err)
{
    static const char *const kinds[] = {"LINEAR", "LINEAR_EXACT", "SIGMOID"};
    radz_status st = read_number(f->centre, "window centre", name, &v->centre, err);
    if (st == RADZ_OK)
        st = read_number(f->width, "window width", name, &v->width, err);
    if (st != RADZ_OK)
        return st;
    size_t kind = 0;
    while (f->function[0] != '\0' && kind < 3 && strcmp(kinds[kind], f->function) != 0)
        kind++;
    if (kind == 3)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': VOI LUT function '%s'; known: LINEAR, LINEAR_EXACT, SIGMOID", name,
                         f->function);
    v->kind = (window_kind)kind;
    const double least = v->kind == WINDOW_LINEAR ? 1 : 0;
    if (v->width < least || v->width == 0)
        return radz_fail(err, RADZ_E_VALUE, "'%s': a window of width %s; %s is wanted (a card's 'decode window=off' ignores it)",
                         name, f->width, v->kind == WINDOW_LINEAR ? "1 or more" : "more than 0");
    v->windowed = true;
    return RADZ_OK;
}

static radz_status read_view(const radz_dicom *dicom, const radz_decoding *how, view *v, radz_error *err)
{
    const radz_dicom_facts *f = &dicom->facts;
    const char *name = dicom->name;
    *v = (view){.slope = 1, .modality_entries = dicom->modality, .voi_entries = dicom->voi};
    radz_status st = RADZ_OK;
    if (!how->no_rescale && f->modality.count > 0) {
        v->modality = &f->modality;
    } else if (!how->no_rescale && f->slope[0] != '\0') {
        st = read_number(f->slope, "rescale slope", name, &v->slope, err);
        if (st == RADZ_OK && f->intercept[0] != '\0')
            st = read_number(f->intercept, "rescale intercept", name, &v->intercept, err);
        if (st == RADZ_OK && v->slope == 0)
            st = radz_fail(err, RADZ_E_VALUE, "'%s': a rescale slope of 0 leaves no picture", name);
    }
    if (st == RADZ_OK && !how->no_lut && f->voi.count > 0)
        v->voi = &f->voi;
    else if (st == RADZ_OK && !how->no_window && f->width[0] != '\0')
        st = read_window(f, name, v, err);
    v->inverted = !how->no_invert && strcmp(f->photometric, "MONOCHROME1") == 0;
    const radz_dicom_lut *last = v->voi != NULL ? v->voi : v->windowed ? NULL : v->modality;
    const unsigned depth = last != NULL ? last->bits : f->bits_stored;
    if (st == RADZ_OK && (depth < 1 || depth > 16))
        return radz_fail(err, RADZ_E_VALUE, "'%s': a look-up table of %u bits; 8 to 16 are wanted", name, depth);
    v->bits = depth <= 8 ? 8 : 16;
    if (v->bits == 16)
        v->white = v->voi != NULL ? (1u << depth) - 1 : v->windowed ? 65535 : 0;
    return st;
}

static unsigned look_up(const radz_dicom_lut *lut, const uint16_t *entries, double x)
{
    const double at = floor(x) - lut->first;
    const uint32_t i = at <= 0 ? 0 : at >= (double)(lut->count - 1) ? lut->count - 1 : (uint32_t)at;
    const unsigned most = (1u << lut->bits) - 1;
    return entries[i] < most ? entries[i] : most;
}

/* Where in the window x lies, 0 .. 1, as a fraction: exact for the numbers of practice, so that cutting it is. */
static void place_in_window(const view *v, double x, double *part, double *whole)
{
    *whole = 1;
    if (v->kind == WINDOW_SIGMOID) {
        *part = 1 / (1 + exp(-4 * (x - v->centre) / v->width));
        return;
    }
    const double width = v->kind == WINDOW_LINEAR ? v->width - 1 : v->width;
    const double middle = v->kind == WINDOW_LINEAR ? v->centre - 0.5 : v->centre;
    if (x <= middle - width / 2)
        *part = 0;
    else if (x > middle + width / 2)
        *part = 1;
    else {
        *part = x - middle + width / 2;
        *whole = width;
    }
}

/* One stored sample, already whole and with its sign, through the view. `bits` are stored, `least` is the least that can
 * be. */
static unsigned shown(const view *v, int32_t stored, int32_t least, unsigned bits)
{
    const double x = v->modality != NULL ? look_up(v->modality, v->modality_entries, stored) : stored * v->slope + v->intercept;
    if (v->windowed) {
        double part, whole;
        place_in_window(v, x, &part, &whole);
        return (unsigned)((v->inverted ? whole - part : part) * (v->bits == 8 ? 255 : 65535) / whole);
    }
    const radz_dicom_lut *lut = v->voi != NULL ? v->voi : v->modality;
    const unsigned most = (1u << (lut != NULL ? lut->bits : bits)) - 1;
    const unsigned y = v->voi != NULL ? look_up(v->voi, v->voi_entries, x) : lut != NULL ? (unsigned)x : (unsigned)(stored - least);
    return v->inverted != (lut == NULL && v->slope < 0) ? most - y : y;
}

/* Cuts the stored bits out of what is allocated. Other bits may hold anything (overlays, once) and are dropped; but what
 * comes out of a lossy stream is one number, which can have left the range. */
static int32_t stored_sample(uint32_t raw, const radz_dicom_facts *f)
{
    const unsigned shift = f->high_bit + 1 - f->bits_stored, spare = 32 - f->bits_allocated;
    const int32_t count = (int32_t)1 << f->bits_stored;
    const int32_t least = f->is_signed ? -(count / 2) : 0, most = f->is_signed ? count / 2 - 1 : count - 1;
    if (f->lossy) {
        const int32_t v = f->is_signed ? (int32_t)(raw << spare) >> spare >> shift : (int32_t)(raw >> shift);
        return v < least ? least : v > most ? most : v;
    }
    const int32_t v = (int32_t)(raw >> shift) & (count - 1);
    return v > most ? v - count : v;
}

/* The table from a sample as it lies in the file to a sample of the picture: [2^bits_allocated]. */
static uint16_t *make_table(const view *v, const radz_dicom_facts *f, radz_error *err)
{
    const uint32_t count = UINT32_C(1) << f->bits_allocated;
    const int32_t least = f->is_signed ? -((int32_t)1 << (f->bits_stored - 1)) : 0;
    uint16_t *table = radz_calloc(count, sizeof *table, err);
    for (uint32_t i = 0; table != NULL && i < count; i++)
        table[i] = (uint16_t)shown(v, stored_sample(i, f), least, f->bits_stored);
    return table;
}

/* Samples in place through the table; 16-bit ones become 8-bit ones where the picture has such, or the other way round. */
static void apply_table(radz_picture *picture, const uint16_t *table, unsigned bits_allocated)
{
    const size_t count = picture->width * picture->height;
    uint8_t *narrow = picture->pixels;
    uint16_t *wide = picture->pixels;
    if (bits_allocated == 8 && picture->bits == 8)
        for (size_t i = 0; i < count; i++)
            narrow[i] = (uint8_t)table[narrow[i]];
    else if (bits_allocated == 8)
        for (size_t i = count; i-- > 0;)
            wide[i] = table[narrow[i]];
    else if (picture->bits == 8)
        for (size_t i = 0; i < count; i++)
            narrow[i] = (uint8_t)table[wide[i]];
    else
        for (size_t i = 0; i < count; i++)
            wide[i] = table[wide[i]];
}

/* --- the codec --- */

static radz_status check_facts(const radz_dicom_facts *f, const char *name, radz_error *err)
{
    if (!f->has_pixels)
        return radz_fail(err, RADZ_E_FORMAT, "'%s': a DICOM file without pixel data; an image is wanted", name);
    const bool mono = strcmp(f->photometric, "MONOCHROME1") == 0 || strcmp(f->photometric, "MONOCHROME2") == 0;
    if (!mono || f->samples_per_pixel != 1)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': a DICOM file of photometric interpretation '%s' with %u samples per pixel; a gray picture "
                         "(MONOCHROME1 or MONOCHROME2, 1) is wanted", name, f->photometric, f->samples_per_pixel);
    int64_t frames = 1;
    if (f->frames[0] != '\0' && radz_parse_i64(f->frames, 1, INT32_MAX, &frames, err) != RADZ_OK)
        return radz_prefix(err, "'%s': number of frames", name);
    if (frames != 1)
        return radz_fail(err, RADZ_E_UNSUPPORTED, "'%s': a DICOM file of %lld frames; one picture is wanted", name,
                         (long long)frames);
    if ((f->bits_allocated != 8 && f->bits_allocated != 16) || f->bits_stored < 1 || f->bits_stored > f->bits_allocated ||
        f->high_bit + 1 < f->bits_stored || f->high_bit >= f->bits_allocated)
        return radz_fail(err, RADZ_E_UNSUPPORTED,
                         "'%s': %u bits allocated, %u stored, high bit %u; 8 or 16 allocated and as many or fewer stored are "
                         "wanted", name, f->bits_allocated, f->bits_stored, f->high_bit);
    return RADZ_OK;
}

static radz_status dicom_decode(const unsigned char *data, size_t size, const char *name, const radz_picture_options *options,
                                radz_picture *out, radz_error *err)
{
    radz_dicom dicom = {0};
    uint16_t *table = NULL;
    view v;
    radz_status st = check_outline(data, size, name, err);
    if (st == RADZ_OK)
        st = radz_dicom_open(data, size, name, &dicom, err);
    if (st != RADZ_OK)
        return st;
    const radz_dicom_facts *facts = &dicom.facts;
    st = check_facts(facts, name, err);
    if (st == RADZ_OK)
        st = read_view(&dicom, &options->decoding, &v, err);
    if (st == RADZ_OK) /* room for the wider of what is stored and what is shown */
        st = radz_picture_shape(out, name, &options->limits, facts->columns, facts->rows, 1,
                                facts->bits_allocated == 16 || v.bits == 16 ? 16 : 8, err);
    if (st == RADZ_OK)
        st = radz_dicom_read(&dicom, out->pixels, out->width * out->height * (facts->bits_allocated / 8), err);
    if (st == RADZ_OK && (table = make_table(&v, facts, err)) == NULL)
        st = RADZ_E_NOMEM;
    if (st != RADZ_OK)
        goto done;
    out->bits = (int)v.bits;
    out->white = v.white;
    apply_table(out, table, facts->bits_allocated);
done:
    free(table);
    radz_dicom_close(&dicom);
    return st;
}

const radz_codec radz_codec_dicom = {"dicom", dicom_claims, dicom_decode};

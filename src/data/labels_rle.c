/* Form "rle": a mask as run lengths, "start length start length ..." of non-negative whole numbers, or -1 for no finding
 * (SIIM-ACR: starts are offsets from the end of the run before). An image is positive when it has a mask. */
#include <string.h>

#include "data/labels.h"

static radz_status prepare(radz_labeler *l, radz_find_column find, void *context, radz_error *err)
{
    (void)l;
    (void)find;
    (void)context;
    (void)err;
    return RADZ_OK;
}

/* Whether the text is pairs of whole numbers, of at most nine digits each, with a run of at least one pixel. */
static bool is_mask(const char *at)
{
    size_t numbers = 0;
    bool pixels = false;
    for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || digits > 9 || (at[digits] != ' ' && at[digits] != '\0'))
            return false;
        numbers++;
        pixels = pixels || (numbers % 2 == 0 && strspn(at, "0") < digits);
        at += digits;
    }
    return numbers > 0 && numbers % 2 == 0 && pixels;
}

static radz_status read_mask(radz_labeler *l, const char *const *row, const char *(*place)(void *), void *context,
                             int8_t *labels, radz_error *err)
{
    const char *text = radz_field_get(&l->column, row, err);
    if (text == NULL)
        return RADZ_E_NOMEM;
    const char *at = text + strspn(text, " ");
    labels[0] = 0;
    if (strncmp(at, "-1", 2) == 0 && at[2 + strspn(at + 2, " ")] == '\0')
        return RADZ_OK;
    if (is_mask(at)) {
        labels[0] = 1;
        return RADZ_OK;
    }
    if (l->note != NULL)
        return l->note(context, RADZ_FAULT_UNKNOWN_LABEL, text, err);
    return radz_fail(err, RADZ_E_VALUE, "%.350s column '%s': '%.60s' is no run-length mask (pairs of whole numbers) and not -1",
                     place(context), l->column.text, text);
}

const radz_label_ops radz_labels_rle = {prepare, read_mask};

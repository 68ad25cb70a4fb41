/* Contact sheets, to look at the data set. */
#include <stdlib.h>
#include <string.h>

#include "base/workers.h"
#include "data/phantom_internal.h"

typedef struct sheet {
    const radz_phantom_plan *plan;
    uint8_t *gray;
    int width, height, columns, cell, label;
    const size_t *shown; /* image of each cell, or SIZE_MAX */
} sheet;

static radz_status draw_cell(void *context, size_t i, int worker, radz_error *err)
{
    (void)worker;
    const sheet *sh = context;
    if (sh->shown[i] == SIZE_MAX)
        return RADZ_OK;
    uint16_t *pixels = radz_calloc((size_t)PH_N * PH_N, sizeof *pixels, err);
    if (pixels == NULL)
        return RADZ_E_NOMEM;
    radz_status st = radz_phantom_render(sh->plan, sh->shown[i], pixels, err);
    int x0 = (int)(i % (size_t)sh->columns) * sh->cell, y0 = (int)(i / (size_t)sh->columns) * (sh->cell + sh->label);
    for (int y = 0; st == RADZ_OK && y < sh->cell; y++)
        for (int x = 0; x < sh->cell; x++) {
            /* mean of the pixels under this one */
            int ax = x * PH_N / sh->cell, bx = (x + 1) * PH_N / sh->cell, ay = y * PH_N / sh->cell,
                by = (y + 1) * PH_N / sh->cell;
            uint64_t sum = 0;
            for (int v = ay; v < by; v++)
                for (int u = ax; u < bx; u++)
                    sum += pixels[(size_t)v * PH_N + (size_t)u];
            sh->gray[(size_t)(y0 + y) * (size_t)sh->width + (size_t)(x0 + x)] =
                (uint8_t)(sum / (uint64_t)((bx - ax) * (by - ay)) >> 8);
        }
    free(pixels);
    if (st != RADZ_OK)
        return st;
    const radz_phantom_image *info = radz_phantom_at(sh->plan, sh->shown[i]);
    char text[320];
    size_t room = (size_t)(sh->cell / 6);
    memcpy(text, info->file, 12);
    text[12] = ' ';
    memcpy(text + 13, info->ap ? "AP " : "PA ", 3);
    strcpy(text + 16, info->label_text);
    if (room < sizeof text)
        text[room] = '\0';
    ph_text(sh->gray, sh->width, sh->height, x0 + 2, y0 + sh->cell + 3, 1, 230, text);
    return RADZ_OK;
}

radz_status radz_phantom_sheet(const radz_phantom_plan *plan, int finding, int columns, int cell, int threads,
                               uint8_t **gray, int *width, int *height, radz_error *err)
{
    *gray = NULL;
    if (finding >= RADZ_PHANTOM_FINDINGS || columns < 2 || columns > 30 || cell < 64 || cell > PH_N)
        return radz_fail(err, RADZ_E_USAGE,
                         "phantom sheet: finding %d, %d columns, cells of %d; wanted below 14, 2 to 30, 64 to %d",
                         finding, columns, cell, PH_N);
    radz_status st = RADZ_OK;
    int rows = finding < 0 ? RADZ_PHANTOM_FINDINGS : (30 + columns - 1) / columns;
    size_t cells = (size_t)rows * (size_t)columns;
    size_t *shown = radz_calloc(cells, sizeof *shown, err);
    sheet sh = {.plan = plan, .columns = columns, .cell = cell, .label = 13, .shown = shown};
    sh.width = columns * cell;
    sh.height = rows * (cell + sh.label);
    sh.gray = radz_calloc((size_t)sh.width * (size_t)sh.height, 1, err);
    if (shown == NULL || sh.gray == NULL) {
        st = RADZ_E_NOMEM;
        goto done;
    }
    size_t normal = 0; /* where the search for the next image without findings starts */
    for (int row = 0; row < rows; row++) {
        uint32_t bit = 1u << (finding < 0 ? row : finding), last = 0;
        size_t next = 0;
        if (finding >= 0 && row > 0)
            break;
        size_t wanted = finding < 0 ? (size_t)columns : cells;
        for (size_t i = 0; i < wanted; i++) {
            size_t at = (size_t)row * (size_t)columns + i;
            bool without = i + 1 == wanted;
            size_t k = without ? normal : next;
            while (k < plan->count &&
                   (without ? plan->images[k].info.labels != 0
                            : !(plan->images[k].info.labels & bit) || plan->images[k].info.patient == last))
                k++;
            shown[at] = k < plan->count ? k : SIZE_MAX;
            if (without)
                normal = k + 1;
            else {
                next = k + 1;
                last = k < plan->count ? plan->images[k].info.patient : last;
            }
        }
    }
    st = radz_parallel_for(cells, threads, draw_cell, &sh, err);
    for (int row = 0; finding < 0 && row < rows; row++)
        ph_text(sh.gray, sh.width, sh.height, 4, row * (cell + sh.label) + 4, 2, 255, radz_phantom_finding_name(row));
done:
    free(shown);
    if (st == RADZ_OK) {
        *gray = sh.gray;
        *width = sh.width;
        *height = sh.height;
    } else
        free(sh.gray);
    return st;
}

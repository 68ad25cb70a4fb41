/* The worst mistakes in report.html. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/escape.h"
#include "report/page_parts.h"

enum { PICTURE_LIMIT = 1 << 20 /* bytes */ };

/* A path from results.json stays inside the run's folder. */
static bool is_inside(const char *path)
{
    return path[0] != '/' && strstr(path, "..") == NULL;
}

/* The picture as a data: URI. A file that is gone, too large or no JPEG is no picture. */
static radz_status put_picture(const radz_page *page, const radz_result_mistake *m, bool *shown, radz_error *err)
{
    *shown = false;
    if (page->dir == NULL || m->picture == NULL || !is_inside(m->picture))
        return RADZ_OK;
    char *path = radz_path_join(page->dir, m->picture, err), *data = NULL;
    size_t size = 0;
    if (path == NULL)
        return RADZ_E_NOMEM;
    if (radz_file_read(path, PICTURE_LIMIT, &data, &size, NULL) == RADZ_OK && size > 3 &&
        memcmp(data, "\xff\xd8\xff", 3) == 0) {
        fputs("<img loading=\"lazy\" alt=\"", page->out);
        radz_put_html(page->out, m->image);
        fprintf(page->out, ", %s ", m->positive ? "with" : "without");
        radz_put_html(page->out, m->class_name);
        fputs("\" src=\"data:image/jpeg;base64,", page->out);
        radz_put_base64(page->out, (const unsigned char *)data, size);
        fputs("\">", page->out);
        *shown = true;
    }
    free(data);
    free(path);
    return RADZ_OK;
}

static radz_status put_case(const radz_page *page, const radz_result_mistake *m, radz_error *err)
{
    bool shown;
    fputs("<figure>", page->out);
    radz_status st = put_picture(page, m, &shown, err);
    fputs("<figcaption><strong>", page->out);
    radz_put_html(page->out, m->class_name);
    fprintf(page->out, "</strong> %s<br>", m->positive ? "missed" : "wrongly seen");
    radz_put_html(page->out, m->image);
    fprintf(page->out, "<br>score %.4g, %s %.1f %% of the images %s it</figcaption></figure>\n", m->score,
            m->positive ? "below" : "above", 100 * m->outranked, m->positive ? "without" : "with");
    return st;
}

static radz_status put_block(const radz_page *page, size_t block, bool first, radz_error *err)
{
    const radz_results *results = page->results;
    const radz_result_block *b = &results->blocks[block];
    FILE *out = page->out;
    bool any = false, pictures = false;
    for (size_t i = 0; i < results->n_mistakes; i++) {
        any = any || results->mistakes[i].block == block;
        pictures = pictures || (results->mistakes[i].block == block && results->mistakes[i].picture != NULL);
    }
    if (!any)
        return RADZ_OK;
    fprintf(out, "<details%s><summary>Worst mistakes of ", first ? " open" : "");
    radz_put_html(out, b->model);
    fputs(" / ", out);
    radz_put_html(out, b->scorer);
    fputs("</summary>\n<p class=\"faint\">Of each class, the images with it that score lowest and those without it that score "
          "highest.", out);
    if (!pictures)
        fputs(" Pictures are not shown: the data set is not public, or they were not asked for (<code>--thumbnails</code>).",
              out);
    fputs("</p>\n<div class=\"cases\">\n", out);
    radz_status st = RADZ_OK;
    for (size_t i = 0; i < results->n_mistakes && st == RADZ_OK; i++)
        if (results->mistakes[i].block == block)
            st = put_case(page, &results->mistakes[i], err);
    fputs("</div>\n</details>\n", out);
    return st;
}

radz_status radz_page_mistakes(const radz_page *page, const radz_page_section *section, radz_error *err)
{
    radz_status st = RADZ_OK;
    for (size_t m = 0; m < section->n && st == RADZ_OK; m++)
        st = put_block(page, section->members[m], m == 0, err);
    return st;
}

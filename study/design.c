/* Hides how points are laid out. Designs that draw numbers give each axis one in [0, 1) for every point; it picks among
 * an axis' values, or a place in its range. Points that come out alike (few values, many points) are one point. */
#include "study/design.h"

#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_qrng.h>

#include "base/rng.h"

const char *const ts_design_names[TS_N_DESIGNS] = {"grid", "list", "lhs", "sobol"};

enum { PURPOSE = 0x6c6873 }; /* of the random streams of a Latin hypercube */

struct making {
    const struct ts_design_spec *spec;
    struct ts_arena *arena;
    struct ts_diags *diags;
    const char **settings;
    uint32_t n;
};

static enum ts_status make_room(struct making *m, uint64_t n)
{
    if (n > TS_MAX_POINTS) {
        return ts_fail(m->diags, TS_EUSAGE, ts_span_none(), "leave out values, or take --design lhs --points N",
                       "the design has %.3g points: more than 1,000,000", (double)n);
    }
    m->n = (uint32_t)n;
    m->settings = ts_arena_array(m->arena, (size_t)n * (m->spec->n_axes ? m->spec->n_axes : 1), sizeof *m->settings);
    return m->settings ? TS_OK : TS_ENOMEM;
}

static enum ts_status need_values(const struct making *m)
{
    for (uint32_t a = 0; a < m->spec->n_axes; a++) {
        if (!m->spec->axes[a].settings) {
            return ts_fail(m->diags, TS_EUSAGE, ts_span_none(),
                           "write from:to:step, or take --design lhs or sobol with --points N",
                           "%s: a range without steps has no end of values", m->spec->axes[a].key);
        }
    }
    return TS_OK;
}

static enum ts_status make_grid(struct making *m)
{
    const struct ts_design_spec *spec = m->spec;
    uint64_t n = 1;
    for (uint32_t a = 0; a < spec->n_axes && n <= TS_MAX_POINTS; a++) {
        n *= spec->axes[a].n;
    }
    enum ts_status status = make_room(m, n);
    for (uint32_t i = 0; status == TS_OK && i < m->n; i++) {
        uint32_t rest = i;
        for (uint32_t a = spec->n_axes; a-- > 0;) {
            m->settings[(size_t)i * spec->n_axes + a] = spec->axes[a].settings[rest % spec->axes[a].n];
            rest /= spec->axes[a].n;
        }
    }
    return status;
}

static enum ts_status make_list(struct making *m)
{
    const struct ts_design_spec *spec = m->spec;
    for (uint32_t a = 1; a < spec->n_axes; a++) {
        if (spec->axes[a].n != spec->axes[0].n) {
            return ts_fail(m->diags, TS_EUSAGE, ts_span_none(), "write as many, or take --design grid",
                           "a list needs as many values of each axis: %s has %u, %s has %u", spec->axes[0].key,
                           spec->axes[0].n, spec->axes[a].key, spec->axes[a].n);
        }
    }
    enum ts_status status = make_room(m, spec->n_axes ? spec->axes[0].n : 1);
    for (uint32_t i = 0; status == TS_OK && i < m->n; i++) {
        for (uint32_t a = 0; a < spec->n_axes; a++) {
            m->settings[(size_t)i * spec->n_axes + a] = spec->axes[a].settings[i];
        }
    }
    return status;
}

/* ---- drawn designs ---- */

static const char *setting_at(const struct making *m, uint32_t axis_index, double u)
{
    const struct ts_axis *axis = &m->spec->axes[axis_index];
    return axis->settings ? axis->settings[(uint32_t)(u * axis->n)] : ts_axis_at(axis, u, m->arena);
}

/* A random permutation of the n parts for each axis, and a random place in each part. */
static enum ts_status draw_lhs(struct making *m)
{
    const uint32_t n_axes = m->spec->n_axes;
    uint32_t *part = malloc(m->n * sizeof *part);
    enum ts_status status = part ? TS_OK : TS_ENOMEM;
    for (uint32_t a = 0; status == TS_OK && a < n_axes; a++) {
        struct ts_rng rng;
        ts_rng_init(&rng, m->spec->seed, 0, a, PURPOSE);
        for (uint32_t i = 0; i < m->n; i++) {
            const uint32_t other = (uint32_t)(ts_rng_uniform(&rng) * (i + 1));
            part[i] = part[other];
            part[other] = i;
        }
        for (uint32_t i = 0; i < m->n && status == TS_OK; i++) {
            const double u = (part[i] + ts_rng_uniform(&rng)) / m->n;
            const char *setting = setting_at(m, a, u < 1.0 ? u : 0.0);
            m->settings[(size_t)i * n_axes + a] = setting;
            status = setting ? TS_OK : TS_ENOMEM;
        }
    }
    free(part);
    return status;
}

static enum ts_status draw_sobol(struct making *m)
{
    const uint32_t n_axes = m->spec->n_axes;
    double u[TS_MAX_AXES];
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, n_axes);
    enum ts_status status = sequence ? TS_OK : TS_ENOMEM;
    for (uint32_t i = 0; status == TS_OK && i < m->n; i++) {
        gsl_qrng_get(sequence, u);
        for (uint32_t a = 0; a < n_axes && status == TS_OK; a++) {
            const char *setting = setting_at(m, a, u[a]);
            m->settings[(size_t)i * n_axes + a] = setting;
            status = setting ? TS_OK : TS_ENOMEM;
        }
    }
    gsl_qrng_free(sequence);
    return status;
}

/* ---- no two alike ---- */

struct row {
    const char *const *settings;
    uint32_t n_axes, place;
};

static int compare_settings(const struct row *x, const struct row *y)
{
    int order = 0;
    for (uint32_t i = 0; i < x->n_axes && order == 0; i++) {
        order = strcmp(x->settings[i], y->settings[i]);
    }
    return order;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    const int order = compare_settings(x, y);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int compare_places(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Of points that are alike the first stays, in its place. */
static enum ts_status leave_out_doubles(struct making *m)
{
    const uint32_t n_axes = m->spec->n_axes;
    struct row *rows = malloc((m->n ? m->n : 1) * sizeof *rows);
    if (!rows) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < m->n; i++) {
        rows[i] = (struct row){m->settings + (size_t)i * n_axes, n_axes, i};
    }
    qsort(rows, m->n, sizeof *rows, compare_rows);
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        if (n == 0 || compare_settings(&rows[n - 1], &rows[i]) != 0) {
            rows[n++] = rows[i];
        }
    }
    qsort(rows, n, sizeof *rows, compare_places);
    for (uint32_t i = 0; i < n; i++) { /* never before the row that it came from */
        memmove(m->settings + (size_t)i * n_axes, rows[i].settings, n_axes * sizeof *m->settings);
    }
    m->n = n;
    free(rows);
    return TS_OK;
}

static enum ts_status draw(struct making *m)
{
    if (m->spec->n_axes == 0 || m->spec->n_points == 0) {
        return ts_fail(m->diags, TS_EUSAGE, ts_span_none(), NULL, "design %s needs %s", ts_design_names[m->spec->kind],
                       m->spec->n_axes == 0 ? "an axis: --set key=low:high" : "--points N");
    }
    enum ts_status status = make_room(m, m->spec->n_points);
    if (status == TS_OK) {
        status = m->spec->kind == TS_DESIGN_LHS ? draw_lhs(m) : draw_sobol(m);
    }
    return status == TS_OK ? leave_out_doubles(m) : status;
}

enum ts_status ts_design_make(struct ts_design *out, const struct ts_design_spec *spec, struct ts_arena *arena,
                              struct ts_diags *diags)
{
    struct making m = {.spec = spec, .arena = arena, .diags = diags};
    const bool drawn = spec->kind == TS_DESIGN_LHS || spec->kind == TS_DESIGN_SOBOL;
    enum ts_status status = drawn ? draw(&m) : need_values(&m);
    if (status == TS_OK && !drawn) {
        status = spec->kind == TS_DESIGN_GRID ? make_grid(&m) : make_list(&m);
    }
    if (status == TS_OK) {
        *out = (struct ts_design){spec, m.settings, m.n};
    }
    return status;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void ts_design_put_key(struct ts_text *out, const struct ts_design *design, uint32_t i)
{
    const char *sorted[TS_MAX_AXES];
    const uint32_t n = design->spec->n_axes;
    memcpy(sorted, ts_design_point(design, i), n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_texts);
    for (uint32_t a = 0; a < n; a++) {
        ts_text_printf(out, "%s%s", a > 0 ? "\n" : "", sorted[a]);
    }
}

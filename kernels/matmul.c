/* Hides the loops around the micro-kernels: which worker computes which rows, in which order panels, tiles and columns are visited.
 *
 * First the activations are quantized (one worker for little, all for much), then the workers take runs of row groups off a shared counter.
 * Few tokens: each group is streamed once per tile, straight from the packed weights. Many tokens: for a chunk of columns, the weights of one group
 * after the other are expanded into the first-level cache and used by all tiles; the chunk's activations stay in the second-level cache for all
 * groups of the run (WIDE_GROUPS), while the sums wait in a buffer. */
#include "kernels/matmul.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "kernels/pages.h"

enum {
    MAX_DIM = 1 << 24,
    MAX_TOK = 1 << 20,
    SUM_TOK = 512,            /* tokens whose sums wait together */
    WIDE_GROUPS = 4,          /* row groups whose sums wait together: 256 KiB at 32 rows */
    RUNS_PER_WORKER = 16,     /* row groups are handed out in about so many runs each */
    ALONE_BLOCKS = 2048,      /* up to so many activation blocks are quantized by the caller alone */
    DIRECT_BLOCKS = 8,        /* blocks of a group that several tiles use in turn */
    QUANTIZE_BLOCKS = 16,     /* blocks of a token that are quantized before the next token's */
    WORKER_ALIGN = 4096,
};

struct ts_matmul_space {
    struct ts_pool *pool;
    uint32_t max_tok, max_blocks;
    uint8_t *values;
    struct ts_act_meta *meta;
    uint8_t *scratch; /* [worker][sums, panel] */
    size_t values_bytes, meta_bytes, scratch_bytes, worker_bytes;
};

struct job {
    const struct ts_matmul_space *space;
    const struct ts_matrix *matrix;
    const float *x;
    float *y;
    size_t ld_x, ld_y;
    bool wide;
    struct ts_act_tiles tiles;
    uint32_t n_tok;
    uint32_t chunk_blocks;
    uint32_t run; /* units of work taken at a time */
    atomic_uint next;
};

static enum ts_status matrix_alloc(struct ts_matrix *matrix)
{
    matrix->packed_bytes = (size_t)matrix->n_groups * matrix->n_blocks * matrix->format->block_bytes;
    matrix->packed = ts_pages_alloc(matrix->packed_bytes);
    return matrix->packed ? TS_OK : TS_ENOMEM;
}

enum ts_status ts_matrix_create(struct ts_matrix *out, const struct ts_kernel *kernel, enum ts_quant quant, const uint8_t *blocks,
                                uint32_t rows, uint32_t cols)
{
    const struct ts_quant_format *source = ts_quant_format(quant);
    const struct ts_kernel_format *format = ts_kernel_format(kernel, quant);
    if (!format) {
        return TS_EUNSUPPORTED;
    }
    if (rows == 0 || cols == 0 || rows > MAX_DIM || cols > MAX_DIM || cols % source->block_cols != 0 || cols % TS_ACT_COLS != 0) {
        return TS_ERANGE;
    }
    struct ts_matrix matrix = {.kernel = kernel, .format = format, .rows = rows, .cols = cols, .n_blocks = cols / TS_ACT_COLS};
    matrix.n_groups = (rows + format->group_rows - 1) / format->group_rows;
    enum ts_status status = matrix_alloc(&matrix);
    if (status != TS_OK) {
        return status;
    }
    size_t row_bytes = ts_quant_row_bytes(source, cols);
    for (uint32_t g = 0; g < matrix.n_groups; g++) {
        uint32_t first = g * format->group_rows;
        uint32_t n_rows = rows - first < format->group_rows ? rows - first : format->group_rows;
        uint8_t *packed = matrix.packed + (size_t)g * matrix.n_blocks * format->block_bytes;
        format->pack(packed, blocks + first * row_bytes, row_bytes, n_rows, matrix.n_blocks);
    }
    *out = matrix;
    return TS_OK;
}

enum ts_status ts_matrix_clone(struct ts_matrix *out, const struct ts_matrix *matrix)
{
    struct ts_matrix copy = *matrix;
    enum ts_status status = matrix_alloc(&copy);
    if (status != TS_OK) {
        return status;
    }
    memcpy(copy.packed, matrix->packed, copy.packed_bytes);
    *out = copy;
    return TS_OK;
}

void ts_matrix_deinit(struct ts_matrix *matrix)
{
    ts_pages_free(matrix->packed, matrix->packed_bytes);
    matrix->packed = NULL;
}

/* The largest panel of any format of any variant. */
static size_t max_panel_bytes(void)
{
    size_t max = 0;
    for (size_t k = 0; k < ts_kernel_count(); k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        for (size_t f = 0; f < kernel->n_formats; f++) {
            size_t bytes = (size_t)kernel->formats[f].panel_block_bytes * kernel->formats[f].panel_blocks;
            max = bytes > max ? bytes : max;
        }
    }
    return max;
}

static const size_t sums_bytes = (size_t)WIDE_GROUPS * SUM_TOK * TS_KERNEL_MAX_GROUP_ROWS * sizeof(float);

enum ts_status ts_matmul_space_create(struct ts_matmul_space **out, struct ts_pool *pool, uint32_t max_tok, uint32_t max_cols)
{
    if (max_tok == 0 || max_tok > MAX_TOK || max_cols == 0 || max_cols > MAX_DIM) {
        return TS_ERANGE;
    }
    struct ts_matmul_space *space = calloc(1, sizeof *space);
    if (!space) {
        return TS_ENOMEM;
    }
    space->pool = pool;
    space->max_tok = max_tok;
    space->max_blocks = (max_cols + TS_ACT_COLS - 1) / TS_ACT_COLS;
    size_t n = (size_t)max_tok * space->max_blocks;
    space->values_bytes = n * TS_ACT_MAX_BLOCK_BYTES;
    space->meta_bytes = n * sizeof *space->meta;
    space->worker_bytes = (sums_bytes + max_panel_bytes() + WORKER_ALIGN - 1) / WORKER_ALIGN * WORKER_ALIGN;
    space->scratch_bytes = space->worker_bytes * ts_pool_size(pool);
    space->values = ts_pages_alloc(space->values_bytes);
    space->meta = ts_pages_alloc(space->meta_bytes);
    space->scratch = ts_pages_alloc(space->scratch_bytes);
    if (!space->values || !space->meta || !space->scratch) {
        ts_matmul_space_destroy(space);
        return TS_ENOMEM;
    }
    *out = space;
    return TS_OK;
}

void ts_matmul_space_destroy(struct ts_matmul_space *space)
{
    if (!space) {
        return;
    }
    ts_pages_free(space->values, space->values_bytes);
    ts_pages_free(space->meta, space->meta_bytes);
    ts_pages_free(space->scratch, space->scratch_bytes);
    free(space);
}

/* Takes the next run of [0, n) off the job's counter; false when there is none left. */
static bool take_run(struct job *job, uint32_t n, uint32_t *first, uint32_t *end)
{
    uint32_t at = atomic_fetch_add_explicit(&job->next, job->run, memory_order_relaxed);
    if (at >= n) {
        return false;
    }
    *first = at;
    *end = n - at < job->run ? n : at + job->run;
    return true;
}

/* Where block `first_block` of a chunk of n_blocks and a tile's first token stand in values and meta. */
static size_t act_at(const struct job *job, uint32_t first_block, uint32_t n_blocks, uint32_t first_tok)
{
    return (size_t)first_block * job->n_tok + (size_t)first_tok * n_blocks;
}

/* A few blocks of all tokens of the tile at a time: what they write is interleaved. */
static void quantize_part(const struct job *job, uint32_t tile, uint32_t first_block, uint32_t n_blocks, uint32_t chunk_blocks)
{
    uint32_t first = ts_act_tile_first(&job->tiles, tile);
    uint32_t width = ts_act_tile_width(&job->tiles, tile);
    size_t at = act_at(job, first_block, chunk_blocks, first);
    struct ts_act_places places = {width, chunk_blocks, (size_t)chunk_blocks * job->n_tok};
    const struct ts_act_form *act = job->matrix->format->act;
    uint32_t batch = chunk_blocks < QUANTIZE_BLOCKS ? QUANTIZE_BLOCKS / chunk_blocks * chunk_blocks : chunk_blocks;
    for (uint32_t b = 0; b < n_blocks; b += batch) {
        size_t to = at + ts_act_place(&places, b);
        uint32_t n = n_blocks - b < batch ? n_blocks - b : batch;
        for (uint32_t t = 0; t < width; t++) {
            const float *x = job->x + (first + t) * job->ld_x + (size_t)(first_block + b) * TS_ACT_COLS;
            act->convert(job->space->values + (to + t) * act->block_bytes, job->space->meta + to + t, &places, x, n,
                         job->matrix->format->offset);
        }
    }
}

static void quantize_tile(const struct job *job, uint32_t tile)
{
    uint32_t rest = job->matrix->n_blocks % job->chunk_blocks;
    uint32_t whole = job->matrix->n_blocks - rest;
    if (whole > 0) {
        quantize_part(job, tile, 0, whole, job->chunk_blocks);
    }
    if (rest > 0) {
        quantize_part(job, tile, whole, rest, rest);
    }
}

static void quantize_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)worker;
    (void)n_workers;
    struct job *job = user;
    uint32_t first, end;
    while (take_run(job, job->tiles.n_tiles, &first, &end)) {
        for (uint32_t tile = first; tile < end; tile++) {
            quantize_tile(job, tile);
        }
    }
}

static void store_sums(const struct job *job, const float *sums, uint32_t group, uint32_t first_tok, uint32_t n_tok)
{
    uint32_t group_rows = job->matrix->format->group_rows;
    uint32_t first_row = group * group_rows;
    uint32_t n_rows = job->matrix->rows - first_row < group_rows ? job->matrix->rows - first_row : group_rows;
    for (uint32_t t = 0; t < n_tok; t++) {
        memcpy(job->y + (first_tok + t) * job->ld_y + first_row, sums + (size_t)t * group_rows, n_rows * sizeof *sums);
    }
}

static const uint8_t *packed_at(const struct ts_matrix *matrix, uint32_t group, uint32_t block)
{
    return matrix->packed + ((size_t)group * matrix->n_blocks + block) * matrix->format->block_bytes;
}

static uint32_t chunk_at(const struct job *job, uint32_t block)
{
    uint32_t left = job->matrix->n_blocks - block;
    return left < job->chunk_blocks ? left : job->chunk_blocks;
}

/* A chunk of the group's weights is used by all tiles while it is in the first-level cache. */
static void tiles_direct(const struct job *job, float *sums, uint32_t group, uint32_t begin_tile, uint32_t end_tile)
{
    const struct ts_kernel_format *format = job->matrix->format;
    uint32_t first_tok = ts_act_tile_first(&job->tiles, begin_tile);
    for (uint32_t block = 0; block < job->matrix->n_blocks; block += job->chunk_blocks) {
        uint32_t n_blocks = chunk_at(job, block);
        const uint8_t *packed = packed_at(job->matrix, group, block);
        for (uint32_t tile = begin_tile; tile < end_tile; tile++) {
            uint32_t first = ts_act_tile_first(&job->tiles, tile);
            size_t at = act_at(job, block, n_blocks, first);
            format->direct(sums + (size_t)(first - first_tok) * format->group_rows, packed, job->space->values + at * format->act->block_bytes,
                           job->space->meta + at, n_blocks, ts_act_tile_width(&job->tiles, tile), block > 0);
        }
    }
    store_sums(job, sums, group, first_tok, ts_act_tile_first(&job->tiles, end_tile) - first_tok);
}

static void run_direct(const struct job *job, float *sums, uint32_t first, uint32_t end)
{
    uint32_t tiles_at_once = SUM_TOK / job->matrix->format->direct_tok;
    for (uint32_t group = first; group < end; group++) {
        for (uint32_t begin = 0; begin < job->tiles.n_tiles; begin += tiles_at_once) {
            uint32_t stop = job->tiles.n_tiles - begin < tiles_at_once ? job->tiles.n_tiles : begin + tiles_at_once;
            tiles_direct(job, sums, group, begin, stop);
        }
    }
}

/* Memory that is needed soon, to be brought into a cache bit by bit between other work: all at once would stall. */
struct ahead {
    const uint8_t *bytes;
    size_t n, step;
};

static struct ahead ahead_make(const void *bytes, size_t n, uint32_t n_steps)
{
    return (struct ahead){bytes, n, (n / n_steps + 64) / 64 * 64};
}

static void prefetch(struct ahead *ahead)
{
    size_t n = ahead->step < ahead->n ? ahead->step : ahead->n;
#if defined(__GNUC__)
    for (size_t at = 0; at < n; at += 64) {
        __builtin_prefetch(ahead->bytes + at, 0, 2);
    }
#endif
    ahead->bytes += n;
    ahead->n -= n;
}

/* One group's weights against a chunk of activations. */
struct pass {
    uint32_t first_group, group, end_group; /* of the run */
    uint32_t first_block, n_blocks;
    uint32_t first_tile, end_tile;
    struct ahead weights, values, meta;
};

/* Needed after this pass: the next group's weights, or after the run's last group the first one's next chunk; and of the next chunk's activations
 * this group's part, so that all groups together bring in all of it. */
static void look_ahead(const struct job *job, struct pass *pass)
{
    const struct ts_matrix *matrix = job->matrix;
    uint32_t n_tiles = pass->end_tile - pass->first_tile;
    uint32_t next_block = pass->first_block + pass->n_blocks;
    bool last_group = pass->group + 1 == pass->end_group;
    if (!last_group) {
        pass->weights = ahead_make(packed_at(matrix, pass->group + 1, pass->first_block),
                                   (size_t)pass->n_blocks * matrix->format->block_bytes, n_tiles);
    }
    if (next_block == matrix->n_blocks) {
        return;
    }
    uint32_t n_blocks = chunk_at(job, next_block);
    if (last_group) {
        pass->weights = ahead_make(packed_at(matrix, pass->first_group, next_block), (size_t)n_blocks * matrix->format->block_bytes, n_tiles);
    }
    uint32_t first_tok = ts_act_tile_first(&job->tiles, pass->first_tile);
    uint32_t n_tok = ts_act_tile_first(&job->tiles, pass->end_tile) - first_tok;
    uint32_t n_groups = pass->end_group - pass->first_group;
    size_t part = (size_t)n_tok * n_blocks / n_groups + 1;
    size_t at = act_at(job, next_block, n_blocks, first_tok) + part * (pass->group - pass->first_group);
    const struct ts_act_form *act = matrix->format->act;
    pass->values = ahead_make(job->space->values + at * act->block_bytes, part * act->block_bytes, n_tiles);
    pass->meta = ahead_make(job->space->meta + at, act->kind == TS_ACT_INT8 ? part * sizeof *job->space->meta : 0, n_tiles);
}

static void run_pass(const struct job *job, struct pass *pass, float *sums, uint8_t *space)
{
    const struct ts_kernel_format *format = job->matrix->format;
    const uint8_t *panel = packed_at(job->matrix, pass->group, pass->first_block);
    if (format->expand) {
        format->expand(space, panel, pass->n_blocks);
        panel = space;
    }
    look_ahead(job, pass);
    for (uint32_t tile = pass->first_tile; tile < pass->end_tile; tile++) {
        uint32_t width = ts_act_tile_width(&job->tiles, tile);
        size_t at = act_at(job, pass->first_block, pass->n_blocks, ts_act_tile_first(&job->tiles, tile));
        prefetch(&pass->weights);
        prefetch(&pass->values);
        prefetch(&pass->meta);
        format->wide(sums, panel, job->space->values + at * format->act->block_bytes, job->space->meta + at, pass->n_blocks, width,
                     pass->first_block > 0);
        sums += (size_t)width * format->group_rows;
    }
}

/* Groups [first, end), at most WIDE_GROUPS, against the tiles [begin_tile, end_tile). */
static void groups_wide(const struct job *job, float *sums, uint8_t *panel, uint32_t first, uint32_t end, uint32_t begin_tile,
                        uint32_t end_tile)
{
    const size_t group_sums = (size_t)SUM_TOK * job->matrix->format->group_rows;
    for (uint32_t block = 0; block < job->matrix->n_blocks; block += job->chunk_blocks) {
        for (uint32_t group = first; group < end; group++) {
            struct pass pass = {.first_group = first,
                                .group = group,
                                .end_group = end,
                                .first_block = block,
                                .n_blocks = chunk_at(job, block),
                                .first_tile = begin_tile,
                                .end_tile = end_tile};
            run_pass(job, &pass, sums + (group - first) * group_sums, panel);
        }
    }
    uint32_t first_tok = ts_act_tile_first(&job->tiles, begin_tile);
    uint32_t n_tok = ts_act_tile_first(&job->tiles, end_tile) - first_tok;
    for (uint32_t t = 0; t < n_tok; t++) {
        for (uint32_t group = first; group < end; group++) {
            store_sums(job, sums + (group - first) * group_sums + (size_t)t * job->matrix->format->group_rows, group, first_tok + t, 1);
        }
    }
}

static void run_wide(const struct job *job, float *sums, uint8_t *panel, uint32_t first, uint32_t end)
{
    uint32_t tiles_at_once = SUM_TOK / job->matrix->format->wide_tok;
    for (uint32_t begin = 0; begin < job->tiles.n_tiles; begin += tiles_at_once) {
        uint32_t stop = job->tiles.n_tiles - begin < tiles_at_once ? job->tiles.n_tiles : begin + tiles_at_once;
        groups_wide(job, sums, panel, first, end, begin, stop);
    }
}

static void rows_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    struct job *job = user;
    uint8_t *scratch = job->space->scratch + job->space->worker_bytes * worker;
    float *sums = (float *)(void *)scratch;
    uint32_t first, end;
    while (take_run(job, job->matrix->n_groups, &first, &end)) {
        if (job->wide) {
            run_wide(job, sums, scratch + sums_bytes, first, end);
        } else {
            run_direct(job, sums, first, end);
        }
    }
}

static uint32_t run_length(uint32_t n, uint32_t n_workers)
{
    uint32_t run = n_workers == 1 ? n : n / (n_workers * RUNS_PER_WORKER);
    return run > 0 ? run : 1;
}

void ts_matmul(struct ts_matmul_space *space, float *y, size_t ld_y, const struct ts_matrix *matrix, const float *x, size_t ld_x,
               uint32_t n_tok)
{
    const struct ts_kernel_format *format = matrix->format;
    TS_CHECK(n_tok > 0 && n_tok <= space->max_tok && matrix->n_blocks <= space->max_blocks);
    uint32_t n_workers = ts_pool_size(space->pool);
    bool wide = format->wide_min_tok != 0 && n_tok >= format->wide_min_tok;
    struct job job = {.space = space, .matrix = matrix, .x = x, .y = y, .ld_x = ld_x, .ld_y = ld_y,
                      .n_tok = n_tok, .wide = wide};
    job.tiles = ts_act_tiles_make(n_tok, wide ? format->wide_tok : format->direct_tok);
    uint32_t chunk = wide ? format->panel_blocks : job.tiles.n_tiles > 1 ? DIRECT_BLOCKS : matrix->n_blocks;
    job.chunk_blocks = chunk < matrix->n_blocks ? chunk : matrix->n_blocks;
    job.run = run_length(job.tiles.n_tiles, n_workers);
    atomic_init(&job.next, 0);
    if ((size_t)n_tok * matrix->n_blocks <= ALONE_BLOCKS) {
        quantize_worker(&job, 0, 1);
    } else {
        ts_pool_run(space->pool, quantize_worker, &job);
    }
    job.run = run_length(matrix->n_groups, n_workers);
    job.run = wide && job.run > WIDE_GROUPS ? WIDE_GROUPS : job.run;
    atomic_store(&job.next, 0);
    ts_pool_run(space->pool, rows_worker, &job);
}

/* Hides the loops around the micro-kernels: which worker computes which rows, in which order panels, tiles and columns
 * are visited.
 *
 * First the activations are quantized (one worker for little, all for much), then the workers take runs of row groups
 * off a shared counter: long ones at first, short ones towards the end, so that all finish together. One tile of
 * tokens: memory is the limit, and each group is streamed straight from the packed weights. More tiles: for a chunk of
 * columns, the weights of one group after the other are brought (wide: expanded) into the first-level cache and used by
 * all tiles; the chunk's activations stay in the second-level cache for all groups of the run, while the sums wait in a
 * buffer there. How many columns, groups and tokens at a time follows from the sizes of the caches (struct plan). */
#include "kernels/matmul.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "kernels/cpu.h"
#include "kernels/pages.h"

enum {
    MAX_DIM = 1 << 24,
    MAX_TOK = 1 << 20,
    MAX_SUM_TOK = 512,    /* tokens whose sums wait together, at most */
    MAX_GROUPS = 16,      /* row groups whose sums wait together, at most */
    ALONE_BLOCKS = 2048,  /* up to so many activation blocks are quantized by the caller alone */
    DIRECT_BLOCKS = 8,    /* blocks of a group that several tiles use in turn, at most */
    QUANTIZE_BLOCKS = 16, /* blocks of a token that are quantized before the next token's */
    WORKER_ALIGN = 4096,
    L1_BYTES = 32 << 10, /* where the processor does not tell */
    L2_BYTES = 512 << 10,
    MAX_SUMS_BYTES = 2 << 20,
};

/* What is worked on at a time. */
struct plan {
    bool stream;           /* one tile: each group from begin to end; else chunk by chunk */
    uint32_t chunk_blocks; /* of weights and activations */
    uint32_t n_groups;     /* that share a chunk of activations */
    uint32_t n_tiles;
};

struct ts_matmul_space {
    struct ts_pool *pool;
    uint32_t max_tok, max_blocks;
    uint8_t *values;
    struct ts_act_meta *meta;
    uint8_t *scratch; /* [worker][sums, panel] */
    size_t values_bytes, meta_bytes, scratch_bytes, worker_bytes, sums_bytes;
    uint64_t l1_bytes, l2_bytes;
};

struct job {
    const struct ts_matmul_space *space;
    const struct ts_matrix *matrix;
    const float *x;
    float *y;
    size_t ld_x, ld_y;
    const struct ts_act_form *act;
    ts_kernel_tile_fn *multiply; /* few, direct or wide */
    bool wide, few;
    struct ts_act_tiles tiles;
    struct plan plan;
    uint32_t n_tok;
    uint32_t n_workers;
    uint32_t max_run; /* units of work taken at a time */
    atomic_uint next;
};

static enum ts_status matrix_alloc(struct ts_matrix *matrix)
{
    matrix->packed_bytes = (size_t)matrix->n_groups * matrix->n_blocks * matrix->format->block_bytes;
    matrix->packed = ts_pages_alloc(matrix->packed_bytes);
    return matrix->packed ? TS_OK : TS_ENOMEM;
}

enum ts_status ts_matrix_create(struct ts_matrix *out, const struct ts_kernel *kernel, enum ts_quant quant,
                                const uint8_t *blocks, uint32_t rows, uint32_t cols)
{
    const struct ts_quant_format *source = ts_quant_format(quant);
    const struct ts_kernel_format *format = ts_kernel_format(kernel, quant);
    if (!format) {
        return TS_EUNSUPPORTED;
    }
    if (rows == 0 || cols == 0 || rows > MAX_DIM || cols > MAX_DIM || cols % source->block_cols != 0 ||
        cols % TS_ACT_COLS != 0) {
        return TS_ERANGE;
    }
    if (format->takes && !format->takes(blocks, (size_t)rows * cols / source->block_cols)) {
        return TS_EUNSUPPORTED;
    }
    struct ts_matrix matrix = {
        .kernel = kernel, .format = format, .rows = rows, .cols = cols, .n_blocks = cols / TS_ACT_COLS};
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

/* Half of the second-level cache is for sums, and one group's must fit. */
static void measure_caches(struct ts_matmul_space *space)
{
    const size_t least = (size_t)MAX_SUM_TOK * TS_KERNEL_MAX_GROUP_ROWS * sizeof(float);
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    space->l1_bytes = cpu.l1d_bytes > 0 ? cpu.l1d_bytes : L1_BYTES;
    space->l2_bytes = cpu.l2_bytes > 0 ? cpu.l2_bytes : L2_BYTES;
    space->sums_bytes = space->l2_bytes / 2 < MAX_SUMS_BYTES ? (size_t)space->l2_bytes / 2 : MAX_SUMS_BYTES;
    space->sums_bytes = space->sums_bytes > least ? space->sums_bytes / 64 * 64 : least;
}

enum ts_status ts_matmul_space_create(struct ts_matmul_space **out, struct ts_pool *pool, uint32_t max_tok,
                                      uint32_t max_cols)
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
    measure_caches(space);
    space->worker_bytes = (space->sums_bytes + max_panel_bytes() + WORKER_ALIGN - 1) / WORKER_ALIGN * WORKER_ALIGN;
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

/* Takes the next run of [0, n) off the job's counter: half of a worker's share of what is left, at most max_run. False
 * when there is none left. */
static bool take_run(struct job *job, uint32_t n, uint32_t *first, uint32_t *end)
{
    unsigned at = atomic_load_explicit(&job->next, memory_order_relaxed);
    uint32_t run;
    do {
        if (at >= n) {
            return false;
        }
        run = job->n_workers == 1 ? n - at : (n - at) / (2 * job->n_workers);
        run = run < job->max_run ? run : job->max_run;
        run = run > 0 ? run : 1;
    } while (
        !atomic_compare_exchange_weak_explicit(&job->next, &at, at + run, memory_order_relaxed, memory_order_relaxed));
    *first = at;
    *end = at + run;
    return true;
}

/* Where block `first_block` of a chunk of n_blocks and a tile's first token stand in values and meta. */
static size_t act_at(const struct job *job, uint32_t first_block, uint32_t n_blocks, uint32_t first_tok)
{
    return (size_t)first_block * job->n_tok + (size_t)first_tok * n_blocks;
}

/* A few blocks of all tokens of the tile at a time: what they write is interleaved. */
static void quantize_part(const struct job *job, uint32_t tile, uint32_t first_block, uint32_t n_blocks,
                          uint32_t chunk_blocks)
{
    const struct ts_act_form *act = job->act;
    uint32_t first = ts_act_tile_first(&job->tiles, tile);
    uint32_t width = ts_act_tile_width(&job->tiles, tile);
    size_t at = act_at(job, first_block, chunk_blocks, first);
    struct ts_act_places places = {width, chunk_blocks, (size_t)chunk_blocks * job->n_tok};
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
    uint32_t rest = job->matrix->n_blocks % job->plan.chunk_blocks;
    uint32_t whole = job->matrix->n_blocks - rest;
    if (whole > 0) {
        quantize_part(job, tile, 0, whole, job->plan.chunk_blocks);
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

/* Asks for the memory that store_sums will write to: the multiplication before it is time enough. */
static void claim_results(const struct job *job, uint32_t group, uint32_t first_tok, uint32_t n_tok)
{
#if defined(__GNUC__)
    const uint32_t group_rows = job->matrix->format->group_rows;
    const float *y = job->y + first_tok * job->ld_y + (size_t)group * group_rows;
    for (uint32_t t = 0; t < n_tok; t++) {
        for (uint32_t r = 0; r < group_rows; r += 16) {
            __builtin_prefetch(y + t * job->ld_y + r, 1, 3);
        }
    }
#endif
}

static const uint8_t *packed_at(const struct ts_matrix *matrix, uint32_t group, uint32_t block)
{
    return matrix->packed + ((size_t)group * matrix->n_blocks + block) * matrix->format->block_bytes;
}

static uint32_t chunk_at(const struct job *job, uint32_t block)
{
    uint32_t left = job->matrix->n_blocks - block;
    return left < job->plan.chunk_blocks ? left : job->plan.chunk_blocks;
}

static void run_stream(const struct job *job, float *sums, uint32_t first, uint32_t end)
{
    for (uint32_t group = first; group < end; group++) {
        job->multiply(sums, packed_at(job->matrix, group, 0), job->space->values, job->space->meta,
                      job->matrix->n_blocks, job->n_tok, false);
        store_sums(job, sums, group, 0, job->n_tok);
    }
}

/* Memory that is needed soon, to be brought into a cache bit by bit between other work: all at once would stall. */
struct ahead {
    const uint8_t *bytes;
    size_t n, step;
};

static struct ahead ahead_make(const uint8_t *bytes, size_t n, uint32_t n_steps)
{
    return (struct ahead){bytes, n, (n / n_steps + 64) / 64 * 64};
}

static void prefetch(struct ahead *ahead)
{
    if (ahead->n == 0) {
        return;
    }
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
    uint32_t first_group, group, end_group; /* that share the chunk of activations */
    uint32_t first_block, n_blocks;
    uint32_t first_tile, end_tile;
};

/* The weights of the pass after this one: the next group's, or after the last group the first one's next chunk. */
static struct ahead look_ahead(const struct job *job, const struct pass *pass)
{
    const struct ts_matrix *matrix = job->matrix;
    bool last_group = pass->group + 1 == pass->end_group;
    uint32_t group = last_group ? pass->first_group : pass->group + 1;
    uint32_t block = last_group ? pass->first_block + pass->n_blocks : pass->first_block;
    if (block == matrix->n_blocks) {
        return (struct ahead){0};
    }
    return ahead_make(packed_at(matrix, group, block), (size_t)chunk_at(job, block) * matrix->format->block_bytes,
                      pass->end_tile - pass->first_tile);
}

/* Results go out tile by tile, as they are finished: the memory they go to is far away, and there is work to do
 * meanwhile. */
static void run_pass(const struct job *job, const struct pass *pass, float *sums, uint8_t *panel)
{
    const struct ts_kernel_format *format = job->matrix->format;
    const uint8_t *weights = packed_at(job->matrix, pass->group, pass->first_block);
    struct ahead ahead = look_ahead(job, pass);
    bool last_chunk = pass->first_block + pass->n_blocks == job->matrix->n_blocks;
    if (job->wide && format->expand) {
        format->expand(panel, weights, pass->n_blocks);
        weights = panel;
    }
    for (uint32_t tile = pass->first_tile; tile < pass->end_tile; tile++) {
        uint32_t width = ts_act_tile_width(&job->tiles, tile), first_tok = ts_act_tile_first(&job->tiles, tile);
        size_t at = act_at(job, pass->first_block, pass->n_blocks, first_tok);
        prefetch(&ahead);
        if (last_chunk) {
            claim_results(job, pass->group, first_tok, width);
        }
        job->multiply(sums, weights, job->space->values + at * job->act->block_bytes, job->space->meta + at,
                      pass->n_blocks, width, pass->first_block > 0);
        if (last_chunk) {
            store_sums(job, sums, pass->group, first_tok, width);
        }
        sums += (size_t)width * format->group_rows;
    }
}

/* Groups [first, end), at most plan.n_groups, against the tiles [begin_tile, end_tile). */
static void groups_chunked(const struct job *job, float *sums, uint8_t *panel, uint32_t first, uint32_t end,
                           uint32_t begin_tile, uint32_t end_tile)
{
    uint32_t n_tok = ts_act_tile_first(&job->tiles, end_tile) - ts_act_tile_first(&job->tiles, begin_tile);
    const size_t group_sums = (size_t)n_tok * job->matrix->format->group_rows;
    for (uint32_t block = 0; block < job->matrix->n_blocks; block += job->plan.chunk_blocks) {
        for (uint32_t group = first; group < end; group++) {
            const struct pass pass = {.first_group = first,
                                      .group = group,
                                      .end_group = end,
                                      .first_block = block,
                                      .n_blocks = chunk_at(job, block),
                                      .first_tile = begin_tile,
                                      .end_tile = end_tile};
            run_pass(job, &pass, sums + (group - first) * group_sums, panel);
        }
    }
}

static void run_chunked(const struct job *job, float *sums, uint8_t *panel, uint32_t first, uint32_t end)
{
    const struct plan *plan = &job->plan;
    for (uint32_t begin = 0; begin < job->tiles.n_tiles; begin += plan->n_tiles) {
        uint32_t stop = job->tiles.n_tiles - begin < plan->n_tiles ? job->tiles.n_tiles : begin + plan->n_tiles;
        for (uint32_t group = first; group < end; group += plan->n_groups) {
            groups_chunked(job, sums, panel, group, end - group < plan->n_groups ? end : group + plan->n_groups, begin,
                           stop);
        }
    }
}

static void rows_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    struct job *job = user;
    uint8_t *scratch = job->space->scratch + job->space->worker_bytes * worker;
    float *sums = (float *)(void *)scratch;
    const struct ts_kernel_format *format = job->matrix->format;
    const bool enters = format->enter && !job->few;
    uint32_t first, end;
    if (enters) {
        format->enter(job->tiles.width);
    }
    while (take_run(job, job->matrix->n_groups, &first, &end)) {
        if (job->plan.stream) {
            run_stream(job, sums, first, end);
        } else {
            run_chunked(job, sums, scratch + job->space->sums_bytes, first, end);
        }
    }
    if (enters) {
        format->leave();
    }
}

static uint32_t clamp(size_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : (uint32_t)value;
}

/* A chunk of one group is at most half of the first-level cache, a chunk of activations a quarter of the second-level
 * cache, sums half of it. Where all activations fit there, groups are taken one by one, as they lie in memory. */
static struct plan make_plan(const struct ts_matmul_space *space, const struct ts_matrix *matrix,
                             const struct ts_act_tiles *tiles, uint32_t n_tok, bool wide)
{
    const struct ts_kernel_format *format = matrix->format;
    uint32_t source_blocks = ts_quant_format(format->quant)->block_cols / TS_ACT_COLS;
    uint32_t unit = source_blocks > 0 ? source_blocks : 1;
    uint32_t max_width = tiles->width + (tiles->n_wider > 0);
    struct plan plan = {
        .stream = tiles->n_tiles == 1 && !wide, .chunk_blocks = matrix->n_blocks, .n_groups = 1, .n_tiles = 1};
    if (plan.stream) {
        return plan;
    }
    size_t block_bytes = wide && format->expand ? format->panel_block_bytes : format->block_bytes;
    size_t act_bytes = format->act->block_bytes + (format->act->kind == TS_ACT_INT8 ? sizeof(struct ts_act_meta) : 0);
    uint32_t blocks = clamp(space->l1_bytes / 2 / block_bytes, 1, wide ? format->panel_blocks : DIRECT_BLOCKS);
    blocks = blocks > unit ? blocks / unit * unit : unit;
    plan.chunk_blocks = blocks < matrix->n_blocks ? blocks : matrix->n_blocks;
    uint32_t max_tok = clamp(space->l2_bytes / 4 / (act_bytes * plan.chunk_blocks), 1, MAX_SUM_TOK);
    plan.n_tiles = clamp(max_tok / max_width, 1, tiles->n_tiles);
    size_t group_sums = (size_t)plan.n_tiles * max_width * format->group_rows * sizeof(float);
    bool all_fit = (size_t)n_tok * matrix->n_blocks * act_bytes <= space->l2_bytes / 4;
    plan.n_groups = all_fit ? 1 : clamp(space->sums_bytes / group_sums, 1, MAX_GROUPS);
    return plan;
}

void ts_matmul(struct ts_matmul_space *space, float *y, size_t ld_y, const struct ts_matrix *matrix, const float *x,
               size_t ld_x, uint32_t n_tok)
{
    const struct ts_kernel_format *format = matrix->format;
    TS_CHECK(n_tok > 0 && n_tok <= space->max_tok && matrix->n_blocks <= space->max_blocks);
    bool few = n_tok <= format->few_tok;
    bool wide = format->wide_min_tok != 0 && n_tok >= format->wide_min_tok;
    struct job job = {.space = space,
                      .matrix = matrix,
                      .x = x,
                      .y = y,
                      .ld_x = ld_x,
                      .ld_y = ld_y,
                      .n_tok = n_tok,
                      .n_workers = ts_pool_size(space->pool),
                      .max_run = UINT32_MAX,
                      .act = few ? format->few_act : format->act,
                      .multiply = few    ? format->few
                                  : wide ? format->wide
                                         : format->direct,
                      .wide = wide,
                      .few = few};
    job.tiles = ts_act_tiles_make(n_tok, wide ? format->wide_tok : format->direct_tok);
    job.plan = make_plan(space, matrix, &job.tiles, n_tok, wide);
    atomic_init(&job.next, 0);
    if ((size_t)n_tok * matrix->n_blocks <= ALONE_BLOCKS) {
        quantize_worker(&job, 0, 1);
    } else {
        ts_pool_run(space->pool, quantize_worker, &job);
    }
    atomic_store(&job.next, 0);
    job.max_run = job.plan.n_groups > 1 ? job.plan.n_groups : UINT32_MAX;
    ts_pool_run(space->pool, rows_worker, &job);
}

/* Step times measured beside serving. Nothing here depends on how fast the machine is. */
#include "live/calibrate_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/kv_cache.h"
#include "tests/engine/tiny_model.h"

enum { BLOCKS = 256, N_LOADS = 400 };

struct world {
    struct ts_live *live;
    struct ts_calibration *calibration;
    struct ts_arena arena;
    struct ts_live_load loads[N_LOADS];
};

/* Loads in cycles of ten steps: a prompt of 48 tokens beside two sequences, then nine steps of three sequences. */
static void make_loads(struct ts_live_load *loads)
{
    for (size_t i = 0; i < N_LOADS; i++) {
        const bool mixed = i % 10 == 0;
        loads[i].idle_s = i % 50 == 0 ? 1e-4 : 0.0;
        loads[i].load = (struct ts_batch_load){.n_seqs = 3,
                                               .n_decode = mixed ? 2 : 3,
                                               .prefill_tok = mixed ? 48 : 0,
                                               .kv_read_tok = mixed ? 2 * 33 : 3 * 65,
                                               .prefill_pairs = mixed ? 48.0 * (16.0 + 24.5) : 0.0};
    }
}

static void open_world(struct world *world)
{
    const struct ts_model_config config = tiny_llama();
    const struct ts_live_options options = {
        .config = &config,
        .quant = "Q8_0",
        .n_threads = 1,
        .seed = 3,
        .scheduler = {.max_batched_tok = 64,
                      .max_seqs = 8,
                      .chunked_prefill = true,
                      .block_tok = TS_KV_PAGE_TOK,
                      .kv_blocks = BLOCKS},
        .spare_blocks = 64,
    };
    assert_int_equal(ts_live_create(&world->live, &options, NULL), TS_OK);
    const struct ts_calibration_options wanted = {
        .live = world->live, .max_batch = 8, .max_prefill = 64, .max_depth = 128, .seed = 1};
    assert_int_equal(ts_calibration_create(&world->calibration, &wanted, NULL), TS_OK);
    ts_arena_init(&world->arena);
    make_loads(world->loads);
}

static void close_world(struct world *world)
{
    ts_calibration_destroy(world->calibration);
    ts_live_destroy(world->live);
    ts_arena_deinit(&world->arena);
}

static const struct ts_model_step *find(const struct ts_model_measurement *m, uint32_t n_decode, uint32_t depth,
                                        uint32_t prefill, uint32_t prefill_depth)
{
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_model_step *step = &m->steps[i];
        if (step->n_decode == n_decode && step->depth == depth && step->prefill == prefill &&
            step->prefill_depth == prefill_depth) {
            return step;
        }
    }
    return NULL;
}

static void test_calibrate__the_grid_gives_a_fit_of_the_engine(void **state)
{
    (void)state;
    struct world world;
    struct ts_model_measurement m;
    open_world(&world);
    assert_int_equal(ts_calibration_measure(world.calibration, 0.001, NULL), TS_OK);
    assert_int_equal(ts_calibration_fit(&m, world.calibration, &world.arena, NULL), TS_OK);
    assert_string_equal(m.model, "tiny");
    assert_string_equal(m.quant, "Q8_0");
    assert_true(m.fitted && m.fit_means && m.n_steps > 10);
    for (size_t i = 0; i < m.n_steps; i++) {
        assert_true(m.steps[i].n_samples >= 1 && m.steps[i].samples[0] > 0.0);
        assert_true(m.steps[i].n_decode <= 8 && m.steps[i].n_decode + m.steps[i].prefill <= 64);
    }
    close_world(&world);
}

static void test_calibrate__the_workloads_steps_are_timed_once_it_is_known(void **state)
{
    (void)state;
    struct world world;
    struct ts_model_measurement m;
    open_world(&world);
    ts_calibration_follow(world.calibration, world.loads, N_LOADS);
    assert_int_equal(ts_calibration_measure(world.calibration, 0.05, NULL), TS_OK);
    /* Too few kinds of steps for a fit: two. */
    assert_int_equal(ts_calibration_fit(&m, world.calibration, &world.arena, NULL), TS_ERANGE);
    close_world(&world);
    open_world(&world);
    assert_int_equal(ts_calibration_measure(world.calibration, 0.001, NULL), TS_OK);
    ts_calibration_follow(world.calibration, world.loads, N_LOADS);
    assert_int_equal(ts_calibration_measure(world.calibration, 0.05, NULL), TS_OK);
    assert_int_equal(ts_calibration_fit(&m, world.calibration, &world.arena, NULL), TS_OK);
    assert_non_null(find(&m, 3, 64, 0, 0));
    assert_non_null(find(&m, 2, 32, 48, 16));
    close_world(&world);
}

static void test_calibrate__pauses_tell_the_pace_of_their_own_run(void **state)
{
    (void)state;
    struct world world;
    struct ts_pace pace;
    struct ts_pace_memory memory;
    struct ts_model_measurement m;
    open_world(&world);
    assert_int_equal(ts_calibration_measure(world.calibration, 0.001, NULL), TS_OK);
    ts_calibration_follow(world.calibration, world.loads, N_LOADS);
    ts_calibration_begin_run(world.calibration, 0, 0);
    for (int i = 0; i < 40; i++) { /* more than there are stretches: a step that was timed once has no usual time */
        assert_int_equal(ts_calibration_pause(world.calibration, 0.5 * i, NULL), TS_OK);
    }
    ts_calibration_begin_run(world.calibration, 1, 0);
    assert_int_equal(ts_calibration_pause(world.calibration, 7.0, NULL), TS_OK);
    assert_int_equal(ts_calibration_fit(&m, world.calibration, &world.arena, NULL), TS_OK);
    ts_calibration_memory(&memory, world.calibration, &m);
    assert_int_equal(ts_calibration_pace(&pace, world.calibration, 0, &m, &memory, 0.1, &world.arena), TS_OK);
    assert_int_equal(pace.n, 40);
    for (size_t i = 0; i < pace.n; i++) {
        assert_true(pace.at_s[i] == 0.5 * (double)i);
        assert_true(pace.factor[i] > 0.0);
    }
    assert_int_equal(ts_calibration_pace(&pace, world.calibration, 1, &m, &memory, 0.1, &world.arena), TS_OK);
    assert_true(pace.n == 1 && pace.at_s[0] == 7.0);
    assert_int_equal(ts_calibration_pace(&pace, world.calibration, 2, &m, &memory, 0.1, &world.arena), TS_OK);
    assert_int_equal(pace.n, 0);
    close_world(&world);
}

/* Samples made up: what they were made with is found again, and without samples nothing is remembered. */
static void test_calibrate__what_steps_remember_is_found_again(void **state)
{
    (void)state;
    enum { N_NOTES = 400 };
    struct ts_timed_item items[] = {{.step = {.n_decode = 4, .depth = 64}}, {.step = {.n_decode = 4, .prefill = 60}}};
    struct ts_stretch_note *notes = calloc(N_NOTES, sizeof *notes);
    struct ts_calibration calibration = {.items = items, .n_items = 2, .notes = notes};
    const struct ts_model_measurement fit = {.table = {.n_knots = 2, .tokens = {1, 64}, .seconds = {0.001, 0.01}}};
    const struct ts_pace_memory truth = {.prompt = {1.1, 2e-4}, .decode = {0.9, 5e-4}, .memory_s = ts_live_memory_s[4]};
    struct ts_pace_memory found;
    double heats[TS_LIVE_N_MEMORIES] = {0};
    assert_non_null(notes);
    ts_calibration_memory(&found, &calibration, &fit);
    assert_true(found.prompt.factor == 1.0 && found.decode.factor == 1.0);
    assert_true(found.prompt.extra_s == 0.0 && found.decode.extra_s == 0.0);
    for (size_t i = 0; i < N_NOTES; i++) {
        notes[i].item = i % 17 < 5;
        memcpy(notes[i].heats, heats, sizeof heats);
        notes[i].seconds = ts_calibration_expected_s(&calibration, &notes[i], &fit, &truth);
        for (size_t k = 0; k < TS_LIVE_N_MEMORIES; k++) {
            heats[k] = ts_pace_heat(heats[k], notes[i].seconds, notes[i].item == 1, ts_live_memory_s[k]);
        }
    }
    calibration.n_notes = N_NOTES;
    ts_calibration_memory(&found, &calibration, &fit);
    assert_true(found.memory_s == truth.memory_s);
    assert_true(fabs(found.prompt.factor - 1.1) < 1e-9 && fabs(found.prompt.extra_s - 2e-4) < 1e-12);
    assert_true(fabs(found.decode.factor - 0.9) < 1e-9 && fabs(found.decode.extra_s - 5e-4) < 1e-12);
    free(notes);
}

static void test_calibrate__every_counted_step_of_a_pause_is_in_the_csv(void **state)
{
    (void)state;
    struct world world;
    struct ts_model_measurement m;
    struct ts_pace_memory memory;
    struct ts_text csv;
    size_t n_rows = 0;
    open_world(&world);
    assert_int_equal(ts_calibration_measure(world.calibration, 0.001, NULL), TS_OK);
    ts_calibration_follow(world.calibration, world.loads, N_LOADS);
    ts_calibration_begin_run(world.calibration, 3, 0);
    assert_int_equal(ts_calibration_pause(world.calibration, 2.5, NULL), TS_OK);
    assert_int_equal(ts_calibration_fit(&m, world.calibration, &world.arena, NULL), TS_OK);
    ts_text_init(&csv);
    ts_calibration_memory(&memory, world.calibration, &m);
    ts_calibration_csv(&csv, world.calibration, &m, &memory);
    for (const char *line = strchr(csv.data, '\n'); line && line[1] != '\0'; line = strchr(line + 1, '\n')) {
        double at_s, idle_s, seconds, fit_s, expected_s;
        unsigned run, n[5];
        assert_int_equal(sscanf(line + 1, "%u,%lf,%lf,%u,%u,%u,%u,%u,%lf,%lf,%lf", &run, &at_s, &idle_s, &n[0], &n[1],
                                &n[2], &n[3], &n[4], &seconds, &fit_s, &expected_s),
                         11);
        assert_true(run == 3 && at_s == 2.5 && seconds > 0.0 && fit_s > 0.0);
        assert_true(expected_s > 0.0 && n[2] == (n[3] > 0));
        assert_non_null(find(&m, n[0], n[1], n[3], n[4]));
        n_rows++;
    }
    ts_text_deinit(&csv);
    assert_true(n_rows >= 1);
    close_world(&world);
}

static bool stop(void *user, const struct ts_progress_state *state)
{
    (void)state;
    return --*(int *)user >= 0;
}

static void test_calibrate__can_be_interrupted(void **state)
{
    (void)state;
    struct world world;
    int n_left = 5;
    open_world(&world);
    ts_calibration_destroy(world.calibration);
    const struct ts_calibration_options wanted = {.live = world.live,
                                                  .max_batch = 8,
                                                  .max_prefill = 64,
                                                  .max_depth = 128,
                                                  .seed = 1,
                                                  .progress = {stop, &n_left}};
    assert_int_equal(ts_calibration_create(&world.calibration, &wanted, NULL), TS_OK);
    assert_int_equal(ts_calibration_measure(world.calibration, 60.0, NULL), TS_EINTERRUPTED);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calibrate__the_grid_gives_a_fit_of_the_engine),
        cmocka_unit_test(test_calibrate__the_workloads_steps_are_timed_once_it_is_known),
        cmocka_unit_test(test_calibrate__pauses_tell_the_pace_of_their_own_run),
        cmocka_unit_test(test_calibrate__what_steps_remember_is_found_again),
        cmocka_unit_test(test_calibrate__every_counted_step_of_a_pause_is_in_the_csv),
        cmocka_unit_test(test_calibrate__can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

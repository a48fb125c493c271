/* What the steps of loading a scenario share. Private to scenarios/. */
#ifndef TS_SCENARIOS_LANGUAGE_LOADER_H
#define TS_SCENARIOS_LANGUAGE_LOADER_H

#include "scenarios/catalog/catalog.h"
#include "scenarios/language/currency.h"
#include "scenarios/language/scenario.h"
#include "scenarios/language/value.h"

enum { TS_MAX_MEASUREMENTS = TS_MAX_TIERS };

struct ts_loader {
    struct ts_arena *arena; /* of the scenario that is being made */
    struct ts_diags *diags;
    const struct ts_scenario_options *options;
    const char *path;          /* the scenario's */
    struct ts_catalog catalog; /* with the scenario's own rows */
    struct ts_currencies currencies;
    struct ts_value *root;
    struct ts_model *model;
    struct ts_workload *workload;
    const char *measurement_path;
    struct {
        const char *path;
        const struct ts_measurement *measurement; /* NULL: could not be read, which was reported */
    } measurements[TS_MAX_MEASUREMENTS];
    size_t n_measurements;
    const char **files; /* that the scenario names, in the order of being asked for */
    size_t n_files, cap_files;
    struct ts_quality_table *quality; /* NULL: the scenario has none */
    bool ability_unknown;             /* of some tier */
    struct ts_assumption *derived;    /* found while resolving, in order */
    size_t n_derived, cap_derived;
    bool failed;           /* something ended with a status other than TS_OK that is no mistake in the scenario */
    enum ts_status status; /* then: which */
};

/* ---- loader.c ---- */

/* Memory of the scenario; NULL after a failure, which is remembered. */
void *ts_loader_array(struct ts_loader *loader, size_t n, size_t size);
/* Never NULL: "" when out of memory. */
const char *ts_loader_printf(struct ts_loader *loader, const char *fmt, ...) TS_PRINTF(2, 3);
/* Keeps the text's bytes; frees the text. Never NULL. */
const char *ts_loader_keep(struct ts_loader *loader, struct ts_text *text);
void ts_loader_fail(struct ts_loader *loader, enum ts_status status);

/* An error at a value (or where its section stands). */
void ts_loader_error(struct ts_loader *loader, const struct ts_value *at, const char *hint, const char *fmt, ...)
    TS_PRINTF(4, 5);
void ts_loader_warning(struct ts_loader *loader, const struct ts_value *at, const char *hint, const char *fmt, ...)
    TS_PRINTF(4, 5);

/* Records where a number came from: key and value in words. */
void ts_loader_assume(struct ts_loader *loader, const char *key, enum ts_origin origin, const char *source,
                      const char *fmt, ...) TS_PRINTF(5, 6);
/* The same for a number with its unit (base/units). */
void ts_loader_assume_number(struct ts_loader *loader, const char *key, enum ts_origin origin, const char *source,
                             double value, const char *unit);

/* "did you mean 'x'?", or "one of: a, b, c" when nothing is near. Never NULL. */
const char *ts_loader_hint(struct ts_loader *loader, const char *word, const char *const *candidates, size_t n);

/* path relative to the scenario's folder; it is one of the scenario's files then. */
const char *ts_loader_beside(struct ts_loader *loader, const char *path);

/* A measurement file, read once; NULL if it cannot be read (reported). `at`: who asked. */
const struct ts_measurement *ts_loader_measurement(struct ts_loader *loader, const char *path);

/* ---- steps of loading, in this order ---- */

/* scenario_set.c: applies one "key=value" to the tree. */
struct ts_node;
enum ts_status ts_scenario_set(struct ts_loader *loader, struct ts_node *root, const struct ts_source *source);
/* workload_like.c: what `workload.like` names, into the tree; its text is in *source then, and *read set. */
enum ts_status ts_workload_like(struct ts_loader *loader, struct ts_node *root, struct ts_source *source, bool *read);
/* search_space.c: the section `search` of the file at options->space_path, into the tree; its text is in *source then,
 * and *read set. */
enum ts_status ts_search_space(struct ts_loader *loader, struct ts_node *root, struct ts_source *source, bool *read);
/* bind.c: tree -> loader->root. */
void ts_bind(struct ts_loader *loader, const struct ts_node *root);
/* own_rows.c: the scenario's own hardware and models -> loader->catalog. */
void ts_own_rows_add(struct ts_loader *loader);
/* resolve_quality.c: how right a tier is that does not say it, in tiers.*.ability: tiers are in its order. */
void ts_abilities_settle(struct ts_loader *loader);
/* references.c: every name that stands for something else. */
void ts_references_check(struct ts_loader *loader);
/* resolve_*.c: values -> model and workload. A section whose values have mistakes is passed over. */
void ts_resolve_workload(struct ts_loader *loader);
/* resolve_clock.c: does anything but the rate of requests go by the hours of the week? */
bool ts_resolve_has_clock(struct ts_loader *loader);
/* A generated class's sessions; then, with the workload resolved, what sessions are to the model. */
void ts_resolve_session(struct ts_loader *loader, struct ts_value *item, struct ts_session_spec *out);
void ts_resolve_sessions(struct ts_loader *loader);
void ts_resolve_links(struct ts_loader *loader);
void ts_resolve_tiers(struct ts_loader *loader);
void ts_resolve_quality(struct ts_loader *loader);
void ts_resolve_routing(struct ts_loader *loader);
void ts_resolve_rules(struct ts_loader *loader, struct ts_value *routing);
/* Appends the listed tiers; a second mention is an error. / Their names, "edge, cloud". */
uint32_t ts_resolve_tier_list(struct ts_loader *loader, struct ts_value *list, uint32_t *out);
const char *ts_resolve_tier_names(struct ts_loader *loader, const uint32_t *tiers, uint32_t n);
void ts_resolve_plain(struct ts_loader *loader);
void ts_resolve_events(struct ts_loader *loader);
/* After all that is resolved class by class: makes a class of every class and site. */
void ts_resolve_sites(struct ts_loader *loader);
void ts_resolve_recorded(struct ts_loader *loader);
void ts_resolve_studies(struct ts_loader *loader, struct ts_scenario *out);

/* ---- shared between the resolvers ---- */

struct ts_tier_context {
    struct ts_value *value; /* the tier's; or, of a pool that is listed, the tier's with the pool's in their places */
    struct ts_tier_model *tier;
    struct ts_pool_model *pool;         /* of a server; NULL: of none, or not the pools' turn */
    struct ts_device_model *device;     /* of devices: what is resolved, the tier's or that of a kind */
    const struct ts_hardware *hardware; /* NULL: this-machine */
    const struct ts_llm *llm;
    const struct ts_weight_quant *quant;
    const struct ts_device_rate *rate;        /* of devices: where their steps are from the catalog's rates */
    const struct ts_measurement *measurement; /* where steps are measured, or the machine is this one */
    const char *hardware_name;                /* for people */
    uint32_t context_tok;                     /* what a unit holds */
    double kv_bytes_per_tok;
    double weight_bytes,
        table_bytes;         /* in memory; of them, what tables and towers at 16 bit have beside bits x weights */
    uint32_t n_accelerators; /* tensor_parallel x pipeline_parallel x data_parallel */
    uint32_t tensor_parallel, pipeline_parallel; /* that share a layer; stages */
    uint32_t data_parallel;                      /* engines that step together */
    bool takes_pcie; /* several cards without NVLink: what is not written of the link is PCIe's */
    bool broken;     /* a mistake was reported: derive nothing further */
};

/* resolve_steps.c */
void ts_resolve_steps(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *out);
void ts_resolve_ideal(const struct ts_tier_context *ctx, struct ts_steps_roofline *out);
/* resolve_machine.c: tells of the machine that a measurement (NULL: nothing), read from `path` for the tier or router
 * `whose`, is of. */
void ts_resolve_machine(struct ts_loader *loader, const char *whose, const struct ts_measurement *measurement,
                        const char *path, bool is_this, const struct ts_value *at);
/* resolve_router_time.c: how long the router reads a prompt, where that was measured; its servers and their power. */
void ts_resolve_router_time(struct ts_loader *loader, struct ts_value *routing);
/* What a key `measured` of `section` names: FILE, or this-machine, which `command` makes. NULL without it, or where it
 * cannot be read (reported); what is told of the machine is told. */
const struct ts_measurement *ts_resolve_measured(struct ts_loader *loader, struct ts_value *section,
                                                 const char *command);
/* resolve_host.c: the host's time of a server, after ts_resolve_steps; and whose overhead a server or device has. */
const struct ts_engine_cost *ts_resolve_engine(const struct ts_loader *loader, const struct ts_tier_context *ctx);
/* A flag as it is written, or as the engine does it, which is noted. */
bool ts_resolve_as_engine(struct ts_loader *loader, const struct ts_tier_context *ctx, const char *key,
                          bool engine_does);
/* A GPU under an engine that gives whole heads of attention to each accelerator. */
bool ts_resolve_divides_heads(const struct ts_loader *loader, const struct ts_tier_context *ctx);
void ts_resolve_host(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *steps);
/* After both: tiers.*.steps_error. */
void ts_resolve_steps_error(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *steps);
/* resolve_memory.c: weights, KV tokens and blocks, context. */
void ts_resolve_memory(struct ts_loader *loader, struct ts_tier_context *ctx);
/* resolve_fleet.c: who joins which replica, when they are up. After the memory plan. */
void ts_resolve_fleet(struct ts_loader *loader, struct ts_tier_context *ctx);
/* resolve_power.c: facility power over IT power, for what is told of as `whose`. / What a machine draws that was
 * measured by tiersim bench; NULL, or where its power could not be measured: what a laptop does. */
struct ts_machine_watts {
    double idle, busy;
    enum ts_origin origin;
    const char *source;
};
double ts_resolve_pue(struct ts_loader *loader, const char *whose);
struct ts_machine_watts ts_resolve_machine_watts(struct ts_loader *loader, const struct ts_measurement *m);
/* Power of a unit. */
void ts_resolve_power(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_power_model *power);
/* resolve_owned.c: what the tier costs to own. The price of n units of that power is added to the tier's. */
void ts_resolve_price(struct ts_loader *loader, struct ts_tier_context *ctx, const struct ts_power_model *power,
                      double n_units);
void ts_resolve_owned(struct ts_loader *loader, struct ts_tier_context *ctx);
/* resolve_tiers.c: hardware, model, memory and steps of ctx->pool's replicas, or of a tier's devices. */
void ts_resolve_units(struct ts_loader *loader, struct ts_tier_context *ctx);
/* resolve_pools.c: the values of a tier with those of a pool, or a kind of its devices, in their places; and are the
 * names of a list of them good? what: "pools", for the diagnostic. */
struct ts_value ts_pool_values(struct ts_loader *loader, struct ts_value *tier, struct ts_value *pool);
bool ts_pool_names_are_good(struct ts_loader *loader, struct ts_value *list, const char *what);
/* resolve_download.c: after the devices that a model goes to. */
void ts_resolve_download(struct ts_loader *loader, struct ts_tier_context *ctx);
/* resolve_mix.c: a device tier with `mix`. */
void ts_resolve_mix(struct ts_loader *loader, struct ts_tier_context *ctx);
/* resolve_pools.c: a server tier. */
void ts_resolve_server(struct ts_loader *loader, struct ts_tier_context *ctx);
/* resolve_kv_levels.c: behind the KV cache of ctx->tier's pools. */
void ts_resolve_kv_levels(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_pool_model *pools);
/* resolve_api.c */
void ts_resolve_api(struct ts_loader *loader, struct ts_tier_context *ctx);
/* The catalog's times of an offer, which live as long as the scenario, and their row; NULL: it has none. */
const struct ts_speed *ts_resolve_speed(struct ts_loader *loader, const char *offer, const struct ts_dist **ttft_s,
                                        const struct ts_dist **tok_per_s);

#endif

/* Hides which figures stand in which table of a report, and what people call them there. */
#include "base/check.h"
#include "reports/report_parts.h"

#define END_OF_COLUMNS                                                                                                 \
    {                                                                                                                  \
        NULL, NULL, NULL                                                                                               \
    }

const struct ts_column ts_service_columns[] = {
    {"requests", "arrived", "sum"},
    {"done", "done", "sum"},
    {"rejected", "rejected", "sum"},
    {"timed out", "timed_out", "sum"},
    {"unfinished", "unfinished", "sum"},
    {"fallback", "fell_back", "sum"},
    {"in time", "attainment", "mean"},
    {"right", "quality", "mean"},
    {"output", "output_rate", "mean"},
    {"a unit, busy", "output_rate_busy", "mean"},
    {"busy", "busy", "mean"},
    {"MFU", "mfu", "mean"},
    {"MBU", "mbu", "mean"},
    {"batch", "batch", "mean"},
    {"KV peak", "kv_used", "max"},
    END_OF_COLUMNS,
};

const struct ts_column ts_latency_columns[] = {
    {"TTFT p50", "ttft", "p50"},
    {"p95", "ttft", "p95"},
    {"p99", "ttft", "p99"},
    {"TPOT p50", "tpot", "p50"},
    {"p95", "tpot", "p95"},
    {"ITL p50", "itl", "p50"},
    {"p99", "itl", "p99"},
    {"E2E p50", "e2e", "p50"},
    {"p95", "e2e", "p95"},
    {"p99", "e2e", "p99"},
    {"wait p50", "wait", "p50"},
    {"p95", "wait", "p95"},
    END_OF_COLUMNS,
};

const struct ts_column ts_session_columns[] = {
    {"sessions", "sessions", "sum"},
    {"within the SLO", "sessions_slo_met", "sum"},
    {"broken off", "sessions_broken", "sum"},
    {"p50", "session", "p50"},
    {"p95", "session", "p95"},
    {"at work", "active_sessions", "mean"},
    {"within the SLO", "active_sessions_slo", "mean"},
    {"kept after tools", "kv_kept", "tool"},
    {"after users", "kv_kept", "think"},
    END_OF_COLUMNS,
};

const struct ts_column ts_money_columns[] = {
    {"machines", "cost", "capex"},
    {"energy", "cost", "energy"},
    {"maintenance", "cost", "maintenance"},
    {"staff", "cost", "staff"},
    {"colocation", "cost", "colocation"},
    {"licences", "cost", "licences"},
    {"downloads", "cost", "downloads"},
    {"other", "cost", "other"},
    {"rent", "cost", "rent"},
    {"API", "cost", "api"},
    {"total", "cost", "total"},
    {"same calls at the API", "baseline_cost", "total"},
    END_OF_COLUMNS,
};

const struct ts_column ts_worth_columns[] = {
    {"a call", "cost_of_call", "mean"},
    {"a Mtok, reserved", "cost_of_tokens", "reserved"},
    {"a Mtok, busy", "cost_of_tokens", "busy"},
    {"a Mtok, levelised", "cost_of_tokens", "levelised"},
    {"payback", "own_payback", "value"},
    {"breaks even at", "break_even", "volume"},
    {"of capacity", "break_even_busy", "share"},
    {"rent or buy", "rent_or_buy", "value"},
    END_OF_COLUMNS,
};

const struct ts_column ts_energy_columns[] = {
    {"idle", "energy", "idle"},
    {"active", "energy", "active"},
    {"host", "energy", "host"},
    {"overhead", "energy", "overhead"},
    {"total", "energy", "total"},
    {"per month", "energy_use", "total"},
    END_OF_COLUMNS,
};

const struct ts_column ts_class_columns[] = {
    {"requests", "arrived", "sum"},
    {"prompt", "prompt_tok", "sum"},
    {"output", "output_tok", "sum"},
    {"TTFT p50", "ttft", "p50"},
    {"p95", "ttft", "p95"},
    {"E2E p50", "e2e", "p50"},
    {"p95", "e2e", "p95"},
    {"in time", "attainment", "mean"},
    {"right", "quality", "mean"},
    {"a call", "cost_of_call", "mean"},
    END_OF_COLUMNS,
};

/* Of the terminal: what fits beside each other. */
const struct ts_column ts_glance_columns[] = {
    {"requests", "arrived", "sum"},
    {"TTFT p50", "ttft", "p50"},
    {"p95", "ttft", "p95"},
    {"TPOT p50", "tpot", "p50"},
    {"E2E p50", "e2e", "p50"},
    {"p95", "e2e", "p95"},
    {"in time", "attainment", "mean"},
    {"kWh/mo", "energy_use", "total"},
    {"USD/mo", "cost", "total"},
    END_OF_COLUMNS,
};

const struct ts_column ts_plan_lines[] = {
    {"payback", "payback", "value"},
    {"payback, discounted", "discounted_payback", "value"},
    {"payback against all calls at the API, including those that policy forbids", "payback_all_api", "value"},
    {"API bill of the calls that policy forbids, a month", "barred", "value"},
    {"value of the machines at the end", "residual", "value"},
    {"net present value", "npv", "value"},
    {"internal rate of return", "irr", "value"},
    {"modified internal rate of return", "mirr", "value"},
    {"share of the horizon's calls that no tier takes", "refused", "value"},
    {"volume at which the first owned tier is full, as a multiple of today's", "capacity_growth", "value"},
    END_OF_COLUMNS,
};

const struct ts_metric *ts_column_metric(const struct ts_column *column)
{
    const struct ts_metric *metric = ts_metric_find(column->name, column->stat);
    TS_CHECK(metric != NULL);
    return metric;
}

/* How fast tiersim simulates, and in how much memory: runs the program on the scenarios of scenarios/bench and writes a
 * CSV, one row a case, with the command that makes it. Each case is run several times; the fastest run counts, since a
 * neighbour on the machine can only slow it down.
 *
 *   bench_scale TIERSIM PROJECT TRACE OUT.csv [full]
 *
 * Without `full` only short cases run, once: a smoke test. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_case {
    const char *name;
    const char *arguments; /* after `tiersim run`; %s is the trace */
    int n_runs;
    bool is_long;
};

static const struct bench_case cases[] = {
    {"one server, Azure conversation", "scenarios/bench/one-server.yaml --trace %s --threads 1", 15, false},
    {"the same, every step an event", "scenarios/bench/one-server.yaml --trace %s --threads 1 --exact", 15, false},
    {"the same, 100 h of it", "scenarios/bench/one-server.yaml --trace %s --threads 1 --set trace.repeat_to=100h", 3,
     true},
    {"1 M requests, 8 replicas, 1 thread", "scenarios/bench/one-million.yaml --threads 1", 3, true},
    {"1 M requests, 8 replicas, 2 threads", "scenarios/bench/one-million.yaml --threads 2", 3, true},
    {"enterprise, a day, 1 thread", "scenarios/bench/enterprise-month.yaml --threads 1 --set workload.duration=24h", 3,
     true},
    {"enterprise, a day, 2 threads", "scenarios/bench/enterprise-month.yaml --threads 2 --set workload.duration=24h", 3,
     true},
    {"enterprise, a month, 2 threads", "scenarios/bench/enterprise-month.yaml --threads 2", 1, true},
};

struct figures {
    double requests, loop_s, whole_s, peak_mb;
};

/* A number that may be written with commas in it. */
static double number_behind(const char *text, const char *words)
{
    char digits[64];
    size_t n = 0;
    const char *at = strstr(text, words);
    if (!at) {
        return 0.0;
    }
    for (at += strlen(words); *at && strchr("0123456789.,e+-", *at) && n + 1 < sizeof digits; at++) {
        if (*at != ',') {
            digits[n++] = *at;
        }
    }
    digits[n] = '\0';
    return strtod(digits, NULL);
}

/* False if the program failed or did not say its speed. */
static bool run_once(struct figures *out, const char *command)
{
    char line[1024];
    *out = (struct figures){0};
    FILE *pipe = popen(command, "r");
    if (!pipe) {
        return false;
    }
    while (fgets(line, sizeof line, pipe)) {
        if (strstr(line, " requests, ") && out->requests == 0.0) {
            out->requests = number_behind(line, " simulated, ");
        }
        if (strstr(line, "simulated in ")) {
            out->loop_s = number_behind(line, "simulated in ");
            out->whole_s = number_behind(line, "whole run ");
            out->peak_mb = number_behind(line, "peak memory ");
        }
    }
    return pclose(pipe) == 0 && out->requests > 0.0 && out->loop_s > 0.0;
}

static bool run_case(FILE *csv, const struct bench_case *c, char **argv, bool full)
{
    char arguments[2048];
    char command[4096];
    struct figures best = {0};
    snprintf(arguments, sizeof arguments, "%s", c->arguments);
    const char *hole = strstr(c->arguments, "%s");
    if (hole) {
        snprintf(arguments, sizeof arguments, "%.*s%s%s", (int)(hole - c->arguments), c->arguments, argv[3], hole + 2);
    }
    snprintf(command, sizeof command, "cd '%s' && '%s' run %s --no-report --quiet", argv[2], argv[1], arguments);
    for (int i = 0; i < (full ? c->n_runs : 1); i++) {
        struct figures one;
        if (!run_once(&one, command)) {
            fprintf(stderr, "failed: %s\n", command);
            return false;
        }
        best = i == 0 || one.loop_s < best.loop_s ? one : best;
    }
    fprintf(csv, "\"%s\",%.0f,%.4g,%.4g,%.0f,%.0f,%.4g,\"tiersim run %s --no-report\"\n", c->name, best.requests,
            best.loop_s, best.whole_s, best.requests / best.loop_s, best.requests / best.whole_s, best.peak_mb,
            arguments);
    printf("%-36s %11.0f requests  %8.4g s  %10.0f requests/s  %6.4g MB\n", c->name, best.requests, best.loop_s,
           best.requests / best.loop_s, best.peak_mb);
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    const bool full = argc > 5 && strcmp(argv[5], "full") == 0;
    if (argc < 5) {
        fprintf(stderr, "usage: bench_scale TIERSIM PROJECT TRACE OUT.csv [full]\n");
        return 2;
    }
    FILE *csv = fopen(argv[4], "w");
    if (!csv) {
        perror(argv[4]);
        return 1;
    }
    fprintf(csv, "case,requests,loop_s,whole_s,loop_requests_per_s,whole_requests_per_s,peak_mb,command\n");
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof cases / sizeof cases[0]; i++) {
        ok = (!full && cases[i].is_long) || run_case(csv, &cases[i], argv, full);
    }
    return fclose(csv) == 0 && ok ? 0 : 1;
}

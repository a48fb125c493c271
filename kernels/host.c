/* Hides where a system tells about itself: uname, sysconf, the affinity mask, /proc/cpuinfo. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "kernels/host.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#if !defined(TS_BUILD_TYPE)
#define TS_BUILD_TYPE "unknown build type"
#endif

uint32_t ts_host_usable_cpus(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        return (uint32_t)CPU_COUNT(&set);
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
}

#if defined(__linux__)

_Static_assert(sizeof(cpu_set_t) == sizeof(struct ts_host_cpus), "a set of 1024 processors");

bool ts_host_bind_thread(uint32_t index, struct ts_host_cpus *before)
{
    cpu_set_t all, one;
    if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) == 0) {
        return false;
    }
    uint32_t left = index % (uint32_t)CPU_COUNT(&all);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all) || left-- > 0) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (before) {
        memcpy(before, &all, sizeof all);
    }
    return sched_setaffinity(0, sizeof one, &one) == 0;
}

void ts_host_unbind_thread(const struct ts_host_cpus *before)
{
    (void)sched_setaffinity(0, sizeof *before, (const cpu_set_t *)(const void *)before);
}

#else

bool ts_host_bind_thread(uint32_t index, struct ts_host_cpus *before)
{
    (void)index, (void)before;
    return false;
}

void ts_host_unbind_thread(const struct ts_host_cpus *before)
{
    (void)before;
}

#endif

uint64_t ts_host_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* The value of "model name" in /proc/cpuinfo; false if there is none. */
static bool cpuinfo_name(char *out, size_t size)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) {
        return false;
    }
    char line[256];
    bool found = false;
    while (!found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) {
            const char *value = colon + 1 + strspn(colon + 1, " \t");
            size_t len = strcspn(value, "\n");
            len = len < size - 1 ? len : size - 1;
            memcpy(out, value, len);
            out[len] = '\0';
            found = true;
        }
    }
    (void)fclose(file);
    return found;
}

static const char *describe_cpu(struct ts_arena *arena, const struct ts_cpu *cpu)
{
    char name[128];
    if (cpu->name[0] != '\0') {
        return ts_arena_strdup(arena, cpu->name);
    }
    return ts_arena_strdup(arena, cpuinfo_name(name, sizeof name) ? name : "unknown");
}

static const char *describe_isa(struct ts_arena *arena, uint32_t features)
{
    const char *text = "";
    for (int i = 0; i < TS_CPU_FEATURE_COUNT && text; i++) {
        if (features >> i & 1U) {
            text = ts_arena_printf(arena, "%s%s%s", text, text[0] ? " " : "", ts_cpu_feature_name(1U << i));
        }
    }
    return text;
}

static const char *describe_os(struct ts_arena *arena)
{
    struct utsname name;
    if (uname(&name) != 0) {
        return ts_arena_strdup(arena, "unknown");
    }
    return ts_arena_printf(arena, "%s %s %s", name.sysname, name.release, name.machine);
}

static const char *describe_compiler(struct ts_arena *arena)
{
#if defined(__clang__)
    return ts_arena_printf(arena, "clang %d.%d.%d, %s", __clang_major__, __clang_minor__, __clang_patchlevel__,
                           TS_BUILD_TYPE);
#elif defined(__GNUC__)
    return ts_arena_printf(arena, "gcc %d.%d.%d, %s", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__, TS_BUILD_TYPE);
#else
    return ts_arena_printf(arena, "unknown compiler, %s", TS_BUILD_TYPE);
#endif
}

uint64_t ts_host_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0 || usage.ru_maxrss < 0) {
        return 0;
    }
#if defined(__APPLE__)
    return (uint64_t)usage.ru_maxrss; /* bytes there, KiB elsewhere */
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

enum ts_status ts_host_describe(struct ts_host *out, struct ts_arena *arena, const struct ts_cpu *cpu)
{
    struct ts_host host = {
        .cpu = describe_cpu(arena, cpu),
        .os = describe_os(arena),
        .isa = describe_isa(arena, cpu->features),
        .compiler = describe_compiler(arena),
        .n_cpus = ts_host_usable_cpus(),
        .memory_bytes = ts_host_memory_bytes(),
        .l1d_bytes = cpu->l1d_bytes,
        .l2_bytes = cpu->l2_bytes,
        .l3_bytes = cpu->l3_bytes,
    };
    if (!host.cpu || !host.os || !host.isa || !host.compiler) {
        return TS_ENOMEM;
    }
    *out = host;
    return TS_OK;
}

enum ts_status ts_host_detect(struct ts_host *out, struct ts_arena *arena)
{
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    return ts_host_describe(out, arena, &cpu);
}

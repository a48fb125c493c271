/* Hides which matrices a dense Llama-like decoder multiplies by: queries, keys and values fused into one matrix, gate
 * and up fused into one. */
#include "kernels/bench/bench.h"

enum { MAX_DIM = 1 << 24 };

enum ts_status ts_bench_model_shapes(const struct ts_matmul_shape **out, size_t *out_n, struct ts_arena *arena,
                                     uint32_t layers, uint32_t hidden, uint32_t ffn, uint32_t heads, uint32_t kv_heads,
                                     uint32_t head_dim, uint32_t vocab)
{
    uint64_t q_rows = (uint64_t)heads * head_dim;
    uint64_t kv_rows = (uint64_t)kv_heads * head_dim;
    if (layers == 0 || hidden == 0 || ffn == 0 || q_rows == 0 || kv_rows == 0 || vocab == 0 ||
        q_rows + 2 * kv_rows > MAX_DIM || ffn > MAX_DIM / 2 || hidden > MAX_DIM || vocab > MAX_DIM) {
        return TS_ERANGE;
    }
    const struct ts_matmul_shape shapes[] = {
        {"attn_qkv", (uint32_t)(q_rows + 2 * kv_rows), hidden, layers},
        {"attn_output", hidden, (uint32_t)q_rows, layers},
        {"ffn_gate_up", 2 * ffn, hidden, layers},
        {"ffn_down", hidden, ffn, layers},
        {"output", vocab, hidden, 1},
    };
    size_t n = sizeof shapes / sizeof shapes[0];
    struct ts_matmul_shape *copy = ts_arena_array(arena, n, sizeof *copy);
    if (!copy) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        copy[i] = shapes[i];
    }
    *out = copy;
    *out_n = n;
    return TS_OK;
}

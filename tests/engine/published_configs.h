/* config.json files of the form that models are published in, with their published numbers. */
#ifndef TS_TESTS_PUBLISHED_CONFIGS_H
#define TS_TESTS_PUBLISHED_CONFIGS_H

struct published_config {
    const char *name;
    double params;    /* as published */
    const char *json; /* %u: layers, %u: vocab */
    unsigned layers, vocab;
};

static const struct published_config published_configs[] = {
    /* No head_dim, a window that is not in use. */
    {"Qwen2.5-0.5B", 494032768.0,
     "{\"architectures\": [\"Qwen2ForCausalLM\"], \"attention_dropout\": 0.0, \"hidden_act\": \"silu\", "
     "\"hidden_size\": 896, \"intermediate_size\": 4864, \"max_position_embeddings\": 32768, \"max_window_layers\": "
     "24, "
     "\"model_type\": \"qwen2\", \"num_attention_heads\": 14, \"num_hidden_layers\": %u, \"num_key_value_heads\": 2, "
     "\"rms_norm_eps\": 1e-06, \"rope_theta\": 1000000.0, \"sliding_window\": 4096, \"tie_word_embeddings\": true, "
     "\"torch_dtype\": \"bfloat16\", \"use_sliding_window\": false, \"vocab_size\": %u}",
     24, 151936},
    /* Heads wider than hidden/heads, nulls, whole rope_theta. */
    {"Qwen3-0.6B", 596049920.0,
     "{\"architectures\": [\"Qwen3ForCausalLM\"], \"attention_bias\": false, \"head_dim\": 128, \"hidden_act\": "
     "\"silu\", "
     "\"hidden_size\": 1024, \"intermediate_size\": 3072, \"max_position_embeddings\": 40960, \"max_window_layers\": "
     "28, "
     "\"model_type\": \"qwen3\", \"num_attention_heads\": 16, \"num_hidden_layers\": %u, \"num_key_value_heads\": 8, "
     "\"rms_norm_eps\": 1e-06, \"rope_scaling\": null, \"rope_theta\": 1000000, \"sliding_window\": null, "
     "\"tie_word_embeddings\": true, \"torch_dtype\": \"bfloat16\", \"use_sliding_window\": false, \"vocab_size\": %u}",
     28, 151936},
    /* The same as newer libraries write it. */
    {"Qwen3-0.6B", 596049920.0,
     "{\"attention_bias\": false, \"dtype\": \"float8_e4m3fn\", \"head_dim\": 128, \"hidden_act\": \"silu\", "
     "\"hidden_size\": 1024, \"intermediate_size\": 3072, \"layer_types\": [\"full_attention\", \"full_attention\"], "
     "\"max_position_embeddings\": 40960, \"max_window_layers\": 28, \"model_type\": \"qwen3\", "
     "\"num_attention_heads\": 16, \"num_hidden_layers\": %u, \"num_key_value_heads\": 8, \"rms_norm_eps\": 1e-06, "
     "\"rope_parameters\": {\"rope_theta\": 1000000, \"rope_type\": \"default\"}, \"sliding_window\": null, "
     "\"tie_word_embeddings\": true, \"use_sliding_window\": false, \"vocab_size\": %u}",
     28, 151936},
    /* head_dim null. */
    {"Mistral-7B-v0.3", 7248023552.0,
     "{\"architectures\": [\"MistralForCausalLM\"], \"head_dim\": null, \"hidden_act\": \"silu\", \"hidden_size\": "
     "4096, "
     "\"intermediate_size\": 14336, \"max_position_embeddings\": 32768, \"model_type\": \"mistral\", "
     "\"num_attention_heads\": 32, \"num_hidden_layers\": %u, \"num_key_value_heads\": 8, \"rms_norm_eps\": 1e-05, "
     "\"rope_theta\": 1000000.0, \"sliding_window\": null, \"tie_word_embeddings\": false, \"torch_dtype\": "
     "\"bfloat16\", \"vocab_size\": %u}",
     32, 32768},
    /* A text model inside another, heads narrower than hidden/heads. */
    {"Mistral-Nemo-12B", 12247782400.0,
     "{\"architectures\": [\"Mistral3ForConditionalGeneration\"], \"model_type\": \"mistral3\", \"text_config\": "
     "{\"head_dim\": 128, \"hidden_act\": \"silu\", \"hidden_size\": 5120, \"intermediate_size\": 14336, "
     "\"max_position_embeddings\": 131072, \"model_type\": \"mistral\", \"num_attention_heads\": 32, "
     "\"num_hidden_layers\": %u, \"num_key_value_heads\": 8, \"rms_norm_eps\": 1e-05, \"rope_theta\": 1000000000.0, "
     "\"sliding_window\": null, \"vocab_size\": %u}, \"vision_config\": {\"hidden_size\": 1024}, \"torch_dtype\": "
     "\"bfloat16\"}",
     40, 131072},
    {"Llama-3.2-1B", 1235814400.0,
     "{\"architectures\": [\"LlamaForCausalLM\"], \"attention_bias\": false, \"head_dim\": 64, \"hidden_act\": "
     "\"silu\", "
     "\"hidden_size\": 2048, \"intermediate_size\": 8192, \"max_position_embeddings\": 131072, \"mlp_bias\": false, "
     "\"model_type\": \"llama\", \"num_attention_heads\": 32, \"num_hidden_layers\": %u, \"num_key_value_heads\": 8, "
     "\"rms_norm_eps\": 1e-05, \"rope_scaling\": {\"factor\": 32.0, \"high_freq_factor\": 4.0, \"low_freq_factor\": "
     "1.0, \"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}, \"rope_theta\": 500000.0, "
     "\"tie_word_embeddings\": true, \"torch_dtype\": \"bfloat16\", \"vocab_size\": %u}",
     16, 128256},
};

enum { N_PUBLISHED_CONFIGS = sizeof published_configs / sizeof published_configs[0] };

#endif

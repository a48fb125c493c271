/* Hides how lengths come at random and yet as often as their table says: a deck holds every row 64 times, each time
 * with another 64th of its replies' distribution, of its prompts' and of its prefixes'; it is shuffled (Durstenfeld,
 * Comm. ACM 7, 1964), dealt to its end and shuffled again. This is stratified sampling without replacement: the next
 * few lengths are as independent as they would be, while the quantiles of some thousands are those of the table, where
 * independent draws miss the median of a wide distribution by several percent. */
#include "traces/deck.h"

#include <math.h>
#include <stdlib.h>

enum { N_PARTS = 64 };

struct ts_deck {
    const struct ts_length_row *rows;
    size_t n_rows, n_cards, n_left;
    uint32_t turns[2]; /* of this round: which part of the prompts, and of the prefixes, goes with one of the replies */
    uint32_t cards[];  /* [n_cards] */
};

struct ts_deck *ts_deck_create(const struct ts_length_row *rows, size_t n)
{
    struct ts_deck *deck = malloc(sizeof *deck + n * N_PARTS * sizeof deck->cards[0]);
    if (!deck) {
        return NULL;
    }
    *deck = (struct ts_deck){.rows = rows, .n_rows = n, .n_cards = n * N_PARTS};
    for (size_t i = 0; i < deck->n_cards; i++) {
        deck->cards[i] = (uint32_t)i;
    }
    return deck;
}

void ts_deck_destroy(struct ts_deck *deck)
{
    free(deck);
}

static void shuffle(struct ts_deck *deck, struct ts_rng *rng)
{
    for (size_t i = deck->n_cards; i > 1; i--) {
        const size_t other = (size_t)(ts_rng_uniform(rng) * (double)i);
        const uint32_t card = deck->cards[i - 1];
        deck->cards[i - 1] = deck->cards[other];
        deck->cards[other] = card;
    }
    deck->turns[0] = ts_rng_u32(rng);
    deck->turns[1] = ts_rng_u32(rng);
    deck->n_left = deck->n_cards;
}

static double share_at(const struct ts_length_row *row, double at)
{
    const size_t step = (size_t)(fmin(fmax(at, 0.0), 1.0) * (double)row->n_over_time);
    return row->over_time ? row->share * row->over_time[step < row->n_over_time ? step : row->n_over_time - 1]
                          : row->share;
}

/* The row at u of the shares, as they are at that time of the window. */
static const struct ts_length_row *row_at(const struct ts_deck *deck, double u, double at)
{
    const struct ts_length_row *last = NULL;
    double sum = 0.0, below = 0.0;
    for (size_t i = 0; i < deck->n_rows; i++) {
        sum += share_at(&deck->rows[i], at);
    }
    for (size_t i = 0; i < deck->n_rows; i++) {
        const double share = share_at(&deck->rows[i], at);
        last = share > 0.0 || !last ? &deck->rows[i] : last;
        below += share;
        if (u * sum < below) {
            break;
        }
    }
    return last;
}

/* A permutation of the parts, another one for each row and round. */
static uint32_t permute(uint32_t part, uint32_t row, uint32_t turn)
{
    const uint64_t mixed = ts_mix64(((uint64_t)turn << 32) | row);
    uint32_t x = part;
    for (int round = 0; round < 3; round++) {
        const uint32_t bits = (uint32_t)(mixed >> (20 * round));
        x = (x * (2 * (bits & 31) + 1) + (bits >> 5)) % N_PARTS;
        x ^= x >> 3;
    }
    return x;
}

static double within(uint32_t part, struct ts_rng *rng)
{
    return (part + ts_rng_uniform(rng)) / N_PARTS;
}

struct ts_card ts_deck_deal(struct ts_deck *deck, double at, struct ts_rng *rng)
{
    if (deck->n_left == 0) {
        shuffle(deck, rng);
    }
    const uint32_t number = deck->cards[--deck->n_left], row = number / N_PARTS, part = number % N_PARTS;
    struct ts_card card = {.row = row_at(deck, (row + ts_rng_uniform(rng)) / (double)deck->n_rows, at)};
    card.output = within(part, rng);
    card.prompt = within(permute(part, row, deck->turns[0]), rng);
    card.prefix = within(permute(part, row, deck->turns[1]), rng);
    return card;
}

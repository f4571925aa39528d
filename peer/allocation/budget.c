#include "allocation/budget.h"

#include "util/assert.h"

#define BUDGET_SECOND_US ((uint64_t)1000 * 1000)
#define BUDGET_DEBT_MAX  ((int64_t)1 << 60)

static uint64_t budget_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

bool budget_turns(const struct budget *b, uint64_t now_us, uint64_t queues_us)
{
    return now_us - b->given_us >= queues_us;
}

static void budget_turn(struct budget *b, uint64_t now_us, uint64_t queues_us)
{
    if (now_us - b->second_us >= BUDGET_SECOND_US) {
        b->second_us = now_us;
        b->this_second = 0;
    }
    if (budget_turns(b, now_us, queues_us)) {
        b->given_us = now_us;
        b->given = 0;
    }
}

/* How long so many bytes take at that rate, rounded up. The rate's bound keeps the product in 64 bits. */
static uint64_t budget_time_us(uint64_t bytes, uint64_t rate)
{
    return bytes / rate * BUDGET_SECOND_US + (bytes % rate * BUDGET_SECOND_US + rate - 1) / rate;
}

/* What has come in since the last time; a second's worth is kept at most. Parts of a byte are not lost: their time
 * counts again. */
static void budget_credit(struct budget *b, uint64_t rate, uint64_t now_us)
{
    uint64_t passed_us = now_us - b->paid_us;
    uint64_t lacking = (uint64_t)((int64_t)rate - b->credit);
    if (b->paid_us == 0 || b->credit > (int64_t)rate ||
        passed_us >= budget_time_us(lacking, rate)) {
        b->credit = (int64_t)rate;
        b->paid_us = now_us;
        return;
    }
    uint64_t earned = passed_us / BUDGET_SECOND_US * rate +
                      passed_us % BUDGET_SECOND_US * rate / BUDGET_SECOND_US;
    b->credit += (int64_t)earned;
    b->paid_us += budget_time_us(earned, rate);
}

/* What is owed are pins; they were taken for larger once than they are now. */
static void budget_weigh_again(struct budget *b, const struct budget_load *load)
{
    if (b->credit >= 0) {
        b->owed = 0;
        return;
    }
    bool fits = load->pin_bytes <= (uint64_t)BUDGET_DEBT_MAX / (b->owed + 1);
    if (fits && b->credit < -(int64_t)(b->owed * load->pin_bytes))
        b->credit = -(int64_t)(b->owed * load->pin_bytes);
}

static uint64_t budget_motion_left(const struct budget *b, const struct budget_limits *limits,
                                   const struct budget_load *load)
{
    if (limits->percent_in_motion >= 100)
        return UINT64_MAX;
    uint64_t most = load->pins * limits->percent_in_motion / 100;
    if (most < BUDGET_MOTION_MIN)
        most = BUDGET_MOTION_MIN;
    uint64_t moving = load->queued + b->given;
    return most - budget_min(moving, most);
}

static uint64_t budget_pins_left(const struct budget *b, const struct budget_limits *limits,
                                 const struct budget_load *load)
{
    uint64_t left = UINT64_MAX;
    if (limits->per_second != 0)
        left = limits->per_second - budget_min(b->this_second, limits->per_second);
    uint64_t motion = budget_motion_left(b, limits, load);
    uint64_t trickle =
        limits->trickle_per_second - budget_min(b->this_second, limits->trickle_per_second);
    return budget_min(left, motion > trickle ? motion : trickle);
}

static uint64_t budget_bytes_at_once_left(const struct budget *b,
                                          const struct budget_limits *limits,
                                          const struct budget_load *load)
{
    if (limits->bytes_at_once == 0 || load->pin_bytes == 0)
        return UINT64_MAX;
    uint64_t most = limits->bytes_at_once / load->pin_bytes;
    uint64_t moving = load->queued + load->running + b->given;
    most = most > 0 ? most : 1;
    return most - budget_min(moving, most);
}

static uint64_t budget_bytes_left(const struct budget *b, const struct budget_limits *limits,
                                  const struct budget_load *load)
{
    uint64_t left = budget_bytes_at_once_left(b, limits, load);
    if (limits->bytes_per_second != 0)
        left = budget_min(left, b->credit <= 0 ? 0
                                               : ((uint64_t)b->credit + load->pin_bytes - 1) /
                                                     load->pin_bytes);
    return left;
}

uint64_t budget_left(struct budget *b, const struct budget_limits *limits,
                     const struct budget_load *load, uint64_t now_us, uint64_t queues_us)
{
    ASSERT(limits->bytes_per_second <= BUDGET_BYTES_PER_SECOND_MAX);
    budget_turn(b, now_us, queues_us);
    if (limits->bytes_per_second != 0)
        budget_credit(b, limits->bytes_per_second, now_us);
    if (load->pin_bytes > 0)
        budget_weigh_again(b, load);
    uint64_t pins = budget_pins_left(b, limits, load);
    return load->pin_bytes > 0 ? budget_min(pins, budget_bytes_left(b, limits, load)) : pins;
}

bool budget_is_held(const struct budget *b, const struct budget_limits *limits,
                    const struct budget_load *load)
{
    return budget_motion_left(b, limits, load) == 0 ||
           budget_bytes_at_once_left(b, limits, load) == 0;
}

void budget_spend(struct budget *b, const struct budget_load *load)
{
    b->this_second += 1;
    b->given += 1;
    b->owed += 1;
    int64_t bytes = (int64_t)budget_min(load->pin_bytes, (uint64_t)BUDGET_DEBT_MAX);
    b->credit = b->credit < bytes - BUDGET_DEBT_MAX ? -BUDGET_DEBT_MAX : b->credit - bytes;
}

uint64_t budget_next_us(const struct budget *b, const struct budget_limits *limits)
{
    uint64_t next_us = b->second_us + BUDGET_SECOND_US;
    if (limits->bytes_per_second == 0 || b->credit > 0)
        return next_us;
    uint64_t owed = (uint64_t)-b->credit + 1;
    uint64_t paid_us = b->paid_us + budget_time_us(owed, limits->bytes_per_second);
    return paid_us > next_us ? paid_us : next_us;
}

/* Time, and a histogram of latencies, whose size is fixed.
 *
 * All times are nanoseconds of CLOCK_MONOTONIC. A bucket is at most 1/128 of its values wide, so a
 * percentile is off by less than 1 %; the maximum is exact.
 */
#define BUCKET_BITS 7
#define BUCKETS_A_POWER (1u << BUCKET_BITS)

struct latency {
    uint64_t count, maximum;
    uint64_t buckets[(64 - BUCKET_BITS + 1) * BUCKETS_A_POWER];
};

static uint64_t clock_time(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time))
        return 0; /* the clock of a process that has ended */
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t now(void)
{
    return clock_time(CLOCK_MONOTONIC);
}

static uint64_t min(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t nanoseconds(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

static void latency_add(struct latency *latency, uint64_t value)
{
    unsigned bucket = (unsigned)value;
    if (value >= BUCKETS_A_POWER) {
        unsigned shift = 63u - (unsigned)__builtin_clzll(value) - BUCKET_BITS;
        bucket = shift * BUCKETS_A_POWER + (unsigned)(value >> shift);
    }
    latency->buckets[bucket]++;
    latency->count++;
    if (value > latency->maximum)
        latency->maximum = value;
}

/* Add the values of another histogram. */
static void latency_sum(struct latency *latency, const struct latency *other)
{
    for (size_t i = 0; i < sizeof latency->buckets / sizeof *latency->buckets; i++)
        latency->buckets[i] += other->buckets[i];
    latency->count += other->count;
    if (other->maximum > latency->maximum)
        latency->maximum = other->maximum;
}

/* Return the value that a share `part` (0 to 1) of all values does not exceed; 0 without values. */
static uint64_t latency_at(const struct latency *latency, double part)
{
    uint64_t wanted = (uint64_t)((double)latency->count * part), seen = 0;
    unsigned bucket = 0;
    if (latency->count == 0)
        return 0;
    if (wanted >= latency->count)
        return latency->maximum;
    while ((seen += latency->buckets[bucket]) <= wanted)
        bucket++;
    if (bucket < 2 * BUCKETS_A_POWER)
        return bucket;
    unsigned shift = bucket / BUCKETS_A_POWER - 1;
    uint64_t low = (uint64_t)(bucket - shift * BUCKETS_A_POWER) << shift;
    uint64_t middle = low + ((uint64_t)1 << shift) / 2;
    return middle < latency->maximum ? middle : latency->maximum;
}

/* Print `,"p50_us":…,"p99_us":…,"max_us":…`, part of a JSON object. */
static void latency_print(const struct latency *latency)
{
    printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f",
           (double)latency_at(latency, 0.50) / 1e3, (double)latency_at(latency, 0.99) / 1e3,
           (double)latency->maximum / 1e3);
}

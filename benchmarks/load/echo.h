/* `load echo`: messages that must come back byte for byte.
 *
 * Flooding (the default): each connection keeps `--inflight` messages on their way. With `--rate R`
 * each sends R a second instead, on a schedule; the latency then counts from the moment that the
 * schedule names, so a server that stalls cannot hide it. `--blocking-pages N` has N more
 * connections ask for `--pages-path` again and again at the same time.
 *
 * A message is its number in 16 hexadecimal digits, lowest first, and a piece of a random text that
 * begins at another place each time; no two of a connection are the same from 6 bytes on.
 */
#define POOL 65521 /* places where a piece may begin, a prime */
#define MOST_LATE 8192 /* messages of a connection on their way at most, with --rate */
#define LABEL 16

static unsigned char *pool, *scratch;
static struct latency echo_latency;
static uint64_t measure_from, measure_until, echo_slots;

static void make_pool(void)
{
    pool = grow(NULL, POOL + options.size);
    scratch = grow(NULL, options.size + LABEL);
    for (size_t i = 0; i < POOL + options.size; i++)
        pool[i] = (unsigned char)(' ' + random_bits() % 95);
}

static void write_label(uint64_t number, unsigned char label[LABEL])
{
    for (int i = 0; i < LABEL; i++, number >>= 4)
        label[i] = (unsigned char)"0123456789abcdef"[number & 15];
}

static uint64_t message_number(const struct connection *connection, uint64_t index)
{
    return index | (uint64_t)connection->number << 40;
}

static const unsigned char *message_text(uint64_t number)
{
    return pool + (number * 0x9e3779b97f4a7c15u >> 32) % POOL;
}

/* Queue a message that counts from `time`. */
static void send_message(struct connection *connection, uint64_t time)
{
    uint64_t number = message_number(connection, connection->sent);
    memcpy(scratch + LABEL, message_text(number) + LABEL,
           options.size > LABEL ? options.size - LABEL : 0);
    write_label(number, scratch);
    queue_frame(connection, TEXT, scratch, options.size);
    connection->times[connection->sent++ % echo_slots] = time;
}

static void echo_payload(struct connection *connection, const unsigned char *bytes, size_t length)
{
    uint64_t number = message_number(connection, connection->received);
    size_t position = connection->position;
    if (connection->received == connection->sent || position + length > options.size
        || connection->message_opcode != TEXT) {
        fail(connection, "something came back that was not sent");
        return;
    }
    connection->position += length;
    if (position < LABEL) {
        unsigned char label[LABEL];
        size_t part = length < LABEL - position ? length : LABEL - position;
        write_label(number, label);
        if (memcmp(bytes, label + position, part)) {
            fail(connection, "an echo begins differently");
            return;
        }
        bytes += part, length -= part, position += part;
    }
    if (memcmp(bytes, message_text(number) + position, length))
        fail(connection, "an echo differs");
}

static void echo_message(struct connection *connection)
{
    if (connection->position != options.size) {
        fail(connection, "an echo has %zu bytes of %zu", connection->position, options.size);
        return;
    }
    uint64_t sent = connection->times[connection->received++ % echo_slots];
    connection->position = 0;
    if (input_time >= measure_from && input_time < measure_until)
        latency_add(&echo_latency, input_time - sent);
    if (options.rate == 0 && input_time < measure_until)
        send_message(connection, input_time);
}

static void nothing(struct connection *connection)
{
    (void)connection;
}

static const struct role echo_role = {
    .start = start_websocket, .data = websocket_data, .end = websocket_end,
    .open = nothing, .payload = echo_payload, .message = echo_message,
};

/* Send what is due by now; return when the next one is. */
static uint64_t send_due(struct connection *connections, uint64_t begin)
{
    static uint64_t count;
    double step = 1e9 / (options.rate * options.connections);
    uint64_t due;
    while ((due = begin + (uint64_t)((double)count * step)) <= now() && due < measure_until) {
        struct connection *connection = &connections[count++ % options.connections];
        if (connection->state != OPEN)
            continue;
        if (connection->sent - connection->received == echo_slots) {
            fail(connection, "%llu echoes are missing", (unsigned long long)echo_slots);
            continue;
        }
        send_message(connection, due);
        flush(connection);
    }
    return due < measure_until ? due : measure_until;
}

/* Wait for the echoes still on their way; the ones that do not come make their connection fail. */
static void drain(struct connection *connections)
{
    uint64_t deadline = now() + nanoseconds(10), left = 1;
    while (left && now() < deadline) {
        left = 0;
        for (unsigned i = 0; i < options.connections; i++)
            if (connections[i].state == OPEN)
                left += connections[i].sent - connections[i].received;
        if (left)
            turn(deadline);
    }
    for (unsigned i = 0; i < options.connections; i++)
        if (connections[i].state == OPEN && connections[i].sent != connections[i].received)
            fail(&connections[i], "echoes are missing at the end");
}

static void run_echo(void)
{
    struct connection *connections = make_connections(options.connections, &echo_role);
    struct connection *pages = make_connections(options.blocking_pages, &pages_role);
    echo_slots = options.rate > 0 ? MOST_LATE : options.inflight;
    make_pool();
    for (unsigned i = 0; i < options.connections; i++)
        connections[i].times = grow(NULL, echo_slots * sizeof(uint64_t));
    open_all(connections, options.connections);
    pages_path = options.pages_path;
    for (unsigned i = 0; i < options.blocking_pages; i++)
        start(&pages[i]);
    uint64_t begin = now(), busy = 0;
    measure_from = pages_from = begin + nanoseconds(options.warmup);
    measure_until = pages_until = measure_from + nanoseconds(options.seconds);
    if (options.rate == 0)
        for (unsigned i = 0; i < options.connections; i++) {
            for (unsigned k = 0; k < options.inflight && connections[i].state == OPEN; k++)
                send_message(&connections[i], now());
            flush(&connections[i]);
        }
    while (now() < measure_until) {
        if (busy == 0 && now() >= measure_from)
            busy = processor_time();
        turn(options.rate > 0 ? send_due(connections, begin)
             : now() < measure_from ? measure_from : measure_until);
    }
    busy = processor_time() - busy;
    drain(connections);
    close_all(connections, options.connections);
    printf("{\"mode\":\"echo\",\"messages\":%llu,\"seconds\":%g,\"per_second\":%.1f",
           (unsigned long long)echo_latency.count, options.seconds,
           (double)echo_latency.count / options.seconds);
    latency_print(&echo_latency);
    if (options.blocking_pages)
        printf(",\"pages\":%llu", (unsigned long long)pages_latency.count);
    print_end((double)busy / 1e9 / options.seconds);
}

/* `load echo`: messages that must come back byte for byte; `load events` uses this, too.
 *
 * By default, each connection keeps `--inflight` messages in flight. With `--rate R` each sends R a
 * second instead, on a schedule. The latency then counts from the planned time, so a server that
 * stalls cannot hide it. With `--blocking-pages N`, N more connections request `--pages-path` again
 * and again at the same time.
 *
 * The text of a message is its number in 16 hexadecimal digits, lowest first, and a piece of a
 * random text, which begins at another place each time. From 6 bytes on, no two messages of a
 * connection are equal.
 */
#define POOL 65521 /* places where a piece may begin, a prime */
#define MOST_LATE 8192 /* messages in flight of a connection at most, with --rate */
#define LABEL 16

static unsigned char *pool, *scratch;             /* the random text; the message being sent */
static const char *message_begin = "", *message_end = ""; /* around the text of a message */
static size_t message_size;
static struct latency echo_latency;
static uint64_t echo_slots;

static void make_pool(void)
{
    size_t begin = strlen(message_begin), end = strlen(message_end);
    message_size = begin + options.size + end;
    pool = grow(NULL, POOL + options.size);
    scratch = grow(NULL, message_size + LABEL);
    for (size_t i = 0; i < POOL + options.size; i++)
        pool[i] = begin ? (unsigned char)('a' + random_bits() % 26) /* may stand in JSON */
                        : (unsigned char)(' ' + random_bits() % 95);
    memcpy(scratch, message_begin, begin);
    memcpy(scratch + begin + options.size, message_end, end);
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

/* Write a message to `scratch`. */
static void write_message(uint64_t number)
{
    unsigned char *text = scratch + strlen(message_begin), label[LABEL];
    size_t length = options.size < LABEL ? options.size : LABEL;
    write_label(number, label);
    memcpy(text, label, length);
    memcpy(text + length, message_text(number) + length, options.size - length);
}

/* Queue a message whose latency counts from `time`. */
static void send_message(struct connection *connection, uint64_t time)
{
    write_message(message_number(connection, connection->sent));
    queue_frame(connection, TEXT, scratch, message_size);
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
    if (connection->position != message_size) {
        fail(connection, "an echo has %zu bytes of %zu", connection->position, message_size);
        return;
    }
    uint64_t sent = connection->times[connection->received++ % echo_slots];
    connection->position = 0;
    if (in_window(input_time))
        latency_add(&echo_latency, input_time - sent);
    if (options.rate == 0 && input_time < window.until)
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

/* Send the messages that are due; return the time of the next one. */
static uint64_t send_due(struct connection *connections, unsigned count, uint64_t begin)
{
    static uint64_t sent;
    double step = 1e9 / (options.rate * count);
    uint64_t due;
    while ((due = begin + (uint64_t)((double)sent * step)) <= now() && due < window.until) {
        struct connection *connection = &connections[sent++ % count];
        if (connection->state != OPEN)
            continue;
        if (connection->sent - connection->received == echo_slots) {
            fail(connection, "%llu echoes are missing", (unsigned long long)echo_slots);
            continue;
        }
        send_message(connection, due);
        flush(connection);
    }
    return due < window.until ? due : window.until;
}

/* Wait for the echoes in flight. If one does not arrive, its connection has failed. */
static void drain(struct connection *connections, unsigned count)
{
    uint64_t deadline = now() + nanoseconds(10), left = 1;
    while (left && now() < deadline) {
        left = 0;
        for (unsigned i = 0; i < count; i++)
            if (connections[i].state == OPEN)
                left += connections[i].sent - connections[i].received;
        if (left)
            turn(deadline);
    }
    for (unsigned i = 0; i < count; i++)
        if (connections[i].state == OPEN && connections[i].sent != connections[i].received)
            fail(&connections[i], "echoes are missing at the end");
}

/* Make what `send_message` needs. */
static void prepare_echoes(struct connection *connections, unsigned count)
{
    echo_slots = options.rate > 0 ? MOST_LATE : options.inflight;
    make_pool();
    for (unsigned i = 0; i < count; i++)
        connections[i].times = grow(NULL, echo_slots * sizeof(uint64_t));
}

static void measure_echoes(const char *mode, const struct role *role)
{
    struct connection *connections = make_connections(options.connections, role);
    struct connection *pages = make_connections(options.blocking_pages, &pages_role);
    prepare_echoes(connections, options.connections);
    open_all(connections, options.connections);
    pages_path = options.pages_path;
    for (unsigned i = 0; i < options.blocking_pages; i++)
        start(&pages[i]);
    uint64_t begin = now();
    plan_window();
    if (options.rate == 0)
        for (unsigned i = 0; i < options.connections; i++) {
            for (unsigned k = 0; k < options.inflight && connections[i].state == OPEN; k++)
                send_message(&connections[i], now());
            flush(&connections[i]);
        }
    while (now() < window.until) {
        uint64_t change = next_change();
        if (options.rate > 0)
            change = min(change, send_due(connections, options.connections, begin));
        turn(change);
    }
    end_window();
    drain(connections, options.connections);
    close_all(connections, options.connections);
    printf("{\"mode\":\"%s\",", mode);
    print_rate("messages", echo_latency.count, options.seconds);
    latency_print(&echo_latency);
    if (options.blocking_pages)
        printf(",\"pages\":%llu", (unsigned long long)pages_latency.count);
    print_end(options.seconds);
}

static void run_echo(void)
{
    measure_echoes("echo", &echo_role);
}

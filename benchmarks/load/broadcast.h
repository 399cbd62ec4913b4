/* `load broadcast`: one connection sends a message. When all have received it, it sends the next.
 *
 * A handler may start after its client has received the 101, and would miss the first round.
 * Therefore greetings come before the rounds, until each connection has received one.
 *
 * With `--slow N` the first N connections read slowly: their sockets have a small buffer, and they
 * read it in intervals. Nothing waits for them, and the server may disconnect them.
 */
#define SLOW_BUFFER 4096 /* bytes of the receive buffer, and of a read */
#define SLOW_PAUSE nanoseconds(0.05)

#define GREETING_INTERVAL nanoseconds(0.2)

static uint64_t deliveries;
static unsigned greeted; /* connections that have received a greeting */
static unsigned disconnected; /* slow connections that the server ended */

static void round_payload(struct connection *connection, const unsigned char *bytes, size_t length)
{
    if (connection->position + length > options.size + 1
        || memcmp(bytes, scratch + connection->position, length))
        fail(connection, "another message came than was broadcast");
    connection->position += length;
}

/* A greeting is the message of the first round and one byte more. */
static void round_message(struct connection *connection)
{
    if (connection->position == options.size + 1 && connection->received == 0) {
        greeted += !connection->sent;
        connection->sent = 1;
        connection->position = 0;
        return;
    }
    if (connection->position != options.size)
        fail(connection, "a broadcast has %zu bytes of %zu", connection->position, options.size);
    connection->position = 0;
    connection->received++;
    deliveries++;
}

static const struct role broadcast_role = {
    .start = start_websocket, .data = websocket_data, .end = websocket_end,
    .open = nothing, .payload = round_payload, .message = round_message,
};

static void slow_start(struct connection *connection)
{
    int size = SLOW_BUFFER;
    setsockopt(connection->descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    start_websocket(connection);
}

/* From now on, `read_slowly` reads. */
static void slow_open(struct connection *connection)
{
    connection->reads_slowly = 1;
    watch(connection, EPOLL_CTL_MOD, connection->wants_write);
}

static void slow_payload(struct connection *connection, const unsigned char *bytes, size_t length)
{
    (void)connection, (void)bytes, (void)length;
}

static int slow_lost(struct connection *connection)
{
    if (connection->state != OPEN)
        return 0;
    close_socket(connection);
    connection->state = UNUSED;
    disconnected++;
    return 1;
}

static const struct role slow_role = {
    .start = slow_start, .data = websocket_data, .end = websocket_end, .lost = slow_lost,
    .open = slow_open, .payload = slow_payload, .message = nothing,
};

/* Read from the slow connections if the pause has ended; return the end of the next pause. */
static uint64_t read_slowly(struct connection *connections)
{
    static uint64_t next;
    if (now() < next)
        return next;
    for (unsigned i = 0; i < options.slow; i++)
        if (connections[i].descriptor >= 0)
            read_socket(&connections[i], SLOW_BUFFER);
    next = now() + SLOW_PAUSE;
    return next;
}

static void write_round(unsigned round)
{
    char label[32];
    size_t length = (size_t)snprintf(label, sizeof label, "go %u ", round);
    memcpy(scratch, pool + round * 31u % POOL, options.size);
    memcpy(scratch, label, length < options.size ? length : options.size);
    scratch[options.size] = '.';
}

/* Send greetings until each connection that reads has received one. */
static void greet(struct connection *connections, unsigned count)
{
    uint64_t deadline = now() + nanoseconds(options.timeout), next = 0;
    write_round(0);
    while (greeted < count - options.slow && failed == 0 && now() < deadline) {
        if (now() >= next) {
            queue_frame(&connections[count - 1], TEXT, scratch, options.size + 1);
            flush(&connections[count - 1]);
            next = now() + GREETING_INTERVAL;
        }
        turn(options.slow ? min(next, read_slowly(connections)) : next);
    }
}

/* Broadcast one message; return whether all have received it within the timeout. */
static int broadcast_round(struct connection *connections, unsigned count, unsigned round)
{
    uint64_t deadline = now() + nanoseconds(options.timeout);
    write_round(round);
    deliveries = 0;
    queue_frame(&connections[count - 1], TEXT, scratch, options.size);
    flush(&connections[count - 1]);
    while (deliveries < count - options.slow && failed == 0 && now() < deadline)
        turn(options.slow ? read_slowly(connections) : deadline);
    for (unsigned i = options.slow; i < count; i++)
        if (connections[i].state == OPEN && connections[i].received != round + 1)
            fail(&connections[i], "a connection did not receive round %u", round);
    return failed == 0;
}

/* Broadcast until `--rounds` or `--seconds` have passed. The first round and those within
 * `--warmup` do not count. The sender receives its message, too. */
static void run_broadcast(void)
{
    unsigned count = options.connections + 1, round = 0;
    struct connection *connections = make_connections(count, &broadcast_role);
    static struct latency latency;
    uint64_t spent = 0;
    if (options.slow > options.connections)
        stop("--slow must not exceed --connections");
    for (unsigned i = 0; i < options.slow; i++)
        connections[i].role = &slow_role;
    make_pool();
    open_all(connections, count);
    greet(connections, count);
    plan_window();
    while (failed == 0 && latency.count < options.rounds && spent < nanoseconds(options.seconds)) {
        uint64_t begin = now();
        int counts = round > 0 && begin >= window.from;
        if (counts && !window.begun)
            begin_window();
        if (!broadcast_round(connections, count, round++) || !counts)
            continue;
        latency_add(&latency, now() - begin);
        spent += now() - begin;
    }
    end_window();
    close_all(connections + options.slow, count - options.slow);
    double seconds = spent ? (double)spent / 1e9 : 1;
    printf("{\"mode\":\"broadcast\",");
    print_rate("deliveries", latency.count * (count - options.slow), seconds);
    latency_print(&latency);
    if (options.slow)
        printf(",\"disconnected\":%u", disconnected);
    print_end(seconds);
}

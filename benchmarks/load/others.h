/* `load handshakes`, `load idle` and `load broadcast`. */

/* ---- handshakes: open, check the answer, close with a Close frame, open the next. ---- */
#define LATEST nanoseconds(10) /* a connection that takes longer to open and close has failed */

static struct latency handshake_latency;
static uint64_t handshakes, handshakes_from, handshakes_until;

static void handshake_open(struct connection *connection)
{
    if (input_time >= handshakes_from && input_time < handshakes_until)
        latency_add(&handshake_latency, input_time - connection->since);
    close_websocket(connection);
}

static void unexpected_payload(struct connection *connection, const unsigned char *bytes, size_t n)
{
    (void)bytes, (void)n;
    fail(connection, "the server sent a message that nobody asked for");
}

/* RFC 6455 §7.1.1: the server is the one that ends the connection first. */
static void handshake_end(struct connection *connection, int error)
{
    websocket_end(connection, error);
    if (connection->state != UNUSED)
        return;
    if (now() >= handshakes_from && now() < handshakes_until)
        handshakes++;
    if (now() < handshakes_until)
        start(connection);
}

static const struct role handshake_role = {
    .start = start_websocket, .data = websocket_data, .end = handshake_end,
    .open = handshake_open, .payload = unexpected_payload, .message = nothing,
};

static void run_handshakes(void)
{
    struct connection *connections = make_connections(options.connections, &handshake_role);
    uint64_t busy = 0, end;
    handshakes_from = now() + nanoseconds(options.warmup);
    handshakes_until = handshakes_from + nanoseconds(options.seconds);
    for (unsigned i = 0; i < options.connections; i++)
        start(&connections[i]);
    while (now() < handshakes_until) {
        if (busy == 0 && now() >= handshakes_from)
            busy = processor_time();
        turn(now() < handshakes_from ? handshakes_from : handshakes_until);
    }
    busy = processor_time() - busy;
    end = now();
    for (unsigned i = 0; i < options.connections; i++)
        if (connections[i].descriptor >= 0 && end - connections[i].since > LATEST)
            fail(&connections[i], "a connection neither opened nor closed in 10 seconds");
    printf("{\"mode\":\"handshakes\",\"handshakes\":%llu,\"seconds\":%g,\"per_second\":%.1f",
           (unsigned long long)handshakes, options.seconds, (double)handshakes / options.seconds);
    latency_print(&handshake_latency);
    print_end((double)busy / 1e9 / options.seconds);
}

/* ---- idle: open many, say `ready N failed M`, hold them until stdin ends. ---- */
static const struct role idle_role = {
    .start = start_websocket, .data = websocket_data, .end = websocket_end,
    .open = nothing, .payload = unexpected_payload, .message = nothing,
};

static void run_idle(void)
{
    struct connection *connections = make_connections(options.connections, &idle_role);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = NULL};
    uint64_t begin = now();
    char byte;
    unsigned open = open_all(connections, options.connections);
    double seconds = (double)(now() - begin) / 1e9;
    printf("ready %u failed %u\n", open, failed);
    fflush(stdout);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event) == 0) /* not so with a file: end at once */
        while (!turn(now() + nanoseconds(3600)) || read(0, &byte, 1) > 0)
            ;
    printf("{\"mode\":\"idle\",\"connections\":%u,\"seconds\":%.3f,\"per_second\":%.1f", open,
           seconds, (double)open / seconds);
    print_end(0);
}

/* ---- broadcast: one says something, everybody must hear it, then again. ---- */
static uint64_t heard;

/* A round's message is that of the speaker, the last connection. */
static void hear_payload(struct connection *connection, const unsigned char *bytes, size_t length)
{
    if (connection->position + length > options.size
        || memcmp(bytes, scratch + connection->position, length))
        fail(connection, "another message came than was broadcast");
    connection->position += length;
}

static void hear_message(struct connection *connection)
{
    if (connection->position != options.size)
        fail(connection, "%zu bytes came of a broadcast of %zu", connection->position, options.size);
    connection->position = 0;
    connection->received++;
    heard++;
}

static const struct role broadcast_role = {
    .start = start_websocket, .data = websocket_data, .end = websocket_end,
    .open = nothing, .payload = hear_payload, .message = hear_message,
};

/* Have all hear one message; return whether they did within the timeout. */
static int broadcast_round(struct connection *connections, unsigned count, unsigned round)
{
    uint64_t deadline = now() + nanoseconds(options.timeout);
    char label[32];
    size_t length = (size_t)snprintf(label, sizeof label, "go %u ", round);
    memcpy(scratch, pool + round * 31u % POOL, options.size);
    memcpy(scratch, label, length < options.size ? length : options.size);
    heard = 0;
    queue_frame(&connections[count - 1], TEXT, scratch, options.size);
    flush(&connections[count - 1]);
    while (heard < count && failed == 0 && now() < deadline)
        turn(deadline);
    for (unsigned i = 0; i < count; i++)
        if (connections[i].state == OPEN && connections[i].received != round + 1)
            fail(&connections[i], "a connection did not hear round %u", round);
    return failed == 0;
}

/* Rounds until `--rounds` or `--seconds` are over; the first one and those of `--warmup` do not
 * count. The speaker hears its message too. */
static void run_broadcast(void)
{
    unsigned count = options.connections + 1, round = 0;
    struct connection *connections = make_connections(count, &broadcast_role);
    static struct latency latency;
    uint64_t busy = 0, spent = 0, warm;
    make_pool();
    open_all(connections, count);
    warm = now() + nanoseconds(options.warmup);
    while (failed == 0 && latency.count < options.rounds && spent < nanoseconds(options.seconds)) {
        uint64_t begin = now(), begin_busy = processor_time();
        if (!broadcast_round(connections, count, round++) || round == 1 || begin < warm)
            continue;
        latency_add(&latency, now() - begin);
        spent += now() - begin;
        busy += processor_time() - begin_busy;
    }
    close_all(connections, count);
    double seconds = spent ? (double)spent / 1e9 : 1;
    printf("{\"mode\":\"broadcast\",\"deliveries\":%llu,\"seconds\":%.6f,\"per_second\":%.1f",
           (unsigned long long)(latency.count * count), seconds,
           (double)(latency.count * count) / seconds);
    latency_print(&latency);
    print_end((double)busy / 1e9 / seconds);
}

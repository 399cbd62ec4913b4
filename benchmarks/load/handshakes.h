/* `load handshakes`: open a connection, check the answer, close it with a Close, open the next. */
#define LATEST nanoseconds(10) /* a connection that takes longer to open and close has failed */

static struct latency handshake_latency;
static uint64_t handshakes;

static void handshake_open(struct connection *connection)
{
    if (in_window(input_time))
        latency_add(&handshake_latency, input_time - connection->since);
    close_websocket(connection);
}

static void unexpected_payload(struct connection *connection, const unsigned char *bytes, size_t n)
{
    (void)bytes, (void)n;
    fail(connection, "the server sent a message without a reason");
}

/* RFC 6455 §7.1.1: the server is the one that ends the connection first. */
static void handshake_end(struct connection *connection, int error)
{
    websocket_end(connection, error);
    if (connection->state != UNUSED)
        return;
    handshakes += in_window(now());
    if (now() < window.until)
        start(connection);
}

static const struct role handshake_role = {
    .start = start_websocket, .data = websocket_data, .end = handshake_end,
    .open = handshake_open, .payload = unexpected_payload, .message = nothing,
};

static void run_handshakes(void)
{
    struct connection *connections = make_connections(options.connections, &handshake_role);
    plan_window();
    for (unsigned i = 0; i < options.connections; i++)
        start(&connections[i]);
    while (now() < window.until)
        turn(next_change());
    end_window();
    uint64_t end = now();
    for (unsigned i = 0; i < options.connections; i++)
        if (connections[i].descriptor >= 0 && end - connections[i].since > LATEST)
            fail(&connections[i], "a connection neither opened nor closed in 10 seconds");
    printf("{\"mode\":\"handshakes\",");
    print_rate("handshakes", handshakes, options.seconds);
    latency_print(&handshake_latency);
    print_end(options.seconds);
}

/* `load reconnects`: browsers that lost their server open their connections again, all at once.
 *
 * A browser whose connection is refused, broken or not open in time tries again after a random
 * delay, as client.js of c10kws does. The delays grow up to a limit. The latency of a connection is
 * the time from the beginning until it is open.
 */
#define OPENING_TIMEOUT nanoseconds(20)
#define FIRST_DELAY 0.5
#define LONGEST_DELAY 30.0
#define CHECK_INTERVAL nanoseconds(0.01)

static struct latency reconnect_latency;
static uint64_t reconnects_from;
static unsigned reconnects, retries;

static void reconnect_open(struct connection *connection)
{
    (void)connection;
    latency_add(&reconnect_latency, input_time - reconnects_from);
    reconnects++;
}

/* Plan another attempt; an open connection must not be lost. */
static int reconnect_lost(struct connection *connection)
{
    double most = FIRST_DELAY;
    if (connection->state != OPENING)
        return 0;
    for (unsigned i = 0; i < connection->attempts && most < LONGEST_DELAY; i++)
        most *= 2;
    opening--;
    close_socket(connection);
    connection->state = UNUSED;
    connection->attempts++;
    if (most > LONGEST_DELAY)
        most = LONGEST_DELAY;
    connection->since = now() + nanoseconds(random_part() * most);
    retries++;
    return 1;
}

static const struct role reconnect_role = {
    .start = start_websocket, .data = websocket_data, .end = websocket_end,
    .lost = reconnect_lost, .open = reconnect_open, .payload = unexpected_payload,
    .message = nothing,
};

/* Give up attempts that take too long, and begin those that are due. */
static void check_attempts(struct connection *connections)
{
    uint64_t time = now();
    for (unsigned i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        if (connection->state == OPENING && time > connection->since + OPENING_TIMEOUT)
            reconnect_lost(connection);
        else if (connection->state == UNUSED && time >= connection->since)
            start(connection);
    }
}

static void run_reconnects(void)
{
    struct connection *connections = make_connections(options.connections, &reconnect_role);
    uint64_t next = 0, deadline;
    reconnects_from = now();
    deadline = reconnects_from + nanoseconds(options.timeout);
    begin_window();
    while (reconnects < options.connections && failed == 0 && now() < deadline) {
        if (now() >= next) {
            check_attempts(connections);
            next = now() + CHECK_INTERVAL;
        }
        turn(next);
    }
    end_window();
    double seconds = (double)(now() - reconnects_from) / 1e9;
    for (unsigned i = 0; i < options.connections; i++)
        if (connections[i].state == OPENING || connections[i].state == UNUSED)
            fail(&connections[i], "not open after %g seconds", options.timeout);
    printf("{\"mode\":\"reconnects\",");
    print_rate("connections", reconnects, seconds);
    latency_print(&reconnect_latency);
    printf(",\"retries\":%u", retries);
    print_end(seconds);
}

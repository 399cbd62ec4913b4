/* `load deploy`: clients that send requests all the time while their server is replaced.
 *
 * Each connection is a client of version 1 of the event protocol (docs/reference/protocol.rst). It
 * sends `--rate` requests a second, and expects an answer to each of them, once and in order. When
 * the server disconnects it, it connects again as client.js does: after the delay of `ws:bye`, or
 * after a random delay that grows with each attempt. A request whose connection has ended before
 * its answer is interrupted: the caller gets an error. An answer that never comes on an open
 * connection is lost.
 *
 * Prints `ready N failed M` when all clients are connected. When the standard input ends, no more
 * requests are sent, and the program waits for the answers and for clients that are away.
 */
#define MOST_WAITING 512 /* requests of a client without an answer */
#define TICK nanoseconds(0.001)
#define INTERVAL nanoseconds(0.1) /* the reconnects of which are counted */
#define LEAST_JITTER 0.5

static struct {
    uint64_t requests, answers, interrupted, lost;
    uint64_t disconnected; /* by a Close of the server */
    uint64_t broken;       /* without a Close */
    uint64_t refused;      /* attempts to connect that failed */
    unsigned connected;    /* clients that have got ws:hello */
} deploy;
static struct latency answer_latency, away_latency;
static uint64_t *reconnect_times;
static size_t reconnect_count;

/* Plan another attempt, with the delays of client.js. */
static void come_back(struct connection *connection)
{
    double most = FIRST_DELAY, delay = connection->retry_after;
    for (unsigned i = 1; i < connection->attempts && most < LONGEST_DELAY; i++)
        most *= 2;
    if (delay < 0)
        delay = random_part() * (most < LONGEST_DELAY ? most : LONGEST_DELAY);
    else
        delay += random_part() * (delay / 2 > LEAST_JITTER ? delay / 2 : LEAST_JITTER);
    connection->state = UNUSED;
    connection->attempts++;
    connection->retry_after = -1;
    connection->since = now() + nanoseconds(delay);
}

/* The connection does not carry requests any more. */
static void interrupt(struct connection *connection)
{
    if (!connection->greeted)
        return;
    connection->greeted = 0;
    deploy.connected--;
    deploy.interrupted += connection->sent - connection->received;
    connection->received = connection->sent;
    connection->away_since = now();
}

/* Answer the server's Close, or come back after an end without one. */
static int deploy_lost(struct connection *connection)
{
    if (connection->state == OPEN && connection->got_close) {
        deploy.disconnected++;
        interrupt(connection);
        queue_frame(connection, CLOSE, connection->control, connection->control_length < 2 ? 0 : 2);
        connection->state = CLOSING;
        return 1;
    }
    if (connection->state == OPENING) {
        opening--;
        deploy.refused++;
    } else {
        deploy.broken++;
    }
    interrupt(connection);
    close_socket(connection);
    come_back(connection);
    return 1;
}

static void deploy_end(struct connection *connection, int error)
{
    int closing = connection->state == CLOSING;
    websocket_end(connection, error);
    if (closing)
        come_back(connection);
}

static void deploy_open(struct connection *connection)
{
    connection->text.start = connection->text.end = 0;
}

/* Keep a message without its spaces. */
static void deploy_payload(struct connection *connection, const unsigned char *bytes, size_t length)
{
    unsigned char *text = reserve(&connection->text, length);
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != ' ')
            *text++ = bytes[i];
    connection->text.end = (size_t)(text - connection->text.data);
}

/* Return the text after a name in a message, or NULL. */
static const char *value_of(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found ? found + strlen(name) : NULL;
}

static void accept_hello(struct connection *connection)
{
    connection->greeted = 1;
    connection->attempts = 0;
    deploy.connected++;
    if (connection->away_since)
        latency_add(&away_latency, input_time - connection->away_since);
}

static void accept_reply(struct connection *connection, const char *text)
{
    const char *number = value_of(text, "\"re\":");
    unsigned long long answered = number ? strtoull(number, NULL, 10) : 0;
    if (connection->received == connection->sent || answered != connection->received + 1) {
        fail(connection, "answer %llu came after answer %llu of %llu", answered,
             (unsigned long long)connection->received, (unsigned long long)connection->sent);
        return;
    }
    latency_add(&answer_latency, input_time - connection->times[answered % MOST_WAITING]);
    connection->received++;
    deploy.answers++;
}

static void deploy_message(struct connection *connection)
{
    *reserve(&connection->text, 1) = '\0';
    const char *text = (const char *)connection->text.data, *delay;
    if (strstr(text, "\"event\":\"ws:reply\""))
        accept_reply(connection, text);
    else if (strstr(text, "\"event\":\"ws:hello\""))
        accept_hello(connection);
    else if (strstr(text, "\"event\":\"ws:bye\"") && (delay = value_of(text, "\"retry_after\":")))
        connection->retry_after = *delay == 'n' ? -1 : strtod(delay, NULL);
    else
        fail(connection, "unexpected: %.100s", text);
    connection->text.start = connection->text.end = 0;
}

static const struct role deploy_role = {
    .start = start_websocket, .data = websocket_data, .end = deploy_end, .lost = deploy_lost,
    .open = deploy_open, .payload = deploy_payload, .message = deploy_message,
};

/* Send the requests that are due: in turns, each client at its own time. */
static void send_requests(struct connection *connections, uint64_t begin)
{
    static uint64_t turns;
    double rate = options.rate * options.connections;
    uint64_t due = (uint64_t)((double)(now() - begin) / 1e9 * rate);
    for (; turns < due; turns++) {
        struct connection *connection = &connections[turns % options.connections];
        char text[100];
        if (!connection->greeted || connection->sent - connection->received >= MOST_WAITING)
            continue;
        int length = snprintf(text, sizeof text, "{\"event\":\"ask\",\"data\":{},\"id\":%llu}",
                              (unsigned long long)++connection->sent);
        connection->times[connection->sent % MOST_WAITING] = now();
        queue_frame(connection, TEXT, (unsigned char *)text, (size_t)length);
        flush(connection);
        deploy.requests++;
    }
}

/* Begin the attempts that are due; `counted` ones are reconnects. */
static void start_due(struct connection *connections, int counted)
{
    uint64_t time = now();
    for (unsigned i = 0; i < options.connections; i++) {
        if (connections[i].state != UNUSED || time < connections[i].since
            || (!counted && opening >= options.pace))
            continue;
        if (counted) {
            if (reconnect_count % 1024 == 0)
                reconnect_times = grow(reconnect_times,
                                       (reconnect_count + 1024) * sizeof *reconnect_times);
            reconnect_times[reconnect_count++] = time;
        }
        start(&connections[i]);
    }
}

/* Return the largest number of reconnects within an INTERVAL. */
static size_t most_reconnects(void)
{
    size_t most = 0, first = 0;
    for (size_t last = 0; last < reconnect_count; last++) {
        while (reconnect_times[last] - reconnect_times[first] >= INTERVAL)
            first++;
        if (last - first + 1 > most)
            most = last - first + 1;
    }
    return most;
}

/* Return whether no client waits for anything. */
static int all_settled(struct connection *connections)
{
    for (unsigned i = 0; i < options.connections; i++)
        if (connections[i].state != BROKEN
            && (!connections[i].greeted || connections[i].sent != connections[i].received))
            return 0;
    return 1;
}

/* Send requests until the standard input ends. */
static void run_clients(struct connection *connections)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = NULL};
    uint64_t begin = now();
    char byte;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event))
        stop("the standard input must be a pipe");
    for (uint64_t tick = begin;; tick = now() / TICK * TICK + TICK) {
        if (turn(tick) && read(0, &byte, 1) <= 0)
            break;
        send_requests(connections, begin);
        start_due(connections, 1);
    }
    epoll_ctl(poller, EPOLL_CTL_DEL, 0, &event);
}

static void print_deploy(double seconds)
{
    printf("{\"mode\":\"deploy\",");
    print_rate("answers", deploy.answers, seconds);
    latency_print(&answer_latency);
    printf(",\"requests\":%llu,\"interrupted\":%llu,\"lost\":%llu",
           (unsigned long long)deploy.requests, (unsigned long long)deploy.interrupted,
           (unsigned long long)deploy.lost);
    printf(",\"disconnected\":%llu,\"broken\":%llu,\"refused\":%llu",
           (unsigned long long)deploy.disconnected, (unsigned long long)deploy.broken,
           (unsigned long long)deploy.refused);
    printf(",\"reconnects\":%zu,\"most_reconnects\":%zu,\"connected\":%u", reconnect_count,
           most_reconnects(), deploy.connected);
    printf(",\"away_p50_ms\":%.1f,\"away_max_ms\":%.1f",
           (double)latency_at(&away_latency, 0.50) / 1e6, (double)away_latency.maximum / 1e6);
    print_end(seconds);
}

static void run_deploy(void)
{
    struct connection *connections = make_connections(options.connections, &deploy_role);
    if (options.rate == 0)
        stop("--rate must not be 0");
    for (unsigned i = 0; i < options.connections; i++) {
        connections[i].times = grow(NULL, MOST_WAITING * sizeof *connections[i].times);
        connections[i].retry_after = -1;
    }
    uint64_t deadline = now() + nanoseconds(options.timeout);
    while (deploy.connected + failed < options.connections && now() < deadline) {
        start_due(connections, 0);
        turn(min(deadline, now() / TICK * TICK + 10 * TICK));
    }
    deploy.refused = 0;
    printf("ready %u failed %u\n", deploy.connected, failed);
    fflush(stdout);
    uint64_t begin = now();
    begin_window();
    run_clients(connections);
    end_window();
    double seconds = (double)(now() - begin) / 1e9;
    deadline = now() + nanoseconds(options.timeout);
    while (!all_settled(connections) && now() < deadline) {
        start_due(connections, 1);
        turn(min(deadline, now() / TICK * TICK + 10 * TICK));
    }
    for (unsigned i = 0; i < options.connections; i++)
        deploy.lost += connections[i].sent - connections[i].received;
    print_deploy(seconds);
}

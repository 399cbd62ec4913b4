/* `load churn`: many connections are idle, while visitors come and go and a few send echoes.
 *
 * `--visitors` more connections are open. In turns, each of them is closed and opened again, at
 * most `--pace` at a time, until `--visits` visitors have come or `--seconds` have passed. The
 * latency is that of echoes on PROBES more connections, each with `--rate` echoes a second.
 */
#define PROBES 4

static uint64_t visits;
static unsigned changing; /* visitors that are being closed or opened */

static void visitor_open(struct connection *connection)
{
    (void)connection;
    if (!window.begun)
        return;
    changing--;
    visits++;
}

static void visitor_end(struct connection *connection, int error)
{
    websocket_end(connection, error);
    if (connection->state == UNUSED && now() < window.until)
        start(connection);
}

static const struct role visitor_role = {
    .start = start_websocket, .data = websocket_data, .end = visitor_end,
    .open = visitor_open, .payload = unexpected_payload, .message = nothing,
};

/* Close the visitors whose turn it is; `visitor_end` opens them again. */
static void change_visitors(struct connection *visitors)
{
    static unsigned next;
    while (changing < options.pace && visits + changing < options.visits
           && visitors[next].state == OPEN) {
        changing++;
        close_websocket(&visitors[next]);
        next = (next + 1) % options.visitors;
    }
}

static void print_churn(double seconds)
{
    printf("{\"mode\":\"churn\",\"from_ns\":%llu,\"until_ns\":%llu,",
           (unsigned long long)window.from, (unsigned long long)window.until);
    print_rate("visits", visits, seconds);
    latency_print(&echo_latency);
    print_end(seconds);
}

static void run_churn(void)
{
    struct connection *idle = make_connections(options.connections, &idle_role);
    struct connection *visitors = make_connections(options.visitors, &visitor_role);
    struct connection *probes = make_connections(PROBES, &echo_role);
    if (options.visitors < options.pace || options.rate == 0)
        stop("--visitors must not be below --pace, and --rate must not be 0");
    prepare_echoes(probes, PROBES);
    open_all(idle, options.connections);
    open_all(visitors, options.visitors);
    open_all(probes, PROBES);
    uint64_t begin = now();
    plan_window();
    while (now() < window.until && failed == 0 && visits < options.visits) {
        uint64_t change = next_change();
        if (window.begun)
            change_visitors(visitors);
        turn(min(change, send_due(probes, PROBES, begin)));
    }
    end_window();
    window.until = now();
    drain(probes, PROBES);
    print_churn((double)(window.until - window.from) / 1e9);
}

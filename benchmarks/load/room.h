/* `load room`: many clients in one room, in several processes. On each port, one client sends.
 *
 * The text of a message is `SENDER NUMBER TIME`, filled with dots to `--size` bytes. Each client
 * checks that the numbers of each sender come one after another, and compares the order of all
 * messages with that of the client that got them first, in whichever process that was.
 *
 * Prints `ready N failed M` when each client has received a greeting, a message with the number 0.
 * Then it reads commands from the standard input, `RATE SECONDS INFLIGHT PATIENCE`, and
 * prints a line of JSON for each. With a RATE, this many messages a second are sent, in turns by
 * the senders, on a schedule; latencies count from the planned time. With the RATE 0, each sender
 * keeps INFLIGHT messages in flight: it sends the next one when all clients have an older one. Then
 * the program waits until all is received, for at most PATIENCE seconds.
 */
#define SENDERS MOST_PORTS
#define MOST_LOADS 16
#define REMEMBERED 65536u /* messages of which the order and the deliveries are known */
#define ROOM_TICK nanoseconds(0.001)
#define ROOM_BEGIN "{\"event\":\"say\",\"data\":{\"text\":\""
#define GREETING_PAUSE nanoseconds(15)

/* What one process has received. */
struct share {
    struct latency latency;
    uint64_t deliveries, deliveries_in_window;
    uint64_t disordered; /* deliveries that came at another place than to other clients */
    uint64_t complete[SENDERS]; /* the last number of each sender that all clients received */
    unsigned opened, greeted, failed;
    char failure[sizeof first_failure];
};

static struct {
    uint64_t from, until; /* the window, for all processes */
    uint64_t order[REMEMBERED]; /* place << 32 | sender << 28 | number */
    struct share shares[MOST_LOADS];
} *room;
static struct share *own;
static unsigned own_clients;
static uint32_t (*receipts)[REMEMBERED]; /* of each sender's message, in this process */
static uint64_t room_sent[SENDERS];

/* Count a message that is not the one that other clients got at this place, if any did. */
static void compare_order(struct connection *connection, unsigned sender, uint64_t number)
{
    uint64_t place = ++connection->received;
    uint64_t *entry = &room->order[place % REMEMBERED], known = *entry;
    uint64_t found = place << 32 | (uint64_t)sender << 28 | number;
    if (known >> 32 < place)
        known = __sync_val_compare_and_swap(entry, known, found);
    own->disordered += known >> 32 == place && known != found;
}

static void receive_room(struct connection *connection, const char *text)
{
    char *rest;
    unsigned sender = (unsigned)strtoul(text, &rest, 10);
    uint64_t number = strtoull(rest, &rest, 10), time = strtoull(rest, &rest, 10);
    if (sender >= SENDERS || number == 0) {
        own->greeted += !connection->greeted;
        connection->greeted = 1;
        return;
    }
    if (number != connection->seen[sender] + 1) {
        fail(connection, "message %llu of sender %u came after message %llu",
             (unsigned long long)number, sender, (unsigned long long)connection->seen[sender]);
        return;
    }
    connection->seen[sender] = number;
    compare_order(connection, sender, number);
    own->deliveries++;
    own->deliveries_in_window += input_time >= room->from && input_time < room->until;
    if (time >= room->from && time < room->until)
        latency_add(&own->latency, input_time - time);
    uint32_t *count = &receipts[sender][number % REMEMBERED];
    if (++*count < own_clients)
        return;
    *count = 0;
    own->complete[sender] = number;
}

/* Keep a message until it is complete. */
static void room_payload(struct connection *connection, const unsigned char *bytes, size_t length)
{
    append(&connection->text, bytes, length);
}

static void room_message(struct connection *connection)
{
    *reserve(&connection->text, 1) = '\0';
    const char *text = strstr((const char *)connection->text.data, "\"text\":");
    text = text ? strchr(text + strlen("\"text\":"), '"') : NULL;
    connection->text.start = connection->text.end = 0;
    if (text)
        receive_room(connection, text + 1);
}

static const struct role room_role = {
    .start = start_websocket, .data = websocket_data, .end = websocket_end,
    .open = nothing, .payload = room_payload, .message = room_message,
};

/* Send a message of a sender; its latency counts from `time`. */
static void say(struct connection *connection, unsigned sender, uint64_t number, uint64_t time)
{
    size_t begin = strlen(ROOM_BEGIN);
    char *text = grow(NULL, begin + options.size + 100);
    int length = sprintf(text, ROOM_BEGIN "%u %llu %llu ", sender, (unsigned long long)number,
                         (unsigned long long)time);
    for (; (size_t)length < begin + options.size; length++)
        text[length] = '.';
    length += sprintf(text + length, "\"}}");
    queue_frame(connection, TEXT, (unsigned char *)text, (size_t)length);
    flush(connection);
    free(text);
}

/* Return a sum of the shares of all processes: of the number at this place in a share. */
static uint64_t sum_of(size_t place, size_t size)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < options.processes; i++) {
        const char *number = (const char *)&room->shares[i] + place;
        total += size == 4 ? *(const volatile uint32_t *)number : *(const volatile uint64_t *)number;
    }
    return total;
}
#define SUM(name) sum_of(offsetof(struct share, name), sizeof own->name)

/* Return the number of the last message of a sender that all clients of all processes have. */
static uint64_t complete_of(unsigned sender)
{
    uint64_t least = room_sent[sender];
    for (unsigned i = 0; i < options.processes; i++)
        least = min(least, __atomic_load_n(&room->shares[i].complete[sender], __ATOMIC_RELAXED));
    return least;
}

static int all_complete(void)
{
    if (SUM(failed))
        return 1;
    for (unsigned i = 0; i < options.port_count; i++)
        if (complete_of(i) < room_sent[i])
            return 0;
    return 1;
}

/* Tell the other processes about failures in this one. */
static void share_failures(void)
{
    if (own->failed == failed)
        return;
    memcpy(own->failure, first_failure, sizeof own->failure);
    own->failed = failed;
}

/* Wait in this process until `done` or the deadline, in ticks. */
static void wait_in_ticks(uint64_t deadline, int (*done)(void))
{
    for (; !done() && now() < deadline; share_failures())
        turn(min(deadline, now() + ROOM_TICK));
}

static int all_opened(void)
{
    return SUM(opened) + SUM(failed) >= options.connections;
}

static int all_greeted(void)
{
    return SUM(greeted) + SUM(failed) >= options.connections;
}

/* Send greetings until each client has one. A client may miss one that comes early. */
static void greet_room(struct connection *connections)
{
    uint64_t deadline = now() + nanoseconds(options.timeout);
    wait_in_ticks(deadline, all_opened);
    while (!all_greeted() && now() < deadline) {
        wait_in_ticks(now() + nanoseconds(0.5), all_greeted);
        say(&connections[0], 0, 0, 0);
        wait_in_ticks(min(deadline, now() + GREETING_PAUSE), all_greeted);
    }
}

/* Send what is due on the schedule, in turns; return the number of messages. */
static uint64_t send_scheduled(struct connection *connections, double rate, uint64_t sent)
{
    uint64_t interval = (uint64_t)(1e9 / rate), limit = min(now() + 1, window.until);
    for (; window.from + sent * interval < limit; sent++) {
        unsigned sender = (unsigned)(sent % options.port_count);
        say(&connections[sender], sender, ++room_sent[sender], window.from + sent * interval);
    }
    return sent;
}

/* Keep messages in flight; return the number of messages. */
static uint64_t send_inflight(struct connection *connections, unsigned inflight, uint64_t sent)
{
    for (unsigned sender = 0; sender < options.port_count; sender++)
        for (; room_sent[sender] - complete_of(sender) < inflight; sent++)
            say(&connections[sender], sender, ++room_sent[sender], now());
    return sent;
}

/* Print the results of a command that has sent so many messages, and has ended at this time. */
static void print_room(uint64_t sent, uint64_t ended)
{
    static struct latency all;
    memset(&all, 0, sizeof all);
    for (unsigned i = 0; i < options.processes; i++)
        latency_sum(&all, &room->shares[i].latency);
    double seconds = (double)(window.until - window.from) / 1e9;
    printf("{\"mode\":\"room\",\"sent\":%llu,\"expected\":%llu,", (unsigned long long)sent,
           (unsigned long long)sent * options.connections);
    printf("\"all_deliveries\":%llu,\"disordered\":%llu,\"drained\":%.6f,",
           (unsigned long long)SUM(deliveries), (unsigned long long)SUM(disordered),
           ((double)ended - (double)window.until) / 1e9);
    print_rate("deliveries", SUM(deliveries_in_window), seconds);
    latency_print(&all);
    for (unsigned i = 0; i < options.processes && own->failed == 0; i++)
        if (room->shares[i].failed)
            memcpy(first_failure, room->shares[i].failure, sizeof first_failure);
    failed = (unsigned)SUM(failed);
    print_end(seconds);
    failed = own->failed;
    fflush(stdout);
}

/* Send for some seconds; return the number of messages. */
static uint64_t run_command(struct connection *connections, double rate, double seconds,
                            unsigned inflight)
{
    uint64_t sent = 0;
    for (unsigned i = 0; i < options.processes; i++) {
        memset(&room->shares[i].latency, 0, sizeof own->latency);
        room->shares[i].deliveries = room->shares[i].deliveries_in_window = 0;
        room->shares[i].disordered = 0;
    }
    options.seconds = seconds;
    plan_window();
    room->from = window.from, room->until = window.until;
    begin_window();
    while (now() < window.until && SUM(failed) == 0) {
        sent = rate > 0 ? send_scheduled(connections, rate, sent)
                        : send_inflight(connections, inflight, sent);
        turn(min(window.until, now() + ROOM_TICK));
        share_failures();
    }
    end_window();
    return sent;
}

/* Connections and the loop that drives them: one epoll, level-triggered, one thread.
 *
 * A connection has a role, whose functions handle its bytes. Output is appended to `output` and
 * sent by `flush`; bytes that the socket does not accept wait for EPOLLOUT. A connection that
 * failed is counted once and closed. The reason of the first failure is kept for the report.
 */
#define SOURCES 16 /* source addresses 127.0.0.1 to 127.0.0.16, so that ports do not run out */

struct connection;

struct role {
    /* The socket is being connected: queue the first bytes. */
    void (*start)(struct connection *);
    /* Bytes came. */
    void (*data)(struct connection *, const unsigned char *bytes, size_t length);
    /* The peer ended the connection (error 0) or it broke (errno). The socket has been closed. */
    void (*end)(struct connection *, int error);
    /* NULL, or: handle the loss of a connection that the server refused or ended, and return
     * whether the loss was to be expected; otherwise the connection has failed. */
    int (*lost)(struct connection *);
    /* Of WebSockets: the handshake is done; part of a message came; a message is complete. */
    void (*open)(struct connection *);
    void (*payload)(struct connection *, const unsigned char *bytes, size_t length);
    void (*message)(struct connection *);
};

struct bytes {
    unsigned char *data;
    size_t start, end, capacity; /* the content is data[start:end] */
};

enum state { UNUSED, OPENING, OPEN, CLOSING, BROKEN };

struct connection {
    const struct role *role;
    enum state state;
    int descriptor, wants_write;
    unsigned number;
    struct bytes input, output;
    uint64_t since; /* when it began to open, or its page was requested */
    /* Of WebSockets: the key of the handshake and the frame that is being read. */
    char key[25];
    unsigned char head[14], control[125];
    unsigned head_length, opcode, message_opcode, final, control_length;
    uint64_t left; /* payload bytes of the frame that have not arrived */
    int in_frame, got_close;
    /* Of echoes: the numbers sent and received, the times of sending, and the bytes received of
     * the current one. */
    uint64_t sent, received, *times;
    size_t position;
    unsigned silent;   /* of pages: ends without an answer, one after another */
    unsigned attempts; /* of reconnects and deploys: attempts to open that failed */
    /* Of deploys: a message that is being read, whether the server has accepted the client, when
     * it was disconnected, and the delay before it may come back, or -1. */
    struct bytes text;
    int greeted;
    uint64_t away_since;
    double retry_after;
    int reads_slowly;  /* epoll does not report its input */
    uint64_t seen[MOST_PORTS]; /* of rooms: the last number of each sender */
};

static int poller = -1, timer = -1;
static unsigned failed, unclean, opening;
static char first_failure[300];
static struct sockaddr_in server_address;
static uint64_t input_time; /* when the bytes being handled were read */

static void close_socket(struct connection *connection)
{
    if (connection->descriptor >= 0)
        close(connection->descriptor);
    connection->descriptor = -1;
    connection->input.start = connection->input.end = 0;
    connection->output.start = connection->output.end = 0;
}

/* Count a failure and close the connection. The reason has the format of printf. */
static void fail(struct connection *connection, const char *format, ...)
{
    if (failed++ == 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(first_failure, sizeof first_failure, format, arguments);
        va_end(arguments);
    }
    if (connection->state == OPENING)
        opening--;
    close_socket(connection);
    connection->state = BROKEN;
}

/* Make room for `length` bytes at the end and return the place. */
static unsigned char *reserve(struct bytes *bytes, size_t length)
{
    if (bytes->start == bytes->end)
        bytes->start = bytes->end = 0;
    if (bytes->end + length > bytes->capacity && bytes->start) {
        memmove(bytes->data, bytes->data + bytes->start, bytes->end - bytes->start);
        bytes->end -= bytes->start;
        bytes->start = 0;
    }
    if (bytes->end + length > bytes->capacity) {
        bytes->capacity = (bytes->end + length) * 2;
        bytes->data = grow(bytes->data, bytes->capacity);
    }
    return bytes->data + bytes->end;
}

static void append(struct bytes *bytes, const void *data, size_t length)
{
    memcpy(reserve(bytes, length), data, length);
    bytes->end += length;
}

static void watch(struct connection *connection, int operation, int wants_write)
{
    struct epoll_event event = {.events = (connection->reads_slowly ? 0u : (unsigned)EPOLLIN)
                                          | (wants_write ? (unsigned)EPOLLOUT : 0u)};
    event.data.ptr = connection;
    connection->wants_write = wants_write;
    if (epoll_ctl(poller, operation, connection->descriptor, &event))
        stop("epoll_ctl: %s", strerror(errno));
}

static void flush(struct connection *connection)
{
    struct bytes *output = &connection->output;
    while (connection->descriptor >= 0 && output->start < output->end) {
        ssize_t sent = send(connection->descriptor, output->data + output->start,
                            output->end - output->start, MSG_NOSIGNAL);
        if (sent > 0)
            output->start += (size_t)sent;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return; /* the next read reports the end, after the last bytes of the peer */
    }
    int more = output->start < output->end;
    if (connection->descriptor >= 0 && more != connection->wants_write)
        watch(connection, EPOLL_CTL_MOD, more);
}

/* Return whether the role of a connection expected its loss. */
static int expected(struct connection *connection)
{
    return connection->role->lost && connection->role->lost(connection);
}

/* Begin to connect from one of the source addresses. */
static void start(struct connection *connection)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;
    server_address.sin_port = htons((uint16_t)options.ports[connection->number % options.port_count]);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        stop("socket: %s (is the limit of open files too low?)", strerror(errno));
    connection->descriptor = descriptor;
    connection->state = OPENING;
    connection->since = now();
    opening++;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if ((ntohl(server_address.sin_addr.s_addr) >> 24) == 127) {
        source.sin_addr.s_addr = htonl(0x7f000001u + connection->number % SOURCES);
        setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(descriptor, (struct sockaddr *)&source, sizeof source))
            stop("bind: %s", strerror(errno));
    }
    if (connect(descriptor, (struct sockaddr *)&server_address, sizeof server_address)
        && errno != EINPROGRESS) {
        int error = errno;
        if (!expected(connection))
            fail(connection, "connect: %s", strerror(error));
        return;
    }
    watch(connection, EPOLL_CTL_ADD, 1);
    connection->role->start(connection);
}

#define MOST_READ (256u * 1024u)

static void read_socket(struct connection *connection, size_t most)
{
    static unsigned char buffer[MOST_READ];
    ssize_t length = recv(connection->descriptor, buffer, most, 0);
    if (length > 0) {
        input_time = now();
        connection->role->data(connection, buffer, (size_t)length);
        flush(connection);
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        int error = length ? errno : 0;
        close(connection->descriptor);
        connection->descriptor = -1;
        connection->role->end(connection, error);
    }
}

/* Wait for events until `deadline` and handle one batch; return whether stdin has input. */
static int turn(uint64_t deadline)
{
    static struct epoll_event events[512];
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(deadline / 1000000000u),
                                           .tv_nsec = (long)(deadline % 1000000000u)}};
    static uint64_t armed;
    int told = 0;
    if (deadline != armed) {
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
        armed = deadline;
    }
    int count = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection == NULL || connection == (void *)&timer) {
            told |= connection == NULL;
            continue;
        }
        if (connection->descriptor >= 0 && (events[i].events & EPOLLOUT))
            flush(connection);
        if (connection->descriptor >= 0 && (events[i].events & ~(unsigned)EPOLLOUT))
            read_socket(connection, MOST_READ);
    }
    return told;
}

static void make_loop(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &timer};
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poller < 0 || timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event))
        stop("epoll: %s", strerror(errno));
    server_address.sin_family = AF_INET;
    if (inet_pton(AF_INET, options.host, &server_address.sin_addr) != 1)
        stop("--host needs an IPv4 address, not %s", options.host);
}

static struct connection *make_connections(unsigned count, const struct role *role)
{
    static unsigned made;
    struct connection *connections = grow(NULL, count * sizeof *connections);
    memset(connections, 0, count * sizeof *connections);
    for (unsigned i = 0; i < count; i++) {
        connections[i].role = role;
        connections[i].descriptor = -1;
        connections[i].number = made++;
    }
    return connections;
}

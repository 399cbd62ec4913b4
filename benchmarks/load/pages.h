/* `load pages`: GET requests on persistent connections; each answer is read to its end.
 *
 * An answer is valid if its status is 200 and its body ends as Content-Length or the chunks
 * declare, or with the connection if there is neither. If the server ends the connection between
 * two answers, a new one is opened.
 */
#define MOST_SILENT 100 /* ends without an answer in a row, before a connection has failed */

static const char *pages_path;
static struct latency pages_latency;

static void ask_page(struct connection *connection)
{
    size_t room = strlen(pages_path) + strlen(options.headers) + 100;
    char *request = (char *)reserve(&connection->output, room);
    connection->output.end += (size_t)snprintf(
        request, room, "GET %s HTTP/1.1\r\nHost: %s:%u\r\n%s\r\n",
        pages_path, options.host, options.port, options.headers);
    connection->since = now();
}

static void start_page(struct connection *connection)
{
    connection->input.start = connection->input.end = 0;
    connection->output.start = connection->output.end = 0;
    ask_page(connection);
    connection->state = OPEN;
    opening--;
}

/* Return the end of a chunked body (RFC 9112 §7.1), NULL while it is incomplete. */
static const char *end_of_chunks(const char *body, const char *end)
{
    for (;;) {
        char *digits;
        const char *line = memmem(body, (size_t)(end - body), "\r\n", 2);
        if (line == NULL)
            return NULL;
        unsigned long size = strtoul(body, &digits, 16);
        body = line + 2;
        if ((size_t)(end - body) < size + 2)
            return NULL;
        body += size + 2;
        if (size == 0)
            return body;
    }
}

/* A page is complete: count it and request the next one, on a new connection if necessary. */
static void finish_page(struct connection *connection, int keep)
{
    uint64_t time = now();
    connection->input.start = connection->input.end = 0;
    connection->silent = 0;
    if (in_window(time))
        latency_add(&pages_latency, time - connection->since);
    if (!keep)
        close_socket(connection);
    if (time >= window.until)
        connection->state = UNUSED;
    else if (keep)
        ask_page(connection);
    else
        start(connection);
}

static void page_data(struct connection *connection, const unsigned char *bytes, size_t length)
{
    struct bytes *input = &connection->input;
    if (connection->state != OPEN)
        return;
    append(input, bytes, length);
    *reserve(input, 1) = '\0';
    const char *head = (char *)input->data + input->start, *end = (char *)input->data + input->end;
    char *body = strstr(head, "\r\n\r\n");
    if (body == NULL)
        return;
    body[2] = '\0'; /* end the head, so that `header` does not read the body */
    const char *size = header(head, "content-length"), *coding = header(head, "transfer-encoding");
    const char *connected = header(head, "connection");
    int keep = connected == NULL || strncasecmp(connected, "close", 5);
    size_t wanted = size ? strtoul(size, NULL, 10) : 0;
    if (strncmp(head, "HTTP/1.1 200 ", 13)) {
        fail(connection, "a page was refused: %.*s", (int)strcspn(head, "\r\n"), head);
        return;
    }
    body[2] = '\r';
    body += 4;
    if (size == NULL && coding == NULL)
        return; /* the body ends with the connection */
    if (size ? (size_t)(end - body) < wanted : end_of_chunks(body, end) == NULL)
        return;
    if ((size ? body + wanted : end_of_chunks(body, end)) != end)
        fail(connection, "a page has bytes after its end");
    else
        finish_page(connection, keep);
}

static void page_end(struct connection *connection, int error)
{
    if (connection->state != OPEN) {
        close_socket(connection);
    } else if (connection->input.start < connection->input.end) {
        const char *head = (char *)connection->input.data + connection->input.start;
        if (strstr(head, "\r\n\r\n") == NULL || header(head, "content-length")
            || header(head, "transfer-encoding"))
            fail(connection, "a page ended early: %s", error ? strerror(error) : "EOF");
        else
            finish_page(connection, 0);
    } else if (++connection->silent > MOST_SILENT) {
        fail(connection, "the server does not answer: %s", error ? strerror(error) : "EOF");
    } else {
        close_socket(connection);
        if (now() < window.until)
            start(connection);
    }
}

static const struct role pages_role = {.start = start_page, .data = page_data, .end = page_end};

static void run_pages(void)
{
    struct connection *connections = make_connections(options.connections, &pages_role);
    pages_path = options.path;
    plan_window();
    for (unsigned i = 0; i < options.connections; i++)
        start(&connections[i]);
    while (now() < window.until)
        turn(next_change());
    end_window();
    printf("{\"mode\":\"pages\",");
    print_rate("pages", pages_latency.count, options.seconds);
    latency_print(&pages_latency);
    print_end(options.seconds);
}

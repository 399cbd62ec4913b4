/* The client's side of RFC 6455: the opening handshake, masked frames out, unmasked frames in.
 *
 * Reads may split frames anywhere. Payloads are passed on as they arrive. Only the head of a frame
 * and the payload of a control frame (at most 125 bytes, §5.5) are kept until they are complete.
 */
enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static uint64_t random_state = 0x9e3779b97f4a7c15u;

/* Return the next number of xorshift64*, which is fast and does not repeat in a run. */
static uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1du;
}

/* Return a random number of at least 0 and below 1. */
static double random_part(void)
{
    return (double)(random_bits() >> 11) / 9007199254740992.0;
}

/* Queue one final frame with a random mask that is not zero. */
static void queue_frame(struct connection *connection, enum opcode opcode,
                        const unsigned char *payload, size_t length)
{
    unsigned char *frame = reserve(&connection->output, length + 14), *out = frame;
    uint32_t mask;
    do
        mask = (uint32_t)(random_bits() >> 32);
    while (mask == 0);
    *out++ = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        *out++ = (unsigned char)(0x80 | length);
    } else if (length < 65536) {
        *out++ = 0x80 | 126;
        *out++ = (unsigned char)(length >> 8);
        *out++ = (unsigned char)length;
    } else {
        *out++ = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            *out++ = (unsigned char)((uint64_t)length >> shift);
    }
    memcpy(out, &mask, 4);
    out += 4;
    uint64_t wide = (uint64_t)mask << 32 | mask, word;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, payload + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < length; i++)
        out[i] = payload[i] ^ ((const unsigned char *)&mask)[i % 4];
    connection->output.end += (size_t)(out - frame) + length;
}

/* Queue the opening handshake (§4.1) with the headers of the command line. */
static void start_websocket(struct connection *connection)
{
    unsigned char nonce[16];
    uint64_t bits[2] = {random_bits(), random_bits()};
    size_t room = strlen(options.path) + strlen(options.headers) + 300;
    memcpy(nonce, bits, 16);
    base64(nonce, 16, connection->key);
    connection->head_length = 0;
    connection->in_frame = connection->got_close = 0;
    connection->position = 0;
    connection->message_opcode = 0;
    char *request = (char *)reserve(&connection->output, room);
    connection->output.end += (size_t)snprintf(
        request, room,
        "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        options.path, options.host, options.port, connection->key, options.headers);
}

/* Close with 1000, and read until the server ends the connection. */
static void close_websocket(struct connection *connection)
{
    queue_frame(connection, CLOSE, (const unsigned char *)"\x03\xe8", 2);
    connection->state = CLOSING;
    flush(connection);
}

/* Check the server's answer (§4.2.2); return whether it opens the connection. The server may accept
 * the extension that a browser offers, but not use it: a compressed frame is a failure. */
static int accept_answer(struct connection *connection, const char *head)
{
    char digest[29];
    const char *accept = header(head, "sec-websocket-accept");
    if (strncmp(head, "HTTP/1.1 101 ", 13)) {
        if (!expected(connection))
            fail(connection, "the handshake was refused: %.*s", (int)strcspn(head, "\r\n"), head);
        return 0;
    }
    accept_digest(connection->key, digest);
    if (accept == NULL || strncmp(accept, digest, 28)) {
        fail(connection, "Sec-WebSocket-Accept is missing or wrong");
        return 0;
    }
    return 1;
}

/* A control frame is complete (§5.5): answer a Ping. A Close before ours is a failure. */
static void handle_control(struct connection *connection)
{
    if (connection->opcode == PING)
        queue_frame(connection, PONG, connection->control, connection->control_length);
    if (connection->opcode != CLOSE)
        return;
    connection->got_close = 1;
    if (connection->state == OPEN && !expected(connection))
        fail(connection, "the server closed with %d first",
             connection->control_length < 2
                 ? 1005
                 : connection->control[0] << 8 | connection->control[1]);
}

/* Read the head of the next frame, or a part of it; return the number of bytes read. */
static size_t read_head(struct connection *connection, const unsigned char *bytes, size_t length)
{
    unsigned char *head = connection->head;
    size_t used = 0;
    unsigned needed = 2;
    for (;;) {
        if (connection->head_length >= 2)
            needed = (head[1] & 127) == 126 ? 4 : (head[1] & 127) == 127 ? 10 : 2;
        if (connection->head_length == needed)
            break;
        if (used == length)
            return used;
        head[connection->head_length++] = bytes[used++];
    }
    connection->head_length = 0;
    connection->in_frame = 1;
    connection->opcode = head[0] & 15;
    connection->final = head[0] >> 7;
    connection->control_length = 0;
    connection->left = head[1] & 127;
    if (needed > 2)
        connection->left = 0;
    for (unsigned i = 2; i < needed; i++)
        connection->left = connection->left << 8 | head[i];
    if ((head[0] & 0x70) || (head[1] & 0x80) || (connection->opcode >= 8 && connection->left > 125))
        fail(connection, "a frame begins with %02x %02x", head[0], head[1]);
    else if (connection->opcode == TEXT || connection->opcode == BINARY)
        connection->message_opcode = connection->opcode;
    return used;
}

static void read_frames(struct connection *connection, const unsigned char *bytes, size_t length)
{
    while (connection->state == OPEN || connection->state == CLOSING) {
        if (!connection->in_frame) {
            if (length == 0)
                return;
            size_t used = read_head(connection, bytes, length);
            bytes += used;
            length -= used;
            continue;
        }
        size_t part = connection->left < length ? (size_t)connection->left : length;
        if (connection->opcode >= CLOSE) {
            memcpy(connection->control + connection->control_length, bytes, part);
            connection->control_length += (unsigned)part;
        } else if (part) {
            connection->role->payload(connection, bytes, part);
        }
        bytes += part;
        length -= part;
        connection->left -= part;
        if (connection->left)
            return;
        connection->in_frame = 0;
        if (connection->opcode >= CLOSE)
            handle_control(connection);
        else if (connection->final && connection->state == OPEN)
            connection->role->message(connection);
    }
}

/* Handle bytes: the rest of the handshake's answer, then frames. */
static void websocket_data(struct connection *connection, const unsigned char *bytes, size_t length)
{
    if (connection->state != OPENING) {
        read_frames(connection, bytes, length);
        return;
    }
    struct bytes *input = &connection->input;
    append(input, bytes, length);
    *reserve(input, 1) = '\0';
    char *head = (char *)input->data, *end = strstr(head, "\r\n\r\n");
    if (end == NULL)
        return;
    end[2] = '\0';
    if (!accept_answer(connection, head))
        return;
    size_t rest = input->end - (size_t)(end + 4 - head);
    input->start = input->end = 0;
    connection->state = OPEN;
    opening--;
    connection->role->open(connection);
    read_frames(connection, (unsigned char *)end + 4, rest);
}

/* The connection ended. Before our Close this is a failure. After it, count the connections on
 * which the server sent no Close: a browser would show 1006. */
static void websocket_end(struct connection *connection, int error)
{
    if (connection->state == CLOSING) {
        unclean += !connection->got_close;
        connection->state = UNUSED;
    } else if (!expected(connection)) {
        fail(connection, "the server ended the connection: %s", error ? strerror(error) : "EOF");
    }
    close_socket(connection);
}

/* Open all, `--pace` at a time; return the number that is open. The others have failed. */
static unsigned open_all(struct connection *connections, unsigned count)
{
    unsigned begun = 0, open = 0;
    uint64_t deadline = now() + nanoseconds(options.timeout);
    while ((begun < count || opening) && now() < deadline) {
        while (begun < count && opening < options.pace)
            start(&connections[begun++]);
        turn(deadline);
    }
    for (unsigned i = 0; i < count; i++) {
        if (connections[i].state == OPENING || connections[i].state == UNUSED)
            fail(&connections[i], "not open after %g seconds", options.timeout);
        open += connections[i].state == OPEN;
    }
    return open;
}

/* Close all that are open, and wait up to two seconds for the server. */
static void close_all(struct connection *connections, unsigned count)
{
    uint64_t deadline = now() + nanoseconds(2);
    unsigned left = count;
    for (unsigned i = 0; i < count; i++)
        if (connections[i].state == OPEN)
            close_websocket(&connections[i]);
    while (left && now() < deadline) {
        turn(deadline);
        left = 0;
        for (unsigned i = 0; i < count; i++)
            left += connections[i].state == CLOSING;
    }
}

/* `load events`: messages of `load echo`, as events in JSON.
 *
 * A message is `{"event":"echo","data":{"text":"…"}}` with a text of `--size` bytes. The answer
 * must be the same event. It may have spaces between its parts.
 */
#define EVENT_BEGIN "{\"event\":\"echo\",\"data\":{\"text\":\""
#define EVENT_END "\"}}"

static void event_payload(struct connection *connection, const unsigned char *bytes, size_t length)
{
    if (connection->received == connection->sent) {
        fail(connection, "an event came back that was not sent");
        return;
    }
    write_message(message_number(connection, connection->received));
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == ' ')
            continue;
        if (connection->position == message_size || scratch[connection->position] != bytes[i]) {
            fail(connection, "an event differs at byte %zu", connection->position);
            return;
        }
        connection->position++;
    }
}

static const struct role event_role = {
    .start = start_websocket, .data = websocket_data, .end = websocket_end,
    .open = nothing, .payload = event_payload, .message = echo_message,
};

static void run_events(void)
{
    message_begin = EVENT_BEGIN;
    message_end = EVENT_END;
    measure_echoes("events", &event_role);
}

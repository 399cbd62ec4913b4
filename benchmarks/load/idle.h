/* `load idle`: open many, print `ready N failed M`, hold them until the standard input ends. */
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
    begin_window();
    unsigned open = open_all(connections, options.connections);
    double seconds = (double)(now() - begin) / 1e9;
    end_window();
    printf("ready %u failed %u\n", open, failed);
    fflush(stdout);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event) == 0) /* a file is refused: end at once */
        while (!turn(now() + nanoseconds(3600)) || read(0, &byte, 1) > 0)
            ;
    printf("{\"mode\":\"idle\",");
    print_rate("connections", open, seconds);
    print_end(seconds);
}

/* `load room`: the processes that hold the clients of a room. The first one sends, and prints. */

/* Connect the clients of this process, and wait for them to be open. */
static struct connection *open_clients(unsigned process)
{
    own = &room->shares[process];
    own_clients = options.connections / options.processes
                  + (process < options.connections % options.processes);
    receipts = grow(NULL, SENDERS * sizeof *receipts);
    memset(receipts, 0, SENDERS * sizeof *receipts);
    random_state ^= (uint64_t)getpid() << 32;
    make_loop();
    struct connection *connections = make_connections(own_clients, &room_role);
    own->opened = open_all(connections, own_clients);
    share_failures();
    return connections;
}

/* Receive in a process of its own, until the first process ends. */
static void run_receiver(unsigned process)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    open_clients(process);
    for (;;) {
        turn(now() + nanoseconds(0.1));
        share_failures();
    }
}

static void follow_commands(struct connection *connections)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = NULL};
    char line[100];
    double rate, seconds, patience;
    unsigned inflight;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event))
        stop("the standard input must be a pipe");
    for (;; share_failures()) {
        if (!turn(now() + nanoseconds(0.1)))
            continue;
        ssize_t length = read(0, line, sizeof line - 1);
        if (length <= 0)
            return;
        line[length] = '\0';
        if (sscanf(line, "%lf %lf %u %lf", &rate, &seconds, &inflight, &patience) != 4)
            stop("expected RATE SECONDS INFLIGHT PATIENCE, not %s", line);
        uint64_t sent = run_command(connections, rate, seconds, inflight);
        wait_in_ticks(now() + nanoseconds(patience), all_complete);
        print_room(sent, now());
    }
}

static void run_room(void)
{
    if (options.processes == 0 || options.processes > MOST_LOADS
        || options.connections / options.processes < options.port_count)
        stop("--processes must be 1 to %u, with at least one client for each port", MOST_LOADS);
    room = mmap(NULL, sizeof *room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        stop("mmap: %s", strerror(errno));
    for (unsigned process = 1; process < options.processes; process++)
        if (fork() == 0)
            run_receiver(process);
    struct connection *connections = open_clients(0);
    greet_room(connections);
    printf("ready %llu failed %llu\n", (unsigned long long)SUM(greeted),
           (unsigned long long)SUM(failed));
    fflush(stdout);
    follow_commands(connections);
}

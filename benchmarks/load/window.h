/* The window: the time that is measured, and the processor time that was used in it.
 *
 * The processor time of the server is that of all processes of the session `--session`, with their
 * threads. Processes that start within the window do not count.
 */
#define MOST_PROCESSES 64

static struct {
    uint64_t from, until;    /* nanoseconds of CLOCK_MONOTONIC */
    uint64_t client, server; /* processor time before the window; once it has ended, within it */
    int begun;
} window;
static clockid_t server_clocks[MOST_PROCESSES];
static unsigned server_clock_count;

/* Return the session of a process, 0 when the process has ended. */
static unsigned session_of(const char *process)
{
    char path[300], text[1000];
    unsigned session = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", process);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *fields = strrchr(text, ')'); /* the name before it may contain anything */
    if (fields == NULL || sscanf(fields, ") %*c %*d %*d %u", &session) != 1)
        return 0;
    return session;
}

static void find_server(void)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) && server_clock_count < MOST_PROCESSES) {
        clockid_t clock;
        long process = strtol(entry->d_name, NULL, 10);
        if (process > 0 && session_of(entry->d_name) == options.session
            && clock_getcpuclockid((pid_t)process, &clock) == 0)
            server_clocks[server_clock_count++] = clock;
    }
    if (folder)
        closedir(folder);
}

static uint64_t server_time(void)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < server_clock_count; i++)
        total += clock_time(server_clocks[i]);
    return total;
}

/* Begin to count processor time. */
static void begin_window(void)
{
    window.begun = 1;
    if (options.session)
        find_server();
    window.server = server_time();
    window.client = clock_time(CLOCK_PROCESS_CPUTIME_ID);
}

/* Stop counting processor time. */
static void end_window(void)
{
    if (!window.begun)
        begin_window();
    window.client = clock_time(CLOCK_PROCESS_CPUTIME_ID) - window.client;
    window.server = server_time() - window.server;
}

/* Plan a window of `--seconds`, which begins after `--warmup`. */
static void plan_window(void)
{
    window.from = now() + nanoseconds(options.warmup);
    window.until = window.from + nanoseconds(options.seconds);
}

static int in_window(uint64_t time)
{
    return time >= window.from && time < window.until;
}

/* Begin the window when its time has come; return the time of its next change. */
static uint64_t next_change(void)
{
    if (now() < window.from)
        return window.from;
    if (!window.begun)
        begin_window();
    return window.until;
}

/* Print the rate of `units` (messages, pages, …) in a window of `seconds`, and the processor time
 * that the server used for each. */
static void print_rate(const char *units, uint64_t count, double seconds)
{
    printf("\"%s\":%llu,\"seconds\":%.6f,\"per_second\":%.1f", units, (unsigned long long)count,
           seconds, (double)count / seconds);
    if (window.server && count)
        printf(",\"server_share\":%.3f,\"cpu_us\":%.3f,\"per_cpu_second\":%.1f",
               (double)window.server / 1e9 / seconds, (double)window.server / 1e3 / (double)count,
               (double)count * 1e9 / (double)window.server);
}

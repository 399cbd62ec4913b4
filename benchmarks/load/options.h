/* The command line, and the HTTP request that it asks for.
 *
 * Each option has one argument. An unknown option, or one without its argument, ends the program
 * with status 2.
 */
#define MOST_PORTS 4

struct options {
    const char *host, *path, *pages_path;
    unsigned ports[MOST_PORTS], port_count; /* `--port` once for each; clients connect in turns */
    unsigned processes;                     /* of this program */
    unsigned port, connections, inflight, rounds, pace, blocking_pages, slow, visitors, visits;
    unsigned session; /* of the server's processes; 0 measures no processor time of the server */
    size_t size;
    double seconds, warmup, rate, timeout;
    char *headers; /* whole lines, each with its CRLF */
};

static struct options options = {
    .host = "127.0.0.1", .path = "/", .pages_path = "/slow/", .connections = 64, .inflight = 1,
    .processes = 1, .rounds = 50, .pace = 32, .visits = 10000, .size = 64,
    .seconds = 3, .warmup = 0.5, .timeout = 60,
};

static void stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

/* malloc and realloc that end the program instead of returning NULL. */
static void *grow(void *memory, size_t size)
{
    memory = realloc(memory, size ? size : 1);
    if (memory == NULL)
        stop("out of memory");
    return memory;
}

static double number(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || value < 0)
        stop("%s must be a number of at least 0, not %s", name, text);
    return value;
}

static void add_header(const char *line)
{
    size_t length = options.headers ? strlen(options.headers) : 0;
    options.headers = grow(options.headers, length + strlen(line) + 3);
    sprintf(options.headers + length, "%s\r\n", line);
}

static void add_port(unsigned port)
{
    if (options.port_count == MOST_PORTS)
        stop("--port can be given %d times", MOST_PORTS);
    options.ports[options.port_count++] = options.port = port;
}

static void read_option(const char *name, const char *value)
{
    if (!strcmp(name, "--host")) options.host = value;
    else if (!strcmp(name, "--path")) options.path = value;
    else if (!strcmp(name, "--pages-path")) options.pages_path = value;
    else if (!strcmp(name, "--header")) add_header(value);
    else if (!strcmp(name, "--port")) add_port((unsigned)number(name, value));
    else if (!strcmp(name, "--processes")) options.processes = (unsigned)number(name, value);
    else if (!strcmp(name, "--connections")) options.connections = (unsigned)number(name, value);
    else if (!strcmp(name, "--inflight")) options.inflight = (unsigned)number(name, value);
    else if (!strcmp(name, "--slow")) options.slow = (unsigned)number(name, value);
    else if (!strcmp(name, "--visitors")) options.visitors = (unsigned)number(name, value);
    else if (!strcmp(name, "--visits")) options.visits = (unsigned)number(name, value);
    else if (!strcmp(name, "--session")) options.session = (unsigned)number(name, value);
    else if (!strcmp(name, "--rounds")) options.rounds = (unsigned)number(name, value);
    else if (!strcmp(name, "--pace")) options.pace = (unsigned)number(name, value);
    else if (!strcmp(name, "--blocking-pages"))
        options.blocking_pages = (unsigned)number(name, value);
    else if (!strcmp(name, "--size")) options.size = (size_t)number(name, value);
    else if (!strcmp(name, "--seconds")) options.seconds = number(name, value);
    else if (!strcmp(name, "--warmup")) options.warmup = number(name, value);
    else if (!strcmp(name, "--rate")) options.rate = number(name, value);
    else if (!strcmp(name, "--timeout")) options.timeout = number(name, value);
    else stop("unknown option %s", name);
}

static void read_options(int count, char **words)
{
    options.headers = grow(NULL, 1);
    options.headers[0] = '\0';
    for (int i = 0; i < count; i += 2) {
        if (i + 1 == count)
            stop("%s needs an argument", words[i]);
        read_option(words[i], words[i + 1]);
    }
    for (unsigned i = 0; i < options.port_count; i++)
        if (options.ports[i] == 0 || options.ports[i] > 65535)
            options.port = 0;
    if (options.port == 0)
        stop("--port must be between 1 and 65535");
    if (options.connections == 0 || options.inflight == 0 || options.pace == 0 || options.size == 0)
        stop("--connections, --inflight, --pace and --size must not be 0");
}

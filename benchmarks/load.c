/* The load of the benchmarks: WebSocket and HTTP clients on one epoll, one thread.
 *
 *     load MODE --port P [--path /…] [--connections N] …
 *
 * The modes are echo, events, handshakes, reconnects, deploy, idle, churn, broadcast, room and
 * pages.
 *
 * Prints one line of JSON. `failed` is the number of connections that failed, `failure` the reason
 * of the first one. `unclean` is the number of connections whose Close was not answered. `client`
 * is the share of a core that this program used: near 1 it is the limit, not the server. All sizes
 * are bytes, all times seconds. load/options.h has the options.
 *
 * The exit status is 0 after a measurement, and 2 after an error of the command line or the system.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "load/options.h"
#include "load/latency.h"
#include "load/window.h"
#include "load/connection.h"

/* Print the end of the JSON line: the share of a core that this program used in a window of
 * `seconds`, and the failures. */
static void print_end(double seconds)
{
    printf(",\"client\":%.3f,\"unclean\":%u,\"failed\":%u",
           (double)window.client / 1e9 / seconds, unclean, failed);
    if (failed) {
        fputs(",\"failure\":\"", stdout);
        for (const char *letter = first_failure; *letter; letter++)
            if (*letter >= ' ' && *letter != '"' && *letter != '\\')
                putchar(*letter);
        putchar('"');
    }
    puts("}");
}

#include "load/http.h"
#include "load/websocket.h"
#include "load/pages.h"
#include "load/echo.h"
#include "load/events.h"
#include "load/handshakes.h"
#include "load/idle.h"
#include "load/broadcast.h"
#include "load/reconnects.h"
#include "load/churn.h"
#include "load/deploy.h"
#include "load/room.h"
#include "load/crowd.h"

int main(int count, char **words)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {{"echo", run_echo}, {"events", run_events}, {"handshakes", run_handshakes},
                 {"reconnects", run_reconnects}, {"idle", run_idle}, {"churn", run_churn},
                 {"broadcast", run_broadcast}, {"pages", run_pages}, {"deploy", run_deploy},
                 {"room", run_room}};
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (size_t i = 0; count > 1 && i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(words[1], modes[i].name))
            continue;
        read_options(count - 2, words + 2);
        random_state ^= now() | 1;
        make_loop();
        modes[i].run();
        return 0;
    }
    stop("usage: load MODE --port PORT [OPTION VALUE …]; load.c lists the modes");
}

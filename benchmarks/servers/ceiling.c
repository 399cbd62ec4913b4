/* The ceiling: an echo server that does as little as possible, on one epoll and one thread.
 *
 *     ceiling PORT
 *
 * It shows the highest rate that the load client can measure. It trusts its client: a handshake
 * arrives in one read, messages have no fragments, and nothing is limited.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../load/http.h"

struct peer {
    int descriptor, open;
    unsigned char *input, *output; /* `length` bytes, and `waiting` unsent bytes */
    size_t length, input_room, waiting, output_room;
};

static int poller;

static void *room(void *memory, size_t *have, size_t wanted)
{
    if (wanted <= *have)
        return memory;
    *have = wanted * 2;
    memory = realloc(memory, *have);
    if (memory == NULL)
        exit(1);
    return memory;
}

static void say(struct peer *peer, const void *data, size_t length)
{
    peer->output = room(peer->output, &peer->output_room, peer->waiting + length);
    memcpy(peer->output + peer->waiting, data, length);
    peer->waiting += length;
}

static void send_waiting(struct peer *peer)
{
    ssize_t sent = send(peer->descriptor, peer->output, peer->waiting, MSG_NOSIGNAL);
    if (sent <= 0)
        return;
    peer->waiting -= (size_t)sent;
    memmove(peer->output, peer->output + sent, peer->waiting);
    struct epoll_event event = {.events = EPOLLIN | (peer->waiting ? (unsigned)EPOLLOUT : 0u)};
    event.data.ptr = peer;
    epoll_ctl(poller, EPOLL_CTL_MOD, peer->descriptor, &event);
}

static size_t answer_handshake(struct peer *peer)
{
    char digest[29], text[200];
    peer->input = room(peer->input, &peer->input_room, peer->length + 1);
    peer->input[peer->length] = '\0';
    const char *key = header((char *)peer->input, "sec-websocket-key");
    if (key == NULL || strstr((char *)peer->input, "\r\n\r\n") == NULL)
        return 0;
    accept_digest(key, digest);
    say(peer, text, (size_t)sprintf(text,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n\r\n", digest));
    peer->open = 1;
    return peer->length;
}

/* Echo the frame at `frame` if it is complete; return its length, or 0. A Close is answered. */
static size_t answer_frame(struct peer *peer, unsigned char *frame, size_t length)
{
    size_t head = 2, payload;
    if (length < 2)
        return 0;
    payload = frame[1] & 127;
    head = payload == 126 ? 4 : payload == 127 ? 10 : 2;
    if (length < head + 4)
        return 0;
    if (head > 2)
        payload = 0;
    for (size_t i = 2; i < head; i++)
        payload = payload << 8 | frame[i];
    if (length < head + 4 + payload)
        return 0;
    unsigned char *mask = frame + head, *data = mask + 4;
    for (size_t i = 0; i < payload; i++)
        data[i] ^= mask[i & 3];
    frame[1] &= 127;
    say(peer, frame, head);
    say(peer, data, payload);
    return head + 4 + payload;
}

static void serve(struct peer *peer)
{
    static unsigned char buffer[256 * 1024];
    ssize_t got = recv(peer->descriptor, buffer, sizeof buffer, 0);
    size_t used = 0, one;
    int closing = 0;
    if (got <= 0) {
        close(peer->descriptor);
        peer->descriptor = -1;
        return;
    }
    peer->input = room(peer->input, &peer->input_room, peer->length + (size_t)got);
    memcpy(peer->input + peer->length, buffer, (size_t)got);
    peer->length += (size_t)got;
    if (!peer->open) {
        used = answer_handshake(peer);
    } else {
        while ((one = answer_frame(peer, peer->input + used, peer->length - used))) {
            closing |= (peer->input[used] & 15) == 8;
            used += one;
        }
    }
    memmove(peer->input, peer->input + used, peer->length - used);
    peer->length -= used;
    if (peer->waiting)
        send_waiting(peer);
    if (closing)
        shutdown(peer->descriptor, SHUT_WR);
}

int main(int count, char **words)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.ptr = NULL};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((uint16_t)(count > 1 ? atoi(words[1]) : 0));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) {
        perror("ceiling");
        return 1;
    }
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer && (events[i].events & EPOLLOUT))
                send_waiting(peer);
            if (peer && peer->descriptor >= 0 && (events[i].events & ~(unsigned)EPOLLOUT))
                serve(peer);
            if (peer)
                continue;
            peer = calloc(1, sizeof *peer);
            peer->descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            setsockopt(peer->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            event.data.ptr = peer;
            epoll_ctl(poller, EPOLL_CTL_ADD, peer->descriptor, &event);
        }
    }
}

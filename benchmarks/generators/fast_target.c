/* A Socket.IO server that costs little, for comparing generators: one thread, one epoll loop.
 *
 * It speaks Engine.IO v4 over WebSocket only, the namespace "/", text events, and of the target
 * contract: message-with-ack, say-all and the operation info. It trusts its clients: it counts
 * heartbeats and does not enforce them, and ends a connection at the first thing that it does not
 * know. It prints the port that it listens on: one of its own, or the one that it is given, which
 * several processes share. `GET /counters` tells what it has done so far; at SIGTERM it prints that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"
#include "handshake.h"

#define MAX_FD 70000
#define MAX_MESSAGE (1 << 20)
#define PING_INTERVAL 25

struct connection {
    int fd, upgraded, joined, writing, dead;
    time_t ping_at;
    struct buffer in, out; /* what a read left over; what the kernel did not take */
};

static struct connection *connections[MAX_FD];
static int highest, poll_fd, in_batch;
static struct buffer batch; /* the answers to one read, sent at once */
static struct connection *reader;
static unsigned long live, opened, acknowledged, receipts, pings, pongs;
static volatile sig_atomic_t stopped;
static unsigned char chunk[65536];

static void watch(struct connection *c, int writing) {
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.fd = c->fd};
    c->writing = writing;
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

/* Hand octets to the kernel; what it does not take waits in order. */
static void send_now(struct connection *c, const void *data, size_t length) {
    if (c->out.length == 0) {
        ssize_t sent = send(c->fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent == (ssize_t)length)
            return;
        if (sent < 0 && errno != EAGAIN) {
            c->dead = 1;
            return;
        }
        if (sent > 0)
            data = (const char *)data + sent, length -= (size_t)sent;
    }
    append(&c->out, data, length);
    if (!c->writing)
        watch(c, 1);
}

static void put(struct connection *c, const void *data, size_t length) {
    if (in_batch && c == reader)
        append(&batch, data, length);
    else
        send_now(c, data, length);
}

static struct buffer frame; /* the frame being built */

static void build(int opcode, size_t length) {
    unsigned char head[10];
    frame.length = 0;
    append(&frame, head, header(head, opcode, length));
}

static void text(struct connection *c, const char *message) {
    build(1, strlen(message));
    append(&frame, message, strlen(message));
    put(c, frame.data, frame.length);
}

static void leave(struct connection *c) {
    live -= (unsigned long)c->joined;
    c->joined = 0;
}

static void end(struct connection *c) {
    leave(c);
    close(c->fd);
    connections[c->fd] = NULL;
    forget(&c->in);
    forget(&c->out);
    free(c);
}

/* `rest` is what follows the name of the event and its comma, closing bracket included. */
static void event(struct connection *c, const char *id, int id_length, const char *name,
                  size_t name_length, const char *rest, size_t rest_length) {
    char answer[256];
    if (name_length == 16 && memcmp(name, "message-with-ack", 16) == 0 && id_length) {
        build(1, 2 + (size_t)id_length + 1 + rest_length);
        append(&frame, "43", 2);
        append(&frame, id, (size_t)id_length);
        append(&frame, "[", 1);
        append(&frame, rest, rest_length);
        put(c, frame.data, frame.length);
        acknowledged++;
    } else if (name_length == 7 && memcmp(name, "say-all", 7) == 0) {
        static const char said[] = "42[\"said\",null,";
        build(1, sizeof said - 1 + rest_length);
        append(&frame, said, sizeof said - 1);
        append(&frame, rest, rest_length);
        for (int fd = 0; fd <= highest; fd++)
            if (connections[fd] != NULL && connections[fd]->joined) {
                put(connections[fd], frame.data, frame.length);
                receipts++;
            }
        if (id_length) {
            snprintf(answer, sizeof answer, "43%.*s[]", id_length, id);
            text(c, answer);
        }
    } else if (name_length == 9 && memcmp(name, "sockproof", 9) == 0 && id_length) {
        if (memmem(rest, rest_length, "\"info\"", 6) != NULL)
            snprintf(answer, sizeof answer,
                     "43%.*s[{\"ok\":true,\"sid\":\"s%d\",\"namespace\":\"/\",\"transport\":"
                     "\"websocket\",\"process\":\"1\",\"capabilities\":[\"info\"]}]",
                     id_length, id, c->fd);
        else
            snprintf(answer, sizeof answer, "43%.*s[{\"ok\":false,\"error\":\"unsupported\"}]",
                     id_length, id);
        text(c, answer);
    } else if (id_length) {
        snprintf(answer, sizeof answer, "43%.*s[]", id_length, id);
        text(c, answer);
    }
}

static void packet(struct connection *c, const char *data, size_t length) {
    char answer[64];
    if (length == 0)
        return;
    if (data[0] == '3') { /* PONG */
        pongs++;
        return;
    }
    if (length < 2 || data[0] != '4') {
        c->dead = 1;
    } else if (data[1] == '0' && !c->joined && (length == 2 || data[2] == '{')) {
        snprintf(answer, sizeof answer, "40{\"sid\":\"s%d\"}", c->fd);
        text(c, answer);
        c->joined = 1;
        live++, opened++;
    } else if (data[1] == '1') {
        leave(c);
    } else if (data[1] == '2' && c->joined) {
        size_t at = 2, first;
        while (at < length && data[at] >= '0' && data[at] <= '9')
            at++;
        if (at > 22 || at + 2 > length || data[at] != '[' || data[at + 1] != '"') {
            c->dead = 1;
            return;
        }
        first = at + 2;
        const char *quote = memchr(data + first, '"', length - first);
        if (quote == NULL || quote + 2 > data + length) {
            c->dead = 1;
            return;
        }
        const char *rest = quote + 1 + (quote[1] == ',');
        event(c, data + 2, (int)(at - 2), data + first, (size_t)(quote - data) - first, rest,
              length - (size_t)(rest - data));
    } else if (data[1] != '3') {
        c->dead = 1;
    }
}

/* One frame at the beginning of the data: its length, 0 while it is incomplete. */
static size_t take_frame(struct connection *c, unsigned char *data, size_t available) {
    size_t length, at = 2;
    if (available < 6)
        return 0;
    length = data[1] & 127;
    if (length == 126)
        length = (size_t)data[2] << 8 | data[3], at = 4;
    else if (length == 127)
        length = MAX_MESSAGE + 1;
    if (!(data[0] & 0x80) || (data[0] & 0x70) || !(data[1] & 0x80) || length > MAX_MESSAGE) {
        c->dead = 1;
        return 0;
    }
    if (available < at + 4 + length)
        return 0;
    unsigned char *mask = data + at, *payload = mask + 4;
    for (size_t i = 0; i < length; i++)
        payload[i] ^= mask[i & 3];
    int opcode = data[0] & 15;
    if (opcode == 1) {
        packet(c, (char *)payload, length);
    } else if (opcode == 9 || opcode == 8) {
        build(opcode == 9 ? 10 : 8, length);
        append(&frame, payload, length);
        put(c, frame.data, frame.length);
        c->dead |= opcode == 8;
    } else if (opcode != 10) {
        c->dead = 1;
    }
    return at + 4 + length;
}

static const char *counted(void) {
    static char body[300];
    snprintf(body, sizeof body,
             "{\"open\":%lu,\"opened\":%lu,\"acknowledged\":%lu,\"receipts\":%lu,"
             "\"pings\":%lu,\"pongs\":%lu}",
             live, opened, acknowledged, receipts, pings, pongs);
    return body;
}

static void counters(struct connection *c) {
    const char *body = counted();
    char answer[500];
    snprintf(answer, sizeof answer,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s",
             strlen(body), body);
    put(c, answer, strlen(answer));
    c->dead = 1;
}

/* The request of a handshake: its length, 0 while it is incomplete. */
static size_t take_request(struct connection *c, unsigned char *data, size_t available) {
    char request[8192], key[64] = "", value[29], answer[256];
    unsigned char *last = memmem(data, available, "\r\n\r\n", 4);
    if (last == NULL || (size_t)(last - data) >= sizeof request) {
        c->dead = available >= sizeof request;
        return 0;
    }
    memcpy(request, data, (size_t)(last - data));
    request[last - data] = 0;
    if (strncmp(request, "GET /counters", 13) == 0) {
        counters(c);
        return (size_t)(last - data) + 4;
    }
    char *found = strcasestr(request, "\r\nsec-websocket-key:");
    if (found == NULL || sscanf(found + 20, " %63s", key) != 1) {
        static const char no[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n";
        put(c, no, sizeof no - 1);
        c->dead = 1;
        return available;
    }
    accept_value(key, value);
    snprintf(answer, sizeof answer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
             value);
    put(c, answer, strlen(answer));
    snprintf(answer, sizeof answer,
             "0{\"sid\":\"e%d\",\"upgrades\":[],\"pingInterval\":%d,\"pingTimeout\":20000,"
             "\"maxPayload\":1000000}",
             c->fd, PING_INTERVAL * 1000);
    text(c, answer);
    c->upgraded = 1;
    c->ping_at = time(NULL) + PING_INTERVAL;
    return (size_t)(last - data) + 4;
}

static void readable(struct connection *c) {
    ssize_t got = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got <= 0) {
        c->dead = got == 0 || errno != EAGAIN;
        return;
    }
    unsigned char *data = chunk;
    size_t length = (size_t)got, at = 0;
    if (c->in.length) {
        append(&c->in, chunk, length);
        data = c->in.data, length = c->in.length;
    }
    reader = c, in_batch = 1, batch.length = 0;
    while (at < length && !c->dead) {
        size_t taken = c->upgraded ? take_frame(c, data + at, length - at)
                                   : take_request(c, data + at, length - at);
        if (taken == 0)
            break;
        at += taken;
    }
    in_batch = 0;
    if (batch.length)
        send_now(c, batch.data, batch.length);
    if (data == c->in.data) {
        memmove(data, data + at, length - at);
        c->in.length = length - at;
        if (c->in.length == 0)
            forget(&c->in);
    } else if (at < length) {
        append(&c->in, data + at, length - at);
    }
}

static void writable(struct connection *c) {
    ssize_t sent = send(c->fd, c->out.data, c->out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        c->dead = errno != EAGAIN;
        return;
    }
    c->out.length -= (size_t)sent;
    memmove(c->out.data, c->out.data + sent, c->out.length);
    if (c->out.length == 0) {
        forget(&c->out);
        watch(c, 0);
    }
}

static void heartbeats(void) {
    time_t now = time(NULL);
    for (int fd = 0; fd <= highest; fd++) {
        struct connection *c = connections[fd];
        if (c != NULL && c->upgraded && c->ping_at <= now) {
            text(c, "2");
            pings++;
            c->ping_at = now + PING_INTERVAL;
        }
    }
}

static void greet(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = fd < MAX_FD ? calloc(1, sizeof *c) : NULL;
        if (c == NULL) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        connections[fd] = c;
        highest = fd > highest ? fd : highest;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static void stop(int number) {
    stopped = number;
}

int main(int count, char **words) {
    struct rlimit limit;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct epoll_event events[256];
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sigaction stopping = {.sa_handler = stop};
    sigaction(SIGTERM, &stopping, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody is left to stop it then */
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (count > 1) {
        address.sin_port = htons((unsigned short)atoi(words[1]));
        setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    }
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("fast_target");
        return 1;
    }
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    time_t beat = time(NULL);
    while (!stopped) {
        int ready = epoll_wait(poll_fd, events, 256, 1000);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            struct connection *c = connections[fd];
            if (fd == listener) {
                greet(listener);
            } else if (c != NULL) {
                if (events[i].events & EPOLLOUT)
                    writable(c);
                if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                    readable(c);
                if (c->dead)
                    end(c);
            }
        }
        if (time(NULL) != beat) {
            beat = time(NULL);
            heartbeats();
        }
    }
    puts(counted());
    return 0;
}

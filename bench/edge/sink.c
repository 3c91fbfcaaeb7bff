/*
 * An SMTP server that takes every mail, counts it and forgets it: the far end of all systems that are compared.
 *
 *   sink --port 2525 --control 2526 --address 127.0.30.1 --count 50 [--delay 200]
 *        [--certificate cert.pem --key key.pem] [--capture mails.txt]
 *
 * It listens on --count addresses from --address on. A connection to the control port (on 127.0.0.1) is answered
 * with the counts as JSON and closed. Mails are told apart by their Message-ID. One thread, epoll, no dependency
 * but OpenSSL; it ends with the process that started it.
 *
 *   --delay     milliseconds to wait before the answer to the final dot
 *   --certificate, --key   PEM files: offer STARTTLS (RFC 3207), with session tickets
 *   --capture   write each mail there as it came, dot-stuffed, after a line `sender recipient,recipient length`
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "unique.h"

enum { READ_SIZE = 1 << 16, MAX_UNREAD = 1 << 26, EVENTS = 256, BACKLOG = 4096 };
enum kind { LISTENER, CONTROL, CONNECTION };

struct buffer {
    char *bytes;
    size_t length, room;
};

struct peer {
    enum kind kind;
    int fd;
    SSL *tls;
    bool in_mail, waiting, ending, watches_output;
    size_t scanned; /* how much of the mail is known to hold no end */
    struct buffer in, out, sender, recipients;
    double due; /* when the delayed answer is given */
    struct peer *next_due;
};

static struct {
    long received, unique, recipients, connections, open, most_open, handshakes, resumed;
    long long bytes;
    double first_at, last_at; /* seconds since 1970, of the first and last final dot */
} counts;

static int epoll;
static double delay;
static SSL_CTX *tls_context;
static FILE *capture;
static struct peer *first_due, *last_due;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double clock_seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void reserve(struct buffer *buffer, size_t more) {
    if (buffer->length + more <= buffer->room) return;
    buffer->room = 2 * (buffer->length + more);
    if (!(buffer->bytes = realloc(buffer->bytes, buffer->room))) fail("realloc");
}

static void append(struct buffer *buffer, const char *bytes, size_t length) {
    reserve(buffer, length);
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

static void say(struct peer *peer, const char *line) { append(&peer->out, line, strlen(line)); }

/* --- the conversation (RFC 5321) ----------------------------------------------------------------------------- */

static void take(struct peer *peer, const char *mail, size_t length) {
    counts.last_at = clock_seconds(CLOCK_REALTIME);
    if (!counts.received++) counts.first_at = counts.last_at;
    counts.bytes += length;
    counts.unique += is_new(mail, length);
    if (capture) {
        fprintf(capture, "%.*s %.*s %zu\n", (int)peer->sender.length, peer->sender.bytes,
                (int)peer->recipients.length, peer->recipients.bytes, length);
        fwrite(mail, 1, length, capture);
    }
    peer->sender.length = peer->recipients.length = 0;
}

static void greet(struct peer *peer) {
    say(peer, "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n");
    if (tls_context && !peer->tls) say(peer, "250-STARTTLS\r\n");
    say(peer, "250 ENHANCEDSTATUSCODES\r\n");
}

static void start_tls(struct peer *peer) {
    say(peer, "220 2.0.0 Ready\r\n");
    /* Before the handshake there is nothing to wait for: the socket takes 17 bytes. */
    if (write(peer->fd, peer->out.bytes, peer->out.length) < 0) peer->ending = true;
    peer->out.length = 0;
    peer->tls = SSL_new(tls_context);
    SSL_set_fd(peer->tls, peer->fd);
    SSL_set_accept_state(peer->tls);
}

/* Appends what is between < and > in a MAIL or RCPT command. */
static void add_address(struct buffer *to, const char *line, size_t length) {
    const char *open = memchr(line, '<', length), *close = memchr(line, '>', length);
    if (!open || !close || close < open) return;
    if (to->length) append(to, ",", 1);
    append(to, open + 1, close - open - 1);
}

static void obey(struct peer *peer, const char *line, size_t length) {
    if (is(line, length, "EHLO") || is(line, length, "HELO")) {
        greet(peer);
    } else if (is(line, length, "STARTTLS") && tls_context && !peer->tls) {
        start_tls(peer);
    } else if (is(line, length, "MAIL")) {
        peer->sender.length = peer->recipients.length = 0;
        add_address(&peer->sender, line, length);
        say(peer, "250 2.1.0 Ok\r\n");
    } else if (is(line, length, "RCPT")) {
        counts.recipients++;
        add_address(&peer->recipients, line, length);
        say(peer, "250 2.1.5 Ok\r\n");
    } else if (is(line, length, "DATA")) {
        peer->in_mail = true;
        peer->scanned = 0;
        say(peer, "354 Go ahead\r\n");
    } else if (is(line, length, "QUIT")) {
        peer->ending = true;
        say(peer, "221 2.0.0 Bye\r\n");
    } else {
        say(peer, "250 2.0.0 Ok\r\n");
    }
}

static void answer_dot(struct peer *peer) { say(peer, "250 2.0.0 Ok: queued as 4F2A91C0D7\r\n"); }

static void answer_later(struct peer *peer) {
    peer->waiting = true;
    peer->due = clock_seconds(CLOCK_MONOTONIC) + delay;
    peer->next_due = NULL;
    if (last_due) last_due->next_due = peer;
    else first_due = peer;
    last_due = peer;
}

/* Length of the mail at `bytes` with the CR LF of its last line, or -1 while its end has not come. */
static ssize_t mail_length(struct peer *peer, const char *bytes, size_t length) {
    if (length >= 3 && !memcmp(bytes, ".\r\n", 3)) return 0;
    const char *end = memmem(bytes + peer->scanned, length - peer->scanned, "\r\n.\r\n", 5);
    if (end) return end - bytes + 2;
    peer->scanned = length > 4 ? length - 4 : 0;
    return -1;
}

static void converse(struct peer *peer) {
    size_t done = 0;
    while (!peer->waiting && !peer->ending && done < peer->in.length) {
        const char *unread = peer->in.bytes + done;
        size_t left = peer->in.length - done;
        if (peer->in_mail) {
            ssize_t length = mail_length(peer, unread, left);
            if (length < 0) break;
            take(peer, unread, length);
            peer->in_mail = false;
            done += length + 3;
            if (delay > 0) answer_later(peer);
            else answer_dot(peer);
        } else {
            const char *end = memchr(unread, '\n', left);
            if (!end) break;
            bool in_clear = !peer->tls;
            done += end + 1 - unread;
            obey(peer, unread, end - unread);
            /* What was sent before the handshake is nobody's word (RFC 3207, section 4.2). */
            if (in_clear && peer->tls) done = peer->in.length;
        }
    }
    memmove(peer->in.bytes, peer->in.bytes + done, peer->in.length - done);
    peer->in.length -= done;
}

/* --- sockets -------------------------------------------------------------------------------------------------- */

static void watch(struct peer *peer, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(epoll, operation, peer->fd, &event)) fail("epoll_ctl");
}

static void watch_output(struct peer *peer, bool wanted) {
    if (peer->watches_output == wanted) return;
    peer->watches_output = wanted;
    watch(peer, EPOLL_CTL_MOD, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static struct peer *add(enum kind kind, int fd) {
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer) fail("calloc");
    peer->kind = kind;
    peer->fd = fd;
    watch(peer, EPOLL_CTL_ADD, EPOLLIN);
    return peer;
}

static void release(struct peer *peer) {
    free(peer->in.bytes);
    free(peer->out.bytes);
    free(peer->sender.bytes);
    free(peer->recipients.bytes);
    free(peer);
}

/* One that waits for its delayed answer is released when that is due. */
static void hang_up(struct peer *peer) {
    if (peer->tls) SSL_free(peer->tls);
    close(peer->fd);
    peer->fd = -1;
    counts.open--;
    if (!peer->waiting) release(peer);
}

/* Bytes moved, 0 when the socket must be waited for, -1 when the connection is over. */
static ssize_t moved(struct peer *peer, ssize_t result) {
    if (result > 0) return result;
    if (!peer->tls) return result < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    int error = SSL_get_error(peer->tls, result);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static bool send_output(struct peer *peer) {
    while (peer->out.length) {
        struct buffer *out = &peer->out;
        ssize_t sent = moved(peer, peer->tls ? SSL_write(peer->tls, out->bytes, out->length)
                                             : write(peer->fd, out->bytes, out->length));
        if (sent < 0) return false;
        if (sent == 0) break;
        memmove(out->bytes, out->bytes + sent, out->length - sent);
        out->length -= sent;
    }
    watch_output(peer, peer->out.length > 0);
    return !(peer->ending && !peer->out.length);
}

static void count_handshake(struct peer *peer, bool was_finished) {
    if (!peer->tls || was_finished || !SSL_is_init_finished(peer->tls)) return;
    counts.handshakes++;
    counts.resumed += SSL_session_reused(peer->tls);
}

/* False when the connection is over. */
static bool receive_input(struct peer *peer) {
    for (;;) {
        if (peer->in.length > MAX_UNREAD) return false;
        reserve(&peer->in, READ_SIZE);
        char *end = peer->in.bytes + peer->in.length;
        bool in_clear = !peer->tls, finished = peer->tls && SSL_is_init_finished(peer->tls);
        ssize_t got = moved(peer, in_clear ? read(peer->fd, end, READ_SIZE) : SSL_read(peer->tls, end, READ_SIZE));
        count_handshake(peer, finished);
        if (got < 0) return false;
        if (got == 0) return true;
        peer->in.length += got;
        converse(peer);
        if (!send_output(peer)) return false;
        /* epoll tells of more on a plain socket; what OpenSSL has read ahead it does not know of. */
        if (in_clear && !peer->tls) return true;
    }
}

static void accept_from(struct peer *listener) {
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct peer *peer = add(CONNECTION, fd);
    counts.connections++;
    if (++counts.open > counts.most_open) counts.most_open = counts.open;
    say(peer, "220 sink.example ESMTP\r\n");
    if (!send_output(peer)) hang_up(peer);
}

static void tell_counts(struct peer *listener) {
    int fd = accept(listener->fd, NULL, NULL);
    if (fd < 0) return;
    if (capture) fflush(capture);
    dprintf(fd,
            "{\"received\": %ld, \"unique\": %ld, \"recipients\": %ld, \"bytes\": %lld, \"connections\": %ld, "
            "\"most_open\": %ld, \"handshakes\": %ld, \"resumed\": %ld, \"first_at\": %.6f, \"last_at\": %.6f}\n",
            counts.received, counts.unique, counts.recipients, counts.bytes, counts.connections, counts.most_open,
            counts.handshakes, counts.resumed, counts.first_at, counts.last_at);
    close(fd);
}

static void serve(struct peer *peer, uint32_t events) {
    bool open = !(events & EPOLLOUT) || send_output(peer);
    if (!open || !receive_input(peer)) hang_up(peer);
}

static void answer_due(void) {
    double now = clock_seconds(CLOCK_MONOTONIC);
    while (first_due && first_due->due <= now) {
        struct peer *peer = first_due;
        if (!(first_due = peer->next_due)) last_due = NULL;
        peer->waiting = false;
        if (peer->fd < 0) {
            release(peer);
            continue;
        }
        answer_dot(peer);
        converse(peer);
        if (!send_output(peer)) hang_up(peer);
    }
}

static int milliseconds_to_due(void) {
    if (!first_due) return -1;
    double left = first_due->due - clock_seconds(CLOCK_MONOTONIC);
    return left < 0 ? 0 : (int)(left * 1000) + 1;
}

static void listen_on(enum kind kind, uint32_t address, int port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) || listen(fd, BACKLOG)) fail("cannot listen");
    add(kind, fd);
}

static void offer_tls(const char *certificate, const char *key) {
    tls_context = SSL_CTX_new(TLS_server_method());
    if (!tls_context || SSL_CTX_use_certificate_chain_file(tls_context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_context, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    SSL_CTX_set_session_id_context(tls_context, (const unsigned char *)"sink", 4);
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static void configure(int count, char **words) {
    enum { PORT, CONTROL_PORT, ADDRESS, COUNT, DELAY, CERTIFICATE, KEY, CAPTURE, OPTIONS };
    static const struct option options[OPTIONS + 1] = {
        {"port", 1, NULL, PORT},   {"control", 1, NULL, CONTROL_PORT},    {"address", 1, NULL, ADDRESS},
        {"count", 1, NULL, COUNT}, {"delay", 1, NULL, DELAY},             {"certificate", 1, NULL, CERTIFICATE},
        {"key", 1, NULL, KEY},     {"capture", 1, NULL, CAPTURE},         {0},
    };
    const char *values[OPTIONS] = {"0", "0", "127.0.0.1", "1", "0", NULL, NULL, NULL};
    for (int option; (option = getopt_long(count, words, "", options, NULL)) != -1;) {
        if (option >= OPTIONS) exit(2);
        values[option] = optarg;
    }
    delay = atof(values[DELAY]) / 1000;
    if (values[CERTIFICATE] && values[KEY]) offer_tls(values[CERTIFICATE], values[KEY]);
    if (values[CAPTURE] && !(capture = fopen(values[CAPTURE], "w"))) fail(values[CAPTURE]);
    uint32_t address = ntohl(inet_addr(values[ADDRESS]));
    for (int i = 0; i < atoi(values[COUNT]); i++) listen_on(LISTENER, address + i, atoi(values[PORT]));
    listen_on(CONTROL, INADDR_LOOPBACK, atoi(values[CONTROL_PORT]));
}

int main(int count, char **words) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(0);
    configure(count, words);
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, milliseconds_to_due());
        for (int i = 0; i < ready; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer->kind == LISTENER) accept_from(peer);
            else if (peer->kind == CONTROL) tell_counts(peer);
            else serve(peer, events[i].events);
        }
        answer_due();
    }
}

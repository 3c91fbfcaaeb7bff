/* Which mails are new: told apart by the hashes of their Message-IDs, in a table of fixed size. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SLOTS = 1 << 22 };

static struct {
    uint64_t hashes[SLOTS]; /* 0: an empty slot */
    size_t used;
} seen;

static bool is(const char *line, size_t length, const char *start) {
    return length >= strlen(start) && !strncasecmp(line, start, strlen(start));
}

/* FNV-1a, 64 bits: among a million mails two share a hash with a probability of 3 in 100 million. */
static uint64_t hash_of(const char *bytes, size_t length) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    return hash ? hash : 1;
}

/* A mail without a Message-ID is told apart by all of its bytes. */
static uint64_t identity(const char *mail, size_t length) {
    const char *line = mail, *end = mail + length, *stop;
    while (line < end && *line != '\r' && (stop = memchr(line, '\n', end - line))) {
        if (is(line, stop - line, "Message-ID:")) return hash_of(line, stop - line);
        line = stop + 1;
    }
    return hash_of(mail, length);
}

static bool is_new(const char *mail, size_t length) {
    uint64_t hash = identity(mail, length);
    size_t slot = hash % SLOTS;
    while (seen.hashes[slot] && seen.hashes[slot] != hash) slot = (slot + 1) % SLOTS;
    if (seen.hashes[slot]) return false;
    if (++seen.used > SLOTS / 2) {
        fputs("Too many mails to tell apart: raise SLOTS.\n", stderr);
        exit(1);
    }
    seen.hashes[slot] = hash;
    return true;
}
